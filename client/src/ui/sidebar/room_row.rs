//! A room's line in the sidebar: picture, name, how many are there or what was said last, how much is unread.

use std::rc::Rc;

use gtk::gio;
use gtk::prelude::*;
use hobnob_shared::id::{ConversationId, Handle, RoomId};
use relm4::{adw, gtk};

use crate::core::event::Notify;
use crate::model::rooms::Room;
use crate::ui::people::add_levels;
use crate::ui::sidebar::SidebarOutput;
use crate::ui::sidebar::line::{Aside, LineShown, LineWidgets};
use crate::ui::sidebar::person_row::Speak;
use crate::ui::widgets::context_menu::{add, attach};
use crate::ui::widgets::live_list::{Current, Row};
use crate::ui::words::Called;
use crate::ui::{text, words};

/// What a line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomRow {
    /// Which.
    pub room: RoomId,
    name: String,
    online: String,
    newest: Option<String>,
    unread: u32,
    /// Of those, so many call oneself.
    calls: u32,
    /// Nobody but oneself is there.
    alone: bool,
    /// It is mine; then whether it takes a password.
    mine: Option<bool>,
    current: bool,
    level: Notify,
    aside: Option<Aside>,
}

impl RoomRow {
    /// The line of a room, as `me` sees it.
    pub fn new(room: &Room, me: Option<&Handle>, called: Called<'_>, current: bool, level: Notify) -> Self {
        let (online, members) = (room.online(), room.members.len());
        let newest = room.newest.as_ref().map(|newest| {
            let who = if me == Some(&newest.from) { "You".to_owned() } else { called(&newest.from) };
            format!("{who}: {}", text::literal_line(&newest.text))
        });
        Self {
            room: room.room.clone(),
            name: room.room.to_string(),
            online: format!("{online} of {members} online"),
            newest,
            unread: room.unread,
            calls: 0,
            alone: room.members.iter().all(|member| me == Some(&member.user) || !member.presence.is_online()),
            mine: (me == Some(&room.owner)).then_some(room.locked),
            current,
            level,
            aside: None,
        }
    }

    /// The same, where so many messages that were not seen call oneself.
    #[must_use]
    pub fn calling(self, calls: u32) -> Self {
        Self { calls, ..self }
    }

    /// The same, with this in the place of its words.
    #[must_use]
    pub fn with(self, aside: Option<Aside>) -> Self {
        Self { aside, ..self }
    }

    /// What was said is news while it is unread; then it matters who is there.
    fn words(&self) -> &str {
        self.newest.as_deref().filter(|_| self.unread > 0).unwrap_or(&self.online)
    }

    fn spoken(&self) -> String {
        let mut parts = vec![format!("room {}", self.name), self.online.clone()];
        if self.unread > 0 {
            parts.extend(self.newest.clone());
            parts.push(format!("{} unread", self.unread));
        }
        if self.calls > 0 {
            parts.push(words::calls(self.calls));
        }
        parts.extend(words::muted(self.level).map(str::to_owned));
        parts.extend(self.aside.as_ref().map(|aside| aside.words().to_owned()));
        parts.join(", ")
    }
}

/// The widgets of a line.
pub struct Widgets {
    picture: adw::Avatar,
    line: LineWidgets,
}

impl Row for RoomRow {
    type Widgets = Widgets;
    type Context = Speak;

    fn build(speak: &Rc<Speak>, current: Current<Self>) -> (gtk::Widget, Widgets) {
        // The first letter of a room's ID is the `#`, which says what it is. A symbol of this size would have the desktop's whole reader of
        // vector pictures loaded for it, which takes seven megabytes.
        let picture = adw::Avatar::new(36, None, true);
        picture.set_valign(gtk::Align::Center);
        let line = LineWidgets::new(&picture);
        let (which, say) = (current.clone(), speak.clone());
        line.widget().connect_clicked(move |_| {
            if let Some(room) = which.read(|row| row.room.clone()) {
                say(SidebarOutput::Open(ConversationId::Room(room)));
            }
        });
        attach(line.widget(), move || {
            current.read(|row| {
                let menu = room_menu(&row.room, row.mine, row.level);
                let open = gio::Menu::new();
                add(&open, "Open Conversation", "win.open-room", &row.name);
                menu.prepend_section(None, &open);
                menu
            })
        });
        (line.widget().clone().upcast(), Widgets { picture, line })
    }

    fn show(&self, widgets: &Widgets) {
        // The colour comes from the text, which is not shown.
        widgets.picture.set_text(Some(&self.name));
        widgets.picture.set_opacity(if self.alone { 0.55 } else { 1.0 });
        widgets.line.show(&LineShown {
            name: &self.name,
            tip: None,
            level: self.level,
            words: self.words(),
            aside: self.aside.as_ref(),
            unread: self.unread,
            calls: self.calls,
            alarm: false,
            current: self.current,
            absent: self.alone,
            spoken: &self.spoken(),
        });
    }
}

/// What can be done about a room; `mine` says whether it takes a password where that is mine to change. Shared with the header of its
/// conversation.
pub fn room_menu(room: &RoomId, mine: Option<bool>, level: Notify) -> gio::Menu {
    let target = room.to_string();
    let menu = gio::Menu::new();
    let (share, told, own, end) = (gio::Menu::new(), gio::Menu::new(), gio::Menu::new(), gio::Menu::new());
    add_levels(&told, &ConversationId::Room(room.clone()), level);
    add(&share, "Copy Room ID", "win.copy-room", &target);
    if let Some(locked) = mine {
        add(&own, if locked { "Change Password…" } else { "Set Password…" }, "win.lock-room", &target);
        if locked {
            add(&own, "Remove Password…", "win.unlock-room", &target);
        }
    }
    add(&end, "Leave Room…", "win.leave-room", &target);
    for section in [&share, &told, &own, &end] {
        menu.append_section(None, section);
    }
    menu
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::core::event::Member;
    use hobnob_shared::message::Presence;

    #[test]
    fn a_line_says_who_is_there_until_something_is_unread() {
        let alice: Handle = "alice".parse().unwrap();
        let member = |user: &str, presence| Member { user: user.parse().unwrap(), presence };
        let mut room = Room {
            room: "#tea".parse().unwrap(),
            owner: alice.clone(),
            locked: false,
            members: vec![member("alice", Presence::Available), member("bob", Presence::Offline)],
            unread: 0,
            newest: None,
        };
        let row = RoomRow::new(&room, Some(&alice), &ToString::to_string, false, Notify::None);
        assert_eq!((row.words(), row.alone, row.mine), ("1 of 2 online", true, Some(false)));
        assert_eq!(row.spoken(), "room #tea, 1 of 2 online, muted");
        room.unread = 2;
        assert_eq!(
            RoomRow::new(&room, Some(&alice), &ToString::to_string, false, Notify::All).words(),
            "1 of 2 online",
            "what was said is not known here"
        );
    }
}
