//! Keeps the protocol's three descriptions together: the code's messages, `docs/protocol.cddl`, and the samples in `tests/data/frames.txt`
//! that people who write other clients test against. `HOBNOB_BLESS=1` writes the samples anew after a change that was meant.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sample_parts;

use std::collections::BTreeSet;
use std::path::PathBuf;

use hobnob_shared::abilities::Abilities;
use hobnob_shared::codec::{Decoded, decode, to_cbor};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Hash, InstanceId, Token};
use hobnob_shared::identity::{DeviceList, RemovedDevice};
use hobnob_shared::message::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

use sample_parts::*;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn to_server() -> Vec<ToServer> {
    let friend = FriendStatement { seq: 7, statement: statement() };
    vec![
        ToServer::SignUpStart(SignUpStart { user: id("alice"), request: bytes() }),
        ToServer::SignUpFinish(Box::new(SignUpFinish {
            upload: bytes(),
            sealed: bytes(),
            account_certificate: bytes(),
            device_certificate: bytes(),
            device_list: list(),
            identity_proof: bytes(),
            device_proof: bytes(),
        })),
        ToServer::SignInStart(SignInStart { user: id("alice"), request: bytes() }),
        ToServer::SignInFinish(SignInFinish { finalization: bytes() }),
        ToServer::EnrolDevice(Box::new(EnrolDevice {
            device_certificate: bytes(),
            device_list: list(),
            identity_proof: bytes(),
            device_proof: bytes(),
        })),
        ToServer::SetDevices(Box::new(SetDevices { device_list: list(), identity_proof: bytes() })),
        ToServer::ChangePasswordStart(ChangePasswordStart { request: bytes() }),
        ToServer::ChangePasswordFinish(Box::new(ChangePasswordFinish {
            upload: bytes(),
            sealed: bytes(),
            identity_proof: bytes(),
        })),
        ToServer::Hello(Hello {
            software: "hobnob 0.1.0".into(),
            abilities: Abilities::ours(),
            instance: InstanceId([8; 16]),
            port: 40_000,
            addresses: vec!["192.168.1.10:40000".into()],
            presence: OwnPresence::Invisible,
            text: String::new(),
        }),
        ToServer::SetPresence(SetPresence { seq: 7, presence: OwnPresence::Away, text: "tea".into() }),
        ToServer::SetLastSeen(SetLastSeen { seq: 7, on: true }),
        ToServer::AddFriend(friend.clone()),
        ToServer::AcceptFriend(friend),
        ToServer::DeclineFriend(about()),
        ToServer::RemoveFriend(about()),
        ToServer::Block(about()),
        ToServer::Unblock(about()),
        ToServer::GetFriendship(about()),
        ToServer::Introduce(about()),
        ToServer::OpenCircuit(OpenCircuit { seq: 7, user: id("bob"), device: DeviceId([9; 32]), transfer: transfer() }),
        ToServer::JoinRoom(JoinRoom { seq: 7, room: id("#tea"), proof: Some(Hash([20; 32])) }),
        ToServer::LeaveRoom(Box::new(LeaveRoom { seq: 7, statement: statement() })),
        ToServer::RemoveMember(RemoveMember { seq: 7, room: id("#tea"), user: id("bob") }),
        ToServer::SetRoomPassword(SetRoomPassword { seq: 7, room: id("#tea"), proof: None }),
        ToServer::PutRoster(PutRoster { seq: 7, number: 2, part: 0, parts: 1, sealed: bytes() }),
        ToServer::GetRoster(GetRoster { seq: 7 }),
        ToServer::Ping(Pulse { n: 1 }),
        ToServer::Pong(Pulse { n: 1 }),
    ]
}

fn from_server() -> Vec<FromServer> {
    vec![
        FromServer::SignUpReply(OpaqueReply { response: bytes() }),
        FromServer::SignInReply(OpaqueReply { response: bytes() }),
        FromServer::Unlocked(Box::new(Unlocked { account_certificate: bytes(), sealed: bytes(), device_list: list() })),
        FromServer::Enrolled(Enrolled { user: id("alice") }),
        FromServer::Welcome(Welcome {
            user: id("alice"),
            software: "hobnob-server 0.1.0".into(),
            abilities: Abilities::ours(),
            seen: "198.51.100.2:50000".into(),
            time: 1_790_000_000_000,
            device_list: list(),
            roster: 2,
            rooms: vec![id("#tea")],
            last_seen: false,
            status: Some(status()),
        }),
        FromServer::Friends(FriendsPage {
            friends: vec![FriendEntry {
                user: id("bob"),
                account: Fingerprint([10; 32]),
                presence: Presence::Available,
                text: String::new(),
                last_seen: None,
            }],
            last: true,
        }),
        FromServer::FriendRequested(Box::new(FriendRequested { request: statement(), device_list: list() })),
        FromServer::Friendship(friendship()),
        FromServer::FriendAdded(friendship()),
        FromServer::FriendRemoved(UserNamed { user: id("bob") }),
        FromServer::PresenceChanged(PresenceChanged {
            user: id("bob"),
            presence: Presence::Offline,
            text: String::new(),
            last_seen: Some(1_790_000_040_000),
        }),
        FromServer::StatusChanged(status()),
        FromServer::Introduced(Box::new(Introduced {
            user: id("bob"),
            device: DeviceId([9; 32]),
            chain: chain(),
            device_list: list(),
            addresses: vec!["198.51.100.3:40000".into(), "[2001:db8::3]:40000".into()],
            dial: Token([11; 16]),
            expect: Token([12; 16]),
            relay: Token([13; 16]),
            relay_dialler: true,
            life: 60,
        })),
        FromServer::Circuit(Circuit {
            user: id("bob"),
            device: DeviceId([9; 32]),
            transfer: transfer(),
            relay: Token([13; 16]),
            dialler: false,
        }),
        FromServer::RoomState(Box::new(RoomState {
            room: id("#tea"),
            incarnation: incarnation(),
            owner: id("alice"),
            locked: false,
            members: vec![room_member()],
            last: true,
        })),
        FromServer::RoomChanged(Box::new(RoomChanged {
            room: id("#tea"),
            incarnation: incarnation(),
            owner: id("alice"),
            locked: true,
            member: Some(room_member()),
        })),
        FromServer::RoomLeft(Box::new(RoomLeft {
            room: id("#tea"),
            incarnation: incarnation(),
            record: record(),
            removed: true,
        })),
        FromServer::Roster(Roster { seq: 7, number: 2, part: 0, parts: 1, sealed: bytes() }),
        FromServer::RosterChanged(RosterChanged { number: 2 }),
        FromServer::DevicesChanged(Box::new(DevicesChanged { user: id("bob"), device_list: list() })),
        FromServer::SignedOut(SignedOut { code: WireCode::Replaced, text: "Signed in again.".into() }),
        FromServer::Done(Done { seq: 7 }),
        FromServer::Failed(Failed {
            seq: None,
            code: WireCode::RateLimited,
            text: "Too many attempts.".into(),
            retry_after: Some(4),
        }),
        FromServer::Ping(Pulse { n: 1 }),
        FromServer::Pong(Pulse { n: 1 }),
    ]
}

fn peer() -> Vec<Peer> {
    let acts = [What::Edit, What::Delete, What::React, What::Unreact];
    vec![
        Peer::Hello(Box::new(PeerHello {
            user: id("alice"),
            instance: InstanceId([8; 16]),
            device_list: list(),
            abilities: Abilities::ours(),
            presence: Presence::Available,
            text: String::new(),
            port: 40_000,
            reunion: Some(Hash([14; 32])),
        })),
        Peer::Select(Select {}),
        Peer::Have(Have {
            thread: Thread::Direct,
            heads: vec![Head { device: DeviceId([9; 32]), number: 3, last: message() }],
        }),
        Peer::Want(Want { thread: Thread::With(id("bob")), device: DeviceId([9; 32]), after: 3 }),
        Peer::Entries(Entries {
            thread: Thread::Direct,
            author: id("alice"),
            device: DeviceId([9; 32]),
            after: 0,
            entries: std::iter::once(entry()).chain(acts.into_iter().map(act)).collect(),
            more: false,
        }),
        Peer::SignedEntries(Box::new(SignedEntries {
            room: incarnation(),
            chain: chain(),
            after: 0,
            entries: vec![SignedEntry { body: vec![21; 3], signature: vec![22; 64] }],
            more: true,
        })),
        Peer::RoomRecords(RoomRecords { room: incarnation(), records: vec![record()], leaves: vec![statement()] }),
        Peer::Read(Read { thread: Thread::Room(incarnation()), marks: vec![mark()] }),
        Peer::OthersMarks(OthersMarks {
            thread: Thread::With(id("bob")),
            by: id("bob"),
            delivered: vec![mark()],
            read: Vec::new(),
        }),
        Peer::Typing(Typing { thread: Thread::Direct, active: true }),
        Peer::Presence(PeerPresence { presence: Presence::Away, text: "tea".into() }),
        Peer::Avatar(Avatar { hash: Some(Hash([14; 32])), chosen_at: 1_790_000_000_000 }),
        Peer::WantAvatar(WantAvatar { hash: Hash([14; 32]) }),
        Peer::AvatarData(AvatarData { hash: Hash([14; 32]), bytes: ByteBuf::from(vec![0x89, 0x50, 0x4e, 0x47]) }),
        Peer::Offer(Offer {
            transfer: transfer(),
            name: "lab data.tar".into(),
            size: 3_000_000_000,
            media_type: None,
            sent_at: 1_790_000_000_000,
            room: Some(incarnation()),
            folder: Some(FolderOffer { files: 240, listing: Hash([20; 32]), length: 9_000 }),
        }),
        Peer::Accept(Accept { transfer: transfer(), have: 0, token: Token([15; 16]) }),
        Peer::Decline(AboutTransfer { transfer: transfer() }),
        Peer::Cancel(CancelTransfer { transfer: transfer(), code: WireCode::Cancelled }),
        Peer::Ping(Pulse { n: 1 }),
        Peer::Pong(Pulse { n: 1 }),
        Peer::Unsupported(Unsupported { kind: "teleport".into() }),
        Peer::Bye(Bye { code: WireCode::SignedOut }),
    ]
}

fn stream() -> Vec<Stream> {
    vec![
        Stream::Open(StreamOpen { transfer: transfer(), flow: 1 }),
        Stream::Ready(StreamReady {}),
        Stream::Skipped(StreamSkipped { files: vec![SkippedFile { entry: 3, code: WireCode::SourceGone }] }),
        Stream::End(StreamEnd { root: Hash([14; 32]), size: 3_000_000_000 }),
        Stream::Have(StreamHave { groups: 8, beyond: vec![0, 0b1000_0001] }),
        Stream::Finished(StreamFinished { root: Hash([14; 32]) }),
        Stream::Failed(StreamFailed { code: WireCode::SourceChanged }),
    ]
}

/// The rules without their room for later fields: what this version writes must fit exactly.
fn rules() -> String {
    let rules = std::fs::read_to_string(root().join("docs/protocol.cddl")).unwrap();
    rules.replace(", * text => any", "").replace("{ * text => any }", "{}")
}

/// A sample: direction, kind, bytes.
struct Sample {
    direction: &'static str,
    kind: String,
    frame: Vec<u8>,
}

/// Encodes, and checks that the code reads its own bytes back.
fn samples_of<T>(direction: &'static str, messages: Vec<T>) -> Vec<Sample>
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let encode = |message: T| {
        let frame = to_cbor(&message).unwrap();
        let kind = kind_of(&frame);
        assert_eq!(decode::<T>(&frame).unwrap(), Decoded::Known(message));
        Sample { direction, kind, frame }
    };
    messages.into_iter().map(encode).collect()
}

/// The kind stands first: map of two, "t", the text.
fn kind_of(frame: &[u8]) -> String {
    assert_eq!(&frame[..3], [0xa2, 0x61, b't'], "a frame starts with its kind");
    let length = usize::from(frame[3] - 0x60);
    String::from_utf8(frame[4..4 + length].to_vec()).unwrap()
}

fn samples() -> Vec<Sample> {
    let mut all = samples_of("to-server", to_server());
    all.extend(samples_of("from-server", from_server()));
    all.extend(samples_of("peer", peer()));
    all.extend(samples_of("stream", stream()));
    all
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn the_samples_on_disk_are_what_the_code_writes() {
    let path = root().join("tests/data/frames.txt");
    let text = samples().iter().fold(String::new(), |all, sample| {
        all + sample.direction + " " + &sample.kind + " " + &hex(&sample.frame) + "\n"
    });
    if std::env::var_os("HOBNOB_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "the wire changed: is that meant? then HOBNOB_BLESS=1");
}

/// The one alternative for this kind in its direction's rule, so that a misfit says what does not fit.
fn alternative(rules: &str, sample: &Sample) -> String {
    let block = rules.split(&format!("\n{} =\n", sample.direction)).nth(1).unwrap();
    let start = format!("  {{ t: \"{}\",", sample.kind);
    block.lines().find(|line| line.starts_with(&start)).unwrap().trim_end_matches(" /").to_owned()
}

#[test]
fn every_sample_fits_the_cddl_of_its_direction() {
    let rules = rules();
    for sample in samples() {
        let narrowed = format!("start = {}\n{rules}", alternative(&rules, &sample));
        let verdict = cddl::validate_cbor_from_slice(&narrowed, &sample.frame, None);
        assert!(verdict.is_ok(), "{} {}: {verdict:?}", sample.direction, sample.kind);
    }
}

#[test]
fn the_cddl_refuses_what_the_code_refuses() {
    let rules = rules();
    let narrowed = format!("start = peer\n{rules}");
    for wrong in [
        &[0xa2, 0x61, b't', 0x64, b'r', b'e', b'a', b'd', 0x61, b'v', 0xa0][..],
        &[0xa2, 0x61, b't', 0x64, b'n', b'o', b'p', b'e', 0x61, b'v', 0xa0][..],
    ] {
        assert!(cddl::validate_cbor_from_slice(&narrowed, wrong, None).is_err());
        assert!(!matches!(decode::<Peer>(wrong), Ok(Decoded::Known(_))));
    }
}

#[test]
fn every_kind_of_the_code_has_a_sample_and_stands_in_the_cddl_and_in_the_text() {
    let rules = rules();
    let text = std::fs::read_to_string(root().join("docs/PROTOCOL.md")).unwrap();
    let in_rules: BTreeSet<&str> = rules.split("{ t: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let in_samples: BTreeSet<String> = samples().into_iter().map(|sample| sample.kind).collect();
    assert_eq!(in_rules, in_samples.iter().map(String::as_str).collect());
    for kind in &in_samples {
        assert!(text.contains(&format!("`{kind}`")), "{kind} is not described");
    }
    for code in WireCode::KNOWN {
        assert!(text.contains(&format!("`{}`", code.name())), "{code} is not described");
    }
    let sources = ["to_server", "from_server", "peer", "transfer"].map(|file| {
        let source = std::fs::read_to_string(root().join(format!("shared/src/message/{file}.rs"))).unwrap();
        let body = source.split("pub enum ").nth(1).unwrap().split("\n}").next().unwrap().to_owned();
        body.lines().filter(|line| line.ends_with("),")).count()
    });
    assert_eq!(sources, [to_server().len(), from_server().len(), peer().len(), stream().len()]);
}

#[test]
fn signed_bodies_are_what_the_cddl_says() {
    let rules = rules();
    let request = FriendRequest {
        from: id("alice"),
        to: id("bob"),
        from_key: Fingerprint([1; 32]),
        to_key: None,
        nonce: [2; 16],
    };
    let acceptance = FriendAcceptance {
        request: Hash([1; 32]),
        from: id("alice"),
        to: id("bob"),
        from_key: Fingerprint([1; 32]),
        to_key: Fingerprint([2; 32]),
    };
    let proof = EnrolmentProof { user: id("alice"), device: DeviceId([1; 32]), exporter: [3; 32] };
    let removed = vec![RemovedDevice { device: DeviceId([2; 32]), at: 6 }];
    let list = DeviceList { number: 1, devices: vec![DeviceId([1; 32])], issued_at: 5, removed };
    let membership = Membership {
        room: id("#tea"),
        incarnation: incarnation(),
        number: 1,
        user: id("alice"),
        account: Fingerprint([1; 32]),
        member: true,
        at: 5,
    };
    let leave = RoomLeave { room: id("#tea"), incarnation: incarnation(), number: 1, user: id("alice"), at: 5 };
    let entry = RoomEntry {
        room: incarnation(),
        account: Fingerprint([8; 32]),
        device: DeviceId([1; 32]),
        number: 1,
        previous: Hash([0; 32]),
        clock: 5,
        id: message(),
        sent_at: 5,
        text: "Xin chào".into(),
        reply_to: None,
        act: None,
    };
    let edit = RoomEntry { act: Some(Act { of: message(), what: What::Edit }), ..entry.clone() };
    for (rule, body) in [
        ("friend-request", to_cbor(&request).unwrap()),
        ("friend-acceptance", to_cbor(&acceptance).unwrap()),
        ("enrolment-proof", to_cbor(&proof).unwrap()),
        ("device-list", to_cbor(&list).unwrap()),
        ("membership", to_cbor(&membership).unwrap()),
        ("room-leave", to_cbor(&leave).unwrap()),
        ("room-entry", to_cbor(&entry).unwrap()),
        ("room-entry", to_cbor(&edit).unwrap()),
    ] {
        let verdict = cddl::validate_cbor_from_slice(&format!("start = {rule}\n{rules}"), &body, None);
        assert!(verdict.is_ok(), "{rule}: {verdict:?}");
    }
}
