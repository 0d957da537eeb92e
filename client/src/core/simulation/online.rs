//! A device and the server: the session's coming and going, what the server says, whom to ask for, as `session`, `routes::{account, people,
//! links}` do it.

use std::time::Duration;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle};
use hobnob_shared::identity::Statement;
use hobnob_shared::message::{
    AboutUser, Failed, FromServer, JoinRoom, LeaveRoom, OwnPresence, RoomLeave, Seq, SetPresence, ToServer,
};

use super::cast::{self, ROOM};
use super::device::{Device, Out};
use super::slip::Slip;
use crate::core::event::ServerState;
use crate::core::registry::{Ask, Errand};
use crate::core::session::ends_session;
use crate::core::session::state::{Effect, Loss};

/// The server has so long to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(19);

impl Device {
    pub(super) fn session_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Dial(connection) => self.out.push(Out::Call(connection)),
                Effect::HangUp => self.out.push(Out::HangUp),
                Effect::Ping => self.say_to_server(ToServer::Ping(hobnob_shared::message::Pulse { n: 0 })),
                Effect::Tell(ServerState::Offline) => {
                    self.core.lost_server();
                    if !self.stays_away {
                        self.reunite_all();
                    }
                }
                Effect::Tell(ServerState::Online | ServerState::Connecting) => {}
            }
        }
    }

    /// A connection to the server ended.
    pub(super) fn session_lost(&mut self, connection: u64, loss: Loss) {
        if !self.machine.is_current(connection) {
            return;
        }
        self.stays_away |= loss == Loss::Refused;
        let effects = self.machine.lost(connection, loss, self.now);
        self.session_effects(effects);
    }

    fn say_to_server(&mut self, frame: ToServer) {
        self.machine.said(self.now);
        self.out.push(Out::Say(Box::new(frame)));
    }

    /// The server said something.
    pub(super) fn heard_server(&mut self, connection: u64, frame: FromServer) {
        if !self.machine.is_current(connection) {
            return;
        }
        self.machine.heard(self.now);
        match frame {
            FromServer::Welcome(welcome) => {
                let effects = self.machine.welcomed(connection, self.now);
                self.core.welcomed(self.now);
                self.rooms_listed(&welcome.rooms);
                self.session_effects(effects);
            }
            FromServer::Ping(pulse) => self.say_to_server(ToServer::Pong(pulse)),
            FromServer::SignedOut(out) => {
                let loss = if ends_session(&out.code) { Loss::Refused } else { Loss::Away };
                self.out.push(Out::HangUp);
                self.session_lost(connection, loss);
            }
            FromServer::Friends(page) => {
                let outcome = self.core.page(page);
                assert!(outcome.unknown.is_empty() && outcome.changed.is_empty(), "friends are pinned from the start");
                if self.core.has_arrived(self.now) {
                    self.arrived_at_server();
                }
            }
            FromServer::PresenceChanged(news) => {
                self.core.roster.server_says(&news.user, news.presence, &news.text);
                self.core.rooms.server_says(&news.user, news.presence, &news.text);
                if self.core.is_here() {
                    self.reconsider(&news.user);
                }
            }
            FromServer::Introduced(introduced) if self.expected_key(&introduced.user).is_some() => {
                self.introduced(&introduced);
            }
            FromServer::RoomState(page) => self.room_state(&page),
            FromServer::RoomChanged(news) => self.room_changed(&news),
            FromServer::RoomLeft(news) => self.room_left(&news),
            FromServer::Done(done) => {
                let done = self.core.errands.take(done.seq).map(|errand| errand.ask);
                if let Some(Ask::LeaveRoom(_, statement)) = done {
                    self.left(&statement);
                }
            }
            FromServer::Failed(failed) => {
                let asked = failed.seq.and_then(|seq| self.core.errands.take(seq)).map(|errand| errand.ask);
                if let Some(Ask::Introduce(user)) = asked {
                    self.introduction_refused(&user, &failed);
                }
            }
            _ => {}
        }
    }

    fn introduction_refused(&mut self, user: &Handle, failed: &Failed) {
        if failed.code == WireCode::RateLimited {
            let wait = Duration::from_secs(failed.retry_after.unwrap_or(1).max(1).into());
            self.core.policy.put_off(user, wait, self.now);
        } else if *user == self.user && failed.code == WireCode::Offline {
            self.core.policy.settle(user);
        }
    }

    /// The friend list is complete: signed in.
    fn arrived_at_server(&mut self) {
        self.core.arrive();
        self.run_errands();
        let now = self.now;
        for link in self.links.values_mut() {
            link.redial.set_active(false, now);
        }
        for user in self.core.roster.handles().into_iter().chain(self.core.rooms.mates(&self.user)) {
            self.reconsider(&user);
        }
        let own = self.user.clone();
        self.reconsider(&own);
    }

    /// Looks for devices that were linked before.
    pub(super) fn reunite_all(&mut self) {
        if self.slips(Slip::NoReunion) {
            return;
        }
        let now = self.now;
        let met: Vec<DeviceId> = self.disk.written().pairs.keys().copied().collect();
        for device in met {
            if self.link_to(device)
                && let Some(link) = self.links.get_mut(&device)
            {
                link.redial.set_active(true, now);
            }
        }
    }

    /// The identity key with which somebody may link.
    pub(super) fn expected_key(&self, user: &Handle) -> Option<Fingerprint> {
        if self.user == *user {
            return Some(cast::key(user));
        }
        match self.core.roster.get(user) {
            Some(person) => Some(person.pin.account),
            None => self.core.rooms.account(user),
        }
    }

    /// Looks again whether somebody should be linked.
    pub(super) fn reconsider(&mut self, user: &Handle) {
        let may = self.expected_key(user).is_some();
        let own = self.user.clone();
        self.core.reconsider(&own, user, may, self.now);
        self.ask_whom_due();
    }

    fn ask_whom_due(&mut self) {
        for user in self.core.policy.poll(self.now) {
            self.errand(Ask::Introduce(user));
        }
    }

    /// What time alone changes.
    pub(super) fn time_passed(&mut self) {
        self.core.errands.expire(self.now);
        if self.core.has_arrived(self.now) {
            self.arrived_at_server();
        }
        self.ask_whom_due();
        self.exchange_due();
    }

    /// Asks the server for something, at once or as soon as it is there.
    pub(super) fn errand(&mut self, ask: Ask) {
        if !self.core.is_here() {
            self.machine.hurry(self.now);
        }
        let keep = ask.is_kept();
        let added = self.core.errands.add(self.now + ANSWER_WITHIN, keep, Errand { ticket: None, ask });
        assert!(added.is_ok(), "few errands at once");
        self.run_errands();
    }

    fn run_errands(&mut self) {
        if !self.core.is_here() {
            return;
        }
        for seq in self.core.errands.send_all() {
            let frame = self.core.errands.get(seq).and_then(|errand| frame(seq, &errand.ask));
            if let Some(frame) = frame {
                self.say_to_server(frame);
            }
        }
    }

    /// A person joins the room, or leaves it.
    pub(super) fn join_room(&mut self) {
        self.errand(Ask::JoinRoom(cast::room_name().clone(), None));
    }

    pub(super) fn leave_room(&mut self) {
        let Some(room) = self.core.rooms.get(&ROOM) else { return };
        let number = room.memberships.iter().find(|kept| kept.user == self.user).map_or(0, |kept| kept.number);
        let room = cast::room_name().clone();
        let leave = RoomLeave { room: room.clone(), incarnation: ROOM, number, user: self.user.clone(), at: 0 };
        // Signed by nobody: the server of the simulation reads it without checking the certificates.
        let body = hobnob_shared::codec::to_cbor(&leave).unwrap_or_default();
        let statement = Statement { body, chain: cast::chain(&self.id), signature: Vec::new() };
        self.errand(Ask::LeaveRoom(room, Box::new(statement)));
    }

    /// A person goes away from the keyboard, or comes back.
    pub(super) fn set_presence(&mut self, presence: OwnPresence) {
        if self.core.is_here() {
            self.errand(Ask::SetPresence(presence, String::new()));
        }
    }
}

fn frame(seq: Seq, ask: &Ask) -> Option<ToServer> {
    Some(match ask {
        Ask::Introduce(user) => ToServer::Introduce(AboutUser { seq, user: user.clone() }),
        Ask::SetPresence(presence, text) => {
            ToServer::SetPresence(SetPresence { seq, presence: *presence, text: text.clone() })
        }
        Ask::JoinRoom(room, proof) => ToServer::JoinRoom(JoinRoom { seq, room: room.clone(), proof: *proof }),
        Ask::LeaveRoom(_, statement) => {
            ToServer::LeaveRoom(Box::new(LeaveRoom { seq, statement: statement.as_ref().clone() }))
        }
        _ => return None,
    })
}
