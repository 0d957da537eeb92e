//! Many files at once: a few run, the rest waits for its turn and says so, and nothing is kept open for what waits.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::{manifest, random_file};
use hobnob_tests::process::until;
use hobnob_tests::story::{House, PASSWORD, befriend, finished, linked, say, text_of};
use serde_json::json;

/// As many photographs as somebody drops at once.
const MANY: usize = 150;
/// Of one friend so many come at once.
const AT_ONCE: usize = 4;

/// How many transfers are in this state.
fn count(client: &mut Client, state: &str) -> usize {
    let list = client.done(json!({"command": "transfers"}));
    list["transfers"].as_array().unwrap().iter().filter(|one| one["state"] == state).count()
}

#[test]
fn a_hundred_and_more_files_that_a_rule_takes_need_no_more_open_files_than_a_few() {
    let house = House::new();
    let mut alice = house.person("alice");
    // Not even enough for the partial files of all of them.
    let few = ["sh", "-c", "ulimit -n 128 && exec \"$@\"", "sh"].map(str::to_owned).to_vec();
    let mut start = house.start("bob");
    start.under = few;
    let mut bob = Client::sign_up(&start, "bob", PASSWORD);
    befriend(&mut alice, &mut bob);
    linked(&mut alice, &mut bob, "direct");
    bob.done(json!({"command": "set_file_rule", "user": "alice", "accept": "always"}));
    bob.done(json!({"command": "set_rates", "down": 16 * 1024}));
    let mut sent = Vec::new();
    for n in 0..MANY {
        let file = random_file(&house.path(&format!("photo {n}.jpg")), 400_000 + n as u64, n as u64);
        let made = alice.done(json!({"command": "send_file", "to": "@bob", "path": file}));
        sent.push((text_of(&made["transfer"]), file));
    }
    let queued = MANY - AT_ONCE;
    until("a few run and the rest waits", SOON * 2, || {
        count(&mut bob, "running") == AT_ONCE && count(&mut bob, "queued") == queued
    });
    let waits = bob.expect(json!({"event": "file_waiting", "code": "turn"}));
    assert!(text_of(&waits["text"]).contains(' '));
    // Each of them is kept before it counts; and it stays at that.
    until("the sender sends what is taken", SOON, || count(&mut alice, "running") == AT_ONCE);
    say(&mut alice, &mut bob, "beside all of it");

    // One that is paused makes room, and nothing but the order of acceptance says for which.
    let (first, fifth) = (sent[0].0.clone(), sent[AT_ONCE].0.clone());
    bob.done(json!({"command": "pause_file", "transfer": first}));
    bob.expect(json!({"event": "file_progress", "transfer": fifth}));
    bob.done(json!({"command": "resume_file", "transfer": first}));

    bob.done(json!({"command": "set_rates"}));
    for (id, file) in &sent {
        finished(&mut alice, &mut bob, id, file);
    }
    assert_eq!(manifest(&bob.start.downloads).len(), MANY);
    for client in [&mut alice, &mut bob] {
        let failed = client.all(&json!({"event": "file_failed"}));
        assert!(failed.iter().all(|event| event["code"] == "paused"), "{failed:?}");
    }
}

#[test]
fn what_waits_for_its_turn_goes_on_after_restarts_of_both() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    bob.done(json!({"command": "set_file_rule", "user": "alice", "accept": "always"}));
    bob.done(json!({"command": "set_rates", "down": 16 * 1024}));
    let mut sent = Vec::new();
    for n in 0..3 * AT_ONCE {
        let file = random_file(&house.path(&format!("{n}.bin")), 1 << 20, n as u64);
        let made = alice.done(json!({"command": "send_file", "to": "@bob", "path": file}));
        sent.push((text_of(&made["transfer"]), file));
    }
    until("the rest waits", SOON, || count(&mut bob, "queued") == 2 * AT_ONCE);
    bob.crash();
    alice.crash();
    let (mut alice, mut bob) = (Client::again(&alice.start), Client::again(&bob.start));
    until("the rest waits again", SOON, || {
        count(&mut bob, "running") == AT_ONCE && count(&mut bob, "queued") == 2 * AT_ONCE
    });
    bob.done(json!({"command": "set_rates"}));
    for (id, file) in &sent {
        finished(&mut alice, &mut bob, id, file);
    }
}
