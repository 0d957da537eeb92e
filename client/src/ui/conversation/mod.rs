//! One tab: a timeline and a composer.
//!
//! - [`page`] the component
//! - [`timeline`] the list, and where it stands when something is added
//! - [`row`] a line of it: day, name, bubble or card, time and state; [`rows`] makes it from the model
//! - [`bubble`] a message
//! - [`composer`] what is written
//! - [`key_bar`] the bar of a friend whose key changed, [`room_bar`] that of a room that one is not in

pub mod bubble;
pub mod composer;
pub mod key_bar;
pub mod page;
pub mod room_bar;
pub mod row;
pub mod rows;
pub mod timeline;

pub use page::{ConversationPage, PageInit, PageInput, PageOutput};
