//! A timeline that shows some stretch of a conversation: whatever is asked for and comes, it is a part of it without gaps.

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, TransferId};
use proptest::prelude::*;

use super::*;
use crate::core::event::{MessageInfo, MessageState};
use crate::core::message_key::MessageRef;
use crate::model::conversation::{Awaited, Placed};
use crate::model::question::QuestionId;

fn handle(text: &str) -> Handle {
    text.parse().unwrap()
}

/// The `n`th message of a conversation.
fn message(n: u64) -> Message {
    let info = MessageInfo {
        conversation: ConversationId::Direct(handle("bob")),
        message: id(n),
        from: handle("bob"),
        text: n.to_string(),
        sent_at: n * 10,
        reply_to: None,
        state: MessageState::Delivered,
        clock: n * 10,
        device: DeviceId([0; 32]),
        number: n,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    };
    Message::new(info, None)
}

fn id(n: u64) -> MessageId {
    MessageId(uuid::Uuid::from_u128(u128::from(n)))
}

/// What the disk answers about messages `0..count`.
fn answer(count: u64, part: Part, limit: u64) -> Page {
    let of = |named: &MessageRef| u64::try_from(named.id.0.as_u128()).unwrap();
    let (from, to, found) = match part {
        Part::Newest => (count.saturating_sub(limit), count, None),
        Part::Before(id) => (of(&id).saturating_sub(limit), of(&id), None),
        Part::After(id) => (of(&id) + 1, (of(&id) + 1 + limit).min(count), None),
        Part::Around(id) => (of(&id).saturating_sub(limit / 2), (of(&id) + limit / 2).min(count), Some(id)),
        Part::At(at) => {
            let n = at.div_ceil(10);
            if n >= count {
                return answer(count, Part::Newest, limit);
            }
            return answer(count, Part::Around(id(n).into()), limit);
        }
    };
    Page { messages: (from..to).map(message).collect(), earlier: from > 0, later: to < count, found }
}

fn go(conversation: &mut Conversation, count: u64, part: Part) -> Vec<Splice> {
    conversation.ask(Awaited { id: QuestionId(7), part: part.clone() });
    conversation.load(QuestionId(7), answer(count, part, 20), &[])
}

fn numbers(conversation: &Conversation) -> Vec<u64> {
    conversation.lines().iter().filter_map(Line::message).map(|message| message.info.number).collect()
}

fn range(conversation: &Conversation) -> (u64, u64) {
    let numbers = numbers(conversation);
    (numbers[0], numbers[numbers.len() - 1])
}

#[test]
fn a_place_far_back_replaces_what_is_here_and_is_read_on_from_at_both_ends() {
    let mut conversation = Conversation::default();
    go(&mut conversation, 1_000, Part::Newest);
    assert_eq!((range(&conversation), conversation.is_live()), ((980, 999), true));
    assert_eq!(go(&mut conversation, 1_000, Part::Around(id(500).into())), [Splice { at: 0, removed: 20, added: 20 }]);
    assert_eq!((range(&conversation), conversation.is_live()), ((490, 509), false));
    assert_eq!(conversation.position(&id(500).into()), Some(10));
    assert_eq!(go(&mut conversation, 1_000, Part::Before(id(490).into())), [Splice { at: 0, removed: 0, added: 20 }]);
    assert_eq!(go(&mut conversation, 1_000, Part::After(id(509).into())), [Splice { at: 40, removed: 0, added: 20 }]);
    assert_eq!(range(&conversation), (470, 529));
    // What is here already is not read again.
    assert_eq!(go(&mut conversation, 1_000, Part::At(5_000)), []);
    go(&mut conversation, 1_000, Part::At(u64::MAX - 20));
    assert_eq!((range(&conversation), conversation.is_live()), ((980, 999), true));
}

#[test]
fn what_comes_while_the_reader_is_far_back_waits_for_its_page() {
    let mut conversation = Conversation::default();
    go(&mut conversation, 100, Part::Around(id(50).into()));
    assert_eq!(conversation.insert(message(100)), Placed::Elsewhere);
    assert_eq!(range(&conversation), (40, 59));
    // The last page was read before the message was stored, and the message came before the page.
    let mut conversation = Conversation::default();
    go(&mut conversation, 100, Part::Around(id(75).into()));
    conversation.ask(Awaited { id: QuestionId(1), part: Part::After(id(84).into()) });
    let page = answer(100, Part::After(id(84).into()), 20);
    assert_eq!(conversation.insert(message(100)), Placed::Elsewhere);
    conversation.load(QuestionId(1), page, &[]);
    assert_eq!((range(&conversation), conversation.is_live()), ((65, 100), true));
    assert_eq!(conversation.insert(message(101)), Placed::At(36), "this is the end again");
}

#[test]
fn a_page_that_nobody_waits_for_any_more_changes_nothing() {
    let mut conversation = Conversation::default();
    go(&mut conversation, 100, Part::Newest);
    conversation.ask(Awaited { id: QuestionId(1), part: Part::Before(id(80).into()) });
    conversation.ask(Awaited { id: QuestionId(2), part: Part::Around(id(30).into()) });
    assert_eq!(conversation.load(QuestionId(1), answer(100, Part::Before(id(80).into()), 20), &[]), []);
    assert!(!conversation.give_up(QuestionId(1)) && conversation.awaited().is_some());
    conversation.load(QuestionId(2), answer(100, Part::Around(id(30).into()), 20), &[]);
    assert_eq!(range(&conversation), (20, 39));
}

#[test]
fn cards_stand_in_the_stretch_that_is_shown_and_in_no_other() {
    let cards: Vec<Due> = [105, 505, 9_950].into_iter().map(|at| (TransferId::new(), at, handle("bob"))).collect();
    let mut conversation = Conversation::default();
    let shown = |conversation: &Conversation| conversation.transfers().collect::<Vec<_>>();
    let load = |conversation: &mut Conversation, part: Part| {
        conversation.ask(Awaited { id: QuestionId(1), part: part.clone() });
        conversation.load(QuestionId(1), answer(1_000, part, 20), &cards);
    };
    load(&mut conversation, Part::Newest);
    assert_eq!(shown(&conversation), [cards[2].0]);
    load(&mut conversation, Part::Around(id(30).into()));
    assert_eq!(shown(&conversation), []);
    load(&mut conversation, Part::Before(id(20).into()));
    assert_eq!(shown(&conversation), [cards[0].0]);
    load(&mut conversation, Part::After(id(39).into()));
    assert_eq!(shown(&conversation), [cards[0].0, cards[1].0]);
    assert_eq!(conversation.push_transfer(TransferId::new(), handle("bob"), 9_999), None, "its place is not here");
}

#[test]
fn what_is_here_goes_at_the_other_end_and_comes_again() {
    let mut conversation = Conversation::default();
    go(&mut conversation, 10_000, Part::Newest);
    let mut splices = Vec::new();
    while splices.len() < 2 {
        let oldest = conversation.oldest().unwrap();
        splices = go(&mut conversation, 10_000, Part::Before(oldest.into()));
    }
    assert_eq!(conversation.lines().len(), KEPT);
    assert_eq!(splices[1].at, KEPT);
    assert!(!conversation.is_live());
    let (first, last) = range(&conversation);
    assert_eq!(last - first + 1, KEPT as u64);
    splices.clear();
    while splices.len() < 2 {
        let newest = conversation.newest().unwrap();
        splices = go(&mut conversation, 10_000, Part::After(newest.into()));
    }
    assert_eq!((splices[1].at, conversation.lines().len(), conversation.past()), (0, KEPT, Past::More));
}

#[test]
fn a_page_does_not_take_back_what_was_heard_since() {
    let mut conversation = Conversation::default();
    go(&mut conversation, 100, Part::Newest);
    conversation.change(id(90), |_| true, |message| message.expanded = true);
    go(&mut conversation, 100, Part::Around(id(85).into()));
    assert!(!conversation.only(id(85)).unwrap().expanded && conversation.only(id(90)).unwrap().expanded);
    go(&mut conversation, 100, Part::Around(id(30).into()));
    go(&mut conversation, 100, Part::Around(id(35).into()));
    assert_eq!(conversation.clear(), 20);
    assert_eq!((conversation.past(), conversation.is_live()), (Past::Unread, true));
}

proptest! {
    /// Whatever is gone to and whatever comes in between, early or late: the lines are a part of the conversation without a gap, and the
    /// splices that are told make them from what was there.
    #[test]
    fn it_is_always_one_stretch(steps in prop::collection::vec((0_u8..7, 0_u64..400), 1..60)) {
        let (mut conversation, mut count) = (Conversation::default(), 200_u64);
        let mut drawn: Vec<u64> = Vec::new();
        let mut due: Option<(Part, Page)> = None;
        for (step, n) in steps {
            let mut splices = Vec::new();
            match step {
                // Something is said; the event comes at once.
                0 => {
                    count += 1;
                    if let Placed::At(at) = conversation.insert(message(count - 1)) {
                        splices.push(Splice { at, removed: 0, added: 1 });
                    }
                }
                // The page that is on its way comes, as it was when it was read.
                1 => if let Some((_, page)) = due.take() {
                    splices = conversation.load(QuestionId(1), page, &[]);
                },
                2 => {
                    let removed = conversation.trim(usize::try_from(n).unwrap());
                    splices.push(Splice { at: 0, removed, added: 0 });
                }
                _ => {
                    let part = match step {
                        3 => conversation.oldest().filter(|_| conversation.past() == Past::More).map(|oldest| Part::Before(oldest.into())),
                        4 => conversation.newest().filter(|_| !conversation.is_live()).map(|newest| Part::After(newest.into())),
                        5 => Some(if n % 2 == 0 { Part::Around(id(n % count).into()) } else { Part::At(n * 10) }),
                        _ => Some(Part::Newest),
                    };
                    if let Some(part) = part {
                        conversation.ask(Awaited { id: QuestionId(1), part: part.clone() });
                        due = Some((part.clone(), answer(count, part, 20)));
                    }
                }
            }
            for Splice { at, removed, added } in splices {
                drawn.splice(at..at + removed, std::iter::repeat_n(u64::MAX, added));
            }
            let now = numbers(&conversation);
            prop_assert_eq!(drawn.len(), now.len());
            drawn.clone_from(&now);
            prop_assert!(now.windows(2).all(|pair| pair[1] == pair[0] + 1), "{:?}", now);
            if conversation.past() != Past::Unread && conversation.is_live() {
                prop_assert_eq!(now.last().copied(), Some(count - 1));
            }
        }
    }
}

#[test]
fn a_message_that_claims_another_time_takes_no_files_along() {
    const DAY: u64 = 24 * 60 * 60 * 1_000;
    let now = 1_000 * DAY;
    let at = |n: u64, sent_at: u64| {
        let mut message = message(n);
        (message.info.clock, message.info.sent_at) = (now + n * 10, sent_at);
        message
    };
    let file = |at: u64| (TransferId::new(), at, handle("bob"));
    let files = [file(now - 2 * DAY), file(now + 15), file(now + 25)];
    let mut conversation = Conversation::default();
    conversation.ask(Awaited { id: QuestionId(7), part: Part::Newest });
    // The first one of a page says that it is of the end of all time, the second that it is of its beginning.
    let messages = vec![at(1, u64::MAX), at(2, 0), at(3, now + 30)];
    conversation.load(QuestionId(7), Page { messages, earlier: true, later: false, found: None }, &files);
    let shown: Vec<Option<u64>> =
        conversation.lines().iter().map(|line| line.message().map(|m| m.info.number)).collect();
    assert_eq!(shown, [Some(1), Some(2), None, None, Some(3)]);
}
