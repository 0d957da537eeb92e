//! Makes a timeline's line from the model: words for days, times and states, literal texts, and the sentence that a screen reader speaks.

use hobnob_shared::id::{ConversationId, Handle, MessageId};
use hobnob_shared::mention;

use crate::model::Model;
use crate::model::conversation::Conversation;
use crate::model::line::{Fate, Layout, Line, Message};
use crate::ui::conversation::bubble::{Bubble, Fold, Mentions};
use crate::ui::conversation::pills::Pill;
use crate::ui::conversation::quote::Quote;
use crate::ui::conversation::row::{Author, Content, LineId, TimelineRow};
use crate::ui::transfers::card::Card;
use crate::ui::transfers::picture;
use crate::ui::words::Called;
use crate::ui::{text, words};

/// Line `at` of a conversation.
pub fn row(model: &Model, conversation: &ConversationId, at: usize) -> Option<TimelineRow> {
    let open = model.conversation(conversation)?;
    let line = open.lines().get(at)?;
    let layout = open.layout(at, &words::day_number);
    let day = layout.new_day.then(|| words::day(open.said_at(at)));
    match line {
        Line::Message(message) => {
            let fresh = open.is_first_new(at);
            let room = if let ConversationId::Room(room) = conversation { model.rooms.get(room) } else { None };
            let there =
                |name: &str| room.is_some_and(|room| room.members.iter().any(|member| member.user.as_str() == name));
            let people = People {
                me: model.connection.user.as_ref(),
                called: &|user| text::name(model, user),
                is_there: &there,
            };
            Some(TimelineRow { day, ..message_row(open, message, layout, fresh, &people) })
        }
        Line::Transfer { id, at, .. } => {
            let transfer = model.transfers.get(*id)?;
            let own = model.connection.user.as_ref() == Some(&transfer.info.from);
            let card = Card::new(transfer, own);
            Some(TimelineRow {
                id: LineId::Transfer(*id),
                own,
                day,
                fresh: false,
                author: None,
                first: true,
                spoken: format!("{}, {}, {}", text::name(model, &transfer.info.from), words::time(*at), card.spoken()),
                content: Content::Card(card, picture::wish(transfer)),
                footer: None,
                reached: None,
            })
        }
    }
}

/// Whom messages are by, to and about.
struct People<'a> {
    me: Option<&'a Handle>,
    called: Called<'a>,
    /// Somebody of that username can be called there.
    is_there: &'a dyn Fn(&str) -> bool,
}

impl People<'_> {
    fn author(&self, message: &Message) -> String {
        if message.own { "You".to_owned() } else { (self.called)(&message.info.from) }
    }
}

fn message_row(
    open: &Conversation,
    message: &Message,
    layout: Layout,
    fresh: bool,
    people: &People<'_>,
) -> TimelineRow {
    let info = &message.info;
    let time = words::time(info.sent_at);
    let mut footer = time.clone();
    let mut add = |words: &str| {
        footer.push_str(" · ");
        footer.push_str(words);
    };
    if message.fate == Fate::Edited {
        add("edited");
    }
    let (mut spoken_state, mut reached) = (String::new(), None);
    if message.own && message.fate != Fate::Deleted {
        let (short, long) = words::reached(message, people.called);
        add(&short);
        // Who cannot point at the state hears the names at once.
        spoken_state = format!(", {}", long.as_deref().map_or(short, |long| long.replace('\n', ", ").to_lowercase()));
        reached = long;
    }
    let bubble = bubble(open, message, people);
    let who = people.author(message);
    let in_room = info.conversation.friend().is_none();
    // With one friend the header says who it is; the name is repeated where a day begins.
    let named = layout.first && !message.own && (layout.new_day || in_room);
    TimelineRow {
        id: LineId::Message(info.key()),
        own: message.own,
        day: None,
        fresh,
        author: named.then(|| Author { name: who.clone(), picture: in_room.then(|| info.from.clone()) }),
        first: layout.first,
        spoken: format!(
            "{}{who}, {time}, {}{}{spoken_state}{}",
            if fresh { "New messages: " } else { "" },
            quoted(&bubble),
            bubble.text,
            reactions(&bubble)
        ),
        content: Content::Bubble(bubble),
        footer: layout.last.then_some(footer),
        reached,
    }
}

fn quoted(bubble: &Bubble) -> String {
    bubble.quote.as_ref().map(|quote| format!("{}: ", quote.spoken())).unwrap_or_default()
}

fn reactions(bubble: &Bubble) -> String {
    let each = bubble.reactions.iter().map(|pill| format!(", {} by {}", pill.shown, pill.who));
    each.collect::<Vec<_>>().concat()
}

fn bubble(open: &Conversation, message: &Message, people: &People<'_>) -> Bubble {
    let People { me, is_there, .. } = *people;
    let own = message.own;
    if message.fate == Fate::Deleted {
        let text = "Message deleted".to_owned();
        let (mentions, fold, reactions) = (Mentions::default(), Fold::Short, Vec::new());
        return Bubble { text, mentions, fold, deleted: true, quote: None, reactions, own };
    }
    let (shown, fold) = match text::beginning(&message.info.text) {
        Some(beginning) if !message.expanded => (beginning, Fold::Cut),
        Some(_) => (message.info.text.as_str(), Fold::Open),
        None => (message.info.text.as_str(), Fold::Short),
    };
    let text = text::literal(shown);
    let places = mention::find(&text, is_there);
    // What is not shown yet may call somebody as well.
    let me_too = me.is_some_and(|me| !own && is_there(me.as_str()) && mention::names(&message.info.text, me));
    Bubble {
        text,
        mentions: Mentions { places, me: me_too },
        fold,
        deleted: false,
        quote: message.info.reply_to.map(|id| quote(open, id, people)),
        reactions: message.reactions.iter().map(|(emoji, by)| pill(emoji, by, people)).collect(),
        own,
    }
}

fn quote(open: &Conversation, message: MessageId, people: &People<'_>) -> Quote {
    match open.only(message) {
        Some(quoted) if quoted.fate == Fate::Deleted => {
            Quote { message, author: Some(people.author(quoted)), text: "Message deleted".to_owned() }
        }
        Some(quoted) => {
            let text = text::literal_line(first_line(&quoted.info.text));
            Quote { message, author: Some(people.author(quoted)), text }
        }
        None => Quote { message, author: None, text: "An earlier message".to_owned() },
    }
}

fn pill(emoji: &str, by: &[Handle], people: &People<'_>) -> Pill {
    let mine = by.iter().any(|user| Some(user) == people.me);
    Pill {
        emoji: emoji.to_owned(),
        shown: text::literal_line(emoji),
        count: by.len(),
        who: words::set_by(by, people.me, people.called),
        mine,
    }
}

/// The first line of a text, as much as a line can show.
pub fn first_line(text: &str) -> &str {
    let line = text.trim_start().lines().next().unwrap_or_default();
    line.char_indices().nth(200).and_then(|(end, _)| line.get(..end)).unwrap_or(line)
}

#[cfg(test)]
#[path = "rows_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
