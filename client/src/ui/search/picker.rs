//! A window with an entry over a list. The keyboard stays in the entry: arrows move in the list, Enter chooses, Escape closes.

use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, glib};
use relm4::{adw, gtk};

use crate::ui::search::row::{FoundRow, Pick, Words};
use crate::ui::widgets::live_list::LiveList;
use crate::ui::widgets::pages::Pages;
use crate::ui::widgets::spoken::called;

/// What is done in it.
#[derive(Debug)]
pub enum PickerOutput {
    /// This was typed.
    Typed(String),
    /// Enter: what is chosen then, once what was typed is shown.
    Enter(String),
    /// This belongs to what is typed.
    Filter(&'static str),
    /// This was chosen.
    Picked(Pick),
    /// The end of the list is near.
    NearEnd,
}

/// What the window is.
pub struct Kind {
    /// Its title, and the entry's name.
    pub title: &'static str,
    /// In the empty entry.
    pub hint: &'static str,
    /// Widest and highest.
    pub size: (i32, i32),
    /// Typing rests for a moment before anybody is told.
    pub rests: bool,
}

/// Milliseconds of that rest.
const REST: u32 = 120;
/// Rows that Page Down passes.
const PAGE: usize = 8;

/// The window.
#[derive(Clone)]
pub struct Picker {
    window: gtk::Window,
    entry: gtk::SearchEntry,
    rows: Rc<LiveList<FoundRow>>,
    selection: gtk::SingleSelection,
    list: gtk::ListView,
    pages: Rc<Pages>,
    status: adw::StatusPage,
    told: gtk::Label,
    chosen: gtk::Label,
}

impl Picker {
    /// Opens one over `parent`; `below` stands between entry and list.
    pub fn open(
        parent: &gtk::Window,
        kind: &Kind,
        below: Option<&gtk::Widget>,
        tell: impl Fn(PickerOutput) + 'static,
    ) -> Self {
        let tell = Rc::new(tell);
        let say = tell.clone();
        let rows = Rc::new(LiveList::<FoundRow>::new(Box::new(move |pick| say(PickerOutput::Picked(pick)))));
        let selection =
            gtk::SingleSelection::builder().model(rows.store()).autoselect(false).can_unselect(true).build();
        let list: gtk::ListView = called("Results");
        list.set_model(Some(&selection));
        list.set_factory(Some(rows.factory()));
        list.set_css_classes(&["people-list", "found-list"]);
        let scroller =
            gtk::ScrolledWindow::builder().hscrollbar_policy(gtk::PolicyType::Never).vexpand(true).child(&list).build();

        let entry: gtk::SearchEntry = called(kind.title);
        entry.set_placeholder_text(Some(kind.hint));
        entry.set_hexpand(true);
        entry.set_search_delay(if kind.rests { REST } else { 0 });
        let status = adw::StatusPage::builder().icon_name("system-search-symbolic").vexpand(true).build();
        status.add_css_class("compact");
        let pages = Rc::new(Pages::new());
        pages.add("status", &status);
        pages.add("list", &scroller);
        let told = gtk::Label::builder().accessible_role(gtk::AccessibleRole::Status).xalign(0.0).build();
        told.set_css_classes(&["caption", "dim-label", "found-count"]);

        let column = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        column.add_css_class("picker");
        let top = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(8).build();
        top.add_css_class("picker-top");
        top.append(&entry);
        if let Some(below) = below {
            top.append(below);
        }
        column.append(&top);
        column.append(pages.widget());
        column.append(&told);
        // The keyboard stays in the entry, so what Up and Down choose is told here.
        let chosen = gtk::Label::builder()
            .accessible_role(gtk::AccessibleRole::Status)
            .ellipsize(gtk::pango::EllipsizeMode::End)
            .build();
        chosen.add_css_class("announcer");
        column.append(&chosen);
        let (width, height) = kind.size;
        let room = (parent.width().max(360), parent.height().max(420));
        let window = gtk::Window::builder()
            .title(kind.title)
            .transient_for(parent)
            .modal(true)
            .destroy_with_parent(true)
            .default_width(width.min(room.0 - 24))
            .default_height(height.min(room.1 - 48))
            .titlebar(&gtk::Box::builder().visible(false).build())
            .child(&column)
            .build();
        let picker = Self { window, entry, rows, selection, list, pages, status, told, chosen };
        picker.listen(&scroller, &tell);
        picker
    }

    fn listen(&self, scroller: &gtk::ScrolledWindow, tell: &Rc<impl Fn(PickerOutput) + 'static>) {
        let say = tell.clone();
        self.entry.connect_search_changed(move |entry| say(PickerOutput::Typed(entry.text().to_string())));
        let say = tell.clone();
        self.entry.connect_activate(move |entry| say(PickerOutput::Enter(entry.text().to_string())));
        let keys = gtk::EventControllerKey::new();
        keys.set_propagation_phase(gtk::PropagationPhase::Capture);
        let picker = self.downgrade();
        keys.connect_key_pressed(move |_, key, _, _| match picker() {
            Some(picker) if picker.key(key) => glib::Propagation::Stop,
            _ => glib::Propagation::Proceed,
        });
        self.window.add_controller(keys);
        let say = tell.clone();
        scroller.vadjustment().connect_value_changed(move |place| {
            if place.value() + 2.0 * place.page_size() >= place.upper() {
                say(PickerOutput::NearEnd);
            }
        });
        // A row that has the focus, by Tab, is chosen by Enter.
        let (say, picker) = (tell.clone(), self.downgrade());
        self.list.connect_activate(move |_, at| {
            let row = picker().and_then(|picker| picker.pick_at(at as usize));
            if let Some(pick) = row {
                say(PickerOutput::Picked(pick));
            }
        });
    }

    /// Reaches itself without keeping itself alive.
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let window = self.window.downgrade();
        let (entry, list) = (self.entry.downgrade(), self.list.downgrade());
        let (selection, status, told) = (self.selection.downgrade(), self.status.downgrade(), self.told.downgrade());
        let chosen = self.chosen.downgrade();
        let (rows, pages) = (Rc::downgrade(&self.rows), Rc::downgrade(&self.pages));
        move || {
            Some(Self {
                window: window.upgrade()?,
                entry: entry.upgrade()?,
                rows: rows.upgrade()?,
                selection: selection.upgrade()?,
                list: list.upgrade()?,
                pages: pages.upgrade()?,
                status: status.upgrade()?,
                told: told.upgrade()?,
                chosen: chosen.upgrade()?,
            })
        }
    }

    fn key(&self, key: gdk::Key) -> bool {
        let in_entry = GtkWindowExt::focus(&self.window)
            .is_some_and(|focus| focus == *self.entry.upcast_ref::<gtk::Widget>() || focus.is_ancestor(&self.entry));
        match key {
            gdk::Key::Escape => self.window.close(),
            gdk::Key::Down if in_entry => self.step(1),
            gdk::Key::Up if in_entry => self.step(-1),
            gdk::Key::Page_Down if in_entry => (0..PAGE).for_each(|_| self.step(1)),
            gdk::Key::Page_Up if in_entry => (0..PAGE).for_each(|_| self.step(-1)),
            _ => return false,
        }
        true
    }

    fn pick_at(&self, at: usize) -> Option<Pick> {
        self.rows.read(at, |row| row.pick().cloned()).flatten()
    }

    /// What is chosen.
    pub fn picked(&self) -> Option<Pick> {
        self.pick_at(usize::try_from(self.selection.selected()).ok()?)
    }

    /// To the next line that can be chosen; stays where there is none.
    fn step(&self, by: isize) {
        let mut at = match self.selection.selected() {
            gtk::INVALID_LIST_POSITION => -1,
            at => isize::try_from(at).unwrap_or_default(),
        };
        loop {
            at += by;
            let Some(next) = usize::try_from(at).ok().filter(|next| *next < self.rows.len()) else { return };
            if self.pick_at(next).is_some() {
                return self.select(next);
            }
        }
    }

    fn select(&self, at: usize) {
        let spoken = self.rows.read(at, FoundRow::spoken);
        self.chosen.set_text(&spoken.unwrap_or_default());
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        self.selection.set_selected(at);
        if let Err(error) = self.list.activate_action("list.scroll-to-item", Some(&at.to_variant())) {
            tracing::debug!(%error, "the list cannot go to a row");
        }
    }

    /// Shows these lines, the first of them chosen; how many there are is said in words.
    pub fn show(&self, rows: Vec<FoundRow>, told: &str) {
        let len = self.rows.len();
        self.rows.splice(0, len, rows);
        self.told.set_text(told);
        self.told.set_visible(!told.is_empty());
        self.pages.show("list");
        self.selection.set_selected(gtk::INVALID_LIST_POSITION);
        if let Some(first) = (0..self.rows.len()).find(|at| self.pick_at(*at).is_some()) {
            self.select(first);
            // The heading above it is seen too.
            if first == 1 && self.list.activate_action("list.scroll-to-item", Some(&0_u32.to_variant())).is_err() {
                tracing::debug!("the list cannot go to its beginning");
            }
        }
    }

    /// Shows more lines behind those that are there.
    pub fn append(&self, rows: Vec<FoundRow>, told: &str) {
        self.rows.splice(self.rows.len(), 0, rows);
        self.told.set_text(told);
    }

    /// Shows other words in the line that leads there, if there is one.
    pub fn reword(&self, pick: &Pick, words: Words) {
        let Some(at) = (0..self.rows.len()).find(|at| self.pick_at(*at).as_ref() == Some(pick)) else { return };
        let Some(Some(mut line)) = self.rows.read(at, |row| row.line().cloned()) else { return };
        line.words = words;
        let row = FoundRow::Line(Box::new(line));
        if usize::try_from(self.selection.selected()) == Ok(at) {
            self.chosen.set_text(&row.spoken());
        }
        self.rows.set(at, row);
    }

    /// Shows words in the place of lines.
    pub fn say(&self, title: &str, words: &str) {
        let len = self.rows.len();
        self.rows.splice(0, len, []);
        self.chosen.set_text("");
        self.status.set_title(title);
        // Descriptions take markup on this version of the library.
        self.status.set_description(Some(&glib::markup_escape_text(words)));
        self.told.set_text(title);
        self.told.set_visible(false);
        self.pages.show("status");
    }

    /// Puts this into the entry.
    pub fn fill(&self, text: &str) {
        self.entry.set_text(text);
        self.entry.set_position(-1);
    }

    /// Puts this behind what is in the entry.
    pub fn add(&self, words: &str) {
        let text = self.entry.text();
        let gap = if text.is_empty() || text.ends_with(' ') { "" } else { " " };
        self.fill(&format!("{text}{gap}{words}"));
        self.focus();
    }

    /// Puts the cursor into the entry.
    pub fn focus(&self) {
        self.entry.grab_focus();
        self.entry.set_position(-1);
    }

    /// Shows it; what is in the entry goes with the first letter that is typed.
    pub fn present(&self) {
        self.window.present();
        self.entry.grab_focus();
        self.entry.select_region(0, -1);
    }

    /// Somebody still looks at it.
    pub fn is_open(&self) -> bool {
        self.window.is_visible()
    }

    /// It is not needed any more.
    pub fn close(&self) {
        self.window.close();
    }
}
