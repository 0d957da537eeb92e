//! All that a `FileTransfer` accepts: from the `Registry` what people and the other side want and what links there are, from its own tasks
//! how they ended.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use actix::{Addr, Message};
use hobnob_shared::id::{DeviceId, Fingerprint, Token};
use hobnob_shared::message::{Circuit, Peer};

use super::pump::Outcome;
use crate::core::links::Up;
use crate::core::outlet::Ticket;
use crate::core::peer_link::PeerLink;
use crate::core::peer_link::dial::{DialError, PeerStream};

/// What a person wants of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Take the file.
    Accept {
        /// Exactly there, instead of in the download folder.
        save_as: Option<PathBuf>,
    },
    /// Do not take it.
    Decline,
    /// Stop for now.
    Pause,
    /// Go on after a pause or a failure.
    Resume,
    /// Give it up.
    Cancel,
    /// Nobody's decision about the file: the friendship ended.
    Part,
}

/// A person wants this.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Order {
    /// What.
    pub wish: Wish,
    /// Who waits for the answer; nobody where the core itself decides.
    pub ticket: Option<Ticket>,
}

/// A link to the friend stands, or its path changed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Linked {
    /// To which device.
    pub device: DeviceId,
    /// The friend's identity key that the link proved.
    pub account: Fingerprint,
    /// How.
    pub up: Up,
    /// Takes frames.
    pub link: Addr<PeerLink>,
}

/// A link is down. What runs on a connection of its own goes on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Unlinked {
    /// To which device.
    pub device: DeviceId,
}

/// The other side said something about this transfer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct FrameCame {
    /// On the link to which device.
    pub device: DeviceId,
    /// Offer, accept, decline or cancel.
    pub frame: Peer,
}

/// The other side dialled the data stream, or a further connection of it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct StreamCame {
    /// Which device.
    pub device: DeviceId,
    /// With which token.
    pub token: Token,
    /// After the handshake.
    pub stream: PeerStream,
}

/// The server opened a relay circuit for the data stream.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CircuitCame {
    /// Token and role.
    pub circuit: Circuit,
    /// The relay's address.
    pub relay: SocketAddr,
}

/// The server opens no circuit.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CircuitRefused;

/// Tell the person about the offer if it still waits.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SayAgain;

/// Send and receive nothing: the friend's key changed, or the program ends. With `end` the actor stops too.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Hold {
    /// For good; what is kept on the disk goes on with the next start.
    pub end: bool,
}

/// The friend's new key was accepted: what was offered to the old one is offered to it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Readdressed {
    /// The new key.
    pub key: Fingerprint,
}

/// A pump ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct PumpEnded {
    /// How.
    pub outcome: Outcome,
}

/// A further connection of the data stream stands, dialled from here.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct FlowStands {
    /// With which token.
    pub token: Token,
    /// After the handshake.
    pub stream: PeerStream,
}

/// A dial, direct or by the relay, ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct DialEnded {
    /// To which device.
    pub device: DeviceId,
    /// By the relay; otherwise the stream comes with the round trip of its path.
    pub relayed: bool,
    /// How.
    pub result: Result<(PeerStream, Option<Duration>), DialError>,
}
