//! Several devices of one account: what one gets, sends or reads is on the others too, whoever is away in between.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::process::until;
use hobnob_tests::room::{Shown, TEA, agree, gather, history, join, put, texts};
use hobnob_tests::story::{House, PASSWORD, befriend, linked, say, text_of};
use serde_json::{Value, json};

/// A second device of Alice's, in a profile of its own.
fn second_device(house: &House) -> Client {
    let mut device = Client::start(&house.start("alice.2"));
    device.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    device
}

/// Alice with two devices, and Bob; all linked.
fn two_devices_and_a_friend(house: &House) -> (Client, Client, Client) {
    let (mut one, mut bob) = (house.person("alice"), house.person("bob"));
    befriend(&mut one, &mut bob);
    linked(&mut one, &mut bob, "direct");
    let mut two = second_device(house);
    for user in ["alice", "bob"] {
        two.expect(json!({"event": "link", "user": user, "path": "direct"}));
    }
    one.expect(json!({"event": "link", "user": "alice", "path": "direct"}));
    (one, two, bob)
}

/// Waits for a message of that text.
fn hears(client: &mut Client, conversation: &str, text: &str) -> Value {
    client.expect_within(SOON * 3, json!({"event": "message", "conversation": conversation, "text": text}))
}

#[test]
fn both_devices_are_shown_what_a_friend_says_and_what_the_other_one_says() {
    let house = House::new();
    let (mut one, mut two, mut bob) = two_devices_and_a_friend(&house);
    let from_bob = put(&mut bob, "@alice", "to both");
    for device in [&mut one, &mut two] {
        let shown = hears(device, "@bob", "to both");
        assert_eq!((&shown["from"], &shown["message"]), (&json!("bob"), &json!(from_bob)));
    }
    bob.expect(json!({"event": "message_state", "message": from_bob, "state": "delivered"}));
    for text in ["from the first", "from the second"] {
        let (from, to) = if text == "from the first" { (&mut one, &mut two) } else { (&mut two, &mut one) };
        let id = put(from, "@bob", text);
        let shown = hears(&mut bob, "@alice", text);
        assert_eq!((&shown["from"], &shown["message"]), (&json!("alice"), &json!(id)));
        let mirrored = hears(to, "@bob", text);
        assert_eq!((&mirrored["from"], &mirrored["message"]), (&json!("alice"), &json!(id)));
        for device in [from, to] {
            device.expect(json!({"event": "message_state", "message": id, "state": "delivered"}));
        }
    }
    let all = &mut [(&mut one, "@bob"), (&mut two, "@bob"), (&mut bob, "@alice")];
    let lines = agree(all, 3, SOON);
    assert_eq!(texts(&lines), ["to both", "from the first", "from the second"]);
}

#[test]
fn what_one_device_reads_is_read_on_the_other_and_told_the_author_once() {
    let house = House::new();
    let (mut one, mut two, mut bob) = two_devices_and_a_friend(&house);
    let id = put(&mut bob, "@alice", "read me");
    for device in [&mut one, &mut two] {
        hears(device, "@bob", "read me");
    }
    two.done(json!({"command": "mark_read", "message": id}));
    one.expect(json!({"event": "read_elsewhere", "conversation": "@bob", "message": id}));
    bob.expect(json!({"event": "message_state", "message": id, "state": "read"}));
    let unread = one.done(json!({"command": "conversations"}));
    assert_eq!(unread["conversations"][0]["unread"], 0);
    // The other way round: a friend reads what one device said, and both hear it.
    let id = put(&mut one, "@bob", "and you?");
    hears(&mut bob, "@alice", "and you?");
    bob.done(json!({"command": "mark_read", "message": id}));
    for device in [&mut one, &mut two] {
        device.expect(json!({"event": "message_state", "message": id, "state": "read"}));
    }
    agree(&mut [(&mut one, "@bob"), (&mut two, "@bob"), (&mut bob, "@alice")], 2, SOON);
}

#[test]
fn a_new_device_gets_the_history_from_the_other_one_and_shows_it_once() {
    let house = House::new();
    let (mut one, mut bob) = house.alice_and_bob();
    let said: Vec<String> = (0..40).map(|n| say(&mut one, &mut bob, &format!("early {n}"))).collect();
    let answer = put(&mut bob, "@alice", "noted");
    hears(&mut one, "@bob", "noted");
    assert!(bob.quit().success());
    let mut two = second_device(&house);
    let mut shown: Vec<String> = Vec::new();
    for _ in 0..=said.len() {
        let message = two.expect(json!({"event": "message", "conversation": "@bob"}));
        shown.push(message["message"].as_str().unwrap().to_owned());
    }
    // Either log may come first; each is in its order.
    assert!(shown.contains(&answer));
    shown.retain(|id| *id != answer);
    assert_eq!(shown, said);
    agree(&mut [(&mut one, "@bob"), (&mut two, "@bob")], 41, SOON);
    let mut bob = Client::again(&bob.start);
    two.expect(json!({"event": "link", "user": "bob", "path": "direct"}));
    put(&mut two, "@bob", "from the new one");
    hears(&mut bob, "@alice", "from the new one");
    hears(&mut one, "@bob", "from the new one");
    agree(&mut [(&mut one, "@bob"), (&mut two, "@bob"), (&mut bob, "@alice")], 42, SOON);
    assert_eq!(two.all(&json!({"event": "message"})).len(), 41);
}

#[test]
fn what_one_device_missed_it_gets_from_the_other_while_the_friend_is_away() {
    let house = House::new();
    let (mut one, mut two, mut bob) = two_devices_and_a_friend(&house);
    one.crash();
    for n in 0..10 {
        put(&mut bob, "@alice", &format!("bob {n}"));
        put(&mut two, "@bob", &format!("alice {n}"));
    }
    hears(&mut two, "@bob", "bob 9");
    hears(&mut bob, "@alice", "alice 9");
    agree(&mut [(&mut two, "@bob"), (&mut bob, "@alice")], 20, SOON);
    bob.crash();
    let mut one = Client::again(&one.start);
    let lines = agree(&mut [(&mut one, "@bob"), (&mut two, "@bob")], 20, SOON * 2);
    assert!(lines.iter().all(|line| line.state == "delivered"), "how far the friend was is known too");
    until("both sides of it were shown", SOON, || {
        one.forget();
        one.all(&json!({"event": "message"})).len() >= 20
    });
    assert_eq!(one.all(&json!({"event": "message"})).len(), 20);
}

#[test]
fn what_is_queued_on_one_device_the_other_delivers() {
    let house = House::new();
    let (mut one, mut two, mut bob) = two_devices_and_a_friend(&house);
    assert!(bob.quit().success());
    for device in [&mut one, &mut two] {
        device.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    }
    let ids: Vec<String> = (0..10).map(|n| put(&mut one, "@bob", &format!("queued {n}"))).collect();
    hears(&mut two, "@bob", "queued 9");
    one.crash();
    let mut bob = Client::again(&bob.start);
    for id in &ids {
        let shown = bob.expect(json!({"event": "message", "conversation": "@alice"}));
        assert_eq!(shown["message"], id.as_str());
    }
    for id in &ids {
        two.expect(json!({"event": "message_state", "message": id, "state": "delivered"}));
    }
    let mut one = Client::again(&one.start);
    agree(&mut [(&mut one, "@bob"), (&mut two, "@bob"), (&mut bob, "@alice")], 10, SOON * 2);
    assert_eq!(bob.all(&json!({"event": "message"})).len(), 10, "the other device's own copy is not shown again");
}

#[test]
fn each_is_killed_in_turn_while_all_write_and_all_three_histories_are_equal() {
    let house = House::new();
    let mut shown = Shown::default();
    let (one, two, bob) = two_devices_and_a_friend(&house);
    let mut devices = [one, two, bob];
    let conversations = ["@bob", "@bob", "@alice"];
    let (mut count, mut kept) = (0, Vec::new());
    for round in 0..6 {
        let victim = round % 3;
        let mut posted = Vec::new();
        for n in 0..15 {
            for (device, conversation) in devices.iter_mut().zip(conversations) {
                let text = format!("{} {round}-{n}", device.name());
                posted.push((device.name(), device.post(json!({"command": "send", "to": conversation, "text": text}))));
            }
        }
        // Killed when it has answered a few of them: the rest is on the way to the disk, to the others, or nowhere.
        let name = devices[victim].name();
        let own: Vec<String> = posted
            .iter()
            .filter(|(from, _)| *from == name)
            .map(|(_, id)| id.clone())
            .take(3 + 4 * (round / 3))
            .collect();
        for id in &own {
            kept.push(text_of(&devices[victim].answer(id).unwrap()["message"]));
        }
        devices[victim].crash();
        devices[victim].last_words();
        shown.note(&devices[victim]);
        devices[victim] = Client::again(&devices[victim].start);
        for (n, device) in devices.iter_mut().enumerate().filter(|(n, _)| *n != victim) {
            let name = device.name();
            for (_, id) in posted.iter().filter(|(from, _)| *from == name) {
                kept.push(text_of(&device.answer(id).unwrap()["message"]));
            }
            assert!(n < 3);
        }
        // What was on the disk without having been answered counts too: the victim itself knows.
        let mine = history(&mut devices[victim], conversations[victim]);
        count = mine.len().max(count);
    }
    let [one, two, bob] = &mut devices;
    // All that was answered, and what of the rest had reached the disk: as many as the writers themselves have of their own.
    let is_of = |device: &str, line: &hobnob_tests::room::Line| line.text.starts_with(&format!("{device} "));
    let of_one = history(one, "@bob").iter().filter(|line| is_of("alice", line)).count();
    let of_two = history(two, "@bob").iter().filter(|line| is_of("alice.2", line)).count();
    let of_bob = history(bob, "@alice").iter().filter(|line| line.from == "bob").count();
    let total = of_one + of_two + of_bob;
    assert!(total >= kept.len() && total >= count, "{total} of {} and {count}", kept.len());
    let lines = agree(&mut [(one, "@bob"), (two, "@bob"), (bob, "@alice")], total, SOON * 3);
    let lost: Vec<&String> = kept.iter().filter(|id| !lines.iter().any(|line| line.message == **id)).collect();
    assert!(lost.is_empty(), "{} of {} answered messages are lost", lost.len(), kept.len());
    for device in &devices {
        shown.note(device);
    }
    shown.is_sound();
}

#[test]
fn a_room_is_the_same_on_both_devices_and_leaving_it_on_one_leaves_it_on_both() {
    let house = House::new();
    let (mut one, mut two, mut bob) = two_devices_and_a_friend(&house);
    join(&mut one, TEA);
    two.expect(json!({"event": "room", "room": TEA}));
    join(&mut bob, TEA);
    let mut carol = house.person("carol");
    gather(&mut [&mut carol], TEA);
    for device in [&mut one, &mut two, &mut bob] {
        device.expect_within(SOON * 2, json!({"event": "link", "user": "carol", "path": "direct"}));
    }
    let id = put(&mut one, TEA, "from the first");
    for client in [&mut two, &mut bob, &mut carol] {
        let shown = hears(client, TEA, "from the first");
        assert_eq!((&shown["from"], &shown["message"]), (&json!("alice"), &json!(id)));
    }
    for device in [&mut one, &mut two] {
        for by in ["bob", "carol"] {
            device.expect(json!({"event": "message_state", "message": id, "state": "delivered", "by": by}));
        }
    }
    let id = put(&mut two, TEA, "from the second");
    for client in [&mut one, &mut bob, &mut carol] {
        hears(client, TEA, "from the second");
    }
    bob.done(json!({"command": "mark_read", "message": id}));
    for device in [&mut one, &mut two] {
        device.expect(json!({"event": "message_state", "message": id, "state": "read", "by": "bob"}));
    }
    // While one device is away, the other hears and speaks; then both have the same.
    one.crash();
    put(&mut carol, TEA, "while one is away");
    hears(&mut two, TEA, "while one is away");
    put(&mut two, TEA, "said meanwhile");
    hears(&mut carol, TEA, "said meanwhile");
    let mut one = Client::again(&one.start);
    hears(&mut one, TEA, "while one is away");
    hears(&mut one, TEA, "said meanwhile");
    let mut lines = agree(&mut [(&mut one, TEA), (&mut two, TEA)], 4, SOON * 2);
    // What each has seen is their own; everything else is the same for all.
    let mut others = [&mut bob, &mut carol].map(|client| agree(&mut [(client, TEA)], 4, SOON));
    lines.iter_mut().chain(others.iter_mut().flatten()).for_each(|line| line.state.clear());
    assert!(others.iter().all(|other| *other == lines), "{lines:?} and {others:?}");

    two.done(json!({"command": "leave_room", "room": TEA}));
    for device in [&mut one, &mut two] {
        device.expect(json!({"event": "room_left", "room": TEA, "reason": "left"}));
        assert_eq!(device.failed(json!({"command": "send", "to": TEA, "text": "x"}))["code"], "not_in_room");
    }
}

/// What Alice's friend was told of her since `forget`, presence and text.
fn shown(bob: &Client) -> Vec<(Value, Value)> {
    let told = bob.all(&json!({"event": "presence", "user": "alice"}));
    told.iter().map(|event| (event["presence"].clone(), event["text"].clone())).collect()
}

#[test]
fn presence_and_status_text_are_the_accounts_on_whichever_device() {
    let house = House::new();
    let (mut one, mut bob) = house.alice_and_bob();
    one.done(json!({"command": "set_presence", "presence": "busy", "text": "writing"}));
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "busy", "text": "writing"}));
    let before = shown(&bob).len();
    // Who comes takes over what the other one has.
    let mut two = second_device(&house);
    two.expect(json!({"event": "signed_in", "presence": "busy", "text": "writing"}));
    two.done(json!({"command": "set_presence", "presence": "invisible"}));
    one.expect(json!({"event": "own_presence", "presence": "invisible", "text": "writing"}));
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "offline"}));
    assert!(one.quit().success());
    let mut one = Client::again(&one.start);
    assert!(one.saw(&json!({"event": "signed_in", "presence": "invisible", "text": "writing"})));
    one.done(json!({"command": "set_presence", "presence": "away", "text": "tea"}));
    two.expect(json!({"event": "own_presence", "presence": "away", "text": "tea"}));
    bob.expect(json!({"event": "presence", "user": "alice", "presence": "away", "text": "tea"}));
    let told = shown(&bob).split_off(before);
    assert_eq!(told, [(json!("offline"), json!("")), (json!("away"), json!("tea"))], "and nothing in between");
    // Kept, for when nobody else is here.
    assert!(one.quit().success());
    assert!(two.quit().success());
    let two = Client::again(&two.start);
    assert!(two.saw(&json!({"event": "signed_in", "presence": "away", "text": "tea"})));
}

#[test]
fn presence_that_is_set_while_the_server_is_away_is_the_accounts_when_it_is_back() {
    let mut house = House::new();
    let (mut one, mut two, mut bob) = two_devices_and_a_friend(&house);
    house.server.crash();
    one.expect(json!({"event": "server", "state": "offline"}));
    one.done(json!({"command": "set_presence", "presence": "busy", "text": "alone"}));
    house.server.restart();
    two.expect_within(SOON * 3, json!({"event": "own_presence", "presence": "busy", "text": "alone"}));
    bob.expect_within(SOON * 3, json!({"event": "presence", "user": "alice", "presence": "busy", "text": "alone"}));
}
