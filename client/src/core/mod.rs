//! The client without a window: takes commands, tells events. Knows no toolkit. The desktop program and `hobnob-cli` both start it here.

pub mod command;
pub mod event;
pub mod history;
pub mod file_transfer;
