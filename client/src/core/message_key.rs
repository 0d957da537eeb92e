//! Which message is meant. An id is made by the author of its message, and somebody else may use it once more, by mistake or to have their words
//! taken for the other's: only id and author together say it. The history keeps at most one message of both.

use std::fmt;
use std::str::FromStr;

use hobnob_shared::id::{Handle, IdError, MessageId};

use super::event::MessageInfo;

/// Names one message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageKey {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Handle,
}

impl MessageKey {
    /// It is this one.
    pub fn is_of(&self, info: &MessageInfo) -> bool {
        self.id == info.message && self.author == info.from
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.author)
    }
}

impl FromStr for MessageKey {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (id, author) = text.split_once('@').ok_or(IdError::Handle)?;
        Ok(Self { id: id.parse()?, author: author.parse()? })
    }
}

/// A message as somebody names it who may know the id alone: an answer does, and so may a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRef {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it, where that is said.
    pub author: Option<Handle>,
}

impl MessageRef {
    /// This one may be meant.
    pub fn fits(&self, info: &MessageInfo) -> bool {
        self.id == info.message && self.author.as_ref().is_none_or(|author| *author == info.from)
    }
}

impl From<MessageKey> for MessageRef {
    fn from(MessageKey { id, author }: MessageKey) -> Self {
        Self { id, author: Some(author) }
    }
}

impl From<MessageId> for MessageRef {
    fn from(id: MessageId) -> Self {
        Self { id, author: None }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_key_is_written_and_read() {
        let key = MessageKey { id: MessageId::new(), author: "duong.nguyen".parse().unwrap() };
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        for none in [key.id.to_string(), format!("{}@", key.id), "@bob".to_owned(), String::new()] {
            assert!(none.parse::<MessageKey>().is_err(), "{none:?}");
        }
    }
}
