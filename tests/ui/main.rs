//! The main job in the real windows, driven through accessibility on a virtual display; pictures under `target/ui-screenshots`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod avatars;
mod broken;
mod clumsy;
mod comforts;
mod desktop;
mod drops;
mod entrance;
mod history;
mod hostile;
mod hostile_cases;
mod keyboard;
mod left_open;
mod mentions;
mod messages;
mod people;
mod pictures;
mod rooms;
mod search;
mod storm;
mod story;
mod tabs;
mod taken_back;
mod whole;
