//! What the window knows, without a window: events of the core go in, changes to draw come out. No toolkit, no actors, no clock: the whole
//! behaviour of the window's content is tested here, in milliseconds. The window asks through [`Model::ask`] and draws what
//! [`Model::apply`] answers.
//!
//! - [`state`] routes each event to its part
//! - [`connection`] account, server, which page
//! - [`acts`] edits and deletes
//! - [`answers`] does the same with the answers to what was asked
//! - [`contact`] nicknames, notes and how much is told of a conversation
//! - [`listing`] which friends and rooms are shown, and in which order; `recent` where something was said last
//! - [`roster`] friends and requests, their order
//! - [`avatars`] whose picture is which
//! - [`rooms`] rooms and who is in them
//! - [`conversation`] one timeline, messages in their places; [`stretch`] pages of the disk in it; [`pages`] which are asked for; [`line`] one
//!   line of it: groups, days, how far a message got; `known` which messages are in it
//! - `mentions` which messages of rooms call this account
//! - [`switch`] which conversation somebody means who types a few letters
//! - [`typing`] who writes just now
//! - [`fresh`] where the new messages of a conversation begin
//! - [`transfers`] files on their way
//! - [`question`] which answer belongs to which command
//! - [`change`] what has to be drawn again; [`batch`] the same of many events, each thing once

pub mod acts;
pub mod answers;
pub mod avatars;
pub mod batch;
pub mod change;
pub mod connection;
pub mod contact;
pub mod conversation;
pub mod fresh;
mod known;
pub mod line;
pub mod listing;
mod mentions;
pub mod pages;
pub mod question;
mod recent;
pub mod rooms;
pub mod roster;
pub mod state;
pub mod stretch;
pub mod switch;
pub mod transfers;
pub mod typing;

pub use batch::Batch;
pub use change::Change;
pub use question::{FileWish, Pending, PersonWish, Question, QuestionId};
pub use state::Model;
