//! Keys of friends: pinning, changed keys and their alarms, device lists, safety numbers.

use actix::Context;
use hobnob_shared::id::{Fingerprint, Handle};
use hobnob_shared::identity::{IdentityStatement, safety_number};

use crate::core::error::Problem;
use crate::core::event::{Answer, Event};
use crate::core::friendship::{Proven, verify_devices};
use crate::core::history::friends::{self, Friend};
use crate::core::history::{messages, transfers};
use crate::core::outlet::Ticket;
use crate::core::peer_link;
use crate::core::registry::{PinMismatch, Registry};
use crate::core::roster::Pinned;

impl Registry {
    /// Pins somebody's keys.
    pub(in crate::core) fn pin(&mut self, proven: Proven) {
        let friend = Friend {
            user: proven.user,
            account: proven.account,
            account_certificate: proven.certificate,
            verified: false,
            blocked: false,
            changed_key: None,
            device_list: proven.device_list,
            device_list_number: proven.list.number,
        };
        self.state.roster.pin(friend.clone());
        self.keep_friend(friend);
    }

    fn keep_friend(&self, friend: Friend) {
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

    /// Whether a friend's list, as a device of theirs shows it, is at least as new as the one known. A newer one is kept.
    pub(in crate::core) fn accepts_devices(&mut self, user: &Handle, device_list: &IdentityStatement) -> bool {
        let Some(friend) = self.state.roster.pin_mut(user) else { return false };
        if friend.device_list == *device_list {
            return true;
        }
        let Ok(list) = verify_devices(device_list, &friend.account_certificate) else { return false };
        if list.number < friend.device_list_number {
            return false;
        }
        if list.number > friend.device_list_number {
            friend.device_list = device_list.clone();
            friend.device_list_number = list.number;
            let friend = friend.clone();
            self.keep_friend(friend);
        }
        true
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

    /// The server lists the pinned key of somebody who is stopped because of another one. They stay stopped until a person decides, but what
    /// accepting accepts is the pinned key again.
    pub(in crate::core) fn key_restored(&mut self, user: &Handle) {
        let Some(friend) = self.state.roster.pin_mut(user) else { return };
        friend.changed_key = Some(friend.account);
        let friend = friend.clone();
        self.candidates.remove(user);
        self.keep_friend(friend);
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
        let (user, key, verified) = (user.clone(), person.pin.account, person.pin.verified);
        // Five thousand rounds of hashing: milliseconds, so not here.
        tokio::task::spawn_blocking(move || {
            let safety_number = safety_number((&own.user, &own.account), (&user, &key));
            ticket.done(Answer::SafetyNumber { safety_number, verified });
        });
    }

    pub(in crate::core) fn verify(&mut self, user: &Handle, ticket: Ticket, _: &mut Context<Self>) {
        let Some(friend) = self.state.roster.pin_mut(user) else { return ticket.failed(Problem::not_friends(user)) };
        if friend.changed_key.is_some() {
            return ticket.failed(Problem::key_changed(user));
        }
        friend.verified = true;
        let friend = friend.clone();
        self.answer_when_kept(friend, ticket);
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
        let candidate = self.candidates.remove(user);
        let Some(friend) = self.state.roster.pin_mut(user) else { return ticket.failed(Problem::not_friends(user)) };
        let Some(key) = friend.changed_key.take() else { return ticket.failed(Problem::no_new_key(user)) };
        let before = std::mem::replace(&mut friend.account, key);
        friend.verified &= before == key;
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
        let (history, name) = (self.history.clone(), user.clone());
        let keep = async move {
            history
                .write(move |c| {
                    friends::upsert(c, &friend)?;
                    transfers::readdress(c, &friend.user, before, key)?;
                    messages::readdress(c, &friend.user, before, key).map(drop)
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
