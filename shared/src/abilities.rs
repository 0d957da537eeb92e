//! What both sides of a connection can do: each names its abilities in its hello, and only the intersection is used.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Most abilities that one hello may name; more are ignored.
const MOST: usize = 64;

/// Shows its own picture, and asks for those of others.
pub const AVATAR: &str = "avatar";

/// A set of ability names. Unknown names are kept, and do no harm, since only common ones count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Abilities(BTreeSet<String>);

impl Abilities {
    /// What this version can do.
    pub fn ours() -> Self {
        Self(["replica", "file", "presence", "room", AVATAR].into_iter().map(str::to_owned).collect())
    }

    /// What both can do.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().take(MOST).filter(|name| other.0.contains(*name)).cloned().collect())
    }

    /// Whether `name` is in the set.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_common_abilities_count() {
        let future = Abilities(["replica", "teleport"].into_iter().map(str::to_owned).collect());
        let common = Abilities::ours().common(&future);
        assert!(common.has("replica"));
        assert!(!common.has("teleport"));
        assert!(!common.has("file"));
    }
}
