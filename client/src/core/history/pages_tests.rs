//! Pages of random conversations, whichever part is asked for, are what a list in memory gives.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_shared::id::{ConversationId, DeviceId, MessageId};
use hobnob_shared::message::Entry;
use proptest::prelude::*;
use rusqlite::Connection;

use super::messages::{self, Arrival};
use super::pages::{self, Page, Part};
use super::tests::{handle, incoming, memory, own, thread, with};
use crate::core::event::MessageInfo;
use crate::core::message_key::MessageRef;

const AUTHORS: [&str; 3] = ["bob", "alice", "carol"];

/// Each is an author's device, and by how much their clock goes on.
fn write(c: &Connection, said: &[(u8, u64)]) -> Vec<MessageInfo> {
    let (thread, conversation) = (thread("bob"), with("bob"));
    let (mut ends, mut all) = ([(0_u64, 0_u64); 6], Vec::new());
    for (device, step) in said {
        let (number, clock) = &mut ends[usize::from(*device)];
        *number += 1;
        *clock += step;
        let author = handle(AUTHORS[usize::from(*device) / 2]);
        let own = author.as_str() == "alice";
        // Other authors use the same ids: the first device of each counts as the others' do.
        let id = MessageId(uuid::Uuid::from_u128(u128::from(device % 2) << 64 | u128::from(*number)));
        let entry = Entry { id, clock: *clock, ..incoming(*number, &format!("{device} {number}")) };
        let (after, device) = (*number - 1, DeviceId([*device; 32]));
        let arrival = Arrival { thread: &thread, conversation: &conversation, author: &author, device, own, after };
        messages::insert_entries(c, &arrival, &[entry]).unwrap();
        all = pages::page(c, &conversation, usize::MAX / 2, Part::Newest).unwrap().messages;
    }
    all
}

fn expected(all: &[MessageInfo], limit: usize, part: &Part) -> Page {
    let at = |of: &MessageRef| all.iter().position(|info| of.fits(info));
    let range = |from: usize, to: usize, found| Page {
        messages: all[from..to].to_vec(),
        earlier: from > 0,
        later: to < all.len(),
        found,
    };
    let around = |at: usize| {
        let old = at.min((limit / 2).max(limit.saturating_sub(all.len() - at)));
        range(at - old, (at + limit - old).min(all.len()), Some(all[at].message))
    };
    match part {
        Part::Newest => range(all.len().saturating_sub(limit), all.len(), None),
        Part::Before(id) => at(id).map_or_else(Page::default, |at| range(at.saturating_sub(limit), at, None)),
        Part::After(id) => at(id).map_or_else(Page::default, |at| range(at + 1, (at + 1 + limit).min(all.len()), None)),
        Part::Around(id) => at(id).map_or_else(Page::default, around),
        Part::At(time) => match all.iter().position(|info| info.clock >= *time) {
            Some(at) => around(at),
            None => expected(all, limit, &Part::Newest),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_page_is_what_stands_there(
        said in prop::collection::vec((0_u8..6, 1_u64..4), 1..40),
        asked in prop::collection::vec((0_u8..5, 0_usize..45, 1_usize..12), 1..20),
    ) {
        let c = memory();
        let all = write(&c, &said);
        prop_assert_eq!(all.len(), said.len());
        prop_assert!(all.windows(2).all(|pair| pair[0].place() < pair[1].place()));
        for (kind, n, limit) in asked {
            let id = all.get(n).map_or_else(|| MessageId::new().into(), |info| info.key().into());
            let part = match kind {
                0 => Part::Newest,
                1 => Part::Before(id),
                2 => Part::After(id),
                3 => Part::Around(id),
                _ => Part::At(n as u64),
            };
            let page = pages::page(&c, &with("bob"), limit, part.clone()).unwrap();
            prop_assert_eq!(page, expected(&all, limit, &part), "{:?} {}", part, limit);
        }
    }

    #[test]
    fn going_through_it_meets_everything_once(said in prop::collection::vec((0_u8..6, 1_u64..4), 0..40), limit in 1_usize..9) {
        let c = memory();
        let all = write(&c, &said);
        let mut met: Vec<MessageInfo> = Vec::new();
        loop {
            let next = pages::following(&c, &with("bob"), met.last(), limit).unwrap();
            if next.is_empty() {
                break;
            }
            met.extend(next);
        }
        prop_assert_eq!(met, all);
    }
}

#[test]
fn every_part_is_read_by_the_index_alone() {
    let c = memory();
    messages::insert_own(&c, &own("bob", "hi", 1)).unwrap();
    for compared in ["<", ">=", ">"] {
        let plan: Vec<String> = c
            .prepare(&format!(
                "EXPLAIN QUERY PLAN SELECT m.id FROM messages m JOIN conversations k ON k.id = m.conversation
                 WHERE m.conversation = 1 AND {} AND (m.clock, m.author, m.device, m.number) {compared} (5, 'a', x'00', 1)
                 ORDER BY m.clock, m.author, m.device, m.number LIMIT 5",
                pages::SHOWN
            ))
            .unwrap()
            .query_map([], |row| row.get(3))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert!(plan.iter().any(|step| step.contains("messages_in_order (conversation=? AND (clock")), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
}

#[test]
fn other_conversations_and_unknown_ids_are_nothing() {
    let c = memory();
    let mine = own("carol", "elsewhere", 1);
    messages::insert_own(&c, &mine).unwrap();
    messages::insert_own(&c, &own("bob", "hi", 1)).unwrap();
    let of = MessageRef::from(mine.id);
    let unknown = Part::Around(MessageId::new().into());
    for part in [Part::Before(of.clone()), Part::After(of.clone()), Part::Around(of), unknown] {
        assert_eq!(pages::page(&c, &with("bob"), 10, part).unwrap(), Page::default());
    }
    let nowhere: ConversationId = "#nowhere".parse().unwrap();
    assert_eq!(pages::page(&c, &nowhere, 10, Part::At(0)).unwrap(), Page::default());
    assert!(pages::find(&c, &with("carol"), mine.id).unwrap().is_some());
    assert_eq!(pages::find(&c, &with("bob"), mine.id).unwrap(), None);
}

#[test]
fn of_several_messages_with_one_id_none_is_quoted() {
    let c = memory();
    let (thread, conversation) = (thread("bob"), with("bob"));
    let first = incoming(1, "shall we meet?");
    let theirs = |author: &str, text: &str| {
        let (author, device) = (handle(author), DeviceId(*blake3::hash(author.as_bytes()).as_bytes()));
        let arrival =
            Arrival { thread: &thread, conversation: &conversation, author: &author, device, own: false, after: 0 };
        let entry = Entry { text: text.to_owned(), ..first.clone() };
        messages::insert_entries(&c, &arrival, &[entry]).unwrap();
        pages::find(&c, &conversation, first.id).unwrap().map(|info| info.text)
    };
    assert_eq!(theirs("bob", "shall we meet?").as_deref(), Some("shall we meet?"));
    assert_eq!(theirs("carol", "do you owe me money?"), None);
}

#[test]
fn days_on_which_something_was_said_are_told_from_those_on_which_nothing_was() {
    let c = memory();
    write(&c, &[(0, 10), (0, 15), (1, 24), (2, 49)]);
    let days = |with: &ConversationId, starts: &[u64]| pages::days(&c, with, starts).unwrap();
    assert_eq!(days(&with("bob"), &[0, 10, 20, 25, 26, 49]), [false, true, true, true, false]);
    assert_eq!(days(&with("bob"), &[49, 50, 60]), [true, false]);
    assert_eq!(days(&with("dave"), &[0, 10, 20]), [false, false]);
    assert!(days(&with("bob"), &[0]).is_empty() && days(&with("bob"), &[]).is_empty());
}
