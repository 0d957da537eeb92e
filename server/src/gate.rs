//! How many strangers may be inside: connections that are not signed in, by address and in all. The listener asks before it does anything
//! for a connection; the permit goes back when the connection ends or turns out to be somebody's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Limits;
use crate::throttle::neighbourhood;

/// Why a connection is closed unheard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// Too many of this address are not signed in.
    #[error("too many connections of this address are not signed in")]
    Address,
    /// Too many are not signed in; some are refused at random.
    #[error("too many connections are not signed in")]
    Strangers,
    /// Too many connections in all.
    #[error("too many connections")]
    Full,
}

#[derive(Debug, Default)]
struct Counts {
    open: u32,
    strangers: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// Counts connections.
#[derive(Debug)]
pub struct Gate {
    limits: Arc<Limits>,
    counts: Mutex<Counts>,
}

/// Held while a connection is open.
#[derive(Debug)]
pub struct Visit(Arc<Gate>);

/// Held while a connection is nobody's.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    ip: IpAddr,
}

impl Gate {
    /// Nobody is inside.
    pub fn new(limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    /// Whether limits by address hold for this one.
    pub fn is_exempt(&self, ip: IpAddr) -> bool {
        ip.to_canonical().is_loopback() && !self.limits.limit_loopback
    }

    /// Lets a connection in; `roll` is a random number below 100 for the early drop.
    pub fn admit(self: &Arc<Self>, ip: IpAddr, roll: u32) -> Result<(Visit, Permit), Closed> {
        let exempt = self.is_exempt(ip);
        let ip = neighbourhood(ip);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.open >= self.limits.connections {
            return Err(Closed::Full);
        }
        if roll < refused_percent(&self.limits, counts.strangers) {
            return Err(Closed::Strangers);
        }
        let of_address = counts.by_address.entry(ip).or_default();
        if !exempt && *of_address >= self.limits.unauthenticated_per_address {
            return Err(Closed::Address);
        }
        *of_address += 1;
        counts.open += 1;
        counts.strangers += 1;
        Ok((Visit(Arc::clone(self)), Permit { gate: Arc::clone(self), ip }))
    }

    /// Connections that are somebody's.
    pub fn known(&self) -> u32 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.open.saturating_sub(counts.strangers)
    }

    /// Connections that are open now.
    pub fn open(&self) -> u32 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).open
    }
}

/// Of a hundred newcomers, how many are refused while `strangers` are inside: none below the mark, then 30 rising to all.
fn refused_percent(limits: &Limits, strangers: u32) -> u32 {
    let (from, most) = (limits.unauthenticated_drop_from, limits.unauthenticated.max(1));
    if strangers >= most {
        100
    } else if strangers < from {
        0
    } else {
        30 + 70 * (strangers - from) / (most - from).max(1)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.open = counts.open.saturating_sub(1);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.gate.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.strangers = counts.strangers.saturating_sub(1);
        if let Some(of_address) = counts.by_address.get_mut(&self.ip) {
            *of_address = of_address.saturating_sub(1);
            if *of_address == 0 {
                counts.by_address.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn gate(limits: Limits) -> Arc<Gate> {
        Gate::new(Arc::new(limits))
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let gate = gate(Limits { unauthenticated_per_address: 2, ..Limits::default() });
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([198, 51, 100, 1]));
        let first = gate.admit(one, 99).unwrap();
        let (_stays, permit) = gate.admit(one, 99).unwrap();
        assert_eq!(gate.admit(one, 99).unwrap_err(), Closed::Address);
        gate.admit(other, 99).unwrap();
        drop(permit);
        let third = gate.admit(one, 99).unwrap();
        assert_eq!(gate.open(), 3);
        drop((first, third));
        assert_eq!(gate.open(), 1);
    }

    #[test]
    fn loopback_is_exempt_unless_configured() {
        let home = IpAddr::from([127, 0, 0, 1]);
        let usual = gate(Limits { unauthenticated_per_address: 1, ..Limits::default() });
        let strict = gate(Limits { unauthenticated_per_address: 1, limit_loopback: true, ..Limits::default() });
        let held = [usual.admit(home, 99).unwrap(), usual.admit(home, 99).unwrap(), strict.admit(home, 99).unwrap()];
        assert_eq!(strict.admit(home, 99).unwrap_err(), Closed::Address);
        drop(held);
    }

    #[test]
    fn early_drop_rises_from_30_to_100_percent() {
        let limits = Limits::default();
        let at = |strangers| refused_percent(&limits, strangers);
        assert_eq!([at(0), at(499), at(500), at(750), at(999), at(1000)], [0, 0, 30, 65, 99, 100]);
    }
}
