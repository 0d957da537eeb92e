//! A desktop's notification service on a display of ours: what the windows tell it, and clicks on it. Used by the UI tests.

use std::io::Write;
use std::process::{ChildStdin, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::display::Display;
use crate::process::Process;
use crate::programs::top;

/// A notification comes at once; a busy machine takes its time.
const SOON: Duration = Duration::from_secs(90);

/// The service.
pub struct Notifications {
    process: Process,
    stdin: ChildStdin,
}

impl Notifications {
    /// Starts it; programs that are started later find it.
    pub fn on(display: &Display) -> Self {
        let mut command = display.command("/usr/bin/python3");
        command.arg("-u").arg(top().join("tests/ui/notifications.py")).stdin(Stdio::piped());
        let mut process = Process::start("notifications.py", &mut command);
        let stdin = process.stdin().unwrap_or_else(|| panic!("notifications.py has no standard input"));
        let mut this = Self { process, stdin };
        assert_eq!(this.told()["told"], "ready");
        this
    }

    /// The next thing that it is told.
    pub fn told(&mut self) -> Value {
        let line = self.process.line(Instant::now() + SOON);
        let line = line.unwrap_or_else(|| panic!("nothing is told\n{}", self.process.log().tail(20)));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The next thing is a notification; its number, title and body.
    pub fn shown(&mut self) -> (u64, String, String) {
        let told = self.told();
        assert_eq!(told["told"], "shown", "{told}");
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        (told["number"].as_u64().unwrap_or_default(), text("title"), text("body"))
    }

    /// The next thing is that this one is taken back.
    pub fn closed(&mut self, number: u64) {
        assert_eq!(self.told(), json!({"told": "closed", "number": number}));
    }

    /// Clicks on it.
    pub fn click(&mut self, number: u64) {
        self.command(&json!({"do": "click", "number": number}));
    }

    /// From now on it `works`, `refuses` every call, or `hangs`: it tells of each and answers none.
    pub fn be(&mut self, mood: &str) {
        self.command(&json!({"do": mood}));
        assert_eq!(self.told(), json!({"told": mood}));
    }

    /// The next thing is that it was asked this, while it did not work.
    pub fn asked(&mut self, method: &str) {
        let told = self.told();
        assert_eq!(told["told"], method, "{told}");
    }

    /// It ends, and another one takes its place, which has shown something of another program already.
    pub fn start_again(&mut self) {
        self.command(&json!({"do": "again"}));
        assert_eq!(self.told()["told"], "ready");
    }

    fn command(&mut self, command: &Value) {
        let written = writeln!(self.stdin, "{command}");
        written.and_then(|()| self.stdin.flush()).unwrap_or_else(|error| panic!("notifications.py: {error}"));
    }
}
