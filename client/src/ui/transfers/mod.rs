//! Files: their cards in the timelines, choosing what to send and where to save, and showing where a file is.
//!
//! - [`card`] a transfer in the timeline; [`picture`] what it shows of its file, [`pictures`] where that comes from
//! - [`panel`] all of them, over all conversations
//! - [`choose`] file choosers
//! - [`folder`] shows a received file in the file manager; nothing here ever opens it

pub mod card;
pub mod choose;
pub mod folder;
pub mod panel;
pub mod picture;
pub mod pictures;

pub use card::CardOutput;
pub use panel::{TransfersOutput, TransfersPanel};
pub use pictures::{Pictures, texture};
