//! Numbers, times and states in words, the same everywhere in the window.

use hobnob_shared::id::{DeviceId, Handle};
use hobnob_shared::message::{OwnPresence, Presence};
use relm4::gtk::glib;

use crate::core::event::{MessageState, Notify};
use crate::model::line::Message;
use crate::model::rooms::{Mesh, Room};
use crate::model::roster::{Path, Person};

/// What was written and not sent cannot be written to the disk.
pub const DRAFT_NOT_KEPT: &str =
    "Your draft could not be kept on the disk. Make room there, or send it before you quit.";

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

/// How many messages call one, as it is spoken.
pub fn calls(count: u32) -> String {
    if count == 1 { "mentions you".to_owned() } else { format!("mentions you {count} times") }
}

/// Files in a folder.
pub fn files(count: u32) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

/// Messages in a conversation.
pub fn messages(count: u64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

/// What of a folder is not sent, as it is no file.
pub fn left_out(count: u32) -> String {
    let (what, is) = if count == 1 { ("entry", "is") } else { ("entries", "are") };
    format!("{count} {what} of the folder {is} left out: links, devices, and folders that cannot be read.")
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

/// How a friend is, and where that is told, since when they are not there.
pub fn presence_of(person: &Person) -> String {
    match person.last_seen.filter(|_| person.presence == Presence::Offline) {
        Some(at) => last_seen(at, now()),
        None => presence(person.presence).to_owned(),
    }
}

/// The line under a friend's name: what they say, else how they are.
pub fn status(person: &Person) -> String {
    let said = person.status_text.trim();
    if said.is_empty() || !person.presence.is_online() {
        presence_of(person)
    } else {
        crate::ui::text::literal_line(said)
    }
}

/// How many are in a room.
pub fn people(room: &Room) -> String {
    let members = match room.members.len() {
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    };
    format!("{members}, {} online", room.online())
}

/// How one is connected to the others in a room.
pub fn mesh(mesh: Mesh) -> String {
    let Mesh { others, direct, relayed } = mesh;
    let of = format!("of {others} {}", if others == 1 { "other" } else { "others" });
    match (direct, relayed) {
        _ if others == 0 => "nobody else online".to_owned(),
        (0, 0) => format!("connected to 0 {of}"),
        (_, 0) => format!("direct to {direct} {of}"),
        (0, _) => format!("relayed to {relayed} {of}"),
        _ => format!("direct to {direct}, relayed to {relayed} {of}"),
    }
}

/// Words that begin a sentence.
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What that means.
pub fn mesh_tip(mesh: Mesh) -> &'static str {
    match mesh {
        Mesh { others: 0, .. } => "Messages wait on this computer until somebody else comes.",
        Mesh { direct: 0, relayed: 0, .. } => "Messages wait on this computer until you are connected.",
        Mesh { relayed: 0, .. } => {
            "Encrypted, straight from your computer to each of theirs. The others get messages when they are connected."
        }
        _ => {
            "Encrypted from your computer to each of theirs; where it is relayed, the server passes on what it cannot read. The others get \
             messages when they are connected."
        }
    }
}

/// Names that a list shows before it only counts.
const NAMES: usize = 12;

/// What somebody is called, literal.
pub type Called<'a> = &'a dyn Fn(&Handle) -> String;

fn names(users: &[&Handle], called: Called<'_>) -> String {
    let mut shown: Vec<String> = users.iter().take(NAMES).map(|user| called(user)).collect();
    if users.len() > NAMES {
        shown.push(format!("{} more", users.len() - NAMES));
    }
    shown.join(", ")
}

/// Who set an emoji, oneself first.
pub fn set_by(people: &[Handle], me: Option<&Handle>, called: Called<'_>) -> String {
    let others: Vec<&Handle> = people.iter().filter(|user| Some(*user) != me).collect();
    match (others.len() < people.len(), others.is_empty()) {
        (true, true) => "You".to_owned(),
        (true, false) => format!("You, {}", names(&others, called)),
        (false, _) => names(&others, called),
    }
}

/// What it means that friends are told when one was last seen, or not any more.
pub fn last_seen_set(on: bool) -> &'static str {
    if on {
        "Friends see when you were last online, and you when they were, if they allow it too."
    } else {
        "Nobody sees when you were last online, and you do not see when others were."
    }
}

/// What of a conversation is not told.
pub fn muted(level: Notify) -> Option<&'static str> {
    match level {
        Notify::All => None,
        Notify::Mentions => Some("mentions only"),
        Notify::None => Some("muted"),
    }
}

/// How many were not seen, where there is little room.
pub fn unread(count: u32) -> String {
    if count > 999 { "999+".to_owned() } else { count.to_string() }
}

/// Who writes just now; nothing for nobody.
pub fn writing(people: &[Handle], called: Called<'_>) -> String {
    let names: Vec<String> = people.iter().take(3).map(called).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("{one} is writing…"),
        [one, other] => format!("{one} and {other} are writing…"),
        [one, other, third] if people.len() == 3 => format!("{one}, {other} and {third} are writing…"),
        [one, other, ..] => format!("{one}, {other} and {} others are writing…", people.len() - 2),
    }
}

/// How far an own message got: what stands below it, and by whom where that is known.
pub fn reached(message: &Message, called: Called<'_>) -> (String, Option<String>) {
    let (delivered, read) = message.reached();
    let state = state(message.info.state);
    let short = match (message.info.state, read.as_slice(), delivered.as_slice()) {
        (MessageState::Read, [one], _) => format!("{state} by {}", called(one)),
        (MessageState::Read, [_, _, ..], _) => format!("{state} by {}", read.len()),
        (MessageState::Delivered, _, [one]) => format!("{state} to {}", called(one)),
        (MessageState::Delivered, _, [_, _, ..]) => format!("{state} to {}", delivered.len()),
        _ => state.to_owned(),
    };
    let mut lines = Vec::new();
    if !read.is_empty() {
        lines.push(format!("Read by {}", names(&read, called)));
    }
    if !delivered.is_empty() {
        lines.push(format!("Delivered to {}", names(&delivered, called)));
    }
    (short, (!lines.is_empty()).then(|| lines.join("\n")))
}

/// The beginning of a device's id, as people compare it.
pub fn device(device: DeviceId) -> String {
    let [a, b, c, d, ..] = device.0;
    format!("{a:02x}{b:02x} {c:02x}{d:02x}")
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

/// Now, as it stands in a file's name.
pub fn now_in_a_name() -> String {
    glib::DateTime::now_local().map(|now| formatted(&now, "%Y-%m-%d %H-%M-%S")).unwrap_or_default()
}

/// A number for the local day, for telling days apart.
pub fn day_number(at: u64) -> i64 {
    local(at).map_or(0, |time| i64::from(time.year()) * 1_000 + i64::from(time.day_of_year()))
}

/// The day in words: `Today`, `Yesterday`, or its date.
pub fn day(at: u64) -> String {
    // What somebody's clock says may be in no calendar.
    let (Some(time), Ok(now)) = (local(at), glib::DateTime::now_local()) else { return "Some Day".to_owned() };
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

/// When, as short as a list wants it: the time of today, otherwise the day.
pub fn when(at: u64) -> String {
    let (Some(time), Ok(now)) = (local(at), glib::DateTime::now_local()) else { return String::new() };
    match (day(at).as_str(), time.year() == now.year()) {
        ("Today", _) => formatted(&time, "%H:%M"),
        ("Yesterday", _) => formatted(&time, "Yesterday, %H:%M"),
        (_, true) => formatted(&time, "%-d %b, %H:%M"),
        (_, false) => formatted(&time, "%-d %b %Y"),
    }
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// When somebody was last seen, as seen from `now`: the minutes while they are few, then time and day.
pub fn last_seen(at: u64, now: u64) -> String {
    let clock = || time(at);
    match now.saturating_sub(at) / 60_000 {
        0 => "last seen just now".to_owned(),
        1 => "last seen 1 minute ago".to_owned(),
        minutes @ 2..=59 => format!("last seen {minutes} minutes ago"),
        _ => match day(at).as_str() {
            "Today" => format!("last seen today at {}", clock()),
            "Yesterday" => format!("last seen yesterday at {}", clock()),
            date => format!("last seen {date}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hobnob_shared::id::ConversationId;

    #[test]
    fn what_is_in_no_calendar_is_some_day() {
        assert_eq!((day(u64::MAX).as_str(), time(u64::MAX).as_str()), ("Some Day", ""));
        assert_eq!((day_number(u64::MAX), when(u64::MAX).as_str()), (0, ""));
    }

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
    fn a_mesh_says_who_is_reached_how() {
        for ((others, direct, relayed), words) in [
            ((0, 0, 0), "nobody else online"),
            ((1, 0, 0), "connected to 0 of 1 other"),
            ((3, 3, 0), "direct to 3 of 3 others"),
            ((1, 0, 1), "relayed to 1 of 1 other"),
            ((4, 2, 1), "direct to 2, relayed to 1 of 4 others"),
        ] {
            assert_eq!(mesh(Mesh { others, direct, relayed }), words);
        }
    }

    #[test]
    fn a_message_in_a_room_names_who_got_it_and_counts_when_they_are_many() {
        let mut message = message();
        assert_eq!(reached(&message, &ToString::to_string), ("queued".to_owned(), None));
        let mut by = |user: &str, state| {
            message.advance(state, user.parse().ok());
            reached(&message, &ToString::to_string)
        };
        let (short, long) = by("bob", MessageState::Delivered);
        assert_eq!((short.as_str(), long.as_deref()), ("delivered to bob", Some("Delivered to bob")));
        assert_eq!(by("carol", MessageState::Delivered).0, "delivered to 2");
        let (short, long) = by("carol", MessageState::Read);
        assert_eq!((short.as_str(), long.as_deref()), ("read by carol", Some("Read by carol\nDelivered to bob")));
        for number in 10..30 {
            by(&format!("member{number}"), MessageState::Read);
        }
        let (short, long) = reached(&message, &ToString::to_string);
        assert_eq!(short, "read by 21");
        assert!(long.is_some_and(|long| long.contains(", 9 more\nDelivered to bob")));
    }

    fn message() -> Message {
        let me: Option<Handle> = "alice".parse().ok();
        let info = crate::core::event::MessageInfo {
            conversation: ConversationId::Direct(me.clone().unwrap_or_else(|| unreachable!())),
            message: hobnob_shared::id::MessageId::new(),
            from: me.clone().unwrap_or_else(|| unreachable!()),
            text: String::new(),
            sent_at: 0,
            reply_to: None,
            state: MessageState::Queued,
            clock: 0,
            device: DeviceId([0xab; 32]),
            number: 0,
            edited: false,
            deleted: false,
            reactions: Vec::new(),
        };
        assert_eq!(device(info.device), "abab abab");
        Message::new(info, me.as_ref())
    }

    #[test]
    fn who_set_an_emoji_is_named_oneself_first() {
        let handles: Vec<Handle> = ["bob", "alice"].iter().filter_map(|name| name.parse().ok()).collect();
        let me = handles.last();
        assert_eq!(set_by(&handles, me, &ToString::to_string), "You, bob");
        assert_eq!(set_by(&handles[..1], me, &ToString::to_string), "bob");
        assert_eq!(set_by(&handles[1..], me, &ToString::to_string), "You");
    }

    #[test]
    fn who_writes_is_named_while_they_are_few() {
        let people: Vec<Handle> = ["bob", "carol", "dan", "eve"].iter().filter_map(|name| name.parse().ok()).collect();
        let said = [
            "",
            "bob is writing…",
            "bob and carol are writing…",
            "bob, carol and dan are writing…",
            "bob, carol and 2 others are writing…",
        ];
        for (count, words) in said.into_iter().enumerate() {
            assert_eq!(writing(&people[..count], &ToString::to_string), words);
        }
    }

    #[test]
    fn last_seen_counts_minutes_and_then_names_time_and_day() {
        let noon = 1_790_000_000_000;
        for (minutes, words) in [(0, "just now"), (1, "1 minute ago"), (59, "59 minutes ago")] {
            assert_eq!(last_seen(noon, noon + minutes * 60_000), format!("last seen {words}"));
        }
        assert_eq!(last_seen(noon, noon - 5_000), "last seen just now", "clocks differ");
        let yesterday = now() - 24 * 3_600_000;
        assert_eq!(last_seen(yesterday, now()), format!("last seen yesterday at {}", time(yesterday)));
        assert!(last_seen(0, now()).ends_with("1970"));
    }

    #[test]
    fn now_is_today() {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs()) * 1000;
        assert_eq!(day(now), "Today");
        assert_ne!(day_number(now), day_number(now - 24 * 3_600_000));
    }
}
