//! The history's file and threads by their behaviour, on real files: groups, failures, damage, migration; people, pairs and transfers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use hobnob_shared::id::{DeviceId, Fingerprint, Hash, TransferId};
use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::FolderOffer;
use refinery::Migration;
use rusqlite::Connection;

use super::friends::Friend;
use super::pages::Part;
use super::pairs::Pair;
use super::tests::{HERE, THERE, handle, memory, number_of, own, texts, thread, with};
use super::transfers::{Stage, Transfer};
use super::{History, HistoryError, found, friends, logs, messages, open, pages, pairs, rooms, transfers};
use crate::core::event::{Direction, TransferState};

struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file() -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    File { _folder: folder, path }
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
        folder: Some(FolderOffer { files: 3, listing: Hash([4; 32]), length: 90 }),
    };
    assert!(transfers::insert(&c, &transfer).unwrap());
    let again = Transfer { name: "b.txt".into(), ..transfer.clone() };
    assert!(!transfers::insert(&c, &again).unwrap());
    assert_eq!(transfers::offers_of(&c, &handle("bob")).unwrap(), (1, 1));
    transfer.stage = Stage::Failed;
    transfer.why = Some(("disk_full".into(), "No room.".into()));
    transfers::update(&c, &transfer).unwrap();
    assert_eq!(transfers::load(&c, transfer.id).unwrap().as_ref(), Some(&transfer));
    assert_eq!(transfers::load_unfinished(&c).unwrap().len(), 1);
    assert_eq!(transfers::forgettable(&c, &[transfer.id, TransferId::new()], 5).unwrap(), []);
    transfer.stage = Stage::Finished;
    transfer.path = Some("/tmp/x".into());
    transfers::update(&c, &transfer).unwrap();
    assert_eq!(transfers::forgettable(&c, &[transfer.id, TransferId::new()], 5).unwrap(), [transfer.id]);
    let never_offered = TransferId::new();
    assert_eq!(transfers::forgettable(&c, &[never_offered], u64::MAX).unwrap(), [never_offered]);
    // While it is confirmed to a sender that missed its end.
    assert_eq!(transfer.info(true).state, TransferState::Finished);
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
    let seen = history.read(|c| pages::page(c, &with("bob"), 500, Part::Newest)).await.unwrap().messages;
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
    migrations.push(Migration::unapplied("V999__later", "CREATE TABLE later (x)").unwrap());
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
    assert_eq!(found::search(&writer, "b2"), ["b2"]);
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
