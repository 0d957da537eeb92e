//! Shows the digits that two friends compare to be certain that nobody is in between.

use gtk::prelude::*;
use hobnob_shared::id::Handle;
use relm4::gtk;

use crate::ui::widgets::dialog::{Dialog, Style};

/// Shows them, and calls `verify` when the person says that they are equal.
pub fn show(window: &impl IsA<gtk::Window>, user: &Handle, digits: &str, verified: bool, verify: impl Fn() + 'static) {
    let body = format!(
        "Compare these digits with {user}, face to face or on the phone. When both of you see the same, press Verify: nobody can be in between."
    );
    let dialog = Dialog::new(window, &format!("Safety Number with {user}"), &body);
    let grouped = grouped(digits);
    let number = gtk::Label::builder().label(&grouped).selectable(true).justify(gtk::Justification::Center).build();
    number.add_css_class("safety-number");
    let content = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(12).build();
    content.append(&number);
    if verified {
        let mark = gtk::Label::new(Some("You have compared it before."));
        mark.add_css_class("success");
        content.append(&mark);
    }
    dialog.add(&content);
    dialog.cancel("Close");
    if !verified {
        dialog.button("Verify", Style::Suggested, verify);
    }
    dialog.present();
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
