//! All that a `PeerLink` accepts, from the `Registry`, from its listener and dial tasks, and from its own connections.

use std::net::SocketAddr;
use std::sync::Arc;

use actix::Message;
use hobnob_shared::error::WireCode;
use hobnob_shared::message::{Head, Introduced, Peer, Thread};

use super::dial::PeerStream;
use super::state::{ConnectionId, LogRead};
use crate::core::event::LinkPath;
use crate::core::history::pairs::Pair;
use crate::core::profile::Identity;
use crate::core::replica::push::ReadLog;

/// A connection on which both certificates were the pinned ones.
pub struct Connection {
    /// After the handshake.
    pub stream: PeerStream,
    /// How it goes.
    pub path: LinkPath,
    /// The other end; of a relayed one, the relay.
    pub address: SocketAddr,
    /// I am the TLS client.
    pub dialled: bool,
}

/// Try to connect by these addresses and tokens.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Introduce(pub Box<Introduced>);

/// Keep trying to connect without the server, or stop that.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Reunite {
    /// Try.
    pub active: bool,
}

/// The server's address, for its relay; it was not known before, or has changed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SetServer(pub SocketAddr);

/// The account's devices changed: what is said in the hello of the connections to come.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SetIdentity(pub Arc<Identity>);

/// Take this authenticated connection into the race.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Adopt(pub Connection);

/// The friend came by a reunion token of this counter: it and those before are used up.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ReunionUsed {
    /// Of the token.
    pub counter: u64,
}

/// Write this if the link is up; otherwise it is dropped, and whoever sent it hears of the next `LinkUp`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SendFrame(pub Peer);

/// Both sides have said what they have of this thread: send our log from behind `acknowledged`, and whatever it grows by.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Follow {
    /// As it is named on this link.
    pub thread: Thread,
    /// Where the other side's copy of our log ends.
    pub acknowledged: u64,
}

/// Send nothing more of this thread.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Unfollow {
    /// As it is named on this link.
    pub thread: Thread,
}

/// Our log of this thread grew.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Grew {
    /// As it is named on this link.
    pub thread: Thread,
}

/// End the link and the actor; with `forget`, erase the pair's reunion secret.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Close {
    /// Told to the other side.
    pub code: WireCode,
    /// The friendship ended.
    pub forget: bool,
}

/// What one of its connections read; answered when there is room for the next.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct FrameRead {
    /// On which connection.
    pub connection: ConnectionId,
    /// The frame, or the name of an unknown kind.
    pub frame: Result<Peer, String>,
}

/// A dial with the reunion token of this counter was let in.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct LetIn {
    /// Of the token.
    pub counter: u64,
}

/// What the profile keeps of the pair.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct PairLoaded(pub Pair);

/// The own log was read.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct OwnLogRead {
    /// Of which thread.
    pub thread: Thread,
    /// What was asked for.
    pub asked: ReadLog,
    /// `None` if the store could not answer.
    pub read: Option<LogRead>,
}

/// Parts of logs that came were dealt with.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stored {
    /// What is on the disk now: to be acknowledged.
    pub heads: Vec<(Thread, Vec<Head>)>,
}

/// One of its connections ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct ConnectionLost {
    /// Which.
    pub connection: ConnectionId,
}
