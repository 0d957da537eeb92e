//! What was written and not sent, for each conversation: kept in one small file of the profile, so that neither a closed tab nor the end of
//! the program loses it. The root owns it and writes it a moment after the last key; a broken file is as none.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hobnob_shared::id::ConversationId;

/// Bytes of one draft that are kept. Far beyond a message; what is longer still stands in its tab.
const ONE_MAX: usize = 256 * 1024;
/// Conversations with a draft.
const ALL_MAX: usize = 1_000;

/// All drafts.
#[derive(Debug, Default)]
pub struct Drafts {
    texts: BTreeMap<ConversationId, String>,
    /// Not on the disk yet.
    changed: bool,
    /// Somebody sees to that.
    awaited: bool,
    /// The last try to write them failed.
    failing: bool,
}

impl Drafts {
    /// Reads them from a profile.
    pub fn load(profile: &Path) -> Self {
        let bytes = fs::read(file(profile)).unwrap_or_default();
        let stored: BTreeMap<String, String> = serde_json::from_slice(&bytes).unwrap_or_default();
        let known = stored.into_iter().filter_map(|(name, text)| Some((name.parse().ok()?, text)));
        Self { texts: known.filter(|(_, text)| is_kept(text)).take(ALL_MAX).collect(), ..Self::default() }
    }

    /// What was written there.
    pub fn get(&self, conversation: &ConversationId) -> Option<&str> {
        self.texts.get(conversation).map(String::as_str)
    }

    /// This is written there now; nothing but spaces is none.
    pub fn set(&mut self, conversation: &ConversationId, text: String) {
        if !is_kept(&text) {
            self.changed |= self.texts.remove(conversation).is_some();
        } else if self.get(conversation) != Some(&text)
            && (self.texts.len() < ALL_MAX || self.texts.contains_key(conversation))
        {
            self.texts.insert(conversation.clone(), text);
            self.changed = true;
        }
    }

    /// A text that was not sent goes before what was written there since. False where so much is not kept.
    pub fn put_back(&mut self, conversation: &ConversationId, text: String) -> bool {
        let whole = match self.get(conversation) {
            Some(written) => format!("{text}\n{written}"),
            None => text,
        };
        let fits = whole.len() <= ONE_MAX;
        if fits {
            self.set(conversation, whole);
        }
        fits && self.get(conversation).is_some()
    }

    /// Something is not on the disk yet.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Something is to be written a moment later, and nobody was told so before.
    pub fn wants_saving(&mut self) -> bool {
        self.changed && !std::mem::replace(&mut self.awaited, true)
    }

    /// They could not be written the last time, which was told.
    pub fn is_failing(&self) -> bool {
        self.failing
    }

    /// Writes them into a profile, if they are not there already. Where that fails they stay here, and are written with the next that changes.
    pub fn save(&mut self, profile: &Path) -> io::Result<()> {
        self.awaited = false;
        if !self.changed {
            return Ok(());
        }
        let written = self.write(profile);
        self.failing = written.is_err();
        self.changed = self.failing;
        written
    }

    fn write(&self, profile: &Path) -> io::Result<()> {
        let stored: BTreeMap<String, &String> = self.texts.iter().map(|(id, text)| (id.to_string(), text)).collect();
        let (path, fresh) = (file(profile), profile.join("drafts.json.new"));
        let mut new = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        new.write_all(&serde_json::to_vec(&stored)?)?;
        fs::rename(fresh, path)
    }
}

fn is_kept(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= ONE_MAX
}

fn file(profile: &Path) -> PathBuf {
    profile.join("drafts.json")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn id(text: &str) -> ConversationId {
        text.parse().unwrap()
    }

    #[test]
    fn each_conversation_has_its_own_and_an_empty_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut drafts = Drafts::load(folder.path());
        drafts.set(&id("@bob"), "to <b>bob</b>\n\u{202E}".into());
        drafts.set(&id("#tea"), "to the room".into());
        drafts.set(&id("@carol"), "never mind".into());
        drafts.set(&id("@carol"), " \n ".into());
        drafts.save(folder.path()).unwrap();
        let mode = fs::metadata(file(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads what was not even sent");
        let again = Drafts::load(folder.path());
        assert_eq!(again.get(&id("@bob")), Some("to <b>bob</b>\n\u{202E}"));
        assert_eq!(again.get(&id("#tea")), Some("to the room"));
        assert_eq!(again.get(&id("@carol")), None);
    }

    #[test]
    fn nothing_is_written_that_did_not_change() {
        let folder = tempfile::tempdir().unwrap();
        let mut drafts = Drafts::default();
        drafts.set(&id("@bob"), String::new());
        drafts.save(folder.path()).unwrap();
        assert!(!file(folder.path()).exists());
        drafts.set(&id("@bob"), "x".into());
        drafts.save(folder.path()).unwrap();
        drafts.set(&id("@bob"), "x".into());
        assert!(!drafts.is_changed());
        drafts.set(&id("@bob"), "x".repeat(ONE_MAX + 1));
        assert!(
            drafts.is_changed() && drafts.get(&id("@bob")).is_none(),
            "an older text is not taken for the newer one"
        );
    }

    #[test]
    fn what_was_not_sent_is_put_before_what_was_written_since() {
        let mut drafts = Drafts::default();
        assert!(drafts.put_back(&id("@bob"), "first".into()));
        assert!(drafts.put_back(&id("@bob"), "before it".into()));
        assert_eq!(drafts.get(&id("@bob")), Some("before it\nfirst"));
        assert!(!drafts.put_back(&id("@bob"), "x".repeat(ONE_MAX)));
        assert_eq!(drafts.get(&id("@bob")), Some("before it\nfirst"), "what is there is not lost for it");
    }

    #[test]
    fn a_disk_that_fails_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let mut drafts = Drafts::default();
        drafts.set(&id("@bob"), "x".into());
        assert!(drafts.wants_saving() && !drafts.wants_saving(), "asked for once");
        assert!(!drafts.is_failing() && drafts.save(&gone).is_err());
        assert!(drafts.is_failing() && drafts.is_changed(), "what is told already is no news");
        assert_eq!(drafts.get(&id("@bob")), Some("x"));
        drafts.set(&id("@bob"), "xy".into());
        assert!(drafts.wants_saving(), "with the next key, at the latest");
        drafts.save(folder.path()).unwrap();
        assert!(!drafts.wants_saving() && !drafts.is_changed() && !drafts.is_failing());
        assert_eq!(Drafts::load(folder.path()).get(&id("@bob")), Some("xy"));
    }

    #[test]
    fn a_broken_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for broken in ["", "{", "[1]", "{\"@bob\": 5}", "\0\0", "{\"no such place\": \"x\"}"] {
            fs::write(file(folder.path()), broken).unwrap();
            assert!(Drafts::load(folder.path()).texts.is_empty(), "{broken:?}");
        }
    }
}
