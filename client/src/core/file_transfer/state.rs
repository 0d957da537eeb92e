//! The decisions of one transfer: what follows from what people want, what the other side says, which links stand and how pumps end. Pure:
//! input and `now` in, effects out, to be carried out in order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Hash, Token};
use hobnob_shared::limits;
use hobnob_shared::message::{AboutTransfer, Accept, CancelTransfer, Circuit, Offer, Peer};

use super::message::Wish;
use super::meter::Meter;
use super::tree::groups;
use super::why::Why;
use crate::core::event::{Direction, Event, LinkPath};
use crate::core::history::transfers::{Stage, Transfer};
use crate::core::links::Up;

/// The data stream has so long to come up: a dial, a circuit and two handshakes.
const CONNECTING: Duration = Duration::from_secs(15);
/// First and longest wait before the receiver asks again while the link stands.
const AGAIN_MIN: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// Something to be done, in order.
#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// Store the transfer; what follows waits until it is on the disk.
    Save,
    /// Tell the person.
    Tell(Event),
    /// Answer the command.
    Answer(Result<(), Refusal>),
    /// Write a frame to the link with this device, if it stands.
    Send(DeviceId, Peer),
    /// Open the partial file and the folder, with this place if the person chose one; the result is the next input.
    Prepare { save_as: Option<PathBuf>, asked: bool },
    /// Let the device in with this token.
    Expect(DeviceId, Token),
    /// The token is no longer wanted.
    Forget(Token),
    /// Dial the data stream.
    Dial(DeviceId, SocketAddr, Token),
    /// Ask the server for a circuit to the device.
    AskCircuit(DeviceId),
    /// The stream that just came is taken; start the pump.
    Start(Task),
    /// Stop the pump; its end is an input.
    StopPump,
    /// Erase everything that is kept of the bytes.
    Erase,
}

/// What a pump shall do with the stream that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Send from this group.
    Send(u64),
    /// Receive into what was prepared.
    Receive,
    /// Tell that the file of this hash is here.
    Confirm(Hash),
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is a reason on this disk.
    Why(Why),
    /// It is finished, declined or cancelled.
    Over,
    /// It does not fit to where the transfer stands.
    WrongState,
    /// The friend paused it, and only they go on.
    PausedThere,
}

/// What happens right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Nothing.
    Idle,
    /// A data stream with this device is coming up.
    Connecting { device: DeviceId, token: Token, task: Task, until: Instant },
    /// Bytes flow.
    Running,
    /// The pump was told to stop.
    Stopping,
}

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    transfer: Transfer,
    links: BTreeMap<DeviceId, Up>,
    run: Run,
    meter: Meter,
    /// A newer accept than the pump that is being stopped for it.
    granted: Option<(DeviceId, Accept)>,
    attempt: u32,
    again_at: Option<Instant>,
    fresh: fn() -> Token,
}

type Effects = Vec<Effect>;

impl State {
    pub(super) fn new(transfer: Transfer, fresh: fn() -> Token) -> Self {
        Self {
            meter: Meter::new(transfer.size),
            transfer,
            links: BTreeMap::new(),
            run: Run::Idle,
            granted: None,
            attempt: 0,
            again_at: None,
            fresh,
        }
    }

    pub(super) fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.run, Run::Running | Run::Stopping)
    }

    /// Nothing more will happen, and nothing does right now.
    pub(super) fn is_over(&self) -> bool {
        self.transfer.stage.is_over() && self.run == Run::Idle
    }

    /// When the clock matters next, beside the progress of a running pump.
    pub(super) fn next_due(&self) -> Option<Instant> {
        match self.run {
            Run::Connecting { until, .. } => Some(until),
            Run::Idle => self.again_at,
            Run::Running | Run::Stopping => None,
        }
    }

    fn outgoing(&self) -> bool {
        self.transfer.direction == Direction::Outgoing
    }

    /// The offer, to be told as long as it waits.
    pub(super) fn waiting_offer(&self) -> Option<Event> {
        let waits = !self.outgoing() && self.transfer.stage == Stage::Offered;
        waits.then(|| Event::FileOffered {
            transfer: self.transfer.id,
            conversation: self.transfer.conversation.clone(),
            from: self.transfer.from.clone(),
            name: self.transfer.name.clone(),
            size: self.transfer.size,
        })
    }

    // ---- what people want

    pub(super) fn order(&mut self, wish: Wish) -> Effects {
        if self.transfer.stage.is_over() {
            return vec![Effect::Answer(Err(Refusal::Over))];
        }
        match (wish, self.transfer.stage) {
            (Wish::Accept { .. } | Wish::Decline, _) if self.outgoing() => wrong_state(),
            (Wish::Accept { save_as: None } | Wish::Resume, Stage::Accepted) => {
                let mut effects = vec![Effect::Answer(Ok(()))];
                effects.extend(self.go_on());
                effects
            }
            (Wish::Accept { save_as }, Stage::Offered | Stage::PausedHere | Stage::Failed) => {
                let save_as = save_as.or_else(|| self.transfer.save_as.clone());
                vec![Effect::Prepare { save_as, asked: true }]
            }
            (Wish::Decline, Stage::Offered) => {
                self.transfer.stage = Stage::Declined;
                let mut effects = vec![Effect::Save, Effect::Answer(Ok(()))];
                effects.extend(self.to_device(Peer::Decline(AboutTransfer { transfer: self.transfer.id })));
                effects
            }
            (Wish::Pause, Stage::Accepted | Stage::PausedHere | Stage::PausedThere) => {
                self.transfer.stage = Stage::PausedHere;
                self.halt(WireCode::Paused)
            }
            (Wish::Resume, Stage::PausedThere) => vec![Effect::Answer(Err(Refusal::PausedThere))],
            (Wish::Resume, Stage::PausedHere | Stage::Failed) if self.outgoing() => {
                let accepted = self.transfer.device.is_some();
                self.transfer.stage = if accepted { Stage::Accepted } else { Stage::Offered };
                self.transfer.why = None;
                let mut effects = vec![Effect::Save, Effect::Answer(Ok(()))];
                effects.extend(self.go_on());
                effects
            }
            (Wish::Resume, Stage::PausedHere | Stage::Failed) => {
                vec![Effect::Prepare { save_as: self.transfer.save_as.clone(), asked: true }]
            }
            (Wish::Cancel, _) => {
                self.transfer.stage = Stage::Cancelled;
                let text = "You cancelled the transfer.".to_owned();
                self.transfer.why = Some((WireCode::Cancelled.name().to_owned(), text));
                let mut effects = self.halt(WireCode::Cancelled);
                effects.extend(self.tell_why());
                effects.extend(self.end_if_over());
                effects
            }
            _ => wrong_state(),
        }
    }

    /// Stored, answered, stopped, and said to the other side.
    fn halt(&mut self, code: WireCode) -> Effects {
        let mut effects = vec![Effect::Save];
        effects.extend(self.stop());
        effects.push(Effect::Answer(Ok(())));
        effects.extend(self.to_device(self.cancel(code)));
        effects
    }

    /// Ends what happens right now.
    fn stop(&mut self) -> Effects {
        self.granted = None;
        self.again_at = None;
        match self.run {
            Run::Running => {
                self.run = Run::Stopping;
                vec![Effect::StopPump]
            }
            Run::Connecting { token, .. } => {
                self.run = Run::Idle;
                vec![Effect::Forget(token)]
            }
            Run::Idle | Run::Stopping => Vec::new(),
        }
    }

    /// Send and receive nothing, without a decision about the transfer.
    pub(super) fn hold(&mut self) -> Effects {
        self.links.clear();
        self.stop()
    }

    /// The friend has another key, and the person accepted it.
    pub(super) fn readdressed(&mut self, key: Fingerprint) {
        if self.outgoing() {
            self.transfer.meant_for = Some(key);
        }
    }

    /// The partial file is open and there is room, or not. `asked`: a command waits for it.
    pub(super) fn prepared(
        &mut self,
        result: Result<u64, Why>,
        save_as: Option<PathBuf>,
        asked: bool,
        now: Instant,
    ) -> Effects {
        match result {
            Err(why) if asked => vec![Effect::Answer(Err(Refusal::Why(why)))],
            Err(why) => self.fail(&why),
            Ok(have) => {
                let mut effects = Vec::new();
                if asked {
                    self.transfer.stage = Stage::Accepted;
                    self.transfer.save_as = save_as;
                    self.transfer.why = None;
                    effects = vec![Effect::Save, Effect::Answer(Ok(()))];
                }
                effects.extend(self.ask(have, Task::Receive, now));
                effects
            }
        }
    }

    /// A crash came between the final name and the record of it.
    pub(super) fn was_finished(&mut self, path: PathBuf, root: Hash, asked: bool) -> Effects {
        let mut effects = self.finished(Some(path), root);
        if asked {
            effects.insert(1, Effect::Answer(Ok(())));
        }
        effects
    }

    // ---- links

    pub(super) fn linked(&mut self, device: DeviceId, account: Fingerprint, up: Up) -> Effects {
        // What was offered to another key stays here until the person decides.
        if self.outgoing() && self.transfer.meant_for.is_some_and(|key| key != account) {
            return Vec::new();
        }
        let path_only = self.links.insert(device, up).is_some();
        if path_only && !matches!(self.run, Run::Idle) {
            return Vec::new();
        }
        self.attempt = 0;
        if self.outgoing() { self.offer_to(device) } else { self.go_on() }
    }

    pub(super) fn unlinked(&mut self, device: DeviceId) -> Effects {
        self.links.remove(&device);
        match self.run {
            Run::Connecting { device: other, .. } if other == device => self.stop(),
            _ => Vec::new(),
        }
    }

    /// Does what can be done now: the sender offers, the receiver asks.
    fn go_on(&mut self) -> Effects {
        self.again_at = None;
        if self.run != Run::Idle {
            return Vec::new();
        }
        if self.outgoing() {
            let devices: Vec<DeviceId> = self.links.keys().copied().collect();
            return devices.into_iter().flat_map(|device| self.offer_to(device)).collect();
        }
        let linked = self.transfer.device.is_some_and(|device| self.links.contains_key(&device));
        if self.transfer.stage == Stage::Accepted && linked {
            return vec![Effect::Prepare { save_as: self.transfer.save_as.clone(), asked: false }];
        }
        Vec::new()
    }

    fn offer_to(&self, device: DeviceId) -> Effects {
        let theirs = self.transfer.device.is_none_or(|bound| bound == device);
        // Where they paused, they may have finished or resumed since, and say so in answer.
        let open = matches!(self.transfer.stage, Stage::Offered | Stage::Accepted | Stage::PausedThere);
        if !theirs || self.run != Run::Idle || !open {
            return Vec::new();
        }
        let offer = Offer {
            transfer: self.transfer.id,
            name: self.transfer.name.clone(),
            size: self.transfer.size,
            media_type: self.transfer.media_type.clone(),
            sent_at: self.transfer.sent_at,
        };
        vec![Effect::Send(device, Peer::Offer(offer))]
    }

    /// The receiver says that it wants the rest, and the stream comes up.
    fn ask(&mut self, have: u64, task: Task, now: Instant) -> Effects {
        let Some(device) = self.transfer.device.filter(|device| self.links.contains_key(device)) else {
            return Vec::new();
        };
        if self.run != Run::Idle {
            return Vec::new();
        }
        let token = (self.fresh)();
        let accept = Accept { transfer: self.transfer.id, have, token };
        // Before the frame: the other side may dial the moment it has read it.
        let mut effects = self.connect(device, token, task, now);
        let say = Effect::Send(device, Peer::Accept(accept));
        let at = usize::from(matches!(effects.first(), Some(Effect::Expect(..))));
        effects.insert(at, say);
        effects
    }

    /// The data stream goes the way of the link, dialled by whoever dialled that.
    fn connect(&mut self, device: DeviceId, token: Token, task: Task, now: Instant) -> Effects {
        let Some(up) = self.links.get(&device) else { return Vec::new() };
        let effects = match (up.path, up.dialled, up.address) {
            (LinkPath::Direct, true, Some(address)) => vec![Effect::Dial(device, address, token)],
            (LinkPath::Direct, false, _) => vec![Effect::Expect(device, token)],
            (_, true, _) => vec![Effect::AskCircuit(device)],
            (_, false, _) => Vec::new(),
        };
        self.run = Run::Connecting { device, token, task, until: now + CONNECTING };
        effects
    }

    // ---- the other side

    pub(super) fn frame(&mut self, device: DeviceId, frame: Peer, now: Instant) -> Effects {
        match frame {
            Peer::Offer(_) if !self.outgoing() => self.offered_again(device, now),
            Peer::Accept(accept) if self.outgoing() => self.accepted(device, accept, now),
            Peer::Decline(_) if self.outgoing() => self.ended_there(device, WireCode::Declined),
            Peer::Cancel(cancel) => self.ended_there(device, cancel.code),
            _ => Vec::new(),
        }
    }

    /// The sender has nothing running and says so by offering again.
    fn offered_again(&mut self, device: DeviceId, now: Instant) -> Effects {
        if self.transfer.device != Some(device) {
            return Vec::new();
        }
        match self.transfer.stage {
            Stage::Offered => Vec::new(),
            Stage::Accepted => match self.run {
                Run::Idle => self.go_on(),
                Run::Running => self.stop(),
                Run::Connecting { .. } | Run::Stopping => Vec::new(),
            },
            Stage::PausedHere => self.to_device(self.cancel(WireCode::Paused)),
            Stage::PausedThere => self.accept_after_all(),
            Stage::Failed if self.is_their_fault() => self.accept_after_all(),
            Stage::Failed => {
                let code = match self.transfer.why.as_ref().map(|(code, _)| WireCode::from_name(code)) {
                    Some(code @ (WireCode::DiskFull | WireCode::BadName)) => code,
                    _ => WireCode::NotWritable,
                };
                self.to_device(self.cancel(code))
            }
            Stage::Declined => self.to_device(Peer::Decline(AboutTransfer { transfer: self.transfer.id })),
            Stage::Cancelled => self.to_device(self.cancel(WireCode::Cancelled)),
            Stage::Finished => match self.transfer.root {
                Some(root) => self.ask(groups(self.transfer.size), Task::Confirm(root), now),
                None => Vec::new(),
            },
        }
    }

    fn is_their_fault(&self) -> bool {
        let code = self.transfer.why.as_ref().map(|(code, _)| WireCode::from_name(code));
        !matches!(code, Some(WireCode::DiskFull | WireCode::NotWritable | WireCode::BadName | WireCode::Other(_)))
    }

    fn accept_after_all(&mut self) -> Effects {
        self.transfer.stage = Stage::Accepted;
        self.transfer.why = None;
        let mut effects = vec![Effect::Save];
        effects.extend(self.go_on());
        effects
    }

    fn accepted(&mut self, device: DeviceId, accept: Accept, now: Instant) -> Effects {
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
        if self.run == Run::Idle {
            effects.extend(self.connect(device, accept.token, Task::Send(accept.have), now));
        } else {
            self.granted = Some((device, accept));
        }
        effects
    }

    /// The other side does not go on.
    fn ended_there(&mut self, device: DeviceId, code: WireCode) -> Effects {
        let concerned = self.transfer.device.is_none_or(|bound| bound == device);
        if !concerned || self.transfer.stage.is_over() {
            return Vec::new();
        }
        let mut effects = self.stop();
        effects.extend(self.ended_by_peer(code));
        effects
    }

    fn ended_by_peer(&mut self, code: WireCode) -> Effects {
        // What is over, or paused here, stays so whatever the last words from the stream are.
        if self.transfer.stage.is_over() || self.transfer.stage == Stage::PausedHere {
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
    fn fail(&mut self, why: &Why) -> Effects {
        if self.transfer.stage.is_over() || self.transfer.stage == Stage::PausedHere {
            return Vec::new();
        }
        self.transfer.stage = Stage::Failed;
        self.transfer.why = Some((why.code(), why.sentence(&self.transfer.peer)));
        let mut effects = self.settle(matches!(why, Why::HashMismatch | Why::Protocol(_) | Why::SourceChanged));
        effects.extend(self.to_device(self.cancel(why.wire())));
        effects
    }

    /// Stores and tells how it ended. What cannot be of use any more is erased.
    fn settle(&mut self, useless: bool) -> Effects {
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

    fn tell_why(&self) -> Option<Effect> {
        let (code, text) = self.transfer.why.clone()?;
        Some(Effect::Tell(Event::FileFailed { transfer: self.transfer.id, code, text }))
    }

    fn end_if_over(&self) -> Effects {
        if self.transfer.stage.is_over() && self.run == Run::Idle { vec![Effect::Erase] } else { Vec::new() }
    }

    fn cancel(&self, code: WireCode) -> Peer {
        Peer::Cancel(CancelTransfer { transfer: self.transfer.id, code })
    }

    /// To the device at the other end, or where none is known, to all.
    fn to_device(&self, frame: Peer) -> Effects {
        let to = |device: &DeviceId| self.transfer.device.is_none_or(|bound| bound == *device);
        self.links.keys().filter(|device| to(device)).map(|device| Effect::Send(*device, frame.clone())).collect()
    }

    // ---- streams and pumps

    /// A dial failed. What does not go directly goes by the relay, once.
    pub(super) fn dial_failed(&mut self, device: DeviceId, relayed: bool, now: Instant) -> Effects {
        match self.run {
            Run::Connecting { device: wanted, .. } if wanted == device && !relayed => vec![Effect::AskCircuit(device)],
            Run::Connecting { device: wanted, .. } if wanted == device => self.try_again(now),
            _ => Vec::new(),
        }
    }

    /// A circuit is for the stream that is coming up.
    pub(super) fn wants_circuit(&self, circuit: &Circuit) -> bool {
        matches!(self.run, Run::Connecting { device, .. } if device == circuit.device)
    }

    pub(super) fn circuit_refused(&mut self, now: Instant) -> Effects {
        if matches!(self.run, Run::Connecting { .. }) { self.try_again(now) } else { Vec::new() }
    }

    /// A stream stands. Without an effect it is not wanted.
    pub(super) fn stream(&mut self, from: DeviceId, now: Instant) -> Effects {
        let Run::Connecting { device, token, task, .. } = self.run else { return Vec::new() };
        if device != from {
            return Vec::new();
        }
        self.run = Run::Running;
        let done = match task {
            Task::Send(from) => from.saturating_mul(limits::GROUP as u64).min(self.transfer.size),
            Task::Receive => self.transfer.done,
            Task::Confirm(_) => self.transfer.size,
        };
        let mut effects = vec![Effect::Forget(token), Effect::Start(task)];
        if !matches!(task, Task::Confirm(_)) {
            self.transfer.done = done;
            self.meter.start(done, now);
            effects.push(self.progress(0));
        }
        effects
    }

    /// What was on the disk when the partial was opened.
    pub(super) fn found(&mut self, done: u64) {
        self.transfer.done = done;
    }

    fn progress(&self, rate: u64) -> Effect {
        let (transfer, done, size) = (self.transfer.id, self.transfer.done, self.transfer.size);
        Effect::Tell(Event::FileProgress { transfer, done, size, rate })
    }

    /// The counter of a running pump.
    pub(super) fn counted(&mut self, done: u64, now: Instant) -> Effects {
        if self.run != Run::Running || self.transfer.stage == Stage::Finished || done <= self.transfer.done {
            return Vec::new();
        }
        match self.meter.count(done, now) {
            Some(rate) => {
                self.transfer.done = done;
                self.attempt = 0;
                vec![self.progress(rate)]
            }
            None => Vec::new(),
        }
    }

    pub(super) fn pump_finished(&mut self, path: Option<PathBuf>, root: Hash) -> Effects {
        self.run = Run::Idle;
        if self.transfer.stage == Stage::Finished { Vec::new() } else { self.finished(path, root) }
    }

    fn finished(&mut self, path: Option<PathBuf>, root: Hash) -> Effects {
        // A file that was just whole when somebody stopped it is whole.
        self.transfer.stage = Stage::Finished;
        self.transfer.done = self.transfer.size;
        self.transfer.root = Some(root);
        self.transfer.why = None;
        self.transfer.path = path.or_else(|| self.transfer.path.take());
        let event = Event::FileFinished {
            transfer: self.transfer.id,
            path: self.transfer.path.clone().unwrap_or_default(),
            blake3: root,
            size: self.transfer.size,
        };
        let rate = self.meter.rate();
        vec![Effect::Save, self.progress(rate), Effect::Tell(event), Effect::Erase]
    }

    pub(super) fn pump_failed(&mut self, why: &Why, done: u64, now: Instant) -> Effects {
        let stopped = self.pump_over(done);
        if let Some(effects) = stopped {
            return self.after_stop(effects, now);
        }
        match why {
            Why::Peer(code) => self.ended_by_peer(code.clone()),
            Why::Internal(_) => self.try_again(now),
            why => self.fail(why),
        }
    }

    /// The connection broke, or we stopped the pump.
    pub(super) fn pump_lost(&mut self, done: u64, now: Instant) -> Effects {
        match self.pump_over(done) {
            Some(effects) => self.after_stop(effects, now),
            None => {
                let mut effects = vec![Effect::Save];
                effects.extend(self.try_again(now));
                effects
            }
        }
    }

    /// Idle again; `Some` if that was our own wish.
    fn pump_over(&mut self, done: u64) -> Option<Effects> {
        let stopping = self.run == Run::Stopping;
        self.run = Run::Idle;
        if self.transfer.stage != Stage::Finished {
            self.transfer.done = done.max(self.transfer.done).min(self.transfer.size);
        }
        stopping.then(|| vec![Effect::Save])
    }

    fn after_stop(&mut self, mut effects: Effects, now: Instant) -> Effects {
        if self.transfer.stage.is_over() {
            effects.extend(self.end_if_over());
        } else if let Some((device, accept)) = self.granted.take() {
            effects.extend(self.connect(device, accept.token, Task::Send(accept.have), now));
        } else if self.transfer.stage == Stage::Failed && self.transfer.done == 0 {
            effects.push(Effect::Erase);
        } else {
            effects.extend(self.go_on());
        }
        effects
    }

    /// Waits a little longer each time; a new link ends the waiting. The receiver asks, the sender waits to be asked.
    fn try_again(&mut self, now: Instant) -> Effects {
        let effects = self.stop();
        if !self.outgoing() && self.transfer.stage == Stage::Accepted {
            let wait = AGAIN_MIN.saturating_mul(1 << self.attempt.min(6)).min(AGAIN_MAX);
            self.attempt = self.attempt.saturating_add(1);
            self.again_at = Some(now + wait);
        }
        effects
    }

    /// The time of [`Self::next_due`] has come.
    pub(super) fn tick(&mut self, now: Instant) -> Effects {
        match self.run {
            Run::Connecting { until, .. } if until <= now => self.try_again(now),
            Run::Idle if self.again_at.is_some_and(|at| at <= now) => self.go_on(),
            _ => Vec::new(),
        }
    }
}

fn wrong_state() -> Effects {
    vec![Effect::Answer(Err(Refusal::WrongState))]
}
