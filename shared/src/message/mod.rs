//! The typed messages of the protocol, one file for each direction. Every enum is `{t: kind, v: body}` on the wire; a field that is
//! added later has a default, a name is never used again. `docs/PROTOCOL.md` describes each with a sample.

mod account;
mod from_server;
mod peer;
mod replica;
mod room;
mod to_server;
mod transfer;

pub use account::*;
pub use from_server::*;
pub use peer::*;
pub use replica::*;
pub use room::*;
pub use to_server::*;
pub use transfer::*;

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, Fingerprint, Handle};

/// Ties an answer of the server to the question: chosen by the client, grows by one.
pub type Seq = u32;

/// What a person's friends are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Signed in and there.
    Available,
    /// Signed in, not at the keyboard.
    Away,
    /// Signed in, does not want to be disturbed.
    Busy,
    /// Not signed in, or invisible.
    Offline,
    /// Nobody can say: the server is away and there is no link. Never on the wire.
    #[default]
    Unknown,
}

impl Presence {
    /// Signed in with some device, as far as we are told.
    pub fn is_online(self) -> bool {
        matches!(self, Self::Available | Self::Away | Self::Busy)
    }
}

/// What a person chooses to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum OwnPresence {
    /// There.
    #[default]
    Available,
    /// Not at the keyboard.
    Away,
    /// Does not want to be disturbed.
    Busy,
    /// Signed in, shown as offline.
    Invisible,
}

impl OwnPresence {
    /// What friends see of it.
    pub fn shown(self) -> Presence {
        match self {
            Self::Available => Presence::Available,
            Self::Away => Presence::Away,
            Self::Busy => Presence::Busy,
            Self::Invisible => Presence::Offline,
        }
    }
}

/// What a friend request says: signed as a statement with purpose [`FRIEND_REQUEST`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequest {
    /// Who asks.
    pub from: Handle,
    /// Who is asked.
    pub to: Handle,
    /// The asker's identity key.
    pub from_key: Fingerprint,
    /// The other's identity key, where the asker has it pinned already: then nobody else can accept.
    #[serde(default)]
    pub to_key: Option<Fingerprint>,
    /// Makes every request another one, so that an old acceptance fits no new request.
    #[serde(with = "serde_bytes")]
    pub nonce: [u8; 16],
}

/// Purpose of a [`FriendRequest`]'s signature.
pub const FRIEND_REQUEST: &str = "friend-request";

/// What an acceptance says: signed as a statement with purpose [`FRIEND_ACCEPTANCE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendAcceptance {
    /// BLAKE3 of the request statement's body, byte for byte.
    pub request: crate::id::Hash,
    /// Who asked.
    pub from: Handle,
    /// Who accepts.
    pub to: Handle,
    /// The asker's identity key.
    pub from_key: Fingerprint,
    /// The accepter's identity key.
    pub to_key: Fingerprint,
}

/// Purpose of a [`FriendAcceptance`]'s signature.
pub const FRIEND_ACCEPTANCE: &str = "friend-acceptance";

/// What is signed by both keys when a device is enrolled: binds them to this one TLS connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentProof {
    /// The account.
    pub user: Handle,
    /// The device.
    pub device: DeviceId,
    /// TLS exporter of this connection, label [`ENROLMENT_EXPORTER`], no context.
    #[serde(with = "serde_bytes")]
    pub exporter: [u8; 32],
}

/// Label of the exporter in an [`EnrolmentProof`].
pub const ENROLMENT_EXPORTER: &str = "hobnob/1 enrolment";
/// Purpose of the identity key's signature over an [`EnrolmentProof`].
pub const ENROL_IDENTITY: &str = "enrol-identity";
/// Purpose of the device key's signature over an [`EnrolmentProof`].
pub const ENROL_DEVICE: &str = "enrol-device";
