//! What a search finds among the made-up messages, people, rooms and files.

use hobnob_client::core::command::Wanted;
use hobnob_client::core::event::{Answer, FoundRoom, MessageInfo};

use crate::play::{Play, direct, handle};
use crate::rooms;
use crate::scenes::Content;

/// A page of messages, as long as the real one.
const PAGE: usize = 50;

/// Answers a search.
pub fn answer(play: &Play, text: &str, first: bool) -> Answer {
    let wanted = Wanted::parse(text, Some(&handle("alice")));
    let fits = |info: &MessageInfo| {
        let said = wanted.terms.is_empty() || !wanted.found_in(&info.text).is_empty();
        let who = wanted.from.is_empty() || wanted.from.contains(&info.from);
        said && who && (wanted.within.is_empty() || wanted.within.contains(&info.conversation)) && !wanted.has_file
    };
    let mut all = play.newest(&direct("bob"), 2_000);
    all.extend(play.newest(&direct("carol"), 100));
    for room in rooms::list(play.content) {
        all.extend(rooms::messages(play, &room.room));
    }
    all.retain(fits);
    all.sort_by_key(|info| std::cmp::Reverse(info.sent_at));
    let more = play.content == Content::Long && first;
    all.truncate(PAGE);
    let named = |name: &str| first && !wanted.is_filtered() && wanted.is_in_name(name);
    let rooms = rooms::list(play.content);
    Answer::Found {
        messages: all,
        more,
        people: play.friends().into_iter().filter(|friend| named(friend.user.as_str())).collect(),
        rooms: rooms
            .into_iter()
            .filter(|info| named(&info.room.to_string()))
            .map(|info| FoundRoom { members: info.members.len(), room: info.room })
            .collect(),
        files: play
            .transfers()
            .into_iter()
            .filter(|file| first && wanted.is_in_name(&file.name))
            .filter(|file| wanted.within.is_empty() || wanted.within.contains(&file.conversation))
            .collect(),
    }
}
