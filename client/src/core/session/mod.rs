//! The link to the server: one actor that signs up, signs in, stays connected, and comes back after every break. It talks to the registry
//! alone.
//!
//! # Layout
//! - `message`: what it accepts.
//! - `state`: when to dial, wait, ping and give up; pure.
//! - `actor`: lifecycle and thin handlers.
//! - `connect`: one connection, from the address to the server's welcome.
//! - `enrol`: sign-up and password sign-in, over a connection of their own. `affairs`: what else takes the password.

mod actor;
mod affairs;
mod connect;
mod enrol;
mod message;
pub(in crate::core) mod state;

pub use actor::{Session, SessionContext};
pub use connect::{ConnectError, Ends, ends_session};
pub use enrol::{EnrolError, Outcome, Own, Wish};
pub use message::{CancelEnrolment, Close, Enrol, Hurry, Open, RememberPresence, Say};
