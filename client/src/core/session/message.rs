//! Everything that the session accepts: from the registry what to do, from its own connections what happened.

use std::sync::Arc;
use std::time::Instant;

use actix::Message;
use hobnob_shared::id::Fingerprint;
use hobnob_shared::link::FrameWriter;
use hobnob_shared::message::{FromServer, OwnPresence, ToServer, Welcome};

use super::connect::ConnectError;
use super::enrol::{EnrolError, Outcome, Wish};
use crate::core::profile::Identity;
use crate::core::server_address::ServerAddress;

/// Connect with the device's certificate, and stay connected.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Open {
    /// Where; a key in it must be the server's.
    pub server: ServerAddress,
    /// Who we are.
    pub identity: Arc<Identity>,
}

/// Disconnect, and stay so.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Close {
    /// The actor ends as well: the program closes.
    pub end: bool,
}

/// Sign up, in with a password, or do what else takes the password. Ends with the registry's `EnrolmentEnded`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Enrol {
    /// Where; a key in it must be the server's.
    pub server: ServerAddress,
    /// What.
    pub wish: Wish,
    /// Until when an absent server is tried again.
    pub until: Instant,
}

/// Nobody waits for the enrolment any more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CancelEnrolment;

/// Somebody waits for the server.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Hurry;

/// Presence and status text for the hellos to come.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RememberPresence {
    /// Presence.
    pub presence: OwnPresence,
    /// Status text.
    pub text: String,
}

/// Send this, if connected; otherwise it is dropped, and the registry hears of the lost connection.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Say(pub ToServer);

/// From a connection: the server welcomed us.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Welcomed {
    /// Which connection.
    pub connection: u64,
    /// The way to the server.
    pub writer: FrameWriter,
    /// What it said.
    pub welcome: Welcome,
    /// Its key.
    pub server_key: Fingerprint,
    /// Its address, and our own end.
    pub ends: super::connect::Ends,
}

/// From a connection: a frame came.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Heard {
    /// Which connection.
    pub connection: u64,
    /// The frame; nothing if its kind is unknown.
    pub frame: Option<FromServer>,
}

/// From a connection: it ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Lost {
    /// Which connection.
    pub connection: u64,
    /// Why.
    pub error: ConnectError,
}

/// From an enrolment: it ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Enrolled {
    /// How.
    pub result: Result<Outcome, EnrolError>,
}
