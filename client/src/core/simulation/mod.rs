//! Deterministic simulation: whole devices and their server, made of the pure halves that the programs run (`session::state`,
//! `registry::state`, `peer_link::{state, redial}`, `replica`, and the server's `registry` and `session`), in one thread with a virtual
//! clock and a network that a seed drives. It delays, doubles, reorders and cuts, and crashes both sides with only what was synced.
//!
//! - [`cast`]: who plays.
//! - [`disk`]: what a device has synced, and what it has only written.
//! - [`device`]: the pure halves of one device, and the shell around them; [`logs`], [`online`] and [`rooms`] are parts of it.
//! - [`store`], [`server`]: the server, and what its disk has.
//! - [`world`]: all of them, the faults, the clock; [`wires`], [`lines`] and [`dials`] are the network between them.
//! - [`quiet`]: the end of all faults, with the server and without.
//! - [`checks`]: what must hold at every moment, and once the network is quiet.
//! - [`slip`], [`seeds`]: defects that are put in on purpose; runs by the thousand, and the proof that defects are found.

mod cast;
mod checks;
mod device;
mod dials;
mod disk;
mod lines;
mod logs;
mod online;
mod quiet;
mod rooms;
mod seeds;
mod server;
mod slip;
mod store;
mod wires;
mod world;
