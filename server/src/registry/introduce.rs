//! Introductions and circuits: the part of the registry's decisions about who is told where whom to find. Pure, like `state.rs`, whose
//! people it reads; which addresses are told is the rule in `introduction.rs`.

use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Handle, Token, TransferId};
use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::{Circuit, Done, FromServer, Introduced, OwnPresence, Seq};

use super::state::{Effect, Online, Person, SessionId, State, refuse, too_early};
use crate::error::Refusal;
use crate::introduction::candidates;
use crate::store::AccountId;
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

impl State {
    /// The two accounts, if they are friends and both here.
    fn friends_here(&self, asker: AccountId, user: &Handle) -> Option<(AccountId, &Person, &Person)> {
        let me = self.people.get(&asker)?;
        let friend = *self.names.get(user)?;
        let them = self.people.get(&friend).filter(|_| me.friends.contains(&friend))?;
        Some((friend, me, them))
    }

    /// Introduces a device to all devices of a friend.
    pub fn introduce(
        &mut self,
        session: SessionId,
        seq: Seq,
        user: Handle,
        now: Instant,
        mut fresh: impl FnMut() -> Token,
    ) -> Vec<Effect> {
        let Some(&account) = self.sessions.get(&session) else { return too_early(session, seq) };
        let Some((friend, me, them)) = self.friends_here(account, &user) else {
            // A stranger who is here must look like one who is not, so both go the same way.
            return vec![Effect::Explain { session, seq, account, user }];
        };
        let Some(mine) = me.devices.iter().find(|online| online.session == session) else { return Vec::new() };
        let visible = |online: &&Online| online.presence != OwnPresence::Invisible;
        let theirs: Vec<&Online> = them.devices.iter().filter(visible).collect();
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

    /// Opens a circuit to one device of a friend. The invisible are found only by devices to which they were introduced.
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
        let Some((friend, me, them)) = self.friends_here(account, &user) else {
            return vec![Effect::Explain { session, seq, account, user }];
        };
        let Some(mine) = me.devices.iter().find(|online| online.session == session) else { return Vec::new() };
        let reachable = |online: &&Online| {
            online.device == device && (online.presence != OwnPresence::Invisible || online.met.contains(&session))
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

    /// Why somebody who is not a friend that is here cannot be reached; `None` if the store did not say.
    pub fn explained(session: SessionId, seq: Seq, friends: Option<bool>) -> Vec<Effect> {
        let refusal = match friends {
            Some(true) => Refusal::Offline,
            Some(false) => Refusal::NotFriends,
            None => Refusal::Internal,
        };
        refuse(session, seq, refusal)
    }
}
