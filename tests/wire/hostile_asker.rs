//! A friend who asks for what was never offered to them: ten thousand transfers, offsets and tokens, and not a byte.

use std::collections::HashSet;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Token, TransferId};
use hobnob_shared::message::{Accept, Peer};
use hobnob_tests::files::random_file;
use hobnob_tests::raw_friend::RawLink;
use hobnob_tests::raw_stream::RawStream;
use hobnob_tests::story::{House, offer, say, text_of};
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::bytes::{Base, run};
use crate::friend_port::mallory;

const ASKED: usize = 10_000;
/// At once: more than 64 may go unanswered.
const BATCH: usize = 40;

/// Asks for each, and gives the code that each is refused with, in any order.
async fn refused(link: &mut RawLink, asked: &[Accept]) -> HashSet<WireCode> {
    let mut open: HashSet<TransferId> = asked.iter().map(|accept| accept.transfer).collect();
    for accept in asked {
        link.say(&Peer::Accept(accept.clone()));
    }
    let mut codes = HashSet::new();
    while !open.is_empty() {
        let refusal = |frame| if let Peer::Cancel(cancel) = frame { Some(cancel) } else { None };
        let cancel = link.until("a refusal", refusal).await;
        if open.remove(&cancel.transfer) {
            codes.insert(cancel.code);
        }
    }
    codes
}

/// Not of the kind that honest programs make, which begin with the time.
fn any_id() -> TransferId {
    Token::random().to_string().parse().unwrap()
}

#[test]
fn what_was_never_offered_is_not_there_whoever_asks_for_it() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let mut random = rand::rngs::SmallRng::seed_from_u64(5);
    let secret = random_file(&house.path("for bob.bin"), 3 << 20, 1);
    let for_bob: TransferId = offer(&mut alice, &mut bob, &secret).parse().unwrap();
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        let not_found = HashSet::from([WireCode::NotFound]);
        let mut any = |transfer| {
            let have = match random.gen_range(0..4) {
                0 => 0,
                1 => random.gen_range(1..100),
                2 => random.r#gen(),
                _ => u64::MAX - random.gen_range(0..3),
            };
            Accept { transfer, have, token: Token::random() }
        };
        // Once round, so that what is opened once is open.
        assert_eq!(refused(&mut link, &[any(TransferId::new())]).await, not_found);
        let base = Base::of(&alice.process);
        for _ in 0..ASKED / BATCH {
            let asked: Vec<Accept> =
                (0..BATCH).map(|n| any(if n % 2 == 0 { TransferId::new() } else { any_id() })).collect();
            assert_eq!(refused(&mut link, &asked).await, not_found);
        }
        // One that exists, and is another's.
        for _ in 0..100 {
            assert_eq!(refused(&mut link, &[any(for_bob)]).await, not_found);
        }
        // Nor does a token that was never agreed on let in.
        let accept = any(for_bob);
        assert_eq!(refused(&mut link, std::slice::from_ref(&accept)).await, not_found);
        assert!(RawStream::dial(&mallory, &link, &accept.token).await.is_none());
        base.is_back(&alice.process);

        // Of what was offered to mallory, nothing beyond its end.
        let mine = random_file(&house.path("for mallory.bin"), 3 << 20, 2);
        let made = alice.done(json!({"command": "send_file", "to": "@mallory", "path": mine}));
        let transfer: TransferId = text_of(&made["transfer"]).parse().unwrap();
        for have in [4, 5, 1 << 20, u64::MAX] {
            let accept = Accept { transfer, have, token: Token::random() };
            assert_eq!(refused(&mut link, &[accept]).await, HashSet::from([WireCode::BadRequest]), "{have}");
        }
        assert!(link.stands().await);
    });
    let list = alice.done(json!({"command": "transfers"}));
    let all = list["transfers"].as_array().unwrap();
    assert!(all.iter().all(|one| one["state"] == "offered" && one["done"] == 0), "{list}");
    say(&mut alice, &mut bob, "undisturbed");
    let id = for_bob.to_string();
    bob.done(json!({"command": "accept_file", "transfer": id}));
    bob.expect(json!({"event": "file_finished", "transfer": id}));
}
