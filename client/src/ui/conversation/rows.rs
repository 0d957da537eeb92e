//! Makes a timeline's line from the model: words for days, times and states, literal texts, and the sentence that a screen reader speaks.

use hobnob_shared::id::ConversationId;

use crate::model::Model;
use crate::model::conversation::Conversation;
use crate::model::line::{Fate, Layout, Line, Message};
use crate::ui::conversation::bubble::Bubble;
use crate::ui::conversation::row::{Content, LineId, TimelineRow};
use crate::ui::transfers::card::Card;
use crate::ui::transfers::picture;
use crate::ui::{text, words};

/// Line `at` of a conversation.
pub fn row(model: &Model, conversation: &ConversationId, at: usize) -> Option<TimelineRow> {
    let open = model.conversation(conversation)?;
    let line = open.lines().get(at)?;
    let layout = open.layout(at, &words::day_number);
    match line {
        Line::Message(message) => Some(message_row(open, message, layout)),
        Line::Transfer { id, at, .. } => {
            let transfer = model.transfers.get(*id)?;
            let own = model.connection.user.as_ref() == Some(&transfer.info.from);
            let card = Card::new(transfer, own);
            Some(TimelineRow {
                id: LineId::Transfer(*id),
                own,
                day: layout.new_day.then(|| words::day(*at)),
                author: None,
                pictured: false,
                first: true,
                spoken: format!("{}, {}, {}", transfer.info.from, words::time(*at), card.spoken()),
                content: Content::Card(card, picture::wish(transfer)),
                footer: None,
                reached: None,
            })
        }
    }
}

fn message_row(open: &Conversation, message: &Message, layout: Layout) -> TimelineRow {
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
        let (short, long) = words::reached(message);
        add(&short);
        // Who cannot point at the state hears the names at once.
        spoken_state = format!(", {}", long.as_deref().map_or(short, |long| long.replace('\n', ", ").to_lowercase()));
        reached = long;
    }
    let bubble = bubble(open, message);
    let who = if message.own { "You" } else { info.from.as_str() };
    let in_room = info.conversation.friend().is_none();
    // With one friend the header says who it is; the name is repeated where a day begins.
    let named = layout.first && !message.own && (layout.new_day || in_room);
    TimelineRow {
        id: LineId::Message(info.message),
        own: message.own,
        day: layout.new_day.then(|| words::day(info.sent_at)),
        author: named.then(|| info.from.to_string()),
        pictured: in_room,
        first: layout.first,
        spoken: format!("{who}, {time}, {}{spoken_state}", bubble.text),
        content: Content::Bubble(bubble),
        footer: layout.last.then_some(footer),
        reached,
    }
}

fn bubble(open: &Conversation, message: &Message) -> Bubble {
    if message.fate == Fate::Deleted {
        let text = "Message deleted".to_owned();
        return Bubble { text, cut: false, deleted: true, quote: None, reactions: None };
    }
    let (shown, cut) = match text::beginning(&message.info.text) {
        Some(beginning) if !message.expanded => (beginning, true),
        _ => (message.info.text.as_str(), false),
    };
    let quote = message.info.reply_to.map(|id| match open.find(id) {
        Some(quoted) => format!("{}: {}", quoted.info.from, text::literal_line(first_line(&quoted.info.text))),
        None => "An earlier message".to_owned(),
    });
    let reactions: Vec<String> = message
        .reactions
        .iter()
        .map(|(emoji, people)| {
            format!("{} {}", text::literal_line(&emoji.chars().take(16).collect::<String>()), people.len())
        })
        .collect();
    Bubble {
        text: text::literal(shown),
        cut,
        deleted: false,
        quote,
        reactions: (!reactions.is_empty()).then(|| reactions.join("  ")),
    }
}

fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.char_indices().nth(200).and_then(|(end, _)| line.get(..end)).unwrap_or(line)
}
