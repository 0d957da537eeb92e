//! Asks how fast files may go.

use std::num::NonZeroU64;

use adw::prelude::*;
use relm4::{adw, gtk};

use crate::core::event::Rates;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::words;

/// What is offered as a limit, in bytes a second.
const LIMITS: [u64; 8] = [50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000];

/// One direction: its row, and what its choices mean.
struct Choice {
    row: adw::ComboRow,
    rates: Vec<Option<NonZeroU64>>,
}

impl Choice {
    fn new(title: &str, now: Option<NonZeroU64>) -> Self {
        let mut limits: Vec<NonZeroU64> = LIMITS.into_iter().filter_map(NonZeroU64::new).chain(now).collect();
        limits.sort_unstable();
        limits.dedup();
        let rates: Vec<Option<NonZeroU64>> = std::iter::once(None).chain(limits.into_iter().map(Some)).collect();
        let name = |rate: &Option<NonZeroU64>| match rate {
            None => "No limit".to_owned(),
            Some(rate) => format!("{}/s", words::size(rate.get())),
        };
        let names: Vec<String> = rates.iter().map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let row = adw::ComboRow::builder().title(title).model(&gtk::StringList::new(&names)).build();
        let chosen = rates.iter().position(|rate| *rate == now).unwrap_or_default();
        row.set_selected(u32::try_from(chosen).unwrap_or_default());
        Self { row, rates }
    }

    fn chosen(&self) -> Option<NonZeroU64> {
        self.rates.get(self.row.selected() as usize).copied().flatten()
    }
}

/// Asks, with the present limits chosen, and calls `set` with the new ones.
pub fn ask(window: &impl IsA<gtk::Window>, now: Rates, set: impl Fn(Rates) + 'static) {
    let dialog = Dialog::new(
        window,
        "Limit Speed",
        "For all files together, so that others on your line have room. Messages are never slowed down.",
    );
    let (up, down) = (Choice::new("Sending", now.up), Choice::new("Receiving", now.down));
    let list = adw::PreferencesGroup::new();
    list.add(&up.row);
    list.add(&down.row);
    dialog.add(&list);
    dialog.cancel("Cancel");
    dialog.button("Set", Style::Suggested, move || set(Rates { up: up.chosen(), down: down.chosen() }));
    dialog.present();
}
