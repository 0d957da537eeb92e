//! Menus, actions and keys of the window. Each action is one message to the root.

use gtk::prelude::*;
use gtk::{gio, glib};
use hobnob_shared::message::OwnPresence;
use relm4::{Sender, adw, gtk};

use crate::ui::app::AppMsg;
use crate::ui::notify::Place;
use crate::ui::people;

/// What a menu or a key asks for.
#[derive(Debug, Clone)]
pub enum ActionMsg {
    /// Ask for a new friend's name.
    AddFriend,
    /// Cursor into the search of the sidebar.
    FocusSearch,
    /// Search messages, people, rooms and files.
    Search,
    /// Go to a conversation by some letters of its name.
    Switch,
    /// Close the tab of that conversation; with none named, that in front.
    CloseTab(String),
    /// Pin it, or not any more.
    PinTab(String),
    /// Move it to a window of its own, or from there to the main window.
    MoveTab(String),
    /// Open the tab that was closed last.
    ReopenTab,
    /// Choose files for the conversation in front.
    Attach,
    /// Choose a folder to send.
    AttachFolder,
    /// Something about the conversation in front.
    Kept(KeptAction),
    /// Open the panel of all transfers.
    Transfers,
    /// From the conversation back to the sidebar, when narrow.
    Back,
    /// Ask for a status text.
    StatusText,
    /// Ask for the picture that others see.
    Picture,
    /// Be this.
    Presence(OwnPresence),
    /// Sign out.
    SignOut,
    /// Which keys do what.
    Shortcuts,
    /// About the program.
    About,
    /// End.
    Quit,
    /// Something about the person of that handle.
    Person(PersonAction, String),
    /// Ask which room to join.
    JoinRoom,
    /// Show who is in the room in front.
    Members,
    /// Give and show read receipts, or not any more.
    Receipts(bool),
    /// Show the account's devices.
    Devices,
    /// Ask for another password.
    ChangePassword,
    /// Something about the room of that id.
    Room(RoomAction, String),
    /// Show what the person prefers.
    Preferences,
    /// Choose where received files go.
    ChooseDownloads,
    /// Ask how fast files may go.
    LimitSpeed,
    /// To the next conversation with something unread, or the one before.
    Unread {
        /// The one before.
        back: bool,
    },
    /// From composer to messages to sidebar.
    NextPane,
    /// Open the menu of the conversation in front.
    ConversationMenu,
    /// A notification was clicked, or the program started once more; with the desktop's leave to come to the front.
    Come(Place, Option<String>),
}

impl ActionMsg {
    /// Does something while nobody is signed in, too. Everything else is about what is hidden then.
    pub fn works_outside(&self) -> bool {
        matches!(
            self,
            Self::CloseTab(_)
                | Self::Shortcuts
                | Self::About
                | Self::Quit
                | Self::Come(..)
                | Self::Preferences
                | Self::Receipts(_)
                | Self::ChooseDownloads
                | Self::LimitSpeed
        )
    }
}

/// What a conversation's menu offers for what was said in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptAction {
    /// Go to a day.
    Jump,
    /// Write it into a file.
    Export,
    /// Take it off this disk.
    Erase,
}

/// What a person's menu offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonAction {
    /// Open the conversation.
    Open,
    /// Show who they are, and what one calls them.
    Details,
    /// Compare the safety number.
    Verify,
    /// Say what of their files is taken without asking.
    Files,
    /// End the friendship.
    Remove,
    /// End it and refuse more.
    Block,
}

/// What a room's menu offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomAction {
    /// Open the conversation.
    Open,
    /// Its id into the clipboard.
    Copy,
    /// Set another password.
    Lock,
    /// No password from now on.
    Unlock,
    /// Be no member any more.
    Leave,
}

const PRESENCES: [(&str, &str, OwnPresence); 4] = [
    ("Available", "available", OwnPresence::Available),
    ("Away", "away", OwnPresence::Away),
    ("Do Not Disturb", "busy", OwnPresence::Busy),
    ("Invisible", "invisible", OwnPresence::Invisible),
];

/// The main menu.
pub fn main_menu() -> gio::Menu {
    let section = |items: &[(&str, &str)]| {
        let section = gio::Menu::new();
        for (words, action) in items {
            section.append(Some(words), Some(action));
        }
        section
    };
    let presence = gio::Menu::new();
    for (words, name, _) in PRESENCES {
        presence.append(Some(words), Some(&format!("win.presence::{name}")));
    }
    presence.append(Some("Status Text…"), Some("win.status-text"));
    presence.append(Some("Set Picture…"), Some("win.own-picture"));
    let menu = gio::Menu::new();
    menu.append_section(None, &presence);
    menu.append_section(
        None,
        &section(&[
            ("Search…", "win.search"),
            ("Add Friend…", "win.add-friend"),
            ("Invite Link…", "win.invite"),
            ("Join Room…", "win.join-room"),
            ("Devices…", "win.devices"),
        ]),
    );
    menu.append_section(None, &section(&[("Sign Out", "win.sign-out")]));
    menu.append_section(
        None,
        &section(&[
            ("Preferences", "win.preferences"),
            ("Keyboard Shortcuts", "win.shortcuts"),
            ("About Hobnob", "win.about"),
            ("Quit", "win.quit"),
        ]),
    );
    menu
}

/// The name of a presence as the menu's state.
pub fn presence_name(presence: OwnPresence) -> &'static str {
    PRESENCES.iter().find(|(_, _, known)| *known == presence).map_or("available", |(_, name, _)| name)
}

/// Actions without a parameter, and their keys.
const PLAIN: [(&str, ActionMsg, &[&str]); 30] = [
    ("add-friend", ActionMsg::AddFriend, &["<Control>n"]),
    ("join-room", ActionMsg::JoinRoom, &["<Control>j"]),
    ("members", ActionMsg::Members, &["<Control>m"]),
    ("devices", ActionMsg::Devices, &[]),
    ("change-password", ActionMsg::ChangePassword, &[]),
    ("transfers", ActionMsg::Transfers, &["<Control><Shift>y"]),
    ("focus-search", ActionMsg::FocusSearch, &["<Control>f"]),
    ("search", ActionMsg::Search, &["<Control><Shift>f"]),
    ("switch", ActionMsg::Switch, &["<Control>k"]),
    ("close-tab", ActionMsg::CloseTab(String::new()), &["<Control>w"]),
    ("reopen-tab", ActionMsg::ReopenTab, &["<Control><Shift>t"]),
    ("toggle-window", ActionMsg::MoveTab(String::new()), &["<Control><Shift>d"]),
    ("toggle-pin", ActionMsg::PinTab(String::new()), &["<Control><Shift>p"]),
    ("attach", ActionMsg::Attach, &["<Control>o"]),
    ("attach-folder", ActionMsg::AttachFolder, &["<Control><Shift>o"]),
    ("jump-to-date", ActionMsg::Kept(KeptAction::Jump), &["<Control>g"]),
    ("export", ActionMsg::Kept(KeptAction::Export), &[]),
    ("erase", ActionMsg::Kept(KeptAction::Erase), &[]),
    ("back", ActionMsg::Back, &["<Alt>Left"]),
    ("status-text", ActionMsg::StatusText, &[]),
    ("own-picture", ActionMsg::Picture, &[]),
    ("sign-out", ActionMsg::SignOut, &[]),
    ("unread", ActionMsg::Unread { back: false }, &["<Alt>Down"]),
    ("unread-before", ActionMsg::Unread { back: true }, &["<Alt>Up"]),
    ("next-pane", ActionMsg::NextPane, &["F6"]),
    ("conversation-menu", ActionMsg::ConversationMenu, &["<Control><Shift>m"]),
    ("preferences", ActionMsg::Preferences, &["<Control>comma"]),
    ("shortcuts", ActionMsg::Shortcuts, &["<Control>question", "F1"]),
    ("about", ActionMsg::About, &[]),
    ("quit", ActionMsg::Quit, &["<Control>q"]),
];

const PERSON: [(&str, PersonAction); 6] = [
    ("open-person", PersonAction::Open),
    ("details-of-person", PersonAction::Details),
    ("verify-person", PersonAction::Verify),
    ("files-of-person", PersonAction::Files),
    ("remove-person", PersonAction::Remove),
    ("block-person", PersonAction::Block),
];

const ROOM: [(&str, RoomAction); 5] = [
    ("open-room", RoomAction::Open),
    ("copy-room", RoomAction::Copy),
    ("lock-room", RoomAction::Lock),
    ("unlock-room", RoomAction::Unlock),
    ("leave-room", RoomAction::Leave),
];

/// Installs all of them. Returns the presence, whose state the root sets.
pub fn install(window: &adw::ApplicationWindow, input: &Sender<AppMsg>) -> gio::SimpleAction {
    let app = relm4::main_application();
    people::install(window, input);
    for (name, message, keys) in PLAIN {
        let (action, input) = (gio::SimpleAction::new(name, None), input.clone());
        action.connect_activate(move |_, _| input.emit(AppMsg::Action(message.clone())));
        window.add_action(&action);
        app.set_accels_for_action(&format!("win.{name}"), keys);
    }
    for (name, what) in PERSON {
        let input = input.clone();
        let action = with_text(name, move |user| input.emit(AppMsg::Action(ActionMsg::Person(what, user))));
        window.add_action(&action);
    }
    for (name, what) in ROOM {
        let input = input.clone();
        window.add_action(&with_text(name, move |room| input.emit(AppMsg::Action(ActionMsg::Room(what, room)))));
    }
    for (name, what) in [
        ("pin-tab", ActionMsg::PinTab as fn(String) -> ActionMsg),
        ("move-tab", ActionMsg::MoveTab),
        ("shut-tab", ActionMsg::CloseTab),
    ] {
        let input = input.clone();
        window.add_action(&with_text(name, move |id| input.emit(AppMsg::Action(what(id)))));
    }

    let state = presence_name(OwnPresence::default()).to_variant();
    let presence = gio::SimpleAction::new_stateful("presence", Some(glib::VariantTy::STRING), &state);
    let input = input.clone();
    presence.connect_activate(move |_, name| {
        let name = name.and_then(glib::Variant::str).unwrap_or_default();
        if let Some((_, _, wanted)) = PRESENCES.iter().find(|(_, known, _)| *known == name) {
            // The mark moves when the core has done it.
            input.emit(AppMsg::Action(ActionMsg::Presence(*wanted)));
        }
    });
    window.add_action(&presence);
    presence
}

fn with_text(name: &str, run: impl Fn(String) + 'static) -> gio::SimpleAction {
    let action = gio::SimpleAction::new(name, Some(glib::VariantTy::STRING));
    action.connect_activate(move |_, text| run(text.and_then(glib::Variant::str).unwrap_or_default().to_owned()));
    action
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORTCUTS: &str = include_str!("../../../resources/shortcuts.ui");
    /// Actions that a menu or a button of the window itself offers, and so no key of their own is needed.
    const BY_BUTTON: [&str; 1] = ["change-password"];

    fn offered(menu: &gio::MenuModel, found: &mut Vec<String>) {
        for at in 0..menu.n_items() {
            if let Some(action) = menu.item_attribute_value(at, "action", None).and_then(|name| name.get::<String>()) {
                found.push(action);
            }
            if let Some(section) = menu.item_link(at, "section") {
                offered(&section, found);
            }
        }
    }

    #[test]
    fn every_action_has_a_key_that_is_shown_or_stands_in_a_menu() {
        let mut menus = Vec::new();
        offered(main_menu().upcast_ref(), &mut menus);
        // That of a conversation, of which there is not more than what was said.
        if let Some(menu) = crate::ui::header::Subject::Past.menu() {
            offered(menu.upcast_ref(), &mut menus);
        }
        for (name, _, keys) in PLAIN {
            let action = format!("win.{name}");
            if keys.is_empty() {
                assert!(menus.contains(&action) || BY_BUTTON.contains(&name), "{name} cannot be reached by keys");
            } else {
                assert!(
                    SHORTCUTS.contains(&format!("\"action-name\">{action}<")),
                    "{name} is not in the shortcuts window"
                );
            }
        }
        for action in menus {
            let name = action.strip_prefix("win.").and_then(|name| name.split("::").next()).unwrap_or_default();
            // These are installed on their own.
            assert!(
                ["presence", "invite"].contains(&name) || PLAIN.iter().any(|(known, ..)| *known == name),
                "{action} does nothing"
            );
        }
    }

    #[test]
    fn the_shortcuts_window_tells_of_keys_that_there_are_and_no_key_does_two_things() {
        for part in SHORTCUTS.split("\"action-name\">win.").skip(1) {
            let name = part.split('<').next().unwrap_or_default();
            let keys = PLAIN.iter().find(|(known, ..)| *known == name).map(|(_, _, keys)| *keys);
            assert!(keys.is_some_and(|keys| !keys.is_empty()), "{name} has no key");
        }
        let mut keys: Vec<&str> = PLAIN.iter().flat_map(|(_, _, keys)| keys.iter().copied()).collect();
        keys.sort_unstable();
        let all = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
