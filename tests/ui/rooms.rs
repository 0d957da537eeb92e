//! Two people meet in a room: one joins by the dialog, the other at the entrance; they talk, and one leaves and comes back.

use hobnob_tests::story::PASSWORD;

use crate::story::{Desk, house, sign_up};

#[test]
fn two_people_who_are_no_friends_talk_in_a_room() {
    let Some(house) = house() else { return };
    let mut desk = Desk::new(&house);
    let Desk { hands, alice, bob, .. } = &mut desk;

    sign_up(hands, alice, "alice");
    hands.sees(alice, "alice · available");
    hands.click(alice, "Join Room");
    hands.sees_button(alice, "Cancel");
    hands.fill(alice, "Room ID", "Tea");
    hands.click(alice, "Join");
    hands.sees(alice, "1 member, 1 online");
    hands.sees(alice, "nobody else online");
    // The dialog closed; a screen reader may not know that yet.
    hands.asks_beyond(alice);

    // At the entrance a wrong id is told before anything is sent.
    hands.sees(bob, "Username");
    hands.fill(bob, "Username", "bob");
    hands.fill(bob, "Password", PASSWORD);
    hands.fill(bob, "Room ID (optional)", "tea room");
    hands.click(bob, "Sign Up");
    hands.sees(bob, "A room ID is 1 to 32");
    hands.fill(bob, "Room ID (optional)", "#tea");
    hands.click(bob, "Sign Up");
    hands.sees(bob, "2 members, 2 online");
    hands.sees(alice, "2 members, 2 online");
    hands.sees(alice, "direct to 1 of 1 other");
    hands.sees(bob, "direct to 1 of 1 other");
    desk.picture("7-room");

    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.fill(alice, "Message", "Hello <b>room</b> & co");
    hands.click(alice, "Send");
    hands.sees(bob, "Hello <b>room</b> & co");
    hands.sees(alice, "delivered to bob");
    hands.type_into(bob, "Message", "Hello Alice");
    hands.key(bob, "Return");
    hands.sees(alice, "Hello Alice");
    hands.click(alice, "Members");
    hands.sees(alice, "alice, you · owner · available");
    hands.sees(alice, "bob, available · direct");
    hands.key(alice, "Escape");
    desk.all_named();
    desk.picture("8-room-conversation");

    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.click(bob, "Conversation Menu");
    hands.click(bob, "Leave Room…");
    hands.click(bob, "Leave");
    hands.sees(bob, "You left #tea");
    hands.sees(alice, "1 member, 1 online");
    hands.sees(bob, "Hello Alice");
    desk.picture("9-room-left");
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.click(bob, "Join Again");
    hands.sees(bob, "2 members, 2 online");
    hands.sees(alice, "2 members, 2 online");
}
