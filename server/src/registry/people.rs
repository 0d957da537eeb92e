//! Who is here, and on which devices: what the registry's decisions are about. Pure; used by all of them.

use std::collections::HashSet;
use std::sync::Arc;

use hobnob_shared::id::{DeviceId, Handle};
use hobnob_shared::identity::{Chain, IdentityStatement};
use hobnob_shared::message::{OwnPresence, Presence};

use super::state::{Arrival, SessionId};
use crate::introduction::Place;
use crate::store::{AccountId, RoomKey, Seen};
use crate::throttle::Bucket;

/// A device that is signed in.
pub(super) struct Online {
    pub(super) session: SessionId,
    pub(super) device: DeviceId,
    pub(super) chain: Arc<Chain>,
    pub(super) place: Place,
    pub(super) presence: OwnPresence,
    pub(super) text: String,
    /// Grows with each setting of presence: of two devices alike, the one set last gives the text.
    pub(super) set: u64,
    /// Sessions to which it was introduced.
    pub(super) met: HashSet<SessionId>,
}

/// Introductions that a device remembers; friends times their reconnections within one session.
const MET: usize = 4_096;

impl Online {
    pub(super) fn meet(&mut self, others: &[SessionId]) {
        if self.met.len() >= MET {
            self.met.clear();
        }
        self.met.extend(others);
    }
}

/// An account of which a device is here, or coming, or has just gone.
pub(super) struct Person {
    pub(super) user: Handle,
    pub(super) list_number: u64,
    pub(super) device_list: Arc<IdentityStatement>,
    pub(super) friends: HashSet<AccountId>,
    pub(super) rooms: HashSet<RoomKey>,
    /// Friends and rooms are known.
    pub(super) loaded: bool,
    /// Grows with each change of friends, requests, rooms, devices or roster: a look-up that began before is repeated.
    pub(super) version: u64,
    pub(super) arriving: usize,
    pub(super) devices: Vec<Online>,
    pub(super) dials: Bucket,
    /// When they were last seen, and whether friends may be told.
    pub(super) seen: Seen,
    /// Others were told last that they are online.
    pub(super) shown_online: bool,
    /// What is shown of them has changed since that; so they were online at least for a moment.
    pub(super) stirred: bool,
}

impl Person {
    /// Nothing is known of them but what the first device brings.
    pub(super) fn new(arrival: &Arrival) -> Self {
        Self {
            user: arrival.user.clone(),
            list_number: arrival.list_number,
            device_list: Arc::clone(&arrival.device_list),
            friends: HashSet::new(),
            rooms: HashSet::new(),
            loaded: false,
            version: 0,
            arriving: 0,
            devices: Vec::new(),
            dials: Bucket::default(),
            seen: Seen::default(),
            shown_online: false,
            stirred: false,
        }
    }

    /// What others see: the best of the devices, its text.
    pub(super) fn shown(&self) -> (Presence, &str) {
        let rank = |presence| match presence {
            OwnPresence::Available => 3,
            OwnPresence::Busy => 2,
            OwnPresence::Away => 1,
            OwnPresence::Invisible => 0,
        };
        let best = self.devices.iter().max_by_key(|device| (rank(device.presence), device.set));
        match best.map(|device| (device.presence.shown(), device.text.as_str())) {
            Some((presence, text)) if presence.is_online() => (presence, text),
            _ => (Presence::Offline, ""),
        }
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.devices.iter().map(|online| online.session)
    }
}
