//! Transfers: what people here want of them, and what happens to them when links come and go. Each that may still
//! go on has an actor; this finds or makes it, and passes things on.

use std::path::PathBuf;
use std::time::Duration;

use actix::{Addr, Context};
use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Incarnation, TransferId};
use hobnob_shared::message::Circuit;

use crate::core::clock::now_ms;
use crate::core::error::Problem;
use crate::core::event::{Answer, Direction, TransferState};
use crate::core::file_transfer::{
    CircuitCame, CircuitRefused, FileTransfer, Hold, Linked, Order, Readdressed, SayAgain, StreamCame, TransferContext,
    Unlinked, Why, Wish, source,
};
use crate::core::history::transfers::{self, Stage, Transfer};
use crate::core::outlet::Ticket;
use crate::core::registry::{CircuitWanted, IncomingStream, Registry, TransferOver};

/// A slow disk has so long to show what is to be sent: the command's answer comes after it, and in time.
const LOOKING: Duration = Duration::from_secs(15);

impl Registry {
    /// All, with what is done of those that run.
    pub(in crate::core) fn transfers(&self, ticket: Ticket) {
        let (history, running, turns) = (self.history.clone(), self.running.clone(), self.turns.clone());
        actix_rt::spawn(async move {
            let found = history.read(transfers::list).await;
            ticket.answer(found.map_err(Problem::from).map(|list| {
                let told = list.into_iter().map(|mut transfer| {
                    let now = running.done(transfer.id);
                    transfer.done = now.unwrap_or(transfer.done);
                    let mut info = transfer.info(now.is_some());
                    if info.state == TransferState::Accepted && turns.waits(transfer.id) {
                        info.state = TransferState::Queued;
                    }
                    info
                });
                Answer::Transfers { transfers: told.collect() }
            }));
        });
    }

    /// Offers a file; done once the offer is on the disk, whether or not the friend is there.
    pub(in crate::core) fn send_file(
        &mut self,
        to: ConversationId,
        path: PathBuf,
        ticket: Ticket,
        ctx: &mut Context<Self>,
    ) {
        let identity = self.identity.clone().ok_or_else(Problem::not_signed_in);
        let (own, to_whom) = match identity.and_then(|own| Ok((own, self.receivers(&to)?))) {
            Ok(found) => found,
            Err(problem) => {
                self.not_sent(path);
                return ticket.failed(problem);
            }
        };
        let given = path.clone();
        let (history, partials) = (self.history.clone(), self.partials());
        let profile = self.profile.folder().to_owned();
        let offering = async move {
            let who = to.friend().map_or_else(|| to.to_string(), ToString::to_string);
            let looking = tokio::task::spawn_blocking(move || source::look(&path, &profile));
            let looked = tokio::time::timeout(LOOKING, looking).await.unwrap_or(Ok(Err(Why::TooSlow)));
            let problem = move |why: Why| Problem::new(why.code(), why.sentence(&who));
            let offered = looked.map_err(|_| Problem::transfer_state())?.map_err(&problem)?;
            let share = to_whom.room.map(|_| TransferId::new());
            let transfers: Vec<Transfer> = to_whom
                .people
                .into_iter()
                .map(|(peer, key)| Transfer {
                    id: TransferId::new(),
                    conversation: to.clone(),
                    peer,
                    from: own.user.clone(),
                    direction: Direction::Outgoing,
                    name: offered.name.clone(),
                    size: offered.size,
                    media_type: None,
                    sent_at: now_ms(),
                    stage: Stage::Offered,
                    done: 0,
                    path: Some(offered.path.clone()),
                    save_as: None,
                    why: None,
                    meant_for: Some(key),
                    root: None,
                    device: None,
                    share,
                    room: to_whom.room,
                    folder: offered.offer,
                })
                .collect();
            // A folder's state is kept first: what is offered can be sent.
            let left_out = offered.folder.as_ref().map_or(0, |folder| folder.left_out);
            if let Some(folder) = offered.folder {
                let ids: Vec<TransferId> = transfers.iter().map(|transfer| transfer.id).collect();
                // What is kept of an offer that fails goes with the next start.
                let kept = tokio::task::spawn_blocking(move || folder.save(&partials, &ids));
                kept.await.map_err(|_| Problem::transfer_state())?.map_err(&problem)?;
            }
            let stored = transfers.clone();
            history.write(move |c| stored.iter().try_for_each(|one| transfers::insert(c, one).map(drop))).await?;
            Ok::<_, Problem>((transfers, left_out))
        };
        Self::then(ctx, offering, move |registry, offered, ctx| match offered {
            Err(problem) => {
                registry.not_sent(given);
                ticket.failed(problem);
            }
            Ok((transfers, left_out)) => {
                if let Some(first) = transfers.first() {
                    let (size, files) = (first.size, first.folder.map(|folder| folder.files));
                    ticket.done(Answer::Transfer { transfer: first.known_as(), size, files, left_out });
                }
                for transfer in transfers {
                    let peer = transfer.peer.clone();
                    registry.take_up(transfer, ctx);
                    registry.reconsider(&peer);
                }
            }
        });
    }

    /// To whom a file goes that is offered in a conversation: the friend, or everybody else who is in the room now.
    fn receivers(&self, to: &ConversationId) -> Result<Receivers, Problem> {
        match to {
            ConversationId::Direct(_) => {
                let user = self.addressee(to)?;
                let key = self.expected_key(&user).ok_or_else(|| Problem::not_friends(&user))?;
                Ok(Receivers { room: None, people: vec![(user, key)] })
            }
            ConversationId::Room(name) => {
                let own = self.identity.as_ref().ok_or_else(Problem::not_signed_in)?;
                let room = self.state.rooms.named(name).ok_or_else(|| Problem::not_in_room(name))?;
                let others = room.memberships.iter().filter(|kept| kept.member && kept.user != own.user);
                let people: Vec<_> =
                    others.filter_map(|kept| Some((kept.user.clone(), self.expected_key(&kept.user)?))).collect();
                if people.is_empty() {
                    return Err(Problem::room_empty(name));
                }
                Ok(Receivers { room: Some(room.incarnation), people })
            }
        }
    }

    /// A person wants something of a transfer.
    pub(in crate::core) fn wish(&mut self, transfer: TransferId, wish: &Wish, ticket: Ticket, ctx: &mut Context<Self>) {
        // What was offered to a room is one thing for people, and one transfer for each member.
        let of_members = self.shares.iter().filter(|((id, _), _)| *id == transfer).map(|(_, known)| known);
        let actors: Vec<_> = of_members
            .chain([&transfer])
            .filter_map(|id| self.transfers.get(id).map(|(_, actor)| actor.clone()))
            .filter(Addr::connected)
            .collect();
        if !actors.is_empty() {
            // One that ends just now answers nothing any more.
            let ticket = ticket.or_else(Problem::transfer_over());
            for (actor, ticket) in actors.iter().zip(ticket.parts(actors.len())) {
                actor.do_send(Order { wish: wish.clone(), ticket: Some(ticket) });
            }
            return;
        }
        let history = self.history.clone();
        let look = async move {
            history
                .read(move |c| Ok(transfers::load(c, transfer)?.is_some() || transfers::is_share(c, transfer)?))
                .await
        };
        Self::then(ctx, look, |_, found, _| match found {
            Ok(true) => ticket.failed(Problem::transfer_over()),
            Ok(false) => ticket.failed(Problem::unknown_transfer()),
            Err(error) => ticket.failed(error),
        });
    }

    /// Where unfinished files are.
    fn partials(&self) -> PathBuf {
        self.profile.folder().join("partial")
    }

    /// Finds or makes the actor of a stored transfer, and tells it of the links that stand.
    pub(in crate::core) fn take_up(
        &mut self,
        transfer: Transfer,
        ctx: &mut Context<Self>,
    ) -> Option<Addr<FileTransfer>> {
        if let Some((_, actor)) = self.transfers.get(&transfer.id) {
            return Some(actor.clone());
        }
        let context = TransferContext {
            identity: self.identity.clone()?,
            history: self.history.clone(),
            outlet: self.outlet.clone(),
            registry: actix::AsyncContext::address(ctx),
            tokens: self.tokens.clone(),
            downloads: self.downloads.clone(),
            partials: self.partials(),
            paces: self.paces.clone(),
            running: self.running.clone(),
            turns: self.turns.clone(),
            dials: self.dials.clone(),
        };
        let (id, peer) = (transfer.id, transfer.peer.clone());
        if let Some(share) = transfer.share {
            self.shares.insert((share, peer.clone()), id);
        }
        let actor = FileTransfer::launch(context, transfer);
        self.transfers.insert(id, (peer.clone(), actor.clone()));
        for linked in self.linked_to(&peer) {
            actor.do_send(linked);
        }
        Some(actor)
    }

    fn linked_to(&self, user: &Handle) -> Vec<Linked> {
        let account = self.expected_key(user);
        let standing = self.state.links.devices_up(user).into_iter();
        account.map_or(Vec::new(), |account| {
            standing.map(|(device, link, up)| Linked { device, account, up, link }).collect()
        })
    }

    /// What a crash left of transfers that were just over, or were never offered.
    fn tidy_transfers(&self) {
        let (history, partials, started) = (self.history.clone(), self.partials(), now_ms());
        actix_rt::spawn(async move {
            let folder = partials.clone();
            let kept = tokio::task::spawn_blocking(move || source::kept(&folder)).await.unwrap_or_default();
            match history.read(move |c| transfers::forgettable(c, &kept, started)).await {
                Ok(over) => {
                    let _tidied = tokio::task::spawn_blocking(move || {
                        for id in over {
                            source::forget_all(&partials, id);
                        }
                    });
                }
                Err(error) => tracing::error!(%error, "cannot look for what is left of transfers"),
            }
        });
    }

    /// After the start: what may still go on.
    pub(in crate::core) fn resume_transfers(&mut self, ctx: &mut Context<Self>) {
        self.tidy_transfers();
        self.tidy_pasted();
        let history = self.history.clone();
        Self::then(ctx, async move { history.read(transfers::load_unfinished).await }, |registry, found, ctx| {
            match found {
                Ok(found) => {
                    for transfer in found {
                        registry.take_up(transfer, ctx);
                    }
                }
                Err(error) => tracing::error!(%error, "cannot read unfinished transfers"),
            }
        });
    }

    /// Offers that wait are told again after signing in.
    pub(in crate::core) fn offer_again(&mut self, ctx: &mut Context<Self>) {
        // Behind the reading of those of the last run, if that is still under way.
        let history = self.history.clone();
        Self::then(ctx, async move { history.read(|_| Ok(())).await }, |registry, _, _| {
            registry.transfers.values().for_each(|(_, actor)| actor.do_send(SayAgain));
        });
    }

    /// The program ends: everything stops where it is.
    pub(in crate::core) fn close_transfers(&mut self) {
        for (_, actor) in std::mem::take(&mut self.transfers).into_values() {
            actor.do_send(Hold { end: true });
        }
    }

    /// Nothing more goes to or comes from this person for now.
    pub(in crate::core) fn hold_transfers(&mut self, user: &Handle) {
        self.each_of(user, |actor| actor.do_send(Hold { end: false }));
    }

    /// Signed out: nothing goes to or comes from anybody.
    pub(in crate::core) fn hold_all_transfers(&self) {
        self.transfers.values().for_each(|(_, actor)| actor.do_send(Hold { end: false }));
    }

    /// The friendship is over: so is what was under way.
    pub(in crate::core) fn cancel_transfers(&mut self, user: &Handle) {
        self.each_of(user, |actor| actor.do_send(Order { wish: Wish::Part, ticket: None }));
    }

    /// A new key was accepted: what waits is offered to it.
    pub(in crate::core) fn readdress_transfers(&mut self, user: &Handle, key: Fingerprint) {
        self.each_of(user, |actor| actor.do_send(Readdressed { key }));
    }

    fn each_of(&self, user: &Handle, tell: impl Fn(&Addr<FileTransfer>)) {
        self.transfers.values().filter(|(peer, _)| peer == user).for_each(|(_, actor)| tell(actor));
    }

    pub(in crate::core) fn transfers_linked(&mut self, user: &Handle, device: DeviceId, _: &mut Context<Self>) {
        for linked in self.linked_to(user).into_iter().filter(|linked| linked.device == device) {
            let Linked { account, up, link, .. } = linked;
            self.each_of(user, |actor| {
                actor.do_send(Linked { device, account, up: up.clone(), link: link.clone() });
            });
        }
    }

    pub(in crate::core) fn transfers_unlinked(&mut self, device: DeviceId) {
        self.transfers.values().for_each(|(_, actor)| actor.do_send(Unlinked { device }));
    }

    /// The server opened a circuit for a data stream.
    pub(in crate::core) fn circuit(&mut self, circuit: Circuit, _: &mut Context<Self>) {
        let id = self.own_id(circuit.transfer, &circuit.user);
        if let (Some((_, actor)), Some(relay)) = (self.transfers.get(&id), self.server_end) {
            actor.do_send(CircuitCame { circuit, relay });
        }
    }

    pub(in crate::core) fn circuit_refused(&mut self, user: &Handle, transfer: TransferId) {
        if let Some((_, actor)) = self.transfers.get(&self.own_id(transfer, user)) {
            actor.do_send(CircuitRefused);
        }
    }

    /// A transfer's stream cannot go directly.
    pub(in crate::core) fn circuit_wanted(&mut self, wanted: CircuitWanted, _: &mut Context<Self>) {
        let CircuitWanted { user, device, transfer } = wanted;
        if self.state.is_here() {
            self.errand(crate::core::registry::Ask::OpenCircuit(user, device, transfer), None);
        } else {
            self.circuit_refused(&user, transfer);
        }
    }

    pub(in crate::core) fn transfer_over(&mut self, TransferOver { transfer }: TransferOver, _: &mut Context<Self>) {
        self.transfers.remove(&transfer);
        self.shares.retain(|_, id| *id != transfer);
        self.tidy_after(transfer);
    }

    pub(in crate::core) fn incoming_stream(&mut self, news: IncomingStream, _: &mut Context<Self>) {
        let IncomingStream { transfer, user, device, token, stream } = news;
        if let Some((_, actor)) = self.transfers.get(&transfer).filter(|(peer, _)| *peer == user) {
            actor.do_send(StreamCame { device, token, stream });
        }
    }
}

/// To whom a file is offered, and with which identity key.
struct Receivers {
    room: Option<Incarnation>,
    people: Vec<(Handle, Fingerprint)>,
}
