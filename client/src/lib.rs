//! Hobnob's client: the core, the window's model, and the window.

pub mod core;
