//! Asks which room to join.

use adw::prelude::*;
use hobnob_shared::id::RoomId;
use relm4::{adw, gtk};

use crate::core::command::Password;
use crate::model::rooms::meant;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::{heard, name_library_buttons};

/// What a room ID looks like, for those who type one.
pub const RULE: &str = "1 to 32 of a-z, 0-9, dot, underscore and hyphen, such as #tea";

/// Asks for a room and perhaps its password, and calls `join` with both; the dialog waits for the answer. `room` is filled in already.
pub fn ask(
    window: &impl IsA<gtk::Window>,
    room: Option<&RoomId>,
    join: impl Fn(RoomId, Option<Password>) + 'static,
) -> Dialog {
    let dialog = Dialog::new(
        window,
        "Join Room",
        "Everybody on your server who knows the room’s ID can join it. Who joins first makes the room and owns it.",
    );
    let name = heard(adw::EntryRow::builder().title("Room ID").activates_default(true).build());
    let password =
        heard(adw::PasswordEntryRow::builder().title("Password, if it has one").activates_default(true).build());
    let fields = adw::PreferencesGroup::new();
    fields.add(&name);
    fields.add(&password);
    let hint = gtk::Label::builder().label(RULE).xalign(0.0).wrap(true).build();
    hint.set_css_classes(&["caption", "dim-label"]);
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(8).build();
    content.append(&fields);
    content.append(&hint);
    dialog.add(&content);

    dialog.cancel("Cancel");
    let (typed, secret) = (name.clone(), password.clone());
    let button = dialog.submit("Join", Style::Suggested, move || {
        if let Some(room) = meant(&typed.text()) {
            let secret = secret.text().to_string();
            join(room, (!secret.is_empty()).then(|| Password::new(secret)));
        }
    });
    button.set_sensitive(false);
    name.connect_changed(move |name| {
        let typed = name.text();
        let fits = meant(&typed).is_some();
        button.set_sensitive(fits);
        mark(name, fits || typed.is_empty());
    });
    if let Some(room) = room {
        name.set_text(&room.to_string());
        name.set_position(-1);
    }
    dialog.present();
    name_library_buttons(&fields);
    if room.is_some() {
        password.grab_focus();
    } else {
        name.grab_focus();
    }
    dialog
}

/// Shows whether what was typed can be right.
pub fn mark(entry: &impl IsA<gtk::Widget>, fits: bool) {
    if fits {
        entry.remove_css_class("error");
    } else {
        entry.add_css_class("error");
    }
}
