//! The decisions of a peer link: which of several connections is the link, when it is alive, what may be said on it. Pure: input and `now`
//! in, effects out. Driven by the actor, by property tests and by simulation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, InstanceId, MessageId};
use hobnob_shared::limits::{HEADS, SIGN_IN_TIMEOUT, WINDOW};
use hobnob_shared::machine::liveness::{Liveness, Verdict};
use hobnob_shared::message::{Have, Head, Peer, PeerHello, Pulse, Select, Thread, Unsupported, Want};

use super::pushes::Pushes;
use crate::core::event::LinkPath;
use crate::core::replica::defective;
use crate::core::replica::push::ReadLog;

/// A connection of this link, numbered as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A challenger waits so long for a sign of life of the link that it would replace.
const CHALLENGE: Duration = Duration::from_secs(2);
/// Connections in one race: both sides' addresses, both directions, and the relay.
const CONNECTIONS: usize = 16;

/// What the shell has to do.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Write a frame.
    Write(ConnectionId, Box<Peer>),
    /// Write a frame if there is room for it.
    Offer(ConnectionId, Box<Peer>),
    /// End a connection.
    Close(ConnectionId),
    /// This connection is the link now.
    Up(ConnectionId),
    /// There is no link any more.
    Down,
    /// Read the own log of this thread and answer with [`State::log_read`].
    Read(Thread, ReadLog),
    /// Store what a log brought, show it, and answer with [`State::stored`]: `entries` or `signed_entries`.
    Store(Box<Peer>),
    /// Read a log and answer this with it.
    Serve(Want),
    /// These own messages were written to the link.
    Sent(Vec<MessageId>),
    /// For the registry.
    Forward(Box<Peer>),
}

/// What the disk answered to [`Effect::Read`].
#[derive(Debug, PartialEq)]
pub struct LogRead {
    /// Number of each entry.
    pub numbers: Vec<u64>,
    /// Those of them that nobody has yet, as far as is known.
    pub waiting: Vec<MessageId>,
    /// All of them; `None` if there is none.
    pub frame: Option<Box<Peer>>,
    /// There was nothing more.
    pub complete: bool,
}

#[derive(Debug)]
enum Phase {
    /// Their hello has not come.
    ExpectHello,
    /// Their hello came; it is not selected.
    Greeted,
    /// Would replace the link unless that gives a sign of life.
    Challenging { until: Instant },
    /// Is the link.
    Live,
}

#[derive(Debug)]
struct Conn {
    phase: Phase,
    path: LinkPath,
    since: Instant,
    liveness: Liveness,
    instance: Option<InstanceId>,
}

/// See the module.
#[derive(Debug)]
pub struct State {
    /// This device has the smaller id and selects.
    selects: bool,
    connections: BTreeMap<ConnectionId, Conn>,
    live: Option<ConnectionId>,
    next: u64,
    pushes: Pushes,
}

impl State {
    /// Between `own` and `other`; no connection yet.
    pub fn new(own: DeviceId, other: DeviceId) -> Self {
        Self { selects: own < other, connections: BTreeMap::new(), live: None, next: 0, pushes: Pushes::new(own) }
    }

    /// The connection that is the link.
    pub fn live(&self) -> Option<ConnectionId> {
        self.live
    }

    /// How the link goes.
    pub fn path(&self) -> LinkPath {
        self.live.and_then(|id| self.connections.get(&id)).map_or(LinkPath::None, |conn| conn.path)
    }

    /// A new authenticated connection; `None` when there are too many already.
    pub fn connected(&mut self, path: LinkPath, hello: PeerHello, now: Instant) -> Option<(ConnectionId, Vec<Effect>)> {
        if self.connections.len() >= CONNECTIONS {
            return None;
        }
        self.next += 1;
        let id = ConnectionId(self.next);
        let conn = Conn { phase: Phase::ExpectHello, path, since: now, liveness: Liveness::new(now), instance: None };
        self.connections.insert(id, conn);
        Some((id, vec![Effect::Write(id, Box::new(Peer::Hello(Box::new(hello))))]))
    }

    /// A frame came. The shell has checked a hello's signatures before it gets here.
    pub fn frame(&mut self, id: ConnectionId, frame: Peer, now: Instant) -> Vec<Effect> {
        let Some(conn) = self.connections.get_mut(&id) else { return Vec::new() };
        conn.liveness.heard(now);
        let mut effects = Vec::new();
        if self.live == Some(id) {
            self.end_challenges(&mut effects);
            self.live_frame(id, frame, &mut effects);
            return effects;
        }
        match (&conn.phase, frame) {
            (Phase::ExpectHello, Peer::Hello(hello)) => {
                conn.phase = Phase::Greeted;
                conn.instance = Some(hello.instance);
                if self.selects || defective!(BothSelect) {
                    self.consider(id, now, &mut effects);
                }
            }
            (Phase::Greeted, Peer::Select(_)) if !self.selects => {
                if !defective!(IgnoreSelect) {
                    self.make_live(id, &mut effects);
                }
            }
            (Phase::Greeted | Phase::Challenging { .. }, Peer::Ping(pulse)) => {
                effects.push(Effect::Write(id, Box::new(Peer::Pong(pulse))));
            }
            (Phase::Greeted | Phase::Challenging { .. }, Peer::Pong(_)) => {}
            // Anything else before `select` is not a Hobnob peer.
            _ => self.drop_connection(id, &mut effects),
        }
        effects
    }

    /// A frame of an unknown kind came.
    pub fn unknown(&mut self, id: ConnectionId, kind: &str, now: Instant) -> Vec<Effect> {
        let Some(conn) = self.connections.get_mut(&id) else { return Vec::new() };
        conn.liveness.heard(now);
        if self.live != Some(id) {
            let mut effects = Vec::new();
            self.drop_connection(id, &mut effects);
            return effects;
        }
        let kind = kind.chars().take(64).collect();
        vec![Effect::Offer(id, Box::new(Peer::Unsupported(Unsupported { kind })))]
    }

    fn live_frame(&mut self, id: ConnectionId, frame: Peer, effects: &mut Vec<Effect>) {
        match frame {
            Peer::Hello(_) | Peer::Select(_) | Peer::Bye(_) => self.drop_connection(id, effects),
            Peer::Ping(pulse) => effects.push(Effect::Write(id, Box::new(Peer::Pong(pulse)))),
            Peer::Pong(_) | Peer::Unsupported(_) => {}
            Peer::Have(have) if have.heads.len() > HEADS => self.drop_connection(id, effects),
            Peer::Have(have) => {
                self.pushes.acknowledge(&have);
                self.pump(effects);
                effects.push(Effect::Forward(Box::new(Peer::Have(have))));
            }
            Peer::Want(want) => effects.push(Effect::Serve(want)),
            Peer::Entries(entries) if entries.entries.len() > WINDOW => self.drop_connection(id, effects),
            Peer::SignedEntries(entries) if entries.entries.len() > WINDOW => self.drop_connection(id, effects),
            frame @ (Peer::Entries(_) | Peer::SignedEntries(_)) => effects.push(Effect::Store(Box::new(frame))),
            frame @ (Peer::RoomRecords(_)
            | Peer::Read(_)
            | Peer::OthersMarks(_)
            | Peer::Typing(_)
            | Peer::Presence(_)
            | Peer::Avatar(_)
            | Peer::WantAvatar(_)
            | Peer::AvatarData(_)
            | Peer::Offer(_)
            | Peer::Accept(_)
            | Peer::Decline(_)
            | Peer::Cancel(_)) => effects.push(Effect::Forward(Box::new(frame))),
        }
    }

    /// Logs that came over this link are on the disk up to there: acknowledged.
    pub fn stored(&self, thread: &Thread, heads: &[Head]) -> Vec<Effect> {
        let Some(id) = self.live else { return Vec::new() };
        let have = |heads: &[Head]| Peer::Have(Have { thread: thread.clone(), heads: heads.to_vec() });
        heads.chunks(HEADS).map(|heads| Effect::Write(id, Box::new(have(heads)))).collect()
    }

    /// Both sides follow this thread, and the other one has our log up to `acknowledged`: the rest goes out.
    pub fn follow(&mut self, thread: Thread, acknowledged: u64) -> Vec<Effect> {
        if self.live.is_none() {
            return Vec::new();
        }
        self.pushes.follow(thread, acknowledged);
        let mut effects = Vec::new();
        self.pump(&mut effects);
        effects
    }

    /// Nothing more of this thread goes out. What of it was not acknowledged made others wait.
    pub fn unfollow(&mut self, thread: &Thread) -> Vec<Effect> {
        self.pushes.unfollow(thread);
        let mut effects = Vec::new();
        self.pump(&mut effects);
        effects
    }

    /// The own log of this thread grew.
    pub fn grew(&mut self, thread: &Thread) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.pushes.grew(thread);
        self.pump(&mut effects);
        effects
    }

    /// The own log was read: each entry's number and id, and the frame that brings them all.
    pub fn log_read(&mut self, thread: &Thread, asked: ReadLog, read: Option<LogRead>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let failed = read.is_none();
        let complete = read.as_ref().is_some_and(|read| read.complete);
        let numbers = read.as_ref().map(|read| read.numbers.as_slice());
        let fresh = self.pushes.read(thread, asked, numbers, complete);
        if let (true, Some(id), Some(LogRead { waiting, frame: Some(frame), .. })) = (fresh, self.live, read) {
            effects.push(Effect::Write(id, frame));
            effects.push(Effect::Sent(waiting));
        }
        // A disk that fails is asked again when something happens, not at once.
        if !failed {
            self.pump(&mut effects);
        }
        effects
    }

    /// Asks the disk for more of some log, if there is room on the link.
    fn pump(&mut self, effects: &mut Vec<Effect>) {
        if self.live.is_some() {
            effects.extend(self.pushes.next_read().map(|(thread, asked)| Effect::Read(thread, asked)));
        }
    }

    /// A frame of the registry's: written if the link is up.
    pub fn send(&mut self, frame: Peer, now: Instant) -> Vec<Effect> {
        let Some(id) = self.live else { return Vec::new() };
        self.said(id, now);
        let droppable = matches!(frame, Peer::Typing(_) | Peer::Presence(_) | Peer::AvatarData(_));
        let frame = Box::new(frame);
        vec![if droppable { Effect::Offer(id, frame) } else { Effect::Write(id, frame) }]
    }

    /// The shell wrote something.
    pub fn said(&mut self, id: ConnectionId, now: Instant) {
        if let Some(conn) = self.connections.get_mut(&id) {
            conn.liveness.said(now);
        }
    }

    /// A connection ended.
    pub fn lost(&mut self, id: ConnectionId, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.drop_connection(id, &mut effects);
        if self.live.is_none() && self.selects {
            self.promote(now, &mut effects);
        }
        effects
    }

    /// Time passed.
    pub fn tick(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut dead = Vec::new();
        let mut won = None;
        for (id, conn) in &mut self.connections {
            let hello_late = matches!(conn.phase, Phase::ExpectHello) && now >= conn.since + SIGN_IN_TIMEOUT;
            // The other side closes what it did not select; if it forgets, we do.
            let forgotten = matches!(conn.phase, Phase::Greeted) && now >= conn.since + 2 * SIGN_IN_TIMEOUT;
            if hello_late || forgotten {
                dead.push(*id);
                continue;
            }
            match conn.liveness.poll(now) {
                Verdict::Dead => dead.push(*id),
                Verdict::SendPing if matches!(conn.phase, Phase::Live) => {
                    conn.liveness.said(now);
                    effects.push(Effect::Write(*id, Box::new(Peer::Ping(Pulse { n: 0 }))));
                }
                Verdict::SendPing | Verdict::Idle { .. } => {}
            }
            if matches!(conn.phase, Phase::Challenging { until } if now >= until) {
                won = Some(*id);
            }
        }
        for id in dead {
            self.drop_connection(id, &mut effects);
        }
        if let Some(id) = won.filter(|id| self.connections.contains_key(id)) {
            self.select(id, &mut effects);
        }
        if self.live.is_none() && self.selects {
            self.promote(now, &mut effects);
        }
        effects
    }

    /// The selecting side judges a connection that has just said hello.
    fn consider(&mut self, id: ConnectionId, now: Instant, effects: &mut Vec<Effect>) {
        let Some(conn) = self.connections.get(&id) else { return };
        let (path, instance) = (conn.path, conn.instance);
        match self.live.and_then(|live| self.connections.get(&live).map(|conn| (live, conn))) {
            None => self.select(id, effects),
            // They started anew: what stands is a ghost.
            Some((_, live)) if live.instance != instance => self.select(id, effects),
            Some((_, live)) if path > live.path || (path < live.path && defective!(WorseWins)) => {
                self.select(id, effects);
            }
            Some((_, live)) if path < live.path => self.drop_connection(id, effects),
            // The same again: a lost race, or they have lost the other one and we have not noticed. A ping tells.
            Some((live, _)) => {
                effects.push(Effect::Write(live, Box::new(Peer::Ping(Pulse { n: 1 }))));
                if let Some(conn) = self.connections.get_mut(&id) {
                    conn.phase = Phase::Challenging { until: now + CHALLENGE };
                }
            }
        }
    }

    /// With no link left, the selecting side takes the best connection that has said hello.
    fn promote(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let best = self
            .connections
            .iter()
            .filter(|(_, conn)| !matches!(conn.phase, Phase::ExpectHello))
            .max_by_key(|(_, conn)| conn.path)
            .map(|(id, _)| *id);
        if let Some(id) = best {
            self.consider(id, now, effects);
        }
    }

    fn select(&mut self, id: ConnectionId, effects: &mut Vec<Effect>) {
        effects.push(Effect::Write(id, Box::new(Peer::Select(Select {}))));
        self.make_live(id, effects);
    }

    /// `id` becomes the link; the one before ends. On the selecting side all others end.
    fn make_live(&mut self, id: ConnectionId, effects: &mut Vec<Effect>) {
        let before = self.live.replace(id);
        if let Some(conn) = self.connections.get_mut(&id) {
            conn.phase = Phase::Live;
        }
        let ending: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(other, conn)| {
                **other != id
                    && (Some(**other) == before || (self.selects && !matches!(conn.phase, Phase::ExpectHello)))
            })
            .map(|(other, _)| *other)
            .collect();
        for other in ending {
            self.connections.remove(&other);
            effects.push(Effect::Close(other));
        }
        // Both sides say anew what they have: what is still being stored is acknowledged on this one, or sent again and known then.
        self.pushes.clear();
        effects.push(Effect::Up(id));
    }

    /// The link gave a sign of life: those that would have replaced it end.
    fn end_challenges(&mut self, effects: &mut Vec<Effect>) {
        let ending: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, conn)| matches!(conn.phase, Phase::Challenging { .. }))
            .map(|(id, _)| *id)
            .collect();
        for id in ending {
            self.connections.remove(&id);
            effects.push(Effect::Close(id));
        }
    }

    fn drop_connection(&mut self, id: ConnectionId, effects: &mut Vec<Effect>) {
        if self.connections.remove(&id).is_none() {
            return;
        }
        effects.push(Effect::Close(id));
        if self.live == Some(id) {
            self.live = None;
            effects.push(Effect::Down);
        }
    }
}
