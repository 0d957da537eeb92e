//! An export as a page to read: whole in itself, without scripts and without anything from elsewhere, in light and dark.

use std::fmt::Write;

use super::Shape;
use super::entry::{Entry, Head, Said, Sent};
use super::text;
use crate::core::event::MessageState;
use crate::literal::{literal, literal_line};

/// See the module.
#[derive(Default)]
pub(super) struct Html {
    day: Option<String>,
    /// Who spoke last: their name is not repeated.
    last: Option<String>,
}

/// Besides what is in it a page may load nothing: a browser that finds something to load in it all the same refuses.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE: &str = "
:root { color-scheme: light dark; --back: #fafafa; --text: #1e1e1e; --dim: #5e5c64; --other: #e8e8e8; --own: #cfe3fb; --line: #d5d5d5 }
@media (prefers-color-scheme: dark) {
  :root { --back: #1e1e1e; --text: #f6f5f4; --dim: #b0adab; --other: #36363a; --own: #1d4370; --line: #454545 }
}
body { background: var(--back); color: var(--text); font: 15px/1.45 Cantarell, system-ui, sans-serif; margin: 0 auto; max-width: 44rem; padding: 1.5rem 1rem 3rem }
h1 { font-size: 1.5rem; margin: 0 }
h2 { border-top: 1px solid var(--line); color: var(--dim); font-size: .85rem; font-weight: 600; margin: 2rem 0 .75rem; padding-top: .75rem; text-align: center }
p { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap }
header p, footer { color: var(--dim); font-size: .85rem }
footer { margin-top: 2rem; text-align: center }
article { align-items: flex-start; display: flex; flex-direction: column; margin: .3rem 0 }
article.own { align-items: flex-end }
article > b { font-size: .85rem; margin: .6rem .8rem .1rem }
.bubble { background: var(--other); border-radius: 1rem; max-width: 85%; padding: .45rem .85rem }
.own .bubble { background: var(--own) }
article:target .bubble { outline: 2px solid #3584e4 }
.gone { color: var(--dim); font-style: italic }
.quote { border-left: 3px solid var(--dim); color: var(--dim); display: block; font-size: .85rem; margin-bottom: .3rem; overflow-wrap: anywhere; padding-left: .5rem; text-decoration: none }
small { color: var(--dim); font-size: .75rem; margin: .1rem .8rem 0 }
";

impl Shape for Html {
    fn begin(&mut self, head: &Head, out: &mut String) {
        let (title, origin) = (escaped(&head.title()), escaped(&head.origin()));
        put(
            out,
            format_args!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <header><h1>{title}</h1><p>{origin}</p></header>\n<main>\n"
            ),
        );
    }

    fn entry(&mut self, head: &Head, entry: &Entry, out: &mut String) {
        let when = entry.when();
        if self.day.as_ref() != Some(&when.day) {
            self.day = Some(when.day.clone());
            self.last = None;
            put(out, format_args!("<h2>{}</h2>\n", escaped(&when.day)));
        }
        let from = match entry {
            Entry::Said(said) => &said.info.from,
            Entry::File(sent) => &sent.info.from,
        };
        let own = if head.is_own(from) { " class=\"own\"" } else { "" };
        let name = if self.last.as_deref() == Some(from.as_str()) {
            String::new()
        } else {
            format!("<b>{}</b>", escaped(from.as_str()))
        };
        self.last = Some(from.to_string());
        match entry {
            Entry::Said(said) => {
                put(out, format_args!("<article id=\"m-{}\"{own}>{name}", said.info.message));
                message(said, out);
            }
            Entry::File(sent) => {
                put(out, format_args!("<article{own}>{name}"));
                file(sent, out);
            }
        }
        out.push_str("</article>\n");
    }

    fn end(&mut self, _: &Head, out: &mut String) {
        out.push_str("</main>\n<footer>The end of what is kept.</footer>\n</body>\n</html>\n");
    }
}

fn message(said: &Said, out: &mut String) {
    let info = &said.info;
    out.push_str("<div class=\"bubble\">");
    if let Some(original) = info.reply_to {
        put(
            out,
            format_args!("<a class=\"quote\" dir=\"auto\" href=\"#m-{original}\">{}</a>", escaped(&text::quote(said))),
        );
    }
    if info.deleted {
        out.push_str("<p class=\"gone\">Message deleted</p></div>");
    } else {
        put(out, format_args!("<p dir=\"auto\">{}</p></div>", escaped(&literal(&info.text))));
    }
    let mut notes = String::new();
    if info.edited {
        notes.push_str(" · edited");
    }
    if info.state == MessageState::Queued {
        notes.push_str(" · not sent yet");
    }
    for reaction in &info.reactions {
        let by: Vec<&str> = reaction.by.iter().map(hobnob_shared::id::Handle::as_str).collect();
        put(&mut notes, format_args!(" · {} {}", escaped(&literal_line(&reaction.emoji)), escaped(&by.join(", "))));
    }
    put(out, format_args!("<small><time datetime=\"{}\">{}</time>{notes}</small>", said.when.stamp, said.when.time));
}

fn file(sent: &Sent, out: &mut String) {
    let (what, when) = (escaped(&text::file(sent)), &sent.when);
    put(
        out,
        format_args!(
            "<div class=\"bubble\"><p dir=\"auto\">📄 {what}</p></div><small><time datetime=\"{}\">{}</time></small>",
            when.stamp, when.time
        ),
    );
}

/// Text as a page shows it, never as part of the page.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn put(out: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing into a text does not fail.
    let _ = write!(out, "{words}");
}
