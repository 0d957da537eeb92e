//! `make run`: a server on loopback and two windows, Alice and Bob, already friends. With a display the windows stay until they are closed.
//! Without one the same two windows are drawn on a virtual display and play a short conversation; the pictures stay.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use hobnob_tests::client::{Client, Start};
use hobnob_tests::display::{Display, missing};
use hobnob_tests::files::{hash, random_file};
use hobnob_tests::process::{Process, kill_all_at_interrupt, until};
use hobnob_tests::programs::{program, target};
use hobnob_tests::server::Server;
use hobnob_tests::story::{PASSWORD, befriend, say};
use hobnob_tests::window::{Hands, Window};

/// One window's place on the virtual display, in pixels.
const SIZE: (u32, u32) = (1000, 720);
/// The file that goes from window to window, in bytes.
const FILE: u64 = 8 << 20;

/// Server and profiles of this run, for an end by Ctrl+C.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

fn main() -> ExitCode {
    kill_all_at_interrupt(|| {
        if let Some(folder) = FOLDER.get() {
            // Nobody is left to tell.
            let _gone = std::fs::remove_dir_all(folder);
        }
    });
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("make run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let base = target().join("demo");
    std::fs::create_dir_all(&base).with_context(|| base.display().to_string())?;
    let home = tempfile::Builder::new().prefix("run-").tempdir_in(&base)?;
    let _first = FOLDER.set(home.path().to_owned());
    let server = Server::start(&home.path().join("server"));
    println!("server: {}", server.with_pin());
    let start = |name: &str| Start::new(home.path(), name, &server.with_pin());
    let (alice, bob) = (start("alice"), start("bob"));
    make_friends(&alice, &bob);
    open_tab(&alice, "@bob")?;
    open_tab(&bob, "@alice")?;
    println!("accounts: alice and bob, both with the password «{PASSWORD}»; they are friends");

    if ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        on_the_desktop(&[alice, bob])
    } else {
        println!("no display here: drawing the two windows on a virtual one");
        on_a_virtual_display(home.path(), &alice, &bob)
    }
}

/// Accounts and friendship by `hobnob-cli`; each greets, so that each window has a conversation to open.
fn make_friends(alice: &Start, bob: &Start) {
    let mut a = Client::sign_up(alice, "alice", PASSWORD);
    let mut b = Client::sign_up(bob, "bob", PASSWORD);
    befriend(&mut a, &mut b);
    say(&mut a, &mut b, "Hi Bob, welcome to Hobnob!");
    say(&mut b, &mut a, "Hi Alice. So this goes straight from your program to mine?");
    a.quit();
    b.quit();
}

/// Each window opens with the conversation in a tab, as it would after a last time.
fn open_tab(start: &Start, conversation: &str) -> anyhow::Result<()> {
    let state = serde_json::json!({"tabs": [conversation], "front": conversation});
    let path = start.profile.join("window.json");
    std::fs::write(&path, state.to_string()).with_context(|| path.display().to_string())
}

fn on_the_desktop(people: &[Start]) -> anyhow::Result<()> {
    let mut windows = Vec::new();
    for start in people {
        let mut command = Command::new(program("hobnob"));
        command.arg("--profile").arg(&start.profile).arg("--downloads").arg(&start.downloads).stdin(Stdio::null());
        if let Some(server) = &start.server {
            command.arg("--server").arg(server);
        }
        windows.push(Process::start("hobnob", &mut command));
    }
    println!("Alice's and Bob's windows are open; close both to end, or press Ctrl+C.");
    let statuses: Vec<_> = windows.iter_mut().map(Process::wait_long).collect();
    for (window, status) in windows.iter().zip(statuses) {
        if !status.success() {
            bail!("a window ended with {status}:\n{}", window.log().tail(20));
        }
    }
    Ok(())
}

fn on_a_virtual_display(home: &Path, alice: &Start, bob: &Start) -> anyhow::Result<()> {
    if let Some(why) = missing() {
        bail!("{why}");
    }
    let display = Display::start(2 * SIZE.0, SIZE.1);
    let mut hands = Hands::on(&display);
    let [a, b] = [alice, bob].map(|start| Window::open(&display, start));
    hands.place(&a, 0, 0, SIZE);
    hands.place(&b, SIZE.0, 0, SIZE);
    let mut shown = Pictures::new(&display)?;

    hands.sees(&a, "straight from your program");
    hands.sees(&b, "welcome to Hobnob");
    shown.take("1-two-windows")?;

    println!("\ntranscript");
    let talk = [
        (true, "Straight from mine to yours, yes. The server only introduced us."),
        (false, "And it cannot read this?"),
        (true, "No: TLS 1.3 between the two of us, with keys that we pinned."),
        (false, "Then send me the picture 🙂"),
    ];
    for (by_alice, text) in talk {
        let (from, to) = if by_alice { (&a, &b) } else { (&b, &a) };
        hands.fill(from, "Message", text);
        hands.click(from, "Send");
        hands.sees(to, text);
        println!("  {}: {text}", from.name);
    }
    shown.take("2-conversation")?;

    let picture = random_file(&home.join("holiday.jpg"), FILE, 42);
    hands.attach(&a, &picture);
    hands.sees(&b, "holiday.jpg");
    println!("  alice offers holiday.jpg ({} MiB)", FILE >> 20);
    shown.take("3-offer")?;
    hands.click(&b, "Accept");
    let arrived = bob.downloads.join("holiday.jpg");
    until("the file has arrived", Duration::from_mins(1), || arrived.exists());
    ensure!(hash(&arrived) == hash(&picture), "the file differs at the other end");
    hands.sees_button(&b, "Open Folder");
    println!("  bob received holiday.jpg, equal to the last byte");
    shown.take("4-file-received")?;

    println!("\nscreenshots");
    for path in &shown.taken {
        println!("{}", path.display());
    }
    Ok(())
}

/// The pictures of this run.
struct Pictures<'a> {
    display: &'a Display,
    folder: PathBuf,
    taken: Vec<PathBuf>,
}

impl<'a> Pictures<'a> {
    fn new(display: &'a Display) -> anyhow::Result<Self> {
        let folder = target().join("demo").join("screenshots");
        std::fs::create_dir_all(&folder)?;
        let folder = std::path::absolute(folder)?;
        Ok(Self { display, folder, taken: Vec::new() })
    }

    fn take(&mut self, name: &str) -> anyhow::Result<()> {
        let path = self.display.photograph(&self.folder.join(format!("{name}.png")));
        ensure!(path.is_file(), "no picture at {}", path.display());
        self.taken.push(path);
        Ok(())
    }
}
