//! Asks for the line that friends read under one's name.

use adw::prelude::*;
use hobnob_shared::limits;
use relm4::{adw, gtk};

/// Asks, and calls `set` with the new text; empty takes it away.
pub fn ask(window: &impl IsA<gtk::Window>, now: &str, set: impl Fn(String) + 'static) {
    let dialog = adw::MessageDialog::new(
        Some(window),
        Some("Status Text"),
        Some("Your friends see it under your name while you are online."),
    );
    dialog.add_responses(&[("cancel", "Cancel"), ("set", "Set")]);
    dialog.set_response_appearance("set", adw::ResponseAppearance::Suggested);
    dialog.set_default_response(Some("set"));
    dialog.set_close_response("cancel");
    let entry = adw::EntryRow::builder().title("Status Text").text(now).activates_default(true).build();
    if let Some(text) = entry.delegate().and_downcast::<gtk::Text>() {
        text.set_max_length(i32::try_from(limits::STATUS_TEXT).unwrap_or(i32::MAX));
    }
    let fields = adw::PreferencesGroup::new();
    fields.add(&entry);
    dialog.set_extra_child(Some(&fields));
    let typed = entry.clone();
    dialog.connect_response(Some("set"), move |_, _| set(typed.text().trim().to_owned()));
    dialog.present();
    entry.grab_focus();
}
