//! What the header says of the conversation in front: its name, how one is connected, and what can be done about it. Pure; the widgets are in
//! [`crate::ui::content`].

use gtk::gio;
use hobnob_shared::id::{Handle, RoomId};
use relm4::gtk;

use crate::core::event::Notify;
use crate::model::rooms::{Membership, Mesh};
use crate::model::roster::{Path, Person};
use crate::ui::sidebar::person_row::person_menu;
use crate::ui::sidebar::room_row::room_menu;
use crate::ui::words;

/// What its menu is about; another menu is built only when this changes, so that an open one stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subject {
    /// Nothing can be done.
    #[default]
    Nothing,
    /// Nobody can be written to; what was said is still here.
    Past,
    /// A friend, and how much of them is told.
    Person(Handle, Notify),
    /// A room.
    Room {
        /// Which.
        room: RoomId,
        /// It is mine.
        mine: bool,
        /// It takes a password to join.
        locked: bool,
        /// How much of it is told.
        level: Notify,
    },
}

impl Subject {
    /// The menu; none where nothing can be done.
    pub fn menu(&self) -> Option<gio::Menu> {
        let menu = match self {
            Self::Nothing => return None,
            Self::Past => gio::Menu::new(),
            Self::Person(user, level) => person_menu(user, *level),
            Self::Room { room, mine, locked, level } => room_menu(room, mine.then_some(*locked), *level),
        };
        let kept = gio::Menu::new();
        kept.append(Some("Jump to Date…"), Some("win.jump-to-date"));
        kept.append(Some("Export…"), Some("win.export"));
        kept.append(Some("Erase…"), Some("win.erase"));
        menu.prepend_section(None, &kept);
        if *self != Self::Past {
            let send = gio::Menu::new();
            send.append(Some("Send File…"), Some("win.attach"));
            send.append(Some("Send Folder…"), Some("win.attach-folder"));
            menu.prepend_section(None, &send);
        }
        Some(menu)
    }
}

/// The header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The conversation's name.
    pub title: String,
    /// The line below it.
    pub line: String,
    /// The same for a narrow window, where the line is long.
    pub short: Option<String>,
    /// Style of the line.
    pub class: &'static str,
    /// Picture before the line.
    pub icon: Option<&'static str>,
    /// What the line means.
    pub tip: Option<String>,
    /// What its menu is about.
    pub subject: Subject,
}

const LOCK: &str = "channel-secure-symbolic";

impl Header {
    /// Of a conversation with one person, who is called `name`; `person` is none for who is no friend. Whatever they are called, their
    /// username is there.
    pub fn person(user: &Handle, name: &str, person: Option<&Person>, level: Notify) -> Self {
        let Some(person) = person else {
            let line = "Not your friend".to_owned();
            return Self {
                short: None,
                title: name.to_owned(),
                line,
                class: "none",
                icon: None,
                tip: None,
                subject: Subject::Past,
            };
        };
        let alarmed = person.alarm.is_some();
        let mut parts: Vec<String> = Vec::new();
        if name != user.as_str() {
            parts.push(format!("@{user}"));
        }
        let (long, brief) = match person.path {
            _ if alarmed => ("Key changed", "Key changed"),
            Path::SameNetwork => (words::path(person.path), words::path(Path::Direct)),
            path => (words::path(path), words::path(path)),
        };
        // A narrow window has room for who it is and how one is connected, and no more.
        let short = parts.iter().map(String::as_str).chain([brief]).collect::<Vec<_>>().join(" · ");
        parts.push(long.to_owned());
        if person.verified {
            parts.push("verified".to_owned());
        }
        if !person.path.is_linked() || !person.presence.is_online() {
            parts.push(words::presence_of(person));
        }
        let tip = match person.path {
            Path::None => "Messages wait on this computer until you are connected.",
            Path::Relayed => "Encrypted from one computer to the other, passed on by the server, which cannot read it.",
            Path::Direct => "Encrypted, straight from one computer to the other.",
            Path::SameNetwork => "Encrypted, straight from one computer to the other within your network.",
        };
        // The lock says that this link is encrypted to the key that is pinned; without a link there is nothing to lock.
        let icon = match (alarmed, person.path.is_linked()) {
            (true, _) => Some("dialog-warning-symbolic"),
            (false, true) => Some(LOCK),
            (false, false) => None,
        };
        let class = match person.path {
            _ if alarmed => "alarmed",
            Path::None => "none",
            Path::Relayed => "relayed",
            Path::Direct | Path::SameNetwork => "direct",
        };
        Self {
            title: name.to_owned(),
            line: parts.join(" · "),
            short: Some(short),
            class,
            icon,
            tip: Some(tip.to_owned()),
            subject: Subject::Person(person.user.clone(), level),
        }
    }

    /// Of a room, as `me` stands to it.
    pub fn room(room: &RoomId, membership: Membership<'_>, mesh: Mesh, me: Option<&Handle>, level: Notify) -> Self {
        let title = room.to_string();
        let outside = |line: &str| Self {
            title: title.clone(),
            line: line.to_owned(),
            short: None,
            class: "none",
            icon: None,
            tip: None,
            subject: Subject::Past,
        };
        let known = match membership {
            Membership::Member(known) => known,
            Membership::Unknown => return outside("Not connected"),
            Membership::Left | Membership::Removed | Membership::None => return outside("Not a member"),
        };
        let linked = mesh.direct + mesh.relayed;
        let class = match mesh {
            Mesh { others: 0, .. } => "none",
            Mesh { others, direct, .. } if direct == others => "direct",
            Mesh { others, .. } if linked == others => "relayed",
            _ => "none",
        };
        Self {
            line: format!("{} · {}", words::people(known), words::mesh(mesh)),
            short: Some(format!("{} online", known.online())),
            class,
            icon: (linked > 0).then_some(LOCK),
            tip: Some(format!("{}. {}", words::sentence(&words::mesh(mesh)), words::mesh_tip(mesh))),
            subject: Subject::Room { room: room.clone(), mine: me == Some(&known.owner), locked: known.locked, level },
            title,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::core::event::FriendInfo;
    use crate::model::roster::Roster;

    #[test]
    fn a_narrow_header_says_who_it_is_and_how_one_is_connected() {
        let user: Handle = "bob".parse().unwrap();
        let mut roster = Roster::default();
        roster.replace(vec![FriendInfo { verified: true, ..FriendInfo::new(user.clone()) }], vec![]);
        roster.linked(&user, Path::SameNetwork);
        let header = |roster: &Roster, name: &str| Header::person(&user, name, roster.get(&user), Notify::All);
        let shown = header(&roster, "Uncle");
        assert!(shown.line.starts_with("@bob · Direct, same network · verified"), "{}", shown.line);
        assert_eq!(shown.short.as_deref(), Some("@bob · Direct"));
        assert_eq!(header(&roster, "bob").short.as_deref(), Some("Direct"));
        roster.get_mut(&user).unwrap().alarm = Some("another key".to_owned());
        assert_eq!(header(&roster, "bob").short.as_deref(), Some("Key changed"));
    }
}
