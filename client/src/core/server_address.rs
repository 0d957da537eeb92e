//! Where the server is: `HOST:PORT`, with `#FINGERPRINT` of its key behind it where one was given. Parsed from the command line, the
//! sign-in page and the profile.

use std::fmt;
use std::str::FromStr;

use hobnob_shared::id::Fingerprint;

use super::error::Problem;

/// Longest host name there is.
const HOST_MAX: usize = 253;

/// A server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Key that it must have.
    pub pin: Option<Fingerprint>,
}

impl ServerAddress {
    /// `HOST:PORT`, without the key.
    pub fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())?;
        self.pin.iter().try_for_each(|pin| write!(f, "#{pin}"))
    }
}

impl FromStr for ServerAddress {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let (place, pin) = match text.split_once('#') {
            Some((place, pin)) => (place, Some(pin.parse().map_err(|_| Problem::bad_server())?)),
            None => (text, None),
        };
        let (host, port) = place.rsplit_once(':').ok_or_else(Problem::bad_server)?;
        let port: u16 = port.parse().map_err(|_| Problem::bad_server())?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(address) if address.parse::<std::net::Ipv6Addr>().is_ok() => address,
            Some(_) => return Err(Problem::bad_server()),
            None => host,
        };
        let named =
            bare.is_some() || host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if host.is_empty() || host.len() > HOST_MAX || !named || port == 0 {
            return Err(Problem::bad_server());
        }
        Ok(Self { host: host.to_owned(), port, pin })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn addresses_read_back_as_written() {
        let pinned = format!("127.0.0.1:7666#{}", "ab".repeat(32));
        for text in ["127.0.0.1:1", "chat.example.org:7666", "[::1]:7666", &pinned] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "localhost", ":1", "a:0", "a:65536", "a b:1", "::1:7666", "[x]:1", "a:1#", "a:1#beef", "http://a:1"]
        {
            assert_eq!(text.parse::<ServerAddress>(), Err(Problem::bad_server()), "{text}");
        }
    }
}
