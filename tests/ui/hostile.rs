//! Texts that nobody should write, in every place of the real window where other people's words stand: shown as they are, with what would
//! deceive made visible, and nothing beside them changes. A text that no message has room for goes as a file.

use std::path::Path;
use std::time::{Duration, Instant};

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::display::Display;
use hobnob_tests::notifications::Notifications;
use hobnob_tests::process::until;
use hobnob_tests::room::{TEA, join};
use hobnob_tests::story::{House, say, text_of};
use hobnob_tests::window::{Hands, Window};
use serde_json::json;

use crate::hostile_cases::{ADDRESSES, in_a_bubble, in_a_line, in_a_notification, in_a_quote, in_the_list, texts};
use crate::story::friends;

const SIZE: (u32, u32) = (1100, 900);
/// Links that a menu offers at most.
const IN_A_MENU: usize = 5;
/// Bytes of a text that fills the view.
const LONG: usize = 300;
/// Nothing to see, where a line may be broken: it may be added.
const BREAK: char = '\u{200B}';
/// Rows of a list that are looked at, from its end: more than one round adds.
const NEWEST: usize = 60;
/// Texts that are sent before the whole window is looked through.
const AT_ONCE: usize = 6;

struct Stage {
    hands: Hands,
    window: Window,
    desktop: Notifications,
    _display: Display,
}

impl Stage {
    /// Alice's window after her program has quit: her conversation with Bob is in front, and they are linked.
    fn after(house: &House, mut alice: Client, bob: &mut Client) -> Self {
        assert!(alice.quit().success());
        let display = Display::start(SIZE.0, SIZE.1);
        let desktop = Notifications::on(&display);
        let mut hands = Hands::on(&display);
        let window = Window::open(&display, &house.start("alice"));
        hands.place(&window, 0, 0, SIZE);
        hands.open_friend(&window, "bob");
        bob.expect_within(SOON * 3, json!({"event": "link", "user": "alice", "path": "direct"}));
        Self { hands, window, desktop, _display: display }
    }

    /// Waits for a notification of this text, as the desktop shows it: markup is read, and how many came before stands above it.
    fn is_told(&mut self, text: &str) {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&apos;");
        self.is_told_as(&escaped.replace('"', "&quot;"));
    }

    /// Waits for a notification with this body, or with this behind what came before.
    fn is_told_as(&mut self, body: &str) {
        // What has no width, so that a line can be broken there, may be added, and counts where the body is cut.
        let wanted = body.replace(BREAK, "");
        loop {
            let told = self.desktop.told();
            let said = told["body"].as_str().unwrap_or_default().replace(BREAK, "");
            let said = said.split_once(" new messages\nbob: ").map_or(said.as_str(), |(_, newest)| newest);
            let is_cut = wanted.starts_with(said) && said.chars().count() + 10 > wanted.chars().count();
            let title = told["title"].as_str().unwrap_or_default();
            if ["bob in #tea", "#tea"].contains(&title) && is_cut && said.is_empty() == wanted.is_empty() {
                return;
            }
        }
    }

    /// Waits until all of these are shown, each as often as it is named here: the role of what shows it, and all that it is called. In the
    /// same look the window has the name that it should have.
    fn shows(&mut self, wanted: &[(&str, String)]) {
        let deadline = Instant::now() + SOON * 3;
        loop {
            let shown = self.hands.newest_texts(&self.window, NEWEST);
            let is_lacking = |wish: &&(&str, String)| {
                let often = wanted.iter().filter(|other| other == wish).count();
                let is_it = |name: &str| name.replace(BREAK, "") == wish.1.replace(BREAK, "");
                shown.iter().filter(|[role, name, _]| role == wish.0 && is_it(name)).count() < often
            };
            let lacking: Vec<_> = wanted.iter().filter(is_lacking).collect();
            if lacking.is_empty() {
                let frame = shown.iter().find(|[role, ..]| role == "frame").map(|[_, name, _]| name.as_str());
                assert_eq!(frame, Some("bob — Hobnob"), "the window's name");
                return;
            }
            let names: Vec<_> =
                shown.iter().map(|[role, name, _]| (role, name)).filter(|(_, name)| !name.is_empty()).collect();
            assert!(Instant::now() < deadline, "not shown: {lacking:?}\namong {names:?}");
        }
    }
}

/// A person's status, where it is one.
fn fits_status(text: &str) -> bool {
    text.chars().count() <= 140 && !text.trim().is_empty()
}

/// A reaction takes 64 bytes without control characters.
fn fits_reaction(text: &str) -> bool {
    text.len() <= 64 && !text.chars().any(char::is_control) && !text.trim().is_empty()
}

fn fits_file_name(text: &str) -> bool {
    text.len() <= 200 && !text.contains(['/', '\0']) && !text.trim().is_empty()
}

/// Bob says a text in every way there is; what is to be seen of it in the timeline.
fn say_everywhere(bob: &mut Client, house: &House, text: &str) -> Vec<(&'static str, String)> {
    let bubble = in_a_bubble(text);
    if text.len() >= LONG {
        // It fills the view: what comes behind it would push it out before it is laid out.
        bob.done(json!({"command": "send", "to": "@alice", "text": text}));
        return vec![("label", bubble)];
    }
    // The message, and the one that was changed to it; and the button that leads from the answer to it.
    let mut wanted = vec![("label", bubble.clone()), ("label", bubble)];
    wanted.push(("button", format!("Go to the Message, in answer to bob: {}", in_a_quote(text))));
    let sent = bob.done(json!({"command": "send", "to": "@alice", "text": text}));
    let edited = bob.done(json!({"command": "send", "to": "@alice", "text": "another text at first"}));
    bob.done(json!({"command": "edit", "message": edited["message"], "text": text}));
    // Behind both, so that it is seen: what is not in view was never laid out.
    bob.done(json!({"command": "send", "to": "@alice", "text": "an answer", "reply_to": sent["message"]}));
    if fits_file_name(text) {
        let path = house.path("files").join(text);
        std::fs::write(&path, b"x").unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let offer = bob.done(json!({"command": "send_file", "to": "@alice", "path": path}));
        wanted.push(("label", in_a_line(text)));
        // Only so many may wait for an answer.
        bob.done(json!({"command": "cancel_file", "transfer": offer["transfer"]}));
    }
    bob.done(json!({"command": "send", "to": "@alice", "text": "a <b>neighbour</b> & nothing more"}));
    wanted.push(("label", "a <b>neighbour</b> & nothing more".to_owned()));
    wanted
}

/// Bob sets each as a reaction to one message; what the buttons below that are called.
fn react(bob: &mut Client, texts: &[String]) -> Vec<(&'static str, String)> {
    let mut named = Vec::new();
    let texts: Vec<_> = texts.iter().filter(|text| fits_reaction(text)).collect();
    if texts.is_empty() {
        return named;
    }
    let message = bob.done(json!({"command": "send", "to": "@alice", "text": "what do you think?"}))["message"].clone();
    for text in texts {
        match bob.ask(json!({"command": "react", "message": message, "emoji": text})) {
            Ok(_) => named.push(("button", format!("{} 1, by bob: set it too", in_a_line(text)))),
            Err(refused) => assert_eq!(refused["code"], "bad_emoji", "{text:?}"),
        }
    }
    named
}

#[test]
fn whatever_is_written_is_shown_as_it_is_and_disturbs_nobody() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    for person in [&mut alice, &mut bob] {
        join(person, TEA);
    }
    std::fs::create_dir(house.path("files")).unwrap();
    let mut stage = Stage::after(&house, alice, &mut bob);
    let mut slowest = Duration::ZERO;
    let (short, long): (Vec<_>, Vec<_>) = texts().into_iter().partition(|text| text.len() < LONG);
    for (round, batch) in short.chunks(AT_ONCE).chain(long.chunks(1)).enumerate() {
        let mut wanted = Vec::new();
        for text in batch {
            let begun = Instant::now();
            // The list beside the conversation, and a notification.
            bob.done(json!({"command": "send", "to": TEA, "text": text}));
            let line = format!("bob: {}", in_the_list(text));
            stage
                .hands
                .line_has(&stage.window, "room #tea, ", &line)
                .unwrap_or_else(|error| panic!("{text:?}: {error}"));
            slowest = slowest.max(begun.elapsed());
            stage.is_told(&in_a_notification(text));
            if fits_status(text) {
                bob.done(json!({"command": "set_presence", "presence": "available", "text": text}));
                let status = in_a_line(text.trim());
                stage
                    .hands
                    .line_has(&stage.window, "bob, ", &status)
                    .unwrap_or_else(|error| panic!("{text:?}: {error}"));
            }
            wanted.extend(say_everywhere(&mut bob, &house, text));
        }
        stage.shows(&wanted);
        // In view, whatever came before.
        let reactions = react(&mut bob, batch);
        if !reactions.is_empty() {
            stage.shows(&reactions);
        }
        eprintln!("round {round}: {} texts, {} places", batch.len(), wanted.len());
    }
    eprintln!("from a friend's program to the window's list and back to a screen reader: {slowest:?} at most");
    stage.hands.line_has(&stage.window, "room #tea, ", "2 of 2 online").unwrap();
}

#[test]
fn what_a_desktop_takes_for_markup_is_none() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    join(&mut alice, TEA);
    join(&mut bob, TEA);
    let mut stage = Stage::after(&house, alice, &mut bob);
    for (text, body) in [
        (
            "<b>bold</b> & <img src=\"http://192.0.2.1/seen.png\"/>",
            "&lt;b&gt;bold&lt;/b&gt; &amp; &lt;img src=&quot;http://192.0.2.1/seen.png&quot;/&gt;",
        ),
        ("plain", "plain"),
    ] {
        bob.done(json!({"command": "send", "to": TEA, "text": text}));
        stage.is_told_as(body);
    }
}

#[test]
fn of_eighty_odd_addresses_only_those_of_the_web_are_links() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "what do you know?");
    let mut stage = Stage::after(&house, alice, &mut bob);
    let Stage { hands, window, .. } = &mut stage;
    for (round, some) in ADDRESSES.chunks(IN_A_MENU).enumerate() {
        let all: Vec<_> = some.iter().map(|(address, _)| *address).collect();
        let text = format!("{round}: {} .", all.join(" "));
        bob.done(json!({"command": "send", "to": "@alice", "text": text}));
        hands.reads(window, &text);
        // The message's menu names the hosts of its links.
        hands.menu(window, &text);
        hands.sees(window, "Copy Text");
        let menu = hands.texts(window);
        let named = |name: &String| name.strip_prefix("Open Link to ")?.strip_suffix('…').map(str::to_owned);
        let mut offered: Vec<_> =
            menu.iter().filter(|[role, ..]| role == "menu item").filter_map(|[_, name, _]| named(name)).collect();
        let mut wanted: Vec<_> = some.iter().filter_map(|(_, host)| host.map(str::to_owned)).collect();
        offered.sort();
        wanted.sort();
        assert_eq!(offered, wanted, "{text}");
        hands.key(window, "Escape");
        hands.sees_no_more(window, "Copy Text");
    }
}

fn pasted(house: &House) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(house.path("alice").join("pasted")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn received(house: &House, name: &Path) -> Option<Vec<u8>> {
    let path = std::fs::read_dir(house.path("bob-downloads"))
        .ok()?
        .flatten()
        .find(|entry| entry.path().file_name() == name.file_name());
    std::fs::read(path?.path()).ok()
}

#[test]
fn a_text_that_is_too_long_goes_as_a_file() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "wait for it");
    let long: String = (0..)
        .map(|n| format!("line {n} of <b>200 KiB</b>\n"))
        .scan(0, |size, line| {
            *size += line.len();
            (*size <= 200 << 10).then_some(line)
        })
        .collect();
    let file = house.path("long.txt");
    std::fs::write(&file, &long).unwrap();
    let mut stage = Stage::after(&house, alice, &mut bob);
    let Stage { hands, window, .. } = &mut stage;
    hands.copy_text(window, &file);
    hands.type_into(window, "Message", "before");
    hands.key(window, "ctrl+v");
    hands.sees(window, "a message has room for 16 KB");
    hands.click(window, "Cancel");
    hands.sees_no_more(window, "a message has room for 16 KB");
    assert!(pasted(&house).is_empty(), "nothing is kept of what is not sent");
    hands.key(window, "ctrl+v");
    hands.click(window, "Send as File");
    let offered = bob.expect_within(SOON * 3, json!({"event": "file_offered", "from": "alice"}));
    let name = text_of(&offered["name"]);
    assert!(name.starts_with("Text ") && Path::new(&name).extension().is_some_and(|ending| ending == "txt"), "{name}");
    bob.done(json!({"command": "accept_file", "transfer": offered["transfer"]}));
    bob.expect(json!({"event": "file_finished", "transfer": offered["transfer"]}));
    let kept = pasted(&house);
    assert_eq!(kept.len(), 1);
    assert_eq!(received(&house, &kept[0]).as_deref(), Some(long.trim().as_bytes()));
    // What was written stays, and a short text is pasted as ever.
    std::fs::write(&file, " and <after>").unwrap();
    hands.copy_text(window, &file);
    hands.key(window, "ctrl+v");
    hands.sees(window, "before and <after>");
    hands.key(window, "Return");
    bob.expect_within(SOON * 3, json!({"event": "message", "text": "before and <after>"}));
    // One that was written goes from the composer once it is kept.
    hands.fill(window, "Message", &long);
    hands.click(window, "Send");
    hands.click(window, "Send as File");
    let again = bob.expect_within(SOON * 3, json!({"event": "file_offered", "from": "alice"}));
    assert_ne!(again["transfer"], offered["transfer"]);
    until("the field is empty", SOON, || {
        !stage.hands.texts(&stage.window).iter().any(|[_, name, text]| name == "Message" && text.contains("line 17 "))
    });
}
