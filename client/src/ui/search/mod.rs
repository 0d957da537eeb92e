//! Going where something is: the search over messages, people, rooms and files, and the quick switcher. Both are one kind of window, an entry
//! over a list that is steered from the entry.
//!
//! - [`picker`] the window; [`row`] a line of its list
//! - [`rows`] what lines say, from what was found
//! - [`view`], [`switcher`] what the root does with either

pub mod picker;
pub mod row;
pub mod rows;
pub mod switcher;
pub mod view;

pub use picker::Picker;
pub use row::Pick;
pub use view::Searching;
