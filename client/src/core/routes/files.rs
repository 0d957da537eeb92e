//! Transfers: what people want of them, what friends say about them, and what happens to them when links come and go. Each that may still
//! go on has an actor; this finds or makes it, and passes things on.

use std::path::PathBuf;

use actix::{Addr, Context};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Incarnation, TransferId};
use hobnob_shared::limits;
use hobnob_shared::message::{Accept, CancelTransfer, Circuit, Offer, Peer};

use crate::core::clock::now_ms;
use crate::core::error::Problem;
use crate::core::event::{Answer, Direction};
use crate::core::file_transfer::{
    CircuitCame, CircuitRefused, FileTransfer, FrameCame, Hold, Linked, Order, Readdressed, SayAgain, StreamCame,
    TransferContext, Unlinked, Why, Wish, names, source,
};
use crate::core::history::transfers::{self, Stage, Transfer};
use crate::core::outlet::Ticket;
use crate::core::peer_link::SendFrame;
use crate::core::registry::{CircuitWanted, IncomingStream, Registry, TransferOver};

/// Frames about transfers without an actor that are being looked up: a friend who sends more at once is not answered.
const LOOKED_UP: usize = 64;
/// Longest media type that is kept, in bytes.
const MEDIA_TYPE: usize = 127;

impl Registry {
    /// All, with what is done of those that run.
    pub(in crate::core) fn transfers(&self, ticket: Ticket) {
        let (history, running) = (self.history.clone(), self.running.clone());
        actix_rt::spawn(async move {
            let found = history.read(transfers::list).await;
            ticket.answer(found.map_err(Problem::from).map(|list| {
                let told = list.into_iter().map(|mut transfer| {
                    let now = running.done(transfer.id);
                    transfer.done = now.unwrap_or(transfer.done);
                    transfer.info(now.is_some())
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
        let Some(own) = self.identity.clone() else { return ticket.failed(Problem::not_signed_in()) };
        let to_whom = match self.receivers(&to) {
            Ok(receivers) => receivers,
            Err(problem) => return ticket.failed(problem),
        };
        let (history, partials) = (self.history.clone(), self.partials());
        let offering = async move {
            let who = to.friend().map_or_else(|| to.to_string(), ToString::to_string);
            let looked = tokio::task::spawn_blocking(move || source::look(&path)).await;
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
                let kept =
                    tokio::task::spawn_blocking(move || ids.iter().try_for_each(|id| folder.save(&partials, *id)));
                kept.await.map_err(|_| Problem::transfer_state())?.map_err(&problem)?;
            }
            let stored = transfers.clone();
            history.write(move |c| stored.iter().try_for_each(|one| transfers::insert(c, one).map(drop))).await?;
            Ok::<_, Problem>((transfers, left_out))
        };
        Self::then(ctx, offering, move |registry, offered, ctx| match offered {
            Err(problem) => ticket.failed(problem),
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
    pub(in crate::core) fn wish(&mut self, transfer: TransferId, wish: Wish, ticket: Ticket, ctx: &mut Context<Self>) {
        // What was offered to a room is one thing for people, and one transfer for each member.
        let mut ticket = Some(ticket);
        for (_, known) in self.shares.iter().filter(|((id, _), _)| *id == transfer) {
            if let Some((_, actor)) = self.transfers.get(known) {
                actor.do_send(Order { wish: wish.clone(), ticket: ticket.take() });
            }
        }
        let Some(ticket) = ticket else { return };
        if let Some((_, actor)) = self.transfers.get(&transfer) {
            return actor.do_send(Order { wish, ticket: Some(ticket) });
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
    fn take_up(&mut self, transfer: Transfer, ctx: &mut Context<Self>) -> Option<Addr<FileTransfer>> {
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
            running: self.running.clone(),
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

    /// After the start: what may still go on.
    pub(in crate::core) fn resume_transfers(&mut self, ctx: &mut Context<Self>) {
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
        self.transfers.drain().for_each(|(_, (_, actor))| actor.do_send(Hold { end: true }));
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
    }

    /// A friend offers a file, or reminds of it.
    pub(in crate::core) fn offered(&mut self, user: Handle, device: DeviceId, offer: Offer, ctx: &mut Context<Self>) {
        let id = offer.transfer;
        if self.pass_on(&user, id, device, Peer::Offer(offer.clone())) {
            return;
        }
        let answer = move |registry: &mut Self, code| registry.refuse(device, id, code);
        if names::clean(&offer.name).is_err() {
            return answer(self, WireCode::BadName);
        }
        if offer
            .folder
            .is_some_and(|folder| folder.length as usize > limits::LISTING || folder.files as usize > limits::LISTED)
        {
            return answer(self, WireCode::TooLarge);
        }
        let conversation = match offer.room {
            None if self.state.roster.get(&user).is_some() => ConversationId::Direct(user.clone()),
            Some(room) if self.state.rooms.is_member(&room, &user) => match self.state.rooms.get(&room) {
                Some(room) => ConversationId::Room(room.room.clone()),
                None => return,
            },
            _ => return answer(self, WireCode::NotFriends),
        };
        let media_type = offer.media_type.filter(|text| text.len() <= MEDIA_TYPE);
        let transfer = Transfer {
            id,
            conversation,
            peer: user.clone(),
            from: user.clone(),
            direction: Direction::Incoming,
            name: offer.name,
            size: offer.size,
            media_type,
            sent_at: offer.sent_at,
            stage: Stage::Offered,
            done: 0,
            path: None,
            save_as: None,
            why: None,
            meant_for: None,
            root: None,
            device: Some(device),
            share: None,
            room: offer.room,
            folder: offer.folder,
        };
        let frame = Peer::Offer(Offer {
            room: transfer.room,
            transfer: id,
            name: transfer.name.clone(),
            size: transfer.size,
            folder: transfer.folder,
            media_type: transfer.media_type.clone(),
            sent_at: transfer.sent_at,
        });
        let history = self.history.clone();
        let storing = async move { history.write(move |c| store_offer(c, transfer)).await };
        self.look_up(ctx, storing, move |registry, stored, ctx| match stored {
            Ok(Stored::New(transfer)) => {
                if let Some(actor) = registry.take_up(*transfer, ctx) {
                    actor.do_send(SayAgain);
                }
            }
            Ok(Stored::Known(transfer)) if transfer.peer == user => {
                if let Some(actor) = registry.take_up(*transfer, ctx) {
                    actor.do_send(FrameCame { device, frame });
                }
            }
            Ok(Stored::Known(_)) => answer(registry, WireCode::Conflict),
            Ok(Stored::TooMany) => answer(registry, WireCode::Full),
            Err(error) => tracing::error!(%error, "an offer was not stored"),
        });
    }

    pub(in crate::core) fn accepted(
        &mut self,
        user: Handle,
        device: DeviceId,
        accept: Accept,
        ctx: &mut Context<Self>,
    ) {
        let id = accept.transfer;
        let frame = Peer::Accept(accept);
        if self.pass_on(&user, id, device, frame.clone()) {
            return;
        }
        let history = self.history.clone();
        let peer = user.clone();
        let look = async move { history.read(move |c| transfers::load_known_as(c, id, &peer)).await };
        self.look_up(ctx, look, move |registry, found, ctx| match found {
            Ok(Some(transfer)) if transfer.peer == user => {
                if let Some(actor) = registry.take_up(transfer, ctx) {
                    actor.do_send(FrameCame { device, frame });
                }
            }
            Ok(_) => registry.refuse(device, id, WireCode::NotFound),
            Err(error) => tracing::error!(%error, "a transfer was not read"),
        });
    }

    pub(in crate::core) fn declined(&mut self, user: &Handle, device: DeviceId, transfer: TransferId) {
        let about = hobnob_shared::message::AboutTransfer { transfer };
        self.pass_on(user, transfer, device, Peer::Decline(about));
    }

    pub(in crate::core) fn cancelled(&mut self, user: &Handle, device: DeviceId, cancel: CancelTransfer) {
        self.pass_on(user, cancel.transfer, device, Peer::Cancel(cancel));
    }

    /// To the transfer's actor, if it has one and it is with this person.
    fn pass_on(&self, user: &Handle, transfer: TransferId, device: DeviceId, frame: Peer) -> bool {
        match self.transfers.get(&self.own_id(transfer, user)).filter(|(peer, _)| peer == user) {
            Some((_, actor)) => {
                // One that is busy loses it: whoever means it says it again on the next link, whoever floods is not stored.
                if actor.try_send(FrameCame { device, frame }).is_err() {
                    tracing::debug!(%transfer, "a transfer is too busy to listen");
                }
                true
            }
            None => false,
        }
    }

    /// The id in this profile of the transfer that `user` knows by `id`.
    fn own_id(&self, id: TransferId, user: &Handle) -> TransferId {
        self.shares.get(&(id, user.clone())).copied().unwrap_or(id)
    }

    fn refuse(&self, device: DeviceId, transfer: TransferId, code: WireCode) {
        if let Some((link, _)) = self.state.links.standing(&device) {
            link.do_send(SendFrame(Peer::Cancel(CancelTransfer { transfer, code })));
        }
    }

    /// Asks the disk about a transfer, so many at once.
    fn look_up<T: Send + 'static>(
        &mut self,
        ctx: &Context<Self>,
        job: impl Future<Output = T> + 'static,
        next: impl FnOnce(&mut Self, T, &mut Context<Self>) + Send + 'static,
    ) {
        if self.looked_up >= LOOKED_UP {
            tracing::warn!("too many offers at once; some are left for the next link");
            return;
        }
        self.looked_up += 1;
        Self::then(ctx, job, move |registry, out, ctx| {
            registry.looked_up = registry.looked_up.saturating_sub(1);
            next(registry, out, ctx);
        });
    }

    pub(in crate::core) fn incoming_stream(&mut self, news: IncomingStream, _: &mut Context<Self>) {
        let IncomingStream { transfer, user, device, stream } = news;
        if let Some((_, actor)) = self.transfers.get(&transfer).filter(|(peer, _)| *peer == user) {
            actor.do_send(StreamCame { device, stream });
        }
    }
}

/// To whom a file is offered, and with which identity key.
struct Receivers {
    room: Option<Incarnation>,
    people: Vec<(Handle, Fingerprint)>,
}

/// What became of an offer.
enum Stored {
    New(Box<Transfer>),
    Known(Box<Transfer>),
    TooMany,
}

fn store_offer(c: &rusqlite::Connection, transfer: Transfer) -> rusqlite::Result<Stored> {
    if let Some(known) = transfers::load(c, transfer.id)? {
        return Ok(Stored::Known(Box::new(known)));
    }
    if transfers::waiting_offers(c, &transfer.peer)? as usize >= limits::OFFERS_PER_FRIEND {
        return Ok(Stored::TooMany);
    }
    transfers::insert(c, &transfer)?;
    Ok(Stored::New(Box::new(transfer)))
}
