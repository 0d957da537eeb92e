//! What all sessions share: the store, the OPAQUE secrets, the throttles, the limits and the counters. Made by `lib.rs`; the `Registry`
//! is an actor and is held beside it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hobnob_shared::id::{Handle, RoomId};
use hobnob_shared::identity::ServerKey;
use hobnob_shared::password::ServerSetup;

use crate::config::Limits;
use crate::gate::Gate;
use crate::registry::SessionId;
use crate::store::Store;
use crate::throttle::{ByAddress, Guesses, Quota, neighbourhood};

/// See the module.
pub struct Services {
    /// Accounts and friendships.
    pub store: Arc<dyn Store>,
    /// OPAQUE secrets.
    pub setup: ServerSetup,
    /// Signs records of membership; the key that clients pin.
    pub notary: Arc<ServerKey>,
    /// Every limit.
    pub limits: Arc<Limits>,
    /// Counts connections.
    pub gate: Arc<Gate>,
    guesses: Mutex<Guesses<(Handle, IpAddr)>>,
    room_guesses: Mutex<Guesses<(RoomId, Handle)>>,
    registrations: Mutex<ByAddress>,
    sign_ins: Mutex<ByAddress>,
    next_session: AtomicU64,
    panics: AtomicU64,
}

impl Services {
    /// Over an open store.
    pub fn new(
        store: Arc<dyn Store>,
        (setup, notary): (ServerSetup, Arc<ServerKey>),
        limits: Arc<Limits>,
        gate: Arc<Gate>,
    ) -> Self {
        let by_address =
            |every_ms, burst| Mutex::new(ByAddress::new(limits.addresses_remembered, Quota::spaced(every_ms, burst)));
        Self {
            store,
            setup,
            notary,
            guesses: Mutex::new(Guesses::new(&limits)),
            room_guesses: Mutex::new(Guesses::new(&limits)),
            registrations: by_address(limits.registration_every_ms, limits.registrations_burst),
            sign_ins: by_address(limits.sign_in_every_ms, limits.sign_ins_burst),
            limits,
            gate,
            next_session: AtomicU64::new(1),
            panics: AtomicU64::new(0),
        }
    }

    /// A number for a new session.
    pub fn next_session(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }

    /// Counts a session that died of a panic; how many so far.
    pub fn count_panic(&self) -> u64 {
        self.panics.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A counter is still a counter when another thread has panicked over it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a session asks before it does something that is costly or could be guessing. A trait, so that the state machine is tested without a server.
pub trait Doorkeeper {
    /// Counts a guess at a password, or says how long to wait.
    fn guess(&self, user: &Handle, ip: IpAddr, now: Instant) -> Result<(), Duration>;
    /// The guess was right.
    fn guessed(&self, user: &Handle, ip: IpAddr);
    /// Counts a guess of an account at a room's password, or says how long to wait.
    fn guess_room(&self, room: &RoomId, user: &Handle, ip: IpAddr, now: Instant) -> Result<(), Duration>;
    /// The guess was right, or there was nothing to guess.
    fn guessed_room(&self, room: &RoomId, user: &Handle);
    /// Counts a sign-up, or says how long to wait.
    fn sign_up(&self, ip: IpAddr, now: Instant) -> Result<(), Duration>;
    /// OPAQUE secrets.
    fn setup(&self) -> &ServerSetup;
}

impl Doorkeeper for Services {
    fn guess(&self, user: &Handle, ip: IpAddr, now: Instant) -> Result<(), Duration> {
        if !self.gate.is_exempt(ip) {
            lock(&self.sign_ins).count(ip, now)?;
        }
        // Not exempt on loopback: the limit protects the account, and everybody behind a forwarded port looks like loopback.
        lock(&self.guesses).guess((user.clone(), neighbourhood(ip)), now)
    }

    fn guessed(&self, user: &Handle, ip: IpAddr) {
        lock(&self.guesses).right(&(user.clone(), neighbourhood(ip)));
    }

    fn guess_room(&self, room: &RoomId, user: &Handle, ip: IpAddr, now: Instant) -> Result<(), Duration> {
        if !self.gate.is_exempt(ip) {
            // Shared with sign-ins, so that many accounts of one place guess no faster than one.
            lock(&self.sign_ins).count(ip, now)?;
        }
        lock(&self.room_guesses).guess((room.clone(), user.clone()), now)
    }

    fn guessed_room(&self, room: &RoomId, user: &Handle) {
        lock(&self.room_guesses).right(&(room.clone(), user.clone()));
    }

    fn sign_up(&self, ip: IpAddr, now: Instant) -> Result<(), Duration> {
        if self.gate.is_exempt(ip) {
            return Ok(());
        }
        lock(&self.registrations).count(ip, now)
    }

    fn setup(&self) -> &ServerSetup {
        &self.setup
    }
}
