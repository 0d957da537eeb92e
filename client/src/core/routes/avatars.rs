//! The pictures that people show themselves with: choosing one's own, and what comes of what is decided in
//! [`crate::core::avatars::exchange`]. Disk, hashing and the process that looks into a chosen picture run beside the actor.

use std::path::{Path, PathBuf};
use std::time::Instant;

use actix::Context;
use hobnob_shared::abilities::{AVATAR, Abilities};
use hobnob_shared::id::{DeviceId, Handle, Hash};
use hobnob_shared::message::{Avatar, AvatarData, Peer, WantAvatar};
use serde_bytes::ByteBuf;

use crate::core::answer::{Answer, AvatarInfo};
use crate::core::avatars::exchange::{Choice, Deed};
use crate::core::avatars::files;
use crate::core::clock::now_ms;
use crate::core::command::AVATARS;
use crate::core::error::Problem;
use crate::core::event::Event;
use crate::core::history::avatars;
use crate::core::outlet::Ticket;
use crate::core::peer_link::SendFrame;
use crate::core::registry::{Guard, Registry};
use crate::pictures::avatar;
use crate::pictures::parent::{THIS_PROGRAM, WITHIN};

impl Registry {
    fn avatar_folder(&self) -> PathBuf {
        self.profile.folder().join(AVATARS)
    }

    fn own_name(&self) -> Option<Handle> {
        self.identity.as_ref().map(|own| own.user.clone())
    }

    /// All that are known.
    pub(in crate::core) fn avatars(&self) -> Answer {
        let known = self.state.avatars.all().map(|(user, hash)| AvatarInfo { user: user.clone(), hash });
        Answer::Avatars { avatars: known.collect() }
    }

    /// Sets the own picture, or takes it away. Needs no server: links that stand hear of it at once, others when they come.
    pub(in crate::core) fn set_avatar(&mut self, path: Option<PathBuf>, ticket: Ticket, ctx: &mut Context<Self>) {
        let Some(own) = self.own_name() else { return ticket.failed(Problem::not_signed_in()) };
        let begun = self.state.avatars.begin();
        let Some(path) = path else {
            let deeds = self.state.avatars.choose(&own, None, now_ms());
            self.do_avatars(deeds);
            return self.done_once_kept(ticket, Answer::Avatar { hash: None });
        };
        let job = tokio::task::spawn_blocking(move || {
            let bytes = avatar::make(Path::new(THIS_PROGRAM), &path, WITHIN).map_err(|why| Problem::unfit(&why))?;
            Ok((Hash(*blake3::hash(&bytes).as_bytes()), bytes))
        });
        Self::then(ctx, job, move |registry, made, ctx| match made.unwrap_or_else(|_| Err(Problem::internal())) {
            Ok(_) if !registry.state.avatars.is_last(begun) => ticket.failed(Problem::overtaken()),
            Ok(picture) => registry.keep_own_avatar(own, picture, begun, ticket, ctx),
            Err(problem) => ticket.failed(problem),
        });
    }

    fn keep_own_avatar(
        &mut self,
        own: Handle,
        (hash, bytes): (Hash, Vec<u8>),
        begun: u64,
        ticket: Ticket,
        ctx: &mut Context<Self>,
    ) {
        self.state.avatars.keeping(hash);
        let folder = self.avatar_folder();
        let job = tokio::task::spawn_blocking(move || files::keep(&folder, hash, &bytes));
        Self::then(ctx, job, move |registry, kept, _| {
            let is_last = registry.state.avatars.is_last(begun);
            if is_last && let Ok(Ok(())) = kept {
                let deeds = registry.state.avatars.choose(&own, Some(hash), now_ms());
                registry.do_avatars(deeds);
                return registry.done_once_kept(ticket, Answer::Avatar { hash: Some(hash) });
            }
            let deed = registry.state.avatars.not_kept(hash);
            registry.do_avatars(deed);
            if !is_last {
                return ticket.failed(Problem::overtaken());
            }
            tracing::error!(?kept, "the own picture was not kept");
            ticket.failed(Problem::profile_not_written());
        });
    }

    /// A link came up.
    pub(in crate::core) fn avatars_linked(&mut self, user: &Handle, device: DeviceId, abilities: &Abilities) {
        if let Some(own) = self.own_name().filter(|_| abilities.has(AVATAR)) {
            let deed = self.state.avatars.linked(&own, device, user, Instant::now());
            self.do_avatars(deed);
        }
    }

    /// A device says which picture is its account's.
    pub(in crate::core) fn avatar_said(&mut self, device: DeviceId, said: Avatar) {
        if let Some(own) = self.own_name() {
            let choice = Choice { at: said.chosen_at, hash: said.hash };
            let deeds = self.state.avatars.said(&own, device, choice, Instant::now());
            self.do_avatars(deeds);
        }
    }

    /// What waited may be asked for.
    pub(in crate::core) fn avatars_due(&mut self, now: Instant) {
        if let Some(own) = self.own_name() {
            let deeds = self.state.avatars.due(&own, now);
            self.do_avatars(deeds);
        }
    }

    /// A device asks for my picture. The link reads on once it is read from the disk.
    pub(in crate::core) fn avatar_wanted(&mut self, device: DeviceId, hash: Hash, guard: Guard) {
        let Some(own) = self.own_name() else { return };
        let Some((link, _)) = self.state.links.standing(&device) else { return };
        let Some(is_mine) = self.state.avatars.gives(&own, &device, hash, Instant::now()) else { return };
        let (link, folder) = (link.clone(), self.avatar_folder());
        actix_rt::spawn(async move {
            let read = tokio::task::spawn_blocking(move || files::read(&folder, hash).filter(|_| is_mine)).await;
            let bytes = ByteBuf::from(read.ok().flatten().unwrap_or_default());
            link.do_send(SendFrame(Peer::AvatarData(AvatarData { hash, bytes })));
            drop(guard);
        });
    }

    /// A device sent a picture: checked and put on the disk if it was asked for; the link reads on after that.
    pub(in crate::core) fn avatar_came(
        &mut self,
        device: DeviceId,
        data: AvatarData,
        guard: Guard,
        ctx: &mut Context<Self>,
    ) {
        let AvatarData { hash, bytes } = data;
        let Some((user, choice)) = self.state.avatars.came(&device, hash) else {
            return self.count_refused("avatar_unasked");
        };
        let folder = self.avatar_folder();
        let job = tokio::task::spawn_blocking(move || {
            if !files::is(hash, &bytes) {
                // Nothing at all is an honest answer: it is not there any more.
                return if bytes.is_empty() { Ok(false) } else { Err(None) };
            }
            files::keep(&folder, hash, &bytes).map(|()| true).map_err(Some)
        });
        Self::then(ctx, job, move |registry, kept, _| {
            let Some(own) = registry.own_name() else { return };
            let is_there = match kept {
                Ok(Ok(is_there)) => is_there,
                Ok(Err(None)) => {
                    registry.count_refused("avatar_false");
                    false
                }
                Ok(Err(Some(error))) => {
                    tracing::error!(%error, "a picture was not kept");
                    false
                }
                Err(_) => false,
            };
            let deeds = registry.state.avatars.stored(&own, device, (&user, choice), is_there, Instant::now());
            registry.do_avatars(deeds);
            drop(guard);
        });
    }

    fn count_refused(&mut self, why: &'static str) {
        *self.refused.entry(why).or_default() += 1;
        tracing::debug!(why, "a picture was not taken");
    }

    /// Nothing of this person is shown or kept any more.
    pub(in crate::core) fn forget_avatar(&mut self, user: &Handle) {
        let deeds = self.state.avatars.forget(user);
        self.do_avatars(deeds);
    }

    fn do_avatars(&self, deeds: impl IntoIterator<Item = Deed>) {
        for deed in deeds {
            match deed {
                Deed::Say(device, Choice { at, hash }) => {
                    self.to_device(&device, Peer::Avatar(Avatar { hash, chosen_at: at }));
                }
                Deed::Ask(device, hash) => self.to_device(&device, Peer::WantAvatar(WantAvatar { hash })),
                Deed::Keep(kept) => self.write(move |c| avatars::save(c, &kept)),
                Deed::Forget(user) => self.write(move |c| avatars::remove(c, &user)),
                Deed::Remove(hash) => {
                    let folder = self.avatar_folder();
                    tokio::task::spawn_blocking(move || files::remove(&folder, hash));
                }
                Deed::Tell(user, hash) => self.outlet.tell(Event::Avatar { user, hash }),
            }
        }
    }
}
