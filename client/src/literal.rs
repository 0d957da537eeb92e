//! Text of others, made harmless to look at: never markup, no control characters, no direction marks that turn names and extensions
//! around. The one place for it: everything that the window shows, and what is exported for people to read, goes through here.

use unicode_normalization::char::is_combining_mark;

/// Marks that may sit on one letter: more only paint over the neighbours.
const MARKS_MAX: usize = 4;

/// Characters that may grow together to one, which no line can be broken in. No word of any language has so many.
const GROWN_MAX: usize = 32;
/// Nothing to see; a line may be broken there.
const BREAK: char = '\u{200B}';

/// How a character grows together with those around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grows {
    /// With neither.
    Not,
    /// With both: marks, joiners, and what stands before a number.
    On,
    /// As the first, second and third part of a Korean syllable, each of which may be repeated.
    Jamo(u8),
}

impl Grows {
    fn of(c: char) -> Self {
        match c {
            '\u{1100}'..='\u{115F}' | '\u{A960}'..='\u{A97C}' => Self::Jamo(1),
            '\u{1160}'..='\u{11A7}' | '\u{D7B0}'..='\u{D7C6}' => Self::Jamo(2),
            '\u{11A8}'..='\u{11FF}' | '\u{D7CB}'..='\u{D7FB}' => Self::Jamo(3),
            '\u{200D}' | '\u{1F3FB}'..='\u{1F3FF}' => Self::On,
            '\u{0600}'..='\u{0605}' | '\u{06DD}' | '\u{070F}' | '\u{0890}' | '\u{0891}' | '\u{08E2}' | '\u{0D4E}' => {
                Self::On
            }
            c if is_combining_mark(c) => Self::On,
            _ => Self::Not,
        }
    }

    /// Whether what follows this may be one with it.
    fn takes(self, next: Self) -> bool {
        match (self, next) {
            (Self::Jamo(one), Self::Jamo(other)) => one == other || one + 1 == other,
            (_, Self::On) | (Self::On, _) => true,
            _ => false,
        }
    }
}

/// What a tab is shown as.
const TAB: &str = "    ";

/// Characters that change the direction of their surroundings, or that look like nothing.
pub fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' // direction
        | '\u{FEFF}' | '\u{2060}'..='\u{2064}' | '\u{180E}' | '\u{00AD}' // invisible
        | '\u{2028}' | '\u{2029}' // line breaks in disguise
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// A mark that sits on the letter before it. Those of emoji (variation selectors, skin tones) are none.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Text of several lines, as it may be shown: each control character becomes a visible sign, each direction mark too.
pub fn literal(text: &str) -> String {
    clean(text, true)
}

/// Text of one line, such as a name: line breaks become visible signs as well.
pub fn literal_line(text: &str) -> String {
    clean(text, false)
}

fn clean(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut marks, mut grown, mut before) = (0, 0, Grows::Not);
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            continue;
        }
        let now = Grows::of(c);
        grown = if before.takes(now) { grown + 1 } else { 0 };
        before = now;
        if grown > GROWN_MAX {
            // Thousands of them would push everything else out of view.
            out.push(BREAK);
            grown = 0;
        }
        match c {
            '\r' if lines => {}
            '\n' if lines => out.push(c),
            // Tabs in a row are never broken into lines: enough of them would make the window wider than a screen can be.
            '\t' if lines => out.push_str(TAB),
            '\u{7F}' => out.push('\u{2421}'),
            // The pictures of control characters stand in the same order as the characters.
            '\0'..='\u{1F}' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{FFFD}')),
            '\u{80}'..='\u{9F}' => out.push('\u{FFFD}'),
            c if is_deceptive(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_stays_what_it_is() {
        for text in ["<b>bold</b> & <a href=\"file:///etc\">x</a>", "&amp;", "<span size='9999999'>"] {
            assert_eq!(literal(text), text);
        }
    }

    #[test]
    fn other_scripts_and_emoji_stay_whole() {
        for text in ["chào Dương Nguyễn", "مرحبا", "שלום", "日本語", "👩‍👩‍👧 👍🏽 ❤️", "e\u{301}"]
        {
            assert_eq!(literal(text), text);
        }
    }

    #[test]
    fn direction_marks_become_visible() {
        assert_eq!(literal_line("photo\u{202E}gpj.exe"), "photo\u{FFFD}gpj.exe");
        assert_eq!(literal("\u{2066}a\u{2069}\u{200F}"), "\u{FFFD}a\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn control_characters_become_pictures_and_line_breaks_stay_in_messages_only() {
        assert_eq!(literal("a\0b\u{1b}[31m\nc\r\n\td"), "a\u{2400}b\u{241B}[31m\nc\n    d");
        assert_eq!(literal_line("a\nb\tc"), "a\u{240A}b\u{2409}c");
        assert_eq!(literal("\u{85}\u{2028}\u{7f}"), "\u{FFFD}\u{FFFD}\u{2421}");
    }

    #[test]
    fn towers_of_marks_are_cut() {
        let tower = format!("Z{}algo", "\u{0335}".repeat(10_000));
        assert_eq!(literal(&tower).chars().count(), "Zalgo".len() + MARKS_MAX);
    }

    #[test]
    fn what_grows_together_without_end_can_be_broken() {
        for endless in ["👩\u{200D}", "\u{1100}", "क\u{94D}", "ः", "\u{600}"] {
            let shown = literal(&endless.repeat(1_000));
            let longest = shown.split(BREAK).map(|part| part.chars().count()).max();
            assert!(longest.is_some_and(|longest| longest <= GROWN_MAX + 2), "{endless:?}: {longest:?}");
            assert_eq!(shown.replace(BREAK, ""), endless.repeat(1_000), "{endless:?}");
        }
        // Decomposed Korean, Thai, Arabic with all its vowels, and a family.
        let words = "\u{1112}\u{1161}\u{11AB}".repeat(100) + "การทดสอบภาษาไทยที่ยาวมาก بِسْمِ اللَّهِ الرَّحْمَنِ الرَّحِيمِ 👩‍👩‍👧‍👦";
        assert_eq!(literal(&words), words);
    }

    proptest! {
        #[test]
        fn nothing_deceptive_is_left(text in any::<String>()) {
            let shown = literal_line(&text);
            prop_assert!(shown.chars().all(|c| !c.is_control() && !is_deceptive(c)));
            prop_assert_eq!(literal_line(&shown), shown.clone());
        }
    }
}
