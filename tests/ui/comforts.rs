//! What makes talking comfortable, in two windows: drafts that stay, who writes, where the new messages begin, links, receipts.

use hobnob_tests::client::SOON;
use hobnob_tests::process::until;
use hobnob_tests::story::say;
use hobnob_tests::window::Window;
use serde_json::{Value, json};

use crate::story::{Desk, SIZE, all_named, alone, friends};

#[test]
fn a_draft_stays_with_its_conversation_and_the_other_side_sees_who_writes() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "lunch?");
    let mut desk = Desk::after(&house, [alice, bob]);
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
    let Some((house, mut alice, mut bob)) = friends() else { return };
    for n in 0..60 {
        say(&mut alice, &mut bob, &format!("old {n}"));
    }
    let read = say(&mut alice, &mut bob, "read already");
    bob.done(json!({"command": "mark_read", "message": read}));
    say(&mut alice, &mut bob, "new one");
    say(&mut alice, &mut bob, "new two");
    let mut desk = Desk::after(&house, [alice, bob]);
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
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(
        &mut alice,
        &mut bob,
        "look: https://\u{430}pple.com@evil.example/x?<b>&y=1 <i>now</i>, not javascript://evil.example",
    );
    let mut desk = Desk::after(&house, [alice, bob]);
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
    all_named(hands, bob);
    desk.picture("22-link");
    let Desk { hands, bob, .. } = &mut desk;
    hands.click(bob, "Cancel");
    hands.sees_no_more(bob, "Open This Link?");
}

#[test]
fn what_a_draft_answers_stays_with_it_and_is_dropped_where_it_was_taken_back() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let lunch = say(&mut bob, &mut alice, "lunch?");
    assert!(alice.quit().success());
    let (display, mut hands, mut alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    hands.menu(&alice, "lunch?");
    hands.click(&alice, "Reply");
    hands.reads(&alice, "Reply to bob");
    hands.type_into(&alice, "Message", "at one");
    hands.key(&alice, "ctrl+w");
    hands.reads(&alice, "Draft: at one");
    hands.sees_no_more(&alice, "Reply to bob");
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "Reply to bob");
    hands.key(&alice, "ctrl+w");
    hands.reads(&alice, "Draft: at one");
    let answering = house.path("alice").join("answering.json");
    until("it is kept", SOON, || std::fs::read_to_string(&answering).is_ok_and(|text| text.contains(&lunch)));
    alice.process.kill();
    alice = Window::open(&display, &house.start("alice"));
    hands.place(&alice, 0, 0, SIZE);
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "Reply to bob");
    hands.key(&alice, "Return");
    let sent = bob.expect(json!({"event": "message", "from": "alice"}));
    assert_eq!((&sent["text"], &sent["reply_to"]), (&json!("at one"), &json!(lunch)));

    // Taken back while the tab is closed.
    let dinner = bob.done(json!({"command": "send", "to": "@alice", "text": "dinner?"}))["message"].clone();
    hands.menu(&alice, "dinner?");
    hands.click(&alice, "Reply");
    hands.type_into(&alice, "Message", "at eight");
    hands.key(&alice, "ctrl+w");
    hands.reads(&alice, "Draft: at eight");
    bob.done(json!({"command": "delete", "message": dinner}));
    bob.done(json!({"command": "send", "to": "@alice", "text": "or not"}));
    hands.sees(&alice, "1 unread");
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "or not");
    hands.sees_no_more(&alice, "Reply to bob");
    hands.key(&alice, "Return");
    let sent = bob.expect(json!({"event": "message", "from": "alice"}));
    assert_eq!((&sent["text"], &sent["reply_to"]), (&json!("at eight"), &Value::Null));
}

#[test]
fn an_emoji_is_chosen_and_sent() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    hands.type_into(&alice, "Message", "good morning ");
    hands.click(&alice, "Insert Emoji");
    hands.sees(&alice, "GtkEmojiChooserChild");
    // From the field where one searches to the first of all.
    hands.key(&alice, "Tab");
    hands.key(&alice, "Return");
    hands.sees(&alice, "good morning 😀");
    hands.is_at(&alice, "Message");
    hands.key(&alice, "Return");
    let sent = bob.expect(json!({"event": "message", "from": "alice"}));
    let text = sent["text"].as_str().unwrap_or_default();
    let emoji = text.strip_prefix("good morning ").unwrap_or_else(|| panic!("{text:?}"));
    assert!(emoji.starts_with('😀'), "the first of all: {emoji:?}");
}

#[test]
fn a_draft_that_cannot_be_kept_is_told_and_stays_while_the_window_does() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut bob, &mut alice, "lunch?");
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "lunch?");
    // Nothing can be written where a folder stands.
    let in_the_way = house.path("alice").join("drafts.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    hands.type_into(&alice, "Message", "perhaps");
    hands.is_told(&alice, "bob — Hobnob", "Your draft could not be kept on the disk.");
    hands.key(&alice, "ctrl+w");
    hands.reads(&alice, "Draft: perhaps");
    hands.open_friend(&alice, "bob");
    hands.sees(&alice, "perhaps");
    std::fs::remove_dir(&in_the_way).unwrap();
    hands.type_into(&alice, "Message", " at one");
    until("the draft is kept", SOON, || {
        std::fs::read_to_string(house.path("alice").join("drafts.json")).is_ok_and(|text| text.contains("at one"))
    });
}
