//! What the registry does, by topic. Each file adds methods to it; none has state of its own.
//!
//! # Layout
//! - `commands`: which command goes where.
//! - `account`: signing up, in and out; the session's coming and going.
//! - `people`: friends, requests, presence, and what the server says of them.
//! - `keys`: changed keys, safety numbers, alarms.
//! - `talk`: messages, history, typing, read marks.
//! - `links`: introductions, live links, re-dialling.
//! - `files`: transfers.

pub mod account;
mod commands;
mod files;
pub mod keys;
mod links;
pub mod people;
mod talk;
