//! A real `hobnob-cli`, driven by JSON Lines: ask and wait for the answer, expect events that match a pattern.

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::Process;
use crate::programs::command;

/// The interface promises an answer within 20 s; a debug build on a busy machine gets a little more.
const ANSWER: Duration = Duration::from_secs(30);
/// The usual deadline for an event: far above what is usual, so that only a lost event misses it.
pub const SOON: Duration = Duration::from_secs(20);

/// How a client is started.
#[derive(Debug, Clone)]
pub struct Start {
    /// Profile folder.
    pub profile: PathBuf,
    /// `--server`, where given.
    pub server: Option<String>,
    /// `--downloads`; empty for that of the profile.
    pub downloads: PathBuf,
    /// `--listen`.
    pub listen: String,
    /// A command that runs it, such as `strace` with its options; empty for none.
    pub under: Vec<String>,
}

impl Start {
    /// A profile `name` and its download folder below `home`, on loopback.
    pub fn new(home: &Path, name: &str, server: &str) -> Self {
        Self {
            profile: home.join(name),
            server: Some(server.to_owned()),
            downloads: home.join(format!("{name}-downloads")),
            listen: "127.0.0.1:0".to_owned(),
            under: Vec::new(),
        }
    }

    /// Runs it without waiting for anything.
    pub fn spawn(&self) -> Process {
        let mut command = command("hobnob-cli", &self.under);
        command.arg("--profile").arg(&self.profile);
        if !self.downloads.as_os_str().is_empty() {
            std::fs::create_dir_all(&self.downloads).unwrap_or_else(|error| panic!("no download folder: {error}"));
            command.arg("--downloads").arg(&self.downloads);
        }
        command.arg("--listen").arg(&self.listen).stdin(Stdio::piped());
        if let Some(server) = &self.server {
            command.arg("--server").arg(server);
        }
        let name = self.profile.file_name().unwrap_or_default().to_string_lossy();
        Process::start(&name, &mut command)
    }
}

/// A running client.
pub struct Client {
    /// How it was started.
    pub start: Start,
    /// The process.
    pub process: Process,
    /// Where it listens for peers.
    pub listening: Vec<String>,
    stdin: Option<ChildStdin>,
    waiting: VecDeque<Value>,
    seen: Vec<Value>,
    next: u64,
}

impl Client {
    /// Starts it and waits for `ready`.
    pub fn start(start: &Start) -> Self {
        let mut process = start.spawn();
        let stdin = process.stdin();
        let mut client = Self {
            start: start.clone(),
            process,
            listening: Vec::new(),
            stdin,
            waiting: VecDeque::new(),
            seen: Vec::new(),
            next: 1,
        };
        let ready = client.expect(json!({"event": "ready"}));
        let listening = ready["listening"].as_array().map(Vec::as_slice).unwrap_or_default();
        client.listening = listening.iter().filter_map(|address| address.as_str().map(str::to_owned)).collect();
        client
    }

    /// Starts it on a new profile and signs up as `user`.
    pub fn sign_up(start: &Start, user: &str, password: &str) -> Self {
        let mut client = Self::start(start);
        client.done(json!({"command": "sign_up", "user": user, "password": password}));
        client
    }

    /// Starts it again on its profile after it ended, and waits until it is signed in and online.
    pub fn again(start: &Start) -> Self {
        let mut client = Self::start(start);
        client.expect(json!({"event": "signed_in"}));
        client
    }

    /// The last part of its profile's path: in our stories the user's name.
    pub fn name(&self) -> String {
        self.start.profile.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Sends a line as it is.
    pub fn line(&mut self, line: &[u8]) {
        let name = self.name();
        let Some(stdin) = &mut self.stdin else { panic!("{name}: standard input is closed already") };
        let written = stdin.write_all(line).and_then(|()| stdin.write_all(b"\n")).and_then(|()| stdin.flush());
        written.unwrap_or_else(|error| panic!("{name} reads no more: {error}\n{}", self.process.log().tail(30)));
    }

    /// Sends a command and returns its id; [`Self::answer`] waits.
    pub fn post(&mut self, mut command: Value) -> String {
        let id = format!("c{}", self.next);
        self.next += 1;
        command["id"] = json!(id);
        self.line(command.to_string().as_bytes());
        id
    }

    /// Waits for the one answer to a command: `Ok` for `done`, `Err` for `failed`.
    pub fn answer(&mut self, id: &str) -> Result<Value, Value> {
        let what = format!("an answer to {id}");
        let event = self.wait(&what, ANSWER, |event| {
            event["id"] == *id && (event["event"] == "done" || event["event"] == "failed")
        });
        if event["event"] == "done" { Ok(event) } else { Err(event) }
    }

    /// Sends a command and waits for its answer.
    pub fn ask(&mut self, command: Value) -> Result<Value, Value> {
        let id = self.post(command);
        self.answer(&id)
    }

    /// A command that must succeed.
    pub fn done(&mut self, command: Value) -> Value {
        let told = command.to_string();
        self.ask(command).unwrap_or_else(|failed| panic!("{}: {told} failed: {failed}\n{}", self.name(), self.tail()))
    }

    /// A command that must fail, with a code and a sentence.
    pub fn failed(&mut self, command: Value) -> Value {
        let told = command.to_string();
        let Err(failed) = self.ask(command) else { panic!("{}: {told} should have failed", self.name()) };
        assert!(failed["code"].as_str().is_some_and(|code| !code.is_empty()), "a code in {failed}");
        assert!(failed["text"].as_str().is_some_and(|text| text.contains(' ')), "a sentence in {failed}");
        failed
    }

    /// The next event that has all fields of `pattern`; it, and only it, is taken out of those that wait.
    #[expect(clippy::needless_pass_by_value, reason = "every caller writes json!(..) in place")]
    pub fn expect(&mut self, pattern: Value) -> Value {
        self.wait(&pattern.to_string(), SOON, |event| matches(event, &pattern))
    }

    /// As [`Self::expect`], with another deadline.
    #[expect(clippy::needless_pass_by_value, reason = "every caller writes json!(..) in place")]
    pub fn expect_within(&mut self, within: Duration, pattern: Value) -> Value {
        self.wait(&pattern.to_string(), within, |event| matches(event, &pattern))
    }

    /// The next event for which `is_it` holds.
    pub fn wait(&mut self, what: &str, within: Duration, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(event) = self.waiting.iter().position(&is_it).and_then(|at| self.waiting.remove(at)) {
            return event;
        }
        let deadline = Instant::now() + within;
        loop {
            let Some(event) = self.next_event(deadline) else {
                panic!("{}: not within {within:?}: {what}\n{}", self.name(), self.tail());
            };
            if is_it(&event) {
                return event;
            }
            self.waiting.push_back(event);
        }
    }

    /// Hands over every event, those that wait and those that come, until `is_last` says so. For tests that read thousands.
    pub fn each(&mut self, what: &str, within: Duration, mut is_last: impl FnMut(&Value) -> bool) {
        let deadline = Instant::now() + within;
        loop {
            let next = self.waiting.pop_front().or_else(|| self.next_event(deadline));
            let Some(event) = next else {
                panic!("{}: not within {within:?}: {what}\n{}", self.name(), self.tail());
            };
            if is_last(&event) {
                return;
            }
        }
    }

    /// Everything that it printed before it ended. Its last line may be cut off in the middle.
    pub fn last_words(&mut self) -> &[Value] {
        while let Some(line) = self.process.line(Instant::now() + SOON) {
            let Ok(event) = serde_json::from_str(&line) else { break };
            self.seen.push(event);
        }
        &self.seen
    }

    fn next_event(&mut self, deadline: Instant) -> Option<Value> {
        let line = self.process.line(deadline)?;
        let event: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{} printed a line that is no JSON ({error}): {line}", self.name()));
        assert!(event["event"].is_string(), "{} printed something that is no event: {line}", self.name());
        self.seen.push(event.clone());
        Some(event)
    }

    /// Whether such an event came, ever, as far as the answers that were waited for.
    pub fn saw(&self, pattern: &Value) -> bool {
        self.seen.iter().any(|event| matches(event, pattern))
    }

    /// All such events that came, in order.
    pub fn all(&self, pattern: &Value) -> Vec<Value> {
        self.seen.iter().filter(|event| matches(event, pattern)).cloned().collect()
    }

    /// Forgets the events that wait, so that [`Self::expect`] means what comes from now on. Asks something first: what the program
    /// printed before the answer is then surely here.
    pub fn forget(&mut self) {
        self.done(json!({"command": "friends"}));
        self.waiting.clear();
    }

    /// One friend's line in the answer to `friends`.
    pub fn friend(&mut self, user: &str) -> Value {
        let answer = self.done(json!({"command": "friends"}));
        let friends = answer["friends"].as_array().cloned().unwrap_or_default();
        friends.into_iter().find(|friend| friend["user"] == *user).unwrap_or(Value::Null)
    }

    /// Ends the program in order.
    pub fn quit(&mut self) -> ExitStatus {
        self.line(br#"{"command":"quit"}"#);
        self.process.wait(SOON)
    }

    /// Closes standard input and waits for the end.
    pub fn close(&mut self) -> ExitStatus {
        self.stdin = None;
        self.process.wait(SOON)
    }

    /// `kill -9`.
    pub fn crash(&mut self) {
        self.process.kill();
    }

    fn tail(&self) -> String {
        let events: String = self
            .seen
            .iter()
            .rev()
            .take(15)
            .rev()
            .fold(String::new(), |all, event| all + "    " + &event.to_string() + "\n");
        format!("newest events of {}:\n{events}its log:\n{}", self.name(), self.process.log().tail(20))
    }
}

/// Whether `event` has every field of `pattern`, with the same value.
pub fn matches(event: &Value, pattern: &Value) -> bool {
    match (event, pattern) {
        (Value::Object(event), Value::Object(pattern)) => {
            pattern.iter().all(|(name, wanted)| event.get(name).is_some_and(|value| matches(value, wanted)))
        }
        _ => event == pattern,
    }
}
