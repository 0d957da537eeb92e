//! Error codes on the wire: what a `failed`, `bye` or `cancel` frame says went wrong, and whose fault it is. Both programs turn them into
//! sentences in their own `error.rs`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest name, in bytes.
const LONGEST: usize = 64;

/// Makes the enum, its names, and the way back from a name.
macro_rules! wire_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A stable code, text on the wire. Unknown ones of later versions are kept as they are.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum WireCode {
            $($(#[$doc])* $variant,)*
            /// A code of a later version, at most 64 bytes.
            Other(String),
        }

        impl WireCode {
            /// All that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// From the name on the wire.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    other => Self::Other(later(other)),
                }
            }
        }
    };
}

wire_codes! {
    /// The sender's fault, ends the connection: a frame that cannot be read or breaks the rules.
    BadRequest = "bad_request",
    /// The sender speaks a later version: this kind of frame is not known here.
    Unsupported = "unsupported",
    /// The sender's fault, ends the connection: the frame does not belong here now.
    WrongState = "wrong_state",
    /// The sender's fault, ends the connection: longer than the limit.
    TooLarge = "too_large",
    /// The sender's fault, ends the connection: a signature or a certificate does not hold.
    BadSignature = "bad_signature",
    /// The sender was too slow to sign in; ends the connection.
    TooLate = "too_late",
    /// The user's: not a username.
    BadHandle = "bad_handle",
    /// The user's: somebody has the name.
    Taken = "taken",
    /// The user's: wrong name or wrong password; which of them is not told.
    WrongPassword = "wrong_password",
    /// No account of that name, told only to those who may know.
    UnknownUser = "unknown_user",
    /// Too much of it; `retry_after` says when again.
    RateLimited = "rate_limited",
    /// Only friends may.
    NotFriends = "not_friends",
    /// Not allowed.
    Forbidden = "forbidden",
    /// The other person is not there.
    Offline = "offline",
    /// A limit on the number of something is reached.
    Full = "full",
    /// Nothing of that id.
    NotFound = "not_found",
    /// Somebody else was faster: read again and repeat.
    Conflict = "conflict",
    /// The account no longer lists this device.
    DeviceRemoved = "device_removed",
    /// A newer connection of the same device took over.
    Replaced = "replaced",
    /// The program closes.
    ShuttingDown = "shutting_down",
    /// The reader was too slow.
    Slow = "slow",
    /// The person signed out or closed the program.
    SignedOut = "signed_out",
    /// The receiver declined.
    Declined = "declined",
    /// A person gave it up.
    Cancelled = "cancelled",
    /// A person paused it.
    Paused = "paused",
    /// The sender's file changed while it was sent.
    SourceChanged = "source_changed",
    /// The sender's file cannot be read any more.
    SourceGone = "source_gone",
    /// What arrived is not what was announced.
    HashMismatch = "hash_mismatch",
    /// The receiver's disk is full.
    DiskFull = "disk_full",
    /// The receiver cannot write to the folder.
    NotWritable = "not_writable",
    /// The file's name cannot be used.
    BadName = "bad_name",
    /// Our own fault.
    Internal = "internal",
}

/// A name of a later version. People see it in sentences, so what is written like no name is not one.
pub(crate) fn later(name: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let named = (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_name);
    if named { name } else { "unknown" }.to_owned()
}

impl WireCode {
    /// The connection cannot go on after it.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::BadRequest
                | Self::WrongState
                | Self::TooLarge
                | Self::BadSignature
                | Self::TooLate
                | Self::DeviceRemoved
                | Self::Replaced
                | Self::ShuttingDown
                | Self::Slow
        )
    }
}

impl std::fmt::Display for WireCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for WireCode {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for WireCode {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::from_name(&<std::borrow::Cow<'de, str>>::deserialize(d)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_no_name_is_used_twice() {
        let mut names: Vec<&str> = WireCode::KNOWN.iter().map(WireCode::name).collect();
        for code in WireCode::KNOWN {
            assert_eq!(&WireCode::from_name(code.name()), code);
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_code_of_a_later_version_is_kept_if_it_is_written_like_one() {
        for name in ["out_of_tea", "http_418", &"x".repeat(LONGEST)] {
            assert_eq!(WireCode::from_name(name), WireCode::Other(name.to_owned()));
        }
        for name in ["", "Tea", "no tea", "tea)", "\u{1f375}", "\u{202e}aet", "\n", &"x".repeat(LONGEST + 1)] {
            assert_eq!(WireCode::from_name(name), WireCode::Other("unknown".to_owned()), "{name:?}");
        }
    }
}
