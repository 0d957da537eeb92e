//! Where something was said last: in the order in which it came here. Not by clocks, with which an author could stay above everybody else.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hobnob_shared::id::ConversationId;

/// Conversations in which something was said.
#[derive(Debug, Default)]
pub struct Recent {
    /// The later, the more.
    ranks: HashMap<ConversationId, i64>,
    highest: i64,
    lowest: i64,
}

impl Recent {
    /// Something came there just now.
    pub fn came(&mut self, conversation: &ConversationId) {
        self.highest += 1;
        self.ranks.insert(conversation.clone(), self.highest);
    }

    /// In these something came before, in the newest of them first. Where something came since it was known, that is later.
    pub fn came_before(&mut self, conversations: impl Iterator<Item = ConversationId>) {
        for conversation in conversations {
            if let Entry::Vacant(unknown) = self.ranks.entry(conversation) {
                self.lowest -= 1;
                unknown.insert(self.lowest);
            }
        }
    }

    /// The more, the later something came there; none where nothing did.
    pub fn rank(&self, conversation: &ConversationId) -> Option<i64> {
        self.ranks.get(conversation).copied()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn id(text: &str) -> ConversationId {
        text.parse().unwrap()
    }

    fn order(recent: &Recent) -> Vec<String> {
        let mut all: Vec<_> = recent.ranks.iter().map(|(id, rank)| (*rank, id.to_string())).collect();
        all.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        all.into_iter().map(|(_, id)| id).collect()
    }

    #[test]
    fn what_comes_is_above_what_came_and_that_as_the_disk_has_it() {
        let mut recent = Recent::default();
        // It came while the list was being read.
        recent.came(&id("@carol"));
        recent.came_before([id("#tea"), id("@carol"), id("@bob")].into_iter());
        assert_eq!(order(&recent), ["@carol", "#tea", "@bob"]);
        recent.came(&id("@bob"));
        recent.came(&id("#zoo"));
        assert_eq!(order(&recent), ["#zoo", "@bob", "@carol", "#tea"]);
        // Read once more, as after each sign-in.
        recent.came_before([id("#tea"), id("@bob"), id("@dave")].into_iter());
        assert_eq!(order(&recent), ["#zoo", "@bob", "@carol", "#tea", "@dave"]);
        assert_eq!(recent.rank(&id("@erin")), None);
    }
}
