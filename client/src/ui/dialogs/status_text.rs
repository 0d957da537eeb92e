//! Asks for the line that friends read under one's name.

use adw::prelude::*;
use hobnob_shared::limits;
use relm4::{adw, gtk};

use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::heard;

/// Asks, and calls `set` with the new text; empty takes it away.
pub fn ask(window: &impl IsA<gtk::Window>, now: &str, set: impl Fn(String) + 'static) {
    let dialog = Dialog::new(window, "Status Text", "Your friends see it under your name while you are online.");
    let entry = heard(adw::EntryRow::builder().title("Status Text").text(now).activates_default(true).build());
    if let Some(text) = entry.delegate().and_downcast::<gtk::Text>() {
        text.set_max_length(i32::try_from(limits::STATUS_TEXT).unwrap_or(i32::MAX));
    }
    let fields = adw::PreferencesGroup::new();
    fields.add(&entry);
    dialog.add(&fields);
    dialog.cancel("Cancel");
    let typed = entry.clone();
    dialog.button("Set", Style::Suggested, move || set(typed.text().trim().to_owned()));
    dialog.present();
    entry.grab_focus();
}
