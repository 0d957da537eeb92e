//! `FileTransfer`: one file that goes to a friend or comes from one, from offer to end.

mod folder;
pub mod names;
#[cfg(test)]
mod names_cases;
pub mod partial;
pub mod pump;
mod receive;
mod send;
mod sidecar;
pub mod source;
pub mod tree;
mod why;
mod wire;

pub use folder::Place;
pub use why::Why;
