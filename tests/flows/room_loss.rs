//! A room loses members and the server: what is said goes on among those who are there, and in the end all have the same.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::room::{Shown, TEA, agree, all_linked, gather, join, put, say_to_all, texts, told};
use hobnob_tests::story::House;
use serde_json::json;

/// Messages of each of the first four.
const EACH: usize = 10;

/// All say something, in turns, without waiting for each other.
fn chatter(people: &mut [Client]) {
    for n in 0..EACH {
        for person in people.iter_mut() {
            let text = format!("{} {n}", person.name());
            put(person, TEA, &text);
        }
    }
}

#[test]
fn five_members_have_the_same_though_one_was_late_an_author_is_gone_and_the_server_dies() {
    let mut house = House::new();
    let mut shown = Shown::default();
    let mut people = ["alice", "bob", "carol", "dave"].map(|name| house.person(name));
    {
        let [alice, bob, carol, dave] = &mut people;
        gather(&mut [alice, bob, carol, dave], TEA);
    }
    chatter(&mut people);
    let [mut alice, mut bob, mut carol, mut dave] = people;
    let all = &mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA), (&mut dave, TEA)];
    agree(all, 4 * EACH, SOON * 2);

    // The author of a quarter is gone before the late one comes, and the server right after.
    dave.crash();
    told(&mut alice, TEA, &[("alice", "available"), ("bob", "available"), ("carol", "available"), ("dave", "offline")]);
    let mut erin = house.person("erin");
    join(&mut erin, TEA);
    for other in [&mut alice, &mut bob, &mut carol] {
        other.expect(json!({"event": "link", "user": "erin", "path": "direct"}));
        erin.expect(json!({"event": "link", "user": other.name(), "path": "direct"}));
    }
    house.server.crash();
    for client in [&mut alice, &mut bob, &mut carol, &mut erin] {
        client.expect_within(SOON * 2, json!({"event": "server", "state": "offline"}));
    }
    let all = &mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA), (&mut erin, TEA)];
    let lines = agree(all, 4 * EACH, SOON * 2);
    assert_eq!(lines.iter().filter(|line| line.from == "dave").count(), EACH);

    // It goes on without the server, after restarts of members too: they find each other by what they keep.
    say_to_all(&mut alice, &mut [&mut bob, &mut carol, &mut erin], TEA, "no server");
    say_to_all(&mut erin, &mut [&mut alice, &mut bob, &mut carol], TEA, "none here");
    shown.note(&bob);
    bob.crash();
    let mut bob = Client::start(&bob.start);
    for other in [&alice, &carol, &erin] {
        bob.expect_within(SOON * 3, json!({"event": "link", "user": other.name(), "path": "direct"}));
    }
    say_to_all(&mut bob, &mut [&mut alice, &mut carol, &mut erin], TEA, "restarted");
    // Dave has never met erin: what the two say reaches them over the others.
    shown.note(&dave);
    let mut dave = Client::start(&dave.start);
    for text in ["no server", "none here", "restarted"] {
        dave.expect_within(SOON * 3, json!({"event": "message", "text": text}));
    }
    let id = put(&mut dave, TEA, "dave is back");
    for client in [&mut alice, &mut bob, &mut carol, &mut erin] {
        client.expect_within(SOON * 3, json!({"event": "message", "message": id, "from": "dave"}));
    }
    let count = 4 * EACH + 4;
    let all = &mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA), (&mut dave, TEA), (&mut erin, TEA)];
    agree(all, count, SOON * 2);

    // With the server everything re-attaches, and those who had not met are linked.
    house.server.restart();
    for client in [&mut alice, &mut bob, &mut carol, &mut dave, &mut erin] {
        client.expect_within(SOON * 3, json!({"event": "server", "state": "online"}));
    }
    erin.expect_within(SOON * 3, json!({"event": "link", "user": "dave", "path": "direct"}));
    let five = ["alice", "bob", "carol", "dave", "erin"].map(|name| (name, "available"));
    for client in [&mut alice, &mut bob, &mut carol, &mut dave, &mut erin] {
        told(client, TEA, &five);
    }
    say_to_all(&mut dave, &mut [&mut alice, &mut bob, &mut carol, &mut erin], TEA, "all here");
    let all = &mut [(&mut alice, TEA), (&mut bob, TEA), (&mut carol, TEA), (&mut dave, TEA), (&mut erin, TEA)];
    let lines = agree(all, count + 1, SOON * 2);
    assert_eq!(texts(&lines).last(), Some(&"all here"));
    for client in [&alice, &bob, &carol, &dave, &erin] {
        shown.note(client);
    }
    shown.is_sound();
    let to_erin = shown.texts("erin");
    assert_eq!(to_erin.len(), count, "the late one was shown all that the others said");
    assert_eq!(to_erin.iter().filter(|text| text.starts_with("dave ")).count(), EACH + 1);
}

#[test]
fn who_leaves_while_the_server_is_away_says_so_to_the_members_or_is_told_that_it_must_wait() {
    let mut house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    gather(&mut [&mut alice, &mut bob], TEA);
    house.server.crash();
    bob.expect_within(SOON * 2, json!({"event": "server", "state": "offline"}));
    say_to_all(&mut alice, &mut [&mut bob], TEA, "still here");
    let failed = bob.failed(json!({"command": "leave_room", "room": TEA}));
    assert_eq!(failed["code"], "offline");
    alice.failed(json!({"command": "join_room", "room": "#another"}));
    // What was refused has not happened.
    say_to_all(&mut bob, &mut [&mut alice], TEA, "so am I");
    house.server.restart();
    bob.expect_within(SOON * 3, json!({"event": "server", "state": "online"}));
    bob.done(json!({"command": "leave_room", "room": TEA}));
    alice.expect_within(SOON * 3, json!({"event": "link", "user": "bob", "path": "none"}));
}

#[test]
fn members_that_restart_one_after_the_other_without_the_server_miss_nothing() {
    let mut house = House::new();
    let mut shown = Shown::default();
    let mut people = ["alice", "bob", "carol"].map(|name| house.person(name));
    {
        let [alice, bob, carol] = &mut people;
        gather(&mut [alice, bob, carol], TEA);
    }
    house.server.crash();
    let mut count = 0;
    for round in 0..6 {
        let who = round % 3;
        // The one that is away misses what the others say, and says something alone before it finds them.
        shown.note(&people[who]);
        people[who].crash();
        for (n, person) in people.iter_mut().enumerate().filter(|(n, _)| *n != who) {
            put(person, TEA, &format!("{n} in round {round}"));
            count += 1;
        }
        people[who] = Client::start(&people[who].start);
        put(&mut people[who], TEA, &format!("alone in round {round}"));
        count += 1;
        let [alice, bob, carol] = &mut people;
        agree(&mut [(alice, TEA), (bob, TEA), (carol, TEA)], count, SOON * 3);
    }
    house.server.restart();
    let [alice, bob, carol] = &mut people;
    for client in [&mut *alice, bob, carol] {
        client.expect_within(SOON * 3, json!({"event": "server", "state": "online"}));
    }
    all_linked(&mut [alice, bob]);
    for client in [alice, bob, carol] {
        shown.note(client);
    }
    shown.is_sound();
}
