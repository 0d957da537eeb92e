//! What makes talking comfortable, in two windows: drafts that stay, who writes, where the new messages begin, links, tabs, receipts.

use hobnob_tests::display::missing;
use hobnob_tests::story::{House, say};

use crate::story::Desk;

#[test]
fn a_draft_stays_with_its_conversation_and_the_other_side_sees_who_writes() {
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(&mut alice, &mut bob, "lunch?");
    assert!(alice.quit().success() && bob.quit().success());
    let mut desk = Desk::new(&house);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.open_friend(alice, "bob");
    hands.reads(alice, "lunch?");
    hands.type_into(alice, "Message", "perhaps at <one>");
    hands.reads(bob, "alice is writing…");
    desk.picture("20-writing");

    // Silence ends it, and what was written is there in the tab that is opened again.
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.sees_no_more(bob, "is writing");
    hands.key(alice, "ctrl+w");
    hands.reads(alice, "Draft: perhaps at <one>");
    desk.picture("20-draft");
    let Desk { hands, alice, .. } = &mut desk;
    hands.open_friend(alice, "bob");
    hands.sees(alice, "perhaps at <one>");
    assert!(!hands.is_shown(alice, "Draft: "), "it stands in front already");
    hands.key(alice, "ctrl+w");
    hands.reads(alice, "Draft: perhaps at <one>");

    // A restart keeps it; sent, it is one no more.
    desk.alice_again(&house);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.reads(alice, "Draft: perhaps at <one>");
    hands.open_friend(alice, "bob");
    hands.sees(alice, "perhaps at <one>");
    assert!(!hands.is_shown(bob, "is writing"), "a draft that is put back is no writing");
    hands.key(alice, "Return");
    hands.reads(bob, "perhaps at <one>");
    hands.key(alice, "ctrl+w");
    hands.sees(alice, "No Conversation Open");
    assert!(!hands.is_shown(alice, "Draft: "));
}
