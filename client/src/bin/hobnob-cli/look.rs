//! `hobnob-cli search`: what a search finds, once. For a person at a terminal with who, where and when, and what was found in bold; for
//! scripts one JSON object a line.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use hobnob_client::core::command::Wanted;
use hobnob_client::core::event::{Answer, Direction};
use hobnob_client::core::look_up;
use serde::Serialize;

/// Characters of a message that are shown around what was found.
const CONTEXT: usize = 160;

/// Searches, prints, and tells how it went: 1 where nothing was found, as `grep` does.
pub fn search(profile: &Path, text: &str) -> ExitCode {
    let (wanted, answer) = match look_up::search(profile, text) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("hobnob-cli: {error}");
            return ExitCode::from(2);
        }
    };
    let lines = if std::io::stdout().is_terminal() { for_people(&wanted, &answer) } else { for_scripts(&answer) };
    match std::io::stdout().lock().write_all(lines.as_bytes()) {
        // Who listens no more has what they wanted.
        _ if lines.is_empty() => ExitCode::FAILURE,
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

/// A line for a script: what it is, and its fields.
#[derive(Serialize)]
struct Line<'a, T> {
    found: &'a str,
    #[serde(flatten)]
    fields: &'a T,
}

fn for_scripts(answer: &Answer) -> String {
    let Answer::Found { messages, people, rooms, files, .. } = answer else { return String::new() };
    let people = people.iter().map(|person| line("person", person));
    let rooms = rooms.iter().map(|room| line("room", room));
    let files = files.iter().map(|file| line("file", file));
    people.chain(rooms).chain(files).chain(messages.iter().map(|message| line("message", message))).collect()
}

fn line<T: Serialize>(found: &str, fields: &T) -> String {
    serde_json::to_string(&Line { found, fields }).map(|line| line + "\n").unwrap_or_default()
}

fn for_people(wanted: &Wanted, answer: &Answer) -> String {
    let Answer::Found { messages, people, rooms, files, more } = answer else { return String::new() };
    let mut out = String::new();
    let mut line = |words: String| {
        out.push_str(&words);
        out.push('\n');
    };
    for person in people {
        line(format!("Friend   {}", bold(wanted, person.user.as_str())));
    }
    for room in rooms {
        line(format!("Room     {}  {} members", bold(wanted, &room.room.to_string()), room.members));
    }
    for file in files {
        let way = if file.direction == Direction::Outgoing { "sent to" } else { "received in" };
        let when = look_up::wall_clock(file.sent_at);
        line(format!("File     {when}  {way} {}: {}", file.conversation, bold(wanted, &file.name)));
        if let Some(path) = &file.path {
            line(format!("         {}", plain(&path.to_string_lossy())));
        }
    }
    // Of the newest first a person at a terminal sees the oldest: so the other way round.
    for message in messages.iter().rev() {
        let (when, text) = (look_up::wall_clock(message.sent_at), around(wanted, &message.text));
        line(format!("Message  {when}  {} {}: {}", message.conversation, message.from, bold(wanted, &text)));
    }
    if *more {
        line("There are older messages too: say more, or before:YYYY-MM-DD.".to_owned());
    }
    out
}

/// The part of a text with what was found.
fn around(wanted: &Wanted, text: &str) -> String {
    let first = wanted.found_in(text).first().map_or(0, |range| range.start);
    let before = text.get(..first).unwrap_or_default().chars().count();
    let skipped = before.saturating_sub(CONTEXT / 3);
    let shown: String = text.chars().skip(skipped).take(CONTEXT).collect();
    let (start, end) =
        (if skipped > 0 { "…" } else { "" }, if text.chars().nth(skipped + CONTEXT).is_some() { "…" } else { "" });
    format!("{start}{shown}{end}")
}

/// Other people's text does nothing to a terminal: no control characters, and no marks that turn the direction around.
fn plain(text: &str) -> String {
    let harmless = |c: char| match c {
        c if c.is_whitespace() => ' ',
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    };
    text.chars().map(harmless).collect()
}

fn bold(wanted: &Wanted, text: &str) -> String {
    let text = plain(text);
    let (mut out, mut end) = (String::new(), 0);
    for range in wanted.found_in(&text) {
        out.push_str(text.get(end..range.start).unwrap_or_default());
        out.push_str("\u{1b}[1m");
        out.push_str(text.get(range.clone()).unwrap_or_default());
        out.push_str("\u{1b}[0m");
        end = range.end;
    }
    out + text.get(end..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_peoples_text_does_nothing_to_a_terminal() {
        let wanted = Wanted::parse("tea", None);
        assert_eq!(bold(&wanted, "green \u{1b}[31mTEA\u{202e}\n"), "green \u{FFFD}[31mTEA\u{FFFD} ");
        assert_eq!(bold(&wanted, "green tea!"), "green \u{1b}[1mtea\u{1b}[0m!");
    }

    #[test]
    fn a_long_text_is_shown_around_what_was_found() {
        let wanted = Wanted::parse("tea", None);
        let long = format!("{} tea {}", "word ".repeat(100), "more ".repeat(100));
        let shown = around(&wanted, &long);
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.contains(" tea "));
        assert_eq!(around(&wanted, "short tea"), "short tea");
    }
}
