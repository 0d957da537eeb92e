//! The main job and its disturbances, told over real programs: `hobnob-server` and `hobnob-cli` as children, real sockets on loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acts;
mod avatars;
mod devices;
mod downloads;
mod file_folder_trouble;
mod file_resume;
mod file_source_trouble;
mod file_storms;
mod file_turns;
mod files;
mod folders;
mod friends;
mod history;
mod kept;
mod keys;
mod mesh;
mod messages;
mod names;
mod own_devices;
mod pasted;
mod people;
mod rates;
mod relay;
mod room_loss;
mod rooms;
mod search;
mod server_loss;
mod sign_in;
mod starting;
mod storms;
