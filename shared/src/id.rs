//! Newtypes for everything that has a name: handles, devices, conversations, messages, transfers, tokens. Every crate uses them; each
//! parses itself, so that a value of one of these types is a valid one.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::limits;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A handle is 3 to 32 of `a-z 0-9 . _ -`.
    #[error("a username is 3 to 32 characters of a-z, 0-9, dot, underscore and hyphen")]
    Handle,
    /// A room is `#` and 1 to 32 of `a-z 0-9 . _ -`.
    #[error("a room is # and 1 to 32 characters of a-z, 0-9, dot, underscore and hyphen")]
    Room,
    /// A conversation is `@handle` or `#room`.
    #[error("a conversation is written @name or #room")]
    Conversation,
    /// Not the hexadecimal text of the right length.
    #[error("not {0} hexadecimal digits")]
    Hex(usize),
    /// Not a UUID.
    #[error("not a message or transfer id")]
    Uuid,
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-')
}

/// Implements serde as text through `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

/// An account's name: 3 to 32 of `[a-z0-9._-]`. ASCII only, so that no two handles look alike by script or by case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(String);

impl Handle {
    /// The handle as text, without `@`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Handle {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = (limits::HANDLE_MIN..=limits::HANDLE_MAX).contains(&text.len());
        if fits && text.bytes().all(is_name_byte) { Ok(Self(text.to_owned())) } else { Err(IdError::Handle) }
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
serde_as_text!(Handle);

/// A room's id, kept without its `#`: 1 to 32 of `[a-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(String);

impl RoomId {
    /// The id as text, without `#`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let name = text.strip_prefix('#').ok_or(IdError::Room)?;
        let fits = (1..=limits::HANDLE_MAX).contains(&name.len());
        if fits && name.bytes().all(is_name_byte) { Ok(Self(name.to_owned())) } else { Err(IdError::Room) }
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
serde_as_text!(RoomId);

/// A conversation: `@bob` with one friend, `#tea` with a room.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConversationId {
    /// With one friend.
    Direct(Handle),
    /// With the members of a room.
    Room(RoomId),
}

impl ConversationId {
    /// The friend of a direct conversation.
    pub fn friend(&self) -> Option<&Handle> {
        match self {
            Self::Direct(handle) => Some(handle),
            Self::Room(_) => None,
        }
    }
}

impl FromStr for ConversationId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        if let Some(handle) = text.strip_prefix('@') {
            handle.parse().map(Self::Direct)
        } else if text.starts_with('#') {
            text.parse().map(Self::Room)
        } else {
            Err(IdError::Conversation)
        }
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(handle) => write!(f, "@{handle}"),
            Self::Room(room) => room.fmt(f),
        }
    }
}
serde_as_text!(ConversationId);

/// A byte string of fixed length: bytes on the wire, lower-case hexadecimal in text.
macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// From a slice of exactly that length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            /// Hexadecimal of either case; colons are skipped, as people paste fingerprints with them.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
                let mut out = [0_u8; $len];
                if digits.len() != 2 * $len {
                    return Err(IdError::Hex(2 * $len));
                }
                for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
                    let hex = std::str::from_utf8(pair).map_err(|_| IdError::Hex(2 * $len))?;
                    *byte = u8::from_str_radix(hex, 16).map_err(|_| IdError::Hex(2 * $len))?;
                }
                Ok(Self(out))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { s.serialize_bytes(&self.0) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    let bytes = serde_bytes::ByteBuf::deserialize(d)?;
                    Self::from_slice(&bytes).ok_or_else(|| D::Error::invalid_length(bytes.len(), &stringify!($len)))
                }
            }
        }
    };
}

byte_id! {
    /// SHA-256 of a certificate's `SubjectPublicKeyInfo`: what is pinned of an account or of the server.
    Fingerprint, 32
}
byte_id! {
    /// SHA-256 of a device certificate's `SubjectPublicKeyInfo`: names one installation.
    DeviceId, 32
}
byte_id! {
    /// One-time right to open a connection, 128 random bits.
    Token, 16
}
byte_id! {
    /// Random per start of a program, so that a restarted one is told from a doubled connection.
    InstanceId, 16
}
byte_id! {
    /// One life of a room: random, made by the server when somebody joins a room that nobody is in.
    Incarnation, 16
}
byte_id! {
    /// A BLAKE3 hash.
    Hash, 32
}

impl Token {
    /// A fresh one from the system's randomness.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl Incarnation {
    /// A fresh one from the system's randomness.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl InstanceId {
    /// A fresh one from the system's randomness.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

/// A token is a secret while it lives, so it is not printed whole.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

/// Eight hexadecimal digits tell ids apart in a log.
macro_rules! short_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:02x}{:02x}{:02x}{:02x}..)", stringify!($name), self.0[0], self.0[1], self.0[2], self.0[3])
            }
        }
    )*};
}
short_debug!(Fingerprint, DeviceId, InstanceId, Incarnation, Hash);

/// A UUID version 7: 16 bytes on the wire, hyphenated in text, in the order of its making.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id of this moment.
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError::Uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { s.serialize_bytes(self.0.as_bytes()) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    let bytes = serde_bytes::ByteBuf::deserialize(d)?;
                    Uuid::from_slice(&bytes).map(Self).map_err(D::Error::custom)
                }
            }
        }
    };
}

uuid_id! {
    /// A message; made by its author before the first send, the same for everybody.
    MessageId
}
uuid_id! {
    /// A file transfer; made by its sender, the same on both sides, kept over restarts.
    TransferId
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn handles_are_lower_case_ascii_of_3_to_32() {
        for good in ["bob", "a.b-c_9", &"x".repeat(32)] {
            assert_eq!(good.parse::<Handle>().unwrap().as_str(), good);
        }
        for bad in ["", "ab", &"x".repeat(33), "Bob", "b ob", "bób", "\u{430}lice", "bob\0", "@bob", "bob\n"] {
            assert_eq!(bad.parse::<Handle>(), Err(IdError::Handle), "{bad:?}");
        }
    }

    #[test]
    fn conversations_read_back_as_written() {
        for text in ["@bob", "#tea", "#1"] {
            assert_eq!(text.parse::<ConversationId>().unwrap().to_string(), text);
        }
        for bad in ["bob", "@", "#", "@b", "##tea", "@bob "] {
            assert!(bad.parse::<ConversationId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn fingerprints_take_colons_and_capitals() {
        let plain: String = "0a".repeat(32);
        let colons = vec!["0A"; 32].join(":");
        assert_eq!(colons.parse::<Fingerprint>().unwrap().to_string(), plain);
        assert!("0a".parse::<Fingerprint>().is_err());
        assert!("zz".repeat(32).parse::<Fingerprint>().is_err());
    }

    #[test]
    fn message_ids_grow_with_time_and_read_back() {
        let id = MessageId::new();
        assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
        assert!(MessageId::new() > id);
    }
}
