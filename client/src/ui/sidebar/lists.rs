//! The lists of friends and of rooms, one below the other: both as high as what is in them, and where that is too much for the window, each
//! scrolls in its share of it. Without friends or rooms a line says so, and a button is there that changes it.

use gtk::prelude::*;
use relm4::{adw, gtk};

use crate::ui::sidebar::person_row::PersonRow;
use crate::ui::sidebar::room_row::RoomRow;
use crate::ui::widgets::icon_button::icon_button;
use crate::ui::widgets::live_list::{LiveList, Row};
use crate::ui::widgets::spoken::called;

/// What is shown of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Its lines.
    Lines,
    /// That there are none, and what can be done about it.
    Nothing,
    /// None of its lines is searched for.
    Hidden,
}

impl Shown {
    /// Of a list that has lines to show, or none at all, or only such as are not searched for.
    pub fn of(lines: usize, all: usize, searching: bool) -> Self {
        match (lines, all) {
            (0, 0) if !searching => Self::Nothing,
            (0, _) => Self::Hidden,
            _ => Self::Lines,
        }
    }
}

struct Section {
    root: gtk::Box,
    list: gtk::ScrolledWindow,
    nothing: gtk::Box,
}

impl Section {
    fn new<R: Row>(head: &impl IsA<gtk::Widget>, name: &str, rows: &LiveList<R>, nothing: gtk::Box) -> Self {
        let selection = gtk::NoSelection::new(Some(rows.store().clone()));
        let view: gtk::ListView = called(name);
        view.set_model(Some(&selection));
        view.set_factory(Some(rows.factory()));
        view.add_css_class("people-list");
        let list = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .propagate_natural_height(true)
            .child(&view)
            .build();
        rows.sparing(&list);
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        root.append(head);
        root.append(&list);
        root.append(&nothing);
        Self { root, list, nothing }
    }

    fn show(&self, shown: Shown) {
        self.list.set_visible(shown == Shown::Lines);
        self.nothing.set_visible(shown == Shown::Nothing);
        self.root.set_visible(shown != Shown::Hidden);
    }
}

/// Both lists.
pub struct Lists {
    root: gtk::Box,
    friends: Section,
    rooms: Section,
}

impl Lists {
    /// Of these rows.
    pub fn new(people: &LiveList<PersonRow>, rooms: &LiveList<RoomRow>) -> Self {
        let join = icon_button("list-add-symbolic", "Join Room");
        join.set_action_name(Some("win.join-room"));
        join.set_css_classes(&["flat", "circular", "heading-button"]);
        let head = gtk::Box::builder().build();
        let words = heading("Rooms");
        words.set_hexpand(true);
        head.append(&words);
        head.append(&join);
        let friends = Section::new(
            &heading("Friends"),
            "Friends",
            people,
            nothing("No friends yet", "Add Friend", "win.add-friend"),
        );
        let rooms = Section::new(&head, "Rooms", rooms, nothing("No rooms yet", "Join Room", "win.join-room"));
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        root.append(&friends.root);
        root.append(&rooms.root);
        Self { root, friends, rooms }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Shows this of each.
    pub fn show(&self, friends: Shown, rooms: Shown) {
        self.friends.show(friends);
        self.rooms.show(rooms);
    }
}

/// The name of a part of the sidebar.
pub fn heading(words: &str) -> gtk::Label {
    let label = gtk::Label::builder().label(words).xalign(0.0).build();
    label.add_css_class("sidebar-heading");
    label
}

fn nothing(words: &str, button: &str, action: &str) -> gtk::Box {
    let label = gtk::Label::builder().label(words).xalign(0.0).hexpand(true).build();
    label.add_css_class("dim-label");
    let button = gtk::Button::builder().label(button).action_name(action).build();
    button.add_css_class("small-button");
    let line = gtk::Box::builder().spacing(8).build();
    line.add_css_class("nothing");
    line.append(&label);
    line.append(&button);
    line
}

/// Neither friends nor rooms.
pub fn empty() -> adw::StatusPage {
    let buttons =
        gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(10).halign(gtk::Align::Center).build();
    for (words, action, classes) in [
        ("Add Friend", "win.add-friend", ["pill", "suggested-action"].as_slice()),
        ("Join Room", "win.join-room", ["pill"].as_slice()),
    ] {
        let button = gtk::Button::builder().label(words).action_name(action).build();
        button.set_css_classes(classes);
        buttons.append(&button);
    }
    let page = adw::StatusPage::builder()
        .icon_name("system-users-symbolic")
        .title("Nobody Here Yet")
        .description("Add somebody by their username, or join a room by its ID.")
        .child(&buttons)
        .build();
    page.add_css_class("compact");
    page
}

/// Nothing that is searched for.
pub fn nobody_found() -> adw::StatusPage {
    let page = adw::StatusPage::builder()
        .icon_name("system-search-symbolic")
        .title("Nothing Found")
        .description("Try another name.")
        .build();
    page.add_css_class("compact");
    page
}

/// Nothing of what is shown only.
pub fn filtered(title: &str, words: &str) -> adw::StatusPage {
    let all = gtk::Button::builder().label("Show All").halign(gtk::Align::Center).build();
    all.set_detailed_action_name("win.show::all");
    all.add_css_class("pill");
    let page = adw::StatusPage::builder()
        .icon_name("view-sort-descending-symbolic")
        .title(title)
        .description(words)
        .child(&all)
        .build();
    page.add_css_class("compact");
    page
}
