//! One connection of a client. A [`Session`] is either an enrolment (no client certificate: sign-up, or what the password allows) or a
//! device that is signed in. `listener.rs` starts it after TLS; it asks the store, tells the `Registry`, and is ended by it.
//!
//! Decisions are pure: `state.rs` for what every connection does, `enrolment.rs` (with `proofs.rs`) and `member.rs` (with `rooms.rs` and
//! `roster.rs`) for the two kinds.

mod actor;
mod enrolment;
mod job;
mod member;
#[cfg(test)]
mod member_tests;
mod message;
mod meter;
mod note;
mod proofs;
#[cfg(test)]
mod proofs_tests;
mod rooms;
mod roster;
mod state;
#[cfg(test)]
mod tests;

pub use actor::{Connection, Session};
pub use job::{Answer, Job};
pub use message::{End, Listed};
pub use meter::{Meter, Metered};
pub use note::Note;
pub use state::{Effect, State};
