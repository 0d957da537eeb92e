//! What a search finds, in which order, and what it never finds.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_shared::id::{ConversationId, DeviceId, Incarnation, MessageId, TransferId};
use hobnob_shared::message::{Act, Entry, What};
use rusqlite::Connection;

use super::found::{self, free_place, search};
use super::messages::{self, Arrival};
use super::tests::{arrive, handle, incoming, memory, own, thread, with};
use super::transfers::{self, Stage, Transfer};
use super::{acts, rooms};
use crate::core::event::Direction;
use crate::core::message_key::MessageRef;
use crate::core::replica::ThreadKey;
use crate::core::search::Wanted;

/// 2026-11-20, noon in Greenwich.
const NOON: u64 = 1_795_176_000_000;
const DAY: u64 = 86_400_000;

fn tea() -> ConversationId {
    ConversationId::Room("#tea".parse().unwrap())
}

/// Messages of somebody, one a day, to me or to the room.
fn say(c: &Connection, from: &str, in_room: bool, first: u64, texts: &[&str]) -> Vec<MessageId> {
    let (thread, conversation) =
        if in_room { (ThreadKey::Room(Incarnation([3; 16])), tea()) } else { (thread(from), with(from)) };
    let entries: Vec<Entry> = (0..)
        .zip(texts)
        .map(|(n, text)| {
            let clock = first + n * DAY;
            let text = (*text).to_owned();
            let (id, number) = (MessageId::new(), n + 1);
            Entry { id, number, clock, sent_at: clock, text, reply_to: None, meant_for: None, act: None }
        })
        .collect();
    let author = handle(from);
    let device = DeviceId([u8::try_from(author.as_str().len()).unwrap(); 32]);
    let arrival =
        Arrival { thread: &thread, conversation: &conversation, author: &author, device, own: false, after: 0 };
    let taken = messages::insert_entries(c, &arrival, &entries).unwrap();
    assert_eq!((taken.new.len(), taken.refused), (texts.len(), None));
    entries.iter().map(|entry| entry.id).collect()
}

#[test]
fn accents_and_case_do_not_matter_and_everything_is_literal() {
    let c = memory();
    for (n, text) in (1..).zip(["Chào buổi sáng", "x AND y", "\"quoted\" words", "tea* (green)", "NEAR by"]) {
        arrive(&c, "bob", &incoming(n, text));
    }
    messages::insert_own(&c, &own("carol", "chao ban", 1)).unwrap();
    assert_eq!(search(&c, "CHAO"), ["chao ban", "Chào buổi sáng"], "the newest first");
    assert_eq!(search(&c, "buoi sa"), ["Chào buổi sáng"]);
    assert_eq!(search(&c, "x AND"), ["x AND y"]);
    assert_eq!(search(&c, "\"quo"), [""; 0], "a phrase is of whole words");
    assert_eq!(search(&c, "\"quoted words\""), ["\"quoted\" words"]);
    assert_eq!(search(&c, "\"words quoted\""), [""; 0]);
    assert_eq!(search(&c, "(green"), ["tea* (green)"]);
    assert_eq!(search(&c, "nea"), ["NEAR by"]);
    for nothing in ["", "  ", "\"", "*", "NOT", "text:buoi", "marks:zzc1", "zzc1", "zzd", "-", "\0", "^", "{text}"] {
        assert_eq!(search(&c, nothing), [""; 0], "{nothing:?}");
    }
    assert_eq!(search(&c, "chao in:@bob"), ["Chào buổi sáng"]);
    assert_eq!(search(&c, "chao from:alice"), ["chao ban"]);
}

#[test]
fn the_newest_by_time_come_first_whenever_they_arrived() {
    let c = memory();
    say(&c, "bob", false, NOON, &["word one", "word two", "word three"]);
    say(&c, "carol", true, NOON - 10 * DAY, &["word of long ago"]);
    assert_eq!(search(&c, "word"), ["word three", "word two", "word one", "word of long ago"]);
    assert_eq!(search(&c, "in:#tea"), ["word of long ago"]);
}

#[test]
fn filters_narrow_alone_and_together() {
    let c = memory();
    say(&c, "bob", false, NOON, &["lunch 20", "lunch 21", "lunch 22"]);
    say(&c, "bob", true, NOON, &["tea 20", "lunch at tea 21"]);
    say(&c, "carol", true, NOON, &["lunch with carol"]);
    assert_eq!(search(&c, "lunch from:bob in:#tea"), ["lunch at tea 21"]);
    assert_eq!(search(&c, "from:carol"), ["lunch with carol"]);
    assert_eq!(search(&c, "from:carol from:bob in:#tea lunch").len(), 2);
    assert_eq!(search(&c, "from:bob").len(), 5);
    // Days are those of the reader's clock, which is at most a day away from noon in Greenwich.
    assert_eq!(search(&c, "before:2026-11-19"), [""; 0]);
    assert_eq!(search(&c, "after:2026-11-24"), [""; 0]);
    assert_eq!(search(&c, "after:2026-11-18 before:2026-11-25").len(), 6);
    let day = |text: &str| search(&c, text).len() + search(&c, &text.replace("after", "before")).len();
    assert_eq!(day("lunch after:2026-11-21"), 5, "each is before that day, or not");
    assert_eq!(search(&c, "from:nobody"), [""; 0]);
    assert_eq!(search(&c, "lunch in:@dave"), [""; 0]);
}

#[test]
fn pages_follow_each_other_without_gaps() {
    let c = memory();
    let texts: Vec<String> = (0..25).map(|n| format!("page {n}")).collect();
    say(&c, "bob", false, NOON, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    for text in ["pag", "from:bob", "after:2020-01-01"] {
        let wanted = Wanted::parse(text, None);
        let (mut all, mut before): (_, Option<MessageRef>) = (Vec::new(), None);
        loop {
            let (page, more) = found::messages(&c, &wanted, before.as_ref(), 10).unwrap();
            before = page.last().map(|info| info.key().into());
            all.extend(page.into_iter().map(|info| info.text));
            if !more {
                break;
            }
        }
        assert_eq!(all, texts.iter().rev().cloned().collect::<Vec<_>>(), "{text}");
        assert_eq!(found::messages(&c, &wanted, Some(&MessageId::new().into()), 10).unwrap(), (vec![], false));
    }
}

#[test]
fn pages_skip_and_repeat_nothing_where_an_id_was_used_again() {
    let c = memory();
    let id = say(&c, "bob", false, NOON, &["tea at noon"])[0];
    let again = |from: &str, in_room: bool, clock: u64, text: &str| {
        let (thread, conversation) =
            if in_room { (ThreadKey::Room(Incarnation([3; 16])), tea()) } else { (thread(from), with(from)) };
        let (author, device) = (handle(from), DeviceId(*blake3::hash(from.as_bytes()).as_bytes()));
        let arrival =
            Arrival { thread: &thread, conversation: &conversation, author: &author, device, own: false, after: 0 };
        let entry = Entry { id, clock, sent_at: clock, ..incoming(1, text) };
        assert_eq!(messages::insert_entries(&c, &arrival, &[entry]).unwrap().new.len(), 1);
    };
    again("mallory", true, NOON + DAY, "tea is off");
    again("carol", true, NOON - DAY, "tea again");
    again("trudy", false, NOON - 2 * DAY, "tea for two");
    say(&c, "dave", false, NOON - 3 * DAY, &["tea of old"]);
    let wanted = Wanted::parse("tea", None);
    let (mut all, mut before): (Vec<String>, Option<MessageRef>) = (Vec::new(), None);
    loop {
        let (page, more) = found::messages(&c, &wanted, before.as_ref(), 1).unwrap();
        before = page.last().map(|info| info.key().into());
        all.extend(page.into_iter().map(|info| info.text));
        if !more || all.len() > 5 {
            break;
        }
    }
    assert_eq!(all, ["tea is off", "tea at noon", "tea again", "tea for two", "tea of old"]);
}

#[test]
fn what_was_taken_back_is_never_found() {
    let c = memory();
    let ids = say(&c, "bob", false, NOON, &["secret one", "plain two"]);
    let delete = Entry {
        id: MessageId::new(),
        number: 3,
        clock: NOON + 5 * DAY,
        sent_at: 0,
        text: String::new(),
        reply_to: None,
        meant_for: None,
        act: Some(Act { of: ids[0], what: What::Delete }),
    };
    let (thread, conversation, author) = (thread("bob"), with("bob"), handle("bob"));
    let device = DeviceId([3; 32]);
    let arrival =
        Arrival { thread: &thread, conversation: &conversation, author: &author, device, own: false, after: 2 };
    messages::insert_entries(&c, &arrival, &[delete]).unwrap();
    for text in ["secret", "from:bob", "in:@bob", "after:2020-01-01"] {
        assert!(!search(&c, text).iter().any(|found| found.is_empty() || found.contains("secret")), "{text}");
    }
    let mine = own("bob", "mine to delete", 1);
    messages::insert_own(&c, &mine).unwrap();
    let act = Act { of: mine.id, what: What::Delete };
    acts::perform(&c, &messages::NewMessage { act: Some(act.clone()), ..own("bob", "", 1) }, &act).unwrap();
    assert_eq!(search(&c, "from:alice"), [""; 0]);
    assert_eq!(search(&c, "mine"), [""; 0]);
}

#[test]
fn the_blocked_are_not_found_in_rooms() {
    let c = memory();
    say(&c, "eve", true, NOON, &["word of eve in tea"]);
    say(&c, "eve", false, NOON, &["word of eve to me"]);
    say(&c, "carol", true, NOON, &["word of carol"]);
    rooms::set_blocked(&c, &handle("eve"), true).unwrap();
    for text in ["word", "after:2020-01-01"] {
        assert_eq!(search(&c, text).len(), 2, "{text}");
    }
    assert_eq!(search(&c, "from:eve"), ["word of eve to me"]);
    rooms::set_blocked(&c, &handle("eve"), false).unwrap();
    assert_eq!(search(&c, "word").len(), 3);
}

#[test]
fn a_place_is_free_however_many_want_it() {
    let c = memory();
    for n in 0..300_u64 {
        let author = handle(&format!("user{n}"));
        let entry = Entry { clock: NOON, ..incoming(1, "at once") };
        let device = DeviceId([u8::try_from(n % 250).unwrap(); 32]);
        let (thread, conversation) = (thread(author.as_str()), ConversationId::Direct(author.clone()));
        let arrival =
            Arrival { thread: &thread, conversation: &conversation, author: &author, device, own: false, after: 0 };
        messages::insert_entries(&c, &arrival, &[entry]).unwrap();
    }
    let wanted = Wanted::parse("once", None);
    assert_eq!(found::messages(&c, &wanted, None, 1_000).unwrap().0.len(), 300);
    let near = free_place(&c, NOON, MessageId::new()).unwrap() - NOON.cast_signed();
    assert!((0..100_000).contains(&near), "{near}");
}

#[test]
fn files_are_found_by_name_sender_and_place() {
    let c = memory();
    let file = |name: &str, from: &str, conversation: ConversationId, share: Option<TransferId>| {
        let transfer = Transfer {
            id: TransferId::new(),
            conversation,
            peer: handle("bob"),
            from: handle(from),
            direction: if from == "alice" { Direction::Outgoing } else { Direction::Incoming },
            name: name.into(),
            size: 5,
            media_type: None,
            sent_at: NOON,
            stage: Stage::Finished,
            done: 5,
            path: None,
            save_as: None,
            why: None,
            meant_for: None,
            root: None,
            device: None,
            share,
            room: None,
            folder: None,
        };
        transfers::insert(&c, &transfer).unwrap();
    };
    let share = TransferId::new();
    file("Résumé.pdf", "bob", with("bob"), None);
    file("résumé of all.pdf", "alice", tea(), Some(share));
    file("résumé of all.pdf", "alice", tea(), Some(share));
    file("holiday.jpg", "eve", tea(), None);
    let found = |text: &str| {
        let files = found::files(&c, &Wanted::parse(text, None), 10).unwrap();
        files.into_iter().map(|file| file.name).collect::<Vec<_>>()
    };
    assert_eq!(found("resume"), ["résumé of all.pdf", "Résumé.pdf"]);
    assert_eq!(found("has:file").len(), 3);
    assert_eq!(found("has:file from:bob"), ["Résumé.pdf"]);
    assert_eq!(found("in:#tea after:2026-01-01"), ["holiday.jpg", "résumé of all.pdf"]);
    assert_eq!(found("before:2026-01-01"), [""; 0]);
    assert_eq!(found(""), [""; 0]);
    rooms::set_blocked(&c, &handle("eve"), true).unwrap();
    assert_eq!(found("holiday"), [""; 0]);
    assert_eq!(search(&c, "has:file"), [""; 0], "files are no messages");
}
