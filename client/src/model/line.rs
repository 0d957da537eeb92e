//! One line of a timeline: a message or a transfer, where it belongs among the others, and how it hangs together with its neighbours (days,
//! groups of one author).

use std::collections::BTreeMap;

use hobnob_shared::id::{DeviceId, Handle, TransferId};

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
    /// Mine, written here or on another device of mine.
    pub own: bool,
    /// What became of its text.
    pub fate: Fate,
    /// The reader wants to see the whole of a long text.
    pub expanded: bool,
    /// Emojis and who set them, in the order of their first appearance.
    pub reactions: Vec<(String, Vec<Handle>)>,
    /// Own, in a room: how far it got with whom, as far as this was told.
    pub by: BTreeMap<Handle, MessageState>,
}

impl Message {
    /// From the core, seen by `me`.
    pub fn new(info: MessageInfo, me: Option<&Handle>) -> Self {
        let own = me == Some(&info.from);
        let fate = match (info.deleted, info.edited) {
            (true, _) => Fate::Deleted,
            (_, true) => Fate::Edited,
            _ => Fate::Written,
        };
        let reactions = info.reactions.iter().map(|reaction| (reaction.emoji.clone(), reaction.by.clone())).collect();
        Self { own, info, fate, expanded: false, reactions, by: BTreeMap::new() }
    }

    /// Both are one message.
    pub fn is_same(&self, other: &Self) -> bool {
        self.info.message == other.info.message && self.info.from == other.info.from
    }

    /// Its author gave it another text, or, with none, took it back.
    pub fn rewrite(&mut self, text: Option<String>) {
        match text {
            // Nothing takes a delete back.
            _ if self.fate == Fate::Deleted => {}
            Some(text) => {
                self.info.text = text;
                self.fate = Fate::Edited;
            }
            None => {
                self.info.text.clear();
                self.fate = Fate::Deleted;
                self.reactions.clear();
            }
        }
    }

    /// Somebody set an emoji, or took it off.
    pub fn react(&mut self, from: Handle, emoji: String, on: bool) {
        if let Some((_, people)) = self.reactions.iter_mut().find(|(known, _)| *known == emoji) {
            people.retain(|user| *user != from);
            if on {
                people.push(from);
            }
        } else if on {
            self.reactions.push((emoji, vec![from]));
        }
        self.reactions.retain(|(_, people)| !people.is_empty());
    }

    /// Its state changed; in a room for one member, named by `by`. There the message is as far as it got with the one who got it furthest,
    /// and what somebody else reports later does not take that back.
    pub fn advance(&mut self, state: MessageState, by: Option<Handle>) {
        if let Some(user) = by {
            let known = self.by.entry(user).or_insert(state);
            *known = state.max(*known);
        }
        let furthest = self.by.values().copied().max();
        self.info.state = furthest.map_or(state, |furthest| furthest.max(state));
    }

    /// That it was read is not shown any more; whether it was.
    pub fn forget_read(&mut self) -> bool {
        let was_read = self.own && self.info.state == MessageState::Read;
        if was_read {
            for state in self.by.values_mut().chain([&mut self.info.state]) {
                *state = MessageState::Delivered.min(*state);
            }
        }
        was_read
    }

    /// Who got it, and who of them has read it.
    pub fn reached(&self) -> (Vec<&Handle>, Vec<&Handle>) {
        let with = |wanted| self.by.iter().filter(move |(_, state)| **state == wanted).map(|(user, _)| user);
        (with(MessageState::Delivered).collect(), with(MessageState::Read).collect())
    }
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all lines are messages")]
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

    /// The message, where it is one.
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Transfer { .. } => None,
        }
    }

    /// The same, without the line around it.
    pub fn into_message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Transfer { .. } => None,
        }
    }

    /// What messages are sorted by; transfers have no place of their own.
    pub fn place(&self) -> Option<(u64, &Handle, DeviceId, u64)> {
        self.message().map(|message| message.info.place())
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

impl Layout {
    /// Of a line between its neighbours, where these are of the same day.
    pub fn of(previous: Option<&Line>, line: &Line, next: Option<&Line>) -> Self {
        Self {
            new_day: previous.is_none(),
            first: previous.is_none_or(|previous| !is_one_group(previous, line)),
            last: next.is_none_or(|next| !is_one_group(line, next) || !is_one_state(line, next)),
        }
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
        // What was changed says so below it.
        (Line::Message(a), Line::Message(_)) if a.fate == Fate::Edited => false,
        (Line::Message(a), Line::Message(b)) => !a.own || shown_state(a) == shown_state(b),
        _ => true,
    }
}

fn shown_state(message: &Message) -> Option<(MessageState, &BTreeMap<Handle, MessageState>)> {
    (message.own && message.fate != Fate::Deleted).then_some((message.info.state, &message.by))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::id::{ConversationId, MessageId};

    fn handle(text: &str) -> Handle {
        text.parse().unwrap()
    }

    fn mine() -> Message {
        let info = MessageInfo {
            conversation: ConversationId::Room("#tea".parse().unwrap()),
            message: MessageId::new(),
            from: handle("me."),
            text: "hi".to_owned(),
            sent_at: 1,
            reply_to: None,
            state: MessageState::Queued,
            clock: 1,
            device: DeviceId([0; 32]),
            number: 0,
            edited: false,
            deleted: false,
            reactions: Vec::new(),
        };
        Message::new(info, Some(&handle("me.")))
    }

    #[test]
    fn in_a_room_the_furthest_counts_and_everybody_is_named() {
        let mut message = mine();
        message.advance(MessageState::Sent, None);
        assert_eq!(message.info.state, MessageState::Sent);
        message.advance(MessageState::Read, Some(handle("bob")));
        message.advance(MessageState::Delivered, Some(handle("carol")));
        message.advance(MessageState::Delivered, Some(handle("bob")));
        message.advance(MessageState::Sent, None);
        assert_eq!(message.info.state, MessageState::Read, "what carol says takes nothing back");
        assert_eq!(message.reached(), (vec![&handle("carol")], vec![&handle("bob")]));
    }

    #[test]
    fn with_one_friend_the_state_is_what_the_core_says_also_back() {
        let mut message = mine();
        for state in [MessageState::Sent, MessageState::Queued, MessageState::Read] {
            message.advance(state, None);
            assert_eq!(message.info.state, state);
        }
        assert_eq!(message.reached(), (vec![], vec![]));
    }
}
