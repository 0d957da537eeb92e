//! An export as plain lines. What others wrote is indented, so that nobody's text can pass for a line of the program's own.

use std::fmt::Write;

use super::Shape;
use super::entry::{Entry, Head, Said, Sent};
use crate::core::event::{MessageState, TransferState};
use crate::literal::{literal, literal_line};

/// Characters of a quoted line.
const QUOTED: usize = 80;

/// See the module.
#[derive(Default)]
pub(super) struct Text {
    day: Option<String>,
}

impl Shape for Text {
    fn begin(&mut self, head: &Head, out: &mut String) {
        let title = head.title();
        line(out, format_args!("{title}"));
        line(out, format_args!("{}", "=".repeat(title.chars().count())));
        line(out, format_args!("{}", head.origin()));
    }

    fn entry(&mut self, _: &Head, entry: &Entry, out: &mut String) {
        let when = entry.when();
        if self.day.as_ref() != Some(&when.day) {
            self.day = Some(when.day.clone());
            line(out, format_args!("\n--- {} ---\n", when.day));
        }
        match entry {
            Entry::Said(said) => message(said, out),
            Entry::File(sent) => {
                line(out, format_args!("[{}] {} sent a file: {}", when.time, sent.info.from, file(sent)));
            }
        }
    }

    fn end(&mut self, _: &Head, out: &mut String) {
        line(out, format_args!("\n(end)"));
    }
}

fn message(said: &Said, out: &mut String) {
    let info = &said.info;
    let fate = if info.edited { " (edited)" } else { "" };
    let waits = if info.state == MessageState::Queued { " (not sent yet)" } else { "" };
    line(out, format_args!("[{}] {}{fate}{waits}:", said.when.time, info.from));
    if info.reply_to.is_some() {
        line(out, format_args!("    > {}", quote(said)));
    }
    if info.deleted {
        return line(out, format_args!("    (message deleted)"));
    }
    for text in literal(&info.text).lines() {
        line(out, format_args!("    {text}"));
    }
    for reaction in &info.reactions {
        let by: Vec<&str> = reaction.by.iter().map(hobnob_shared::id::Handle::as_str).collect();
        line(out, format_args!("    + {} by {}", literal_line(&reaction.emoji), by.join(", ")));
    }
}

/// What a message answers, in one line.
pub(super) fn quote(said: &Said) -> String {
    match &said.quoted {
        Some(quoted) => format!("{}: {}", quoted.from, beginning(quoted.text.as_deref())),
        None => "An earlier message".to_owned(),
    }
}

/// The beginning of a quoted text.
pub(super) fn beginning(text: Option<&str>) -> String {
    let Some(text) = text else { return "Message deleted".to_owned() };
    let line = literal_line(text.trim_start().lines().next().unwrap_or_default());
    if line.chars().count() > QUOTED { line.chars().take(QUOTED).chain(['…']).collect() } else { line }
}

/// What is known of a file, in one line.
pub(super) fn file(sent: &Sent) -> String {
    let info = &sent.info;
    let size = match info.files {
        Some(files) => format!("folder, {files} files, {} bytes", info.size),
        None => format!("{} bytes", info.size),
    };
    let state = match info.state {
        TransferState::Finished => "",
        TransferState::Declined => ", declined",
        TransferState::Cancelled => ", cancelled",
        TransferState::Failed => ", failed",
        TransferState::Offered
        | TransferState::Accepted
        | TransferState::Queued
        | TransferState::Running
        | TransferState::Paused => ", not finished",
    };
    format!("{} ({size}{state})", literal_line(&info.name))
}

fn line(out: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing into a text does not fail.
    let _ = writeln!(out, "{words}");
}
