//! One device: the pure halves that the programs run, and as much of a shell around them as `PeerLink` and `routes::replicas` are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use hobnob_shared::abilities::Abilities;
use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{DeviceId, Handle, Hash, Incarnation, InstanceId, MessageId};
use hobnob_shared::identity::{Chain, IdentityStatement};
use hobnob_shared::message::{
    Entries, Entry, Have, Head, Peer, PeerHello, Presence, RoomEntry, SignedEntries, SignedEntry, Thread, Want,
};

use super::disk::{Disk, Row};
use super::world::Fault;
use crate::core::event::LinkPath;
use crate::core::history::signed::hash;
use crate::core::peer_link::state::{ConnectionId, Effect, LogRead, State};
use crate::core::replica::ThreadKey;
use crate::core::replica::accept::Candidate;
use crate::core::replica::exchange::{Arrived, Deed, Exchange};

/// Defects of the shell, beside those of the pure halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slip {
    /// Acknowledges what is written and not synced.
    SkipSync,
    /// Never acknowledges.
    DropAcknowledgement,
    /// Forgets after a restart which numbers were used.
    ReuseNumber,
    /// Shows what arrived before it knows whether it is new.
    ShowBeforeJudging,
    /// Does not tell others what arrived.
    NoAdvert,
    /// Promises an own message before it is synced.
    PromiseEarly,
    /// Sends an own message before it is synced.
    SendBeforeSync,
    /// Says of every part of a log that nothing is missing before it.
    ClaimComplete,
    /// Acknowledges what came, whether or not it could be taken.
    AcknowledgeAhead,
}

/// Entries that are answered to one wish: few, so that one answer is not enough.
const SERVED: usize = 2;

/// Everything that a device's program has in memory, and its disk.
pub(super) struct Device {
    pub(super) id: DeviceId,
    pub(super) user: Handle,
    pub(super) disk: Disk,
    pub(super) exchange: Exchange,
    pub(super) links: BTreeMap<DeviceId, State>,
    pub(super) up: BTreeMap<DeviceId, ConnectionId>,
    pub(super) instance: InstanceId,
    pub(super) starts: u8,
    /// Done after the next sync.
    waiting: Vec<Waiting>,
    /// What was shown, ever: survives every crash, as a person's memory does.
    pub(super) shown: Vec<(ThreadKey, DeviceId, u64, MessageId)>,
    /// Own messages that were promised to be safe.
    pub(super) promised: BTreeSet<(ThreadKey, MessageId)>,
    /// Others', told as being on a disk of this person.
    pub(super) told_delivered: Vec<(ThreadKey, Handle, DeviceId, MessageId)>,
    pub(super) slip: Option<Slip>,
}

enum Waiting {
    Own { thread: ThreadKey, id: MessageId },
    Arrived { link: DeviceId, thread: ThreadKey, device: DeviceId, after: u64, rows: Vec<Row>, behind: Option<u64> },
}

/// What goes out on a connection.
pub(super) enum Out {
    Frame(DeviceId, ConnectionId, Box<Peer>),
    Close(DeviceId, ConnectionId),
}

/// The one room.
pub(super) const ROOM: Incarnation = Incarnation([9; 16]);

impl Device {
    pub(super) fn new(id: u8, user: &str) -> Self {
        let id = DeviceId([id; 32]);
        Self {
            id,
            user: user.parse().unwrap_or_else(|error| panic!("{error}")),
            disk: Disk::default(),
            exchange: Exchange::new(id),
            links: BTreeMap::new(),
            up: BTreeMap::new(),
            instance: InstanceId([id.0[0]; 16]),
            starts: 0,
            waiting: Vec::new(),
            shown: Vec::new(),
            promised: BTreeSet::new(),
            told_delivered: Vec::new(),
            slip: None,
        }
    }

    fn slips(&self, slip: Slip) -> bool {
        self.slip == Some(slip)
    }

    /// Killed and started again: memory is gone, the disk has what was synced.
    pub(super) fn restart(&mut self) {
        self.disk.crash();
        self.starts += 1;
        self.instance = InstanceId([self.id.0[0] ^ (self.starts << 3); 16]);
        self.links.clear();
        self.up.clear();
        self.waiting.clear();
        self.exchange = Exchange::new(self.id);
        for (thread, head) in self.disk.synced.heads() {
            self.exchange.copy(thread, head);
        }
    }

    pub(super) fn hello(&self) -> PeerHello {
        PeerHello {
            user: self.user.clone(),
            instance: self.instance,
            device_list: IdentityStatement { body: Vec::new(), signature: Vec::new() },
            abilities: Abilities::ours(),
            presence: Presence::Available,
            text: String::new(),
            port: 0,
            reunion: None,
        }
    }

    /// A person writes something.
    pub(super) fn say(
        &mut self,
        thread: &ThreadKey,
        id: MessageId,
        text: String,
        start: Instant,
        now: Instant,
    ) -> Vec<Out> {
        let now_ms = u64::try_from((now - start).as_millis()).unwrap_or(0);
        let clock = now_ms.max(self.disk.written.clock(thread) + 1);
        let (own, user) = (self.id, self.user.clone());
        let reuse = self.slips(Slip::ReuseNumber) && self.starts > 0;
        let log = self.disk.written.log(thread, own, &user);
        let number = if reuse { log.end.number.max(2) - 1 } else { log.end.number + 1 };
        let previous = log.end.hash;
        let mut candidate = Candidate { id, number, clock, size: text.len(), chained: None };
        if let ThreadKey::Room(_) = thread {
            let body = signed(own, &candidate, previous, &text).body;
            candidate.chained = Some((previous, hash(&body)));
        }
        log.end = crate::core::replica::accept::End {
            number,
            last: id,
            clock,
            hash: candidate.chained.map_or(log.end.hash, |(_, own)| own),
        };
        log.rows.push(Row { candidate, text, delivered: false });
        self.waiting.push(Waiting::Own { thread: thread.clone(), id });
        if self.slips(Slip::SendBeforeSync) {
            let mut out = Vec::new();
            for other in self.exchange.sharing(thread) {
                let Some(named) = self.named(thread, &other) else { continue };
                let effects = self.links.get_mut(&other).map(|state| state.grew(&named)).unwrap_or_default();
                out.extend(self.carry_out(other, effects, now));
            }
            return out;
        }
        if self.slips(Slip::PromiseEarly) {
            self.promised.insert((thread.clone(), id));
        }
        Vec::new()
    }

    /// The disk has what was written: who waited for it goes on.
    pub(super) fn sync(&mut self, now: Instant) -> Vec<Out> {
        self.disk.sync();
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().flat_map(|waiting| self.go_on(waiting, now)).collect()
    }

    fn go_on(&mut self, waiting: Waiting, now: Instant) -> Vec<Out> {
        match waiting {
            Waiting::Own { thread, id } => {
                self.promised.insert((thread.clone(), id));
                let Some(head) = self.disk.written.head(&thread, self.id) else { return Vec::new() };
                let deeds = self.exchange.wrote(&thread, head);
                let mut out = self.deeds(deeds, now);
                for other in self.exchange.sharing(&thread) {
                    let Some(named) = self.named(&thread, &other) else { continue };
                    let effects = self.links.get_mut(&other).map(|state| state.grew(&named)).unwrap_or_default();
                    out.extend(self.carry_out(other, effects, now));
                }
                out
            }
            Waiting::Arrived { link, thread, device, after, rows, behind } => {
                self.show(&thread, device, &rows);
                let head = self.disk.written.head(&thread, device);
                let named = self.named(&thread, &link);
                let arrived = Arrived { link, thread, device, after: Some(after), head, behind };
                let deeds = self.exchange.arrived(&arrived, now);
                let mut out = self.deeds(deeds, now);
                if let (Some(named), Some(head)) = (named, head)
                    && !self.slips(Slip::DropAcknowledgement)
                {
                    let effects = self.links.get(&link).map(|state| state.stored(&named, &[head])).unwrap_or_default();
                    out.extend(self.carry_out(link, effects, now));
                }
                out
            }
        }
    }

    fn show(&mut self, thread: &ThreadKey, device: DeviceId, rows: &[Row]) {
        self.shown.extend(rows.iter().map(|row| (thread.clone(), device, row.candidate.number, row.candidate.id)));
    }

    /// As the other end of a link names a thread.
    fn named(&self, thread: &ThreadKey, other: &DeviceId) -> Option<Thread> {
        thread.on_link(&self.user, &owner(other))
    }

    fn may_share(&self, thread: &ThreadKey, other: &DeviceId) -> bool {
        self.named(thread, other).is_some()
    }

    pub(super) fn carry_out(&mut self, other: DeviceId, effects: Vec<Effect>, now: Instant) -> Vec<Out> {
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::Write(id, frame) | Effect::Offer(id, frame) => out.push(Out::Frame(other, id, frame)),
                Effect::Close(id) => out.push(Out::Close(other, id)),
                Effect::Up(id) => {
                    self.up.insert(other, id);
                    self.exchange.linked(other, owner(&other) == self.user);
                    let known: Vec<ThreadKey> = self.exchange.threads().cloned().collect();
                    let own = owner(&other) == self.user;
                    let mut threads = if own { known } else { vec![ThreadKey::Direct(owner(&other))] };
                    threads.push(ThreadKey::Room(ROOM));
                    for thread in
                        threads.iter().filter(|thread| self.may_share(thread, &other)).cloned().collect::<Vec<_>>()
                    {
                        let deeds = self.exchange.share(other, &thread);
                        out.extend(self.deeds(deeds, now));
                    }
                }
                Effect::Down => {
                    self.up.remove(&other);
                    self.exchange.unlinked(&other);
                }
                Effect::Read(thread, asked) => {
                    let Some(key) = ThreadKey::from_link(&thread, &self.user, &owner(&other)) else { continue };
                    let early = self.slips(Slip::SendBeforeSync);
                    let tables = if early { &self.disk.written } else { &self.disk.synced };
                    let (rows, complete) = tables.entries(&key, self.id, asked.after, asked.limit);
                    let numbers = rows.iter().map(|row| row.candidate.number).collect();
                    let frame = self.frame(&thread, self.id, asked.after, &rows);
                    let frame = (!rows.is_empty()).then(|| Box::new(frame));
                    let read = LogRead { frame, numbers, waiting: Vec::new(), complete };
                    let effects = self.links.get_mut(&other).map(|state| state.log_read(&thread, asked, Some(read)));
                    out.extend(self.carry_out(other, effects.unwrap_or_default(), now));
                }
                Effect::Store(frame) => out.extend(self.store(other, *frame, now)),
                Effect::Serve(Want { thread, device, after }) => {
                    let Some(key) = ThreadKey::from_link(&thread, &self.user, &owner(&other)) else { continue };
                    let theirs = self.disk.synced.0.get(&(key.clone(), device)).map(|log| log.author.clone());
                    let may = matches!(key, ThreadKey::Room(_))
                        || owner(&other) == self.user
                        || theirs == Some(self.user.clone());
                    if let (true, Some(id)) = (may, self.up.get(&other).copied()) {
                        let (rows, _) = self.disk.synced.entries(&key, device, after, SERVED);
                        out.push(Out::Frame(other, id, Box::new(self.frame(&thread, device, after, &rows))));
                    }
                }
                Effect::Forward(frame) => {
                    if let Peer::Have(have) = *frame {
                        out.extend(self.heard(other, &have, now));
                    }
                }
                Effect::Sent(_) => {}
            }
        }
        out
    }

    fn heard(&mut self, other: DeviceId, have: &Have, now: Instant) -> Vec<Out> {
        let Some(thread) = ThreadKey::from_link(&have.thread, &self.user, &owner(&other)) else { return Vec::new() };
        let own = owner(&other) == self.user;
        let of_use = |head: &&Head| {
            own || matches!(thread, ThreadKey::Room(_)) || head.device == self.id || owner(&head.device) != self.user
        };
        let heads: Vec<Head> = have.heads.iter().filter(of_use).copied().collect();
        let deeds = self.exchange.heard(other, &thread, &heads, None, now);
        let out = self.deeds(deeds, now);
        if !own {
            for head in &have.heads {
                if owner(&head.device) == self.user {
                    self.delivered(&thread, &owner(&other), head);
                }
            }
        }
        out
    }

    fn delivered(&mut self, thread: &ThreadKey, by: &Handle, head: &Head) {
        if let Some(log) = self.disk.written.0.get_mut(&(thread.clone(), head.device)) {
            for row in log.rows.iter_mut().filter(|row| row.candidate.number <= head.number && !row.delivered) {
                row.delivered = true;
                self.told_delivered.push((thread.clone(), by.clone(), head.device, row.candidate.id));
            }
        }
    }

    fn frame(&self, thread: &Thread, device: DeviceId, after: u64, rows: &[Row]) -> Peer {
        let after = if self.slips(Slip::ClaimComplete) { 0 } else { after };
        match thread {
            Thread::Room(room) => Peer::SignedEntries(Box::new(SignedEntries {
                room: *room,
                chain: Chain { device: device.0.to_vec(), account: Vec::new() },
                after,
                entries: rows
                    .iter()
                    .map(|row| {
                        signed(
                            device,
                            &row.candidate,
                            row.candidate.chained.map_or(Hash([0; 32]), |(p, _)| p),
                            &row.text,
                        )
                    })
                    .collect(),
                more: false,
            })),
            _ => Peer::Entries(Entries {
                thread: thread.clone(),
                author: owner(&device),
                device,
                after,
                entries: rows.iter().map(entry).collect(),
                more: false,
            }),
        }
    }

    fn store(&mut self, link: DeviceId, frame: Peer, now: Instant) -> Vec<Out> {
        let (thread, device, after, entries) = match frame {
            Peer::Entries(part) => {
                let entries: Vec<_> = part.entries.iter().map(|entry| (plain(entry), entry.text.clone())).collect();
                (part.thread, part.device, part.after, entries)
            }
            Peer::SignedEntries(part) => {
                let device = DeviceId::from_slice(&part.chain.device).unwrap_or(self.id);
                (Thread::Room(part.room), device, part.after, part.entries.iter().filter_map(unsigned).collect())
            }
            _ => return Vec::new(),
        };
        let Some(key) = ThreadKey::from_link(&thread, &self.user, &owner(&link)) else { return Vec::new() };
        let last = entries.last().map_or(0, |(candidate, _)| candidate.number);
        if self.slips(Slip::ShowBeforeJudging) {
            let all = entries.iter().map(|(c, _)| (key.clone(), device, c.number, c.id));
            self.shown.extend(all);
        }
        let (mut rows, gap, _) = self.disk.written.take((&key, device, &owner(&device)), after, &entries);
        if self.slips(Slip::ShowBeforeJudging) {
            rows.clear();
        }
        if self.slips(Slip::AcknowledgeAhead)
            && let Some((candidate, _)) = entries.last()
        {
            let head = Head { device, number: candidate.number, last: candidate.id };
            let effects = self.links.get(&link).map(|state| state.stored(&thread, &[head])).unwrap_or_default();
            let out = self.carry_out(link, effects, now);
            self.waiting.push(Waiting::Arrived { link, thread: key, device, after, rows, behind: gap.then_some(last) });
            return out;
        }
        let waiting = Waiting::Arrived { link, thread: key, device, after, rows, behind: gap.then_some(last) };
        if self.slips(Slip::SkipSync) {
            return self.go_on(waiting, now);
        }
        self.waiting.push(waiting);
        Vec::new()
    }

    pub(super) fn deeds(&mut self, deeds: Vec<Deed>, now: Instant) -> Vec<Out> {
        let mut out = Vec::new();
        for deed in deeds {
            let (other, thread) = match &deed {
                Deed::Have { link, thread, .. }
                | Deed::Follow { link, thread, .. }
                | Deed::Overtaken { link, thread, .. } => (*link, thread.clone()),
                Deed::Want(ask) => (ask.from, ask.thread.clone()),
            };
            let Some(named) = self.named(&thread, &other) else { continue };
            let Some(state) = self.links.get_mut(&other) else { continue };
            let effects = match deed {
                Deed::Have { heads, .. } => state.send(Peer::Have(Have { thread: named, heads }), now),
                Deed::Follow { acknowledged, .. } => state.follow(named, acknowledged),
                Deed::Want(ask) => {
                    state.send(Peer::Want(Want { thread: named, device: ask.device, after: ask.after }), now)
                }
                // No disk is put back to an older state here.
                Deed::Overtaken { .. } => Vec::new(),
            };
            out.extend(self.carry_out(other, effects, now));
        }
        out
    }

    /// Time passed.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Out> {
        let mut out = Vec::new();
        let others: Vec<DeviceId> = self.links.keys().copied().collect();
        for other in others {
            let effects = self.links.get_mut(&other).map(|state| state.tick(now)).unwrap_or_default();
            out.extend(self.carry_out(other, effects, now));
        }
        let deeds = self.exchange.poll(now);
        let deeds = if self.slips(Slip::NoAdvert) {
            deeds.into_iter().filter(|deed| !matches!(deed, Deed::Have { .. })).collect()
        } else {
            deeds
        };
        out.extend(self.deeds(deeds, now));
        out
    }

    pub(super) fn connected(
        &mut self,
        other: DeviceId,
        path: LinkPath,
        now: Instant,
    ) -> Option<(ConnectionId, Vec<Out>)> {
        let hello = self.hello();
        let own = self.id;
        let state = self.links.entry(other).or_insert_with(|| State::new(own, other));
        let (id, effects) = state.connected(path, hello, now)?;
        Some((id, self.carry_out(other, effects, now)))
    }

    /// Faults that a frame may suffer on the way: only what is the same whenever and how often it comes.
    pub(super) fn may_suffer(frame: &Peer, fault: Fault) -> bool {
        match fault {
            Fault::Double | Fault::Reorder => {
                matches!(frame, Peer::Have(_) | Peer::Want(_) | Peer::Entries(_) | Peer::SignedEntries(_))
            }
            _ => true,
        }
    }
}

/// Whose device it is: the first two are Alice's.
pub(super) fn owner(device: &DeviceId) -> Handle {
    let name = match device.0[0] {
        1 | 2 => "alice",
        3 => "bob",
        _ => "carol",
    };
    name.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn entry(row: &Row) -> Entry {
    let Candidate { id, number, clock, .. } = row.candidate;
    Entry { id, number, clock, sent_at: clock, text: row.text.clone(), reply_to: None, meant_for: None }
}

fn plain(entry: &Entry) -> Candidate {
    Candidate { id: entry.id, number: entry.number, clock: entry.clock, size: entry.text.len(), chained: None }
}

fn signed(device: DeviceId, candidate: &Candidate, previous: Hash, text: &str) -> SignedEntry {
    let Candidate { id, number, clock, .. } = *candidate;
    let entry = RoomEntry {
        room: ROOM,
        account: hobnob_shared::id::Fingerprint([0; 32]),
        device,
        number,
        previous,
        clock,
        id,
        sent_at: clock,
        text: text.to_owned(),
        reply_to: None,
    };
    SignedEntry { body: to_cbor(&entry).unwrap_or_default(), signature: Vec::new() }
}

fn unsigned(sealed: &SignedEntry) -> Option<(Candidate, String)> {
    let entry: RoomEntry = from_cbor(&sealed.body).ok()?;
    let chained = Some((entry.previous, hash(&sealed.body)));
    let candidate =
        Candidate { id: entry.id, number: entry.number, clock: entry.clock, size: entry.text.len(), chained };
    Some((candidate, entry.text))
}
