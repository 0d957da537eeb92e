//! Pictures of people in two windows: chosen in the one, seen in the other, gone again; what is none is refused in words.

use hobnob_tests::client::SOON;
use hobnob_tests::files::{bomb, plain_picture};
use hobnob_tests::process::until;
use hobnob_tests::story::say;
use serde_json::json;

use crate::story::{Desk, friends};

/// Colours that nothing else in the window has.
const ALICE: [u8; 3] = [220, 20, 200];
const BOB: [u8; 3] = [20, 200, 190];
/// Dots of a small picture in a list: 36 wide and round, and the dot of the presence on it.
const SMALL: usize = 600;

#[test]
fn a_picture_is_chosen_in_one_window_and_seen_in_the_other() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let his = plain_picture(&house.path("bob.bmp"), BOB);
    bob.done(json!({"command": "set_avatar", "path": his}));
    alice.expect(json!({"event": "avatar", "user": "bob"}));
    say(&mut alice, &mut bob, "how do I look?");
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.open_friend(alice, "bob");
    hands.reads(bob, "how do I look?");
    // Bob's is known from before: in the list, and a smaller one in the header.
    until("bob is seen in alice's window", SOON * 3, || desk.dots(BOB).0 > SMALL + 300);

    let Desk { hands, alice, .. } = &mut desk;
    hands.click(alice, "Main Menu");
    hands.click(alice, "Set Picture…");
    hands.sees(alice, "Your Picture");
    hands.click(alice, "Choose File…");
    hands.choose_in_dialog(alice, &bomb(&house.path("bomb.png")));
    hands.sees(alice, "The picture is too large");
    hands.click(alice, "Choose File…");
    hands.choose_in_dialog(alice, &plain_picture(&house.path("alice.bmp"), ALICE));
    hands.sees_no_more(alice, "The picture is too large");
    until("it is shown before it is set", SOON * 3, || desk.dots(ALICE).0 > 10_000);
    assert_eq!(desk.dots(ALICE).1, 0, "nobody else has seen it");
    desk.picture("40-own-picture");
    let Desk { hands, alice, .. } = &mut desk;
    hands.click(alice, "Set Picture");
    hands.sees_no_more(alice, "Your Picture");
    until("alice is seen in bob's window", SOON * 3, || desk.dots(ALICE).1 > SMALL + 300);
    desk.all_named();
    desk.picture("40-pictures-of-people");

    // After a restart of hers; and then she takes it away.
    desk.alice_again(&house);
    until("bob is seen again", SOON * 3, || desk.dots(BOB).0 > SMALL);
    let Desk { hands, alice, .. } = &mut desk;
    hands.click(alice, "Main Menu");
    hands.click(alice, "Set Picture…");
    hands.click(alice, "Remove");
    hands.sees_no_more(alice, "Your Picture");
    until("alice is seen no more", SOON * 3, || desk.dots(ALICE) == (0, 0));
}
