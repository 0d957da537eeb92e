//! The server dies: what is connected goes on, what is not says so, and everything comes back with it.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::random_file;
use hobnob_tests::process::until;
use hobnob_tests::story::{House, befriend, finished, linked, offer, say};
use rustix::process::Signal;
use serde_json::json;

#[test]
fn chat_and_a_running_transfer_go_on_without_the_server_and_all_re_attaches() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut carol = house.person("carol");
    befriend(&mut alice, &mut carol);
    linked(&mut alice, &mut carol, "direct");
    assert!(carol.quit().success());
    alice.expect(json!({"event": "presence", "user": "carol", "presence": "offline"}));
    alice.forget();
    bob.forget();

    let file = random_file(&house.path("film.bin"), 96 << 20, 1);
    let id = offer(&mut alice, &mut bob, &file);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    bob.expect(json!({"event": "file_progress", "transfer": id}));
    // Held in the middle, so that the server surely dies while it runs.
    bob.process.signal(Signal::STOP);
    house.server.crash();
    bob.process.signal(Signal::CONT);
    assert!(!bob.saw(&json!({"event": "file_finished", "transfer": id})));

    alice.expect(json!({"event": "server", "state": "offline"}));
    bob.expect(json!({"event": "server", "state": "offline"}));
    alice.expect(json!({"event": "presence", "user": "carol", "presence": "unknown"}));
    say(&mut alice, &mut bob, "still there?");
    say(&mut bob, &mut alice, "still here");
    finished(&mut alice, &mut bob, &id, &file);
    assert_eq!(alice.friend("bob")["link"], "direct");
    assert_eq!(alice.friend("bob")["presence"], "available");
    assert_eq!(alice.friend("carol")["presence"], "unknown");
    // What needs the server says that it is away, in time.
    alice.failed(json!({"command": "add_friend", "user": "somebody"}));
    // What does not need it is done at once.
    alice.done(json!({"command": "send", "to": "@carol", "text": "for later"}));

    house.server.restart();
    for client in [&mut alice, &mut bob] {
        client.expect_within(SOON * 3, json!({"event": "server", "state": "online"}));
    }
    alice.expect(json!({"event": "presence", "user": "carol", "presence": "offline"}));
    let mut carol = Client::again(&carol.start);
    carol.expect(json!({"event": "message", "from": "alice", "text": "for later"}));
    linked(&mut alice, &mut carol, "direct");
    say(&mut carol, &mut alice, "got it");
    say(&mut bob, &mut alice, "me too");
}

#[test]
fn two_who_have_met_find_each_other_again_while_the_server_is_down() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(&mut alice, &mut bob, "with the server");
    house.server.crash();
    alice.expect(json!({"event": "server", "state": "offline"}));
    bob.crash();
    alice.expect_within(SOON * 3, json!({"event": "link", "user": "bob", "path": "none"}));
    let mut bob = Client::start(&bob.start);
    bob.expect_within(SOON * 3, json!({"event": "link", "user": "alice", "path": "direct"}));
    alice.expect_within(SOON * 3, json!({"event": "link", "user": "bob", "path": "direct"}));
    say(&mut bob, &mut alice, "without it");
}

#[test]
fn a_profile_starts_and_answers_offline() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(&mut bob, &mut alice, "kept");
    assert!(alice.quit().success());
    drop(bob);
    house.server.crash();
    let mut alice = Client::start(&alice.start);
    let history = alice.done(json!({"command": "history", "conversation": "@bob", "limit": 10}));
    assert_eq!(history["messages"][0]["text"], "kept");
    assert_eq!(alice.friend("bob")["presence"], "unknown");
    alice.done(json!({"command": "send", "to": "@bob", "text": "later"}));
    alice.failed(json!({"command": "add_friend", "user": "carol"}));
    assert!(!alice.saw(&json!({"event": "signed_in"})));
}

#[test]
fn a_server_told_to_stop_drains_and_exits_in_order() {
    let mut house = House::new();
    let mut alice = house.person("alice");
    house.server.process.signal(Signal::TERM);
    assert!(house.server.process.wait(SOON).success());
    alice.expect(json!({"event": "server", "state": "offline"}));
    let log = house.server.process.log().text();
    assert!(log.contains("127.0.0.1:"), "each connection is in the log with its address:\n{log}");
    assert!(!log.contains("panic"), "{log}");
}

#[test]
fn a_restarted_peer_is_linked_again_by_itself() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    for round in 0..3 {
        bob.crash();
        until("the link is seen to be gone", SOON * 3, || alice.friend("bob")["link"] == "none");
        bob = Client::again(&bob.start);
        until("linked again", SOON, || alice.friend("bob")["link"] == "direct");
        say(&mut alice, &mut bob, &format!("round {round}"));
        alice.forget();
    }
}
