//! What somebody searches for: the text of a search in its parts. Pure; the history looks it up, the window and `hobnob-cli` show with it
//! why something was found.
//!
//! - [`parse`](Wanted::parse): words, phrases and filters. - `fold.rs`: what is equal to what, and where it stands in a text.

mod fold;
#[cfg(test)]
mod tests;

use hobnob_shared::id::{ConversationId, Handle};

pub use fold::fold;

/// Longest search text, in bytes: more is no search.
pub const SEARCH_MAX: usize = 1024;
/// Most words and phrases of a search: more of them only cost time.
const TERMS: usize = 32;
/// Most filters of one kind.
const FILTERS: usize = 32;

/// Something that has to be in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// This word.
    Word(String),
    /// A word that begins so: the last one, which may be unfinished.
    Beginning(String),
    /// These words, one behind the other.
    Phrase(String),
}

impl Term {
    /// As it was typed.
    pub fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Beginning(text) | Self::Phrase(text) => text,
        }
    }
}

/// A day of the reader's calendar that exists: year, month, day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u16, u8, u8);

impl Day {
    /// From `YYYY-MM-DD`, exactly so.
    fn parse(text: &str) -> Option<Self> {
        let digits = |from: usize, to: usize| {
            let part = text.get(from..to)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u16>().ok())?
        };
        let dashes = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        };
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        (dashes && (1..=days).contains(&day)).then_some(Self(year, month, day))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0, self.1, self.2)
    }
}

/// A search. Of filters of one kind any one has to fit, all kinds and all terms at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// All of these, in the text or the name.
    pub terms: Vec<Term>,
    /// Written by one of these.
    pub from: Vec<Handle>,
    /// In one of these.
    pub within: Vec<ConversationId>,
    /// Before this day began.
    pub before: Option<Day>,
    /// Not before this day began.
    pub after: Option<Day>,
    /// Only files.
    pub has_file: bool,
}

impl Wanted {
    /// Takes a search apart: `from:bob`, `from:me`, `in:@bob`, `in:#tea`, `before:2026-11-26`, `after:2026-11-26`, `has:file`, and otherwise
    /// words and "phrases". What looks like a filter and is none, such as `before:lunch`, is a word like any other. `me` is oneself.
    pub fn parse(text: &str, me: Option<&Handle>) -> Self {
        let mut wanted = Self::default();
        let mut rest = text.trim_matches(is_space);
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix('"') {
                // A phrase that is not closed yet goes to the end.
                let (phrase, behind) = quoted.split_once('"').unwrap_or((quoted, ""));
                wanted.add(Term::Phrase(phrase.to_owned()));
                rest = behind.trim_start_matches(is_space);
            } else {
                let (word, behind) = rest.split_at(rest.find(is_space).unwrap_or(rest.len()));
                rest = behind.trim_start_matches(is_space);
                if !wanted.filter(word, me) {
                    wanted.add(Term::Word(word.to_owned()));
                }
            }
        }
        if let Some(last) = wanted.terms.last_mut()
            && let Term::Word(word) = last
        {
            *last = Term::Beginning(std::mem::take(word));
        }
        wanted
    }

    fn add(&mut self, term: Term) {
        if self.terms.len() < TERMS && term.text().chars().any(char::is_alphanumeric) {
            self.terms.push(term);
        }
    }

    /// Takes a word as a filter, if it is one.
    fn filter(&mut self, word: &str, me: Option<&Handle>) -> bool {
        let Some((name, value)) = word.split_once(':') else { return false };
        match name.to_ascii_lowercase().as_str() {
            "from" => {
                let value = value.strip_prefix('@').unwrap_or(value).to_ascii_lowercase();
                let who = if value == "me" { me.cloned() } else { value.parse().ok() };
                push(&mut self.from, who)
            }
            "in" => push(&mut self.within, value.to_ascii_lowercase().parse().ok()),
            "before" => Day::parse(value).is_some_and(|day| {
                self.before = Some(self.before.map_or(day, |known| known.min(day)));
                true
            }),
            "after" => Day::parse(value).is_some_and(|day| {
                self.after = Some(self.after.map_or(day, |known| known.max(day)));
                true
            }),
            "has" if value.eq_ignore_ascii_case("file") => {
                self.has_file = true;
                true
            }
            _ => false,
        }
    }

    /// Nothing is searched for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && !self.is_filtered()
    }

    /// There is any filter: then it is about what was said or sent, not about people and rooms.
    pub fn is_filtered(&self) -> bool {
        let days = self.before.is_some() || self.after.is_some();
        self.has_file || days || !self.from.is_empty() || !self.within.is_empty()
    }

    /// All terms are somewhere in a name; case and accents do not matter.
    pub fn is_in_name(&self, name: &str) -> bool {
        let name = fold(name);
        self.terms.iter().all(|term| name.contains(&fold(term.text())))
    }

    /// Where the terms stand in a text, as ranges of bytes in order, none touching the next.
    pub fn found_in(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        fold::found_in(text, &self.terms)
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\0'
}

/// Keeps a value of a filter, where there is one.
fn push<T: PartialEq>(values: &mut Vec<T>, value: Option<T>) -> bool {
    value.is_some_and(|value| {
        if values.len() < FILTERS && !values.contains(&value) {
            values.push(value);
        }
        true
    })
}
