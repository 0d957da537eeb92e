//! `PeerLink`: the one encrypted connection between this device and one device of a friend. The `Registry` makes one for each device that
//! it wants a link to, tells it of introductions and of queued messages, and hears from it of the link, of messages, and of all other
//! frames. The listener and the dial tasks hand it connections; it decides which one is the link, re-dials without the server, and keeps
//! messages exactly once and in order.
//!
//! - `state.rs`, `pushes.rs`: the decisions, pure.
//! - `actor.rs`: carries them out; `context.rs`: what it is given; `connection.rs`: one of its connections.
//! - `dial.rs`, `listen.rs`: connections out and in; `tokens.rs`: who may come in.
//! - `redial.rs`: finding the friend again without the server, by the tokens of `reunion.rs`, pure; `keep.rs` carries it out.
//! - `store.rs`: logs that arrive, onto the disk; `serve.rs`: logs from the disk, for the other side.

mod actor;
mod connection;
mod context;
pub mod dial;
mod keep;
pub mod listen;
mod message;
mod pushes;
pub mod redial;
pub mod reunion;
mod serve;
pub mod state;
mod store;
pub mod tokens;

pub use actor::PeerLink;
pub use context::LinkContext;
pub use message::{
    Adopt, Close, Connection, Follow, Grew, Introduce, ReunionUsed, Reunite, SendFrame, SetIdentity, SetServer,
    Unfollow,
};
pub use store::Refused;
