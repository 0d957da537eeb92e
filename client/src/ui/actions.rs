//! Menus, actions and keys of the window. Each action is one message to the root.

use gtk::prelude::*;
use gtk::{gio, glib};
use hobnob_shared::message::OwnPresence;
use relm4::{Sender, adw, gtk};

use crate::ui::app::AppMsg;

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
    /// Open the tab that was closed last.
    ReopenTab,
    /// Choose files for the conversation in front.
    Attach,
    /// Choose a folder to send.
    AttachFolder,
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
    Receipts,
    /// Show the account's devices.
    Devices,
    /// Ask for another password.
    ChangePassword,
    /// Something about the room of that id.
    Room(RoomAction, String),
    /// Open the conversation of that id: a notification was clicked.
    Open(String),
}

/// What a person's menu offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonAction {
    /// Open the conversation.
    Open,
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
            ("Join Room…", "win.join-room"),
            ("Devices…", "win.devices"),
        ]),
    );
    menu.append_section(None, &section(&[("Read Receipts", "win.receipts")]));
    menu.append_section(None, &section(&[("Keyboard Shortcuts", "win.shortcuts"), ("About Hobnob", "win.about")]));
    menu.append_section(None, &section(&[("Sign Out", "win.sign-out")]));
    menu
}

/// The name of a presence as the menu's state.
pub fn presence_name(presence: OwnPresence) -> &'static str {
    PRESENCES.iter().find(|(_, _, known)| *known == presence).map_or("available", |(_, name, _)| name)
}

/// Actions without a parameter, and their keys.
const PLAIN: [(&str, ActionMsg, &[&str]); 21] = [
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
    ("toggle-pin", ActionMsg::PinTab(String::new()), &["<Control><Shift>p"]),
    ("attach", ActionMsg::Attach, &["<Control>o"]),
    ("attach-folder", ActionMsg::AttachFolder, &["<Control><Shift>o"]),
    ("back", ActionMsg::Back, &["<Alt>Left"]),
    ("status-text", ActionMsg::StatusText, &[]),
    ("own-picture", ActionMsg::Picture, &[]),
    ("sign-out", ActionMsg::SignOut, &[]),
    ("shortcuts", ActionMsg::Shortcuts, &["<Control>question"]),
    ("about", ActionMsg::About, &[]),
    ("quit", ActionMsg::Quit, &["<Control>q"]),
];

const PERSON: [(&str, PersonAction); 5] = [
    ("open-person", PersonAction::Open),
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
    for (name, what) in [("pin-tab", ActionMsg::PinTab as fn(String) -> ActionMsg), ("shut-tab", ActionMsg::CloseTab)] {
        let input = input.clone();
        window.add_action(&with_text(name, move |id| input.emit(AppMsg::Action(what(id)))));
    }
    let open = input.clone();
    app.add_action(&with_text("open-conversation", move |id| open.emit(AppMsg::Action(ActionMsg::Open(id)))));

    let receipts = gio::SimpleAction::new_stateful("receipts", None, &true.to_variant());
    let toggled = input.clone();
    // The mark moves when the core has done it.
    receipts.connect_activate(move |_, _| toggled.emit(AppMsg::Action(ActionMsg::Receipts)));
    window.add_action(&receipts);

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
