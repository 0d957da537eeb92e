//! The log on standard error, in a form that a person likes to read: one line an event, time first, then the connection's address and what
//! happened. Nothing that others send can start a line or colour one: control characters are written as escapes.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Lines that wait to be written. Whoever reads our standard error may stop reading; the server goes on and drops lines.
const QUEUE: usize = 4_096;
/// Lines are gathered for so long.
const GATHER: Duration = Duration::from_millis(5);
/// At the end the last lines have so long.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Writes the last lines when it is dropped.
#[derive(Debug)]
pub struct Guard {
    lines: SyncSender<Vec<u8>>,
    written: Receiver<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // An empty line is the last one.
        if self.lines.try_send(Vec::new()).is_ok() {
            let _ = self.written.recv_timeout(LAST_WORDS);
        }
    }
}

/// Starts logging. `HOBNOB_LOG` sets what is logged, for example `debug` or `hobnob_server=debug`.
pub fn start() -> io::Result<Guard> {
    let filter = EnvFilter::try_from_env("HOBNOB_LOG").unwrap_or_else(|_| EnvFilter::new("warn,hobnob_server=info"));
    let (lines, queue) = sync_channel::<Vec<u8>>(QUEUE);
    let (done, written) = sync_channel(1);
    std::thread::Builder::new().name("log".into()).spawn(move || {
        write_lines(&queue);
        let _ = done.send(());
    })?;
    let queue = lines.clone();
    // Fails when a test has started one already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Line(queue.clone()))
        .event_format(Lines)
        .try_init();
    Ok(Guard { lines, written })
}

/// Writes lines as they come, those of a few milliseconds at once: a busy server does not wake this thread for each.
fn write_lines(queue: &Receiver<Vec<u8>>) {
    while let Ok(mut text) = queue.recv() {
        let mut over = text.is_empty();
        if !over {
            std::thread::sleep(GATHER);
        }
        for line in queue.try_iter().take(QUEUE) {
            over |= line.is_empty();
            text.extend(line);
        }
        // If this fails there is nobody to tell.
        let _ = io::stderr().write_all(&text);
        if over {
            return;
        }
    }
}

/// Takes one line, whole, and hands it to the thread that writes.
struct Line(SyncSender<Vec<u8>>);

impl io::Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Full means that nobody reads: see `QUEUE`.
        let _ = self.0.try_send(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `2026-01-31 12:00:00Z  192.0.2.1:50000         alice signed in, device 01ab23cd`.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR ",
            Level::WARN => "WARNING ",
            _ => "",
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        writeln!(out, "{}  {:<22} {level}{}{}", clock(since.as_secs()), parts.peer, parts.message, parts.rest)
    }
}

/// The fields of an event, escaped.
#[derive(Default)]
struct Parts {
    peer: String,
    message: String,
    rest: String,
}

impl Visit for Parts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = escaped(&format!("{value:?}"));
        match field.name() {
            "peer" => self.peer = text,
            "message" => self.message = text,
            name => {
                // Writing to a string does not fail.
                let _ = write!(self.rest, "  {name}={text}");
            }
        }
    }
}

/// Control characters, of both ranges, as `\u{..}`, and what turns the direction of text likewise.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Seconds since 1970 as date and time of day in UTC (days to dates by Howard Hinnant's civil calendar algorithm).
fn clock(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        assert_eq!(clock(0), "1970-01-01 00:00:00Z");
        assert_eq!(clock(951_827_696), "2000-02-29 12:34:56Z");
        assert_eq!(clock(1_767_225_599), "2025-12-31 23:59:59Z");
        assert_eq!(clock(4_107_542_400), "2100-03-01 00:00:00Z");
    }

    #[test]
    fn nobody_starts_a_line_or_colours_one() {
        let evil = "bob\n2026-01-01 root signed in\r\u{1b}[31m\u{9b}\u{202e}\0";
        let line = escaped(evil);
        assert!(!line.chars().any(char::is_control), "{line}");
        assert!(!line.contains('\u{202e}'));
        assert!(line.starts_with("bob\\u{a}2026"));
    }
}
