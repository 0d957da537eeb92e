//! Pictures that people show themselves with: who sees them, when, and what is left of them.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::{bomb, hash, picture};
use hobnob_tests::process::until;
use hobnob_tests::room::{TEA, join};
use hobnob_tests::story::{House, PASSWORD, befriend, linked, text_of};
use serde_json::{Value, json};

/// Chooses a picture of its own kind; its hash.
fn choose(house: &House, client: &mut Client, blue: u8) -> String {
    let path = picture(&house.path(&format!("{blue}.bmp")), blue);
    let chosen = client.done(json!({"command": "set_avatar", "path": path}));
    client.expect(json!({"event": "avatar", "user": account(client), "hash": chosen["hash"]}));
    text_of(&chosen["hash"])
}

/// Profiles of further devices are called `alice.2`.
fn account(client: &Client) -> String {
    client.name().split('.').next().unwrap().to_owned()
}

fn file(client: &Client, hash: &str) -> PathBuf {
    client.start.profile.join("avatars").join(hash)
}

fn sees(client: &mut Client, user: &str, hash: impl Into<Value>) {
    let hash = hash.into();
    client.expect_within(SOON * 3, json!({"event": "avatar", "user": user, "hash": hash}));
    if let Some(name) = hash.as_str() {
        let path = file(client, name);
        assert_eq!(self::hash(&path), name, "the file is what its name says");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// What the friend list says of Alice's picture.
fn listed(client: &mut Client) -> Value {
    let list = client.done(json!({"command": "friends"}));
    let all = list["friends"].as_array().unwrap();
    all.iter().find(|friend| friend["user"] == "alice").unwrap()["avatar"].clone()
}

#[test]
fn a_friend_sees_the_picture_later_too_and_while_its_person_is_away() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let first = choose(&house, &mut alice, 10);
    sees(&mut bob, "alice", first.as_str());
    assert_eq!(listed(&mut bob), json!(first));
    assert!(std::fs::metadata(file(&bob, &first)).unwrap().len() <= 60 * 1024);

    // Chosen while the friend is away.
    assert!(bob.quit().success());
    alice.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    let second = choose(&house, &mut alice, 200);
    assert_ne!(first, second);
    until("the first picture is gone here", SOON, || !file(&alice, &first).exists());
    let mut bob = Client::again(&bob.start);
    sees(&mut bob, "alice", second.as_str());
    until("the first picture is gone there", SOON, || !file(&bob, &first).exists());

    // And kept, whoever is away, and whatever crashes.
    assert!(alice.quit().success());
    bob.expect(json!({"event": "link", "user": "alice", "path": "none"}));
    bob.crash();
    let mut bob = Client::again(&bob.start);
    assert_eq!(listed(&mut bob), json!(second));
    let all = bob.done(json!({"command": "avatars"}));
    assert_eq!(all["avatars"], json!([{"user": "alice", "hash": second}]));
    assert_eq!(hash(&file(&bob, &second)), second);

    // One that was lost is asked for again.
    assert!(bob.quit().success());
    std::fs::remove_file(file(&bob, &second)).unwrap();
    let mut bob = Client::again(&bob.start);
    assert_eq!(listed(&mut bob), Value::Null);
    let mut alice = Client::again(&alice.start);
    sees(&mut bob, "alice", second.as_str());
    alice.done(json!({"command": "set_avatar"}));
    sees(&mut bob, "alice", Value::Null);
    until("the second picture is gone", SOON, || !file(&bob, &second).exists() && !file(&alice, &second).exists());
    assert_eq!(listed(&mut bob), Value::Null);
}

#[test]
fn only_pictures_become_ones_own() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let text = house.path("text.png");
    std::fs::write(&text, "no picture").unwrap();
    let long = house.path("long.png");
    std::fs::File::create(&long).unwrap().set_len((64 << 20) + 1).unwrap();
    let nowhere = house.path("nowhere.png");
    for (path, code) in [
        (&text, "no_picture"),
        (&bomb(&house.path("bomb.png")), "picture_too_large"),
        (&long, "picture_too_large"),
        (&nowhere, "picture_unreadable"),
        (&house.path(""), "no_picture"),
    ] {
        let refused = alice.failed(json!({"command": "set_avatar", "path": path}));
        assert_eq!(refused["code"], code, "{}: {refused}", path.display());
    }
    let hash = choose(&house, &mut alice, 10);
    sees(&mut bob, "alice", hash.as_str());
    assert_eq!(bob.all(&json!({"event": "avatar"})).len(), 1, "nothing else was told");
    let mut nobody = Client::start(&house.start("nobody"));
    let picture = house.path("10.bmp");
    assert_eq!(nobody.failed(json!({"command": "set_avatar", "path": picture}))["code"], "not_signed_in");
}

#[test]
fn who_is_removed_or_blocks_keeps_nothing() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut carol = house.person("carol");
    befriend(&mut alice, &mut carol);
    linked(&mut alice, &mut carol, "direct");
    let (of_alice, of_bob) = (choose(&house, &mut alice, 10), choose(&house, &mut bob, 20));
    for client in [&mut bob, &mut carol] {
        sees(client, "alice", of_alice.as_str());
    }
    sees(&mut alice, "bob", of_bob.as_str());
    alice.done(json!({"command": "remove_friend", "user": "bob"}));
    sees(&mut alice, "bob", Value::Null);
    sees(&mut bob, "alice", Value::Null);
    carol.done(json!({"command": "block", "user": "alice"}));
    sees(&mut carol, "alice", Value::Null);
    until("nothing is left", SOON, || {
        [(&bob, &of_alice), (&carol, &of_alice), (&alice, &of_bob)]
            .iter()
            .all(|(client, hash)| !file(client, hash).exists())
    });
    // Who is no friend hears of no other one.
    let next = choose(&house, &mut alice, 30);
    for client in [&mut bob, &mut carol] {
        assert_eq!(
            client.done(json!({"command": "avatars"}))["avatars"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|a| a["user"] == "alice")
                .count(),
            0
        );
        assert!(!file(client, &next).exists());
    }
}

#[test]
fn ones_devices_agree_and_members_of_a_room_see_it() {
    let house = House::new();
    let (mut one, mut bob) = (house.person("alice"), house.person("bob"));
    let first = choose(&house, &mut one, 10);
    let mut two = Client::start(&house.start("alice.2"));
    two.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    sees(&mut two, "alice", first.as_str());
    // Bob is no friend, but in a room with both.
    join(&mut one, TEA);
    join(&mut bob, TEA);
    sees(&mut bob, "alice", first.as_str());
    // Chosen on the second device.
    let second = choose(&house, &mut two, 20);
    sees(&mut one, "alice", second.as_str());
    sees(&mut bob, "alice", second.as_str());
    // While the first was away; its older choice does not come back.
    assert!(one.quit().success());
    two.done(json!({"command": "set_avatar"}));
    sees(&mut bob, "alice", Value::Null);
    let mut one = Client::again(&one.start);
    sees(&mut one, "alice", Value::Null);
    assert_eq!(bob.done(json!({"command": "avatars"}))["avatars"], json!([]));
}

#[test]
fn of_two_choices_right_after_each_other_the_later_counts_even_if_it_is_ready_first() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let first = choose(&house, &mut alice, 10);
    sees(&mut bob, "alice", first.as_str());
    // Nothing has to be made for the second one.
    let slow = picture(&house.path("slow.bmp"), 99);
    let slow = alice.post(json!({"command": "set_avatar", "path": slow}));
    let quick = alice.post(json!({"command": "set_avatar"}));
    alice.answer(&quick).unwrap();
    assert_eq!(alice.answer(&slow).unwrap_err()["code"], "overtaken");
    sees(&mut bob, "alice", Value::Null);
    assert_eq!(listed(&mut bob), Value::Null);
    assert_eq!(alice.done(json!({"command": "avatars"}))["avatars"], json!([]));
    assert_eq!(bob.all(&json!({"event": "avatar", "user": "alice"})).len(), 2, "it was never sent");
}
