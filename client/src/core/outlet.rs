//! The way out of the core: one sink for all events, and tickets that see to it that every command is answered exactly once. Used by the
//! registry and its routes.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use super::error::Problem;
use super::event::{Answer, Event};

/// Takes the core's events, one after the other. Called on the core's thread and must not block for long: nothing else happens meanwhile.
pub type Sink = Box<dyn FnMut(Event) + Send>;

/// The sink, shared by everything in the core that has something to tell.
#[derive(Clone)]
pub struct Outlet(Arc<Mutex<Sink>>);

impl Outlet {
    /// Wraps a sink.
    pub fn new(sink: Sink) -> Self {
        Self(Arc::new(Mutex::new(sink)))
    }

    /// Tells one event.
    pub fn tell(&self, event: Event) {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (sink)(event);
    }
}

/// The duty to answer one command. Answering consumes it; dropped unanswered (the program is closing, a task died) it answers by itself.
pub struct Ticket {
    outlet: Outlet,
    id: Option<String>,
    owed: bool,
    /// Gives the command's place back, so that only so many are in work.
    _place: Option<OwnedSemaphorePermit>,
}

impl Ticket {
    /// For the command that came with `id`.
    pub fn new(outlet: Outlet, id: Option<String>, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { outlet, id, owed: true, _place: place }
    }

    /// The command was carried out.
    pub fn done(mut self, answer: Answer) {
        self.owed = false;
        self.outlet.tell(Event::Done { id: self.id.take(), answer });
    }

    /// The command was carried out, and there is nothing more to say.
    pub fn ok(self) {
        self.done(Answer::Nothing {});
    }

    /// The command was not carried out.
    pub fn failed(mut self, problem: impl Into<Problem>) {
        self.owed = false;
        self.outlet.tell(problem.into().into_event(self.id.take()));
    }

    /// Answers with what came out.
    pub fn answer(self, outcome: Result<Answer, Problem>) {
        match outcome {
            Ok(answer) => self.done(answer),
            Err(problem) => self.failed(problem),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.owed {
            self.outlet.tell(Problem::closing().into_event(self.id.take()));
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn listening() -> (Outlet, std::sync::mpsc::Receiver<Event>) {
        let (tx, rx) = std::sync::mpsc::channel();
        (Outlet::new(Box::new(move |event| tx.send(event).unwrap())), rx)
    }

    #[test]
    fn every_ticket_is_answered_once_even_when_forgotten() {
        let (outlet, heard) = listening();
        Ticket::new(outlet.clone(), Some("a".into()), None).ok();
        drop(Ticket::new(outlet.clone(), Some("b".into()), None));
        Ticket::new(outlet, Some("c".into()), None).failed(Problem::closing());
        let ids: Vec<_> = heard
            .try_iter()
            .map(|event| match event {
                Event::Done { id, .. } => (id.unwrap(), true),
                Event::Failed { id, .. } => (id.unwrap(), false),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids, [("a".into(), true), ("b".into(), false), ("c".into(), false)]);
    }
}
