//! One timeline: messages in the order of the core, transfers between them by time, and how lines hang together (days, groups of one
//! author). Only conversations that are open in a tab have one.

use std::collections::HashSet;

use hobnob_shared::id::{Handle, MessageId, TransferId};

use crate::core::event::{MessageInfo, MessageState};

/// What became of a message's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stands as it was written.
    Written,
    /// It was changed after sending.
    Edited,
    /// It was deleted for everyone: the text is gone.
    Deleted,
}

/// A message as its bubble shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What the core stored.
    pub info: MessageInfo,
    /// Mine.
    pub own: bool,
    /// What became of its text.
    pub fate: Fate,
    /// The reader wants to see the whole of a long text.
    pub expanded: bool,
    /// Emojis and who set them, in the order of their first appearance.
    pub reactions: Vec<(String, Vec<Handle>)>,
}

impl Message {
    /// From the core, seen by `me`.
    pub fn new(info: MessageInfo, me: Option<&Handle>) -> Self {
        Self { own: me == Some(&info.from), info, fate: Fate::Written, expanded: false, reactions: Vec::new() }
    }
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A message.
    Message(Message),
    /// A transfer's card; what it shows stands with the transfers.
    Transfer {
        /// Which.
        id: TransferId,
        /// Its sender.
        from: Handle,
        /// When, in milliseconds since 1970.
        at: u64,
    },
}

impl Line {
    /// When, by the author's clock, in milliseconds since 1970.
    pub fn at(&self) -> u64 {
        match self {
            Self::Message(message) => message.info.sent_at,
            Self::Transfer { at, .. } => *at,
        }
    }

    fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Transfer { .. } => None,
        }
    }
}

/// How a line hangs together with its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// A new day begins here.
    pub new_day: bool,
    /// First of its author's group: the name stands above it.
    pub first: bool,
    /// Last of its group: time and state stand below it.
    pub last: bool,
}

/// A pause after which the same author begins a new group, in milliseconds.
const GROUP_PAUSE: u64 = 5 * 60 * 1000;
/// Lines kept while somebody watches only the end: more are read again when they scroll up.
const KEPT: usize = 2_000;
/// Lines beyond [`KEPT`] before the oldest are let go, so that it does not happen at each message.
const SLACK: usize = 1_000;

/// How far the past was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Past {
    /// Nothing was asked for.
    #[default]
    Unread,
    /// A page is on its way.
    Asked,
    /// There is more before the first line.
    More,
    /// The first line is the first there is.
    Complete,
}

/// One timeline.
#[derive(Debug, Default)]
pub struct Conversation {
    lines: Vec<Line>,
    known: HashSet<MessageId>,
    past: Past,
    /// Who writes just now.
    pub typing: Vec<Handle>,
    /// Newest message of somebody else that was reported as read.
    pub marked: Option<MessageId>,
}

impl Conversation {
    /// All lines, oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// How far the past was read.
    pub fn past(&self) -> Past {
        self.past
    }

    /// A page was asked for, or the asking failed.
    pub fn set_past(&mut self, past: Past) {
        self.past = past;
    }

    /// The oldest message here.
    pub fn oldest(&self) -> Option<MessageId> {
        self.lines.iter().find_map(Line::message).map(|message| message.info.message)
    }

    /// The newest message of somebody else.
    pub fn newest_of_others(&self) -> Option<MessageId> {
        self.lines
            .iter()
            .rev()
            .filter_map(Line::message)
            .find(|message| !message.own)
            .map(|message| message.info.message)
    }

    /// The newest page came: replaces everything, but keeps what arrived while it was on its way. Returns lines before and after.
    pub fn load_newest(
        &mut self,
        page: Vec<Message>,
        complete: bool,
        transfers: &[(TransferId, u64, Handle)],
    ) -> (usize, usize) {
        let before = self.lines.len();
        let newer: Vec<Line> = std::mem::take(&mut self.lines);
        self.known = page.iter().map(|message| message.info.message).collect();
        let from = if complete { 0 } else { page.first().map_or(u64::MAX, |message| message.info.sent_at) };
        let due: Vec<_> = transfers.iter().filter(|(_, at, _)| *at >= from).cloned().collect();
        self.lines = merged(page, due);
        for line in newer {
            if let Line::Message(message) = line
                && self.known.insert(message.info.message)
            {
                self.lines.push(Line::Message(message));
            }
        }
        self.past = if complete { Past::Complete } else { Past::More };
        (before, self.lines.len())
    }

    /// The list of transfers came after the page: sets them between the messages. Returns lines before and after.
    pub fn set_transfers(&mut self, transfers: &[(TransferId, u64, Handle)]) -> (usize, usize) {
        let page = self.lines.iter().filter_map(Line::message).cloned().collect();
        let past = self.past;
        let counts = self.load_newest(page, past == Past::Complete, transfers);
        self.past = past;
        counts
    }

    /// An older page came. Returns how many lines stand before those that were there.
    pub fn load_older(&mut self, page: Vec<Message>, complete: bool, transfers: &[(TransferId, u64, Handle)]) -> usize {
        let page: Vec<Message> = page.into_iter().filter(|message| self.known.insert(message.info.message)).collect();
        let from = if complete { 0 } else { page.first().map_or(u64::MAX, |message| message.info.sent_at) };
        let shown: HashSet<TransferId> = self.transfers().collect();
        let due = transfers.iter().filter(|(id, at, _)| *at >= from && !shown.contains(id)).cloned().collect();
        let lines = merged(page, due);
        let added = lines.len();
        self.lines.splice(0..0, lines);
        self.past = if complete { Past::Complete } else { Past::More };
        added
    }

    /// A message of now, at the end. None when it is here already.
    pub fn push(&mut self, message: Message) -> Option<usize> {
        self.typing.retain(|user| *user != message.info.from);
        if !self.known.insert(message.info.message) {
            return None;
        }
        self.lines.push(Line::Message(message));
        Some(self.lines.len() - 1)
    }

    /// A transfer of now, at the end. None when it is here already.
    pub fn push_transfer(&mut self, id: TransferId, from: Handle, at: u64) -> Option<usize> {
        if self.transfers().any(|shown| shown == id) {
            return None;
        }
        self.lines.push(Line::Transfer { id, from, at });
        Some(self.lines.len() - 1)
    }

    /// Where a transfer stands.
    pub fn find_transfer(&self, transfer: TransferId) -> Option<usize> {
        self.lines.iter().rposition(|line| matches!(line, Line::Transfer { id, .. } if *id == transfer))
    }

    /// Changes a message where it is here; tells its line. Searches from the end, where changes happen.
    pub fn change(&mut self, id: MessageId, change: impl FnOnce(&mut Message)) -> Option<usize> {
        if !self.known.contains(&id) {
            return None;
        }
        let at =
            self.lines.iter().rposition(|line| line.message().is_some_and(|message| message.info.message == id))?;
        match self.lines.get_mut(at) {
            Some(Line::Message(message)) => change(message),
            _ => return None,
        }
        Some(at)
    }

    /// A message that is here.
    pub fn find(&self, id: MessageId) -> Option<&Message> {
        self.lines.iter().rev().filter_map(Line::message).find(|message| message.info.message == id)
    }

    /// Lets the oldest lines go when there are far more than anybody watching the end needs. Returns how many went.
    pub fn trim(&mut self) -> usize {
        if self.lines.len() <= KEPT + SLACK || self.past == Past::Asked {
            return 0;
        }
        let gone = self.lines.len() - KEPT;
        for line in self.lines.drain(..gone) {
            if let Line::Message(message) = line {
                self.known.remove(&message.info.message);
            }
        }
        self.past = Past::More;
        gone
    }

    /// How a line hangs together with its neighbours. `day` numbers the days of the reader's clock.
    pub fn layout(&self, at: usize, day: &dyn Fn(u64) -> i64) -> Layout {
        let Some(line) = self.lines.get(at) else { return Layout { new_day: false, first: true, last: true } };
        let previous = at.checked_sub(1).and_then(|before| self.lines.get(before));
        let new_day = previous.is_none_or(|previous| day(previous.at()) != day(line.at()));
        let first = new_day || !previous.is_some_and(|previous| is_one_group(previous, line));
        let last = self.lines.get(at + 1).is_none_or(|next| {
            day(next.at()) != day(line.at()) || !is_one_group(line, next) || !is_one_state(line, next)
        });
        Layout { new_day, first, last }
    }

    fn transfers(&self) -> impl Iterator<Item = TransferId> {
        self.lines.iter().filter_map(|line| match line {
            Line::Transfer { id, .. } => Some(*id),
            Line::Message(_) => None,
        })
    }
}

fn is_one_group(one: &Line, next: &Line) -> bool {
    match (one, next) {
        (Line::Message(a), Line::Message(b)) => {
            a.info.from == b.info.from && b.info.sent_at.saturating_sub(a.info.sent_at) < GROUP_PAUSE
        }
        _ => false,
    }
}

/// Messages of one's own that got equally far share one line of time and state below them.
fn is_one_state(one: &Line, next: &Line) -> bool {
    match (one, next) {
        (Line::Message(a), Line::Message(b)) => !a.own || shown_state(a) == shown_state(b),
        _ => true,
    }
}

fn shown_state(message: &Message) -> Option<MessageState> {
    (message.own && message.fate != Fate::Deleted).then_some(message.info.state)
}

/// Transfers set between messages, each before the first message that is younger. Messages keep their order.
fn merged(messages: Vec<Message>, transfers: Vec<(TransferId, u64, Handle)>) -> Vec<Line> {
    let mut lines = Vec::with_capacity(messages.len() + transfers.len());
    let mut transfers = transfers.into_iter().peekable();
    for message in messages {
        while let Some((id, at, from)) = transfers.next_if(|(_, at, _)| *at < message.info.sent_at) {
            lines.push(Line::Transfer { id, from, at });
        }
        lines.push(Line::Message(message));
    }
    lines.extend(transfers.map(|(id, at, from)| Line::Transfer { id, from, at }));
    lines
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::id::{ConversationId, DeviceId};

    const MINUTE: u64 = 60_000;

    fn handle(text: &str) -> Handle {
        text.parse().unwrap()
    }

    fn message(from: &str, sent_at: u64) -> Message {
        let info = MessageInfo {
            conversation: ConversationId::Direct(handle("bob")),
            message: MessageId::new(),
            from: handle(from),
            text: "hi".to_owned(),
            sent_at,
            reply_to: None,
            state: MessageState::Queued,
            clock: sent_at,
            device: DeviceId([0; 32]),
            number: 0,
        };
        Message::new(info, Some(&handle("me.")))
    }

    fn day(at: u64) -> i64 {
        i64::try_from(at / (24 * 60 * MINUTE)).unwrap()
    }

    fn layouts(conversation: &Conversation) -> Vec<(bool, bool, bool)> {
        (0..conversation.lines().len())
            .map(|at| conversation.layout(at, &day))
            .map(|layout| (layout.new_day, layout.first, layout.last))
            .collect()
    }

    #[test]
    fn lines_group_by_author_pause_and_day() {
        let mut conversation = Conversation::default();
        let noon = 12 * 60 * MINUTE;
        for (from, at) in [("bob", noon), ("bob", noon + MINUTE), ("me.", noon + MINUTE), ("me.", noon + 20 * MINUTE)] {
            conversation.push(message(from, at)).unwrap();
        }
        conversation.push(message("me.", noon + 24 * 60 * MINUTE)).unwrap();
        let (yes, no) = (true, false);
        assert_eq!(
            layouts(&conversation),
            [(yes, yes, no), (no, no, yes), (no, yes, yes), (no, yes, yes), (yes, yes, yes)]
        );
    }

    #[test]
    fn own_messages_that_got_differently_far_each_say_so() {
        let mut conversation = Conversation::default();
        let first = message("me.", 0);
        let id = first.info.message;
        conversation.push(first).unwrap();
        conversation.push(message("me.", 1)).unwrap();
        assert!(!conversation.layout(0, &day).last);
        assert_eq!(conversation.change(id, |message| message.info.state = MessageState::Read), Some(0));
        assert!(conversation.layout(0, &day).last);
        assert!(!conversation.layout(1, &day).first, "still one group");
    }

    #[test]
    fn a_message_comes_once() {
        let mut conversation = Conversation::default();
        let one = message("bob", 5);
        assert_eq!(conversation.push(one.clone()), Some(0));
        assert_eq!(conversation.push(one.clone()), None);
        assert_eq!(conversation.load_older(vec![one], true, &[]), 0);
        assert_eq!(conversation.lines().len(), 1);
    }

    #[test]
    fn the_newest_page_keeps_what_arrived_meanwhile() {
        let mut conversation = Conversation::default();
        let (stored, live) = (message("bob", 1), message("bob", 2));
        conversation.push(stored.clone()).unwrap();
        conversation.push(live.clone()).unwrap();
        assert_eq!(conversation.load_newest(vec![stored.clone()], false, &[]), (2, 2));
        let ids: Vec<_> =
            conversation.lines().iter().filter_map(Line::message).map(|message| message.info.message).collect();
        assert_eq!(ids, [stored.info.message, live.info.message]);
        assert_eq!(conversation.past(), Past::More);
        assert_eq!(conversation.oldest(), Some(stored.info.message));
    }

    #[test]
    fn transfers_stand_between_messages_by_time_and_wait_for_their_page() {
        let mut conversation = Conversation::default();
        let ids = [TransferId::new(), TransferId::new(), TransferId::new()];
        let transfers: Vec<_> = ids.iter().zip([5, 150, 999]).map(|(id, at)| (*id, at, handle("bob"))).collect();
        let kinds = |conversation: &Conversation| -> String {
            conversation.lines().iter().map(|line| if line.message().is_some() { 'm' } else { 't' }).collect()
        };
        conversation.load_newest(vec![message("bob", 100), message("me.", 200)], false, &transfers);
        assert_eq!(kinds(&conversation), "mtmt");
        assert_eq!(conversation.load_older(vec![message("bob", 1), message("bob", 50)], true, &transfers), 3);
        assert_eq!(kinds(&conversation), "mtmmtmt");
        assert_eq!(conversation.push_transfer(ids[0], handle("bob"), 5), None, "it is there already");
        assert_eq!(conversation.find_transfer(ids[2]), Some(6));
        assert_eq!(conversation.past(), Past::Complete);
    }

    #[test]
    fn a_flood_does_not_grow_without_end() {
        let mut conversation = Conversation::default();
        for at in 0..(KEPT + SLACK) as u64 {
            conversation.push(message("bob", at)).unwrap();
        }
        assert_eq!(conversation.trim(), 0);
        conversation.push(message("bob", 9_999)).unwrap();
        assert_eq!(conversation.trim(), SLACK + 1);
        assert_eq!((conversation.lines().len(), conversation.known.len()), (KEPT, KEPT));
        assert_eq!(conversation.past(), Past::More);
    }

    #[test]
    fn only_others_messages_are_reported_as_read() {
        let mut conversation = Conversation::default();
        assert_eq!(conversation.newest_of_others(), None);
        let theirs = message("bob", 1);
        conversation.push(theirs.clone()).unwrap();
        conversation.push(message("me.", 2)).unwrap();
        assert_eq!(conversation.newest_of_others(), Some(theirs.info.message));
    }
}
