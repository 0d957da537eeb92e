//! The window. Its folders mirror what the eye sees; leaves speak to their parents by outputs, and only [`app`] knows the model and the
//! bridge.
//!
//! - [`app`] the root: window, pages, what goes where; [`changes`] carries out what the model says, [`wishes`] what the user wants, [`look`] what follows when something else is in front;
//!   [`tabs`] opens, closes and pins them, [`windows`] are those that tabs were moved to; [`asides`] who writes, and what was written and not sent, which [`drafts`] keeps, and [`answering`] what that answers;
//!   [`people`], [`rooms`] and [`account`] do both for people, for rooms and for the account's devices and password, [`paste`] for pasted pictures, [`avatar`] for one's own picture
//! - [`sign_in`] sign-up, sign-in, and the page that stops everything when the server's key changed
//! - [`sidebar`] friends, requests and rooms
//! - [`content`] header, tabs and banner beside it; [`header`] what the header says; [`members`] who is in a room;
//!   [`conversation`] one tab: timeline and composer
//! - [`search`] the search over everything, and the quick switcher; [`seek`] goes to what they found, to a day, to the end
//! - [`messages`] what is done with one message, [`kept`] with a conversation as a whole
//! - [`transfers`] cards of files
//! - [`dialogs`] questions that need an answer
//! - [`faces`] people's pictures, wherever they stand
//! - [`widgets`], [`text`], [`links`], [`words`] what several of them use
//! - [`settings`] what a person prefers, [`preferences`] the window where that is changed
//! - [`actions`] menus and keys, [`paths`] ways through the window by keys, [`focus`] where the keyboard goes when it is nowhere, [`notify`] notifications, [`window_state`] what is kept of the
//!   window
//! - [`background`] the end of window and program, [`single`] one program for each profile, which links that are clicked go to

pub mod account;
pub mod actions;
pub mod answering;
pub mod app;
pub mod asides;
pub mod avatar;
pub mod background;
pub mod changes;
pub mod content;
pub mod conversation;
pub mod dialogs;
pub mod drafts;
pub mod faces;
pub mod focus;
pub mod header;
pub mod kept;
pub mod links;
pub mod look;
pub mod members;
pub mod messages;
pub mod notify;
pub mod paste;
pub mod paths;
pub mod people;
pub mod preferences;
pub mod rooms;
pub mod search;
pub mod seek;
pub mod settings;
pub mod sidebar;
pub mod sign_in;
pub mod single;
pub mod tabs;
pub mod text;
pub mod transfers;
pub mod widgets;
pub mod window_state;
pub mod windows;
pub mod wishes;
pub mod words;

/// The application's id: of its D-Bus name, its desktop file, its icon and its resources.
pub const APP_ID: &str = "org.hobnob.Hobnob";
/// Where its resources stand.
pub const RESOURCES: &str = "/org/hobnob/Hobnob";
