//! The server's settings: where it keeps its data, and every limit, each with its reason. `main.rs` reads them from arguments and a TOML
//! file, tests set single fields, everybody else only reads.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hobnob_shared::limits as shared;
use serde::Deserialize;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of the store and of the server's keys; made with mode 0700 if it is not there.
    pub data: PathBuf,
    /// Every limit.
    pub limits: Limits,
}

impl Config {
    /// Default limits over the given folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), limits: Limits::default() }
    }
}

/// Why a configuration file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operator named a file that cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The operator wrote something that is no configuration.
    #[error("the configuration {path} is not valid:\n{text}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and what, as the parser says it.
        text: String,
    },
}

/// The file that `--config` names: what is not in it keeps its default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    limits: Limits,
}

/// Declares [`Limits`] once: the field, its default and its reason, from which structure, default and print-out follow.
macro_rules! limits {
    ($($(#[doc = $reason:literal])+ $name:ident: $kind:ty = $value:expr;)*) => {
        /// Every limit of the server. Times are in the unit that the name ends with, sizes in bytes.
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits {
            $($(#[doc = $reason])+ pub $name: $kind,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $value,)* }
            }
        }

        impl Limits {
            /// The limits as a configuration file that sets each to its present value, reasons as comments.
            pub fn to_toml(&self) -> String {
                let mut out = String::from("[limits]\n");
                $(
                    $(let _ = writeln!(out, "#{}", $reason);)+
                    let _ = writeln!(out, "{} = {}", stringify!($name), self.$name);
                )*
                out
            }
        }
    };
}

limits! {
    /// Whether the limits by address hold for loopback too: off, so that a classroom's worth of clients can run on one machine.
    limit_loopback: bool = false;
    /// A TLS handshake takes two round trips; who needs longer holds a descriptor for nothing.
    tls_timeout_ms: u64 = 5_000;
    /// From TLS to the end of sign-up, sign-in or hello; the client's password hashing fits in.
    sign_in_timeout_ms: u64 = 10_000;
    /// Connections of one address that are not signed in: a classroom signs in at once, an attacker gets no further.
    unauthenticated_per_address: u32 = 64;
    /// Connections in all that are not signed in.
    unauthenticated: u32 = 1_000;
    /// From here on newcomers are refused at random, 30 % growing to all, so that an attack cannot lock everybody out.
    unauthenticated_drop_from: u32 = 500;
    /// Open connections in all; two descriptors are kept per relayed connection.
    connections: u32 = 20_000;
    /// Sign-ups from one address (/24 or /64) at once: a classroom behind one address.
    registrations_burst: u32 = 100;
    /// After the burst, one sign-up from that address in so many milliseconds.
    registration_every_ms: u64 = 10_000;
    /// Password sign-ins from one address (/24 or /64) at once, whatever the account: a classroom again.
    sign_ins_burst: u32 = 200;
    /// After the burst, one password sign-in from that address in so many milliseconds: nobody tries one password on many accounts.
    sign_in_every_ms: u64 = 500;
    /// Wrong passwords that cost nothing, by account and address: people mistype.
    guesses_free: u32 = 5;
    /// First wait after the free guesses; it doubles with each further one.
    guess_delay_ms: u64 = 1_000;
    /// Longest wait between guesses; known devices never wait, so this locks nobody out.
    guess_delay_max_ms: u64 = 600_000;
    /// Rows in each table that remembers addresses: bounds memory when many addresses attack.
    addresses_remembered: u32 = 65_536;
    /// Devices of one account that are online at once.
    sessions_per_account: u32 = 5;
    /// Frames a second that a session may send; above, the server reads slower.
    frames_per_second: u32 = 50;
    /// Frames that a session may send at once: a client that signs in asks for all its friends.
    frames_burst: u32 = 200;
    /// Bytes a second that a session may send; above, the server reads slower.
    bytes_per_second: u32 = 65_536;
    /// Bytes that a session may send at once.
    bytes_burst: u32 = 262_144;
    /// Friends of one account: the list is sent at each sign-in.
    friends: u32 = 1_000;
    /// Friend requests of one account that wait for an answer: nobody asks a whole directory.
    requests_outgoing: u32 = 20;
    /// Friend requests that wait for one account; the oldest gives way.
    requests_incoming: u32 = 100;
    /// Names that one account may block.
    blocks: u32 = 1_000;
    /// Rooms of one account: each is sent at every sign-in.
    rooms: u32 = u32_of(shared::ROOMS);
    /// Members of one room: each hears of every other, and links to them.
    room_members: u32 = u32_of(shared::ROOM_MEMBERS);
    /// Records of those who have left a room that are kept, so that what they said can be checked; the oldest give way.
    room_past_members: u32 = u32_of(shared::ROOM_MEMBERS);
    /// Joins, leaves and the like that a session may ask for at once: a new device joins and leaves every room it knows.
    room_changes_burst: u32 = 128;
    /// After the burst, one in so many milliseconds, since every member hears of each; above, the server reads slower.
    room_change_every_ms: u64 = 200;
    /// Addresses a minute to which one account may make clients connect: the server must not become a scanner.
    dials_per_minute: u32 = 240;
    /// Introductions of the same two accounts keep this distance.
    introduction_every_ms: u64 = 500;
    /// Life of introduction and relay tokens: long enough for the slowest dial, too short to be worth stealing.
    token_life_ms: u64 = 60_000;
    /// Relay tokens of one account that live and are not used.
    relay_tokens_per_account: u32 = 512;
    /// Relay circuits of one account at once: every friend linked by relay, and some transfers.
    circuits_per_account: u32 = 64;
    /// Relay circuits in all; each holds two descriptors and two buffers.
    circuits: u32 = 4_096;
    /// Bytes a second through all circuits of one account.
    relay_bytes_per_second: u32 = 16_777_216;
    /// Bytes that the circuits of one account may carry at once before that rate holds.
    relay_bytes_burst: u32 = 67_108_864;
    /// Buffer of a circuit, for each direction: fills the path between two desktops.
    relay_buffer: usize = 32_768;
    /// The first side of a circuit waits so long for the second.
    relay_wait_ms: u64 = 20_000;
    /// A circuit without a byte for so long is closed; links ping each other more often.
    relay_idle_ms: u64 = 120_000;
    /// Presence changes are gathered for so long before they are sent: one write carries many, and nobody sees the delay.
    presence_gather_ms: u64 = 20;
    /// Jobs that wait for the store: beyond, requests are answered `busy`.
    store_queue: usize = 4_096;
    /// Writes that share one commit, thus one fsync.
    store_group: usize = 256;
    /// Sessions have so long to hear that the server shuts down.
    drain_ms: u64 = 3_000;
}

/// The protocol's sizes are small enough for any integer.
fn u32_of(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Reads the file that `--config` names.
pub fn read_limits(path: &Path) -> Result<Limits, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let file: File = toml::from_str(&text)
        .map_err(|e| ConfigError::Invalid { path: path.to_owned(), text: e.to_string().trim_end().to_owned() })?;
    Ok(file.limits)
}

/// Where the store is kept when nobody says: `$XDG_DATA_HOME/hobnob-server`, else `~/.local/share/hobnob-server`, else `./hobnob-data`.
pub fn default_data() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| PathBuf::from("hobnob-data"), |base| base.join("hobnob-server"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn printed_limits_read_back_as_they_are() {
        let changed = Limits { friends: 7, limit_loopback: true, ..Limits::default() };
        let file: File = toml::from_str(&changed.to_toml()).unwrap();
        assert_eq!(file.limits, changed);
        for line in changed.to_toml().lines().filter(|line| line.starts_with('#')) {
            assert!(line.len() > 20, "a limit needs a reason: {line}");
        }
    }

    #[test]
    fn a_misspelt_limit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hobnob.toml");
        std::fs::write(&path, "[limits]\nfreinds = 3\n").unwrap();
        assert!(read_limits(&path).unwrap_err().to_string().contains("freinds"));
        std::fs::write(&path, "[limits]\nfriends = 3\n").unwrap();
        assert_eq!(read_limits(&path).unwrap().friends, 3);
        assert!(matches!(read_limits(&folder.path().join("none")), Err(ConfigError::Unreadable { .. })));
    }
}
