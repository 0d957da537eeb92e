//! The left side of the window: own name, search, requests, friends, rooms.
//!
//! - [`pane`] the component; [`lists`] its two lists and what stands in their place while there is nothing
//! - [`person_row`] a friend's line, [`room_row`] a room's; [`line`] what both have in common
//! - [`request_row`] a request's line

pub mod line;
pub mod lists;
pub mod pane;
pub mod person_row;
pub mod request_row;
pub mod room_row;

pub use pane::{Sidebar, SidebarInput, SidebarOutput};
