//! Texts as a search sees them: without case and accents, in words.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Term;

/// Without case and accents.
pub fn fold(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// A word of a text, and where it stands.
struct Token {
    at: Range<usize>,
    folded: String,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = None;
    let ends = text.char_indices().map(|(at, c)| (at, c.is_alphanumeric() || is_combining_mark(c)));
    for (at, inside) in ends.chain([(text.len(), false)]) {
        match (start, inside) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                if let Some(word) = text.get(from..at) {
                    tokens.push(Token { at: from..at, folded: fold(word) });
                }
                start = None;
            }
            _ => {}
        }
    }
    tokens
}

/// Where the terms stand in a text.
pub(super) fn found_in(text: &str, terms: &[Term]) -> Vec<Range<usize>> {
    let words = tokens(text);
    let mut found: Vec<Range<usize>> = Vec::new();
    for term in terms {
        let sought: Vec<String> = tokens(term.text()).into_iter().map(|token| token.folded).collect();
        let Some(last) = sought.len().checked_sub(1) else { continue };
        let open = matches!(term, Term::Beginning(_));
        for window in words.windows(sought.len()) {
            let fits = window.iter().zip(&sought).enumerate().all(|(n, (word, sought))| {
                if open && n == last { word.folded.starts_with(sought.as_str()) } else { word.folded == *sought }
            });
            if let (true, [first, ..], [.., end]) = (fits, window, window) {
                found.push(first.at.start..end.at.end);
            }
        }
    }
    found.sort_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match apart.last_mut() {
            Some(before) if range.start <= before.end => before.end = before.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}
