//! Text of others, made harmless to look at: never markup, no control characters, no direction marks that turn names and extensions
//! around, and no more of it than a screen can take. The one place for it; everything that shows a peer's or the server's words goes through
//! here.

/// Characters shown of one message before `Show More`.
pub const SHOWN_CHARS: usize = 4_000;
/// Lines shown of one message before `Show More`.
pub const SHOWN_LINES: usize = 25;
/// Marks that may sit on one letter: more only paint over the neighbours.
const MARKS_MAX: usize = 4;

/// What a tab is shown as.
const TAB: &str = "    ";

/// Characters that change the direction of their surroundings, or that look like nothing.
fn is_deceptive(c: char) -> bool {
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
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
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
            _ if marks > MARKS_MAX => {}
            c => out.push(c),
        }
    }
    out
}

/// The beginning of a text that a bubble shows; none when the whole fits.
pub fn beginning(text: &str) -> Option<&str> {
    let mut lines = 0;
    for (count, (at, c)) in text.char_indices().enumerate() {
        lines += usize::from(c == '\n');
        if count == SHOWN_CHARS || lines == SHOWN_LINES {
            return text.get(..at);
        }
    }
    None
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
    fn long_texts_have_a_beginning() {
        assert_eq!(beginning("short"), None);
        assert_eq!(beginning(&"é".repeat(SHOWN_CHARS)), None);
        assert_eq!(beginning(&"é".repeat(SHOWN_CHARS + 1)).map(|text| text.chars().count()), Some(SHOWN_CHARS));
        assert_eq!(beginning(&"\n".repeat(1_000)).map(str::len), Some(SHOWN_LINES - 1));
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
