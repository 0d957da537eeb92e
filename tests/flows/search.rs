//! One search over what was said, who is there and what was sent: from the running program, and once, offline, with `hobnob-cli search`.

use std::process::Output;

use hobnob_tests::client::{Client, Start};
use hobnob_tests::files::random_file;
use hobnob_tests::programs;
use hobnob_tests::room::{TEA, join, put, say_to_all};
use hobnob_tests::story::{House, hand_over, say};
use serde_json::{Value, json};

fn search(client: &mut Client, text: &str) -> Value {
    client.done(json!({"command": "search", "text": text}))
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}

fn names<'a>(answer: &'a Value, kind: &str, name: &str) -> Vec<&'a str> {
    answer[kind].as_array().unwrap().iter().map(|found| found[name].as_str().unwrap()).collect()
}

/// Today, as the filters want it, and some days away.
fn day(client: &mut Client, away: i64) -> String {
    let sent = client.done(json!({"command": "history", "conversation": "@bob", "limit": 1}));
    let at = sent["messages"][0]["sent_at"].as_i64().unwrap() / 1000 + away * 86_400;
    let output = std::process::Command::new("date").args(["-d", &format!("@{at}"), "+%Y-%m-%d"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// `hobnob-cli search`, its output not a terminal.
fn once(start: &Start, text: &str) -> Output {
    let mut command = programs::command("hobnob-cli", &[]);
    command.arg("--profile").arg(&start.profile).args(["search", text]).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn filters_narrow_what_is_found_and_what_is_none_is_text() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    for text in ["Lunch at noon?", "lunch again", "see https://example.org/a:b", "from:nowhere!"] {
        say(&mut alice, &mut bob, text);
    }
    say(&mut bob, &mut alice, "Lúnch, yes");
    join(&mut alice, TEA);
    join(&mut bob, TEA);
    say_to_all(&mut bob, &mut [&mut alice], TEA, "lunch for the room");

    assert_eq!(
        texts(&search(&mut alice, "lunch")),
        ["lunch for the room", "Lúnch, yes", "lunch again", "Lunch at noon?"],
        "the newest first"
    );
    assert_eq!(texts(&search(&mut alice, "lun from:bob")), ["lunch for the room", "Lúnch, yes"]);
    assert_eq!(texts(&search(&mut alice, "from:me in:@bob lunch")), ["lunch again", "Lunch at noon?"]);
    assert_eq!(texts(&search(&mut alice, "in:#tea")), ["lunch for the room"]);
    assert_eq!(texts(&search(&mut alice, "\"at noon\"")), ["Lunch at noon?"]);
    assert_eq!(texts(&search(&mut alice, "\"noon at\"")), [""; 0]);
    assert_eq!(texts(&search(&mut alice, "from:nowhere!")), ["from:nowhere!"]);
    assert_eq!(texts(&search(&mut alice, "https://example.org/a:b")), ["see https://example.org/a:b"]);
    let (yesterday, tomorrow) = (day(&mut alice, -1), day(&mut alice, 1));
    for (filter, count) in [
        (format!("before:{tomorrow}"), 4),
        (format!("after:{tomorrow}"), 0),
        (format!("before:{yesterday}"), 0),
        (format!("after:{yesterday} before:{tomorrow}"), 4),
    ] {
        assert_eq!(texts(&search(&mut alice, &format!("lunch {filter}"))).len(), count, "{filter}");
    }

    // The command's own fields, as ever.
    let fields = alice.done(json!({"command": "search", "text": "lunch", "conversation": "@bob", "from": "bob"}));
    assert_eq!(texts(&fields), ["Lúnch, yes"]);
    let against = alice.done(json!({"command": "search", "text": "lunch from:alice", "from": "bob"}));
    assert_eq!(texts(&against), [""; 0]);
}

#[test]
fn pages_people_rooms_and_files_are_found_and_what_is_gone_is_not() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let ids: Vec<String> = (0..12).map(|n| say(&mut bob, &mut alice, &format!("number {n}"))).collect();
    join(&mut alice, "#bobsled");
    join(&mut bob, "#bobsled");
    say_to_all(&mut bob, &mut [&mut alice], "#bobsled", "number in the room");
    let file = random_file(&house.path("Résumé of Bob.pdf"), 10_000, 3);
    hand_over(&mut bob, &mut alice, &file);

    let (mut pages, mut before) = (Vec::new(), Value::Null);
    loop {
        let page = alice.done(json!({"command": "search", "text": "number in:@bob", "limit": 5, "before": before}));
        pages.extend(texts(&page).into_iter().map(str::to_owned));
        before = page["messages"].as_array().unwrap().last().unwrap()["message"].clone();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(pages, (0..12).rev().map(|n| format!("number {n}")).collect::<Vec<_>>());

    let named = search(&mut alice, "bob");
    assert_eq!(names(&named, "people", "user"), ["bob"]);
    assert_eq!(names(&named, "rooms", "room"), ["#bobsled"]);
    assert_eq!(names(&named, "files", "name"), ["Résumé of Bob.pdf"]);
    assert_eq!(names(&search(&mut bob, "resume"), "files", "name"), ["Résumé of Bob.pdf"], "who sent it finds it");
    let files = search(&mut alice, "has:file from:bob in:@bob");
    assert_eq!((names(&files, "files", "name").len(), texts(&files).len()), (1, 0));
    assert!(names(&files, "people", "user").is_empty());

    bob.done(json!({"command": "delete", "message": ids[3]}));
    alice.expect(json!({"event": "message_deleted", "message": ids[3]}));
    for client in [&mut alice, &mut bob] {
        assert_eq!(texts(&search(client, "number 3")), [""; 0]);
        let by_bob = search(client, "from:bob");
        assert!(!texts(&by_bob).iter().any(|text| text.is_empty() || text.ends_with(" 3")));
    }
    alice.done(json!({"command": "block", "user": "bob"}));
    let left = search(&mut alice, "number");
    assert!(!texts(&left).contains(&"number in the room"), "blocked in rooms: {left}");
}

#[test]
fn once_and_offline_it_finds_the_same() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    say(&mut alice, &mut bob, "tea \u{1b}[31m at five");
    let id = put(&mut bob, "@alice", "tea at six");
    alice.expect(json!({"event": "message", "message": id}));
    let start = house.start("alice");
    let busy = once(&start, "tea");
    assert_eq!(busy.status.code(), Some(2));
    assert!(busy.stdout.is_empty() && String::from_utf8_lossy(&busy.stderr).contains("using the profile"));
    assert!(alice.quit().success());

    let found = once(&start, "tea");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let found = lines(&found);
    let told: Vec<_> = found.iter().map(|line| (&line["found"], &line["from"], &line["text"])).collect();
    let message = json!("message");
    assert_eq!(
        told,
        [
            (&message, &json!("bob"), &json!("tea at six")),
            (&message, &json!("alice"), &json!("tea \u{1b}[31m at five"))
        ]
    );
    let mine = lines(&once(&start, "from:me"));
    assert_eq!((mine.len(), &mine[0]["from"]), (1, &json!("alice")));
    assert_eq!(lines(&once(&start, "bob"))[0]["found"], "person");
    let nothing = once(&start, "unicorn");
    assert_eq!((nothing.status.code(), nothing.stdout.len()), (Some(1), 0));
    let nowhere = Start { profile: house.path("nowhere"), ..start };
    assert_eq!(once(&nowhere, "tea").status.code(), Some(2));
    assert!(!nowhere.profile.exists(), "a search makes no profile");
}
