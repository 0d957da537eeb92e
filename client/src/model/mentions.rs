//! Who is called in rooms: which messages mention this account, and how many of those were not seen.

use hobnob_shared::id::{ConversationId, Handle};
use hobnob_shared::mention;

use crate::core::event::MessageInfo;
use crate::model::state::Model;

impl Model {
    /// This message of a room calls this account.
    pub fn is_called_by(&self, info: &MessageInfo) -> bool {
        self.calls_me(&info.conversation, &info.from, &info.text)
    }

    /// A message with this text would.
    pub fn calls_me(&self, conversation: &ConversationId, from: &Handle, text: &str) -> bool {
        let me = self.me().filter(|me| *me != from && conversation.friend().is_none());
        me.is_some_and(|me| mention::names(text, me))
    }

    /// Whom one can call in a conversation: the members of a room, without oneself.
    pub fn callable(&self, conversation: &ConversationId) -> Vec<Handle> {
        let ConversationId::Room(room) = conversation else { return Vec::new() };
        let members = self.rooms.get(room).map(|room| room.sorted()).unwrap_or_default();
        members.into_iter().map(|member| &member.user).filter(|user| Some(*user) != self.me()).cloned().collect()
    }

    /// So many messages that were not seen call this account.
    pub fn calls(&self, conversation: &ConversationId) -> u32 {
        let ConversationId::Room(room) = conversation else { return 0 };
        self.rooms.mentions(room)
    }

    /// One more was not seen.
    pub(in crate::model) fn called(&mut self, info: &MessageInfo) {
        if self.is_called_by(info) {
            let count = self.calls(&info.conversation).saturating_add(1);
            self.set_calls(&info.conversation, count);
        }
    }

    /// So many were not seen.
    pub(in crate::model) fn set_calls(&mut self, conversation: &ConversationId, count: u32) {
        if let ConversationId::Room(room) = conversation {
            self.rooms.set_mentions(room, count);
        }
    }
}
