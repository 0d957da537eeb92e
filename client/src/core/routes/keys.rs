//! Keys of friends: pinning, changed keys and their alarms, device lists, safety numbers.

use std::time::Instant;

use actix::Context;
use hobnob_shared::id::{Fingerprint, Handle};
use hobnob_shared::identity::safety_number;
use hobnob_shared::message::{FriendRequested, Friendship};

use crate::core::clock;
use crate::core::compare::{self, Side};
use crate::core::error::Problem;
use crate::core::event::{Answer, Event};
use crate::core::friendship::Proven;
use crate::core::history::friends::{self, Friend};
use crate::core::history::{contacts, logs, transfers};
use crate::core::outlet::Ticket;
use crate::core::peer_link;
use crate::core::profile::Identity;
use crate::core::registry::{PinMismatch, Registry};
use crate::core::roster::Pinned;

/// What was held back of people who come under a former friend's name with another key, at most.
const HELD: usize = 64;

/// What waits for a person to accept another key of a former friend.
pub(in crate::core) enum Held {
    /// They ask.
    Request(FriendRequested),
    /// They accepted.
    Friendship(Friendship),
}

fn side(own: &Identity) -> Side {
    Side { user: own.user.clone(), key: own.account }
}

fn number(own: &Side, other: &Side) -> String {
    safety_number((&own.user, &own.key), (&other.user, &other.key))
}

impl Registry {
    /// Pins somebody's keys.
    pub(in crate::core) fn pin(&mut self, proven: Proven) {
        let contacts = self.state.contacts.contents();
        let verified = contacts.is_verified(&proven.user, proven.account);
        let contradiction = contacts.contradiction(&proven.user, proven.account);
        let user = proven.user.clone();
        let friend = Friend {
            user: proven.user,
            account: proven.account,
            account_certificate: proven.certificate,
            verified,
            blocked: false,
            changed_key: None,
            device_list: proven.device_list,
            device_list_number: proven.list.number,
        };
        self.state.roster.pin(friend.clone());
        self.keep_friend(friend);
        self.touch_contacts();
        if let Some(other) = contradiction {
            // Another device of this account has another key pinned.
            self.key_changed(&user, other, None);
        }
    }

    pub(in crate::core) fn keep_friend(&self, friend: Friend) {
        self.write(move |c| friends::upsert(c, &friend));
    }

    /// A newer list of a friend's devices is kept.
    pub(in crate::core) fn keep_devices(&mut self, proven: &Proven) {
        let Some(friend) = self.state.roster.pin_mut(&proven.user) else { return };
        if proven.list.number > friend.device_list_number {
            friend.device_list = proven.device_list.clone();
            friend.device_list_number = proven.list.number;
            let friend = friend.clone();
            self.keep_friend(friend);
        }
    }

    /// True if `proven` has another key than is pinned for that name; then the person is stopped.
    pub(in crate::core) fn contradicts_pin(&mut self, proven: Proven) -> bool {
        let invited = self.invited.get(&proven.user).is_some_and(|key| *key != proven.account);
        match self.state.roster.compare(&proven.user, proven.account) {
            Pinned::Unknown | Pinned::Same => {
                if invited {
                    self.alarm_key(&proven.user);
                }
                invited
            }
            Pinned::Changed => {
                self.key_changed(&proven.user.clone(), proven.account, Some(proven));
                true
            }
            Pinned::Stopped => {
                let is_new =
                    self.state.roster.get(&proven.user).is_some_and(|person| person.pin.account != proven.account);
                if is_new {
                    self.candidates.insert(proven.user.clone(), proven);
                }
                true
            }
        }
    }

    /// A friend's key is another one: hard stop until a person decides.
    pub(in crate::core) fn key_changed(&mut self, user: &Handle, key: Fingerprint, candidate: Option<Proven>) {
        let Some(friend) = self.state.roster.pin_mut(user) else { return };
        friend.changed_key = Some(key);
        let friend = friend.clone();
        self.keep_friend(friend);
        match candidate {
            Some(candidate) => self.candidates.insert(user.clone(), candidate),
            None => self.candidates.remove(user),
        };
        self.state.policy.settle(user);
        self.hold_transfers(user);
        for link in self.state.links.remove_user(user) {
            link.do_send(peer_link::Close { code: hobnob_shared::error::WireCode::Forbidden, forget: false });
        }
        let events = self.state.link_changed(user, None);
        self.tell(events);
        self.alarm_key(user);
    }

    /// The server lists the pinned key again of somebody who is stopped because of another one. The pin decides, so all is as before; the
    /// alarm was told. Not if another device of this account has the other key pinned: then only a person decides.
    pub(in crate::core) fn key_restored(&mut self, user: &Handle) {
        let pin = self.state.roster.get(user).map(|person| person.pin.account);
        if pin.is_some_and(|pin| self.state.contacts.contents().contradiction(user, pin).is_some()) {
            return;
        }
        let Some(friend) = self.state.roster.pin_mut(user) else { return };
        friend.changed_key = None;
        let friend = friend.clone();
        self.candidates.remove(user);
        self.keep_friend(friend);
        self.reconsider(user);
    }

    /// Holds back what comes under the name of a former friend with another key, and tells of it once. True if it was held.
    pub(in crate::core) fn hold_back(&mut self, user: &Handle, key: Fingerprint, news: impl FnOnce() -> Held) -> bool {
        if !self.state.roster.had_another_key(user, key) {
            return false;
        }
        if self.held.contains_key(user) || self.held.len() < HELD {
            self.held.insert(user.clone(), (key, news()));
        }
        self.alarm_former(user);
        true
    }

    /// Somebody who is remembered comes, or is listed, with another key: told once until a person decides.
    pub(in crate::core) fn alarm_former(&mut self, user: &Handle) {
        if self.alarmed.insert(user.clone()) {
            self.alarm_key(user);
        }
    }

    /// A person decided that a former friend has another key now: what was held back counts.
    fn accept_former(
        &mut self,
        user: &Handle,
        (key, held): (Fingerprint, Held),
        ticket: Ticket,
        ctx: &mut Context<Self>,
    ) {
        self.state.contacts.decide(user, key, clock::now_ms());
        let (history, name, known) = (self.history.clone(), user.clone(), self.state.contacts.kept().clone());
        let keep = async move {
            history
                .write(move |c| {
                    friends::forget_former(c, &name)?;
                    contacts::save(c, &known)
                })
                .await
        };
        let name = user.clone();
        Self::then(ctx, keep, move |registry, kept, _| match kept {
            Ok(()) => {
                registry.alarmed.remove(&name);
                registry.touch_contacts();
                registry.state.roster.forget_former(&name);
                match held {
                    Held::Request(requested) => registry.requested(requested),
                    Held::Friendship(friendship) => registry.friend_added(&friendship),
                }
                ticket.ok();
            }
            Err(error) => ticket.failed(error),
        });
    }

    pub(in crate::core) fn alarm_key(&self, user: &Handle) {
        let Problem { code, text } = Problem::key_changed(user);
        self.outlet.tell(Event::Alarm { code: code.into_owned(), user: Some(user.clone()), text: text.into_owned() });
    }

    /// Somebody else answered where a friend was expected. Told once; nothing was sent, and there is no key that could be accepted.
    pub(in crate::core) fn pin_mismatch(&mut self, PinMismatch { user }: PinMismatch, _: &mut Context<Self>) {
        if self.state.roster.get(&user).is_some() && self.mismatched.insert(user.clone()) {
            self.alarm_key(&user);
        }
    }

    pub(in crate::core) fn safety_number(&self, user: &Handle, ticket: Ticket) {
        let Some(own) = self.identity.clone() else { return ticket.failed(Problem::not_signed_in()) };
        let Some(person) = self.state.roster.get(user) else { return ticket.failed(Problem::not_friends(user)) };
        let verified = person.pin.verified;
        let sides = (side(&own), Side { user: user.clone(), key: person.pin.account });
        // Five thousand rounds of hashing: milliseconds, so not here.
        tokio::task::spawn_blocking(move || {
            let (own, other) = &sides;
            let (safety_number, code) = (number(own, other), compare::code(own, other));
            ticket.done(Answer::SafetyNumber { safety_number, code, verified });
        });
    }

    pub(in crate::core) fn verify(&mut self, user: &Handle, ticket: Ticket, _: &mut Context<Self>) {
        let Some(friend) = self.state.roster.pin_mut(user) else { return ticket.failed(Problem::not_friends(user)) };
        if friend.changed_key.is_some() {
            return ticket.failed(Problem::key_changed(user));
        }
        friend.verified = true;
        let friend = friend.clone();
        self.touch_contacts();
        self.answer_when_kept(friend, ticket);
    }

    /// The other side's code, or their digits, were read: they count as compared only if both keys are the same on both sides.
    pub(in crate::core) fn verify_by(&mut self, user: Handle, code: String, ticket: Ticket, ctx: &mut Context<Self>) {
        let Some(own) = &self.identity else { return ticket.failed(Problem::not_signed_in()) };
        let Some(person) = self.state.roster.get(&user) else { return ticket.failed(Problem::not_friends(&user)) };
        let (own, other) = (side(own), Side { user: user.clone(), key: person.pin.account });
        let compared_with = other.key;
        let checked = tokio::task::spawn_blocking(move || compare::check(&code, &own, &other, &number(&own, &other)));
        Self::then(ctx, checked, move |registry, checked, ctx| {
            let still = registry.state.roster.get(&user).is_some_and(|person| person.pin.account == compared_with);
            match checked {
                Ok(Ok(())) if still => registry.verify(&user, ticket, ctx),
                Ok(Ok(())) => ticket.failed(Problem::key_changed(&user)),
                Ok(Err(problem)) => ticket.failed(problem),
                Err(_) => ticket.failed(Problem::internal()),
            }
        });
    }

    fn answer_when_kept(&self, friend: Friend, ticket: Ticket) {
        let history = self.history.clone();
        actix_rt::spawn(async move {
            let kept = history.write(move |c| friends::upsert(c, &friend)).await;
            ticket.answer(kept.map(|()| Answer::Nothing {}).map_err(Problem::from));
        });
    }

    /// A person decided that the new key is the friend's: it is pinned, and what waits is re-addressed to it.
    pub(in crate::core) fn accept_key(&mut self, user: &Handle, ticket: Ticket, ctx: &mut Context<Self>) {
        if let Some(held) = self.held.remove(user) {
            return self.accept_former(user, held, ticket, ctx);
        }
        let candidate = self.candidates.remove(user);
        let Some(friend) = self.state.roster.pin_mut(user) else { return ticket.failed(Problem::not_friends(user)) };
        let Some(key) = friend.changed_key.take() else { return ticket.failed(Problem::no_new_key(user)) };
        let before = std::mem::replace(&mut friend.account, key);
        // Decided in the same breath for all devices of this account, so that none of them stays with the old key unnoticed.
        self.state.contacts.decide(user, key, clock::now_ms());
        self.state.contacts.touch(Instant::now());
        let known = self.state.contacts.kept().clone();
        friend.verified &= before == key;
        friend.verified |= known.contents.is_verified(user, key);
        match candidate.filter(|candidate| candidate.account == key) {
            Some(candidate) => {
                friend.account_certificate = candidate.certificate;
                friend.device_list_number = candidate.list.number;
                friend.device_list = candidate.device_list;
            }
            None if before == key => {}
            None => {
                // The next introduction brings certificate and list; the key is what it is held against.
                friend.account_certificate.clear();
                friend.device_list_number = 0;
            }
        }
        let friend = friend.clone();
        if before != key {
            // It was chosen by whoever has the old key.
            self.forget_avatar(user);
        }
        let (history, name) = (self.history.clone(), user.clone());
        let keep = async move {
            history
                .write(move |c| {
                    friends::upsert(c, &friend)?;
                    transfers::readdress(c, &friend.user, before, key)?;
                    contacts::save(c, &known)?;
                    logs::readdress(c, &friend.user, before, key).map(drop)
                })
                .await
        };
        Self::then(ctx, keep, move |registry, kept, _| match kept {
            Ok(()) => {
                ticket.ok();
                registry.readdress_transfers(&name, key);
                registry.reconsider(&name);
            }
            Err(error) => ticket.failed(error),
        });
    }
}
