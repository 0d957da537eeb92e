//! Which tokens the listener lets in, and for whom. Filled by `PeerLink` (introductions, reunions) and `FileTransfer` (data streams), read
//! by the listener before any certificate is shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Token, TransferId};
use hobnob_shared::limits::TOKEN_USES;
use tokio::sync::Notify;

/// Most tokens kept: 64 links with a reunion window of 64 each, introductions and transfers beside them.
const MOST: usize = 16 * 1024;

/// What a connection with a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A peer link, by introduction.
    Link,
    /// A peer link, re-dialled without the server; the counter of the token.
    Reunion(u64),
    /// The data stream of a transfer.
    Data(TransferId),
}

/// Who may come with a token: nobody else's certificate is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The person.
    pub user: Handle,
    /// Their pinned identity key.
    pub account: Fingerprint,
    /// Their device.
    pub device: DeviceId,
    /// What for.
    pub purpose: Purpose,
}

#[derive(Debug)]
struct Entry {
    expected: Expected,
    until: Option<Instant>,
    uses: u8,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Token, Entry>,
}

/// The table; clones share it.
#[derive(Debug, Clone, Default)]
pub struct TokenTable {
    inner: Arc<Mutex<Inner>>,
    changed: Arc<Notify>,
}

impl TokenTable {
    /// Lets connections with `token` in, for `life` or (with `None`) until forgotten. A full table forgets what expires first.
    pub fn admit(&self, token: Token, expected: Expected, life: Option<Duration>) {
        self.admit_at(token, expected, life, Instant::now());
    }

    /// As [`Self::admit`], by another clock than the machine's.
    pub fn admit_at(&self, token: Token, expected: Expected, life: Option<Duration>, now: Instant) {
        {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            if inner.entries.len() >= MOST {
                inner.entries.retain(|_, entry| entry.until.is_none_or(|until| until > now));
            }
            if inner.entries.len() >= MOST {
                return;
            }
            inner.entries.insert(token, Entry { expected, until: life.map(|life| now + life), uses: TOKEN_USES });
        }
        self.changed.notify_waiters();
    }

    /// Uses `token` once. `None` for one that is unknown, expired, or used up.
    pub fn redeem(&self, token: &Token) -> Option<Expected> {
        self.redeem_at(token, Instant::now())
    }

    /// As [`Self::redeem`], by another clock than the machine's.
    pub fn redeem_at(&self, token: &Token, now: Instant) -> Option<Expected> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.entries.get_mut(token)?;
        if entry.until.is_some_and(|until| until <= now) || entry.uses == 0 {
            inner.entries.remove(token);
            return None;
        }
        entry.uses -= 1;
        Some(entry.expected.clone())
    }

    /// As [`Self::redeem`], but waits up to `park` for a token that is not known yet: the dialler may be faster than the notice.
    pub async fn redeem_within(&self, token: &Token, park: Duration) -> Option<Expected> {
        let parked = async {
            loop {
                let changed = self.changed.notified();
                if let Some(expected) = self.redeem(token) {
                    return expected;
                }
                changed.await;
            }
        };
        tokio::time::timeout(park, parked).await.ok()
    }

    /// Takes a token back: consumed by an authenticated connection, or no longer wanted.
    pub fn forget(&self, token: &Token) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).entries.remove(token);
    }

    /// Takes back everything that would let `device` in.
    pub fn forget_device(&self, device: &DeviceId) {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entries
            .retain(|_, entry| entry.expected.device != *device);
    }

    /// Takes back the reunion tokens of `device` up to and with `counter`: they are used up.
    pub fn forget_reunions(&self, device: &DeviceId, counter: u64) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).entries.retain(|_, entry| {
            entry.expected.device != *device || !matches!(entry.expected.purpose, Purpose::Reunion(n) if n <= counter)
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn bob(purpose: Purpose) -> Expected {
        Expected { user: "bob".parse().unwrap(), account: Fingerprint([1; 32]), device: DeviceId([2; 32]), purpose }
    }

    #[test]
    fn a_token_opens_eight_connections_and_no_more() {
        let table = TokenTable::default();
        let token = Token([7; 16]);
        table.admit(token, bob(Purpose::Link), Some(Duration::from_mins(1)));
        for _ in 0..TOKEN_USES {
            assert_eq!(table.redeem(&token).unwrap().user.as_str(), "bob");
        }
        assert_eq!(table.redeem(&token), None);
    }

    #[test]
    fn expired_and_forgotten_tokens_open_nothing() {
        let table = TokenTable::default();
        table.admit(Token([1; 16]), bob(Purpose::Link), Some(Duration::ZERO));
        assert_eq!(table.redeem(&Token([1; 16])), None);
        table.admit(Token([2; 16]), bob(Purpose::Link), None);
        table.forget_device(&DeviceId([2; 32]));
        assert_eq!(table.redeem(&Token([2; 16])), None);
        assert!(table.inner.lock().unwrap().entries.is_empty());
    }

    #[test]
    fn used_reunion_counters_are_closed_behind_themselves() {
        let table = TokenTable::default();
        for n in 1..=5_u8 {
            table.admit(Token([n; 16]), bob(Purpose::Reunion(n.into())), None);
        }
        table.forget_reunions(&DeviceId([2; 32]), 3);
        assert_eq!(table.redeem(&Token([3; 16])), None);
        assert_eq!(table.redeem(&Token([4; 16])).unwrap().purpose, Purpose::Reunion(4));
    }

    #[tokio::test]
    async fn a_dial_that_is_faster_than_the_notice_is_let_in() {
        let table = TokenTable::default();
        let token = Token([9; 16]);
        let late = table.clone();
        let (found, ()) = tokio::join!(table.redeem_within(&token, Duration::from_secs(10)), async move {
            tokio::task::yield_now().await;
            late.admit(token, bob(Purpose::Link), None);
        });
        assert!(found.is_some());
    }
}
