//! What is read of a conversation and when, and what counts as seen while the reader is somewhere in the past.

use hobnob_shared::id::{DeviceId, Handle, MessageId};
use hobnob_shared::message::OwnPresence;

use super::*;
use crate::core::event::{Event, MessageState};
use crate::core::message_key::MessageKey;
use crate::model::fresh::Fresh;

fn handle(text: &str) -> Handle {
    text.parse().unwrap()
}

fn bob() -> ConversationId {
    ConversationId::Direct(handle("bob"))
}

fn message(n: u64) -> MessageInfo {
    MessageInfo {
        conversation: bob(),
        message: MessageId(uuid::Uuid::from_u128(u128::from(n))),
        from: handle("bob"),
        text: n.to_string(),
        sent_at: n,
        reply_to: None,
        state: MessageState::Delivered,
        clock: n,
        device: DeviceId([0; 32]),
        number: n,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    }
}

fn came(
    model: &mut Model,
    request: &Request,
    range: std::ops::Range<u64>,
    (earlier, later): (bool, bool),
) -> Vec<Change> {
    let found = match request.command {
        Command::History { around, at, .. } => around.or(at.map(|at| message(at).message)),
        _ => None,
    };
    let messages = range.map(message).collect();
    model.apply(Event::Done { id: request.id.clone(), answer: Answer::Messages { messages, earlier, later, found } })
}

fn line_of(model: &Model, message: MessageKey) -> Option<usize> {
    model.conversation(&bob()).unwrap().position(&message.into())
}

/// Everything up to this message was seen.
fn read(info: &MessageInfo) -> Command {
    Command::MarkRead { message: info.message, author: Some(info.from.clone()) }
}

/// Alice reads the messages around the 500th of a thousand.
fn far_back() -> Model {
    let mut model = Model::default();
    model.apply(Event::SignedIn { user: handle("alice"), presence: OwnPresence::Available, text: String::new() });
    let page = model.open(bob()).unwrap();
    came(&mut model, &page, 960..1_000, (true, false));
    model.seen(&bob());
    let there = model.far(&bob(), Part::Around(message(500).key().into())).unwrap();
    assert!(matches!(there.command, Command::History { around: Some(_), limit: AROUND, .. }));
    came(&mut model, &there, 460..540, (true, true));
    model
}

#[test]
fn what_comes_while_one_is_far_back_is_counted_and_not_seen() {
    let mut model = far_back();
    assert_eq!(line_of(&model, message(500).key()), Some(40));
    let changes = model.apply(Event::Message(message(1_000)));
    assert!(!changes.iter().any(|change| matches!(change, Change::Spliced { .. })), "its place is not here");
    assert!(changes.iter().any(|change| matches!(change, Change::Arrived { .. })));
    assert_eq!(model.unread(&bob()), 1);
    let (changes, request) = model.seen(&bob());
    assert_eq!((changes.len(), request, model.unread(&bob())), (0, None, 1), "nobody has seen it");
    let recount = model.apply(Event::ReadElsewhere { conversation: bob(), message: message(1_000).message });
    assert_eq!(recount, [Change::Recount]);
    // Back at the end it stands where the new begins, and is seen.
    let end = model.to_end(&bob()).unwrap();
    assert_eq!(model.to_end(&bob()), None, "it is on its way");
    came(&mut model, &end, 961..1_001, (true, false));
    assert_eq!(model.conversation(&bob()).unwrap().fresh, Fresh::Above(message(1_000).key()));
    let (_, request) = model.seen(&bob());
    assert_eq!(request.unwrap().command, read(&message(1_000)));
    assert_eq!((model.unread(&bob()), model.to_end(&bob())), (0, None));
}

#[test]
fn both_ends_are_read_on_one_page_at_a_time() {
    let mut model = far_back();
    let older = model.older(&bob()).unwrap();
    assert_eq!(older.command, Command::read(bob(), PAGE, Part::Before(message(460).key().into())));
    assert_eq!((model.older(&bob()), model.newer(&bob())), (None, None), "a page is on its way");
    came(&mut model, &older, 420..460, (true, true));
    let newer = model.newer(&bob()).unwrap();
    assert_eq!(newer.command, Command::read(bob(), PAGE, Part::After(message(539).key().into())));
    let changes = came(&mut model, &newer, 540..560, (true, false));
    assert!(changes.contains(&Change::Spliced { conversation: bob(), at: 120, removed: 0, added: 20 }));
    assert_eq!(model.newer(&bob()), None, "that is the end");
}

#[test]
fn a_place_that_is_not_there_leaves_everything_as_it_was() {
    let mut model = far_back();
    let request = model.far(&bob(), Part::Around(message(7_000).key().into())).unwrap();
    let failed = Event::Failed { id: request.id, code: "unknown_message".to_owned(), text: String::new() };
    assert!(matches!(model.apply(failed)[..], [Change::Failed { .. }]));
    assert_eq!(model.conversation(&bob()).unwrap().lines().len(), 80);
    assert!(model.older(&bob()).is_some());
}

#[test]
fn what_is_erased_is_shown_no_more_and_what_is_left_is_read_again() {
    let mut model = far_back();
    model.apply(Event::Message(message(1_000)));
    let erase = model
        .ask(Question::Erase { conversation: bob(), draft: String::new() }, Command::Erase { conversation: bob() });
    let changes = model.apply(Event::Done { id: erase.id, answer: Answer::Erased { erased: 1_001, kept: 0 } });
    assert!(changes.contains(&Change::Spliced { conversation: bob(), at: 0, removed: 80, added: 0 }));
    assert_eq!(model.unread(&bob()), 0);
    assert!(changes.contains(&Change::Recount), "something may have come meanwhile");
    let again = model.read_again(&bob());
    assert_eq!(again.len(), 2);
    came(&mut model, &again[1], 0..0, (false, false));
    assert_eq!(model.conversation(&bob()).unwrap().past(), Past::Complete);
}

#[test]
fn nothing_is_seen_before_it_is_here() {
    let mut model = Model::default();
    model.apply(Event::SignedIn { user: handle("alice"), presence: OwnPresence::Available, text: String::new() });
    model.apply(Event::Message(message(1)));
    let page = model.open(bob()).unwrap();
    let (changes, request) = model.seen(&bob());
    assert_eq!((changes.len(), request, model.unread(&bob())), (0, None, 1), "the author would never be told");
    came(&mut model, &page, 0..2, (false, false));
    let (_, request) = model.seen(&bob());
    assert_eq!((request.map(|request| request.command), model.unread(&bob())), (Some(read(&message(1))), 0));
}

#[test]
fn a_flood_of_edits_is_counted_once_at_a_time() {
    let mut model = Model::default();
    let first = model.recount().unwrap();
    assert_eq!((model.recount(), model.recount()), (None, None));
    let answer = Answer::Conversations { conversations: vec![] };
    let changes = model.apply(Event::Done { id: first.id, answer: answer.clone() });
    assert!(changes.contains(&Change::Recount), "what changed meanwhile may not be in it");
    let last = model.recount().unwrap();
    assert!(!model.apply(Event::Done { id: last.id, answer }).contains(&Change::Recount));
}

#[test]
fn who_stands_behind_all_others_by_their_clock_keeps_nobody_elses_words_unread() {
    let mut model = Model::default();
    model.apply(Event::SignedIn { user: handle("alice"), presence: OwnPresence::Available, text: String::new() });
    let page = model.open(bob()).unwrap();
    let ahead = MessageInfo { clock: hobnob_shared::limits::CLOCK, ..message(1_000) };
    let answer = Answer::Messages { messages: vec![ahead.clone()], earlier: false, later: false, found: None };
    model.apply(Event::Done { id: page.id, answer });
    let read = Some(read(&ahead));
    assert_eq!(model.seen(&bob()).1.map(|request| request.command), read);
    assert_eq!(model.seen(&bob()).1, None, "once");
    model.apply(Event::Message(message(5)));
    assert_eq!(model.seen(&bob()).1.map(|request| request.command), read, "with it everything before it is read");
    assert_eq!(model.unread(&bob()), 0);
}

#[test]
fn of_two_pages_that_come_together_each_says_which_question_it_answers() {
    let mut model = far_back();
    let first = model.far(&bob(), Part::At(100)).unwrap();
    let second = model.far(&bob(), Part::At(800)).unwrap();
    let waits_for = |model: &Model| model.conversation(&bob()).unwrap().awaited().map(|awaited| awaited.id);
    assert_eq!(waits_for(&model), QuestionId::of(&second));
    // Both are applied before either is drawn.
    let mut changes = came(&mut model, &first, 60..140, (true, true));
    changes.extend(came(&mut model, &second, 760..840, (true, true)));
    let answered: Vec<_> = changes
        .iter()
        .filter_map(|change| if let Change::Done { id, .. } = change { Some(*id) } else { None })
        .collect();
    assert_eq!(answered, [&first, &second].map(|request| QuestionId::of(request).unwrap()));
    assert_eq!(
        changes.iter().filter(|change| matches!(change, Change::Spliced { .. })).count(),
        1,
        "nobody waits for the first"
    );
    assert_eq!(line_of(&model, message(800).key()), Some(40));
}

/// Bob's message, and one of somebody else who has used its id.
fn with_the_id_of(n: u64, place: u64) -> MessageInfo {
    MessageInfo { message: message(n).message, from: handle("mallory"), ..message(place) }
}

#[test]
fn where_one_is_is_said_by_whose_message_stands_there() {
    let mut model = far_back();
    let author = |request: Request| match request.command {
        Command::History { author, .. } => author,
        _ => None,
    };
    assert_eq!(author(model.older(&bob()).unwrap()), Some(handle("bob")));
    let mut model = far_back();
    assert_eq!(author(model.newer(&bob()).unwrap()), Some(handle("bob")));
}

#[test]
fn whose_message_is_gone_to_is_not_taken_by_one_with_its_id() {
    let mut model = far_back();
    let key = |author: &str| MessageKey { id: message(490).message, author: handle(author) };
    let theirs = with_the_id_of(490, 100);
    let there = model.far(&bob(), Part::Around(key("mallory").into())).unwrap();
    let messages = (60..140).map(|n| if n == 100 { theirs.clone() } else { message(n) }).collect();
    let answer = Answer::Messages { messages, earlier: true, later: true, found: Some(theirs.message) };
    model.apply(Event::Done { id: there.id, answer });
    assert_eq!(line_of(&model, key("mallory")), Some(40), "bob's stood here, and is not it");
    assert_eq!(line_of(&model, key("bob")), None);
}

#[test]
fn an_id_that_was_used_again_counts_nothing_as_read() {
    let mut model = Model::default();
    model.apply(Event::SignedIn { user: handle("alice"), presence: OwnPresence::Available, text: String::new() });
    let page = model.open(bob()).unwrap();
    came(&mut model, &page, 0..0, (false, false));
    for info in [message(1), message(2), with_the_id_of(1, 3)] {
        model.apply(Event::Message(info));
    }
    let elsewhere = Event::ReadElsewhere { conversation: bob(), message: message(1).message };
    assert_eq!(model.apply(elsewhere), [Change::Recount], "which of them was read?");
    assert_eq!(model.unread(&bob()), 3);
    let (_, request) = model.seen(&bob());
    assert_eq!(request.unwrap().command, read(&with_the_id_of(1, 3)));
}

#[test]
fn a_message_is_unfolded_and_the_other_of_its_id_is_not() {
    let mut model = Model::default();
    let page = model.open(bob()).unwrap();
    let messages = vec![message(1), with_the_id_of(1, 2)];
    model.apply(Event::Done {
        id: page.id,
        answer: Answer::Messages { messages, earlier: false, later: false, found: None },
    });
    model.unfold(&bob(), &message(1).key());
    let lines = model.conversation(&bob()).unwrap().lines().iter();
    assert_eq!(lines.filter_map(|line| line.message().map(|line| line.expanded)).collect::<Vec<_>>(), [true, false]);
}
