//! The notifications of a desktop that nobody sits at: `ui/bell.py` catches them on the display's session bus. Used by the UI tests.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::display::Display;
use crate::process::Process;
use crate::programs::top;

/// Python, its bindings and the bus are up long before.
const START: Duration = Duration::from_secs(40);

/// What shows notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As GNOME does it: all is plain text.
    Gnome,
    /// As other desktops do: a body may be marked up.
    Other,
}

/// Catches them.
pub struct Bell {
    process: Process,
}

impl Bell {
    /// Owns the name on a display's bus before any program asks who does.
    pub fn on(display: &Display, kind: Kind) -> Self {
        let mut command = display.command("/usr/bin/python3");
        command.arg("-u").arg(top().join("tests/ui/bell.py")).stdin(Stdio::null());
        command.arg(if kind == Kind::Gnome { "gtk" } else { "free" });
        let process = Process::start("bell.py", &mut command);
        let ready = process.line(Instant::now() + START);
        assert_eq!(ready.as_deref(), Some("ready"), "{}", process.log().tail(20));
        Self { process }
    }

    /// Waits for a notification with that title and body; says what came instead.
    pub fn rings(&self, title: &str, body: &str) -> Result<(), String> {
        let deadline = Instant::now() + START;
        let mut heard = Vec::new();
        while let Some(line) = self.process.line(deadline) {
            let rung: Value = serde_json::from_str(&line).unwrap_or_default();
            // What has no width, so that a line can be broken there, may be added, and counts where the body is cut.
            let bare = |text: &str| text.replace('\u{200B}', "");
            let (said, wanted) = (bare(rung["body"].as_str().unwrap_or_default()), bare(body));
            let is_cut = wanted.starts_with(&said) && said.chars().count() + 10 > wanted.chars().count();
            if rung["title"] == title && is_cut && said.is_empty() == wanted.is_empty() {
                return Ok(());
            }
            heard.push(line);
        }
        Err(format!("no notification {title:?} {body:?}, but\n{}", heard.join("\n")))
    }
}
