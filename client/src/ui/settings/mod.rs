//! What a person prefers: [`keys`] says what there is, its defaults and ranges; [`store`] keeps it in `GSettings` where the schema is
//! installed, else in a [`file`]. Read everywhere in the window, changed by [`crate::ui::preferences`].

mod file;
pub mod keys;
pub mod store;

pub use keys::{Flag, Number, Preferences, Style};
pub use store::Store;
