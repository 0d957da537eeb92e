//! How many files and connections a program may have open. Called by all programs when they start.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::OPEN_FILES;

/// Raises the soft limit to the hard one, as far as is sensible: the usual 1,024 is for programs that use `select`. Gives the limit that holds,
/// if there is one, and whether it could be raised.
pub fn raise_limit() -> (Option<u64>, bool) {
    let now = getrlimit(Resource::Nofile);
    let Some(wanted) = raised(now) else { return (now.current, true) };
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..now }).is_ok();
    (if raised { Some(wanted) } else { now.current }, raised)
}

/// The soft limit to be set, if it is higher than what holds.
fn raised(Rlimit { current, maximum }: Rlimit) -> Option<u64> {
    let wanted = maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    current.is_some_and(|current| current < wanted).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_goes_up_to_the_hard_one_and_never_down() {
        let limit = |current, maximum| Rlimit { current, maximum };
        assert_eq!(raised(limit(Some(1_024), Some(4_096))), Some(4_096));
        assert_eq!(raised(limit(Some(1_024), Some(1 << 20))), Some(OPEN_FILES));
        assert_eq!(raised(limit(Some(1_024), None)), Some(OPEN_FILES));
        assert_eq!(raised(limit(Some(1_024), Some(1_024))), None);
        assert_eq!(raised(limit(Some(1 << 20), Some(1 << 20))), None);
        assert_eq!(raised(limit(None, None)), None);
        let (holds, done) = raise_limit();
        assert!(done && holds.is_none_or(|holds| Some(holds) == getrlimit(Resource::Nofile).current));
    }
}
