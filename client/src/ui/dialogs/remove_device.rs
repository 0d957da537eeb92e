//! Asks for the account's password before one of its devices is removed.

use adw::prelude::*;
use hobnob_shared::id::DeviceId;
use relm4::{adw, gtk};

use crate::core::command::Password;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::{heard, name_library_buttons};
use crate::ui::words;

/// Asks, and calls `remove` with the password; the dialog waits for the answer.
pub fn ask(window: &impl IsA<gtk::Window>, device: DeviceId, remove: impl Fn(Password) + 'static) -> Dialog {
    let dialog = Dialog::new(
        window,
        &format!("Remove Device {}?", words::device(device)),
        "It is signed out, and its connections to your friends and rooms end. What it has received stays on it. Your password confirms it.",
    );
    let password = heard(adw::PasswordEntryRow::builder().title("Your Password").activates_default(true).build());
    let fields = adw::PreferencesGroup::new();
    fields.add(&password);
    dialog.add(&fields);
    dialog.cancel("Cancel");
    let secret = password.clone();
    let button = dialog.submit("Remove", Style::Destructive, move || {
        let secret = secret.text().to_string();
        if !secret.is_empty() {
            remove(Password::new(secret));
        }
    });
    button.set_sensitive(false);
    // Who has typed the password means it.
    dialog.window().set_default_widget(Some(&button));
    password.connect_changed(move |password| button.set_sensitive(!password.text().is_empty()));
    dialog.present();
    name_library_buttons(&fields);
    password.grab_focus();
    dialog
}
