//! Introductions and circuits: the part of the registry's decisions about who is told where whom to find. Pure, like `state.rs`, whose
//! people it reads; which addresses are told is the rule in `introduction.rs`.

use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Handle, Token, TransferId};
use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::{Circuit, Done, FromServer, Introduced, Seq};

use super::people::{Online, Person};
use super::state::{Effect, SessionId, State, refuse, too_early};
use crate::error::Refusal;
use crate::introduction::candidates;
use crate::store::{AccountId, Relation};
use crate::throttle::Quota;

/// Pairs that are remembered before the old ones are swept out.
const PAIRS_BEFORE_SWEEP: usize = 4_096;

/// One of the two that are introduced.
#[derive(Clone, Copy)]
struct Party<'a> {
    person: &'a Person,
    device: &'a Online,
}

/// The tokens of one introduction: who is told to show which.
struct Tokens {
    first_dials: Token,
    second_dials: Token,
    relay: Token,
}

/// What somebody wants of somebody else, while the store is asked how the two stand to each other.
#[derive(Debug, Clone, Copy)]
pub enum Wish {
    /// To be introduced.
    Meet,
    /// A circuit to this device, for this transfer.
    Circuit(DeviceId, TransferId),
}

impl State {
    /// Whether two accounts may find each other without a question to the store: they are one, or friends, and both here.
    fn known_here(&self, asker: AccountId, user: &Handle) -> Option<AccountId> {
        let me = self.people.get(&asker)?;
        let other = *self.names.get(user)?;
        (other == asker || (me.friends.contains(&other) && self.people.contains_key(&other))).then_some(other)
    }

    /// Somebody wants to be introduced to all devices of a person, or of their own account.
    pub fn introduce(
        &mut self,
        session: SessionId,
        seq: Seq,
        user: Handle,
        now: Instant,
        fresh: impl FnMut() -> Token,
    ) -> Vec<Effect> {
        let Some(&account) = self.sessions.get(&session) else { return too_early(session, seq) };
        match self.known_here(account, &user) {
            Some(other) => self.meet((session, account), seq, other, now, fresh),
            // A stranger who is here must look like one who is not, so both go the same way; and only the store knows who blocks whom.
            None => vec![Effect::Explain { session, seq, account, user, wish: Wish::Meet }],
        }
    }

    /// Introduces a device to all devices of somebody who may be met.
    fn meet(
        &mut self,
        (session, account): (SessionId, AccountId),
        seq: Seq,
        friend: AccountId,
        now: Instant,
        mut fresh: impl FnMut() -> Token,
    ) -> Vec<Effect> {
        let (Some(me), Some(them)) = (self.people.get(&account), self.people.get(&friend)) else {
            return refuse(session, seq, Refusal::Offline);
        };
        let Some(mine) = me.devices.iter().find(|online| online.session == session) else { return Vec::new() };
        // The invisible are found by nobody but their own devices.
        let findable = account == friend || them.is_visible();
        let found = |online: &&Online| findable && online.session != session;
        let theirs: Vec<&Online> = them.devices.iter().filter(found).collect();
        if theirs.is_empty() {
            return refuse(session, seq, Refusal::Offline);
        }
        let mut effects = Vec::new();
        let mut dials = 0;
        for &other in &theirs {
            let tokens = Tokens { first_dials: fresh(), second_dials: fresh(), relay: fresh() };
            let (first, second) = (Party { person: me, device: mine }, Party { person: them, device: other });
            let (to_first, to_second) = self.introduction(first, second, &tokens);
            dials += to_first.addresses.len().max(1) + to_second.addresses.len();
            effects.push(Effect::Grant { token: tokens.relay, between: [account, friend] });
            effects.push(Effect::Send(other.session, Box::new(FromServer::Introduced(Box::new(to_second)))));
            effects.push(Effect::Send(session, Box::new(FromServer::Introduced(Box::new(to_first)))));
        }
        let met: Vec<SessionId> = theirs.iter().map(|other| other.session).collect();
        if let Err(wait) = self.may_introduce(account, friend, dials, now) {
            return refuse(session, seq, Refusal::RateLimited(wait));
        }
        self.note_met(session, account, friend, &met);
        effects.push(Effect::Send(session, Box::new(FromServer::Done(Done { seq }))));
        effects
    }

    /// What each of the two is told.
    fn introduction(&self, first: Party<'_>, second: Party<'_>, tokens: &Tokens) -> (Introduced, Introduced) {
        let first_dials_relay = first.device.device < second.device.device;
        let life = u32::try_from(self.limits.token_life_ms / 1000).unwrap_or(u32::MAX);
        let told = |to: Party<'_>, of: Party<'_>, dial, expect, relay_dialler| Introduced {
            user: of.person.user.clone(),
            device: of.device.device,
            chain: of.device.chain.as_ref().clone(),
            device_list: IdentityStatement::clone(&of.person.device_list),
            addresses: candidates(&to.device.place, &of.device.place).iter().map(ToString::to_string).collect(),
            dial,
            expect,
            relay: tokens.relay,
            relay_dialler,
            life,
        };
        (
            told(first, second, tokens.first_dials, tokens.second_dials, first_dials_relay),
            told(second, first, tokens.second_dials, tokens.first_dials, !first_dials_relay),
        )
    }

    /// Whether the two limits allow it; counts it if so. The asker pays for the addresses that both are told.
    fn may_introduce(&mut self, a: AccountId, b: AccountId, dials: usize, now: Instant) -> Result<(), Duration> {
        let pair = (a.min(b), a.max(b));
        let distance = Duration::from_millis(self.limits.introduction_every_ms);
        if let Some(last) = self.introduced.get(&pair) {
            let left = distance.saturating_sub(now.saturating_duration_since(*last));
            if !left.is_zero() {
                return Err(left);
            }
        }
        let per_minute = self.limits.dials_per_minute.max(1);
        let quota = Quota { every: Duration::from_mins(1) / per_minute, burst: per_minute };
        if let Some(person) = self.people.get_mut(&a) {
            person.dials.take(u32::try_from(dials).unwrap_or(u32::MAX), quota, now)?;
        }
        if self.introduced.len() >= PAIRS_BEFORE_SWEEP {
            self.introduced.retain(|_, last| now.saturating_duration_since(*last) < distance);
        }
        self.introduced.insert(pair, now);
        Ok(())
    }

    fn note_met(&mut self, session: SessionId, account: AccountId, friend: AccountId, met: &[SessionId]) {
        let of = |online: &&mut Online| online.session == session;
        if let Some(online) = self.people.get_mut(&account).and_then(|p| p.devices.iter_mut().find(of)) {
            online.meet(met);
        }
        for online in self.people.get_mut(&friend).map(|p| p.devices.iter_mut()).into_iter().flatten() {
            if met.contains(&online.session) {
                online.meet(&[session]);
            }
        }
    }

    /// Somebody wants a circuit to one device of a person, or of their own account.
    pub fn open_circuit(
        &mut self,
        session: SessionId,
        seq: Seq,
        to: (Handle, DeviceId),
        transfer: TransferId,
        token: Token,
    ) -> Vec<Effect> {
        let (user, device) = to;
        let Some(&account) = self.sessions.get(&session) else { return too_early(session, seq) };
        match self.known_here(account, &user) {
            Some(other) => self.join_by_circuit((session, account), seq, (other, device), transfer, token),
            None => vec![Effect::Explain { session, seq, account, user, wish: Wish::Circuit(device, transfer) }],
        }
    }

    /// Opens a circuit. The invisible are found only by devices to which they were introduced, and by their own.
    fn join_by_circuit(
        &self,
        (session, account): (SessionId, AccountId),
        seq: Seq,
        (friend, device): (AccountId, DeviceId),
        transfer: TransferId,
        token: Token,
    ) -> Vec<Effect> {
        let (Some(me), Some(them)) = (self.people.get(&account), self.people.get(&friend)) else {
            return refuse(session, seq, Refusal::Offline);
        };
        let Some(mine) = me.devices.iter().find(|online| online.session == session) else { return Vec::new() };
        let reachable = |online: &&Online| {
            let found = account == friend || them.is_visible() || online.met.contains(&session);
            online.device == device && online.session != session && found
        };
        let Some(other) = them.devices.iter().find(reachable) else {
            return refuse(session, seq, Refusal::Offline);
        };
        let circuit = |of: &Person, device, dialler| {
            let circuit = Circuit { user: of.user.clone(), device, transfer, relay: token, dialler };
            Box::new(FromServer::Circuit(circuit))
        };
        vec![
            Effect::Grant { token, between: [account, friend] },
            Effect::Send(other.session, circuit(me, mine.device, false)),
            Effect::Send(session, circuit(them, device, true)),
            Effect::Send(session, Box::new(FromServer::Done(Done { seq }))),
        ]
    }

    /// The store said how two stand to each other who are no friends that are here; `None` if it did not. Who is blocked, or blocks, learns
    /// no more than that the other is not there.
    pub fn explained(
        &mut self,
        (session, seq): (SessionId, Seq),
        (user, wish): (&Handle, Wish),
        relation: Option<Relation>,
        now: Instant,
        mut fresh: impl FnMut() -> Token,
    ) -> Vec<Effect> {
        let Some(relation) = relation else { return refuse(session, seq, Refusal::Internal) };
        if !relation.friends && !relation.room_mates {
            return refuse(session, seq, Refusal::NotFriends);
        }
        let here = self.names.get(user).copied().filter(|_| relation.friends || !relation.blocked);
        let (Some(other), Some(&account)) = (here, self.sessions.get(&session)) else {
            return refuse(session, seq, Refusal::Offline);
        };
        match wish {
            Wish::Meet => self.meet((session, account), seq, other, now, fresh),
            Wish::Circuit(device, transfer) => {
                self.join_by_circuit((session, account), seq, (other, device), transfer, fresh())
            }
        }
    }
}
