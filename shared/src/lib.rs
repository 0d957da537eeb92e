//! What Hobnob's server and client have in common. Knows no actor framework and no toolkit.
//!
//! # Layout
//! - [`id`]: newtypes for everything that has a name.
//! - [`limits`]: every size, time and capacity, each with its reason.
//! - [`abilities`]: what both sides of a connection can do.

pub mod abilities;
pub mod id;
pub mod limits;
