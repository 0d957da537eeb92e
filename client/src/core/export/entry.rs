//! What an export says: whose copy of which conversation it is, its messages and files in their order, and when each was, by this computer's
//! clock.

use std::collections::{HashSet, VecDeque};

use hobnob_shared::id::{ConversationId, Handle};
use rusqlite::{Connection, Result};

use crate::core::clock::now_ms;
use crate::core::event::{MessageInfo, TransferInfo};
use crate::core::history::{pages, transfers};

/// A moment in local time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// Such as `Thursday, 26 November 2026`.
    pub(super) day: String,
    /// Such as `14:03`.
    pub(super) time: String,
    /// As other programs read it, such as `2026-11-26T14:03:20+07:00`, without the zone.
    pub(super) stamp: String,
}

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Moment {
    /// Milliseconds since 1970. The store knows the local time; what no calendar has is a moment unknown.
    fn read(c: &Connection, at: u64) -> Result<Self> {
        let seconds = (at / 1_000).cast_signed();
        let parts: Option<String> = c
            .prepare_cached("SELECT strftime('%Y-%m-%dT%H:%M:%S %w', ?1, 'unixepoch', 'localtime')")?
            .query_row([seconds], |row| row.get(0))?;
        Ok(parts.as_deref().and_then(Self::parse).unwrap_or_else(|| Self {
            day: "Some day".to_owned(),
            time: "??:??".to_owned(),
            stamp: String::new(),
        }))
    }

    fn parse(parts: &str) -> Option<Self> {
        let (stamp, weekday) = parts.split_once(' ')?;
        let (date, time) = stamp.split_once('T')?;
        let mut numbers = date.splitn(3, '-').map(|number| number.parse::<usize>().ok());
        let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let (weekday, month) = (DAYS.get(weekday.parse::<usize>().ok()?)?, MONTHS.get(month.checked_sub(1)?)?);
        let (day, time) = (format!("{weekday}, {day} {month} {year}"), time.get(..5)?.to_owned());
        Some(Self { day, time, stamp: stamp.to_owned() })
    }
}

/// Of the whole.
pub(super) struct Head {
    pub(super) conversation: ConversationId,
    pub(super) own: Handle,
    pub(super) now: Moment,
}

impl Head {
    pub(super) fn read(c: &Connection, conversation: &ConversationId, own: Handle) -> Result<Self> {
        Ok(Self { conversation: conversation.clone(), own, now: Moment::read(c, now_ms())? })
    }

    /// The conversation in words.
    pub(super) fn title(&self) -> String {
        match &self.conversation {
            ConversationId::Direct(user) => format!("Conversation with {user}"),
            ConversationId::Room(room) => format!("Room {room}"),
        }
    }

    /// Whose copy, of when.
    pub(super) fn origin(&self) -> String {
        format!("As kept by {}, exported on {} at {}.", self.own, self.now.day, self.now.time)
    }

    /// Who says or sends something, for people.
    pub(super) fn is_own(&self, from: &Handle) -> bool {
        self.own == *from
    }
}

/// The message that another one answers, as far as it is here.
pub(super) struct Quoted {
    pub(super) from: Handle,
    /// None: it was taken back.
    pub(super) text: Option<String>,
}

/// A message.
pub(super) struct Said {
    pub(super) info: MessageInfo,
    pub(super) when: Moment,
    pub(super) quoted: Option<Quoted>,
}

/// A file.
pub(super) struct Sent {
    pub(super) info: TransferInfo,
    pub(super) when: Moment,
}

/// A line.
pub(super) enum Entry {
    Said(Said),
    File(Sent),
}

impl Entry {
    pub(super) fn when(&self) -> &Moment {
        match self {
            Self::Said(said) => &said.when,
            Self::File(sent) => &sent.when,
        }
    }
}

/// The messages behind `last`.
pub(super) fn piece(
    c: &Connection,
    conversation: &ConversationId,
    last: Option<&MessageInfo>,
    limit: usize,
) -> Result<Vec<Said>> {
    let read = |info: MessageInfo| {
        let original = info.reply_to.map(|id| pages::find(c, conversation, id)).transpose()?.flatten();
        let quoted =
            original.map(|original| Quoted { from: original.from, text: (!original.deleted).then_some(original.text) });
        Ok(Said { when: Moment::read(c, info.sent_at)?, quoted, info })
    };
    pages::following(c, conversation, last, limit)?.into_iter().map(read).collect()
}

/// Files of the conversation that are still to come, the oldest first.
pub(super) struct Files(VecDeque<Sent>);

impl Files {
    pub(super) fn read(c: &Connection, conversation: &ConversationId) -> Result<Self> {
        let mut known = HashSet::new();
        let mut files = Vec::new();
        for transfer in transfers::list(c)? {
            let info = TransferInfo { by: None, ..transfer.info(false) };
            // What was offered to a room is one file, whoever has taken it.
            if info.conversation == *conversation && known.insert(info.transfer) {
                files.push(Sent { when: Moment::read(c, info.sent_at)?, info });
            }
        }
        files.sort_by_key(|sent| sent.info.sent_at);
        Ok(Self(files.into()))
    }

    /// Those that stand before a message that was said at this time, where the window shows them too.
    pub(super) fn before(&mut self, at: u64) -> Vec<Sent> {
        let count = self.0.iter().take_while(|sent| at == u64::MAX || sent.info.sent_at < at).count();
        self.0.drain(..count).collect()
    }
}
