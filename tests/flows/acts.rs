//! Messages that are edited, taken back and reacted to: between two, with one of them away, in a room with a late comer, and by who may not.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::read_if_there;
use hobnob_tests::room::{TEA, gather, join, put, say_to_all};
use hobnob_tests::story::{House, PASSWORD, linked, say};
use serde_json::{Value, json};

/// Messages of a conversation as `history` has them.
fn history(client: &mut Client, conversation: &str) -> Vec<Value> {
    let answer = client.done(json!({"command": "history", "conversation": conversation}));
    answer["messages"].as_array().unwrap().clone()
}

/// Text, whether it was edited, whether it was deleted, and reactions, of each.
fn lines(client: &mut Client, conversation: &str) -> Vec<(Value, bool, bool, Value)> {
    let is = |message: &Value, field: &str| message[field] == true;
    history(client, conversation)
        .into_iter()
        .map(|m| (m["text"].clone(), is(&m, "edited"), is(&m, "deleted"), m["reactions"].clone()))
        .collect()
}

fn found(client: &mut Client, text: &str) -> usize {
    client.done(json!({"command": "search", "text": text}))["messages"].as_array().unwrap().len()
}

fn edit(client: &mut Client, message: &str, text: &str) {
    client.done(json!({"command": "edit", "message": message, "text": text}));
}

fn react(client: &mut Client, message: &str, emoji: &str, on: bool) {
    client.done(json!({"command": "react", "message": message, "emoji": emoji, "on": on}));
}

#[test]
fn two_edit_delete_and_react_and_both_have_the_same() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let id = say(&mut alice, &mut bob, "helo wrold");
    edit(&mut alice, &id, "hello world");
    for (client, with) in [(&mut alice, "@bob"), (&mut bob, "@alice")] {
        let told = client.expect(json!({"event": "message_edited", "message": id}));
        assert_eq!(
            (&told["conversation"], &told["from"], &told["text"]),
            (&json!(with), &json!("alice"), &json!("hello world"))
        );
        assert_eq!((found(client, "wrold"), found(client, "world")), (0, 1));
    }

    react(&mut bob, &id, "👍", true);
    react(&mut bob, &id, "🎉", true);
    react(&mut alice, &id, "👍", true);
    react(&mut bob, &id, "🎉", false);
    for client in [&mut alice, &mut bob] {
        client.expect(json!({"event": "reaction", "message": id, "from": "bob", "emoji": "👍", "on": true}));
        client.expect(json!({"event": "reaction", "message": id, "from": "alice", "emoji": "👍", "on": true}));
        client.expect(json!({"event": "reaction", "message": id, "from": "bob", "emoji": "🎉", "on": false}));
    }
    let thumbs = json!([{"emoji": "👍", "by": ["bob", "alice"]}]);
    for (client, with) in [(&mut alice, "@bob"), (&mut bob, "@alice")] {
        assert_eq!(lines(client, with), [("hello world".into(), true, false, thumbs.clone())]);
    }

    // Without a word on what: every emoji of one's own.
    bob.done(json!({"command": "react", "message": id, "emoji": ""}));
    alice.expect(json!({"event": "reaction", "message": id, "from": "bob", "emoji": "👍", "on": false}));

    alice.done(json!({"command": "delete", "message": id}));
    for (client, with) in [(&mut alice, "@bob"), (&mut bob, "@alice")] {
        client.expect(json!({"event": "message_deleted", "conversation": with, "message": id, "from": "alice"}));
        assert_eq!(lines(client, with), [("".into(), false, true, Value::Null)]);
        assert_eq!(found(client, "hello"), 0);
    }
    assert!(!alice.saw(&json!({"event": "message"})), "acts are no messages");
    let failed = alice.failed(json!({"command": "edit", "message": id, "text": "once more"}));
    assert_eq!(failed["code"], "deleted");
}

#[test]
fn who_may_not_is_told_so_in_a_sentence() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let id = say(&mut alice, &mut bob, "mine");
    let refused = |client: &mut Client, command: Value, code: &str| {
        let failed = client.failed(command);
        assert_eq!(failed["code"], code, "{failed}");
        assert!(failed["text"].as_str().unwrap().ends_with('.'), "{failed}");
    };
    refused(&mut bob, json!({"command": "edit", "message": id, "text": "yours"}), "not_yours");
    refused(&mut bob, json!({"command": "delete", "message": id}), "not_yours");
    refused(&mut bob, json!({"command": "react", "message": id, "emoji": "a\nb"}), "bad_emoji");
    refused(&mut bob, json!({"command": "react", "message": id, "emoji": "x".repeat(65)}), "bad_emoji");
    refused(&mut alice, json!({"command": "edit", "message": id, "text": ""}), "empty");
    refused(&mut alice, json!({"command": "edit", "message": id, "text": "x".repeat(17_000)}), "too_long");
    let nobodys = "0190f7a0-0000-7000-8000-000000000001";
    refused(&mut alice, json!({"command": "delete", "message": nobodys}), "unknown_message");
    assert_eq!(lines(&mut bob, "@alice"), [("mine".into(), false, false, Value::Null)]);
}

#[test]
fn a_friend_who_was_away_has_it_after_both_restarted() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let known = say(&mut alice, &mut bob, "known");
    let taken = say(&mut alice, &mut bob, "regretted");
    assert!(bob.quit().success());
    alice.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    edit(&mut alice, &known, "better");
    alice.done(json!({"command": "delete", "message": taken}));
    react(&mut alice, &known, "🎉", true);
    let unsent = put(&mut alice, "@bob", "never seen");
    edit(&mut alice, &unsent, "seen");
    let gone = put(&mut alice, "@bob", "secretword");
    alice.done(json!({"command": "delete", "message": gone}));
    alice.crash();

    let mut alice = Client::again(&alice.start);
    let mut bob = Client::again(&bob.start);
    linked(&mut alice, &mut bob, "direct");
    bob.expect(json!({"event": "message", "message": unsent, "text": "seen"}));
    bob.expect(json!({"event": "message_edited", "message": known, "text": "better"}));
    bob.expect(json!({"event": "message_deleted", "message": taken}));
    bob.expect(json!({"event": "reaction", "message": known, "emoji": "🎉", "on": true}));
    alice.expect(json!({"event": "message_state", "message": unsent, "state": "delivered"}));
    // What comes later is behind all that.
    say(&mut alice, &mut bob, "last");
    for text in ["never seen", "secretword"] {
        assert!(!bob.saw(&json!({"event": "message", "text": text})), "{text} was shown");
    }
    assert!(!bob.saw(&json!({"event": "message", "message": gone})), "what was taken back is no news");
    let expected = [
        ("better", true, false, json!([{"emoji": "🎉", "by": ["alice"]}])),
        ("", false, true, Value::Null),
        ("seen", true, false, Value::Null),
        ("", false, true, Value::Null),
        ("last", false, false, Value::Null),
    ]
    .map(|(text, edited, deleted, reactions)| (json!(text), edited, deleted, reactions));
    assert_eq!(lines(&mut bob, "@alice"), expected);
    assert_eq!(lines(&mut alice, "@bob"), expected);
    for text in ["secretword", "regretted", "known"] {
        assert_eq!((found(&mut bob, text), found(&mut alice, text)), (0, 0), "{text}");
    }
    let profile = std::fs::read_dir(bob.start.profile.clone()).unwrap();
    for file in profile.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = read_if_there(&file);
        assert!(!bytes.windows(10).any(|window| window == b"secretword"), "{} has it", file.display());
    }
}

#[test]
fn in_a_room_a_late_comer_sees_what_counts_and_only_the_author_changes_it() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    gather(&mut [&mut alice, &mut bob], TEA);
    let (first, second) =
        (say_to_all(&mut alice, &mut [&mut bob], TEA, "helo"), say_to_all(&mut alice, &mut [&mut bob], TEA, "oops"));
    edit(&mut alice, &first, "hello");
    alice.done(json!({"command": "delete", "message": second}));
    bob.expect(json!({"event": "message_edited", "conversation": TEA, "message": first, "text": "hello"}));
    bob.expect(json!({"event": "message_deleted", "conversation": TEA, "message": second}));
    react(&mut bob, &first, "👍", true);
    alice.expect(json!({"event": "reaction", "conversation": TEA, "message": first, "from": "bob", "on": true}));
    let failed = bob.failed(json!({"command": "delete", "message": first}));
    assert_eq!(failed["code"], "not_yours");

    // Alice is away: Bob passes on what she signed, and the chain of it holds.
    assert!(alice.quit().success());
    let mut carol = house.person("carol");
    join(&mut carol, TEA);
    let shown = carol.expect_within(SOON * 3, json!({"event": "message", "message": first}));
    assert_eq!(shown["text"], "hello", "only its last form");
    put(&mut bob, TEA, "welcome");
    carol.expect_within(SOON * 3, json!({"event": "message", "text": "welcome"}));
    let thumbs = json!([{"emoji": "👍", "by": ["bob"]}]);
    let expected =
        [("hello", true, false, thumbs), ("", false, true, Value::Null), ("welcome", false, false, Value::Null)]
            .map(|(text, edited, deleted, reactions)| (json!(text), edited, deleted, reactions));
    assert_eq!(lines(&mut carol, TEA), expected);
    for text in ["helo", "oops"] {
        assert_eq!(found(&mut carol, text), 0);
        assert!(!carol.saw(&json!({"event": "message", "text": text})));
    }
    react(&mut carol, &first, "🎉", true);
    bob.expect(json!({"event": "reaction", "message": first, "from": "carol", "emoji": "🎉"}));
}

#[test]
fn what_one_device_does_the_other_has_and_may_do_too() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let id = say(&mut alice, &mut bob, "helo");
    let mut second = Client::start(&house.start("alice.2"));
    second.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    second.expect_within(SOON * 3, json!({"event": "message", "message": id}));
    second.expect_within(SOON * 3, json!({"event": "link", "user": "bob", "path": "direct"}));
    edit(&mut second, &id, "hello");
    for client in [&mut alice, &mut bob, &mut second] {
        client.expect_within(SOON * 3, json!({"event": "message_edited", "message": id, "text": "hello"}));
    }
    react(&mut alice, &id, "🎉", true);
    for client in [&mut second, &mut bob] {
        let set = json!({"event": "reaction", "message": id, "from": "alice", "emoji": "🎉", "on": true});
        client.expect_within(SOON * 3, set);
    }
    // It is the person's, whichever device set it.
    react(&mut second, &id, "🎉", false);
    for client in [&mut alice, &mut bob] {
        client.expect_within(SOON * 3, json!({"event": "reaction", "message": id, "emoji": "🎉", "on": false}));
    }
    alice.done(json!({"command": "delete", "message": id}));
    for (client, with) in [(&mut second, "@bob"), (&mut bob, "@alice")] {
        client.expect_within(SOON * 3, json!({"event": "message_deleted", "conversation": with, "message": id}));
        assert_eq!(lines(client, with), [("".into(), false, true, Value::Null)]);
    }
}
