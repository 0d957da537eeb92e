//! The harness: real programs as children, their JSON Lines, a recording proxy, a virtual display. Used by everything under `tests/`,
//! by the demo of `make run`, and by the benchmarks. Nothing here waits by sleeping for a guessed time: it waits for an event, with a deadline.
#![expect(clippy::missing_panics_doc, reason = "a harness fails its test by panicking; every function here may")]

pub mod bell;
pub mod client;
pub mod disk;
pub mod display;
pub mod files;
pub mod line;
pub mod namespace;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod raw;
pub mod raw_friend;
pub mod raw_member;
pub mod raw_stream;
pub mod room;
pub mod server;
pub mod story;
pub mod window;
