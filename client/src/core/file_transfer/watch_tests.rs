//! When a connection counts as dead: not while it moves, however slowly, and not while our own pace holds it back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU64;

use futures_util::FutureExt;
use tokio::io::duplex;

use super::*;
use crate::core::file_transfer::pace::{Rates, SLOWEST};

/// No time that a beat tells.
const NEVER: u64 = u64::MAX;

fn watch(rate: Option<u64>) -> (Watch, Paces) {
    let paces = Paces::default();
    let rate = rate.and_then(NonZeroU64::new);
    paces.set(Rates { up: rate, down: rate });
    (Watch::new(watch::channel(()).1, paces.up.clone()), paces)
}

impl Watch {
    /// Whether there was a sign of life since this was asked last.
    fn beats(&self) -> bool {
        self.last.swap(NEVER, Ordering::Relaxed) != NEVER
    }
}

#[tokio::test]
async fn a_receiver_takes_each_byte_for_a_sign_of_life() {
    let (watch, _) = watch(None);
    let (mut near, mut far) = duplex(64);
    let mut bytes = [0; 40];
    let mut reading = Box::pin(read(&mut far, &mut bytes, &watch));
    assert!(reading.as_mut().now_or_never().is_none());
    assert!(watch.beats(), "the start");
    for n in 1..40 {
        assert!(!watch.beats());
        near.write_all(b"x").await.unwrap();
        assert!(reading.as_mut().now_or_never().is_none(), "{n} bytes are not all");
        assert!(watch.beats(), "byte {n}");
    }
    near.write_all(b"x").await.unwrap();
    reading.await.unwrap();
    assert_eq!(bytes, [b'x'; 40]);
    drop(near);
    assert_eq!(read(&mut far, &mut bytes, &watch).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_sender_takes_each_byte_that_goes_for_a_sign_of_life() {
    let (watch, _) = watch(None);
    let (mut near, mut far) = duplex(1);
    let mut writing = Box::pin(write(&mut near, &[7; 40], &watch));
    for n in 1..40 {
        assert!(writing.as_mut().now_or_never().is_none());
        assert!(watch.beats(), "byte {n}");
        assert!(writing.as_mut().now_or_never().is_none() && !watch.beats(), "it stands still");
        far.read_exact(&mut [0]).await.unwrap();
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn what_our_own_pace_holds_back_is_not_dead_and_what_is_silent_after_that_is() {
    let (watch, paces) = watch(Some(SLOWEST));
    // Others have asked for ten minutes' worth before.
    let others = usize::try_from(SLOWEST).unwrap() * 600;
    assert_eq!(paces.up.take(others), None);
    let (mut near, _far) = duplex(64);
    watch.last.store(0, Ordering::Relaxed);
    let long_after = DEAD_AFTER * 10;
    {
        let mut writing = Box::pin(write(&mut near, &[7; 10], &watch));
        assert!(writing.as_mut().now_or_never().is_none());
        assert!(!watch.is_dead(long_after), "our own doing");
    }
    // Given up while it was held; from now on silence counts again.
    assert!(!watch.is_dead(DEAD_AFTER));
    assert!(watch.is_dead(long_after));
}
