//! Everything that a session accepts, besides the frames of its connection.

use std::sync::Arc;

use actix::Message;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::DeviceId;
use hobnob_shared::identity::IdentityStatement;

/// The session ends: what there was to say is in its queue already. From the `Registry`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct End {
    /// For the log.
    pub reason: WireCode,
}

/// The account's devices from now on. From the `Registry`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Listed {
    /// Whose word counts.
    pub devices: Vec<DeviceId>,
    /// The list that says so.
    pub device_list: Arc<IdentityStatement>,
}
