//! Questions that need an answer before something happens. Each is a function: it shows a dialog over the window and calls back with the
//! answer; closing it is no answer. Those that return their dialog stay open until the core has answered.
//!
//! - [`answer`] all that they can be answered with
//! - [`add_friend`] whom to ask, [`invite`] how others add this account
//! - [`details`] a person, and what one calls them; [`safety_number`] what to compare with them
//! - [`status_text`] what friends read under one's name
//! - [`join_room`] which room, and its password; [`room_password`] a new one for those who come later
//! - [`devices`] the account's devices; [`remove_device`] its password before one goes; [`change_password`]
//! - [`file_rule`] what of a friend's files is taken without asking
//! - [`own_picture`] which picture others see
//! - [`rates`] how fast files may go
//! - [`send_picture`] before a pasted picture is sent
//! - [`send_text`] before a text that is too long for a message is sent as a file
//! - [`open_link`] before a link is opened: where it goes
//! - [`confirm`] before something that is hard to take back
//! - [`about`] the program, and its [`shortcuts`]

pub mod about;
pub mod add_friend;
pub mod answer;
pub mod change_password;
pub mod confirm;
pub mod details;
pub mod devices;
pub mod export;
pub mod file_rule;
pub mod invite;
pub mod join_room;
pub mod jump_date;
pub mod open_link;
pub mod own_picture;
pub mod rates;
pub mod remove_device;
pub mod room_password;
pub mod safety_number;
pub mod send_picture;
pub mod send_text;
pub mod shortcuts;
pub mod status_text;
