//! The window with a conversation of 100,000 messages, beside a list of plain labels of that length. The history's own code makes the store;
//! the rows are written straight into it, and the gallery shows them.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::cell::Cell;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hobnob_client::core::command::{Format, Part};
use hobnob_client::core::export;
use hobnob_client::core::history::{History, erase, pages};
use hobnob_shared::id::{ConversationId, DeviceId, MessageId};
use hobnob_tests::display::{Display, missing};
use hobnob_tests::programs::target;
use rusqlite::{Connection, params};

use crate::measure::{folder, percentile};

/// Messages in the conversation; the gallery's list of labels has as many rows.
const MESSAGES: u64 = 100_000;
/// Pages read from the disk.
const PAGES: u64 = 400;
/// One each minute, about ten weeks in all.
const PACE: u64 = 60_000;

pub fn run() -> Result<()> {
    println!("A conversation of {MESSAGES} messages in the window");
    if let Some(missing) = missing() {
        println!("  skipped, {missing}\n");
        return Ok(());
    }
    let gallery = target().join("release/examples/gallery");
    ensure!(gallery.is_file(), "{} is not built; `make bench` builds it", gallery.display());
    let store = folder("timeline")?.join("history.db");
    drop(History::open(&store)?);
    write(&store)?;
    let display = Display::start(1280, 900);
    let output = display.command(gallery).arg("--timeline").arg(&store).output().context("the gallery does not run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        println!("  {line}");
    }
    disk(&store)?;
    println!();
    std::fs::remove_file(&store).context("the store")?;
    Ok(())
}

/// What the same conversation costs on the disk: a page anywhere in it, and erasing it.
fn disk(store: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let history = History::open(store)?;
    let conversation = ConversationId::Direct("bob".parse()?);
    let mut times = Vec::new();
    for n in 0..PAGES {
        let place = (n * 7_919) % MESSAGES;
        let part = if n % 2 == 0 {
            Part::Around(format!("00000000-0000-0000-0000-{:012x}", place + 1).parse::<MessageId>()?.into())
        } else {
            Part::At(now()? - (MESSAGES - place) * PACE)
        };
        let (begun, of) = (Instant::now(), conversation.clone());
        let page = runtime.block_on(history.read_all(move |c| pages::page(c, &of, 80, part)))?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(page.messages.len() == 80, "a page of {} messages", page.messages.len());
    }
    println!(
        "  a page of 80 messages around one or around a time, from the disk (ms): p50 {:.2}, worst {:.2}",
        percentile(&times, 50.0),
        percentile(&times, 100.0)
    );
    for format in [Format::Text, Format::Json, Format::Html] {
        let path = store.with_extension("export");
        let wish = export::Wish {
            conversation: conversation.clone(),
            own: "alice".parse()?,
            path: path.clone(),
            profile: store.join("none"),
            format,
            overwrite: true,
            told: Box::new(|messages| messages),
        };
        let begun = Instant::now();
        let (count, _) = runtime.block_on(export::run(&history, wish))?;
        println!("  exporting all {count} of them as {format:?}: {:.1} s", begun.elapsed().as_secs_f64());
        std::fs::remove_file(&path).context("the export")?;
    }
    let (begun, over) = (Instant::now(), Cell::new(false));
    let (erased, waits) = runtime.block_on(async {
        let erasing = async {
            let erased = erase::run(&history, conversation, DeviceId([2; 32])).await;
            over.set(true);
            erased
        };
        tokio::join!(erasing, others(&history, &over))
    });
    let (erased, waits) = (erased?, waits?);
    println!(
        "  erasing all {} of them: {:.1} s; what others write meanwhile waits (ms): p50 {:.0}, worst {:.0}",
        erased.gone,
        begun.elapsed().as_secs_f64(),
        percentile(&waits, 50.0),
        percentile(&waits, 100.0)
    );
    Ok(())
}

/// Jobs of others, one after another until it is over: how long each waited, in milliseconds.
async fn others(history: &History, over: &Cell<bool>) -> Result<Vec<f64>> {
    let mut waits = Vec::new();
    while !over.get() {
        let begun = Instant::now();
        history.write(|c| c.execute("UPDATE conversations SET name = name", [])).await?;
        waits.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(waits)
}

fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() * 1_000)
}

/// Where both logs end, as whoever writes them keeps it.
fn store_logs(store: &Connection) -> Result<()> {
    store.execute(
        "INSERT INTO logs (thread, device, author, number, last, clock)
         SELECT thread, device, author, max(number), id, clock FROM messages GROUP BY thread, device, author",
        [],
    )?;
    Ok(())
}

/// Two who talk, three lines each in turn.
fn write(path: &Path) -> Result<()> {
    let mut store = Connection::open(path)?;
    store.pragma_update(None, "synchronous", "OFF")?;
    store.execute("INSERT INTO conversations (id, name) VALUES (1, '@bob')", [])?;
    store.execute("INSERT INTO threads (id, key, conversation) VALUES (1, '@bob', 1)", [])?;
    let group = store.transaction()?;
    {
        let mut message = group.prepare(
            "INSERT INTO messages (conversation, thread, id, author, device, own, number, clock, sent_at, text, state, place)
             VALUES (1, 1, ?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, 3, ?6)",
        )?;
        let now = now()?;
        for n in 0..MESSAGES {
            let own = n / 3 % 2 == 1;
            let at = now - (MESSAGES - n) * PACE;
            let text = format!("Message {n}. {}", "Some words more. ".repeat(usize::try_from(n % 7)?));
            message.execute(params![
                u128::from(n + 1).to_be_bytes(),
                if own { "alice" } else { "bob" },
                [u8::from(own) + 1; 32],
                own,
                n.cast_signed() + 1,
                at.cast_signed(),
                text
            ])?;
        }
    }
    store_logs(&group)?;
    group.commit()?;
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
