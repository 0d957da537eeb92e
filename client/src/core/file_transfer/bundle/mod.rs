//! A folder that is sent: its files' bytes follow each other as if they were one file, so that groups, hashes, going on after a break and
//! the end are those of a file. What lies where in them is said beforehand by a listing, whose hash is in the offer.
//!
//! - `layout.rs`: what a listing says, checked, with names that are safe. Pure.
//! - `snapshot.rs`: what the sender found when it offered. `outgoing.rs`: reads it; what changed since is skipped, never mixed.
//! - `incoming.rs`: writes what arrives below the profile, as the tree that it will be.

pub mod incoming;
pub mod layout;
pub mod outgoing;
pub mod snapshot;
#[cfg(test)]
mod tests;
