//! The main job in the real windows, driven through accessibility on a virtual display; pictures under `target/ui-screenshots`.

mod rooms;
mod story;
