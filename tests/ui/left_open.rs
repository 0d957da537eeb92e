//! What stands open when something else happens: a window of its own when the main one is hidden, what is searched when one is signed out
//! elsewhere, the preferences when something is said; and what is told to who listens when it was taken back.

use std::process::Stdio;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::display::Display;
use hobnob_tests::process::{Process, until};
use hobnob_tests::programs::program;
use hobnob_tests::story::{PASSWORD, say};
use hobnob_tests::window::{Hands, Window};
use serde_json::json;

use crate::story::{SIZE, alone, alone_on, alone_preferring, friends, house};

fn titled(hands: &mut Hands, window: &Window, title: &str) {
    hands.ask(window, json!({"do": "wait", "role": "frame", "name": title})).unwrap();
}

fn press_in(hands: &mut Hands, window: &Window, title: &str, name: &str) {
    hands.ask(window, json!({"do": "act", "role": "button", "name": name, "inside": title})).unwrap();
}

#[test]
fn a_hidden_main_window_comes_back_for_what_is_wanted_in_it() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut bob, &mut alice, "from bob");
    assert!(alice.quit().success());
    let (_display, mut hands, alice) =
        alone_preferring(&house, &json!({"run-in-background": true, "background-explained": true}));
    // By keys that lead there, and with the last tab of the other window, which goes with it.
    for key in ["ctrl+f", "ctrl+shift+y", ""] {
        hands.open_friend(&alice, "bob");
        hands.reads(&alice, "from bob");
        hands.key(&alice, "ctrl+shift+d");
        titled(&mut hands, &alice, "bob — Hobnob");
        titled(&mut hands, &alice, "Hobnob");
        press_in(&mut hands, &alice, "Hobnob", "Close");
        until("the main window is hidden", SOON, || hands.windows(&alice) == 1);
        if !key.is_empty() {
            hands.key(&alice, key);
            until("the main window is back", SOON, || hands.windows(&alice) == 2);
        }
        hands.click(&alice, "Move to Main Window");
        hands.ask(&alice, json!({"do": "gone", "role": "frame", "name": "Hobnob"})).unwrap();
        titled(&mut hands, &alice, "bob — Hobnob");
        until("the tab is where one sees it", SOON, || hands.windows(&alice) == 1);
    }
}

#[test]
fn nothing_of_ones_conversations_stays_open_over_the_entrance() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut bob, &mut alice, "a secret word");
    let mut phone = Client::start(&house.start("phone"));
    phone.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    let listed = phone.done(json!({"command": "devices"}));
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.sees(&alice, "alice · available");
    hands.sees_button(&alice, "bob, available, 1 unread");
    hands.key(&alice, "ctrl+shift+f");
    hands.is_at(&alice, "Search Messages, People, Rooms and Files");
    hands.write(&alice, "secret");
    hands.reads(&alice, "a secret word");
    let devices = listed["devices"].as_array().unwrap();
    let other = devices.iter().find(|device| device["this"] != true).unwrap_or_else(|| panic!("{listed}"));
    phone.done(json!({"command": "remove_device", "password": PASSWORD, "device": other["device"]}));
    hands.sees(&alice, "Username");
    hands.sees_no_more(&alice, "a secret word");
    assert_eq!(hands.windows(&alice), 1, "nothing stands over the entrance");
}

#[test]
fn what_is_said_over_the_preferences_is_told_there() {
    let Some(house) = house() else { return };
    assert!(house.person("alice").quit().success());
    let (display, mut hands, alice) = alone(&house);
    hands.sees(&alice, "alice · available");
    hands.key(&alice, "ctrl+comma");
    hands.turn(&alice, "Conversations");
    hands.toggle(&alice, "Last Seen");
    hands.is_told(&alice, "Preferences", "Friends see when you were last online");
    display.photograph(&hobnob_tests::window::pictures("ui-screenshots").join("34-said-over-preferences.png"));
}

#[test]
fn what_was_taken_back_is_not_left_to_who_listens() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.sees(&alice, "bob, available");
    hands.open_friend(&alice, "bob");
    let told = |hands: &mut Hands, words: &str| hands.is_told(&alice, "bob — Hobnob", words);
    let sent = bob.done(json!({"command": "send", "to": "@alice", "text": "a slip"}));
    told(&mut hands, "bob: a slip");
    bob.done(json!({"command": "delete", "message": sent["message"]}));
    hands.sees_no_more(&alice, "a slip");
    let sent = bob.done(json!({"command": "send", "to": "@alice", "text": "a word"}));
    told(&mut hands, "bob: a word");
    bob.done(json!({"command": "edit", "message": sent["message"], "text": "another"}));
    hands.reads(&alice, "another");
    hands.sees_no_more(&alice, "a word");
}

#[test]
fn a_link_that_is_clicked_twice_is_asked_about_once() {
    let Some(house) = house() else { return };
    assert!(house.person("alice").quit().success());
    let (display, mut hands, alice) =
        alone_preferring(&house, &json!({"run-in-background": true, "background-explained": true}));
    hands.sees(&alice, "alice · available");
    // Also while the window is hidden.
    hands.key(&alice, "ctrl+w");
    until("the window is hidden", SOON, || hands.windows(&alice) == 0);
    for invite in ["hobnob:mallory", "hobnob:mallory", "hobnob:trudy"] {
        let mut command = display.command(program("hobnob"));
        command.arg("--profile").arg(house.path("alice")).arg(invite).stdin(Stdio::null());
        assert!(Process::start("a click", &mut command).wait(SOON).success());
        until("there is the window, and one question", SOON, || hands.windows(&alice) == 2);
    }
    hands.key(&alice, "Escape");
    until("nothing is asked any more", SOON, || hands.windows(&alice) == 1);
}

#[test]
fn preferences_that_cannot_be_kept_hold_until_the_end_also_for_who_is_signed_out() {
    let Some(house) = house() else { return };
    let mut alice = house.person("alice");
    alice.done(json!({"command": "sign_out"}));
    assert!(alice.quit().success());
    let display = Display::start(SIZE.0, SIZE.1);
    // A file stands where their folder should be.
    std::fs::write(display.home.path().join("config/hobnob"), "").unwrap();
    let (_display, mut hands, alice) = alone_on(display, &house);
    hands.sees(&alice, "Username");
    hands.key(&alice, "ctrl+comma");
    hands.turn(&alice, "Conversations");
    // What belongs to the account cannot be changed now, and is shown as it is.
    let before = hands.is_on(&alice, "Last Seen");
    hands.toggle(&alice, "Last Seen");
    hands.is_told(&alice, "Preferences", "You are not signed in.");
    // The library takes the first for the words.
    hands.key(&alice, "Escape");
    assert_eq!(hands.is_on(&alice, "Last Seen"), before);
    hands.turn(&alice, "Behaviour");
    hands.toggle(&alice, "Keep Running When Closed");
    hands.key(&alice, "Escape");
    hands.sees_no_more(&alice, "Keep Running When Closed");
    hands.click(&alice, "Sign In");
    hands.sees(&alice, "alice · available");
    hands.key(&alice, "ctrl+w");
    until("the window is hidden", SOON, || hands.windows(&alice) == 0);
}
