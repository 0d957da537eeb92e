//! A friend who keeps to no rule, on an authenticated link to a client's port: refused or ignored, never a panic, and others talk on.

use std::time::{Duration, Instant};

use hobnob_shared::codec::to_cbor;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Hash, Incarnation, MessageId, Token, TransferId};
use hobnob_shared::limits;
use hobnob_shared::message::{
    AboutTransfer, Accept, Bye, CancelTransfer, Entries, Entry, Have, Head, Mark, OthersMarks, Peer, PeerPresence,
    Presence, Read, RoomRecords, Select, Stream, Thread, Typing, Unsupported, Want,
};
use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::manifest;
use hobnob_tests::raw_friend::{RawFriend, RawLink};
use hobnob_tests::story::{House, say};
use serde::Serialize;
use serde_json::json;

use crate::bytes::{Base, run};

pub async fn mallory(house: &House, victim: &mut Client) -> RawFriend {
    RawFriend::of(&house.server.address, &house.server.fingerprint, victim).await
}

pub fn message(number: u64, text: &str) -> Entry {
    let (id, text) = (MessageId::new(), text.to_owned());
    Entry { id, number, clock: number.saturating_add(10), sent_at: 1, text, reply_to: None, meant_for: None, act: None }
}

#[derive(Serialize)]
struct Made<B> {
    t: &'static str,
    v: B,
}

fn honest(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

#[test]
fn frames_that_break_the_rules_end_the_link_and_the_others_talk_on() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let base = Base::of(&alice.process);
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let bad: [(&str, Vec<u8>); 6] = [
            ("a length of 2^32 - 1", u32::MAX.to_be_bytes().to_vec()),
            ("a length over the limit", (u32::try_from(limits::FRAME).unwrap() + 1).to_be_bytes().to_vec()),
            ("a negative length", [0x80, 0, 0, 0, 1].to_vec()),
            ("deep nesting", honest(&vec![0x81; 10_000])),
            ("a wrong body", honest(&to_cbor(&Made { t: "entries", v: 17 }).unwrap())),
            ("an empty frame", honest(b"")),
        ];
        for (what, bytes) in bad {
            let link = mallory.link().await;
            link.writer.try_send_encoded(bytes.into()).unwrap();
            link.is_closed(what).await;
        }
        // In the wrong state: before the hello, and a second hello.
        let link = mallory.dial().await;
        link.say(&mallory.part(0, vec![message(1, "first of all")]));
        link.is_closed("a message before the hello").await;
        let link = mallory.link().await;
        link.say(&mallory.hello());
        link.is_closed("a second hello").await;
    });
    // A friend is looked for again and again; who is none is not.
    alice.done(json!({"command": "remove_friend", "user": "mallory"}));
    base.is_back(&alice.process);
    say(&mut alice, &mut bob, "and we talk on");
    assert!(!alice.saw(&json!({"event": "message", "from": "mallory"})));
}

#[test]
fn unknown_kinds_and_pointless_frames_are_answered_or_ignored() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        let later = to_cbor(&Made { t: "teleport", v: Made { t: "where", v: [1, 2, 3] } }).unwrap();
        link.writer.try_send_encoded(honest(&later).into()).unwrap();
        let answer = link.until("an answer", |frame| matches!(&frame, Peer::Unsupported(_)).then_some(frame)).await;
        assert_eq!(answer, Peer::Unsupported(Unsupported { kind: "teleport".to_owned() }));

        // About things that do not exist.
        for _ in 0..200 {
            let (transfer, id) = (TransferId::new(), MessageId::new());
            let device = DeviceId(rand::random());
            for thread in [Thread::Direct, Thread::Room(Incarnation::random()), Thread::With("bob".parse().unwrap())] {
                let head = Head { device, number: u64::MAX, last: id };
                link.say(&Peer::Have(Have { thread: thread.clone(), heads: vec![head; 3] }));
                link.say(&Peer::Want(Want { thread: thread.clone(), device, after: u64::MAX }));
                let marks = vec![Mark { device, number: u64::MAX }; 3];
                link.say(&Peer::Read(Read { thread: thread.clone(), marks: marks.clone() }));
                link.say(&Peer::Typing(Typing { thread: thread.clone(), active: true }));
                let by = "bob".parse().unwrap();
                link.say(&Peer::OthersMarks(OthersMarks { thread, by, delivered: marks.clone(), read: marks }));
            }
            link.say(&Peer::RoomRecords(RoomRecords { room: Incarnation::random(), records: vec![], leaves: vec![] }));
            link.say(&Peer::Accept(Accept { transfer, have: u64::MAX, token: Token::random() }));
            link.say(&Peer::Decline(AboutTransfer { transfer }));
            link.say(&Peer::Cancel(CancelTransfer { transfer, code: WireCode::Other("x".repeat(64)) }));
            link.settle().await;
        }
        link.say(&Peer::Unsupported(Unsupported { kind: "?".to_owned() }));
        link.settle().await;
        link.say(&mallory.part(0, vec![message(1, "still a friend")]));
        alice.expect(json!({"event": "message", "from": "mallory", "text": "still a friend"}));
        link.say(&Peer::Bye(Bye { code: WireCode::SignedOut }));
        link.is_closed("a goodbye").await;
    });
    say(&mut bob, &mut alice, "undisturbed");
    assert!(alice.process.is_running());
}

#[test]
fn messages_are_shown_once_whatever_their_author_repeats_or_changes() {
    let house = House::new();
    let mut alice = house.person("alice");
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let first = message(1, "the first version");
        let altered = Entry { text: "another version".to_owned(), ..first.clone() };
        for said in [&first, &first, &altered, &first] {
            let mut link = mallory.link().await;
            link.say(&mallory.part(0, vec![said.clone()]));
            // Acknowledged, ignored or refused by a close: the client's choice.
            let _stands = link.stands().await;
        }
        let behind = Entry { clock: 1, ..message(2, "a clock that goes back") };
        let late = Entry { clock: limits::CLOCK + 1, ..message(2, "a clock beyond the end") };
        let another = message(1, "another under the same number");
        for (after, bad) in [
            (1, message(2, &"x".repeat(limits::TEXT + 1))),
            (0, message(0, "number nought")),
            (u64::MAX - 1, message(u64::MAX, "far ahead")),
            (5, message(6, "behind a gap")),
            (1, behind),
            (1, late),
            (0, another),
        ] {
            let mut link = mallory.link().await;
            link.say(&mallory.part(after, vec![bad]));
            let _stands = link.stands().await;
        }
        // In the name of somebody else, and as a log of the victim's own device.
        let mut link = mallory.link().await;
        let honest = mallory.part(1, vec![message(2, "by somebody else")]);
        let Peer::Entries(part) = honest else { unreachable!() };
        let victim: hobnob_shared::id::Handle = "alice".parse().unwrap();
        link.say(&Peer::Entries(Entries { author: victim.clone(), ..part.clone() }));
        link.say(&Peer::Entries(Entries { thread: Thread::With("bob".parse().unwrap()), author: victim, ..part }));
        link.settle().await;
    });
    alice.forget();
    assert_eq!(alice.all(&json!({"event": "message", "text": "the first version"})).len(), 1);
    assert!(!alice.saw(&json!({"event": "message", "text": "another version"})));
    assert!(!alice.saw(&json!({"event": "message", "text": "x".repeat(limits::TEXT + 1)})));
    let history = alice.done(json!({"command": "history", "conversation": "@mallory", "limit": 100}));
    let kept: Vec<&str> = history["messages"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(kept, ["the first version"]);
}

#[test]
fn offers_are_bounded_and_presence_that_cannot_be_is_not_shown() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        for n in 0..3 * limits::OFFERS_PER_FRIEND as u64 {
            link.offer(&format!("flood {n}"), u64::MAX - n);
        }
        link.say(&Peer::Presence(PeerPresence { presence: Presence::Unknown, text: "x".repeat(10_000) }));
        link.say(&Peer::Select(Select {}));
        // Closed or not: what is kept is bounded.
        while tokio::time::timeout(Duration::from_secs(2), link.hear()).await.is_ok_and(|frame| frame.is_some()) {}
    });
    let list = alice.done(json!({"command": "transfers"}));
    let count = list["transfers"].as_array().unwrap().len();
    assert!(count <= limits::OFFERS_PER_FRIEND, "{count} offers are kept");
    for shown in alice.all(&json!({"event": "presence", "user": "mallory"})) {
        assert!(shown["text"].as_str().unwrap().chars().count() <= limits::STATUS_TEXT, "{shown}");
    }
    say(&mut alice, &mut bob, "quite a flood");
}

/// names as only a wire can carry them, made of what is dangerous somewhere.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "../x",
        "../../x",
        "/etc/passwd",
        "/",
        "//",
        ".",
        "..",
        "...",
        "a/../../b",
        "..\\x",
        "\\\\server\\share\\x",
        "C:\\x",
        "C:x",
        "nul\0byte",
        "\0",
        "",
        " ",
        "  x  ",
        ".hidden",
        "..hidden",
        "x.",
        "x..",
        "x ",
        "con",
        "CON",
        "con.txt",
        "Aux.tar.gz",
        "prn",
        "nul",
        "com1",
        "COM9.log",
        "lpt1",
        "lpt\u{b9}",
        "a<b",
        "a>b",
        "a:b",
        "a\"b",
        "a|b",
        "a?b",
        "a*b",
        "a\nb",
        "a\rb",
        "a\tb",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{85}x",
        "\u{202e}gpj.exe",
        "\u{2066}x\u{2069}",
        "\u{200b}",
        "a\u{200d}b",
        "\u{feff}x",
        "~",
        "~root",
        "$HOME",
        "`id`",
        "$(id)",
        ";rm -rf",
        "-rf",
        "--help",
        "&",
        "%2e%2e%2fx",
        "..%2fx",
        "..%5cx",
        "%00",
        "%",
        "a%2",
        "&#46;&#46;/x",
        "<b>x</b>",
        "e\u{301}",
        "\u{e9}",
        "\u{ff0e}\u{ff0e}\u{ff0f}x",
        "\u{2024}\u{2024}/x",
        "\u{2215}x",
        "\u{29f5}x",
        "ﬁ",
        "Ⅳ",
        "ß",
        "İ",
        "ı",
        "desktop.ini",
        "Thumbs.db",
        ".directory",
        ".git",
        ".bashrc",
        ".ssh/authorized_keys",
        "x.desktop",
        "x.sh",
        "x.exe",
        "x.lnk",
        "autorun.inf",
        "x.part",
        ".x.part",
        "x~",
        "#x#",
        ".#x",
        "x.tar.gz",
        "x.",
        ".tar.gz",
        "👩‍👩‍👧‍👦.png",
        "שלום.txt",
        "مرحبا.txt",
        "\u{1f3f4}\u{e0067}\u{e007f}",
        "a\u{300}\u{301}\u{302}\u{303}",
        "x\u{2028}y",
        "x\u{2029}y",
        "x\u{a0}",
        "\u{3000}x",
        "\u{ad}x",
    ]
    .map(str::to_owned)
    .into();
    for length in [199, 200, 201, 254, 255, 256, 300, 1000, 4000] {
        names.push("n".repeat(length));
        names.push(format!("{}.txt", "n".repeat(length)));
        names.push("\u{1f600}".repeat(length / 4));
        names.push(format!("x.{}", "e".repeat(length)));
        names.push(format!("{}x", "../".repeat(length / 3)));
    }
    names.truncate(200);
    names
}

/// Waits until the client has shown the offer, or has refused it.
pub async fn is_offered(client: &mut Client, link: &mut RawLink, transfer: TransferId) -> bool {
    let shown = json!({"event": "file_offered", "transfer": transfer.to_string()});
    let deadline = Instant::now() + SOON;
    while Instant::now() < deadline {
        client.forget();
        if client.saw(&shown) {
            return true;
        }
        match tokio::time::timeout(Duration::from_millis(20), link.hear()).await {
            Ok(Some(Peer::Cancel(cancel))) if cancel.transfer == transfer => return false,
            Ok(Some(Peer::Decline(about))) if about.transfer == transfer => return false,
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => panic!("the client closed the link over a name"),
        }
    }
    panic!("an offer was neither shown nor refused");
}

#[test]
fn a_hundred_and_fifty_names_from_the_wire_land_inside_the_folder_or_are_refused() {
    let house = House::new();
    let mut alice = house.person("alice");
    let outside = house.path("canary");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("x"), "untouched").unwrap();
    std::fs::write(alice.start.downloads.join("x"), "mine").unwrap();
    let before: Vec<_> = std::fs::read_dir(&house.home).unwrap().flatten().map(|entry| entry.path()).collect();
    let names = names();
    assert!(names.len() >= 150, "{}", names.len());
    let mut landed = 0;
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        for name in &names {
            let transfer = link.offer(name, 1);
            let id = json!(transfer.to_string());
            if !is_offered(&mut alice, &mut link, transfer).await {
                continue;
            }
            alice.done(json!({"command": "accept_file", "transfer": id}));
            let accept = link.accepted(transfer).await;
            let last = mallory.serve(&link, &accept, b"!").await;
            let whole = Hash(*blake3::hash(b"!").as_bytes());
            assert!(matches!(last, Stream::Finished(finished) if finished.root == whole), "{name:?}: {last:?}");
            let finished = alice.expect(json!({"event": "file_finished", "transfer": id}));
            let path = std::path::PathBuf::from(finished["path"].as_str().unwrap());
            assert_eq!(path.parent(), Some(alice.start.downloads.as_path()), "{name:?} landed at {}", path.display());
            let last = path.file_name().unwrap().to_str().unwrap();
            assert!(!last.starts_with('.') && last.len() <= 255, "{name:?} became {last:?}");
            assert!(!last.chars().any(char::is_control), "{name:?} became {last:?}");
            landed += 1;
        }
    });
    assert!(landed >= 100, "only {landed} of {} were taken", names.len());
    let found = manifest(&alice.start.downloads);
    assert_eq!(found.len(), landed + 1, "a file for each, and mine: {found:?}");
    assert_eq!(std::fs::read(alice.start.downloads.join("x")).unwrap(), b"mine");
    assert_eq!(std::fs::read(outside.join("x")).unwrap(), b"untouched");
    let after: Vec<_> = std::fs::read_dir(&house.home).unwrap().flatten().map(|entry| entry.path()).collect();
    assert_eq!(before.len(), after.len(), "{after:?}");
}
