//! The decisions of one transfer, continued: what follows from what the other side says, and how a transfer ends. Pure, as `state.rs`.

use std::time::Instant;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::DeviceId;
use hobnob_shared::message::{AboutTransfer, Accept, CancelTransfer, Peer};

use super::ending::{ENDS_WITHIN, End, Ending};
use super::state::{Effect, Effects, Granted, Run, State};
use super::tree::groups;
use super::waiting::Turn;
use super::why::Why;
use crate::core::event::Event;
use crate::core::history::transfers::Stage;

impl State {
    pub(super) fn frame(&mut self, device: DeviceId, frame: Peer, now: Instant) -> Effects {
        match frame {
            Peer::Offer(_) if !self.outgoing() => self.offered_again(device, now),
            Peer::Accept(accept) if self.outgoing() => self.accepted(device, accept, now),
            Peer::Decline(_) if self.outgoing() => self.ended_there(device, WireCode::Declined, now),
            Peer::Cancel(cancel) => self.ended_there(device, cancel.code, now),
            _ => Vec::new(),
        }
    }

    /// The sender has nothing running and says so by offering again.
    pub(super) fn offered_again(&mut self, device: DeviceId, now: Instant) -> Effects {
        if self.transfer.device != Some(device) {
            return Vec::new();
        }
        match self.transfer.stage {
            Stage::Accepted => match self.run {
                Run::Idle | Run::Running => self.begin_for_them(now),
                Run::Connecting { .. } | Run::Stopping => Vec::new(),
            },
            Stage::PausedHere => self.to_device(&self.cancel(WireCode::Paused)),
            Stage::PausedThere => self.accept_after_all(now),
            Stage::Failed if self.is_their_fault() => self.accept_after_all(now),
            Stage::Failed => {
                let code = match self.transfer.why.as_ref().map(|(code, _)| WireCode::from_name(code)) {
                    Some(code @ (WireCode::DiskFull | WireCode::BadName)) => code,
                    _ => WireCode::NotWritable,
                };
                self.to_device(&self.cancel(code))
            }
            Stage::Declined => self.to_device(&Peer::Decline(AboutTransfer { transfer: self.transfer.known_as() })),
            Stage::Cancelled => self.to_device(&self.cancel(WireCode::Cancelled)),
            Stage::Finished if self.transfer.root.is_some() && self.run == Run::Idle => {
                self.confirms = true;
                self.take_turn()
            }
            Stage::Offered | Stage::Finished => Vec::new(),
        }
    }

    pub(super) fn is_their_fault(&self) -> bool {
        let code = self.transfer.why.as_ref().map(|(code, _)| WireCode::from_name(code));
        !matches!(code, Some(WireCode::DiskFull | WireCode::NotWritable | WireCode::BadName | WireCode::Other(_)))
    }

    fn accept_after_all(&mut self, now: Instant) -> Effects {
        self.transfer.stage = Stage::Accepted;
        self.transfer.why = None;
        let mut effects = vec![Effect::Save];
        effects.extend(self.begin_for_them(now));
        effects
    }

    /// The other side wants it to begin again, which is done now or when enough time has gone since it last wanted that.
    fn begin_for_them(&mut self, now: Instant) -> Effects {
        if self.turn == Turn::Waiting {
            return Vec::new();
        }
        if let Some(at) = self.patience.until(now) {
            self.again_at = Some(self.again_at.map_or(at, |sooner| sooner.min(at)));
            return Vec::new();
        }
        self.patience.begins(now);
        if self.run == Run::Running { self.stop() } else { self.go_on() }
    }

    pub(super) fn accepted(&mut self, device: DeviceId, accept: Accept, now: Instant) -> Effects {
        let refuse = |code| vec![Effect::Send(device, self.cancel(code))];
        if accept.have > groups(self.transfer.size) {
            return refuse(WireCode::BadRequest);
        }
        if self.transfer.device.is_some_and(|bound| bound != device) {
            return refuse(WireCode::Conflict);
        }
        match self.transfer.stage {
            Stage::PausedHere => return refuse(WireCode::Paused),
            Stage::Cancelled => return refuse(WireCode::Cancelled),
            Stage::Declined | Stage::Finished => return refuse(WireCode::NotFound),
            Stage::Offered | Stage::Accepted | Stage::PausedThere | Stage::Failed => {}
        }
        let news = self.transfer.stage != Stage::Accepted || self.transfer.device.is_none();
        self.transfer.stage = Stage::Accepted;
        self.transfer.device = Some(device);
        self.transfer.why = None;
        let mut effects = if news { vec![Effect::Save] } else { Vec::new() };
        effects.extend(self.stop());
        // Where a pump is being stopped, its end comes first.
        self.granted = Some(Granted { device, accept, at: now });
        if self.run == Run::Idle {
            effects.extend(self.follow(now));
        }
        effects
    }

    /// The newest accept is followed as soon as it may be.
    pub(super) fn follow(&mut self, now: Instant) -> Effects {
        self.again_at = self.patience.until(now);
        if self.again_at.is_some() {
            return Vec::new();
        }
        if self.turn == Turn::Held { self.turn_came(now) } else { self.take_turn() }
    }

    /// The other side does not go on.
    pub(super) fn ended_there(&mut self, device: DeviceId, code: WireCode, now: Instant) -> Effects {
        let concerned = self.transfer.device.is_none_or(|bound| bound == device);
        if !concerned || self.transfer.stage.is_over() {
            return Vec::new();
        }
        if self.run == Run::Running && !self.outgoing() {
            // It may be getting its name just now: then that is what the sender hears.
            self.ending.get_or_insert(Ending { what: End::There(code), until: now + ENDS_WITHIN });
            return self.stop();
        }
        let mut effects = self.stop();
        effects.extend(self.ended_by_peer(code));
        effects
    }

    pub(super) fn ended_by_peer(&mut self, code: WireCode) -> Effects {
        // What is over stays so whatever the last words from the stream are; what is paused here, unless the other side gave it up.
        let given_up = matches!(code, WireCode::Cancelled | WireCode::Declined);
        if self.transfer.stage.is_over() || (self.transfer.stage == Stage::PausedHere && !given_up) {
            return Vec::new();
        }
        if code == WireCode::Paused && self.transfer.stage == Stage::PausedThere {
            return Vec::new();
        }
        self.transfer.stage = match code {
            WireCode::Paused => Stage::PausedThere,
            WireCode::Cancelled => Stage::Cancelled,
            WireCode::Declined => Stage::Declined,
            _ => Stage::Failed,
        };
        let useless = matches!(code, WireCode::SourceChanged | WireCode::HashMismatch);
        let why = Why::Peer(code);
        self.transfer.why = Some((why.code(), why.sentence(&self.transfer.peer)));
        self.settle(useless)
    }

    /// It does not go on for a reason on this side.
    pub(super) fn fail(&mut self, why: &Why) -> Effects {
        if self.transfer.stage.is_over() || self.transfer.stage == Stage::PausedHere {
            return Vec::new();
        }
        self.transfer.stage = Stage::Failed;
        // Of what it sent, a sender hears how it arrived.
        let arrived = Why::Peer(WireCode::HashMismatch);
        let told = if self.outgoing() && *why == Why::HashMismatch { &arrived } else { why };
        self.transfer.why = Some((told.code(), told.sentence(&self.transfer.peer)));
        // A group that does not match is not kept, and those before it are as good as ever; a whole that does not may be wrong anywhere.
        let wrong_group = *why == Why::HashMismatch && self.transfer.done < self.transfer.size;
        let useless = matches!(why, Why::HashMismatch | Why::Protocol(_) | Why::SourceChanged | Why::ChangedHere);
        let mut effects = self.settle(useless && !wrong_group);
        effects.extend(self.to_device(&self.cancel(why.wire())));
        effects
    }

    /// Stores and tells how it ended. What cannot be of use any more is erased.
    pub(super) fn settle(&mut self, useless: bool) -> Effects {
        if useless {
            self.transfer.done = 0;
        }
        let mut effects = vec![Effect::Save];
        effects.extend(self.tell_why());
        effects.extend(self.end_if_over());
        if useless && self.run == Run::Idle && !self.transfer.stage.is_over() {
            effects.push(Effect::Erase);
        }
        effects
    }

    pub(super) fn tell_why(&self) -> Option<Effect> {
        let (code, text) = self.transfer.why.clone()?;
        Some(Effect::Tell(Event::FileFailed { transfer: self.transfer.known_as(), code, text, by: self.transfer.by() }))
    }

    pub(super) fn end_if_over(&self) -> Effects {
        if self.transfer.stage.is_over() && self.run == Run::Idle { vec![Effect::Erase] } else { Vec::new() }
    }

    pub(super) fn cancel(&self, code: WireCode) -> Peer {
        Peer::Cancel(CancelTransfer { transfer: self.transfer.known_as(), code })
    }

    /// To the device at the other end, or where none is known, to all.
    pub(super) fn to_device(&self, frame: &Peer) -> Effects {
        let to = |device: &DeviceId| self.transfer.device.is_none_or(|bound| bound == *device);
        self.links.keys().filter(|device| to(device)).map(|device| Effect::Send(*device, frame.clone())).collect()
    }
}
