//! A friend's line in the sidebar: picture, presence, name, what they say, how much is unread.

use std::rc::Rc;

use gtk::gio;
use gtk::prelude::*;
use hobnob_shared::id::{ConversationId, Handle};
use hobnob_shared::message::Presence;
use relm4::gtk;

use crate::core::event::Notify;
use crate::model::roster::Person;
use crate::ui::people::add_levels;
use crate::ui::sidebar::SidebarOutput;
use crate::ui::sidebar::line::{Aside, LineShown, LineWidgets};
use crate::ui::widgets::avatar::PersonAvatar;
use crate::ui::widgets::context_menu::{add, attach};
use crate::ui::widgets::live_list::{Current, Row};
use crate::ui::words;

/// What a line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonRow {
    /// Who.
    pub user: Handle,
    /// What they are called, literal already.
    name: String,
    presence: Presence,
    status: String,
    unread: u32,
    alarm: bool,
    level: Notify,
    /// Their conversation is in front.
    current: bool,
    aside: Option<Aside>,
}

impl PersonRow {
    /// The line of a friend, who is called `name`.
    pub fn new(person: &Person, name: String, current: bool, level: Notify) -> Self {
        Self {
            user: person.user.clone(),
            name,
            presence: person.presence,
            status: words::status(person),
            unread: person.unread,
            alarm: person.alarm.is_some(),
            level,
            current,
            aside: None,
        }
    }

    /// The same, with this in the place of the status.
    #[must_use]
    pub fn with(self, aside: Option<Aside>) -> Self {
        Self { aside, ..self }
    }

    /// The line as one sentence, for who listens.
    fn spoken(&self) -> String {
        let mut parts = vec![self.name.clone()];
        if self.name != self.user.as_str() {
            parts.push(self.user.to_string());
        }
        parts.push(words::presence(self.presence).to_owned());
        if self.status != words::presence(self.presence) {
            parts.push(self.status.clone());
        }
        if self.alarm {
            parts.push("key changed".to_owned());
        }
        parts.extend(words::muted(self.level).map(str::to_owned));
        if self.unread > 0 {
            parts.push(format!("{} unread", self.unread));
        }
        parts.extend(self.aside.as_ref().map(|aside| aside.words().to_owned()));
        parts.join(", ")
    }
}

/// The widgets of a line.
pub struct Widgets {
    avatar: PersonAvatar,
    line: LineWidgets,
}

/// What a line speaks to.
pub type Speak = Box<dyn Fn(SidebarOutput)>;

impl Row for PersonRow {
    type Widgets = Widgets;
    type Context = Speak;

    fn build(speak: &Rc<Speak>, current: Current<Self>) -> (gtk::Widget, Widgets) {
        let avatar = PersonAvatar::new(36);
        let line = LineWidgets::new(avatar.widget());
        let (who, say) = (current.clone(), speak.clone());
        line.widget().connect_clicked(move |_| {
            if let Some(user) = who.read(|row| row.user.clone()) {
                say(SidebarOutput::Open(ConversationId::Direct(user)));
            }
        });
        attach(line.widget(), move || current.read(|row| person_menu(&row.user, row.level)));
        (line.widget().clone().upcast(), Widgets { avatar, line })
    }

    fn show(&self, widgets: &Widgets) {
        // By the username, which a nickname may be of somebody else.
        widgets.avatar.show(self.user.as_str(), self.presence);
        widgets.line.show(&LineShown {
            name: &self.name,
            tip: (self.name != self.user.as_str()).then_some(self.user.as_str()),
            level: self.level,
            words: &self.status,
            aside: self.aside.as_ref(),
            unread: self.unread,
            calls: 0,
            alarm: self.alarm,
            current: self.current,
            absent: !self.presence.is_online(),
            spoken: &self.spoken(),
        });
    }
}

/// What can be done about a friend. Shared with the header of the conversation.
pub fn person_menu(user: &Handle, level: Notify) -> gio::Menu {
    let menu = gio::Menu::new();
    let (talk, end) = (gio::Menu::new(), gio::Menu::new());
    add(&talk, "Open Conversation", "win.open-person", user.as_str());
    add(&talk, "Details…", "win.details-of-person", user.as_str());
    add(&talk, "Verify Safety Number…", "win.verify-person", user.as_str());
    add(&talk, "Take Files…", "win.files-of-person", user.as_str());
    let told = gio::Menu::new();
    add_levels(&told, &ConversationId::Direct(user.clone()), level);
    add(&end, "Remove Friend…", "win.remove-person", user.as_str());
    add(&end, "Block…", "win.block-person", user.as_str());
    menu.append_section(None, &talk);
    menu.append_section(None, &told);
    menu.append_section(None, &end);
    menu
}
