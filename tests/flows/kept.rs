//! Done is said of what is still so when the program is killed the moment after, and of what the next command finds.

use hobnob_tests::client::Client;
use hobnob_tests::files::picture;
use hobnob_tests::story::{House, PASSWORD};
use serde_json::json;

/// A disk that is quick hides a mistake; it is not always quick.
const OFTEN: u8 = 4;

#[test]
fn presence_and_picture_are_kept_once_they_are_set() {
    let house = House::new();
    let mut alice = house.person("alice");
    for n in 0..OFTEN {
        let presence = ["invisible", "busy"][usize::from(n % 2)];
        let path = picture(&house.path(&format!("{n}.bmp")), n);
        let chosen = alice.done(json!({"command": "set_avatar", "path": path}));
        alice.crash();
        alice = Client::again(&alice.start);
        let own = json!([{"user": "alice", "hash": chosen["hash"]}]);
        assert_eq!(alice.done(json!({"command": "avatars"}))["avatars"], own);

        alice.done(json!({"command": "set_presence", "presence": presence, "text": format!("{n}")}));
        alice.crash();
        alice = Client::start(&alice.start);
        alice.expect(json!({"event": "signed_in", "presence": presence, "text": format!("{n}")}));
    }
}

#[test]
fn who_signed_out_stays_signed_out_and_goes_where_they_said() {
    let house = House::new();
    let mut alice = house.person("alice");
    for n in 0..OFTEN {
        alice.done(json!({"command": "sign_out"}));
        alice.crash();
        alice = Client::start(&alice.start);
        assert_eq!(alice.failed(json!({"command": "set_presence", "presence": "busy"}))["code"], "not_signed_in");
        alice.done(json!({"command": "sign_in", "user": "alice"}));

        alice.done(json!({"command": "set_server", "server": format!("127.0.0.1:{}", 1024 + u16::from(n))}));
        alice.crash();
        let settings = std::fs::read_to_string(alice.start.profile.join("settings.json")).unwrap();
        assert!(settings.contains(&format!("127.0.0.1:{}\"", 1024 + u16::from(n))), "{settings}");
        // It is started with the right address.
        alice = Client::again(&alice.start);
    }
}

#[test]
fn a_new_device_has_its_friends_once_it_is_signed_in() {
    let mut house = House::new();
    let (_alice, _bob) = house.alice_and_bob();
    let mut second = Client::start(&house.start("second"));
    second.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    second.crash();
    house.server.crash();
    let mut second = Client::start(&second.start);
    assert_eq!(second.friend("bob")["user"], "bob");
}

#[test]
fn who_accepts_has_a_friend_at_once() {
    let house = House::new();
    let mut alice = house.person("alice");
    for n in 0..OFTEN {
        let name = format!("friend{n}");
        let mut friend = house.person(&name);
        friend.done(json!({"command": "add_friend", "user": "alice"}));
        alice.expect(json!({"event": "friend_request", "user": name}));
        alice.done(json!({"command": "accept_friend", "user": name}));
        assert_eq!(alice.friend(&name)["user"], json!(name));
        alice.done(json!({"command": "send", "to": format!("@{name}"), "text": "hello"}));
    }
}
