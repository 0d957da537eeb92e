//! Everything that the registry accepts: commands from outside, news from the session, the peer links, the listener and the transfers.

use std::net::SocketAddr;

use actix::{Context, Message};
use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, MessageId, Token, TransferId};
use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::{FromServer, Head, Peer, Presence, Welcome};

use super::actor::Registry;
use crate::core::command::Command;
use crate::core::event::{Event, LinkPath, MessageState, ServerState};
use crate::core::outlet::Ticket;
use crate::core::peer_link::dial::PeerStream;
use crate::core::peer_link::{Connection, Refused};
use crate::core::replica::ThreadKey;
use crate::core::session::{ConnectError, Ends, EnrolError, Outcome};

/// From outside: carry this out and answer it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Submit {
    /// What.
    pub command: Command,
    /// The duty to answer.
    pub ticket: Ticket,
}

/// From outside: end in order.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Shutdown;

/// From the registry's own tasks: go on with what a task found out. Tasks run beside the actor, so that a slow disk holds nothing up.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Continue(pub Next);

/// What a task left to do.
pub type Next = Box<dyn FnOnce(&mut Registry, &mut Context<Registry>) + Send>;

/// From the session: the server said something that is not the session's own business.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ServerEvent(pub FromServer);

/// From the session: connected and welcomed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SessionOpened {
    /// What the server said.
    pub welcome: Box<Welcome>,
    /// Its key, to be pinned.
    pub server_key: Fingerprint,
    /// Both ends.
    pub ends: Ends,
    /// Its address as a person knows it.
    pub place: String,
}

/// From the session: trying, or not connected.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SessionChanged {
    /// Never online; that is [`SessionOpened`].
    pub state: ServerState,
    /// Why, where there is a reason.
    pub reason: Option<ConnectError>,
}

/// From the session: sign-up, password sign-in, or what else takes the password, ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EnrolmentEnded {
    /// How.
    pub result: Result<Outcome, EnrolError>,
}

/// From a peer link: it stands, or its path changed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LinkUp {
    /// To which device.
    pub device: DeviceId,
    /// Of whom.
    pub user: Handle,
    /// How.
    pub path: LinkPath,
    /// The other end of a direct one.
    pub address: Option<SocketAddr>,
    /// We dialled.
    pub dialled: bool,
    /// Their presence, as they say.
    pub presence: Presence,
    /// Their status text.
    pub text: String,
    /// What they can do.
    pub abilities: Abilities,
    /// Their devices, signature verified.
    pub device_list: IdentityStatement,
    /// Their account's certificate, DER.
    pub certificate: Vec<u8>,
}

/// From a peer link: it is down.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LinkDown {
    /// To which device.
    pub device: DeviceId,
    /// Of whom.
    pub user: Handle,
}

/// From a peer link: a frame that is not the link's own business.
#[derive(Message)]
#[rtype(result = "()")]
pub struct FrameArrived {
    /// From which device.
    pub device: DeviceId,
    /// Of whom.
    pub user: Handle,
    /// What.
    pub frame: Peer,
}

/// Dropped when a frame is dealt with; until then its link reads no further.
pub type Guard = tokio::sync::oneshot::Sender<()>;

/// From a peer link: a part of a log is on the disk, or was refused.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LogArrived {
    /// Over the link to which device.
    pub link: DeviceId,
    /// Of whom.
    pub user: Handle,
    /// Where.
    pub thread: ThreadKey,
    /// Whose log.
    pub device: DeviceId,
    /// What the part followed; `None` if it was refused.
    pub after: Option<u64>,
    /// New messages, and what became of older ones, in order: tell them.
    pub new: Vec<Event>,
    /// Where the copy ends now.
    pub head: Option<Head>,
    /// It goes on at least to there, but something before that is missing, or the disk failed.
    pub behind: Option<u64>,
    /// It was not believed.
    pub refused: Option<Refused>,
}

/// From a peer link: own messages got further.
#[derive(Message)]
#[rtype(result = "()")]
pub struct StatesChanged {
    /// Which, and how far.
    pub states: Vec<(MessageId, MessageState)>,
    /// In a room: with which member.
    pub by: Option<Handle>,
}

/// From dialling and listening: somebody with another key than the pinned one answered for a friend.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PinMismatch {
    /// For whom.
    pub user: Handle,
}

/// From the listener: a friend's device dialled us.
#[derive(Message)]
#[rtype(result = "()")]
pub struct IncomingLink {
    /// Whose.
    pub user: Handle,
    /// Which device.
    pub device: DeviceId,
    /// It came by a reunion token of this counter.
    pub reunion: Option<u64>,
    /// After the handshake.
    pub connection: Connection,
}

/// From the listener: the data stream of a transfer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct IncomingStream {
    /// Which transfer.
    pub transfer: TransferId,
    /// Whose device dialled.
    pub user: Handle,
    /// Which device.
    pub device: DeviceId,
    /// With which token.
    pub token: Token,
    /// After the handshake.
    pub stream: PeerStream,
}

/// From a transfer: its data stream needs a circuit through the relay.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CircuitWanted {
    /// The friend.
    pub user: Handle,
    /// Their device.
    pub device: DeviceId,
    /// Which transfer.
    pub transfer: TransferId,
}

/// From a transfer: nothing more will happen to it, and its actor is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct TransferOver {
    /// Which.
    pub transfer: TransferId,
}
