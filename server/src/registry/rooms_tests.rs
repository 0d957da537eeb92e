//! The registry's decisions about rooms, without an actor: who is shown a room, who hears of a change, who finds whom.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use hobnob_shared::codec::to_cbor;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Incarnation, Token, TransferId};
use hobnob_shared::identity::{ServerKey, self_signed_server};
use hobnob_shared::limits::{FRAME, RECORDS_PER_PAGE, STATUS_TEXT};
use hobnob_shared::message::{
    FromServer, MEMBERSHIP, Membership, OwnPresence, Presence, RoomChanged, RoomMember, RoomState,
};

use super::message::LockRoom;
use super::state::{Effect, SessionId};
use super::world::{Mail, World, changes, frames, introductions, refusal, said, user};
use crate::config::Limits;

const HERE: OwnPresence = OwnPresence::Available;

/// What is said of a room's records, over all pages, and whether the last says that it is the last.
fn shown(mail: &Mail, session: u64) -> Vec<(i64, u64, bool)> {
    let pages: Vec<&RoomState> = frames(mail, session)
        .iter()
        .filter_map(|frame| match frame {
            FromServer::RoomState(state) => Some(state.as_ref()),
            _ => None,
        })
        .collect();
    if let Some((last, before)) = pages.split_last() {
        assert!(last.last && before.iter().all(|page| !page.last), "{pages:?}");
    }
    pages.iter().flat_map(|page| page.members.iter().map(|member| said(&member.record))).collect()
}

fn changed(mail: &Mail, session: u64) -> Vec<&RoomChanged> {
    let changed = frames(mail, session).iter().filter_map(|frame| match frame {
        FromServer::RoomChanged(change) => Some(change.as_ref()),
        _ => None,
    });
    changed.collect()
}

fn is_done(frame: &FromServer) -> bool {
    matches!(frame, FromServer::Done(_))
}

#[test]
fn who_joins_is_shown_the_room_on_all_devices_and_the_others_are_shown_who_joins() {
    let mut world = World::new(Limits::default(), &[]);
    world.arrive(0, 1, HERE);
    world.arrive(0, 2, HERE);
    world.arrive(1, 11, OwnPresence::Busy);
    assert_eq!(shown(&world.join(1, 0, 1), 1), [(0, 1, true)]);
    let mail = world.join(11, 1, 1);
    assert_eq!(shown(&mail, 11), [(0, 1, true), (1, 2, true)]);
    assert!(is_done(frames(&mail, 11).last().unwrap()), "done comes when all is shown");
    assert!(changed(&mail, 11).is_empty());
    for session in [1, 2] {
        let [change] = changed(&mail, session)[..] else { panic!("{mail:?}") };
        let member = change.member.as_ref().unwrap();
        assert_eq!((said(&member.record), member.presence), ((1, 2, true), Presence::Busy));
        assert_eq!((&change.owner, change.locked), (&user(0), false));
    }
    // Somebody's second device is shown it too, without an answer to what it did not ask.
    let mail = world.join(1, 0, 2);
    assert_eq!((shown(&mail, 1), shown(&mail, 2)), (vec![(0, 1, true)], vec![(0, 1, true)]));
    assert!(!frames(&mail, 2).iter().any(is_done));
    // Joining again shows it again, to who asks, and is no news.
    let again = world.join(11, 1, 1);
    assert_eq!(shown(&again, 11), [(0, 1, true), (1, 2, true)]);
    assert_eq!(again.len(), 1, "{again:?}");
}

#[test]
fn presence_goes_to_friends_and_room_mates_once_each() {
    let mut world = World::new(Limits::default(), &[(0, 1)]);
    for (n, session) in [(0, 1), (1, 11), (2, 21), (3, 31)] {
        world.arrive(n, session, HERE);
    }
    for room in 1..4 {
        for (n, session) in [(0, 1), (1, 11), (2, 21)] {
            world.join(session, n, room);
        }
    }
    let mail = world.set(1, OwnPresence::Away);
    for session in [11, 21] {
        assert_eq!(changes(&mail, session), [(Presence::Away, "new".into())], "{session}");
    }
    assert!(changes(&mail, 31).is_empty() && changes(&mail, 1).is_empty());
    // Out of one of three rooms changes nothing, out of the last one everything.
    world.quit(21, 2, 1);
    world.quit(21, 2, 2);
    assert_eq!(changes(&world.set(1, OwnPresence::Busy), 21).len(), 1);
    world.quit(21, 2, 3);
    let mail = world.set(1, OwnPresence::Away);
    assert!(changes(&mail, 21).is_empty());
    assert_eq!(changes(&mail, 11).len(), 1);
    assert_eq!(changes(&world.leave(1), 11), [(Presence::Offline, String::new())]);
}

#[test]
fn who_leaves_hears_it_and_is_shown_as_gone() {
    let mut world = World::new(Limits::default(), &[]);
    for (n, session) in [(0, 1), (0, 2), (1, 11), (2, 21)] {
        world.arrive(n, session, HERE);
    }
    for (n, session) in [(0, 1), (1, 11), (2, 21)] {
        world.join(session, n, 1);
    }
    let mail = world.quit(1, 0, 1);
    for session in [1, 2] {
        assert!(frames(&mail, session).iter().any(|frame| matches!(frame, FromServer::RoomLeft(left)
            if said(&left.record) == (0, 4, false))));
        assert!(changed(&mail, session).is_empty());
    }
    for session in [11, 21] {
        let [change] = changed(&mail, session)[..] else { panic!("{mail:?}") };
        let member = change.member.as_ref().unwrap();
        assert_eq!((said(&member.record), member.presence), ((0, 4, false), Presence::Offline));
        assert_eq!(change.owner, user(1), "the longest member owns it");
    }
    // Those who come later are shown the record of who left, and not how they are.
    let mail = world.arrive(2, 22, HERE);
    assert_eq!(shown(&mail, 22), [(1, 2, true), (2, 3, true), (0, 4, false)]);
    let welcomed = frames(&mail, 22).iter().find_map(|frame| match frame {
        FromServer::Welcome(welcome) => Some(welcome.rooms.len()),
        _ => None,
    });
    assert_eq!(welcomed, Some(1));
    // Who asks is answered, also when nobody is left.
    world.quit(11, 1, 1);
    let mail = world.quit(21, 2, 1);
    assert!(frames(&mail, 21).iter().any(is_done));
    assert!(changed(&mail, 11).is_empty());
}

#[test]
fn changes_that_are_told_out_of_turn_end_up_right() {
    let mut world = World::new(Limits::default(), &[]);
    for (n, session) in [(0, 1), (1, 11)] {
        world.arrive(n, session, HERE);
    }
    world.join(1, 0, 1);
    let (enter, quit) = (world.store_join(11, 1, 1), world.store_quit(1, 1, 1));
    let first = world.state.quit_room(quit);
    world.run(first);
    let second = world.state.enter_room(enter);
    let mail = world.run(second);
    assert_eq!(refusal(&mail, 11), Some(WireCode::NotFound), "it is over already");
    assert!(shown(&mail, 11).is_empty());
    assert!(changes(&world.set(1, OwnPresence::Away), 11).is_empty());
    assert!(changes(&world.set(11, OwnPresence::Away), 1).is_empty());
    // Of two changes of the lock the newer counts.
    let mut lock = |locked: bool| {
        let stored = world.rooms.get_mut(&1).unwrap();
        stored.head.number += 1;
        stored.head.locked = locked;
        LockRoom { session: SessionId(1), seq: 3, head: stored.head.clone() }
    };
    let (older, newer) = (lock(true), lock(false));
    let effects = [world.state.lock_room(newer), world.state.lock_room(older)].concat_effects();
    let mail = world.run(effects);
    assert_eq!(changed(&mail, 1).iter().map(|change| change.locked).collect::<Vec<_>>(), [false, false]);
}

#[test]
fn a_leave_that_is_told_after_the_return_changes_nothing() {
    let mut world = World::new(Limits::default(), &[]);
    for (n, session) in [(0, 1), (1, 11), (1, 12)] {
        world.arrive(n, session, HERE);
    }
    world.join(1, 0, 1);
    world.join(11, 1, 1);
    let (quit, enter) = (world.store_quit(11, 1, 1), world.store_join(12, 1, 1));
    let first = world.state.enter_room(enter);
    world.run(first);
    let second = world.state.quit_room(quit);
    let mail = world.run(second);
    assert!(is_done(frames(&mail, 11).last().unwrap()));
    assert!(frames(&mail, 12).is_empty() && frames(&mail, 1).is_empty(), "{mail:?}");
    assert_eq!(changes(&world.set(1, OwnPresence::Away), 11).len(), 1, "still in one room");
}

trait Concat {
    fn concat_effects(self) -> Vec<Effect>;
}

impl<const N: usize> Concat for [Vec<Effect>; N] {
    fn concat_effects(self) -> Vec<Effect> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn a_page_that_was_read_before_the_asker_left_is_not_shown() {
    let mut world = World::new(Limits::default(), &[]);
    for (n, session) in [(0, 1), (1, 11)] {
        world.arrive(n, session, HERE);
        world.join(session, n, 1);
    }
    let again = world.store_join(11, 1, 1);
    let head = again.head.clone();
    let effects = world.state.enter_room(again);
    assert!(matches!(effects.as_slice(), [Effect::LoadRoom { .. }]), "{effects:?}");
    let quit = world.store_quit(11, 1, 1);
    let left = world.state.quit_room(quit);
    world.run(left);
    let stale = super::message::Page { head: head.clone(), records: Vec::new(), more: true };
    let effects = world.state.room_page(SessionId(11), head.key, Ok(Some(stale)));
    assert_eq!(refusal(&world.run(effects), 11), Some(WireCode::NotFound));
    // A store that fails ends the session, since it would go on with half a room.
    let again = world.store_join(1, 0, 1);
    let key = again.head.key;
    world.state.enter_room(again);
    let effects = world.state.room_page(SessionId(1), key, Err(()));
    assert!(matches!(effects.as_slice(), [Effect::End(SessionId(1), _)]));
}

#[test]
fn members_find_each_other_strangers_and_the_blocked_do_not() {
    let mut world = World::new(Limits::default(), &[]);
    for (n, session) in [(0, 1), (1, 11), (2, 21)] {
        world.arrive(n, session, HERE);
    }
    world.join(1, 0, 1);
    world.join(11, 1, 1);
    let mail = world.introduce(1, 1);
    assert_eq!(introductions(&mail, 11)[0].user, user(0));
    assert_eq!(introductions(&mail, 1)[0].user, user(1));
    assert_eq!(refusal(&world.introduce(1, 2), 1), Some(WireCode::NotFriends));
    assert_eq!(refusal(&world.introduce(1, 3), 1), Some(WireCode::NotFriends), "who is not here looks alike");

    let circuit = |world: &mut World, to: i64, device: u8| {
        let wish = (user(to), DeviceId([device; 32]));
        let effects = world.state.open_circuit(SessionId(1), 7, wish, TransferId::new(), Token([9; 16]));
        let mail = world.run(effects);
        (refusal(&mail, 1), frames(&mail, u64::from(device)).len())
    };
    assert_eq!(circuit(&mut world, 1, 11), (None, 1));
    assert_eq!(circuit(&mut world, 2, 21), (Some(WireCode::NotFriends), 0));

    world.now += Duration::from_secs(1);
    for block in [(0, 1), (1, 0)] {
        world.blocks = vec![block];
        assert_eq!(refusal(&world.introduce(1, 1), 1), Some(WireCode::Offline), "as if they were not here");
        assert_eq!(circuit(&mut world, 1, 11), (Some(WireCode::Offline), 0));
    }
    world.blocks.clear();
    world.set(11, OwnPresence::Invisible);
    assert_eq!(refusal(&world.introduce(1, 1), 1), Some(WireCode::Offline));
    world.leave(11);
    assert_eq!(refusal(&world.introduce(1, 1), 1), Some(WireCode::Offline), "a member, so no stranger");
}

#[test]
fn a_device_that_does_not_read_is_not_shown_rooms_without_end() {
    let mut world = World::new(Limits { rooms: 2, ..Limits::default() }, &[]);
    world.arrive(0, 1, HERE);
    world.join(1, 0, 1);
    let mut ended = false;
    for _ in 0..10 {
        let enter = world.store_join(1, 0, 1);
        // The pages that it asks for never come.
        let effects = world.state.enter_room(enter);
        ended |= effects.iter().any(|effect| matches!(effect, Effect::End(SessionId(1), _)));
    }
    assert!(ended);
}

#[test]
fn the_largest_page_fits_into_a_frame() {
    let (_, key) = self_signed_server().unwrap();
    let key = ServerKey::from_pkcs8(&key).unwrap();
    let membership = Membership {
        room: format!("#{}", "x".repeat(32)).parse().unwrap(),
        incarnation: Incarnation([255; 16]),
        number: u64::MAX,
        user: "y".repeat(32).parse().unwrap(),
        account: Fingerprint([255; 32]),
        member: false,
        at: u64::MAX,
    };
    let record = key.sign(MEMBERSHIP, &membership).unwrap();
    let member = RoomMember { record, presence: Presence::Available, text: "\u{1f375}".repeat(STATUS_TEXT) };
    let state = RoomState {
        room: membership.room,
        incarnation: membership.incarnation,
        owner: membership.user,
        locked: true,
        members: vec![member; RECORDS_PER_PAGE],
        last: false,
    };
    let size = to_cbor(&FromServer::RoomState(Box::new(state))).unwrap().len();
    assert!(size <= FRAME, "{size}");
}
