//! Numbers, times and states in words, the same everywhere in the window.

use hobnob_shared::message::{OwnPresence, Presence};
use relm4::gtk::glib;

use crate::core::event::MessageState;
use crate::model::roster::{Path, Person};

/// Bytes with a decimal unit, such as `3.1 GB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        // 999.95 would be written as 1000.0.
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// Time left, rounded to what a person plans with.
pub fn left(seconds: u64) -> String {
    match seconds {
        0..=1 => "1 s left".to_owned(),
        2..=59 => format!("{seconds} s left"),
        60..=3_599 => format!("{} min left", seconds.div_ceil(60)),
        3_600..=86_399 => format!("{} h {} min left", seconds / 3_600, seconds % 3_600 / 60),
        _ => "more than a day left".to_owned(),
    }
}

/// What is true of an own message.
pub fn state(state: MessageState) -> &'static str {
    match state {
        MessageState::Queued => "queued",
        MessageState::Sent => "sent",
        MessageState::Delivered => "delivered",
        MessageState::Read => "read",
    }
}

/// Presence of a friend.
pub fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Available => "available",
        Presence::Away => "away",
        Presence::Busy => "do not disturb",
        Presence::Offline => "offline",
        Presence::Unknown => "presence unknown",
    }
}

/// Own presence.
pub fn own_presence(presence: OwnPresence) -> &'static str {
    match presence {
        OwnPresence::Available => "available",
        OwnPresence::Away => "away",
        OwnPresence::Busy => "do not disturb",
        OwnPresence::Invisible => "invisible",
    }
}

/// How one is connected.
pub fn path(path: Path) -> &'static str {
    match path {
        Path::None => "Not connected",
        Path::Relayed => "Relayed",
        Path::Direct => "Direct",
        Path::SameNetwork => "Direct, same network",
    }
}

/// The line under a friend's name: what they say, else how they are.
pub fn status(person: &Person) -> String {
    let said = person.status_text.trim();
    if said.is_empty() || !person.presence.is_online() {
        presence(person.presence).to_owned()
    } else {
        crate::ui::text::literal_line(said)
    }
}

fn local(at: u64) -> Option<glib::DateTime> {
    glib::DateTime::from_unix_local(i64::try_from(at / 1000).ok()?).ok()
}

fn formatted(time: &glib::DateTime, format: &str) -> String {
    time.format(format).map(String::from).unwrap_or_default()
}

/// The time of day, such as `09:12`, of milliseconds since 1970.
pub fn time(at: u64) -> String {
    local(at).map(|time| formatted(&time, "%H:%M")).unwrap_or_default()
}

/// A number for the local day, for telling days apart.
pub fn day_number(at: u64) -> i64 {
    local(at).map_or(0, |time| i64::from(time.year()) * 1_000 + i64::from(time.day_of_year()))
}

/// The day in words: `Today`, `Yesterday`, or its date.
pub fn day(at: u64) -> String {
    let (Some(time), Ok(now)) = (local(at), glib::DateTime::now_local()) else { return String::new() };
    let is_same_day = |other: &glib::DateTime| (other.year(), other.day_of_year()) == (time.year(), time.day_of_year());
    if is_same_day(&now) {
        "Today".to_owned()
    } else if now.add_days(-1).is_ok_and(|yesterday| is_same_day(&yesterday)) {
        "Yesterday".to_owned()
    } else if time.year() == now.year() {
        formatted(&time, "%A, %-d %B")
    } else {
        formatted(&time, "%-d %B %Y")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 KB"),
            (18_400, "18 KB"),
            (999_999, "1.0 MB"),
            (3_100_000_000, "3.1 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(size(bytes), words);
        }
    }

    #[test]
    fn time_left_is_rounded_up_so_that_nobody_waits_longer() {
        for (seconds, words) in [(0, "1 s left"), (59, "59 s left"), (61, "2 min left"), (3_600, "1 h 0 min left")] {
            assert_eq!(left(seconds), words);
        }
    }

    #[test]
    fn now_is_today() {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs()) * 1000;
        assert_eq!(day(now), "Today");
        assert_ne!(day_number(now), day_number(now - 24 * 3_600_000));
    }
}
