//! What stands on the desktop, step by step: counted, replaced, taken back.

use hobnob_shared::id::MessageId;

use super::*;

fn bob() -> ConversationId {
    "@bob".parse().unwrap()
}

fn tag(id: &str) -> Tag {
    Tag::Conversation(id.parse().unwrap())
}

fn item(from: &str, what: &str) -> Item {
    Item {
        from: from.to_owned(),
        what: what.to_owned(),
        message: Some(MessageKey { id: MessageId::new(), author: from.parse().unwrap() }),
    }
}

/// Does what there is to do, as a desktop would; what it shows then.
fn show(board: &mut Board, number: u32) -> Option<(u32, String, String, bool)> {
    let Some(Job::Show { tag, replaces, title, body, sound }) = board.next(true) else { return None };
    board.shown(&tag, number);
    assert!(!board.is_stale(), "one job was enough");
    Some((replaces, title, body, sound))
}

#[test]
fn messages_of_one_conversation_are_one_card_that_counts() {
    let mut board = Board::default();
    board.add(&tag("@bob"), item("bob", "one <b>"), true);
    assert_eq!(show(&mut board, 7), Some((0, "bob".into(), "one <b>".into(), true)));
    board.add(&tag("@bob"), item("bob", "two"), false);
    board.add(&tag("@bob"), item("bob", "three\u{202e}"), false);
    let (replaces, title, body, sound) = show(&mut board, 7).unwrap();
    assert_eq!((replaces, title.as_str(), sound), (7, "bob", false));
    assert_eq!(body, format!("3 new messages\n{}", text::literal("three\u{202e}")));
    assert_eq!(board.next(true), None);

    board.add(&tag("#tea"), item("carol", "hot"), false);
    assert_eq!(show(&mut board, 8), Some((0, "carol in #tea".into(), "hot".into(), false)));
    board.add(&tag("#tea"), item("dave", "very"), false);
    assert_eq!(show(&mut board, 8), Some((8, "#tea".into(), "2 new messages\ndave: very".into(), false)));
    assert_eq!(board.numbers().len(), 2);
}

#[test]
fn hidden_text_says_neither_who_nor_what() {
    let mut board = Board::default();
    board.add(&tag("@bob"), item("bob", "secret"), false);
    board.add(&tag("#tea"), item("bob", "secret"), false);
    board.add(&tag("#tea"), item("bob", "secret"), false);
    board.add(&Tag::Request("bob".parse().unwrap()), item("bob", "secret"), false);
    board.add(&Tag::Alarm("bob".parse().unwrap()), item("bob", "secret"), false);
    let mut bodies = Vec::new();
    while let Some(Job::Show { title, body, .. }) = board.next(false) {
        assert_eq!(title, "Hobnob");
        bodies.push(body);
    }
    assert_eq!(bodies, ["New message", "2 new messages", "New friend request", "The key of a friend changed"]);
}

#[test]
fn other_words_are_shown_and_the_same_ones_are_not_shown_again() {
    let mut board = Board::default();
    board.add(&tag("@bob"), item("bob", "secret"), false);
    show(&mut board, 5);
    board.reword();
    assert_eq!(board.next(true), None);
    board.reword();
    let Some(Job::Show { replaces, body, .. }) = board.next(false) else { panic!("the text is to be hidden") };
    assert_eq!((replaces, body.as_str()), (5, "New message"));
}

#[test]
fn what_is_read_is_taken_back_and_what_is_read_in_part_counts_less() {
    let mut board = Board::default();
    for n in 0..5 {
        board.add(&tag("@bob"), item("bob", &format!("n{n}")), false);
    }
    assert_eq!(show(&mut board, 3).unwrap().2, "5 new messages\nn4");
    board.unread(&bob(), 9);
    assert_eq!(board.next(true), None, "more than are told of are unread: nothing changes");
    board.unread(&bob(), 2);
    assert_eq!(show(&mut board, 3).unwrap().2, "2 new messages\nn4");
    board.unread(&bob(), 0);
    assert_eq!(board.next(true), Some(Job::Close(3)));
    assert!(board.numbers().is_empty());

    // Read before it was ever shown.
    board.add(&tag("@bob"), item("bob", "quick"), false);
    board.unread(&bob(), 0);
    assert_eq!(board.next(true), None);
}

#[test]
fn what_its_author_took_back_or_changed_does_not_go_on_standing_there() {
    let mut board = Board::default();
    let (first, second) = (item("bob", "first"), item("bob", "second"));
    let ids = (first.message.clone().unwrap(), second.message.clone().unwrap());
    board.add(&tag("@bob"), first, false);
    board.add(&tag("@bob"), second, false);
    show(&mut board, 4);
    let not_theirs = MessageKey { author: "carol".parse().unwrap(), ..ids.1.clone() };
    board.rewrite(&bob(), &not_theirs, Some("nonsense"));
    assert_eq!(board.next(true), None, "its id, and not its author");
    board.rewrite(&bob(), &ids.1, Some("second, better"));
    assert_eq!(show(&mut board, 4).unwrap().2, "2 new messages\nsecond, better");
    board.rewrite(&bob(), &ids.1, None);
    assert_eq!(show(&mut board, 4).unwrap().2, "first");
    board.rewrite(&bob(), &item("bob", "").message.unwrap(), None);
    assert_eq!(board.next(true), None, "one that is not told of");
    board.rewrite(&bob(), &ids.0, None);
    assert_eq!(board.next(true), Some(Job::Close(4)));
}

#[test]
fn a_click_leads_to_the_first_of_them() {
    let mut board = Board::default();
    let first = item("bob", "first");
    let id = first.message.clone();
    board.add(&tag("@bob"), Item { message: None, ..item("bob", "offers a file") }, false);
    board.add(&tag("@bob"), first, false);
    board.add(&tag("@bob"), item("bob", "second"), false);
    show(&mut board, 5);
    assert_eq!(board.place(5), Some(Place::Conversation(bob(), id)));
    assert_eq!(board.place(6), None, "somebody else's");
    board.add(&Tag::Request("carol".parse().unwrap()), item("carol", "x"), false);
    show(&mut board, 6);
    assert_eq!(board.place(6), Some(Place::Window));
}

#[test]
fn what_was_put_away_by_hand_is_replaced_by_a_new_card() {
    let mut board = Board::default();
    board.add(&tag("@bob"), item("bob", "one"), false);
    show(&mut board, 5);
    board.closed(5);
    assert_eq!(board.place(5), None);
    board.add(&tag("@bob"), item("bob", "two"), false);
    assert_eq!(show(&mut board, 6).unwrap().0, 0);
    board.closed(6);
    board.withdraw_all();
    assert_eq!(board.next(true), None, "nothing stands there");
}

#[test]
fn a_flood_is_one_card_and_bounded() {
    let mut board = Board::default();
    for n in 0..10_000 {
        board.add(&tag("@bob"), item("bob", &format!("n{n}")), false);
    }
    assert_eq!(board.cards.values().map(|card| card.items.len()).sum::<usize>(), KNOWN);
    assert_eq!(show(&mut board, 1).unwrap().2, "10000 new messages\nn9999");
    assert_eq!(board.place(1), Some(Place::Conversation(bob(), None)));
    board.unread(&bob(), 150);
    assert_eq!(show(&mut board, 1).unwrap().2, "150 new messages\nn9999");
    board.unread(&bob(), 1);
    assert_eq!(show(&mut board, 1).unwrap().2, "n9999");
    let long = "é".repeat(1_000);
    board.add(&tag("#tea"), item("bob", &long), false);
    assert_eq!(show(&mut board, 2).unwrap().2.chars().count(), EXCERPT);
}

#[test]
fn what_went_with_the_service_is_neither_replaced_nor_taken_back() {
    let mut board = Board::default();
    board.add(&tag("@bob"), item("bob", "one"), false);
    show(&mut board, 7);
    board.forgotten();
    assert_eq!((board.place(7), board.numbers()), (None, vec![]));
    board.add(&tag("@bob"), item("bob", "two"), false);
    assert_eq!(show(&mut board, 3), Some((0, "bob".into(), "2 new messages\ntwo".into(), false)));
    board.forgotten();
    board.withdraw(&tag("@bob"));
    assert_eq!(board.next(true), None);
}
