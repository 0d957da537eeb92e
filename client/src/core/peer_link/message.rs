//! All that a `PeerLink` accepts, from the `Registry`, from its listener and dial tasks, and from its own connections.

use std::net::SocketAddr;

use actix::Message;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::MessageId;
use hobnob_shared::message::{Introduced, Peer, PeerMessage};

use super::dial::PeerStream;
use super::outbox::ReadQueue;
use super::state::ConnectionId;
use crate::core::event::LinkPath;
use crate::core::history::pairs::Pair;

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

/// Something is queued for this friend.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

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

/// The queue was read.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct QueueRead {
    /// What was asked for.
    pub asked: ReadQueue,
    /// `None` if the store could not answer.
    pub messages: Option<Vec<PeerMessage>>,
}

/// Messages that came were stored, or refused.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stored {
    /// On the disk now or before: to be acknowledged.
    pub kept: Vec<MessageId>,
    /// Neither shown nor acknowledged.
    pub refused: usize,
}

/// One of its connections ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct ConnectionLost {
    /// Which.
    pub connection: ConnectionId,
}
