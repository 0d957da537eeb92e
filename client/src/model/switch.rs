//! Which conversations somebody means who types a few letters: friends and rooms, the most recent first, and of those that fit the best first.

use hobnob_shared::id::ConversationId;

use crate::model::state::Model;

/// A conversation that is meant, and which letters of its name say so: their numbers, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// Which.
    pub conversation: ConversationId,
    /// What it is called: a friend's nickname or username without `@`, or a room's id. Not to be shown unchecked.
    pub name: String,
    /// Letters of the name that were typed.
    pub letters: Vec<usize>,
}

impl Model {
    /// Friends, rooms and what is open in a tab, as far as the letters stand in their names in this order: the best first, then the most
    /// recent. While nothing is typed the conversation in front comes last of all, since nobody goes where they are.
    pub fn meant(&self, typed: &str, front: Option<&ConversationId>) -> Vec<Meant> {
        let friends = self.roster.sorted("").into_iter().map(|person| ConversationId::Direct(person.user.clone()));
        let rooms = self.rooms.sorted("").into_iter().map(|room| ConversationId::Room(room.room.clone()));
        let mut all: Vec<ConversationId> = friends.chain(rooms).collect();
        let mut open: Vec<_> = self.open.keys().filter(|id| !all.contains(id)).cloned().collect();
        open.sort();
        all.extend(open);
        let mut ranked: Vec<_> = all
            .into_iter()
            .filter_map(|conversation| {
                let name = self.name_of(&conversation);
                let (cost, letters) = fit(&name, typed).or_else(|| {
                    // By the username they are found as well; then no letter of the name is the reason.
                    let (cost, _) = fit(conversation.friend()?.as_str(), typed)?;
                    Some((cost, Vec::new()))
                })?;
                let recent = self.recent.rank(&conversation);
                let is_front = typed.trim().is_empty() && front == Some(&conversation);
                Some(((is_front, cost, std::cmp::Reverse(recent)), Meant { conversation, name, letters }))
            })
            .collect();
        // Stable: friends by presence and name, then rooms.
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, meant)| meant).collect()
    }
}

/// How badly letters fit a name, 0 for its beginning, and where they stand. They stand in their order, perhaps with others between them; the
/// search begins at each place where the first of them stands.
fn fit(name: &str, typed: &str) -> Option<(usize, Vec<usize>)> {
    let lower =
        |text: &str| text.chars().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()).collect::<Vec<_>>();
    let typed = lower(typed);
    let typed = typed.strip_prefix(&['@']).unwrap_or(&typed);
    let name = lower(name);
    let Some(first) = typed.first() else { return Some((0, Vec::new())) };
    let starts = name.iter().enumerate().filter(|(_, c)| *c == first).map(|(at, _)| at);
    starts.filter_map(|start| fit_from(&name, start, typed)).min_by_key(|(cost, _)| *cost)
}

fn fit_from(name: &[char], start: usize, typed: &[char]) -> Option<(usize, Vec<usize>)> {
    let mut letters = Vec::with_capacity(typed.len());
    let mut rest = start;
    for wanted in typed {
        let at = rest + name.get(rest..)?.iter().position(|c| c == wanted)?;
        letters.push(at);
        rest = at + 1;
    }
    let gaps = rest - start - typed.len();
    // The sign of a room and the dots in a name begin something.
    let begins = start == 0 || name.get(start - 1).is_some_and(|c| !c.is_alphanumeric());
    let cost = gaps * 4 + usize::from(start != 0) + usize::from(!begins) * 2;
    Some((cost, letters))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use hobnob_shared::message::Presence;
    use proptest::prelude::*;

    use super::*;
    use crate::core::event::{FriendInfo, Notify, RoomInfo};

    fn model(friends: &[&str], rooms: &[&str]) -> Model {
        let mut model = Model::default();
        let friend = |user: &&str| FriendInfo { presence: Presence::Offline, ..FriendInfo::new(user.parse().unwrap()) };
        model.roster.replace(friends.iter().map(friend).collect(), vec![]);
        let room = |room: &&str| RoomInfo {
            room: room.parse().unwrap(),
            owner: "alice".parse().unwrap(),
            locked: false,
            members: vec![],
            notify: Notify::All,
        };
        model.rooms.replace(rooms.iter().map(room).collect());
        model
    }

    fn names(model: &Model, typed: &str) -> Vec<String> {
        model.meant(typed, None).into_iter().map(|meant| meant.name).collect()
    }

    #[test]
    fn the_most_recent_come_first_and_where_one_is_last() {
        let mut model = model(&["ann", "bob", "carol"], &["#tea"]);
        let id = |text: &str| text.parse::<ConversationId>().unwrap();
        model.recent.came_before([id("#tea"), id("@carol")].into_iter());
        assert_eq!(names(&model, ""), ["#tea", "carol", "ann", "bob"]);
        let there = model.meant("", Some(&id("#tea")));
        assert_eq!(there.last().unwrap().name, "#tea");
        model.open(id("@dave"));
        assert_eq!(names(&model, "d"), ["dave"], "no friend, but in a tab");
    }

    #[test]
    fn a_friend_is_found_by_nickname_and_by_username() {
        let mut model = model(&["ann", "bob"], &[]);
        model.roster.get_mut(&"bob".parse().unwrap()).unwrap().nickname = "Uncle Robert".to_owned();
        assert_eq!(names(&model, "uncle"), ["Uncle Robert"]);
        let meant = model.meant("bob", None).swap_remove(0);
        assert_eq!(
            (meant.name.as_str(), meant.letters.len()),
            ("Uncle Robert", 0),
            "by the username, which is not shown"
        );
    }

    #[test]
    fn letters_fit_in_their_order_and_the_nearest_best() {
        let model = model(&["bob", "rob.b", "barbara.o", "duong.nguyen"], &["#bonobo", "#tea"]);
        assert_eq!(names(&model, "bo"), ["bob", "#bonobo", "barbara.o"]);
        assert_eq!(names(&model, "DN"), ["duong.nguyen"]);
        assert_eq!(names(&model, "@rob"), ["rob.b"]);
        assert_eq!(names(&model, "#t"), ["#tea"]);
        assert!(names(&model, "xyz").is_empty());
        let meant = model.meant("dng", None).swap_remove(0);
        assert_eq!(meant.letters, [0, 3, 4], "{meant:?}");
    }

    proptest! {
        #[test]
        fn any_letters_are_looked_for(name in any::<String>(), typed in any::<String>()) {
            if let Some((_, letters)) = fit(&name, &typed) {
                prop_assert!(letters.is_sorted());
            }
        }
    }
}
