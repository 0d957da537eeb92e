//! Asks for a day to go to in a conversation. Days of the month that is shown on which something was said are marked.

use std::rc::Rc;

use gtk::glib;
use gtk::prelude::*;
use relm4::gtk;

use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::{Spoken, changing, name_buttons};

/// The calendar of an open question, for its marks.
pub struct Days {
    calendar: glib::WeakRef<gtk::Calendar>,
    spoken: Spoken,
}

impl Days {
    /// On these days of the month that begins with `starts` something was said. Nothing changes where another month is shown by now.
    pub fn mark(&self, starts: &[u64], days: &[bool]) {
        let Some(calendar) = self.calendar.upgrade().filter(|calendar| month(&calendar.date()) == starts) else {
            return;
        };
        let said: Vec<u32> = (1..).zip(days).filter(|(_, said)| **said).map(|(day, _)| day).collect();
        show(&calendar, &said);
        let told = said.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        self.spoken.say(&if told.is_empty() {
            "Day, nothing was said in this month".to_owned()
        } else {
            format!("Day, messages on {told}")
        });
    }
}

/// Asks, with today chosen, and calls `go` with the moment when the day begins here, in milliseconds since 1970. For each month that is shown,
/// `shown` is called with when its days begin, and the last one ends.
pub fn ask(window: &impl IsA<gtk::Window>, go: impl Fn(u64) + 'static, shown: impl Fn(Vec<u64>) + 'static) -> Days {
    let dialog =
        Dialog::new(window, "Jump to Date", "Shows what was said on this day, or on the next on which anything was.");
    let (calendar, spoken): (gtk::Calendar, _) = changing();
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
    let name = spoken.clone();
    let turned = Rc::new(move |calendar: &gtk::Calendar| {
        // The marks are those of the month before.
        show(calendar, &[]);
        name.say("Day");
        shown(month(&calendar.date()));
    });
    turned(&calendar);
    let again = || {
        let turned = turned.clone();
        move |calendar: &gtk::Calendar| turned(calendar)
    };
    calendar.connect_prev_month(again());
    calendar.connect_next_month(again());
    calendar.connect_prev_year(again());
    calendar.connect_next_year(again());
    calendar.grab_focus();
    dialog.present();
    Days { calendar: calendar.downgrade(), spoken }
}

/// Marks these days of the month that is shown, and no others. The calendar's own marks are not drawn by GTK 4.8.
fn show(calendar: &gtk::Calendar, said: &[u32]) {
    let mut numbers = Vec::new();
    collect(calendar.upcast_ref(), &mut numbers);
    for (day, number) in (1..).zip(numbers.iter().filter(|number| !number.has_css_class("other-month"))) {
        if said.contains(&day) {
            number.add_css_class("said");
        } else {
            number.remove_css_class("said");
        }
    }
}

/// The numbers of all days that are shown, in their order.
fn collect(widget: &gtk::Widget, numbers: &mut Vec<gtk::Widget>) {
    let mut child = widget.first_child();
    while let Some(next) = child {
        if next.has_css_class("day-number") {
            numbers.push(next.clone());
        }
        collect(&next, numbers);
        child = next.next_sibling();
    }
}

/// When a day begins here.
fn begin(day: &glib::DateTime) -> Option<u64> {
    let midnight = glib::DateTime::from_local(day.year(), day.month(), day.day_of_month(), 0, 0, 0.0).ok()?;
    u64::try_from(midnight.to_unix()).ok().map(|seconds| seconds * 1_000)
}

/// When the days of a day's month begin here, and the last one ends. None of them from before 1970.
fn month(day: &glib::DateTime) -> Vec<u64> {
    let first = glib::DateTime::from_local(day.year(), day.month(), 1, 0, 0, 0.0).ok();
    let days = (0..=31).map_while(|n| first.as_ref().and_then(|first| first.add_days(n).ok()));
    let mut starts: Vec<u64> = Vec::new();
    for start in days {
        starts.extend(begin(&start));
        if start.month() != day.month() {
            break;
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_month_has_its_days_and_an_end() {
        let month = |year, number| month(&glib::DateTime::from_local(year, number, 17, 12, 0, 0.0).unwrap());
        for (year, number, days) in [(2024, 2, 29), (2025, 2, 28), (2026, 11, 30), (2026, 12, 31)] {
            let starts = month(year, number);
            assert_eq!(starts.len(), days + 1, "{year}-{number}");
            assert!(starts.is_sorted_by(|one, next| one < next));
        }
        assert_eq!(month(2026, 11).last(), month(2026, 12).first());
        assert!(month(1950, 1).is_empty());
    }
}
