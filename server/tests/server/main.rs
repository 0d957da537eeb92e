//! The server over real sockets at loopback, in this process: `flow`, `rooms` and `account` are what it is for, `hostile` is what it
//! withstands. `client` and `keeper` are who speaks to it.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod account;
mod client;
mod flow;
mod hostile;
mod keeper;
mod rooms;
