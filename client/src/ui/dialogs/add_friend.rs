//! Asks whom to ask to be friends.

use adw::prelude::*;
use hobnob_shared::id::Handle;
use relm4::{adw, gtk};

use crate::ui::widgets::dialog::{Dialog, Style};

/// Asks for a username or an invite, and calls `add` with what was typed.
pub fn ask(window: &impl IsA<gtk::Window>, add: impl Fn(String) + 'static) {
    let dialog = Dialog::new(
        window,
        "Add Friend",
        "Type the username of somebody on your server. You can talk once they have accepted your request.",
    );
    let entry = adw::EntryRow::builder().title("Username").activates_default(true).build();
    let fields = adw::PreferencesGroup::new();
    fields.add(&entry);
    let hint =
        gtk::Label::builder().label("3 to 32 of a-z, 0-9, dot, underscore and hyphen").xalign(0.0).wrap(true).build();
    hint.set_css_classes(&["caption", "dim-label"]);
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(8).build();
    content.append(&fields);
    content.append(&hint);
    dialog.add(&content);

    dialog.cancel("Cancel");
    let typed = entry.clone();
    let button = dialog.button("Add Friend", Style::Suggested, move || add(wanted(&typed.text())));
    button.set_sensitive(false);
    entry.connect_changed(move |entry| {
        let typed = wanted(&entry.text());
        let fits = is_someone(&typed);
        button.set_sensitive(fits);
        if fits || typed.is_empty() {
            entry.remove_css_class("error");
        } else {
            entry.add_css_class("error");
        }
    });
    dialog.present();
    entry.grab_focus();
}

/// People write `@bob` as well, and with capitals.
fn wanted(typed: &str) -> String {
    let typed = typed.trim();
    if typed.starts_with("hobnob:") { typed.to_owned() } else { typed.trim_start_matches('@').to_lowercase() }
}

fn is_someone(typed: &str) -> bool {
    typed.parse::<Handle>().is_ok() || typed.strip_prefix("hobnob:").is_some_and(|invite| !invite.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_people_write_them() {
        for (typed, name) in [(" bob ", "bob"), ("@Bob", "bob"), ("hobnob:Bob?k=00", "hobnob:Bob?k=00")] {
            assert_eq!(wanted(typed), name);
            assert!(is_someone(&wanted(typed)));
        }
        for nobody in ["", "bo", "b ob", "hobnob:", "bób"] {
            assert!(!is_someone(&wanted(nobody)), "{nobody:?}");
        }
    }
}
