//! Every preference with its name, its default and what it may be: the one definition that the schema, the file and the window follow.

/// What is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// Tell on the desktop of what is new and not in view.
    Notifications,
    /// Say who wrote, and what.
    NotificationText,
    /// Let the desktop play a sound.
    NotificationSound,
    /// Of rooms, tell only of messages that name oneself.
    RoomMentionsOnly,
    /// Tell of nothing between [`Number::MutedFrom`] and [`Number::MutedTo`].
    MutedHours,
    /// Let others see that one writes.
    SendTyping,
    /// Enter sends a message; otherwise Ctrl+Enter does.
    EnterSends,
    /// Ask for the place of each file that is taken.
    AskWhereToSave,
    /// Go on when the window is closed.
    RunInBackground,
    /// Open the tabs of the last time at the start.
    ReopenTabs,
    /// It was said that the program goes on without its window.
    BackgroundExplained,
}

/// What is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Size of the text of conversations, in per cent.
    TextSize,
    /// When the muted hours begin, in minutes after midnight.
    MutedFrom,
    /// When they end.
    MutedTo,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// As the desktop is.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// Name and default of each flag, in the order of the enum.
pub const FLAGS: [(Flag, &str, bool); 11] = [
    (Flag::Notifications, "notifications", true),
    (Flag::NotificationText, "notification-text", true),
    (Flag::NotificationSound, "notification-sound", false),
    (Flag::RoomMentionsOnly, "room-mentions-only", false),
    (Flag::MutedHours, "muted-hours", false),
    (Flag::SendTyping, "send-typing", true),
    (Flag::EnterSends, "enter-sends", true),
    (Flag::AskWhereToSave, "ask-where-to-save", false),
    (Flag::RunInBackground, "run-in-background", false),
    (Flag::ReopenTabs, "reopen-tabs", true),
    (Flag::BackgroundExplained, "background-explained", false),
];

/// Name, default, least and most of each number, in the order of the enum.
pub const NUMBERS: [(Number, &str, i32, (i32, i32)); 3] = [
    (Number::TextSize, "text-size", 100, (80, 200)),
    (Number::MutedFrom, "muted-from", 22 * 60, (0, 24 * 60 - 1)),
    (Number::MutedTo, "muted-to", 7 * 60, (0, 24 * 60 - 1)),
];

/// Name of the style, and what it may be.
pub const STYLE: &str = "style";
/// The styles by their names.
pub const STYLES: [(Style, &str); 3] = [(Style::System, "system"), (Style::Light, "light"), (Style::Dark, "dark")];

impl Flag {
    /// Its name in the schema and in the file.
    pub fn name(self) -> &'static str {
        FLAGS[self as usize].1
    }
}

impl Number {
    /// Its name in the schema and in the file.
    pub fn name(self) -> &'static str {
        NUMBERS[self as usize].1
    }
}

impl Style {
    /// Its name in the schema and in the file.
    pub fn name(self) -> &'static str {
        STYLES[self as usize].1
    }

    /// The style of that name.
    pub fn named(name: &str) -> Option<Self> {
        STYLES.iter().find(|(_, known)| *known == name).map(|(style, _)| *style)
    }
}

/// All preferences at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    /// Light or dark.
    pub style: Style,
    flags: [bool; FLAGS.len()],
    numbers: [i32; NUMBERS.len()],
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            style: Style::default(),
            flags: FLAGS.map(|(_, _, usual)| usual),
            numbers: NUMBERS.map(|(_, _, usual, _)| usual),
        }
    }
}

impl Preferences {
    /// It is on.
    pub fn is(&self, flag: Flag) -> bool {
        self.flags[flag as usize]
    }

    /// What it is.
    pub fn number(&self, number: Number) -> i32 {
        self.numbers[number as usize]
    }

    /// Turns it on or off.
    pub fn set(&mut self, flag: Flag, on: bool) {
        self.flags[flag as usize] = on;
    }

    /// Changes it; what is out of its range changes nothing.
    pub fn set_number(&mut self, number: Number, value: i32) {
        let (_, _, _, (least, most)) = NUMBERS[number as usize];
        if (least..=most).contains(&value) {
            self.numbers[number as usize] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_follow_their_enums() {
        for (at, (flag, ..)) in FLAGS.iter().enumerate() {
            assert_eq!(*flag as usize, at, "{flag:?}");
        }
        for (at, (number, _, usual, (least, most))) in NUMBERS.iter().enumerate() {
            assert_eq!(*number as usize, at, "{number:?}");
            assert!((least..=most).contains(&usual), "{number:?}");
        }
        for (at, (style, name)) in STYLES.iter().enumerate() {
            assert_eq!((*style as usize, Style::named(name)), (at, Some(*style)));
        }
    }

    #[test]
    fn a_number_out_of_its_range_changes_nothing() {
        let mut preferences = Preferences::default();
        for wrong in [-1, 79, 201, i32::MAX, i32::MIN] {
            preferences.set_number(Number::TextSize, wrong);
            assert_eq!(preferences.number(Number::TextSize), 100);
        }
        preferences.set_number(Number::TextSize, 150);
        assert_eq!(preferences.number(Number::TextSize), 150);
    }
}
