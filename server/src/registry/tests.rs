//! The registry's decisions without an actor: who is shown how, who hears of it, who is introduced to whom.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Token, TransferId};
use hobnob_shared::identity::{Chain, IdentityStatement, Statement};
use hobnob_shared::message::{FromServer, Introduced, OwnPresence, Presence};
use proptest::prelude::*;

use super::message::{NewFriend, SetPresence};
use super::state::{Arrival, Effect, SessionId, State};
use crate::config::Limits;
use crate::introduction::Place;
use crate::store::{AccountId, FriendRow};

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

fn user(n: i64) -> Handle {
    NAMES[usize::try_from(n).unwrap()].parse().unwrap()
}

fn list() -> Arc<IdentityStatement> {
    Arc::new(IdentityStatement { body: Vec::new(), signature: Vec::new() })
}

fn statement() -> Statement {
    let chain = Chain { device: Vec::new(), account: Vec::new() };
    Statement { body: Vec::new(), chain, signature: Vec::new() }
}

fn row(n: i64) -> FriendRow {
    FriendRow { account: AccountId(n), user: user(n), key: Fingerprint([u8::try_from(n).unwrap(); 32]) }
}

/// A registry and, like a store, who is whose friend.
struct World {
    state: State,
    friends: Vec<(i64, i64)>,
    now: Instant,
    tokens: u8,
}

/// What a session was sent.
type Mail = BTreeMap<SessionId, Vec<FromServer>>;

impl World {
    fn new(limits: Limits, friends: &[(i64, i64)]) -> Self {
        let state = State::new(Arc::new(limits));
        Self { state, friends: friends.to_vec(), now: Instant::now(), tokens: 0 }
    }

    fn rows(&self, n: i64) -> Vec<FriendRow> {
        let pairs = self.friends.iter();
        pairs.filter_map(|&(a, b)| if a == n { Some(row(b)) } else { (b == n).then(|| row(a)) }).collect()
    }

    fn arrival(n: i64, session: u64, device: u8, presence: OwnPresence) -> Box<Arrival> {
        Box::new(Arrival {
            session: SessionId(session),
            account: AccountId(n),
            user: user(n),
            device: DeviceId([device; 32]),
            chain: Arc::new(Chain { device: vec![device], account: Vec::new() }),
            list_number: 1,
            device_list: list(),
            place: Place::new([127, 0, 0, 1].into(), 5000 + u16::from(device), &[]),
            presence,
            text: format!("{device}"),
            seen: String::new(),
        })
    }

    /// Carries effects out as the actor would; what was sent to whom. Gathers presence at the end.
    fn run(&mut self, effects: Vec<Effect>) -> Mail {
        let mut mail = Mail::new();
        let mut queue: std::collections::VecDeque<_> = effects.into();
        let mut gather = false;
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Send(session, frame) => mail.entry(session).or_default().push(*frame),
                Effect::End(session, frame) => {
                    mail.entry(session).or_default().push(*frame);
                    queue.extend(self.state.leave(session));
                }
                Effect::Load { session, account, version, .. } => {
                    let rows = self.rows(account.0);
                    queue.extend(self.state.loaded(session, version, Some((rows, Vec::new())), 0));
                }
                Effect::NextPage(session) => queue.extend(self.state.page(session)),
                Effect::Explain { session, seq, account, user } => {
                    let friends = self.rows(account.0).iter().any(|row| row.user == user);
                    queue.extend(State::explained(session, seq, Some(friends)));
                }
                Effect::Grant { .. } => {}
                Effect::Gather => gather = true,
            }
        }
        if gather {
            for spread in self.state.gather() {
                for session in spread.to {
                    mail.entry(session).or_default().push(spread.frame.clone());
                }
            }
        }
        mail
    }

    fn arrive(&mut self, n: i64, session: u64, presence: OwnPresence) -> Mail {
        let effects = self.state.arrive(Self::arrival(n, session, u8::try_from(session).unwrap(), presence));
        self.run(effects)
    }

    fn set(&mut self, session: u64, presence: OwnPresence) -> Mail {
        let session = SessionId(session);
        let effects = self.state.set_presence(SetPresence { session, seq: 1, presence, text: "new".into() });
        self.run(effects)
    }

    fn leave(&mut self, session: u64) -> Mail {
        let effects = self.state.leave(SessionId(session));
        self.run(effects)
    }

    fn introduce(&mut self, session: u64, to: i64) -> Mail {
        let tokens = &mut self.tokens;
        let fresh = || {
            *tokens = tokens.wrapping_add(1);
            Token([*tokens; 16])
        };
        let effects = self.state.introduce(SessionId(session), 7, user(to), self.now, fresh);
        self.run(effects)
    }
}

fn changes(mail: &Mail, session: u64) -> Vec<(Presence, String)> {
    let frames = mail.get(&SessionId(session)).map(Vec::as_slice).unwrap_or_default();
    let change = |frame: &FromServer| match frame {
        FromServer::PresenceChanged(change) => Some((change.presence, change.text.clone())),
        _ => None,
    };
    frames.iter().filter_map(change).collect()
}

fn introductions(mail: &Mail, session: u64) -> Vec<&Introduced> {
    let frames = mail.get(&SessionId(session)).map(Vec::as_slice).unwrap_or_default();
    let introduced = frames.iter().filter_map(|frame| match frame {
        FromServer::Introduced(introduced) => Some(introduced.as_ref()),
        _ => None,
    });
    introduced.collect()
}

fn refusal(mail: &Mail, session: u64) -> Option<WireCode> {
    mail.get(&SessionId(session))?.iter().find_map(|frame| match frame {
        FromServer::Failed(failed) => Some(failed.code.clone()),
        FromServer::SignedOut(out) => Some(out.code.clone()),
        _ => None,
    })
}

#[test]
fn the_best_device_is_shown_and_only_differences_are_told() {
    use OwnPresence::{Available, Away, Busy, Invisible};
    let mut world = World::new(Limits::default(), &[(0, 1)]);
    world.arrive(1, 10, Available);
    assert_eq!(changes(&world.arrive(0, 1, Away), 10), [(Presence::Away, "1".into())]);
    assert_eq!(changes(&world.arrive(0, 2, Invisible), 10), []);
    assert_eq!(changes(&world.set(2, Busy), 10), [(Presence::Busy, "new".into())]);
    assert_eq!(changes(&world.set(1, Available), 10), [(Presence::Available, "new".into())]);
    assert_eq!(changes(&world.set(2, Away), 10), []);
    assert_eq!(changes(&world.leave(1), 10), [(Presence::Away, "new".into())]);
    assert_eq!(changes(&world.set(2, Invisible), 10), [(Presence::Offline, String::new())]);
    assert_eq!(changes(&world.leave(2), 10), []);
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
fn a_friendship_that_begins_during_the_look_up_is_not_missed() {
    let mut world = World::new(Limits::default(), &[]);
    let effects = world.state.arrive(World::arrival(0, 1, 1, OwnPresence::Available));
    let [Effect::Load { session, version, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let friend = |n| NewFriend { account: AccountId(n), user: user(n), device_list: list() };
    let told = world.state.befriended(&[friend(0), friend(1)], &statement(), &statement());
    assert!(told.is_empty(), "nobody has been welcomed yet");
    let again = world.state.loaded(*session, *version, Some((Vec::new(), Vec::new())), 0);
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
    world.arrive(1, 13, OwnPresence::Invisible);
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
    for silent in [2, 13, 21] {
        assert!(introductions(&mail, silent).is_empty(), "{silent}");
    }
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
        session.prop_map(Step::Leave),
        (0..5_i64, 0..5_i64).prop_map(|(a, b)| Step::Befriend(a, b)),
        (0..5_i64, 0..5_i64).prop_map(|(a, b)| Step::Part(a, b)),
    ]
}

proptest! {
    /// What each device believes of its friends, from all it was told, is what a look at everybody says.
    #[test]
    fn everybody_always_knows_how_their_friends_are(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new(Limits::default(), &[]);
        let mut online: BTreeMap<u64, (i64, OwnPresence)> = BTreeMap::new();
        let mut beliefs: BTreeMap<u64, BTreeMap<Handle, Presence>> = BTreeMap::new();
        for step in steps {
            let mail = match step {
                Step::Arrive(n, s, p) if !online.contains_key(&s) => {
                    online.insert(s, (n, p));
                    beliefs.insert(s, BTreeMap::new());
                    world.arrive(n, s, p)
                }
                Step::Set(s, p) if online.contains_key(&s) => {
                    online.entry(s).and_modify(|entry| entry.1 = p);
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
                    let effects = world.state.befriended(&[friend(a), friend(b)], &statement(), &statement());
                    world.run(effects)
                }
                Step::Part(a, b) if world.friends.contains(&(a, b)) => {
                    world.friends.retain(|pair| *pair != (a, b));
                    let effects = world.state.parted(&[(AccountId(a), user(a)), (AccountId(b), user(b))]);
                    world.run(effects)
                }
                _ => continue,
            };
            for (SessionId(session), frames) in mail {
                for frame in frames {
                    let Some(known) = beliefs.get_mut(&session) else { continue };
                    match frame {
                        FromServer::Friends(page) => {
                            known.extend(page.friends.into_iter().map(|f| (f.user, f.presence)));
                        }
                        FromServer::FriendAdded(friend) => {
                            known.insert(friend.user, friend.presence);
                        }
                        FromServer::FriendRemoved(gone) => {
                            known.remove(&gone.user);
                        }
                        FromServer::PresenceChanged(change) => {
                            prop_assert!(known.insert(change.user, change.presence).is_some(), "of a stranger");
                        }
                        // One account has at most five sessions.
                        FromServer::Failed(_) => {
                            online.remove(&session);
                            beliefs.remove(&session);
                        }
                        _ => {}
                    }
                }
            }
            let shown = |n: i64| {
                let own = online.values().filter(|(account, _)| *account == n).map(|(_, presence)| *presence);
                let rank = [OwnPresence::Available, OwnPresence::Busy, OwnPresence::Away];
                let own: Vec<_> = own.collect();
                rank.into_iter().find(|p| own.contains(p)).map_or(Presence::Offline, OwnPresence::shown)
            };
            for (session, (n, _)) in &online {
                let truth: BTreeMap<_, _> =
                    world.rows(*n).into_iter().map(|row| (row.user, shown(row.account.0))).collect();
                prop_assert_eq!(&beliefs[session], &truth, "session {}", session);
            }
        }
        for session in online.keys().copied().collect::<Vec<_>>() {
            world.leave(session);
        }
        prop_assert!(world.state.is_empty());
    }
}
