//! The sidebar as a component: shows what its parent sends, and tells it what was clicked. It keeps nothing but widgets.

use std::time::Duration;

use gtk::prelude::*;
use gtk::{gio, glib};
use hobnob_shared::id::Handle;
use relm4::{Component, ComponentParts, ComponentSender, adw, gtk};

use crate::ui::sidebar::person_row::{PersonRow, Speak};
use crate::ui::sidebar::request_row::request_row;
use crate::ui::widgets::icon_button::{icon_button, menu_button};
use crate::ui::widgets::live_list::LiveList;
use crate::ui::widgets::pages::Pages;
use crate::ui::widgets::spoken::called;

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
    /// Who waits for an answer.
    Requests(Vec<Handle>),
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
    Open(Handle),
    /// Accept a request.
    Accept(Handle),
    /// Decline a request.
    Decline(Handle),
    /// Show only who matches.
    Search(String),
}

/// The sidebar.
pub struct Sidebar {
    people: LiveList<PersonRow>,
    /// All lines, while only the first screen of them is shown yet.
    rest: Option<Vec<PersonRow>>,
}

/// Lines of the first screen. GTK makes widgets for some 200 lines at once, of which a window shows twelve; painting a few first halves
/// the time until there is something to see.
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
}

impl Component for Sidebar {
    type Init = (gio::MenuModel, adw::Leaflet);
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

    fn init((main_menu, leaflet): Self::Init, root: gtk::Box, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let output = sender.output_sender().clone();
        let speak: Speak = Box::new(move |out| output.emit(out));
        let people = LiveList::new(speak);

        let title = adw::WindowTitle::new("Hobnob", "");
        let bar = adw::HeaderBar::builder().title_widget(&title).show_end_title_buttons(false).build();
        leaflet.bind_property("folded", &bar, "show-end-title-buttons").sync_create().build();
        let add = icon_button("contact-new-symbolic", "Add Friend");
        add.set_action_name(Some("win.add-friend"));
        bar.pack_start(&add);
        let menu = menu_button("open-menu-symbolic", "Main Menu");
        menu.set_menu_model(Some(&main_menu));
        menu.set_primary(true);
        bar.pack_end(&menu);
        root.append(&bar);

        let search: gtk::SearchEntry = called("Search people");
        search.set_placeholder_text(Some("Search people"));
        search.add_css_class("people-search");
        let output = sender.output_sender().clone();
        search.connect_search_changed(move |search| output.emit(SidebarOutput::Search(search.text().to_string())));
        search.connect_stop_search(|search| search.set_text(""));
        root.append(&search);

        let (requests, request_list) = requests_box();
        root.append(&requests);

        let stack = Pages::new();
        // Until the first list has come there is nothing to say.
        stack.add("starting", &gtk::Box::default());
        stack.add("people", &people_list(&people));
        stack.add("empty", &empty());
        stack.add("nobody", &nobody_found());
        root.append(stack.widget());

        let widgets = SidebarWidgets { title, search, requests, request_list, stack };
        ComponentParts { model: Self { people, rest: None }, widgets }
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
                let page = match (rows.is_empty(), friends) {
                    (_, 0) => "empty",
                    (true, _) => "nobody",
                    (false, _) => "people",
                };
                widgets.stack.show(page);
                self.show_people(rows, &sender);
            }
            SidebarInput::Requests(users) => {
                while let Some(row) = widgets.request_list.first_child() {
                    widgets.request_list.remove(&row);
                }
                widgets.requests.set_visible(!users.is_empty());
                for user in &users {
                    let output = sender.output_sender().clone();
                    widgets.request_list.append(&request_row(user, move |out| output.emit(out)));
                }
            }
            SidebarInput::Rest => {
                if let Some(rows) = self.rest.take() {
                    self.people.sync(rows, |row| row.user.clone());
                }
            }
            SidebarInput::Own(words) => widgets.title.set_subtitle(&words),
            SidebarInput::FocusSearch => {
                widgets.search.grab_focus();
            }
        }
    }
}

impl Sidebar {
    fn show_people(&mut self, mut rows: Vec<PersonRow>, sender: &ComponentSender<Self>) {
        let is_first = self.people.is_empty() && rows.len() > FIRST_SCREEN;
        if !is_first && self.rest.is_none() {
            return self.people.sync(rows, |row| row.user.clone());
        }
        let all = rows.clone();
        rows.truncate(FIRST_SCREEN);
        self.people.sync(rows, |row| row.user.clone());
        if self.rest.replace(all).is_none() {
            let input = sender.input_sender().clone();
            glib::timeout_add_local_once(PAINTED, move || input.emit(SidebarInput::Rest));
        }
    }
}

fn heading(words: &str) -> gtk::Label {
    let label = gtk::Label::builder().label(words).xalign(0.0).build();
    label.add_css_class("sidebar-heading");
    label
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

fn people_list(people: &LiveList<PersonRow>) -> gtk::Box {
    let selection = gtk::NoSelection::new(Some(people.store().clone()));
    let view: gtk::ListView = called("Friends");
    view.set_model(Some(&selection));
    view.set_factory(Some(people.factory()));
    view.add_css_class("people-list");
    let scroller =
        gtk::ScrolledWindow::builder().hscrollbar_policy(gtk::PolicyType::Never).vexpand(true).child(&view).build();
    let page = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
    page.append(&heading("Friends"));
    page.append(&scroller);
    page
}

fn empty() -> adw::StatusPage {
    let add =
        gtk::Button::builder().label("Add Friend").halign(gtk::Align::Center).action_name("win.add-friend").build();
    add.set_css_classes(&["pill", "suggested-action"]);
    let page = adw::StatusPage::builder()
        .icon_name("system-users-symbolic")
        .title("No Friends Yet")
        .description("Ask somebody for their username and send them a request.")
        .child(&add)
        .build();
    page.add_css_class("compact");
    page
}

fn nobody_found() -> adw::StatusPage {
    let page = adw::StatusPage::builder()
        .icon_name("system-search-symbolic")
        .title("Nobody Found")
        .description("Try another name.")
        .build();
    page.add_css_class("compact");
    page
}
