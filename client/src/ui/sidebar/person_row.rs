//! A friend's line in the sidebar: picture, presence, name, what they say, how much is unread.

use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, gio, pango};
use hobnob_shared::id::Handle;
use hobnob_shared::message::Presence;
use relm4::gtk;

use crate::model::roster::Person;
use crate::ui::sidebar::SidebarOutput;
use crate::ui::widgets::avatar::PersonAvatar;
use crate::ui::widgets::live_list::{Current, Row};
use crate::ui::widgets::spoken::{Spoken, changing};
use crate::ui::words;

/// What a line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonRow {
    /// Who.
    pub user: Handle,
    presence: Presence,
    status: String,
    unread: u32,
    alarm: bool,
    /// Their conversation is in front.
    current: bool,
}

impl PersonRow {
    /// The line of a friend.
    pub fn new(person: &Person, current: bool) -> Self {
        Self {
            user: person.user.clone(),
            presence: person.presence,
            status: words::status(person),
            unread: person.unread,
            alarm: person.alarm.is_some(),
            current,
        }
    }

    /// The line as one sentence, for who listens.
    fn spoken(&self) -> String {
        let mut parts = vec![self.user.to_string(), words::presence(self.presence).to_owned()];
        if self.status != words::presence(self.presence) {
            parts.push(self.status.clone());
        }
        if self.alarm {
            parts.push("key changed".to_owned());
        }
        if self.unread > 0 {
            parts.push(format!("{} unread", self.unread));
        }
        parts.join(", ")
    }
}

/// The widgets of a line.
pub struct Widgets {
    root: gtk::Button,
    spoken: Spoken,
    avatar: PersonAvatar,
    name: gtk::Label,
    status: gtk::Label,
    alarm: gtk::Image,
    badge: gtk::Label,
}

/// What a line speaks to.
pub type Speak = Box<dyn Fn(SidebarOutput)>;

impl Row for PersonRow {
    type Widgets = Widgets;
    type Context = Speak;

    fn build(speak: &Rc<Speak>, current: Current<Self>) -> (gtk::Widget, Widgets) {
        let avatar = PersonAvatar::new(36);
        let label = |class: &str| {
            let label = gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).build();
            label.add_css_class(class);
            label
        };
        let (name, status) = (label("person-name"), label("person-status"));
        let words = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .valign(gtk::Align::Center)
            .hexpand(true)
            .build();
        words.append(&name);
        words.append(&status);
        let alarm = gtk::Image::from_icon_name("dialog-warning-symbolic");
        alarm.add_css_class("warning");
        let badge = gtk::Label::builder().valign(gtk::Align::Center).build();
        badge.add_css_class("badge");
        let line = gtk::Box::builder().spacing(10).build();
        line.append(avatar.widget());
        line.append(&words);
        line.append(&alarm);
        line.append(&badge);
        let (root, spoken): (gtk::Button, Spoken) = changing();
        root.set_child(Some(&line));
        root.set_css_classes(&["flat", "person"]);

        let (who, say) = (current.clone(), speak.clone());
        root.connect_clicked(move |_| {
            if let Some(user) = who.read(|row| row.user.clone()) {
                say(SidebarOutput::Open(user));
            }
        });
        add_menu(&root, current);
        let widgets = Widgets { root: root.clone(), spoken, avatar, name, status, alarm, badge };
        (root.upcast(), widgets)
    }

    fn show(&self, widgets: &Widgets) {
        widgets.avatar.show(self.user.as_str(), self.presence);
        widgets.name.set_text(self.user.as_str());
        widgets.status.set_text(&self.status);
        widgets.alarm.set_visible(self.alarm);
        widgets.badge.set_visible(self.unread > 0);
        widgets.badge.set_text(&if self.unread > 999 { "999+".to_owned() } else { self.unread.to_string() });
        let marks = [(self.current, "current"), (!self.presence.is_online(), "absent"), (self.unread > 0, "unread")];
        for (on, class) in marks {
            if on {
                widgets.root.add_css_class(class);
            } else {
                widgets.root.remove_css_class(class);
            }
        }
        widgets.spoken.say(&self.spoken());
    }
}

/// The menu of a friend: right click, long press, or the menu key.
fn add_menu(root: &gtk::Button, current: Current<PersonRow>) {
    let popup = {
        let root = root.downgrade();
        Rc::new(move |at: Option<(f64, f64)>| {
            let (Some(root), Some(user)) = (root.upgrade(), current.read(|row| row.user.clone())) else { return };
            let popover = gtk::PopoverMenu::from_model(Some(&person_menu(&user)));
            popover.set_parent(&root);
            popover.set_has_arrow(false);
            popover.set_halign(gtk::Align::Start);
            if let Some((x, y)) = at {
                #[expect(clippy::cast_possible_truncation, reason = "a place within a widget")]
                popover.set_pointing_to(Some(&gdk::Rectangle::new(x as i32, y as i32, 1, 1)));
            }
            popover.connect_closed(|popover| {
                let popover = popover.clone();
                // The chosen action runs after this signal and needs the popover in its place.
                gtk::glib::idle_add_local_once(move || popover.unparent());
            });
            popover.popup();
        })
    };
    let click = gtk::GestureClick::builder().button(gdk::BUTTON_SECONDARY).build();
    let open = popup.clone();
    click.connect_pressed(move |_, _, x, y| open(Some((x, y))));
    root.add_controller(click);
    let press = gtk::GestureLongPress::builder().touch_only(true).build();
    let open = popup.clone();
    press.connect_pressed(move |_, x, y| open(Some((x, y))));
    root.add_controller(press);
    let keys = gtk::EventControllerKey::new();
    keys.connect_key_pressed(move |_, key, _, state| {
        let menu = key == gdk::Key::Menu || (key == gdk::Key::F10 && state.contains(gdk::ModifierType::SHIFT_MASK));
        if menu {
            popup(None);
        }
        if menu { gtk::glib::Propagation::Stop } else { gtk::glib::Propagation::Proceed }
    });
    root.add_controller(keys);
}

/// What can be done about a friend. Shared with the header of the conversation.
pub fn person_menu(user: &Handle) -> gio::Menu {
    let target = user.as_str().to_variant();
    let menu = gio::Menu::new();
    let add = |section: &gio::Menu, words: &str, action: &str| {
        let item = gio::MenuItem::new(Some(words), None);
        item.set_action_and_target_value(Some(action), Some(&target));
        section.append_item(&item);
    };
    let (talk, end) = (gio::Menu::new(), gio::Menu::new());
    add(&talk, "Open Conversation", "win.open-person");
    add(&talk, "Verify Safety Number…", "win.verify-person");
    add(&end, "Remove Friend…", "win.remove-person");
    add(&end, "Block…", "win.block-person");
    menu.append_section(None, &talk);
    menu.append_section(None, &end);
    menu
}
