//! One timeline: a stretch of a conversation, messages in their places, transfers between them by time. It ends at the newest message, or
//! somewhere in the past where the reader is. Only conversations that are open in a tab have one. Pages of the disk come in by
//! [`crate::model::stretch`].

use std::collections::HashSet;

use hobnob_shared::id::{Handle, MessageId, TransferId};

use crate::core::command::Part;
use crate::core::message_key::{MessageKey, MessageRef};
use crate::model::fresh::Fresh;
use crate::model::known::Known;
use crate::model::line::{Layout, Line, Message};
use crate::model::question::QuestionId;

/// Changes kept while a page is on its way.
const CHANGED_MAX: usize = 1_000;
/// Lines to which what comes is added: behind more of them, the end is read from the disk again when the reader goes there.
const LIVE: usize = 10_000;

/// How far the past was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Past {
    /// Nothing was read yet.
    #[default]
    Unread,
    /// There is more before the first line.
    More,
    /// The first line is the first there is.
    Complete,
}

/// A page that is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// The question that it answers.
    pub id: QuestionId,
    /// Which part it is.
    pub part: Part,
}

/// A page that came.
#[derive(Debug, Default)]
pub struct Page {
    /// What is in it.
    pub messages: Vec<Message>,
    /// There is more before it.
    pub earlier: bool,
    /// There is more behind it.
    pub later: bool,
    /// The message that it was read around.
    pub found: Option<MessageRef>,
}

/// Lines that were replaced by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splice {
    /// The first of them.
    pub at: usize,
    /// So many went.
    pub removed: usize,
    /// So many came.
    pub added: usize,
}

/// A transfer's place: which, when, and by whom.
pub type Due = (TransferId, u64, Handle);

/// A message got another text, or, with none, was taken back.
pub type Rewritten = (MessageKey, Option<String>);

/// What became of a message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is this line.
    At(usize),
    /// Its place is before the first line that was read, or behind the last: it comes with its page.
    Elsewhere,
    /// It is here already.
    Known,
}

/// One timeline.
#[derive(Debug, Default)]
pub struct Conversation {
    pub(in crate::model) lines: Vec<Line>,
    pub(in crate::model) known: Known,
    pub(in crate::model) past: Past,
    /// There is more behind the last line: the reader is somewhere in the past.
    pub(in crate::model) later: bool,
    pub(in crate::model) awaited: Option<Awaited>,
    /// Messages that came for the part that is on its way: the page may have been read before they were stored.
    pub(in crate::model) early: Vec<Message>,
    /// The same of messages that got another text, or were taken back.
    pub(in crate::model) changed: Vec<Rewritten>,
    /// Where the new messages begin.
    pub fresh: Fresh,
    /// Newest message of somebody else that was reported as read.
    pub marked: Option<MessageKey>,
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

    /// The last line is the last there is: what comes is shown.
    pub fn is_live(&self) -> bool {
        !self.later
    }

    /// The page that is on its way.
    pub fn awaited(&self) -> Option<&Awaited> {
        self.awaited.as_ref()
    }

    /// A page was asked for. One that was on its way does not count any more.
    pub fn ask(&mut self, awaited: Awaited) {
        self.awaited = Some(awaited);
        self.early.clear();
        self.changed.clear();
    }

    /// The page that was asked for so does not come. Whether anybody waited for it.
    pub fn give_up(&mut self, id: QuestionId) -> bool {
        let waited = self.awaited.take_if(|awaited| awaited.id == id).is_some();
        if waited {
            self.early.clear();
            self.changed.clear();
        }
        waited
    }

    /// The newest message here.
    pub fn newest(&self) -> Option<MessageKey> {
        self.lines.iter().rev().find_map(Line::message).map(|message| message.info.key())
    }

    /// The oldest message here.
    pub fn oldest(&self) -> Option<MessageKey> {
        self.lines.iter().find_map(Line::message).map(|message| message.info.key())
    }

    /// The newest message of somebody else.
    pub fn newest_of_others(&self) -> Option<MessageKey> {
        let mut messages = self.lines.iter().rev().filter_map(Line::message);
        messages.find(|message| !message.own).map(|message| message.info.key())
    }

    /// How many messages of others stand behind this one; none when it is not here.
    pub fn others_after(&self, message: &MessageKey) -> Option<usize> {
        let mut messages = self.lines.iter().rev().filter_map(Line::message);
        let mut count = 0;
        messages
            .any(|line| {
                let found = message.is_of(&line.info);
                count += usize::from(!found && !line.own);
                found
            })
            .then_some(count)
    }

    /// A message that is not here was changed: perhaps it comes with the page that is on its way, as it was before.
    pub fn changed_unseen(&mut self, rewritten: Rewritten) {
        if self.awaited.is_some() && self.changed.len() < CHANGED_MAX {
            self.changed.push(rewritten);
        }
    }

    /// A message came: nearly always the newest, but one that was long under way goes between those that were written after it.
    pub fn insert(&mut self, message: Message) -> Placed {
        if self.known.has(&message.info) {
            return Placed::Known;
        }
        let place = message.info.place();
        let behind = self.lines.iter().rposition(|line| line.place().is_some_and(|other| other < place));
        let is_first = || !self.lines.iter().any(|line| line.message().is_some());
        let is_last = |at: usize| !self.lines[at..].iter().any(|line| line.message().is_some());
        let start = match behind {
            Some(behind) if self.later && is_last(behind + 1) => return self.elsewhere(message),
            Some(behind) => behind + 1,
            None if self.past == Past::Complete || (!self.later && is_first()) => 0,
            None => return self.elsewhere(message),
        };
        if self.lines.len() >= LIVE && is_last(start) {
            // Nobody reads on through so much: it is read again from the disk, when somebody does.
            self.later = true;
            return self.elsewhere(message);
        }
        let rest = &self.lines[start..];
        // What is of now stands at the end, whatever the clock of a card's sender says.
        let is_newest = !rest.iter().any(|line| line.message().is_some());
        let is_above = |line: &&Line| line.message().is_none() && (is_newest || line.at() <= message.info.beside());
        let at = start + rest.iter().take_while(is_above).count();
        self.known.insert(&message.info);
        self.lines.insert(at, Line::Message(message));
        Placed::At(at)
    }

    /// Keeps it for the page that is on its way.
    fn elsewhere(&mut self, message: Message) -> Placed {
        let known = |early: &Message| early.is_same(&message);
        if self.awaited.is_some() && !self.early.iter().any(known) {
            self.early.push(message);
        }
        Placed::Elsewhere
    }

    /// A transfer of now, at the end. None when it is here already, or when the end is not.
    pub fn push_transfer(&mut self, id: TransferId, from: Handle, at: u64) -> Option<usize> {
        if self.later || self.transfers().any(|shown| shown == id) {
            return None;
        }
        self.lines.push(Line::Transfer { id, from, at });
        Some(self.lines.len() - 1)
    }

    /// Where a transfer stands.
    pub fn find_transfer(&self, transfer: TransferId) -> Option<usize> {
        self.lines.iter().rposition(|line| matches!(line, Line::Transfer { id, .. } if *id == transfer))
    }

    /// Changes a message where it is here; tells its line. Searches from the end, where changes happen. An id is its author's, so of those that
    /// have it only one that `is_meant` is changed.
    pub fn change(
        &mut self,
        id: MessageId,
        is_meant: impl Fn(&Message) -> bool,
        change: impl FnOnce(&mut Message),
    ) -> Option<usize> {
        if !self.known.has_id(id) {
            return None;
        }
        let is_it = |message: &Message| message.info.message == id && is_meant(message);
        let at = self.lines.iter().rposition(|line| line.message().is_some_and(is_it))?;
        match self.lines.get_mut(at) {
            Some(Line::Message(message)) => change(message),
            _ => return None,
        }
        Some(at)
    }

    /// What was told of others' reading is shown no more. Tells the lines concerned.
    pub fn forget_reads(&mut self) -> Vec<usize> {
        let lines = self.lines.iter_mut().enumerate();
        let mut changed = Vec::new();
        for (at, line) in lines {
            if let Line::Message(message) = line
                && message.forget_read()
            {
                changed.push(at);
            }
        }
        changed
    }

    /// A message that is here.
    pub fn find(&self, key: &MessageKey) -> Option<&Message> {
        self.lines.iter().rev().filter_map(Line::message).find(|message| key.is_of(&message.info))
    }

    /// The message that is named by its id only, as by what answers it. None where several have it: nobody's words are taken for another's.
    pub fn only(&self, id: MessageId) -> Option<&Message> {
        self.find(&self.known.only(id)?)
    }

    /// The line of a message that is here.
    pub fn position(&self, message: &MessageRef) -> Option<usize> {
        let is_it = |line: &Line| line.message().is_some_and(|line| message.fits(&line.info));
        self.known.has_id(message.id).then(|| self.lines.iter().rposition(is_it)).flatten()
    }

    /// Lines of messages that answer this one.
    pub fn answers(&self, id: MessageId) -> Vec<usize> {
        let answers = |line: &Line| line.message().is_some_and(|message| message.info.reply_to == Some(id));
        self.lines.iter().enumerate().filter(|(_, line)| answers(line)).map(|(at, _)| at).collect()
    }

    /// Lines that answer one of the first `count`, and stand behind them.
    pub fn answers_to_first(&self, count: usize) -> Vec<usize> {
        let first: HashSet<MessageId> =
            self.lines.iter().take(count).filter_map(Line::message).map(|message| message.info.message).collect();
        let answers = |line: &Line| {
            line.message().and_then(|message| message.info.reply_to).is_some_and(|to| first.contains(&to))
        };
        let behind = self.lines.iter().enumerate().skip(count);
        behind.filter(|(_, line)| answers(line)).map(|(at, _)| at).collect()
    }

    /// When a line counts as said among the others, in milliseconds since 1970: never before the one above it, whatever clock its author has. A
    /// message when it has its place, a card between its neighbours.
    pub fn said_at(&self, at: usize) -> u64 {
        let place = |line: &Line| line.message().map(|message| message.info.clock);
        let Some(line) = self.lines.get(at) else { return 0 };
        place(line).unwrap_or_else(|| {
            let above = self.message_above(at);
            let cards = &self.lines[above.map_or(0, |above| above + 1)..=at];
            let earliest = above.and_then(|above| place(&self.lines[above])).unwrap_or(0);
            let latest = self.lines[at..].iter().find_map(place).unwrap_or(u64::MAX);
            cards.iter().map(Line::at).fold(earliest, u64::max).min(latest)
        })
    }

    /// The nearest message above a line; between them are cards only.
    pub fn message_above(&self, at: usize) -> Option<usize> {
        self.lines.iter().take(at).rposition(|line| line.message().is_some())
    }

    /// How a line hangs together with its neighbours. `day` numbers the days of the reader's clock.
    pub fn layout(&self, at: usize, day: &dyn Fn(u64) -> i64) -> Layout {
        let Some(line) = self.lines.get(at) else { return Layout { new_day: false, first: true, last: true } };
        let same_day = |one: usize, next: usize| day(self.said_at(one)) == day(self.said_at(next));
        let previous =
            at.checked_sub(1).filter(|before| same_day(*before, at)).and_then(|before| self.lines.get(before));
        let next = self.lines.get(at + 1).filter(|_| same_day(at, at + 1));
        let mut layout = Layout::of(previous, line, next);
        // What is new is set apart from what is not.
        layout.first |= self.is_first_new(at);
        layout.last |= self.is_first_new(at + 1);
        layout
    }

    /// The new messages begin with this line.
    pub fn is_first_new(&self, at: usize) -> bool {
        let Fresh::Above(first) = &self.fresh else { return false };
        self.lines.get(at).and_then(Line::message).is_some_and(|message| first.is_of(&message.info))
    }

    pub(in crate::model) fn transfers(&self) -> impl Iterator<Item = TransferId> {
        self.lines.iter().filter_map(|line| match line {
            Line::Transfer { id, .. } => Some(*id),
            Line::Message(_) => None,
        })
    }
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
