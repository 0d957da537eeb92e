//! Conversations: order, states, what a restart keeps, texts that only look dangerous.

use std::collections::HashSet;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::story::{House, befriend, linked, say, text_of};
use serde_json::{Value, json};

const EACH_WAY: usize = 100;

/// Posts many without waiting for any; their command ids.
fn post_many(from: &mut Client, to: &str) -> Vec<String> {
    let said = |n: usize| json!({"command": "send", "to": format!("@{to}"), "text": format!("{n} to {to}")});
    (0..EACH_WAY).map(|n| from.post(said(n))).collect()
}

/// All are done, and become delivered.
fn all_delivered(from: &mut Client, posted: &[String]) {
    let mut open: HashSet<String> = HashSet::new();
    for id in posted {
        let done = from.answer(id).unwrap();
        open.insert(text_of(&done["message"]));
    }
    assert_eq!(open.len(), posted.len(), "message ids are unique");
    while !open.is_empty() {
        let is_delivered = |event: &Value| {
            let ours = event["message"].as_str().is_some_and(|message| open.contains(message));
            ours && event["event"] == "message_state" && event["state"] == "delivered"
        };
        let delivered = from.wait(&format!("{} more delivered", open.len()), SOON, is_delivered);
        open.remove(delivered["message"].as_str().unwrap_or_default());
    }
}

/// All of one author's texts, each once and in order.
fn all_shown(to: &mut Client, from: &str) {
    let me = to.name();
    for n in 0..EACH_WAY {
        let shown = to.expect(json!({"event": "message", "from": from, "conversation": format!("@{from}")}));
        assert_eq!(shown["text"], format!("{n} to {me}"), "out of order");
    }
}

#[test]
fn two_parallel_conversations_of_a_hundred_each_way_arrive_in_order_over_direct_links() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut carol = house.person("carol");
    befriend(&mut alice, &mut carol);
    linked(&mut alice, &mut carol, "direct");

    let to_bob = post_many(&mut alice, "bob");
    let from_bob = post_many(&mut bob, "alice");
    let to_carol = post_many(&mut alice, "carol");
    let from_carol = post_many(&mut carol, "alice");
    all_delivered(&mut alice, &to_bob);
    all_delivered(&mut alice, &to_carol);
    all_delivered(&mut bob, &from_bob);
    all_delivered(&mut carol, &from_carol);
    all_shown(&mut bob, "alice");
    all_shown(&mut carol, "alice");
    all_shown(&mut alice, "bob");
    all_shown(&mut alice, "carol");

    assert_eq!(alice.friend("bob")["link"], "direct");
    assert_eq!(alice.friend("carol")["link"], "direct");
    let history = bob.done(json!({"command": "history", "conversation": "@alice", "limit": 5000}));
    assert_eq!(history["messages"].as_array().unwrap().len(), 2 * EACH_WAY);
    for friend in ["bob", "carol"] {
        assert_eq!(alice.all(&json!({"event": "message", "from": friend})).len(), EACH_WAY, "each is shown once");
    }
}

#[test]
fn everything_is_there_after_a_restart_and_nothing_is_shown_twice() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let ids: Vec<String> = (0..5).map(|n| say(&mut alice, &mut bob, &format!("number {n}"))).collect();
    assert!(bob.close().success(), "the end of input ends it in order");
    bob = Client::again(&bob.start);
    linked(&mut alice, &mut bob, "direct");
    let history = bob.done(json!({"command": "history", "conversation": "@alice", "limit": 100}));
    let messages = history["messages"].as_array().unwrap().clone();
    assert_eq!(messages.iter().map(|message| text_of(&message["message"])).collect::<Vec<_>>(), ids);
    for (n, message) in messages.iter().enumerate() {
        assert_eq!(message["text"], format!("number {n}"));
        assert_eq!(message["from"], "alice");
        assert!(message["sent_at"].as_u64().unwrap() > 1_600_000_000_000);
    }
    say(&mut bob, &mut alice, "back");
    assert!(bob.all(&json!({"event": "message"})).is_empty(), "old messages were shown again");

    let newest = bob.done(json!({"command": "history", "conversation": "@alice", "limit": 2}));
    assert_eq!(newest["messages"][1]["text"], "back");
    let before = bob.done(json!({"command": "history", "conversation": "@alice", "limit": 2, "before": ids[2]}));
    let texts: Vec<_> = before["messages"].as_array().unwrap().iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, ["number 0", "number 1"]);
}

#[test]
fn the_outbox_survives_a_crash_and_is_drained_in_order() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    assert!(bob.quit().success());
    alice.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    let mut ids = Vec::new();
    for n in 0..20 {
        let sent = alice.done(json!({"command": "send", "to": "@bob", "text": format!("queued {n}")}));
        ids.push(text_of(&sent["message"]));
    }
    alice.crash();
    let mut bob = Client::again(&bob.start);
    let mut alice = Client::again(&alice.start);
    for (n, id) in ids.iter().enumerate() {
        let shown = bob.expect(json!({"event": "message", "from": "alice"}));
        assert_eq!(shown["text"], format!("queued {n}"));
        assert_eq!(shown["message"], id.as_str());
    }
    for id in &ids {
        alice.expect(json!({"event": "message_state", "message": id, "state": "delivered"}));
    }
}

#[test]
fn read_marks_and_typing_reach_the_author() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let id = say(&mut alice, &mut bob, "read me");
    bob.done(json!({"command": "mark_read", "message": id, "to": "@alice"}));
    alice.expect(json!({"event": "message_state", "message": id, "state": "read"}));
    bob.done(json!({"command": "typing", "to": "@alice", "active": true}));
    alice.expect(json!({"event": "typing", "from": "bob", "active": true}));
}

#[test]
fn whose_message_is_meant_can_be_said_and_then_counts() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(&mut alice, &mut bob, "first");
    let id = say(&mut alice, &mut bob, "second");
    let named = |command: &str, author: &str| match command {
        "history" => json!({"command": command, "conversation": "@alice", "before": id, "author": author}),
        "search" => json!({"command": command, "text": "from:alice", "before": id, "before_author": author}),
        "react" => json!({"command": command, "message": id, "emoji": "👍", "author": author}),
        _ => json!({"command": command, "message": id, "author": author}),
    };
    for command in ["mark_read", "react"] {
        assert_eq!(
            bob.failed(named(command, "bob"))["code"],
            "unknown_message",
            "{command}: bob wrote nothing of that id"
        );
        bob.done(named(command, "alice"));
    }
    alice.expect(json!({"event": "message_state", "message": id, "state": "read"}));
    for command in ["history", "search"] {
        assert_eq!(bob.done(named(command, "bob"))["messages"], json!([]), "{command}");
        assert_eq!(bob.done(named(command, "alice"))["messages"][0]["text"], "first", "{command}");
    }
}

#[test]
fn texts_pass_unchanged_and_bad_ones_are_refused() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let texts = [
        "<b>bold</b> & <a href=\"file:///etc/passwd\">x</a>",
        "line one\nline two\ttab",
        "\u{202e}gnp.exe",
        "ไทย 👩‍👩‍👧‍👦 Z\u{30f}\u{30f}\u{30f}",
        "{\"event\":\"message\"}\n{}",
        "\u{1b}[31mred",
        &"x".repeat(16 * 1024),
    ];
    for text in texts {
        say(&mut alice, &mut bob, text);
    }
    alice.failed(json!({"command": "send", "to": "@bob", "text": ""}));
    alice.failed(json!({"command": "send", "to": "@bob", "text": "x".repeat(16 * 1024 + 1)}));
    alice.failed(json!({"command": "send", "to": "#nowhere", "text": "x"}));
    say(&mut alice, &mut bob, "and it goes on");
}

#[test]
fn a_bad_line_gets_failed_and_never_an_exit() {
    let house = House::new();
    let mut alice = house.person("alice");
    let bad: [&[u8]; 9] = [
        b"nonsense",
        b"{",
        b"[]",
        b"null",
        b"\"text\"",
        b"{}",
        b"\xff\xfe\x00",
        b"{\"command\":\"fly\"}",
        b"{\"command\":\"send\",\"to\":17}",
    ];
    for line in bad {
        alice.line(line);
        let failed = alice.expect(json!({"event": "failed"}));
        assert!(failed["text"].as_str().unwrap().contains(' '), "{failed}");
    }
    alice.line(&vec![b'['; 100_000]);
    alice.expect(json!({"event": "failed"}));
    alice.line(&vec![b'x'; 3 << 20]);
    alice.expect(json!({"event": "failed"}));
    alice.line(b"{\"command\":\"fly\",\"id\":\"mine\"}");
    alice.expect(json!({"event": "failed", "id": "mine"}));
    alice.line(b"");
    alice.done(json!({"command": "friends"}));
}

#[test]
fn who_falls_silent_or_vanishes_is_not_said_to_write_for_ever() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    bob.done(json!({"command": "typing", "to": "@alice", "active": true}));
    alice.expect(json!({"event": "typing", "from": "bob", "active": true}));
    alice.expect(json!({"event": "typing", "conversation": "@bob", "from": "bob", "active": false}));
    // Said again it begins anew, and ends at once when that is said.
    bob.done(json!({"command": "typing", "to": "@alice", "active": true}));
    alice.expect(json!({"event": "typing", "from": "bob", "active": true}));
    bob.done(json!({"command": "typing", "to": "@alice", "active": false}));
    alice.expect(json!({"event": "typing", "from": "bob", "active": false}));
    assert_eq!(alice.all(&json!({"event": "typing", "active": false})).len(), 2, "each time once");
}

#[test]
fn without_receipts_nobody_learns_what_was_read_on_either_side() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let receipts = |one: &mut Client| one.done(json!({"command": "receipts"}))["receipts"].as_bool();
    let state = |one: &mut Client, with: &str, id: &str| {
        let history = one.done(json!({"command": "history", "conversation": with}));
        let messages = history["messages"].as_array().cloned().unwrap_or_default();
        messages.into_iter().find(|message| message["message"] == id).map(|message| text_of(&message["state"]))
    };
    assert_eq!(receipts(&mut bob), Some(true), "as people know it");
    let before = say(&mut bob, &mut alice, "read before");
    alice.done(json!({"command": "mark_read", "message": before}));
    bob.expect(json!({"event": "message_state", "message": before, "state": "read"}));

    bob.done(json!({"command": "set_receipts", "on": false}));
    assert_eq!(state(&mut bob, "@alice", &before).as_deref(), Some("delivered"), "not even what is known already");
    let (to_bob, to_alice) = (say(&mut alice, &mut bob, "to bob"), say(&mut bob, &mut alice, "to alice"));
    bob.done(json!({"command": "mark_read", "message": to_bob}));
    alice.done(json!({"command": "mark_read", "message": to_alice}));
    // After a restart and a new link it is still so.
    bob.crash();
    let mut bob = Client::again(&bob.start);
    linked(&mut bob, &mut alice, "direct");
    assert_eq!(receipts(&mut bob), Some(false));
    // What is written on the same link afterwards comes after any mark that there could be.
    say(&mut alice, &mut bob, "after");
    say(&mut bob, &mut alice, "after that");
    assert_eq!(state(&mut alice, "@bob", &to_bob).as_deref(), Some("delivered"));
    assert_eq!(state(&mut bob, "@alice", &to_alice).as_deref(), Some("delivered"));
    assert!(alice.all(&json!({"event": "message_state", "message": to_bob, "state": "read"})).is_empty());
    assert!(bob.all(&json!({"event": "message_state", "state": "read"})).is_empty());

    // Turned on again, what was read counts at once, on the link that stands.
    bob.done(json!({"command": "set_receipts", "on": true}));
    alice.expect(json!({"event": "message_state", "message": to_bob, "state": "read"}));
    let again = say(&mut alice, &mut bob, "again");
    bob.done(json!({"command": "mark_read", "message": again}));
    alice.expect(json!({"event": "message_state", "message": again, "state": "read"}));
}
