//! The scenes of the gallery: which content, in which window.

use hobnob_client::ui::window_state::WindowState;

/// What the made-up core tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// No account.
    New,
    /// An account that is signed out.
    Known,
    /// The server's key changed.
    Stopped,
    /// The core does not start.
    Broken,
    /// Signed in, without friends.
    Empty,
    /// A day of talk, as in the pictures of the design.
    Day,
    /// The same, and the server is away.
    Away,
    /// The same, and Bob's key changed.
    Alarm,
    /// A thousand friends.
    Crowd,
    /// Ten thousand messages.
    Long,
    /// Texts that nobody should write.
    Hostile,
    /// Transfers in every state.
    Files,
}

/// A scene.
pub struct Scene {
    /// Its name, and its picture's.
    pub name: &'static str,
    /// What is told.
    pub content: Content,
    /// Size of the window.
    pub size: (i32, i32),
    /// Dark style.
    pub dark: bool,
    /// Tabs, the last one in front.
    pub tabs: &'static [&'static str],
    /// What is done before the picture is taken.
    pub action: Option<&'static str>,
    /// Its target.
    pub target: Option<&'static str>,
}

const USUAL: (i32, i32) = (1040, 680);
const NARROW: (i32, i32) = (360, 640);

const fn scene(name: &'static str, content: Content, tabs: &'static [&'static str]) -> Scene {
    Scene { name, content, size: USUAL, dark: false, tabs, action: None, target: None }
}

const TABS: &[&str] = &["@carol", "@duong.nguyen", "@bob"];

/// All of them.
pub const SCENES: &[Scene] = &[
    scene("sign-in", Content::New, &[]),
    scene("sign-in-known", Content::Known, &[]),
    Scene { dark: true, ..scene("sign-in-dark", Content::New, &[]) },
    Scene { size: NARROW, ..scene("sign-in-narrow", Content::New, &[]) },
    scene("server-key-changed", Content::Stopped, &[]),
    scene("not-started", Content::Broken, &[]),
    scene("empty", Content::Empty, &[]),
    scene("nobody-open", Content::Day, &[]),
    scene("day", Content::Day, TABS),
    Scene { dark: true, ..scene("day-dark", Content::Day, TABS) },
    Scene { size: NARROW, ..scene("day-narrow", Content::Day, TABS) },
    Scene { size: NARROW, ..scene("list-narrow", Content::Day, &[]) },
    scene("server-away", Content::Away, TABS),
    scene("key-changed", Content::Alarm, TABS),
    Scene { dark: true, ..scene("key-changed-dark", Content::Alarm, TABS) },
    scene("first-words", Content::Day, &["@frieda"]),
    scene("crowd", Content::Crowd, &["@friend-0007"]),
    scene("long", Content::Long, &["@bob"]),
    scene("hostile", Content::Hostile, &["@bob"]),
    scene("files", Content::Files, &["@bob"]),
    Scene { dark: true, ..scene("files-dark", Content::Files, &["@bob"]) },
    Scene { size: NARROW, ..scene("files-narrow", Content::Files, &["@bob"]) },
    Scene { action: Some("win.add-friend"), ..scene("dialog-add-friend", Content::Day, &[]) },
    Scene { action: Some("win.status-text"), ..scene("dialog-status-text", Content::Day, &[]) },
    Scene {
        action: Some("win.verify-person"),
        target: Some("bob"),
        ..scene("dialog-safety-number", Content::Day, &[])
    },
    Scene { action: Some("win.remove-person"), target: Some("bob"), ..scene("dialog-remove", Content::Day, &[]) },
    Scene { action: Some("win.show-help-overlay"), ..scene("shortcuts", Content::Day, &[]) },
    Scene { action: Some("win.about"), ..scene("about", Content::Day, &[]) },
];

/// The window that the scene finds in its profile.
pub fn window_state(scene: &Scene) -> WindowState {
    WindowState {
        width: scene.size.0,
        height: scene.size.1,
        maximized: false,
        tabs: scene.tabs.iter().map(|tab| (*tab).to_owned()).collect(),
        front: scene.tabs.last().map(|tab| (*tab).to_owned()),
    }
}
