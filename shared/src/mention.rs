//! Mentions: `@` and a handle in the text of a message calls that person. Nothing of it is on the wire but the text, so whoever writes another
//! client counts the same words as mentions.

use std::ops::Range;

use crate::id::Handle;

/// Mentions looked for in one text; more make no sense to anybody.
const MENTIONS_MAX: usize = 200;
/// The longest handle, in characters.
const LONGEST: usize = 32;

/// May stand in a handle, in small letters or not.
pub fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// An `@` behind this begins no mention: it is in the middle of an address or of another name.
pub fn is_glued(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '/' | '+' | '=' | '&')
}

/// Who is mentioned in a text, and where: bytes of the text, the `@` included. `is_known` says of a handle in small letters whether there is
/// such a person. A handle goes as far as it can; what ends the sentence around it is not part of it.
pub fn find(text: &str, is_known: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        if before.chars().next_back().is_some_and(is_glued) {
            continue;
        }
        let end = behind.find(|c| !is_part(c)).unwrap_or(behind.len());
        let mut name = behind.get(..end).unwrap_or_default();
        loop {
            if name.len() <= LONGEST && !name.is_empty() && is_known(&name.to_ascii_lowercase()) {
                found.push(at..at + 1 + name.len());
                break;
            }
            match name.strip_suffix(['.', '_', '-']) {
                Some(shorter) => name = shorter,
                None => break,
            }
        }
        if found.len() == MENTIONS_MAX {
            break;
        }
    }
    found
}

/// The text mentions this one.
pub fn names(text: &str, user: &Handle) -> bool {
    !find(text, |name| name == user.as_str()).is_empty()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_handle_behind_an_at_is_a_mention_and_parts_of_other_words_are_not() {
        let bob: Handle = "bob".parse().unwrap();
        let calls = [
            "@bob",
            "hi @bob!",
            "@Bob, @alice",
            "(@bob)",
            "ask @bob.",
            "x\n@BOB\n",
            "„@bob“",
            "@bob...",
            "@bob's",
            "日本@bob",
        ];
        for text in calls {
            assert!(names(text, &bob), "{text:?}");
        }
        for text in
            ["bob", "@bobby", "a@bob", "x.@bob", "https://h/@bob", "@@bob", "@ bob", "@bo", "@bob.smith", "@-bob", ""]
        {
            assert!(!names(text, &bob), "{text:?}");
        }
    }

    #[test]
    fn it_says_where_and_takes_the_longest_name() {
        let known = |name: &str| matches!(name, "bob" | "bob.smith" | "bob.");
        let text = "é @bob.smith. and @bob. @eve";
        let found: Vec<&str> = find(text, known).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["@bob.smith", "@bob."]);
        assert_eq!(find(&"@bob ".repeat(10_000), known).len(), MENTIONS_MAX);
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_through(text in "[@a-c.é\\-_ \u{202e}\n]{0,60}") {
            for range in find(&text, |name| name.len() > 1) {
                prop_assert!(text[range].starts_with('@'));
            }
        }
    }
}
