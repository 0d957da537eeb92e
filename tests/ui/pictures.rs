//! Pictures: a file that is one is shown in both timelines once it has arrived, one that is made to do harm is not, and one that is pasted goes
//! the same way, to a friend and into a room.

use std::os::unix::fs::FileExt;

use hobnob_tests::client::SOON;
use hobnob_tests::files::{bomb, picture};
use hobnob_tests::process::until;
use hobnob_tests::story::offer;
use serde_json::json;

use crate::story::{Desk, friends, house, sign_up};

/// Memory that a window may need more for one picture, and for refusing another, in KiB.
const MORE_MEMORY: u64 = 32 << 10;

#[test]
fn pictures_are_shown_when_they_have_arrived_and_can_be_pasted() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let file = picture(&house.path("hills.bmp"), 90);
    offer(&mut alice, &mut bob, &file);
    offer(&mut alice, &mut bob, &bomb(&house.path("bomb.png")));
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.open_friend(alice, "bob");
    hands.sees(bob, "hills.bmp");
    assert!(!hands.is_shown(bob, "Picture: hills.bmp"), "nothing is shown of what was only offered");
    let before = bob.process.memory();
    // The newest is found first.
    hands.click(bob, "Accept");
    until("the bomb is there", SOON, || house.path("bob-downloads").join("bomb.png").exists());
    hands.sees_button(bob, "Open Folder");
    hands.click(bob, "Accept");
    hands.sees(bob, "Picture: hills.bmp");
    hands.sees(alice, "Picture: hills.bmp");
    assert!(!hands.is_shown(bob, "Picture: bomb.png"), "the bomb is shown");
    let after = bob.process.memory();
    assert!(after < before + MORE_MEMORY, "it needed {before} KiB and needs {after} KiB");

    // Text goes where it always went.
    hands.type_into(alice, "Message", "look");
    for key in ["ctrl+a", "ctrl+c", "End", "ctrl+v"] {
        hands.key(alice, key);
    }
    hands.sees(alice, "looklook");
    hands.copy_picture(alice, &file);
    hands.key(alice, "ctrl+v");
    hands.sees(alice, "Send this picture to bob?");
    hands.sees(alice, "Picture to send");
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Send this picture to bob?");
    assert!(!house.path("alice").join("pasted").exists(), "nothing is kept of what was not sent");
    hands.key(alice, "ctrl+v");
    hands.sees(alice, "Send this picture to bob?");
    hands.key(alice, "Return");
    hands.sees(bob, "Picture 2");
    hands.click(bob, "Accept");
    hands.sees(bob, "Picture: Picture 2");
    hands.sees(alice, "Picture: Picture 2");
    let kept = || std::fs::read_dir(house.path("alice").join("pasted")).into_iter().flatten().flatten().count();
    until("one picture is kept", SOON, || kept() == 1);
    hands.click(alice, "Send");
    hands.sees(bob, "looklook");
    desk.all_named();
    desk.picture("10-pictures");
}

#[test]
fn a_card_shows_what_came_with_it_and_never_what_took_its_place() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let kept = house.path("kept.bmp");
    for name in ["first.bmp", "second.bmp", "third.bmp"] {
        let file = picture(&house.path(name), 90);
        // All of one size, and no two alike.
        let mut bytes = std::fs::read(&file).unwrap();
        bytes.splice(60..66, name.bytes().take(6));
        std::fs::write(&file, bytes).unwrap();
        let id = offer(&mut alice, &mut bob, &file);
        bob.done(json!({"command": "accept_file", "transfer": id, "save_as": kept}));
        for client in [&mut alice, &mut bob] {
            client.expect(json!({"event": "file_finished", "transfer": id}));
        }
    }
    // Bob saved each over the one before; alice draws something into her second.
    let drawn = std::fs::OpenOptions::new().write(true).open(house.path("second.bmp")).unwrap();
    drawn.write_all_at(b"over it", 90).unwrap();
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.open_friend(alice, "bob");
    for shown in ["Picture: first.bmp", "Picture: third.bmp"] {
        hands.sees(alice, shown);
    }
    hands.sees(bob, "Picture: third.bmp");
    assert!(!hands.is_shown(alice, "Picture: second.bmp"), "what was drawn later was never sent");
    for gone in ["Picture: first.bmp", "Picture: second.bmp"] {
        assert!(!hands.is_shown(bob, gone), "{gone} is another");
    }
}

#[test]
fn a_picture_is_pasted_into_a_room() {
    let Some(house) = house() else { return };
    let mut desk = Desk::new(&house);
    let Desk { hands, alice, bob, .. } = &mut desk;
    for (window, user) in [(&*alice, "alice"), (&*bob, "bob")] {
        hands.sees(window, "Username");
        hands.fill(window, "Room ID (optional)", "#tea");
        sign_up(hands, window, user);
    }
    hands.sees(alice, "direct to 1 of 1 other");
    hands.sees(bob, "direct to 1 of 1 other");
    hands.copy_picture(alice, &picture(&house.path("hills.bmp"), 90));
    hands.type_into(alice, "Message", "look");
    hands.key(alice, "ctrl+v");
    hands.sees(alice, "Send this picture to #tea?");
    hands.key(alice, "Return");
    hands.click(bob, "Accept");
    hands.sees(bob, "Picture: Picture 2");
    hands.sees(alice, "Picture: Picture 2");
}
