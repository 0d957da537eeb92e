//! People in two windows: a nickname and a note, muting, sorting and filtering, one's own invite, and an invite that is opened while the window
//! is there.

use hobnob_tests::client::Client;
use hobnob_tests::story::{say, text_of};
use hobnob_tests::window::{Hands, Window};
use serde_json::json;

use crate::story::{Desk, all_named, friends, house};

/// Whether one row of the sidebar stands above another.
fn is_above(hands: &mut Hands, window: &Window, one: &str, other: &str) -> bool {
    let tree = hands.tree(window);
    let place = |row: &str| tree.find(&format!("{row}, ")).unwrap_or_else(|| panic!("no row of {row} in\n{tree}"));
    place(one) < place(other)
}

fn choose(hands: &mut Hands, window: &Window, what: &str) {
    hands.click(window, "Sort and Filter");
    hands.click(window, what);
}

#[test]
fn a_nickname_is_given_and_the_list_stands_as_it_was_chosen() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let _carol = house.friend_of(&mut alice, "carol");
    say(&mut alice, &mut bob, "seen");
    say(&mut bob, &mut alice, "not seen yet");
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, .. } = &mut desk;

    hands.sees(alice, "bob, available, 1 unread");
    hands.menu(alice, "bob");
    hands.click(alice, "Details…");
    hands.sees(alice, "Not compared yet");
    hands.fill(alice, "Nickname", "Uncle <b>Bob");
    hands.fill(alice, "Note", "has my umbrella");
    all_named(hands, alice);
    desk.picture("30-details");
    let Desk { hands, alice, .. } = &mut desk;
    hands.click(alice, "Save");
    hands.sees(alice, "Uncle <b>Bob, bob, available, 1 unread");

    assert!(is_above(hands, alice, "carol", "Uncle <b>Bob"), "by presence, then by name");
    choose(hands, alice, "Recent First");
    choose(hands, alice, "Show Unread Only");
    hands.sees_no_more(alice, "carol, ");
    hands.sees(alice, "Uncle <b>Bob, bob, available, 1 unread");
    choose(hands, alice, "Show All");
    hands.sees(alice, "carol, ");
    assert!(is_above(hands, alice, "Uncle <b>Bob", "carol"), "who wrote last");

    hands.menu(alice, "Uncle <b>Bob");
    hands.click(alice, "Mute");
    hands.sees(alice, "Uncle <b>Bob, bob, available, muted, 1 unread");
    desk.picture("30-muted");
    let Desk { hands, alice, .. } = &mut desk;
    hands.open_friend(alice, "Uncle <b>Bob");
    // Whatever somebody is called, who it is stays in sight.
    hands.reads(alice, "@bob");

    desk.alice_again(&house);
    let Desk { hands, alice, .. } = &mut desk;
    hands.sees(alice, "Uncle <b>Bob, bob, available, muted");
    hands.sees(alice, "carol, ");
    assert!(is_above(hands, alice, "Uncle <b>Bob", "carol"), "kept over the restart");
}

#[test]
fn an_invite_is_shown_and_one_that_is_opened_asks_first() {
    let Some((house, alice, bob)) = friends() else { return };
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, .. } = &mut desk;
    hands.sees(alice, "bob, ");
    hands.click(alice, "Main Menu");
    hands.click(alice, "Invite Link…");
    hands.reads(alice, "hobnob:alice?k=");
    all_named(hands, alice);
    desk.picture("31-invite");
    let Desk { hands, alice, .. } = &mut desk;
    hands.click(alice, "Copy Invite Link");
    hands.sees(alice, "The invite link is copied.");

    let link = format!("hobnob:mallory?k={}", "01".repeat(32));
    assert!(desk.hand_over(&house, &link).success(), "the window that is open takes it");
    let Desk { hands, alice, .. } = &mut desk;
    hands.sees(alice, "The key of mallory in this invite will be pinned");
    desk.picture("31-invited");
    let Desk { hands, alice, .. } = &mut desk;
    hands.click(alice, "Cancel");
    hands.sees_no_more(alice, "mallory");

    assert!(desk.hand_over(&house, "hobnob:mal\u{202e}lory?k=1&now=yes").success());
    let Desk { hands, alice, .. } = &mut desk;
    hands.sees(alice, "This is not an invite of Hobnob");
    hands.click(alice, "Cancel");
    assert!(!desk.hand_over(&house, "https://example.org").success(), "that is no invite");
}

#[test]
fn an_invite_is_accepted_to_the_end() {
    let Some(house) = house() else { return };
    let [invite, _] = ["bob", "alice"].map(|name| {
        let mut person = house.person(name);
        let invite = text_of(&person.done(json!({"command": "invite"}))["invite"]);
        assert!(person.quit().success());
        invite
    });
    let mut desk = Desk::new(&house);
    desk.hands.sees(&desk.alice, "alice · available");
    desk.hands.sees(&desk.bob, "bob · available");
    assert!(desk.hand_over(&house, &invite).success());
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.sees(alice, "The key of bob in this invite will be pinned");
    hands.click(alice, "Add Friend");
    hands.click(bob, "Accept");
    hands.open_friend(alice, "bob");
    hands.open_friend(bob, "alice");
    hands.type_into(alice, "Message", "here I am");
    hands.key(alice, "Return");
    hands.reads(bob, "here I am");

    // Nobody stands between them.
    drop(desk);
    let mut alice = Client::start(&house.start("alice"));
    let number = alice.done(json!({"command": "safety_number", "user": "bob"}));
    let mut bob = Client::start(&house.start("bob"));
    assert_eq!(
        bob.done(json!({"command": "safety_number", "user": "alice"}))["safety_number"],
        number["safety_number"]
    );
}
