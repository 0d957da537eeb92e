//! Which message each draft answers: kept beside the drafts, in a small file of the profile. Without it a draft that comes back would be sent as
//! an answer to nothing. The root owns it and writes it together with the drafts; a broken file is as none.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hobnob_shared::id::{ConversationId, MessageId};

use crate::core::message_key::{MessageKey, MessageRef};

/// Conversations with such a draft.
const ALL_MAX: usize = 1_000;

/// What all drafts answer.
#[derive(Debug, Default)]
pub struct Answering {
    messages: BTreeMap<ConversationId, MessageRef>,
    /// Not on the disk yet.
    changed: bool,
    /// Somebody sees to that.
    awaited: bool,
}

impl Answering {
    /// Reads it from a profile.
    pub fn load(profile: &Path) -> Self {
        let bytes = fs::read(file(profile)).unwrap_or_default();
        let stored: BTreeMap<String, String> = serde_json::from_slice(&bytes).unwrap_or_default();
        let known = stored.into_iter().filter_map(|(name, message)| Some((name.parse().ok()?, read(&message)?)));
        Self { messages: known.take(ALL_MAX).collect(), ..Self::default() }
    }

    /// What the draft there answers.
    pub fn get(&self, conversation: &ConversationId) -> Option<&MessageRef> {
        self.messages.get(conversation)
    }

    /// The draft there answers this now, or nothing.
    pub fn set(&mut self, conversation: &ConversationId, message: Option<MessageRef>) {
        if self.get(conversation) == message.as_ref() {
            return;
        }
        match message {
            Some(message) if self.messages.len() < ALL_MAX || self.messages.contains_key(conversation) => {
                self.messages.insert(conversation.clone(), message);
            }
            Some(_) => return,
            None => drop(self.messages.remove(conversation)),
        }
        self.changed = true;
    }

    /// Something is to be written a moment later, and nobody was told so before.
    pub fn wants_saving(&mut self) -> bool {
        self.changed && !std::mem::replace(&mut self.awaited, true)
    }

    /// Writes it into a profile, if it is not there already.
    pub fn save(&mut self, profile: &Path) -> io::Result<()> {
        self.awaited = false;
        if !self.changed {
            return Ok(());
        }
        let stored: BTreeMap<String, String> =
            self.messages.iter().map(|(id, message)| (id.to_string(), written(message))).collect();
        let (path, fresh) = (file(profile), profile.join("answering.json.new"));
        let mut new = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        new.write_all(&serde_json::to_vec(&stored)?)?;
        fs::rename(fresh, path)?;
        self.changed = false;
        Ok(())
    }
}

/// `ID@AUTHOR`, or `ID` where the author is not known.
fn written(MessageRef { id, author }: &MessageRef) -> String {
    author.as_ref().map_or_else(|| id.to_string(), |author| format!("{id}@{author}"))
}

fn read(text: &str) -> Option<MessageRef> {
    let key = text.parse::<MessageKey>().map(MessageRef::from);
    key.or_else(|_| text.parse::<MessageId>().map(MessageRef::from)).ok()
}

fn file(profile: &Path) -> PathBuf {
    profile.join("answering.json")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_is_answered_comes_back_and_what_is_not_any_more_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let id = |text: &str| text.parse::<ConversationId>().unwrap();
        let known: MessageRef = MessageKey { id: MessageId::new(), author: "bob".parse().unwrap() }.into();
        let unknown = MessageRef::from(MessageId::new());
        let mut answering = Answering::load(folder.path());
        assert!(!answering.wants_saving());
        answering.set(&id("@bob"), Some(known.clone()));
        answering.set(&id("#tea"), Some(unknown.clone()));
        answering.set(&id("@carol"), Some(unknown.clone()));
        answering.set(&id("@carol"), None);
        assert!(answering.wants_saving() && !answering.wants_saving(), "asked for once");
        answering.save(folder.path()).unwrap();
        let mut again = Answering::load(folder.path());
        assert_eq!(again.get(&id("@bob")), Some(&known));
        assert_eq!(again.get(&id("#tea")), Some(&unknown));
        assert_eq!(again.get(&id("@carol")), None);
        again.set(&id("@bob"), Some(known));
        assert!(!again.wants_saving(), "nothing changed");
    }

    #[test]
    fn a_broken_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for broken in ["", "{", "[1]", "{\"@bob\": 5}", "\0", "{\"@bob\": \"x\"}", "{\"nowhere\": \"x\"}"] {
            fs::write(file(folder.path()), broken).unwrap();
            assert!(Answering::load(folder.path()).messages.is_empty(), "{broken:?}");
        }
    }
}
