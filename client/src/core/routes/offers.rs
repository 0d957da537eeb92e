//! What friends and room mates say about files: offers, which are bounded and cleaned before they are stored, and answers to ours.

use actix::Context;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{ConversationId, DeviceId, Handle, TransferId};
use hobnob_shared::limits;
use hobnob_shared::message::{Accept, CancelTransfer, Offer, Peer};

use crate::core::clock::now_ms;
use crate::core::error::Problem;
use crate::core::event::{Answer, Direction};
use crate::core::file_transfer::pace::Rates;
use crate::core::file_transfer::{FrameCame, Order, SayAgain, Wish, names};
use crate::core::history::file_rules::{self, FileRule};
use crate::core::history::transfers::{self, Stage, Transfer};
use crate::core::outlet::Ticket;
use crate::core::peer_link::SendFrame;
use crate::core::registry::{Guard, Registry};

/// Frames about transfers without an actor that are being looked up: a friend who sends more at once is not answered.
const LOOKED_UP: usize = 64;
/// Longest media type that is kept, in bytes.
const MEDIA_TYPE: usize = 127;

impl Registry {
    /// A friend offers a file, or reminds of it. The link reads on when it is on the disk: a hundred at once wait for each other there.
    pub(in crate::core) fn offered(
        &mut self,
        user: Handle,
        device: DeviceId,
        offer: Offer,
        guard: Guard,
        ctx: &mut Context<Self>,
    ) {
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
        self.look_up(ctx, Some(guard), storing, move |registry, stored, ctx| match stored {
            Ok(Stored::New(transfer, taken)) => {
                if let Some(actor) = registry.take_up(*transfer, ctx) {
                    actor.do_send(SayAgain);
                    if taken {
                        // Where that is not possible it waits for a person, as any other.
                        actor.do_send(Order { wish: Wish::Accept { save_as: None }, ticket: None });
                    }
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

    /// What of a friend's files is taken without asking.
    pub(in crate::core) fn file_rule(&self, user: &Handle, ticket: Ticket) {
        if self.state.roster.get(user).is_none() {
            return ticket.failed(Problem::not_friends(user));
        }
        let (history, user) = (self.history.clone(), user.clone());
        actix_rt::spawn(async move {
            let rule = history.read(move |c| file_rules::load(c, &user)).await;
            ticket.answer(rule.map(Answer::FileRule).map_err(Problem::from));
        });
    }

    /// Changes that, for what is offered from now on.
    pub(in crate::core) fn set_file_rule(&self, user: &Handle, rule: FileRule, ticket: Ticket) {
        if self.state.roster.get(user).is_none() {
            return ticket.failed(Problem::not_friends(user));
        }
        let (history, user) = (self.history.clone(), user.clone());
        actix_rt::spawn(async move {
            let kept = history.write(move |c| file_rules::save(c, &user, rule)).await;
            ticket.answer(kept.map(|()| Answer::Nothing {}).map_err(Problem::from));
        });
    }

    /// How fast files may go, from now on. `done` when it is kept.
    pub(in crate::core) fn set_rates(&self, rates: Rates, ticket: Ticket) {
        if !rates.are_possible() {
            return ticket.failed(Problem::too_slow());
        }
        self.paces.set(rates);
        self.profile.change(|settings| settings.rates = rates);
        let profile = self.profile.clone();
        tokio::task::spawn_blocking(move || match profile.save() {
            Ok(()) => ticket.ok(),
            Err(error) => {
                tracing::error!(%error, "settings not saved");
                ticket.failed(Problem::internal());
            }
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
        self.look_up(ctx, None, look, move |registry, found, ctx| match found {
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
    pub(in crate::core) fn own_id(&self, id: TransferId, user: &Handle) -> TransferId {
        self.shares.get(&(id, user.clone())).copied().unwrap_or(id)
    }

    fn refuse(&self, device: DeviceId, transfer: TransferId, code: WireCode) {
        if let Some((link, _)) = self.state.links.standing(&device) {
            link.do_send(SendFrame(Peer::Cancel(CancelTransfer { transfer, code })));
        }
    }

    /// Asks the disk about a transfer, so many at once. `guard` is held until that is done.
    fn look_up<T: Send + 'static>(
        &mut self,
        ctx: &Context<Self>,
        guard: Option<Guard>,
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
            drop(guard);
        });
    }
}

/// What became of an offer.
enum Stored {
    /// And whether the rule for this friend takes it without asking.
    New(Box<Transfer>, bool),
    Known(Box<Transfer>),
    TooMany,
}

fn store_offer(c: &rusqlite::Connection, mut transfer: Transfer) -> rusqlite::Result<Stored> {
    if let Some(known) = transfers::load(c, transfer.id)? {
        return Ok(Stored::Known(Box::new(known)));
    }
    let taken = transfer.conversation.friend().is_some() && file_rules::load(c, &transfer.peer)?.takes(transfer.size);
    let (waiting, unfinished) = transfers::offers_of(c, &transfer.peer)?;
    // What is taken at once waits for no answer, however many come in a moment.
    if (!taken && waiting as usize >= limits::OFFERS_PER_FRIEND) || unfinished as usize >= limits::UNFINISHED_PER_FRIEND
    {
        return Ok(Stored::TooMany);
    }
    // Nothing was offered later than now: it would stand behind everything that is said until then.
    transfer.sent_at = transfer.sent_at.min(now_ms());
    transfers::insert(c, &transfer)?;
    Ok(Stored::New(Box::new(transfer), taken))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn offer(c: &rusqlite::Connection, size: u64, stage: Stage) -> Stored {
        let alice: Handle = "alice".parse().unwrap();
        let transfer = Transfer {
            id: TransferId::new(),
            conversation: ConversationId::Direct(alice.clone()),
            peer: alice.clone(),
            from: alice,
            direction: Direction::Incoming,
            name: "a".to_owned(),
            size,
            media_type: None,
            sent_at: 0,
            stage,
            done: 0,
            path: None,
            save_as: None,
            why: None,
            meant_for: None,
            root: None,
            device: None,
            share: None,
            room: None,
            folder: None,
        };
        store_offer(c, transfer).unwrap()
    }

    #[test]
    fn nothing_is_offered_later_than_now() {
        let c = crate::core::history::tests::memory();
        let Stored::New(first, _) = offer(&c, 1, Stage::Offered) else { panic!("it is new") };
        let late = Transfer { id: TransferId::new(), sent_at: u64::MAX, ..*first };
        let Stored::New(late, _) = store_offer(&c, late).unwrap() else { panic!("it is new") };
        assert!(late.sent_at <= now_ms());
        assert_eq!(transfers::load(&c, late.id).unwrap().unwrap().sent_at, late.sent_at);
    }

    #[test]
    fn offers_that_wait_for_an_answer_and_those_that_are_not_finished_are_bounded_each() {
        let c = crate::core::history::tests::memory();
        file_rules::save(&c, &"alice".parse().unwrap(), FileRule::UpTo { size: 1_000 }).unwrap();
        // A hundred and more photographs at once, all of them taken.
        let bound = limits::UNFINISHED_PER_FRIEND - limits::OFFERS_PER_FRIEND;
        assert!((0..bound).all(|_| matches!(offer(&c, 1_000, Stage::Accepted), Stored::New(_, true))));
        assert!(
            (0..limits::OFFERS_PER_FRIEND).all(|_| matches!(offer(&c, 1_001, Stage::Offered), Stored::New(_, false)))
        );
        assert!(matches!(offer(&c, 1_001, Stage::Offered), Stored::TooMany));
        assert!(matches!(offer(&c, 1_000, Stage::Offered), Stored::TooMany), "not even what is taken");
        c.execute("UPDATE transfers SET state = ?1 WHERE state = ?2", [Stage::Finished as u8, Stage::Accepted as u8])
            .unwrap();
        assert!(matches!(offer(&c, 1_001, Stage::Offered), Stored::TooMany), "these still wait");
        assert!(matches!(offer(&c, 1_000, Stage::Offered), Stored::New(_, true)));
    }
}
