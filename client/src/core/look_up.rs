//! A search in a profile that no program has open: without a server, without links, and nothing in it counts as shown.

use std::path::Path;

use rusqlite::Connection;

use super::StartError;
use super::avatars::exchange::Avatars;
use super::command::FOUND_MAX;
use super::event::{Answer, FoundRoom, FriendInfo};
use super::history::{History, HistoryError, avatars, contacts, found, friends, rooms};
use super::profile::{Profile, ProfileError};
use super::sealed_roster::Words;
use super::search::Wanted;

/// What a search finds in the profile in `folder`: as [`super::command::Command::Search`] does it, but nobody's presence is known.
pub fn search(folder: &Path, text: &str) -> Result<(Wanted, Answer), StartError> {
    // Opening would make one.
    let path = folder.join("history.db");
    if let Err(error) = std::fs::metadata(&path) {
        return Err(StartError::Profile(ProfileError::Io { path, error }));
    }
    // It stays locked until this is done.
    let (_profile, identity) = Profile::open(folder).map_err(|error| match error {
        ProfileError::InUse => StartError::InUse(folder.to_owned()),
        error => StartError::Profile(error),
    })?;
    let at_history = |error: HistoryError| StartError::at_history(folder, error);
    let history = History::open(&path).map_err(at_history)?;
    let wanted = Wanted::parse(text, identity.as_ref().map(|(identity, _)| &identity.user));
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(StartError::Thread)?;
    let asked = wanted.clone();
    let answer = runtime.block_on(history.read(move |c| look(c, &asked))).map_err(at_history)?;
    Ok((wanted, answer))
}

fn look(c: &Connection, wanted: &Wanted) -> rusqlite::Result<Answer> {
    let (mut people, mut there) = (Vec::new(), Vec::new());
    if !wanted.is_filtered() && !wanted.is_empty() {
        let words = contacts::load(c)?.contents;
        let pictures = Avatars::load(avatars::load(c)?);
        for friend in friends::load(c)? {
            let nickname = words.words(&friend.user, Words::Nickname).to_owned();
            if wanted.is_in_name(&format!("@{}", friend.user)) || wanted.is_in_name(&nickname) {
                let (verified, avatar) = (friend.verified, pictures.of(&friend.user));
                people.push(FriendInfo { verified, nickname, avatar, ..FriendInfo::new(friend.user) });
            }
        }
        for room in rooms::load(c)?.into_iter().filter(|room| room.ended.is_none()) {
            if wanted.is_in_name(&room.room.to_string()) {
                let members = room.memberships.iter().filter(|kept| kept.member).count();
                there.push(FoundRoom { room: room.room, members });
            }
        }
    }
    let files = found::files(c, wanted, FOUND_MAX as usize)?;
    let (messages, more) = found::messages(c, wanted, None, FOUND_MAX as usize)?;
    Ok(Answer::Found { messages, more, people, rooms: there, files })
}

/// A time by the clock on the wall: `2026-11-26 18:51`.
pub fn wall_clock(ms: u64) -> String {
    let asked = Connection::open_in_memory().and_then(|c| {
        let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
        c.query_row("SELECT strftime('%Y-%m-%d %H:%M', ?1, 'unixepoch', 'localtime')", [seconds], |row| row.get(0))
    });
    asked.ok().flatten().unwrap_or_default()
}
