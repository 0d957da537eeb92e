//! The registry: the core's hub. It routes commands to whoever carries them out, owns the friends, the live links and the transfers, and
//! tells every event. The session, the peer links, the listener and the transfers report to it; the topics are in `core/routes/`.

mod actor;
mod message;
pub(in crate::core) mod state;

pub(in crate::core) use actor::Trust;
pub(in crate::core) use actor::exchange;
pub use actor::{Registry, Setup};
pub use message::{
    CircuitWanted, Continue, EnrolmentEnded, FrameArrived, Guard, IncomingLink, IncomingStream, LinkDown, LinkUp,
    LogArrived, PinMismatch, ServerEvent, SessionChanged, SessionOpened, Shutdown, StatesChanged, Submit, TransferOver,
};
pub use state::{Ask, Errand, Server};
