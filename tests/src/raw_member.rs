//! A member of a room who keeps to no rule: joins as everybody does, and then writes a log as a test wants it.

use std::time::{SystemTime, UNIX_EPOCH};

use hobnob_shared::codec::to_cbor;
use hobnob_shared::id::{DeviceId, Fingerprint, Hash, Incarnation, MessageId, RoomId};
use hobnob_shared::identity::{Chain, DeviceKey, Statement, spki_hash};
use hobnob_shared::message::{
    FromServer, JoinRoom, Peer, ROOM_ENTRY, ROOM_LEAVE, RoomEntry, RoomLeave, RoomMember, SignedEntries, SignedEntry,
    ToServer,
};

use crate::raw_friend::{RawFriend, RawLink};

/// A room, as the server showed it.
#[derive(Debug, Clone)]
pub struct RawRoom {
    /// Its name.
    pub name: RoomId,
    /// Its life.
    pub incarnation: Incarnation,
    /// The server's records.
    pub members: Vec<RoomMember>,
}

/// The log of a device in a room, honest as it stands here; what is altered is the test's business.
pub struct RawLog {
    /// Where.
    pub room: Incarnation,
    /// Whose: to be said beside the entries.
    pub chain: Chain,
    /// Signs.
    pub key: DeviceKey,
    /// Of the last entry.
    pub number: u64,
    /// Of the last entry.
    pub hash: Hash,
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl RawFriend {
    /// Joins a room.
    pub async fn join(&mut self, room: &str) -> RawRoom {
        let name: RoomId = room.parse().unwrap_or_else(|error| panic!("{room}: {error}"));
        self.seq += 1;
        let seq = self.seq;
        self.session.say(&ToServer::JoinRoom(JoinRoom { seq, room: name.clone(), proof: None }));
        let mut found: Option<RawRoom> = None;
        let pages = |frame| {
            match frame {
                FromServer::RoomState(page) if page.room == name => {
                    let (name, incarnation) = (name.clone(), page.incarnation);
                    let room = found.get_or_insert_with(|| RawRoom { name, incarnation, members: Vec::new() });
                    room.members.extend(page.members);
                }
                FromServer::Done(done) if done.seq == seq => return Some(()),
                FromServer::Failed(failed) if failed.seq == Some(seq) => panic!("not joined: {failed:?}"),
                _ => {}
            }
            None
        };
        self.until("a room", pages).await;
        found.unwrap_or_else(|| panic!("{room} was joined and not shown"))
    }

    /// That `user` leaves, signed by this account whoever that is.
    pub fn leave_statement(&self, room: &RawRoom, user: &str, number: u64) -> Statement {
        let leave = RoomLeave {
            room: room.name.clone(),
            incarnation: room.incarnation,
            number,
            user: user.parse().unwrap_or_else(|error| panic!("{user}: {error}")),
            at: now_ms(),
        };
        let statement = Statement::sign(ROOM_LEAVE, &leave, &self.account.key, self.account.chain.clone());
        statement.unwrap_or_else(|error| panic!("{error}"))
    }

    /// This account's log in a room, still empty.
    pub fn log(&self, room: &RawRoom) -> RawLog {
        RawLog::new(room.incarnation, self.account.chain.clone(), &self.account.key)
    }
}

impl RawLog {
    /// An empty one.
    pub fn new(room: Incarnation, chain: Chain, key: &DeviceKey) -> Self {
        let key = DeviceKey::from_pkcs8(&key.to_pkcs8()).unwrap_or_else(|error| panic!("{error}"));
        Self { room, chain, key, number: 0, hash: Hash([0; 32]) }
    }

    /// The device.
    pub fn device(&self) -> DeviceId {
        self.key.id()
    }

    /// The account, by its certificate.
    pub fn account(&self) -> Fingerprint {
        Fingerprint(spki_hash(&self.chain.account).unwrap_or_else(|error| panic!("{error}")))
    }

    /// What would come next.
    pub fn draft(&self, text: &str) -> RoomEntry {
        RoomEntry {
            room: self.room,
            account: self.account(),
            device: self.device(),
            number: self.number + 1,
            previous: self.hash,
            clock: now_ms() + self.number,
            id: MessageId::new(),
            sent_at: now_ms(),
            text: text.to_owned(),
            reply_to: None,
            act: None,
        }
    }

    /// Signs an entry.
    pub fn seal(&self, entry: &RoomEntry) -> SignedEntry {
        let body = to_cbor(entry).unwrap_or_else(|error| panic!("{error}"));
        let signature = self.key.sign(ROOM_ENTRY, &body).to_vec();
        SignedEntry { body, signature }
    }

    /// Makes an entry the last of the log.
    pub fn keep(&mut self, entry: &RoomEntry, sealed: &SignedEntry) {
        self.number = entry.number;
        self.hash = Hash(*blake3::hash(&sealed.body).as_bytes());
    }

    /// The frame that brings entries.
    pub fn part(&self, after: u64, entries: Vec<SignedEntry>) -> Peer {
        let (room, chain) = (self.room, self.chain.clone());
        Peer::SignedEntries(Box::new(SignedEntries { room, chain, after, entries, more: false }))
    }

    /// The next entry, honestly; the frame that brings it.
    pub fn write(&mut self, text: &str) -> Peer {
        let (entry, after) = (self.draft(text), self.number);
        let sealed = self.seal(&entry);
        self.keep(&entry, &sealed);
        self.part(after, vec![sealed])
    }

    /// Says something honestly over a link.
    pub fn say(&mut self, link: &RawLink, text: &str) {
        link.say(&self.write(text));
    }
}
