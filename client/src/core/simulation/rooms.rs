//! The room on a device: who is in it, by the server's records, as `routes::rooms` keeps it.

use hobnob_shared::codec::from_cbor;
use hobnob_shared::id::{DeviceId, Handle, Incarnation};
use hobnob_shared::identity::Statement;
use hobnob_shared::message::{Peer, RoomChanged, RoomLeave, RoomLeft, RoomMember, RoomRecords, RoomState};

use super::cast::{self, ROOM};
use super::device::Device;
use super::logs::Waiting;
use crate::core::history::rooms::{Kept, Room};
use crate::core::replica::ThreadKey;

impl Device {
    /// This account is in the room, as far as the device knows.
    pub(super) fn is_in_room(&self) -> bool {
        self.core.rooms.get(&ROOM).is_some()
    }

    /// Words are taken from a member, or an own device, if their author is or was a member.
    pub(super) fn takes_of_room(&self, from: &Handle, author: &Handle) -> bool {
        let known = self.disk.written().rooms.get(&ROOM);
        let author_known = known.is_some_and(|room| room.memberships.iter().any(|kept| kept.user == *author));
        author_known && self.may_share(from, &ThreadKey::Room(ROOM))
    }

    /// At a start: of whom it is on the disk that they are not in the room.
    pub(super) fn find_outsiders(&mut self) {
        self.outside.clear();
        let Some(room) = self.disk.synced.rooms.get(&ROOM) else { return };
        let own = &self.user;
        let gone = room.memberships.iter().filter(|kept| !kept.member && kept.user != *own);
        self.outside.extend(gone.map(|kept| &kept.user).chain(room.ended.is_some().then_some(own)).cloned());
    }

    pub(super) fn room_state(&mut self, page: &RoomState) {
        let changed = self.core.rooms.enter(&page.room, page.incarnation, &page.owner, page.locked);
        self.keep_rooms(changed);
        for member in &page.members {
            self.member(page.incarnation, member);
        }
        if page.last {
            self.waiting.push(Waiting::Room);
        }
    }

    /// The room is shared with every member that is linked and does not share it yet.
    pub(super) fn share_room(&mut self) {
        let (own, thread) = (self.user.clone(), ThreadKey::Room(ROOM));
        for user in self.core.rooms.mates(&own).into_iter().chain([own]) {
            for device in self.devices_up(&user) {
                if self.may_share(&user, &thread) && !self.core.exchange.shares(&device, &thread) {
                    self.share_thread(device, &thread);
                }
            }
            self.reconsider(&user);
        }
    }

    pub(super) fn room_changed(&mut self, news: &RoomChanged) {
        if self.core.rooms.is_over(&news.incarnation) {
            return;
        }
        let changed = self.core.rooms.enter(&news.room, news.incarnation, &news.owner, news.locked);
        self.keep_rooms(changed);
        if let Some(member) = &news.member {
            self.member(news.incarnation, member);
        }
    }

    pub(super) fn room_left(&mut self, news: &RoomLeft) {
        let record = self.core.rooms.record(&news.incarnation, &news.record, cast::server_key());
        if record.is_ok() && !self.core.rooms.is_member(&news.incarnation, &self.user) {
            self.end_room(news.incarnation);
        }
    }

    /// The server's list of rooms is complete: others are over.
    pub(super) fn rooms_listed(&mut self, listed: &[hobnob_shared::id::RoomId]) {
        let gone = self.core.rooms.all().filter(|room| !listed.contains(&room.room));
        let gone: Vec<Incarnation> = gone.map(|room| room.incarnation).collect();
        for incarnation in gone {
            self.end_room(incarnation);
        }
    }

    /// The server has done what a person asked for.
    pub(super) fn left(&mut self, statement: &Statement) {
        let Some(known) = self.core.rooms.get(&ROOM) else { return };
        let ended = from_cbor::<RoomLeave>(&statement.body).map_or(u64::MAX, |said| said.number);
        let mut members = known.memberships.iter().filter(|kept| kept.member);
        if !members.any(|kept| kept.user == self.user && kept.number > ended) {
            self.end_room(ROOM);
        }
    }

    fn end_room(&mut self, incarnation: Incarnation) {
        let own = self.user.clone();
        let mates = self.core.rooms.mates(&own);
        let Some(room) = self.core.rooms.end(&incarnation, "left") else { return };
        self.keep_rooms(vec![room]);
        self.outside.insert(own.clone());
        for user in mates.into_iter().chain([own]) {
            self.unshare(&user, &ThreadKey::Room(incarnation));
            self.end_if_stranger(&user);
        }
    }

    fn keep_rooms(&mut self, changed: Vec<Room>) {
        for room in changed {
            if room.ended.is_none() {
                self.outside.remove(&self.user);
            }
            self.disk.write_rest().keep_room(room);
        }
    }

    fn member(&mut self, room: Incarnation, member: &RoomMember) {
        match self.core.rooms.record(&room, &member.record, cast::server_key()) {
            Ok(Some(kept)) => {
                self.core.rooms.server_says(&kept.user, member.presence, &member.text);
                self.keep_membership(room, kept);
            }
            Ok(None) => {
                if let Some(user) = self.core.rooms.known(&room, &member.record) {
                    self.core.rooms.server_says(&user, member.presence, &member.text);
                    self.reconsider(&user);
                }
            }
            Err(distrust) => panic!("the server's own record: {distrust}"),
        }
    }

    /// On the disk first, then acted on.
    fn keep_membership(&mut self, room: Incarnation, kept: Kept) {
        if kept.member {
            self.outside.remove(&kept.user);
        }
        self.disk.write_rest().keep_member(room, kept.clone());
        self.waiting.push(Waiting::Member(kept));
    }

    pub(super) fn membership_kept(&mut self, kept: &Kept) {
        let (user, thread) = (&kept.user, ThreadKey::Room(ROOM));
        if kept.member {
            for other in self.devices_up(user) {
                self.share_thread(other, &thread);
            }
            self.reconsider(user);
        } else {
            let newest = self.disk.written().rooms.get(&ROOM).into_iter().flat_map(|room| &room.memberships);
            let mut newest = newest.into_iter();
            if *user != self.user && newest.any(|known| known.user == *user && !known.member) {
                self.outside.insert(user.clone());
            }
            self.unshare(user, &thread);
            self.end_if_stranger(user);
        }
    }

    fn devices_up(&self, user: &Handle) -> Vec<DeviceId> {
        let mut devices: Vec<DeviceId> =
            self.core.links.devices_up(user).into_iter().map(|(device, ..)| device).collect();
        devices.sort();
        devices
    }

    fn unshare(&mut self, user: &Handle, thread: &ThreadKey) {
        if self.slips(super::slip::Slip::TellLeavers) {
            return;
        }
        for device in self.devices_up(user) {
            self.core.exchange.unshare(&device, thread);
            self.unfollow(device, thread);
        }
    }

    /// A link to somebody with whom nothing is shared any more ends.
    fn end_if_stranger(&mut self, user: &Handle) {
        if self.expected_key(user).is_some() {
            return;
        }
        self.core.policy.settle(user);
        let theirs: Vec<DeviceId> = self.links.keys().filter(|device| cast::owner(device) == user).copied().collect();
        for device in theirs {
            self.close_link(device, true);
        }
        self.core.rooms.link_says(user, None);
    }

    pub(super) fn send_records(&mut self, other: DeviceId, room: Incarnation) {
        if self.core.links.standing(&other).is_none() {
            return;
        }
        let Some(known) = self.core.rooms.get(&room) else { return };
        let records = known.memberships.iter().map(|kept| kept.record.clone()).collect();
        self.send(other, Peer::RoomRecords(RoomRecords { room, records, leaves: Vec::new() }));
    }

    /// A member shows who is, and was, a member.
    pub(super) fn records_heard(&mut self, other: DeviceId, said: &RoomRecords) {
        let user = cast::owner(&other);
        if *user != self.user && !self.core.rooms.is_member(&said.room, user) {
            return;
        }
        for record in &said.records {
            if let Ok(Some(kept)) = self.core.rooms.record(&said.room, record, cast::server_key()) {
                self.keep_membership(said.room, kept);
            }
        }
    }
}
