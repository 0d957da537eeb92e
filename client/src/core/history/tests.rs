//! The history by its behaviour, on real files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Incarnation, MessageId};
use hobnob_shared::message::{Entry, Head, Mark, RoomEntry, SignedEntry};
use rusqlite::Connection;

use super::marks::Reached;
use super::messages::{Arrival, NewMessage, Taken};
use super::pages::Part;
use super::{logs, marks, messages, open, pages, signed};
use crate::core::event::MessageState;
use crate::core::message_key::MessageRef;
use crate::core::replica::ThreadKey;
use crate::core::replica::accept::Refusal;

pub(in crate::core) fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

pub(in crate::core) fn with(name: &str) -> ConversationId {
    ConversationId::Direct(handle(name))
}

pub(in crate::core) fn thread(name: &str) -> ThreadKey {
    ThreadKey::Direct(handle(name))
}

pub(super) const HERE: DeviceId = DeviceId([1; 32]);
pub(super) const THERE: DeviceId = DeviceId([9; 32]);

pub(in crate::core) fn own(to: &str, text: &str, key: u8) -> NewMessage {
    NewMessage {
        thread: thread(to),
        conversation: with(to),
        from: handle("alice"),
        account: Fingerprint([7; 32]),
        device: HERE,
        id: MessageId::new(),
        text: text.into(),
        sent_at: 1,
        reply_to: None,
        act: None,
        meant_for: Some(Fingerprint([key; 32])),
        sign: None,
    }
}

pub(in crate::core) fn incoming(number: u64, text: &str) -> Entry {
    let clock = 1_000 + number;
    Entry {
        id: MessageId::new(),
        number,
        clock,
        sent_at: u64::MAX,
        text: text.into(),
        reply_to: None,
        meant_for: None,
        act: None,
    }
}

pub(in crate::core) fn memory() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    refinery::Runner::new(&open::migrations().unwrap()).run(&mut connection).unwrap();
    connection
}

fn arrive_after(c: &Connection, from: &str, after: u64, entries: &[Entry]) -> Taken {
    let (thread, conversation, author) = (thread(from), with(from), handle(from));
    let arrival =
        Arrival { thread: &thread, conversation: &conversation, author: &author, device: THERE, own: false, after };
    messages::insert_entries(c, &arrival, entries).unwrap()
}

/// The next entry of a log; whether it was shown.
pub(super) fn arrive(c: &Connection, from: &str, entry: &Entry) -> bool {
    !arrive_after(c, from, entry.number - 1, std::slice::from_ref(entry)).new.is_empty()
}

pub(super) fn number_of(c: &Connection, message: &NewMessage) -> u64 {
    messages::insert_own(c, message).unwrap().number
}

pub(super) fn texts(c: &Connection, name: &str) -> Vec<String> {
    pages::page(c, &with(name), 100, Part::Newest).unwrap().messages.into_iter().map(|info| info.text).collect()
}

#[test]
fn own_messages_are_numbered_per_thread_and_go_to_their_key_only() {
    let c = memory();
    for (text, key) in [("one", 1), ("two", 2), ("three", 1)] {
        messages::insert_own(&c, &own("bob", text, key)).unwrap();
    }
    assert_eq!(number_of(&c, &own("carol", "hi", 1)), 1);
    let to_bob = |key: u8, after| {
        let only_for = Some(Fingerprint([key; 32]));
        let (found, complete) = messages::entries(&c, &thread("bob"), HERE, only_for, after, 10).unwrap();
        assert!(complete);
        found.into_iter().map(|m| (m.number, m.text)).collect::<Vec<_>>()
    };
    assert_eq!(to_bob(1, 0), [(1, "one".to_owned()), (3, "three".to_owned())]);
    assert_eq!(to_bob(1, 1), [(3, "three".to_owned())]);
    assert_eq!(to_bob(2, 0), [(2, "two".to_owned())]);
    assert_eq!(logs::readdress(&c, &handle("bob"), Fingerprint([1; 32]), Fingerprint([2; 32])).unwrap(), 2);
    assert_eq!(to_bob(1, 0), []);
    assert_eq!(to_bob(2, 0).len(), 3);
    // As many as fit a frame.
    for _ in 0..5 {
        messages::insert_own(&c, &own("dave", &"x".repeat(16_000), 1)).unwrap();
    }
    let (found, complete) = messages::entries(&c, &thread("dave"), HERE, None, 0, 10).unwrap();
    assert_eq!((found.len(), complete), (2, false));
}

#[test]
fn what_arrives_twice_is_shown_once_and_what_contradicts_is_refused() {
    let c = memory();
    let (first, second) = (incoming(1, "hello"), incoming(2, "again"));
    assert!(arrive(&c, "bob", &first));
    assert!(!arrive(&c, "bob", &first));
    let both = arrive_after(&c, "bob", 0, &[first.clone(), second.clone()]);
    assert_eq!(both.new.len(), 1);
    assert_eq!(both.head, Some(Head { device: THERE, number: 2, last: second.id }));
    let other = Entry { id: MessageId::new(), ..second.clone() };
    assert_eq!(arrive_after(&c, "bob", 1, &[other]).refused, Some(Refusal::Conflict));
    // The same id in another conversation of the same author.
    let arrival = Arrival {
        thread: &ThreadKey::Direct(handle("carol")),
        conversation: &with("carol"),
        author: &handle("bob"),
        device: DeviceId([8; 32]),
        own: false,
        after: 0,
    };
    let stolen = Entry { number: 1, ..second };
    assert_eq!(messages::insert_entries(&c, &arrival, &[stolen]).unwrap().refused, Some(Refusal::Conflict));
    // A log that somebody else began.
    let arrival = Arrival { thread: &thread("bob"), conversation: &with("bob"), device: THERE, ..arrival };
    let arrival = Arrival { author: &handle("mallory"), ..arrival };
    assert_eq!(messages::insert_entries(&c, &arrival, &[incoming(3, "x")]).unwrap().refused, Some(Refusal::Conflict));
    assert_eq!(texts(&c, "bob"), ["hello", "again"]);
}

#[test]
fn a_part_behind_a_gap_waits_until_the_gap_is_filled() {
    let c = memory();
    let all: Vec<Entry> = (1..=4).map(|n| incoming(n, &n.to_string())).collect();
    arrive(&c, "bob", &all[0]);
    let early = arrive_after(&c, "bob", 3, &all[3..]);
    assert!(early.gap && early.new.is_empty());
    assert_eq!(arrive_after(&c, "bob", 1, &all[1..]).new.len(), 3);
    assert_eq!(texts(&c, "bob"), ["1", "2", "3", "4"]);
}

#[test]
fn a_conversation_is_sorted_alike_wherever_it_is_kept_whatever_came_first() {
    let c = memory();
    let at = |number, clock, text: &str| Entry { clock, ..incoming(number, text) };
    arrive_after(&c, "bob", 0, &[at(1, 10, "b1"), at(2, 30, "b2"), at(3, 50, "b3")]);
    let arrival = Arrival {
        thread: &thread("bob"),
        conversation: &with("bob"),
        author: &handle("alice"),
        device: DeviceId([2; 32]),
        own: true,
        after: 0,
    };
    messages::insert_entries(&c, &arrival, &[at(1, 20, "a1"), at(2, 50, "a2")]).unwrap();
    assert_eq!(texts(&c, "bob"), ["b1", "a1", "b2", "a2", "b3"]);
    let all = pages::page(&c, &with("bob"), 100, Part::Newest).unwrap().messages;
    let last_two = pages::page(&c, &with("bob"), 2, Part::Newest).unwrap().messages;
    assert_eq!(last_two.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["a2", "b3"]);
    let before = pages::page(&c, &with("bob"), 2, Part::Before(all[3].message.into())).unwrap().messages;
    assert_eq!(before.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["a1", "b2"]);
    assert_eq!(pages::page(&c, &with("bob"), 2, Part::Before(MessageId::new().into())).unwrap().messages, []);
}

fn up_to(device: DeviceId, number: u64) -> [Mark; 1] {
    [Mark { device, number }]
}

#[test]
fn states_only_go_forward_and_only_news_is_told() {
    let c = memory();
    let key = Fingerprint([1; 32]);
    let sent: Vec<NewMessage> = ["one", "two", "three"].iter().map(|text| own("bob", text, 1)).collect();
    for message in &sent {
        messages::insert_own(&c, message).unwrap();
    }
    let ids: Vec<MessageId> = sent.iter().map(|message| message.id).collect();
    let mark = |friend: &str, key, number, reached| {
        marks::by_friend(&c, &handle(friend), key, &up_to(HERE, number), reached).unwrap().messages
    };
    assert_eq!(mark("carol", key, 3, Reached::Delivered), []);
    assert_eq!(mark("bob", Fingerprint([2; 32]), 3, Reached::Delivered), [], "not written to that key");
    assert_eq!(mark("bob", key, 1, Reached::Delivered), ids[..1]);
    assert_eq!(mark("bob", key, 2, Reached::Delivered), ids[1..2]);
    assert_eq!(mark("bob", key, 2, Reached::Read), ids[..2]);
    assert_eq!(mark("bob", key, 1, Reached::Read), []);
    assert_eq!(mark("bob", key, 9, Reached::Delivered), ids[2..]);
    let states: Vec<_> =
        pages::page(&c, &with("bob"), 10, Part::Newest).unwrap().messages.into_iter().map(|info| info.state).collect();
    assert_eq!(states, [MessageState::Read, MessageState::Read, MessageState::Delivered]);
    let log = logs::load_all(&c).unwrap().remove(0);
    assert_eq!((log.delivered, log.read), (3, 2));
}

#[test]
fn in_a_room_each_member_is_told_of_once() {
    let c = memory();
    let room = ThreadKey::Room(Incarnation([4; 16]));
    let sign: fn() -> messages::Sign =
        || Box::new(|entry| Ok(SignedEntry { body: to_cbor(entry).unwrap(), signature: vec![] }));
    let say = |text: &str| NewMessage {
        thread: room.clone(),
        conversation: "#tea".parse().unwrap(),
        meant_for: None,
        sign: Some(sign()),
        ..own("bob", text, 1)
    };
    let sent = [say("one"), say("two")];
    for message in &sent {
        messages::insert_own(&c, message).unwrap();
    }
    let mark = |member: &str, number, reached| {
        marks::by_member(&c, &room, &handle(member), &up_to(HERE, number), reached).unwrap().messages
    };
    assert_eq!(mark("bob", 1, Reached::Delivered), [sent[0].id]);
    assert_eq!(mark("bob", 2, Reached::Delivered), [sent[1].id]);
    assert_eq!(mark("carol", 2, Reached::Delivered), [sent[0].id, sent[1].id]);
    assert_eq!(mark("bob", 2, Reached::Delivered), []);
    assert_eq!(mark("bob", 1, Reached::Read), [sent[0].id]);
    let (kept, complete) = signed::entries(&c, &room, HERE, 0, 10).unwrap();
    assert_eq!((kept.len(), complete), (2, true));
    let second: RoomEntry = from_cbor(&kept[1].1.body).unwrap();
    assert_eq!(second.previous, signed::hash(&kept[0].1.body));
}

#[test]
fn a_log_that_others_have_more_of_goes_on_behind_theirs() {
    let c = memory();
    let me = handle("alice");
    let old = own("bob", "old", 1);
    messages::insert_own(&c, &old).unwrap();
    marks::by_friend(&c, &handle("bob"), Fingerprint([1; 32]), &up_to(HERE, 1), Reached::Delivered).unwrap();
    let waiting = [own("bob", "waits", 1), own("bob", "too", 1)];
    for message in &waiting {
        messages::insert_own(&c, message).unwrap();
    }
    let go_on =
        |number, last| logs::continue_behind(&c, &thread("bob"), &with("bob"), (HERE, &me), number, last).unwrap();
    assert!(!go_on(2, waiting[0].id), "they have what we have");
    assert!(!go_on(u64::MAX / 2, MessageId::new()), "nobody writes so much");
    let before = crate::core::clock::now_ms();
    assert!(go_on(7, MessageId::new()));
    let (found, _) = messages::entries(&c, &thread("bob"), HERE, None, 1, 10).unwrap();
    assert_eq!(found.iter().map(|m| (m.number, m.id)).collect::<Vec<_>>(), [(8, waiting[0].id), (9, waiting[1].id)]);
    let clocks: Vec<u64> = found.iter().map(|m| m.clock).collect();
    assert!(clocks[0] >= before && clocks[0] < clocks[1], "whatever they have is older: {clocks:?}");
    assert_eq!(number_of(&c, &own("bob", "new", 1)), 10);
    // Words of now under numbers that they know with other words.
    assert!(go_on(9, MessageId::new()));
    let (found, _) = messages::entries(&c, &thread("bob"), HERE, None, 9, 10).unwrap();
    assert_eq!(found.first().map(|m| (m.number, m.id)), Some((10, waiting[0].id)));
}

#[test]
fn unread_messages_of_rooms_that_mention_me_are_counted() {
    let c = memory();
    let told = |texts: &[&str]| {
        for (number, text) in (1..).zip(texts) {
            arrive(&c, "bob", &incoming(number, text));
        }
    };
    told(&["@alice look", "nothing", "x@alice", "@ALICE!"]);
    let alice = "alice".parse().unwrap();
    let mentions = || pages::conversations(&c, &alice).unwrap().iter().map(|k| k.mentions).collect::<Vec<_>>();
    assert_eq!(mentions(), [0], "with one friend every message is to me");
    c.execute("UPDATE conversations SET name = '#tea'", []).unwrap();
    assert_eq!(mentions(), [2]);
    assert_eq!(pages::conversations(&c, &"bob".parse().unwrap()).unwrap()[0].mentions, 0);
    c.execute("UPDATE messages SET state = 3 WHERE text LIKE '%!'", []).unwrap();
    assert_eq!(mentions(), [1]);
}

#[test]
fn unread_counts_go_down_by_reading() {
    let c = memory();
    let (first, second) = (incoming(1, "one"), incoming(2, "two"));
    arrive(&c, "bob", &first);
    arrive(&c, "bob", &second);
    let mine = own("bob", "me", 1);
    messages::insert_own(&c, &mine).unwrap();
    arrive(&c, "carol", &incoming(1, "hi"));
    let list = pages::conversations(&c, &"alice".parse().unwrap()).unwrap();
    let short: Vec<_> = list.iter().map(|k| (k.conversation.to_string(), k.unread)).collect();
    assert_eq!(short, [("@carol".to_owned(), 1), ("@bob".to_owned(), 2)]);
    let seen = |id: MessageId| marks::by_me(&c, &id.into()).unwrap().map(|seen| (seen.conversation, seen.marks));
    let theirs = |number| vec![(thread("bob"), up_to(THERE, number).to_vec())];
    assert_eq!(seen(MessageId::new()), None);
    assert_eq!(seen(first.id), Some((with("bob"), theirs(1))));
    assert_eq!(seen(mine.id), Some((with("bob"), theirs(2))));
    assert_eq!(seen(mine.id), Some((with("bob"), vec![])));
    let newest = marks::by_my_other_device(&c, &thread("carol"), &up_to(THERE, 1)).unwrap();
    assert!(newest.is_some());
    assert_eq!(pages::conversations(&c, &"alice".parse().unwrap()).unwrap()[0].unread, 0);
    assert_eq!(pages::conversations(&c, &"alice".parse().unwrap()).unwrap()[1].unread, 0);
}

#[test]
fn what_was_seen_is_seen_where_it_stands_and_not_where_somebody_else_used_its_id() {
    let c = memory();
    let (bobs, carols) = (incoming(1, "see you"), incoming(2, "hush"));
    arrive(&c, "bob", &bobs);
    arrive(&c, "carol", &incoming(1, "psst"));
    arrive_after(&c, "carol", 1, &[Entry { id: bobs.id, ..carols }]);
    let unread = || {
        let list = pages::conversations(&c, &handle("alice")).unwrap();
        let of = |name: &str| list.iter().find(|info| info.conversation == with(name)).map(|info| info.unread);
        (of("bob"), of("carol"))
    };
    let by = |author: &str| MessageRef { id: bobs.id, author: Some(handle(author)) };
    let seen = marks::by_me(&c, &by("bob")).unwrap().unwrap();
    assert_eq!((seen.conversation, unread()), (with("bob"), (Some(0), Some(2))));
    assert_eq!(marks::by_me(&c, &by("dave")).unwrap(), None, "nobody wrote that");
    let seen = marks::by_me(&c, &by("carol")).unwrap().unwrap();
    assert_eq!((seen.conversation, unread()), (with("carol"), (Some(0), Some(0))));
}

#[test]
fn a_clock_that_runs_ahead_does_not_change_in_which_order_conversations_were_used() {
    let c = memory();
    let users = || {
        let list = pages::conversations(&c, &"alice".parse().unwrap()).unwrap();
        list.iter().map(|k| k.conversation.to_string()).collect::<Vec<_>>()
    };
    arrive(&c, "bob", &Entry { clock: 1 << 52, ..incoming(1, "from the future") });
    arrive(&c, "carol", &incoming(1, "hi"));
    assert_eq!(users(), ["@carol", "@bob"]);
    messages::insert_own(&c, &own("bob", "an answer, which stands above it", 1)).unwrap();
    assert_eq!(users(), ["@bob", "@carol"]);
}
