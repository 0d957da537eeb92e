//! What was said, later: read at any place, written into a file, and erased on one computer for good while everything goes on.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::{random_file, read_if_there};
use hobnob_tests::room::{TEA, agree, all_linked, gather, history, put, say_to_all, texts};
use hobnob_tests::story::{House, PASSWORD, befriend, hand_over, linked, say};
use serde_json::{Value, json};

/// A page: texts, and whether there is more before and behind it.
fn page(client: &mut Client, conversation: &str, part: &Value) -> (Vec<String>, bool, bool) {
    let mut command = json!({"command": "history", "conversation": conversation, "limit": 4});
    command.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    let answer = client.done(command);
    let texts =
        answer["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap().to_owned());
    (texts.collect(), answer["earlier"] == true, answer["later"] == true)
}

fn found(client: &mut Client, text: &str) -> usize {
    let answer = client.done(json!({"command": "search", "text": text}));
    ["messages", "files"].iter().map(|kind| answer[kind].as_array().unwrap().len()).sum()
}

fn erase(client: &mut Client, conversation: &str) -> (Value, Value) {
    let answer = client.done(json!({"command": "erase", "conversation": conversation}));
    (answer["erased"].clone(), answer["kept"].clone())
}

/// No file of the profile has these bytes.
fn is_nowhere(client: &Client, text: &str) {
    for file in std::fs::read_dir(&client.start.profile).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { read_if_there(&path) } else { continue };
        let is_here = bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!is_here, "{text:?} is in {}", path.display());
    }
}

#[test]
fn every_place_can_be_read_and_the_whole_is_a_file() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let ids: Vec<String> = (0..10).map(|n| say(&mut alice, &mut bob, &format!("<b>{n}</b>"))).collect();
    let all = bob.done(json!({"command": "history", "conversation": "@alice"}));
    assert_eq!((&all["earlier"], &all["later"]), (&json!(false), &json!(false)));
    let of = |range: std::ops::Range<usize>| range.map(|n| format!("<b>{n}</b>")).collect::<Vec<_>>();
    assert_eq!(page(&mut bob, "@alice", &json!({})), (of(6..10), true, false));
    assert_eq!(page(&mut bob, "@alice", &json!({"before": ids[6]})), (of(2..6), true, true));
    assert_eq!(page(&mut bob, "@alice", &json!({"after": ids[2]})), (of(3..7), true, true));
    assert_eq!(page(&mut bob, "@alice", &json!({"around": ids[5]})), (of(3..7), true, true));
    assert_eq!(page(&mut bob, "@alice", &json!({"around": ids[0]})), (of(0..4), false, true));
    let clock = all["messages"][5]["clock"].as_u64().unwrap();
    assert_eq!(page(&mut bob, "@alice", &json!({"at": clock})), (of(3..7), true, true));
    assert_eq!(page(&mut bob, "@alice", &json!({"at": clock + 86_400_000})), (of(6..10), true, false));
    let at = bob.done(json!({"command": "history", "conversation": "@alice", "at": clock}));
    assert_eq!(at["found"], ids[5]);
    let nowhere =
        json!({"command": "history", "conversation": "@alice", "around": "01890a5d-ac96-774b-bcce-b302099a8057"});
    assert_eq!(bob.failed(nowhere)["code"], "unknown_message");
    let both = json!({"command": "history", "conversation": "@alice", "at": 1, "before": ids[0]});
    assert_eq!(bob.failed(both)["code"], "bad_request");

    for (format, wanted) in
        [("text", "    <b>7</b>"), ("html", "&lt;b&gt;7&lt;/b&gt;"), ("json", "\"text\":\"<b>7</b>\"")]
    {
        let path = house.path(&format!("talk.{format}"));
        let command = json!({"command": "export", "conversation": "@alice", "path": path, "format": format});
        let done = bob.done(command.clone());
        assert_eq!((&done["exported"], &done["path"]), (&json!(10), &json!(path)));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(wanted), "{text}");
        assert_eq!(bob.failed(command.clone())["code"], "name_taken");
        let mut again = command;
        again["overwrite"] = json!(true);
        bob.done(again);
    }
    let inside = bob.start.profile.join("history.db");
    let command =
        json!({"command": "export", "conversation": "@alice", "path": inside, "format": "text", "overwrite": true});
    assert_eq!(bob.failed(command)["code"], "own_profile");
}

#[test]
fn what_one_erases_stays_away_and_both_go_on_talking() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let secret = say(&mut alice, &mut bob, "the zanzibar plan");
    say(&mut bob, &mut alice, "zanzibar, fine");
    bob.done(json!({"command": "react", "message": secret, "emoji": "🏝"}));
    alice.expect(json!({"event": "reaction", "message": secret, "emoji": "🏝"}));
    let file = random_file(&house.path("zanzibar.pdf"), 5_000, 1);
    let received = hand_over(&mut alice, &mut bob, &file);
    assert_eq!(found(&mut bob, "zanzibar"), 3);
    assert_eq!(erase(&mut bob, "@alice"), (json!(2), json!(0)));
    assert_eq!((history(&mut bob, "@alice"), found(&mut bob, "zanzibar")), (vec![], 0));
    assert!(received.is_file(), "what was received is the person's own");
    assert_eq!(bob.done(json!({"command": "conversations"}))["conversations"], json!([]));
    assert_eq!(bob.done(json!({"command": "transfers"}))["transfers"], json!([]));
    is_nowhere(&bob, "zanzibar");

    // Changed and answered by her who still has it, over this link and the next.
    alice.done(json!({"command": "edit", "message": secret, "text": "the madagascar plan"}));
    assert!(bob.quit().success());
    let mut bob = Client::again(&bob.start);
    linked(&mut alice, &mut bob, "direct");
    let answer = alice.done(json!({"command": "send", "to": "@bob", "text": "well?", "reply_to": secret}));
    bob.expect(json!({"event": "message", "message": answer["message"], "text": "well?"}));
    say(&mut bob, &mut alice, "let us go");
    alice.crash();
    let mut alice = Client::again(&alice.start);
    linked(&mut alice, &mut bob, "direct");
    say(&mut alice, &mut bob, "tomorrow");
    assert_eq!(texts(&history(&mut bob, "@alice")), ["well?", "let us go", "tomorrow"]);
    assert_eq!(bob.all(&json!({"event": "message"})).len(), 2, "nothing came once more");
    assert_eq!(history(&mut alice, "@bob").len(), 5, "she keeps hers");
    assert_eq!(bob.failed(json!({"command": "react", "message": secret, "emoji": "🏝"}))["code"], "unknown_message");
}

#[test]
fn what_waits_for_a_friend_survives_the_erasing_and_is_delivered() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(&mut alice, &mut bob, "before");
    assert!(bob.quit().success());
    alice.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    let waiting: Vec<String> = (0..3).map(|n| put(&mut alice, "@bob", &format!("waits {n}"))).collect();
    assert_eq!(erase(&mut alice, "@bob"), (json!(1), json!(3)));
    assert_eq!(texts(&history(&mut alice, "@bob")), ["waits 0", "waits 1", "waits 2"]);
    alice.crash();
    let mut alice = Client::again(&alice.start);
    let mut bob = Client::again(&bob.start);
    for id in &waiting {
        bob.expect_within(SOON * 2, json!({"event": "message", "message": id}));
        alice.expect_within(SOON * 2, json!({"event": "message_state", "message": id, "state": "delivered"}));
    }
    say(&mut alice, &mut bob, "after");
    assert_eq!(history(&mut bob, "@alice").len(), 5);
    assert_eq!(erase(&mut alice, "@bob"), (json!(4), json!(0)));
    assert_eq!(history(&mut alice, "@bob"), vec![]);
}

#[test]
fn a_room_goes_on_for_who_erased_it_and_who_comes_later_gets_what_the_others_have() {
    let house = House::new();
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    gather(&mut [&mut alice, &mut bob], TEA);
    say_to_all(&mut alice, &mut [&mut bob], TEA, "alice one");
    say_to_all(&mut bob, &mut [&mut alice], TEA, "bob one");
    assert_eq!(erase(&mut alice, TEA), (json!(2), json!(0)));
    assert_eq!((history(&mut alice, TEA), found(&mut alice, "one")), (vec![], 0));
    is_nowhere(&alice, "bob one");
    assert!(alice.quit().success());
    let mut alice = Client::again(&alice.start);
    all_linked(&mut [&mut alice, &mut bob]);
    say_to_all(&mut bob, &mut [&mut alice], TEA, "bob two");
    say_to_all(&mut alice, &mut [&mut bob], TEA, "alice two");
    assert_eq!(texts(&history(&mut alice, TEA)), ["bob two", "alice two"]);
    // Who comes while only she is there reads what she says; what she does not have any more comes with those who have it.
    assert!(bob.quit().success());
    let mut carol = house.person("carol");
    gather(&mut [&mut carol], TEA);
    carol.expect_within(SOON * 3, json!({"event": "message", "conversation": TEA, "text": "alice two"}));
    assert_eq!(texts(&history(&mut carol, TEA)), ["alice one", "alice two"]);
    let mut bob = Client::again(&bob.start);
    for text in ["bob one", "bob two"] {
        carol.expect_within(SOON * 6, json!({"event": "message", "conversation": TEA, "text": text}));
    }
    agree(&mut [(&mut bob, TEA)], 4, SOON);
    assert_eq!(texts(&history(&mut carol, TEA)), ["alice one", "bob one", "bob two", "alice two"]);
    assert_eq!(texts(&history(&mut alice, TEA)), ["bob two", "alice two"]);
    assert_eq!(alice.all(&json!({"event": "message"})).len(), 1);
    // Outside it nothing is left for anybody.
    alice.done(json!({"command": "leave_room", "room": TEA}));
    erase(&mut alice, TEA);
    is_nowhere(&alice, "alice two");
}

#[test]
fn erased_on_one_device_it_stays_on_the_other_and_does_not_come_from_there() {
    let house = House::new();
    let (mut one, mut bob) = (house.person("alice"), house.person("bob"));
    befriend(&mut one, &mut bob);
    linked(&mut one, &mut bob, "direct");
    say(&mut bob, &mut one, "from bob");
    say(&mut one, &mut bob, "from the first");
    let mut two = Client::start(&house.start("alice.2"));
    two.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    agree(&mut [(&mut one, "@bob"), (&mut two, "@bob"), (&mut bob, "@alice")], 2, SOON * 2);
    assert_eq!(erase(&mut one, "@bob"), (json!(2), json!(0)));
    assert!(one.quit().success());
    put(&mut two, "@bob", "from the second");
    bob.expect_within(SOON * 2, json!({"event": "message", "text": "from the second"}));
    let mut one = Client::again(&one.start);
    one.expect_within(SOON * 3, json!({"event": "message", "text": "from the second"}));
    say(&mut bob, &mut one, "to both");
    two.expect_within(SOON * 2, json!({"event": "message", "text": "to both"}));
    put(&mut one, "@bob", "from the first again");
    for client in [&mut two, &mut bob] {
        client.expect_within(SOON * 2, json!({"event": "message", "text": "from the first again"}));
    }
    agree(&mut [(&mut two, "@bob"), (&mut bob, "@alice")], 5, SOON * 2);
    assert_eq!(texts(&history(&mut one, "@bob")), ["from the second", "to both", "from the first again"]);
    assert_eq!(one.all(&json!({"event": "message"})).len(), 2);
}
