//! The registry's decisions without an actor: who is shown how, who hears of it, who is introduced to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Handle, RoomId, Token, TransferId};
use hobnob_shared::message::{FromServer, OwnPresence, Presence, RoomMember};
use proptest::prelude::*;

use super::message::{NewFriend, SetPresence};
use super::state::{Effect, SessionId};
use super::world::{World, changes, frames, introductions, list, refusal, said, statement, user};
use crate::config::Limits;
use crate::store::AccountId;

#[test]
fn presence_is_the_accounts_on_all_its_devices_and_only_differences_are_told() {
    use OwnPresence::{Available, Away, Busy, Invisible};
    let mut world = World::new(Limits::default(), &[(0, 1)]);
    let status = |frames: &[FromServer]| {
        let mine = frames.iter().find_map(|frame| match frame {
            FromServer::Welcome(welcome) => welcome.status.clone(),
            FromServer::StatusChanged(status) => Some(status.clone()),
            _ => None,
        });
        mine.map(|status| (status.presence, status.text))
    };
    world.arrive(1, 10, Available);
    assert_eq!(changes(&world.arrive(0, 1, Away), 10), [(Presence::Away, "1".into())]);
    // Who comes while another device is here is as that one is.
    let mail = world.arrive(0, 2, Available);
    assert_eq!((changes(&mail, 10), status(frames(&mail, 2))), (vec![], Some((Away, "1".into()))));
    // Whichever sets it, it is set for all.
    let mail = world.set(2, Busy);
    assert_eq!(
        (changes(&mail, 10), status(frames(&mail, 1))),
        (vec![(Presence::Busy, "new".into())], Some((Busy, "new".into())))
    );
    assert_eq!(status(frames(&mail, 2)), None, "it knows");
    assert_eq!(changes(&world.leave(2), 10), []);
    assert_eq!(changes(&world.set(1, Invisible), 10), [(Presence::Offline, String::new())]);
    let mail = world.arrive(0, 2, Available);
    assert_eq!((changes(&mail, 10), status(frames(&mail, 2))), (vec![], Some((Invisible, "new".into()))));
    // Nobody is here any more: whoever comes back says how they are.
    world.leave(1);
    world.leave(2);
    let mail = world.arrive(0, 1, Busy);
    assert_eq!(
        (changes(&mail, 10), status(frames(&mail, 1))),
        (vec![(Presence::Busy, "1".into())], Some((Busy, "1".into())))
    );
}

#[test]
fn a_change_that_is_taken_back_before_the_gathering_is_told_as_it_is() {
    let mut world = World::new(Limits::default(), &[(0, 1)]);
    world.arrive(0, 1, OwnPresence::Available);
    world.arrive(1, 10, OwnPresence::Available);
    let away = SetPresence { session: SessionId(1), seq: 1, presence: OwnPresence::Away, text: String::new() };
    let back = SetPresence { presence: OwnPresence::Available, text: "1".into(), ..clone(&away) };
    let mut effects = world.state.set_presence(away);
    effects.extend(world.state.set_presence(back));
    let gathers = effects.iter().filter(|effect| matches!(effect, Effect::Gather)).count();
    assert_eq!(gathers, 1);
    assert_eq!(changes(&world.run(effects), 10), [(Presence::Available, "1".into())]);
}

fn clone(set: &SetPresence) -> SetPresence {
    SetPresence { session: set.session, seq: set.seq, presence: set.presence, text: set.text.clone() }
}

#[test]
fn of_two_connections_of_one_device_the_newer_one_stays_even_if_the_older_one_gets_through_last() {
    let mut world = World::new(Limits::default(), &[]);
    let older = world.state.arrive(World::arrival(0, 1, 9, OwnPresence::Available));
    let newer = world.state.arrive(World::arrival(0, 2, 9, OwnPresence::Available));
    assert_eq!(refusal(&world.run(newer), 2), None);
    let mail = world.run(older);
    assert_eq!(refusal(&mail, 1), Some(WireCode::Replaced));
    assert_eq!(refusal(&mail, 2), None);
}

#[test]
fn a_friendship_that_begins_during_the_look_up_is_not_missed() {
    let mut world = World::new(Limits::default(), &[]);
    let effects = world.state.arrive(World::arrival(0, 1, 1, OwnPresence::Available));
    let [Effect::Load { session, version, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let friend = |n| NewFriend { account: AccountId(n), user: user(n), device_list: list() };
    let told = world.state.befriended((SessionId(9), 4), &[friend(0), friend(1)], &statement(), &statement());
    let answer = |frame: &FromServer| matches!(frame, FromServer::Done(done) if done.seq == 4);
    let is_answer = |effect: &Effect| matches!(effect, Effect::Send(SessionId(9), frame) if answer(frame));
    assert!(told.len() == 1 && is_answer(&told[0]), "nobody has been welcomed yet: {told:?}");
    let nobody = world.circle(0, DeviceId([1; 32]));
    let again = world.state.loaded(*session, *version, Some(Box::new(nobody)), 0);
    assert!(matches!(again.as_slice(), [Effect::Load { .. }]), "{again:?}");
    world.friends.push((0, 1));
    let mail = world.run(again);
    let page = mail[&SessionId(1)].iter().find_map(|frame| match frame {
        FromServer::Friends(page) => Some(page.friends.len()),
        _ => None,
    });
    assert_eq!(page, Some(1));
}

#[test]
fn the_same_device_replaces_itself_and_the_limit_holds_for_others() {
    let mut world = World::new(Limits { sessions_per_account: 2, ..Limits::default() }, &[]);
    world.arrive(0, 1, OwnPresence::Available);
    let twin = world.state.arrive(World::arrival(0, 9, 1, OwnPresence::Available));
    let mail = world.run(twin);
    assert_eq!(refusal(&mail, 1), Some(WireCode::Replaced));
    world.arrive(0, 2, OwnPresence::Available);
    assert_eq!(refusal(&world.arrive(0, 3, OwnPresence::Available), 3), Some(WireCode::Full));
    world.leave(2);
    assert_eq!(refusal(&world.arrive(0, 4, OwnPresence::Available), 4), None);
}

#[test]
fn a_failed_look_up_ends_the_session_and_leaves_nothing() {
    let mut world = World::new(Limits::default(), &[]);
    world.state.arrive(World::arrival(0, 1, 1, OwnPresence::Available));
    let effects = world.state.loaded(SessionId(1), 0, None, 0);
    assert!(matches!(effects.as_slice(), [Effect::End(SessionId(1), _)]));
    assert!(world.state.is_empty());
}

#[test]
fn every_device_of_the_friend_is_introduced_and_no_other() {
    let mut world = World::new(Limits::default(), &[(0, 1), (0, 2)]);
    world.arrive(0, 1, OwnPresence::Available);
    world.arrive(0, 2, OwnPresence::Available);
    world.arrive(1, 11, OwnPresence::Available);
    world.arrive(1, 12, OwnPresence::Away);
    world.arrive(2, 21, OwnPresence::Available);
    let mail = world.introduce(1, 1);
    let told: Vec<DeviceId> = introductions(&mail, 1).iter().map(|introduced| introduced.device).collect();
    assert_eq!(told, [DeviceId([11; 32]), DeviceId([12; 32])]);
    for (session, other) in [(11_u64, 0), (12, 1)] {
        let at_friend = introductions(&mail, session);
        let at_me = introductions(&mail, 1)[other];
        assert_eq!(at_friend.len(), 1);
        assert_eq!(
            (at_friend[0].dial, at_friend[0].expect, at_friend[0].relay),
            (at_me.expect, at_me.dial, at_me.relay)
        );
        assert_ne!(at_friend[0].relay_dialler, at_me.relay_dialler);
        assert_eq!(at_me.addresses, [format!("127.0.0.1:{}", 5000 + session)]);
    }
    for silent in [2, 21] {
        assert!(introductions(&mail, silent).is_empty(), "{silent}");
    }
    world.set(11, OwnPresence::Invisible);
    world.now += Duration::from_secs(5);
    assert_eq!(refusal(&world.introduce(1, 1), 1), Some(WireCode::Offline), "nobody finds the invisible");
}

#[test]
fn introductions_keep_their_distance_and_their_number() {
    let mut world = World::new(Limits { dials_per_minute: 4, ..Limits::default() }, &[(0, 1)]);
    world.arrive(0, 1, OwnPresence::Available);
    world.arrive(1, 11, OwnPresence::Available);
    assert_eq!(refusal(&world.introduce(1, 1), 1), None);
    assert_eq!(refusal(&world.introduce(11, 0), 11), Some(WireCode::RateLimited), "the pair, from either side");
    world.now += Duration::from_millis(500);
    assert_eq!(refusal(&world.introduce(1, 1), 1), None);
    world.now += Duration::from_millis(500);
    // Two addresses each time, four a minute.
    let limited = world.introduce(1, 1);
    assert_eq!(refusal(&limited, 1), Some(WireCode::RateLimited));
    assert!(introductions(&limited, 11).is_empty());
    world.now += Duration::from_secs(30);
    assert_eq!(refusal(&world.introduce(1, 1), 1), None);
}

#[test]
fn circuits_reach_the_invisible_only_after_an_introduction() {
    let mut world = World::new(Limits::default(), &[(0, 1)]);
    world.arrive(0, 1, OwnPresence::Available);
    world.arrive(1, 11, OwnPresence::Invisible);
    let open = |world: &mut World, to: i64, device: u8| {
        let wish = (user(to), DeviceId([device; 32]));
        let effects = world.state.open_circuit(SessionId(1), 7, wish, TransferId::new(), Token([9; 16]));
        let mail = world.run(effects);
        (refusal(&mail, 1), mail.get(&SessionId(11)).map_or(0, Vec::len))
    };
    assert_eq!(open(&mut world, 1, 11), (Some(WireCode::Offline), 0));
    world.introduce(11, 0);
    assert_eq!(open(&mut world, 1, 11), (None, 1));
    assert_eq!(open(&mut world, 1, 12), (Some(WireCode::Offline), 0));
    assert_eq!(open(&mut world, 2, 11), (Some(WireCode::NotFriends), 0));
}

/// What can happen, for the property below.
#[derive(Debug, Clone)]
enum Step {
    Arrive(i64, u64, OwnPresence),
    Set(u64, OwnPresence),
    Leave(u64),
    Befriend(i64, i64),
    Part(i64, i64),
    Join(u64, i64),
    Quit(u64, i64),
}

fn step() -> impl Strategy<Value = Step> {
    let presence = prop_oneof![
        Just(OwnPresence::Available),
        Just(OwnPresence::Away),
        Just(OwnPresence::Busy),
        Just(OwnPresence::Invisible)
    ];
    let session = 1..12_u64;
    prop_oneof![
        (0..5_i64, session.clone(), presence.clone()).prop_map(|(n, s, p)| Step::Arrive(n, s, p)),
        (session.clone(), presence).prop_map(|(s, p)| Step::Set(s, p)),
        session.clone().prop_map(Step::Leave),
        (session.clone(), 1..4_i64).prop_map(|(s, r)| Step::Join(s, r)),
        (session, 1..4_i64).prop_map(|(s, r)| Step::Quit(s, r)),
        (0..5_i64, 0..5_i64).prop_map(|(a, b)| Step::Befriend(a, b)),
        (0..5_i64, 0..5_i64).prop_map(|(a, b)| Step::Part(a, b)),
    ]
}

/// What a device believes of people, from all it was told.
#[derive(Default)]
struct Beliefs {
    people: BTreeMap<Handle, Presence>,
    friends: BTreeSet<Handle>,
    /// Of each room, the newest record about each person.
    rooms: BTreeMap<RoomId, BTreeMap<i64, (u64, bool)>>,
}

impl Beliefs {
    fn member(&mut self, room: &RoomId, member: &RoomMember) {
        let (n, number, is_member) = said(&member.record);
        let known = self.rooms.entry(room.clone()).or_default().entry(n).or_default();
        if number >= known.0 {
            *known = (number, is_member);
            if is_member {
                self.people.insert(user(n), member.presence);
            }
        }
    }

    fn hear(&mut self, frame: FromServer) -> Result<(), TestCaseError> {
        match frame {
            FromServer::Friends(page) => {
                for friend in page.friends {
                    self.friends.insert(friend.user.clone());
                    self.people.insert(friend.user, friend.presence);
                }
            }
            FromServer::FriendAdded(friend) => {
                self.friends.insert(friend.user.clone());
                self.people.insert(friend.user, friend.presence);
            }
            FromServer::FriendRemoved(gone) => {
                self.friends.remove(&gone.user);
            }
            FromServer::RoomState(state) => {
                for member in &state.members {
                    self.member(&state.room, member);
                }
            }
            FromServer::RoomChanged(change) => {
                if let Some(member) = &change.member {
                    self.member(&change.room, member);
                }
            }
            FromServer::RoomLeft(left) => {
                self.rooms.remove(&left.room);
            }
            FromServer::PresenceChanged(change) => {
                prop_assert!(self.people.insert(change.user, change.presence).is_some(), "of a stranger");
            }
            _ => {}
        }
        Ok(())
    }

    /// Friends and members of common rooms, and how they are.
    fn circle(&self, me: &Handle) -> BTreeMap<Handle, Presence> {
        let rooms = self.rooms.values().flat_map(|room| room.iter().filter(|(_, (_, member))| *member));
        let mates = rooms.map(|(n, _)| user(*n));
        let all: BTreeSet<Handle> = self.friends.iter().cloned().chain(mates).filter(|other| other != me).collect();
        all.into_iter().map(|other| (other.clone(), self.people[&other])).collect()
    }
}

proptest! {
    /// What each device believes of its friends and of the members of its rooms, from all it was told, is what a look at everybody says.
    #[test]
    fn everybody_always_knows_how_the_others_are(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new(Limits::default(), &[]);
        let mut online: BTreeMap<u64, i64> = BTreeMap::new();
        let mut chosen: BTreeMap<i64, OwnPresence> = BTreeMap::new();
        let mut beliefs: BTreeMap<u64, Beliefs> = BTreeMap::new();
        for step in steps {
            let mail = match step {
                Step::Arrive(n, s, p) if !online.contains_key(&s) => {
                    if !online.values().any(|account| *account == n) {
                        chosen.insert(n, p);
                    }
                    online.insert(s, n);
                    beliefs.insert(s, Beliefs::default());
                    world.arrive(n, s, p)
                }
                Step::Set(s, p) if online.contains_key(&s) => {
                    chosen.insert(online[&s], p);
                    world.set(s, p)
                }
                Step::Leave(s) => {
                    online.remove(&s);
                    beliefs.remove(&s);
                    world.leave(s)
                }
                Step::Befriend(a, b) if a < b && !world.friends.contains(&(a, b)) => {
                    world.friends.push((a, b));
                    let friend = |n| NewFriend { account: AccountId(n), user: user(n), device_list: list() };
                    let asked = (SessionId(u64::MAX), 1);
                    let effects = world.state.befriended(asked, &[friend(a), friend(b)], &statement(), &statement());
                    world.run(effects)
                }
                Step::Part(a, b) if world.friends.contains(&(a, b)) => {
                    world.friends.retain(|pair| *pair != (a, b));
                    let effects = world.state.parted(&[(AccountId(a), user(a)), (AccountId(b), user(b))]);
                    world.run(effects)
                }
                Step::Join(s, room) if online.contains_key(&s) => world.join(s, online[&s], room),
                Step::Quit(s, room) if online.get(&s).is_some_and(|n| world.members(room).contains_key(n)) => {
                    world.quit(s, online[&s], room)
                }
                _ => continue,
            };
            for (SessionId(session), frames) in mail {
                for frame in frames {
                    // One account has at most five sessions.
                    if matches!(frame, FromServer::Failed(_)) {
                        online.remove(&session);
                        beliefs.remove(&session);
                    } else if let Some(known) = beliefs.get_mut(&session) {
                        known.hear(frame)?;
                    }
                }
            }
            let shown = |n: i64| {
                let here = online.values().any(|account| *account == n);
                if here { chosen[&n].shown() } else { Presence::Offline }
            };
            for (session, n) in &online {
                let friends = world.rows(*n).into_iter().map(|row| row.account.0);
                let truth: BTreeMap<_, _> =
                    friends.chain(world.mates(*n)).map(|other| (user(other), shown(other))).collect();
                prop_assert_eq!(&beliefs[session].circle(&user(*n)), &truth, "session {}", session);
            }
        }
        for session in online.keys().copied().collect::<Vec<_>>() {
            world.leave(session);
        }
        prop_assert!(world.state.is_empty());
    }
}
