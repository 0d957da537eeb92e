//! What a device says and hears: the logs, on its disk and over its links, as `routes::replicas` and `peer_link::{store, serve}` carry them.

use std::time::Instant;

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{DeviceId, Handle, Hash, MessageId};
use hobnob_shared::message::{Entries, Entry, Have, Head, Peer, RoomEntry, SignedEntries, SignedEntry, Thread, Want};

use super::cast::{self, ROOM, owner};
use super::device::{Device, Out};
use super::disk::{Incoming, Row};
use super::slip::Slip;
use crate::core::history::rooms::Kept;
use crate::core::history::signed::hash;
use crate::core::peer_link::state::LogRead;
use crate::core::replica::ThreadKey;
use crate::core::replica::accept::{Candidate, End};
use crate::core::replica::exchange::{Arrived, Deed};
use crate::core::replica::push::ReadLog;

/// Entries that are answered to one wish: few, so that one answer is not enough.
const SERVED: usize = 2;

/// What goes on when the disk has what was written.
pub(super) enum Waiting {
    Own { thread: ThreadKey, id: MessageId },
    Arrived { link: DeviceId, thread: ThreadKey, device: DeviceId, after: u64, rows: Vec<Row>, behind: Option<u64> },
    Member(Kept),
    Room,
}

impl Device {
    /// A person writes something.
    pub(super) fn say(&mut self, thread: &ThreadKey, id: MessageId, text: String, start: Instant) {
        let now_ms = u64::try_from((self.now - start).as_millis()).unwrap_or(0);
        let clock = now_ms.max(self.disk.written().clock(thread) + 1);
        let own = self.id;
        let reuse = self.slips(Slip::ReuseNumber) && self.starts > 0;
        let log_key = (thread.clone(), own);
        let log = self.disk.write_log(&log_key).log(&log_key);
        let number = if reuse { log.end.number.max(2) - 1 } else { log.end.number + 1 };
        let mut candidate = Candidate { id, number, clock, size: text.len(), chained: None };
        let mut body = Vec::new();
        if let ThreadKey::Room(_) = thread {
            let previous = log.end.hash;
            body = sealed(own, &candidate, previous, &text);
            candidate.chained = Some((previous, hash(&body)));
        }
        log.end = End { number, last: id, clock, hash: candidate.chained.map_or(log.end.hash, |(_, own)| own) };
        log.rows.push(Row { candidate, text, body, delivered: false });
        self.waiting.push(Waiting::Own { thread: thread.clone(), id });
        if self.slips(Slip::SendBeforeSync) {
            self.tell_growth(thread);
        } else if self.slips(Slip::PromiseEarly) {
            self.promised.push((thread.clone(), id));
        }
    }

    /// The disk has what was written: who waited for it goes on.
    pub(super) fn sync(&mut self) {
        self.disk.sync();
        for waiting in std::mem::take(&mut self.waiting) {
            self.go_on(waiting);
        }
    }

    fn go_on(&mut self, waiting: Waiting) {
        match waiting {
            Waiting::Own { thread, id } => {
                self.promised.push((thread.clone(), id));
                let Some(head) = self.disk.written().head(&thread, self.id) else { return };
                let deeds = self.core.exchange.wrote(&thread, head);
                self.deeds(deeds);
                self.tell_growth(&thread);
            }
            Waiting::Arrived { link, thread, device, after, rows, behind } => {
                self.show(&thread, device, &rows);
                let head = self.disk.written().head(&thread, device);
                let after = Some(after);
                self.arrived(&Arrived { link, thread: thread.clone(), device, after, head, behind });
                let named = self.named(&thread, &link);
                if let (Some(named), Some(head)) = (named, head)
                    && !self.slips(Slip::DropAcknowledgement)
                {
                    self.acknowledge(link, &named, head);
                }
            }
            Waiting::Member(kept) => self.membership_kept(&kept),
            Waiting::Room => self.share_room(),
        }
    }

    fn tell_growth(&mut self, thread: &ThreadKey) {
        for other in self.core.exchange.sharing(thread) {
            let Some(named) = self.named(thread, &other) else { continue };
            let effects = self.links.get_mut(&other).map(|link| link.state.grew(&named)).unwrap_or_default();
            self.carry_out(other, effects);
        }
    }

    fn show(&mut self, thread: &ThreadKey, device: DeviceId, rows: &[Row]) {
        self.shown.extend(rows.iter().map(|row| (thread.clone(), device, row.candidate.number, row.candidate.id)));
    }

    fn acknowledge(&mut self, link: DeviceId, thread: &Thread, head: Head) {
        let effects = self.links.get(&link).map(|link| link.state.stored(thread, &[head])).unwrap_or_default();
        self.carry_out(link, effects);
    }

    fn arrived(&mut self, arrived: &Arrived) {
        let deeds = self.core.exchange.arrived(arrived, self.now);
        self.deeds(deeds);
    }

    /// As the other end of a link names a thread.
    pub(super) fn named(&self, thread: &ThreadKey, other: &DeviceId) -> Option<Thread> {
        thread.on_link(&self.user, owner(other))
    }

    /// Whether a device of `user` may share a thread with this one.
    pub(super) fn may_share(&self, user: &Handle, thread: &ThreadKey) -> bool {
        let own = self.user == *user;
        match thread {
            ThreadKey::Direct(with) if own => with != user,
            ThreadKey::Direct(with) => with == user && self.core.roster.get(user).is_some(),
            ThreadKey::Room(_) if self.slips(Slip::TellLeavers) => true,
            ThreadKey::Room(room) if own => self.core.rooms.get(room).is_some(),
            ThreadKey::Room(room) => self.core.rooms.is_member(room, user),
        }
    }

    /// A link came up: it hears what we have of everything that is shared.
    pub(super) fn share_with(&mut self, other: DeviceId) {
        let user = owner(&other);
        let own = *user == self.user;
        self.core.exchange.linked(other, own);
        let mut threads: Vec<ThreadKey> = Vec::new();
        if own {
            let direct = |key: &&ThreadKey| matches!(key, ThreadKey::Direct(_));
            threads.extend(self.core.exchange.threads().filter(direct).cloned());
            threads.extend(self.core.rooms.all().map(|room| ThreadKey::Room(room.incarnation)));
        } else {
            threads.extend(Some(ThreadKey::Direct(user.clone())).filter(|thread| self.may_share(user, thread)));
            threads.extend(self.core.rooms.common_with(user).into_iter().map(ThreadKey::Room));
        }
        for thread in &threads {
            self.share_thread(other, thread);
        }
    }

    /// The device hears of a thread: first who is in it, then what we have.
    pub(super) fn share_thread(&mut self, other: DeviceId, thread: &ThreadKey) {
        let anew = !self.core.exchange.shares(&other, thread);
        if let ThreadKey::Room(room) = thread {
            self.send_records(other, *room);
        }
        if self.may_share(owner(&other), thread) {
            let deeds = self.core.exchange.share(other, thread);
            self.deeds(deeds);
            if anew && let Some(heads) = self.core.exchange.remembered(&other, thread) {
                self.copies_heard(other, thread, &heads);
            }
        }
    }

    /// A frame of the registry's, to a device.
    pub(super) fn send(&mut self, other: DeviceId, frame: Peer) {
        let now = self.now;
        let effects = self.links.get_mut(&other).map(|link| link.state.send(frame, now)).unwrap_or_default();
        self.carry_out(other, effects);
    }

    pub(super) fn have_heard(&mut self, other: DeviceId, have: &Have) {
        let user = owner(&other);
        let Some(thread) = ThreadKey::from_link(&have.thread, &self.user, user) else { return };
        let heads = self.core.exchange.said(other, &thread, &have.heads);
        if self.may_share(user, &thread) {
            self.copies_heard(other, &thread, &heads);
        }
    }

    fn copies_heard(&mut self, other: DeviceId, thread: &ThreadKey, said: &[Head]) {
        let user = owner(&other);
        let own = *user == self.user;
        let of_use = |head: &&Head| {
            own || matches!(thread, ThreadKey::Room(_)) || head.device == self.id || *owner(&head.device) != self.user
        };
        let heads: Vec<Head> = said.iter().filter(of_use).copied().collect();
        let deeds = self.core.exchange.heard(other, thread, &heads, None, self.now);
        self.deeds(deeds);
        if !own {
            let ours: Vec<Head> = said.iter().filter(|head| *owner(&head.device) == self.user).copied().collect();
            for head in &ours {
                self.delivered(thread, user, head);
            }
        }
    }

    fn delivered(&mut self, thread: &ThreadKey, by: &Handle, head: &Head) {
        let key = (thread.clone(), head.device);
        let waits = |row: &Row| row.candidate.number <= head.number && !row.delivered;
        if !self.disk.written().logs.get(&key).is_some_and(|log| log.rows.iter().any(waits)) {
            return;
        }
        if let Some(log) = self.disk.write_log(&key).logs.get_mut(&key) {
            for row in log.rows.iter_mut().filter(|row| waits(row)) {
                row.delivered = true;
                self.told_delivered.push((thread.clone(), by.clone(), head.device, row.candidate.id));
            }
        }
    }

    pub(super) fn read_own_log(&mut self, other: DeviceId, thread: &Thread, asked: ReadLog) {
        let user = owner(&other);
        let Some(key) = ThreadKey::from_link(thread, &self.user, user) else { return };
        let (mut numbers, mut frame, mut complete) = (Vec::new(), None, true);
        if self.may_share(user, &key) {
            let tables = if self.slips(Slip::SendBeforeSync) { self.disk.written() } else { &self.disk.synced };
            let (rows, all) = tables.entries(&key, self.id, asked.after, asked.limit);
            numbers = rows.iter().map(|row| row.candidate.number).collect();
            frame = (!rows.is_empty()).then(|| Box::new(self.frame(thread, self.id, asked.after, rows)));
            complete = all;
        }
        let read = LogRead { frame, numbers, waiting: Vec::new(), complete };
        let effects = self.links.get_mut(&other).map(|link| link.state.log_read(thread, asked, Some(read)));
        self.carry_out(other, effects.unwrap_or_default());
    }

    pub(super) fn serve(&mut self, other: DeviceId, want: &Want) {
        let Want { thread, device, after } = want;
        let user = owner(&other);
        let Some(key) = ThreadKey::from_link(thread, &self.user, user) else { return };
        let may = match key {
            ThreadKey::Room(_) => self.may_share(user, &key),
            ThreadKey::Direct(_) => *user == self.user || *owner(device) == self.user,
        };
        if let (true, Some(id)) = (may, self.up(&other)) {
            let (rows, _) = self.disk.synced.entries(&key, *device, *after, SERVED);
            let frame = self.frame(thread, *device, *after, rows);
            self.out.push(Out::Frame(other, id, Box::new(frame)));
        }
    }

    fn frame(&self, thread: &Thread, device: DeviceId, after: u64, rows: &[Row]) -> Peer {
        let after = if self.slips(Slip::ClaimComplete) { 0 } else { after };
        match thread {
            Thread::Room(room) => Peer::SignedEntries(Box::new(SignedEntries {
                room: *room,
                chain: cast::chain(&device),
                after,
                entries: rows.iter().map(|row| SignedEntry { body: row.body.clone(), signature: Vec::new() }).collect(),
                more: false,
            })),
            _ => Peer::Entries(Entries {
                thread: thread.clone(),
                author: owner(&device).clone(),
                device,
                after,
                entries: rows.iter().map(entry).collect(),
                more: false,
            }),
        }
    }

    pub(super) fn store(&mut self, link: DeviceId, frame: Peer) {
        let (thread, device, after, entries) = match frame {
            Peer::Entries(part) => {
                (part.thread, part.device, part.after, part.entries.into_iter().map(plain).collect::<Vec<_>>())
            }
            Peer::SignedEntries(part) => {
                let device = DeviceId::from_slice(&part.chain.device).unwrap_or(self.id);
                (Thread::Room(part.room), device, part.after, part.entries.into_iter().filter_map(unsealed).collect())
            }
            _ => return,
        };
        let Some(key) = ThreadKey::from_link(&thread, &self.user, owner(&link)) else { return };
        if matches!(key, ThreadKey::Room(_)) && !self.takes_of_room(owner(&link), owner(&device)) {
            // Refused: neither shown nor acknowledged.
            if let Some(last) = entries.last() {
                self.core.exchange.refused(link, &key, device, last.candidate.number);
            }
            let after = Some(after);
            return self.arrived(&Arrived { link, thread: key, device, after, head: None, behind: None });
        }
        let last =
            entries.last().map(|entry| Head { device, number: entry.candidate.number, last: entry.candidate.id });
        if self.slips(Slip::ShowBeforeJudging) {
            let all = entries.iter().map(|entry| (key.clone(), device, entry.candidate.number, entry.candidate.id));
            self.shown.extend(all);
        }
        let log_key = (key.clone(), device);
        let (mut rows, gap, _) = self.disk.write_log(&log_key).take(&log_key, after, entries);
        if self.slips(Slip::ShowBeforeJudging) {
            rows.clear();
        }
        let behind = last.filter(|_| gap).map(|last| last.number);
        let waiting = Waiting::Arrived { link, thread: key, device, after, rows, behind };
        if self.slips(Slip::SkipSync) {
            return self.go_on(waiting);
        }
        self.waiting.push(waiting);
        if let Some(last) = last.filter(|_| self.slips(Slip::AcknowledgeAhead)) {
            self.acknowledge(link, &thread, last);
        }
    }

    pub(super) fn deeds(&mut self, deeds: Vec<Deed>) {
        for deed in deeds {
            let (other, thread) = match &deed {
                Deed::Have { link, thread, .. }
                | Deed::Follow { link, thread, .. }
                | Deed::Overtaken { link, thread, .. } => (*link, thread),
                Deed::Want(ask) => (ask.from, &ask.thread),
            };
            let Some(named) = self.named(thread, &other) else { continue };
            match deed {
                Deed::Have { heads, .. } => self.send(other, Peer::Have(Have { thread: named, heads })),
                Deed::Follow { acknowledged, .. } => {
                    let effects = self.links.get_mut(&other).map(|link| link.state.follow(named, acknowledged));
                    self.carry_out(other, effects.unwrap_or_default());
                }
                Deed::Want(ask) => {
                    self.send(other, Peer::Want(Want { thread: named, device: ask.device, after: ask.after }));
                }
                // No disk is put back to an older state here.
                Deed::Overtaken { .. } => {}
            }
        }
    }

    /// Adverts and wishes that are due.
    pub(super) fn exchange_due(&mut self) {
        let mut deeds = self.core.exchange.poll(self.now);
        if self.slips(Slip::NoAdvert) {
            deeds.retain(|deed| !matches!(deed, Deed::Have { .. }));
        }
        self.deeds(deeds);
    }

    pub(super) fn unfollow(&mut self, other: DeviceId, thread: &ThreadKey) {
        let Some(named) = self.named(thread, &other) else { return };
        let effects = self.links.get_mut(&other).map(|link| link.state.unfollow(&named)).unwrap_or_default();
        self.carry_out(other, effects);
    }
}

fn entry(row: &Row) -> Entry {
    let Candidate { id, number, clock, .. } = row.candidate;
    Entry { id, number, clock, sent_at: clock, text: row.text.clone(), reply_to: None, meant_for: None, act: None }
}

fn plain(entry: Entry) -> Incoming {
    let Entry { id, number, clock, text, .. } = entry;
    Incoming { candidate: Candidate { id, number, clock, size: text.len(), chained: None }, text, body: Vec::new() }
}

fn sealed(device: DeviceId, candidate: &Candidate, previous: Hash, text: &str) -> Vec<u8> {
    let Candidate { id, number, clock, .. } = *candidate;
    let text = text.to_owned();
    let account = hobnob_shared::id::Fingerprint([0; 32]);
    let (sent_at, reply_to, act) = (clock, None, None);
    let entry = RoomEntry { room: ROOM, account, device, number, previous, clock, id, sent_at, text, reply_to, act };
    to_cbor(&entry).unwrap_or_default()
}

fn unsealed(sealed: SignedEntry) -> Option<Incoming> {
    let body = sealed.body;
    let RoomEntry { id, number, clock, previous, text, .. } = from_cbor(&body).ok()?;
    let chained = Some((previous, hash(&body)));
    Some(Incoming { candidate: Candidate { id, number, clock, size: text.len(), chained }, text, body })
}

/// What a frame is, for a trace.
pub(super) fn brief(frame: &Peer) -> String {
    match frame {
        Peer::Have(have) => {
            let heads: Vec<String> =
                have.heads.iter().map(|head| format!("{}:{}", head.device.0[0], head.number)).collect();
            format!("have {:?} {}", have.thread, heads.join(" "))
        }
        Peer::Want(want) => format!("want {:?} {} after {}", want.thread, want.device.0[0], want.after),
        Peer::Entries(part) => {
            let numbers: Vec<u64> = part.entries.iter().map(|entry| entry.number).collect();
            format!("entries {:?} {} after {} {numbers:?}", part.thread, part.device.0[0], part.after)
        }
        Peer::SignedEntries(part) => {
            format!("signed {} after {} ({})", part.chain.device[0], part.after, part.entries.len())
        }
        Peer::RoomRecords(records) => format!("{} records", records.records.len()),
        Peer::Hello(_) => "hello".to_owned(),
        Peer::Select(_) => "select".to_owned(),
        other => format!("{other:?}"),
    }
}
