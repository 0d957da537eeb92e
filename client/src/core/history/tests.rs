//! The history by its behaviour, on real files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, MessageId, TransferId};
use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::PeerMessage;
use refinery::Migration;
use rusqlite::Connection;

use super::friends::Friend;
use super::messages::{NewMessage, Stored};
use super::pairs::Pair;
use super::transfers::{Stage, Transfer};
use super::{History, HistoryError, friends, messages, open, pairs, transfers};
use crate::core::event::{Direction, MessageState};

fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

fn with(name: &str) -> ConversationId {
    ConversationId::Direct(handle(name))
}

fn own(to: &str, text: &str, key: u8) -> NewMessage {
    NewMessage {
        conversation: with(to),
        from: handle("alice"),
        id: MessageId::new(),
        text: text.into(),
        sent_at: 1,
        reply_to: None,
        meant_for: Some(Fingerprint([key; 32])),
    }
}

fn incoming(number: u64, text: &str) -> PeerMessage {
    PeerMessage { id: MessageId::new(), number, sent_at: u64::MAX, text: text.into(), reply_to: None }
}

fn memory() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    refinery::Runner::new(&open::migrations().unwrap()).run(&mut connection).unwrap();
    connection
}

fn arrive(c: &Connection, from: &str, message: &PeerMessage) -> Stored {
    messages::insert_incoming(c, &with(from), &handle(from), DeviceId([9; 32]), message).unwrap()
}

fn texts(c: &Connection, name: &str) -> Vec<String> {
    messages::page(c, &with(name), 100, None).unwrap().into_iter().map(|info| info.text).collect()
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
fn own_messages_are_numbered_per_conversation_and_queued_for_their_key_only() {
    let c = memory();
    for (text, key) in [("one", 1), ("two", 2), ("three", 1)] {
        messages::insert_own(&c, &own("bob", text, key)).unwrap();
    }
    assert_eq!(messages::insert_own(&c, &own("carol", "hi", 1)).unwrap(), 1);
    let to_bob = |key: u8, after| {
        let queued = messages::queued(&c, &handle("bob"), Fingerprint([key; 32]), after, 10).unwrap();
        queued.into_iter().map(|m| (m.number, m.text)).collect::<Vec<_>>()
    };
    assert_eq!(to_bob(1, 0), [(1, "one".to_owned()), (3, "three".to_owned())]);
    assert_eq!(to_bob(1, 1), [(3, "three".to_owned())]);
    assert_eq!(to_bob(2, 0), [(2, "two".to_owned())]);
    assert_eq!(messages::readdress(&c, &handle("bob"), Fingerprint([1; 32]), Fingerprint([2; 32])).unwrap(), 2);
    assert_eq!(to_bob(1, 0), []);
    assert_eq!(to_bob(2, 0).len(), 3);
}

#[test]
fn what_arrives_twice_is_stored_once_and_a_stolen_id_is_refused() {
    let c = memory();
    let message = incoming(1, "hello");
    assert!(matches!(arrive(&c, "bob", &message), Stored::New(_)));
    assert_eq!(arrive(&c, "bob", &message), Stored::Duplicate);
    assert_eq!(arrive(&c, "mallory", &message), Stored::Conflict);
    let changed = PeerMessage { text: "hell no".into(), ..message.clone() };
    assert_eq!(arrive(&c, "bob", &changed), Stored::Conflict);
    let mine = own("bob", "mine", 1);
    messages::insert_own(&c, &mine).unwrap();
    let echo = PeerMessage { id: mine.id, ..incoming(2, "mine") };
    assert_eq!(arrive(&c, "bob", &echo), Stored::Conflict);
    assert_eq!(texts(&c, "bob"), ["hello", "mine"]);
}

#[test]
fn pages_keep_arrival_and_each_authors_order() {
    let c = memory();
    arrive(&c, "bob", &incoming(1, "b1"));
    messages::insert_own(&c, &own("bob", "a1", 1)).unwrap();
    arrive(&c, "bob", &incoming(3, "b3"));
    messages::insert_own(&c, &own("bob", "a2", 1)).unwrap();
    arrive(&c, "bob", &incoming(2, "b2"));
    assert_eq!(texts(&c, "bob"), ["b1", "a1", "b2", "a2", "b3"]);
    let all = messages::page(&c, &with("bob"), 100, None).unwrap();
    let last_two = messages::page(&c, &with("bob"), 2, None).unwrap();
    assert_eq!(last_two.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["a2", "b2"]);
    let before = messages::page(&c, &with("bob"), 2, Some(all[3].message)).unwrap();
    assert_eq!(before.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["a1", "b3"]);
    assert_eq!(messages::page(&c, &with("bob"), 2, Some(MessageId::new())).unwrap(), []);
}

#[test]
fn states_only_go_forward_and_only_news_is_told() {
    let c = memory();
    let sent: Vec<NewMessage> = ["one", "two", "three"].iter().map(|text| own("bob", text, 1)).collect();
    for message in &sent {
        messages::insert_own(&c, message).unwrap();
    }
    let ids: Vec<MessageId> = sent.iter().map(|message| message.id).collect();
    assert_eq!(messages::mark_delivered(&c, &handle("carol"), &ids).unwrap(), []);
    assert_eq!(messages::mark_delivered(&c, &handle("bob"), &ids[..1]).unwrap(), ids[..1]);
    assert_eq!(messages::mark_delivered(&c, &handle("bob"), &ids[..2]).unwrap(), ids[1..2]);
    assert_eq!(messages::mark_read_by_peer(&c, &with("carol"), ids[1]).unwrap(), []);
    assert_eq!(messages::mark_read_by_peer(&c, &with("bob"), ids[1]).unwrap(), ids[..2]);
    assert_eq!(messages::mark_read_by_peer(&c, &with("bob"), ids[1]).unwrap(), []);
    assert_eq!(messages::mark_delivered(&c, &handle("bob"), &ids).unwrap(), ids[2..]);
    let states: Vec<_> =
        messages::page(&c, &with("bob"), 10, None).unwrap().into_iter().map(|info| info.state).collect();
    assert_eq!(states, [MessageState::Read, MessageState::Read, MessageState::Delivered]);
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
    let list = messages::conversations(&c).unwrap();
    let short: Vec<_> = list.iter().map(|k| (k.conversation.to_string(), k.unread)).collect();
    assert_eq!(short, [("@carol".to_owned(), 1), ("@bob".to_owned(), 2)]);
    assert_eq!(messages::mark_read_by_me(&c, MessageId::new()).unwrap(), None);
    assert_eq!(messages::mark_read_by_me(&c, first.id).unwrap(), Some((with("bob"), Some(first.id))));
    assert_eq!(messages::mark_read_by_me(&c, mine.id).unwrap(), Some((with("bob"), Some(second.id))));
    assert_eq!(messages::mark_read_by_me(&c, mine.id).unwrap(), Some((with("bob"), None)));
    assert_eq!(messages::last_read_by_me(&c, &with("bob")).unwrap(), Some(second.id));
    assert_eq!(messages::last_read_by_me(&c, &with("dave")).unwrap(), None);
    assert_eq!(messages::conversations(&c).unwrap()[1].unread, 0);
}

#[test]
fn search_folds_accents_and_case_and_takes_everything_literally() {
    let c = memory();
    for (n, text) in (1..).zip(["Chào buổi sáng", "x AND y", "\"quoted\" words", "tea* (green)"]) {
        arrive(&c, "bob", &incoming(n, text));
    }
    messages::insert_own(&c, &own("carol", "chao ban", 1)).unwrap();
    let found = |text: &str| {
        let found = messages::search(&c, text, None, None, 10).unwrap();
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
    let in_bob = messages::search(&c, "chao", Some(&with("bob")), None, 10).unwrap();
    assert_eq!(in_bob.len(), 1);
    assert_eq!(messages::search(&c, "chao", None, Some(&handle("alice")), 10).unwrap().len(), 1);
    assert_eq!(messages::search(&c, "chao", None, None, 1).unwrap()[0].text, "chao ban");
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
            history.write(move |c| messages::insert_own(c, &own("bob", &format!("m{n}"), 1))).await.unwrap()
        })
    });
    let mut numbers = Vec::new();
    for write in writes.collect::<Vec<_>>() {
        numbers.push(write.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<u64>>());
    let seen = history.read(|c| messages::page(c, &with("bob"), 500, None)).await.unwrap();
    assert_eq!(seen.len(), 200);
    history.write_soon(|c| messages::mark_delivered(c, &handle("bob"), &[]));
    drop(history);
    let again = History::open(&file.path).unwrap();
    let next = again.write(|c| messages::insert_own(c, &own("bob", "more", 1))).await.unwrap();
    assert_eq!(next, 201);
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
    assert_eq!(kept, Ok(1));
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
    migrations.push(Migration::unapplied("V2__later", "CREATE TABLE later (x)").unwrap());
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

#[test]
fn before_a_migration_a_copy_is_kept() {
    let file = file();
    let first = open::migrations().unwrap();
    let (writer, reader) = open::open(&file.path, &first).unwrap();
    messages::insert_own(&writer, &own("bob", "before", 1)).unwrap();
    drop((writer, reader));
    let mut later = first.clone();
    later.push(Migration::unapplied("V2__later", "CREATE TABLE later (x)").unwrap());
    let (writer, _reader) = open::open(&file.path, &later).unwrap();
    assert_eq!(texts(&writer, "bob"), ["before"]);
    writer.execute("INSERT INTO later VALUES (1)", []).unwrap();
    let (copy, _reader) = open::open(&file.path.with_extension("db.before-1"), &first).unwrap();
    assert_eq!(texts(&copy, "bob"), ["before"]);
}

#[test]
fn the_file_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let file = file();
    drop(History::open(&file.path).unwrap());
    assert_eq!(std::fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
}
