//! Whether something new is told on the desktop, and with what sound: what the person prefers, the time of day, own presence, what is
//! wanted of this conversation, and whether it is before somebody's eyes already. Pure.

use crate::core::event::Notify;
use crate::ui::settings::{Flag, Number, Preferences};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Something came in a conversation: a message, the offer of a file.
    Said {
        /// In a room.
        in_room: bool,
        /// It names oneself.
        mentioned: bool,
        /// What is wanted of this conversation.
        level: Notify,
    },
    /// Somebody needs an answer: a friend request, a changed key.
    Question,
}

/// What it happened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// What the person prefers.
    pub preferences: Preferences,
    /// Minutes since midnight, here.
    pub minute: i32,
    /// Own presence is Do Not Disturb.
    pub busy: bool,
    /// The place is before somebody's eyes.
    pub watched: bool,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing on the desktop.
    Quiet,
    /// It is told.
    Tell {
        /// The desktop may play a sound.
        sound: bool,
    },
}

/// Decides.
pub fn decide(news: News, now: &Circumstances) -> Verdict {
    let preferences = &now.preferences;
    let wanted = match news {
        News::Question => true,
        News::Said { level: Notify::None, .. } => false,
        News::Said { level: Notify::Mentions, mentioned, .. } => mentioned,
        News::Said { level: Notify::All, in_room, mentioned } => {
            mentioned || !in_room || !preferences.is(Flag::RoomMentionsOnly)
        }
    };
    if !wanted || now.watched || now.busy || !preferences.is(Flag::Notifications) || is_muted(preferences, now.minute) {
        return Verdict::Quiet;
    }
    Verdict::Tell { sound: preferences.is(Flag::NotificationSound) }
}

/// Something that was not seen calls for attention on its tab; `called` where it mentions oneself. Of what is muted the number in the list
/// says enough.
pub fn calls_for_attention(level: Notify, called: bool) -> bool {
    match level {
        Notify::All => true,
        Notify::Mentions => called,
        Notify::None => false,
    }
}

/// The minute is within the muted hours, which may go over midnight. From a time to the same time is the whole day.
pub fn is_muted(preferences: &Preferences, minute: i32) -> bool {
    let (from, to) = (preferences.number(Number::MutedFrom), preferences.number(Number::MutedTo));
    let within = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    preferences.is(Flag::MutedHours) && within
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_muted_is_counted_and_calls_for_no_attention() {
        for called in [false, true] {
            assert!(calls_for_attention(Notify::All, called));
            assert_eq!(calls_for_attention(Notify::Mentions, called), called);
            assert!(!calls_for_attention(Notify::None, called));
        }
    }

    fn with(change: impl FnOnce(&mut Preferences)) -> Circumstances {
        let mut preferences = Preferences::default();
        change(&mut preferences);
        Circumstances { preferences, minute: 12 * 60, busy: false, watched: false }
    }

    fn usual() -> Circumstances {
        with(|_| ())
    }

    const DIRECT: News = News::Said { in_room: false, mentioned: false, level: Notify::All };
    const ROOM: News = News::Said { in_room: true, mentioned: false, level: Notify::All };
    const NAMED: News = News::Said { in_room: true, mentioned: true, level: Notify::All };

    #[test]
    fn what_is_not_in_view_is_told_without_a_sound_by_default() {
        for news in [DIRECT, ROOM, NAMED, News::Question] {
            assert_eq!(decide(news, &usual()), Verdict::Tell { sound: false });
            assert_eq!(decide(news, &Circumstances { watched: true, ..usual() }), Verdict::Quiet);
            assert_eq!(decide(news, &Circumstances { busy: true, ..usual() }), Verdict::Quiet, "do not disturb");
            assert_eq!(decide(news, &with(|p| p.set(Flag::Notifications, false))), Verdict::Quiet);
            assert_eq!(decide(news, &with(|p| p.set(Flag::NotificationSound, true))), Verdict::Tell { sound: true });
        }
    }

    #[test]
    fn a_room_may_be_told_of_only_where_it_names_oneself() {
        let only = with(|p| p.set(Flag::RoomMentionsOnly, true));
        assert_eq!(decide(ROOM, &only), Verdict::Quiet);
        for news in [DIRECT, NAMED, News::Question] {
            assert_ne!(decide(news, &only), Verdict::Quiet);
        }
    }

    #[test]
    fn what_is_wanted_of_a_conversation_counts_there() {
        for in_room in [false, true] {
            for (level, mentioned, told) in [
                (Notify::All, false, true),
                (Notify::Mentions, false, false),
                (Notify::Mentions, true, true),
                (Notify::None, true, false),
            ] {
                let verdict = decide(News::Said { in_room, mentioned, level }, &usual());
                assert_eq!(verdict != Verdict::Quiet, told, "{level:?} {mentioned}");
            }
        }
    }

    #[test]
    fn muted_hours_go_over_midnight() {
        let hours = |from, to| {
            with(|p| {
                p.set(Flag::MutedHours, true);
                p.set_number(Number::MutedFrom, from);
                p.set_number(Number::MutedTo, to);
            })
        };
        let muted = |now: Circumstances, minute| decide(DIRECT, &Circumstances { minute, ..now }) == Verdict::Quiet;
        let night = hours(22 * 60, 7 * 60);
        for (minute, quiet) in [
            (0, true),
            (6 * 60 + 59, true),
            (7 * 60, false),
            (12 * 60, false),
            (21 * 60 + 59, false),
            (22 * 60, true),
            (23 * 60 + 59, true),
        ] {
            assert_eq!(muted(night, minute), quiet, "{minute}");
        }
        let lesson = hours(8 * 60, 9 * 60 + 30);
        for (minute, quiet) in
            [(8 * 60 - 1, false), (8 * 60, true), (9 * 60 + 29, true), (9 * 60 + 30, false), (0, false)]
        {
            assert_eq!(muted(lesson, minute), quiet, "{minute}");
        }
        assert!((0..24 * 60).all(|minute| muted(hours(600, 600), minute)), "from ten to ten is the whole day");
        let off = with(|p| p.set_number(Number::MutedFrom, 0));
        assert!((0..24 * 60).all(|minute| !muted(off, minute)), "hours that are not on mute nothing");
        assert_eq!(decide(News::Question, &Circumstances { minute: 0, ..night }), Verdict::Quiet);
    }
}
