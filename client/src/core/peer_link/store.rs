//! Logs that arrive on a link, onto the disk: a whole batch in one commit, shown in order, and only then acknowledged. Nothing is believed
//! that its author's keys do not prove: on a friend's link only that friend's account speaks, in a room only who signed and was a member.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::Addr;
use hobnob_shared::codec::from_cbor;
use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Incarnation};
use hobnob_shared::identity::{Chain, DEVICE_LIST, DeviceList, verify_signature};
use hobnob_shared::message::{Entries, Entry, Head, Peer, ROOM_ENTRY, RoomEntry, SignedEntries, SignedEntry, Thread};
use rusqlite::Connection;

use super::message::Stored;
use crate::core::event::Event;
use crate::core::history::messages::{self, Arrival, Taken};
use crate::core::history::{History, acts, friends, rooms, signed};
use crate::core::profile::Identity;
use crate::core::registry::{LogArrived, Registry};
use crate::core::replica::ThreadKey;
use crate::core::replica::accept::Refusal;

/// Both ends of a link.
#[derive(Clone)]
pub(super) struct Peers {
    /// This device.
    pub(super) own: Arc<Identity>,
    /// Who is at the other end.
    pub(super) user: Handle,
    /// Their identity key.
    pub(super) account: Fingerprint,
    /// Their device.
    pub(super) device: DeviceId,
}

impl Peers {
    /// The other end is a device of the same account.
    pub(super) fn is_own(&self) -> bool {
        self.account == self.own.account
    }
}

/// Why something that arrived was neither shown nor acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refused {
    /// A signature or a certificate does not hold.
    Forged,
    /// It speaks for somebody for whom it may not.
    NotTheirs,
    /// The author was no member, or was not any more.
    NotMember,
    /// The device had been taken off its account.
    RemovedDevice,
    /// No honest author makes it.
    Malformed,
    /// Two entries claim one place.
    Conflict,
}

impl Refused {
    /// Stable, `snake_case`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Forged => "forged",
            Self::NotTheirs => "not_theirs",
            Self::NotMember => "not_member",
            Self::RemovedDevice => "removed_device",
            Self::Malformed => "malformed",
            Self::Conflict => "conflict",
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed => Self::Malformed,
            Refusal::Conflict => Self::Conflict,
        }
    }
}

/// A part of a log whose signatures hold.
enum Checked {
    Direct {
        thread: Thread,
        with: Handle,
        author: Handle,
        device: DeviceId,
        after: u64,
        entries: Vec<Entry>,
    },
    Signed {
        room: Incarnation,
        account: Fingerprint,
        device: DeviceId,
        chain: Box<Chain>,
        after: u64,
        entries: Vec<(RoomEntry, SignedEntry)>,
    },
}

/// Which part of which log.
struct Place {
    thread: Thread,
    key: ThreadKey,
    device: DeviceId,
    after: u64,
    last: u64,
}

impl Checked {
    fn place(&self) -> Place {
        match self {
            Self::Direct { thread, with, device, after, entries, .. } => {
                let last = entries.last().map_or(0, |entry| entry.number);
                let (thread, key) = (thread.clone(), ThreadKey::Direct(with.clone()));
                Place { thread, key, device: *device, after: *after, last }
            }
            Self::Signed { room, device, after, entries, .. } => {
                let last = entries.last().map_or(0, |(entry, _)| entry.number);
                let (thread, key) = (Thread::Room(*room), ThreadKey::Room(*room));
                Place { thread, key, device: *device, after: *after, last }
            }
        }
    }
}

/// Stores `batch`, in its order. If the disk fails, nothing is acknowledged and it is asked for again.
pub(super) async fn store(history: &History, registry: &Addr<Registry>, peers: &Peers, batch: Vec<Peer>) -> Stored {
    let own = peers.clone();
    // Signatures take a twentieth of a millisecond each: not on the core's thread.
    let checked =
        tokio::task::spawn_blocking(move || batch.into_iter().map(|frame| check(&own, frame)).collect::<Vec<_>>());
    let Ok(checked) = checked.await else { return Stored { heads: Vec::new() } };
    let (mut parts, mut refused) = (Vec::new(), Vec::new());
    for part in checked {
        match part {
            Ok(part) => parts.push(part),
            Err(why) => refused.push(why),
        }
    }
    for (key, device, why) in refused {
        let (key, device) = (key.unwrap_or(ThreadKey::Direct(peers.user.clone())), device.unwrap_or(peers.device));
        tell(registry, LogArrived { refused: Some(why), ..nothing(peers, key, device, None) }).await;
    }
    let places: Vec<_> = parts.iter().map(Checked::place).collect();
    let own = peers.clone();
    let results = match history.write(move |c| take_all(c, &own, &parts)).await {
        Ok(results) => results,
        Err(error) => {
            tracing::error!(%error, "cannot store messages");
            for Place { key, device, after, last, .. } in places {
                tell(registry, LogArrived { behind: Some(last), ..nothing(peers, key, device, Some(after)) }).await;
            }
            return Stored { heads: Vec::new() };
        }
    };
    let mut heads: BTreeMap<Thread, BTreeMap<DeviceId, Head>> = BTreeMap::new();
    for (Place { thread, key, device, after, last }, result) in places.into_iter().zip(results) {
        let news = nothing(peers, key.clone(), device, Some(after));
        let Told { taken, new } = match result {
            Ok(taken) => taken,
            Err(why) => {
                tell(registry, LogArrived { behind: Some(last), refused: Some(why), ..news }).await;
                continue;
            }
        };
        if let Some(why) = taken.refused.map(Refused::from).or(taken.late) {
            tell(registry, LogArrived { refused: Some(why), ..nothing(peers, key, device, None) }).await;
        }
        let (head, behind) = (taken.head, taken.gap.then_some(last));
        tell(registry, LogArrived { new, head, behind, ..news }).await;
        if let Some(head) = taken.head {
            heads.entry(thread).or_default().insert(device, head);
        }
    }
    Stored { heads: heads.into_iter().map(|(thread, heads)| (thread, heads.into_values().collect())).collect() }
}

/// News of a part that brought nothing.
fn nothing(peers: &Peers, thread: ThreadKey, device: DeviceId, after: Option<u64>) -> LogArrived {
    let (link, user) = (peers.device, peers.user.clone());
    LogArrived { link, user, thread, device, after, new: Vec::new(), head: None, behind: None, refused: None }
}

async fn tell(registry: &Addr<Registry>, news: LogArrived) {
    if let Some(why) = news.refused {
        tracing::warn!(user = %news.user, why = why.code(), "something that arrived was refused");
    }
    // A closed registry means that the program ends; what is new is in the history.
    let _ended = registry.send(news).await;
}

type Unheld = (Option<ThreadKey>, Option<DeviceId>, Refused);

/// What can be checked without the disk.
fn check(peers: &Peers, frame: Peer) -> Result<Checked, Unheld> {
    match frame {
        Peer::Entries(entries) => check_direct(peers, entries),
        Peer::SignedEntries(entries) => check_signed(*entries),
        _ => Err((None, None, Refused::Malformed)),
    }
}

fn check_direct(peers: &Peers, entries: Entries) -> Result<Checked, Unheld> {
    let Entries { thread, author, device, after, mut entries, .. } = entries;
    let own = &peers.own;
    let Some(ThreadKey::Direct(with)) = ThreadKey::from_link(&thread, &own.user, &peers.user) else {
        return Err((None, Some(device), Refused::NotTheirs));
    };
    let theirs = if peers.is_own() { author == own.user || author == with } else { author == peers.user };
    // A friend may bring the logs of all devices of theirs, and none of ours.
    let ours = author != own.user && own_devices(own).is_some_and(|list| list.devices.contains(&device));
    if !theirs || ours {
        return Err((Some(ThreadKey::Direct(with)), Some(device), Refused::NotTheirs));
    }
    if !peers.is_own() || author != own.user {
        for entry in &mut entries {
            entry.meant_for = None;
        }
    }
    Ok(Checked::Direct { thread, with, author, device, after, entries })
}

fn own_devices(own: &Identity) -> Option<DeviceList> {
    own.device_list.verify(DEVICE_LIST, &own.chain.account).ok()
}

fn check_signed(entries: SignedEntries) -> Result<Checked, Unheld> {
    let SignedEntries { room, chain, after, entries, .. } = entries;
    let key = Some(ThreadKey::Room(room));
    let by = chain.verify().map_err(|_| (key.clone(), None, Refused::Forged))?;
    let mut read = Vec::with_capacity(entries.len());
    for entry in entries {
        let forged = (key.clone(), Some(by.device), Refused::Forged);
        if verify_signature(&by.device_key, ROOM_ENTRY, &entry.body, &entry.signature).is_err() {
            return Err(forged);
        }
        let Ok(body) = from_cbor::<RoomEntry>(&entry.body) else {
            return Err((key, Some(by.device), Refused::Malformed));
        };
        if body.room != room || body.device != by.device || body.account != by.account {
            return Err(forged);
        }
        read.push((body, entry));
    }
    Ok(Checked::Signed { room, account: by.account, device: by.device, chain: Box::new(chain), after, entries: read })
}

/// What became of a part, and what is told of it.
struct Told {
    taken: Taken,
    new: Vec<Event>,
}

/// Inside the batch's transaction, all of its parts.
fn take_all(c: &Connection, peers: &Peers, parts: &[Checked]) -> rusqlite::Result<Vec<Result<Told, Refused>>> {
    let taken = parts.iter().map(|part| take(c, peers, part)).collect::<rusqlite::Result<Vec<_>>>()?;
    let fresh = taken.iter().flatten().flat_map(Taken::messages).collect();
    let mut results = Vec::with_capacity(taken.len());
    for part in taken {
        results.push(match part {
            Ok(mut part) => {
                let new = acts::told(c, &fresh, std::mem::take(&mut part.new))?;
                Ok(Told { taken: part, new })
            }
            Err(why) => Err(why),
        });
    }
    Ok(results)
}

fn take(c: &Connection, peers: &Peers, part: &Checked) -> rusqlite::Result<Result<Taken, Refused>> {
    match part {
        Checked::Direct { with, author, device, after, entries, .. } => {
            // Somebody may be linked for a common room alone: that makes no conversation between the two.
            if !peers.is_own() && !friends::may_write(c, &peers.user, peers.account)? {
                return Ok(Err(Refused::NotTheirs));
            }
            let arrival = Arrival {
                thread: &ThreadKey::Direct(with.clone()),
                conversation: &ConversationId::Direct(with.clone()),
                author,
                device: *device,
                own: *author == peers.own.user,
                after: *after,
            };
            messages::insert_entries(c, &arrival, entries).map(Ok)
        }
        Checked::Signed { room, account, device, chain, after, entries } => {
            let Some(name) = rooms::name(c, *room)? else { return Ok(Err(Refused::NotMember)) };
            if !peers.is_own() && !rooms::is_member(c, *room, peers.account)? {
                return Ok(Err(Refused::NotMember));
            }
            let Some((author, until)) = rooms::author(c, *room, *account)? else { return Ok(Err(Refused::NotMember)) };
            let removed = rooms::removed_at(c, *account, *device)?;
            let (good, late) = in_time(entries, until, removed);
            if let (true, Some(why)) = (good.is_empty(), late) {
                return Ok(Err(why));
            }
            let arrival = Arrival {
                thread: &ThreadKey::Room(*room),
                conversation: &ConversationId::Room(name),
                author: &author,
                device: *device,
                own: *account == peers.own.account,
                after: *after,
            };
            let mut taken = messages::insert_signed(c, &arrival, good)?;
            if taken.head.is_some() {
                signed::keep_chain(c, *device, &author, chain)?;
            }
            if taken.refused.is_none() {
                taken.late = late;
            }
            Ok(Ok(taken))
        }
    }
}

/// What its author said while a member, on a device of the account; and why the rest does not count.
fn in_time(
    entries: &[(RoomEntry, SignedEntry)],
    member_until: Option<u64>,
    device_until: Option<u64>,
) -> (&[(RoomEntry, SignedEntry)], Option<Refused>) {
    let beyond = |until: Option<u64>| until.and_then(|until| entries.iter().position(|(entry, _)| entry.clock > until));
    let (member, device) = (beyond(member_until), beyond(device_until));
    let why = match (member, device) {
        (None, None) => return (entries, None),
        (Some(at), other) if other.is_none_or(|other| at <= other) => Refused::NotMember,
        _ => Refused::RemovedDevice,
    };
    let end = member.into_iter().chain(device).min().unwrap_or(entries.len());
    (entries.get(..end).unwrap_or_default(), Some(why))
}
