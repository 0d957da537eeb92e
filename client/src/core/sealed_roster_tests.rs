//! The sealed roster's contents: joined in any order they come out alike, and what is sealed opens as itself or not at all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;
use zeroize::Zeroizing;

fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

fn key(n: u8) -> Fingerprint {
    Fingerprint([n; 32])
}

fn roster_key() -> RosterKey {
    Zeroizing::new([9; 32])
}

fn blocked(names: &[&str]) -> BTreeSet<Handle> {
    names.iter().map(|name| handle(name)).collect()
}

/// Looks at a device on which these people are pinned and those are blocked.
fn observe(contents: &mut Contents, pins: &[(&str, u8, bool)], blocks: &[&str], now: u64) -> bool {
    let pins: Vec<_> = pins.iter().map(|(name, n, verified)| (handle(name), key(*n), *verified)).collect();
    contents.observe(pins.iter().map(|(user, key, verified)| (user, *key, *verified)), &blocked(blocks), now)
}

fn joined(one: &Contents, other: &Contents) -> Contents {
    let mut all = one.clone();
    all.join(other);
    all
}

#[test]
fn looking_twice_finds_news_once() {
    let mut contents = Contents::default();
    assert!(observe(&mut contents, &[("bob", 1, false)], &["eve"], 5));
    assert!(!observe(&mut contents, &[("bob", 1, false)], &["eve"], 6));
    assert!(observe(&mut contents, &[("bob", 1, true)], &["eve"], 7));
    assert!(!observe(&mut contents, &[("bob", 1, true)], &["eve"], 8));
    // A mark stays with its key, and a person who is forgotten stays known.
    assert!(!observe(&mut contents, &[("bob", 1, false)], &["eve"], 9));
    assert!(!observe(&mut contents, &[], &["eve"], 10));
    assert!(contents.is_verified(&handle("bob"), key(1)) && !contents.is_verified(&handle("bob"), key(2)));
    assert_eq!(contents.people().next(), Some((&handle("bob"), Some(key(1)))));
}

#[test]
fn a_new_device_learns_pins_marks_and_blocks() {
    let mut old = Contents::default();
    observe(&mut old, &[("bob", 1, true), ("cat", 2, false)], &["eve"], 5);
    let parts = old.seal(&roster_key(), 1).unwrap();
    let new = Contents::open(&roster_key(), 1, &parts.concat()).unwrap();
    assert_eq!(new, old);
    assert_eq!(new.contradiction(&handle("bob"), key(1)), None);
    assert_eq!(new.contradiction(&handle("bob"), key(7)), Some(key(1)));
    assert_eq!(new.contradiction(&handle("dan"), key(7)), None);
    assert!(new.is_verified(&handle("bob"), key(1)) && new.is_blocked(&handle("eve")));
}

#[test]
fn keys_that_two_devices_pinned_without_knowing_of_each_other_stay_apart_until_a_person_decides() {
    let (mut one, mut other) = (Contents::default(), Contents::default());
    observe(&mut one, &[("bob", 1, true)], &[], 5);
    observe(&mut other, &[("bob", 2, false)], &[], 900);
    let mut both = joined(&one, &other);
    assert_eq!(both.contradiction(&handle("bob"), key(1)), Some(key(2)));
    assert_eq!(both.contradiction(&handle("bob"), key(2)), Some(key(1)));
    // Looking again at either device decides nothing.
    assert!(!observe(&mut both, &[("bob", 1, true)], &[], 1000));
    assert!(!observe(&mut both, &[("bob", 2, false)], &[], 1000));

    assert!(both.decide(&handle("bob"), key(1), 3));
    assert_eq!(both.contradiction(&handle("bob"), key(1)), None);
    assert!(both.is_verified(&handle("bob"), key(1)), "the mark was for this key");
    // The device that pinned the other key comes with what it knew: it is told, and changes nothing.
    assert_eq!(joined(&both, &other), both);
    assert_eq!(joined(&other, &both).contradiction(&handle("bob"), key(2)), Some(key(1)));
    assert!(!both.decide(&handle("bob"), key(1), 7), "that is known");
}

#[test]
fn a_pin_that_contradicts_what_is_known_is_nobodys_decision() {
    let mut contents = Contents::default();
    observe(&mut contents, &[("bob", 1, false)], &[], 5);
    assert!(!observe(&mut contents, &[("bob", 2, true)], &[], 6));
    assert_eq!(contents.contradiction(&handle("bob"), key(2)), Some(key(1)));
    assert!(!contents.is_verified(&handle("bob"), key(2)));
}

#[test]
fn the_later_of_blocking_and_unblocking_counts_whatever_the_clocks_say() {
    let mut one = Contents::default();
    observe(&mut one, &[], &["eve"], 1_000_000);
    // A device whose clock is far behind, and which knows of the block, takes it back.
    let mut other = one.clone();
    assert!(observe(&mut other, &[], &[], 5));
    assert!(!other.is_blocked(&handle("eve")));
    assert!(!joined(&one, &other).is_blocked(&handle("eve")));
    assert!(!joined(&other, &one).is_blocked(&handle("eve")));
    // And again, on the first one.
    let mut again = joined(&one, &other);
    observe(&mut again, &[], &["eve"], 7);
    assert!(joined(&other, &again).is_blocked(&handle("eve")));
}

#[test]
fn an_older_roster_does_not_pass_for_a_newer_one() {
    let mut contents = Contents::default();
    observe(&mut contents, &[("bob", 1, false)], &[], 5);
    let sealed = contents.seal(&roster_key(), 4).unwrap().concat();
    assert_eq!(Contents::open(&roster_key(), 5, &sealed), Err(RosterError::Sealed));
    assert_eq!(Contents::open(&roster_key(), 3, &sealed), Err(RosterError::Sealed));
    assert_eq!(Contents::open(&Zeroizing::new([8; 32]), 4, &sealed), Err(RosterError::Sealed));
    for n in [0, 11, 12, sealed.len() - 1] {
        let mut altered = sealed.clone();
        altered[n] ^= 1;
        assert_eq!(Contents::open(&roster_key(), 4, &altered), Err(RosterError::Sealed));
        assert_eq!(Contents::open(&roster_key(), 4, &sealed[..n]), Err(RosterError::Sealed));
    }
    assert!(Contents::open(&roster_key(), 4, &sealed).is_ok());
}

#[test]
fn many_people_go_in_parts_and_too_many_are_refused() {
    let crowd = |count: u32| {
        let mut contents = Contents::default();
        for n in 0..count {
            let user = handle(&format!("person-{n:06}"));
            contents.observe(std::iter::once((&user, key(1), false)), &BTreeSet::new(), 1);
        }
        contents
    };
    let some = crowd(3000);
    let parts = some.seal(&roster_key(), 1).unwrap();
    assert!(parts.len() > 1 && parts.len() <= usize::from(limits::ROSTER_PARTS));
    assert!(parts.iter().all(|part| part.len() <= limits::ROSTER_PART));
    assert_eq!(Contents::open(&roster_key(), 1, &parts.concat()).unwrap(), some);
    let mut swapped = parts.clone();
    swapped.swap(0, 1);
    assert_eq!(Contents::open(&roster_key(), 1, &swapped.concat()), Err(RosterError::Sealed));
    assert!(matches!(crowd(12_000).seal(&roster_key(), 1), Err(RosterError::TooLarge(_))));
}

#[test]
fn what_earlier_and_later_versions_write_can_be_read() {
    #[derive(Serialize)]
    struct Later<'a> {
        version: u32,
        people: Vec<LaterContact<'a>>,
        nicknames: Vec<&'a str>,
    }
    #[derive(Serialize)]
    struct LaterContact<'a> {
        user: &'a str,
        keys: Vec<EncodedKey>,
        colour: &'a str,
    }
    let person =
        || LaterContact { user: "bob", keys: vec![EncodedKey { key: key(1), verified: true }], colour: "green" };
    let later = to_cbor(&Later { version: 3, people: vec![person()], nicknames: vec!["bobby"] }).unwrap();
    let read = Contents::from_bytes(&later).unwrap();
    assert!(read.is_verified(&handle("bob"), key(1)));
    assert!(read.is_newer(), "it must not be replaced by what we understand of it");
    assert!(joined(&Contents::default(), &read).is_newer());
    let same = to_cbor(&Later { version: 1, people: vec![person()], nicknames: Vec::new() }).unwrap();
    assert!(!Contents::from_bytes(&same).unwrap().is_newer());
    assert!(Contents::from_bytes(&[0xff]).is_err());
}

/// What a device does: pins, marks, decides, blocks, unblocks, writes own words.
#[derive(Debug, Clone)]
enum Step {
    Pin(u8, u8, bool),
    Decide(u8, u8, u64),
    Block(u8, bool, u64),
    Write(u8, bool, u8, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_u8, 0..3_u8, any::<bool>()).prop_map(|(user, key, verified)| Step::Pin(user, key, verified)),
        (0..3_u8, 0..3_u8, 0..4_u64).prop_map(|(user, key, now)| Step::Decide(user, key, now)),
        (0..3_u8, any::<bool>(), 0..4_u64).prop_map(|(user, on, now)| Step::Block(user, on, now)),
        (0..3_u8, any::<bool>(), 0..3_u8, 0..4_u64)
            .prop_map(|(user, note, text, now)| Step::Write(user, note, text, now)),
    ]
}

fn after(steps: &[Step], mut contents: Contents) -> Contents {
    let name = |n: u8| handle(["bob", "cat", "eve"][usize::from(n)]);
    for step in steps {
        let mut blocks: BTreeSet<Handle> = (0..3).map(name).filter(|user| contents.is_blocked(user)).collect();
        match *step {
            Step::Pin(user, n, verified) => {
                contents.observe(std::iter::once((&name(user), key(n), verified)), &blocks, 1);
            }
            Step::Decide(user, n, now) => {
                contents.decide(&name(user), key(n), now);
            }
            Step::Write(user, note, text, now) => {
                let which = if note { Words::Note } else { Words::Nickname };
                contents.write(&name(user), which, ["", "Bobby", "Kit"][usize::from(text)], now);
            }
            Step::Block(user, on, now) => {
                if on {
                    blocks.insert(name(user));
                } else {
                    blocks.remove(&name(user));
                }
                contents.observe(std::iter::empty(), &blocks, now);
            }
        }
    }
    contents
}

fn contents() -> impl Strategy<Value = Contents> {
    prop::collection::vec(step(), 0..12).prop_map(|steps| after(&steps, Contents::default()))
}

proptest! {
    #[test]
    fn joining_comes_out_alike_in_every_order(a in contents(), b in contents(), c in contents()) {
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        prop_assert_eq!(joined(&a, &a), a.clone());
        prop_assert_eq!(joined(&joined(&a, &b), &b), joined(&a, &b));
    }

    /// Whatever else happened, a decision that was made in knowledge of everything counts everywhere.
    #[test]
    fn a_decision_made_in_knowledge_of_everything_wins(a in contents(), b in contents(), on: bool) {
        let mut last = joined(&a, &b);
        last.decide(&handle("bob"), key(1), 0);
        let last = after(&[Step::Block(2, on, 0)], last);
        for earlier in [a, b] {
            let all = joined(&earlier, &last);
            prop_assert_eq!(all.contradiction(&handle("bob"), key(1)), None);
            prop_assert_eq!(all.is_blocked(&handle("eve")), on);
        }
    }

    /// Of two keys that were pinned apart, none disappears by joining alone.
    #[test]
    fn a_contradiction_is_never_lost_by_joining(a in contents(), b in contents()) {
        let all = joined(&a, &b);
        for (user, _) in a.people() {
            let of = |contents: &Contents| contents.people.get(user).cloned().unwrap_or_default();
            if of(&a).decided == of(&b).decided {
                for key in of(&a).keys.keys().chain(of(&b).keys.keys()) {
                    prop_assert!(of(&all).keys.contains_key(key));
                }
            }
        }
    }

    #[test]
    fn it_reads_back_as_written(a in contents(), number: u64) {
        let parts = a.seal(&roster_key(), number).unwrap();
        prop_assert_eq!(Contents::open(&roster_key(), number, &parts.concat()).unwrap(), a);
    }
}

#[test]
fn of_own_words_the_later_count_whatever_the_clocks_say_and_taking_them_away_is_one() {
    let bob = handle("bob");
    let mut one = Contents::default();
    assert_eq!(one.write(&bob, Words::Nickname, "Bobby", 1_000), Some(true));
    assert_eq!(one.write(&bob, Words::Nickname, "Bobby", 2_000), Some(false));
    let mut other = one.clone();
    // A clock that is far behind cannot make what answers it lose.
    assert_eq!(other.write(&bob, Words::Nickname, "", 5), Some(true));
    assert_eq!(other.write(&bob, Words::Note, "owes me tea", 6), Some(true));
    for both in [joined(&one, &other), joined(&other, &one)] {
        assert_eq!(both.words(&bob, Words::Nickname), "");
        assert_eq!(both.words(&bob, Words::Note), "owes me tea");
        assert_eq!(Contents::from_bytes(&both.to_bytes().unwrap()).unwrap(), both);
    }
}

#[test]
fn who_knows_no_own_words_does_not_replace_them_and_may_replace_the_rest() {
    let version = |contents: &Contents| from_cbor::<Encoded>(&contents.to_bytes().unwrap()).unwrap().version;
    let mut contents = Contents::default();
    observe(&mut contents, &[("bob", 1, false)], &[], 5);
    assert_eq!(version(&contents), WITHOUT_WORDS);
    contents.write(&handle("bob"), Words::Note, "x", 5);
    contents.write(&handle("bob"), Words::Note, "", 6);
    assert_eq!(version(&contents), VERSION, "that it was taken away is something to lose as well");
    assert!(!contents.is_newer());
    contents.version = VERSION + 1;
    assert_eq!(version(&contents), VERSION + 1);
    assert!(contents.is_newer());
}

#[test]
fn own_words_are_bounded_together() {
    let mut contents = Contents::default();
    let note = "n".repeat(2_048);
    let full = (0..200).find(|n| contents.write(&handle(&format!("p-{n:03}")), Words::Note, &note, 1).is_none());
    assert_eq!(full, Some(96));
    assert_eq!(contents.write(&handle("p-000"), Words::Note, "short", 2), Some(true), "less is always possible");
    assert!(contents.seal(&roster_key(), 1).unwrap().len() <= usize::from(limits::ROSTER_PARTS));
}
