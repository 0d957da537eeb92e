//! The scenes of the gallery: which content, in which window.

use hobnob_client::ui::drafts::Drafts;
use hobnob_client::ui::window_state::{KeptTabs, WindowState};

use crate::acts;
use crate::burst::Kind;

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
    /// Messages that were answered, changed, taken back and reacted to.
    Acts,
    /// New messages, links, a long text, a draft, somebody who writes.
    Comforts,
    /// Transfers in every state.
    Files,
    /// Files that are pictures.
    Pictures,
    /// Friends with nicknames, notes and times, some of them muted.
    People,
    /// Friends and rooms.
    Rooms,
    /// One room, and no friends.
    RoomsOnly,
    /// A room that was left.
    Left,
    /// A room whose owner removed one.
    Removed,
    /// A room with two hundred members.
    Hall,
    /// A conversation as long as a real history has it.
    Stored,
    /// Ten thousand messages at once.
    Burst(Kind),
}

/// What is done before the picture is taken.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// An action of the window, with its target.
    Do(&'static str, Option<&'static str>),
    /// The button of that name.
    Press(&'static str),
    /// An action of the menu of messages, with the message.
    Message(&'static str, &'static str),
    /// A picture into the clipboard, and from there into the composer.
    Paste,
    /// This into the composer.
    Write(&'static str),
    /// This into the entry of that title.
    Fill(&'static str, &'static str),
    /// The menu button of that name.
    Menu(&'static str),
    /// That page of the preferences.
    Turn(&'static str),
    /// This into the search entry in front.
    Search(&'static str),
    /// Files over the conversation in front.
    Carry,
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
    /// High contrast.
    pub contrast: bool,
    /// Tabs, the last one in front.
    pub tabs: &'static [&'static str],
    /// What is done before the picture is taken.
    pub steps: &'static [Step],
}

const USUAL: (i32, i32) = (1040, 680);
const NARROW: (i32, i32) = (360, 640);
const TALL: (i32, i32) = (1040, 1300);

const fn scene(name: &'static str, content: Content, tabs: &'static [&'static str]) -> Scene {
    Scene { name, content, size: USUAL, dark: false, contrast: false, tabs, steps: &[] }
}

const fn done(name: &'static str, content: Content, tabs: &'static [&'static str], steps: &'static [Step]) -> Scene {
    Scene { name, content, size: USUAL, dark: false, contrast: false, tabs, steps }
}

const ROOM: &[&str] = &["@bob", "#tea"];
const JOIN: &[Step] = &[Step::Do("win.join-room", None), Step::Fill("Room ID", "#networks-cc02")];
const WRONG: &[Step] = &[
    Step::Fill("Username", "alice"),
    Step::Fill("Password", "correct horse"),
    Step::Fill("Room ID (optional)", "tea room"),
    Step::Press("Sign Up"),
];
const PREFERENCES: [&[Step]; 5] = [
    &[Step::Do("win.preferences", None)],
    &[Step::Do("win.preferences", None), Step::Turn("Notifications")],
    &[Step::Do("win.preferences", None), Step::Turn("Conversations")],
    &[Step::Do("win.preferences", None), Step::Turn("Files")],
    &[Step::Do("win.preferences", None), Step::Turn("Behaviour")],
];
const SEARCH: &[Step] = &[Step::Do("win.search", None), Step::Search("te")];
/// A link that pretends; the first letter of its host is Cyrillic.
pub const LINK: &str = "http://paypal.com@\u{430}pple.example/sign-in/with/a/long/path/and?question=yes&other=no";
const PEOPLE: &[&str] = &["@frieda", "@bob"];
const DETAILS: &[Step] = &[Step::Do("win.details-of-person", Some("bob"))];
const COMPARE: &[Step] = &[Step::Do("win.verify-person", Some("bob"))];
const INVITE: &[Step] = &[Step::Do("win.invite", None)];
const INVITED: &[Step] = &[
    Step::Do("win.add-friend", None),
    Step::Fill(
        "Username",
        "hobnob:mallory?k=0101010101010101010101010101010101010101010101010101010101010101&s=chat.example:7666",
    ),
];
const HOSTILE: &[Step] =
    &[Step::Do("win.add-friend", None), Step::Fill("Username", "hobnob:bob?k=1234&run=\u{202e}gpj.exe")];
const JUMP: &[Step] = &[Step::Do("win.jump-to-date", None)];
const EXPORT: &[Step] = &[Step::Do("win.export", None)];
const ERASE: &[Step] = &[Step::Do("win.erase", None)];
const LONG_NAME: &[&str] = &["#the-room-with-a-name-as-long-as."];
const TABS: &[&str] = &["@carol", "@duong.nguyen", "@bob"];

/// Thirty tabs, one of a friend in front.
const MANY: &[&str] = &[
    "@friend-0001",
    "@friend-0002",
    "@friend-0003",
    "@friend-0004",
    "@friend-0005",
    "@friend-0006",
    "@friend-0007",
    "@friend-0008",
    "@friend-0009",
    "@friend-0010",
    "@friend-0011",
    "@friend-0012",
    "@friend-0013",
    "@friend-0014",
    "#room-00",
    "#room-01",
    "#room-02",
    "#room-03",
    "#room-04",
    "#room-05",
    "#room-06",
    "#room-07",
    "#room-08",
    "#room-09",
    "#room-10",
    "#room-11",
    "#room-12",
    "#room-13",
    "#room-14",
    "@friend-0000",
];

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
    scene("many-tabs", Content::Crowd, MANY),
    scene("long", Content::Long, &["@bob"]),
    scene("hostile", Content::Hostile, &["@bob"]),
    scene("acts", Content::Acts, &["@bob"]),
    Scene { dark: true, ..scene("acts-dark", Content::Acts, &["@bob"]) },
    Scene { size: NARROW, ..scene("acts-narrow", Content::Acts, &["@bob"]) },
    scene("acts-room", Content::Acts, ROOM),
    done("acts-menu", Content::Acts, &["@bob"], &[Step::Message("menu", acts::MINE)]),
    Scene { dark: true, ..done("acts-menu-dark", Content::Acts, &["@bob"], &[Step::Message("menu", acts::BOBS)]) },
    done("acts-reply", Content::Acts, &["@bob"], &[Step::Message("reply", acts::BOBS)]),
    Scene {
        size: NARROW,
        ..done("acts-reply-narrow", Content::Acts, &["@bob"], &[Step::Message("reply", acts::BOBS)])
    },
    done("acts-edit", Content::Acts, &["@bob"], &[Step::Message("edit", acts::MINE)]),
    Scene { dark: true, ..done("acts-edit-dark", Content::Acts, &["@bob"], &[Step::Message("edit", acts::MINE)]) },
    done("acts-delete", Content::Acts, &["@bob"], &[Step::Message("delete", acts::MINE)]),
    scene("called", Content::Rooms, ROOM),
    Scene { dark: true, ..scene("called-dark", Content::Rooms, ROOM) },
    done("mention", Content::Rooms, ROOM, &[Step::Write("Ask @")]),
    Scene { dark: true, ..done("mention-dark", Content::Rooms, ROOM, &[Step::Write("Ask @m")]) },
    Scene { size: NARROW, ..done("mention-narrow", Content::Rooms, ROOM, &[Step::Write("Ask @")]) },
    done("own-window", Content::Day, TABS, &[Step::Do("win.toggle-window", None)]),
    Scene { dark: true, ..done("own-window-dark", Content::Rooms, ROOM, &[Step::Do("win.toggle-window", None)]) },
    done("search", Content::Rooms, ROOM, SEARCH),
    Scene { dark: true, ..done("search-dark", Content::Rooms, ROOM, SEARCH) },
    Scene { size: NARROW, ..done("search-narrow", Content::Rooms, ROOM, SEARCH) },
    done("search-nothing-typed", Content::Day, TABS, &[Step::Do("win.search", None)]),
    done(
        "search-nothing-found",
        Content::Day,
        TABS,
        &[Step::Do("win.search", None), Step::Search("from:bob unicorn in:@bob")],
    ),
    done("search-files", Content::Files, &["@bob"], &[Step::Do("win.search", None), Step::Search("has:file")]),
    done("search-hostile", Content::Hostile, &["@bob"], &[Step::Do("win.search", None), Step::Search("from:bob")]),
    done("search-long", Content::Long, &["@bob"], &[Step::Do("win.search", None), Step::Search("message")]),
    done("search-sidebar", Content::Day, TABS, &[Step::Search("bo <b>")]),
    done("switcher", Content::Rooms, ROOM, &[Step::Do("win.switch", None)]),
    Scene {
        dark: true,
        ..done("switcher-dark", Content::Rooms, ROOM, &[Step::Do("win.switch", None), Step::Search("ea")])
    },
    Scene { size: NARROW, ..done("switcher-narrow", Content::Rooms, ROOM, &[Step::Do("win.switch", None)]) },
    done("switcher-nobody", Content::Day, TABS, &[Step::Do("win.switch", None), Step::Search("xyz")]),
    scene("comforts", Content::Comforts, TABS),
    Scene { dark: true, ..scene("comforts-dark", Content::Comforts, TABS) },
    Scene { size: NARROW, ..scene("comforts-narrow", Content::Comforts, TABS) },
    Scene { size: NARROW, ..scene("comforts-list-narrow", Content::Comforts, &[]) },
    done("dialog-open-link", Content::Comforts, TABS, &[Step::Message("link", LINK)]),
    Scene { dark: true, ..done("dialog-open-link-dark", Content::Comforts, TABS, &[Step::Message("link", LINK)]) },
    scene("files", Content::Files, &["@bob"]),
    Scene { dark: true, ..scene("files-dark", Content::Files, &["@bob"]) },
    Scene { size: NARROW, ..scene("files-narrow", Content::Files, &["@bob"]) },
    Scene { size: TALL, ..scene("pictures", Content::Pictures, &["@bob"]) },
    Scene { size: TALL, dark: true, ..scene("pictures-dark", Content::Pictures, &["@bob"]) },
    Scene { size: NARROW, ..scene("pictures-narrow", Content::Pictures, &["@bob"]) },
    done("dialog-send-picture", Content::Day, TABS, &[Step::Paste]),
    Scene { dark: true, ..done("dialog-send-picture-dark", Content::Day, TABS, &[Step::Paste]) },
    Scene { size: NARROW, ..done("dialog-send-picture-narrow", Content::Day, TABS, &[Step::Paste]) },
    done("transfers", Content::Files, &["@bob"], &[Step::Do("win.transfers", None)]),
    Scene { dark: true, ..done("transfers-dark", Content::Files, &["@bob"], &[Step::Do("win.transfers", None)]) },
    done("limit-speed", Content::Files, &["@bob"], &[Step::Do("win.transfers", None), Step::Press("Limit Speed…")]),
    scene("people", Content::People, PEOPLE),
    Scene { dark: true, ..scene("people-dark", Content::People, PEOPLE) },
    Scene { size: NARROW, ..scene("people-narrow", Content::People, PEOPLE) },
    Scene { size: NARROW, ..scene("people-list-narrow", Content::People, &[]) },
    scene("people-offline", Content::People, &["@frieda"]),
    scene("people-long", Content::People, &["@erik-the-unreasonably-long-name"]),
    done("people-by-name", Content::People, PEOPLE, &[Step::Do("win.sort", Some("name"))]),
    done("people-unread", Content::People, &[], &[Step::Do("win.show", Some("unread"))]),
    done("people-nothing-unread", Content::RoomsOnly, &[], &[Step::Do("win.show", Some("unread"))]),
    done("details", Content::People, PEOPLE, DETAILS),
    Scene { dark: true, ..done("details-dark", Content::People, PEOPLE, DETAILS) },
    Scene { size: NARROW, ..done("details-narrow", Content::People, PEOPLE, DETAILS) },
    Scene { dark: true, ..done("dialog-safety-number-dark", Content::People, PEOPLE, COMPARE) },
    done(
        "dialog-safety-number-differs",
        Content::People,
        PEOPLE,
        &[
            Step::Do("win.verify-person", Some("bob")),
            Step::Fill("Their Code or Digits", "hobnob-safety:1:bob"),
            Step::Press("Check"),
        ],
    ),
    done("dialog-invite", Content::People, PEOPLE, INVITE),
    Scene { dark: true, ..done("dialog-invite-dark", Content::People, PEOPLE, INVITE) },
    Scene { size: NARROW, ..done("dialog-invite-narrow", Content::People, PEOPLE, INVITE) },
    Scene { size: NARROW, ..done("dialog-safety-number-narrow", Content::People, PEOPLE, COMPARE) },
    done("dialog-invited", Content::People, PEOPLE, INVITED),
    Scene { dark: true, ..done("dialog-invited-hostile-dark", Content::People, PEOPLE, HOSTILE) },
    done("switcher-nickname", Content::People, PEOPLE, &[Step::Do("win.switch", None), Step::Search("uncle b")]),
    done("dialog-add-friend", Content::Day, &[], &[Step::Do("win.add-friend", None)]),
    done("dialog-status-text", Content::Day, &[], &[Step::Do("win.status-text", None)]),
    done("dialog-safety-number", Content::Day, &[], &[Step::Do("win.verify-person", Some("bob"))]),
    done("dialog-files-of-person", Content::Day, &[], &[Step::Do("win.files-of-person", Some("bob"))]),
    done("dialog-remove", Content::Day, &[], &[Step::Do("win.remove-person", Some("bob"))]),
    done("dialog-own-picture", Content::Rooms, ROOM, &[Step::Do("win.own-picture", None)]),
    Scene { dark: true, ..done("dialog-own-picture-dark", Content::Rooms, ROOM, &[Step::Do("win.own-picture", None)]) },
    Scene { size: NARROW, ..done("dialog-own-picture-none", Content::Day, &[], &[Step::Do("win.own-picture", None)]) },
    done("shortcuts", Content::Day, &[], &[Step::Do("win.shortcuts", None)]),
    done("about", Content::Day, &[], &[Step::Do("win.about", None)]),
    scene("room", Content::Rooms, ROOM),
    Scene { dark: true, ..scene("room-dark", Content::Rooms, ROOM) },
    Scene { size: NARROW, ..scene("room-narrow", Content::Rooms, ROOM) },
    Scene { size: NARROW, ..scene("rooms-list-narrow", Content::Rooms, &[]) },
    scene("room-empty", Content::Rooms, &["#quiet"]),
    scene("room-long-name", Content::Rooms, &["#the-room-with-a-name-as-long-as."]),
    scene("rooms-without-friends", Content::RoomsOnly, ROOM),
    scene("room-left", Content::Left, ROOM),
    Scene { dark: true, ..scene("room-left-dark", Content::Left, ROOM) },
    Scene { size: NARROW, ..scene("room-removed-narrow", Content::Removed, ROOM) },
    done("members", Content::Rooms, ROOM, &[Step::Do("win.members", None)]),
    Scene { dark: true, ..done("members-dark", Content::Rooms, ROOM, &[Step::Do("win.members", None)]) },
    done("members-many", Content::Hall, ROOM, &[Step::Do("win.members", None)]),
    done("dialog-join-room", Content::Rooms, ROOM, JOIN),
    Scene { dark: true, ..done("dialog-join-room-dark", Content::Rooms, ROOM, JOIN) },
    done(
        "dialog-join-room-wrong",
        Content::Rooms,
        ROOM,
        &[Step::Do("win.join-room", None), Step::Fill("Room ID", "tea room")],
    ),
    done("dialog-join-room-refused", Content::Left, ROOM, &[Step::Press("Join Again")]),
    done("dialog-room-password", Content::Rooms, ROOM, &[Step::Do("win.lock-room", Some("#tea"))]),
    done("dialog-leave-room", Content::Rooms, ROOM, &[Step::Do("win.leave-room", Some("#tea"))]),
    done("devices", Content::Rooms, ROOM, &[Step::Do("win.devices", None)]),
    Scene { dark: true, ..done("devices-dark", Content::Rooms, ROOM, &[Step::Do("win.devices", None)]) },
    done(
        "dialog-remove-device",
        Content::Rooms,
        ROOM,
        &[
            Step::Do("win.devices", None),
            Step::Press("Remove Device c426 9e5c"),
            Step::Fill("Your Password", "wrong one"),
            Step::Press("Remove"),
        ],
    ),
    done(
        "dialog-change-password",
        Content::Rooms,
        ROOM,
        &[
            Step::Do("win.change-password", None),
            Step::Fill("Current Password", "old"),
            Step::Fill("New Password", "new"),
        ],
    ),
    done(
        "sign-in-room",
        Content::New,
        &[],
        &[Step::Fill("Username", "alice"), Step::Fill("Room ID (optional)", "#tea")],
    ),
    Scene { size: NARROW, ..done("sign-in-room-wrong-narrow", Content::New, &[], WRONG) },
    done("preferences-appearance", Content::Day, TABS, PREFERENCES[0]),
    done("preferences-notifications", Content::Day, TABS, PREFERENCES[1]),
    Scene { dark: true, ..done("preferences-notifications-dark", Content::Day, TABS, PREFERENCES[1]) },
    Scene { contrast: true, ..done("preferences-notifications-hc", Content::Day, TABS, PREFERENCES[1]) },
    Scene { size: NARROW, ..done("preferences-notifications-narrow", Content::Day, TABS, PREFERENCES[1]) },
    done("preferences-conversations", Content::Day, TABS, PREFERENCES[2]),
    Scene { dark: true, ..done("preferences-files-dark", Content::Day, TABS, PREFERENCES[3]) },
    done("preferences-behaviour", Content::Day, TABS, PREFERENCES[4]),
    Scene { contrast: true, ..scene("day-hc", Content::Day, TABS) },
    Scene { contrast: true, dark: true, ..scene("day-hc-dark", Content::Day, TABS) },
    Scene { contrast: true, ..scene("acts-hc", Content::Acts, &["@bob"]) },
    Scene { contrast: true, dark: true, ..scene("acts-hc-dark", Content::Acts, &["@bob"]) },
    Scene { contrast: true, ..scene("comforts-hc", Content::Comforts, TABS) },
    Scene { contrast: true, dark: true, ..scene("files-hc-dark", Content::Files, &["@bob"]) },
    Scene { contrast: true, ..scene("key-changed-hc", Content::Alarm, TABS) },
    Scene { contrast: true, size: NARROW, ..scene("list-narrow-hc", Content::Rooms, &[]) },
    done("main-menu", Content::Day, TABS, &[Step::Menu("Main Menu")]),
    done("long-day", Content::Long, &["@bob"], &[Step::Do("win.jump-to-date", None), Step::Press("Jump")]),
    done("drop", Content::Day, TABS, &[Step::Carry]),
    Scene { dark: true, ..done("drop-dark", Content::Rooms, ROOM, &[Step::Carry]) },
    Scene { size: NARROW, ..done("drop-narrow", Content::Rooms, LONG_NAME, &[Step::Carry]) },
    done("dialog-jump-date", Content::Day, TABS, JUMP),
    Scene { dark: true, ..done("dialog-jump-date-dark", Content::Day, TABS, JUMP) },
    Scene { size: NARROW, ..done("dialog-jump-date-narrow", Content::Day, TABS, JUMP) },
    done("dialog-export", Content::Day, TABS, EXPORT),
    Scene { dark: true, ..done("dialog-export-dark", Content::Day, TABS, EXPORT) },
    Scene { size: NARROW, ..done("dialog-export-long-name", Content::Rooms, LONG_NAME, EXPORT) },
    done("dialog-erase", Content::Day, TABS, ERASE),
    Scene { dark: true, ..done("dialog-erase-room-dark", Content::Rooms, ROOM, ERASE) },
    Scene { size: NARROW, ..done("dialog-erase-narrow", Content::Rooms, LONG_NAME, ERASE) },
    done("erased", Content::Day, &["@frieda"], &[Step::Do("win.erase", None), Step::Press("Erase")]),
    scene("stored", Content::Stored, &["@carol"]),
    scene("burst-end", Content::Burst(Kind::End), ROOM),
    scene("burst-above", Content::Burst(Kind::Above), ROOM),
    scene("burst-late", Content::Burst(Kind::Late), ROOM),
    scene("burst-behind", Content::Burst(Kind::Behind), &["#tea", "@bob"]),
];

/// The window that the scene finds in its profile.
pub fn window_state(scene: &Scene) -> WindowState {
    let pinned = scene.tabs.iter().filter(|_| scene.content == Content::Comforts).take(1);
    let tabs = KeptTabs {
        tabs: scene.tabs.iter().map(|tab| (*tab).to_owned()).collect(),
        pinned: pinned.map(|tab| (*tab).to_owned()).collect(),
        front: scene.tabs.last().map(|tab| (*tab).to_owned()),
    };
    WindowState { width: scene.size.0, height: scene.size.1, tabs, ..WindowState::default() }
}

/// What was written there and not sent.
pub fn drafts(scene: &Scene) -> Drafts {
    let mut drafts = Drafts::default();
    let there = "@duong.nguyen".parse().ok().filter(|_| scene.content == Content::Comforts);
    if let Some(there) = there {
        drafts.set(&there, "I have been thinking about <i>what</i> you said".to_owned());
    }
    drafts
}
