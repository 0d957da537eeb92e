//! Files from a friend who sends what was not announced: it is refused for its true reason, and costs no more than itself.

use hobnob_shared::error::WireCode;
use hobnob_shared::message::{Offer, Peer, Stream};
use hobnob_tests::files::manifest;
use hobnob_tests::raw_friend::{RawLink, StreamFrame};
use hobnob_tests::raw_stream::{RawFile, RawStream};
use hobnob_tests::story::{House, say};
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::bytes::{Base, run};
use crate::friend_port::{is_offered, mallory};
use crate::hostile_flows::BROKE;

const NOT_ANNOUNCED: &str = "What mallory sent is not what was announced. It was not kept.";
/// Groups in which a bit flips, one after the other.
const FLIPS: u64 = 100;

/// Offers what was offered before, as an honest friend does who wants it to go on.
pub fn offer_again(link: &RawLink, transfer: hobnob_shared::id::TransferId, name: &str, size: u64) {
    let name = name.to_owned();
    link.say(&Peer::Offer(Offer { transfer, name, size, media_type: None, sent_at: 0, room: None, folder: None }));
}

/// The group with one bit changed: mostly of its bytes, now and then of the hash that is claimed.
fn flipped(group: StreamFrame, random: &mut impl Rng) -> StreamFrame {
    let StreamFrame::Group(n, mut hash, mut bytes) = group else { panic!("not a group") };
    let bit = 1 << random.gen_range(0..8);
    if n % 10 == 9 {
        hash.0[random.gen_range(0..hash.0.len())] ^= bit;
    } else {
        let at = random.gen_range(0..bytes.len());
        bytes[at] ^= bit;
    }
    StreamFrame::Group(n, hash, bytes)
}

#[test]
fn a_bit_that_flips_in_each_of_a_hundred_groups_costs_that_group_and_no_more() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = RawFile::new(FLIPS - 1, 77, 5);
    let mut random = rand::rngs::SmallRng::seed_from_u64(50);
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        let base = Base::of(&alice.process);
        let transfer = link.offer("flips.bin", file.size);
        assert!(is_offered(&mut alice, &mut link, transfer).await);
        let id = transfer.to_string();
        alice.done(json!({"command": "accept_file", "transfer": id}));
        for n in 0..FLIPS {
            let accept = link.accepted(transfer).await;
            // The group before was wrong when it came first; now it is right.
            assert_eq!(accept.have, n.saturating_sub(1), "what was verified before stays");
            let mut stream = RawStream::open(&mallory, &link, &accept, 0).await;
            if n > 0 {
                stream.say(&file.group(n - 1)).await;
            }
            stream.say(&flipped(file.group(n), &mut random)).await;
            let last = stream.last_word().await;
            assert!(
                matches!(&last, Some(Stream::Failed(failed)) if failed.code == WireCode::HashMismatch),
                "group {n}: {last:?}"
            );
            let told = alice.expect(json!({"event": "file_failed", "transfer": id}));
            assert_eq!(told["code"], "hash_mismatch", "group {n}");
            assert_eq!(told["text"], NOT_ANNOUNCED);
            let refusal =
                |frame| matches!(&frame, Peer::Cancel(cancel) if cancel.transfer == transfer).then_some(frame);
            let Peer::Cancel(cancel) = link.until("a refusal", refusal).await else { unreachable!() };
            assert_eq!(cancel.code, WireCode::HashMismatch);
            assert!(manifest(&alice.start.downloads).is_empty(), "group {n}: something is under a name");
            if n % 20 == 0 {
                say(&mut alice, &mut bob, &format!("after {n} flips"));
            }
            offer_again(&link, transfer, "flips.bin", file.size);
        }
        assert!(link.stands().await, "chat with mallory goes on too");
        let accept = link.accepted(transfer).await;
        assert_eq!(accept.have, FLIPS - 1);
        file.serve(&mallory, &link, &accept).await;
        let told = alice.expect(json!({"event": "file_finished", "transfer": id}));
        assert_eq!(told["blake3"], file.root.to_string());
        base.is_back(&alice.process);
    });
    let found = manifest(&alice.start.downloads);
    assert_eq!(found.into_iter().next(), Some(("flips.bin".into(), Some(file.root.to_string()))));
    say(&mut bob, &mut alice, "and we talk on");
}

#[test]
fn more_or_other_bytes_than_were_offered_are_refused_and_begin_anew() {
    let house = House::new();
    let mut alice = house.person("alice");
    let (file, longer) = (RawFile::new(3, 5, 1), RawFile::new(4, 5, 1));
    let all = |file: &RawFile| (0..file.groups()).map(|n| file.group(n)).collect::<Vec<_>>();
    let StreamFrame::Group(_, hash, bytes) = file.group(1) else { unreachable!() };
    let short = StreamFrame::Group(1, hash, bytes[1..].to_vec());
    let beyond = StreamFrame::Group(u64::MAX, hash, bytes);
    let wrong: Vec<(&str, Vec<StreamFrame>, &str)> = vec![
        ("a group too many", all(&longer), "bad_request"),
        (
            "a last group that is too long",
            vec![file.group(0), file.group(1), file.group(2), longer.group(3)],
            "bad_request",
        ),
        ("a group that is too short", vec![file.group(0), short], "bad_request"),
        ("a group beyond all numbers", vec![beyond], "bad_request"),
        ("a group that is left out", vec![file.group(0), file.group(2)], "bad_request"),
        ("a group again", vec![file.group(0), file.group(0)], "bad_request"),
        ("the end too early", vec![file.group(0), file.end()], "bad_request"),
        ("another size at the end", all(&file).into_iter().chain([longer.end()]).collect(), "hash_mismatch"),
    ];
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        for (what, frames, code) in wrong {
            let transfer = link.offer("more.bin", file.size);
            assert!(is_offered(&mut alice, &mut link, transfer).await);
            let id = transfer.to_string();
            alice.done(json!({"command": "accept_file", "transfer": id}));
            let whole = manifest(&alice.start.downloads).len();
            let accept = link.accepted(transfer).await;
            assert_eq!(accept.have, 0, "before {what}");
            let mut stream = RawStream::open(&mallory, &link, &accept, 0).await;
            for frame in &frames {
                stream.say(frame).await;
            }
            let told = alice.expect(json!({"event": "file_failed", "transfer": id}));
            let text = if code == "bad_request" { BROKE } else { NOT_ANNOUNCED };
            assert_eq!((told["code"].as_str(), told["text"].as_str()), (Some(code), Some(text)), "{what}");
            assert_eq!(manifest(&alice.start.downloads).len(), whole, "{what}");
            offer_again(&link, transfer, "more.bin", file.size);
            let accept = link.accepted(transfer).await;
            file.serve(&mallory, &link, &accept).await;
            alice.expect(json!({"event": "file_finished", "transfer": id, "blake3": file.root.to_string()}));
        }
        assert!(link.stands().await);
    });
}

#[test]
fn the_third_stream_in_a_row_that_keeps_to_no_rule_ends_the_transfer_for_good() {
    let house = House::new();
    let mut alice = house.person("alice");
    let file = RawFile::new(3, 5, 1);
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        let transfer = link.offer("never.bin", file.size);
        assert!(is_offered(&mut alice, &mut link, transfer).await);
        let id = transfer.to_string();
        alice.done(json!({"command": "accept_file", "transfer": id}));
        for round in 1..=3 {
            let accept = link.accepted(transfer).await;
            let mut stream = RawStream::open(&mallory, &link, &accept, 0).await;
            stream.say(&file.group(2)).await;
            let told = alice.expect(json!({"event": "file_failed", "transfer": id, "code": "bad_request"}));
            assert_eq!(told["text"] == BROKE, round < 3, "{told}");
            let refusal = |frame| match frame {
                Peer::Cancel(cancel) if cancel.transfer == transfer => Some(cancel.code),
                _ => None,
            };
            assert_eq!(link.until("a refusal", refusal).await, WireCode::BadRequest);
            if round < 3 {
                offer_again(&link, transfer, "never.bin", file.size);
            }
        }
        assert_eq!(alice.failed(json!({"command": "resume_file", "transfer": id}))["code"], "transfer_over");
        assert!(manifest(&alice.start.downloads).is_empty());
        assert!(link.stands().await);
    });
}

#[test]
fn a_whole_that_is_not_what_its_end_says_begins_anew() {
    let house = House::new();
    let mut alice = house.person("alice");
    let (file, other) = (RawFile::new(3, 5, 1), RawFile::new(3, 5, 2));
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        let transfer = link.offer("whole.bin", file.size);
        assert!(is_offered(&mut alice, &mut link, transfer).await);
        let id = transfer.to_string();
        alice.done(json!({"command": "accept_file", "transfer": id}));
        let accept = link.accepted(transfer).await;
        let mut stream = RawStream::open(&mallory, &link, &accept, 0).await;
        for n in 0..file.groups() {
            stream.say(&file.group(n)).await;
        }
        stream.say(&other.end()).await;
        let last = stream.last_word().await;
        assert!(matches!(&last, Some(Stream::Failed(failed)) if failed.code == WireCode::HashMismatch), "{last:?}");
        let told = alice.expect(json!({"event": "file_failed", "transfer": id, "code": "hash_mismatch"}));
        assert_eq!(told["text"], NOT_ANNOUNCED);
        assert!(manifest(&alice.start.downloads).is_empty());
        offer_again(&link, transfer, "whole.bin", file.size);
        let accept = link.accepted(transfer).await;
        assert_eq!(accept.have, 0, "nobody knows which of its groups are wrong");
        file.serve(&mallory, &link, &accept).await;
        alice.expect(json!({"event": "file_finished", "transfer": id, "blake3": file.root.to_string()}));
    });
}
