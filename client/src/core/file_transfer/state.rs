//! The decisions of one transfer: what follows from what people want, what the other side says, which links stand and how pumps end. Pure:
//! input and `now` in, effects out, to be carried out in order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Hash, Token};
use hobnob_shared::message::{AboutTransfer, Accept, Offer, Peer};

use super::ending::{End, Ending};
use super::message::Wish;
use super::meter::Meter;
use super::partial::Before;
use super::patience::Patience;
use super::waiting::Turn;
use super::why::Why;
use crate::core::event::{Direction, Event, LinkPath};
use crate::core::history::transfers::{Stage, Transfer};
use crate::core::links::Up;

/// The data stream has so long to come up: a dial, a circuit and two handshakes.
pub(super) const CONNECTING: Duration = Duration::from_secs(15);

/// Something to be done, in order.
#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// Store the transfer; what follows waits until it is on the disk.
    Save,
    /// Tell the person.
    Tell(Event),
    /// Answer the command, or the one that was held.
    Answer(Result<(), Refusal>),
    /// Keep the command until it is known what comes of it.
    HoldAnswer,
    /// Write a frame to the link with this device, if it stands.
    Send(DeviceId, Peer),
    /// Ask for a turn; that it came or that others go first is the next input. It is left by itself when nothing runs.
    TakeTurn,
    /// Open the partial file and the folder, with this place if the person chose one; the result is the next input.
    Prepare { save_as: Option<PathBuf>, asked: bool },
    /// Let the device in with this token.
    Expect(DeviceId, Token),
    /// The token is no longer wanted.
    Forget(Token),
    /// Dial the data stream.
    Dial(DeviceId, SocketAddr, Token),
    /// Dial it once more, after a breath.
    Redial(DeviceId, SocketAddr, Token),
    /// Ask the server for a circuit to the device.
    AskCircuit(DeviceId),
    /// The stream that just came is taken; start the pump.
    Start(Task),
    /// Dial further connections of the stream that runs.
    Widen(DeviceId, SocketAddr, Token),
    /// The stream that just came is a further connection of what runs.
    Join,
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
    /// It gets its final name right now.
    Finishing,
}

/// An accept: from which device, and since when it waits here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) device: DeviceId,
    pub(super) accept: Accept,
    pub(super) at: Instant,
}

/// What happens right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// Nothing.
    Idle,
    /// A data stream with this device is coming up.
    Connecting { device: DeviceId, token: Token, task: Task, until: Instant, redialled: bool },
    /// Bytes flow.
    Running,
    /// The pump was told to stop.
    Stopping,
}

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    pub(super) transfer: Transfer,
    pub(super) links: BTreeMap<DeviceId, Up>,
    pub(super) run: Run,
    /// What opened the stream that runs, and opens further connections of it.
    pub(super) token: Option<Token>,
    pub(super) meter: Meter,
    pub(super) ending: Option<Ending>,
    /// An accept that is not followed yet.
    pub(super) granted: Option<Granted>,
    /// How often the other side can have it begin again.
    pub(super) patience: Patience,
    /// Streams in a row that kept to no rule and brought nothing new.
    pub(super) bad: u8,
    /// The most bytes that were ever here when such a stream ended.
    pub(super) best: u64,
    pub(super) turn: Turn,
    /// The sender does not know that the file is here.
    pub(super) confirms: bool,
    pub(super) attempt: u32,
    pub(super) again_at: Option<Instant>,
    pub(super) fresh: fn() -> Token,
}

/// In the order in which they are to be carried out.
pub(super) type Effects = Vec<Effect>;

impl State {
    pub(super) fn new(transfer: Transfer, fresh: fn() -> Token) -> Self {
        Self {
            meter: Meter::new(transfer.size),
            transfer,
            links: BTreeMap::new(),
            run: Run::Idle,
            token: None,
            ending: None,
            granted: None,
            patience: Patience::default(),
            bad: 0,
            best: 0,
            turn: Turn::No,
            confirms: false,
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

    /// A stream may start any moment.
    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.run, Run::Connecting { .. })
    }

    /// Nothing more will happen, and nothing does right now.
    pub(super) fn is_over(&self) -> bool {
        self.transfer.stage.is_over() && self.run == Run::Idle && self.turn != Turn::Waiting
    }

    /// When the clock matters next, beside the progress of a running pump.
    pub(super) fn next_due(&self) -> Option<Instant> {
        match self.run {
            Run::Connecting { until, .. } => Some(until),
            Run::Idle => self.again_at,
            Run::Running | Run::Stopping => None,
        }
    }

    pub(super) fn outgoing(&self) -> bool {
        self.transfer.direction == Direction::Outgoing
    }

    /// The offer, to be told as long as it waits.
    pub(super) fn waiting_offer(&self) -> Option<Event> {
        let waits = !self.outgoing() && self.transfer.stage == Stage::Offered;
        waits.then(|| Event::FileOffered {
            transfer: self.transfer.known_as(),
            conversation: self.transfer.conversation.clone(),
            from: self.transfer.from.clone(),
            name: self.transfer.name.clone(),
            size: self.transfer.size,
            files: self.transfer.folder.map(|folder| folder.files),
        })
    }

    pub(super) fn order(&mut self, wish: Wish, now: Instant) -> Effects {
        if self.transfer.stage.is_over() {
            return vec![Effect::Answer(Err(Refusal::Over))];
        }
        match (&wish, self.run) {
            (Wish::Pause, Run::Running) => return self.begin_to_end(End::Pause, WireCode::Paused, now),
            (Wish::Cancel, Run::Running) => return self.begin_to_end(End::Cancel, WireCode::Cancelled, now),
            (Wish::Pause | Wish::Cancel, Run::Stopping) => return vec![Effect::Answer(Err(Refusal::Finishing))],
            _ => {}
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
                effects.extend(self.to_device(&Peer::Decline(AboutTransfer { transfer: self.transfer.known_as() })));
                // An accept that failed may have left something.
                effects.push(Effect::Erase);
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
            (Wish::Cancel, _) => self.cancelled_here(),
            (Wish::Part, _) => {
                let text = match &self.transfer.conversation {
                    ConversationId::Direct(user) => format!("You and {user} are no longer friends."),
                    ConversationId::Room(room) => {
                        format!("You and {} are no longer both in {room}.", self.transfer.peer)
                    }
                };
                self.give_up(WireCode::NotFriends, text)
            }
            _ => wrong_state(),
        }
    }

    /// Ends what happens right now.
    pub(super) fn stop(&mut self) -> Effects {
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
            Err(why) if why.passes() => self.try_later(&why, now),
            Err(why) => self.fail(&why),
            Ok(have) => {
                let mut effects = Vec::new();
                if asked {
                    self.transfer.stage = Stage::Accepted;
                    self.transfer.save_as = save_as;
                    self.transfer.why = None;
                    effects = vec![Effect::Save, Effect::Answer(Ok(()))];
                }
                // It was looked at for the person; what it takes to run is opened in its turn.
                effects.extend(if self.turn == Turn::Held { self.ask(have, Task::Receive, now) } else { self.go_on() });
                effects
            }
        }
    }

    /// A crash came between the final name and the record of it.
    pub(super) fn was_finished(&mut self, before: Before, asked: bool) -> Effects {
        let mut effects = self.finished(Some(before.path), before.root, before.missing);
        if asked {
            effects.insert(1, Effect::Answer(Ok(())));
        }
        effects
    }

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
        self.patience = Patience::default();
        if self.outgoing() { self.offer_to(device) } else { self.go_on() }
    }

    pub(super) fn unlinked(&mut self, device: DeviceId) -> Effects {
        self.links.remove(&device);
        self.granted.take_if(|granted| granted.device == device);
        match self.run {
            Run::Connecting { device: other, .. } if other == device => self.stop(),
            _ => self.tell_unlinked().into_iter().collect(),
        }
    }

    /// Does what can be done now: the sender offers, the receiver asks.
    pub(super) fn go_on(&mut self) -> Effects {
        self.again_at = None;
        if self.run != Run::Idle {
            return Vec::new();
        }
        if self.outgoing() {
            let devices: Vec<DeviceId> = self.links.keys().copied().collect();
            return devices.into_iter().flat_map(|device| self.offer_to(device)).collect();
        }
        let linked = self.transfer.device.is_some_and(|device| self.links.contains_key(&device));
        match self.turn {
            _ if self.transfer.stage != Stage::Accepted || !linked => Vec::new(),
            Turn::Held => self.prepare(),
            Turn::No | Turn::Waiting => self.take_turn(),
        }
    }

    pub(super) fn prepare(&self) -> Effects {
        vec![Effect::Prepare { save_as: self.transfer.save_as.clone(), asked: false }]
    }

    pub(super) fn offer_to(&self, device: DeviceId) -> Effects {
        let theirs = self.transfer.device.is_none_or(|bound| bound == device);
        // Where they paused, they may have finished or resumed since, and say so in answer.
        let open = matches!(self.transfer.stage, Stage::Offered | Stage::Accepted | Stage::PausedThere);
        if !theirs || self.run != Run::Idle || !open {
            return Vec::new();
        }
        let offer = Offer {
            room: self.transfer.room,
            transfer: self.transfer.known_as(),
            name: self.transfer.name.clone(),
            size: self.transfer.size,
            folder: self.transfer.folder,
            media_type: self.transfer.media_type.clone(),
            sent_at: self.transfer.sent_at,
        };
        vec![Effect::Send(device, Peer::Offer(offer))]
    }

    /// The receiver says that it wants the rest, and the stream comes up.
    pub(super) fn ask(&mut self, have: u64, task: Task, now: Instant) -> Effects {
        let Some(device) = self.transfer.device.filter(|device| self.links.contains_key(device)) else {
            return Vec::new();
        };
        if self.run != Run::Idle {
            return Vec::new();
        }
        let token = (self.fresh)();
        let accept = Accept { transfer: self.transfer.known_as(), have, token };
        // Before the frame: the other side may dial the moment it has read it.
        let mut effects = self.connect(device, token, task, now);
        let say = Effect::Send(device, Peer::Accept(accept));
        let at = usize::from(matches!(effects.first(), Some(Effect::Expect(..))));
        effects.insert(at, say);
        effects
    }

    /// The data stream goes the way of the link, dialled by whoever dialled that.
    pub(super) fn connect(&mut self, device: DeviceId, token: Token, task: Task, now: Instant) -> Effects {
        let Some(up) = self.links.get(&device) else { return Vec::new() };
        let effects = match (up.path, up.dialled, up.address) {
            (LinkPath::Direct, true, Some(address)) => vec![Effect::Dial(device, address, token)],
            (LinkPath::Direct, false, _) => vec![Effect::Expect(device, token)],
            (_, true, _) => vec![Effect::AskCircuit(device)],
            (_, false, _) => Vec::new(),
        };
        self.run = Run::Connecting { device, token, task, until: now + CONNECTING, redialled: false };
        effects
    }
}

fn wrong_state() -> Effects {
    vec![Effect::Answer(Err(Refusal::WrongState))]
}
