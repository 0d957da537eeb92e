//! Dials of data streams to one device, a few at once: its listener drops what is more than [`UNAUTHENTICATED_PER_ADDRESS`] from one address,
//! and a dial that is dropped would send a stream through the relay that goes directly.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use hobnob_shared::id::DeviceId;
use hobnob_shared::limits::UNAUTHENTICATED_PER_ADDRESS;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Half of what the listener keeps: it hears of the end of a handshake later than who dialled, and the link may be dialled beside it.
const AT_ONCE: usize = UNAUTHENTICATED_PER_ADDRESS / 2;

/// Shared by all transfers of a program; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Dials(Arc<Mutex<HashMap<DeviceId, Weak<Semaphore>>>>);

impl Dials {
    /// Waits until one more dial to the device may begin. Hold what comes until it has ended.
    pub(super) async fn begin(&self, device: DeviceId) -> Option<OwnedSemaphorePermit> {
        let places = self.places(device);
        // Nobody closes it.
        places.acquire_owned().await.ok()
    }

    fn places(&self, device: DeviceId) -> Arc<Semaphore> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = all.get(&device).and_then(Weak::upgrade) {
            return places;
        }
        all.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(AT_ONCE));
        all.insert(device, Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_listener_sees_fewer_dials_at_once_than_it_keeps_and_each_device_has_its_own() {
        let dials = Dials::default();
        let (bob, carol) = (DeviceId([1; 32]), DeviceId([2; 32]));
        let mut under_way: Vec<_> = (0..100).filter_map(|_| dials.begin(bob).now_or_never().flatten()).collect();
        assert_eq!(under_way.len(), AT_ONCE);
        const { assert!(AT_ONCE > 0 && AT_ONCE < UNAUTHENTICATED_PER_ADDRESS) };
        assert!(dials.begin(carol).now_or_never().flatten().is_some());
        under_way.pop();
        assert!(dials.begin(bob).now_or_never().flatten().is_some());
        under_way.clear();
        assert!(dials.begin(carol).now_or_never().flatten().is_some());
        assert!(!dials.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&bob), "nothing is left of it");
    }
}
