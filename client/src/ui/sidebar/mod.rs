//! The left side of the window: own name, search, requests, friends.
//!
//! - [`pane`] the component
//! - [`person_row`] a friend's line
//! - [`request_row`] a request's line

pub mod pane;
pub mod person_row;
pub mod request_row;

pub use pane::{Sidebar, SidebarInput, SidebarOutput};
