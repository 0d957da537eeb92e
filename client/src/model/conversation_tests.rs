//! One timeline: what comes goes to its place, once, and what hangs together is told.

use hobnob_shared::id::{ConversationId, DeviceId};

use super::*;
use crate::core::event::{MessageInfo, MessageState};
use crate::model::stretch::{FLOOD, KEPT, KEPT_OF_FLOOD, SLACK};

const MINUTE: u64 = 60_000;

fn handle(text: &str) -> Handle {
    text.parse().unwrap()
}

fn message(from: &str, sent_at: u64) -> Message {
    let info = MessageInfo {
        conversation: ConversationId::Direct(handle("bob")),
        message: MessageId::new(),
        from: handle(from),
        text: "hi".to_owned(),
        sent_at,
        reply_to: None,
        state: MessageState::Queued,
        clock: sent_at,
        device: DeviceId([0; 32]),
        number: 0,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    };
    Message::new(info, Some(&handle("me.")))
}

/// A page of the disk is asked for and comes.
fn load(
    conversation: &mut Conversation,
    part: Part,
    messages: Vec<Message>,
    more: (bool, bool),
    cards: &[Due],
) -> Vec<Splice> {
    ask(conversation, part);
    came(conversation, messages, more, cards)
}

fn ask(conversation: &mut Conversation, part: Part) {
    conversation.ask(Awaited { id: QuestionId(1), part });
}

fn came(
    conversation: &mut Conversation,
    messages: Vec<Message>,
    (earlier, later): (bool, bool),
    cards: &[Due],
) -> Vec<Splice> {
    conversation.load(QuestionId(1), Page { messages, earlier, later, found: None }, cards)
}

fn newest(conversation: &mut Conversation, messages: Vec<Message>, complete: bool, cards: &[Due]) -> (usize, usize) {
    let splice = load(conversation, Part::Newest, messages, (!complete, false), cards)[0];
    (splice.removed, splice.added)
}

fn older(conversation: &mut Conversation, messages: Vec<Message>, complete: bool, cards: &[Due]) -> usize {
    let part = conversation.oldest().map_or(Part::Newest, |oldest| Part::Before(oldest.into()));
    load(conversation, part, messages, (!complete, true), cards)[0].added
}

fn day(at: u64) -> i64 {
    i64::try_from(at / (24 * 60 * MINUTE)).unwrap()
}

fn layouts(conversation: &Conversation) -> Vec<(bool, bool, bool)> {
    (0..conversation.lines().len())
        .map(|at| conversation.layout(at, &day))
        .map(|layout| (layout.new_day, layout.first, layout.last))
        .collect()
}

#[test]
fn lines_group_by_author_pause_and_day() {
    let mut conversation = Conversation::default();
    let noon = 12 * 60 * MINUTE;
    for (from, at) in [("bob", noon), ("bob", noon + MINUTE), ("me.", noon + MINUTE), ("me.", noon + 20 * MINUTE)] {
        conversation.insert(message(from, at));
    }
    conversation.insert(message("me.", noon + 24 * 60 * MINUTE));
    let (yes, no) = (true, false);
    assert_eq!(
        layouts(&conversation),
        [(yes, yes, no), (no, no, yes), (no, yes, yes), (no, yes, yes), (yes, yes, yes)]
    );
}

#[test]
fn own_messages_that_got_differently_far_each_say_so() {
    let mut conversation = Conversation::default();
    let first = message("me.", 0);
    let id = first.info.message;
    conversation.insert(first);
    conversation.insert(message("me.", 1));
    assert!(!conversation.layout(0, &day).last);
    assert_eq!(conversation.change(id, |_| true, |message| message.info.state = MessageState::Read), Some(0));
    assert!(conversation.layout(0, &day).last);
    assert!(!conversation.layout(1, &day).first, "still one group");
}

#[test]
fn a_message_comes_once() {
    let mut conversation = Conversation::default();
    let one = message("bob", 5);
    assert_eq!(conversation.insert(one.clone()), Placed::At(0));
    assert_eq!(conversation.insert(one.clone()), Placed::Known);
    assert_eq!(older(&mut conversation, vec![one], true, &[]), 0);
    assert_eq!(conversation.lines().len(), 1);
}

#[test]
fn the_newest_page_keeps_what_arrived_meanwhile() {
    let mut conversation = Conversation::default();
    let (stored, live) = (message("bob", 1), message("bob", 2));
    conversation.insert(stored.clone());
    conversation.insert(live.clone());
    assert_eq!(newest(&mut conversation, vec![stored.clone()], false, &[]), (2, 2));
    let ids: Vec<_> =
        conversation.lines().iter().filter_map(Line::message).map(|message| message.info.message).collect();
    assert_eq!(ids, [stored.info.message, live.info.message]);
    assert_eq!(conversation.past(), Past::More);
    assert_eq!(conversation.oldest(), Some(stored.info.key()));
}

#[test]
fn transfers_stand_between_messages_by_time_and_wait_for_their_page() {
    let mut conversation = Conversation::default();
    let ids = [TransferId::new(), TransferId::new(), TransferId::new()];
    let transfers: Vec<_> = ids.iter().zip([5, 150, 999]).map(|(id, at)| (*id, at, handle("bob"))).collect();
    let kinds = |conversation: &Conversation| -> String {
        conversation.lines().iter().map(|line| if line.message().is_some() { 'm' } else { 't' }).collect()
    };
    newest(&mut conversation, vec![message("bob", 100), message("me.", 200)], false, &transfers);
    assert_eq!(kinds(&conversation), "mtmt");
    assert_eq!(older(&mut conversation, vec![message("bob", 1), message("bob", 50)], true, &transfers), 3);
    assert_eq!(kinds(&conversation), "mtmmtmt");
    assert_eq!(conversation.push_transfer(ids[0], handle("bob"), 5), None, "it is there already");
    assert_eq!(conversation.find_transfer(ids[2]), Some(6));
    assert_eq!(conversation.past(), Past::Complete);
}

#[test]
fn a_flood_does_not_grow_without_end() {
    let mut conversation = Conversation::default();
    for at in 0..(KEPT + SLACK) as u64 {
        conversation.insert(message("bob", at));
    }
    assert_eq!(conversation.trim(1), 0);
    conversation.insert(message("bob", 9_999));
    assert_eq!(conversation.trim(1), SLACK + 1);
    assert_eq!((conversation.lines().len(), conversation.known.len()), (KEPT, KEPT));
    assert_eq!(conversation.past(), Past::More);
    assert_eq!(conversation.trim(FLOOD + 1), KEPT - KEPT_OF_FLOOD);
    assert_eq!((conversation.lines().len(), conversation.known.len()), (KEPT_OF_FLOOD, KEPT_OF_FLOOD));
}

#[test]
fn only_others_messages_are_reported_as_read() {
    let mut conversation = Conversation::default();
    assert_eq!(conversation.newest_of_others(), None);
    let theirs = message("bob", 1);
    conversation.insert(theirs.clone());
    conversation.insert(message("me.", 2));
    assert_eq!(conversation.newest_of_others(), Some(theirs.info.key()));
}

fn order(conversation: &Conversation) -> Vec<u64> {
    conversation.lines().iter().map(Line::at).collect()
}

#[test]
fn a_message_that_was_long_under_way_goes_to_its_place() {
    let mut conversation = Conversation::default();
    newest(&mut conversation, vec![message("bob", 10), message("me.", 30)], true, &[]);
    assert_eq!(conversation.insert(message("bob", 40)), Placed::At(2));
    assert_eq!(conversation.insert(message("bob", 20)), Placed::At(1));
    assert_eq!(conversation.insert(message("bob", 5)), Placed::At(0), "this is the beginning of it all");
    assert_eq!(order(&conversation), [5, 10, 20, 30, 40]);
}

#[test]
fn one_moment_is_ordered_by_author_device_and_number_as_everywhere() {
    let mut conversation = Conversation::default();
    newest(&mut conversation, vec![], true, &[]);
    let with = |from: &str, device: u8, number: u64| {
        let mut message = message(from, 7);
        (message.info.device, message.info.number) = (DeviceId([device; 32]), number);
        message
    };
    let all = [("bob", 1, 1), ("bob", 1, 2), ("bob", 2, 1), ("me.", 0, 1)];
    for turn in [2, 0, 3, 1] {
        let (from, device, number) = all[turn];
        conversation.insert(with(from, device, number));
    }
    let seen: Vec<_> = conversation.lines().iter().filter_map(Line::message).map(|line| &line.info).collect();
    let seen: Vec<_> = seen.iter().map(|info| (info.from.as_str(), info.device.0[0], info.number)).collect();
    assert_eq!(seen, all);
}

#[test]
fn a_late_message_of_a_past_that_was_not_read_comes_with_its_page() {
    let mut conversation = Conversation::default();
    let (late, later) = (message("bob", 5), message("bob", 60));
    newest(&mut conversation, vec![message("bob", 100)], false, &[]);
    assert_eq!(conversation.insert(late.clone()), Placed::Elsewhere);
    assert_eq!(order(&conversation), [100], "a gap would be shown as if nothing were missing");
    let part = Part::Before(conversation.oldest().unwrap().into());
    ask(&mut conversation, part);
    assert_eq!(conversation.insert(later), Placed::Elsewhere);
    let splices = came(&mut conversation, vec![message("me.", 50)], (true, true), &[]);
    assert_eq!(splices[0].added, 2, "the page was read before it was stored");
    assert_eq!(order(&conversation), [50, 60, 100]);
    assert_eq!(older(&mut conversation, vec![late], true, &[]), 1);
    assert_eq!(order(&conversation), [5, 50, 60, 100]);
}

#[test]
fn what_arrives_before_the_newest_page_is_set_into_it() {
    let mut conversation = Conversation::default();
    ask(&mut conversation, Part::Newest);
    for at in [30, 10, 50] {
        conversation.insert(message("bob", at));
    }
    let page = vec![message("bob", 40), message("bob", 20)];
    assert_eq!(came(&mut conversation, page, (true, false), &[]), [Splice { at: 0, removed: 2, added: 4 }]);
    assert_eq!(order(&conversation), [20, 30, 40, 50], "10 comes with the page before");
}

#[test]
fn cards_keep_their_place_among_late_messages_and_what_is_of_now_stands_below_them() {
    let mut conversation = Conversation::default();
    newest(&mut conversation, vec![message("bob", 10)], true, &[]);
    conversation.push_transfer(TransferId::new(), handle("bob"), 900);
    assert_eq!(conversation.insert(message("me.", 30)), Placed::At(2), "bob's clock is wrong");
    assert_eq!(conversation.insert(message("bob", 20)), Placed::At(1));
}

#[test]
fn what_was_seen_elsewhere_is_counted_from_there() {
    let mut conversation = Conversation::default();
    let seen = message("bob", 2);
    for message in [message("bob", 1), seen.clone(), message("me.", 3), message("bob", 4)] {
        conversation.insert(message);
    }
    assert_eq!(conversation.others_after(&seen.info.key()), Some(1));
    assert_eq!(conversation.others_after(&message("bob", 2).info.key()), None);
}

proptest::proptest! {
    /// In whatever order messages come, they stand in the order of their places.
    #[test]
    fn every_order_of_arrival_ends_the_same(times in proptest::collection::vec(0_u64..50, 0..60), page in 0_usize..20) {
        let all: Vec<Message> = times.iter().map(|at| message("bob", *at)).collect();
        let (read, live) = all.split_at(page.min(all.len()));
        let mut conversation = Conversation::default();
        newest(&mut conversation, read.to_vec(), true, &[]);
        for message in live {
            conversation.insert(message.clone());
        }
        let mut expected = times.clone();
        expected.sort_unstable();
        proptest::prop_assert_eq!(order(&conversation), expected);
    }
}

proptest::proptest! {
    /// Whatever clocks their authors have, and whenever they come: no day is named twice, nor one before it after it.
    #[test]
    fn the_days_of_a_timeline_never_go_back(
        told in proptest::collection::vec((0_u64..60, 0_u64..60, proptest::bool::ANY), 0..40)
    ) {
        let mut conversation = Conversation::default();
        newest(&mut conversation, vec![], true, &[]);
        for (clock, sent_at, is_card) in told {
            let mut said = message("bob", sent_at);
            said.info.clock = clock;
            if is_card {
                conversation.push_transfer(TransferId::new(), handle("bob"), sent_at);
            } else {
                conversation.insert(said);
            }
        }
        let day = |at: u64| i64::try_from(at / 10).unwrap();
        let lines = 0..conversation.lines().len();
        let named = lines.clone().filter(|at| conversation.layout(*at, &day).new_day);
        let named: Vec<i64> = named.map(|at| day(conversation.said_at(at))).collect();
        proptest::prop_assert!(named.is_sorted_by(|one, next| one < next), "{:?}", named);
        proptest::prop_assert!(lines.map(|at| conversation.said_at(at)).is_sorted());
    }
}

fn answer(to: &Message, sent_at: u64) -> Message {
    let mut answer = message("bob", sent_at);
    answer.info.reply_to = Some(to.info.message);
    answer
}

#[test]
fn what_was_changed_says_so_below_it_though_the_group_goes_on() {
    let mut conversation = Conversation::default();
    let (first, second) = (message("bob", MINUTE), message("bob", 2 * MINUTE));
    let id = first.info.message;
    conversation.insert(first);
    conversation.insert(second);
    conversation.change(id, |_| true, |line| line.rewrite(Some("hello".to_owned())));
    assert_eq!(layouts(&conversation), [(true, true, true), (false, false, true)]);
}

#[test]
fn what_changed_while_its_page_was_on_its_way_is_shown_as_it_is() {
    let mut conversation = Conversation::default();
    ask(&mut conversation, Part::Newest);
    let (edited, deleted) = (message("bob", MINUTE), message("bob", 2 * MINUTE));
    conversation.changed_unseen((edited.info.key(), Some("hello".to_owned())));
    conversation.changed_unseen((deleted.info.key(), None));
    came(&mut conversation, vec![edited, deleted], (false, false), &[]);
    let texts: Vec<_> =
        conversation.lines().iter().filter_map(Line::message).map(|line| line.info.text.as_str()).collect();
    assert_eq!(texts, ["hello", ""]);
}

#[test]
fn what_answers_a_message_is_found_also_when_that_comes_later() {
    let mut conversation = Conversation::default();
    let (old, new) = (message("bob", MINUTE), message("bob", 5 * MINUTE));
    let (to_old, to_new) = (answer(&old, 6 * MINUTE), answer(&new, 7 * MINUTE));
    let (old_id, new_id) = (old.info.message, new.info.message);
    newest(&mut conversation, vec![new, to_old, to_new], false, &[]);
    assert_eq!((conversation.answers(new_id), conversation.position(&old_id.into())), (vec![2], None));
    let added = older(&mut conversation, vec![old], true, &[]);
    assert_eq!((added, conversation.position(&old_id.into())), (1, Some(0)));
    assert_eq!(conversation.answers_to_first(added), [2]);
}
