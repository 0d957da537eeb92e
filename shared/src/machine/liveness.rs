//! Whether the other side of a connection is still there: pings after silence, gives up after more of it. Both sides ping, because NATs
//! forget connections on which only one side speaks.

use std::time::Instant;

use crate::limits::{DEAD_AFTER, PING_AFTER};

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing before that moment.
    Idle {
        /// When to ask again at the latest.
        until: Instant,
    },
    /// Say something.
    SendPing,
    /// They are gone.
    Dead,
}

/// When something was last heard and said.
#[derive(Debug, Clone, Copy)]
pub struct Liveness {
    heard: Instant,
    said: Instant,
}

impl Liveness {
    /// A connection that was made now.
    pub fn new(now: Instant) -> Self {
        Self { heard: now, said: now }
    }

    /// Any bytes came.
    pub fn heard(&mut self, now: Instant) {
        self.heard = self.heard.max(now);
    }

    /// Any bytes went.
    pub fn said(&mut self, now: Instant) {
        self.said = self.said.max(now);
    }

    /// What is due. A ping that was sent is to be told by [`Self::said`].
    pub fn poll(&self, now: Instant) -> Verdict {
        let (ping, dead) = (self.said + PING_AFTER, self.heard + DEAD_AFTER);
        if now >= dead {
            Verdict::Dead
        } else if now >= ping {
            Verdict::SendPing
        } else {
            Verdict::Idle { until: ping.min(dead) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn silence_is_answered_by_a_ping_and_then_by_giving_up() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        assert_eq!(liveness.poll(start), Verdict::Idle { until: start + PING_AFTER });
        assert_eq!(liveness.poll(start + PING_AFTER), Verdict::SendPing);
        liveness.said(start + PING_AFTER);
        assert!(matches!(liveness.poll(start + PING_AFTER), Verdict::Idle { .. }));
        assert_eq!(liveness.poll(start + DEAD_AFTER), Verdict::Dead);
    }

    proptest! {
        #[test]
        fn whoever_is_heard_lives_and_whoever_is_not_dies(gaps in prop::collection::vec(0_u64..60, 1..50)) {
            let mut now = Instant::now();
            let mut liveness = Liveness::new(now);
            for gap in gaps {
                now += Duration::from_secs(gap);
                let dead = liveness.poll(now) == Verdict::Dead;
                prop_assert_eq!(dead, gap >= DEAD_AFTER.as_secs());
                liveness.heard(now);
                liveness.said(now);
                let alive = matches!(liveness.poll(now), Verdict::Idle { .. });
                prop_assert!(alive);
            }
        }
    }
}
