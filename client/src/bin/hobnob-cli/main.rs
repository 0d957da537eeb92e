//! `hobnob-cli`: the client's core on JSON Lines, for scripts, bots and tests. One object a line on standard input is a command, one a line
//! on standard output is an event; nothing else is printed there. `progress.rs` draws bars for a person who asks for them,
//! `look.rs` is the one-shot search.

mod look;
mod progress;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::Parser;
use hobnob_client::core::command::Request;
use hobnob_client::core::error::Problem;
use hobnob_client::core::event::Event;
use hobnob_client::core::{Commands, Core, Options};
use hobnob_client::pictures::child;
use hobnob_shared::descriptors;

use crate::progress::Progress;

/// Longest line that is read as a command, in bytes: the longest message, escaped, and much room.
const LINE: usize = 1024 * 1024;
/// Events that wait for standard output. Beyond it the program waits for whoever reads, as any program in a pipe does.
const EVENTS: usize = 64 * 1024;
/// At the end of input, commands still in work get so long for their answers.
const LAST_ANSWERS: Duration = Duration::from_secs(20);

#[derive(Parser)]
#[command(version, about = "Hobnob without a window: commands in, events out, as JSON Lines.", after_long_help = HELP)]
struct Arguments {
    /// Folder with keys, history and settings; made where there is none.
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// The server, as printed behind READY; kept for the next time.
    #[arg(long, value_name = "ADDR:PORT[#FINGERPRINT]")]
    server: Option<String>,
    /// Where received files go; kept for the next time.
    #[arg(long, value_name = "DIR")]
    downloads: Option<PathBuf>,
    /// Where friends' programs connect; by default a port that is chosen once and kept, on all addresses.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Shows transfers as bars on standard error, where that is a terminal, instead of as `file_progress` events.
    #[arg(long)]
    progress: bool,
    #[command(subcommand)]
    once: Option<Once>,
}

/// What is done once, without commands.
#[derive(clap::Subcommand)]
enum Once {
    /// Searches the profile, offline, and ends: for people on a terminal, otherwise one JSON object a line. The filters are those of the
    /// command of that name.
    Search {
        /// Words, "phrases" and filters.
        #[arg(required = true, value_name = "TEXT")]
        text: Vec<String>,
    },
}

const HELP: &str = r##"COMMANDS, one JSON object a line on standard input:
  {"command":"sign_up","id":"1","user":"alice","password":"correct horse"}
Any command may carry an "id" (a string); it comes back in exactly one "done" or "failed", within 20 seconds
(export and erase of very long conversations take longer). A message is named by its id; as somebody else may have used the
same one, author (before_author) says whose is meant: the "from" of the message.
  sign_up, sign_in            user, password (sign_in on a known device: neither is needed)
  sign_out, quit
  set_server                  server: "ADDR:PORT[#FINGERPRINT]"
  add_friend                  user: a username, or an invite "hobnob:NAME?k=FINGERPRINT&s=SERVER"
  invite                      -> invite: how others add you and pin your key
  accept_friend, decline_friend, remove_friend, block, unblock     user
  friends                     -> friends: [{user, presence, status_text, verified, link, nickname, note, notify,
                              last_seen, avatar}], requests: [user]
  set_nickname, set_note      user, nickname (64 bytes) / note (2048 bytes): yours, on all your devices
  set_notify                  conversation, notify: all mentions none (kept for this profile)
  set_presence                presence: available away busy invisible; text
  set_avatar                  path of a picture (PNG, JPEG, GIF, WebP, BMP), for friends and members of rooms; without one
                              none any more -> hash
  avatars                     -> avatars: [{user, hash}], yours among them; the files are avatars/HASH in the profile
  send                        to: "@bob" or "#tea"; text; optional reply_to -> message (its id), sent_at
  edit                        message (your own), text
  delete                      message (your own): for everyone
  react                       message, emoji (empty: takes all of yours off); optional on (false: takes it off), author
  mark_read                   message, optional author: everything up to it was seen
  typing                      to, active
  last_seen                   -> last_seen: whether friends learn when you were last seen, and you when they were
  set_last_seen               on (kept at the server)
  receipts                    -> receipts: whether others learn what you read, and you what they read
  set_receipts                on (kept for this profile)
  history                     conversation, limit (up to 5000), optionally one of before, after, around (a message) and at (ms since
                              1970: around the first that late), author -> messages, oldest first; earlier, later: whether there
                              is more; found
  days                        conversation, starts: ms since 1970 at which up to 31 days begin, and the last one ends -> days: of each
                              whether anything was said on it
  export                      conversation, path, format: text json html; optional overwrite -> exported (messages), path
  erase                       conversation: from this computer only -> erased, kept (what still waits to be delivered)
  search                      text, optional conversation, from, limit (up to 200), before (the last message of a page),
                              before_author -> messages (newest first), more (whether there are), people, rooms, files (by name)
  conversations               -> conversations: [{conversation, unread, newest, notify}]
  status                      -> links (to devices, standing now), refused: {reason: count} since the start
  devices                     -> devices: [{device, this}]
  remove_device               password, device: one of the other devices
  change_password             password, new_password
  transfers                   -> transfers
  send_file                   to, path (a file or a folder) -> transfer (its id), size, files, left_out
  accept_file                 transfer, optional save_as (the full path of the file to be)
  file_rule                   user -> accept: ask up_to always; size
  set_file_rule               user, accept; with up_to the size in bytes that is taken without asking
  rates                       -> up, down: bytes a second of all files together, null for no limit
  set_rates                   up, down: at least 16384, at once; what is left out has no limit
  downloads                   -> downloads: the folder that received files go to
  set_downloads               folder (full path; made where there is none): for files accepted from now on, kept
  decline_file, pause_file, resume_file, cancel_file               transfer
  safety_number               user -> safety_number (60 digits), code (text of the QR picture), verified
  verify                      user, optional code: the other one's, or their digits; they are compared first
  accept_key                  user
  join_room                   room: "#tea", optional password; the first who joins makes the room and owns it
  leave_room                  room
  rooms                       -> rooms: [{room, owner, locked, members: [{user, presence}], notify}]
  remove_member               room, user; its owner may
  set_room_password           room, password (none drops it); its owner may

SEARCH: words, the last perhaps unfinished, and "phrases"; accents and case do not matter. Filters, alone or together:
  from:bob  from:me           who wrote or sent it          in:@bob  in:#tea            where
  before:2026-11-26           earlier than that day         after:2026-11-26            on that day or later
  has:file                    files only
Of several filters of one kind any one has to fit. What is no filter is searched for as text. Once, without starting anything:
  hobnob-cli --profile DIR search 'lunch from:bob after:2026-11-01'

EVENTS, one JSON object a line on standard output:
  ready                       version, profile, listening, user, server, downloads; device_removed: true where signing in takes the password
  done / failed               id, and what was asked for / id, code, text (a sentence)
  signed_in / signed_out      user, presence, text / reason
  server                      state: connecting online offline; text
  friend_request, friend_added, friend_removed                     user
  presence                    user, presence: available away busy offline unknown; text; offline and
                              allowed on both sides: last_seen (ms since 1970)
  own_presence                presence, text: set on another device of yours
  contact                     user, nickname, note: changed here or on another device of yours
  avatar                      user, hash (null for none): somebody's picture, or yours
  link                        user, path: direct relayed none; address
  message                     conversation, message, from, text, sent_at (ms since 1970), reply_to, state, clock,
                              device, number; others' messages, and those of your other devices; where it is so
                              edited, deleted, reactions: [{emoji, by}]
  message_state               message, state: queued sent delivered read; in rooms by (the member)
  message_edited, message_deleted                                  conversation, from, message; text
  reaction                    conversation, from, message, emoji, on
  read_elsewhere              conversation, message: seen up to it on another device of yours
  room                        room, members: [{user, presence}], owner, locked
  room_left                   room, reason: left removed
  devices                     devices: [{device, this}]
  typing                      conversation, from, active
  file_offered                transfer, conversation, from, name, size; of a folder files (how many)
  file_progress               transfer, done, size, rate (bytes a second); yours to a room: by (the member)
  file_waiting                transfer, code: turn (others go first) connection out_of_files; text
  file_finished               transfer, path, blake3, size; of a folder, where files did not come along, text and
                              skipped: [{path, code}]
  file_failed                 transfer, code, text
  alarm                       code (such as key_changed, server_key_changed), user, text

End of input and "quit" close in order; the exit status is 0. A line that is no command is answered by "failed". Diagnostics go to standard
error; HOBNOB_LOG=debug shows more of them."##;

/// What goes to the printing thread; nothing means the end.
type Out = Option<Event>;

fn main() -> ExitCode {
    // Before anything is read, opened or started that such a process should not have.
    if child::is_wanted() {
        return child::run();
    }
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("HOBNOB_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    if let Some(Once::Search { text }) = arguments.once {
        return look::search(&arguments.profile, &text.join(" "));
    }
    if let (files, false) = descriptors::raise_limit() {
        tracing::warn!(?files, "cannot raise the limit of open files");
    }

    let (events, queue) = sync_channel::<Out>(EVENTS);
    let owed = Arc::new(Owed::default());
    let options = Options {
        profile: arguments.profile,
        server: arguments.server,
        downloads: arguments.downloads,
        listen: arguments.listen,
        software: concat!("hobnob-cli/", env!("CARGO_PKG_VERSION")),
    };
    let sink = {
        let (owed, events) = (owed.clone(), events.clone());
        Box::new(move |event: Event| {
            let answers = matches!(event, Event::Done { .. } | Event::Failed { .. });
            tell(&events, event);
            if answers {
                owed.answered();
            }
        })
    };
    let core = match Core::start(options, sink) {
        Ok(core) => core,
        Err(error) => {
            eprintln!("hobnob-cli: {error}");
            return ExitCode::FAILURE;
        }
    };
    // Reading blocks until there is input, so `quit` must not wait for this thread.
    thread::spawn({
        let (commands, owed, events) = (core.commands(), owed.clone(), events.clone());
        move || read(BufReader::new(std::io::stdin()), &commands, &owed, &events)
    });
    let printer = thread::spawn({
        let owed = owed.clone();
        let bars = arguments.progress.then(Progress::on_terminal).flatten();
        move || {
            if print(&queue, bars).is_err() {
                // Nobody listens any more: end as at the end of input.
                owed.give_up();
                for _unheard in queue.iter().map_while(|event| event) {}
            }
        }
    });
    while !core.has_ended() && !owed.is_over() {
        owed.wait_for_end(Duration::from_millis(100));
    }
    let sound = core.join();
    // The printer is gone only if it panicked.
    let _sent = events.send(None);
    let told = printer.join().is_ok();
    if sound && told { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Hands an event to the printer. It ends before the others only when the program ends.
fn tell(events: &SyncSender<Out>, event: Event) {
    let _gone = events.send(Some(event));
}

/// Prints until the end, or until nobody reads; everything that is there goes out in one write.
fn print(queue: &Receiver<Out>, mut bars: Option<Progress>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut lines = Vec::new();
    while let Ok(first) = queue.recv() {
        let mut next = first;
        let mut over = true;
        while let Some(event) = next {
            if bars.as_mut().is_none_or(|bars| bars.shows(&event)) {
                serde_json::to_writer(&mut lines, &event)?;
                lines.push(b'\n');
            }
            over = false;
            match queue.try_recv() {
                Ok(event) => {
                    over = event.is_none();
                    next = event;
                }
                Err(_) => break,
            }
        }
        let mut write = || out.write_all(&lines).and_then(|()| out.flush());
        match &bars {
            Some(bars) if !lines.is_empty() => bars.beside(write)?,
            _ => write()?,
        }
        lines.clear();
        if over {
            break;
        }
    }
    Ok(())
}

/// Reads commands to the end of input, then waits for the answers that are owed.
fn read(mut input: impl BufRead, commands: &Commands, owed: &Owed, events: &SyncSender<Out>) {
    let mut line = Vec::new();
    while let Some(read) = next_line(&mut input, &mut line) {
        let parsed = if read { parse(&line) } else { Err((None, Problem::bad_command("the line is too long"))) };
        match parsed {
            Ok(request) => {
                owed.asked();
                commands.send_waiting(request);
            }
            Err((id, problem)) => tell(events, problem.into_event(id)),
        }
    }
    owed.settle(LAST_ANSWERS);
}

/// The next line without its end; false if it was longer than [`LINE`], and skipped. Nothing at the end of input.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Option<bool> {
    line.clear();
    let most = u64::try_from(LINE).unwrap_or(u64::MAX);
    let read = input.by_ref().take(most + 1).read_until(b'\n', line).ok()?;
    if read == 0 {
        return None;
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Some(true);
    }
    if read <= LINE {
        return Some(true);
    }
    line.clear();
    loop {
        let rest = input.fill_buf().ok()?;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let skip = end.map_or(rest.len(), |end| end + 1);
        let over = end.is_some() || rest.is_empty();
        input.consume(skip);
        if over {
            return Some(false);
        }
    }
}

/// A command, or what is wrong with the line and the id that it carries. What the line says is not repeated: it may be a password.
fn parse(line: &[u8]) -> Result<Request, (Option<String>, Problem)> {
    serde_json::from_slice(line).map_err(|error| {
        let value: Option<serde_json::Value> = serde_json::from_slice(line).ok();
        let field = |name| value.as_ref().and_then(|value| value.get(name)).and_then(serde_json::Value::as_str);
        let text = error.to_string();
        let problem = if value.is_none() {
            Problem::bad_command(format_args!("not JSON (column {})", error.column()))
        } else if let Some(missing) = text.strip_prefix("missing field ") {
            let missing: String = missing.chars().take_while(|c| !c.is_whitespace()).collect();
            Problem::bad_command(format_args!("the field {missing} is missing"))
        } else if text.starts_with("unknown variant")
            && field("command").is_some_and(|name| text.contains(&format!("`{name}`")))
        {
            Problem::bad_command("there is no command of that name")
        } else {
            Problem::from_id_text(&text).unwrap_or_else(|| Problem::bad_command("a field is not of the right form"))
        };
        (field("id").map(str::to_owned), problem)
    })
}

/// How many answers are owed, and whether the program should end.
#[derive(Default)]
struct Owed {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Owed {
    fn change(&self, change: impl FnOnce(&mut (usize, bool))) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn asked(&self) {
        self.change(|(owed, _)| *owed += 1);
    }

    fn answered(&self) {
        self.change(|(owed, _)| *owed = owed.saturating_sub(1));
    }

    fn give_up(&self) {
        self.change(|(_, over)| *over = true);
    }

    fn is_over(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Waits until everything is answered, at most for `most`; then it is over.
    fn settle(&self, most: Duration) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(state, most, |(owed, over)| *owed > 0 && !*over));
        self.give_up();
    }

    fn wait_for_end(&self, most: Duration) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(state, most, |(_, over)| !*over));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn lines(input: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut input = BufReader::with_capacity(1000, input);
        let mut line = Vec::new();
        let mut lines = Vec::new();
        while let Some(read) = next_line(&mut input, &mut line) {
            lines.push(read.then(|| line.clone()));
        }
        lines
    }

    #[test]
    fn lines_end_with_a_newline_or_with_the_input() {
        assert_eq!(lines(b"a\n\nb"), [Some(b"a".to_vec()), Some(Vec::new()), Some(b"b".to_vec())]);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn an_overlong_line_is_skipped_and_the_next_one_read() {
        let most = vec![b'x'; LINE];
        for (long, kept) in [(LINE, true), (LINE + 1, false), (3 * LINE, false)] {
            let mut input = vec![b'x'; long];
            input.extend_from_slice(b"\nnext\n");
            assert_eq!(lines(&input), [kept.then(|| most.clone()), Some(b"next".to_vec())], "{long}");
        }
        assert_eq!(lines(&vec![b'x'; 2 * LINE]), [None]);
    }

    /// Id, code and sentence of the answer to a bad line.
    fn refusal(line: &[u8]) -> (Option<String>, String, String) {
        let (id, problem) = parse(line).unwrap_err();
        (id, problem.code.into_owned(), problem.text.into_owned())
    }

    #[test]
    fn a_bad_line_is_answered_with_the_id_where_one_can_be_read() {
        let deep = [b"{\"id\":\"x\",\"command\":".to_vec(), vec![b'['; 10_000]].concat();
        for line in
            [&b"nonsense"[..], b"", b"\xff\xfe", b"{}", b"[]", b"null", b"{\"id\":7,\"command\":\"quit\"}", &deep]
        {
            let (id, code, _) = refusal(line);
            assert_eq!((id, code.as_str()), (None, "bad_command"), "{:?}", String::from_utf8_lossy(line));
        }
        for line in [r#"{"id":"x"}"#, r#"{"id":"x","command":"fly"}"#, r#"{"id":"x","command":"send","to":"@bob"}"#] {
            let (id, code, _) = refusal(line.as_bytes());
            assert_eq!((id.as_deref(), code.as_str()), (Some("x"), "bad_command"), "{line}");
        }
        let (_, code, _) = refusal(br#"{"id":"x","command":"block","user":"B"}"#);
        assert_eq!(code, "bad_handle");
    }

    #[test]
    fn a_secret_does_not_come_back() {
        for line in [
            r#"{"command":"sign_up","user":"alice","password":1234567890123}"#,
            r#"{"command":"sign_up","user":"alice","password":["hunter2hunter2"]}"#,
            r#"{"command":"sign_up","user":"alice","password":"hunter2hunter2","#,
            r#"{"command":"sign_up","password":"hunter2hunter2"}"#,
            r#"{"command":"hunter2hunter2"}"#,
        ] {
            let (_, _, text) = refusal(line.as_bytes());
            assert!(!text.contains("hunter2") && !text.contains("1234567890123"), "{text}");
        }
    }
}
