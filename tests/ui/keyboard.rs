//! Everything by keys: menus, panes, messages, and the windows that explain them.

use hobnob_tests::client::SOON;
use hobnob_tests::files::{hash, random_file};
use hobnob_tests::process::until;
use hobnob_tests::story::{offer, say};
use serde_json::json;

use crate::story::{Desk, friends};

#[test]
fn menus_panes_and_messages_are_reached_by_keys_alone() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let mut carol = house.friend_of(&mut alice, "carol");
    let first = say(&mut alice, &mut bob, &"line\n".repeat(40));
    bob.done(json!({"command": "send", "to": "@alice", "text": "an answer", "reply_to": first}));
    alice.wait("the answer", SOON, |event| event["text"] == "an answer");
    say(&mut carol, &mut alice, "from carol");
    let mut desk = Desk::after(&house, [alice, bob, carol]);
    let Desk { hands, alice, .. } = &mut desk;

    // To what is unread, one after another.
    hands.sees_button(alice, "bob, available, 1 unread");
    hands.key(alice, "alt+Down");
    hands.reads(alice, "an answer");
    hands.key(alice, "alt+Down");
    hands.reads(alice, "from carol");
    hands.key(alice, "alt+Up");
    hands.sees(alice, "Nothing is unread.");
    hands.key(alice, "alt+1");
    hands.reads(alice, "an answer");

    // Windows and menus.
    hands.key(alice, "F1");
    hands.sees(alice, "Menu of the conversation");
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Menu of the conversation");
    hands.key(alice, "F10");
    hands.sees_button(alice, "About Hobnob");
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "About Hobnob");
    hands.key(alice, "ctrl+shift+m");
    hands.sees_button(alice, "Send Folder…");
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Send Folder…");

    // The last message: its menu, the message that it answers, unfolded and folded again.
    hands.type_into(alice, "Message", "");
    hands.key(alice, "F6");
    hands.key(alice, "shift+F10");
    hands.click(alice, "Go to the Answered Message");
    hands.sees_button(alice, "Show More");
    hands.key(alice, "shift+F10");
    hands.sees_button(alice, "Delete for Everyone…");
    hands.click(alice, "Show More");
    hands.sees_button(alice, "Show Less");
    hands.key(alice, "Escape");
    hands.click(alice, "Show Less");
    hands.sees_button(alice, "Show More");

    // From the messages to the sidebar, and a friend's menu there.
    hands.type_into(alice, "Message", "");
    hands.key(alice, "F6");
    hands.key(alice, "F6");
    for key in ["Tab", "Tab", "Menu"] {
        hands.key(alice, key);
    }
    hands.sees_button(alice, "Verify Safety Number…");
    desk.picture("33-by-keys");
    let Desk { hands, alice, .. } = &mut desk;
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Verify Safety Number…");
    hands.key(alice, "F6");
    hands.key(alice, "x");
    hands.key(alice, "Up");
    hands.sees_button(alice, "Send");
    hands.key(alice, "ctrl+q");
    assert!(alice.process.wait(SOON).success());
}

#[test]
fn a_file_is_taken_and_an_emoji_chosen_by_keys_alone() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    let sent = random_file(&house.path("notes.bin"), 50_000, 1);
    offer(&mut bob, &mut alice, &sent);
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, .. } = &mut desk;
    hands.open_friend(alice, "bob");
    hands.sees_button(alice, "Accept");
    hands.type_into(alice, "Message", "");
    // To the card, to its first button, and press it.
    hands.key(alice, "F6");
    hands.key(alice, "Tab");
    hands.is_at(alice, "Decline");
    hands.key(alice, "Tab");
    hands.key(alice, "Tab");
    hands.is_at(alice, "Accept");
    hands.key(alice, "Return");
    let arrived = house.path("alice-downloads").join("notes.bin");
    until("the file is there", SOON, || arrived.exists());
    assert_eq!(hash(&arrived), hash(&sent));

    hands.type_into(alice, "Message", "tea ");
    hands.key(alice, "ctrl+period");
    hands.sees(alice, "Smileys");
    desk.picture("34-emoji");
}
