//! Who is here, and on which devices: what the registry's decisions are about. Pure; used by all of them.

use std::collections::HashSet;
use std::sync::Arc;

use hobnob_shared::id::{DeviceId, Handle};
use hobnob_shared::identity::{Chain, IdentityStatement};
use hobnob_shared::message::{OwnPresence, OwnStatus, Presence};

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
    /// What they chose to be; it outlives a device, not the last one.
    pub(super) status: OwnStatus,
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
            status: OwnStatus { presence: arrival.presence, text: arrival.text.clone() },
            dials: Bucket::default(),
            seen: Seen::default(),
            shown_online: false,
            stirred: false,
        }
    }

    /// What others see while a device is here.
    pub(super) fn shown(&self) -> (Presence, &str) {
        match self.status.presence.shown() {
            presence if presence.is_online() && !self.devices.is_empty() => (presence, &self.status.text),
            _ => (Presence::Offline, ""),
        }
    }

    /// Found by others, and not only by their own devices.
    pub(super) fn is_visible(&self) -> bool {
        self.status.presence != OwnPresence::Invisible
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.devices.iter().map(|online| online.session)
    }
}
