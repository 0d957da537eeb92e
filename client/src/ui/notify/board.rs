//! What stands on the desktop and what should: one card for each conversation or question, counted, replaced and taken back. Pure; the
//! shell asks for one thing to do after another, so floods become one card.

use std::collections::{HashMap, VecDeque};

use hobnob_shared::id::{ConversationId, Handle};

use crate::core::message_key::MessageKey;
use crate::ui::text;

/// Characters of a message in a notification: about what a desktop shows.
const EXCERPT: usize = 200;
/// Messages of a card that are known one by one, for when some of them are read or taken back; the others are only counted.
const KNOWN: usize = 100;

/// What a card is about: there is one of each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tag {
    /// What came in a conversation.
    Conversation(ConversationId),
    /// Somebody asks to be friends.
    Request(Handle),
    /// A friend's key changed.
    Alarm(Handle),
    /// The program goes on without its window.
    Background,
}

/// Where a click on a card leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To the first message that is told of, where there is one.
    Conversation(ConversationId, Option<MessageKey>),
    /// To the window as it is.
    Window,
}

/// One thing that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whose; empty where the words say it.
    pub from: String,
    /// What.
    pub what: String,
    /// The message, if it is one.
    pub message: Option<MessageKey>,
}

/// What is to be done on the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Show a card, in the place of the one with that number (0: of none).
    Show {
        /// About what.
        tag: Tag,
        /// Which one goes.
        replaces: u32,
        /// Its first line, literal.
        title: String,
        /// What stands below, literal.
        body: String,
        /// The desktop may play a sound.
        sound: bool,
    },
    /// Take that one back.
    Close(u32),
}

#[derive(Debug, Default)]
struct Card {
    /// The newest things, oldest first.
    items: VecDeque<Item>,
    /// How many there were besides.
    more: u32,
    /// Its number on the desktop, while it stands there.
    number: Option<u32>,
    /// It may say something else than what stands there.
    stale: bool,
    /// What was shown last.
    said: (String, String),
    sound: bool,
}

/// All cards.
#[derive(Debug, Default)]
pub struct Board {
    cards: HashMap<Tag, Card>,
    /// Whose turn it is, in order.
    turns: VecDeque<Tag>,
}

impl Board {
    /// Something came.
    pub fn add(&mut self, tag: &Tag, item: Item, sound: bool) {
        let card = self.cards.entry(tag.clone()).or_default();
        card.items.push_back(item);
        if card.items.len() > KNOWN {
            card.items.pop_front();
            card.more = card.more.saturating_add(1);
        }
        card.sound |= sound;
        self.touch(tag);
    }

    /// Nothing of it is to be told any more.
    pub fn withdraw(&mut self, tag: &Tag) {
        if let Some(card) = self.cards.get_mut(tag) {
            card.items.clear();
            card.more = 0;
            self.touch(tag);
        }
    }

    /// Nothing at all is to be told any more.
    pub fn withdraw_all(&mut self) {
        self.withdraw_where(|_| true);
    }

    /// Takes back what `is_over`.
    pub fn withdraw_where(&mut self, is_over: impl Fn(&Tag) -> bool) {
        let over: Vec<Tag> = self.cards.keys().filter(|tag| is_over(tag)).cloned().collect();
        for tag in over {
            self.withdraw(&tag);
        }
    }

    /// So many messages of the conversation were not seen yet: the older ones were.
    pub fn unread(&mut self, conversation: &ConversationId, unread: u32) {
        let tag = Tag::Conversation(conversation.clone());
        let Some(card) = self.cards.get_mut(&tag) else { return };
        if unread == 0 {
            return self.withdraw(&tag);
        }
        let before = card.count();
        let messages = card.items.iter().filter(|item| item.message.is_some()).count();
        let mut seen = (messages + card.more as usize).saturating_sub(unread as usize);
        let from_more = seen.min(card.more as usize);
        card.more -= u32::try_from(from_more).unwrap_or(card.more);
        seen -= from_more;
        card.items.retain(|item| {
            item.message.is_none() || seen == 0 || {
                seen -= 1;
                false
            }
        });
        if card.count() != before {
            self.touch(&tag);
        }
    }

    /// A message has another text, or, with none, was taken back.
    pub fn rewrite(&mut self, conversation: &ConversationId, message: &MessageKey, text: Option<&str>) {
        let tag = Tag::Conversation(conversation.clone());
        let Some(card) = self.cards.get_mut(&tag) else { return };
        let Some(at) = card.items.iter().position(|item| item.message.as_ref() == Some(message)) else { return };
        match (text, card.items.get_mut(at)) {
            (Some(text), Some(item)) => text.clone_into(&mut item.what),
            _ => drop(card.items.remove(at)),
        }
        self.touch(&tag);
    }

    /// All cards say something else from now on.
    pub fn reword(&mut self) {
        let all: Vec<Tag> = self.cards.keys().cloned().collect();
        for tag in all {
            self.touch(&tag);
        }
    }

    /// There is something to do.
    pub fn is_stale(&self) -> bool {
        !self.turns.is_empty()
    }

    fn touch(&mut self, tag: &Tag) {
        if let Some(card) = self.cards.get_mut(tag)
            && !std::mem::replace(&mut card.stale, true)
        {
            self.turns.push_back(tag.clone());
        }
    }

    /// The next thing to do on the desktop; with `show_text` cards say who wrote and what.
    pub fn next(&mut self, show_text: bool) -> Option<Job> {
        while let Some(tag) = self.turns.pop_front() {
            let Some(card) = self.cards.get_mut(&tag) else { continue };
            card.stale = false;
            if card.count() == 0 {
                let number = self.cards.remove(&tag).and_then(|card| card.number);
                match number {
                    Some(number) => return Some(Job::Close(number)),
                    None => continue,
                }
            }
            let (title, body) = words(&tag, card, show_text);
            if card.number.is_some() && card.said.0 == title && card.said.1 == body {
                continue;
            }
            card.said = (title.clone(), body.clone());
            let (sound, replaces) = (std::mem::take(&mut card.sound), card.number.unwrap_or_default());
            return Some(Job::Show { tag, replaces, title, body, sound });
        }
        None
    }

    /// The card stands there under that number.
    pub fn shown(&mut self, tag: &Tag, number: u32) {
        if let Some(card) = self.cards.get_mut(tag) {
            card.number = Some(number);
        }
    }

    /// It was put away on the desktop: what comes next is a new one.
    pub fn closed(&mut self, number: u32) {
        if let Some(card) = self.cards.values_mut().find(|card| card.number == Some(number)) {
            card.number = None;
        }
    }

    /// What showed them is gone, and they with it: whatever has their numbers from now on is not ours.
    pub fn forgotten(&mut self) {
        for card in self.cards.values_mut() {
            card.number = None;
        }
    }

    /// Where the card of that number leads; none for one that is not ours.
    pub fn place(&self, number: u32) -> Option<Place> {
        let (tag, card) = self.cards.iter().find(|(_, card)| card.number == Some(number))?;
        Some(match tag {
            Tag::Conversation(id) => {
                let first = card.items.iter().find_map(|item| item.message.clone());
                // With more than are known the first one is not among them: the conversation shows where the new ones begin.
                Place::Conversation(id.clone(), first.filter(|_| card.more == 0))
            }
            Tag::Alarm(user) => Place::Conversation(ConversationId::Direct(user.clone()), None),
            Tag::Request(_) | Tag::Background => Place::Window,
        })
    }

    /// The numbers of all that stand there.
    pub fn numbers(&self) -> Vec<u32> {
        self.cards.values().filter_map(|card| card.number).collect()
    }
}

impl Card {
    fn count(&self) -> usize {
        self.items.len() + self.more as usize
    }
}

/// First line and body of a card.
fn words(tag: &Tag, card: &Card, show_text: bool) -> (String, String) {
    let count = card.count();
    let Some(last) = card.items.back() else {
        return ("Hobnob".to_owned(), many(count));
    };
    if !show_text && *tag != Tag::Background {
        let body = match tag {
            Tag::Conversation(_) => many(count),
            Tag::Request(_) => "New friend request".to_owned(),
            Tag::Alarm(_) => "The key of a friend changed".to_owned(),
            Tag::Background => String::new(),
        };
        return ("Hobnob".to_owned(), body);
    }
    let what: String = text::literal(&last.what).chars().take(EXCERPT).collect();
    let from = text::literal_line(&last.from);
    match tag {
        Tag::Conversation(ConversationId::Room(room)) if count == 1 => (format!("{from} in {room}"), what),
        Tag::Conversation(ConversationId::Room(room)) => (room.to_string(), format!("{}\n{from}: {what}", many(count))),
        Tag::Conversation(ConversationId::Direct(_)) if count > 1 => (from, format!("{}\n{what}", many(count))),
        _ => (from, what),
    }
}

fn many(count: usize) -> String {
    if count == 1 { "New message".to_owned() } else { format!("{count} new messages") }
}

#[cfg(test)]
#[path = "board_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
