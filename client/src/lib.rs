//! Hobnob's client: the core, the window's model, and the window.
//!
//! - [`core`] takes commands and tells events; knows no toolkit
//! - [`literal`] texts of others made harmless to look at; knows nobody, for the window and for what the core exports
//! - [`model`] what the window knows: applies events, says what has to be drawn again
//! - [`pictures`] decodes what somebody else made, in a process of its own; knows nobody
//! - `ui` the window, and `bridge` between it and the core; only with the feature `desktop`

#[cfg(feature = "desktop")]
pub mod bridge;
pub mod core;
pub mod literal;
pub mod model;
pub mod pictures;
#[cfg(feature = "desktop")]
pub mod ui;
