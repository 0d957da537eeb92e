//! What the window tells the desktop and keeps of what a person prefers: notifications, preferences, going on when it is closed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::display::Display;
use hobnob_tests::notifications::Notifications;
use hobnob_tests::process::{Process, until};
use hobnob_tests::programs::{program, top};
use hobnob_tests::room::{TEA, join};
use hobnob_tests::story::{House, PASSWORD, linked, text_of};
use hobnob_tests::window::{Hands, Window, pictures};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::story::{SIZE, all_named, alone_on, friends, house};

/// A display with a notification service and Alice's window; Bob and Carol are her friends, without windows.
struct Room {
    hands: Hands,
    service: Notifications,
    alice: Window,
    bob: Client,
    carol: Client,
    house: House,
    display: Display,
}

fn file(display: &Display) -> PathBuf {
    display.home.path().join("config/hobnob/preferences.json")
}

fn kept(display: &Display) -> Value {
    serde_json::from_slice(&std::fs::read(file(display)).unwrap()).unwrap()
}

impl Room {
    /// Opens it, with these preferences kept from an earlier time.
    fn new(preferences: &Value) -> Option<Self> {
        let (house, mut alice, bob) = friends()?;
        let mut carol = house.friend_of(&mut alice, "carol");
        linked(&mut alice, &mut carol, "direct");
        assert!(alice.quit().success());
        let display = Display::start(SIZE.0 + 400, SIZE.1);
        let place = file(&display);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(&place, preferences.to_string()).unwrap();
        let service = Notifications::on(&display);
        let (display, mut hands, alice) = alone_on(display, &house);
        // It is there, signed in, and looks at Carol.
        hands.open_friend(&alice, "carol");
        hands.sees(&alice, "Say Hello");
        hands.type_into(&alice, "Message", "");
        Some(Self { hands, service, alice, bob, carol, house, display })
    }

    fn picture(&self, name: &str) {
        self.display.photograph(&pictures("ui-screenshots").join(format!("{name}.png")));
    }

    fn bob_says(&mut self, text: &str) -> String {
        let sent = self.bob.done(json!({"command": "send", "to": "@alice", "text": text}));
        text_of(&sent["message"])
    }

    /// Alice looks at Carol, so that Bob is not in view.
    fn look_away(&mut self) {
        self.hands.open_friend(&self.alice, "carol");
        self.hands.type_into(&self.alice, "Message", "");
    }

    fn hidden(&mut self) {
        let Self { hands, alice, .. } = self;
        until("the window is hidden", SOON, || hands.windows(alice) == 0);
    }
}

#[test]
fn what_is_not_in_view_is_told_once_for_each_conversation_and_taken_back_when_it_was_seen() {
    let Some(mut room) = Room::new(&json!({})) else { return };
    // What is in view is not told: the first thing that is told comes from Bob.
    say_from(&mut room.carol, "here I am");
    room.hands.reads(&room.alice, "here I am");
    room.bob_says("hello <b>");
    let told = room.service.told();
    assert_eq!(
        (&told["title"], &told["body"], &told["replaces"]),
        (&json!("bob"), &json!("hello &lt;b&gt;"), &json!(0))
    );
    assert_eq!(
        (&told["icon"], &told["hints"]["desktop-entry"]),
        (&json!("org.hobnob.Hobnob"), &json!("org.hobnob.Hobnob"))
    );
    assert_eq!(told["hints"]["suppress-sound"], true, "no sound by default: {told}");
    let number = told["number"].as_u64().unwrap();
    room.bob_says("are you there?");
    let again = room.service.told();
    assert_eq!((&again["replaces"], &again["body"]), (&json!(number), &json!("2 new messages\nare you there?")));

    // A click leads to the place, and it counts as read there.
    room.service.click(number);
    room.hands.reads(&room.alice, "hello <b>");
    room.hands.reads(&room.alice, "are you there?");
    room.bob.wait("read", SOON, |event| event["event"] == "message_state" && event["state"] == "read");
    room.picture("30-clicked");

    // Read by hand: taken back.
    room.look_away();
    room.bob_says("one more");
    let (number, title, body) = room.service.shown();
    assert_eq!((title.as_str(), body.as_str()), ("bob", "one more"));
    room.hands.open_friend(&room.alice, "bob");
    room.service.closed(number);

    // Taken back by its author.
    room.look_away();
    let secret = room.bob_says("a slip");
    let (number, _, body) = room.service.shown();
    assert_eq!(body, "a slip");
    room.bob.done(json!({"command": "delete", "message": secret}));
    room.service.closed(number);

    // Read on another device of hers.
    let mut phone = Client::start(&room.house.start("phone"));
    phone.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    let message = room.bob_says("to both of you");
    let (number, _, body) = room.service.shown();
    assert!(body.ends_with("to both of you"), "{body}");
    phone.expect(json!({"event": "message", "message": message}));
    phone.done(json!({"command": "mark_read", "message": message}));
    room.service.closed(number);

    // Somebody asks to be friends, and is answered.
    let mut dave = room.house.person("dave");
    room.hands.unfocus(&room.alice);
    dave.done(json!({"command": "add_friend", "user": "alice"}));
    let (number, title, body) = room.service.shown();
    assert_eq!((title.as_str(), body.as_str()), ("dave", "wants to be friends with you"));
    room.hands.click(&room.alice, "Accept");
    room.service.closed(number);
}

fn say_from(from: &mut Client, text: &str) {
    from.done(json!({"command": "send", "to": "@alice", "text": text}));
}

#[test]
fn preferences_count_at_once_are_kept_and_hold_in_every_window() {
    // Muted from midnight to midnight, once it is turned on.
    let Some(mut room) = Room::new(&json!({"muted-from": 0, "muted-to": 0, "style": "purple"})) else { return };
    let Room { hands, alice, .. } = &mut room;
    hands.key(alice, "ctrl+comma");
    hands.sees(alice, "Text Size");
    all_named(hands, alice);
    hands.turn(alice, "Notifications");
    hands.toggle(alice, "Show Sender and Text");
    hands.toggle(alice, "Sound");
    room.picture("31-preferences");
    until("it is kept", SOON, || {
        kept(&room.display)["notification-text"] == false && kept(&room.display)["notification-sound"] == true
    });
    assert_eq!(std::fs::metadata(file(&room.display)).unwrap().permissions().mode() & 0o777, 0o600);
    let Room { hands, alice, .. } = &mut room;
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Show Sender and Text");
    room.look_away();
    room.bob_says("secret");
    let told = room.service.told();
    assert_eq!((&told["title"], &told["body"]), (&json!("Hobnob"), &json!("New message")));
    assert_eq!(told["hints"]["sound-name"], "message-new-instant");
    let number = told["number"].as_u64().unwrap();

    // Told in words again, then muted: what comes now is not told, and is there.
    let Room { hands, alice, .. } = &mut room;
    hands.key(alice, "ctrl+comma");
    hands.turn(alice, "Notifications");
    hands.toggle(alice, "Show Sender and Text");
    assert_eq!(room.service.shown(), (number, "bob".to_owned(), "secret".to_owned()));
    let Room { hands, alice, display, .. } = &mut room;
    hands.toggle(alice, "Muted Hours");
    until("it is kept", SOON, || kept(display)["muted-hours"] == true);
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Muted Hours");
    room.look_away();
    room.bob_says("at night");
    let Room { hands, alice, .. } = &mut room;
    hands.sees_button(alice, "bob, available, 2 unread");
    hands.key(alice, "alt+Down");
    hands.reads(alice, "at night");
    room.service.closed(number);

    // Writing is not shown, and Enter begins a new line; in Bob's window too.
    assert!(room.bob.quit().success());
    let bob = Window::open(&room.display, &room.house.start("bob"));
    let Room { hands, alice, display, .. } = &mut room;
    hands.key(alice, "ctrl+comma");
    hands.turn(alice, "Conversations");
    hands.toggle(alice, "Show That You Write");
    hands.toggle(alice, "Enter Sends");
    until("it is kept", SOON, || kept(display)["enter-sends"] == false && kept(display)["send-typing"] == false);
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Enter Sends");
    hands.open_friend(&bob, "alice");
    hands.reads(&bob, "at night");
    hands.type_into(&bob, "Message", "first line");
    hands.key(&bob, "Return");
    hands.key(&bob, "2");
    assert!(!hands.is_shown(alice, "bob is writing"), "not shown");
    hands.key(&bob, "ctrl+Return");
    hands.reads(alice, "first line\n2");
}

#[test]
fn a_closed_window_goes_on_where_that_is_preferred_and_the_next_start_shows_it() {
    let Some(mut room) = Room::new(&json!({"run-in-background": true})) else { return };
    // The tab, and then the window.
    for _ in 0..2 {
        room.hands.key(&room.alice, "ctrl+w");
    }
    let (number, title, _) = room.service.shown();
    assert_eq!(title, "Hobnob goes on");
    room.hidden();
    room.hands.asks_beyond(&room.alice);
    room.bob_says("still there?");
    let (message, title, body) = room.service.shown();
    assert_eq!((title.as_str(), body.as_str()), ("bob", "still there?"));

    // Started once more it comes back, and says why there is no second one.
    let mut command = room.display.command(program("hobnob"));
    command.arg("--profile").arg(room.house.path("alice")).stdin(Stdio::null());
    let mut second = Process::start("a second hobnob", &mut command);
    assert!(!second.wait(SOON).success());
    assert!(second.log().text().contains("in use already"), "{}", second.log().text());
    room.service.closed(number);
    let Room { hands, alice, .. } = &mut room;
    until("the window is back", SOON, || hands.windows(alice) == 1);
    hands.open_friend(alice, "bob");
    hands.reads(alice, "still there?");
    room.service.closed(message);

    // The second time nothing is explained; a click brings it back too.
    for _ in 0..2 {
        room.hands.key(&room.alice, "ctrl+w");
    }
    room.hidden();
    room.bob_says("and now?");
    let (message, _, _) = room.service.shown();
    room.service.click(message);
    let Room { hands, alice, .. } = &mut room;
    hands.reads(alice, "and now?");
    until("the window is back", SOON, || hands.windows(alice) == 1);
    room.picture("32-back");

    // Quit ends it. And so does a signal, also without a window.
    room.hands.key(&room.alice, "ctrl+q");
    assert!(room.alice.process.wait(SOON).success());
    room.alice = Window::open(&room.display, &room.house.start("alice"));
    room.hands.reads(&room.alice, "and now?");
    for _ in 0..2 {
        room.hands.key(&room.alice, "ctrl+w");
    }
    room.hidden();
    room.alice.process.signal(Signal::TERM);
    assert!(room.alice.process.wait(SOON).success());
}

#[test]
fn where_the_schema_is_installed_preferences_go_to_the_desktops_own_store() {
    let Some(house) = house() else { return };
    assert!(house.person("alice").quit().success());
    let mut display = Display::start(SIZE.0, SIZE.1);
    let schemas = display.home.path().join("schemas");
    std::fs::create_dir(&schemas).unwrap();
    let compiled =
        display.command("glib-compile-schemas").arg("--targetdir").arg(&schemas).arg(top().join("resources")).status();
    if let Err(error) = compiled {
        eprintln!("SKIPPED: glib-compile-schemas: {error} (make setup)");
        return;
    }
    for (name, value) in [("GSETTINGS_SCHEMA_DIR", schemas.to_str().unwrap()), ("GSETTINGS_BACKEND", "keyfile")] {
        display.environment.push((name.to_owned(), value.to_owned()));
    }
    let mut hands = Hands::on(&display);
    let alice = Window::open(&display, &house.start("alice"));
    hands.sees(&alice, "alice · available");
    hands.key(&alice, "ctrl+comma");
    hands.turn(&alice, "Behaviour");
    hands.toggle(&alice, "Keep Running When Closed");
    let store = display.home.path().join("config/glib-2.0/settings/keyfile");
    until("it is in the store", SOON, || {
        std::fs::read_to_string(&store).is_ok_and(|text| text.contains("[org/hobnob/Hobnob]\nrun-in-background=true"))
    });
    assert!(!file(&display).exists());
}

#[test]
fn a_mention_that_is_edited_away_is_told_no_more() {
    let Some(mut room) = Room::new(&json!({})) else { return };
    join(&mut room.bob, TEA);
    let Room { hands, alice, .. } = &mut room;
    hands.click(alice, "Join Room");
    hands.fill(alice, "Room ID", "tea");
    hands.click(alice, "Join");
    hands.sees(alice, "direct to 1 of 1 other");
    room.look_away();
    let sent = room.bob.done(json!({"command": "send", "to": TEA, "text": "@alice: is there tea?"}));
    let told = room.service.told();
    assert_eq!(told["title"], "bob mentions you in #tea");
    room.bob.done(json!({"command": "edit", "message": sent["message"], "text": "is there tea?"}));
    let again = room.service.told();
    assert_eq!((&again["title"], &again["body"]), (&json!("bob in #tea"), &json!("is there tea?")));
    assert_eq!(again["replaces"], told["number"]);
}
