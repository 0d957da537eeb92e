//! The server over real sockets at loopback, in this process: `flow` is what it is for, `hostile` is what it withstands.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod client;
mod flow;
mod hostile;
