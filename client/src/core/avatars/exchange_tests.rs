//! What is said, asked, given and kept, with a clock of the test's own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

fn me() -> Handle {
    handle("alice")
}

const LAPTOP: DeviceId = DeviceId([1; 32]);
const BOB: DeviceId = DeviceId([2; 32]);
const CAROL: DeviceId = DeviceId([3; 32]);

fn hash(n: u8) -> Hash {
    Hash([n; 32])
}

fn choice(at: u64, n: u8) -> Choice {
    Choice { at, hash: Some(hash(n)) }
}

const NONE: fn(u64) -> Choice = |at| Choice { at, hash: None };

/// Alice is linked to Bob, at this moment.
fn linked(now: Instant) -> Avatars {
    let mut avatars = Avatars::default();
    assert_eq!(avatars.linked(&me(), BOB, &handle("bob"), now), None, "nothing was chosen yet");
    avatars
}

/// Bob's device says this and sends what it is asked for.
fn bring(avatars: &mut Avatars, choice: Choice, now: Instant) -> Vec<Deed> {
    let hash = choice.hash.unwrap();
    assert_eq!(avatars.said(&me(), BOB, choice, now), [Deed::Ask(BOB, hash)]);
    let (user, choice) = avatars.came(&BOB, hash).unwrap();
    avatars.stored(&me(), BOB, (&user, choice), true, now)
}

fn kept(user: &str, choice: Choice, turn: u64) -> Deed {
    Deed::Keep(Kept { user: handle(user), choice, used: turn })
}

#[test]
fn a_picture_is_asked_for_kept_and_shown() {
    let now = Instant::now();
    let mut avatars = linked(now);
    let deeds = bring(&mut avatars, choice(5, 7), now);
    assert_eq!(deeds, [kept("bob", choice(5, 7), 1), Deed::Tell(handle("bob"), Some(hash(7)))]);
    assert_eq!(avatars.of(&handle("bob")), Some(hash(7)));
    assert!(avatars.said(&me(), BOB, choice(5, 7), now).is_empty(), "it is here");
    assert!(avatars.said(&me(), BOB, choice(4, 8), now).is_empty(), "an older word");
    let deeds = avatars.said(&me(), BOB, choice(6, 7), now);
    assert_eq!(deeds, [kept("bob", choice(6, 7), 2)], "the same picture, chosen again");
    let deeds = avatars.said(&me(), BOB, NONE(7), now);
    assert_eq!(deeds, [kept("bob", NONE(7), 3), Deed::Tell(handle("bob"), None), Deed::Remove(hash(7))]);
}

#[test]
fn what_was_not_asked_for_is_not_taken() {
    let now = Instant::now();
    let mut avatars = linked(now);
    assert_eq!(avatars.came(&BOB, hash(7)), None);
    avatars.said(&me(), BOB, choice(5, 7), now);
    assert_eq!(avatars.came(&CAROL, hash(7)), None, "somebody else's");
    assert_eq!(avatars.came(&BOB, hash(8)), None, "another one");
    assert!(avatars.came(&BOB, hash(7)).is_some());
    assert_eq!(avatars.came(&BOB, hash(7)), None, "once is enough");
    assert!(avatars.said(&me(), BOB, choice(0, 9), now).is_empty(), "chosen never");
    assert!(avatars.said(&me(), BOB, choice(CLOCK + 1, 9), now).is_empty(), "chosen beyond all time");
}

#[test]
fn a_false_picture_changes_nothing() {
    let now = Instant::now();
    let mut avatars = linked(now);
    bring(&mut avatars, choice(5, 7), now);
    avatars.said(&me(), BOB, choice(6, 8), now);
    let (user, false_one) = avatars.came(&BOB, hash(8)).unwrap();
    let deeds = avatars.stored(&me(), BOB, (&user, false_one), false, now);
    assert_eq!(deeds, [Deed::Remove(hash(8))]);
    assert_eq!(avatars.of(&handle("bob")), Some(hash(7)));
}

#[test]
fn who_cannot_decide_is_asked_for_the_last_one_and_seldom() {
    let mut now = Instant::now();
    let mut avatars = linked(now);
    for n in 1..=4 {
        bring(&mut avatars, choice(n.into(), n), now);
    }
    for n in 5..=200 {
        assert!(avatars.said(&me(), BOB, choice(n.into(), n), now).is_empty(), "too often");
    }
    let due = avatars.next_due().unwrap();
    assert!(due > now && due <= now + ONE_IN, "{:?}", due - now);
    now = due;
    assert_eq!(avatars.due(&me(), now), [Deed::Ask(BOB, hash(200))], "only the last one");
    assert_eq!(avatars.next_due(), None);
    // While it is on its way another one is not asked for; once it should have come, it is.
    assert!(avatars.said(&me(), BOB, choice(201, 201), now).is_empty());
    now = avatars.next_due().unwrap();
    assert_eq!(avatars.due(&me(), now), [Deed::Ask(BOB, hash(201))]);
}

#[test]
fn who_takes_their_picture_off_again_and_again_is_not_written_down_each_time() {
    let mut now = Instant::now();
    let mut avatars = linked(now);
    let written = |deeds: &[Deed]| deeds.iter().filter(|deed| matches!(deed, Deed::Keep(_))).count();
    let said: usize = (1..=1_000).map(|at| written(&avatars.said(&me(), BOB, NONE(at), now))).sum();
    assert_eq!(said, 4);
    now = avatars.next_due().unwrap();
    assert_eq!(avatars.due(&me(), now), [kept("bob", NONE(1_000), 5)], "the last word counts");
    assert_eq!(avatars.next_due(), None);
    // The same with a picture that is here, while another one is awaited that never comes.
    now += ONE_IN * 4;
    bring(&mut avatars, choice(2_000, 7), now);
    assert_eq!(avatars.said(&me(), BOB, choice(2_001, 8), now), [Deed::Ask(BOB, hash(8))]);
    let said: usize = (3_000..4_000).map(|at| written(&avatars.said(&me(), BOB, choice(at, 7), now))).sum();
    assert_eq!(said, 2);
    now = avatars.next_due().unwrap();
    assert_eq!(written(&avatars.due(&me(), now)), 1);
}

#[test]
fn whoever_links_again_and_again_gets_no_more_by_that() {
    let now = Instant::now();
    let mut avatars = linked(now);
    avatars.choose(&me(), Some(hash(1)), 1);
    let (mut asked, mut given) = (0, 0);
    for at in 1..=200 {
        asked += avatars.said(&me(), BOB, choice(at.into(), at), now).len();
        given += usize::from(avatars.gives(&me(), &BOB, hash(1), now).is_some());
        if at % 2 == 0 {
            avatars.unlinked(&BOB);
        }
        avatars.linked(&me(), BOB, &handle("bob"), now);
    }
    assert_eq!((asked, given), (4, 4));
    let later = now + ONE_IN * AT_ONCE;
    avatars.unlinked(&BOB);
    avatars.linked(&me(), CAROL, &handle("carol"), later);
    assert!(avatars.spent.is_empty(), "nobody is remembered for longer than it matters");
    avatars.linked(&me(), BOB, &handle("bob"), later);
    assert_eq!(avatars.said(&me(), BOB, choice(1_000, 9), later), [Deed::Ask(BOB, hash(9))]);
}

#[test]
fn my_choice_is_said_to_all_and_given_to_who_asks() {
    let now = Instant::now();
    let mut avatars = linked(now);
    avatars.linked(&me(), LAPTOP, &me(), now);
    let deeds = avatars.choose(&me(), Some(hash(7)), 100);
    let say = |device| Deed::Say(device, choice(100, 7));
    assert_eq!(deeds, [kept("alice", choice(100, 7), 1), Deed::Tell(me(), Some(hash(7))), say(LAPTOP), say(BOB)]);
    assert_eq!(avatars.linked(&me(), CAROL, &handle("carol"), now), Some(say(CAROL)), "and to who comes later");
    let mut asks = |device, n, now| avatars.gives(&me(), &device, hash(n), now);
    assert_eq!(asks(BOB, 7, now), Some(true));
    assert_eq!(asks(BOB, 8, now), Some(false), "no other file");
    assert_eq!(asks(DeviceId([9; 32]), 7, now), None, "a stranger");
    assert_eq!((asks(BOB, 7, now), asks(BOB, 7, now)), (Some(true), Some(true)));
    assert_eq!(asks(BOB, 7, now), None, "a flood");
    assert_eq!(asks(BOB, 7, now + ONE_IN), Some(true), "somewhat later");
    // A clock that was put back does not make an older choice of it.
    let deeds = avatars.choose(&me(), None, 50);
    assert!(deeds.contains(&Deed::Say(BOB, NONE(101))), "{deeds:?}");
}

#[test]
fn who_comes_back_to_their_last_picture_at_once_still_has_it() {
    let mut avatars = Avatars::default();
    let removed = |deeds: &[Deed]| deeds.iter().any(|deed| matches!(deed, Deed::Remove(_)));
    avatars.choose(&me(), Some(hash(7)), 1);
    // Chosen again, and on its way to the disk, while another one takes its place.
    avatars.keeping(hash(7));
    assert!(!removed(&avatars.choose(&me(), Some(hash(8)), 2)));
    assert_eq!(avatars.choose(&me(), Some(hash(7)), 3).last(), Some(&Deed::Remove(hash(8))));
    avatars.keeping(hash(7));
    assert!(!removed(&avatars.choose(&me(), None, 4)));
    assert_eq!(avatars.not_kept(hash(7)), Some(Deed::Remove(hash(7))), "nobody needs it");
    assert!(avatars.storing.is_empty());
}

#[test]
fn of_own_devices_the_newest_choice_counts_and_goes_on_to_all_others() {
    let now = Instant::now();
    let mut avatars = linked(now);
    avatars.choose(&me(), Some(hash(7)), 100);
    avatars.linked(&me(), LAPTOP, &me(), now);
    assert!(avatars.said(&me(), LAPTOP, choice(99, 8), now).is_empty(), "mine is newer");
    assert_eq!(avatars.said(&me(), LAPTOP, choice(101, 9), now), [Deed::Ask(LAPTOP, hash(9))]);
    let (user, newer) = avatars.came(&LAPTOP, hash(9)).unwrap();
    let deeds = avatars.stored(&me(), LAPTOP, (&user, newer), true, now);
    assert!(deeds.contains(&Deed::Say(BOB, newer)) && !deeds.contains(&Deed::Say(LAPTOP, newer)), "{deeds:?}");
    assert!(deeds.contains(&Deed::Remove(hash(7))), "{deeds:?}");
}

#[test]
fn who_is_removed_leaves_no_picture() {
    let now = Instant::now();
    let mut avatars = linked(now);
    avatars.linked(&me(), CAROL, &handle("carol"), now);
    bring(&mut avatars, choice(5, 7), now);
    avatars.said(&me(), CAROL, choice(1, 7), now);
    let (carol, same) = avatars.came(&CAROL, hash(7)).unwrap();
    let gone = |user: &str| vec![Deed::Forget(handle(user)), Deed::Tell(handle(user), None)];
    assert_eq!(avatars.forget(&handle("bob")), gone("bob"), "the same picture is on its way from Carol");
    let deeds = avatars.stored(&me(), CAROL, (&carol, same), true, now);
    assert!(deeds.contains(&Deed::Tell(carol.clone(), Some(hash(7)))), "{deeds:?}");
    avatars.said(&me(), CAROL, choice(2, 8), now);
    let (_, late) = avatars.came(&CAROL, hash(8)).unwrap();
    let mut all = gone("carol");
    all.push(Deed::Remove(hash(7)));
    assert_eq!(avatars.forget(&carol), all);
    let deeds = avatars.stored(&me(), CAROL, (&carol, late), true, now);
    assert_eq!(deeds, [Deed::Remove(hash(8))], "it came after the end");
    assert!(avatars.forget(&carol).is_empty());
}

#[test]
fn so_many_are_kept_and_mine_always() {
    let now = Instant::now();
    let mut avatars = Avatars::default();
    avatars.choose(&me(), Some(hash(1)), 1);
    for n in 0..KEPT - 1 {
        let device = DeviceId(*blake3::hash(&n.to_le_bytes()).as_bytes());
        avatars.linked(&me(), device, &handle(&format!("user{n}")), now);
        avatars.said(&me(), device, choice(1, 2), now);
        let (user, theirs) = avatars.came(&device, hash(2)).unwrap();
        assert!(
            !avatars.stored(&me(), device, (&user, theirs), true, now).iter().any(|d| matches!(d, Deed::Forget(_)))
        );
    }
    avatars.linked(&me(), BOB, &handle("bob"), now);
    let deeds = bring(&mut avatars, choice(1, 3), now);
    assert!(deeds.contains(&Deed::Forget(handle("user0"))), "{deeds:?}");
    assert_eq!((avatars.all().count(), avatars.of(&me())), (KEPT, Some(hash(1))));
}

#[test]
fn of_several_choices_of_mine_the_last_counts_whichever_is_ready_first() {
    let mut avatars = Avatars::default();
    let (slow, quick) = (avatars.begin(), avatars.begin());
    assert!(avatars.is_last(quick) && !avatars.is_last(slow));
    avatars.keeping(hash(7));
    assert_eq!(avatars.not_kept(hash(7)), Some(Deed::Remove(hash(7))), "what was made of the slow one goes");
}
