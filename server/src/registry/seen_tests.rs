//! When people were last seen: who is told, what is kept, and that the invisible do not show.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_shared::id::DeviceId;
use hobnob_shared::message::{FromServer, OwnPresence, Presence};

use super::state::SessionId;
use super::world::{Mail, World, frames};
use crate::config::Limits;

/// What a session was told of presence, with times.
fn told(mail: &Mail, session: u64) -> Vec<(Presence, Option<u64>)> {
    let said = frames(mail, session).iter().filter_map(|frame| match frame {
        FromServer::PresenceChanged(change) => Some((change.presence, change.last_seen)),
        _ => None,
    });
    said.collect()
}

/// What a sign-in's friend list says of the one friend.
fn listed(mail: &Mail, session: u64) -> Option<u64> {
    frames(mail, session).iter().find_map(|frame| match frame {
        FromServer::Friends(page) => page.friends.first().and_then(|entry| entry.last_seen),
        _ => None,
    })
}

/// 0 and 1 are friends, 2 is in a room with 0; `allowing` of them allow it.
fn world(allowing: &[i64]) -> World {
    let mut world = World::new(Limits::default(), &[(0, 1)]);
    world.time = 10 * 60_000 + 59_999;
    for account in 0..3_i64 {
        let session = u64::try_from(account).unwrap() + 1;
        world.arrive(account, session, OwnPresence::Available);
        if allowing.contains(&account) {
            world.allow_seen(session, account, true);
        }
    }
    world.join(1, 0, 7);
    world.join(3, 2, 7);
    world
}

#[test]
fn friends_who_both_allow_it_are_told_the_minute_and_nobody_else() {
    let mut all = world(&[0, 1, 2]);
    let mail = all.leave(1);
    assert_eq!(told(&mail, 2), [(Presence::Offline, Some(600_000))]);
    assert_eq!(told(&mail, 3), [(Presence::Offline, None)], "in a common room, but no friend");
    assert_eq!(told(&world(&[0]).leave(1), 2), [(Presence::Offline, None)], "who does not tell is not told");
    let mut silent = world(&[1]);
    assert_eq!(told(&silent.leave(1), 2), [(Presence::Offline, None)]);
    assert!(!silent.seen.contains_key(&0), "nothing is kept of who does not allow it");
}

#[test]
fn it_is_kept_for_friends_who_come_later() {
    let mut world = world(&[0, 1]);
    world.leave(1);
    world.leave(2);
    world.time += 3_600_000;
    assert_eq!(listed(&world.arrive(1, 5, OwnPresence::Available), 5), Some(600_000));
    // Online there is no such time.
    world.leave(5);
    world.arrive(0, 6, OwnPresence::Available);
    assert_eq!(listed(&world.arrive(1, 7, OwnPresence::Available), 7), None);
}

#[test]
fn who_comes_and_goes_before_anybody_was_told_was_seen_as_well() {
    let mut world = world(&[0, 1]);
    world.leave(1);
    world.time += 3_600_000;
    let mut effects = world.state.arrive(World::arrival(0, 4, 4, OwnPresence::Available));
    let circle = Box::new(world.circle(0, DeviceId([4; 32])));
    effects.clear();
    effects.extend(world.state.loaded(SessionId(4), 0, Some(circle), 0));
    effects.extend(world.state.leave(SessionId(4)));
    world.run(effects);
    world.leave(2);
    assert_eq!(listed(&world.arrive(1, 5, OwnPresence::Available), 5), Some(4_200_000));
}

#[test]
fn the_invisible_were_seen_when_they_became_so_and_their_coming_and_going_moves_nothing() {
    let mut world = world(&[0, 1]);
    assert_eq!(told(&world.set(1, OwnPresence::Invisible), 2), [(Presence::Offline, Some(600_000))]);
    world.time += 3_600_000;
    assert!(told(&world.leave(1), 2).is_empty());
    world.time += 3_600_000;
    assert!(told(&world.arrive(0, 8, OwnPresence::Invisible), 2).is_empty());
    world.time += 3_600_000;
    assert!(told(&world.leave(8), 2).is_empty());
    assert_eq!(listed(&world.arrive(1, 9, OwnPresence::Available), 9), Some(600_000));
}

#[test]
fn who_allows_it_is_told_at_once_and_who_takes_it_back_is_forgotten() {
    let mut world = world(&[0]);
    world.leave(1);
    assert_eq!(told(&world.allow_seen(2, 1, true), 2), [(Presence::Offline, Some(600_000))]);
    world.arrive(0, 4, OwnPresence::Invisible);
    assert!(told(&world.allow_seen(4, 0, false), 2).is_empty(), "a word would say that somebody is there");
    world.leave(4);
    assert_eq!(listed(&world.arrive(1, 5, OwnPresence::Available), 5), None);
}

#[test]
fn the_times_of_all_friends_come_to_who_allows_it() {
    let friends: Vec<(i64, i64)> = (1..5).map(|n| (0, n)).collect();
    let mut world = World::new(Limits::default(), &friends);
    for account in 1..5_i64 {
        let session = account.unsigned_abs();
        world.arrive(account, session, OwnPresence::Available);
        world.allow_seen(session, account, true);
        world.leave(session);
    }
    world.arrive(0, 9, OwnPresence::Available);
    assert_eq!(told(&world.allow_seen(9, 0, true), 9).len(), 4);
}
