//! Asks for a room's new password.

use adw::prelude::*;
use hobnob_shared::id::RoomId;
use relm4::{adw, gtk};

use crate::core::command::Password;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::{heard, name_library_buttons};

/// Asks, and calls `set` with it; the dialog waits for the answer.
pub fn ask(window: &impl IsA<gtk::Window>, room: &RoomId, set: impl Fn(Password) + 'static) -> Dialog {
    let dialog = Dialog::new(
        window,
        &format!("Password for {room}"),
        "Who joins from now on needs it. Who is a member stays one. Tell it to those who may come.",
    );
    let password = heard(adw::PasswordEntryRow::builder().title("Room Password").activates_default(true).build());
    let fields = adw::PreferencesGroup::new();
    fields.add(&password);
    dialog.add(&fields);
    dialog.cancel("Cancel");
    let secret = password.clone();
    let button = dialog.submit("Set Password", Style::Suggested, move || {
        let secret = secret.text().to_string();
        if !secret.is_empty() {
            set(Password::new(secret));
        }
    });
    button.set_sensitive(false);
    password.connect_changed(move |password| button.set_sensitive(!password.text().is_empty()));
    dialog.present();
    name_library_buttons(&fields);
    password.grab_focus();
    dialog
}
