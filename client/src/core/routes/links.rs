//! Live links: introductions in and out, what comes of them, and finding friends again without the server.

use std::time::{Duration, Instant};

use actix::{Addr, AsyncContext, Context};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle};
use hobnob_shared::limits;
use hobnob_shared::message::{Failed, Introduced, Peer};

use crate::core::friendship;
use crate::core::history::{logs, pairs};
use crate::core::links::Up;
use crate::core::peer_link::{Adopt, Close, Introduce, LinkContext, PeerLink, ReunionUsed, Reunite};
use crate::core::registry::{Ask, FrameArrived, Guard, IncomingLink, LinkDown, LinkUp, Registry};
use crate::core::roster::Pinned;

impl Registry {
    /// Looks again whether `user` should be linked.
    pub(in crate::core) fn reconsider(&mut self, user: &Handle) {
        if let Some(own) = self.identity.as_ref().map(|identity| identity.user.clone()) {
            let now = Instant::now();
            let may = self.expected_key(user).is_some();
            self.state.reconsider(&own, user, may && self.is_eager(), now);
            for user in self.state.policy.poll(now) {
                self.ask_introduction(user);
            }
        }
    }

    pub(in crate::core) fn reconsider_all(&mut self) {
        for user in self.state.roster.handles() {
            self.reconsider(&user);
        }
        let Some(own) = self.identity.as_ref().map(|identity| identity.user.clone()) else { return };
        for user in self.state.rooms.mates(&own) {
            self.reconsider(&user);
        }
        self.reconsider(&own);
    }

    /// Looks for links to everybody who is online, those first for whom something waits.
    pub(in crate::core) fn link_all(&self, ctx: &Context<Self>) {
        let history = self.history.clone();
        Self::then(ctx, async move { history.read(logs::waiting_for).await }, |registry, waiting, _| {
            let Some(own) = registry.identity.as_ref().map(|identity| identity.user.clone()) else { return };
            for user in waiting.unwrap_or_default() {
                registry.state.reconsider(&own, &user, true, Instant::now());
            }
            registry.reconsider_all();
        });
    }

    pub(in crate::core) fn ask_introduction(&mut self, user: Handle) {
        self.errand(Ask::Introduce(user), None);
    }

    /// The server does not introduce us now.
    pub(in crate::core) fn introduction_refused(&mut self, user: &Handle, failed: &Failed) {
        let own = self.identity.as_ref().is_some_and(|own| own.user == *user);
        match failed.code {
            WireCode::RateLimited => {
                let wait = Duration::from_secs(failed.retry_after.unwrap_or(1).max(1).into());
                self.state.policy.put_off(user, wait, Instant::now());
            }
            // No other device of ours is there; the next one asks for us. After any other refusal we ask again.
            WireCode::Offline if own => self.state.policy.settle(user),
            _ => {}
        }
    }

    /// The actor for a device of a friend, made if there is none.
    pub(in crate::core) fn link_to(
        &mut self,
        user: &Handle,
        device: DeviceId,
        ctx: &mut Context<Self>,
    ) -> Option<Addr<PeerLink>> {
        if let Some(link) = self.state.links.get(&device) {
            return Some(link.clone());
        }
        let identity = self.identity.clone()?;
        let account = self.expected_key(user)?;
        let (count, friend) = (self.state.links.len(), self.state.roster.get(user).is_some() || *user == identity.user);
        if count >= if friend { 4 * limits::LINKS } else { limits::LINKS } {
            tracing::debug!(%user, count, "too many links already");
            return None;
        }
        let settings = self.profile.settings();
        let link = PeerLink::launch(LinkContext {
            identity,
            history: self.history.clone(),
            registry: ctx.address(),
            tokens: self.tokens.clone(),
            instance: self.instance,
            listen_port: self.listening.port(),
            server: self.server_end,
            user: user.clone(),
            account,
            device,
            presence: (settings.presence.shown(), settings.text),
        });
        self.state.links.insert(device, user.clone(), link.clone());
        Some(link)
    }

    /// The identity key with which `user` may link: a friend's pinned one, that of this account itself, or the one under which the server
    /// vouches for a member of a common room. `None` for strangers, and for friends whose key changed.
    pub(in crate::core) fn expected_key(&self, user: &Handle) -> Option<Fingerprint> {
        let own = self.identity.as_ref()?;
        if own.user == *user {
            return Some(own.account);
        }
        if self.state.blocked.contains(user) {
            return None;
        }
        match self.state.roster.get(user) {
            Some(person) => (!person.is_stopped()).then_some(person.pin.account),
            None => self.state.rooms.account(user),
        }
    }

    /// The server names somebody to connect to. Whoever it names, only a listed device of the pinned key is connected to.
    pub(in crate::core) fn introduced(&mut self, introduced: Introduced, ctx: &mut Context<Self>) {
        let (proven, device) = match friendship::verify_introduction(&introduced) {
            Ok(verified) => verified,
            Err(distrust) => {
                tracing::warn!(user = %introduced.user, %distrust, "an introduction that does not hold was ignored");
                return;
            }
        };
        let user = proven.user.clone();
        match self.state.roster.compare(&user, proven.account) {
            // A device of one's own, or of somebody in a common room.
            Pinned::Unknown if self.expected_key(&user) == Some(proven.account) => {}
            Pinned::Unknown => {
                tracing::warn!(%user, "introduced to a stranger");
                return;
            }
            Pinned::Changed | Pinned::Stopped => {
                self.contradicts_pin(proven);
                return;
            }
            Pinned::Same => {}
        }
        if let Some(friend) = self.state.roster.pin_mut(&user)
            && friend.account_certificate.is_empty()
        {
            friend.account_certificate.clone_from(&proven.certificate);
        }
        if !self.accepts_devices(&user, device, &introduced.device_list, &proven.certificate) {
            tracing::warn!(%user, "introduced by an old device list");
            return;
        }
        if let Some(link) = self.link_to(&user, device, ctx) {
            link.do_send(Introduce(Box::new(introduced)));
        }
    }

    /// A device dialled us. The listener has checked its certificates against what the token stands for.
    pub(in crate::core) fn incoming_link(&mut self, news: IncomingLink, ctx: &mut Context<Self>) {
        let IncomingLink { user, device, reunion, connection } = news;
        if let Some(link) = self.link_to(&user, device, ctx) {
            if let Some(counter) = reunion {
                link.do_send(ReunionUsed { counter });
            }
            link.do_send(Adopt(connection));
        }
    }

    pub(in crate::core) fn link_up(&mut self, news: LinkUp, ctx: &mut Context<Self>) {
        let LinkUp { device, user, path, address, dialled, presence, text, abilities, device_list, certificate } = news;
        let expected = self.expected_key(&user).is_some_and(|key| Self::is_certificate_of(&certificate, key));
        if !expected || !self.accepts_devices(&user, device, &device_list, &certificate) {
            tracing::warn!(%user, "a link with an old device list, or with somebody who is stopped, was ended");
            if let Some(link) = self.state.links.get(&device) {
                link.do_send(Close { code: WireCode::Forbidden, forget: false });
            }
            self.state.links.remove(&device);
            return;
        }
        if !self.state.links.set_up(&device, Up { path, address, dialled }) {
            return;
        }
        self.state.policy.settle(&user);
        let events = self.state.link_changed(&user, Some((presence, &text)));
        self.tell(events);
        self.tell_rooms(false);
        // Through the relay: a direct path is looked for from now on.
        self.reconsider(&user);
        self.share_with(&user, device, ctx);
        self.avatars_linked(&user, device, &abilities);
        self.transfers_linked(&user, device, ctx);
    }

    pub(in crate::core) fn link_down(&mut self, LinkDown { device, user }: LinkDown, _: &mut Context<Self>) {
        self.state.links.set_down(&device);
        self.state.exchange.unlinked(&device);
        self.state.avatars.unlinked(&device);
        let (presence, text) = self.state.roster.link_report(&user);
        let events = self.state.link_changed(&user, Some((presence, &text)));
        self.tell(events);
        self.tell_rooms(false);
        self.transfers_unlinked(device);
        self.reconsider(&user);
    }

    /// A frame of a friend's device. `guard` may be kept until it is dealt with.
    pub(in crate::core) fn frame_arrived(&mut self, news: FrameArrived, guard: Guard, ctx: &mut Context<Self>) {
        let FrameArrived { device, user, frame } = news;
        if self.state.links.standing(&device).is_none() {
            return;
        }
        match frame {
            Peer::Have(have) => self.have_heard(&user, device, &have, guard, ctx),
            Peer::Read(read) => self.read_heard(user, read, guard, ctx),
            Peer::OthersMarks(marks) => self.others_marks_heard(&user, marks, guard, ctx),
            Peer::RoomRecords(records) => self.room_records_heard(&user, &records, guard, ctx),
            Peer::Typing(typing) => self.typing_by_peer(user, &typing, ctx),
            Peer::Presence(said) => {
                let events = self.state.link_changed(&user, Some((said.presence, &said.text)));
                self.tell(events);
                self.tell_rooms(false);
            }
            Peer::Avatar(said) => self.avatar_said(device, said),
            Peer::WantAvatar(wanted) => self.avatar_wanted(device, wanted.hash, guard),
            Peer::AvatarData(data) => self.avatar_came(device, data, guard, ctx),
            Peer::Offer(offer) => self.offered(user, device, offer, guard, ctx),
            Peer::Accept(accept) => self.accepted(user, device, accept, ctx),
            Peer::Decline(about) => self.declined(&user, device, about.transfer),
            Peer::Cancel(cancel) => self.cancelled(&user, device, cancel),
            Peer::Bye(bye) => tracing::debug!(%user, code = %bye.code, "goodbye"),
            other => tracing::debug!(%user, ?other, "a frame out of turn"),
        }
    }

    /// Whether links that are down are to be re-dialled without the server. While it is there it introduces.
    pub(in crate::core) fn reunite(&self, active: bool) {
        for link in self.state.links.all() {
            link.do_send(Reunite { active });
        }
    }

    /// Looks for devices that were linked before, without the server or beside it: their links re-dial by what both sides keep.
    pub(in crate::core) fn reunite_all(&mut self, ctx: &mut Context<Self>) {
        let history = self.history.clone();
        Self::then(ctx, async move { history.read(pairs::load_all).await }, |registry, pairs, ctx| {
            if registry.closing || !registry.is_signed_in() || registry.state.is_here() {
                return;
            }
            match pairs {
                Ok(pairs) => {
                    for pair in pairs {
                        if let Some(link) = registry.link_to(&pair.user, pair.device, ctx) {
                            link.do_send(Reunite { active: true });
                        }
                    }
                }
                Err(error) => tracing::error!(%error, "cannot read who was linked before"),
            }
        });
    }
}
