//! What the server says when it says no: each refusal with its wire code and a sentence for people, and the sentences with which a
//! server refuses to start. Made by the state machines, sent by `Session` and `Registry`.

use std::path::PathBuf;
use std::time::Duration;

use hobnob_shared::error::WireCode;
use hobnob_shared::message::{Failed, FromServer, Seq, SignedOut};

use crate::config::ConfigError;
use crate::store::OpenError;

/// A request that is not carried out, or a connection that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The handle belongs to somebody.
    Taken,
    /// Wrong password, or no such account: nobody can tell which.
    WrongPassword,
    /// Not the room's password, or none where there is one.
    WrongRoomPassword,
    /// Too often; comes back after this time.
    RateLimited(Duration),
    /// The two are no friends.
    NotFriends,
    /// No device of that friend is there.
    Offline,
    /// Nobody asked to be accepted.
    NoRequest,
    /// Nobody has the asked name and the key that the request names.
    NobodyWithThatKey,
    /// No such room or member, as far as the asker may know.
    NoMember,
    /// Too many friends, requests, blocks or devices.
    TooMany(&'static str),
    /// The store is overloaded or failed.
    Internal,
    /// A certificate or signature does not hold.
    BadSignature(&'static str),
    /// Well-formed, but not allowed.
    Forbidden(&'static str),
    /// This frame has no place here.
    WrongState,
    /// A kind of frame from the future.
    Unsupported,
    /// No CBOR, or none of ours.
    Malformed,
    /// A frame beyond the limit.
    TooLarge,
    /// Nobody signed up with this identity key.
    UnknownUser,
    /// The account's list does not have this device.
    DeviceRemoved,
    /// Another device changed the account meanwhile.
    AccountChanged,
    /// Another device put a roster meanwhile.
    RosterChanged,
    /// No hello, or no end of the enrolment, in time.
    TooSlow,
}

impl Refusal {
    /// The code on the wire.
    pub fn code(self) -> WireCode {
        match self {
            Self::Taken => WireCode::Taken,
            Self::WrongPassword | Self::WrongRoomPassword => WireCode::WrongPassword,
            Self::RateLimited(_) => WireCode::RateLimited,
            Self::NotFriends => WireCode::NotFriends,
            Self::Offline => WireCode::Offline,
            Self::NoRequest | Self::NobodyWithThatKey | Self::NoMember => WireCode::NotFound,
            Self::TooMany(_) => WireCode::Full,
            Self::Internal => WireCode::Internal,
            Self::BadSignature(_) => WireCode::BadSignature,
            Self::Forbidden(_) => WireCode::Forbidden,
            Self::WrongState => WireCode::WrongState,
            Self::Unsupported => WireCode::Unsupported,
            Self::Malformed => WireCode::BadRequest,
            Self::TooLarge => WireCode::TooLarge,
            Self::UnknownUser => WireCode::UnknownUser,
            Self::DeviceRemoved => WireCode::DeviceRemoved,
            Self::AccountChanged | Self::RosterChanged => WireCode::Conflict,
            Self::TooSlow => WireCode::TooLate,
        }
    }

    /// A sentence for people.
    pub fn sentence(self) -> String {
        match self {
            Self::Taken => "This username is taken. Choose another one.".into(),
            Self::WrongPassword => "The username or the password is wrong.".into(),
            Self::WrongRoomPassword => "The password of this room is another one.".into(),
            Self::RateLimited(wait) => format!("That was too often. Try again in {} s.", seconds(wait)),
            Self::NotFriends => "You are not friends.".into(),
            Self::Offline => "They are not online.".into(),
            Self::NoRequest => "There is no such friend request. Perhaps it was withdrawn.".into(),
            Self::NobodyWithThatKey => "Nobody here has that name and that key.".into(),
            Self::NoMember => "There is no such room, or nobody of that name in it.".into(),
            Self::TooMany(what) => format!("There are too many {what}."),
            Self::Internal => "The server cannot do this at the moment. Try again.".into(),
            Self::BadSignature(what) => format!("The server could not verify the {what}."),
            Self::Forbidden(what) => format!("That is not allowed: {what}."),
            Self::WrongState => "The program sent a message that has no place here.".into(),
            Self::Unsupported => "This server does not know that kind of message.".into(),
            Self::Malformed => "The program sent something that is no message.".into(),
            Self::TooLarge => "The program sent a message that is too long.".into(),
            Self::UnknownUser => "This server does not know your account. Perhaps its data was lost.".into(),
            Self::DeviceRemoved => "This device was removed from the account. Sign in with the password.".into(),
            Self::AccountChanged => "The account was changed from another device at the same time. Try again.".into(),
            Self::RosterChanged => "Another device has saved its contacts at the same time. Read them again.".into(),
            Self::TooSlow => "Signing in took too long.".into(),
        }
    }

    /// The frame that says so. Without `seq` the connection ends, or the frame had none.
    pub fn failed(self, seq: Option<Seq>) -> FromServer {
        let retry_after = match self {
            Self::RateLimited(wait) => Some(seconds(wait)),
            _ => None,
        };
        FromServer::Failed(Failed { seq, code: self.code(), text: self.sentence(), retry_after })
    }
}

/// Whole seconds, rounded up: who comes back then is let in.
fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

/// Why a session ends that stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The same device came again.
    Replaced,
    /// Another device took it off the account's list.
    DeviceRemoved,
    /// The server stops.
    ShuttingDown,
    /// It does not read what is sent to it.
    Slow,
}

impl Ending {
    /// The code on the wire.
    pub fn code(self) -> WireCode {
        match self {
            Self::Replaced => WireCode::Replaced,
            Self::DeviceRemoved => WireCode::DeviceRemoved,
            Self::ShuttingDown => WireCode::ShuttingDown,
            Self::Slow => WireCode::Slow,
        }
    }

    /// The frame that says so.
    pub fn signed_out(self) -> FromServer {
        let text = match self {
            Self::Replaced => "This device has signed in again elsewhere.",
            Self::DeviceRemoved => "This device was removed from the account.",
            Self::ShuttingDown => "The server is shutting down.",
            Self::Slow => "The connection is too slow for what is sent to it.",
        };
        FromServer::SignedOut(SignedOut { code: self.code(), text: text.to_owned() })
    }
}

/// Why a server does not start. Printed to the operator, who has to do something about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Bad `--config`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder cannot be used.
    #[error("cannot use the data folder {path}: {source}")]
    Data {
        /// The folder, or a file in it.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing to look over.
    #[error("there is no store in {0}")]
    NoStore(PathBuf),
    /// Another server has it.
    #[error("another server is running on the data folder {0}; stop it first, or choose another folder with --data")]
    InUse(PathBuf),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A key file holds something else.
    #[error("the key file {0} is damaged; restore it from a backup")]
    Key(PathBuf),
    /// A key file is gone although there are accounts.
    #[error(
        "the key file {0} is missing but the store is there; restore it from a backup, because without it no password and no client fits this server any more"
    )]
    KeyMissing(PathBuf),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The wanted address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The operating system refused something else.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
    /// A fault of the server itself.
    #[error("the registry has crashed; this is a fault of the server, please report it")]
    Crashed,
    /// TLS cannot be set up with the server's key.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}
