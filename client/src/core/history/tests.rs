//! The history by its behaviour, on real files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, Incarnation, MessageId, TransferId};
use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::{Entry, Head, Mark, RoomEntry, SignedEntry};
use refinery::Migration;
use rusqlite::Connection;

use super::friends::Friend;
use super::marks::Reached;
use super::messages::{Arrival, NewMessage, Taken};
use super::pairs::Pair;
use super::transfers::{Stage, Transfer};
use super::{History, HistoryError, friends, logs, marks, messages, open, pages, pairs, rooms, signed, transfers};
use crate::core::event::{Direction, MessageState};
use crate::core::replica::ThreadKey;
use crate::core::replica::accept::Refusal;

fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

fn with(name: &str) -> ConversationId {
    ConversationId::Direct(handle(name))
}

fn thread(name: &str) -> ThreadKey {
    ThreadKey::Direct(handle(name))
}

const HERE: DeviceId = DeviceId([1; 32]);
const THERE: DeviceId = DeviceId([9; 32]);

fn own(to: &str, text: &str, key: u8) -> NewMessage {
    NewMessage {
        thread: thread(to),
        conversation: with(to),
        from: handle("alice"),
        device: HERE,
        id: MessageId::new(),
        text: text.into(),
        sent_at: 1,
        reply_to: None,
        meant_for: Some(Fingerprint([key; 32])),
        sign: None,
    }
}

/// Their clocks are in the far future, so that what is written here afterwards still stands behind them.
fn incoming(number: u64, text: &str) -> Entry {
    let clock = 5_000_000_000_000 + number;
    Entry { id: MessageId::new(), number, clock, sent_at: u64::MAX, text: text.into(), reply_to: None, meant_for: None }
}

fn memory() -> Connection {
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
fn arrive(c: &Connection, from: &str, entry: &Entry) -> bool {
    !arrive_after(c, from, entry.number - 1, std::slice::from_ref(entry)).new.is_empty()
}

fn number_of(c: &Connection, message: &NewMessage) -> u64 {
    messages::insert_own(c, message).unwrap().number
}

fn texts(c: &Connection, name: &str) -> Vec<String> {
    pages::page(c, &with(name), 100, None).unwrap().into_iter().map(|info| info.text).collect()
}

struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file() -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    File { _folder: folder, path }
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
    let all = pages::page(&c, &with("bob"), 100, None).unwrap();
    let last_two = pages::page(&c, &with("bob"), 2, None).unwrap();
    assert_eq!(last_two.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["a2", "b3"]);
    let before = pages::page(&c, &with("bob"), 2, Some(all[3].message)).unwrap();
    assert_eq!(before.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["a1", "b2"]);
    assert_eq!(pages::page(&c, &with("bob"), 2, Some(MessageId::new())).unwrap(), []);
}

fn up_to(device: DeviceId, number: u64) -> [Mark; 1] {
    [Mark { device, number }]
}

#[test]
fn states_only_go_forward_and_only_news_is_told() {
    let c = memory();
    let key = Fingerprint([1; 32]);
    let sent: Vec<NewMessage> = ["one", "two", "three"].iter().map(|text| own("bob", text, 1)).collect();
    sent.iter().for_each(|message| assert!(messages::insert_own(&c, message).is_ok()));
    let ids: Vec<MessageId> = sent.iter().map(|message| message.id).collect();
    let mark = |friend: &str, key, number, reached| {
        marks::by_friend(&c, &handle(friend), key, &up_to(HERE, number), reached).unwrap()
    };
    assert_eq!(mark("carol", key, 3, Reached::Delivered), []);
    assert_eq!(mark("bob", Fingerprint([2; 32]), 3, Reached::Delivered), [], "not written to that key");
    assert_eq!(mark("bob", key, 1, Reached::Delivered), ids[..1]);
    assert_eq!(mark("bob", key, 2, Reached::Delivered), ids[1..2]);
    assert_eq!(mark("bob", key, 2, Reached::Read), ids[..2]);
    assert_eq!(mark("bob", key, 1, Reached::Read), []);
    assert_eq!(mark("bob", key, 9, Reached::Delivered), ids[2..]);
    let states: Vec<_> = pages::page(&c, &with("bob"), 10, None).unwrap().into_iter().map(|info| info.state).collect();
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
    sent.iter().for_each(|message| assert!(messages::insert_own(&c, message).is_ok()));
    let mark = |member: &str, number, reached| {
        marks::by_member(&c, &room, &handle(member), &up_to(HERE, number), reached).unwrap()
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
    waiting.iter().for_each(|message| assert!(messages::insert_own(&c, message).is_ok()));
    let go_on =
        |number, last| logs::continue_behind(&c, &thread("bob"), &with("bob"), (HERE, &me), number, last).unwrap();
    assert!(!go_on(2, waiting[0].id), "they have what we have");
    assert!(!go_on(u64::MAX / 2, MessageId::new()), "nobody writes so much");
    assert!(go_on(7, MessageId::new()));
    let (found, _) = messages::entries(&c, &thread("bob"), HERE, None, 1, 10).unwrap();
    assert_eq!(found.iter().map(|m| (m.number, m.id)).collect::<Vec<_>>(), [(8, waiting[0].id), (9, waiting[1].id)]);
    assert_eq!(number_of(&c, &own("bob", "new", 1)), 10);
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
    let list = pages::conversations(&c).unwrap();
    let short: Vec<_> = list.iter().map(|k| (k.conversation.to_string(), k.unread)).collect();
    assert_eq!(short, [("@carol".to_owned(), 1), ("@bob".to_owned(), 2)]);
    let seen = |id| marks::by_me(&c, id).unwrap().map(|seen| (seen.conversation, seen.marks));
    let theirs = |number| vec![(thread("bob"), up_to(THERE, number).to_vec())];
    assert_eq!(seen(MessageId::new()), None);
    assert_eq!(seen(first.id), Some((with("bob"), theirs(1))));
    assert_eq!(seen(mine.id), Some((with("bob"), theirs(2))));
    assert_eq!(seen(mine.id), Some((with("bob"), vec![])));
    let newest = marks::by_my_other_device(&c, &thread("carol"), &up_to(THERE, 1)).unwrap();
    assert!(newest.is_some());
    assert_eq!(pages::conversations(&c).unwrap()[0].unread, 0);
    assert_eq!(pages::conversations(&c).unwrap()[1].unread, 0);
}

#[test]
fn search_folds_accents_and_case_and_takes_everything_literally() {
    let c = memory();
    for (n, text) in (1..).zip(["Chào buổi sáng", "x AND y", "\"quoted\" words", "tea* (green)"]) {
        arrive(&c, "bob", &incoming(n, text));
    }
    messages::insert_own(&c, &own("carol", "chao ban", 1)).unwrap();
    let found = |text: &str| {
        let found = pages::search(&c, text, None, None, 10).unwrap();
        found.into_iter().map(|info| info.text).collect::<Vec<_>>()
    };
    assert_eq!(found("CHAO"), ["Chào buổi sáng", "chao ban"]);
    assert_eq!(found("buoi sa"), ["Chào buổi sáng"]);
    assert_eq!(found("x AND"), ["x AND y"]);
    assert_eq!(found("\"quo"), ["\"quoted\" words"]);
    assert_eq!(found("(green"), ["tea* (green)"]);
    for nothing in ["", "  ", "\"", "*", "NOT", "text:buoi", "-", "\0", "^"] {
        assert_eq!(found(nothing), [""; 0], "{nothing:?}");
    }
    let in_bob = pages::search(&c, "chao", Some(&with("bob")), None, 10).unwrap();
    assert_eq!(in_bob.len(), 1);
    assert_eq!(pages::search(&c, "chao", None, Some(&handle("alice")), 10).unwrap().len(), 1);
    assert_eq!(pages::search(&c, "chao", None, None, 1).unwrap()[0].text, "chao ban");
}

fn friend(name: &str) -> Friend {
    Friend {
        user: handle(name),
        account: Fingerprint([1; 32]),
        account_certificate: vec![1, 2],
        verified: false,
        blocked: false,
        changed_key: None,
        device_list_number: 1,
        device_list: IdentityStatement { body: vec![3], signature: vec![4] },
    }
}

#[test]
fn people_pairs_and_transfers_read_back() {
    let c = memory();
    friends::upsert(&c, &friend("bob")).unwrap();
    friends::set_verified(&c, &handle("bob"), true).unwrap();
    friends::set_blocked(&c, &handle("bob"), true).unwrap();
    friends::set_changed_key(&c, &handle("bob"), Some(Fingerprint([7; 32]))).unwrap();
    let list = IdentityStatement { body: vec![5], signature: vec![6] };
    friends::set_device_list(&c, &handle("bob"), 2, &list).unwrap();
    let expected = Friend {
        verified: true,
        blocked: true,
        changed_key: Some(Fingerprint([7; 32])),
        device_list_number: 2,
        device_list: list,
        ..friend("bob")
    };
    assert_eq!(friends::load(&c).unwrap(), [expected]);
    assert!(friends::remove(&c, &handle("bob")).unwrap());
    assert!(!friends::remove(&c, &handle("bob")).unwrap());

    let pair = Pair {
        device: DeviceId([1; 32]),
        user: handle("bob"),
        secret: [5; 32],
        dial_counter: u64::MAX,
        seen_counter: 2,
        addresses: vec!["127.0.0.1:5000".into(), "[::1]:5000".into()],
    };
    pairs::upsert(&c, &pair).unwrap();
    assert_eq!(pairs::load(&c, &pair.device).unwrap().as_ref(), Some(&pair));
    assert!(!format!("{pair:?}").contains("5, 5"));
    pairs::remove_of(&c, &handle("bob")).unwrap();
    assert_eq!(pairs::load_all(&c).unwrap(), []);
}

#[test]
fn a_transfer_is_stored_once_and_ends_in_the_list() {
    let c = memory();
    let mut transfer = Transfer {
        id: TransferId::new(),
        conversation: with("bob"),
        peer: handle("bob"),
        from: handle("bob"),
        direction: Direction::Incoming,
        name: "a.txt".into(),
        size: u64::MAX,
        media_type: None,
        sent_at: 1,
        stage: Stage::Offered,
        done: 0,
        path: None,
        save_as: None,
        why: None,
        meant_for: None,
        root: None,
        device: Some(DeviceId([3; 32])),
        share: None,
        room: None,
    };
    assert!(transfers::insert(&c, &transfer).unwrap());
    let again = Transfer { name: "b.txt".into(), ..transfer.clone() };
    assert!(!transfers::insert(&c, &again).unwrap());
    assert_eq!(transfers::waiting_offers(&c, &handle("bob")).unwrap(), 1);
    transfer.stage = Stage::Failed;
    transfer.why = Some(("disk_full".into(), "No room.".into()));
    transfers::update(&c, &transfer).unwrap();
    assert_eq!(transfers::load(&c, transfer.id).unwrap().as_ref(), Some(&transfer));
    assert_eq!(transfers::load_unfinished(&c).unwrap().len(), 1);
    transfer.stage = Stage::Finished;
    transfer.path = Some("/tmp/x".into());
    transfers::update(&c, &transfer).unwrap();
    assert_eq!(transfers::load_unfinished(&c).unwrap(), []);
    assert_eq!(transfers::list(&c).unwrap(), [transfer]);
}

#[tokio::test]
async fn groups_are_on_the_disk_when_answered_and_read_back_after_reopening() {
    let file = file();
    let history = History::open(&file.path).unwrap();
    let writes = (0..200).map(|n| {
        let history = history.clone();
        tokio::spawn(async move {
            history.write(move |c| messages::insert_own(c, &own("bob", &format!("m{n}"), 1))).await.unwrap().number
        })
    });
    let mut numbers = Vec::new();
    for write in writes.collect::<Vec<_>>() {
        numbers.push(write.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<u64>>());
    let seen = history.read(|c| pages::page(c, &with("bob"), 500, None)).await.unwrap();
    assert_eq!(seen.len(), 200);
    history.write_soon(|c| rooms::set_blocked(c, &handle("bob"), true));
    drop(history);
    let again = History::open(&file.path).unwrap();
    let next = again.write(|c| messages::insert_own(c, &own("bob", "more", 1))).await.unwrap();
    assert_eq!(next.number, 201);
    assert_eq!(again.read(rooms::blocked).await.unwrap(), [handle("bob")]);
}

#[tokio::test]
async fn a_job_that_fails_or_panics_spoils_nothing_for_its_neighbours() {
    let file = file();
    let history = History::open(&file.path).unwrap();
    let failing = history.write(|c| {
        messages::insert_own(c, &own("bob", "lost", 1))?;
        c.execute("INSERT INTO nowhere VALUES (1)", [])
    });
    let panicking = history.write(|c| {
        messages::insert_own(c, &own("bob", "lost too", 1))?;
        Ok(Vec::<usize>::new()[0])
    });
    let good = history.write(|c| messages::insert_own(c, &own("bob", "kept", 1)));
    let (failed, panicked, kept) = tokio::join!(failing, panicking, good);
    assert!(matches!(failed, Err(HistoryError::Refused(_))));
    assert_eq!(panicked, Err(HistoryError::Closed));
    assert_eq!(kept.map(|placed| placed.number), Ok(1));
    assert!(history.read(|c| c.execute("DELETE FROM messages", [])).await.is_err());
    assert_eq!(history.read(|c| Ok(texts(c, "bob"))).await.unwrap(), ["kept"]);
}

fn refused(path: &Path) -> HistoryError {
    History::open(path).err().unwrap()
}

#[test]
fn a_damaged_foreign_or_newer_file_is_refused_and_left_as_it_is() {
    let garbage = file();
    std::fs::write(&garbage.path, b"these are no tables".repeat(500)).unwrap();

    let truncated = file();
    drop(History::open(&truncated.path).unwrap());
    let whole = std::fs::read(&truncated.path).unwrap();
    std::fs::write(&truncated.path, &whole[..whole.len() / 2]).unwrap();

    let foreign = file();
    Connection::open(&foreign.path).unwrap().execute_batch("CREATE TABLE recipes (name)").unwrap();

    let newer = file();
    let mut migrations = open::migrations().unwrap();
    migrations.push(Migration::unapplied("V9__later", "CREATE TABLE later (x)").unwrap());
    drop(open::open(&newer.path, &migrations).unwrap());

    for (file, error) in [
        (&garbage, HistoryError::Corrupt),
        (&truncated, HistoryError::Corrupt),
        (&foreign, HistoryError::Corrupt),
        (&newer, HistoryError::Newer),
    ] {
        let before = std::fs::read(&file.path).unwrap();
        assert_eq!(refused(&file.path), error);
        assert_eq!(std::fs::read(&file.path).unwrap(), before);
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(refused(folder.path()), HistoryError::Io(_)));
    assert!(matches!(refused(&folder.path().join("missing/history.db")), HistoryError::Io(_)));
}

/// What the first version wrote, migrated once: everything is there, in the order in which it was, and a copy of the file as it was.
#[test]
fn a_profile_of_the_first_version_keeps_its_order_and_a_copy() {
    let file = file();
    let first = vec![open::migrations().unwrap().remove(0)];
    let (writer, reader) = open::open(&file.path, &first).unwrap();
    writer.execute_batch("INSERT INTO conversations (name, next_number) VALUES ('@bob', 3)").unwrap();
    for (n, (own, number, sent_at, state, text)) in
        [(1, 1, 900, 3, "a1"), (0, 1, 100, 2, "b1"), (1, 2, 950, 0, "a2"), (0, 2, i64::MAX, 2, "b2")]
            .into_iter()
            .enumerate()
    {
        let (author, device) = if own == 1 { ("alice", None) } else { ("bob", Some([9_u8; 32])) };
        let id = [u8::try_from(n).unwrap() + 1; 16];
        writer
            .execute(
                "INSERT INTO messages (conversation, id, author, device, own, number, sent_at, text, meant_for, state)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                rusqlite::params![id, author, device, own, number, sent_at, text, [1_u8; 32], state],
            )
            .unwrap();
    }
    drop((writer, reader));
    let (writer, reader) = open::open(&file.path, &open::migrations().unwrap()).unwrap();
    logs::claim(&writer, HERE).unwrap();
    assert_eq!(texts(&writer, "bob"), ["a1", "b1", "a2", "b2"]);
    assert_eq!(pages::search(&writer, "b2", None, None, 5).unwrap().len(), 1);
    let logs: Vec<_> = logs::load_all(&writer)
        .unwrap()
        .into_iter()
        .map(|log| (log.device, log.end.number, log.delivered, log.read))
        .collect();
    assert_eq!(
        logs,
        [(HERE, 2, 1, 1), (THERE, 2, 2, 0)].map(|(d, n, delivered, read)| (
            d,
            n,
            if d == HERE { delivered } else { 0 },
            read
        ))
    );
    let (waiting, _) = messages::entries(&writer, &thread("bob"), HERE, Some(Fingerprint([1; 32])), 1, 9).unwrap();
    assert_eq!(waiting.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["a2"]);
    assert_eq!(number_of(&writer, &own("bob", "a3", 1)), 3);
    assert_eq!(texts(&writer, "bob").last().unwrap(), "a3");
    drop((writer, reader));
    let (copy, _reader) = open::open(&file.path.with_extension("db.before-1"), &first).unwrap();
    let count: i64 = copy.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 4);
}

#[test]
fn the_file_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let file = file();
    drop(History::open(&file.path).unwrap());
    assert_eq!(std::fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
}
