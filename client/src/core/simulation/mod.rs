//! Deterministic simulation: whole devices, made of the pure halves that the programs run (`peer_link::state`, `replica`), in one thread with
//! a virtual clock and a network that a seed drives. It delays, doubles, reorders and cuts, and crashes devices with only what was synced.
//!
//! - [`disk`]: what a device has synced, and what it has only written.
//! - [`device`]: the pure halves of one device, and the little shell around them.
//! - [`world`]: the devices, the wires between them, the faults, the clock.
//! - [`checks`]: what must hold at every moment, and once the network is quiet.
//! - [`seeds`]: runs by the thousand, and the proof that defects are found.

mod checks;
mod device;
mod disk;
mod seeds;
mod world;
