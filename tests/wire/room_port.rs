//! A member of a room who keeps to no rule, on an authenticated link: what nobody signed, or nobody may say, is refused, counted and not
//! shown; whatever else goes over the link is unharmed.

use std::collections::BTreeMap;

use hobnob_shared::codec::to_cbor;
use hobnob_shared::id::{DeviceId, Hash, MessageId};
use hobnob_shared::identity::{
    Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityStatement, RemovedDevice, ServerKey, self_signed_server,
};
use hobnob_shared::limits;
use hobnob_shared::message::{
    MEMBERSHIP, Membership, Peer, ROOM_LEAVE, RoomEntry, RoomRecords, SignedEntries, SignedEntry,
};
use hobnob_tests::client::{Client, SOON};
use hobnob_tests::process::until;
use hobnob_tests::raw_friend::{RawFriend, RawLink};
use hobnob_tests::raw_member::{RawLog, RawRoom, now_ms};
use hobnob_tests::room::{TEA, all_linked, history, join, say_to_all, texts, told};
use hobnob_tests::story::House;
use serde_json::{Value, json};

use crate::bytes::run;

/// Alice and Bob, honest; Mallory, linked with Alice; nobody is a friend.
pub struct Party {
    pub house: House,
    pub alice: Client,
    pub bob: Client,
    pub mallory: RawFriend,
    pub room: RawRoom,
    pub link: RawLink,
    pub log: RawLog,
}

impl Party {
    pub async fn new() -> Self {
        let house = House::new();
        let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
        join(&mut alice, TEA);
        join(&mut bob, TEA);
        all_linked(&mut [&mut alice, &mut bob]);
        let mut mallory = stranger(&house, "mallory", "alice").await;
        let room = mallory.join(TEA).await;
        alice.wait("mallory in the room", SOON, |event| is_in(event, "mallory"));
        let (link, log) = (mallory.link().await, mallory.log(&room));
        alice.expect(json!({"event": "link", "user": "mallory", "path": "direct"}));
        Self { house, alice, bob, mallory, room, link, log }
    }

    /// The link is sound, and so is the log: what is said honestly is shown.
    pub async fn goes_on(&mut self, text: &str) {
        self.log.say(&self.link, text);
        self.alice.expect(json!({"event": "message", "conversation": TEA, "from": "mallory", "text": text}));
        self.bob.expect_within(SOON * 2, json!({"event": "message", "conversation": TEA, "text": text}));
        self.link.settle().await;
    }
}

pub async fn stranger(house: &House, name: &str, victim: &str) -> RawFriend {
    RawFriend::stranger(&house.server.address, &house.server.fingerprint, name, victim).await
}

fn is_in(event: &Value, user: &str) -> bool {
    let members = event["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    event["event"] == "room" && members.iter().any(|member| member["user"] == *user)
}

/// What a client says it refused.
pub fn refused(client: &mut Client) -> BTreeMap<String, u64> {
    serde_json::from_value(client.done(json!({"command": "status"}))["refused"].clone()).unwrap()
}

/// Waits until exactly this was refused since the start.
pub fn has_refused(client: &mut Client, expected: &[(&str, u64)]) {
    let expected: BTreeMap<String, u64> = expected.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect();
    let mut last = BTreeMap::new();
    let enough = |last: &BTreeMap<String, u64>| expected.iter().all(|(why, count)| last.get(why) >= Some(count));
    until(&format!("{expected:?} refused"), SOON, || {
        last = refused(client);
        enough(&last)
    });
    assert_eq!(last, expected);
}

/// Nothing with this text was ever shown or kept.
fn never_said(client: &mut Client, text: &str) {
    client.forget();
    assert!(!client.saw(&json!({"event": "message", "text": text})), "{text:?} was shown");
    assert!(!texts(&history(client, TEA)).contains(&text), "{text:?} was kept");
    let log = client.process.log().text();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn what_its_author_did_not_sign_is_refused() {
    run(async {
        let mut party = Party::new().await;
        let carol = stranger(&party.house, "carol", "alice").await;
        let other_room = party.mallory.join("#elsewhere").await;
        let log = &party.log;
        let honest = log.draft("forged");
        let sealed = log.seal(&honest);
        let altered = to_cbor(&RoomEntry { text: "Forged".into(), ..honest.clone() }).unwrap();
        let mut torn = sealed.clone();
        torn.signature[7] ^= 1;
        let elsewhere = RoomEntry { room: other_room.incarnation, ..honest.clone() };
        let foreign = RoomEntry { device: carol.account.key.id(), ..honest.clone() };
        let other_purpose =
            SignedEntry { body: sealed.body.clone(), signature: log.key.sign(ROOM_LEAVE, &sealed.body).to_vec() };
        let in_carols_name = RawLog::new(log.room, carol.account.chain.clone(), &log.key);
        let spliced = Chain { device: log.chain.device.clone(), account: carol.account.chain.account.clone() };
        let spliced = RawLog::new(log.room, spliced, &log.key);
        let forged = [
            log.part(0, vec![SignedEntry { body: altered, signature: sealed.signature.clone() }]),
            log.part(0, vec![torn]),
            log.part(0, vec![SignedEntry { body: sealed.body.clone(), signature: Vec::new() }]),
            log.part(0, vec![log.seal(&elsewhere)]),
            log.part(0, vec![log.seal(&foreign)]),
            log.part(0, vec![other_purpose]),
            in_carols_name.part(0, vec![sealed.clone()]),
            spliced.part(0, vec![sealed.clone()]),
        ];
        for (n, frame) in forged.iter().enumerate() {
            party.link.say(frame);
            party.link.settle().await;
            has_refused(&mut party.alice, &[("forged", n as u64 + 1)]);
        }
        // One bad entry takes the honest ones beside it along, and they can come again.
        let mut bad = sealed.clone();
        bad.signature[0] ^= 1;
        party.link.say(&party.log.part(0, vec![sealed, bad]));
        has_refused(&mut party.alice, &[("forged", forged.len() as u64 + 1)]);
        never_said(&mut party.alice, "forged");
        party.goes_on("an honest word").await;
    });
}

#[test]
fn an_entry_is_taken_once_and_a_fork_of_a_log_never() {
    run(async {
        let mut party = Party::new().await;
        let first = party.log.draft("the first");
        let sealed = party.log.seal(&first);
        for _ in 0..3 {
            party.link.say(&party.log.part(0, vec![sealed.clone()]));
        }
        party.alice.expect(json!({"event": "message", "text": "the first"}));
        party.link.settle().await;
        let other = RoomEntry { id: MessageId::new(), text: "another first".into(), ..first.clone() };
        party.link.say(&party.log.part(0, vec![party.log.seal(&other)]));
        has_refused(&mut party.alice, &[("conflict", 1)]);
        party.log.keep(&first, &sealed);
        // A second one that follows the other first.
        let fork = RoomEntry { previous: Hash([9; 32]), ..party.log.draft("on the other branch") };
        party.link.say(&party.log.part(1, vec![party.log.seal(&fork)]));
        has_refused(&mut party.alice, &[("conflict", 2)]);
        // The id of an entry that is there already.
        let same_id = RoomEntry { id: first.id, ..party.log.draft("under a known id") };
        party.link.say(&party.log.part(1, vec![party.log.seal(&same_id)]));
        has_refused(&mut party.alice, &[("conflict", 3)]);
        // Behind a gap, and far ahead: asked for, not shown.
        for number in [5, u64::MAX, limits::CLOCK] {
            let ahead = RoomEntry { number, ..party.log.draft("far ahead") };
            party.link.say(&party.log.part(number - 1, vec![party.log.seal(&ahead)]));
            party.link.settle().await;
        }
        party.goes_on("the second").await;
        for text in ["another first", "on the other branch", "under a known id", "far ahead"] {
            never_said(&mut party.alice, text);
        }
        assert_eq!(party.alice.all(&json!({"event": "message", "text": "the first"})).len(), 1);
        assert_eq!(texts(&history(&mut party.alice, TEA)), ["the first", "the second"]);
    });
}

#[test]
fn what_no_honest_author_makes_is_refused() {
    run(async {
        let mut party = Party::new().await;
        party.goes_on("a beginning").await;
        let bad = [
            RoomEntry { text: "x".repeat(limits::TEXT + 1), ..party.log.draft("") },
            RoomEntry { clock: 1, ..party.log.draft("a clock that goes back") },
            RoomEntry { clock: limits::CLOCK + 1, ..party.log.draft("a clock beyond the end") },
            RoomEntry { clock: u64::MAX, ..party.log.draft("the last clock") },
        ];
        for (n, entry) in bad.iter().enumerate() {
            party.link.say(&party.log.part(1, vec![party.log.seal(entry)]));
            has_refused(&mut party.alice, &[("malformed", n as u64 + 1)]);
        }
        // Signed nonsense.
        let nonsense = vec![0x81; 500];
        let signature = party.log.key.sign("room-entry", &nonsense).to_vec();
        party.link.say(&party.log.part(1, vec![SignedEntry { body: nonsense, signature }]));
        has_refused(&mut party.alice, &[("malformed", bad.len() as u64 + 1)]);
        party.goes_on("an end").await;
        assert_eq!(texts(&history(&mut party.alice, TEA)), ["a beginning", "an end"]);
    });
}

#[test]
fn batches_beyond_the_limits_end_the_link_and_the_room_goes_on() {
    run(async {
        let mut party = Party::new().await;
        let sealed = party.log.seal(&party.log.draft(&"x".repeat(1000)));
        let Peer::SignedEntries(part) = party.log.part(0, Vec::new()) else { unreachable!() };
        let tiny = SignedEntry { body: vec![0], signature: vec![0] };
        let too_many = SignedEntries { entries: vec![tiny; limits::WINDOW + 1], ..*part };
        let link = std::mem::replace(&mut party.link, party.mallory.dial().await);
        link.say(&Peer::SignedEntries(Box::new(too_many)));
        link.is_closed("too many entries").await;
        let link = party.mallory.link().await;
        // Its own library would not frame this.
        let whole = to_cbor(&party.log.part(0, vec![sealed; 200])).unwrap();
        assert!(whole.len() > limits::FRAME);
        let framed = [&u32::try_from(whole.len()).unwrap().to_be_bytes()[..], &whole].concat();
        link.writer.try_send_encoded(framed.into()).unwrap();
        link.is_closed("too large a frame").await;
        party.link = party.mallory.link().await;
        party.goes_on("within the limits").await;
        say_to_all(&mut party.alice, &mut [&mut party.bob], TEA, "and we too");
    });
}

#[test]
fn entries_of_somebody_who_is_or_was_no_member_are_refused_whoever_brings_them() {
    run(async {
        let mut party = Party::new().await;
        // Eve has an account and was never in the room.
        let eve = stranger(&party.house, "eve", "alice").await;
        party.link.say(&eve.log(&party.room).write("from outside"));
        has_refused(&mut party.alice, &[("not_member", 1)]);
        // A room that alice is not in.
        let elsewhere = party.mallory.join("#elsewhere").await;
        party.link.say(&party.mallory.log(&elsewhere).write("from elsewhere"));
        has_refused(&mut party.alice, &[("not_member", 2)]);
        // Carol was in the room until alice removed her.
        let mut carol = stranger(&party.house, "carol", "alice").await;
        carol.join(TEA).await;
        let mut log = carol.log(&party.room);
        let said = log.write("while a member");
        let link = carol.link().await;
        party.alice.done(json!({"command": "remove_member", "room": TEA, "user": "carol"}));
        link.is_closed("a removal").await;
        assert_eq!(carol.is_not_introduced().await, hobnob_shared::error::WireCode::NotFriends);
        // What she said before counts, whoever brings it; what she says later does not.
        party.link.say(&said);
        party.alice.expect(json!({"event": "message", "from": "carol", "text": "while a member"}));
        let late = RoomEntry { clock: now_ms() + 10 * 60_000, ..log.draft("after the removal") };
        party.link.say(&log.part(1, vec![log.seal(&late)]));
        has_refused(&mut party.alice, &[("not_member", 3)]);
        for text in ["from outside", "from elsewhere", "after the removal"] {
            never_said(&mut party.alice, text);
        }
        party.goes_on("only members").await;
        // So it is for those who come later.
        let mut dave = party.house.person("dave");
        join(&mut dave, TEA);
        dave.expect(json!({"event": "message", "from": "carol", "text": "while a member"}));
        dave.expect(json!({"event": "message", "from": "mallory", "text": "only members"}));
    });
}

fn records(room: &RawRoom) -> RoomRecords {
    RoomRecords { room: room.incarnation, records: Vec::new(), leaves: Vec::new() }
}

#[test]
fn only_the_server_says_who_is_a_member_and_only_oneself_that_one_leaves() {
    run(async {
        let mut party = Party::new().await;
        let eve = stranger(&party.house, "eve", "alice").await;
        let (_, key) = self_signed_server().unwrap();
        let another_server = ServerKey::from_pkcs8(&key).unwrap();
        let membership = |user: &str, account, number, member| Membership {
            room: party.room.name.clone(),
            incarnation: party.room.incarnation,
            number,
            user: user.parse().unwrap(),
            account,
            member,
            at: now_ms(),
        };
        let eve_in = another_server.sign(MEMBERSHIP, &membership("eve", eve.account.fingerprint, 90, true)).unwrap();
        let bobs: Vec<Membership> = party
            .room
            .members
            .iter()
            .map(|member| member.record.verify(MEMBERSHIP, party.house.server.fingerprint.parse().unwrap()).unwrap())
            .filter(|said: &Membership| said.user.as_str() == "bob")
            .collect();
        let bob = bobs.first().unwrap();
        let bob_out = another_server.sign(MEMBERSHIP, &membership("bob", bob.account, bob.number + 50, false)).unwrap();
        let mut altered = party.room.members[0].record.clone();
        let last = altered.body.len() - 1;
        altered.body[last] ^= 1;
        // The true server's word, about another room.
        let elsewhere = party.mallory.join("#elsewhere").await;
        let of_elsewhere = elsewhere.members[0].record.clone();
        let mut counted = 0;
        for record in [eve_in, bob_out, altered, of_elsewhere] {
            party.link.say(&Peer::RoomRecords(RoomRecords { records: vec![record], ..records(&party.room) }));
            counted += 1;
            has_refused(&mut party.alice, &[("forged", counted)]);
        }
        // In bob's name, signed by mallory; for another room; of somebody who is not there.
        for leave in [
            party.mallory.leave_statement(&party.room, "bob", bob.number),
            party.mallory.leave_statement(&elsewhere, "mallory", 1),
            party.mallory.leave_statement(&party.room, "eve", 1),
        ] {
            party.link.say(&Peer::RoomRecords(RoomRecords { leaves: vec![leave], ..records(&party.room) }));
            counted += 1;
            has_refused(&mut party.alice, &[("forged", counted)]);
        }
        party.link.say(&eve.log(&party.room).write("let in by mallory"));
        has_refused(&mut party.alice, &[("forged", counted), ("not_member", 1)]);
        let members = &party.alice.done(json!({"command": "rooms"}))["rooms"][0]["members"];
        let members: Vec<&str> =
            members.as_array().unwrap().iter().map(|member| member["user"].as_str().unwrap()).collect();
        assert_eq!(members, ["alice", "bob", "mallory"]);
        never_said(&mut party.alice, "let in by mallory");
        say_to_all(&mut party.alice, &mut [&mut party.bob], TEA, "bob is still here");
        party.goes_on("so am I").await;

        // Her own leave counts at once, though the server has not heard of it.
        let number = party.room.members.iter().map(|member| {
            let said: Membership =
                member.record.verify(MEMBERSHIP, party.house.server.fingerprint.parse().unwrap()).unwrap();
            (said.user.to_string(), said.number)
        });
        let number = number.collect::<BTreeMap<_, _>>()["mallory"];
        let leave = party.mallory.leave_statement(&party.room, "mallory", number);
        party.alice.forget();
        party.link.say(&Peer::RoomRecords(RoomRecords { leaves: vec![leave], ..records(&party.room) }));
        told(&mut party.alice, TEA, &[("alice", "available"), ("bob", "available")]);
    });
}

/// A list of the account's devices, signed by its identity key.
fn device_list(of: &RawFriend, number: u64, devices: Vec<DeviceId>, removed: Vec<RemovedDevice>) -> IdentityStatement {
    let list = DeviceList { number, devices, issued_at: now_ms(), removed };
    IdentityStatement::sign(DEVICE_LIST, &list, &of.account.identity).unwrap()
}

#[test]
fn a_removed_device_is_not_heard_and_an_older_list_does_not_bring_it_back() {
    run(async {
        let mut party = Party::new().await;
        party.goes_on("from the first device").await;
        let (own, second) = (party.log.device(), DeviceKey::generate().unwrap());
        let account = &party.mallory.account;
        let chain = Chain {
            device: account.identity.issue_device(&account.user, &second).unwrap(),
            account: account.chain.account.clone(),
        };
        let mut log = RawLog::new(party.room.incarnation, chain, &second);
        let both = device_list(&party.mallory, 2, vec![own, second.id()], Vec::new());
        let gone = RemovedDevice { device: second.id(), at: now_ms() - 10 * 60_000 };
        let newest = device_list(&party.mallory, 3, vec![own], vec![gone]);
        let alien = device_list(&party.mallory, 4, vec![second.id()], Vec::new());

        party.mallory.account.device_list = both.clone();
        let mut link = party.mallory.link().await;
        link.say(&log.write("from the second device"));
        party.alice.expect(json!({"event": "message", "from": "mallory", "text": "from the second device"}));
        party.mallory.account.device_list = newest;
        let mut counted = 0;
        for list in [None, Some(both)] {
            // The second time an older list is shown; the newest decides.
            if let Some(list) = list {
                party.mallory.account.device_list = list;
            }
            link = party.mallory.link().await;
            link.settle().await;
            link.say(&log.part(1, vec![log.seal(&log.draft("from a lost laptop"))]));
            counted += 1;
            has_refused(&mut party.alice, &[("removed_device", counted)]);
        }
        never_said(&mut party.alice, "from a lost laptop");
        party.link = link;
        party.goes_on("from the first again").await;
        // A list without the device that shows it.
        party.mallory.account.device_list = alien;
        let link = party.mallory.dial().await;
        link.say(&party.mallory.hello());
        link.is_closed("a hello with a list that does not name the device").await;
    });
}
