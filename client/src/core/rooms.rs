//! The rooms of this account: who is and was a member, by what the server and the members signed, and how each is. Pure; the registry owns
//! one. Nothing that a frame says of members counts without a record of the pinned server, or the leaver's own signature.

use std::collections::BTreeMap;

use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Incarnation, RoomId};
use hobnob_shared::identity::{IdentityError, ServerStatement, Statement};
use hobnob_shared::limits;
use hobnob_shared::message::{MEMBERSHIP, Membership, Presence, ROOM_LEAVE, RoomLeave};

use super::event::{Event, Member, Notify, RoomInfo};
use super::history::rooms::{Kept, Room};

/// People of whom a record is kept in one room, past members among them: bounds what a hostile server can make us remember.
const RECORDS: usize = 16 * limits::ROOM_MEMBERS;

/// Bytes of somebody's statement that they leave, certificates included; ours take about 1,200.
const LEAVE: usize = 2_048;

/// Why a record does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// A signature, a certificate, or what was signed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It is about another room, or another person.
    #[error("{0}")]
    Mismatch(&'static str),
}

/// What one source says of a person.
type Report = (Presence, String);

#[derive(Debug, Default)]
struct Reports {
    server: Option<Report>,
    link: Option<Report>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Rooms {
    lives: BTreeMap<Incarnation, Room>,
    reports: BTreeMap<Handle, Reports>,
    server_online: bool,
    told: BTreeMap<RoomId, RoomInfo>,
}

impl Rooms {
    /// As the profile keeps them; the newest life of each name is the last.
    pub fn load(rooms: Vec<Room>) -> Self {
        Self { lives: rooms.into_iter().map(|room| (room.incarnation, room)).collect(), ..Self::default() }
    }

    /// A room of which this account is a member.
    pub fn get(&self, incarnation: &Incarnation) -> Option<&Room> {
        self.lives.get(incarnation).filter(|room| room.ended.is_none())
    }

    /// This account was in it, and is not any more.
    pub fn is_over(&self, incarnation: &Incarnation) -> bool {
        self.lives.get(incarnation).is_some_and(|room| room.ended.is_some())
    }

    /// The room of that name of which this account is a member.
    pub fn named(&self, name: &RoomId) -> Option<&Room> {
        self.lives.values().find(|room| room.room == *name && room.ended.is_none())
    }

    /// All rooms of which this account is a member.
    pub fn all(&self) -> impl Iterator<Item = &Room> {
        self.lives.values().filter(|room| room.ended.is_none())
    }

    /// Whether `user` is a member now, and this account is too.
    pub fn is_member(&self, incarnation: &Incarnation, user: &Handle) -> bool {
        self.get(incarnation).is_some_and(|room| membership(room, user).is_some_and(|kept| kept.member))
    }

    /// The identity key under which the server vouches for `user` in some room of ours.
    pub fn account(&self, user: &Handle) -> Option<Fingerprint> {
        self.all().filter_map(|room| membership(room, user)).find(|kept| kept.member).map(|kept| kept.account)
    }

    /// Rooms in which both this account and `user` are members.
    pub fn common_with(&self, user: &Handle) -> Vec<Incarnation> {
        let both = |room: &&Room| membership(room, user).is_some_and(|kept| kept.member);
        self.all().filter(both).map(|room| room.incarnation).collect()
    }

    /// Everybody in some room of ours but `own`, each once.
    pub fn mates(&self, own: &Handle) -> Vec<Handle> {
        let members =
            self.all().flat_map(|room| room.memberships.iter().filter(|kept| kept.member && kept.user != *own));
        let mut mates: Vec<Handle> = members.map(|kept| kept.user.clone()).collect();
        mates.sort();
        mates.dedup();
        mates
    }

    /// A room that this account is in, as the server says; members come by [`Self::record`]. An older life of the same name is over.
    pub fn enter(&mut self, room: &RoomId, incarnation: Incarnation, owner: &Handle, locked: bool) -> Vec<Room> {
        let mut changed = Vec::new();
        if self.get(&incarnation).is_none() && self.all().count() >= limits::ROOMS {
            return changed;
        }
        for other in self.lives.values_mut() {
            if other.room == *room && other.incarnation != incarnation && other.ended.is_none() {
                other.ended = Some("left".to_owned());
                changed.push(Room { memberships: Vec::new(), ..other.clone() });
            }
        }
        let entry = self.lives.entry(incarnation).or_insert_with(|| Room {
            room: room.clone(),
            incarnation,
            owner: owner.clone(),
            locked,
            ended: None,
            memberships: Vec::new(),
        });
        entry.owner.clone_from(owner);
        entry.locked = locked;
        entry.ended = None;
        changed.push(Room { memberships: Vec::new(), ..entry.clone() });
        changed
    }

    /// This account is not in it any more.
    pub fn end(&mut self, incarnation: &Incarnation, reason: &str) -> Option<Room> {
        let room = self.lives.get_mut(incarnation).filter(|room| room.ended.is_none())?;
        room.ended = Some(reason.to_owned());
        self.told.remove(&room.room);
        Some(Room { memberships: Vec::new(), ..room.clone() })
    }

    /// Whom a record that is kept already is about.
    pub fn known(&self, incarnation: &Incarnation, record: &ServerStatement) -> Option<Handle> {
        let room = self.lives.get(incarnation)?;
        room.memberships.iter().find(|kept| kept.record == *record).map(|kept| kept.user.clone())
    }

    /// A record of the server about somebody: what is to be kept, if it is news.
    pub fn record(
        &mut self,
        incarnation: &Incarnation,
        record: &ServerStatement,
        server: Fingerprint,
    ) -> Result<Option<Kept>, Distrust> {
        let room = self.lives.get_mut(incarnation).ok_or(Distrust::Mismatch("no such room"))?;
        if room.memberships.iter().any(|kept| kept.record == *record) {
            return Ok(None);
        }
        let said: Membership = record.verify(MEMBERSHIP, server)?;
        if said.incarnation != *incarnation || said.room != room.room {
            return Err(Distrust::Mismatch("a record of another room"));
        }
        let kept = Kept {
            user: said.user,
            account: said.account,
            number: said.number,
            member: said.member,
            at: said.at,
            record: record.clone(),
            leave: None,
        };
        Ok(remember(room, kept))
    }

    /// Somebody's own word that they leave: what is to be kept, if it is news. `counts`: whether the device may still speak for them.
    pub fn leave(
        &mut self,
        incarnation: &Incarnation,
        leave: &Statement,
        now: u64,
        counts: impl FnOnce(&Handle, DeviceId) -> bool,
    ) -> Result<Option<Kept>, Distrust> {
        let room = self.lives.get_mut(incarnation).ok_or(Distrust::Mismatch("no such room"))?;
        if room.memberships.iter().any(|kept| kept.leave.as_ref() == Some(leave)) {
            return Ok(None);
        }
        // It is passed on beside others: none may fill a frame.
        let size = leave.body.len() + leave.chain.device.len() + leave.chain.account.len() + leave.signature.len();
        if size > LEAVE {
            return Err(Distrust::Mismatch("a leave too long"));
        }
        let (said, by): (RoomLeave, _) = leave.verify(ROOM_LEAVE)?;
        if !counts(&said.user, by.device) {
            return Err(Distrust::Mismatch("a leave by a device that was removed"));
        }
        if said.incarnation != *incarnation || said.room != room.room {
            return Err(Distrust::Mismatch("a leave of another room"));
        }
        let known = membership(room, &said.user).ok_or(Distrust::Mismatch("no member"))?;
        if known.account != by.account {
            return Err(Distrust::Mismatch("somebody else's signature"));
        }
        if known.number != said.number {
            // Of an earlier time in the room: they came back since.
            return Ok(None);
        }
        let kept = Kept { member: false, at: said.at.min(now), leave: Some(leave.clone()), ..known.clone() };
        Ok(remember(room, kept))
    }

    /// The server came or went; gone, its word on presence counts no more.
    pub fn set_server_online(&mut self, online: bool) {
        self.server_online = online;
        if !online {
            self.reports.values_mut().for_each(|reports| reports.server = None);
        }
    }

    /// The server says how somebody is.
    pub fn server_says(&mut self, user: &Handle, presence: Presence, text: &str) {
        let text = text.chars().take(limits::STATUS_TEXT).collect();
        self.reports.entry(user.clone()).or_default().server = Some((presence, text));
    }

    /// A device of theirs says so over its link; `None` once no link stands.
    pub fn link_says(&mut self, user: &Handle, report: Option<(Presence, &str)>) {
        let report = report.map(|(presence, text)| (presence, text.chars().take(limits::STATUS_TEXT).collect()));
        self.reports.entry(user.clone()).or_default().link = report;
    }

    /// The server says that they are there.
    pub fn server_says_online(&self, user: &Handle) -> bool {
        let report = self.reports.get(user).and_then(|reports| reports.server.as_ref());
        report.is_some_and(|(presence, _)| presence.is_online())
    }

    fn presence(&self, user: &Handle) -> Presence {
        let Some(reports) = self.reports.get(user) else { return Presence::Unknown };
        let told = if self.server_online { &reports.server } else { &reports.link };
        told.as_ref().map_or(Presence::Unknown, |(presence, _)| *presence)
    }

    /// A room as it is told: all members, oneself and those offline included.
    pub fn info(&self, room: &Room, own: (&Handle, Presence)) -> RoomInfo {
        let members = room.memberships.iter().filter(|kept| kept.member);
        let members = members.map(|kept| Member {
            user: kept.user.clone(),
            presence: if kept.user == *own.0 { own.1 } else { self.presence(&kept.user) },
        });
        RoomInfo {
            room: room.room.clone(),
            owner: room.owner.clone(),
            locked: room.locked,
            members: members.collect(),
            notify: Notify::All,
        }
    }

    /// Events for the rooms that look other than they were told last; for all of them with `anew`.
    pub fn tell(&mut self, own: (&Handle, Presence), anew: bool) -> Vec<Event> {
        let infos: Vec<RoomInfo> = self.all().map(|room| self.info(room, own)).collect();
        let mut events = Vec::new();
        for info in infos {
            if anew || self.told.get(&info.room) != Some(&info) {
                self.told.insert(info.room.clone(), info.clone());
                let RoomInfo { room, owner, locked, members, .. } = info;
                events.push(Event::Room { room, members, owner, locked });
            }
        }
        events
    }
}

fn membership<'a>(room: &'a Room, user: &Handle) -> Option<&'a Kept> {
    room.memberships.iter().find(|kept| kept.user == *user)
}

/// Takes a membership over what is known of the person, if it is newer.
fn remember(room: &mut Room, kept: Kept) -> Option<Kept> {
    let full = room.memberships.len() >= RECORDS;
    match room.memberships.iter_mut().find(|known| known.user == kept.user) {
        Some(known) => {
            let newer = kept.number > known.number || (kept.number == known.number && known.member && !kept.member);
            if !newer {
                return None;
            }
            *known = kept.clone();
        }
        None if full => return None,
        None => {
            let at = room.memberships.partition_point(|known| known.user < kept.user);
            room.memberships.insert(at, kept.clone());
        }
    }
    Some(kept)
}
