//! One search over what was said, who is there, and what was sent.

use hobnob_shared::id::{ConversationId, Handle};

use crate::core::command::FOUND_MAX;
use crate::core::error::Problem;
use crate::core::event::{Answer, FoundRoom, FriendInfo};
use crate::core::history::found;
use crate::core::message_key::MessageRef;
use crate::core::outlet::Ticket;
use crate::core::registry::Registry;
use crate::core::search::{SEARCH_MAX, Wanted};

/// Most people, rooms and files of a search: whoever wants another one types more of its name.
const NAMES: usize = 50;

impl Registry {
    /// Answers a search. The command's own fields narrow it as filters in its text do.
    pub(in crate::core) fn search(
        &self,
        text: &str,
        (conversation, from): (Option<ConversationId>, Option<Handle>),
        (before, limit): (Option<MessageRef>, u32),
        ticket: Ticket,
    ) {
        let Some(own) = &self.identity else { return ticket.failed(Problem::not_signed_in()) };
        if text.len() > SEARCH_MAX {
            return ticket.failed(Problem::too_long());
        }
        let mut wanted = Wanted::parse(text, Some(&own.user));
        // What the fields say and the text contradicts is nowhere.
        let contradicts =
            conversation.as_ref().is_some_and(|id| !wanted.within.is_empty() && !wanted.within.contains(id))
                || from.as_ref().is_some_and(|user| !wanted.from.is_empty() && !wanted.from.contains(user));
        let nothing_typed = wanted.is_empty();
        if let Some(conversation) = conversation {
            wanted.within = vec![conversation];
        }
        if let Some(from) = from {
            wanted.from = vec![from];
        }
        let names = before.is_none() && !wanted.is_filtered() && !wanted.terms.is_empty();
        let people = if names { self.people_named(&wanted) } else { Vec::new() };
        let rooms = if names { self.rooms_named(&wanted) } else { Vec::new() };
        if contradicts || nothing_typed {
            let (messages, files) = (Vec::new(), Vec::new());
            return ticket.done(Answer::Found { messages, more: false, people, rooms, files });
        }
        let (history, as_told, running) = (self.history.clone(), self.as_told(), self.running.clone());
        let limit = limit.min(FOUND_MAX) as usize;
        actix_rt::spawn(async move {
            let read = history.read_all(move |c| {
                let files = if before.is_none() { found::files(c, &wanted, NAMES)? } else { Vec::new() };
                Ok((found::messages(c, &wanted, before.as_ref(), limit)?, files))
            });
            let told = read.await.map(|((messages, more), mut files)| {
                for file in &mut files {
                    file.done = running.done(file.transfer).unwrap_or(file.done);
                }
                Answer::Found { messages: as_told(messages), more, people, rooms, files }
            });
            ticket.answer(told.map_err(Problem::from));
        });
    }

    fn people_named(&self, wanted: &Wanted) -> Vec<FriendInfo> {
        let Answer::Friends { friends, .. } = self.friends() else { return Vec::new() };
        let named = friends
            .into_iter()
            .filter(|friend| wanted.is_in_name(&format!("@{}", friend.user)) || wanted.is_in_name(&friend.nickname));
        named.take(NAMES).collect()
    }

    fn rooms_named(&self, wanted: &Wanted) -> Vec<FoundRoom> {
        let Ok(Answer::Rooms { rooms }) = self.room_list() else { return Vec::new() };
        let named = rooms.into_iter().filter(|room| wanted.is_in_name(&room.room.to_string()));
        named.take(NAMES).map(|room| FoundRoom { members: room.members.len(), room: room.room }).collect()
    }
}
