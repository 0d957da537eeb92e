//! A friend who keeps to no rule on the further connections of a transfer: nothing wrong under the final name, a true sentence, and never
//! more connections than there may be.

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Token, TransferId};
use hobnob_shared::limits::{FLOWS, TOKEN_USES};
use hobnob_shared::message::{Accept, Peer, Stream};
use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::manifest;
use hobnob_tests::process::until;
use hobnob_tests::raw_friend::{RawFriend, RawLink};
use hobnob_tests::raw_stream::{RawFile, RawStream};
use hobnob_tests::story::{House, say};
use serde_json::json;

use crate::bytes::{Base, run};
use crate::friend_port::{is_offered, mallory};
use crate::hostile_sender::offer_again;

/// Alice's end, and mallory's.
struct Desk<'a> {
    alice: &'a mut Client,
    mallory: RawFriend,
    link: RawLink,
    file: RawFile,
}

impl<'a> Desk<'a> {
    async fn new(house: &House, alice: &'a mut Client) -> Self {
        let mut mallory = mallory(house, alice).await;
        let link = mallory.link().await;
        Self { alice, mallory, link, file: RawFile::new(9, 1_234, 7) }
    }

    /// Offers the file, which is accepted.
    async fn offer(&mut self, name: &str) -> (TransferId, Accept) {
        let transfer = self.link.offer(name, self.file.size);
        assert!(is_offered(self.alice, &mut self.link, transfer).await);
        self.alice.done(json!({"command": "accept_file", "transfer": transfer.to_string()}));
        (transfer, self.link.accepted(transfer).await)
    }

    /// A first connection on which `groups` have been sent and counted.
    async fn first(&self, accept: &Accept, groups: u64) -> RawStream {
        let mut first = RawStream::open(&self.mallory, &self.link, accept, 0).await;
        for n in accept.have..groups {
            first.say(&self.file.group(n)).await;
        }
        if groups > accept.have {
            first.has(groups).await;
        }
        first
    }

    async fn join(&self, accept: &Accept, flow: u8) -> RawStream {
        RawStream::join(&self.mallory, &self.link, accept, flow).await
    }

    /// It is under its final name, and right.
    fn arrived(&mut self, transfer: TransferId, name: &str) {
        let (id, root) = (transfer.to_string(), self.file.root.to_string());
        self.alice.expect(json!({"event": "file_finished", "transfer": id, "blake3": root}));
        let found = manifest(&self.alice.start.downloads);
        assert_eq!(found.get(std::path::Path::new(name)), Some(&Some(root)), "{found:?}");
    }

    /// The transfer has failed with this code and in these words, and nothing is under the name.
    fn failed(&mut self, transfer: TransferId, name: &str, code: &str, text: &str) {
        let told = self.alice.expect(json!({"event": "file_failed", "transfer": transfer.to_string()}));
        assert_eq!((told["code"].as_str(), told["text"].as_str()), (Some(code), Some(text)));
        assert!(!self.alice.start.downloads.join(name).exists());
    }
}

/// What is said of whoever breaks a rule.
pub const BROKE: &str = "mallory's program broke the rules of the transfer. It was stopped.";

#[test]
fn tokens_that_are_not_of_this_transfer_let_nobody_in() {
    let house = House::new();
    let mut alice = house.person("alice");
    run(async {
        let mut desk = Desk::new(&house, &mut alice).await;
        let (one, accept) = desk.offer("one.bin").await;
        let (other, others) = desk.offer("other.bin").await;
        let mut first = desk.first(&accept, 2).await;
        let stranger = RawStream::dial(&desk.mallory, &desk.link, &Token::random()).await;
        assert!(stranger.is_none(), "a token that nobody gave");
        // It leads to the other transfer, whatever is said behind it: that one is told of, and this one goes on.
        let mut astray = RawStream::dial(&desk.mallory, &desk.link, &others.token).await.unwrap();
        astray.say_open(one, 1).await;
        let last = astray.last_word().await;
        assert!(!matches!(last, Some(Stream::Ready(_))), "{last:?}");
        desk.failed(other, "other.bin", "bad_request", BROKE);
        let refusal = |frame| matches!(&frame, Peer::Cancel(cancel) if cancel.transfer == other).then_some(frame);
        let Peer::Cancel(cancel) = desk.link.until("a refusal", refusal).await else { unreachable!() };
        assert_eq!(cancel.code, WireCode::BadRequest);
        for n in 2..desk.file.groups() {
            first.say(&desk.file.group(n)).await;
        }
        first.say(&desk.file.end()).await;
        assert!(matches!(first.last_word().await, Some(Stream::Finished(_))));
        desk.arrived(one, "one.bin");
        let late = RawStream::dial(&desk.mallory, &desk.link, &accept.token).await;
        if let Some(mut late) = late {
            late.say_open(one, 1).await;
            assert_eq!(late.last_word().await, None, "its transfer is over");
        }
        offer_again(&desk.link, other, "other.bin", desk.file.size);
        let again = desk.link.accepted(other).await;
        desk.file.serve(&desk.mallory, &desk.link, &again).await;
        desk.arrived(other, "other.bin");
        assert!(desk.link.stands().await);
    });
}

#[test]
fn there_are_never_more_connections_than_allowed() {
    let house = House::new();
    let mut alice = house.person("alice");
    run(async {
        let mut desk = Desk::new(&house, &mut alice).await;
        let base = Base::of(&desk.alice.process);
        let (transfer, accept) = desk.offer("many.bin").await;
        let before = desk.alice.process.descriptors();
        let mut first = desk.first(&accept, 1).await;
        let mut flows = Vec::new();
        for flow in 1..FLOWS {
            flows.push(desk.join(&accept, u8::try_from(flow).unwrap()).await);
        }
        assert_eq!(FLOWS, usize::from(TOKEN_USES), "the token is used up");
        for _ in 0..3 {
            assert!(RawStream::dial(&desk.mallory, &desk.link, &accept.token).await.is_none(), "one too many");
        }
        let open = desk.alice.process.descriptors();
        // One for each, and those of the first: its thread's own reactor, the partial file, the folders.
        assert!(open <= before + FLOWS + 12, "{before} descriptors became {open}");
        for n in 1..desk.file.groups() {
            let at = usize::try_from(n).unwrap() % flows.len();
            flows[at].say(&desk.file.group(n)).await;
        }
        for flow in &mut flows {
            flow.close().await;
        }
        first.say(&desk.file.end()).await;
        assert!(matches!(first.last_word().await, Some(Stream::Finished(_))));
        drop((first, flows));
        desk.arrived(transfer, "many.bin");
        base.is_back(&desk.alice.process);
        assert!(desk.link.stands().await);
    });
}

#[test]
fn a_group_that_comes_twice_over_two_connections_ends_it_and_it_begins_anew() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    run(async {
        let mut desk = Desk::new(&house, &mut alice).await;
        let (transfer, accept) = desk.offer("twice.bin").await;
        let mut first = desk.first(&accept, 1).await;
        let (mut one, mut other) = (desk.join(&accept, 1).await, desk.join(&accept, 2).await);
        one.say(&desk.file.group(4)).await;
        other.say(&desk.file.group(4)).await;
        let last = first.last_word().await;
        assert!(matches!(&last, Some(Stream::Failed(failed)) if failed.code == WireCode::BadRequest), "{last:?}");
        desk.failed(transfer, "twice.bin", "bad_request", BROKE);
        say(desk.alice, &mut bob, "chat goes on");
        offer_again(&desk.link, transfer, "twice.bin", desk.file.size);
        let again = desk.link.accepted(transfer).await;
        desk.file.serve(&desk.mallory, &desk.link, &again).await;
        desk.arrived(transfer, "twice.bin");
    });
}

#[test]
fn groups_in_falling_order_are_put_into_theirs() {
    let house = House::new();
    let mut alice = house.person("alice");
    run(async {
        let mut desk = Desk::new(&house, &mut alice).await;
        let (transfer, accept) = desk.offer("falling.bin").await;
        let mut first = desk.first(&accept, 1).await;
        let mut flow = desk.join(&accept, 1).await;
        for n in (1..desk.file.groups()).rev() {
            flow.say(&desk.file.group(n)).await;
        }
        first.say(&desk.file.end()).await;
        flow.close().await;
        assert!(matches!(first.last_word().await, Some(Stream::Finished(_))));
        desk.arrived(transfer, "falling.bin");
    });
}

#[test]
fn a_connection_that_stalls_holds_up_its_transfer_and_nothing_else() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    run(async {
        let mut desk = Desk::new(&house, &mut alice).await;
        let base = Base::of(&desk.alice.process);
        let (transfer, accept) = desk.offer("stalled.bin").await;
        let id = transfer.to_string();
        let mut first = desk.first(&accept, 3).await;
        let mut flow = desk.join(&accept, 1).await;
        let half = desk.file.group(3).bytes();
        flow.say_bytes(&half[..half.len() / 2]).await;
        for n in 4..desk.file.groups() {
            first.say(&desk.file.group(n)).await;
        }
        first.say(&desk.file.end()).await;
        say(desk.alice, &mut bob, "chat goes on");
        assert!(desk.link.stands().await);
        assert!(manifest(&desk.alice.start.downloads).is_empty(), "a group is missing");
        // Whoever tires of it stops it, at once.
        desk.alice.done(json!({"command": "pause_file", "transfer": id}));
        assert!(!matches!(first.last_word().await, Some(Stream::Finished(_))));
        desk.alice.done(json!({"command": "resume_file", "transfer": id}));
        let again = desk.link.accepted(transfer).await;
        assert!(again.have >= 3, "what was in order stays: {again:?}");
        desk.file.serve(&desk.mallory, &desk.link, &again).await;
        desk.arrived(transfer, "stalled.bin");
        drop((first, flow));
        base.is_back(&desk.alice.process);
    });
}

#[test]
fn a_connection_that_breaks_in_a_group_costs_what_came_behind_the_gap() {
    let house = House::new();
    let mut alice = house.person("alice");
    run(async {
        let mut desk = Desk::new(&house, &mut alice).await;
        let (transfer, accept) = desk.offer("broken.bin").await;
        // Torn off in its middle, and closed in order there.
        let (mut accept, ends) = (accept, [false, true]);
        for in_order in ends {
            let have = accept.have + 2;
            let mut first = desk.first(&accept, have).await;
            let mut flow = desk.join(&accept, 1).await;
            let half = desk.file.group(have).bytes();
            flow.say_bytes(&half[..half.len() / 2]).await;
            if in_order {
                flow.close().await;
            }
            drop(flow);
            assert!(!matches!(first.last_word().await, Some(Stream::Finished(_))));
            accept = desk.link.accepted(transfer).await;
            assert!(accept.have >= have, "{accept:?}");
            assert!(manifest(&desk.alice.start.downloads).is_empty());
        }
        desk.file.serve(&desk.mallory, &desk.link, &accept).await;
        desk.arrived(transfer, "broken.bin");
        let partial = desk.alice.start.profile.join("partial");
        until("nothing is left of it", SOON, || std::fs::read_dir(&partial).unwrap().count() == 0);
        assert!(desk.link.stands().await);
    });
}
