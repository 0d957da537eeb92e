//! Sign-up, friend requests and presence among three people.

use hobnob_tests::story::{House, PASSWORD, befriend, linked};
use serde_json::json;

#[test]
fn three_people_sign_up_become_friends_and_see_each_other() {
    let house = House::new();
    let (mut alice, mut bob, mut carol) = (house.person("alice"), house.person("bob"), house.person("carol"));
    assert!(alice.saw(&json!({"event": "signed_in", "user": "alice"})));
    assert!(alice.saw(&json!({"event": "server", "state": "online"})));

    befriend(&mut alice, &mut bob);
    befriend(&mut carol, &mut alice);
    for who in ["bob", "carol"] {
        alice.expect(json!({"event": "presence", "user": who, "presence": "available"}));
    }
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "available"}));
    carol.expect(json!({"event": "presence", "user": "alice", "presence": "available"}));
    linked(&mut alice, &mut bob, "direct");
    linked(&mut alice, &mut carol, "direct");

    let friends = alice.done(json!({"command": "friends"}));
    let names: Vec<_> = friends["friends"].as_array().unwrap().iter().map(|friend| friend["user"].clone()).collect();
    assert_eq!(names, ["bob", "carol"]);
    assert_eq!(alice.friend("bob")["link"], "direct");
    assert_eq!(bob.friend("carol"), json!(null), "bob and carol are strangers");
}

#[test]
fn presence_and_status_text_reach_friends() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    for (presence, text) in [("away", "lunch"), ("busy", "<b>deep & work</b>"), ("available", "")] {
        alice.done(json!({"command": "set_presence", "presence": presence, "text": text}));
        bob.expect(json!({"event": "presence", "user": "alice", "presence": presence, "text": text}));
    }
    alice.done(json!({"command": "set_presence", "presence": "invisible"}));
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "offline"}));
    alice.done(json!({"command": "set_presence", "presence": "available"}));
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "available"}));
    assert!(alice.quit().success());
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "offline"}));
    bob.expect(json!({"event": "link", "user": "alice", "path": "none"}));
}

#[test]
fn a_request_waits_for_who_is_away_and_can_be_declined() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    assert!(bob.quit().success());
    alice.done(json!({"command": "add_friend", "user": "bob"}));
    let mut bob = hobnob_tests::client::Client::again(&house.start("bob"));
    bob.expect(json!({"event": "friend_request", "user": "alice"}));
    bob.done(json!({"command": "decline_friend", "user": "alice"}));
    bob.forget();
    // Who was declined is not told, and may ask again.
    alice.done(json!({"command": "add_friend", "user": "bob"}));
    bob.expect(json!({"event": "friend_request", "user": "alice"}));
    bob.done(json!({"command": "accept_friend", "user": "alice"}));
    alice.expect(json!({"event": "friend_added", "user": "bob"}));
}

#[test]
fn a_request_each_way_is_a_friendship() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    alice.done(json!({"command": "add_friend", "user": "bob"}));
    bob.expect(json!({"event": "friend_request", "user": "alice"}));
    bob.done(json!({"command": "add_friend", "user": "alice"}));
    alice.expect(json!({"event": "friend_added", "user": "bob"}));
    bob.expect(json!({"event": "friend_added", "user": "alice"}));
}

#[test]
fn removed_means_no_link_and_no_messages_but_the_history_stays() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    hobnob_tests::story::say(&mut alice, &mut bob, "before");
    bob.done(json!({"command": "remove_friend", "user": "alice"}));
    alice.expect(json!({"event": "friend_removed", "user": "bob"}));
    alice.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    alice.failed(json!({"command": "send", "to": "@bob", "text": "after"}));
    let history = alice.done(json!({"command": "history", "conversation": "@bob", "limit": 10}));
    assert_eq!(history["messages"].as_array().unwrap().len(), 1);
    bob.forget();
    assert!(!bob.saw(&json!({"event": "message", "text": "after"})));
}

#[test]
fn who_is_blocked_cannot_ask_again_until_unblocked() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    bob.done(json!({"command": "block", "user": "alice"}));
    alice.expect(json!({"event": "friend_removed", "user": "bob"}));
    bob.forget();
    // Answered as always: who is blocked is not told.
    let _told_or_not = alice.ask(json!({"command": "add_friend", "user": "bob"}));
    bob.forget();
    assert!(bob.all(&json!({"event": "friend_request", "user": "alice"})).len() <= 1, "the request came through");
    bob.done(json!({"command": "unblock", "user": "alice"}));
    alice.done(json!({"command": "add_friend", "user": "bob"}));
    bob.expect(json!({"event": "friend_request", "user": "alice"}));
}

#[test]
fn strange_friend_requests_are_refused_with_a_sentence() {
    let house = House::new();
    let mut alice = house.person("alice");
    for user in ["", "al", "Bob", "b o b", "\u{430}lice", "../x", "alice"] {
        alice.failed(json!({"command": "add_friend", "user": user}));
    }
    alice.failed(json!({"command": "accept_friend", "user": "nobody"}));
    alice.failed(json!({"command": "send", "to": "@nobody", "text": "hi"}));
    assert!(alice.quit().success());
    let again = hobnob_tests::client::Client::again(&house.start("alice"));
    assert!(again.saw(&json!({"event": "signed_in", "user": "alice"})), "without a password: {PASSWORD} was not asked");
}

#[test]
fn a_request_that_is_withdrawn_is_gone_on_the_other_side_too() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    alice.done(json!({"command": "add_friend", "user": "bob"}));
    bob.expect(json!({"event": "friend_request", "user": "alice"}));
    alice.done(json!({"command": "remove_friend", "user": "bob"}));
    bob.expect(json!({"event": "friend_removed", "user": "alice"}));
    assert_eq!(bob.done(json!({"command": "friends"}))["requests"], json!([]));
    assert_eq!(bob.failed(json!({"command": "accept_friend", "user": "alice"}))["code"], "no_request");
    // The next one is news.
    bob.forget();
    alice.done(json!({"command": "add_friend", "user": "bob"}));
    bob.expect(json!({"event": "friend_request", "user": "alice"}));
    bob.done(json!({"command": "accept_friend", "user": "alice"}));
    alice.expect(json!({"event": "friend_added", "user": "bob"}));
}
