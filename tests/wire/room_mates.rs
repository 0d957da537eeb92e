//! What a link for a room does not give: other people's logs, a conversation with somebody who is no friend, a word to those who blocked one.

use hobnob_shared::id::{DeviceId, Incarnation, MessageId};
use hobnob_shared::message::{Entry, Have, Head, Mark, Peer, Read, Thread, Typing, Want};
use hobnob_tests::client::{Client, SOON};
use hobnob_tests::raw_friend::RawFriend;
use hobnob_tests::room::{TEA, all_linked, history, join, put, say_to_all, texts};
use hobnob_tests::story::{House, say, text_of};
use serde_json::json;

use crate::bytes::run;
use crate::room_port::{Party, has_refused, refused, stranger};

fn device_of(client: &mut Client) -> DeviceId {
    let devices = client.done(json!({"command": "devices"}));
    let this = devices["devices"].as_array().unwrap().iter().find(|device| device["this"] == true).unwrap().clone();
    text_of(&this["device"]).parse().unwrap()
}

fn direct(of: &RawFriend, number: u64, text: &str) -> Peer {
    let entry = Entry {
        id: MessageId::new(),
        number,
        clock: 10 + number,
        sent_at: 1,
        text: text.to_owned(),
        reply_to: None,
        meant_for: None,
        act: None,
    };
    of.part(number - 1, vec![entry])
}

#[test]
fn somebody_gets_none_of_the_logs_that_are_not_theirs() {
    run(async {
        let house = House::new();
        let (mut alice, mut bob) = house.alice_and_bob();
        say(&mut alice, &mut bob, "a secret for bob");
        say(&mut bob, &mut alice, "a secret of bob's");
        join(&mut alice, "#cabal");
        join(&mut bob, "#cabal");
        bob.expect(json!({"event": "room", "room": "#cabal"}));
        say_to_all(&mut alice, &mut [&mut bob], "#cabal", "a secret of the cabal");
        // Carol is in the cabal, and tells mallory which one it is.
        let cabal = stranger(&house, "carol", "alice").await.join("#cabal").await;

        let mut mallory = RawFriend::of(&house.server.address, &house.server.fingerprint, &mut alice).await;
        let for_mallory = put(&mut alice, "@mallory", "for mallory");
        let mut link = mallory.link().await;
        link.say(&Peer::Have(Have { thread: Thread::Direct, heads: Vec::new() }));
        let brings = |frame: Peer| matches!(&frame, Peer::Entries(part) if !part.entries.is_empty()).then_some(frame);
        link.until("what is meant for mallory", brings).await;

        let own = mallory.account.key.id();
        let devices = [device_of(&mut alice), device_of(&mut bob), own];
        let threads = [
            Thread::Direct,
            Thread::With("bob".parse().unwrap()),
            Thread::With("alice".parse().unwrap()),
            Thread::With("mallory".parse().unwrap()),
            Thread::Room(cabal.incarnation),
            Thread::Room(Incarnation::random()),
        ];
        let mut heard = Vec::new();
        for thread in &threads {
            // Also after having claimed a part in it.
            let heads = devices.map(|device| Head { device, number: 1, last: MessageId::new() }).to_vec();
            if *thread != Thread::Direct {
                link.say(&Peer::Have(Have { thread: thread.clone(), heads }));
            }
            for device in devices {
                link.say(&Peer::Want(Want { thread: thread.clone(), device, after: 0 }));
            }
            heard.extend(link.settle().await);
        }
        let mut got = Vec::new();
        for frame in heard {
            match frame {
                Peer::Entries(part) => got.extend(part.entries.into_iter().map(|entry| entry.id)),
                Peer::SignedEntries(part) => assert!(part.entries.is_empty(), "entries of a room: {part:?}"),
                Peer::RoomRecords(records) => panic!("members of a room: {records:?}"),
                Peer::OthersMarks(marks) => panic!("what others have seen: {marks:?}"),
                _ => {}
            }
        }
        got.dedup();
        assert_eq!(got.iter().map(ToString::to_string).collect::<Vec<_>>(), [for_mallory]);
        assert!(alice.process.is_running());
        say(&mut bob, &mut alice, "it stays between us");
    });
}

#[test]
fn a_member_who_is_no_friend_starts_no_conversation() {
    run(async {
        let mut party = Party::new().await;
        party.link.say(&direct(&party.mallory, 1, "hello stranger"));
        has_refused(&mut party.alice, &[("not_theirs", 1)]);
        party.link.say(&Peer::Typing(Typing { thread: Thread::Direct, active: true }));
        let device = party.log.device();
        let heads = vec![Head { device, number: 3, last: MessageId::new() }];
        party.link.say(&Peer::Have(Have { thread: Thread::Direct, heads }));
        party.link.say(&Peer::Read(Read { thread: Thread::Direct, marks: vec![Mark { device, number: 3 }] }));
        party.link.offer("holiday.jpg", 1000);
        let heard = party.link.settle().await;
        assert!(!heard.iter().any(|frame| matches!(frame, Peer::Want(_))), "it was asked for: {heard:?}");
        party.goes_on("in the room I may").await;
        for event in ["file_offered", "typing", "friend_added", "presence"] {
            assert!(!party.alice.saw(&json!({"event": event, "from": "mallory"})), "{event}");
            assert!(!party.alice.saw(&json!({"event": event, "user": "mallory"})), "{event}");
        }
        let list = party.alice.done(json!({"command": "conversations"}));
        let names: Vec<String> =
            list["conversations"].as_array().unwrap().iter().map(|one| text_of(&one["conversation"])).collect();
        assert_eq!(names, [TEA]);
        assert!(!party.alice.saw(&json!({"event": "message", "text": "hello stranger"})));
    });
}

#[test]
fn a_friend_who_was_removed_speaks_in_the_room_alone() {
    run(async {
        let mut party = Party::new().await;
        party.mallory.befriend(&mut party.alice).await;
        party.link = party.mallory.link().await;
        party.link.say(&direct(&party.mallory, 1, "as a friend"));
        party.alice.expect(json!({"event": "message", "conversation": "@mallory", "text": "as a friend"}));
        party.alice.done(json!({"command": "remove_friend", "user": "mallory"}));
        party.alice.forget();
        // The link may have ended with the friendship; the room gives another one.
        party.link = party.mallory.link().await;
        party.link.say(&direct(&party.mallory, 2, "as none"));
        has_refused(&mut party.alice, &[("not_theirs", 1)]);
        party.goes_on("as a member").await;
        assert!(!party.alice.saw(&json!({"event": "message", "text": "as none"})));
        assert_eq!(texts(&history(&mut party.alice, "@mallory")), ["as a friend"]);
    });
}

#[test]
fn whoever_is_blocked_is_not_linked_and_not_shown_though_others_bring_their_words() {
    run(async {
        let mut party = Party::new().await;
        party.goes_on("before the block").await;
        party.alice.done(json!({"command": "block", "user": "mallory"}));
        let link = std::mem::replace(&mut party.link, {
            party.mallory.victim = "bob".parse().unwrap();
            party.mallory.link().await
        });
        link.is_closed("a block").await;
        // Bob gets it, keeps it, and has it for alice too: she keeps it for those who come later, and does not show it.
        party.log.say(&party.link, "do you hear me?");
        party.bob.expect(json!({"event": "message", "from": "mallory", "text": "do you hear me?"}));
        say_to_all(&mut party.bob, &mut [&mut party.alice], TEA, "do not mind");
        party.alice.forget();
        assert!(!party.alice.saw(&json!({"event": "message", "text": "do you hear me?"})));
        assert!(!texts(&history(&mut party.alice, TEA)).contains(&"do you hear me?"));
        assert!(texts(&history(&mut party.bob, TEA)).contains(&"do you hear me?"));
        assert!(refused(&mut party.alice).is_empty());
        let mut dave = party.house.person("dave");
        join(&mut dave, TEA);
        all_linked(&mut [&mut dave, &mut party.alice]);
        dave.expect_within(SOON * 2, json!({"event": "message", "text": "do you hear me?"}));
    });
}
