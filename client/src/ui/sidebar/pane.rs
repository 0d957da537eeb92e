//! The sidebar as a component: shows what its parent sends, and tells it what was clicked. It keeps nothing but widgets.

use std::time::Duration;

use gtk::prelude::*;
use gtk::{glib, pango};
use hobnob_shared::id::{ConversationId, Handle};
use relm4::{Component, ComponentParts, ComponentSender, adw, gtk};

use crate::model::listing::Only;
use crate::ui::actions::main_menu;
use crate::ui::people::listing_menu;
use crate::ui::sidebar::lists::{Lists, Shown, empty, filtered, heading, nobody_found};
use crate::ui::sidebar::person_row::{PersonRow, Speak};
use crate::ui::sidebar::request_row::request_row;
use crate::ui::sidebar::room_row::RoomRow;
use crate::ui::text;
use crate::ui::widgets::icon_button::{icon_button, menu_button_with};
use crate::ui::widgets::live_list::{LiveList, Row};
use crate::ui::widgets::pages::Pages;
use crate::ui::widgets::spoken::{Spoken, called, changing};

/// What to show.
#[derive(Debug)]
pub enum SidebarInput {
    /// These lines; `friends` is how many there are without the search.
    People {
        /// In order.
        rows: Vec<PersonRow>,
        /// All friends.
        friends: usize,
    },
    /// These lines; `rooms` is how many there are without the search.
    Rooms {
        /// In order.
        rows: Vec<RoomRow>,
        /// All rooms.
        rooms: usize,
    },
    /// Who waits for an answer.
    Requests(Vec<Handle>),
    /// Only these are shown.
    Only(Only),
    /// Own name and presence.
    Own(String),
    /// The first screen was painted: now the rest.
    Rest,
    /// Put the cursor into the search.
    FocusSearch,
}

/// What was done.
#[derive(Debug, Clone)]
pub enum SidebarOutput {
    /// Open a conversation.
    Open(ConversationId),
    /// Accept a request.
    Accept(Handle),
    /// Decline a request.
    Decline(Handle),
    /// Show only who matches.
    Search(String),
    /// Search messages for this.
    SearchMessages(String),
}

/// The sidebar.
pub struct Sidebar {
    people: Growing<PersonRow>,
    rooms: Growing<RoomRow>,
    /// Friends and rooms there are, whatever is searched for; none until the list of friends has come.
    friends: Option<usize>,
    all_rooms: usize,
    only: Only,
}

/// A list that begins with what a screen has room for.
struct Growing<R: Row> {
    list: LiveList<R>,
    /// All lines, while only the first of them are shown yet.
    rest: Option<Vec<R>>,
}

/// Lines of the first screen, in each list. GTK makes a place for some 200 lines of each at once, of which a window shows twelve; painting a
/// few first shortens the time until there is something to see.
const FIRST_SCREEN: usize = 24;
/// Until the first screen is painted.
const PAINTED: Duration = Duration::from_millis(100);

/// Its widgets.
pub struct SidebarWidgets {
    title: adw::WindowTitle,
    search: gtk::SearchEntry,
    requests: gtk::Box,
    request_list: gtk::ListBox,
    stack: Pages,
    lists: Lists,
}

impl Component for Sidebar {
    type Init = adw::Leaflet;
    type Input = SidebarInput;
    type Output = SidebarOutput;
    type CommandOutput = ();
    type Root = gtk::Box;
    type Widgets = SidebarWidgets;

    fn init_root() -> gtk::Box {
        let root =
            gtk::Box::builder().orientation(gtk::Orientation::Vertical).width_request(282).hexpand(false).build();
        root.add_css_class("people");
        root
    }

    fn init(leaflet: Self::Init, root: gtk::Box, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let output = sender.output_sender().clone();
        let say = output.clone();
        let (speak, speak_too): (Speak, Speak) =
            (Box::new(move |out| say.emit(out)), Box::new(move |out| output.emit(out)));
        let (people, rooms) = (LiveList::new(speak), LiveList::new(speak_too));

        let title = adw::WindowTitle::new("Hobnob", "");
        let bar = adw::HeaderBar::builder().title_widget(&title).show_end_title_buttons(false).build();
        leaflet.bind_property("folded", &bar, "show-end-title-buttons").sync_create().build();
        let add = icon_button("contact-new-symbolic", "Add Friend");
        add.set_action_name(Some("win.add-friend"));
        bar.pack_start(&add);
        let menu = menu_button_with("open-menu-symbolic", "Main Menu", || Some(main_menu()));
        menu.set_primary(true);
        bar.pack_end(&menu);
        root.append(&bar);

        let search: gtk::SearchEntry = called("Search people and rooms");
        search.set_placeholder_text(Some("Search people and rooms"));
        let output = sender.output_sender().clone();
        search.connect_stop_search(|search| search.set_text(""));
        let listing = menu_button_with("view-sort-descending-symbolic", "Sort and Filter", || Some(listing_menu()));
        listing.add_css_class("flat");
        search.set_hexpand(true);
        let top = gtk::Box::builder().spacing(4).build();
        top.add_css_class("people-top");
        top.append(&search);
        top.append(&listing);
        root.append(&top);
        let further = further(&root, &search, &sender);
        search.connect_search_changed(move |search| {
            further(&search.text());
            output.emit(SidebarOutput::Search(search.text().to_string()));
        });
        let output = sender.output_sender().clone();
        // Enter without a person or room in mind goes on to what was said.
        search.connect_activate(move |search| {
            if !search.text().trim().is_empty() {
                output.emit(SidebarOutput::SearchMessages(search.text().to_string()));
            }
        });

        let (requests, request_list) = requests_box();
        root.append(&requests);

        let stack = Pages::new();
        // Until the first list has come there is nothing to say.
        stack.add("starting", &gtk::Box::default());
        let lists = Lists::new(&people, &rooms);
        stack.add("people", lists.widget());
        stack.add_later("empty", empty);
        stack.add_later("nobody", nobody_found);
        stack.add_later("unread", || filtered("Nothing Unread", "You have seen everything."));
        stack.add_later("online", || filtered("Nobody Online", "Messages wait until they are."));
        root.append(stack.widget());

        let widgets = SidebarWidgets { title, search, requests, request_list, stack, lists };
        ComponentParts {
            model: Self {
                people: Growing { list: people, rest: None },
                rooms: Growing { list: rooms, rest: None },
                friends: None,
                all_rooms: 0,
                only: Only::All,
            },
            widgets,
        }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut SidebarWidgets,
        message: SidebarInput,
        sender: ComponentSender<Self>,
        _root: &gtk::Box,
    ) {
        match message {
            SidebarInput::People { rows, friends } => {
                self.friends = Some(friends);
                self.people.show(rows, |row| row.user.clone(), &sender);
                self.choose_page(widgets);
            }
            SidebarInput::Rooms { rows, rooms } => {
                self.all_rooms = rooms;
                self.rooms.show(rows, |row| row.room.clone(), &sender);
                self.choose_page(widgets);
            }
            SidebarInput::Requests(users) => {
                // Who answered the last one by keys goes on from there.
                let had = widgets.request_list.focus_child().is_some();
                while let Some(row) = widgets.request_list.first_child() {
                    widgets.request_list.remove(&row);
                }
                widgets.requests.set_visible(!users.is_empty());
                for user in &users {
                    let output = sender.output_sender().clone();
                    widgets.request_list.append(&request_row(user, move |out| output.emit(out)));
                }
                let next = had.then(|| widgets.request_list.first_child()).flatten();
                if had && !next.is_some_and(|row| row.grab_focus()) {
                    widgets.search.grab_focus();
                }
            }
            SidebarInput::Rest => {
                self.people.grow(|row| row.user.clone());
                self.rooms.grow(|row| row.room.clone());
            }
            SidebarInput::Only(only) => {
                self.only = only;
                self.choose_page(widgets);
            }
            SidebarInput::Own(words) => widgets.title.set_subtitle(&words),
            SidebarInput::FocusSearch => {
                widgets.search.grab_focus();
            }
        }
    }
}

impl Sidebar {
    /// Lists, or what stands in their place.
    fn choose_page(&self, widgets: &SidebarWidgets) {
        let Some(friends) = self.friends else { return };
        let searching = !widgets.search.text().trim().is_empty();
        let (people, rooms) = (self.people.list.len(), self.rooms.list.len());
        let part = searching || self.only != Only::All;
        widgets.lists.show(Shown::of(people, friends, part), Shown::of(rooms, self.all_rooms, part));
        widgets.stack.show(match (friends + self.all_rooms, people + rooms) {
            (0, _) => "empty",
            (_, 0) if self.only == Only::Unread && !searching => "unread",
            (_, 0) if self.only == Only::Online && !searching => "online",
            (_, 0) => "nobody",
            (_, _) => "people",
        });
    }
}

impl<R: Row + Clone> Growing<R> {
    fn show<K: PartialEq>(&mut self, mut rows: Vec<R>, key: impl Fn(&R) -> K, sender: &ComponentSender<Sidebar>) {
        let is_first = self.list.is_empty() && rows.len() > FIRST_SCREEN;
        if !is_first && self.rest.is_none() {
            return self.list.sync(rows, key);
        }
        let all = rows.clone();
        rows.truncate(FIRST_SCREEN);
        self.list.sync(rows, key);
        if self.rest.replace(all).is_none() {
            let input = sender.input_sender().clone();
            glib::timeout_add_local_once(PAINTED, move || input.emit(SidebarInput::Rest));
        }
    }

    fn grow<K: PartialEq>(&mut self, key: impl Fn(&R) -> K) {
        if let Some(rows) = self.rest.take() {
            self.list.sync(rows, key);
        }
    }
}

/// A line under the search that leads to the messages with what is typed.
fn further(root: &gtk::Box, search: &gtk::SearchEntry, sender: &ComponentSender<Sidebar>) -> impl Fn(&str) + 'static {
    let (button, spoken): (gtk::Button, Spoken) = changing();
    let words = gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::End).build();
    let line = gtk::Box::builder().spacing(8).build();
    line.append(
        &gtk::Image::builder()
            .icon_name("system-search-symbolic")
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build(),
    );
    line.append(&words);
    button.set_child(Some(&line));
    button.set_css_classes(&["flat", "further"]);
    button.set_visible(false);
    root.append(&button);
    let (search, output) = (search.clone(), sender.output_sender().clone());
    button.connect_clicked(move |_| output.emit(SidebarOutput::SearchMessages(search.text().to_string())));
    move |typed: &str| {
        let sentence = format!("Search messages for “{}”", text::literal_line(typed.trim()));
        words.set_text(&sentence);
        spoken.say(&sentence);
        button.set_visible(!typed.trim().is_empty());
    }
}

fn requests_box() -> (gtk::Box, gtk::ListBox) {
    let list = gtk::ListBox::builder().selection_mode(gtk::SelectionMode::None).build();
    list.add_css_class("requests");
    let scroller = gtk::ScrolledWindow::builder()
        .hscrollbar_policy(gtk::PolicyType::Never)
        .propagate_natural_height(true)
        .max_content_height(260)
        .child(&list)
        .build();
    let requests = gtk::Box::builder().orientation(gtk::Orientation::Vertical).visible(false).build();
    requests.append(&heading("Friend Requests"));
    requests.append(&scroller);
    (requests, list)
}
