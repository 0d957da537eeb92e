//! What is done to messages, by its behaviour: in any order, by anybody, and what is left of it on the disk.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;

use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Incarnation, MessageId};
use hobnob_shared::limits::REACTIONS;
use hobnob_shared::message::{Act, Entry, What};
use proptest::prelude::*;
use rusqlite::Connection;

use super::acts::{self, Performed};
use super::messages::{self, Arrival, NewMessage, Taken};
use super::pages::Part;
use super::tests::{THERE, arrive, handle, incoming, memory, own, texts, thread, with};
use super::{open, pages};
use crate::core::event::{Event, MessageInfo};
use crate::core::message_key::MessageRef;
use crate::core::replica::ThreadKey;

/// A log of somebody, as it grows.
struct Author {
    name: Handle,
    device: DeviceId,
    number: u64,
}

impl Author {
    fn new(name: &str, device: u8) -> Self {
        Self { name: handle(name), device: DeviceId([device; 32]), number: 0 }
    }

    fn entry(&mut self, clock: u64, text: &str, act: Option<Act>) -> Entry {
        self.number += 1;
        let (number, text) = (self.number, text.to_owned());
        Entry { id: MessageId::new(), number, clock, sent_at: clock, text, reply_to: None, meant_for: None, act }
    }

    fn does(&mut self, clock: u64, what: What, of: MessageId, text: &str) -> Entry {
        self.entry(clock, text, Some(Act { of, what }))
    }

    /// In the conversation with bob, or in the room.
    fn arrives(&self, c: &Connection, in_room: bool, entries: &[Entry]) -> Vec<Event> {
        let (thread, conversation) =
            if in_room { (ROOM, ConversationId::Room("#tea".parse().unwrap())) } else { (thread("bob"), with("bob")) };
        let own = self.name == handle("alice");
        let after = entries[0].number - 1;
        let arrival = Arrival {
            thread: &thread,
            conversation: &conversation,
            author: &self.name,
            device: self.device,
            own,
            after,
        };
        told(c, messages::insert_entries(c, &arrival, entries).unwrap())
    }
}

const ROOM: ThreadKey = ThreadKey::Room(Incarnation([3; 16]));

fn told(c: &Connection, taken: Taken) -> Vec<Event> {
    assert_eq!((taken.gap, taken.refused), (false, None));
    let fresh: HashSet<i64> = taken.messages().collect();
    acts::told(c, &fresh, taken.new).unwrap()
}

fn lines(c: &Connection) -> Vec<MessageInfo> {
    pages::page(c, &with("bob"), 100, Part::Newest).unwrap().messages
}

fn line(c: &Connection) -> (String, bool, bool) {
    let line = lines(c).swap_remove(0);
    (line.text, line.edited, line.deleted)
}

/// Emojis with the names of who set them.
fn set(c: &Connection) -> Vec<String> {
    let reactions = lines(c).swap_remove(0).reactions;
    reactions
        .iter()
        .map(|one| format!("{} {}", one.emoji, one.by.iter().map(Handle::as_str).collect::<Vec<_>>().join(" ")))
        .collect()
}

fn found(c: &Connection, text: &str) -> usize {
    super::found::search(c, text).len()
}

/// Own act on a message.
fn do_it(c: &Connection, what: What, of: MessageId, text: &str) -> Performed {
    let act = Act { of, what };
    let message = NewMessage { act: Some(act.clone()), ..own("bob", text, 1) };
    acts::perform(c, &message, &act).unwrap()
}

/// A store on the disk, opened as the program does.
fn store() -> (tempfile::TempDir, Connection) {
    let home = tempfile::tempdir().unwrap();
    let (writer, _) = open::open(&home.path().join("history.db"), &open::migrations().unwrap()).unwrap();
    (home, writer)
}

/// How often these bytes stand in the store's pages.
fn traces(c: &Connection, text: &str) -> usize {
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("copy");
    c.backup("main", &copy, None::<fn(rusqlite::backup::Progress)>).unwrap();
    let bytes = std::fs::read(copy).unwrap();
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

#[test]
fn an_edit_takes_the_place_of_the_text_and_the_old_one_is_neither_found_nor_sent() {
    let (_home, c) = store();
    let message = own("bob", "secretword", 1);
    messages::insert_own(&c, &message).unwrap();
    let Performed::Done(head, events) = do_it(&c, What::Edit, message.id, "better") else { panic!() };
    assert_eq!(head.number, 2);
    assert!(matches!(&events[..], [Event::MessageEdited { text, .. }] if text == "better"));
    assert_eq!(line(&c), ("better".into(), true, false));
    do_it(&c, What::Edit, message.id, "best");
    assert_eq!(do_it(&c, What::Edit, message.id, "best"), Performed::AlreadySo);
    assert_eq!(texts(&c, "bob"), ["best"], "acts are no lines");
    assert_eq!((found(&c, "secretword"), found(&c, "better"), found(&c, "best")), (0, 0, 1));
    let (sent, _) = messages::entries(&c, &thread("bob"), message.device, None, 0, 10).unwrap();
    assert_eq!(sent.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>(), ["best", "", "best"]);
    assert_eq!((traces(&c, "secretword"), traces(&c, "better")), (0, 0), "nothing is left of it");
}

#[test]
fn a_delete_leaves_no_text_and_nothing_takes_it_back() {
    let (_home, c) = store();
    let message = own("bob", "secretword", 1);
    messages::insert_own(&c, &message).unwrap();
    do_it(&c, What::React, message.id, "👍");
    do_it(&c, What::Edit, message.id, "secondword");
    let Performed::Done(_, events) = do_it(&c, What::Delete, message.id, "") else { panic!() };
    assert!(matches!(&events[..], [Event::MessageDeleted { .. }]));
    assert_eq!(line(&c), (String::new(), false, true));
    assert!(set(&c).is_empty());
    assert_eq!((found(&c, "secretword"), found(&c, "secondword")), (0, 0));
    assert_eq!((traces(&c, "secretword"), traces(&c, "secondword")), (0, 0));
    assert_eq!(do_it(&c, What::Delete, message.id, ""), Performed::AlreadySo);
    assert_eq!(do_it(&c, What::Edit, message.id, "again"), Performed::Deleted);
    assert_eq!(do_it(&c, What::React, message.id, "👍"), Performed::Deleted);
}

#[test]
fn what_others_do_to_a_message_that_is_not_theirs_does_nothing() {
    let c = memory();
    let message = own("bob", "mine", 1);
    messages::insert_own(&c, &message).unwrap();
    let mut bob = Author::new("bob", 9);
    let acts = [bob.does(10, What::Edit, message.id, "forged"), bob.does(20, What::Delete, message.id, "")];
    assert_eq!(bob.arrives(&c, false, &acts), []);
    assert_eq!(line(&c), ("mine".into(), false, false));
    let unknown = [bob.does(30, What::Other("pin".into()), message.id, "x")];
    assert_eq!(bob.arrives(&c, false, &unknown), [], "of a later version: kept, and without effect");
    let (kept, _) = messages::entries(&c, &thread("bob"), THERE, None, 2, 10).unwrap();
    assert_eq!(kept, unknown);
    assert_eq!(lines(&c).len(), 1);
}

#[test]
fn each_emoji_of_a_person_is_set_once_and_an_empty_one_takes_all_off() {
    let c = memory();
    let message = own("bob", "hi", 1);
    messages::insert_own(&c, &message).unwrap();
    let mut bob = Author::new("bob", 9);
    do_it(&c, What::React, message.id, "👍");
    do_it(&c, What::React, message.id, "🎉");
    assert_eq!(do_it(&c, What::React, message.id, "👍"), Performed::AlreadySo);
    let reaction = [bob.does(10, What::React, message.id, "👍")];
    let news = bob.arrives(&c, false, &reaction);
    assert!(matches!(&news[..], [Event::Reaction { on: true, .. }]));
    assert_eq!(set(&c), ["👍 bob alice".to_owned(), "🎉 alice".to_owned()], "by their clocks");
    let act = Act { of: message.id, what: What::Unreact };
    let clear = || acts::clear(&c, NewMessage { act: Some(act.clone()), ..own("bob", "", 1) }, &act).unwrap();
    let Performed::Done(head, events) = clear() else { panic!() };
    assert_eq!((head.number, events.len()), (5, 2));
    assert_eq!(set(&c), ["👍 bob"]);
    assert_eq!(clear(), Performed::AlreadySo);
    for n in 0..REACTIONS {
        assert!(matches!(do_it(&c, What::React, message.id, &format!("e{n}")), Performed::Done(..)));
    }
    assert_eq!(do_it(&c, What::React, message.id, "one more"), Performed::Full);
}

#[test]
fn a_flood_of_emojis_is_neither_kept_nor_shown() {
    let c = memory();
    let message = own("bob", "hi", 1);
    messages::insert_own(&c, &message).unwrap();
    let mut bob = Author::new("bob", 9);
    let flood: Vec<Entry> = (0..400).map(|n| bob.does(10 + n, What::React, message.id, &format!("e{n}"))).collect();
    bob.arrives(&c, false, &flood);
    assert_eq!(set(&c).len(), REACTIONS);
    let kept: i64 = c.query_row("SELECT count(*) FROM reactions", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 256);
    for bad in ["", "\n", &"x".repeat(65)] {
        let entry = [bob.does(1_000 + bob.number, What::React, message.id, bad)];
        assert_eq!(bob.arrives(&c, false, &entry), []);
    }
}

#[test]
fn a_batch_is_told_in_its_final_form() {
    let c = memory();
    let mut bob = Author::new("bob", 9);
    let (kept, gone) = (bob.entry(1, "one", None), bob.entry(2, "two", None));
    let edit = bob.does(3, What::Edit, kept.id, "uno");
    let delete = bob.does(4, What::Delete, gone.id, "");
    let news = bob.arrives(&c, false, &[kept.clone(), gone, edit, delete]);
    assert!(matches!(&news[..], [Event::Message(info)] if info.text == "uno" && info.edited), "{news:?}");
    let later = [bob.does(5, What::Edit, kept.id, "eins")];
    assert!(matches!(&bob.arrives(&c, false, &later)[..], [Event::MessageEdited { text, .. }] if text == "eins"));
}

#[test]
fn what_is_taken_back_is_not_unread_and_acts_are_never() {
    let c = memory();
    let mut bob = Author::new("bob", 9);
    let entries = [bob.entry(1, "one", None), bob.entry(2, "two", None)];
    let unread = || pages::conversations(&c, &"alice".parse().unwrap()).unwrap()[0].unread;
    bob.arrives(&c, false, &entries);
    assert_eq!(unread(), 2);
    let reaction = [bob.does(10, What::React, entries[0].id, "👍")];
    bob.arrives(&c, false, &reaction);
    assert_eq!(unread(), 2);
    let delete = [bob.does(11, What::Delete, entries[1].id, "")];
    bob.arrives(&c, false, &delete);
    assert_eq!(unread(), 1);
}

#[test]
fn in_a_room_those_who_are_blocked_react_unseen() {
    let c = memory();
    let (mut bob, mut mallory) = (Author::new("bob", 9), Author::new("mallory", 8));
    let said = bob.entry(1, "tea?", None);
    bob.arrives(&c, true, std::slice::from_ref(&said));
    c.execute("INSERT INTO blocks (user) VALUES ('mallory')", []).unwrap();
    let reaction = [mallory.does(2, What::React, said.id, "👎")];
    assert_eq!(mallory.arrives(&c, true, &reaction), []);
    let room = ConversationId::Room("#tea".parse().unwrap());
    let shown = || pages::page(&c, &room, 10, Part::Newest).unwrap().messages[0].reactions.len();
    assert_eq!(shown(), 0);
    c.execute("DELETE FROM blocks", []).unwrap();
    assert_eq!(shown(), 1, "they are kept");
}

/// Two devices of Bob's and one of Alice's do things to one message; each log in its order, but mixed at will.
fn logs() -> Vec<(Author, Vec<Entry>)> {
    let (mut one, mut two, mut alice) = (Author::new("bob", 9), Author::new("bob", 8), Author::new("alice", 1));
    let said = one.entry(5, "first", None);
    let of = said.id;
    let first = vec![said, one.does(10, What::Edit, of, "second"), one.does(30, What::React, of, "👍")];
    let second = vec![
        two.does(20, What::Edit, of, "third"),
        two.does(25, What::React, of, "👍"),
        two.does(40, What::Unreact, of, "👍"),
    ];
    let third = vec![alice.does(7, What::React, of, "🎉"), alice.does(50, What::Edit, of, "forged")];
    vec![(one, first), (two, second), (alice, third)]
}

proptest! {
    #[test]
    fn whatever_comes_first_the_same_comes_out(order in Just([0, 0, 0, 1, 1, 1, 2, 2]).prop_shuffle(), deleted in any::<bool>()) {
        let c = memory();
        let mut logs = logs();
        if deleted {
            let of = logs[0].1[0].id;
            // By the other device, and with the oldest clock of all.
            let entry = Entry { clock: 1, ..logs[1].0.does(1, What::Delete, of, "") };
            logs[1].1.insert(0, Entry { number: 1, ..entry });
            for (number, entry) in (1..).zip(&mut logs[1].1) {
                entry.number = number;
            }
        }
        let mut next = [0; 3];
        for log in order {
            let (author, entries) = &logs[log];
            let last = next[log] + if deleted && log == 1 && next[log] == 0 { 2 } else { 1 };
            author.arrives(&c, false, &entries[next[log]..last]);
            next[log] = last;
        }
        if deleted {
            prop_assert_eq!(line(&c), (String::new(), false, true));
        } else {
            prop_assert_eq!(line(&c), ("third".into(), true, false));
            prop_assert_eq!(set(&c), ["🎉 alice"]);
        }
        let forgotten = if deleted { "('first', 'second', 'third')" } else { "('first', 'second')" };
        let left: i64 = c
            .query_row(&format!("SELECT count(*) FROM messages WHERE text IN {forgotten}"), [], |row| row.get(0))
            .unwrap();
        prop_assert_eq!(left, 0);
    }
}

#[test]
fn an_own_act_goes_to_the_key_of_its_message_and_readdressing_moves_it() {
    let c = memory();
    let message = own("bob", "hi", 1);
    messages::insert_own(&c, &message).unwrap();
    do_it(&c, What::Delete, message.id, "");
    let to = |key: u8| {
        messages::entries(&c, &thread("bob"), message.device, Some(Fingerprint([key; 32])), 0, 10).unwrap().0.len()
    };
    assert_eq!((to(1), to(2)), (2, 0));
    super::logs::readdress(&c, &handle("bob"), Fingerprint([1; 32]), Fingerprint([2; 32])).unwrap();
    assert_eq!((to(1), to(2)), (0, 2));
}

#[test]
fn messages_of_a_store_of_the_version_before_can_be_changed_and_their_old_text_goes() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("history.db");
    let mut before = open::migrations().unwrap();
    before.truncate(4);
    let (writer, reader) = open::open(&path, &before).unwrap();
    writer
        .execute_batch(
            "INSERT INTO conversations (name) VALUES ('@bob');
             INSERT INTO threads (key, conversation) VALUES ('@bob', 1);",
        )
        .unwrap();
    let id = MessageId::new();
    writer
        .execute(
            "INSERT INTO messages (conversation, thread, id, author, device, own, number, clock, sent_at, text, state)
             VALUES (1, 1, ?1, 'bob', ?2, 0, 1, 5, 5, 'secretword', 2)",
            rusqlite::params![id.0.as_bytes(), THERE.0],
        )
        .unwrap();
    let bobs = |c: &Connection| {
        c.execute(
            "INSERT INTO logs (thread, device, author, number, last, clock) VALUES (1, ?1, 'bob', 1, ?2, 5)",
            rusqlite::params![THERE.0, id.0.as_bytes()],
        )
    };
    bobs(&writer).unwrap();
    drop((writer, reader));
    let (c, _reader) = open::open(&path, &open::migrations().unwrap()).unwrap();
    assert_eq!((line(&c), found(&c, "secretword")), (("secretword".into(), false, false), 1));
    let mut bob = Author { number: 1, ..Author::new("bob", 9) };
    let edit = [bob.does(6, What::Edit, id, "better")];
    assert!(matches!(&bob.arrives(&c, false, &edit)[..], [Event::MessageEdited { .. }]));
    assert_eq!((found(&c, "secretword"), found(&c, "better")), (0, 1));
    let delete = [bob.does(7, What::Delete, id, "")];
    bob.arrives(&c, false, &delete);
    assert_eq!((found(&c, "better"), traces(&c, "secretword"), traces(&c, "better")), (0, 0, 0));
}

#[test]
fn whose_message_is_meant_says_in_which_conversation_it_is() {
    let c = memory();
    let bobs = incoming(1, "hello");
    arrive(&c, "carol", &Entry { text: "hush".to_owned(), ..bobs.clone() });
    arrive(&c, "bob", &bobs);
    let found = |author: Option<&str>| {
        let message = MessageRef { id: bobs.id, author: author.map(handle) };
        acts::targets(&c, &message).unwrap().into_iter().map(|target| target.conversation).collect::<Vec<_>>()
    };
    assert_eq!((found(Some("bob")), found(Some("carol"))), (vec![with("bob")], vec![with("carol")]));
    assert_eq!((found(None).len(), found(Some("dave"))), (2, vec![]));
}
