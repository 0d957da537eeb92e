//! One timeline: messages in their places, transfers between them by time. Only conversations that are open in a tab have one.

use std::collections::HashSet;

use hobnob_shared::id::{Handle, MessageId, TransferId};

use crate::model::fresh::Fresh;
use crate::model::line::{Layout, Line, Message};

/// Lines kept while somebody watches only the end: more are read again when they scroll up.
const KEPT: usize = 2_000;
/// Lines beyond [`KEPT`] before the oldest are let go, so that it does not happen at each message.
const SLACK: usize = 1_000;

/// Changes kept while a page is on its way.
const CHANGED_MAX: usize = 1_000;
/// Lines that come at once and are a flood: nobody reads them as they pass.
const FLOOD: usize = 100;
/// Lines kept of a flood: some screens. Widgets for more would be made, measured and thrown away between two frames.
const KEPT_OF_FLOOD: usize = 60;

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

/// What became of a message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is this line.
    At(usize),
    /// Its place is before the first line that was read: it comes with its page.
    Before,
    /// It is here already.
    Known,
}

/// One timeline.
#[derive(Debug, Default)]
pub struct Conversation {
    lines: Vec<Line>,
    known: HashSet<MessageId>,
    past: Past,
    /// Messages that came for the part of the past that is on its way: the page may have been read before they were stored.
    early: Vec<Message>,
    /// The same of messages that got another text, or were taken back.
    changed: Vec<(MessageId, Option<String>)>,
    /// Where the new messages begin.
    pub fresh: Fresh,
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
        self.early.clear();
        self.changed.clear();
    }

    /// The oldest message here.
    pub fn oldest(&self) -> Option<MessageId> {
        self.lines.iter().find_map(Line::message).map(|message| message.info.message)
    }

    /// The newest message of somebody else.
    pub fn newest_of_others(&self) -> Option<MessageId> {
        let mut messages = self.lines.iter().rev().filter_map(Line::message);
        messages.find(|message| !message.own).map(|message| message.info.message)
    }

    /// How many messages of others stand behind this one; none when it is not here.
    pub fn others_after(&self, message: MessageId) -> Option<usize> {
        let mut messages = self.lines.iter().rev().filter_map(Line::message);
        let mut count = 0;
        messages
            .any(|line| {
                let found = line.info.message == message;
                count += usize::from(!found && !line.own);
                found
            })
            .then_some(count)
    }

    /// The newest page came: replaces everything, but keeps what arrived while it was on its way. Returns lines before and after.
    pub fn load_newest(
        &mut self,
        mut page: Vec<Message>,
        complete: bool,
        transfers: &[(TransferId, u64, Handle)],
    ) -> (usize, usize) {
        let before = self.lines.len();
        self.apply_changes(&mut page);
        let old: HashSet<MessageId> = page.iter().map(|message| message.info.message).collect();
        sort(&mut page);
        let first = page.first().map(|message| message.info.message);
        let from = if complete { 0 } else { page.first().map_or(u64::MAX, |message| message.info.sent_at) };
        let newer = std::mem::take(&mut self.lines)
            .into_iter()
            .chain(std::mem::take(&mut self.early).into_iter().map(Line::Message));
        page.extend(newer.filter_map(|line| match line {
            Line::Message(message) if !old.contains(&message.info.message) => Some(message),
            _ => None,
        }));
        sort(&mut page);
        if !complete && let Some(start) = page.iter().position(|message| Some(message.info.message) == first) {
            // What belongs before this page comes with the page before it.
            page.drain(..start);
        }
        self.known = page.iter().map(|message| message.info.message).collect();
        let due: Vec<_> = transfers.iter().filter(|(_, at, _)| *at >= from).cloned().collect();
        self.lines = merged(page, due);
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
    pub fn load_older(
        &mut self,
        mut page: Vec<Message>,
        complete: bool,
        transfers: &[(TransferId, u64, Handle)],
    ) -> usize {
        self.apply_changes(&mut page);
        let mut page: Vec<Message> =
            page.into_iter().filter(|message| self.known.insert(message.info.message)).collect();
        sort(&mut page);
        for message in std::mem::take(&mut self.early) {
            let here = complete || page.first().is_some_and(|first| first.info.place() < message.info.place());
            if here && self.known.insert(message.info.message) {
                page.push(message);
            }
        }
        sort(&mut page);
        let from = if complete { 0 } else { page.first().map_or(u64::MAX, |message| message.info.sent_at) };
        let shown: HashSet<TransferId> = self.transfers().collect();
        let due = transfers.iter().filter(|(id, at, _)| *at >= from && !shown.contains(id)).cloned().collect();
        let lines = merged(page, due);
        let added = lines.len();
        self.lines.splice(0..0, lines);
        self.past = if complete { Past::Complete } else { Past::More };
        added
    }

    /// A message that is not here was changed: perhaps it comes with the page that is on its way, as it was before.
    pub fn changed_unseen(&mut self, id: MessageId, text: Option<String>) {
        if self.past == Past::Asked && self.changed.len() < CHANGED_MAX {
            self.changed.push((id, text));
        }
    }

    fn apply_changes(&mut self, page: &mut [Message]) {
        for (id, text) in std::mem::take(&mut self.changed) {
            if let Some(message) = page.iter_mut().find(|message| message.info.message == id) {
                message.rewrite(text);
            }
        }
    }

    /// A message came: nearly always the newest, but one that was long under way goes between those that were written after it.
    pub fn insert(&mut self, message: Message) -> Placed {
        if self.known.contains(&message.info.message) {
            return Placed::Known;
        }
        let place = message.info.place();
        let behind = self.lines.iter().rposition(|line| line.place().is_some_and(|other| other < place));
        let is_first = || !self.lines.iter().any(|line| line.message().is_some());
        let start = match behind {
            Some(behind) => behind + 1,
            None if self.past == Past::Complete || is_first() => 0,
            None => {
                let awaited = self.past == Past::Asked;
                if awaited && !self.early.iter().any(|early| early.info.message == message.info.message) {
                    self.early.push(message);
                }
                return Placed::Before;
            }
        };
        let rest = &self.lines[start..];
        // What is of now stands at the end, whatever the clock of a card's sender says.
        let is_newest = !rest.iter().any(|line| line.message().is_some());
        let is_above = |line: &&Line| line.message().is_none() && (is_newest || line.at() <= message.info.sent_at);
        let at = start + rest.iter().take_while(is_above).count();
        self.known.insert(message.info.message);
        self.lines.insert(at, Line::Message(message));
        Placed::At(at)
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
    pub fn find(&self, id: MessageId) -> Option<&Message> {
        self.lines.iter().rev().filter_map(Line::message).find(|message| message.info.message == id)
    }

    /// The line of a message that is here.
    pub fn position(&self, id: MessageId) -> Option<usize> {
        let is_it = |line: &Line| line.message().is_some_and(|message| message.info.message == id);
        self.known.contains(&id).then(|| self.lines.iter().rposition(is_it)).flatten()
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

    /// Lets the oldest lines go when there are far more than anybody watching the end needs, of whom `came` came just now. Returns how many
    /// went.
    pub fn trim(&mut self, came: usize) -> usize {
        let (kept, most) = if came > FLOOD { (KEPT_OF_FLOOD, KEPT_OF_FLOOD) } else { (KEPT, KEPT + SLACK) };
        if self.lines.len() <= most || self.past == Past::Asked {
            return 0;
        }
        let gone = self.lines.len() - kept;
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
        let mut layout = Layout::of(previous, line, self.lines.get(at + 1), day);
        // What is new is set apart from what is not.
        layout.first |= self.is_first_new(at);
        layout.last |= self.is_first_new(at + 1);
        layout
    }

    /// The new messages begin with this line.
    pub fn is_first_new(&self, at: usize) -> bool {
        let message = self.lines.get(at).and_then(Line::message).map(|message| message.info.message);
        message.is_some_and(|message| self.fresh == Fresh::Above(message))
    }

    fn transfers(&self) -> impl Iterator<Item = TransferId> {
        self.lines.iter().filter_map(|line| match line {
            Line::Transfer { id, .. } => Some(*id),
            Line::Message(_) => None,
        })
    }
}

fn sort(messages: &mut [Message]) {
    messages.sort_by(|one, other| one.info.place().cmp(&other.info.place()));
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
#[path = "conversation_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
