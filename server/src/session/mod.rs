//! One connection of a client. A [`Session`] is either an enrolment (no client certificate: sign-up, or password sign-in of a new device)
//! or a device that is signed in. `listener.rs` starts it after TLS; it asks the store, tells the `Registry`, and is ended by it.
//!
//! Decisions are pure: `state.rs` for what every connection does, `enrolment.rs` and `member.rs` for the two kinds.

mod actor;
mod enrolment;
mod member;
mod message;
mod meter;
mod state;
#[cfg(test)]
mod tests;

pub use actor::{Connection, Session};
pub use message::End;
pub use meter::{Meter, Metered};
pub use state::State;
