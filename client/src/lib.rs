//! Hobnob's client: the core, the window's model, and the window.
//!
//! - [`core`] takes commands and tells events; knows no toolkit
//! - [`literal`] texts of others made harmless to look at; knows nobody, for the window and for what the core exports
//! - [`model`] what the window knows: applies events, says what has to be drawn again
//! - `ui` the window, and `bridge` between it and the core; `pictures` decodes what it shows; only with the feature `desktop`

#[cfg(feature = "desktop")]
pub mod bridge;
pub mod core;
pub mod literal;
pub mod model;
#[cfg(feature = "desktop")]
pub mod pictures;
#[cfg(feature = "desktop")]
pub mod ui;
