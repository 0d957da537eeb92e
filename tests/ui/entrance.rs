//! The entrance of who has an account: what it says is true, whyever one stands there, and the window's title names nobody any more.

use hobnob_tests::client::Client;
use hobnob_tests::story::{House, PASSWORD, say};
use hobnob_tests::window::{Hands, Window};
use serde_json::{Value, json};

use crate::story::{SIZE, alone, friends};

const REMOVED: &str = "This device was removed from your account. Sign in with the password to add it again.";
const NO_PASSWORD: &str = "no password is needed";

/// Another device of Alice's, and which device it is that she had before.
fn phone(house: &House) -> (Client, Value) {
    let mut phone = Client::start(&house.start("phone"));
    phone.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    let listed = phone.done(json!({"command": "devices"}))["devices"].as_array().cloned().unwrap_or_default();
    let [other] = &listed.iter().filter(|device| device["this"] == false).collect::<Vec<_>>()[..] else {
        panic!("one other device: {listed:?}")
    };
    (phone, other["device"].clone())
}

fn remove(phone: &mut Client, device: &Value) {
    phone.done(json!({"command": "remove_device", "password": PASSWORD, "device": device}));
}

/// The device is not the account's any more, and nothing contradicts that.
fn is_removed(hands: &mut Hands, window: &Window) {
    hands.reads(window, REMOVED);
    hands.sees_no_more(window, NO_PASSWORD);
    hands.sees(window, "Password");
    hands.sees_no_window(window, "bob — Hobnob");
}

#[test]
fn who_is_signed_out_needs_no_password_until_the_device_is_removed_and_the_title_names_nobody() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut bob, &mut alice, "hello");
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    hands.sees_window(&alice, "bob — Hobnob");
    let (mut phone, device) = phone(&house);
    let sign_out = |hands: &mut Hands| {
        hands.click(&alice, "Main Menu");
        hands.click(&alice, "Sign Out");
        hands.sees(&alice, "Sign Out?");
        hands.click(&alice, "Sign Out");
        hands.reads(&alice, NO_PASSWORD);
    };
    sign_out(&mut hands);
    hands.sees_no_window(&alice, "bob — Hobnob");
    assert!(!hands.is_shown(&alice, "Password"));
    hands.click(&alice, "Sign In");
    hands.sees_window(&alice, "bob — Hobnob");

    // While nobody was there to be told.
    sign_out(&mut hands);
    remove(&mut phone, &device);
    hands.click(&alice, "Sign In");
    is_removed(&mut hands, &alice);
    hands.click(&alice, "Sign In");
    hands.sees(&alice, "Type a password.");
    hands.fill(&alice, "Password", PASSWORD);
    hands.click(&alice, "Sign In");
    hands.sees_window(&alice, "bob — Hobnob");
}

#[test]
fn a_device_that_was_removed_asks_for_the_password_also_after_a_restart() {
    let Some((house, mut alice, _bob)) = friends() else { return };
    assert!(alice.quit().success());
    let (display, mut hands, mut alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    hands.sees_window(&alice, "bob — Hobnob");
    let (mut phone, device) = phone(&house);
    remove(&mut phone, &device);
    is_removed(&mut hands, &alice);
    alice.process.kill();
    alice = Window::open(&display, &house.start("alice"));
    hands.place(&alice, 0, 0, SIZE);
    is_removed(&mut hands, &alice);
    hands.fill(&alice, "Password", PASSWORD);
    hands.click(&alice, "Sign In");
    hands.sees(&alice, "alice · available");
}
