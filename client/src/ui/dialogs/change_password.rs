//! Asks for the account's old and new password.

use adw::prelude::*;
use hobnob_shared::limits;
use relm4::{adw, gtk};

use crate::core::command::Password;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::{heard, name_library_buttons};

/// Asks, and calls `change` with the old and the new one; the dialog waits for the answer.
pub fn ask(window: &impl IsA<gtk::Window>, change: impl Fn(Password, Password) + 'static) -> Dialog {
    let dialog = Dialog::new(
        window,
        "Change Password",
        "It opens your account on other devices. Those that are signed in stay so.",
    );
    let row = |title: &str| heard(adw::PasswordEntryRow::builder().title(title).activates_default(true).build());
    let (old, new, again) = (row("Current Password"), row("New Password"), row("New Password Again"));
    let fields = adw::PreferencesGroup::new();
    for row in [&old, &new, &again] {
        fields.add(row);
    }
    let hint = gtk::Label::builder().xalign(0.0).wrap(true).accessible_role(gtk::AccessibleRole::Status).build();
    hint.set_css_classes(&["caption", "dim-label"]);
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(8).build();
    content.append(&fields);
    content.append(&hint);
    dialog.add(&content);
    dialog.cancel("Cancel");

    let (typed_old, typed_new) = (old.clone(), new.clone());
    let button = dialog.submit("Change Password", Style::Suggested, move || {
        change(Password::new(typed_old.text().to_string()), Password::new(typed_new.text().to_string()));
    });
    let check = {
        let (old, new, again) = (old.downgrade(), new.downgrade(), again.downgrade());
        move || {
            let (Some(old), Some(new), Some(again)) = (old.upgrade(), new.upgrade(), again.upgrade()) else { return };
            let missing = missing(&old.text(), &new.text(), &again.text());
            button.set_sensitive(missing.is_none());
            hint.set_text(&missing.unwrap_or_default());
        }
    };
    check();
    for row in [&old, &new, &again] {
        let check = check.clone();
        row.connect_changed(move |_| check());
    }
    dialog.present();
    name_library_buttons(&fields);
    old.grab_focus();
    dialog
}

/// What nobody needs a server to see; the same rule as for signing up.
fn missing(old: &str, new: &str, again: &str) -> Option<String> {
    if new.chars().count() < limits::PASSWORD_MIN {
        Some(format!("The new password has at least {} characters.", limits::PASSWORD_MIN))
    } else if new.len() > limits::PASSWORD_MAX {
        Some(format!("The new password has at most {} bytes.", limits::PASSWORD_MAX))
    } else if old.is_empty() {
        Some("Type the current password as well.".to_owned())
    } else if new != again {
        Some("Type the new password twice, the same both times.".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_is_long_enough_and_typed_twice() {
        let good = "correct horse";
        assert_eq!(missing("old", good, good), None);
        for (old, new, again) in [
            ("old", "", ""),
            ("old", "short", "short"),
            ("old", "ééééééé", "ééééééé"),
            ("", good, good),
            ("old", good, ""),
            ("old", good, "correct h0rse"),
        ] {
            assert!(missing(old, new, again).is_some(), "{old:?} {new:?} {again:?}");
        }
        let long = "x".repeat(limits::PASSWORD_MAX + 1);
        assert!(missing("old", &long, &long).is_some());
        assert_eq!(missing("old", &long[1..], &long[1..]), None);
    }
}
