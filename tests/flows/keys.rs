//! Keys that changed are a hard stop, with a sentence for people, and nothing is sent.

use std::time::Duration;

use hobnob_tests::client::{Client, SOON, Start};
use hobnob_tests::server::Server;
use hobnob_tests::story::{House, PASSWORD, linked, say};
use rusqlite::Connection;
use serde_json::json;

/// The interface: an alarm within 40 s.
const ALARM: Duration = Duration::from_secs(50);

#[test]
fn a_changed_server_key_is_an_alarm_and_never_online() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(&mut alice, &mut bob, "all is well");
    house.server.crash();
    alice.expect(json!({"event": "server", "state": "offline"}));
    alice.forget();
    // Somebody else answers at the same address.
    let _impostor = Server::start_at(&house.path("impostor"), &house.server.address);
    let alarm = alice.expect_within(ALARM, json!({"event": "alarm", "code": "server_key_changed"}));
    assert!(alarm["text"].as_str().unwrap().contains(' '), "a sentence: {alarm}");
    alice.failed(json!({"command": "add_friend", "user": "carol"}));
    // Friends are still friends.
    say(&mut alice, &mut bob, "we still talk");
    assert!(alice.quit().success());

    let mut alice = Client::start(&Start { server: None, ..alice.start.clone() });
    alice.expect_within(ALARM, json!({"event": "alarm", "code": "server_key_changed"}));
    alice.failed(json!({"command": "sign_in", "user": "alice"}));
    alice.failed(json!({"command": "add_friend", "user": "carol"}));
    assert!(!alice.saw(&json!({"event": "server", "state": "online"})));
    assert!(!alice.saw(&json!({"event": "signed_in"})));
}

#[test]
fn a_wrong_fingerprint_in_the_address_stops_a_sign_up() {
    let house = House::new();
    let address = format!("{}#{}", house.server.address, "ab".repeat(32));
    let mut alice = Client::start(&Start { server: Some(address), ..house.start("alice") });
    alice.failed(json!({"command": "sign_up", "user": "alice", "password": PASSWORD}));
    alice.expect_within(ALARM, json!({"event": "alarm", "code": "server_key_changed"}));
    assert!(!alice.saw(&json!({"event": "server", "state": "online"})));
    // The name is still free.
    Client::sign_up(&house.start("another"), "alice", PASSWORD);
}

#[test]
fn the_first_server_key_is_pinned_where_the_address_has_none() {
    let mut house = House::new();
    let start = Start { server: Some(house.server.address.clone()), ..house.start("alice") };
    let mut alice = Client::sign_up(&start, "alice", PASSWORD);
    assert!(alice.quit().success());
    house.server.crash();
    let _impostor = Server::start_at(&house.path("impostor"), &house.server.address);
    let mut alice = Client::start(&start);
    alice.expect_within(ALARM, json!({"event": "alarm", "code": "server_key_changed"}));
    assert!(!alice.saw(&json!({"event": "server", "state": "online"})));
}

/// Changes the server's store while it is down: what a dishonest operator can do.
fn tamper(house: &mut House, statements: &str) {
    house.server.crash();
    let store = Connection::open(house.server.data.join("hobnob.db")).unwrap();
    store.execute_batch(&format!("PRAGMA foreign_keys = ON; {statements}")).unwrap();
    drop(store);
    house.server.restart();
}

/// Alice is told, and whoever has the name now gets nothing from her.
fn is_a_hard_stop(alice: &mut Client, impostor: &mut Client) {
    let alarm = alice.expect_within(ALARM, json!({"event": "alarm", "code": "key_changed", "user": "bob"}));
    assert!(alarm["text"].as_str().unwrap().contains(' '), "a sentence: {alarm}");
    // Kept for the key that it is meant for, or refused; sent to nobody.
    let _kept = alice.ask(json!({"command": "send", "to": "@bob", "text": "for the true bob only"}));
    alice.forget();
    impostor.forget();
    assert!(!impostor.saw(&json!({"event": "message"})));
    assert!(!impostor.saw(&json!({"event": "link", "path": "direct"})));
    assert!(matches!(alice.friend("bob")["link"].as_str(), None | Some("none")), "no link to a stranger");
}

#[test]
fn a_friend_whose_account_was_made_anew_is_a_hard_stop_until_the_new_key_is_accepted() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(&mut alice, &mut bob, "you are you");
    let number = alice.done(json!({"command": "safety_number", "user": "bob"}))["safety_number"].clone();
    bob.crash();
    tamper(&mut house, "DELETE FROM accounts WHERE handle = 'bob'");
    alice.expect_within(SOON * 2, json!({"event": "server", "state": "online"}));
    let mut impostor = Client::sign_up(&house.start("impostor"), "bob", PASSWORD);
    impostor.done(json!({"command": "add_friend", "user": "alice"}));
    is_a_hard_stop(&mut alice, &mut impostor);

    // It was Bob after all, on a new computer and with a new account.
    alice.done(json!({"command": "accept_key", "user": "bob"}));
    alice.done(json!({"command": "accept_friend", "user": "bob"}));
    impostor.expect(json!({"event": "friend_added", "user": "alice"}));
    alice.expect(json!({"event": "friend_added", "user": "bob"}));
    let changed = alice.done(json!({"command": "safety_number", "user": "bob"}))["safety_number"].clone();
    assert_ne!(number, changed);
    assert_eq!(alice.friend("bob")["verified"], false);
}

#[test]
fn a_server_that_puts_somebody_else_in_a_friends_place_is_found_out() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut mallory = house.person("mallory");
    say(&mut alice, &mut bob, "you are you");
    bob.crash();
    tamper(
        &mut house,
        "UPDATE accounts SET handle = 'the.true.bob' WHERE handle = 'bob';
         UPDATE accounts SET handle = 'bob' WHERE handle = 'mallory';
         UPDATE friendships SET high = (SELECT id FROM accounts WHERE handle = 'bob');",
    );
    let alarm = alice.expect_within(ALARM, json!({"event": "alarm", "code": "key_changed", "user": "bob"}));
    assert!(alarm["text"].as_str().unwrap().contains(' '), "a sentence: {alarm}");
    let _kept = alice.ask(json!({"command": "send", "to": "@bob", "text": "for the true bob only"}));
    alice.forget();
    mallory.forget();
    assert!(!mallory.saw(&json!({"event": "message"})));
    assert_eq!(alice.friend("bob")["link"], "none");

    // The true Bob is back in his place: all is as before, and what waited arrives.
    tamper(
        &mut house,
        "UPDATE accounts SET handle = 'mallory' WHERE handle = 'bob';
         UPDATE accounts SET handle = 'bob' WHERE handle = 'the.true.bob';
         UPDATE friendships SET high = (SELECT id FROM accounts WHERE handle = 'bob');",
    );
    let mut bob = Client::again(&bob.start);
    linked(&mut alice, &mut bob, "direct");
    say(&mut alice, &mut bob, "welcome back");
}
