//! Questions that need an answer before something happens. Each is a function: it shows a dialog over the window and calls back with the
//! answer; closing it is no answer.
//!
//! - [`add_friend`] whom to ask
//! - [`safety_number`] digits to compare
//! - [`status_text`] what friends read under one's name
//! - [`confirm`] before something that is hard to take back
//! - [`about`] the program

pub mod about;
pub mod add_friend;
pub mod confirm;
pub mod safety_number;
pub mod status_text;
