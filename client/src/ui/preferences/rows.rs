//! Rows of the preferences: a switch, a choice, a button, each with its name for who listens.

use std::cell::Cell;
use std::rc::Rc;

use adw::prelude::*;
use relm4::{adw, gtk};

use crate::ui::settings::{Flag, Number, Store};

/// A row with a switch, and the switch.
fn switch(title: &str, words: &str) -> (adw::ActionRow, gtk::Switch) {
    // The row gives its title to what it activates.
    let toggle = gtk::Switch::builder().valign(gtk::Align::Center).build();
    let row = adw::ActionRow::builder().title(title).subtitle(words).activatable_widget(&toggle).build();
    row.add_suffix(&toggle);
    (row, toggle)
}

/// What the core keeps as on or off: it moves back where the core refuses.
pub struct Kept {
    /// The row.
    pub row: adw::ActionRow,
    toggle: gtk::Switch,
    /// As the core has it.
    known: Rc<Cell<bool>>,
}

impl Kept {
    /// One that is off; `ask` is told what is wanted.
    pub fn new(title: &str, words: &str, ask: impl Fn(bool) + 'static) -> Self {
        let (row, toggle) = switch(title, words);
        let known = Rc::new(Cell::new(false));
        let before = known.clone();
        toggle.connect_active_notify(move |toggle| {
            if toggle.is_active() != before.get() {
                ask(toggle.is_active());
            }
        });
        Self { row, toggle, known }
    }

    /// Shows it as the core has it.
    pub fn show(&self, on: bool) {
        self.known.set(on);
        self.toggle.set_active(on);
    }
}

/// A preference that is on or off.
pub struct FlagRow {
    /// The row.
    pub row: adw::ActionRow,
    /// Its switch.
    pub toggle: gtk::Switch,
    flag: Flag,
}

impl FlagRow {
    /// One that changes it in `store`.
    pub fn new(store: &Store, flag: Flag, title: &str, words: &str) -> Self {
        let (row, toggle) = switch(title, words);
        toggle.set_active(store.is(flag));
        let store = store.clone();
        toggle.connect_active_notify(move |toggle| store.set(flag, toggle.is_active()));
        Self { row, toggle, flag }
    }

    /// Shows it as it is.
    pub fn show(&self, store: &Store) {
        self.toggle.set_active(store.is(self.flag));
    }
}

/// A preference that is one of some numbers.
pub struct NumberRow {
    /// The row.
    pub row: adw::ComboRow,
    values: Vec<i32>,
    number: Number,
}

impl NumberRow {
    /// One that changes it in `store`; the present value is offered too, whatever it is.
    pub fn new(
        store: &Store,
        number: Number,
        (title, words): (&str, &str),
        offered: impl IntoIterator<Item = i32>,
        name: impl Fn(i32) -> String,
    ) -> Self {
        let mut values: Vec<i32> = offered.into_iter().chain([store.now().number(number)]).collect();
        values.sort_unstable();
        values.dedup();
        let names: Vec<String> = values.iter().map(|value| name(*value)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let row = adw::ComboRow::builder().title(title).subtitle(words).model(&gtk::StringList::new(&names)).build();
        let this = Self { row, values, number };
        this.show(store);
        let (store, values) = (store.clone(), this.values.clone());
        this.row.connect_selected_notify(move |row| {
            if let Some(value) = values.get(row.selected() as usize) {
                store.set_number(number, *value);
            }
        });
        this
    }

    /// Shows it as it is, where that is offered.
    pub fn show(&self, store: &Store) {
        let now = store.now().number(self.number);
        if let Some(at) = self.values.iter().position(|value| *value == now) {
            self.row.set_selected(u32::try_from(at).unwrap_or_default());
        }
    }
}

/// A row that leads to a question.
pub fn leading(title: &str, words: &str, ask: impl Fn() + 'static) -> adw::ActionRow {
    let row = adw::ActionRow::builder().title(title).subtitle(words).activatable(true).build();
    row.add_suffix(
        &gtk::Image::builder().icon_name("go-next-symbolic").accessible_role(gtk::AccessibleRole::Presentation).build(),
    );
    row.connect_activated(move |_| ask());
    row
}

/// A page with its groups of rows.
pub fn page(title: &str, icon: &str) -> adw::PreferencesPage {
    adw::PreferencesPage::builder().title(title).icon_name(icon).name(title).build()
}

/// A group of rows.
pub fn group(page: &adw::PreferencesPage, title: &str, words: &str, rows: &[&gtk::Widget]) {
    let group = adw::PreferencesGroup::builder().title(title).build();
    if !words.is_empty() {
        group.set_description(Some(words));
    }
    for row in rows {
        group.add(*row);
    }
    page.add(&group);
}
