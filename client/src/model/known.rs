//! Which messages a timeline has, by what names them.

use std::collections::HashMap;

use hobnob_shared::id::{Handle, MessageId};

use crate::core::event::MessageInfo;
use crate::core::message_key::MessageKey;

/// The keys of messages: ids, and whose they are.
#[derive(Debug, Default)]
pub(in crate::model) struct Known(HashMap<MessageId, Vec<Handle>>);

impl Known {
    /// One more; false if it is known.
    pub(in crate::model) fn insert(&mut self, info: &MessageInfo) -> bool {
        let authors = self.0.entry(info.message).or_default();
        let is_new = !authors.contains(&info.from);
        if is_new {
            authors.push(info.from.clone());
        }
        is_new
    }

    /// It is known.
    pub(in crate::model) fn has(&self, info: &MessageInfo) -> bool {
        self.0.get(&info.message).is_some_and(|authors| authors.contains(&info.from))
    }

    /// A message of this id is known, whoever's.
    pub(in crate::model) fn has_id(&self, id: MessageId) -> bool {
        self.0.contains_key(&id)
    }

    /// The key of the one message that has this id; none where several have it.
    pub(in crate::model) fn only(&self, id: MessageId) -> Option<MessageKey> {
        match self.0.get(&id)?.as_slice() {
            [author] => Some(MessageKey { id, author: author.clone() }),
            _ => None,
        }
    }

    /// It is not here any more.
    pub(in crate::model) fn remove(&mut self, info: &MessageInfo) {
        if let Some(authors) = self.0.get_mut(&info.message) {
            authors.retain(|author| *author != info.from);
            if authors.is_empty() {
                self.0.remove(&info.message);
            }
        }
    }

    /// How many.
    #[cfg(test)]
    pub(in crate::model) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

impl<'a> FromIterator<&'a MessageInfo> for Known {
    fn from_iter<T: IntoIterator<Item = &'a MessageInfo>>(infos: T) -> Self {
        let mut known = Self::default();
        for info in infos {
            known.insert(info);
        }
        known
    }
}
