//! Messages are answered, changed, taken back and reacted to in two windows, by keys, by mouse and by the names of the controls.

use hobnob_tests::room::put;
use hobnob_tests::story::{say, text_of};
use hobnob_tests::window::Window;
use serde_json::json;

use crate::story::{Desk, SIZE, alone, friends};

#[test]
fn messages_are_edited_reacted_to_answered_and_deleted() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "helo <b>everybody</b>");
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(alice, "bob");
    hands.open_friend(bob, "alice");
    hands.sees(bob, "helo <b>everybody</b>");

    // The last message, by the key, left again, and changed.
    hands.type_into(alice, "Message", "");
    hands.key(alice, "Up");
    hands.sees(alice, "Editing");
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Editing");
    hands.key(alice, "Up");
    hands.sees_button(alice, "Save Changes");
    hands.fill(alice, "Message", "hello <b>everybody</b>");
    hands.key(alice, "Return");
    hands.sees(bob, "hello <b>everybody</b>");
    hands.sees(bob, "· edited");
    hands.sees_no_more(bob, "helo");

    // Bob goes from the composer to the message by keys, and reacts from its menu.
    hands.type_into(bob, "Message", "");
    hands.key(bob, "shift+Tab");
    hands.key(bob, "shift+Tab");
    hands.key(bob, "shift+F10");
    hands.click(bob, "React 👍");
    hands.click(alice, "👍 1, by bob: set it too");
    hands.sees_button(bob, "👍 2, by You, alice: take yours off");
    hands.click(bob, "👍 2, by You, alice: take yours off");
    hands.sees_button(alice, "👍 1, by You: take yours off");
    desk.picture("10-reactions");

    // He answers it; the answer leads back.
    let Desk { hands, bob, .. } = &mut desk;
    hands.hover(bob, "hello <b>everybody</b>");
    hands.sees_button(bob, "Message Menu");
    desk.picture("10-under-the-pointer");
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.click(bob, "Reply");
    hands.sees(bob, "Reply to alice");
    hands.fill(bob, "Message", "good morning");
    hands.key(bob, "Return");
    hands.sees_no_more(bob, "Reply to alice");
    hands.click(alice, "Go to the Message, in answer to You: hello <b>everybody</b>");
    desk.all_named();
    desk.picture("11-answer");

    // Alice may take back what is hers, and is asked first.
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.menu(alice, "good morning");
    hands.sees_button(alice, "Reply");
    assert!(!hands.is_shown(alice, "Delete for Everyone"), "somebody else's");
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Copy Text");
    // The bubble stands above the answer, which quotes it.
    hands.key(alice, "shift+F10");
    hands.click(alice, "Delete for Everyone…");
    hands.click(alice, "Delete");
    hands.sees(bob, "Go to the Message, in answer to alice: Message deleted");
    hands.sees_no_more(bob, "everybody");
    desk.picture("12-deleted");
}

#[test]
fn a_quote_leads_to_a_message_that_was_not_read_yet() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let first = say(&mut alice, &mut bob, "in the beginning");
    for n in 0..600 {
        put(&mut alice, "@bob", &format!("number {n}"));
    }
    let answer = alice.done(json!({"command": "send", "to": "@bob", "text": "as I said", "reply_to": first}));
    let last = text_of(&answer["message"]);
    alice.expect(json!({"event": "message_state", "message": last, "state": "delivered"}));
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.sees(bob, "as I said");
    assert!(!hands.is_shown(bob, "in the beginning"));
    hands.click(bob, "Go to the Message, in answer to An earlier message");
    hands.reads(bob, "in the beginning");
    desk.picture("13-quoted-message");
}

#[test]
fn a_long_message_stays_unfolded_when_it_is_edited_and_is_folded_after_a_restart() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let long = |begin: &str, end: &str| format!("{begin}\n{}{end}", "line\n".repeat(40));
    let message = say(&mut bob, &mut alice, &long("one", "its first end"));
    assert!(alice.quit().success());
    let (display, mut hands, mut alice) = alone(&house);
    let mut edit = |text: &str| drop(bob.done(json!({"command": "edit", "message": message, "text": text})));
    hands.open_friend(&alice, "bob");
    hands.sees_button(&alice, "Show More");
    assert!(!hands.is_shown(&alice, "its first end"));
    hands.click(&alice, "Show More");
    hands.reads(&alice, "its first end");
    edit(&long("one", "its second end"));
    hands.reads(&alice, "its second end");
    hands.sees_button(&alice, "Show Less");

    alice.process.kill();
    alice = Window::open(&display, &house.start("alice"));
    hands.place(&alice, 0, 0, SIZE);
    hands.open_friend(&alice, "bob");
    hands.sees_button(&alice, "Show More");
    assert!(!hands.is_shown(&alice, "its second end"));
    edit(&long("another", "its third end"));
    hands.reads(&alice, "another");
    hands.sees_button(&alice, "Show More");
    assert!(!hands.is_shown(&alice, "its third end"), "it is as folded as it was");
    edit("short");
    hands.reads(&alice, "short");
    hands.sees_no_more(&alice, "Show More");
}
