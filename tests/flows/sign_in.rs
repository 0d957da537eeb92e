//! Accounts: bad names, wrong passwords, a second device with handle and password alone, no secret in any answer.

use hobnob_tests::client::{Client, Start};
use hobnob_tests::story::{House, PASSWORD, linked, say};
use serde_json::json;

#[test]
fn bad_and_taken_handles_are_refused_with_a_sentence_and_nothing_is_lost() {
    let house = House::new();
    let _bob = house.person("bob");
    let mut alice = Client::start(&house.start("alice"));
    let too_long = "a".repeat(33);
    let bad = [
        "",
        " ",
        "al",
        &too_long,
        "Alice",
        "al ice",
        "\u{430}lice",
        "alice\u{200b}",
        "a\u{301}lice",
        "ａｌｉｃｅ",
        "@alice",
        "a/b",
    ];
    for user in bad {
        alice.failed(json!({"command": "sign_up", "user": user, "password": PASSWORD}));
    }
    let taken = alice.failed(json!({"command": "sign_up", "user": "bob", "password": PASSWORD}));
    assert_eq!(taken["code"], "taken");
    let short = alice.failed(json!({"command": "sign_up", "user": "alice", "password": "short"}));
    assert!(!short.to_string().contains("\"short\""), "{short}");
    alice.done(json!({"command": "sign_up", "user": "alice", "password": PASSWORD}));
    alice.failed(json!({"command": "sign_up", "user": "alice.two", "password": PASSWORD}));
    let longest = "z".repeat(32);
    Client::sign_up(&house.start("longest"), &longest, PASSWORD);
}

#[test]
fn wrong_password_and_unknown_name_get_the_same_answer() {
    let house = House::new();
    let _alice = house.person("alice");
    let mut second = Client::start(&house.start("second"));
    let wrong = second.failed(json!({"command": "sign_in", "user": "alice", "password": "not the password"}));
    let unknown = second.failed(json!({"command": "sign_in", "user": "nobody.here", "password": "not the password"}));
    assert_eq!((&wrong["code"], &wrong["text"]), (&unknown["code"], &unknown["text"]));
    assert_eq!(wrong["code"], "wrong_password");
    assert!(!second.process.log().text().contains("not the password"));
    second.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
}

#[test]
fn a_second_profile_opens_the_account_with_handle_and_password_alone() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let number = alice.done(json!({"command": "safety_number", "user": "bob"}))["safety_number"].clone();
    assert_eq!(number.as_str().unwrap().len(), 60);
    let of_bob = bob.done(json!({"command": "safety_number", "user": "alice"}))["safety_number"].clone();
    assert_eq!(number, of_bob, "both compare the same digits");

    let mut laptop = Client::start(&house.start("laptop"));
    laptop.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    laptop.expect(json!({"event": "presence", "user": "bob", "presence": "available"}));
    laptop.expect(json!({"event": "link", "user": "bob", "path": "direct"}));
    let again = laptop.done(json!({"command": "safety_number", "user": "bob"}))["safety_number"].clone();
    assert_eq!(number, again, "another identity key");

    let sent = laptop.done(json!({"command": "send", "to": "@bob", "text": "from the laptop"}));
    let shown = bob.expect(json!({"event": "message", "message": sent["message"]}));
    assert_eq!(shown["from"], "alice");
    say(&mut alice, &mut bob, "from the desktop");
    bob.forget();
    assert!(bob.all(&json!({"event": "alarm"})).is_empty(), "a friend's new device is no alarm");
    assert_eq!(bob.done(json!({"command": "safety_number", "user": "alice"}))["safety_number"], number);
}

#[test]
fn signing_out_and_in_again_needs_no_password_on_a_known_device() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    alice.done(json!({"command": "sign_out"}));
    alice.expect(json!({"event": "signed_out"}));
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "offline"}));
    assert!(alice.quit().success());
    // Signed out is kept: it does not sign in by itself.
    let mut alice = Client::start(&alice.start);
    // A password that is given must be the right one, though none is needed.
    let failed = alice.failed(json!({"command": "sign_in", "user": "alice", "password": "not the one 7"}));
    assert_eq!(failed["code"], "wrong_password");
    alice.done(json!({"command": "sign_in", "user": "alice"}));
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "available"}));
    linked(&mut alice, &mut bob, "direct");
    alice.done(json!({"command": "sign_out"}));
    alice.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    let devices = alice.done(json!({"command": "devices"}));
    assert_eq!(devices["devices"].as_array().unwrap().len(), 1, "it is the same device");
}

#[test]
fn a_device_that_has_not_heard_of_another_one_is_still_linked() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut second = Client::start(&house.start("second"));
    second.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    second.expect(json!({"event": "link", "user": "bob", "path": "direct"}));
    // Bob knows the longer list now. The first device shows the shorter one on every new link, whoever restarts.
    assert!(second.quit().success());
    assert!(alice.quit().success());
    let mut alice = Client::again(&alice.start);
    alice.expect(json!({"event": "link", "user": "bob", "path": "direct"}));
    say(&mut alice, &mut bob, "from the first device");
    assert!(bob.quit().success());
    let mut bob = Client::again(&bob.start);
    say(&mut alice, &mut bob, "still from the first device");
    say(&mut bob, &mut alice, "and back");
    assert!(!bob.saw(&json!({"event": "alarm"})));
}

#[test]
fn a_profile_keeps_its_server_and_secrets_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::new();
    let mut alice = house.person("alice");
    assert!(alice.quit().success());
    let start = Start { server: None, ..alice.start.clone() };
    let mut alice = Client::again(&start);
    alice.done(json!({"command": "friends"}));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&start.profile), 0o700);
    for entry in std::fs::read_dir(&start.profile).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() {
            assert_eq!(mode(&entry.path()) & 0o077, 0, "{}", entry.path().display());
        }
    }
    let found = hobnob_tests::files::contains(&house.home, PASSWORD.as_bytes());
    assert_eq!(found, None, "the password is on a disk");
}
