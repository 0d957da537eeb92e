//! Something is searched for in the window and its place opened, and a conversation gone to by its name: by keys, and by the names of the
//! controls.

use hobnob_tests::files::random_file;
use hobnob_tests::room::{TEA, join, put, say_to_all};
use hobnob_tests::story::{hand_over, say, text_of};
use serde_json::json;

use crate::story::{Desk, all_named, friends};

const SEARCH: &str = "Search Messages, People, Rooms and Files";
const SWITCH: &str = "Switch Conversation";

#[test]
fn a_result_leads_to_its_place_and_the_switcher_to_a_conversation() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "an <b>umbrella</b> in the beginning");
    let file = random_file(&house.path("umbrella plan.pdf"), 3_000, 1);
    hand_over(&mut alice, &mut bob, &file);
    for n in 0..700 {
        put(&mut alice, "@bob", &format!("number {n}"));
    }
    join(&mut alice, TEA);
    join(&mut bob, TEA);
    say_to_all(&mut alice, &mut [&mut bob], TEA, "umbrellas are in #tea");
    let last = text_of(&alice.done(json!({"command": "send", "to": "@bob", "text": "the end"}))["message"]);
    alice.expect(json!({"event": "message_state", "message": last, "state": "delivered"}));
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.sees(bob, "the end");
    // By keys: the second result is the message of long ago.
    hands.key(bob, "ctrl+shift+f");
    hands.type_into(bob, SEARCH, "umbrella");
    hands.sees(bob, "3 results");
    hands.sees(bob, "umbrella plan.pdf");
    hands.sees(bob, "umbrellas are in #tea");
    all_named(hands, bob);
    desk.picture("20-search");
    let Desk { hands, bob, .. } = &mut desk;
    hands.key(bob, "Down");
    hands.key(bob, "Down");
    hands.key(bob, "Return");
    hands.sees_no_more(bob, "3 results");
    hands.reads(bob, "an <b>umbrella</b> in the beginning");
    desk.picture("21-result-opened");

    // A file opens at its card, a narrower search finds one thing, and Enter need not wait for it.
    let Desk { hands, bob, .. } = &mut desk;
    hands.key(bob, "ctrl+shift+f");
    hands.fill(bob, SEARCH, "umbrella in:#tea");
    hands.sees(bob, "1 result");
    hands.key(bob, "Return");
    hands.reads(bob, "umbrellas are in #tea");
    hands.key(bob, "ctrl+shift+f");
    hands.fill(bob, SEARCH, "has:file plan");
    hands.sees(bob, "1 result");
    hands.key(bob, "Return");
    hands.sees_button(bob, "Open Folder");
    hands.key(bob, "ctrl+shift+f");
    hands.fill(bob, SEARCH, "unicorn");
    hands.sees(bob, "Nothing Found");
    hands.key(bob, "Escape");
    hands.sees_no_more(bob, "Nothing Found");

    // From the sidebar.
    hands.fill(bob, "Search people and rooms", "beginning");
    hands.click(bob, "Search messages for “beginning”");
    hands.sees(bob, "1 result");
    hands.key(bob, "Escape");
    hands.sees_no_more(bob, "1 result");

    // By some letters of a name, and at once.
    hands.key(bob, "ctrl+k");
    hands.type_into(bob, SWITCH, "te");
    hands.sees(bob, "2 members");
    desk.picture("22-switcher");
    let Desk { hands, bob, .. } = &mut desk;
    hands.key(bob, "Return");
    hands.sees_no_more(bob, "Go to a friend or room");
    hands.type_into(bob, "Message", "here I am");
    hands.key(bob, "Return");
    hands.reads(bob, "here I am");
}

/// Messages between the one that is searched for and the newest.
const FAR: u32 = 30_000;
/// A day long ago, in milliseconds since 1970.
const LONG_AGO: i64 = 1_578_657_600_000;

/// Writes into a conversation of a closed profile what Alice said there before the first message; `said` gets the time of that, and tells when
/// each was said, in order.
pub fn fill<I: Iterator<Item = (i64, String)>>(profile: &std::path::Path, said: impl FnOnce(i64) -> I) {
    let mut store = rusqlite::Connection::open(profile.join("history.db")).unwrap();
    let (conversation, thread, clock): (i64, i64, i64) = store
        .query_row("SELECT conversation, thread, clock FROM messages ORDER BY clock LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    let group = store.transaction().unwrap();
    for (n, (at, text)) in (0_u32..).zip(said(clock)) {
        let mut id = [7_u8; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        group
            .prepare_cached(
                "INSERT INTO messages (conversation, thread, id, author, device, own, number, clock, sent_at, text, state, place)
                 VALUES (?1, ?2, ?3, 'alice', ?4, 0, ?5, ?6, ?6, ?7, 3, ?6)",
            )
            .unwrap()
            .execute(rusqlite::params![conversation, thread, id, [5_u8; 32], n + 1, at, text])
            .unwrap();
    }
    group.commit().unwrap();
}

#[test]
fn what_is_found_is_of_a_person_and_of_a_time_where_that_is_asked_for() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "plum jam");
    say(&mut bob, &mut alice, "plum cake");
    let _carol = house.friend_of(&mut bob, "carol");
    assert!(alice.quit().success() && bob.quit().success());
    fill(&house.start("bob").profile, |_| std::iter::once((LONG_AGO, "an old plum".to_owned())));
    let mut desk = Desk::new(&house);
    let Desk { hands, bob, .. } = &mut desk;
    hands.open_friend(bob, "carol");
    hands.sees(bob, "Say Hello");
    hands.key(bob, "ctrl+shift+f");
    let all = ["plum jam", "plum cake", "an old plum"];
    for (filters, found) in [
        ("", &[0, 1, 2][..]),
        ("from:alice", &[0, 2]),
        ("from:me", &[1]),
        ("before:2020-01-12", &[2]),
        ("after:2020-01-12", &[0, 1]),
        ("from:alice after:2020-01-12", &[0]),
        ("before:2020-01-01", &[]),
    ] {
        hands.fill(bob, SEARCH, &format!("plum {filters}"));
        match found.len() {
            0 => hands.sees(bob, "Nothing Found"),
            1 => hands.sees(bob, "1 result"),
            count => hands.sees(bob, &format!("{count} results")),
        }
        for (n, text) in all.iter().enumerate() {
            if found.contains(&n) {
                hands.reads(bob, text);
            } else {
                hands.sees_no_more(bob, text);
            }
        }
    }
    // By its button, and to the place.
    hands.fill(bob, SEARCH, "plum");
    hands.sees(bob, "3 results");
    hands.click(bob, "before:");
    // Without a day it is a word like any other.
    hands.sees(bob, "Nothing Found");
    hands.write(bob, "2020-01-12");
    hands.sees(bob, "1 result");
    hands.key(bob, "Return");
    hands.sees_no_window(bob, SEARCH);
    hands.reads(bob, "an old plum");
}

#[test]
fn a_result_far_back_is_opened_too() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "the end");
    assert!(alice.quit().success() && bob.quit().success());
    fill(&house.start("bob").profile, |clock| {
        (0..FAR).map(move |n| {
            let text = if n == 0 { "a needle in the haystack".to_owned() } else { format!("straw {n}") };
            (clock - i64::from(FAR - n) * 10, text)
        })
    });
    let mut desk = Desk::new(&house);
    let Desk { hands, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.sees(bob, "the end");
    hands.key(bob, "ctrl+shift+f");
    hands.type_into(bob, SEARCH, "needle");
    hands.sees(bob, "1 result");
    let begun = std::time::Instant::now();
    hands.key(bob, "Return");
    hands.reads(bob, "straw 1");
    hands.reads(bob, "a needle in the haystack");
    eprintln!("{FAR} messages back in {:.1} s", begun.elapsed().as_secs_f64());
    desk.picture("23-far-back");
}
