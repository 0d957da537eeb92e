//! Which parts of a conversation the window reads, and when: the end when it is opened, more where the reader comes near an end of what is
//! here, another place altogether when they want to go there.

use std::collections::hash_map::Entry;

use hobnob_shared::id::ConversationId;

use crate::core::command::{Command, Part, Request};
use crate::core::event::{Answer, MessageInfo};
use crate::core::message_key::MessageRef;
use crate::model::change::Change;
use crate::model::conversation::{Awaited, Conversation, Page, Past, Splice};
use crate::model::line::Message;
use crate::model::question::{Question, QuestionId};
use crate::model::state::Model;

/// Messages asked for at once: two or three screens.
pub const PAGE: u32 = 40;
/// Messages read of what is new when a conversation is opened, at most.
const FRESH: u32 = 400;
/// Messages around one that is gone to: some screens on both sides.
const AROUND: u32 = 80;

impl Model {
    /// A conversation is shown in a tab from now on.
    pub fn open(&mut self, conversation: ConversationId) -> Option<Request> {
        let Entry::Vacant(place) = self.open.entry(conversation) else { return None };
        let conversation = place.key().clone();
        place.insert(Conversation::default());
        // All that is new, and some of what is known.
        let page = self.unread(&conversation).saturating_add(PAGE / 2).clamp(PAGE, FRESH);
        self.read(&conversation, Part::Newest, page)
    }

    /// How much is unread, from the core: one count at a time, however many edits somebody sends.
    pub fn recount(&mut self) -> Option<Request> {
        self.recount = self.questions.is_counting();
        (!self.recount).then(|| self.ask(Question::Conversations, Command::Conversations))
    }

    /// Its tab was closed.
    pub fn close(&mut self, conversation: &ConversationId) {
        self.open.remove(conversation);
    }

    /// What was never read, for whatever reason.
    pub(in crate::model) fn read_unread(&mut self) -> Vec<Request> {
        let waits = |open: &Conversation| open.past() == Past::Unread && open.awaited().is_none();
        let waiting: Vec<_> = self.open.iter().filter(|(_, open)| waits(open)).map(|(id, _)| id.clone()).collect();
        waiting.into_iter().filter_map(|id| self.read(&id, Part::Newest, PAGE)).collect()
    }

    /// The reader comes near the beginning of what is here.
    pub fn older(&mut self, conversation: &ConversationId) -> Option<Request> {
        let open = self.open.get(conversation).filter(|open| open.awaited().is_none())?;
        let part = match (open.past(), open.oldest()) {
            (Past::Complete, _) => return None,
            (Past::More, Some(oldest)) => Part::Before(oldest.into()),
            (Past::More, None) | (Past::Unread, _) => Part::Newest,
        };
        self.read(conversation, part, PAGE)
    }

    /// The reader comes near the end of what is here, which is not the end of the conversation.
    pub fn newer(&mut self, conversation: &ConversationId) -> Option<Request> {
        let open = self.open.get(conversation).filter(|open| open.awaited().is_none() && !open.is_live())?;
        let part = open.newest().map_or(Part::Newest, |newest| Part::After(newest.into()));
        self.read(conversation, part, PAGE)
    }

    /// The reader wants to see the end. Nothing is asked for when it is here, or on its way.
    pub fn to_end(&mut self, conversation: &ConversationId) -> Option<Request> {
        let open = self.open.get(conversation).filter(|open| !open.is_live())?;
        if open.awaited().is_some_and(|awaited| awaited.part == Part::Newest) {
            return None;
        }
        self.read(conversation, Part::Newest, PAGE)
    }

    /// The reader wants to go where a message stands that is not here, or to a time.
    pub fn far(&mut self, conversation: &ConversationId, part: Part) -> Option<Request> {
        self.read(conversation, part, AROUND)
    }

    fn read(&mut self, conversation: &ConversationId, part: Part, limit: u32) -> Option<Request> {
        let open = self.open.get_mut(conversation)?;
        let question = Question::History(conversation.clone());
        // A page that nobody can wait for is not read.
        let id = self.questions.open(question)?;
        open.ask(Awaited { id, part: part.clone() });
        Some(Request { id: Some(id.to_string()), command: Command::read(conversation.clone(), limit, part) })
    }

    /// The page that was asked for so came.
    pub(in crate::model) fn page_came(
        &mut self,
        id: &ConversationId,
        question: QuestionId,
        answer: &Answer,
    ) -> Vec<Change> {
        let Answer::Messages { messages, earlier, later, .. } = answer else { return Vec::new() };
        let transfers = self.transfer_times(id);
        let me = self.connection.user.clone();
        let line = |info: &MessageInfo| Message::new(info.clone(), me.as_ref());
        let Some(open) = self.open.get_mut(id) else { return Vec::new() };
        let found = found(open.awaited().map(|awaited| &awaited.part), answer);
        let page = Page { messages: messages.iter().map(line).collect(), earlier: *earlier, later: *later, found };
        let is_older = open.awaited().is_some_and(|awaited| matches!(awaited.part, Part::Before(_)));
        let splices = open.load(question, page, &transfers);
        // What answers one of these shows it now.
        let added = splices.first().filter(|_| is_older).map_or(0, |splice| splice.added);
        let quotes = open.answers_to_first(added);
        let conversation = || id.clone();
        let told = |Splice { at, removed, added }| Change::Spliced { conversation: conversation(), at, removed, added };
        let mut changes: Vec<Change> = splices.into_iter().map(told).collect();
        changes.extend(quotes.into_iter().map(|at| Change::Line { conversation: conversation(), at }));
        changes.extend(self.find_fresh(id));
        changes
    }

    /// A conversation is off the disk: nothing of it is shown any more, but what waits to be delivered, which is read again. So is what came
    /// meanwhile, and nobody has seen that.
    pub(in crate::model) fn erased(&mut self, id: &ConversationId) -> Vec<Change> {
        let mut changes = self.set_unread(id, 0);
        if let ConversationId::Room(room) = id {
            self.rooms.unsay(room);
            changes.push(Change::Rooms);
        }
        if let Some(open) = self.open.get_mut(id) {
            let removed = open.clear();
            changes.push(Change::Spliced { conversation: id.clone(), at: 0, removed, added: 0 });
        }
        changes.push(Change::Recount);
        changes
    }

    /// What an erased conversation still has, and which files there are still.
    pub fn read_again(&mut self, conversation: &ConversationId) -> Vec<Request> {
        let mut requests = vec![self.ask(Question::Transfers, Command::Transfers)];
        requests.extend(self.read(conversation, Part::Newest, PAGE));
        requests
    }
}

/// What a page was read around, which the answer names by its id only: what was asked for, or the message of that time.
pub fn found(asked: Option<&Part>, answer: &Answer) -> Option<MessageRef> {
    let Answer::Messages { messages, found: Some(id), .. } = answer else { return None };
    match asked {
        Some(Part::Around(of)) => Some(of.clone()),
        _ => Some(
            messages.iter().find(|info| info.message == *id).map_or_else(|| (*id).into(), |info| info.key().into()),
        ),
    }
}

#[cfg(test)]
#[path = "pages_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
