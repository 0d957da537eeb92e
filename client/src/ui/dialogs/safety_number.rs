//! Shows the digits and the picture by which two friends make certain that nobody is in between, and takes what the other one shows.

use adw::prelude::*;
use hobnob_shared::id::Handle;
use relm4::{adw, gtk};

use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::qr;
use crate::ui::widgets::spoken::{heard, name_library_buttons};

/// What there is to compare.
pub struct Numbers<'a> {
    /// Sixty digits.
    pub digits: &'a str,
    /// The text of the picture.
    pub code: &'a str,
    /// They were compared before.
    pub verified: bool,
}

/// Shows them. `verify` is called when the person says that they are equal, `check` with what the other one's picture says; the dialog stays
/// open until that is answered.
pub fn show(
    window: &impl IsA<gtk::Window>,
    (user, name): (&Handle, &str),
    numbers: &Numbers<'_>,
    verify: impl Fn() + 'static,
    check: impl Fn(String) + 'static,
) -> Dialog {
    let body = format!(
        "Compare the digits with {name}, face to face or on the phone. Or scan each other’s picture, and paste the text that it says."
    );
    let dialog = Dialog::new(window, &format!("Safety Number with {user}"), &body);
    let grouped = grouped(numbers.digits);
    let number = gtk::Label::builder().label(&grouped).selectable(true).justify(gtk::Justification::Center).build();
    number.add_css_class("safety-number");
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(12).build();
    if let Some(picture) = qr::picture(numbers.code, &format!("QR picture for {user} to scan")) {
        content.append(&picture);
    }
    content.append(&number);
    if numbers.verified {
        let mark = gtk::Label::new(Some("You have compared it before."));
        mark.add_css_class("success");
        content.append(&mark);
    }
    let entry = heard(adw::EntryRow::builder().title("Their Code or Digits").build());
    let button = gtk::Button::builder().label("Check").valign(gtk::Align::Center).sensitive(false).build();
    button.add_css_class("small-button");
    entry.add_suffix(&button);
    let ready = button.clone();
    entry.connect_changed(move |entry| ready.set_sensitive(!entry.text().trim().is_empty()));
    let pressed = button.clone();
    entry.connect_entry_activated(move |_| pressed.emit_clicked());
    let typed = entry.downgrade();
    button.connect_clicked(move |_| {
        if let Some(text) = typed.upgrade().map(|entry| entry.text().trim().to_owned()).filter(|text| !text.is_empty())
        {
            check(text);
        }
    });
    let fields = adw::PreferencesGroup::new();
    fields.add(&entry);
    content.append(&fields);
    dialog.add(&content);
    dialog.cancel("Close");
    if !numbers.verified {
        let equal = dialog.button("They Are Equal", Style::Suggested, verify);
        // While something is compared, or was found to be another one, nobody is led to say so by the main button.
        entry.connect_changed(move |entry| equal.set_sensitive(entry.text().trim().is_empty()));
    }
    dialog.present();
    name_library_buttons(&fields);
    dialog
}

/// Groups of five digits, four in a line: as people read them to each other.
fn grouped(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().filter(char::is_ascii_digit).collect();
    let groups: Vec<String> = digits.chunks(5).map(|group| group.iter().collect()).collect();
    groups.chunks(4).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups() {
        let lines = grouped(&"1234567890".repeat(6));
        assert_eq!(lines.lines().count(), 3);
        assert_eq!(lines.lines().next(), Some("12345 67890 12345 67890"));
    }
}
