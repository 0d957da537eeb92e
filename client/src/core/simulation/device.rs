//! One device: the pure halves that the programs run, and as much of a shell around them as `Registry` and `PeerLink` are. Here are its
//! start and end, its clock, and its links; `logs.rs` has what is said, `online.rs` the server, `rooms.rs` the room.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::{DeviceId, Handle, Hash, InstanceId, MessageId, Token};
use hobnob_shared::message::{Introduced, Peer, PeerHello, Presence, ToServer};

use super::cast;
use super::disk::Disk;
use super::logs::Waiting;
use super::slip::Slip;
use crate::core::event::LinkPath;
use crate::core::history::pairs::Pair;
use crate::core::links::Up;
use crate::core::peer_link::redial::{Attempt, Bond, Deed as PairDeed, Redial};
use crate::core::peer_link::state::{ConnectionId, Effect, State as PeerState};
use crate::core::peer_link::tokens::{Expected, Purpose, TokenTable};
use crate::core::registry::state::State as Core;
use crate::core::replica::ThreadKey;
use crate::core::rooms::Rooms;
use crate::core::session::state::Machine;

/// Everything that a device's program has in memory, and its disk.
pub(super) struct Device {
    pub(super) id: DeviceId,
    pub(super) user: Handle,
    pub(super) disk: Disk,
    /// What the registry decides.
    pub(super) core: Core<()>,
    pub(super) links: BTreeMap<DeviceId, Link>,
    /// Who is let in.
    pub(super) tokens: TokenTable,
    pub(super) machine: Machine,
    /// The server does not want it any more: it waits for a person.
    pub(super) stays_away: bool,
    instance: InstanceId,
    pub(super) starts: u8,
    pub(super) now: Instant,
    /// Done after the next sync.
    pub(super) waiting: Vec<Waiting>,
    pub(super) out: Vec<Out>,
    /// What was shown, ever: survives every crash, as a person's memory does.
    pub(super) shown: Vec<(ThreadKey, DeviceId, u64, MessageId)>,
    /// Own messages that were promised to be safe, each once.
    pub(super) promised: Vec<(ThreadKey, MessageId)>,
    /// Others', told as being on a disk of this person.
    pub(super) told_delivered: Vec<(ThreadKey, Handle, DeviceId, MessageId)>,
    /// People of whom it is on the disk that they left the room, and no newer word is here.
    pub(super) outside: BTreeSet<Handle>,
    pub(super) slip: Option<Slip>,
    seed: u64,
}

/// A link to another device, standing or only tried.
pub(super) struct Link {
    pub(super) state: PeerState,
    pub(super) redial: Redial,
    open: BTreeMap<ConnectionId, Open>,
    /// Relays to try if nothing direct stands by then.
    relays: Vec<(Instant, Token)>,
}

/// A connection, as its TLS made it.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) path: LinkPath,
    /// What the exporter gives, to both ends alike.
    pub(super) secret: [u8; 32],
    /// What our hello named.
    bond: Option<Bond>,
    /// What theirs said.
    theirs: Option<Hash>,
}

/// What becomes of somebody who knocks.
pub(super) enum Entry {
    /// The token is unknown: the notice of it may be on its way.
    Waits,
    /// It was made for somebody else.
    Refused,
    /// Comes in, for this.
    Let(Purpose),
}

/// What goes out.
pub(super) enum Out {
    /// On a connection to a device.
    Frame(DeviceId, ConnectionId, Box<Peer>),
    /// The end of one.
    Close(DeviceId, ConnectionId),
    /// A connection to a device, with this token.
    Dial(usize, Token, Option<u64>),
    /// A connection to a device through the server's relay.
    Relay(Token),
    /// A connection to the server, by its number.
    Call(u64),
    /// The end of it.
    HangUp,
    /// On it.
    Say(Box<ToServer>),
}

impl Device {
    pub(super) fn new(id: u8, seed: u64, now: Instant, slip: Option<Slip>) -> Self {
        let id = DeviceId([id; 32]);
        let mut device = Self {
            id,
            user: cast::owner(&id).clone(),
            disk: Disk::default(),
            core: Core::default(),
            links: BTreeMap::new(),
            tokens: TokenTable::default(),
            machine: Machine::new(0),
            stays_away: false,
            instance: InstanceId([0; 16]),
            starts: 0,
            now,
            waiting: Vec::new(),
            out: Vec::new(),
            shown: Vec::new(),
            promised: Vec::new(),
            told_delivered: Vec::new(),
            outside: BTreeSet::new(),
            slip,
            seed: seed.wrapping_mul(31).wrapping_add(u64::from(id.0[0])),
        };
        device.start();
        device
    }

    pub(super) fn slips(&self, slip: Slip) -> bool {
        self.slip == Some(slip)
    }

    /// Killed and started again: memory is gone, the disk has what was synced.
    pub(super) fn restart(&mut self) {
        self.disk.crash();
        self.starts += 1;
        self.start();
    }

    fn start(&mut self) {
        self.instance = InstanceId([self.id.0[0] ^ (self.starts << 3); 16]);
        self.links.clear();
        self.waiting.clear();
        self.out.clear();
        self.tokens = TokenTable::default();
        self.stays_away = false;
        self.core = Core::default();
        self.core.exchange = crate::core::replica::exchange::Exchange::new(self.id);
        for (thread, head) in self.disk.written().heads() {
            self.core.exchange.copy(thread, head);
        }
        self.core.rooms = Rooms::load(self.disk.written().rooms.values().cloned().collect());
        for friend in cast::people().iter().filter(|user| cast::friends(user, &self.user)) {
            self.core.roster.pin(cast::pin(friend));
        }
        self.find_outsiders();
        let seed = self.fresh_seed();
        self.machine = Machine::new(seed);
        let effects = self.machine.open(self.now);
        self.session_effects(effects);
        self.reunite_all();
    }

    fn fresh_seed(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 7
    }

    /// The connection that is the link to a device.
    pub(super) fn up(&self, other: &DeviceId) -> Option<ConnectionId> {
        self.links.get(other).and_then(|link| link.state.live())
    }

    pub(super) fn path(&self, other: &DeviceId) -> LinkPath {
        self.links.get(other).map_or(LinkPath::None, |link| link.state.path())
    }

    /// Time passed.
    pub(super) fn tick(&mut self, now: Instant) {
        self.now = now;
        let effects = self.machine.poll(now);
        self.session_effects(effects);
        self.time_passed();
        let others: Vec<DeviceId> = self.links.keys().copied().collect();
        for other in others {
            let Some(link) = self.links.get_mut(&other) else { continue };
            let effects = link.state.tick(now);
            self.carry_out(other, effects);
            let Some(link) = self.links.get_mut(&other) else { continue };
            let due: Vec<Token> = link.relays.iter().filter(|(at, _)| *at <= now).map(|(_, token)| *token).collect();
            link.relays.retain(|(at, _)| *at > now);
            if link.state.live().is_some() {
                continue;
            }
            let attempts = link.redial.due(now);
            self.out.extend(due.into_iter().map(Out::Relay));
            for Attempt { address, token, counter } in attempts {
                self.out.extend(cast::listener(address).map(|to| Out::Dial(to, token, Some(counter))));
            }
        }
    }

    /// The link to a device, made if there is none; false for strangers.
    pub(super) fn link_to(&mut self, device: DeviceId) -> bool {
        if self.links.contains_key(&device) {
            return true;
        }
        let user = cast::owner(&device);
        if self.expected_key(user).is_none() {
            return false;
        }
        let mut redial = Redial::new(self.id, user.clone(), device, self.fresh_seed());
        let deeds = self.disk.written().pairs.get(&device).map(|pair| redial.loaded(pair)).unwrap_or_default();
        let state = PeerState::new(self.id, device);
        self.links.insert(device, Link { state, redial, open: BTreeMap::new(), relays: Vec::new() });
        self.core.links.insert(device, user.clone(), ());
        self.pair_deeds(device, deeds);
        true
    }

    /// A link is of no use any more.
    pub(super) fn close_link(&mut self, device: DeviceId, forget: bool) {
        self.core.links.remove(&device);
        self.core.exchange.unlinked(&device);
        let Some(mut link) = self.links.remove(&device) else { return };
        self.out.extend(link.open.keys().map(|id| Out::Close(device, *id)));
        self.tokens.forget_device(&device);
        if forget {
            let deeds = link.redial.forget();
            self.pair_deeds(device, deeds);
        }
    }

    fn pair_deeds(&mut self, device: DeviceId, deeds: Vec<PairDeed>) {
        for deed in deeds {
            match deed {
                PairDeed::Keep(pair) | PairDeed::KeepNow(pair) => {
                    if self.disk.written().pairs.get(&device) != Some(&pair) {
                        self.disk.write_rest().pairs.insert(device, Pair::clone(&pair));
                    }
                }
                PairDeed::Erase => {
                    self.tokens.forget_device(&device);
                    self.disk.write_rest().pairs.remove(&device);
                }
                PairDeed::Spent(counter) => self.tokens.forget_reunions(&device, counter),
                PairDeed::Admit(window) => {
                    for (counter, token) in window {
                        let expected = expected(device, Purpose::Reunion(counter));
                        self.tokens.admit_at(token, expected, None, self.now);
                    }
                }
            }
        }
    }

    /// The server named a device: it is let in, and dialled.
    pub(super) fn introduced(&mut self, introduced: &Introduced) {
        let device = introduced.device;
        if !self.link_to(device) {
            return;
        }
        let life = std::time::Duration::from_secs(introduced.life.into()).min(hobnob_shared::limits::TOKEN_LIFE);
        self.tokens.admit_at(introduced.expect, expected(device, Purpose::Link), Some(life), self.now);
        let Some(link) = self.links.get_mut(&device) else { return };
        if link.state.path() == LinkPath::Direct {
            return;
        }
        link.relays.push((self.now + hobnob_shared::limits::DIRECT_HEAD_START, introduced.relay));
        for address in introduced.addresses.iter().filter_map(|text| text.parse().ok()) {
            self.out.extend(cast::listener(address).map(|to| Out::Dial(to, introduced.dial, None)));
        }
    }

    /// The listener: what becomes of somebody who dials with this token.
    pub(super) fn lets_in(&mut self, token: &Token, dialler: &DeviceId) -> Entry {
        let Some(expected) = self.tokens.redeem_at(token, self.now) else { return Entry::Waits };
        // TLS fails with any other certificate.
        if expected.device != *dialler && !self.slips(Slip::AnyDevice) {
            return Entry::Refused;
        }
        if !self.slips(Slip::TokenTwice) {
            self.tokens.forget(token);
        }
        Entry::Let(expected.purpose)
    }

    /// A reunion's token was used: by us there, or by them here.
    pub(super) fn reunited(&mut self, other: DeviceId, counter: u64, dialled: bool) {
        let Some(link) = self.links.get_mut(&other) else { return };
        let deeds = if dialled { link.redial.let_us_in(counter) } else { link.redial.used(counter) };
        self.pair_deeds(other, deeds);
    }

    /// A connection to `other` stands; `None` if it is not wanted.
    pub(super) fn connected(&mut self, other: DeviceId, path: LinkPath, secret: [u8; 32]) -> Option<ConnectionId> {
        if !self.link_to(other) {
            return None;
        }
        let now = self.now;
        let link = self.links.get_mut(&other)?;
        let bond = link.redial.bond();
        let hello = PeerHello {
            user: self.user.clone(),
            instance: self.instance,
            device_list: cast::device_list(),
            abilities: Abilities::ours(),
            presence: Presence::Available,
            text: String::new(),
            port: cast::address(&self.id).port(),
            reunion: bond.as_ref().map(Bond::name),
        };
        let (id, effects) = link.state.connected(path, hello, now)?;
        link.open.insert(id, Open { path, secret, bond, theirs: None });
        self.carry_out(other, effects);
        Some(id)
    }

    /// A frame came from a device.
    pub(super) fn heard_from(&mut self, other: DeviceId, id: ConnectionId, frame: Peer) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&other) else { return };
        if let Peer::Hello(hello) = &frame
            && let Some(open) = link.open.get_mut(&id)
        {
            open.theirs = hello.reunion;
        }
        let effects = link.state.frame(id, frame, now);
        self.carry_out(other, effects);
    }

    /// A connection ended.
    pub(super) fn lost(&mut self, other: DeviceId, id: ConnectionId) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&other) else { return };
        let effects = link.state.lost(id, now);
        self.carry_out(other, effects);
    }

    pub(super) fn carry_out(&mut self, other: DeviceId, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Write(id, frame) | Effect::Offer(id, frame) => self.out.push(Out::Frame(other, id, frame)),
                Effect::Close(id) => {
                    if let Some(link) = self.links.get_mut(&other) {
                        link.open.remove(&id);
                    }
                    self.out.push(Out::Close(other, id));
                }
                Effect::Up(id) => self.link_up(other, id),
                Effect::Down => self.link_down(other),
                Effect::Read(thread, asked) => self.read_own_log(other, &thread, asked),
                Effect::Store(frame) => self.store(other, *frame),
                Effect::Serve(want) => self.serve(other, &want),
                Effect::Forward(frame) if self.core.links.standing(&other).is_some() => match *frame {
                    Peer::Have(have) => self.have_heard(other, &have),
                    Peer::RoomRecords(records) => self.records_heard(other, &records),
                    _ => {}
                },
                Effect::Forward(_) | Effect::Sent(_) => {}
            }
        }
    }

    fn link_up(&mut self, other: DeviceId, id: ConnectionId) {
        let Some(link) = self.links.get_mut(&other) else { return };
        let Some(open) = link.open.get(&id).cloned() else { return };
        let address = (open.path == LinkPath::Direct).then(|| cast::address(&other));
        let agreed = open.bond.filter(|bond| open.theirs == Some(bond.name()));
        let deeds = link.redial.linked(agreed, open.secret, address);
        self.pair_deeds(other, deeds);
        let user = cast::owner(&other);
        if self.expected_key(user).is_none() {
            return self.close_link(other, false);
        }
        self.core.links.set_up(&other, Up { path: open.path, address, dialled: false });
        self.core.policy.settle(user);
        self.core.link_changed(user, Some((Presence::Available, "")));
        self.reconsider(user);
        self.share_with(other);
    }

    fn link_down(&mut self, other: DeviceId) {
        if let Some(link) = self.links.get_mut(&other) {
            link.redial.link_lost(self.now);
        }
        self.core.links.set_down(&other);
        self.core.exchange.unlinked(&other);
        let user = cast::owner(&other);
        self.core.link_changed(user, Some((Presence::Available, "")));
        self.reconsider(user);
    }
}

fn expected(device: DeviceId, purpose: Purpose) -> Expected {
    let user = cast::owner(&device).clone();
    Expected { account: cast::key(&user), user, device, purpose }
}
