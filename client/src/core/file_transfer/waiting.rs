//! The decisions of one transfer, continued: it waits for its turn before anything is opened or dialled for it, and gives the turn back when
//! nothing of it runs. Pure, as `state.rs`.

use std::time::Instant;

use super::state::{CONNECTING, Effect, Effects, Run, State, Task};
use super::tree::groups;
use crate::core::event::Event;
use crate::core::history::transfers::Stage;

/// Where a transfer stands among all of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It does not ask.
    No,
    /// It has asked.
    Waiting,
    /// It may run.
    Held,
}

impl State {
    /// Asks for a turn, once.
    pub(super) fn take_turn(&mut self) -> Effects {
        if self.turn != Turn::No {
            return Vec::new();
        }
        self.turn = Turn::Waiting;
        vec![Effect::TakeTurn]
    }

    /// Others go first.
    pub(super) fn queued(&self) -> Effects {
        // A file that is here and is only to be confirmed waits for nothing that people know of.
        if self.transfer.stage != Stage::Accepted {
            return Vec::new();
        }
        vec![self.tell_waiting("turn", "It waits for its turn: other files are on their way.".to_owned())]
    }

    /// What it waited for, if it still does.
    pub(super) fn turn_came(&mut self, now: Instant) -> Effects {
        if self.turn == Turn::No {
            return Vec::new();
        }
        let wanted = self.wants_turn();
        self.turn = Turn::Held;
        match (self.transfer.stage, self.transfer.root) {
            _ if !wanted => Vec::new(),
            _ if self.outgoing() => self.begin_sending(now),
            (Stage::Finished, Some(root)) => {
                self.confirms = false;
                self.ask(groups(self.transfer.size), Task::Confirm(root), now)
            }
            _ => self.prepare(),
        }
    }

    /// Whether the turn, or the place among those who wait, is to be given to others; then it is without one.
    pub(super) fn leaves_turn(&mut self) -> bool {
        let keeps = match self.turn {
            Turn::No => return false,
            Turn::Waiting => self.wants_turn(),
            Turn::Held => self.run != Run::Idle,
        };
        if !keeps {
            self.turn = Turn::No;
        }
        !keeps
    }

    /// It could run now.
    pub(super) fn wants_turn(&self) -> bool {
        if self.run != Run::Idle || self.again_at.is_some() {
            return false;
        }
        if self.outgoing() {
            return self.granted.as_ref().is_some_and(|granted| self.links.contains_key(&granted.device));
        }
        let linked = self.transfer.device.is_some_and(|device| self.links.contains_key(&device));
        linked && (self.transfer.stage == Stage::Accepted || (self.transfer.stage == Stage::Finished && self.confirms))
    }

    /// The stream comes up for the newest accept.
    fn begin_sending(&mut self, now: Instant) -> Effects {
        let Some(granted) = self.granted.take() else { return Vec::new() };
        if now.saturating_duration_since(granted.at) >= CONNECTING {
            // The receiver has given that one up while this waited; it hears of the file again, and accepts anew.
            return self.offer_to(granted.device);
        }
        self.patience.begins(now);
        self.connect(granted.device, granted.accept.token, Task::Send(granted.accept.have), now)
    }

    /// It lost its place with the link, and waits for that.
    pub(super) fn tell_unlinked(&self) -> Option<Effect> {
        let queued = self.turn == Turn::Waiting && self.transfer.stage == Stage::Accepted && !self.wants_turn();
        let text = || format!("It waits for a connection to {}.", self.transfer.peer);
        queued.then(|| self.tell_waiting("connection", text()))
    }

    /// It goes on by itself, and nothing happens until then.
    pub(super) fn tell_waiting(&self, code: &str, text: String) -> Effect {
        let (transfer, by) = (self.transfer.known_as(), self.transfer.by());
        Effect::Tell(Event::FileWaiting { transfer, code: code.to_owned(), text, by })
    }
}
