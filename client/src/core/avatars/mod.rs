//! The pictures that people show themselves with: which is whose, who is asked for one, who gets mine. They go from device to device, never
//! over the server, and are kept in a folder of the profile for the time when their person is away. Nothing here looks into a picture. The
//! `Registry` carries out what is decided, in `routes/avatars.rs`.
//!
//! - [`exchange`]: the decisions, pure.
//! - [`files`]: the folder.

pub mod exchange;
pub mod files;
