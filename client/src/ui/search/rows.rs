//! What the lines of a search and of the switcher say: who, where, when, and what was found with some words around it.

use hobnob_shared::id::{ConversationId, Handle};

use crate::core::command::Wanted;
use crate::core::event::{FoundRoom, FriendInfo, MessageInfo, TransferInfo};
use crate::model::Model;
use crate::model::switch::Meant;
use crate::ui::search::row::{FoundRow, Line, Pick, Words};
use crate::ui::words::Called;
use crate::ui::{text, words};

/// Characters in front of what was found.
const BEFORE: usize = 36;
/// Characters of a text, in all.
const SHOWN: usize = 240;
const FILE: &str = "text-x-generic-symbolic";

/// Whose search it is, and what the others are called.
#[derive(Clone, Copy)]
pub struct People<'a> {
    /// Oneself.
    pub me: Option<&'a Handle>,
    /// The others.
    pub called: Called<'a>,
}

fn line(line: Line) -> FoundRow {
    FoundRow::Line(Box::new(line))
}

/// A text of one line with what was found.
fn marked(wanted: &Wanted, raw: &str) -> Words {
    let text = text::literal_line(raw);
    let bold = wanted.found_in(&text);
    Words { text, bold }
}

/// What stands around the first place that was found, in one line.
fn context(wanted: &Wanted, raw: &str) -> Words {
    let first = wanted.found_in(raw).first().map_or(0, |range| range.start);
    let before = raw.get(..first).unwrap_or_default();
    let start = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    let rest = raw.get(start..).unwrap_or_default();
    let end = rest.char_indices().nth(SHOWN).map_or(rest.len(), |(at, _)| at);
    let part = rest.get(..end).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    marked(wanted, &if start > 0 { format!("…{part}") } else { part })
}

fn place(conversation: &ConversationId, from: &Handle, people: &People<'_>) -> String {
    let People { me, called } = *people;
    match (conversation, Some(from) == me) {
        (ConversationId::Direct(with), true) => format!("You to {}", called(with)),
        (ConversationId::Direct(_), false) => called(from),
        (ConversationId::Room(room), true) => format!("You in {room}"),
        (ConversationId::Room(room), false) => format!("{} in {room}", called(from)),
    }
}

/// A message that was found.
pub fn message(wanted: &Wanted, info: &MessageInfo, people: &People<'_>) -> FoundRow {
    line(Line {
        pick: Pick::Message(info.conversation.clone(), info.key()),
        picture: (info.from.to_string(), None),
        name: Words::plain(place(&info.conversation, &info.from, people)),
        aside: words::when(info.sent_at),
        words: context(wanted, &info.text),
        unread: 0,
    })
}

/// A friend who was found.
pub fn person(wanted: &Wanted, info: &FriendInfo) -> FoundRow {
    let has_other = !info.nickname.is_empty();
    let called = if has_other { &info.nickname } else { info.user.as_str() };
    let said = match (has_other, info.status_text.is_empty()) {
        (true, false) => format!("@{} · {}", info.user, info.status_text),
        (true, true) => format!("@{}", info.user),
        (false, _) => info.status_text.clone(),
    };
    line(Line {
        pick: Pick::Conversation(ConversationId::Direct(info.user.clone())),
        picture: (info.user.to_string(), None),
        name: marked(wanted, called),
        aside: words::presence(info.presence).to_owned(),
        words: marked(wanted, &said),
        unread: 0,
    })
}

/// A room that was found.
pub fn room(wanted: &Wanted, info: &FoundRoom) -> FoundRow {
    let name = info.room.to_string();
    line(Line {
        pick: Pick::Conversation(ConversationId::Room(info.room.clone())),
        name: marked(wanted, &name),
        picture: (name, None),
        aside: if info.members == 1 { "1 member".to_owned() } else { format!("{} members", info.members) },
        words: Words::default(),
        unread: 0,
    })
}

/// A file that was found.
pub fn file(wanted: &Wanted, info: &TransferInfo, people: &People<'_>) -> FoundRow {
    let of = place(&info.conversation, &info.from, people);
    line(Line {
        pick: Pick::File(info.conversation.clone(), info.transfer),
        picture: (info.name.clone(), Some(if info.files.is_some() { "folder-symbolic" } else { FILE })),
        name: marked(wanted, &info.name),
        aside: words::when(info.sent_at),
        words: Words::plain(format!("{of} · {}", words::size(info.size))),
        unread: 0,
    })
}

/// That there are more files than are shown.
pub fn all_files(count: usize) -> FoundRow {
    line(Line {
        pick: Pick::AllFiles,
        picture: (String::new(), Some(FILE)),
        name: Words::plain(format!("Show All Files ({count})")),
        aside: String::new(),
        words: Words::default(),
        unread: 0,
    })
}

/// A conversation that may be meant.
pub fn meant(model: &Model, meant: Meant) -> FoundRow {
    let Meant { conversation, name, letters } = meant;
    let name = text::literal_line(&name);
    // Spaces were not counted.
    let letters_of = name.char_indices().filter(|(_, c)| !c.is_whitespace());
    let mut at = letters_of.map(|(at, c)| at..at + c.len_utf8());
    let mut bold: Vec<std::ops::Range<usize>> = Vec::new();
    let mut next = 0;
    for letter in letters {
        let Some(range) = at.nth(letter - next) else { break };
        next = letter + 1;
        match bold.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => bold.push(range),
        }
    }
    // A picture is a username's, whatever somebody is called here.
    let (picture, words) = match &conversation {
        ConversationId::Direct(user) => (
            (user.to_string(), None),
            model.roster.get(user).map(|person| {
                let status = words::status(person);
                if person.nickname.is_empty() { status } else { format!("@{user} · {status}") }
            }),
        ),
        ConversationId::Room(room) => ((name.clone(), None), model.rooms.get(room).map(words::people)),
    };
    line(Line {
        picture,
        name: Words { text: name, bold },
        aside: String::new(),
        words: Words::plain(text::literal_line(&words.unwrap_or_default())),
        unread: model.unread(&conversation),
        pick: Pick::Conversation(conversation),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_picture_is_the_persons_whatever_they_are_called() {
        let user: Handle = "carol".parse().unwrap();
        let info = FriendInfo { nickname: "bob".to_owned(), ..FriendInfo::new(user.clone()) };
        let mut model = Model::default();
        model.roster.replace(vec![info.clone()], vec![]);
        let conversation = ConversationId::Direct(user);
        let meant = Meant { conversation, name: "bob".to_owned(), letters: Vec::new() };
        for row in [person(&Wanted::parse("bob", None), &info), super::meant(&model, meant)] {
            let FoundRow::Line(line) = row else { panic!("no line") };
            assert_eq!((line.picture, line.name.text.as_str()), (("carol".to_owned(), None), "bob"));
        }
    }

    #[test]
    fn what_was_found_stands_in_its_context_and_nothing_in_it_is_markup() {
        let wanted = Wanted::parse("tea", None);
        let long = format!("{}<b>green</b>\n tea\u{202e} &amp; more {}", "word ".repeat(50), "and more ".repeat(100));
        let shown = context(&wanted, &long);
        assert!(
            shown.text.starts_with('…') && shown.text.contains("<b>green</b> tea\u{FFFD} &amp; more"),
            "{}",
            shown.text
        );
        assert!(shown.text.chars().count() <= SHOWN + 1);
        assert_eq!(shown.bold.iter().map(|range| &shown.text[range.clone()]).collect::<Vec<_>>(), ["tea"]);
        assert_eq!(context(&wanted, "Tea, tea").bold, [0..3, 5..8]);
        assert_eq!(context(&wanted, "").text, "");
    }
}
