//! Desktop notifications: one for each conversation, replaced by the next, taken back when it was read, deleted or seen elsewhere.
//!
//! - [`decide`] pure: whether something is told at all, and with what sound
//! - [`board`] pure: what stands on the desktop and what should, and in what words
//! - [`desktop`] carries that out over D-Bus
//! - [`tell`] for the root: what happened to whom

pub mod board;
pub mod decide;
pub mod desktop;
pub mod tell;

pub use board::{Place, Tag};
pub use desktop::Notifier;
