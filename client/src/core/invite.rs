//! Invites: `hobnob:NAME?k=FINGERPRINT&s=HOST:PORT`, by which somebody is added and their key is pinned before anybody can stand in for
//! them. The key is left out where it is not known, the server where its address means nothing to others. Pure: read from what people paste
//! or click, and made for oneself.

use std::fmt;
use std::str::FromStr;

use hobnob_shared::id::{Fingerprint, Handle};

use super::error::Problem;
use super::server_address::ServerAddress;

/// What every invite begins with.
pub const SCHEME: &str = "hobnob:";
/// Longest invite, in bytes: name, key and the longest host name fit.
const INVITE_MAX: usize = 512;

/// An invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Whom to add.
    pub user: Handle,
    /// The identity key that they have.
    pub key: Option<Fingerprint>,
    /// `HOST:PORT` of the server on which they are.
    pub server: Option<String>,
}

impl Invite {
    /// Whether a text means to be one.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }
}

/// An address that others can use: none that means "this computer".
pub fn server_for_others(place: &str) -> Option<String> {
    let address: ServerAddress = place.parse().ok()?;
    let loopback = address.host.eq_ignore_ascii_case("localhost")
        || address.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
    (!loopback).then(|| address.place())
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.user)?;
        let fields = [("k", self.key.map(|key| key.to_string())), ("s", self.server.clone())];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        fields.zip(["?", "&"]).try_for_each(|((name, value), sign)| write!(f, "{sign}{name}={value}"))
    }
}

impl FromStr for Invite {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let rest = text.trim().strip_prefix(SCHEME).filter(|_| text.len() <= INVITE_MAX);
        let rest = rest.ok_or_else(Problem::bad_invite)?;
        let (name, fields) = rest.split_once('?').map_or((rest, None), |(name, fields)| (name, Some(fields)));
        let user = name.parse().map_err(|_| Problem::bad_invite())?;
        let mut invite = Self { user, key: None, server: None };
        for field in fields.into_iter().flat_map(|fields| fields.split('&')) {
            match field.split_once('=').ok_or_else(Problem::bad_invite)? {
                ("k", key) if invite.key.is_none() => {
                    invite.key = Some(key.parse().map_err(|_| Problem::bad_invite_key())?);
                }
                ("s", place) if invite.server.is_none() => {
                    let address: ServerAddress = place.parse().map_err(|_| Problem::bad_invite())?;
                    invite.server = Some(address.place());
                }
                ("k" | "s", _) => return Err(Problem::bad_invite()),
                // Perhaps it says for whom or until when it counts: what is not understood is not obeyed half.
                _ => return Err(Problem::newer_invite()),
            }
        }
        Ok(invite)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

    #[test]
    fn what_is_made_is_read_as_itself() {
        let key = Some(Fingerprint([1; 32]));
        for (key, server, text) in [
            (None, None, "hobnob:bob".to_owned()),
            (key, None, format!("hobnob:bob?k={KEY}")),
            (None, Some("chat.example:7666".to_owned()), "hobnob:bob?s=chat.example:7666".to_owned()),
            (key, Some("[2001:db8::1]:7666".to_owned()), format!("hobnob:bob?k={KEY}&s=[2001:db8::1]:7666")),
        ] {
            let invite = Invite { user: "bob".parse().unwrap(), key, server };
            assert_eq!(invite.to_string(), text);
            assert_eq!(text.parse(), Ok(invite));
        }
    }

    #[test]
    fn a_hostile_invite_gets_its_sentence() {
        let long = format!("hobnob:bob?k={KEY}&s={}.example:1", "a.".repeat(300));
        for (text, code) in [
            ("hobnob:", "bad_invite"),
            ("hobnob:b\u{202e}ob", "bad_invite"),
            ("hobnob:bob%0a", "bad_invite"),
            ("hobnob://bob?k=1", "bad_invite"),
            ("hobnob:bob?", "bad_invite"),
            ("hobnob:bob?k=123", "bad_invite_key"),
            ("hobnob:bob?k=", "bad_invite_key"),
            (&format!("hobnob:bob?k={KEY}&k={KEY}"), "bad_invite"),
            (&format!("hobnob:bob?k={KEY}&run=now"), "newer_invite"),
            ("hobnob:bob?s=nowhere", "bad_invite"),
            (&long, "bad_invite"),
        ] {
            let problem = text.parse::<Invite>().unwrap_err();
            assert_eq!(problem.code, code, "{text}");
            assert!(problem.text.len() > 40 && !problem.text.contains('\u{202e}'), "{}", problem.text);
        }
    }

    #[test]
    fn an_address_of_this_computer_is_of_no_use_to_others() {
        for own in ["localhost:1", "127.0.0.1:7666", "[::1]:7666", "0.0.0.0:7666", "nonsense"] {
            assert_eq!(server_for_others(own), None, "{own}");
        }
        for place in ["192.168.1.4:7666", "chat.example:7666", "[2001:db8::1]:7666"] {
            assert_eq!(server_for_others(place).as_deref(), Some(place));
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(text in "hobnob:[a-z]{0,4}[?&=ks:0-9a-f\u{202e} ]{0,80}") {
            if let Ok(invite) = text.parse::<Invite>() {
                prop_assert_eq!(invite.to_string().parse(), Ok(invite));
            }
        }
    }
}
