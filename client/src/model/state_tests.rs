//! The model, event by event: what each does to what the window shows, and what has to be drawn again.

use std::path::PathBuf;

use hobnob_shared::id::{ConversationId, DeviceId, Handle, Hash, MessageId, TransferId};
use hobnob_shared::message::{OwnPresence, Presence};

use super::*;
use crate::core::event::{Answer, FriendInfo, LinkPath, Reaction, ServerState, TransferInfo, TransferState};
use crate::model::connection::Page;
use crate::model::line::{Fate, Line};
use crate::model::pages::PAGE;
use crate::model::question::{FileWish, PersonWish, QuestionId};

fn handle(text: &str) -> Handle {
    text.parse().unwrap()
}

fn bob() -> ConversationId {
    ConversationId::Direct(handle("bob"))
}

fn friend(user: &str) -> FriendInfo {
    FriendInfo { presence: Presence::Available, ..FriendInfo::new(handle(user)) }
}

fn message(from: &str, text: &str) -> MessageInfo {
    MessageInfo {
        conversation: bob(),
        message: MessageId::new(),
        from: handle(from),
        text: text.to_owned(),
        sent_at: 1_000,
        reply_to: None,
        state: MessageState::Delivered,
        clock: 1_000,
        device: DeviceId([0; 32]),
        number: 1,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    }
}

fn done(request: &Request, answer: Answer) -> Event {
    Event::Done { id: request.id.clone(), answer }
}

/// Alice, signed in, with her friend Bob and his conversation open and empty.
fn alice() -> Model {
    let mut model = Model::default();
    model.apply(Event::SignedIn { user: handle("alice"), presence: OwnPresence::Available, text: String::new() });
    let friends = model.ask(Question::Friends, Command::Friends);
    model.apply(done(&friends, Answer::Friends { friends: vec![friend("bob")], requests: vec![] }));
    let page = model.open(bob()).unwrap();
    model.apply(done(&page, Answer::Messages { messages: vec![], earlier: false, later: false, found: None }));
    model
}

fn texts(model: &Model) -> Vec<String> {
    let lines = model.conversation(&bob()).unwrap().lines().iter();
    lines
        .map(|line| match line {
            Line::Message(message) => message.info.text.clone(),
            Line::Transfer { .. } => "(file)".to_owned(),
        })
        .collect()
}

fn first(model: &Model) -> &Message {
    match model.conversation(&bob()).unwrap().lines().first() {
        Some(Line::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn ready_decides_the_first_page() {
    for (signed_in, page) in [(true, Page::Main), (false, Page::Enter)] {
        let mut model = Model::default();
        let ready = Event::Ready {
            version: String::new(),
            profile: PathBuf::new(),
            listening: vec![],
            user: Some(handle("alice")),
            signed_in,
            device_removed: false,
            server: None,
            downloads: PathBuf::from("/d"),
        };
        assert_eq!(model.apply(ready), [Change::Page, Change::Own]);
        assert_eq!(model.connection.page(), page);
    }
}

#[test]
fn signing_out_and_the_server_change_page_and_banner() {
    let mut model = alice();
    model.apply(Event::Server { state: ServerState::Offline, text: "Away.".to_owned() });
    assert_eq!(model.connection.banner(), Some("Away."));
    model.apply(Event::SignedOut { reason: "signed_out".to_owned() });
    assert_eq!(model.connection.page(), Page::Enter);
    assert_eq!(model.presence(&handle("bob")), Presence::Unknown);
}

#[test]
fn friends_come_and_go() {
    let mut model = alice();
    assert_eq!(model.apply(Event::FriendRequest { user: handle("carol") }), [Change::Requests]);
    assert_eq!(model.roster.requests(), [handle("carol")]);
    model.apply(Event::FriendAdded { user: handle("carol") });
    assert_eq!((model.roster.len(), model.roster.requests().len()), (2, 0));
    model.apply(Event::FriendRemoved { user: handle("carol") });
    assert_eq!(model.roster.len(), 1);
}

#[test]
fn presence_and_path_are_kept_for_friends_only() {
    let mut model = alice();
    let away = |user: &str| Event::Presence {
        user: handle(user),
        presence: Presence::Away,
        text: "tea".to_owned(),
        last_seen: None,
    };
    assert_eq!(model.apply(away("bob")), [Change::Roster, Change::Person(handle("bob"))]);
    assert_eq!(model.apply(away("eve")), []);
    let direct = Event::Link { user: handle("bob"), path: LinkPath::Direct, address: "10.0.0.2:7000".to_owned() };
    model.apply(direct);
    let person = model.roster.get(&handle("bob")).unwrap();
    assert_eq!((person.path, person.status_text.as_str()), (Path::SameNetwork, "tea"));
}

#[test]
fn a_message_is_shown_once_and_counts_as_unread_until_it_is_seen() {
    let mut model = alice();
    let hello = message("bob", "hello");
    let changes = model.apply(Event::Message(hello.clone()));
    assert!(changes.contains(&Change::Spliced { conversation: bob(), at: 0, removed: 0, added: 1 }));
    assert!(changes.contains(&Change::Arrived { info: hello.clone(), newest: true }));
    assert_eq!(model.apply(Event::Message(hello.clone())), [], "the same again");
    assert_eq!((texts(&model), model.unread(&bob())), (vec!["hello".to_owned()], 1));
    assert_eq!(model.roster.get(&handle("bob")).unwrap().unread, 1);

    let (_, request) = model.seen(&bob());
    assert_eq!(request.unwrap().command, Command::MarkRead { message: hello.message, author: Some(handle("bob")) });
    assert_eq!(model.unread(&bob()), 0);
    assert_eq!(model.seen(&bob()), (vec![], None), "told once");
}

#[test]
fn a_message_for_a_closed_conversation_only_counts() {
    let mut model = alice();
    model.close(&bob());
    let changes = model.apply(Event::Message(message("bob", "hello")));
    assert!(!changes.iter().any(|change| matches!(change, Change::Spliced { .. })));
    assert_eq!(model.unread(&bob()), 1);
}

#[test]
fn what_another_device_of_mine_wrote_is_mine_and_not_unread() {
    let mut model = alice();
    model.apply(Event::Message(message("alice", "from my laptop")));
    assert!(first(&model).own);
    assert_eq!(model.unread(&bob()), 0);
}

#[test]
fn a_sent_message_appears_when_it_is_safe_and_shows_how_far_it_got() {
    let mut model = alice();
    let question = Question::Send { conversation: bob(), text: "hi".to_owned(), reply_to: None };
    let request = model.ask(question.clone(), Command::Send { to: bob(), text: "hi".to_owned(), reply_to: None });
    assert!(texts(&model).is_empty(), "nothing is shown before it is true");
    let id = MessageId::new();
    // The state may overtake the answer.
    model.apply(Event::MessageState { message: id, state: MessageState::Sent, by: None });
    let changes = model.apply(done(
        &request,
        Answer::Sent { message: id, sent_at: 5, clock: 5, device: DeviceId([1; 32]), number: 1 },
    ));
    assert!(matches!(changes.last(), Some(Change::Done { question: asked, .. }) if *asked == question));
    assert_eq!((first(&model).info.state, first(&model).own), (MessageState::Sent, true));
    let changes = model.apply(Event::MessageState { message: id, state: MessageState::Read, by: None });
    assert_eq!(changes, [Change::Line { conversation: bob(), at: 0 }]);
    assert_eq!(first(&model).info.state, MessageState::Read);
}

#[test]
fn a_refused_message_comes_back_with_its_text() {
    let mut model = alice();
    let question = Question::Send { conversation: bob(), text: "hi".to_owned(), reply_to: None };
    let request = model.ask(question.clone(), Command::Friends);
    let id = QuestionId::of(&request).unwrap();
    let changes = model.apply(Event::Failed { id: request.id, code: "x".to_owned(), text: "No.".to_owned() });
    assert_eq!(changes, [Change::Failed { id, question, code: "x".to_owned(), text: "No.".to_owned() }]);
    let stray = Event::Failed { id: Some("999".to_owned()), code: String::new(), text: String::new() };
    assert_eq!(model.apply(stray), []);
}

#[test]
fn a_refused_edit_is_an_edit_as_long_as_its_message_stands() {
    let mut model = alice();
    let mine = MessageInfo { from: handle("alice"), ..message("alice", "helo") };
    let (id, other) = (mine.message, MessageInfo { message: mine.message, ..message("bob", "not hers") });
    assert!(model.can_be_edited(&bob(), id, "too_long"), "it stands far back, where nothing is known of it");
    for info in [mine.clone(), other] {
        model.apply(Event::Message(info));
    }
    assert!(model.can_be_edited(&bob(), id, "too_long"));
    for gone in ["deleted", "unknown_message", "not_yours"] {
        assert!(!model.can_be_edited(&bob(), id, gone), "{gone}");
    }
    model.apply(Event::MessageDeleted { conversation: bob(), from: handle("bob"), message: id });
    assert!(model.can_be_edited(&bob(), id, "too_long"), "somebody else's was taken back");
    model.apply(Event::MessageDeleted { conversation: bob(), from: handle("alice"), message: id });
    assert!(!model.can_be_edited(&bob(), id, "too_long"));
}

#[test]
fn messages_are_edited_deleted_and_reacted_to() {
    let mut model = alice();
    let hello = message("bob", "hello");
    model.apply(Event::Message(hello.clone()));
    let (conversation, from, id) = (bob(), handle("bob"), hello.message);
    let edited =
        Event::MessageEdited { conversation: bob(), from: from.clone(), message: id, text: "hullo".to_owned() };
    assert_eq!(model.apply(edited.clone()), [Change::Line { conversation: bob(), at: 0 }]);
    assert_eq!(first(&model).fate, Fate::Edited);
    let react = |emoji: &str, on| Event::Reaction {
        conversation: bob(),
        from: handle("bob"),
        message: id,
        emoji: emoji.to_owned(),
        on,
    };
    model.apply(react("👍", true));
    model.apply(react("❤", true));
    model.apply(react("❤", true));
    let set = |emoji: &str| (emoji.to_owned(), vec![handle("bob")]);
    assert_eq!(first(&model).reactions, [set("👍"), set("❤")], "each once");
    model.apply(react("👍", false));
    assert_eq!(first(&model).reactions, [set("❤")]);
    let deleted = Event::MessageDeleted { conversation, from, message: id };
    assert_eq!(model.apply(deleted.clone()), [Change::Line { conversation: bob(), at: 0 }, Change::Recount]);
    assert_eq!((first(&model).fate, first(&model).info.text.as_str()), (Fate::Deleted, ""));
    assert!(first(&model).reactions.is_empty());
    model.apply(edited);
    assert_eq!(first(&model).fate, Fate::Deleted, "nothing takes a delete back");
    model.seen(&bob());
    assert_eq!(model.apply(deleted), [Change::Line { conversation: bob(), at: 0 }], "nothing to count anew");
}

#[test]
fn what_quotes_a_message_is_drawn_again_when_that_changes() {
    let mut model = alice();
    let hello = message("bob", "hello");
    let id = hello.message;
    let mut answer = message("bob", "yes");
    (answer.reply_to, answer.clock) = (Some(id), 2_000);
    model.apply(Event::Message(hello));
    model.apply(Event::Message(answer));
    let line = |at| Change::Line { conversation: bob(), at };
    let (conversation, from) = (bob(), handle("bob"));
    let edited = Event::MessageEdited { conversation, from, message: id, text: "hullo".to_owned() };
    assert_eq!(model.apply(edited), [line(0), line(1)]);
    let deleted = Event::MessageDeleted { conversation: bob(), from: handle("bob"), message: id };
    assert_eq!(model.apply(deleted), [line(0), line(1), Change::Recount]);
}

#[test]
fn a_line_begins_as_the_history_has_it() {
    let mut info = message("bob", "hullo");
    info.edited = true;
    info.reactions = vec![Reaction { emoji: "👍".to_owned(), by: vec![handle("carol")] }];
    let line = Message::new(info.clone(), None);
    assert_eq!((line.fate, line.reactions), (Fate::Edited, vec![("👍".to_owned(), vec![handle("carol")])]));
    info.deleted = true;
    assert_eq!(Message::new(info, None).fate, Fate::Deleted);
}

#[test]
fn typing_ends_with_the_message_or_the_link() {
    let mut model = alice();
    let typing = || Event::Typing { conversation: bob(), from: handle("bob"), active: true };
    assert_eq!(model.apply(typing()), [Change::Typing(bob())]);
    assert_eq!(model.apply(typing()), [], "said again");
    model.apply(Event::Message(message("bob", "x")));
    assert!(model.writers(&bob()).is_empty());
    model.apply(typing());
    model.apply(Event::Link { user: handle("bob"), path: LinkPath::None, address: String::new() });
    assert!(model.writers(&bob()).is_empty());
    model.close(&bob());
    assert_eq!(model.apply(typing()), [Change::Typing(bob())], "also where no tab is open");
    assert_eq!(model.writers(&bob()), [handle("bob")]);
}

#[test]
fn history_is_read_page_by_page_until_there_is_no_more() {
    let mut model = Model::default();
    model.apply(Event::SignedIn { user: handle("alice"), presence: OwnPresence::Away, text: String::new() });
    let newest = model.open(bob()).unwrap();
    assert!(model.open(bob()).is_none(), "it is open already");
    assert!(model.older(&bob()).is_none(), "a page is on its way");
    let page: Vec<MessageInfo> = (0..PAGE).map(|n| message("bob", &format!("new {n}"))).collect();
    model.apply(done(&newest, Answer::Messages { messages: page.clone(), earlier: true, later: false, found: None }));
    let older = model.older(&bob()).unwrap();
    assert!(matches!(&older.command, Command::History { before, .. } if *before == Some(page[0].message)));
    let changes = model.apply(done(
        &older,
        Answer::Messages { messages: vec![message("bob", "old")], earlier: false, later: false, found: None },
    ));
    assert_eq!(changes[0], Change::Spliced { conversation: bob(), at: 0, removed: 0, added: 1 });
    assert!(model.older(&bob()).is_none(), "that was the beginning");
}

#[test]
fn a_page_that_did_not_come_can_be_asked_for_again() {
    let mut model = Model::default();
    let newest = model.open(bob()).unwrap();
    model.apply(Event::Failed { id: newest.id, code: "busy".to_owned(), text: String::new() });
    assert!(model.reload().iter().any(|request| matches!(request.command, Command::History { .. })));
}

#[test]
fn a_file_is_offered_runs_and_finishes_in_its_place() {
    let mut model = alice();
    model.apply(Event::Message(message("bob", "look")));
    let transfer = TransferId::new();
    let offer = || Event::FileOffered {
        transfer,
        conversation: bob(),
        from: handle("bob"),
        name: "a.tar".to_owned(),
        size: 10,
        files: None,
    };
    let changes = model.apply(offer());
    assert!(changes.contains(&Change::Offered(transfer)));
    assert!(!model.apply(offer()).contains(&Change::Offered(transfer)), "offered again after a restart");
    assert_eq!(texts(&model), ["look", "(file)"]);

    let request = model.ask(Question::File(FileWish::Accept, transfer), Command::Transfers);
    model.apply(done(&request, Answer::Nothing {}));
    assert_eq!(model.transfers.get(transfer).unwrap().info.state, TransferState::Accepted);
    let changes = model.apply(Event::FileProgress { transfer, done: 5, size: 10, rate: 1, by: None });
    assert_eq!(changes, [Change::Transfers, Change::Line { conversation: bob(), at: 1 }]);
    model.apply(Event::FileFinished {
        transfer,
        path: "/d/a.tar".into(),
        blake3: Hash([0; 32]),
        size: 10,
        text: None,
        skipped: Vec::new(),
        by: None,
    });
    assert_eq!(model.transfers.get(transfer).unwrap().info.state, TransferState::Finished);
    model.apply(Event::FileFailed { transfer: TransferId::new(), code: String::new(), text: String::new(), by: None });
}

#[test]
fn a_file_that_i_send_appears_with_its_name_and_a_failure_with_its_reason() {
    let mut model = alice();
    let question = Question::SendFile { conversation: bob(), name: "b.pdf".to_owned() };
    let request = model.ask(question, Command::Transfers);
    let transfer = TransferId::new();
    model.apply(done(&request, Answer::Transfer { transfer, size: 7, files: None, left_out: 0 }));
    assert_eq!(texts(&model), ["(file)"]);
    let known = model.transfers.get(transfer).unwrap();
    assert_eq!((known.info.name.as_str(), known.info.direction), ("b.pdf", Direction::Outgoing));
    model.apply(Event::FileFailed { transfer, code: "declined".to_owned(), text: "Declined.".to_owned(), by: None });
    assert_eq!(model.transfers.get(transfer).unwrap().info.state, TransferState::Declined);
}

#[test]
fn the_list_of_transfers_is_set_between_the_messages() {
    let mut model = alice();
    model.apply(Event::Message(message("bob", "at one second")));
    let request = model.ask(Question::Transfers, Command::Transfers);
    let info = TransferInfo {
        transfer: TransferId::new(),
        by: None,
        conversation: bob(),
        from: handle("bob"),
        direction: Direction::Incoming,
        name: "old".to_owned(),
        size: 1,
        files: None,
        done: 0,
        state: TransferState::Offered,
        path: None,
        blake3: None,
        text: None,
        sent_at: 5,
    };
    let changes = model.apply(done(&request, Answer::Transfers { transfers: vec![info] }));
    assert_eq!(changes[0], Change::Spliced { conversation: bob(), at: 0, removed: 1, added: 2 });
    assert_eq!(texts(&model), ["(file)", "at one second"]);
}

#[test]
fn states_of_messages_that_nobody_looks_at_leave_room_for_those_that_are_just_sent() {
    let mut model = alice();
    let state = |message| Event::MessageState { message, state: MessageState::Delivered, by: None };
    for _ in 0..2 * EARLY_MAX {
        model.apply(state(MessageId::new()));
    }
    let question = Question::Send { conversation: bob(), text: "hi".to_owned(), reply_to: None };
    let request = model.ask(question, Command::Send { to: bob(), text: "hi".to_owned(), reply_to: None });
    let id = MessageId::new();
    model.apply(state(id));
    model.apply(done(
        &request,
        Answer::Sent { message: id, sent_at: 5, clock: 5, device: DeviceId([1; 32]), number: 1 },
    ));
    assert_eq!(first(&model).info.state, MessageState::Delivered);
    assert!(model.early.is_empty());
}

#[test]
fn unread_counts_come_with_the_conversations() {
    let mut model = alice();
    let request = model.ask(Question::Conversations, Command::Conversations);
    let info = crate::core::event::ConversationInfo {
        conversation: bob(),
        unread: 4,
        mentions: 0,
        newest: None,
        notify: Notify::All,
    };
    model.apply(done(&request, Answer::Conversations { conversations: vec![info] }));
    assert_eq!((model.unread(&bob()), model.roster.get(&handle("bob")).unwrap().unread), (4, 4));
}

#[test]
fn alarms_stop_what_they_are_about() {
    let mut model = alice();
    let alarm = |code: &str, user: Option<&str>| Event::Alarm {
        code: code.to_owned(),
        user: user.map(handle),
        text: "Careful.".to_owned(),
    };
    model.apply(alarm("key_changed", Some("bob")));
    assert_eq!(model.roster.get(&handle("bob")).unwrap().alarm.as_deref(), Some("Careful."));
    let request = model.ask(Question::Person(PersonWish::AcceptKey, handle("bob")), Command::Friends);
    model.apply(done(&request, Answer::Nothing {}));
    assert_eq!(model.roster.get(&handle("bob")).unwrap().alarm, None);
    assert_eq!(model.apply(alarm("key_changed", Some("eve"))), [Change::Notice("Careful.".to_owned())]);
    assert_eq!(model.apply(alarm("server_key_changed", None)), [Change::Page]);
    assert_eq!(model.connection.page(), Page::Stopped("Careful.".to_owned()));
}

#[test]
fn wishes_change_what_they_are_about_when_they_are_done() {
    let mut model = alice();
    let person = |model: &mut Model, wish| {
        let request = model.ask(Question::Person(wish, handle("bob")), Command::Friends);
        model.apply(done(&request, Answer::Nothing {}))
    };
    person(&mut model, PersonWish::Verify);
    assert!(model.roster.get(&handle("bob")).unwrap().verified);
    person(&mut model, PersonWish::Remove);
    assert!(model.roster.is_empty());
    let request = model.ask(Question::Presence(OwnPresence::Busy, Some("no".to_owned())), Command::Friends);
    model.apply(done(&request, Answer::Nothing {}));
    assert_eq!((model.connection.presence, model.connection.status_text.as_str()), (OwnPresence::Busy, "no"));
    // On another own device.
    let changes = model.apply(Event::OwnPresence { presence: OwnPresence::Invisible, text: "tea".to_owned() });
    assert_eq!(changes, [Change::Own]);
    assert_eq!((model.connection.presence, model.connection.status_text.as_str()), (OwnPresence::Invisible, "tea"));
}

#[test]
fn with_receipts_on_again_the_lines_that_are_shown_learn_what_was_read_meanwhile() {
    let mut model = alice();
    let at = |clock, info: MessageInfo| MessageInfo { clock, sent_at: clock, number: clock, ..info };
    let (mine, newer) = (at(1_000, message("alice", "one")), at(2_000, message("alice", "two")));
    let theirs = at(3_000, message("bob", "three"));
    for info in [&mine, &newer, &theirs] {
        model.apply(Event::Message(info.clone()));
    }
    let requests = model.read_states();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(matches!(&request.command, Command::History { conversation, before: None, .. } if *conversation == bob()));
    let read = |info: &MessageInfo| MessageInfo { state: MessageState::Read, ..info.clone() };
    let answer = Answer::Messages {
        messages: vec![read(&mine), newer, read(&theirs)],
        earlier: false,
        later: false,
        found: None,
    };
    let changes = model.apply(done(request, answer));
    let lines: Vec<_> = changes.iter().filter(|change| matches!(change, Change::Line { .. })).collect();
    assert_eq!(lines, [&Change::Line { conversation: bob(), at: 0 }], "only what is one's own and new");
    assert_eq!(first(&model).info.state, MessageState::Read);
    assert_eq!(texts(&model), ["one", "two", "three"], "nothing moved");
}
