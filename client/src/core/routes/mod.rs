//! What the registry does, by topic. Each file adds methods to it; none has state of its own.
//!
//! # Layout
//! - `commands`: which command goes where.
//! - `account`: signing up, in and out; the session's coming and going.
//! - `people`: friends, requests, presence, and what the server says of them.
//! - `avatars`: the pictures that people show themselves with.
//! - `devices`: this account's, and which of others' may link. `password`: what else takes the password.
//! - `contacts`: what this account's devices tell each other of people; blocks.
//! - `keys`: changed keys, safety numbers, alarms.
//! - `talk`: messages, history, typing, read marks. `acts`: what is done to messages. `replicas`: the logs that they are in, on all links together. `marks`: how far they got.
//! - `rooms`: joining, leaving, members. `search`: over all of it.
//! - `links`: introductions, live links, re-dialling.
//! - `files`: transfers, by what people here want; `offers`: by what friends say.

pub mod account;
mod acts;
mod avatars;
mod commands;
mod contacts;
pub mod devices;
mod files;
pub mod keys;
mod links;
mod marks;
mod offers;
mod password;
mod pasted;
pub mod people;
mod replicas;
pub mod rooms;
mod search;
mod talk;
