//! How a timeline becomes another stretch of its conversation: pages of the disk at either end, or in the place of everything; and lines that
//! go again when there are more than anybody looks at.

use std::collections::{HashMap, HashSet};

use crate::core::command::Part;
use crate::core::message_key::MessageKey;
use crate::model::conversation::{Conversation, Due, Page, Past, Splice};
use crate::model::known::Known;
use crate::model::line::{Line, Message};
use crate::model::question::QuestionId;

/// Lines kept: more are read again when somebody scrolls there.
pub(in crate::model) const KEPT: usize = 2_000;
/// Lines beyond [`KEPT`] before some are let go, so that it does not happen at each message.
pub(in crate::model) const SLACK: usize = 1_000;
/// Lines that come at once and are a flood: nobody reads them as they pass.
pub(in crate::model) const FLOOD: usize = 100;
/// Lines kept of a flood: some screens. Widgets for more would be made, measured and thrown away between two frames.
pub(in crate::model) const KEPT_OF_FLOOD: usize = 60;

impl Conversation {
    /// The page that was asked for so came. Tells which lines changed by that, in order; nothing if nobody waits for it any more.
    pub fn load(&mut self, id: QuestionId, mut page: Page, transfers: &[Due]) -> Vec<Splice> {
        let Some(awaited) = self.awaited.take_if(|awaited| awaited.id == id) else { return Vec::new() };
        for (key, text) in std::mem::take(&mut self.changed) {
            let is_it = |message: &&mut Message| key.is_of(&message.info);
            if let Some(message) = page.messages.iter_mut().find(is_it) {
                message.rewrite(text);
            }
        }
        match awaited.part {
            Part::Before(_) => self.load_older(page, transfers),
            Part::After(_) => self.load_newer(page, transfers),
            Part::Newest => self.load_newest(page, transfers),
            Part::Around(_) | Part::At(_) => self.load_around(page, transfers),
        }
    }

    fn load_older(&mut self, page: Page, transfers: &[Due]) -> Vec<Splice> {
        let end = self.last_at();
        let mut added: Vec<Message> =
            page.messages.into_iter().filter(|message| self.known.insert(&message.info)).collect();
        sort(&mut added);
        let first = self.lines.iter().find_map(Line::place).map(|place| (place.0, place.1.clone(), place.2, place.3));
        for message in std::mem::take(&mut self.early) {
            let place = message.info.place();
            let before =
                first.as_ref().is_none_or(|(clock, from, device, number)| place < (*clock, from, *device, *number));
            let here = !page.earlier || added.first().is_some_and(|first| first.info.place() < place);
            if before && here && self.known.insert(&message.info) {
                added.push(message);
            }
        }
        sort(&mut added);
        let from = if page.earlier { added.first().map_or(u64::MAX, |message| message.info.beside()) } else { 0 };
        let shown: HashSet<_> = self.transfers().collect();
        let due = |(id, at, _): &&Due| *at >= from && end.is_none_or(|end| *at <= end) && !shown.contains(id);
        let lines = merged(added, transfers.iter().filter(due).cloned().collect());
        let added = lines.len();
        self.lines.splice(0..0, lines);
        self.past = if page.earlier { Past::More } else { Past::Complete };
        let cut = self.cut_newest();
        [Splice { at: 0, removed: 0, added }].into_iter().chain(cut).collect()
    }

    fn load_newer(&mut self, page: Page, transfers: &[Due]) -> Vec<Splice> {
        let from = self.lines.iter().find_map(Line::message).map_or(0, |message| message.info.beside());
        let mut added: Vec<Message> =
            page.messages.into_iter().filter(|message| self.known.insert(&message.info)).collect();
        self.later = page.later;
        if !page.later {
            let early = std::mem::take(&mut self.early);
            added.extend(early.into_iter().filter(|message| self.known.insert(&message.info)));
        }
        sort(&mut added);
        let end = if page.later { added.last().map_or(0, |message| message.info.beside()) } else { u64::MAX };
        let shown: HashSet<_> = self.transfers().collect();
        let due = |(id, at, _): &&Due| (from..=end).contains(at) && !shown.contains(id);
        let lines = merged(added, transfers.iter().filter(due).cloned().collect());
        let (at, added) = (self.lines.len(), lines.len());
        self.lines.extend(lines);
        let cut = self.cut_oldest(KEPT + SLACK, KEPT);
        [Splice { at, removed: 0, added }].into_iter().chain(cut).collect()
    }

    /// Replaces everything, but keeps what arrived while the page was on its way.
    fn load_newest(&mut self, page: Page, transfers: &[Due]) -> Vec<Splice> {
        let removed = self.lines.len();
        let mut page = self.with_known(page);
        let old: Known = page.messages.iter().map(|message| &message.info).collect();
        sort(&mut page.messages);
        let first = page.messages.first().cloned();
        let lines = std::mem::take(&mut self.lines).into_iter();
        let newer = lines.chain(std::mem::take(&mut self.early).into_iter().map(Line::Message));
        let newer = newer.filter_map(Line::into_message);
        page.messages.extend(newer.filter(|message| !old.has(&message.info)));
        sort(&mut page.messages);
        page.messages.dedup_by(|one, other| one.is_same(other));
        if page.earlier
            && let Some(first) = first
            && let Some(start) = page.messages.iter().position(|message| message.is_same(&first))
        {
            // What belongs before this page comes with the page before it.
            page.messages.drain(..start);
        }
        self.lay(Page { later: false, ..page }, transfers);
        vec![Splice { at: 0, removed, added: self.lines.len() }]
    }

    /// Replaces everything, unless what was looked for is here already.
    fn load_around(&mut self, page: Page, transfers: &[Due]) -> Vec<Splice> {
        let Some(found) = &page.found else { return self.load_newest(page, transfers) };
        if self.position(found).is_some() {
            self.early.clear();
            return Vec::new();
        }
        let removed = self.lines.len();
        let mut page = self.with_known(page);
        sort(&mut page.messages);
        let known: Known = page.messages.iter().map(|message| &message.info).collect();
        let ends = page.messages.first().zip(page.messages.last()).map(|(first, last)| (first.clone(), last.clone()));
        // What came while the page was on its way stands among the lines or beside them, and belongs to a stretch that has its place.
        let lines = std::mem::take(&mut self.lines).into_iter();
        let came = lines.chain(std::mem::take(&mut self.early).into_iter().map(Line::Message));
        for message in came.filter_map(Line::into_message) {
            let place = message.info.place();
            let here = ends.as_ref().is_none_or(|(first, last)| {
                (!page.earlier || first.info.place() < place) && (!page.later || place < last.info.place())
            });
            if here && !known.has(&message.info) {
                page.messages.push(message);
            }
        }
        sort(&mut page.messages);
        self.lay(page, transfers);
        vec![Splice { at: 0, removed, added: self.lines.len() }]
    }

    /// What is here already has heard everything since; a page may have been read before that.
    fn with_known(&mut self, mut page: Page) -> Page {
        let mut here: HashMap<MessageKey, &Message> =
            self.lines.iter().filter_map(Line::message).map(|message| (message.info.key(), message)).collect();
        for message in &mut page.messages {
            if let Some(known) = here.remove(&message.info.key()) {
                *message = known.clone();
            }
        }
        page
    }

    fn lay(&mut self, page: Page, transfers: &[Due]) {
        let from =
            if page.earlier { page.messages.first().map_or(u64::MAX, |message| message.info.beside()) } else { 0 };
        let end = if page.later { page.messages.last().map_or(0, |message| message.info.beside()) } else { u64::MAX };
        let due = transfers.iter().filter(|(_, at, _)| (from..=end).contains(at)).cloned().collect();
        self.known = page.messages.iter().map(|message| &message.info).collect();
        self.lines = merged(page.messages, due);
        self.past = if page.earlier { Past::More } else { Past::Complete };
        self.later = page.later;
    }

    /// The list of transfers came after the page: sets them between the messages.
    pub fn set_transfers(&mut self, transfers: &[Due]) -> Splice {
        let removed = self.lines.len();
        let messages = self.lines.iter().filter_map(Line::message).cloned().collect();
        let page = Page { messages, earlier: self.past != Past::Complete, later: self.later, found: None };
        self.lay(page, transfers);
        Splice { at: 0, removed, added: self.lines.len() }
    }

    /// Everything was erased, but what still waits to be delivered, which is read again. How many lines went.
    pub fn clear(&mut self) -> usize {
        let gone = std::mem::take(&mut self.lines).len();
        *self = Self::default();
        gone
    }

    /// Lets the oldest lines go when there are far more than anybody watching the end needs, of whom `came` came just now. Returns how many
    /// went.
    pub fn trim(&mut self, came: usize) -> usize {
        if self.awaited.is_some() {
            return 0;
        }
        let (kept, most) = if came > FLOOD { (KEPT_OF_FLOOD, KEPT_OF_FLOOD) } else { (KEPT, KEPT + SLACK) };
        self.cut_oldest(most, kept).map_or(0, |cut| cut.removed)
    }

    fn cut_oldest(&mut self, most: usize, kept: usize) -> Option<Splice> {
        let removed = self.lines.len().checked_sub(kept).filter(|_| self.lines.len() > most)?;
        self.cut(0..removed);
        self.past = Past::More;
        Some(Splice { at: 0, removed, added: 0 })
    }

    /// The reader goes back: what is newer is read again when they return.
    fn cut_newest(&mut self) -> Option<Splice> {
        let removed = self.lines.len().checked_sub(KEPT).filter(|removed| *removed > SLACK)?;
        self.cut(KEPT..KEPT + removed);
        self.later = true;
        Some(Splice { at: KEPT, removed, added: 0 })
    }

    fn cut(&mut self, lines: std::ops::Range<usize>) {
        for line in self.lines.drain(lines) {
            if let Line::Message(message) = line {
                self.known.remove(&message.info);
            }
        }
    }

    /// When the last message was said, where that is not the end of the conversation.
    fn last_at(&self) -> Option<u64> {
        self.lines.iter().rev().find_map(Line::message).filter(|_| self.later).map(|message| message.info.beside())
    }
}

fn sort(messages: &mut [Message]) {
    messages.sort_by(|one, other| one.info.place().cmp(&other.info.place()));
}

/// Transfers set between messages, each before the first message that is younger. Messages keep their order.
fn merged(messages: Vec<Message>, transfers: Vec<Due>) -> Vec<Line> {
    let mut lines = Vec::with_capacity(messages.len() + transfers.len());
    let mut transfers = transfers.into_iter().peekable();
    for message in messages {
        while let Some((id, at, from)) = transfers.next_if(|(_, at, _)| *at < message.info.beside()) {
            lines.push(Line::Transfer { id, from, at });
        }
        lines.push(Line::Message(message));
    }
    lines.extend(transfers.map(|(id, at, from)| Line::Transfer { id, from, at }));
    lines
}

#[cfg(test)]
#[path = "stretch_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
