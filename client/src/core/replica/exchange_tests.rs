//! What is said on links: when they come up, when something arrives, and what is remembered of what was said too early.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use hobnob_shared::id::{DeviceId, Incarnation, MessageId};
use hobnob_shared::message::Head;

use super::ThreadKey;
use super::exchange::{ADVERT, Arrived, Deed, Exchange};

fn device(n: u8) -> DeviceId {
    DeviceId([n; 32])
}

fn head(n: u8, number: u64) -> Head {
    Head { device: device(n), number, last: MessageId(uuid::Uuid::from_u128(u128::from(number))) }
}

fn room() -> ThreadKey {
    ThreadKey::Room(Incarnation([7; 16]))
}

fn linked(own: u8, others: &[u8]) -> Exchange {
    let mut exchange = Exchange::new(device(own));
    for other in others {
        exchange.linked(device(*other), false);
        assert_eq!(exchange.share(device(*other), &room()).len(), 1);
    }
    exchange
}

fn arrived_from(n: u8, number: u64) -> Arrived {
    let (link, device) = (device(n), device(n));
    Arrived { link, thread: room(), device, after: Some(0), head: Some(head(n, number)), behind: None }
}

#[test]
fn our_log_is_sent_from_where_their_copy_ends_once_they_have_said_so() {
    let now = Instant::now();
    let mut exchange = linked(1, &[2]);
    exchange.copy(&room(), head(1, 5));
    let again = Deed::Have { link: device(2), thread: room(), heads: vec![head(1, 5)] };
    let follow = Deed::Follow { link: device(2), thread: room(), acknowledged: 3 };
    assert_eq!(exchange.heard(device(2), &room(), &[head(1, 3)], None, now), [again, follow]);
    assert_eq!(exchange.heard(device(2), &room(), &[head(1, 4)], None, now), []);
}

#[test]
fn whoever_has_more_of_our_log_than_we_is_noticed() {
    let now = Instant::now();
    let mut exchange = linked(1, &[2]);
    exchange.copy(&room(), head(1, 5));
    let deeds = exchange.heard(device(2), &room(), &[head(1, 9)], None, now);
    assert!(deeds.contains(&Deed::Overtaken { link: device(2), thread: room(), head: head(1, 9) }), "{deeds:?}");
    assert!(!deeds.iter().any(|deed| matches!(deed, Deed::Follow { .. })));
    // In a room it can be had back from them, and then goes on.
    exchange.copy(&room(), head(1, 9));
    let deeds = exchange.heard(device(2), &room(), &[head(1, 9)], None, now);
    assert!(deeds.contains(&Deed::Follow { link: device(2), thread: room(), acknowledged: 9 }), "{deeds:?}");
}

#[test]
fn an_entry_inside_our_log_is_doubted_until_it_is_known_for_ours() {
    let now = Instant::now();
    let mut exchange = Exchange::new(device(1));
    let direct = ThreadKey::Direct("bob".parse().unwrap());
    exchange.copy(&direct, head(1, 5));
    exchange.linked(device(2), false);
    let theirs = [head(1, 3)];
    assert_eq!(exchange.doubtful(&device(2), &direct, &theirs), Some(theirs[0]));
    let deeds = exchange.heard(device(2), &direct, &theirs, Some(theirs[0]), now);
    assert!(deeds.contains(&Deed::Overtaken { link: device(2), thread: direct.clone(), head: theirs[0] }), "{deeds:?}");
    assert!(!deeds.iter().any(|deed| matches!(deed, Deed::Follow { .. })));
    let deeds = exchange.heard(device(2), &direct, &theirs, None, now);
    assert!(deeds.iter().any(|deed| matches!(deed, Deed::Follow { acknowledged: 3, .. })), "{deeds:?}");
    assert_eq!(exchange.doubtful(&device(2), &direct, &theirs), None);
}

#[test]
fn what_arrived_is_told_on_the_other_links_and_not_to_who_has_it() {
    let now = Instant::now();
    let mut exchange = linked(1, &[2, 3, 4]);
    exchange.heard(device(4), &room(), &[head(2, 7)], None, now);
    let arrived = arrived_from(2, 7);
    assert_eq!(exchange.arrived(&arrived, now), []);
    assert_eq!(exchange.poll(now), []);
    let due = exchange.next_due().unwrap();
    assert_eq!(exchange.poll(due), [Deed::Have { link: device(3), thread: room(), heads: vec![head(2, 7)] }]);
    assert_eq!(exchange.poll(due), []);
}

#[test]
fn what_a_member_says_before_we_know_of_the_room_is_not_lost() {
    let now = Instant::now();
    let mut exchange = Exchange::new(device(1));
    exchange.linked(device(2), false);
    assert_eq!(exchange.said(device(2), &room(), &[head(2, 3), head(9, 5)]).len(), 2);
    exchange.refused(device(2), &room(), device(9), 7);
    assert!(!exchange.shares(&device(2), &room()));
    exchange.share(device(2), &room());
    let said = exchange.remembered(&device(2), &room()).unwrap();
    assert_eq!(
        said.iter().map(|head| (head.device, head.number)).collect::<Vec<_>>(),
        [(device(2), 3), (device(9), 7)]
    );
    let deeds = exchange.heard(device(2), &room(), &said, None, now);
    assert!(deeds.iter().any(|deed| matches!(deed, Deed::Follow { .. })), "{deeds:?}");
    // Shared, only what is said counts; not shared any more, all of it will when it is spoken of next.
    assert_eq!(exchange.said(device(2), &room(), &[head(2, 4)]), [head(2, 4)]);
    exchange.unshare(&device(2), &room());
    exchange.refused(device(2), &room(), device(9), 8);
    let said = exchange.said(device(2), &room(), &[head(3, 1)]);
    assert_eq!(
        said.iter().map(|head| (head.device, head.number)).collect::<Vec<_>>(),
        [(device(2), 4), (device(9), 8), (device(3), 1)]
    );
    // A new connection begins anew.
    exchange.linked(device(2), false);
    assert_eq!(exchange.remembered(&device(2), &room()), None);
}

#[test]
fn a_thread_that_is_not_shared_is_not_spoken_of() {
    let now = Instant::now();
    let mut exchange = linked(1, &[2]);
    exchange.unshare(&device(2), &room());
    let arrived = arrived_from(3, 1);
    exchange.arrived(&arrived, now);
    assert_eq!(exchange.poll(now + ADVERT), []);
    assert_eq!(exchange.sharing(&room()), []);
}
