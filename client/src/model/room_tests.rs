//! The model with rooms and with the account's other devices: who is there, what is unread, what is whose, and where a message goes.

use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, RoomId};
use hobnob_shared::message::{OwnPresence, Presence};

use super::*;
use crate::core::event::{Answer, ConversationInfo, LinkPath, Member};
use crate::model::line::Line;
use crate::model::rooms::Membership;

fn handle(text: &str) -> Handle {
    text.parse().unwrap()
}

fn tea() -> RoomId {
    "#tea".parse().unwrap()
}

fn talk() -> ConversationId {
    ConversationId::Room(tea())
}

fn members(list: &[(&str, Presence)]) -> Vec<Member> {
    list.iter().map(|(user, presence)| Member { user: handle(user), presence: *presence }).collect()
}

fn room(list: &[(&str, Presence)]) -> Event {
    Event::Room { room: tea(), members: members(list), owner: handle("bob"), locked: false }
}

fn message(from: &str, text: &str, clock: u64) -> MessageInfo {
    MessageInfo {
        conversation: talk(),
        message: MessageId::new(),
        from: handle(from),
        text: text.to_owned(),
        sent_at: clock,
        reply_to: None,
        state: MessageState::Delivered,
        clock,
        device: DeviceId([7; 32]),
        number: clock,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    }
}

fn done(request: &Request, answer: Answer) -> Event {
    Event::Done { id: request.id.clone(), answer }
}

/// Alice, signed in, in a room with Bob and Carol that is open and empty.
fn alice() -> Model {
    let mut model = Model::default();
    model.apply(Event::SignedIn { user: handle("alice"), presence: OwnPresence::Available, text: String::new() });
    let list = model.ask(Question::Rooms, Command::Rooms);
    model.apply(done(&list, Answer::Rooms { rooms: vec![] }));
    model.apply(room(&[("alice", Presence::Available), ("bob", Presence::Available), ("carol", Presence::Available)]));
    let page = model.open(talk()).unwrap();
    model.apply(done(&page, Answer::Messages { messages: vec![], earlier: false, later: false, found: None }));
    model
}

fn texts(model: &Model) -> Vec<&str> {
    let lines = model.conversation(&talk()).unwrap().lines().iter().filter_map(Line::message);
    lines.map(|message| message.info.text.as_str()).collect()
}

#[test]
fn a_room_is_drawn_when_its_members_or_their_links_change() {
    let mut model = alice();
    let now = room(&[("alice", Presence::Available), ("bob", Presence::Available), ("dan", Presence::Offline)]);
    assert_eq!(model.apply(now), [Change::Rooms, Change::Room(tea())]);
    assert_eq!(model.mesh(&tea()), Mesh { others: 1, direct: 0, relayed: 0 });
    let link = |user: &str, path| Event::Link { user: handle(user), path, address: "8.8.8.8:1".to_owned() };
    // Bob is no friend; members are linked as friends are.
    assert!(model.apply(link("bob", LinkPath::Direct)).contains(&Change::Room(tea())));
    assert_eq!(model.mesh(&tea()), Mesh { others: 1, direct: 1, relayed: 0 });
    model.apply(link("bob", LinkPath::Relayed));
    assert_eq!(model.mesh(&tea()), Mesh { others: 1, direct: 0, relayed: 1 });
    model.apply(link("bob", LinkPath::None));
    assert_eq!(model.mesh(&tea()), Mesh { others: 1, direct: 0, relayed: 0 });
    assert!(!model.apply(link("eve", LinkPath::Direct)).contains(&Change::Room(tea())));
}

#[test]
fn unread_messages_of_a_room_count_and_are_seen() {
    let mut model = alice();
    let changes = model.apply(Event::Message(message("bob", "hello", 5)));
    assert!(changes.contains(&Change::Rooms) && changes.contains(&Change::Unread(talk())));
    assert!(changes.iter().any(|change| matches!(change, Change::Arrived { .. })));
    let known = model.rooms.get(&tea()).unwrap();
    assert_eq!((known.unread, known.newest.as_ref().unwrap().text.as_str()), (1, "hello"));
    let (changes, request) = model.seen(&talk());
    assert!(changes.contains(&Change::Rooms));
    assert!(matches!(request.unwrap().command, Command::MarkRead { .. }));
    assert_eq!(model.rooms.get(&tea()).unwrap().unread, 0);
}

#[test]
fn messages_that_call_me_are_counted_until_they_are_seen() {
    let mut model = alice();
    model.apply(room(&[("alice", Presence::Available), ("bob", Presence::Available)]));
    for (text, calls) in [("hello all", 0), ("@Alice?", 1), ("x@alice", 1), ("@alice, @bob", 2)] {
        let said = message("bob", text, 5);
        model.apply(Event::Message(said));
        assert_eq!(model.calls(&talk()), calls, "{text}");
    }
    assert_eq!(model.callable(&talk()), [handle("bob")]);
    model.seen(&talk());
    assert_eq!(model.calls(&talk()), 0);
    let ask = model.ask(Question::Conversations, Command::Conversations);
    let info = ConversationInfo { conversation: talk(), unread: 3, mentions: 2, newest: None, notify: Notify::All };
    model.apply(done(&ask, Answer::Conversations { conversations: vec![info] }));
    assert_eq!(model.calls(&talk()), 2);
}

#[test]
fn counts_and_newest_lines_come_with_the_conversations_in_either_order() {
    let mut model = Model::default();
    let (conversations, list) =
        (model.ask(Question::Conversations, Command::Conversations), model.ask(Question::Rooms, Command::Rooms));
    let info = ConversationInfo {
        conversation: talk(),
        unread: 3,
        mentions: 0,
        newest: Some(message("bob", "tea?", 9)),
        notify: Notify::All,
    };
    model.apply(done(&conversations, Answer::Conversations { conversations: vec![info] }));
    let rooms =
        vec![RoomInfo { room: tea(), owner: handle("bob"), locked: true, members: members(&[]), notify: Notify::All }];
    model.apply(done(&list, Answer::Rooms { rooms }));
    let known = model.rooms.get(&tea()).unwrap();
    assert_eq!((known.unread, known.newest.as_ref().unwrap().text.as_str(), known.locked), (3, "tea?", true));
}

#[test]
fn leaving_keeps_what_was_written_and_joining_again_comes_back_to_it() {
    let mut model = alice();
    model.apply(Event::Message(message("bob", "hello", 5)));
    let left = |reason: &str| Event::RoomLeft { room: tea(), reason: reason.to_owned() };
    assert_eq!(model.apply(left("removed")), [Change::Rooms, Change::Room(tea())]);
    assert_eq!((model.rooms.membership(&tea()), model.rooms.len()), (Membership::Removed, 0));
    assert_eq!(texts(&model), ["hello"]);
    model.apply(left("left"));
    assert_eq!(model.rooms.membership(&tea()), Membership::Left);
    let request = model.ask(Question::JoinRoom(tea()), Command::JoinRoom { room: tea(), password: None });
    model.apply(done(&request, Answer::Nothing {}));
    assert_eq!(model.rooms.membership(&tea()), Membership::Unknown);
    model.apply(room(&[("alice", Presence::Available)]));
    assert!(matches!(model.rooms.membership(&tea()), Membership::Member(_)));
    let request = model.ask(Question::LeaveRoom(tea()), Command::LeaveRoom { room: tea() });
    model.apply(done(&request, Answer::Nothing {}));
    assert_eq!(model.rooms.membership(&tea()), Membership::Left, "also before its event has come");
}

#[test]
fn who_is_gone_does_not_write() {
    let mut model = alice();
    let typing = |user: &str| Event::Typing { conversation: talk(), from: handle(user), active: true };
    model.apply(typing("bob"));
    model.apply(typing("carol"));
    model.apply(Event::Link { user: handle("bob"), path: LinkPath::None, address: String::new() });
    assert_eq!(model.writers(&talk()), [handle("carol")]);
    let changes = model.apply(room(&[("alice", Presence::Available), ("bob", Presence::Available)]));
    assert!(changes.contains(&Change::Typing(talk())));
    assert!(model.writers(&talk()).is_empty());
}

#[test]
fn a_message_of_mine_names_who_got_it() {
    let mut model = alice();
    let question = Question::Send { conversation: talk(), text: "hi".to_owned(), reply_to: None };
    let request = model.ask(question, Command::Send { to: talk(), text: "hi".to_owned(), reply_to: None });
    let id = MessageId::new();
    let state = |state, by: Option<&str>| Event::MessageState { message: id, state, by: by.map(handle) };
    // A fast member answers before the disk does.
    model.apply(state(MessageState::Delivered, Some("bob")));
    let answer = Answer::Sent { message: id, sent_at: 5, clock: 5, device: DeviceId([1; 32]), number: 1 };
    model.apply(done(&request, answer));
    model.apply(state(MessageState::Read, Some("carol")));
    model.apply(state(MessageState::Sent, None));
    let line = model.conversation(&talk()).unwrap().lines()[0].message().unwrap();
    assert_eq!((line.info.state, line.reached()), (MessageState::Read, (vec![&handle("bob")], vec![&handle("carol")])));
    assert_eq!(model.rooms.get(&tea()).unwrap().newest.as_ref().unwrap().from, handle("alice"));
}

#[test]
fn what_another_device_of_mine_wrote_is_mine_with_its_state_and_no_news() {
    let mut model = alice();
    let mut mine = message("alice", "from my laptop", 5);
    mine.state = MessageState::Sent;
    let id = mine.message;
    let changes = model.apply(Event::Message(mine));
    assert!(!changes.iter().any(|change| matches!(change, Change::Arrived { .. } | Change::Unread(_))));
    model.apply(Event::MessageState { message: id, state: MessageState::Read, by: Some(handle("bob")) });
    let line = model.conversation(&talk()).unwrap().lines()[0].message().unwrap();
    assert!(line.own);
    assert_eq!((line.info.state, model.unread(&talk())), (MessageState::Read, 0));
    assert_eq!(model.seen(&talk()), (vec![], None), "nobody has to be told that I read my own words");
}

#[test]
fn what_was_read_on_another_device_is_unread_no_more() {
    let mut model = alice();
    let (one, two) = (message("bob", "one", 1), message("bob", "two", 2));
    model.apply(Event::Message(one.clone()));
    model.apply(Event::Message(two.clone()));
    let read = |message| Event::ReadElsewhere { conversation: talk(), message };
    model.apply(read(one.message));
    assert_eq!(model.unread(&talk()), 1, "the newer one was not seen there");
    let changes = model.apply(read(two.message));
    assert!(changes.contains(&Change::Unread(talk())) && changes.contains(&Change::Rooms));
    assert_eq!(model.unread(&talk()), 0);
    assert_eq!(model.seen(&talk()), (vec![], None), "its author knows it already");

    model.close(&talk());
    model.apply(Event::Message(message("bob", "three", 3)));
    assert_eq!(model.apply(read(MessageId::new())), [Change::Recount], "only the core knows what is after it");
    assert_eq!(model.unread(&talk()), 1);
}

#[test]
fn a_late_message_is_inserted_where_it_belongs() {
    let mut model = alice();
    for (text, clock) in [("one", 10), ("three", 30)] {
        model.apply(Event::Message(message("bob", text, clock)));
    }
    let changes = model.apply(Event::Message(message("carol", "two", 20)));
    assert!(changes.contains(&Change::Spliced { conversation: talk(), at: 1, removed: 0, added: 1 }));
    assert_eq!(texts(&model), ["one", "two", "three"]);
    assert_eq!(model.unread(&talk()), 3, "late, and still news");
}

#[test]
fn devices_are_kept_as_the_core_tells_them() {
    let mut model = alice();
    let device = |byte, this| DeviceInfo { device: DeviceId([byte; 32]), this };
    let request = model.ask(Question::Devices, Command::Devices { password: None });
    let changes = model.apply(done(&request, Answer::Devices { devices: vec![device(1, true), device(2, false)] }));
    assert_eq!((changes[0].clone(), model.devices.len()), (Change::Devices, 2));
    assert_eq!(model.apply(Event::Devices { devices: vec![device(1, true)] }), [Change::Devices]);
    assert_eq!(model.devices, [device(1, true)]);
}

#[test]
fn a_burst_is_applied_in_a_moment() {
    let mut model = alice();
    let mut batch = crate::model::Batch::default();
    for clock in 0..10_000 {
        for change in model.apply(Event::Message(message("bob", "again", clock))) {
            batch.add(change);
        }
    }
    let changes = batch.finish();
    assert_eq!(changes.iter().filter(|change| matches!(change, Change::Arrived { newest: true, .. })).count(), 1);
    let splices: Vec<_> = changes.iter().filter(|change| matches!(change, Change::Spliced { .. })).collect();
    assert_eq!(splices, [&Change::Spliced { conversation: talk(), at: 0, removed: 0, added: 10_000 }]);
    assert_eq!(model.unread(&talk()), 10_000);
}

#[test]
fn of_what_comes_together_every_message_is_told_of_and_the_newest_is_read_out() {
    let mut model = alice();
    let mut batch = crate::model::Batch::default();
    let came = [message("bob", "well @alice", 10), message("carol", "tea?", 11), message("bob", "yes", 12)];
    for info in came.clone() {
        for change in model.apply(Event::Message(info)) {
            batch.add(change);
        }
    }
    let told = batch.finish().into_iter().filter_map(|change| match change {
        Change::Arrived { info, newest } => Some((info, newest)),
        _ => None,
    });
    let [first, second, third] = came;
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(first, false), (second, false), (third, true)],
        "a call is not lost behind the rest"
    );
}

#[test]
fn an_edit_of_what_was_not_seen_may_call_somebody_or_nobody_any_more() {
    let mut model = alice();
    let first = message("bob", "well", 10);
    model.apply(Event::Message(first.clone()));
    let edited = Event::MessageEdited {
        conversation: talk(),
        from: handle("bob"),
        message: first.message,
        text: "well @alice".to_owned(),
    };
    assert!(model.apply(edited.clone()).contains(&Change::Recount));
    let _ = model.seen(&talk());
    assert!(!model.apply(edited).contains(&Change::Recount), "it was seen");
}

#[test]
fn whoever_uses_the_id_of_somebody_elses_message_has_written_another_one() {
    let mut model = alice();
    let bobs = message("bob", "meet at noon @alice", 1);
    let carols = MessageInfo { message: bobs.message, ..message("carol", "nonsense", 2) };
    model.apply(Event::Message(bobs.clone()));
    model.apply(Event::Message(carols.clone()));
    assert_eq!(texts(&model), ["meet at noon @alice", "nonsense"], "both are here");
    assert!(model.conversation(&talk()).unwrap().only(bobs.message).is_none(), "which of them was answered?");
    let (conversation, id) = (talk(), bobs.message);
    let edited = |from: &str, text: &str| Event::MessageEdited {
        conversation: conversation.clone(),
        from: handle(from),
        message: id,
        text: text.to_owned(),
    };
    let deleted = Event::MessageDeleted { conversation: conversation.clone(), from: handle("carol"), message: id };
    model.apply(edited("carol", "bob is a fool"));
    assert_eq!(texts(&model), ["meet at noon @alice", "bob is a fool"]);
    model.apply(edited("bob", "meet at one"));
    model.apply(deleted.clone());
    assert_eq!(texts(&model), ["meet at one", ""], "each changes what is theirs");
    // From the disk, with an edit under way: the same.
    let page = model.to_end(&talk());
    assert_eq!(page, None);
    model.close(&talk());
    let page = model.open(talk()).unwrap();
    model.apply(deleted);
    let answer = Answer::Messages { messages: vec![bobs, carols], earlier: false, later: false, found: None };
    model.apply(done(&page, answer));
    assert_eq!(texts(&model), ["meet at noon @alice", ""]);
}

#[test]
fn how_far_an_own_message_got_is_not_taken_by_one_that_uses_its_id() {
    let mut model = alice();
    let mine = message("alice", "mine", 1);
    model.apply(Event::Message(mine.clone()));
    model.apply(Event::Message(MessageInfo { message: mine.message, ..message("carol", "hers", 2) }));
    let state = MessageState::Read;
    model.apply(Event::MessageState { message: mine.message, state, by: Some(handle("bob")) });
    let lines = model.conversation(&talk()).unwrap().lines();
    let states: Vec<_> = lines.iter().filter_map(Line::message).map(|message| message.info.state).collect();
    assert_eq!(states, [MessageState::Read, MessageState::Delivered]);
}

#[test]
fn the_line_of_a_room_says_what_its_own_author_makes_of_it() {
    let mut model = alice();
    let bobs = message("bob", "tea is ready", 1);
    model.apply(Event::Message(bobs.clone()));
    let (conversation, message, text) = (talk(), bobs.message, "nonsense".to_owned());
    model.apply(Event::MessageEdited { conversation, from: handle("carol"), message, text });
    let newest = model.rooms.get(&tea()).unwrap().newest.clone().unwrap();
    assert_eq!((newest.from, newest.text.as_str()), (handle("bob"), "tea is ready"));
}
