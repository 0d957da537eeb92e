//! The rules of the source tree, held by looking at it: who may import whom, how long a file is, what an actor's folder has in it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod files;
mod layers;
mod resources;
mod tree;
