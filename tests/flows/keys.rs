//! Keys that changed are a hard stop, with a sentence for people, and nothing is sent.

use std::time::Duration;

use hobnob_tests::client::{Client, Start};
use hobnob_tests::server::Server;
use hobnob_tests::story::{House, PASSWORD, say};
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
