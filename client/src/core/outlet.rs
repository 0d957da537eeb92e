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
    /// Said where nobody answers; otherwise that the program is closing.
    otherwise: Option<Problem>,
    /// It is one of several, of which one is enough.
    part_of: Option<Arc<Parts>>,
    /// Gives the command's place back, so that only so many are in work.
    _place: Option<OwnedSemaphorePermit>,
}

impl Ticket {
    /// For the command that came with `id`.
    pub fn new(outlet: Outlet, id: Option<String>, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { outlet, id, owed: true, otherwise: None, part_of: None, _place: place }
    }

    /// Where nobody answers it, this was wrong.
    pub fn or_else(mut self, problem: Problem) -> Self {
        self.otherwise = Some(problem);
        self
    }

    /// The same duty for several: it is fulfilled once one of them has done it, and failed once all have failed, for the first one's reason.
    pub fn parts(self, count: usize) -> Vec<Self> {
        let outlet = self.outlet.clone();
        let all = Arc::new(Parts { whole: Mutex::new(Some(self)), problem: Mutex::new(None) });
        let part = |_| Self {
            outlet: outlet.clone(),
            id: None,
            owed: false,
            otherwise: None,
            part_of: Some(all.clone()),
            _place: None,
        };
        (0..count).map(part).collect()
    }

    /// The command was carried out.
    pub fn done(mut self, answer: Answer) {
        if let Some(parts) = self.part_of.take() {
            let whole = parts.whole.lock().unwrap_or_else(PoisonError::into_inner).take();
            return whole.into_iter().for_each(|whole| whole.done(answer.clone()));
        }
        self.owed = false;
        self.outlet.tell(Event::Done { id: self.id.take(), answer });
    }

    /// The command was carried out, and there is nothing more to say.
    pub fn ok(self) {
        self.done(Answer::Nothing {});
    }

    /// The command was not carried out.
    pub fn failed(mut self, problem: impl Into<Problem>) {
        if let Some(parts) = self.part_of.take() {
            parts.problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(problem.into());
            return;
        }
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
            let problem = self.otherwise.take().unwrap_or_else(Problem::closing);
            self.outlet.tell(problem.into_event(self.id.take()));
        }
    }
}

/// What several have in common; gone with the last of them.
struct Parts {
    whole: Mutex<Option<Ticket>>,
    problem: Mutex<Option<Problem>>,
}

impl Drop for Parts {
    fn drop(&mut self) {
        let whole = self.whole.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let problem = self.problem.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(whole), Some(problem)) = (whole, problem) {
            whole.failed(problem);
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
    fn of_several_one_is_enough_and_all_that_fail_fail_once() {
        let (outlet, heard) = listening();
        let mut parts = Ticket::new(outlet.clone(), Some("a".into()), None).parts(3).into_iter();
        parts.next().unwrap().failed(Problem::transfer_state());
        parts.next().unwrap().ok();
        drop(parts);
        assert!(matches!(heard.try_recv(), Ok(Event::Done { .. })));
        for part in Ticket::new(outlet.clone(), None, None).parts(2) {
            part.failed(Problem::transfer_state());
        }
        assert!(matches!(heard.try_recv(), Ok(Event::Failed { code, .. }) if code == "wrong_state"));
        drop(Ticket::new(outlet, None, None).or_else(Problem::transfer_over()).parts(2));
        assert!(matches!(heard.try_recv(), Ok(Event::Failed { code, .. }) if code == "transfer_over"));
        assert!(heard.try_recv().is_err());
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
