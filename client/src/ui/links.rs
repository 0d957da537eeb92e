//! Addresses in texts of others: which parts of a text are links, and where a link really goes. Only `http` and `https` are links; all else
//! stays a text. Nothing is opened here, and what is opened later is exactly the address that was shown.

use std::fmt::Write;
use std::ops::Range;

use relm4::gtk::glib;
use url::{Position, Url};

use crate::ui::text;

/// Links in one message; more make no sense to anybody.
const LINKS_MAX: usize = 80;
/// Bytes of one link. Browsers take about as much.
const LENGTH_MAX: usize = 2_000;

/// Where a link goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The whole address, in characters that cannot be mistaken: what is shown and what is opened.
    pub address: String,
    /// Where in it the host stands.
    pub host: Range<usize>,
    /// The host as it was written, where it was in other letters.
    pub written: Option<String>,
    /// A name stands before the host, which people may take for it.
    pub named: bool,
    /// Everybody on the way can read and change what it shows.
    pub plain: bool,
}

impl Target {
    /// Where this goes; none if it is no link.
    pub fn of(link: &str) -> Option<Self> {
        let url = Url::parse(link).ok()?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return None;
        }
        let host = url[..Position::BeforeHost].len()..url[..Position::AfterHost].len();
        let written = written_host(link).filter(|host| !host.is_ascii()).map(text::literal_line);
        let named = !url.username().is_empty() || url.password().is_some();
        Some(Self { host, written, named, plain: url.scheme() == "http", address: url.into() })
    }
}

/// The host between the slashes and what follows it.
fn written_host(link: &str) -> Option<&str> {
    let (_, rest) = link.split_once("//")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host.rsplit_once(':').map_or(host, |(host, _)| host))
}

/// The links of a text, which is literal already.
pub fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")).map(|at| from + at) {
        from = at + 3;
        let Some(start) = scheme(text, at) else { continue };
        let end = start + length(text.get(start..).unwrap_or_default());
        let is_link = end - start <= LENGTH_MAX && text.get(start..end).and_then(Target::of).is_some();
        if is_link {
            found.push(start..end);
            from = end;
        }
        if found.len() == LINKS_MAX {
            break;
        }
    }
    found
}

/// Where the scheme begins that ends at `end`, if it is one of ours and no end of another word.
fn scheme(text: &str, end: usize) -> Option<usize> {
    let before = text.get(..end)?;
    let start = ["https", "http"].iter().find_map(|name| {
        let start = end.checked_sub(name.len())?;
        before.get(start..)?.eq_ignore_ascii_case(name).then_some(start)
    })?;
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
    before.get(..start)?.chars().next_back().is_none_or(|c| !is_word(c)).then_some(start)
}

/// Bytes of the link that the text begins with: up to what can be in none, without what ends the sentence around it.
fn length(text: &str) -> usize {
    let is_end = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '"' | '`' | '\\' | '{' | '}' | '|' | '^' | '\u{FFFD}' | '\u{2400}'..='\u{2426}')
            || matches!(c, '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{2018}'..='\u{201F}' | '«' | '»')
    };
    let mut link = text.get(..text.find(is_end).unwrap_or(text.len())).unwrap_or_default();
    loop {
        let Some(last) = link.chars().next_back() else { return 0 };
        let opening = match last {
            ')' => '(',
            ']' => '[',
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' => '\0',
            _ => return link.len(),
        };
        let count = |wanted| link.chars().filter(|c| *c == wanted).count();
        if opening != '\0' && count(opening) >= count(last) {
            return link.len();
        }
        link = link.get(..link.len() - last.len_utf8()).unwrap_or_default();
    }
}

/// The text for a label, with its links and `mentions` marked; none where it has none of them. `cut` says that the text goes on: a link at its
/// end is not whole.
pub fn markup(text: &str, mentions: &[Range<usize>], cut: bool) -> Option<String> {
    let links = find(text).into_iter().filter(|link| !cut || link.end < text.len());
    let mut marks: Vec<(Range<usize>, bool)> = links.map(|link| (link, true)).collect();
    marks.extend(mentions.iter().map(|mention| (mention.clone(), false)));
    if marks.is_empty() {
        return None;
    }
    marks.sort_by_key(|(range, _)| range.start);
    let (mut out, mut done) = (String::with_capacity(text.len() * 2), 0);
    let part = |range: Range<usize>| glib::markup_escape_text(text.get(range).unwrap_or_default());
    for (range, is_link) in marks {
        // A name within a link is part of it.
        if range.start < done {
            continue;
        }
        let words = part(range.clone());
        out.push_str(&part(done..range.start));
        // Writing into a string does not fail.
        let _ = if is_link { write!(out, "<a href=\"{words}\">{words}</a>") } else { write!(out, "<b>{words}</b>") };
        done = range.end;
    }
    out.push_str(&part(done..text.len()));
    Some(out)
}

#[cfg(test)]
#[path = "links_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
