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

/// Windows reopened at start.
const WINDOWS_MAX: usize = 20;

/// Open conversations of a window.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptTabs {
    /// In the order of their tabs.
    pub tabs: Vec<String>,
    /// Those of them that are pinned.
    pub pinned: Vec<String>,
    /// The one in front.
    pub front: Option<String>,
}

/// A window beside the main one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptWindow {
    /// Width in pixels.
    pub width: i32,
    /// Height in pixels.
    pub height: i32,
    /// What is open in it.
    #[serde(flatten)]
    pub tabs: KeptTabs,
}

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
    /// What is open in the main window.
    #[serde(flatten)]
    pub tabs: KeptTabs,
    /// Windows that tabs were moved to.
    pub windows: Vec<KeptWindow>,
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
            tabs: KeptTabs::default(),
            windows: Vec::new(),
            order: Order::default(),
        }
    }
}

impl Default for KeptWindow {
    fn default() -> Self {
        Self { width: 640, height: 620, tabs: KeptTabs::default() }
    }
}

impl KeptTabs {
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

impl WindowState {
    /// Reads it from a profile; what cannot be read is as at the first start.
    pub fn load(profile: &Path) -> Self {
        let text = fs::read(file(profile)).unwrap_or_default();
        let mut state: Self = serde_json::from_slice(&text).unwrap_or_default();
        let usual = Self::default();
        if !SIZES.contains(&state.width) || !SIZES.contains(&state.height) {
            (state.width, state.height) = (usual.width, usual.height);
        }
        state.tabs.tabs.truncate(TABS_MAX);
        state.windows.truncate(WINDOWS_MAX);
        let mut rest = TABS_MAX - state.tabs.tabs.len();
        for window in &mut state.windows {
            if !SIZES.contains(&window.width) || !SIZES.contains(&window.height) {
                let tabs = std::mem::take(&mut window.tabs);
                *window = KeptWindow { tabs, ..KeptWindow::default() };
            }
            window.tabs.tabs.truncate(rest);
            rest -= window.tabs.tabs.len();
        }
        state.windows.retain(|window| window.tabs.conversations().next().is_some());
        state
    }

    /// Writes it into a profile.
    pub fn save(&self, profile: &Path) -> std::io::Result<()> {
        let (path, fresh) = (file(profile), profile.join("window.json.new"));
        let mut new = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        new.write_all(&serde_json::to_vec_pretty(self)?)?;
        fs::rename(fresh, path)
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
        let tabs = KeptTabs { tabs, pinned: vec!["@bob".into()], front: Some("@bob".into()) };
        let alone = KeptTabs { tabs: vec!["#tea".into()], ..KeptTabs::default() };
        let windows = vec![KeptWindow { width: 500, height: 400, tabs: alone }];
        let state = WindowState { width: 800, order: Order::Recent, tabs, windows, ..WindowState::default() };
        state.save(folder.path()).unwrap();
        let loaded = WindowState::load(folder.path());
        assert_eq!(loaded, state);
        assert!(loaded.tabs.is_pinned(&"@bob".parse().unwrap()) && !loaded.tabs.is_pinned(&"#tea".parse().unwrap()));
        assert_eq!(loaded.tabs.conversations().map(|tab| tab.to_string()).collect::<Vec<_>>(), ["@bob"]);
    }

    #[test]
    fn many_tabs_and_windows_without_sense_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let many = |count: usize| KeptTabs {
            tabs: (0..count).map(|n| format!("@friend-{n}")).collect(),
            ..KeptTabs::default()
        };
        let window = |count, width| KeptWindow { width, height: 300, tabs: many(count) };
        let windows = vec![window(20, -4), window(0, 300), window(30, 300), window(5, 300)];
        WindowState { tabs: many(25), windows, ..WindowState::default() }.save(folder.path()).unwrap();
        let loaded = WindowState::load(folder.path());
        let tabs: Vec<usize> = loaded.windows.iter().map(|window| window.tabs.tabs.len()).collect();
        assert_eq!((loaded.tabs.tabs.len(), tabs), (25, vec![20, 5]));
        assert_eq!((loaded.windows[0].width, loaded.windows[1].width), (640, 300));
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
