//! What is pasted is kept in the profile until it is sent; what nobody got does not stay there.

use std::path::PathBuf;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::random_file;
use hobnob_tests::process::until;
use hobnob_tests::story::{House, linked, offer, text_of};
use serde_json::json;

/// A file where the window keeps what was pasted.
fn pasted(client: &Client, name: &str) -> PathBuf {
    let folder = client.start.profile.join("pasted");
    std::fs::create_dir_all(&folder).unwrap();
    random_file(&folder.join(name), 5_000, 1)
}

fn is_gone(path: &std::path::Path) {
    until(&format!("{} is gone", path.display()), SOON, || !path.exists());
}

#[test]
fn pasted_pictures_that_nobody_got_are_removed_and_the_others_stay() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let delivered = pasted(&alice, "Picture delivered.png");
    let id = offer(&mut alice, &mut bob, &delivered);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    alice.expect(json!({"event": "file_finished", "transfer": id}));

    let refused = pasted(&alice, "Picture refused.png");
    assert_eq!(alice.failed(json!({"command": "send_file", "to": "@nobody", "path": refused}))["code"], "not_friends");
    is_gone(&refused);
    let declined = pasted(&alice, "Picture declined.png");
    let id = offer(&mut alice, &mut bob, &declined);
    bob.done(json!({"command": "decline_file", "transfer": id}));
    is_gone(&declined);
    let cancelled = pasted(&alice, "Picture cancelled.png");
    let id = offer(&mut alice, &mut bob, &cancelled);
    alice.done(json!({"command": "cancel_file", "transfer": id}));
    is_gone(&cancelled);

    // One that is named by another transfer too is still needed.
    let twice = pasted(&alice, "Picture twice.png");
    let (one, other) = (offer(&mut alice, &mut bob, &twice), offer(&mut alice, &mut bob, &twice));
    let final_one = pasted(&alice, "Picture last.png");
    let after = offer(&mut alice, &mut bob, &final_one);
    for id in [&one, &after] {
        alice.done(json!({"command": "cancel_file", "transfer": id}));
    }
    is_gone(&final_one);
    assert!(twice.exists(), "it still waits for an answer");

    // A file of the same name elsewhere is nobody's business.
    let mine = random_file(&house.path("Picture mine.png"), 10, 1);
    let id = offer(&mut alice, &mut bob, &mine);
    bob.done(json!({"command": "decline_file", "transfer": id}));
    alice.expect(json!({"event": "file_failed", "transfer": id, "code": "declined"}));

    let forgotten = pasted(&alice, "Picture that was never offered.png");
    alice.crash();
    let mut alice = Client::again(&alice.start);
    is_gone(&forgotten);
    assert!(delivered.exists(), "the conversation shows it");
    assert!(mine.exists());
    linked(&mut alice, &mut bob, "direct");
    bob.done(json!({"command": "accept_file", "transfer": other}));
    let arrived = bob.expect(json!({"event": "file_finished", "transfer": other}));
    assert!(text_of(&arrived["path"]).ends_with("Picture twice.png"));
    let list = alice.done(json!({"command": "transfers"}));
    let hash = |id: &str| {
        let all = list["transfers"].as_array().unwrap();
        all.iter().find(|one| one["transfer"] == id).unwrap()["blake3"].clone()
    };
    alice.expect(json!({"event": "file_finished", "transfer": other}));
    assert!(twice.exists());
    assert_eq!(hash(&one), serde_json::Value::Null, "nothing is known of what was never sent");
}
