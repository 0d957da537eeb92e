//! Where the new messages begin: set once, found in what comes from the disk, gone when the conversation is left.

use hobnob_shared::id::{DeviceId, MessageId};
use hobnob_shared::message::OwnPresence;

use super::*;
use crate::core::event::{Answer, ConversationInfo, Event, MessageInfo, MessageState, Notify};
use crate::model::Question;

fn bob() -> ConversationId {
    "@bob".parse().unwrap()
}

fn message(from: &str, at: u64) -> MessageInfo {
    MessageInfo {
        conversation: bob(),
        message: MessageId::new(),
        from: from.parse().unwrap(),
        text: at.to_string(),
        sent_at: at,
        reply_to: None,
        state: MessageState::Delivered,
        clock: at,
        device: DeviceId([0; 32]),
        number: at,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    }
}

fn alice() -> Model {
    let mut model = Model::default();
    let (user, text) = ("alice".parse().unwrap(), String::new());
    model.apply(Event::SignedIn { user, presence: OwnPresence::Available, text });
    model
}

fn counted(model: &mut Model, unread: u32) {
    let list = model.ask(Question::Conversations, crate::core::command::Command::Conversations);
    let conversations =
        vec![ConversationInfo { conversation: bob(), unread, mentions: 0, newest: None, notify: Notify::All }];
    model.apply(Event::Done { id: list.id, answer: Answer::Conversations { conversations } });
}

fn mark(model: &Model) -> Option<usize> {
    let open = model.conversation(&bob()).unwrap();
    (0..open.lines().len()).find(|at| open.is_first_new(*at))
}

#[test]
fn an_unread_conversation_that_is_opened_shows_where_its_new_messages_begin() {
    let mut model = alice();
    counted(&mut model, 3);
    let page = model.open(bob()).unwrap();
    // Seen at once, before its page has come.
    model.seen(&bob());
    model.watch(Some(&bob()));
    let messages: Vec<_> = (1..=6).map(|at| message(if at == 4 { "alice" } else { "bob" }, at)).collect();
    model.apply(Event::Done {
        id: page.id,
        answer: Answer::Messages { messages, earlier: false, later: false, found: None },
    });
    assert_eq!(mark(&model), Some(2), "of the others' messages, an own one is not new");
    model.apply(Event::Message(message("bob", 7)));
    model.seen(&bob());
    assert_eq!(mark(&model), Some(2), "it stands while somebody reads");
    assert!(model.leave(&bob()).is_some());
    assert_eq!(mark(&model), None);
}

#[test]
fn what_comes_while_somebody_watches_is_not_set_apart_and_what_comes_later_is() {
    let mut model = alice();
    let page = model.open(bob()).unwrap();
    model.apply(Event::Done {
        id: page.id,
        answer: Answer::Messages { messages: vec![message("bob", 1)], earlier: false, later: false, found: None },
    });
    model.watch(Some(&bob()));
    model.apply(Event::Message(message("bob", 2)));
    model.seen(&bob());
    assert_eq!(mark(&model), None);
    model.watch(None);
    model.apply(Event::Message(message("bob", 3)));
    model.apply(Event::Message(message("bob", 4)));
    assert_eq!(mark(&model), Some(2), "above the first of them");
    assert_eq!(model.leave(&bob()), None, "they were not seen");
    model.seen(&bob());
    model.apply(Event::Message(message("bob", 5)));
    assert_eq!(mark(&model), Some(4), "all before it was seen: it moves on");
}

#[test]
fn the_counts_may_come_after_the_page_and_a_page_may_be_too_short() {
    let mut model = alice();
    let page = model.open(bob()).unwrap();
    let messages: Vec<_> = (1_000..1_040).map(|at| message("bob", at)).collect();
    model.apply(Event::Done {
        id: page.id,
        answer: Answer::Messages { messages, earlier: true, later: false, found: None },
    });
    assert_eq!(mark(&model), None);
    counted(&mut model, 42);
    assert_eq!(mark(&model), None, "it begins further back");
    let older = model.older(&bob()).unwrap();
    let messages: Vec<_> = (900..940).map(|at| message("bob", at)).collect();
    model.apply(Event::Done {
        id: older.id,
        answer: Answer::Messages { messages, earlier: false, later: false, found: None },
    });
    assert_eq!(mark(&model), Some(38));
    // What was reported as read is not new again because it was counted before that.
    let mut model = alice();
    let page = model.open(bob()).unwrap();
    model.apply(Event::Done {
        id: page.id,
        answer: Answer::Messages { messages: vec![message("bob", 1)], earlier: false, later: false, found: None },
    });
    model.seen(&bob());
    counted(&mut model, 1);
    assert_eq!(mark(&model), None);
}

proptest::proptest! {
    /// Whatever clocks the others have, and whatever of theirs was read: the mark stands above the first that was not.
    #[test]
    fn the_mark_stands_above_the_first_that_was_not_read(
        stored in proptest::collection::vec((0_u64..50, 0..3), 0..20),
        live in proptest::collection::vec(0_u64..50, 0..10),
    ) {
        let mut model = alice();
        let mut new = Vec::new();
        let mut messages: Vec<MessageInfo> = stored
            .iter()
            .map(|(at, kind)| match kind {
                0 => message("alice", *at),
                1 => MessageInfo { state: MessageState::Read, ..message("bob", *at) },
                _ => {
                    let unread = message("bob", *at);
                    new.push(unread.message);
                    unread
                }
            })
            .collect();
        messages.sort_by_key(|info| info.clock);
        counted(&mut model, u32::try_from(new.len()).unwrap());
        let page = model.open(bob()).unwrap();
        model.apply(Event::Done {
            id: page.id,
            answer: Answer::Messages { messages, earlier: false, later: false, found: None },
        });
        for at in live {
            let unread = message("bob", at);
            new.push(unread.message);
            model.apply(Event::Message(unread));
        }
        let lines = model.conversation(&bob()).unwrap().lines();
        let first = lines.iter().position(|line| line.message().is_some_and(|line| new.contains(&line.info.message)));
        proptest::prop_assert_eq!(mark(&model), first);
    }
}
