//! The shell of a transfer: carries out what the state decides, one effect after the other, waiting for the disk where one must be safe
//! before the next. The bytes themselves go by the pump's threads.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, SpawnHandle};
use hobnob_shared::id::{DeviceId, Fingerprint, Token, TransferId};
use hobnob_shared::net;

use super::context::TransferContext;
use super::folder::Place;
use super::message::{
    CircuitCame, CircuitRefused, DialEnded, FlowStands, FrameCame, Hold, Linked, Order, PumpEnded, Readdressed,
    SayAgain, StreamCame, Unlinked, Wish,
};
use super::opening::{BREATH, Dialling};
use super::partial::Partial;
use super::pump::{self, Counter, Job, Outcome, Pump};
use super::state::{Effect, Effects, Refusal, State, Task};
use super::streams::Way;
use super::turns::{Lane, TurnCame};
use super::why::Why;
use super::wire::Ended;
use crate::core::error::Problem;
use crate::core::event::Answer;
use crate::core::history::transfers::{Stage, Transfer};
use crate::core::outlet::Ticket;
use crate::core::peer_link::dial::PeerStream;
use crate::core::peer_link::{PeerLink, SendFrame};
use crate::core::registry::{CircuitWanted, TransferOver};

/// How often the counter of a running pump is looked at; twice as often as progress is told, so that none is told late.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Link {
    pub(super) account: Fingerprint,
    link: Addr<PeerLink>,
}

/// See the module.
pub struct FileTransfer {
    pub(super) context: TransferContext,
    pub(super) state: State,
    pub(super) links: HashMap<DeviceId, Link>,
    /// What the stream that comes up will need; nothing is held open for one that waits.
    pub(super) prepared: Option<(Partial, Place)>,
    stream: Option<PeerStream>,
    pump: Option<Pump>,
    /// More connections than one would help what runs.
    pub(super) narrow: bool,
    counter: Counter,
    timer: Option<(Instant, SpawnHandle)>,
    /// Effects are left behind a wait. Messages stay in the mailbox meanwhile, but a timer that is due in the same moment still fires.
    pub(super) waiting: bool,
    /// The dial under way: a newer one takes its place.
    pub(super) dialling: Option<Dialling>,
    /// Dials further connections of what runs, and not longer than that.
    pub(super) widening: Option<Dialling>,
    /// Among those who wait for their turn.
    place: Option<u64>,
    /// A command that is answered when the pump has ended.
    held: Option<Ticket>,
}

pub(super) type Ctx = Context<FileTransfer>;

impl FileTransfer {
    /// Takes up a stored transfer on the current arbiter.
    pub fn launch(context: TransferContext, transfer: Transfer) -> Addr<Self> {
        // Those of the last run have their places in the order in which they are taken up.
        let place = (transfer.stage != Stage::Offered).then(|| context.turns.place());
        let (counter, timer) = (Counter::default(), None);
        let (prepared, stream, pump, dialling, widening, held) = (None, None, None, None, None, None);
        Self {
            context,
            state: State::new(transfer, Token::random),
            links: HashMap::new(),
            prepared,
            stream,
            pump,
            narrow: false,
            counter,
            timer,
            waiting: false,
            dialling,
            widening,
            place,
            held,
        }
        .start()
    }

    pub(super) fn id(&self) -> TransferId {
        self.state.transfer().id
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ticket: Option<Ticket>, ctx: &mut Ctx) {
        self.go_through(effects.into(), ticket, ctx);
    }

    /// Carries the effects out in order. Where one has to wait, the actor waits with it, and goes on behind it.
    pub(super) fn go_through(&mut self, mut effects: VecDeque<Effect>, mut ticket: Option<Ticket>, ctx: &mut Ctx) {
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Save => return self.save(effects, ticket, ctx),
                Effect::Prepare { save_as, asked } => return self.prepare(save_as, asked, effects, ticket, ctx),
                Effect::Tell(event) => self.context.outlet.tell(event),
                Effect::Answer(outcome) => {
                    if let Some(ticket) = ticket.take().or_else(|| self.held.take()) {
                        let answer = outcome.map(|()| Answer::Nothing {});
                        ticket.answer(answer.map_err(|refusal| self.problem(&refusal)));
                    }
                }
                Effect::HoldAnswer => self.held = ticket.take(),
                Effect::Send(device, frame) => {
                    if let Some(link) = self.links.get(&device) {
                        link.link.do_send(SendFrame(frame));
                    }
                }
                Effect::Expect(device, token) => self.expect(device, token),
                Effect::Forget(token) => {
                    self.context.tokens.forget(&token);
                    self.dialling = None;
                }
                Effect::Dial(device, address, token) => self.dial(device, address, token, Duration::ZERO, ctx),
                Effect::Redial(device, address, token) => self.dial(device, address, token, BREATH, ctx),
                Effect::TakeTurn => {
                    let more = self.take_turn(ctx);
                    more.into_iter().rev().for_each(|effect| effects.push_front(effect));
                }
                Effect::AskCircuit(device) => {
                    let user = self.state.transfer().peer.clone();
                    self.context.registry.do_send(CircuitWanted {
                        user,
                        device,
                        transfer: self.state.transfer().known_as(),
                    });
                }
                Effect::Start(task) => self.start_pump(task, ctx),
                Effect::Widen(device, address, token) => self.widen(device, address, token, ctx),
                Effect::Join => {
                    if let Some((pump, stream)) = self.pump.as_ref().zip(self.stream.take()) {
                        pump.join(stream);
                    }
                }
                Effect::StopPump => (self.pump, self.widening) = (None, None),
                Effect::Erase => return self.erase(effects, ticket, ctx),
            }
        }
        if !self.state.is_connecting() {
            self.prepared = None;
        }
        if self.state.leaves_turn() {
            self.context.turns.leave(self.id());
        }
        self.arm(ctx);
        if self.state.is_over() {
            self.context.registry.do_send(TransferOver { transfer: self.id() });
            ctx.stop();
        }
    }

    fn take_turn(&mut self, ctx: &Ctx) -> Effects {
        let transfer = self.state.transfer();
        let (id, lane) = (transfer.id, Lane { peer: transfer.peer.clone(), direction: transfer.direction });
        let place = self.take_place();
        let now = self.context.turns.ask(id, place, lane, ctx.address().recipient());
        if now { self.state.turn_came(Instant::now()) } else { self.state.queued() }
    }

    /// Its place in the row, kept from when it was accepted on.
    fn take_place(&mut self) -> u64 {
        *self.place.get_or_insert_with(|| self.context.turns.place())
    }

    fn problem(&self, refusal: &Refusal) -> Problem {
        match refusal {
            Refusal::Why(why) => Problem::new(why.code(), why.sentence(&self.state.transfer().peer)),
            Refusal::Over => Problem::transfer_over(),
            Refusal::WrongState => Problem::transfer_state(),
            Refusal::Finishing => Problem::transfer_finishing(),
            Refusal::PausedThere => Problem::paused_there(&self.state.transfer().peer),
        }
    }

    fn start_pump(&mut self, task: Task, ctx: &Ctx) {
        let Some(stream) = self.stream.take() else { return };
        let transfer = self.state.transfer();
        // Of a sender it is known; of a receiver's path back it says nothing, and the sender will not use what it does not need.
        self.narrow = !matches!(task, Task::Send(_)) || !net::bears_loss(stream.get_ref().0);
        let job = match task {
            Task::Send(from) => transfer.path.clone().map(|path| Job::Send {
                path,
                size: transfer.size,
                folder: transfer.folder.is_some(),
                kept_as: transfer.id,
                from,
                partials: self.context.partials.clone(),
            }),
            Task::Receive => {
                self.prepared.take().map(|(partial, place)| Job::Receive { partial: Box::new(partial), place })
            }
            Task::Confirm(root) => Some(Job::Confirm { root }),
        };
        self.counter = Counter::default();
        self.counter.store(transfer.done, Ordering::Relaxed);
        let addr = ctx.address();
        let told = move |outcome| addr.do_send(PumpEnded { outcome });
        let (id, counter, paces) = (transfer.known_as(), self.counter.clone(), &self.context.paces);
        let started = job.map(|job| pump::start(job, id, stream, counter, paces, told));
        match started {
            Some(Ok(stop)) => {
                self.pump = Some(stop);
                self.context.running.set(self.id(), Some(self.counter.clone()));
            }
            failed => {
                if let Some(Err(error)) = failed {
                    tracing::error!(%error, "cannot start a transfer's threads");
                }
                ctx.address().do_send(PumpEnded { outcome: Outcome::Ended(Ended::Failed(Why::Internal("no pump"))) });
            }
        }
    }

    /// One timer: for progress while bytes flow, else for what the state waits for.
    fn arm(&mut self, ctx: &mut Ctx) {
        let due = if self.state.is_running() { Some(Instant::now() + LOOK) } else { self.state.next_due() };
        if let (Some((at, _)), Some(due)) = (&self.timer, due)
            && *at <= due
        {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(at) = due {
            let timer = ctx.run_later(at.saturating_duration_since(Instant::now()), |actor, ctx| {
                actor.timer = None;
                if actor.waiting {
                    // What waits goes on to the end of its effects, and sets the timer there.
                    return;
                }
                let now = Instant::now();
                let mut effects = actor.state.counted(actor.counter.load(Ordering::Relaxed), now);
                effects.extend(actor.state.tick(now));
                actor.carry_out(effects, None, ctx);
            });
            self.timer = Some((at, timer));
        }
    }

    fn stream_stands(&mut self, device: DeviceId, stream: PeerStream, way: Way, ctx: &mut Ctx) {
        let effects = self.state.stream(device, way, Instant::now());
        // Dropped where it is not wanted.
        self.stream = (!effects.is_empty()).then_some(stream);
        self.carry_out(effects, None, ctx);
    }
}

impl Actor for FileTransfer {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.context.running.set(self.id(), None);
        self.context.turns.leave(self.id());
    }
}

impl Handler<TurnCame> for FileTransfer {
    type Result = ();

    fn handle(&mut self, _: TurnCame, ctx: &mut Ctx) {
        // It may have left the row while this was on its way.
        if self.context.turns.has(self.id()) {
            let effects = self.state.turn_came(Instant::now());
            self.carry_out(effects, None, ctx);
        }
    }
}

impl Handler<Order> for FileTransfer {
    type Result = ();

    fn handle(&mut self, Order { wish, ticket }: Order, ctx: &mut Ctx) {
        if matches!(wish, Wish::Accept { .. }) {
            // Now, not once its place on the disk is prepared: that takes one longer than another.
            self.take_place();
        }
        let effects = self.state.order(wish, Instant::now());
        self.carry_out(effects, ticket, ctx);
    }
}

impl Handler<Linked> for FileTransfer {
    type Result = ();

    fn handle(&mut self, Linked { device, account, up, link }: Linked, ctx: &mut Ctx) {
        self.links.insert(device, Link { account, link });
        let effects = self.state.linked(device, account, up);
        // A frame may wait behind this, for which a transfer that is over was taken up again.
        if !effects.is_empty() {
            self.carry_out(effects, None, ctx);
        }
    }
}

impl Handler<Unlinked> for FileTransfer {
    type Result = ();

    fn handle(&mut self, Unlinked { device }: Unlinked, ctx: &mut Ctx) {
        self.links.remove(&device);
        let effects = self.state.unlinked(device);
        self.carry_out(effects, None, ctx);
    }
}

impl Handler<FrameCame> for FileTransfer {
    type Result = ();

    fn handle(&mut self, FrameCame { device, frame }: FrameCame, ctx: &mut Ctx) {
        let effects = self.state.frame(device, frame, Instant::now());
        self.carry_out(effects, None, ctx);
    }
}

impl Handler<StreamCame> for FileTransfer {
    type Result = ();

    fn handle(&mut self, StreamCame { device, token, stream }: StreamCame, ctx: &mut Ctx) {
        self.stream_stands(device, stream, Way::Accepted(token), ctx);
    }
}

impl Handler<DialEnded> for FileTransfer {
    type Result = ();

    fn handle(&mut self, DialEnded { device, relayed, result }: DialEnded, ctx: &mut Ctx) {
        match result {
            Ok((stream, round_trip)) => {
                self.stream_stands(device, stream, round_trip.map_or(Way::Relayed, Way::Dialled), ctx);
            }
            Err(error) => {
                tracing::debug!(%error, relayed, "no data stream");
                let effects = self.state.dial_failed(device, relayed, Instant::now());
                self.carry_out(effects, None, ctx);
            }
        }
    }
}

impl Handler<FlowStands> for FileTransfer {
    type Result = ();

    fn handle(&mut self, FlowStands { token, stream }: FlowStands, _: &mut Ctx) {
        if let Some(pump) = self.pump.as_ref().filter(|_| self.state.runs_by(&token)) {
            pump.join(stream);
        }
    }
}

impl Handler<CircuitCame> for FileTransfer {
    type Result = ();

    fn handle(&mut self, CircuitCame { circuit, relay }: CircuitCame, ctx: &mut Ctx) {
        if self.state.wants_circuit(&circuit) {
            self.relay(&circuit, relay, ctx);
        }
    }
}

impl Handler<CircuitRefused> for FileTransfer {
    type Result = ();

    fn handle(&mut self, _: CircuitRefused, ctx: &mut Ctx) {
        let effects = self.state.circuit_refused(Instant::now());
        self.carry_out(effects, None, ctx);
    }
}

impl Handler<SayAgain> for FileTransfer {
    type Result = ();

    fn handle(&mut self, _: SayAgain, _: &mut Ctx) {
        if let Some(event) = self.state.waiting_offer() {
            self.context.outlet.tell(event);
        }
    }
}

impl Handler<Readdressed> for FileTransfer {
    type Result = ();

    fn handle(&mut self, Readdressed { key }: Readdressed, _: &mut Ctx) {
        self.state.readdressed(key);
    }
}

impl Handler<Hold> for FileTransfer {
    type Result = ();

    fn handle(&mut self, Hold { end }: Hold, ctx: &mut Ctx) {
        self.links.clear();
        let effects = self.state.hold();
        self.carry_out(effects, None, ctx);
        if end {
            ctx.stop();
        }
    }
}

impl Handler<PumpEnded> for FileTransfer {
    type Result = ();

    fn handle(&mut self, PumpEnded { outcome }: PumpEnded, ctx: &mut Ctx) {
        (self.pump, self.widening) = (None, None);
        if let Some(token) = self.state.token.take() {
            self.context.tokens.forget(&token);
        }
        self.context.running.set(self.id(), None);
        let (done, now) = (self.counter.load(Ordering::Relaxed), Instant::now());
        let effects = match outcome {
            Outcome::Finished { path, root, missing } => self.state.pump_finished(path, root, missing, now),
            Outcome::Ended(Ended::Failed(why)) => {
                tracing::info!(transfer = %self.id(), %why, "a transfer failed");
                self.state.pump_failed(&why, done, now)
            }
            Outcome::Ended(Ended::Lost(error)) => {
                tracing::info!(transfer = %self.id(), %error, "a data stream was lost");
                self.state.pump_lost(done, now)
            }
            Outcome::Ended(Ended::Stopped) => self.state.pump_lost(done, now),
        };
        self.carry_out(effects, None, ctx);
    }
}
