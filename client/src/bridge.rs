//! Between the core and the window, and the only file that knows both: starts the core beside the window, hands commands down, and brings
//! events up in batches. A window that gets each event alone draws no frame while more are waiting, so what happens within a frame's time
//! comes together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::select;
use relm4::gtk::glib;

use crate::core::command::Request;
use crate::core::event::Event;
use crate::core::{Core, Options, Sink};

/// A frame's time: events within it come as one batch.
const FRAME: Duration = Duration::from_millis(16);
/// What is more urgent than this is drawing; so what waits at it runs when a frame was drawn and nothing else is to be done.
const AFTER_DRAWING: glib::Priority = glib::Priority::DEFAULT_IDLE;
/// Where drawing never ends, as with an animation on a slow machine, the next batch comes nevertheless.
const PATIENCE: Duration = Duration::from_millis(100);
/// Batches before the window draws, unless one is full: what happened, and the answers to what the window asked about it. They are drawn as
/// one, so that at the start nobody sees an empty window between both.
const AT_ONCE: u32 = 2;
/// Most events of one batch: so many are applied and drawn well within the time in which a window still feels alive, and the rest waits for
/// the frame after it.
const BATCH: usize = 250;
/// Events that may wait for the window. Beyond, it is certainly stuck: what can be asked for again is dropped, and asked for later.
const WAITING_MAX: usize = 50_000;

/// What takes commands and tells events: the core, or a script of it in the gallery.
pub trait Backend: Send {
    /// Hands a command down. Never blocks.
    fn send(&self, request: Request);
    /// Ends in order and waits until everything is stored.
    fn join(self: Box<Self>);
}

impl Backend for Core {
    fn send(&self, request: Request) {
        Self::send(self, request);
    }

    fn join(self: Box<Self>) {
        Self::join(*self);
    }
}

/// How to start a backend; runs on a thread of its own, as opening a store takes its time. The error is a sentence for people.
pub type Start = Box<dyn FnOnce(Sink) -> Result<Box<dyn Backend>, String> + Send>;

/// Starts the real core.
pub fn core(options: Options) -> Start {
    Box::new(move |sink| match Core::start(options, sink) {
        Ok(core) => Ok(Box::new(core) as Box<dyn Backend>),
        Err(error) => Err(error.to_string()),
    })
}

/// What comes up.
pub enum Delivery {
    /// What happened since the last batch, in order.
    Events {
        /// At least one.
        events: Vec<Event>,
        /// Some were dropped before these: lists have to be asked for again.
        missed: bool,
    },
    /// The core did not start: a sentence for people.
    NotStarted(String),
}

impl Delivery {
    /// Perhaps more is waiting behind it.
    fn is_full(&self) -> bool {
        matches!(self, Self::Events { events, .. } if events.len() >= BATCH)
    }
}

/// Message texts do not belong in logs, so only the number of events is told.
impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Events { events, missed } => write!(f, "Events({}, missed: {missed})", events.len()),
            Self::NotStarted(text) => write!(f, "NotStarted({text})"),
        }
    }
}

#[derive(Default)]
struct Waiting {
    events: Vec<Event>,
    missed: bool,
    failure: Option<String>,
}

impl Waiting {
    fn push(&mut self, event: Event) {
        let answer = matches!(event, Event::Done { .. } | Event::Failed { .. });
        if self.events.len() < WAITING_MAX || answer {
            self.events.push(event);
        } else {
            self.missed = true;
        }
    }

    fn take(&mut self) -> Option<Delivery> {
        if let Some(text) = self.failure.take() {
            return Some(Delivery::NotStarted(text));
        }
        let rest = self.events.split_off(BATCH.min(self.events.len()));
        let events = std::mem::replace(&mut self.events, rest);
        // What was dropped came after everything that waits.
        let missed = self.events.is_empty() && std::mem::take(&mut self.missed);
        (!events.is_empty()).then_some(Delivery::Events { events, missed })
    }
}

enum Below {
    Starting(Vec<Request>),
    Running(Box<dyn Backend>),
    Over,
}

/// The window's end of the bridge.
pub struct Bridge {
    below: Arc<Mutex<Below>>,
    starter: Option<JoinHandle<()>>,
}

impl Bridge {
    /// Starts the backend and delivers what it tells to `deliver`, on the thread of the window, which is the calling one.
    pub fn start(start: Start, mut deliver: impl FnMut(Delivery) + 'static) -> Self {
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (wake, woken) = async_channel::bounded::<()>(1);
        let below = Arc::new(Mutex::new(Below::Starting(Vec::new())));

        let (inbox, bell) = (waiting.clone(), wake.clone());
        let sink: Sink = Box::new(move |event| {
            locked(&inbox).push(event);
            // A full bell rings already.
            let _ = bell.try_send(());
        });
        let (floor, failures) = (below.clone(), waiting.clone());
        let starter = std::thread::spawn(move || match start(sink) {
            Ok(backend) => {
                let mut below = locked(&floor);
                match std::mem::replace(&mut *below, Below::Over) {
                    Below::Starting(early) => {
                        for request in early {
                            backend.send(request);
                        }
                        *below = Below::Running(backend);
                    }
                    // The window was closed while the core started.
                    Below::Running(_) | Below::Over => backend.join(),
                }
            }
            Err(text) => {
                locked(&failures).failure = Some(text);
                let _ = wake.try_send(());
            }
        });
        glib::spawn_future_local(async move {
            let mut undrawn = 0;
            while woken.recv().await.is_ok() {
                loop {
                    let batch = locked(&waiting).take();
                    let Some(batch) = batch else { break };
                    undrawn += if batch.is_full() { AT_ONCE } else { 1 };
                    deliver(batch);
                    if undrawn >= AT_ONCE {
                        drawn().await;
                        undrawn = 0;
                    }
                }
            }
        });
        Self { below, starter: Some(starter) }
    }

    /// Hands a command down; before the core runs it is kept.
    pub fn send(&self, request: Request) {
        match &mut *locked(&self.below) {
            Below::Starting(early) => early.push(request),
            Below::Running(backend) => backend.send(request),
            Below::Over => {}
        }
    }

    /// Ends the core in order and waits for it.
    pub fn stop(&mut self) {
        let below = std::mem::replace(&mut *locked(&self.below), Below::Over);
        if let Below::Running(backend) = below {
            backend.join();
        }
        if let Some(starter) = self.starter.take() {
            // A panic in there was reported by its own thread.
            let _ = starter.join();
        }
    }
}

/// Waits a frame's time, and until what the last batch changed was drawn: counted from the batch alone, time would be up before its work is
/// done, and the next one would come before the frame.
async fn drawn() {
    let after = std::pin::pin!(glib::timeout_future_with_priority(AFTER_DRAWING, FRAME));
    let at_last = std::pin::pin!(glib::timeout_future(PATIENCE));
    select(after, at_last).await;
}

/// What a panicking thread left behind is still whole: every change under these locks is one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    struct Echo(Mutex<Sink>);

    impl Backend for Echo {
        fn send(&self, request: Request) {
            let answer = Event::Failed { id: request.id, code: "echo".to_owned(), text: String::new() };
            (self.0.lock().unwrap())(answer);
        }
        fn join(self: Box<Self>) {}
    }

    #[test]
    fn commands_before_the_start_are_kept_and_answers_come_in_order() {
        let context = glib::MainContext::new();
        let got = Rc::new(RefCell::new(Vec::new()));
        context
            .with_thread_default(|| {
                let heard = got.clone();
                let start: Start = Box::new(|sink| Ok(Box::new(Echo(Mutex::new(sink))) as Box<dyn Backend>));
                let mut bridge = Bridge::start(start, move |delivery| {
                    if let Delivery::Events { events, .. } = delivery {
                        heard.borrow_mut().extend(events);
                    }
                });
                for id in ["1", "2", "3"] {
                    bridge.send(Request { id: Some(id.to_owned()), command: crate::core::command::Command::Friends });
                }
                while got.borrow().len() < 3 {
                    context.iteration(true);
                }
                bridge.stop();
            })
            .unwrap();
        let ids: Vec<_> =
            got.borrow().iter().map(|event| matches!(event, Event::Failed { id: Some(id), .. } if id == "3")).collect();
        assert_eq!(ids, [false, false, true]);
    }

    #[test]
    fn a_stuck_window_loses_only_what_it_can_ask_for_again() {
        let mut waiting = Waiting::default();
        for _ in 0..WAITING_MAX {
            waiting.push(Event::Server { state: crate::core::event::ServerState::Online, text: String::new() });
        }
        waiting.push(Event::FriendRequest { user: "bob".parse().unwrap() });
        waiting.push(Event::Failed { id: None, code: "x".to_owned(), text: String::new() });
        let mut got = 0;
        while let Some(Delivery::Events { events, missed }) = waiting.take() {
            assert!(events.len() <= BATCH, "{} at once", events.len());
            got += events.len();
            assert_eq!(missed, got == WAITING_MAX + 1, "what was dropped came last");
        }
        assert_eq!(got, WAITING_MAX + 1);
    }
}
