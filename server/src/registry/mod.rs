//! Who is online. One [`Registry`] on its own arbiter: `Session`s arrive and leave, set presence, ask for introductions and circuits, and
//! tell of requests and friendships that the store has taken in; the registry tells the devices concerned.
//!
//! It writes frames straight into the sessions' queues. Presence goes through the `Outlet` of each arbiter, gathered.

mod actor;
mod introduce;
mod message;
mod state;
#[cfg(test)]
mod tests;

pub use actor::{Branch, Link, Registry};
pub use message::{
    Arrive, Befriend, DevicesChanged, Drain, Introduce, Leave, NewFriend, OpenCircuit, Part, RequestStored,
    SetPresence, TellFriendship,
};
pub use state::{Arrival, SessionId};
