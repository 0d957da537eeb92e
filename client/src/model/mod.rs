//! What the window knows, without a window: events of the core go in, changes to draw come out. No toolkit, no actors, no clock: the whole
//! behaviour of the window's content is tested here, in milliseconds. The window asks through [`Model::ask`] and draws what
//! [`Model::apply`] answers.
//!
//! - [`state`] routes each event to its part
//! - [`connection`] account, server, which page
//! - [`roster`] friends and requests, their order
//! - [`conversation`] one timeline: messages and transfers by time, groups, days
//! - [`transfers`] files on their way
//! - [`question`] which answer belongs to which command
//! - [`change`] what has to be drawn again

pub mod change;
pub mod connection;
pub mod conversation;
pub mod question;
pub mod roster;
pub mod state;
pub mod transfers;

pub use change::Change;
pub use question::{FileWish, PersonWish, Question};
pub use state::Model;
