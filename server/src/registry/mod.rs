//! Who is online. One [`Registry`] on its own arbiter: `Session`s arrive and leave, set presence, ask for introductions and circuits, and
//! tell of requests, friendships, memberships and devices that the store has taken in; the registry tells the devices concerned.
//!
//! It writes frames straight into the sessions' queues. Presence goes through the `Outlet` of each arbiter, gathered.
//!
//! [`State`] is public beside the actor, so that the client's simulation of whole devices runs the server's decisions too.

mod actor;
mod devices;
#[cfg(test)]
mod devices_tests;
mod friends;
mod introduce;
mod message;
mod paging;
mod people;
mod rooms;
#[cfg(test)]
mod rooms_tests;
mod seen;
#[cfg(test)]
mod seen_tests;
mod state;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

pub use actor::{Branch, Link, Registry};
pub use introduce::Wish;
pub use message::{
    Arrive, Befriend, DevicesChanged, Drain, EnterRoom, Introduce, Leave, LockRoom, NewFriend, OpenCircuit, Page, Part,
    QuitRoom, Record, RequestStored, RosterPut, SeenAllowed, SetPresence, TellFriendship, Withdraw,
};
pub use state::{Arrival, Circle, Effect, SessionId, Spread, State};
