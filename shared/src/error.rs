//! Error codes on the wire: what a `failed`, `bye` or `cancel` frame says went wrong, and whose fault it is. Both programs turn them into
//! sentences in their own `error.rs`.

use crate::names::wire_names;

wire_names! {
    /// A stable code, text on the wire. Unknown ones of later versions are kept as they are.
    pub enum WireCode {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::LONGEST;

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
