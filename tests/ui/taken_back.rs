//! What was changed or taken back while somebody answers it, changes it or has found it: what it said before stays to be read nowhere.

use hobnob_tests::client::Client;
use hobnob_tests::story::{PASSWORD, say, text_of};
use hobnob_tests::window::Hands;
use serde_json::{Value, json};

use crate::story::{alone, friends, friends_who_wrote};

#[test]
fn what_is_answered_is_shown_as_it_is_now_and_answered_no_more_once_it_was_taken_back() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    let slip = bob.done(json!({"command": "send", "to": "@alice", "text": "helo"}))["message"].clone();
    hands.menu(&alice, "helo");
    hands.click(&alice, "Reply");
    hands.reads(&alice, "Reply to bob");
    hands.type_into(&alice, "Message", "good morning");
    bob.done(json!({"command": "edit", "message": slip, "text": "hullo"}));
    hands.reads(&alice, "hullo");
    hands.sees_no_more(&alice, "helo");
    hands.reads(&alice, "Reply to bob");
    bob.done(json!({"command": "delete", "message": slip}));
    hands.sees_no_more(&alice, "hullo");
    hands.sees_no_more(&alice, "Reply to bob");
    hands.key(&alice, "Return");
    let sent = bob.expect(json!({"event": "message", "from": "alice"}));
    assert_eq!((&sent["text"], &sent["reply_to"]), (&json!("good morning"), &Value::Null));
}

#[test]
fn an_edit_knows_what_another_device_does_to_its_message_and_keeps_what_somebody_wrote() {
    let Some((house, mut alice, _bob)) = friends() else { return };
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    let mut phone = Client::start(&house.start("phone"));
    phone.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    let write = |hands: &mut Hands, phone: &mut Client, text: &str| {
        hands.type_into(&alice, "Message", text);
        hands.key(&alice, "Return");
        let message = phone.expect(json!({"event": "message", "text": text}));
        hands.key(&alice, "Up");
        hands.reads(&alice, "Editing");
        text_of(&message["message"])
    };
    let first = write(&mut hands, &mut phone, "helo");
    phone.done(json!({"command": "edit", "message": first, "text": "hullo"}));
    hands.reads(&alice, "hullo");
    hands.sees_no_more(&alice, "helo");
    hands.reads(&alice, "Editing");
    phone.done(json!({"command": "delete", "message": first}));
    hands.sees_no_more(&alice, "hullo");
    hands.sees_no_more(&alice, "Editing");

    // What was written over it is not lost.
    let second = write(&mut hands, &mut phone, "half");
    hands.write(&alice, " a word");
    phone.done(json!({"command": "delete", "message": second}));
    hands.sees_no_more(&alice, "Editing");
    hands.key(&alice, "Return");
    phone.expect(json!({"event": "message", "text": "half a word"}));
}

#[test]
fn a_search_that_is_open_shows_no_words_that_were_taken_back() {
    let Some((house, mut alice, mut bob, _carol)) = friends_who_wrote() else { return };
    let found = say(&mut bob, &mut alice, "a plum tree");
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.open_friend(&alice, "carol");
    hands.reads(&alice, "from carol");
    hands.key(&alice, "ctrl+shift+f");
    hands.type_into(&alice, "Search Messages, People, Rooms and Files", "plum");
    hands.sees(&alice, "1 result");
    hands.reads(&alice, "a plum tree");
    bob.done(json!({"command": "edit", "message": found, "text": "a pear tree"}));
    hands.reads(&alice, "a pear tree");
    hands.sees_no_more(&alice, "a plum tree");
    bob.done(json!({"command": "delete", "message": found}));
    hands.reads(&alice, "Message deleted");
    hands.sees_no_more(&alice, "a pear tree");
}
