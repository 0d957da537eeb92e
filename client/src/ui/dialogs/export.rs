//! Asks what kind of file a conversation is exported to.

use adw::prelude::*;
use relm4::{adw, gtk};

use crate::core::command::Format;
use crate::ui::widgets::dialog::{Dialog, Style};

/// What is offered: the kind, in words, and how its file's name ends.
const KINDS: [(Format, &str, &str); 3] = [
    (Format::Html, "Page to read", "html"),
    (Format::Text, "Plain text", "txt"),
    (Format::Json, "JSON, for programs", "json"),
];

/// How the name of such a file ends.
pub fn end(format: Format) -> &'static str {
    KINDS.iter().find(|(kind, ..)| *kind == format).map_or("txt", |(.., end)| end)
}

/// Asks about the conversation of this name, and calls `place` with the kind.
pub fn ask(window: &impl IsA<gtk::Window>, name: &str, place: impl Fn(Format) + 'static) {
    let body =
        format!("What is kept here of the conversation with {name} goes into a file. Whoever gets that can read it.");
    let dialog = Dialog::new(window, "Export Conversation", &body);
    let words: Vec<&str> = KINDS.iter().map(|(_, words, _)| *words).collect();
    let row = adw::ComboRow::builder().title("Format").model(&gtk::StringList::new(&words)).build();
    let list = adw::PreferencesGroup::new();
    list.add(&row);
    dialog.add(&list);
    dialog.cancel("Cancel");
    dialog.button("Save As…", Style::Suggested, move || {
        if let Some((format, ..)) = KINDS.get(row.selected() as usize) {
            place(*format);
        }
    });
    dialog.present();
}
