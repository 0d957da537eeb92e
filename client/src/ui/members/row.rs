//! A member's line: picture, presence, name, what they are here, and what can be done about them.

use std::rc::Rc;

use gtk::pango;
use gtk::prelude::*;
use hobnob_shared::id::{Handle, RoomId};
use hobnob_shared::message::Presence;
use relm4::gtk;

use crate::model::Model;
use crate::model::rooms::Room;
use crate::model::roster::Path;
use crate::ui::widgets::avatar::PersonAvatar;
use crate::ui::widgets::icon_button::icon_button;
use crate::ui::widgets::live_list::{Current, Row};
use crate::ui::widgets::spoken::{Spoken, changing};
use crate::ui::{text, words};

/// What was asked for about a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberOutput {
    /// Open the conversation with them.
    Message(Handle),
    /// Ask them to be friends.
    AddFriend(Handle),
    /// End their membership.
    Remove(RoomId, Handle),
}

/// What a line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRow {
    /// Who.
    pub user: Handle,
    /// What they are called, literal already.
    name: String,
    room: RoomId,
    presence: Presence,
    line: String,
    me: bool,
    friend: bool,
    /// I may end their membership.
    mine: bool,
}

/// The lines of a room, in order.
pub fn rows(model: &Model, room: &Room) -> Vec<MemberRow> {
    let me = model.connection.user.as_ref();
    let mine = me == Some(&room.owner);
    room.sorted()
        .into_iter()
        .map(|member| {
            let own = me == Some(&member.user);
            let mut parts = Vec::new();
            let name = text::name(model, &member.user);
            let username = format!("@{}", member.user);
            if name != member.user.as_str() && !name.ends_with(&format!("({username})")) {
                parts.push(username.as_str());
            }
            if own {
                parts.push("you");
            }
            if member.user == room.owner {
                parts.push("owner");
            }
            parts.push(words::presence(member.presence));
            match model.roster.path(&member.user) {
                Path::Direct | Path::SameNetwork => parts.push("direct"),
                Path::Relayed => parts.push("relayed"),
                Path::None => {}
            }
            MemberRow {
                user: member.user.clone(),
                room: room.room.clone(),
                line: parts.join(" · "),
                name,
                presence: member.presence,
                me: own,
                friend: model.roster.get(&member.user).is_some(),
                mine: mine && !own,
            }
        })
        .collect()
}

/// What a line speaks to.
pub type Speak = Box<dyn Fn(MemberOutput)>;

/// The widgets of a line.
pub struct Widgets {
    spoken: Spoken,
    avatar: PersonAvatar,
    name: gtk::Label,
    line: gtk::Label,
    message: gtk::Button,
    add: gtk::Button,
    remove: gtk::Button,
}

impl Row for MemberRow {
    type Widgets = Widgets;
    type Context = Speak;

    fn build(speak: &Rc<Speak>, current: Current<Self>) -> (gtk::Widget, Widgets) {
        let avatar = PersonAvatar::new(32);
        let label = |class: &str| {
            let label = gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).build();
            label.add_css_class(class);
            label
        };
        let (name, line) = (label("person-name"), label("person-status"));
        let words = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .valign(gtk::Align::Center)
            .hexpand(true)
            .build();
        words.append(&name);
        words.append(&line);
        let button = |icon: &str, what: &str, output: fn(&MemberRow) -> MemberOutput| {
            let button = icon_button(icon, what);
            button.set_css_classes(&["flat", "circular"]);
            button.set_valign(gtk::Align::Center);
            let (speak, current) = (speak.clone(), current.clone());
            button.connect_clicked(move |_| {
                if let Some(output) = current.read(output) {
                    speak(output);
                }
            });
            button
        };
        let message = button("chat-message-new-symbolic", "Message", |row| MemberOutput::Message(row.user.clone()));
        let add = button("contact-new-symbolic", "Add Friend", |row| MemberOutput::AddFriend(row.user.clone()));
        let remove = button("user-trash-symbolic", "Remove from Room", |row| {
            MemberOutput::Remove(row.room.clone(), row.user.clone())
        });
        let (root, spoken): (gtk::Box, Spoken) = changing();
        spoken.share_with_row(&root);
        root.set_spacing(10);
        root.add_css_class("member");
        for part in [
            avatar.widget().upcast_ref::<gtk::Widget>(),
            words.upcast_ref(),
            message.upcast_ref(),
            add.upcast_ref(),
            remove.upcast_ref(),
        ] {
            root.append(part);
        }
        let widgets = Widgets { spoken, avatar, name, line, message, add, remove };
        (root.upcast(), widgets)
    }

    fn show(&self, widgets: &Widgets) {
        widgets.avatar.show(self.user.as_str(), self.presence);
        widgets.name.set_text(&self.name);
        widgets.line.set_text(&self.line);
        widgets.message.set_visible(self.friend);
        widgets.add.set_visible(!self.friend && !self.me);
        widgets.remove.set_visible(self.mine);
        widgets.spoken.say(&format!("{}, {}", self.name, self.line));
    }
}
