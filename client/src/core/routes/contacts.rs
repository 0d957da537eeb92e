//! What this account's devices tell each other of people: the sealed roster in and out, and what a newer one changes here. Blocks, which are
//! part of it. When which of it happens is decided in `roster_sync.rs`.

use std::time::Instant;

use actix::Context;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Handle;
use hobnob_shared::message::{GetRoster, Roster, ToServer};

use super::account::ANSWER_WITHIN;
use crate::core::clock;
use crate::core::history::{contacts, friends, rooms};
use crate::core::peer_link::Close;
use crate::core::registry::{Ask, Errand, Registry, ServerEvent, Shutdown};
use crate::core::roster_sync::{Change, Progress};
use crate::core::sealed_roster::{Contents, RosterError};

impl Registry {
    /// Something about people changed here: looked at in a moment, and put where the other devices find it.
    pub(in crate::core) fn touch_contacts(&mut self) {
        self.state.contacts.touch(Instant::now());
    }

    /// Looks at what changed, keeps it, and puts it if the server is there.
    pub(in crate::core) fn look_at_contacts(&mut self, ctx: &Context<Self>) {
        if self.state.contacts.observe(&self.state.roster, &self.state.blocked, clock::now_ms()) {
            self.save_contacts();
        }
        if !self.state.is_here() {
            // Looked at again once signed in.
            return;
        }
        if self.state.contacts.wants_get() {
            return self.get_roster();
        }
        let Some(key) = self.roster_key.clone() else { return };
        let Some((round, number, contents)) = self.state.contacts.begin_put() else { return };
        let seal = tokio::task::spawn_blocking(move || contents.seal(&key, number));
        Self::then(ctx, seal, move |registry, sealed, _| match sealed {
            Ok(Ok(parts)) => {
                if registry.state.contacts.sealed(round, parts) {
                    registry.errand(Ask::PutRoster, None);
                }
            }
            failed => {
                tracing::error!(?failed, "the roster cannot be sealed");
                registry.state.contacts.unusable();
            }
        });
    }

    /// Before the program ends: what the other devices do not know yet goes to the server, if that is there. True while it is on its way.
    pub(in crate::core) fn puts_contacts(&mut self, ctx: &Context<Self>) -> bool {
        self.look_at_contacts(ctx);
        self.state.contacts.is_putting()
    }

    fn save_contacts(&self) {
        let kept = self.state.contacts.kept().clone();
        self.write(move |c| contacts::save(c, &kept));
    }

    /// Asks for the server's roster, also while its friend list is still coming: that waits for it.
    pub(in crate::core) fn get_roster(&mut self) {
        let errand = Errand { ticket: None, ask: Ask::GetRoster };
        if let Ok(seq) = self.state.errands.add(Instant::now() + ANSWER_WITHIN, false, errand) {
            self.state.errands.sent(seq);
            self.state.contacts.asked(seq);
            self.say(ToServer::GetRoster(GetRoster { seq }));
        }
    }

    /// Another device put a newer one.
    pub(in crate::core) fn roster_changed(&mut self, number: u64) {
        if self.state.contacts.changed_elsewhere(number) {
            self.get_roster();
        }
    }

    pub(in crate::core) fn roster_part(&mut self, part: &Roster, ctx: &mut Context<Self>) {
        let seq = part.seq;
        if !matches!(self.state.errands.get(seq), Some(Errand { ask: Ask::GetRoster, .. })) {
            tracing::debug!("a roster that nobody asked for");
            return;
        }
        let whole = match self.state.contacts.part(part) {
            Ok(None) => return,
            whole => whole,
        };
        self.state.errands.take(seq);
        match (whole, self.roster_key.clone()) {
            (Ok(Some((number, sealed))), Some(key)) if !self.state.contacts.is_old(number) => {
                let open = tokio::task::spawn_blocking(move || Contents::open(&key, number, &sealed));
                Self::then(ctx, open, move |registry, opened, ctx| {
                    let opened = opened.unwrap_or_else(|error| Err(RosterError::Content(error.to_string())));
                    registry.roster_opened(number, opened, ctx);
                });
            }
            (Err(error), _) => self.roster_opened(0, Err(error), ctx),
            _ => self.release_held(ctx),
        }
    }

    fn roster_opened(&mut self, number: u64, opened: Result<Contents, RosterError>, ctx: &mut Context<Self>) {
        match opened {
            Ok(theirs) => {
                let state = &mut self.state;
                let now = (Instant::now(), clock::now_ms());
                let changes = state.contacts.got(number, &theirs, &state.roster, &state.blocked, now);
                for change in changes {
                    self.apply(change);
                }
                // Last, so that a crash in between does not take what it brought for a wish to undo it.
                self.save_contacts();
            }
            Err(error) => {
                tracing::warn!(%error, number, "the server's roster was not used");
                self.state.contacts.unusable();
            }
        }
        self.release_held(ctx);
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Block(user, blocked) => self.set_blocked(&user, blocked),
            Change::Verified(user) => {
                if let Some(friend) = self.state.roster.pin_mut(&user) {
                    friend.verified = true;
                    let friend = friend.clone();
                    self.keep_friend(friend);
                }
            }
            Change::Stop(user, key) => self.key_changed(&user, key, None),
            Change::Restore(user) => self.key_restored(&user),
            Change::Words(user) => self.tell_contact(&user),
            Change::Remember(user, key) => {
                self.state.roster.remember_former(vec![(user.clone(), key)]);
                self.write(move |c| friends::remember(c, &user, key));
            }
        }
    }

    /// What was held back until the roster is here, or will not come, is judged now.
    pub(in crate::core) fn release_held(&mut self, ctx: &mut Context<Self>) {
        for frame in self.state.release() {
            self.server_event(ServerEvent(frame), ctx);
        }
    }

    /// The server has a part of ours.
    pub(in crate::core) fn roster_part_put(&mut self) {
        match self.state.contacts.part_done(Instant::now()) {
            Progress::Next => self.errand(Ask::PutRoster, None),
            Progress::Finished => {
                self.save_contacts();
                if self.leave_by.is_some() {
                    self.addr.do_send(Shutdown);
                }
            }
            Progress::Stale => {}
        }
    }

    /// The server did not do what was asked about the roster, or did not answer.
    pub(in crate::core) fn roster_failed(&mut self, ask: &Ask, code: Option<&WireCode>) {
        let now = Instant::now();
        if *ask == Ask::PutRoster
            && let Some(until) = &mut self.leave_by
        {
            // It is kept here, and put at the next start.
            *until = now;
            self.addr.do_send(Shutdown);
        }
        if *ask == Ask::GetRoster {
            self.state.contacts.get_failed(now);
        } else if self.state.contacts.put_failed(code, now) {
            self.get_roster();
        }
    }

    /// Nothing is shared with somebody who is blocked, and their words in rooms are not shown.
    pub(in crate::core) fn set_blocked(&mut self, user: &Handle, blocked: bool) {
        if blocked {
            self.state.blocked.insert(user.clone());
            self.state.policy.settle(user);
            self.forget_avatar(user);
            for link in self.state.links.remove_user(user) {
                link.do_send(Close { code: WireCode::NotFriends, forget: true });
            }
            let event = self.state.links.tell(user);
            self.tell(event);
        } else {
            self.state.blocked.remove(user);
            self.reconsider(user);
        }
        self.touch_contacts();
        let name = user.clone();
        self.write(move |c| rooms::set_blocked(c, &name, blocked));
    }
}
