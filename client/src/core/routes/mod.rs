//! What the registry does, by topic. Each file adds methods to it; none has state of its own.
//!
//! # Layout
//! - `commands`: which command goes where.
//! - `account`: signing up, in and out; the session's coming and going.
//! - `about`: own words on people, what is told of conversations and of oneself, invites.
//! - `people`: friends, requests, presence, and what the server says of them.
//! - `avatars`: the pictures that people show themselves with.
//! - `devices`: this account's, and which of others' may link. `password`: what else takes the password.
//! - `contacts`: what this account's devices tell each other of people; blocks.
//! - `keys`: changed keys, safety numbers, alarms.
//! - `talk`: messages, typing, read marks. `kept`: pages of what was said, exporting and erasing it. `acts`: what is done to messages. `replicas`: the logs that they are in, on all links together. `marks`: how far they got.
//! - `rooms`: joining, leaving, members. `search`: over all of it.
//! - `links`: introductions, live links, re-dialling.
//! - `saving`: what is handed to the disk, and the answers that wait for it.
//! - `files`: transfers, by what people here want; `offers`: by what friends say; `downloads`: where they go.

mod about;
pub mod account;
mod acts;
mod avatars;
mod commands;
mod contacts;
pub mod devices;
mod downloads;
mod files;
mod kept;
pub mod keys;
mod links;
mod marks;
mod offers;
mod password;
mod pasted;
pub mod people;
mod replicas;
pub mod rooms;
pub mod saving;
mod search;
mod talk;
