//! How fast files may go: as wished, at once, for all transfers, and after a restart.

use hobnob_tests::client::Client;
use hobnob_tests::files::random_file;
use hobnob_tests::story::{House, finished, linked, offer, say};
use serde_json::json;

/// Bytes; at the slowest rate they would take seventeen minutes.
const SIZE: u64 = 16 << 20;

#[test]
fn a_limit_holds_until_it_is_lifted_and_chat_goes_on() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let rates = |one: &mut Client| {
        let rates = one.done(json!({"command": "rates"}));
        (rates["up"].as_u64(), rates["down"].as_u64())
    };
    assert_eq!(rates(&mut bob), (None, None));
    bob.done(json!({"command": "set_rates", "down": 16 * 1024}));
    let sent = random_file(&house.path("large.bin"), SIZE, 1);
    let id = offer(&mut alice, &mut bob, &sent);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    say(&mut alice, &mut bob, "while the file hardly moves");
    assert_eq!(rates(&mut bob), (None, Some(16 * 1024)));
    let list = bob.done(json!({"command": "transfers"}));
    assert_ne!(list["transfers"][0]["state"], "finished");
    bob.done(json!({"command": "set_rates"}));
    finished(&mut alice, &mut bob, &id, &sent);

    // The sender's limit does the same, and is there after a restart.
    alice.done(json!({"command": "set_rates", "up": 16 * 1024}));
    alice.crash();
    let mut alice = Client::again(&alice.start);
    linked(&mut alice, &mut bob, "direct");
    assert_eq!(rates(&mut alice), (Some(16 * 1024), None));
    let id = offer(&mut alice, &mut bob, &sent);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    alice.expect(json!({"event": "file_progress", "transfer": id}));
    say(&mut bob, &mut alice, "and this one neither");
    let list = alice.done(json!({"command": "transfers"}));
    assert!(list["transfers"].as_array().unwrap().iter().any(|one| one["transfer"] == id && one["state"] == "running"));
    alice.done(json!({"command": "set_rates", "up": 500_000_000}));
    finished(&mut alice, &mut bob, &id, &sent);

    for wrong in [json!(1), json!(16 * 1024 - 1)] {
        let refused = alice.failed(json!({"command": "set_rates", "up": wrong}));
        assert_eq!(refused["code"], "bad_request");
    }
    for wrong in [json!(0), json!(-1), json!("fast")] {
        assert_eq!(alice.failed(json!({"command": "set_rates", "up": wrong}))["code"], "bad_command");
    }
    assert_eq!(rates(&mut alice), (Some(500_000_000), None));
}
