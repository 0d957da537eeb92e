//! Sessions between devices and the server: frames in flight both ways, cuts, the server's end and start.

use std::collections::VecDeque;
use std::time::Instant;

use hobnob_server::registry::SessionId;
use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::InstanceId;
use hobnob_shared::limits::SIGN_IN_TIMEOUT;
use hobnob_shared::message::{FromServer, Hello, OwnPresence, ToServer};
use rand::Rng;

use super::cast;
use super::server::Mail;
use super::world::{Fault, Lane, World};
use crate::core::session::state::Loss;

/// A connection of a device to the server.
pub(super) struct Line {
    device: usize,
    /// As the device numbers it; `None` once it has let go.
    connection: Option<u64>,
    /// As the server numbers it; `None` once it has let go, or where nobody was there.
    session: Option<SessionId>,
    up: VecDeque<ToServer>,
    down: VecDeque<FromServer>,
    since: Instant,
    welcomed: bool,
}

impl Line {
    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some() || self.session.is_some()
    }
}

impl World {
    /// A device dials the server, and says hello at once.
    pub(super) fn call(&mut self, who: usize, connection: u64) {
        self.hang_up(who);
        let id = self.devices[who].id;
        let session = self.server.accept(who, id);
        let hello = Hello {
            software: String::new(),
            abilities: Abilities::ours(),
            instance: InstanceId([id.0[0]; 16]),
            port: cast::address(&id).port(),
            addresses: Vec::new(),
            presence: OwnPresence::Available,
            text: String::new(),
        };
        let up = VecDeque::from([ToServer::Hello(hello)]);
        let (connection, since) = (Some(connection), self.now);
        self.lines.push(Line { device: who, connection, session, up, down: VecDeque::new(), since, welcomed: false });
    }

    fn line_of(&self, who: usize) -> Option<usize> {
        self.lines.iter().position(|line| line.device == who && line.connection.is_some())
    }

    /// A device lets its connection go; the server still reads what is under way, and then notices.
    pub(super) fn hang_up(&mut self, who: usize) {
        if let Some(line) = self.line_of(who) {
            self.lines[line].connection = None;
            self.lines[line].down.clear();
        }
    }

    /// The same with a crash: nothing more arrives.
    pub(super) fn hang_up_all(&mut self, who: usize) {
        self.hang_up(who);
        for line in self.lines.iter_mut().filter(|line| line.device == who) {
            line.up.clear();
        }
    }

    pub(super) fn say_up(&mut self, who: usize, frame: ToServer) {
        if let Some(line) = self.line_of(who) {
            self.lines[line].up.push_back(frame);
        }
    }

    /// What the server says goes onto the lines.
    pub(super) fn post(&mut self) {
        for mail in std::mem::take(&mut self.server.mail) {
            let (session, frame) = match mail {
                Mail::Frame(session, frame) => (session, Some(frame)),
                Mail::Close(session) => (session, None),
            };
            let Some(line) = self.lines.iter_mut().find(|line| line.session == Some(session)) else { continue };
            match frame {
                Some(frame) if line.connection.is_some() => line.down.push_back(*frame),
                Some(_) => {}
                None => {
                    line.session = None;
                    line.up.clear();
                }
            }
        }
        if let Some(wrong) = self.server.wrong.take() {
            self.wrong.get_or_insert(wrong);
        }
    }

    pub(super) fn busy_lines(&self, lanes: &mut Vec<Lane>) {
        for (n, line) in self.lines.iter().enumerate() {
            if let Some(session) = line.session {
                let ended = line.connection.is_none();
                if (!line.up.is_empty() && self.server.reads(session)) || (ended && line.up.is_empty()) {
                    lanes.push(Lane::Up(n));
                }
            }
            if line.connection.is_some() && (!line.down.is_empty() || line.session.is_none()) {
                lanes.push(Lane::Down(n));
            }
        }
    }

    pub(super) fn deliver_up(&mut self, at: usize) {
        let line = &mut self.lines[at];
        let Some(session) = line.session else { return };
        let (frame, device) = (line.up.pop_front(), line.device);
        if let Some(frame) = frame {
            self.note(|| format!("{} -> server: {}", device + 1, name(&format!("{frame:?}"))));
            self.server.heard(session, frame);
        } else {
            self.note(|| format!("the server notices that {} is gone", device + 1));
            self.lines[at].session = None;
            self.server.gone(session);
        }
        self.post();
    }

    pub(super) fn deliver_down(&mut self, at: usize) {
        let line = &mut self.lines[at];
        let Some(connection) = line.connection else { return };
        let (frame, device) = (line.down.pop_front(), line.device);
        if let Some(frame) = frame {
            line.welcomed |= matches!(frame, FromServer::Welcome(_));
            self.note(|| format!("server -> {}: {}", device + 1, name(&format!("{frame:?}"))));
            self.devices[device].heard_server(connection, frame);
            // A dial that was faster than the notice of it is let in now.
            self.unpark(device);
        } else {
            self.note(|| format!("{} lost the server", device + 1));
            self.lines[at].connection = None;
            self.devices[device].session_lost(connection, Loss::Away);
        }
        self.flush(device);
    }

    /// Whoever is not welcomed in time gives up.
    pub(super) fn tick_lines(&mut self) {
        for at in 0..self.lines.len() {
            let line = &self.lines[at];
            if !line.welcomed
                && self.now >= line.since + SIGN_IN_TIMEOUT
                && let Some(connection) = line.connection
            {
                let device = line.device;
                self.lines[at].connection = None;
                self.devices[device].session_lost(connection, Loss::Away);
                self.flush(device);
            }
        }
    }

    /// A session breaks: for both, or for one side first.
    pub(super) fn cut_session(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        self.fault(Fault::SessionCut);
        let at = self.random.gen_range(0..self.lines.len());
        let who = self.random.gen_range(0..3);
        let line = &mut self.lines[at];
        let (device, session, connection) = (line.device, line.session, line.connection);
        self.note(|| format!("the session of {} breaks ({who})", device + 1));
        let line = &mut self.lines[at];
        line.down.clear();
        if who != 1 {
            // Only the server notices now, or both do.
            line.up.clear();
            line.session = None;
            if let Some(session) = session {
                self.server.gone(session);
            }
        }
        if who != 0
            && let Some(connection) = connection
        {
            self.lines[at].connection = None;
            self.devices[device].session_lost(connection, Loss::Away);
            self.flush(device);
        }
        self.post();
    }

    /// The server is killed: all sessions and relayed links are broken.
    pub(super) fn crash_server(&mut self) {
        if !self.server.up {
            return;
        }
        self.fault(Fault::ServerCrash);
        self.server.crash();
        for line in &mut self.lines {
            line.session = None;
            line.up.clear();
            line.down.clear();
        }
        self.knocks.clear();
        for wire in 0..self.wires.len() {
            if self.wires[wire].relayed {
                self.cut(wire, None);
            }
        }
    }

    pub(super) fn start_server(&mut self) {
        self.note(|| "the server starts".to_owned());
        self.server.up = true;
    }
}

/// The name of a frame in its debug form.
fn name(debug: &str) -> String {
    debug.chars().take(90).collect()
}
