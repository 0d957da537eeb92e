//! What edits and deletes change in the window: the message itself, what quotes it, and where its words stand beside it.

use hobnob_shared::id::{ConversationId, MessageId};

use crate::core::message_key::MessageKey;
use crate::model::change::Change;
use crate::model::line::{Fate, Message};
use crate::model::state::Model;

impl Model {
    /// The author gave a message another text.
    pub(in crate::model) fn rewritten(
        &mut self,
        conversation: &ConversationId,
        message: &MessageKey,
        text: String,
    ) -> Vec<Change> {
        let list = self.in_list(conversation, message, &text);
        let mut changes = self.change_text(conversation, message, Some(text));
        changes.extend(list);
        if conversation.friend().is_none() && self.unread(conversation) > 0 {
            // It may be one of those that were not seen, and call somebody now, or nobody any more.
            changes.push(Change::Recount);
        }
        changes
    }

    /// The author took a message back.
    pub(in crate::model) fn taken_back(&mut self, conversation: &ConversationId, message: &MessageKey) -> Vec<Change> {
        let mut changes = self.change_text(conversation, message, None);
        changes.extend(self.in_list(conversation, message, ""));
        if self.unread(conversation) > 0 {
            // It may be one of those that were not seen, and is none any more.
            changes.push(Change::Recount);
        }
        changes
    }

    /// An own message can still be changed, by what is known of it here, and by why an edit of it was refused.
    pub fn can_be_edited(&self, conversation: &ConversationId, message: MessageId, refusal: &str) -> bool {
        let is_it = |line: &&Message| line.own && line.info.message == message;
        let mut lines = self.open.get(conversation).into_iter().flat_map(|open| open.lines().iter().rev());
        let is_deleted =
            lines.find_map(|line| line.message().filter(is_it)).is_some_and(|line| line.fate == Fate::Deleted);
        !is_deleted && !matches!(refusal, "deleted" | "unknown_message" | "not_yours")
    }

    fn change_text(&mut self, id: &ConversationId, message: &MessageKey, text: Option<String>) -> Vec<Change> {
        let new = text.clone();
        let changes = self.line(id, message, |line| line.rewrite(text));
        let Some(open) = self.open.get_mut(id) else { return changes };
        if changes.is_empty() {
            open.changed_unseen((message.clone(), new));
        }
        let quotes = open.answers(message.id).into_iter();
        changes.into_iter().chain(quotes.map(|at| Change::Line { conversation: id.clone(), at })).collect()
    }

    /// The list of rooms shows their newest words.
    fn in_list(&mut self, conversation: &ConversationId, message: &MessageKey, text: &str) -> Option<Change> {
        let ConversationId::Room(room) = conversation else { return None };
        self.rooms.rewrote(room, message, text).then_some(Change::Rooms)
    }
}
