//! One tab: a timeline and a composer.
//!
//! - [`page`] the component
//! - [`timeline`] the list, and where it stands when something is added
//! - [`row`] a line of it: day, name, bubble or card, time and state, as [`line_layout`] lays them out; [`rows`] makes it from the model
//! - [`bubble`] a message, with the [`quote`] of what it answers and the [`pills`] of those who reacted; [`menu`] and
//!   [`hover`] what can be done with it
//! - [`composer`] what is written, and under its [`mode_bar`] what is answered or changed, as [`desk`] decides; [`writing`] tells others that
//!   it is; [`clipboard`] what is pasted there, `completion` finds whom one calls
//! - [`drops`] files that are dropped there
//! - [`key_bar`] the bar of a friend whose key changed, [`room_bar`] that of a room that one is not in

pub mod bubble;
pub mod clipboard;
pub mod completion;
pub mod composer;
pub mod desk;
pub mod drops;
pub mod hover;
pub mod key_bar;
pub mod line_layout;
pub mod menu;
pub mod mode_bar;
pub mod page;
pub mod pills;
pub mod quote;
pub mod room_bar;
pub mod row;
pub mod rows;
pub mod timeline;
pub mod writing;

pub use page::{ConversationPage, PageInit, PageInput, PageOutput};
