//! What a connection does with each frame: input and the time in, effects out. No actor, no socket, no clock of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hobnob_shared::codec::{Decoded, from_cbor};
use hobnob_shared::id::{DeviceId, Handle};
use hobnob_shared::identity::{Chain, DeviceList, IdentityStatement, VerifiedChain};
use hobnob_shared::limits::STATUS_TEXT;
use hobnob_shared::machine::liveness::{Liveness, Verdict};
use hobnob_shared::message::{FromServer, Hello, Pulse, Seq, ToServer};

use super::enrolment::Enrolment;
use super::job::{Answer, Job};
use super::member::Member;
use super::note::Note;
use crate::config::Limits;
use crate::error::Refusal;
use crate::introduction::Place;
use crate::registry::{Arrival, SessionId};
use crate::services::Doorkeeper;
use crate::store::Account;
use crate::throttle::{Bucket, Quota};

/// What is to be done.
pub enum Effect {
    /// Write a frame.
    Send(Box<FromServer>),
    /// Write frames, as many at a time as the queue has room for.
    SendInTurn(Vec<FromServer>),
    /// Ask the store.
    Ask(Job),
    /// Tell the registry.
    Tell(Note),
    /// The connection is somebody's: larger frames, no permit, no time limit.
    Admit,
    /// Read no further for so long.
    Pause(Duration),
    /// Write a line to the log.
    Log(String),
    /// Write what is queued, then close; for the log, why.
    Close(String),
}

impl Effect {
    pub(super) fn send(frame: FromServer) -> Self {
        Self::Send(Box::new(frame))
    }
}

/// Says no; a refusal that ends the connection is followed by its end.
pub(super) fn refuse(refusal: Refusal, seq: Option<Seq>) -> Vec<Effect> {
    let mut effects = vec![Effect::send(refusal.failed(seq))];
    if refusal.code().is_fatal() {
        effects.push(Effect::Close(refusal.code().to_string()));
    }
    effects
}

/// A device that has proved its key and not said hello.
pub(super) struct Newcomer {
    chain: Arc<Chain>,
    verified: Box<VerifiedChain>,
    hello: Option<Box<Hello>>,
}

enum Kind {
    Enrolment(Box<Enrolment>),
    Newcomer(Newcomer),
    Member(Box<Member>),
}

/// One connection.
pub struct State {
    id: SessionId,
    peer: SocketAddr,
    kind: Kind,
    liveness: Liveness,
    pings: u64,
    frames: (Bucket, Quota),
    bytes: (Bucket, Quota),
    room_changes: (Bucket, Quota),
}

/// What all members of a room hear of.
fn changes_a_room(frame: &Decoded<ToServer>) -> bool {
    use ToServer::{JoinRoom, LeaveRoom, RemoveMember, SetRoomPassword};
    matches!(frame, Decoded::Known(JoinRoom(_) | LeaveRoom(_) | RemoveMember(_) | SetRoomPassword(_)))
}

impl State {
    /// A connection on which no certificate was shown; `exporter` is bound into the proofs.
    pub fn enrolment(id: SessionId, peer: SocketAddr, exporter: [u8; 32], limits: &Limits, now: Instant) -> Self {
        Self::new(id, peer, Kind::Enrolment(Box::new(Enrolment::new(exporter, peer.ip()))), limits, now)
    }

    /// A connection on which a device showed its chain.
    pub fn device(
        id: SessionId,
        peer: SocketAddr,
        chain: (Chain, VerifiedChain),
        limits: &Limits,
        now: Instant,
    ) -> Self {
        let (chain, verified) = (Arc::new(chain.0), Box::new(chain.1));
        Self::new(id, peer, Kind::Newcomer(Newcomer { chain, verified, hello: None }), limits, now)
    }

    fn new(id: SessionId, peer: SocketAddr, kind: Kind, limits: &Limits, now: Instant) -> Self {
        let frames = Quota::per_second(limits.frames_per_second, limits.frames_burst);
        let bytes = Quota::per_second(limits.bytes_per_second, limits.bytes_burst);
        let room_changes = Quota::spaced(limits.room_change_every_ms, limits.room_changes_burst);
        Self {
            id,
            peer,
            kind,
            liveness: Liveness::new(now),
            pings: 0,
            frames: (Bucket::default(), frames),
            bytes: (Bucket::default(), bytes),
            room_changes: (Bucket::default(), room_changes),
        }
    }

    /// The account's name, once it is known.
    pub fn user(&self) -> Option<&Handle> {
        match &self.kind {
            Kind::Member(member) => Some(member.user()),
            _ => None,
        }
    }

    /// The connection is an enrolment, or a device that is signed in.
    pub fn is_member(&self) -> bool {
        matches!(self.kind, Kind::Member(_))
    }

    /// A frame came, and with it so many bytes.
    pub fn on_frame(
        &mut self,
        frame: Decoded<ToServer>,
        bytes: u32,
        doors: &dyn Doorkeeper,
        now: Instant,
    ) -> Vec<Effect> {
        self.liveness.heard(now);
        let room_changes = u32::from(changes_a_room(&frame));
        let mut effects = match frame {
            Decoded::Unknown { .. } => refuse(Refusal::Unsupported, None),
            Decoded::Known(ToServer::Ping(pulse)) if self.is_member() => vec![Effect::send(FromServer::Pong(pulse))],
            Decoded::Known(ToServer::Pong(_)) if self.is_member() => Vec::new(),
            Decoded::Known(frame) => match &mut self.kind {
                Kind::Enrolment(enrolment) => enrolment.on_frame(frame, doors, now),
                Kind::Newcomer(newcomer) => newcomer.on_frame(frame),
                Kind::Member(member) => member.on_frame(frame, doors, now),
            },
        };
        // Frames are never dropped for their number: the client's own queue fills, because the server reads slower.
        let owed = [(&mut self.frames, 1), (&mut self.bytes, bytes), (&mut self.room_changes, room_changes)];
        let pause = owed.into_iter().filter_map(|((bucket, quota), units)| bucket.owe(units, *quota, now)).max();
        effects.extend(pause.map(Effect::Pause));
        effects
    }

    /// The store answered.
    pub fn on_answer(&mut self, answer: Answer, doors: &dyn Doorkeeper) -> Vec<Effect> {
        match &mut self.kind {
            Kind::Enrolment(enrolment) => enrolment.on_answer(answer, doors),
            Kind::Member(member) => member.on_answer(answer, doors),
            Kind::Newcomer(newcomer) => match newcomer.on_answer(answer) {
                Err(refusal) => {
                    let mut effects = refuse(refusal, None);
                    // Whatever the code: without an account there is nothing to go on with.
                    if !refusal.code().is_fatal() {
                        effects.push(Effect::Close(refusal.code().to_string()));
                    }
                    effects
                }
                Ok((account, list, hello)) => self.sign_in(&account, list, *hello),
            },
        }
    }

    fn sign_in(&mut self, account: &Account, list: (IdentityStatement, DeviceList), hello: Hello) -> Vec<Effect> {
        let Kind::Newcomer(Newcomer { chain, verified, .. }) = &self.kind else { return Vec::new() };
        let device_list = Arc::new(list.0);
        let arrival = Arrival {
            session: self.id,
            account: account.id,
            user: account.user.clone(),
            device: verified.device,
            chain: Arc::clone(chain),
            list_number: list.1.number,
            device_list: Arc::clone(&device_list),
            place: Place::new(self.peer.ip(), hello.port, &hello.addresses),
            presence: hello.presence,
            text: hello.text,
            seen: SocketAddr::new(self.peer.ip().to_canonical(), self.peer.port()).to_string(),
        };
        let software: String = hello.software.chars().take(64).collect();
        let [a, b, c, d, ..] = verified.device.0;
        // Eight digits tell a person's devices apart.
        let line =
            format!("{} signed in, device {a:02x}{b:02x}{c:02x}{d:02x}, {}", account.user, software.escape_debug());
        let devices = (list.1.devices, device_list);
        self.kind = Kind::Member(Box::new(Member::new(account, verified, devices, self.peer.ip())));
        vec![Effect::Admit, Effect::Log(line), Effect::Tell(Note::Arrive(Box::new(arrival)))]
    }

    /// Nothing was read for a while, because something long was sent: that was no silence of the client's.
    pub fn on_resumed(&mut self, now: Instant) {
        self.liveness.heard(now);
    }

    /// The account's devices are others now.
    pub fn on_devices(&mut self, devices: Vec<DeviceId>, device_list: Arc<IdentityStatement>) {
        if let Kind::Member(member) = &mut self.kind {
            member.on_devices(devices, device_list);
        }
    }

    /// Time has passed: what is due, and when to ask again; `None` when there is nothing more to ask.
    pub fn on_tick(&mut self, now: Instant) -> (Vec<Effect>, Option<Instant>) {
        match self.liveness.poll(now) {
            Verdict::Idle { until } => (Vec::new(), Some(until)),
            Verdict::Dead => (vec![Effect::Close("no sign of life".into())], None),
            Verdict::SendPing => {
                self.pings += 1;
                self.liveness.said(now);
                let until = match self.liveness.poll(now) {
                    Verdict::Idle { until } => until,
                    _ => now + Duration::from_secs(1),
                };
                (vec![Effect::send(FromServer::Ping(Pulse { n: self.pings }))], Some(until))
            }
        }
    }

    /// The time for signing in is over.
    pub fn on_deadline(&self) -> Vec<Effect> {
        if self.is_member() { Vec::new() } else { refuse(Refusal::TooSlow, None) }
    }
}

type Welcomed = (Box<Account>, (IdentityStatement, DeviceList), Box<Hello>);

impl Newcomer {
    fn on_frame(&mut self, frame: ToServer) -> Vec<Effect> {
        match frame {
            ToServer::Hello(hello) if self.hello.is_none() => {
                if hello.text.chars().count() > STATUS_TEXT {
                    return refuse(Refusal::Malformed, None);
                }
                self.hello = Some(Box::new(hello));
                vec![Effect::Ask(Job::Account(self.verified.clone()))]
            }
            _ => refuse(Refusal::WrongState, None),
        }
    }

    fn on_answer(&mut self, answer: Answer) -> Result<Welcomed, Refusal> {
        let (Answer::Account(account), Some(hello)) = (answer, self.hello.take()) else {
            return Err(Refusal::Internal);
        };
        let account = account.ok_or(Refusal::UnknownUser)?;
        if !account.device_known {
            return Err(Refusal::DeviceRemoved);
        }
        let statement: IdentityStatement = from_cbor(&account.device_list).map_err(|_| Refusal::Internal)?;
        let list: DeviceList = from_cbor(&statement.body).map_err(|_| Refusal::Internal)?;
        if !list.devices.contains(&self.verified.device) {
            return Err(Refusal::DeviceRemoved);
        }
        Ok((account, (statement, list), hello))
    }
}
