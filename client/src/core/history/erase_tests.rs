//! A conversation that is erased is gone from the file, stays gone whatever comes, and goes on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_shared::id::{DeviceId, Fingerprint, Incarnation, MessageId, TransferId};
use hobnob_shared::message::{Act, Entry, Mark, What};

use super::erase::{self, Cursor, Erased, Way};
use super::marks::Reached;
use super::messages::{self, Arrival, Taken};
use super::pages::Part;
use super::tests::{HERE, THERE, handle, incoming, own, thread, with};
use super::transfers::{Stage, Transfer};
use super::{History, found, logs, marks, pages, transfers};
use crate::core::event::Direction;

const SECRET: &str = "zanzibar";

struct Disk {
    folder: tempfile::TempDir,
    history: History,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(&folder.path().join("history.db")).unwrap();
        Self { folder, history }
    }

    /// Whether the bytes of this stand anywhere in the file or beside it.
    fn has(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let has = |bytes: Vec<u8>| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        files
            .filter(|path| has(std::fs::read(path).unwrap()))
            .inspect(|path| eprintln!("in {}", path.display()))
            .count()
            > 0
    }

    async fn arrive(&self, after: u64, entries: Vec<Entry>) -> Taken {
        self.history
            .write(move |c| messages::insert_entries(c, &from_bob(&thread("bob"), after), &entries))
            .await
            .unwrap()
    }

    async fn erase(&self) -> Erased {
        erase::run(&self.history, with("bob"), HERE).await.unwrap()
    }

    async fn texts(&self) -> Vec<String> {
        let page = self.history.read(|c| pages::page(c, &with("bob"), 1_000, Part::Newest)).await.unwrap();
        page.messages.into_iter().map(|info| info.text).collect()
    }
}

fn from_bob(thread: &crate::core::replica::ThreadKey, after: u64) -> Arrival<'_> {
    let (bob, conversation): (&'static _, &'static _) =
        (Box::leak(Box::new(handle("bob"))), Box::leak(Box::new(with("bob"))));
    Arrival { thread, conversation, author: bob, device: THERE, own: false, after }
}

fn act(number: u64, what: What, of: MessageId, text: &str) -> Entry {
    Entry { act: Some(Act { of, what }), ..incoming(number, text) }
}

#[tokio::test]
async fn nothing_of_it_is_left_on_the_disk() {
    let disk = Disk::new();
    let entries: Vec<Entry> = (1..=250).map(|n| incoming(n, &format!("{SECRET} {n}"))).collect();
    let first = entries[0].id;
    disk.arrive(0, entries).await;
    disk.arrive(250, vec![act(251, What::Edit, first, "zanzibar changed"), act(252, What::React, first, "🏝")]).await;
    disk.history.write(|c| messages::insert_own(c, &own("carol", "zebra", 1))).await.unwrap();
    assert!(disk.has(SECRET));
    assert_eq!(disk.erase().await, Erased { gone: 250, kept: 0 });
    assert!(!disk.has(SECRET) && !disk.has("🏝"), "it is in the file still");
    assert!(disk.has("zebra"), "that is another conversation");
    assert_eq!(disk.texts().await, Vec::<String>::new());
    let hits = disk.history.read(|c| Ok((found::search(c, SECRET), found::search(c, "zebra")))).await.unwrap();
    assert_eq!(hits, (vec![], vec!["zebra".to_owned()]));
    assert_eq!(disk.erase().await, Erased::default());
}

/// Messages of more than one piece.
const MANY: u64 = 1_200;

/// The program is ended when it has erased so many pieces, in this way; the next start finishes it.
async fn ended_after(pieces: usize, way: Way) {
    let disk = Disk::new();
    let entries: Vec<Entry> = (1..=MANY).map(|n| incoming(n, &format!("{SECRET} {n}"))).collect();
    disk.arrive(0, entries).await;
    disk.history.write(|c| messages::insert_own(c, &own("carol", "zebra", 1))).await.unwrap();
    disk.history
        .write(move |c| {
            let begun = erase::begin(c, &with("bob").to_string())?.unwrap();
            erase::mark(c, way as i64)?;
            let mut from = Some(Cursor::START);
            for _ in 0..pieces {
                let (gone, next) =
                    erase::wiping(c, |c| erase::piece(c, begun.conversation, HERE, way, &from.unwrap()))?;
                assert!(gone > 0);
                from = next;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert!(disk.has(SECRET));
    let Disk { folder, history } = disk;
    drop(history);
    let history = History::open(&folder.path().join("history.db")).unwrap();
    let disk = Disk { folder, history };
    // What comes before it is finished is none of it.
    disk.arrive(MANY, vec![incoming(MANY + 1, "quagga")]).await;
    assert!(erase::resume(&disk.history, HERE).await.unwrap(), "{way:?}");
    assert!(!disk.has(SECRET), "{way:?} after {pieces} pieces: it is in the file still");
    assert_eq!(disk.texts().await, ["quagga"], "{way:?}");
    let find = |what: &'static str| disk.history.read(move |c| Ok(found::search(c, what)));
    assert_eq!(find("zan").await.unwrap(), Vec::<String>::new(), "{way:?}");
    assert_eq!(find("zebra").await.unwrap(), ["zebra"], "{way:?}");
    assert_eq!(find("quagga").await.unwrap(), ["quagga"], "{way:?}");
    assert!(!erase::resume(&disk.history, HERE).await.unwrap(), "once is enough");
    // And the index forgets at once again.
    disk.arrive(MANY + 1, vec![act(MANY + 2, What::Delete, MessageId::new(), "")]).await;
    assert_eq!(disk.erase().await.gone, 1);
    assert!(!disk.has("quagga"), "{way:?}");
}

#[tokio::test]
async fn an_erasure_that_was_cut_off_is_finished_at_the_next_start() {
    for way in [Way::AtOnce, Way::Later, Way::Anew] {
        for pieces in [0, 1] {
            ended_after(pieces, way).await;
        }
    }
}

#[test]
fn the_index_forgets_in_the_way_that_is_quickest() {
    assert_eq!(Way::of(100_000, 100_000), Way::Anew);
    assert_eq!(Way::of(100_000, 115_000), Way::Anew);
    assert_eq!(Way::of(100_000, 200_000), Way::Later);
    assert_eq!(Way::of(10_000, 1_000_000), Way::Later);
    assert_eq!(Way::of(1_000, 1_000_000), Way::AtOnce);
    assert_eq!(Way::of(0, 5), Way::AtOnce);
    assert_eq!(Way::of(0, 0), Way::Anew);
}

#[tokio::test]
async fn what_was_erased_does_not_come_back_and_what_is_new_comes() {
    let disk = Disk::new();
    let entries: Vec<Entry> = (1..=3).map(|n| incoming(n, &n.to_string())).collect();
    disk.arrive(0, entries.clone()).await;
    disk.erase().await;
    let again = disk.arrive(0, entries.clone()).await;
    assert!(again.new.is_empty() && !again.gap && again.refused.is_none());
    assert_eq!(again.head.unwrap().number, 3, "it is acknowledged all the same");
    // Its author was put back to an older state, and sends it under another number.
    let renumbered = Entry { number: 4, clock: 2_000, ..entries[2].clone() };
    let taken = disk.arrive(3, vec![renumbered]).await;
    assert!(taken.new.is_empty() && taken.refused.is_none());
    // An edit of it, and something new.
    let edit = act(5, What::Edit, entries[0].id, "quagga");
    let new = Entry { clock: 3_000, ..incoming(6, "new") };
    let taken = disk.arrive(4, vec![Entry { clock: 2_500, ..edit }, new]).await;
    assert_eq!(taken.new.len(), 1);
    assert_eq!(disk.texts().await, ["new"]);
    assert_eq!(disk.erase().await.gone, 1);
    assert!(!disk.has("quagga"), "the edit of what was erased goes with the next time");
}

#[tokio::test]
async fn what_waits_to_be_delivered_stays_and_the_log_goes_on() {
    let disk = Disk::new();
    let sent = own("bob", "delivered", 1);
    let (old, key) = (sent.id, Fingerprint([1; 32]));
    disk.history
        .write(move |c| {
            messages::insert_own(c, &sent)?;
            marks::by_friend(c, &handle("bob"), key, &[Mark { device: HERE, number: 1 }], Reached::Delivered)?;
            messages::insert_own(c, &own("bob", "waits", 1))
        })
        .await
        .unwrap();
    let before = disk.history.read(|c| logs::head(c, &thread("bob"), &HERE)).await.unwrap();
    assert_eq!(disk.erase().await, Erased { gone: 1, kept: 1 });
    assert_eq!(disk.texts().await, ["waits"]);
    let after = disk.history.read(|c| logs::head(c, &thread("bob"), &HERE)).await.unwrap();
    assert_eq!(before, after);
    disk.history
        .write(move |c| {
            let (waiting, _) = messages::entries(c, &thread("bob"), HERE, Some(key), 1, 10)?;
            assert_eq!(waiting.iter().map(|entry| entry.number).collect::<Vec<_>>(), [2]);
            assert_eq!(logs::erased_to(c, &thread("bob"), &HERE)?, 1);
            // Whoever says that they have it up to there says the truth, and the log is not renumbered for it.
            assert!(marks::is_entry(c, &thread("bob"), Mark { device: HERE, number: 1 }, old)?);
            let me = handle("alice");
            assert!(!logs::continue_behind(c, &thread("bob"), &with("bob"), (HERE, &me), 1, old)?);
            assert_eq!(messages::insert_own(c, &own("bob", "next", 1))?.number, 3);
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn acts_on_what_is_still_to_come_count() {
    let disk = Disk::new();
    let late = Entry { id: MessageId::new(), ..incoming(1, "taken back") };
    // Bob's other device took back what this one has not brought yet.
    disk.arrive(0, vec![act(1, What::Delete, late.id, "")]).await;
    disk.erase().await;
    let id = late.id;
    disk.history
        .write(move |c| {
            let thread = thread("bob");
            let arrival = Arrival { device: DeviceId([7; 32]), ..from_bob(&thread, 0) };
            messages::insert_entries(c, &arrival, &[late])
        })
        .await
        .unwrap();
    let shown = disk.history.read(move |c| pages::find(c, &with("bob"), id)).await.unwrap().unwrap();
    assert!(shown.deleted);
}

#[tokio::test]
async fn an_answer_does_not_stand_before_what_was_erased() {
    let disk = Disk::new();
    let ahead = crate::core::clock::now_ms() + 20_000;
    disk.arrive(0, vec![Entry { clock: ahead, ..incoming(1, "their clock is ahead") }]).await;
    disk.erase().await;
    let placed = disk.history.write(|c| messages::insert_own(c, &own("bob", "answer", 1))).await.unwrap();
    assert!(placed.clock > ahead);
}

#[tokio::test]
async fn files_that_are_over_are_listed_no_more_and_the_others_are() {
    let disk = Disk::new();
    let file = |stage: Stage, name: &str| Transfer {
        id: TransferId::new(),
        conversation: with("bob"),
        peer: handle("bob"),
        from: handle("bob"),
        direction: Direction::Incoming,
        name: name.to_owned(),
        size: 5,
        media_type: None,
        sent_at: 1,
        stage,
        done: 5,
        path: Some(format!("/tmp/{name}").into()),
        save_as: None,
        why: None,
        meant_for: None,
        root: None,
        device: None,
        share: None,
        room: Some(Incarnation([1; 16])),
        folder: None,
    };
    let (over, running) = (file(Stage::Finished, "zanzibar.pdf"), file(Stage::Accepted, "running.iso"));
    let (id, late) = (over.id, over.clone());
    disk.history.write(move |c| Ok((transfers::insert(c, &over)?, transfers::insert(c, &running)?))).await.unwrap();
    disk.arrive(0, vec![incoming(1, "hi")]).await;
    disk.erase().await;
    assert!(!disk.has(SECRET));
    let names = disk.history.read(transfers::list).await.unwrap().into_iter().map(|file| file.name).collect::<Vec<_>>();
    assert_eq!(names, ["running.iso"]);
    let known = disk.history.read(move |c| transfers::load(c, id)).await.unwrap().unwrap();
    assert_eq!(known.stage, Stage::Finished, "its sender may still ask");
    // What was running for it says a last word.
    disk.history.write(move |c| transfers::update(c, &late)).await.unwrap();
    assert!(!disk.has(SECRET));
    let known = disk.history.read(move |c| transfers::load(c, id)).await.unwrap().unwrap();
    assert_eq!((known.path, known.why, known.save_as), (None, None, None));
}

#[tokio::test]
async fn who_asked_for_a_copy_first_gets_all_of_it() {
    let disk = Disk::new();
    disk.arrive(0, (1..=3).map(|n| incoming(n, "kept")).collect()).await;
    let whole = disk.history.whole().await;
    let mut erasing = std::pin::pin!(disk.erase());
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = &mut erasing => panic!("it was erased under the eyes of who copies it"),
            flushed = disk.history.flush() => flushed.unwrap(),
        }
    }
    assert_eq!(disk.texts().await.len(), 3);
    drop(whole);
    assert_eq!(erasing.await.gone, 3);
    // The next one waits until that is over.
    drop(disk.history.whole().await);
    assert!(disk.texts().await.is_empty());
}
