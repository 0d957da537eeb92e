//! Where the new messages of a conversation begin. The mark is set when something comes that nobody watches, or when an unread conversation is
//! opened, and stands until the conversation is left: seeing the messages does not take it away under the reader's eyes.

use hobnob_shared::id::ConversationId;

use crate::core::event::MessageState;
use crate::core::message_key::MessageKey;
use crate::model::change::Change;
use crate::model::line::{Fate, Line, Message};
use crate::model::state::Model;

/// The mark of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fresh {
    /// Nothing was new.
    #[default]
    None,
    /// So many of the others' newest messages are new, and the first of them is not here yet.
    Awaited(u32),
    /// It stands above this message.
    Above(MessageKey),
}

impl Model {
    /// The end of this conversation is before somebody's eyes from now on; with none, of no conversation.
    pub fn watch(&mut self, conversation: Option<&ConversationId>) {
        self.watched = conversation.cloned();
    }

    /// The reader went to another conversation: what was new there is not any more.
    pub fn leave(&mut self, conversation: &ConversationId) -> Option<Change> {
        let read = self.unread(conversation) == 0;
        let open = self.open.get_mut(conversation).filter(|_| read)?;
        let Fresh::Above(message) = std::mem::take(&mut open.fresh) else { return None };
        let at = open.position(&message.into())?;
        Some(Change::Line { conversation: conversation.clone(), at })
    }

    /// A message of somebody else came.
    pub(in crate::model) fn freshen(&mut self, conversation: &ConversationId, message: MessageKey) -> Option<Change> {
        let (unread, watched) = (self.unread(conversation), self.watched.as_ref() == Some(conversation));
        let open = self.open.get_mut(conversation)?;
        if let Fresh::Awaited(count) = &mut open.fresh {
            *count = count.saturating_add(1);
            return None;
        }
        let mark = if let Fresh::Above(marked) = &open.fresh { open.position(&marked.clone().into()) } else { None };
        // With something unread above it the mark stands there already, or will when its page has come.
        let is_first = || mark.zip(open.position(&message.clone().into())).is_some_and(|(mark, at)| at < mark);
        if watched || (unread > 0 && !is_first()) {
            return None;
        }
        open.fresh = Fresh::Above(message);
        mark.map(|at| Change::Line { conversation: conversation.clone(), at })
    }

    /// Messages came from the disk, or how many of them were not seen: sets the mark where it is known by count only.
    pub(in crate::model) fn find_fresh(&mut self, conversation: &ConversationId) -> Option<Change> {
        let unread = self.unread(conversation);
        let open = self.open.get_mut(conversation)?;
        let count = match open.fresh {
            Fresh::Above(_) => return None,
            // What was reported as read is on its way to be counted as that.
            Fresh::None if unread == 0 || open.marked.is_some() => return None,
            Fresh::None => unread,
            Fresh::Awaited(count) => count,
        };
        open.fresh = Fresh::Awaited(count);
        if !open.is_live() {
            // They are counted from the end, which is not here.
            return None;
        }
        let nth = usize::try_from(count).unwrap_or(usize::MAX).checked_sub(1)?;
        // Late ones may stand above what was read. What was reported as read says so of itself in every page that comes since.
        let reported = open.marked.is_some();
        let is_new = |message: &Message| {
            !message.own && message.fate != Fate::Deleted && (reported || message.info.state < MessageState::Read)
        };
        let new = |(_, line): &(usize, &Line)| line.message().is_some_and(is_new);
        let (at, line) = open.lines().iter().enumerate().rev().filter(new).nth(nth)?;
        let message = line.message()?.info.key();
        open.fresh = Fresh::Above(message);
        Some(Change::Line { conversation: conversation.clone(), at })
    }
}

#[cfg(test)]
#[path = "fresh_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
