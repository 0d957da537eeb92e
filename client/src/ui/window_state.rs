//! What is kept of the window from one start to the next: its size and which conversations are open. One small file in the profile, written
//! whole or not at all; a broken one is no reason not to start.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hobnob_shared::id::ConversationId;
use serde::{Deserialize, Serialize};

use crate::model::listing::Order;

/// Tabs reopened at start. Each reads a page of history, so a broken file must not ask for thousands.
const TABS_MAX: usize = 50;
/// Sizes a screen can have, in pixels.
const SIZES: std::ops::RangeInclusive<i32> = 200..=20_000;

/// Size and tabs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowState {
    /// Width in pixels, when not maximised.
    pub width: i32,
    /// Height in pixels, when not maximised.
    pub height: i32,
    /// Fills the screen.
    pub maximized: bool,
    /// Open conversations, in the order of their tabs.
    pub tabs: Vec<String>,
    /// Those of them that are pinned.
    pub pinned: Vec<String>,
    /// The one in front.
    pub front: Option<String>,
    /// What comes first in the sidebar.
    #[serde(deserialize_with = "known_order")]
    pub order: Order,
}

/// An order of a later version is as at the first start, and no reason to lose the rest.
fn known_order<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Order, D::Error> {
    let value = serde_json::Value::deserialize(value)?;
    Ok(Order::deserialize(value).unwrap_or_default())
}

impl Default for WindowState {
    fn default() -> Self {
        Self {
            width: 1040,
            height: 680,
            maximized: false,
            tabs: Vec::new(),
            pinned: Vec::new(),
            front: None,
            order: Order::default(),
        }
    }
}

impl WindowState {
    /// Reads it from a profile; what cannot be read is as at the first start.
    pub fn load(profile: &Path) -> Self {
        let text = fs::read(file(profile)).unwrap_or_default();
        let mut state: Self = serde_json::from_slice(&text).unwrap_or_default();
        let usual = Self::default();
        if !SIZES.contains(&state.width) || !SIZES.contains(&state.height) {
            (state.width, state.height) = (usual.width, usual.height);
        }
        state.tabs.truncate(TABS_MAX);
        state
    }

    /// Writes it into a profile.
    pub fn save(&self, profile: &Path) -> std::io::Result<()> {
        let (path, fresh) = (file(profile), profile.join("window.json.new"));
        let mut new = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        new.write_all(&serde_json::to_vec_pretty(self)?)?;
        fs::rename(fresh, path)
    }

    /// Its tab is pinned.
    pub fn is_pinned(&self, conversation: &ConversationId) -> bool {
        let name = conversation.to_string();
        self.pinned.contains(&name)
    }

    /// The conversations to open.
    pub fn conversations(&self) -> impl Iterator<Item = ConversationId> {
        self.tabs.iter().filter_map(|tab| tab.parse().ok())
    }
}

fn file(profile: &Path) -> PathBuf {
    profile.join("window.json")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_was_saved_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(WindowState::load(folder.path()), WindowState::default());
        let tabs = vec!["@bob".into(), "nonsense".into()];
        let state = WindowState {
            width: 800,
            order: Order::Recent,
            tabs,
            pinned: vec!["@bob".into()],
            ..WindowState::default()
        };
        state.save(folder.path()).unwrap();
        let loaded = WindowState::load(folder.path());
        assert_eq!(loaded, state);
        assert!(loaded.is_pinned(&"@bob".parse().unwrap()) && !loaded.is_pinned(&"#tea".parse().unwrap()));
        assert_eq!(loaded.conversations().map(|tab| tab.to_string()).collect::<Vec<_>>(), ["@bob"]);
    }

    #[test]
    fn an_order_of_a_later_version_loses_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(file(folder.path()), r#"{"width": 800, "height": 600, "order": "phase of the moon"}"#).unwrap();
        let state = WindowState::load(folder.path());
        assert_eq!((state.width, state.order), (800, Order::Online));
    }

    #[test]
    fn a_broken_file_is_a_first_start() {
        let folder = tempfile::tempdir().unwrap();
        for broken in ["", "{", "[1]", "{\"width\": -5}", "{\"width\": 99999999, \"height\": 5}", "\0\0"] {
            fs::write(file(folder.path()), broken).unwrap();
            let state = WindowState::load(folder.path());
            assert_eq!((state.width, state.height), (1040, 680), "{broken:?}");
        }
    }
}
