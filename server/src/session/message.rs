//! Everything that a session accepts, besides the frames of its connection.

use actix::Message;
use hobnob_shared::error::WireCode;

/// The session ends: what there was to say is in its queue already. From the `Registry`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct End {
    /// For the log.
    pub reason: WireCode,
}
