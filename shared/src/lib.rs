//! What Hobnob's server and client have in common. Knows no actor framework and no toolkit.
//!
//! # Layout
//! - [`id`]: newtypes for everything that has a name. [`limits`]: every size, time and capacity, each with its reason.
//! - [`identity`]: accounts, devices, certificates, signatures. [`password`]: OPAQUE. [`seal`]: what is
//!   sealed, under a password or for an account's devices.
//! - [`tls`]: the only place that configures TLS. [`net`]: how sockets are set up. [`relay`]: the relay's preamble.
//!   [`descriptors`]: how many of them a program may have.
//! - [`codec`]: bytes to messages and back. [`link`]: a connection as messages. [`message`]: the messages of the protocol.
//!   [`mention`]: who is called in a text.
//! - [`error`]: error codes on the wire. `names`: words on the wire of which later versions may know more.
//!   [`abilities`]: what both sides can do. [`machine`]: state machines of both programs.

pub mod abilities;
pub mod codec;
pub mod descriptors;
pub mod error;
pub mod id;
pub mod identity;
pub mod limits;
pub mod link;
pub mod machine;
pub mod mention;
pub mod message;
mod names;
pub mod net;
pub mod password;
pub mod relay;
pub mod seal;
pub mod tls;
