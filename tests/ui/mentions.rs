//! Somebody is called in a room: chosen from the names behind an `@`, told apart from the rest for the one who is called.

use hobnob_tests::room::{TEA, join};
use serde_json::json;

use crate::story::{Desk, friends};

#[test]
fn a_member_is_called_by_keys_and_sees_that_in_the_list_and_in_the_room() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    join(&mut alice, TEA);
    join(&mut bob, TEA);
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(alice, "bob");
    hands.open_room(bob, TEA);
    hands.sees(bob, "direct to 1 of 1 other");
    hands.type_into(bob, "Message", "well @al");
    hands.sees(bob, "Mention alice, 1 of 1");
    desk.picture("25-mention");
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.key(bob, "Return");
    hands.sees_no_more(bob, "Mention alice");
    hands.type_into(bob, "Message", "look");
    hands.key(bob, "Return");
    hands.reads(bob, "well @alice look");
    // Who is called is told so before the room is opened, and after a restart.
    hands.sees(alice, "1 unread, mentions you");
    desk.alice_again(&house);
    let Desk { hands, alice, .. } = &mut desk;
    hands.sees(alice, "1 unread, mentions you");
    desk.picture("25-called");
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_room(alice, TEA);
    hands.reads(alice, "well @alice look");
    hands.sees_no_more(alice, "mentions you");
    // Escape leaves the names, and the text stays as it was written.
    hands.type_into(bob, "Message", "@a");
    hands.sees(bob, "Mention alice, 1 of 1");
    hands.key(bob, "Escape");
    hands.sees_no_more(bob, "Mention alice");
    hands.key(bob, "Return");
    hands.reads(alice, "@a");
}

#[test]
fn who_has_a_nickname_is_found_by_it_and_called_by_the_username() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    join(&mut alice, TEA);
    join(&mut bob, TEA);
    bob.done(json!({"command": "set_nickname", "user": "alice", "nickname": "Auntie Zoë"}));
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_room(alice, TEA);
    hands.open_room(bob, TEA);
    hands.sees(bob, "direct to 1 of 1 other");
    hands.type_into(bob, "Message", "well @zo");
    hands.sees(bob, "Mention Auntie Zoë (@alice), 1 of 1");
    desk.picture("25-nickname");
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.key(bob, "Return");
    hands.key(bob, "Return");
    hands.reads(alice, "well @alice");
}
