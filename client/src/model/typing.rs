//! Who writes just now, in any conversation, whether its tab is open or not. The core says when it began and when it is over; a message, a lost
//! link and the end of a membership end it too.

use hobnob_shared::id::{ConversationId, Handle};

use crate::model::change::Change;
use crate::model::state::Model;

impl Model {
    /// Who writes there, in the order in which they began.
    pub fn writers(&self, conversation: &ConversationId) -> &[Handle] {
        self.typing.get(conversation).map(Vec::as_slice).unwrap_or_default()
    }

    pub(in crate::model) fn typing(
        &mut self,
        conversation: &ConversationId,
        from: Handle,
        active: bool,
    ) -> Option<Change> {
        let writers = self.typing.entry(conversation.clone()).or_default();
        let known = writers.iter().position(|user| *user == from);
        match (known, active) {
            (None, true) => writers.push(from),
            (Some(at), false) => drop(writers.remove(at)),
            (Some(_), true) | (None, false) => return None,
        }
        if writers.is_empty() {
            self.typing.remove(conversation);
        }
        Some(Change::Typing(conversation.clone()))
    }

    pub(in crate::model) fn stop_typing(&mut self, who: impl Fn(&ConversationId, &Handle) -> bool) -> Vec<Change> {
        let mut changes = Vec::new();
        self.typing.retain(|conversation, writers| {
            let before = writers.len();
            writers.retain(|user| !who(conversation, user));
            if writers.len() != before {
                changes.push(Change::Typing(conversation.clone()));
            }
            !writers.is_empty()
        });
        changes
    }
}
