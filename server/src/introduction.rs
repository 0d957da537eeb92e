//! Which addresses of one device another one is told. Pure; called by `Registry`'s state for each introduction.
//!
//! Clients dial what they are told, so a server that passed on anything would make its clients into scanners, and friends into finders of
//! each other's inner networks. The rule: what the server saw itself, and of what the client claims only that with the same IP; private
//! addresses only between two who come from one place; loopback only to who reaches the server over loopback.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hobnob_shared::limits;

/// Lowest port that is passed on: below are services, never our clients.
const PORT_MIN: u16 = 1024;

/// Where a device is, as far as the server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address from which it is connected.
    pub seen: IpAddr,
    /// The port on which it listens for peers; 0 if it does not.
    pub port: u16,
    /// What it says of its own interfaces.
    pub claimed: Vec<SocketAddr>,
}

impl Place {
    /// Reads the addresses of a hello; what is no address is skipped, and so is what exceeds [`limits::CANDIDATES`].
    pub fn new(seen: IpAddr, port: u16, claimed: &[String]) -> Self {
        let claimed = claimed.iter().take(limits::CANDIDATES).filter_map(|text| text.parse::<SocketAddr>().ok());
        let claimed = claimed.map(|a| SocketAddr::new(a.ip().to_canonical(), a.port())).collect();
        Self { seen: seen.to_canonical(), port, claimed }
    }

    /// Both are inside one network: behind one public address, or both on private ones.
    fn shares_network_with(&self, other: &Self) -> bool {
        self.seen == other.seen || (is_inner(self.seen) && is_inner(other.seen))
    }
}

/// Loopback or private: not reachable from the internet.
fn is_inner(ip: IpAddr) -> bool {
    ip.is_loopback() || is_private(ip)
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        // 100.64.0.0/10 is what providers use behind their own address translation.
        IpAddr::V4(ip) => ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

/// Addresses at which no client of ours can listen, or that mean another machine to everybody who reads them.
fn is_never_told(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_unspecified()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.octets()[0] == 0
                || ip == Ipv4Addr::BROADCAST
        }
        IpAddr::V6(ip) => ip.is_unspecified() || ip.is_unicast_link_local() || ip.is_multicast(),
    }
}

/// The addresses of `of` that `to` is told, best first, at most [`limits::CANDIDATES`].
pub fn candidates(to: &Place, of: &Place) -> Vec<SocketAddr> {
    let allowed = |address: &SocketAddr| {
        let ip = address.ip();
        if address.port() < PORT_MIN || is_never_told(ip) {
            false
        } else if ip.is_loopback() {
            to.seen.is_loopback() && of.seen.is_loopback()
        } else {
            ip == of.seen || (is_private(ip) && to.shares_network_with(of))
        }
    };
    let seen = SocketAddr::new(of.seen, of.port);
    // A device that does not listen has no addresses, whatever it claims.
    let claimed = of.claimed.iter().copied().filter(|_| of.port != 0);
    let mut told: Vec<SocketAddr> = Vec::new();
    for address in claimed.chain(std::iter::once(seen)).filter(allowed) {
        if !told.contains(&address) && told.len() < limits::CANDIDATES {
            told.push(address);
        }
    }
    // Inside one network the inner address is the short way, and works without the router's help.
    told.sort_by_key(|address| !is_inner(address.ip()));
    told
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn place(seen: &str, port: u16, claimed: &[&str]) -> Place {
        let claimed: Vec<String> = claimed.iter().map(|&text| text.to_owned()).collect();
        Place::new(seen.parse().unwrap(), port, &claimed)
    }

    /// to.seen, of.seen, of.port, of.claimed, what is told
    type Case = (&'static str, &'static str, u16, &'static [&'static str], &'static [&'static str]);

    #[test]
    fn the_address_rule_as_a_table() {
        let home = "203.0.113.5";
        let away = "198.51.100.7";
        let cases: &[Case] = &[
            (away, home, 4000, &[], &["203.0.113.5:4000"]),
            (away, home, 4000, &["192.168.1.2:4000"], &["203.0.113.5:4000"]),
            (home, home, 4000, &["192.168.1.2:4000"], &["192.168.1.2:4000", "203.0.113.5:4000"]),
            (away, home, 4000, &["203.0.113.5:5000"], &["203.0.113.5:5000", "203.0.113.5:4000"]),
            (away, home, 4000, &["203.0.113.6:4000", "8.8.8.8:4000"], &["203.0.113.5:4000"]),
            (away, home, 0, &["203.0.113.5:5000"], &[]),
            (away, home, 22, &["203.0.113.5:25"], &[]),
            (home, home, 4000, &["169.254.1.1:4000", "224.0.0.1:4000", "0.0.0.0:4000"], &["203.0.113.5:4000"]),
            ("10.0.0.9", "10.0.0.2", 4000, &["10.0.0.2:4000"], &["10.0.0.2:4000"]),
            ("127.0.0.1", "10.0.0.2", 4000, &["192.168.9.2:4000"], &["192.168.9.2:4000", "10.0.0.2:4000"]),
            ("10.0.0.9", "127.0.0.1", 4000, &["127.0.0.1:4000", "10.0.0.1:4000"], &["10.0.0.1:4000"]),
            (away, "127.0.0.1", 4000, &["127.0.0.1:4000", "10.0.0.1:4000"], &[]),
            ("127.0.0.1", "127.0.0.1", 4000, &[], &["127.0.0.1:4000"]),
            ("127.0.0.1", "127.0.0.1", 4000, &["127.0.0.2:4000"], &["127.0.0.2:4000", "127.0.0.1:4000"]),
            ("127.0.0.1", home, 4000, &["127.0.0.1:4000"], &["203.0.113.5:4000"]),
            (
                "2001:db8::1",
                "2001:db8::2",
                4000,
                &["[fe80::1]:4000", "[2001:db8::2]:4001"],
                &["[2001:db8::2]:4001", "[2001:db8::2]:4000"],
            ),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1", 4000, &["[::1]:4000"], &["[::1]:4000", "127.0.0.1:4000"]),
            (
                home,
                home,
                4000,
                &["nonsense", "1.2.3.4", "", "192.168.1.2:4000"],
                &["192.168.1.2:4000", "203.0.113.5:4000"],
            ),
        ];
        for (to, of, port, claimed, told) in cases {
            let told: Vec<SocketAddr> = told.iter().map(|text| text.parse().unwrap()).collect();
            let found = candidates(&place(to, 1, &[]), &place(of, *port, claimed));
            assert_eq!(found, told, "to {to}, of {of}:{port} {claimed:?}");
        }
    }

    #[test]
    fn never_more_than_four() {
        let many: Vec<String> = (1..200).map(|n| format!("192.168.1.{n}:4000")).collect();
        let of = Place::new("203.0.113.5".parse().unwrap(), 4000, &many);
        assert_eq!(candidates(&of, &of).len(), limits::CANDIDATES);
    }

    proptest! {
        #[test]
        fn nothing_is_told_that_the_rule_forbids(
            to in any::<IpAddr>(), of in any::<IpAddr>(), port in any::<u16>(), claimed in proptest::collection::vec(any::<SocketAddr>(), 0..6)
        ) {
            let claimed: Vec<String> = claimed.iter().map(ToString::to_string).collect();
            let (to, of) = (Place::new(to, 5000, &[]), Place::new(of, port, &claimed));
            for told in candidates(&to, &of) {
                prop_assert!(told.port() >= PORT_MIN);
                prop_assert!(!is_never_told(told.ip()));
                prop_assert!(told.ip() == of.seen || is_inner(told.ip()));
                prop_assert!(!told.ip().is_loopback() || (to.seen.is_loopback() && of.seen.is_loopback()));
            }
        }
    }
}
