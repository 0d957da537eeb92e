//! What the tests of the registry's decisions stand on: a registry without an actor, and, like a store, who is whose friend and in which
//! room.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Incarnation, Token};
use hobnob_shared::identity::{Chain, IdentityStatement, ServerStatement, Statement};
use hobnob_shared::message::{FromServer, Introduced, OwnPresence, Presence};

use super::message::{EnterRoom, Page, QuitRoom, Record, SeenAllowed, SetPresence};
use super::state::{Arrival, Circle, Effect, SessionId, State};
use crate::config::Limits;
use crate::introduction::Place;
use crate::store::{AccountId, FriendRow, Relation, RoomHead, RoomKey, Seat, Seen, SeenRow};

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
/// Small, so that a few members make several pages.
const RECORDS_PER_PAGE: usize = 2;

pub(super) fn user(n: i64) -> Handle {
    NAMES[usize::try_from(n).unwrap()].parse().unwrap()
}

pub(super) fn list() -> Arc<IdentityStatement> {
    Arc::new(IdentityStatement { body: Vec::new(), signature: Vec::new() })
}

pub(super) fn statement() -> Statement {
    let chain = Chain { device: Vec::new(), account: Vec::new() };
    Statement { body: Vec::new(), chain, signature: Vec::new() }
}

pub(super) fn row(n: i64) -> FriendRow {
    FriendRow { account: AccountId(n), user: user(n), key: Fingerprint([u8::try_from(n).unwrap(); 32]) }
}

/// A record, as a statement whose body says whose it is, its number, and whether it is a member's.
pub(super) fn record(n: i64, number: u64, member: bool) -> Record {
    let body = vec![u8::try_from(n).unwrap(), u8::try_from(number).unwrap(), u8::from(member)];
    let statement = ServerStatement { body, key: [0; 32], signature: Vec::new() };
    Record { account: AccountId(n), number, member, statement }
}

/// Whose record it is, its number, and whether it is a member's.
pub(super) fn said(statement: &ServerStatement) -> (i64, u64, bool) {
    let [n, number, member] = statement.body.as_slice() else { panic!("{statement:?}") };
    (i64::from(*n), u64::from(*number), *member == 1)
}

/// A room as the store has it.
pub(super) struct Stored {
    pub(super) head: RoomHead,
    /// Account, number, member.
    pub(super) records: Vec<(i64, u64, bool)>,
}

/// See the module.
pub(super) struct World {
    pub(super) state: State,
    pub(super) friends: Vec<(i64, i64)>,
    pub(super) blocks: Vec<(i64, i64)>,
    pub(super) rooms: BTreeMap<i64, Stored>,
    /// Rooms made so far: a room that is made again is another one.
    lives: i64,
    pub(super) roster: u64,
    /// When accounts were last seen; of those who do not allow it there is nothing.
    pub(super) seen: BTreeMap<i64, Seen>,
    /// Milliseconds since 1970.
    pub(super) time: u64,
    pub(super) removed: Vec<u8>,
    pub(super) refreshed: Vec<SessionId>,
    pub(super) now: Instant,
    tokens: u8,
}

/// What a session was sent.
pub(super) type Mail = BTreeMap<SessionId, Vec<FromServer>>;

impl World {
    pub(super) fn new(limits: Limits, friends: &[(i64, i64)]) -> Self {
        Self {
            state: State::new(Arc::new(limits)),
            friends: friends.to_vec(),
            blocks: Vec::new(),
            rooms: BTreeMap::new(),
            lives: 0,
            roster: 0,
            seen: BTreeMap::new(),
            time: 0,
            removed: Vec::new(),
            refreshed: Vec::new(),
            now: Instant::now(),
            tokens: 0,
        }
    }

    pub(super) fn rows(&self, n: i64) -> Vec<FriendRow> {
        let pairs = self.friends.iter();
        pairs.filter_map(|&(a, b)| if a == n { Some(row(b)) } else { (b == n).then(|| row(a)) }).collect()
    }

    pub(super) fn friends_seen(&self, n: i64) -> Vec<SeenRow> {
        let friends = self.rows(n).into_iter().filter(|_| self.seen.contains_key(&n));
        friends
            .filter_map(|row| {
                let at = self.seen.get(&row.account.0)?.at?;
                Some(SeenRow { account: row.account, user: row.user, at })
            })
            .collect()
    }

    /// The store takes in that an account allows it, or not any more.
    pub(super) fn allow_seen(&mut self, session: u64, n: i64, on: bool) -> Mail {
        if on {
            self.seen.insert(n, Seen { allowed: true, at: None });
        } else {
            self.seen.remove(&n);
        }
        let (session, account, friends) = (SessionId(session), AccountId(n), self.friends_seen(n));
        let effects = self.state.seen_allowed(SeenAllowed { session, seq: 5, account, on, friends });
        self.run(effects)
    }

    /// Numbers of the members' records.
    pub(super) fn members(&self, room: i64) -> BTreeMap<i64, u64> {
        let records = self.rooms.get(&room).map(|room| room.records.as_slice()).unwrap_or_default();
        records.iter().filter(|(_, _, member)| *member).map(|(n, number, _)| (*n, *number)).collect()
    }

    /// Who is in a room with somebody.
    pub(super) fn mates(&self, n: i64) -> Vec<i64> {
        let rooms = self.rooms.keys().map(|room| self.members(*room)).filter(|members| members.contains_key(&n));
        let mut mates: Vec<i64> = rooms.flat_map(BTreeMap::into_keys).filter(|other| *other != n).collect();
        mates.sort_unstable();
        mates.dedup();
        mates
    }

    pub(super) fn circle(&self, n: i64, device: DeviceId) -> Circle {
        let seat = |room: &Stored| {
            let mine = room.records.iter().find(|(who, _, member)| *who == n && *member)?;
            Some(Seat { head: room.head.clone(), number: mine.1 })
        };
        Circle {
            friends: self.rows(n),
            pending: Vec::new(),
            rooms: self.rooms.values().filter_map(seat).collect(),
            list_number: 1,
            devices: Vec::new(),
            device_list: list(),
            device_known: !self.removed.contains(&device.0[0]),
            roster: self.roster,
            seen: self.seen.get(&n).copied().unwrap_or_default(),
            friends_seen: self.friends_seen(n),
        }
    }

    fn page(&self, n: i64, room: RoomKey, after: u64) -> Option<Page> {
        let room = self.rooms.values().find(|stored| stored.head.key == room)?;
        room.records.iter().find(|(who, _, member)| *who == n && *member)?;
        let mut rest: Vec<_> = room.records.iter().filter(|(_, number, _)| *number > after).copied().collect();
        rest.sort_unstable_by_key(|(_, number, _)| *number);
        let more = rest.len() > RECORDS_PER_PAGE;
        rest.truncate(RECORDS_PER_PAGE);
        let records = rest.into_iter().map(|(n, number, member)| record(n, number, member)).collect();
        Some(Page { head: room.head.clone(), records, more })
    }

    fn relation(&self, n: i64, other: &Handle) -> Relation {
        let is = |m: &i64| user(*m) == *other;
        let mate = self.mates(n).into_iter().find(is);
        Relation {
            friends: self.rows(n).iter().any(|row| row.user == *other),
            room_mates: mate.is_some(),
            blocked: self.blocks.iter().any(|(a, b)| (*a == n && is(b)) || (is(a) && *b == n)),
        }
    }

    pub(super) fn arrival(n: i64, session: u64, device: u8, presence: OwnPresence) -> Box<Arrival> {
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

    fn token(&mut self) -> Token {
        self.tokens = self.tokens.wrapping_add(1);
        Token([self.tokens; 16])
    }

    /// Carries effects out as the actor would; what was sent to whom. Gathers presence at the end.
    pub(super) fn run(&mut self, effects: Vec<Effect>) -> Mail {
        let mut mail = Mail::new();
        let mut queue: VecDeque<_> = effects.into();
        let mut gather = false;
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Send(session, frame) => mail.entry(session).or_default().push(*frame),
                Effect::Tell(to, frame) => {
                    for session in to {
                        mail.entry(session).or_default().push((*frame).clone());
                    }
                }
                Effect::Refresh(session, ..) => self.refreshed.push(session),
                Effect::End(session, frame) => {
                    mail.entry(session).or_default().push(*frame);
                    queue.extend(self.state.leave(session));
                }
                Effect::Load { session, account, version, device, .. } => {
                    let circle = self.circle(account.0, device);
                    queue.extend(self.state.loaded(session, version, Some(Box::new(circle)), 0));
                }
                Effect::LoadRoom { session, account, room, after } => {
                    let page = self.page(account.0, room, after);
                    queue.extend(self.state.room_page(session, room, Ok(page)));
                }
                Effect::NextPage(session) => queue.extend(self.state.page(session)),
                Effect::Explain { session, seq, account, user, wish } => {
                    let relation = Some(self.relation(account.0, &user));
                    let (now, token) = (self.now, self.token());
                    queue.extend(self.state.explained((session, seq), (&user, wish), relation, now, || token));
                }
                Effect::Grant { .. } | Effect::NoteSeen(..) => {}
                Effect::Gather => gather = true,
            }
        }
        if gather {
            let (spreads, kept) = self.state.gather(self.time);
            for effect in kept {
                if let Effect::NoteSeen(account, at) = effect
                    && let Some(seen) = self.seen.get_mut(&account.0)
                {
                    seen.at = Some(at);
                }
            }
            for spread in spreads {
                for session in spread.to {
                    mail.entry(session).or_default().push(spread.frame.clone());
                }
            }
        }
        mail
    }

    pub(super) fn arrive(&mut self, n: i64, session: u64, presence: OwnPresence) -> Mail {
        let effects = self.state.arrive(Self::arrival(n, session, u8::try_from(session).unwrap(), presence));
        self.run(effects)
    }

    pub(super) fn set(&mut self, session: u64, presence: OwnPresence) -> Mail {
        let session = SessionId(session);
        let effects = self.state.set_presence(SetPresence { session, seq: 1, presence, text: "new".into() });
        self.run(effects)
    }

    pub(super) fn leave(&mut self, session: u64) -> Mail {
        let effects = self.state.leave(SessionId(session));
        self.run(effects)
    }

    pub(super) fn introduce(&mut self, session: u64, to: i64) -> Mail {
        let tokens = &mut self.tokens;
        let fresh = || {
            *tokens = tokens.wrapping_add(1);
            Token([*tokens; 16])
        };
        let effects = self.state.introduce(SessionId(session), 7, user(to), self.now, fresh);
        self.run(effects)
    }

    /// The store takes somebody into a room; what the registry is to be told.
    pub(super) fn store_join(&mut self, session: u64, n: i64, room: i64) -> EnterRoom {
        self.lives += i64::from(!self.rooms.contains_key(&room));
        let life = self.lives;
        let stored = self.rooms.entry(room).or_insert_with(|| Stored {
            head: RoomHead {
                key: RoomKey(life),
                room: format!("#room{room}").parse().unwrap(),
                incarnation: Incarnation([u8::try_from(life).unwrap(); 16]),
                owner: user(n),
                locked: false,
                number: 0,
            },
            records: Vec::new(),
        });
        let mut news = None;
        if !stored.records.iter().any(|(who, _, member)| *who == n && *member) {
            stored.head.number += 1;
            stored.records.retain(|(who, ..)| *who != n);
            stored.records.push((n, stored.head.number, true));
            news = Some(record(n, stored.head.number, true));
        }
        let head = stored.head.clone();
        EnterRoom { session: SessionId(session), seq: 9, account: AccountId(n), head, news }
    }

    /// The store lets somebody out of a room; what the registry is to be told.
    pub(super) fn store_quit(&mut self, session: u64, n: i64, room: i64) -> QuitRoom {
        let stored = self.rooms.get_mut(&room).unwrap();
        stored.head.number += 1;
        stored.records.retain(|(who, ..)| *who != n);
        stored.records.push((n, stored.head.number, false));
        let longest = stored.records.iter().filter(|(.., member)| *member).min_by_key(|(_, number, _)| *number);
        if let Some((owner, ..)) = longest.copied()
            && stored.head.owner == user(n)
        {
            stored.head.owner = user(owner);
        }
        let head = stored.head.clone();
        if longest.is_none() {
            self.rooms.remove(&room);
        }
        let record = record(n, head.number, false);
        QuitRoom { session: SessionId(session), seq: 9, head, record }
    }

    pub(super) fn join(&mut self, session: u64, n: i64, room: i64) -> Mail {
        let enter = self.store_join(session, n, room);
        let effects = self.state.enter_room(enter);
        self.run(effects)
    }

    pub(super) fn quit(&mut self, session: u64, n: i64, room: i64) -> Mail {
        let quit = self.store_quit(session, n, room);
        let effects = self.state.quit_room(quit);
        self.run(effects)
    }
}

pub(super) fn frames(mail: &Mail, session: u64) -> &[FromServer] {
    mail.get(&SessionId(session)).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn changes(mail: &Mail, session: u64) -> Vec<(Presence, String)> {
    let change = |frame: &FromServer| match frame {
        FromServer::PresenceChanged(change) => Some((change.presence, change.text.clone())),
        _ => None,
    };
    frames(mail, session).iter().filter_map(change).collect()
}

pub(super) fn introductions(mail: &Mail, session: u64) -> Vec<&Introduced> {
    let introduced = frames(mail, session).iter().filter_map(|frame| match frame {
        FromServer::Introduced(introduced) => Some(introduced.as_ref()),
        _ => None,
    });
    introduced.collect()
}

pub(super) fn refusal(mail: &Mail, session: u64) -> Option<WireCode> {
    frames(mail, session).iter().find_map(|frame| match frame {
        FromServer::Failed(failed) => Some(failed.code.clone()),
        FromServer::SignedOut(out) => Some(out.code.clone()),
        _ => None,
    })
}
