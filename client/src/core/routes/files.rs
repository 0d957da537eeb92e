//! Transfers: offers in and out, and what happens to them when links come and go.
use std::path::PathBuf;

use actix::Context;
use hobnob_shared::id::{ConversationId, DeviceId, Handle, TransferId};
use hobnob_shared::message::{Accept, CancelTransfer, Circuit, Offer};

use crate::core::error::Problem;
use crate::core::event::Answer;
use crate::core::outlet::Ticket;
use crate::core::registry::{IncomingStream, Registry};

impl Registry {
    pub(in crate::core) fn transfers(&self, ticket: Ticket) {
        ticket.done(Answer::Transfers { transfers: Vec::new() });
    }
    pub(in crate::core) fn send_file(
        &mut self,
        _to: ConversationId,
        _path: PathBuf,
        ticket: Ticket,
        _: &mut Context<Self>,
    ) {
        ticket.failed(Problem::unsupported("send files"));
    }
    pub(in crate::core) fn accept_file(
        &mut self,
        _t: TransferId,
        _s: Option<PathBuf>,
        ticket: Ticket,
        _: &mut Context<Self>,
    ) {
        ticket.failed(Problem::unknown_transfer());
    }
    pub(in crate::core) fn decline_file(&mut self, _t: TransferId, ticket: Ticket, _: &mut Context<Self>) {
        ticket.failed(Problem::unknown_transfer());
    }
    pub(in crate::core) fn pause_file(&mut self, _t: TransferId, ticket: Ticket, _: &mut Context<Self>) {
        ticket.failed(Problem::unknown_transfer());
    }
    pub(in crate::core) fn resume_file(&mut self, _t: TransferId, ticket: Ticket, _: &mut Context<Self>) {
        ticket.failed(Problem::unknown_transfer());
    }
    pub(in crate::core) fn cancel_file(&mut self, _t: TransferId, ticket: Ticket, _: &mut Context<Self>) {
        ticket.failed(Problem::unknown_transfer());
    }
    pub(in crate::core) fn close_transfers(&mut self) {}
    pub(in crate::core) fn resume_transfers(&mut self, _: &mut Context<Self>) {}
    pub(in crate::core) fn offer_again(&mut self, _: &mut Context<Self>) {}
    pub(in crate::core) fn circuit(&mut self, _: Circuit, _: &mut Context<Self>) {}
    pub(in crate::core) fn circuit_refused(&mut self, _: TransferId) {}
    pub(in crate::core) fn transfers_linked(&mut self, _: &Handle, _: DeviceId, _: &mut Context<Self>) {}
    pub(in crate::core) fn transfers_unlinked(&mut self, _: DeviceId) {}
    pub(in crate::core) fn offered(&mut self, _: Handle, _: DeviceId, _: Offer, _: &mut Context<Self>) {}
    pub(in crate::core) fn accepted(&mut self, _: Handle, _: DeviceId, _: Accept, _: &mut Context<Self>) {}
    pub(in crate::core) fn declined(&mut self, _: &Handle, _: TransferId, _: &mut Context<Self>) {}
    pub(in crate::core) fn cancelled(&mut self, _: &Handle, _: CancelTransfer, _: &mut Context<Self>) {}
    pub(in crate::core) fn incoming_stream(&mut self, _: IncomingStream, _: &mut Context<Self>) {}
}
