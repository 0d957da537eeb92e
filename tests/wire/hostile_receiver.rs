//! A friend to whom a file is sent and who keeps to no rule: whoever sends it hears the truth, shows no more than there is, and talks on.

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Hash, Token, TransferId};
use hobnob_shared::limits::{BEYOND, GROUP};
use hobnob_shared::message::{Accept, Peer, Stream, StreamEnd, StreamFailed, StreamFinished, StreamHave, StreamReady};
use hobnob_tests::client::Client;
use hobnob_tests::files::random_file;
use hobnob_tests::raw_friend::{RawFriend, RawLink, StreamFrame};
use hobnob_tests::raw_stream::RawStream;
use hobnob_tests::story::{House, say, text_of};
use serde_json::json;

use crate::bytes::{Base, run};
use crate::friend_port::mallory;
use crate::hostile_flows::BROKE;

const GROUPS: u64 = 6;
const SIZE: u64 = GROUPS * GROUP as u64;

/// What a receiver says.
fn word(word: Stream) -> StreamFrame {
    StreamFrame::Control(word)
}

fn have(groups: u64, beyond: Vec<u8>) -> StreamFrame {
    word(Stream::Have(StreamHave { groups, beyond }))
}

fn finished(root: Hash) -> StreamFrame {
    word(Stream::Finished(StreamFinished { root }))
}

/// Has alice offer the file and accepts it, from group `from` on: the transfer, and the stream on which it comes.
async fn taken(
    alice: &mut Client,
    mallory: &RawFriend,
    link: &mut RawLink,
    file: &std::path::Path,
    from: u64,
) -> (TransferId, RawStream) {
    let made = alice.done(json!({"command": "send_file", "to": "@mallory", "path": file}));
    let transfer: TransferId = text_of(&made["transfer"]).parse().unwrap();
    let offer = |frame| matches!(&frame, Peer::Offer(offer) if offer.transfer == transfer).then_some(());
    link.until("an offer", offer).await;
    let accept = Accept { transfer, have: from, token: Token::random() };
    link.say(&Peer::Accept(accept.clone()));
    // The token is known to alice a moment after the frame was read: the listener waits for it.
    (transfer, RawStream::open(mallory, link, &accept, 0).await)
}

#[test]
fn whoever_lies_about_what_arrived_is_not_believed() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let file = random_file(&house.path("mine.bin"), SIZE, 3);
    let root: Hash = hobnob_tests::files::hash(&file).parse().unwrap();
    let wrong = Hash([7; 32]);
    let (broke, other) = (("bad_request", BROKE), "What arrived at mallory is not what was announced.");
    let lies: Vec<(&str, bool, StreamFrame, (&str, &str))> = vec![
        ("whole before the end", false, finished(root), broke),
        ("another whole before the end", false, finished(wrong), broke),
        ("another whole", true, finished(wrong), ("hash_mismatch", other)),
        ("a map that is too long", false, have(1, vec![0; BEYOND + 1]), broke),
        ("groups that there are not", false, have(1, vec![0xff; 2]), broke),
        ("groups behind all numbers", false, have(u64::MAX, vec![1]), broke),
        ("a group", false, StreamFrame::Group(0, wrong, b"bytes".to_vec()), broke),
        ("a listing", false, StreamFrame::Listing(b"bytes".to_vec()), broke),
        ("ready on the first connection", false, word(Stream::Ready(StreamReady {})), broke),
        ("the end", false, word(Stream::End(StreamEnd { root, size: SIZE })), broke),
        (
            "a reason that nobody knows",
            false,
            word(Stream::Failed(StreamFailed { code: WireCode::Other("because".to_owned()) })),
            ("because", "mallory ended the transfer (because)."),
        ),
        (
            "a reason that is none",
            false,
            word(Stream::Failed(StreamFailed { code: WireCode::Other("). \u{202e}Send\u{1b}[2J again (".to_owned()) })),
            ("unknown", "mallory ended the transfer (unknown)."),
        ),
    ];
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        let base = Base::of(&alice.process);
        for (what, behind_the_end, lie, (code, text)) in lies {
            let (transfer, mut stream) = taken(&mut alice, &mallory, &mut link, &file, 0).await;
            if behind_the_end {
                let last = stream.word_of_sender().await;
                assert!(matches!(&last, Some(Stream::End(end)) if end.root == root), "{what}: {last:?}");
            }
            stream.say(&lie).await;
            let told = alice.expect(json!({"event": "file_failed", "transfer": transfer.to_string()}));
            assert_eq!((told["code"].as_str(), told["text"].as_str()), (Some(code), Some(text)), "{what}");
            alice.done(json!({"command": "cancel_file", "transfer": transfer.to_string()}));
        }
        assert!(!alice.saw(&json!({"event": "file_finished"})));
        assert!(link.stands().await);
        base.is_back(&alice.process);
    });
    say(&mut alice, &mut bob, "and we talk on");
}

#[test]
fn who_says_that_they_have_more_than_there_is_is_shown_no_further_than_the_end() {
    let house = House::new();
    let mut alice = house.person("alice");
    let file = random_file(&house.path("mine.bin"), SIZE, 3);
    let root: Hash = hobnob_tests::files::hash(&file).parse().unwrap();
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        for (from, claims) in [(0, vec![u64::MAX, 0, 3, u64::MAX - 1]), (GROUPS - 1, vec![0]), (GROUPS, vec![])] {
            let (transfer, mut stream) = taken(&mut alice, &mallory, &mut link, &file, from).await;
            for claim in claims {
                stream.say(&have(claim, Vec::new())).await;
            }
            let last = stream.word_of_sender().await;
            assert!(matches!(&last, Some(Stream::End(end)) if end.root == root), "from {from}: {last:?}");
            stream.say(&finished(root)).await;
            let id = transfer.to_string();
            alice.expect(json!({"event": "file_finished", "transfer": id, "blake3": root.to_string()}));
            for shown in alice.all(&json!({"event": "file_progress", "transfer": id})) {
                assert!(shown["done"].as_u64() <= Some(SIZE), "{shown}");
            }
        }
        assert!(link.stands().await);
    });
}
