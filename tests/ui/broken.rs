//! The broken desktop: a notification service that refuses, hangs, goes and comes back; a session bus that never answers.

use std::os::unix::net::UnixListener;
use std::process::Stdio;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::display::Display;
use hobnob_tests::notifications::Notifications;
use hobnob_tests::process::{Process, until};
use hobnob_tests::programs::program;
use hobnob_tests::story::{House, linked};
use hobnob_tests::window::{Hands, Window};
use serde_json::json;

use crate::story::{SIZE, alone_on, friends, house};

/// A notification service, Alice's window in front of Carol, and Bob.
struct Desktop {
    hands: Hands,
    service: Notifications,
    alice: Window,
    bob: Client,
    _carol: Client,
    _house: House,
    _display: Display,
}

impl Desktop {
    /// The service is in this mood from the beginning.
    fn new(mood: &str) -> Option<Self> {
        let (house, mut alice, bob) = friends()?;
        let mut carol = house.friend_of(&mut alice, "carol");
        linked(&mut alice, &mut carol, "direct");
        assert!(alice.quit().success());
        let display = Display::start(SIZE.0, SIZE.1);
        let mut service = Notifications::on(&display);
        service.be(mood);
        let (display, mut hands, alice) = alone_on(display, &house);
        hands.open_friend(&alice, "carol");
        hands.sees(&alice, "Say Hello");
        hands.type_into(&alice, "Message", "");
        Some(Self { hands, service, alice, bob, _carol: carol, _house: house, _display: display })
    }

    fn bob_says(&mut self, text: &str) {
        self.bob.done(json!({"command": "send", "to": "@alice", "text": text}));
    }
}

#[test]
fn a_notification_service_that_could_not_answer_at_first_is_told_no_markup() {
    let Some(mut desktop) = Desktop::new("refuses") else { return };
    desktop.bob_says("one <b>");
    desktop.service.asked("GetCapabilities");
    desktop.service.asked("Notify");
    desktop.service.be("works");
    desktop.bob_says("two <b>");
    let (_, title, body) = desktop.service.shown();
    assert_eq!((title.as_str(), body.as_str()), ("bob", "2 new messages\ntwo &lt;b&gt;"));
}

#[test]
fn a_notification_service_that_came_anew_is_not_asked_about_what_another_one_showed() {
    let Some(mut desktop) = Desktop::new("works") else { return };
    desktop.bob_says("one");
    assert_eq!(desktop.service.shown().0, 1);
    desktop.service.start_again();
    desktop.bob_says("two");
    let told = desktop.service.told();
    assert_eq!((&told["number"], &told["replaces"]), (&json!(2), &json!(0)), "{told}");
    desktop.hands.open_friend(&desktop.alice, "bob");
    desktop.service.closed(2);
}

#[test]
fn a_notification_service_that_hangs_holds_up_nothing() {
    let Some(mut desktop) = Desktop::new("hangs") else { return };
    desktop.bob_says("one");
    desktop.service.asked("GetCapabilities");
    desktop.bob_says("two");
    desktop.hands.open_friend(&desktop.alice, "bob");
    desktop.hands.reads(&desktop.alice, "two");
    desktop.hands.key(&desktop.alice, "ctrl+q");
    assert!(desktop.alice.process.wait(SOON).success());
}

#[test]
fn a_session_bus_that_never_answers_keeps_no_window_from_coming() {
    let Some(house) = house() else { return };
    let (mut alice, _bob) = house.alice_and_bob();
    assert!(alice.quit().success());
    let mut display = Display::start(1000, 720);
    let mut hands = Hands::on(&display);
    // It takes whoever comes, and says nothing.
    let place = display.home.path().join("silent-bus");
    let _silent = UnixListener::bind(&place).unwrap();
    display.environment.push(("DBUS_SESSION_BUS_ADDRESS".to_owned(), format!("unix:path={}", place.display())));
    let start = house.start("alice");
    let mut alice = Window::open(&display, &start);
    until("the window is there", SOON, || hands.windows(&alice) == 1);
    // Nobody is found by a second start, which ends all the same.
    let mut command = display.command(program("hobnob"));
    command.arg("--profile").arg(&start.profile).stdin(Stdio::null());
    let mut second = Process::start("a second hobnob", &mut command);
    // It waits for the bus, and then to be read.
    assert!(!second.wait(SOON * 3).success());
    hands.key(&alice, "ctrl+q");
    assert!(alice.process.wait(SOON).success());
}
