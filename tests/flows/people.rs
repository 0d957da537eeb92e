//! What a person keeps about others and tells of themselves: nicknames and notes on all own devices, when somebody was last seen, how much
//! is told of a conversation, codes to compare, and invites.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::story::{House, PASSWORD, befriend};
use rustix::process::Signal;
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;

fn second_device(house: &House) -> Client {
    let mut device = Client::start(&house.start("alice.2"));
    device.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    device
}

#[test]
fn a_nickname_and_a_note_are_on_every_device_and_stay() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    alice.done(json!({"command": "set_nickname", "user": "bob", "nickname": " Bobby \u{202e}<b> "}));
    alice.expect(json!({"event": "contact", "user": "bob", "nickname": "Bobby \u{202e}<b>", "note": ""}));
    alice.done(json!({"command": "set_note", "user": "bob", "note": "owes me\ntea"}));

    // A new device knows both before it shows anybody, and one that is there hears of a change.
    let mut two = second_device(&house);
    two.wait("the note", SOON, |event| event["event"] == "signed_in");
    let kept = |friend: Value| (friend["nickname"].clone(), friend["note"].clone());
    hobnob_tests::process::until("the second device knows the note", SOON, || {
        kept(two.friend("bob")) == (json!("Bobby \u{202e}<b>"), json!("owes me\ntea"))
    });
    two.done(json!({"command": "set_nickname", "user": "bob", "nickname": "Uncle Bob"}));
    alice.expect(json!({"event": "contact", "user": "bob", "nickname": "Uncle Bob", "note": "owes me\ntea"}));
    two.done(json!({"command": "set_note", "user": "bob", "note": ""}));
    alice.expect(json!({"event": "contact", "user": "bob", "nickname": "Uncle Bob", "note": ""}));

    alice.crash();
    let mut alice = Client::again(&alice.start);
    assert_eq!(kept(alice.friend("bob")), (json!("Uncle Bob"), json!("")));
    let found = alice.done(json!({"command": "search", "text": "uncle"}));
    assert_eq!(found["people"][0]["user"], "bob", "found by what they are called here");

    assert_eq!(alice.failed(json!({"command": "set_note", "user": "eve", "note": "x"}))["code"], "not_friends");
    let long = "n".repeat(65);
    assert_eq!(alice.failed(json!({"command": "set_nickname", "user": "bob", "nickname": long}))["code"], "too_long");
    let long = "n".repeat(2_049);
    assert_eq!(alice.failed(json!({"command": "set_note", "user": "bob", "note": long}))["code"], "too_long");
    assert!(bob.all(&json!({"event": "contact"})).is_empty(), "it is nobody else's business");
    assert_eq!(bob.friend("alice")["nickname"], "");
}

#[test]
fn what_was_noted_just_before_the_end_is_on_the_other_devices() {
    let house = House::new();
    let (mut alice, _bob) = house.alice_and_bob();
    let mut two = second_device(&house);
    two.expect(json!({"event": "presence", "user": "bob"}));
    // Nobody is left to put it later.
    alice.done(json!({"command": "set_nickname", "user": "bob", "nickname": "Bobby"}));
    assert!(alice.quit().success());
    two.expect(json!({"event": "contact", "user": "bob", "nickname": "Bobby"}));
}

#[test]
fn when_somebody_was_last_seen_is_told_only_where_both_allow_it_and_outlives_the_server() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    assert_eq!(alice.done(json!({"command": "last_seen"}))["last_seen"], json!(false), "nobody is told unasked");
    bob.done(json!({"command": "set_last_seen", "on": true}));
    assert!(bob.quit().success());
    let gone = alice.expect(json!({"event": "presence", "user": "bob", "presence": "offline"}));
    assert_eq!(gone.get("last_seen"), None, "who does not tell is not told");

    // Who allows it is told at once.
    alice.done(json!({"command": "set_last_seen", "on": true}));
    let told = |event: &Value| event["event"] == "presence" && event["user"] == "bob" && event["last_seen"].is_u64();
    let seen = alice.wait("when bob was seen", SOON, told)["last_seen"].as_u64().unwrap();
    assert_eq!(seen % MINUTE, 0);
    assert_eq!(alice.friend("bob")["last_seen"], json!(seen));

    house.server.crash();
    alice.expect(json!({"event": "server", "state": "offline"}));
    assert_eq!(alice.friend("bob").get("last_seen"), None, "nobody is there who could say so");
    alice.forget();
    house.server.restart();
    alice.wait("when bob was seen, from the store", SOON * 3, told);
    assert_eq!(alice.friend("bob")["last_seen"], json!(seen));
    assert_eq!(alice.done(json!({"command": "last_seen"}))["last_seen"], json!(true));

    // Taken back, it is forgotten on both sides.
    alice.forget();
    alice.done(json!({"command": "set_last_seen", "on": false}));
    let event = alice.expect(json!({"event": "presence", "user": "bob", "presence": "offline"}));
    assert_eq!(event.get("last_seen"), None);
    assert_eq!(alice.friend("bob").get("last_seen"), None);
}

#[test]
fn a_server_that_ends_in_order_keeps_when_those_were_seen_who_were_there() {
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    for person in [&mut alice, &mut bob] {
        person.done(json!({"command": "set_last_seen", "on": true}));
    }
    house.server.process.signal(Signal::TERM);
    assert!(house.server.process.wait(SOON).success());
    alice.expect(json!({"event": "server", "state": "offline"}));
    bob.crash();
    alice.forget();
    house.server.restart();
    let told = |event: &Value| event["event"] == "presence" && event["user"] == "bob" && event["last_seen"].is_u64();
    alice.wait("when bob was seen", SOON * 3, told);
}

#[test]
fn the_invisible_were_seen_when_they_became_so_however_often_they_come_back() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    for person in [&mut alice, &mut bob] {
        person.done(json!({"command": "set_last_seen", "on": true}));
    }
    bob.done(json!({"command": "set_presence", "presence": "invisible"}));
    let told = |event: &Value| event["event"] == "presence" && event["user"] == "bob" && event["last_seen"].is_u64();
    let seen = alice.wait("when bob was seen", SOON, told)["last_seen"].clone();
    let before = alice.all(&json!({"event": "presence", "user": "bob"})).len();
    assert!(bob.quit().success());
    let mut bob = Client::again(&bob.start);
    assert!(bob.quit().success());
    // A word from the server that comes behind all of that: nothing of it was told.
    let mut carol = house.person("carol");
    befriend(&mut carol, &mut alice);
    let told = alice.all(&json!({"event": "presence", "user": "bob"}));
    assert_eq!(told.last().map(|last| &last["last_seen"]), Some(&seen), "{told:?}");
    assert_eq!(told.len(), before, "nothing was told: {told:?}");
    assert_eq!(alice.friend("bob")["last_seen"], seen);
    let mut alice = again(alice);
    assert_eq!(alice.friend("bob")["last_seen"], seen);
}

fn again(mut client: Client) -> Client {
    assert!(client.quit().success());
    let mut client = Client::again(&client.start);
    client.wait("the last presence", SOON, |event| event["event"] == "presence" && event["user"] == "bob");
    client
}

#[test]
fn how_much_is_told_of_a_conversation_is_kept() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    bob.done(json!({"command": "send", "to": "@alice", "text": "hello"}));
    alice.expect(json!({"event": "message", "text": "hello"}));
    alice.done(json!({"command": "join_room", "room": "#tea"}));
    assert_eq!(alice.friend("bob")["notify"], "all");
    alice.done(json!({"command": "set_notify", "conversation": "@bob", "notify": "none"}));
    alice.done(json!({"command": "set_notify", "conversation": "#tea", "notify": "mentions"}));
    alice.crash();
    let mut alice = Client::again(&alice.start);
    assert_eq!(alice.friend("bob")["notify"], "none");
    assert_eq!(alice.done(json!({"command": "rooms"}))["rooms"][0]["notify"], "mentions");
    let all = alice.done(json!({"command": "conversations"}));
    let direct = all["conversations"].as_array().unwrap().iter().find(|one| one["conversation"] == "@bob").unwrap();
    assert_eq!(direct["notify"], "none");
    alice.done(json!({"command": "set_notify", "conversation": "@bob", "notify": "all"}));
    assert_eq!(alice.friend("bob")["notify"], "all");
    for (conversation, code) in [("@eve", "not_friends"), ("#zoo", "not_in_room")] {
        let wish = json!({"command": "set_notify", "conversation": conversation, "notify": "none"});
        assert_eq!(alice.failed(wish)["code"], code);
    }
}

#[test]
fn a_code_verifies_only_when_both_see_the_same_keys() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let number = |client: &mut Client, user: &str| client.done(json!({"command": "safety_number", "user": user}));
    let (at_alice, at_bob) = (number(&mut alice, "bob"), number(&mut bob, "alice"));
    assert_eq!(at_alice["safety_number"], at_bob["safety_number"]);
    let text = |value: &Value| value["code"].as_str().unwrap().to_owned();
    let own = text(&at_alice);
    let verify = |code: &str| json!({"command": "verify", "user": "bob", "code": code});
    let fields: Vec<&str> = own.split(':').collect();
    let false_key = text(&at_bob).replace(fields[5], &"00".repeat(32));
    for (code, refusal) in [
        (own.as_str(), "own_code"),
        (false_key.as_str(), "code_differs"),
        (&"1".repeat(60), "code_differs"),
        ("what is this", "bad_code"),
    ] {
        assert_eq!(alice.failed(verify(code))["code"], refusal, "{code}");
        assert_eq!(alice.friend("bob")["verified"], json!(false));
    }
    alice.done(verify(&text(&at_bob)));
    assert_eq!(alice.friend("bob")["verified"], json!(true));
    // The digits do as well.
    let digits = at_alice["safety_number"].as_str().unwrap();
    bob.done(json!({"command": "verify", "user": "alice", "code": digits}));
    assert_eq!(bob.friend("alice")["verified"], json!(true));
}

#[test]
fn an_invite_adds_and_pins_and_a_false_one_says_what_is_wrong() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    let invite = bob.done(json!({"command": "invite"}))["invite"].as_str().unwrap().to_owned();
    assert!(invite.starts_with("hobnob:bob?k=") && !invite.contains("&s="), "loopback is no use to others: {invite}");
    for (text, code) in [
        ("hobnob:", "bad_invite"),
        ("hobnob:b\u{202e}ob?k=00", "bad_invite"),
        ("hobnob:bob?k=00", "bad_invite_key"),
        (&format!("{invite}&x=1"), "newer_invite"),
        (&format!("hobnob:{}", "b".repeat(10_000)), "bad_invite"),
    ] {
        assert_eq!(alice.failed(json!({"command": "add_friend", "user": text}))["code"], code);
    }
    alice.done(json!({"command": "add_friend", "user": format!("{invite}&s=chat.example:7666")}));
    bob.expect(json!({"event": "friend_request", "user": "alice"}));
    bob.done(json!({"command": "accept_friend", "user": "alice"}));
    alice.expect(json!({"event": "friend_added", "user": "bob"}));
}

#[test]
fn an_invite_with_somebody_elses_key_is_told_and_what_waits_goes_on_waiting() {
    let house = House::new();
    let (mut alice, mut bob, mut carol) = (house.person("alice"), house.person("bob"), house.person("carol"));
    let own = alice.done(json!({"command": "invite"}))["invite"].as_str().unwrap().to_owned();
    let foreign = |user: &str| json!({"command": "add_friend", "user": own.replace("alice", user)});
    let refused = |alice: &mut Client, user: &str| assert_eq!(alice.failed(foreign(user))["code"], "foreign_invite");
    // Whoever is asked already can still say yes.
    alice.done(json!({"command": "add_friend", "user": "bob"}));
    bob.expect(json!({"event": "friend_request", "user": "alice"}));
    refused(&mut alice, "bob");
    bob.done(json!({"command": "accept_friend", "user": "alice"}));
    alice.expect(json!({"event": "friend_added", "user": "bob"}));
    refused(&mut alice, "bob");
    // Nobody is held to a key that was refused, and nobody who asks is accepted by somebody else's.
    refused(&mut alice, "carol");
    carol.done(json!({"command": "add_friend", "user": "alice"}));
    alice.expect(json!({"event": "friend_request", "user": "carol"}));
    refused(&mut alice, "carol");
    alice.done(json!({"command": "accept_friend", "user": "carol"}));
    alice.expect(json!({"event": "friend_added", "user": "carol"}));
    refused(&mut alice, "nobody.at.all");
}
