//! The pictures that people show themselves with: which is whose. The pictures themselves are files, which the window looks at.

use std::collections::HashMap;

use hobnob_shared::id::{Handle, Hash};

use crate::core::event::AvatarInfo;
use crate::model::change::Change;
use crate::model::state::Model;

/// People whose pictures are known: the core keeps no more.
const KNOWN_MAX: usize = 2_000;

impl Model {
    /// The picture of a person.
    pub fn avatar(&self, user: &Handle) -> Option<Hash> {
        self.avatars.get(user).copied()
    }

    /// Somebody is shown with another picture, or with none.
    pub(in crate::model) fn pictured(&mut self, user: Handle, hash: Option<Hash>) -> Vec<Change> {
        let before = match hash {
            Some(hash) if self.avatars.len() < KNOWN_MAX || self.avatars.contains_key(&user) => {
                self.avatars.insert(user.clone(), hash)
            }
            Some(_) => return Vec::new(),
            None => self.avatars.remove(&user),
        };
        if before == hash { Vec::new() } else { vec![Change::Avatar(user)] }
    }

    /// All of them, from the core.
    pub(in crate::model) fn all_pictured(&mut self, avatars: &[AvatarInfo]) -> Vec<Change> {
        let now: HashMap<&Handle, Hash> = avatars.iter().map(|info| (&info.user, info.hash)).collect();
        let gone: Vec<Handle> = self.avatars.keys().filter(|user| !now.contains_key(user)).cloned().collect();
        let gone = gone.into_iter().map(|user| (user, None));
        let shown = avatars.iter().map(|info| (info.user.clone(), Some(info.hash)));
        let all: Vec<_> = gone.chain(shown).collect();
        all.into_iter().flat_map(|(user, hash)| self.pictured(user, hash)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::core::command::Command;
    use crate::core::event::{Answer, Event};
    use crate::model::Question;

    fn handle(name: &str) -> Handle {
        name.parse().unwrap()
    }

    fn info(user: &str, n: u8) -> AvatarInfo {
        AvatarInfo { user: handle(user), hash: Hash([n; 32]) }
    }

    #[test]
    fn who_is_shown_with_something_else_is_drawn_again() {
        let mut model = Model::default();
        let event = |hash: Option<u8>| Event::Avatar { user: handle("bob"), hash: hash.map(|n| Hash([n; 32])) };
        assert_eq!(model.apply(event(Some(1))), [Change::Avatar(handle("bob"))]);
        assert_eq!(model.apply(event(Some(1))), []);
        assert_eq!(model.avatar(&handle("bob")), Some(Hash([1; 32])));
        let request = model.ask(Question::Avatars, Command::Avatars);
        let answer = Answer::Avatars { avatars: vec![info("carol", 2), info("dave", 3)] };
        let mut changes = model.apply(Event::Done { id: request.id, answer });
        changes.retain(|change| matches!(change, Change::Avatar(_)));
        assert_eq!(changes.len(), 3, "bob has none any more: {changes:?}");
        assert_eq!((model.avatar(&handle("bob")), model.avatar(&handle("dave"))), (None, Some(Hash([3; 32]))));
        assert_eq!(model.apply(event(None)), []);
    }
}
