//! Small parts that more than one place of the window uses.
//!
//! - [`icon_button`] a button that shows a picture and says its name
//! - [`spoken`] what a widget is called for those who listen
//! - [`tip`] tooltips that change
//! - [`announcer`] what is said to those who listen
//! - [`live_list`] a long list whose rows change in place
//! - [`in_view`] which rows of it are in view
//! - [`context_menu`] the menu of a line
//! - [`dialog`] a question over the window
//! - [`proportion`] a layout that keeps the proportions of a picture
//! - [`pages`] several widgets in one place
//! - [`qr`] a text for another person's camera
//! - [`avatar`] a person's picture with their presence on it

pub mod announcer;
pub mod avatar;
pub mod context_menu;
pub mod dialog;
pub mod icon_button;
pub mod in_view;
pub mod live_list;
pub mod pages;
pub mod proportion;
pub mod qr;
pub mod spoken;
pub mod tip;
