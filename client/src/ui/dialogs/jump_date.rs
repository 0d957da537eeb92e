//! Asks for a day to go to in a conversation.

use gtk::glib;
use gtk::prelude::*;
use relm4::gtk;

use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::{called, name_buttons};

/// Asks, with today chosen, and calls `go` with the moment when the day begins here, in milliseconds since 1970.
pub fn ask(window: &impl IsA<gtk::Window>, go: impl Fn(u64) + 'static) {
    let dialog =
        Dialog::new(window, "Jump to Date", "Shows what was said on this day, or on the next on which anything was.");
    let calendar: gtk::Calendar = called("Day");
    name_buttons(&calendar, &["Previous Month", "Next Month", "Previous Year", "Next Year"]);
    dialog.add(&calendar);
    dialog.cancel("Cancel");
    let chosen = calendar.clone();
    let jump = dialog.button("Jump", Style::Suggested, move || {
        if let Some(at) = begin(&chosen.date()) {
            go(at);
        }
    });
    let keys = gtk::EventControllerKey::new();
    // The calendar keeps Enter for itself.
    keys.connect_key_pressed(move |_, key, _, _| {
        if matches!(key, gtk::gdk::Key::Return | gtk::gdk::Key::KP_Enter) {
            jump.emit_clicked();
            return glib::Propagation::Stop;
        }
        glib::Propagation::Proceed
    });
    keys.set_propagation_phase(gtk::PropagationPhase::Capture);
    calendar.add_controller(keys);
    calendar.grab_focus();
    dialog.present();
}

/// When a day begins here.
fn begin(day: &glib::DateTime) -> Option<u64> {
    let midnight = glib::DateTime::from_local(day.year(), day.month(), day.day_of_month(), 0, 0, 0.0).ok()?;
    u64::try_from(midnight.to_unix()).ok().map(|seconds| seconds * 1_000)
}
