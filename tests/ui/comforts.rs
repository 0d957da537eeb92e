//! What makes talking comfortable, in two windows: drafts that stay, who writes, where the new messages begin, links, tabs, receipts.

use hobnob_tests::client::SOON;
use hobnob_tests::display::missing;
use hobnob_tests::process::until;
use hobnob_tests::story::{House, befriend, say};
use serde_json::json;

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
    // It stands in front now, not in the list.
    hands.sees_no_more(alice, "Draft: ");
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
    hands.sees_no_more(alice, "Draft: ");
}

#[test]
fn new_messages_are_set_apart_until_the_conversation_is_left_and_counted_while_one_reads_further_up() {
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    for n in 0..60 {
        say(&mut alice, &mut bob, &format!("old {n}"));
    }
    let read = say(&mut alice, &mut bob, "read already");
    bob.done(json!({"command": "mark_read", "message": read}));
    say(&mut alice, &mut bob, "new one");
    say(&mut alice, &mut bob, "new two");
    assert!(alice.quit().success() && bob.quit().success());
    let mut desk = Desk::new(&house);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.reads(bob, "New messages");
    hands.open_friend(alice, "bob");
    hands.fill(alice, "Message", "new three");
    hands.click(alice, "Send");
    hands.reads(bob, "new three");
    hands.reads(bob, "New messages");
    desk.picture("21-new-messages");

    // He leaves it and comes back: all is read.
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.key(bob, "ctrl+w");
    hands.sees(bob, "No Conversation Open");
    hands.open_friend(bob, "alice");
    hands.reads(bob, "new three");
    assert!(!hands.is_shown(bob, "New messages"));

    // Further up, what comes is counted on the button that leads to it.
    hands.type_into(bob, "Message", "");
    hands.key(bob, "shift+Tab");
    hands.key(bob, "shift+Tab");
    hands.key(bob, "Page_Up");
    hands.fill(alice, "Message", "new four");
    hands.click(alice, "Send");
    hands.sees_button(bob, "Newest Messages, 1 new");
    desk.picture("21-further-up");
    let Desk { hands, bob, .. } = &mut desk;
    hands.click(bob, "Newest Messages, 1 new");
    hands.reads(bob, "new four");
    hands.reads(bob, "New messages");
}

#[test]
fn a_link_is_opened_only_after_it_was_shown_where_it_goes() {
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(
        &mut alice,
        &mut bob,
        "look: https://\u{430}pple.com@evil.example/x?<b>&y=1 <i>now</i>, not javascript://evil.example",
    );
    assert!(alice.quit().success() && bob.quit().success());
    let mut desk = Desk::new(&house);
    let Desk { hands, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.reads(bob, "<b>&y=1 <i>now</i>, not javascript://evil.example");
    // By keys: to the last message and its menu.
    hands.type_into(bob, "Message", "");
    for key in ["shift+Tab", "shift+Tab", "shift+F10"] {
        hands.key(bob, key);
    }
    hands.click(bob, "Open Link to evil.example…");
    hands.sees(bob, "Open This Link?");
    hands.reads(bob, "What stands before the @ is not where it goes.");
    let nameless = hands.nameless(bob);
    assert!(nameless.is_empty(), "controls without a name: {nameless:?}");
    desk.picture("22-link");
    let Desk { hands, bob, .. } = &mut desk;
    hands.click(bob, "Cancel");
    hands.sees_no_more(bob, "Open This Link?");
}

#[test]
fn tabs_are_pinned_moved_closed_and_opened_again_and_are_all_there_at_the_next_start() {
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut carol = house.person("carol");
    befriend(&mut alice, &mut carol);
    say(&mut bob, &mut alice, "from bob");
    say(&mut carol, &mut alice, "from carol");
    say(&mut bob, &mut alice, &"line\n".repeat(40));
    say(&mut bob, &mut alice, "the last one");
    assert!(alice.quit().success() && bob.quit().success() && carol.quit().success());
    let mut desk = Desk::new(&house);
    let Desk { hands, alice, .. } = &mut desk;
    hands.open_friend(alice, "bob");
    hands.reads(alice, "the last one");
    hands.sees_button(alice, "Show More");
    hands.open_friend(alice, "carol");
    hands.reads(alice, "from carol");

    // The last tab first, which is kept at once; closed, and back again.
    let kept = || {
        let text = std::fs::read_to_string(house.path("alice").join("window.json")).unwrap_or_default();
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default()
    };
    hands.key(alice, "ctrl+shift+Page_Up");
    until("the order is kept", SOON, || kept()["tabs"] == json!(["@carol", "@bob"]));
    hands.key(alice, "ctrl+w");
    hands.reads(alice, "the last one");
    hands.key(alice, "ctrl+shift+t");
    hands.reads(alice, "from carol");
    // Pinned it stands first, and is closed by no accident.
    hands.key(alice, "ctrl+shift+p");
    hands.key(alice, "ctrl+w");
    hands.sees(alice, "This tab is pinned");
    let nameless = hands.nameless(alice);
    assert!(nameless.is_empty(), "controls without a name: {nameless:?}");
    desk.picture("23-pinned");

    desk.alice_again(&house);
    let kept = kept();
    assert_eq!((&kept["tabs"], &kept["pinned"]), (&json!(["@carol", "@bob"]), &json!(["@carol"])));
    let Desk { hands, alice, .. } = &mut desk;
    hands.reads(alice, "from carol");
    hands.key(alice, "ctrl+w");
    hands.sees(alice, "This tab is pinned");
    hands.key(alice, "ctrl+Page_Down");
    hands.reads(alice, "the last one");
    hands.key(alice, "ctrl+w");
    hands.reads(alice, "from carol");
}
