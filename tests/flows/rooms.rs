//! Rooms: who joins, leaves and is removed, what each hears of it, and what is said among them. No two of them are friends.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::room::{Shown, TEA, agree, all_linked, gather, history, join, put, say_to_all, texts, told};
use hobnob_tests::story::House;
use serde_json::json;

/// Three who are in the room and linked.
fn three(house: &House) -> [Client; 3] {
    let mut people = ["alice", "bob", "carol"].map(|name| house.person(name));
    let [alice, bob, carol] = &mut people;
    gather(&mut [alice, bob, carol], TEA);
    people
}

#[test]
fn two_who_join_are_linked_and_talk_without_being_friends() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    join(&mut alice, TEA);
    let first = told(&mut alice, TEA, &[("alice", "available")]);
    assert_eq!((&first["owner"], &first["locked"]), (&json!("alice"), &json!(false)));
    join(&mut bob, TEA);
    all_linked(&mut [&mut alice, &mut bob]);
    for client in [&mut alice, &mut bob] {
        told(client, TEA, &[("alice", "available"), ("bob", "available")]);
    }
    say_to_all(&mut alice, &mut [&mut bob], TEA, "hello");
    say_to_all(&mut bob, &mut [&mut alice], TEA, "hi");
    let friends = alice.done(json!({"command": "friends"}));
    assert_eq!(friends["friends"], json!([]), "a room makes no friends");
    alice.failed(json!({"command": "send", "to": "@bob", "text": "psst"}));
}

#[test]
fn three_hear_each_other_and_the_author_hears_who_has_and_who_has_seen_it() {
    let house = House::new();
    let [mut alice, mut bob, mut carol] = three(&house);
    let id = say_to_all(&mut alice, &mut [&mut bob, &mut carol], TEA, "from alice");
    say_to_all(&mut bob, &mut [&mut alice, &mut carol], TEA, "from bob");
    say_to_all(&mut carol, &mut [&mut alice, &mut bob], TEA, "from carol");
    bob.done(json!({"command": "mark_read", "message": id}));
    alice.expect(json!({"event": "message_state", "message": id, "state": "read", "by": "bob"}));
    assert!(!alice.saw(&json!({"event": "message_state", "state": "read", "by": "carol"})));
    carol.done(json!({"command": "mark_read", "message": id}));
    alice.expect(json!({"event": "message_state", "message": id, "state": "read", "by": "carol"}));
    carol.done(json!({"command": "typing", "to": TEA, "active": true}));
    for client in [&mut alice, &mut bob] {
        client.expect(json!({"event": "typing", "conversation": TEA, "from": "carol", "active": true}));
    }
    let lines = history(&mut carol, TEA);
    assert_eq!(texts(&lines), ["from alice", "from bob", "from carol"]);
}

#[test]
fn whoever_joins_later_gets_what_was_said_before_and_each_author_hears_of_it() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    gather(&mut [&mut alice, &mut bob], TEA);
    let said: Vec<String> =
        (0..30).map(|n| say_to_all(&mut alice, &mut [&mut bob], TEA, &format!("early {n}"))).collect();
    let mut carol = house.person("carol");
    join(&mut carol, TEA);
    for (n, id) in said.iter().enumerate() {
        let shown = carol.expect(json!({"event": "message", "conversation": TEA}));
        assert_eq!((&shown["message"], &shown["text"]), (&json!(id), &json!(format!("early {n}"))));
        alice.expect(json!({"event": "message_state", "message": id, "state": "delivered", "by": "carol"}));
    }
    agree(&mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA)], 30, SOON);
}

#[test]
fn a_room_tells_of_presence_of_a_crash_of_a_return_and_of_who_leaves() {
    let house = House::new();
    let [mut alice, mut bob, mut carol] = three(&house);
    let here = "available";
    carol.done(json!({"command": "set_presence", "presence": "busy", "text": "tea"}));
    for client in [&mut alice, &mut bob, &mut carol] {
        told(client, TEA, &[("alice", here), ("bob", here), ("carol", "busy")]);
    }
    carol.crash();
    for client in [&mut alice, &mut bob] {
        told(client, TEA, &[("alice", here), ("bob", here), ("carol", "offline")]);
        client.expect_within(SOON * 3, json!({"event": "link", "user": "carol", "path": "none"}));
    }
    let mut carol = Client::again(&carol.start);
    for client in [&mut alice, &mut bob, &mut carol] {
        told(client, TEA, &[("alice", here), ("bob", here), ("carol", "busy")]);
    }
    all_linked(&mut [&mut alice, &mut carol]);
    all_linked(&mut [&mut bob, &mut carol]);
    carol.done(json!({"command": "leave_room", "room": TEA}));
    carol.expect(json!({"event": "room_left", "room": TEA, "reason": "left"}));
    for client in [&mut alice, &mut bob] {
        told(client, TEA, &[("alice", here), ("bob", here)]);
        client.expect(json!({"event": "link", "user": "carol", "path": "none"}));
    }
    assert!(bob.quit().success());
    told(&mut alice, TEA, &[("alice", here), ("bob", "offline")]);
}

#[test]
fn a_password_keeps_out_who_does_not_know_it_and_only_the_owner_changes_it() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    alice.done(json!({"command": "join_room", "room": TEA, "password": "earl grey"}));
    assert_eq!(told(&mut alice, TEA, &[("alice", "available")])["locked"], true);
    for wrong in [json!(null), json!(""), json!("darjeeling")] {
        let failed = bob.failed(json!({"command": "join_room", "room": TEA, "password": wrong}));
        assert_eq!(failed["code"], "wrong_password");
    }
    bob.failed(json!({"command": "send", "to": TEA, "text": "let me in"}));
    bob.done(json!({"command": "join_room", "room": TEA, "password": "earl grey"}));
    all_linked(&mut [&mut alice, &mut bob]);
    let refused = bob.failed(json!({"command": "set_room_password", "room": TEA, "password": "mine now"}));
    assert_eq!(refused["code"], "forbidden");
    alice.done(json!({"command": "set_room_password", "room": TEA}));
    bob.wait("an open room", SOON, |event| event["event"] == "room" && event["locked"] == false);
    let mut carol = house.person("carol");
    join(&mut carol, TEA);
    all_linked(&mut [&mut alice, &mut carol]);
    say_to_all(&mut alice, &mut [&mut bob, &mut carol], TEA, "everybody is in");
}

#[test]
fn joining_twice_is_joining_once() {
    let house = House::new();
    let [mut alice, mut bob, mut carol] = three(&house);
    say_to_all(&mut bob, &mut [&mut alice, &mut carol], TEA, "once");
    join(&mut bob, TEA);
    join(&mut bob, TEA);
    join(&mut alice, TEA);
    say_to_all(&mut bob, &mut [&mut alice, &mut carol], TEA, "more");
    say_to_all(&mut alice, &mut [&mut bob, &mut carol], TEA, "indeed");
    let rooms = bob.done(json!({"command": "rooms"}));
    assert_eq!(rooms["rooms"].as_array().unwrap().len(), 1);
    assert_eq!(rooms["rooms"][0]["members"].as_array().unwrap().len(), 3);
    let mut shown = Shown::default();
    for client in [&mut alice, &mut bob, &mut carol] {
        client.forget();
        shown.note(client);
    }
    assert_eq!(shown.is_sound(), 6, "each is shown to the two others, once");
    agree(&mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA)], 3, SOON);
}

#[test]
fn whoever_left_cannot_speak_and_hears_nothing_more_until_they_join_again() {
    let house = House::new();
    let [mut alice, mut bob, mut carol] = three(&house);
    say_to_all(&mut alice, &mut [&mut bob, &mut carol], TEA, "before");
    bob.done(json!({"command": "leave_room", "room": TEA}));
    bob.expect(json!({"event": "room_left", "room": TEA, "reason": "left"}));
    for client in [&mut alice, &mut carol] {
        told(client, TEA, &[("alice", "available"), ("carol", "available")]);
    }
    let failed = bob.failed(json!({"command": "send", "to": TEA, "text": "wait"}));
    assert_eq!(failed["code"], "not_in_room");
    assert_eq!(bob.failed(json!({"command": "leave_room", "room": TEA}))["code"], "not_in_room");
    say_to_all(&mut alice, &mut [&mut carol], TEA, "without bob");
    say_to_all(&mut carol, &mut [&mut alice], TEA, "at last");
    bob.forget();
    assert!(!bob.saw(&json!({"event": "message", "text": "without bob"})));
    assert_eq!(texts(&history(&mut bob, TEA)), ["before"], "what was said before stays");
    assert_eq!(bob.done(json!({"command": "rooms"}))["rooms"], json!([]));

    join(&mut bob, TEA);
    all_linked(&mut [&mut alice, &mut bob]);
    bob.expect(json!({"event": "message", "text": "without bob"}));
    bob.expect(json!({"event": "message", "text": "at last"}));
    say_to_all(&mut bob, &mut [&mut alice, &mut carol], TEA, "back again");
    agree(&mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA)], 4, SOON);
}

#[test]
fn the_owner_removes_a_member_who_gets_nothing_more_and_may_come_back() {
    let house = House::new();
    let [mut alice, mut bob, mut carol] = three(&house);
    say_to_all(&mut bob, &mut [&mut alice, &mut carol], TEA, "something rude");
    let refused = carol.failed(json!({"command": "remove_member", "room": TEA, "user": "bob"}));
    assert_eq!(refused["code"], "forbidden");
    alice.failed(json!({"command": "remove_member", "room": TEA, "user": "nobody"}));
    alice.done(json!({"command": "remove_member", "room": TEA, "user": "bob"}));
    bob.expect(json!({"event": "room_left", "room": TEA, "reason": "removed"}));
    for client in [&mut alice, &mut carol] {
        told(client, TEA, &[("alice", "available"), ("carol", "available")]);
        client.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    }
    assert_eq!(bob.failed(json!({"command": "send", "to": TEA, "text": "sorry"}))["code"], "not_in_room");
    say_to_all(&mut alice, &mut [&mut carol], TEA, "peace");
    bob.forget();
    assert!(!bob.saw(&json!({"event": "message", "text": "peace"})));
    // What they said stays, and whoever joins later gets it too.
    let mut dave = house.person("dave");
    join(&mut dave, TEA);
    dave.expect(json!({"event": "message", "from": "bob", "text": "something rude"}));
    dave.expect(json!({"event": "message", "from": "alice", "text": "peace"}));

    join(&mut bob, TEA);
    bob.expect(json!({"event": "message", "text": "peace"}));
    all_linked(&mut [&mut alice, &mut bob]);
    let id = put(&mut bob, TEA, "sorry");
    for client in [&mut alice, &mut carol, &mut dave] {
        client.expect(json!({"event": "message", "message": id, "from": "bob"}));
    }
    agree(&mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA), (&mut dave, TEA)], 3, SOON);
}

#[test]
fn a_membership_outlives_quitting_and_what_was_queued_alone_goes_out_later() {
    let house = House::new();
    let [mut alice, mut bob, mut carol] = three(&house);
    assert!(bob.quit().success());
    assert!(carol.quit().success());
    told(&mut alice, TEA, &[("alice", "available"), ("bob", "offline"), ("carol", "offline")]);
    let ids: Vec<String> = (0..5).map(|n| put(&mut alice, TEA, &format!("alone {n}"))).collect();
    alice.crash();
    let mut bob = Client::again(&bob.start);
    let mut alice = Client::again(&alice.start);
    let mut carol = Client::again(&carol.start);
    for client in [&mut bob, &mut carol] {
        for id in &ids {
            client.expect(json!({"event": "message", "message": id, "conversation": TEA}));
        }
    }
    all_linked(&mut [&mut alice, &mut bob, &mut carol]);
    say_to_all(&mut bob, &mut [&mut alice, &mut carol], TEA, "still a member");
    agree(&mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA)], 6, SOON);
}

#[test]
fn a_room_that_all_left_is_made_anew_and_nobody_gets_what_was_said_in_the_old_one() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    gather(&mut [&mut alice, &mut bob], TEA);
    say_to_all(&mut alice, &mut [&mut bob], TEA, "in the first life");
    for client in [&mut alice, &mut bob] {
        client.done(json!({"command": "leave_room", "room": TEA}));
        client.expect(json!({"event": "room_left", "room": TEA}));
    }
    let mut carol = house.person("carol");
    join(&mut carol, TEA);
    assert_eq!(told(&mut carol, TEA, &[("carol", "available")])["owner"], "carol");
    join(&mut bob, TEA);
    all_linked(&mut [&mut bob, &mut carol]);
    say_to_all(&mut bob, &mut [&mut carol], TEA, "in the second");
    assert_eq!(texts(&history(&mut carol, TEA)), ["in the second"]);
    assert_eq!(texts(&history(&mut bob, TEA)), ["in the first life", "in the second"]);
}

#[test]
fn whoever_is_removed_while_away_learns_it_on_return_and_what_they_had_queued_goes_to_nobody() {
    let house = House::new();
    let [mut alice, mut bob, mut carol] = three(&house);
    say_to_all(&mut bob, &mut [&mut alice, &mut carol], TEA, "see you");
    // Everybody is away when bob writes, so that it waits on his disk.
    for client in [&mut alice, &mut carol] {
        assert!(client.quit().success());
    }
    told(&mut bob, TEA, &[("alice", "offline"), ("bob", "available"), ("carol", "offline")]);
    put(&mut bob, TEA, "nobody hears this");
    assert!(bob.quit().success());
    let mut alice = Client::again(&alice.start);
    alice.done(json!({"command": "remove_member", "room": TEA, "user": "bob"}));
    let mut bob = Client::again(&bob.start);
    bob.expect(json!({"event": "room_left", "room": TEA}));
    assert_eq!(bob.failed(json!({"command": "send", "to": TEA, "text": "why?"}))["code"], "not_in_room");
    let mut carol = Client::again(&carol.start);
    all_linked(&mut [&mut alice, &mut carol]);
    told(&mut carol, TEA, &[("alice", "available"), ("carol", "available")]);
    say_to_all(&mut alice, &mut [&mut carol], TEA, "bob is gone");
    for client in [&mut alice, &mut carol] {
        assert_eq!(texts(&history(client, TEA)), ["see you", "bob is gone"]);
    }
}

#[test]
fn the_longest_messages_and_thousands_of_short_ones_reach_whoever_joins_late() {
    const EACH: usize = 1_500;
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    gather(&mut [&mut alice, &mut bob], TEA);
    for n in 0..12 {
        let (from, to) = if n % 2 == 0 { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        say_to_all(from, &mut [to], TEA, &"\u{1f375}".repeat(4 * 1024));
    }
    for n in 0..EACH {
        for client in [&mut alice, &mut bob] {
            client.post(json!({"command": "send", "to": TEA, "text": format!("{n}")}));
        }
    }
    let mut carol = house.person("carol");
    join(&mut carol, TEA);
    let mut next = [0_usize; 2];
    carol.each("everything that was said", SOON * 4, |event| {
        if event["event"] == "message" && event["text"].as_str().is_some_and(|text| text.len() < 10) {
            let of = &mut next[usize::from(event["from"] == "bob")];
            assert_eq!(event["text"], of.to_string(), "out of order");
            *of += 1;
        }
        next == [EACH; 2]
    });
    let all = &mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA)];
    agree(all, 12 + 2 * EACH, SOON * 3);
    assert_eq!(carol.all(&json!({"event": "message"})).len(), 12 + 2 * EACH);
}
