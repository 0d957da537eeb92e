//! Pictures: a file that is one is shown in both timelines once it has arrived, and one that is pasted goes the same way.

use std::path::{Path, PathBuf};

use hobnob_tests::client::SOON;
use hobnob_tests::display::missing;
use hobnob_tests::process::until;
use hobnob_tests::story::{House, offer};

use crate::story::Desk;

/// Writes a picture of 400 x 300 pixels in the simplest of all formats.
fn picture(path: &Path) -> PathBuf {
    let (width, height) = (400_u32, 300_u32);
    let mut bytes = b"BM".to_vec();
    for number in [54 + width * height * 3, 0, 54, 40, width, height, 24 << 16 | 1, 0, 0, 0, 0, 0, 0] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for at in 0..width * height {
        let (x, y) = (at % width, at / width);
        bytes.extend_from_slice(&[90, if y > 140 { 200 } else { 120 }, u8::try_from(x / 2).unwrap()]);
    }
    std::fs::write(path, bytes).unwrap();
    path.to_owned()
}

#[test]
fn pictures_are_shown_when_they_have_arrived_and_can_be_pasted() {
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = picture(&house.path("hills.bmp"));
    offer(&mut alice, &mut bob, &file);
    assert!(alice.quit().success() && bob.quit().success());

    let mut desk = Desk::new(&house);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.open_friend(alice, "bob");
    hands.sees(bob, "hills.bmp");
    assert!(!hands.is_shown(bob, "Picture: hills.bmp"), "nothing is shown of what was only offered");
    hands.click(bob, "Accept");
    hands.sees(bob, "Picture: hills.bmp");
    hands.sees(alice, "Picture: hills.bmp");

    hands.copy_picture(alice, &file);
    hands.type_into(alice, "Message", "look");
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
    hands.sees(bob, "look");
    for (window, who) in [(&desk.alice, "alice"), (&desk.bob, "bob")] {
        let nameless = desk.hands.nameless(window);
        assert!(nameless.is_empty(), "{who}'s window has controls without a name: {nameless:?}");
    }
    desk.picture("10-pictures");
}
