//! Bytes that no honest program sends, to the server's port and to a client's: an error or a close, never a panic, nothing kept.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acts;
mod avatars;
mod bytes;
mod folder_port;
mod friend_port;
mod hostile_asker;
mod hostile_flows;
mod hostile_receiver;
mod hostile_sender;
mod peer_port;
mod room_mates;
mod room_port;
mod server_port;
