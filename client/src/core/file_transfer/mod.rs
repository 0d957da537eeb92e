//! `FileTransfer`: one file or folder that goes to a friend or comes from one, from offer to end. The `Registry` makes one for each transfer that may
//! still go on, tells it of links, of what the other side says and of what people want; it decides, and the pump moves the bytes.
//!
//! - `state.rs`, and by topic `other_side.rs`, `streams.rs`, `waiting.rs` and `ending.rs`: the decisions, pure; `meter.rs`: how fast it goes;
//!   `patience.rs`: how often the other side can have it begin again.
//! - `actor.rs`, with `disk.rs`, and `opening.rs` for data streams: carries them out; `context.rs`: what it needs for that. `why.rs`: reasons,
//!   in sentences.
//! - `turns.rs`, `dials.rs`: how many run, and come up, at once.
//! - `pump.rs`: the bytes, on threads of their own; `send.rs`, `receive.rs`: its halves; `flows.rs`: more connections than one; `wire.rs`:
//!   frames of a data stream; `pace.rs`: how fast they may go.
//! - `source.rs`: the file that is sent. `partial.rs`: what has arrived, and `beyond.rs`: what of it lies behind a gap. `folder.rs`: where it ends, under a name by `names.rs`.
//! - `bundle/`: folders, as one row of bytes.
//! - `tree.rs`: the hash of a file from those of its groups; `sidecar.rs`: where these are kept.

mod actor;
mod beyond;
pub mod bundle;
mod context;
mod dials;
mod disk;
mod ending;
mod flows;
mod folder;
mod message;
mod meter;
pub mod names;
#[cfg(test)]
mod names_cases;
mod opening;
mod other_side;
pub mod pace;
mod partial;
mod patience;
#[cfg(test)]
mod place_tests;
mod pump;
#[cfg(test)]
mod pump_tests;
mod receive;
mod send;
mod sidecar;
pub mod source;
mod state;
#[cfg(test)]
mod state_tests;
mod streams;
mod tree;
mod turns;
mod waiting;
mod why;
mod wire;

pub use actor::FileTransfer;
pub use context::{Running, TransferContext};
pub use dials::Dials;
pub use message::{
    CircuitCame, CircuitRefused, FrameCame, Hold, Linked, Order, Readdressed, SayAgain, StreamCame, Unlinked, Wish,
};
pub use turns::Turns;
pub use why::Why;
