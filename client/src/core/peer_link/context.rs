//! What a peer link is given when it starts: by the registry, for the link and for those who read and write on its behalf.

use std::net::SocketAddr;
use std::sync::Arc;

use actix::Addr;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, InstanceId};
use hobnob_shared::message::Presence;

use super::dial::Target;
use super::store::Peers;
use super::tokens::TokenTable;
use crate::core::history::History;
use crate::core::profile::Identity;
use crate::core::registry::Registry;

/// What a peer link needs to know of the rest.
#[derive(Clone)]
pub struct LinkContext {
    /// This device.
    pub identity: Arc<Identity>,
    /// The stored messages.
    pub history: History,
    /// Who hears of everything.
    pub registry: Addr<Registry>,
    /// Who may come in.
    pub tokens: TokenTable,
    /// Of this start of the program.
    pub instance: InstanceId,
    /// Where peers are awaited; 0 if nowhere.
    pub listen_port: u16,
    /// The server's address, for its relay.
    pub server: Option<SocketAddr>,
    /// The friend.
    pub user: Handle,
    /// Their pinned key.
    pub account: Fingerprint,
    /// Their device.
    pub device: DeviceId,
    /// Own presence and status text at the start; later ones come as frames.
    pub presence: (Presence, String),
}

impl LinkContext {
    /// Whom to find at an address.
    pub(super) fn target(&self) -> Target {
        Target { account: self.account, device: self.device }
    }

    /// Both ends, for whoever reads or writes logs for this link.
    pub(super) fn peers(&self) -> Peers {
        let Self { identity, user, account, device, .. } = self;
        Peers { own: identity.clone(), user: user.clone(), account: *account, device: *device }
    }
}
