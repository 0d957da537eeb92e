//! The decisions of one transfer, continued: a person ends or pauses it. Pure, as `state.rs`.

use std::time::{Duration, Instant};

use hobnob_shared::error::WireCode;

use super::state::{Effect, Effects, State};
use crate::core::history::transfers::Stage;

/// Somebody wants a running transfer to end or to pause. Whether it has come to its end before is known only when the pump has ended: until
/// then nothing is said of it, so that both sides tell the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) what: End,
    /// The pump must have ended by then.
    pub(super) until: Instant,
}

/// See [`Ending`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// A person here paused it.
    Pause,
    /// A person here cancelled it.
    Cancel,
    /// The other side said this.
    There(WireCode),
}

/// The other side has so long to end its half of a stream, and this side's disk to give a file its name.
pub(super) const ENDS_WITHIN: Duration = Duration::from_secs(8);

impl State {
    /// The receiver stops at once, and then knows. The sender asks it to, and hears by the stream.
    pub(super) fn begin_to_end(&mut self, what: End, code: WireCode, now: Instant) -> Effects {
        self.ending = Some(Ending { what, until: now + ENDS_WITHIN });
        let mut effects = vec![Effect::HoldAnswer];
        effects.extend(if self.outgoing() { self.to_device(&self.cancel(code)) } else { self.stop() });
        effects
    }

    /// The pump has ended, and not with the file's end.
    pub(super) fn end(&mut self, what: End) -> Effects {
        match what {
            End::Pause => {
                self.transfer.stage = Stage::PausedHere;
                self.halt(WireCode::Paused)
            }
            End::Cancel => self.cancelled_here(),
            End::There(code) => self.ended_by_peer(code),
        }
    }

    pub(super) fn cancelled_here(&mut self) -> Effects {
        self.give_up(WireCode::Cancelled, "You cancelled the transfer.".to_owned())
    }

    /// It is over on both sides, for this reason.
    pub(super) fn give_up(&mut self, code: WireCode, text: String) -> Effects {
        self.transfer.stage = Stage::Cancelled;
        self.transfer.why = Some((code.name().to_owned(), text));
        let mut effects = self.halt(code);
        effects.extend(self.tell_why());
        effects.extend(self.end_if_over());
        effects
    }

    /// Stored, answered, stopped, and said to the other side.
    pub(super) fn halt(&mut self, code: WireCode) -> Effects {
        let mut effects = vec![Effect::Save];
        effects.extend(self.stop());
        effects.push(Effect::Answer(Ok(())));
        effects.extend(self.to_device(&self.cancel(code)));
        effects
    }
}
