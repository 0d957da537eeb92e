//! Who is in a room: a panel that opens from the header of the room's conversation.
//!
//! - [`panel`] the button and the panel
//! - [`row`] a member's line

pub mod panel;
pub mod row;

pub use panel::MembersPanel;
pub use row::{MemberOutput, MemberRow};
