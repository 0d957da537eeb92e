//! What lines show of messages that answer, were changed, taken back or reacted to: literally, and nothing of what is gone.

use hobnob_shared::id::{DeviceId, MessageId};
use hobnob_shared::message::OwnPresence;

use super::*;
use crate::core::event::{Event, MessageInfo, MessageState};
use crate::core::message_key::MessageKey;

fn with_bob() -> ConversationId {
    "@bob".parse().unwrap()
}

fn model() -> Model {
    let mut model = Model::default();
    let (user, text) = ("alice".parse().unwrap(), String::new());
    model.apply(Event::SignedIn { user, presence: OwnPresence::Available, text });
    model.open(with_bob());
    model
}

fn says(model: &mut Model, from: &str, text: &str, at: u64, reply_to: Option<MessageId>) -> MessageId {
    let message = MessageId::new();
    model.apply(Event::Message(MessageInfo {
        conversation: with_bob(),
        message,
        from: from.parse().unwrap(),
        text: text.to_owned(),
        sent_at: at,
        reply_to,
        state: MessageState::Delivered,
        clock: at,
        device: DeviceId([0; 32]),
        number: at,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    }));
    message
}

fn reacts(model: &mut Model, from: &str, message: MessageId, emoji: &str) {
    let (from, emoji) = (from.parse().unwrap(), emoji.to_owned());
    model.apply(Event::Reaction { conversation: with_bob(), from, message, emoji, on: true });
}

fn shown(model: &Model, at: usize) -> (TimelineRow, Bubble) {
    let row = row(model, &with_bob(), at).unwrap();
    let Content::Bubble(bubble) = row.content.clone() else { panic!("no bubble") };
    (row, bubble)
}

#[test]
fn what_others_set_and_wrote_is_shown_literally_and_spoken() {
    let mut model = model();
    let first = says(&mut model, "bob", "<b>photo</b>\u{202E}gpj.exe\nsecond line", 1, None);
    says(&mut model, "alice", "yes", 2, Some(first));
    reacts(&mut model, "bob", first, "👍");
    reacts(&mut model, "alice", first, "👍");
    reacts(&mut model, "bob", first, "a\u{202E}b");
    let (row, bubble) = shown(&model, 0);
    let pills: Vec<_> = bubble.reactions.iter().map(|pill| (pill.shown.as_str(), pill.count, pill.mine)).collect();
    assert_eq!(pills, [("👍", 2, true), ("a\u{FFFD}b", 1, false)]);
    assert_eq!(bubble.reactions[0].who, "You, bob");
    assert!(row.spoken.ends_with(", 👍 by You, bob, a\u{FFFD}b by bob"), "{}", row.spoken);
    let (row, bubble) = shown(&model, 1);
    let quote = bubble.quote.unwrap();
    assert_eq!((quote.author.as_deref(), quote.text.as_str()), (Some("bob"), "<b>photo</b>\u{FFFD}gpj.exe"));
    assert!(row.spoken.contains("in answer to bob: <b>photo</b>\u{FFFD}gpj.exe: yes"), "{}", row.spoken);
}

#[test]
fn nothing_is_shown_of_a_message_that_was_taken_back() {
    let mut model = model();
    let first = says(&mut model, "bob", "secretword", 1, None);
    says(&mut model, "alice", "yes", 2, Some(first));
    says(&mut model, "alice", "and this", 3, Some(MessageId::new()));
    reacts(&mut model, "alice", first, "👍");
    model.apply(Event::MessageDeleted { conversation: with_bob(), from: "bob".parse().unwrap(), message: first });
    let (row, bubble) = shown(&model, 0);
    assert_eq!((bubble.text.as_str(), bubble.deleted, bubble.reactions.len()), ("Message deleted", true, 0));
    assert!(!row.spoken.contains("secretword"));
    let quoted = |at| shown(&model, at).1.quote.unwrap();
    assert_eq!((quoted(1).author.as_deref(), quoted(1).text.as_str()), (Some("bob"), "Message deleted"));
    assert_eq!((quoted(2).author, quoted(2).text.as_str()), (None, "An earlier message"));
}

#[test]
fn an_edited_message_says_so_beside_its_time() {
    let mut model = model();
    let first = says(&mut model, "bob", "helo", 1, None);
    says(&mut model, "bob", "next", 2, None);
    let (conversation, from, text) = (with_bob(), "bob".parse().unwrap(), "hello".to_owned());
    model.apply(Event::MessageEdited { conversation, from, message: first, text });
    let (row, bubble) = shown(&model, 0);
    assert_eq!(bubble.text, "hello");
    assert!(row.footer.unwrap().ends_with(" · edited"));
}

#[test]
fn a_long_message_is_unfolded_and_folded_again() {
    let mut model = model();
    let id = says(&mut model, "bob", &"line\n".repeat(40), 1, None);
    let long = MessageKey { id, author: "bob".parse().unwrap() };
    says(&mut model, "bob", "short", 2, None);
    let folds = |model: &Model| (shown(model, 0).1.fold, shown(model, 1).1.fold);
    assert_eq!(folds(&model), (Fold::Cut, Fold::Short));
    model.unfold(&with_bob(), &long);
    assert_eq!(folds(&model), (Fold::Open, Fold::Short));
    assert!(shown(&model, 0).1.text.lines().count() >= 40);
    model.unfold(&with_bob(), &long);
    assert_eq!(folds(&model), (Fold::Cut, Fold::Short));
}

#[test]
fn a_friend_has_one_name_everywhere_in_a_timeline() {
    use crate::core::event::FriendInfo;
    let mut model = model();
    let bob = FriendInfo { nickname: "Uncle <b>\u{202E}Bob".to_owned(), ..FriendInfo::new("bob".parse().unwrap()) };
    model.roster.replace(vec![bob], vec![]);
    let first = says(&mut model, "bob", "hello", 1, None);
    says(&mut model, "alice", "yes", 2, Some(first));
    reacts(&mut model, "bob", first, "👍");
    let name = "Uncle <b>\u{FFFD}Bob";
    let (row, bubble) = shown(&model, 0);
    assert_eq!(row.author, Some(Author { name: name.to_owned(), picture: None }), "the header shows the picture");
    assert!(row.spoken.contains(&format!("{name}, ")), "{}", row.spoken);
    assert_eq!(bubble.reactions[0].who, name);
    assert_eq!(shown(&model, 1).1.quote.unwrap().author.as_deref(), Some(name));
}
