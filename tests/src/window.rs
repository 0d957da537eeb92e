//! A real window of `hobnob`, seen and driven through accessibility by `ui/hands.py`. Used by the UI tests and by the demo.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Start;
use crate::display::Display;
use crate::process::Process;
use crate::programs::{program, top};

/// How long a look may take, on a busy machine with software rendering.
const LOOK: u64 = 40;
/// The answer to a look comes a little later than its own deadline, at worst.
const ANSWER: Duration = Duration::from_secs(LOOK + 20);

/// The Python process that sees and acts.
pub struct Hands {
    process: Process,
    stdin: ChildStdin,
}

/// A running `hobnob`.
pub struct Window {
    /// The process.
    pub process: Process,
    /// Whose.
    pub name: String,
}

impl Window {
    /// Starts `hobnob` on a display.
    pub fn open(display: &Display, start: &Start) -> Self {
        std::fs::create_dir_all(&start.downloads).unwrap_or_else(|error| panic!("no download folder: {error}"));
        let mut command = display.command(program("hobnob"));
        command.arg("--profile").arg(&start.profile).arg("--downloads").arg(&start.downloads).stdin(Stdio::null());
        if let Some(server) = &start.server {
            command.arg("--server").arg(server);
        }
        let name = start.profile.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { process: Process::start(&format!("hobnob of {name}"), &mut command), name }
    }
}

impl Hands {
    /// Starts them on a display.
    pub fn on(display: &Display) -> Self {
        let mut command = display.command("/usr/bin/python3");
        command.arg("-uB").arg(top().join("tests/ui/hands.py")).stdin(Stdio::piped());
        let mut process = Process::start("hands.py", &mut command);
        let stdin = process.stdin().unwrap_or_else(|| panic!("hands.py has no standard input"));
        Self { process, stdin }
    }

    /// One command, one answer; the error tells what was on the screen instead.
    pub fn ask(&mut self, window: &Window, mut command: Value) -> Result<Value, String> {
        command["pid"] = json!(window.process.id());
        if command["within"].is_null() {
            command["within"] = json!(LOOK);
        }
        let written = writeln!(self.stdin, "{command}").and_then(|()| self.stdin.flush());
        written.map_err(|error| format!("hands.py: {error}\n{}", self.process.log().tail(20)))?;
        let line = self.process.line(Instant::now() + ANSWER);
        let line = line.ok_or_else(|| format!("hands.py says nothing\n{}", self.process.log().tail(20)))?;
        let answer: Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        if answer["ok"] == true {
            Ok(answer)
        } else {
            let log = window.process.log().tail(20);
            Err(format!("{}'s window: {}\nits log:\n{log}", window.name, answer["error"].as_str().unwrap_or(&line)))
        }
    }

    fn must(&mut self, window: &Window, command: Value) -> Value {
        self.ask(window, command).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Clicks a button by its name.
    pub fn click(&mut self, window: &Window, name: &str) {
        self.must(window, json!({"do": "click", "role": "button", "name": name}));
    }

    /// Opens the conversation with a friend, by their row in the sidebar; a row is spoken as `bob, available`.
    pub fn open_friend(&mut self, window: &Window, friend: &str) {
        self.must(window, json!({"do": "click", "role": "button", "starts": format!("{friend}, ")}));
    }

    /// Opens a room, by its row in the sidebar; a row is spoken as `room #tea, 1 of 2 online`.
    pub fn open_room(&mut self, window: &Window, room: &str) {
        self.must(window, json!({"do": "click", "role": "button", "starts": format!("room {room}, ")}));
    }

    /// Puts a text into the entry of that name.
    pub fn fill(&mut self, window: &Window, entry: &str, text: &str) {
        self.must(window, json!({"do": "fill", "role": "entry", "name": entry, "text": text}));
    }

    /// Types a text into the entry of that name, by real keys.
    pub fn type_into(&mut self, window: &Window, entry: &str, text: &str) {
        self.must(window, json!({"do": "type", "role": "entry", "name": entry, "text": text}));
    }

    /// Types a text into whatever has the keyboard, by real keys and without the mouse.
    pub fn write(&mut self, window: &Window, text: &str) {
        self.must(window, json!({"do": "write", "text": text}));
    }

    /// Presses a key until the keyboard is at what is called so.
    pub fn reach(&mut self, window: &Window, key: &str, name: &str) {
        self.must(window, json!({"do": "reach", "key": key, "name": name}));
    }

    /// Waits until the keyboard is on a row of a list whose name has this in it.
    pub fn is_on_row(&mut self, window: &Window, text: &str) {
        self.must(window, json!({"do": "focused", "role": "list item", "contains": text}));
    }

    /// Does by accessibility alone what a button, a line of a menu, a page's tab or a switch is for.
    pub fn act(&mut self, window: &Window, role: &str, name: &str) {
        self.must(window, json!({"do": "act", "role": role, "name": name}));
    }

    /// The same for a part whose name has this in it; with another action of it, if one is named.
    pub fn act_on(&mut self, window: &Window, role: &str, text: &str, action: Option<&str>) {
        let mut command = json!({"do": "act", "role": role, "contains": text});
        if let Some(action) = action {
            command["action"] = json!(action);
        }
        self.must(window, command);
    }

    /// Whether the switch of that name is on.
    pub fn is_on(&mut self, window: &Window, name: &str) -> bool {
        self.must(window, json!({"do": "wait", "role": "switch", "name": name}))["on"] == true
    }

    /// Waits until this is told to who listens to the window of that title.
    pub fn is_told(&mut self, window: &Window, title: &str, words: &str) {
        self.must(window, json!({"do": "wait", "role": "status bar", "contains": words, "inside": title}));
    }

    /// Moves the pointer over what shows that text.
    pub fn hover(&mut self, window: &Window, text: &str) {
        self.must(window, json!({"do": "hover", "role": "label", "contains": text}));
    }

    /// Drags what is at one place of the screen to another.
    pub fn drag(&mut self, window: &Window, from: (u32, u32), to: (u32, u32)) {
        self.must(window, json!({"do": "drag", "from": from, "to": to}));
    }

    /// Drags a file out of another program, which stands at `from` pixels from the left, over the part that `over` describes; holds it there.
    pub fn carry(&mut self, window: &Window, (path, from): (&Path, u32), mut over: Value) {
        (over["do"], over["path"], over["from"]) = (json!("carry"), json!(path), json!(from));
        self.must(window, over);
    }

    /// Lets go of it. Whether it was taken.
    pub fn let_go(&mut self, window: &Window) -> bool {
        self.must(window, json!({"do": "let_go"}))["taken"] == true
    }

    /// Opens the menu of what shows that text, by the right button of the mouse.
    pub fn menu(&mut self, window: &Window, text: &str) {
        self.must(window, json!({"do": "menu", "role": "label", "contains": text}));
    }

    /// Presses a key, in xdotool's words (`Return`, `ctrl+w`).
    pub fn key(&mut self, window: &Window, key: &str) {
        self.must(window, json!({"do": "key", "key": key}));
    }

    /// Attaches a file as a person would: the button, then its path into the file chooser.
    pub fn attach(&mut self, window: &Window, path: &Path) {
        self.click(window, "Attach File");
        self.must(window, json!({"do": "choose", "path": path}));
    }

    /// Sends a folder as a person would: its keys, then its path into the chooser.
    pub fn attach_folder(&mut self, window: &Window, path: &Path) {
        self.key(window, "ctrl+shift+o");
        self.must(window, json!({"do": "choose", "path": path}));
    }

    /// Chooses a file in a chooser that a dialog opens.
    pub fn choose_in_dialog(&mut self, window: &Window, path: &Path) {
        self.must(window, json!({"do": "choose", "path": path, "over": 2}));
    }

    /// Puts a picture into the clipboard, from another program.
    pub fn copy_picture(&mut self, window: &Window, path: &Path) {
        self.must(window, json!({"do": "copy", "kind": "picture", "path": path}));
    }

    /// Puts a file's text into the clipboard, from another program.
    pub fn copy_text(&mut self, window: &Window, path: &Path) {
        self.must(window, json!({"do": "copy", "kind": "text", "path": path}));
    }

    /// Waits until the line that is spoken from `starts` on has this in it.
    pub fn line_has(&mut self, window: &Window, starts: &str, text: &str) -> Result<(), String> {
        self.ask(window, json!({"do": "line", "starts": starts, "has": text})).map(drop)
    }

    /// Everything that is shown: role, name and text of each part.
    pub fn texts(&mut self, window: &Window) -> Vec<[String; 3]> {
        let answer = self.must(window, json!({"do": "texts"}));
        serde_json::from_value(answer["texts"].clone()).unwrap_or_default()
    }

    /// The same, but of each list only the last `rows`: looking through all of a long one takes its time.
    pub fn newest_texts(&mut self, window: &Window, rows: usize) -> Vec<[String; 3]> {
        let answer = self.must(window, json!({"do": "texts", "rows": rows}));
        serde_json::from_value(answer["texts"].clone()).unwrap_or_default()
    }

    /// Waits until that text is shown.
    pub fn sees(&mut self, window: &Window, text: &str) {
        self.must(window, json!({"do": "wait", "contains": text}));
    }

    /// Waits until that text is shown to read, not in a field where it is written.
    pub fn reads(&mut self, window: &Window, text: &str) {
        self.must(window, json!({"do": "wait", "role": "label", "contains": text}));
    }

    /// Waits until a button of that name is there.
    pub fn sees_button(&mut self, window: &Window, name: &str) {
        self.must(window, json!({"do": "wait", "role": "button", "name": name}));
    }

    /// Waits until that text is shown no more.
    pub fn sees_no_more(&mut self, window: &Window, text: &str) {
        self.must(window, json!({"do": "gone", "contains": text}));
    }

    /// Waits until there is a window of that title.
    pub fn sees_window(&mut self, window: &Window, title: &str) {
        self.must(window, json!({"do": "wait", "name": title}));
    }

    /// Waits until there is none.
    pub fn sees_no_window(&mut self, window: &Window, title: &str) {
        self.must(window, json!({"do": "gone", "name": title}));
    }

    /// Whether that text is shown now.
    pub fn is_shown(&mut self, window: &Window, text: &str) -> bool {
        self.ask(window, json!({"do": "wait", "contains": text, "within": 0})).is_ok()
    }

    /// Moves and sizes the window.
    pub fn place(&mut self, window: &Window, x: u32, y: u32, size: (u32, u32)) {
        self.must(window, json!({"do": "place", "x": x, "y": y, "width": size.0, "height": size.1}));
    }

    /// Turns to the page of that name.
    pub fn turn(&mut self, window: &Window, page: &str) {
        self.must(window, json!({"do": "click", "role": "page tab", "name": page}));
    }

    /// Turns the switch of that name.
    pub fn toggle(&mut self, window: &Window, name: &str) {
        self.must(window, json!({"do": "click", "role": "switch", "name": name}));
    }

    /// Waits until what is called so has the keyboard.
    pub fn is_at(&mut self, window: &Window, name: &str) {
        self.must(window, json!({"do": "focused", "name": name}));
    }

    /// Windows of it that can be seen.
    pub fn windows(&mut self, window: &Window) -> u64 {
        self.must(window, json!({"do": "windows"}))["windows"].as_u64().unwrap_or_default()
    }

    /// Waits until all of the tab of that name is in view in its bar.
    pub fn sees_tab(&mut self, window: &Window, name: &str) {
        self.must(window, json!({"do": "in_view", "role": "label", "name": name, "class": "AdwTabBar"}));
    }

    /// Another program has the keyboard.
    pub fn unfocus(&mut self, window: &Window) {
        self.must(window, json!({"do": "unfocus"}));
    }

    /// Asks it for a window that it has not, as a screen reader may that counted them before one closed.
    pub fn asks_beyond(&mut self, window: &Window) {
        self.must(window, json!({"do": "beyond"}));
    }

    /// Everything that a screen reader sees, as text.
    pub fn tree(&mut self, window: &Window) -> String {
        self.must(window, json!({"do": "tree"}))["tree"].as_str().unwrap_or_default().to_owned()
    }

    /// Controls that a screen reader has no name for.
    pub fn nameless(&mut self, window: &Window) -> Vec<String> {
        let answer = self.must(window, json!({"do": "nameless"}));
        let all = answer["nameless"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }
}

/// Where pictures of a kind go: a fresh folder below cargo's target folder.
pub fn pictures(kind: &str) -> PathBuf {
    let folder = crate::programs::target().join(kind);
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// Whether a picture shows something: more than a plain area, judged by how well it compresses.
pub fn shows_something(picture: &Path) -> bool {
    std::fs::metadata(picture).is_ok_and(|file| file.len() > 20_000)
}
