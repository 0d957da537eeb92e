//! A window that is killed again and again while both sides write: nothing that was shown is lost, nothing is shown twice, the order holds.

use hobnob_tests::client::Client;
use hobnob_tests::display::Display;
use hobnob_tests::window::{Hands, Window};
use serde_json::json;

use crate::story::friends;

/// Times that the window is killed.
const KILLS: usize = 6;
/// What the other side says in each of its lives.
const EACH: usize = 15;

/// The texts of one author in a history, in its order.
fn texts(client: &mut Client, with: &str, from: &str) -> Vec<String> {
    let page = client.done(json!({"command": "history", "conversation": with, "limit": 5_000}));
    let messages = page["messages"].as_array().unwrap().iter().filter(|message| message["from"] == from);
    messages.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_window_that_is_killed_in_the_middle_loses_nothing_and_shows_nothing_twice() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    hobnob_tests::story::say(&mut alice, &mut bob, "before the storm");
    assert!(alice.quit().success());

    let display = Display::start(1000, 720);
    let mut hands = Hands::on(&display);
    let start = house.start("alice");
    let (mut said, mut wrote) = (Vec::new(), Vec::new());
    for life in 0..KILLS {
        let mut window = Window::open(&display, &start);
        hands.open_friend(&window, "bob");
        let posted: Vec<String> = (0..EACH)
            .map(|n| {
                said.push(format!("bob {life}-{n:02}"));
                bob.post(json!({"command": "send", "to": "@alice", "text": said.last()}))
            })
            .collect();
        let mine = format!("alice {life}");
        hands.fill(&window, "Message", &mine);
        hands.click(&window, "Send");
        // Shown means safe: what is on the screen survives the kill that comes at once.
        hands.reads(&window, &mine);
        wrote.push(mine);
        window.process.kill();
        for id in posted {
            bob.answer(&id).unwrap();
        }
    }

    let window = Window::open(&display, &start);
    hands.open_friend(&window, "bob");
    let last = said.last().unwrap();
    hands.sees(&window, last);
    let shown = hands.tree(&window);
    let rows: Vec<&str> = said.iter().map(String::as_str).filter(|text| shown.contains(text)).collect();
    assert!(rows.len() >= 3, "the newest messages are on the screen:\n{shown}");
    let places: Vec<usize> = rows.iter().filter_map(|text| shown.find(text)).collect();
    assert!(places.is_sorted(), "out of order: {rows:?}\n{shown}");
    for life in 0..KILLS {
        bob.expect(json!({"event": "message", "text": format!("alice {life}")}));
    }
    drop(window);

    let mut alice = Client::again(&start);
    assert_eq!(texts(&mut alice, "@bob", "bob"), said);
    let mut all = vec!["before the storm".to_owned()];
    all.extend(wrote);
    assert_eq!(texts(&mut alice, "@bob", "alice"), all);
    assert_eq!(texts(&mut bob, "@alice", "alice"), all);
    for text in &all[1..] {
        assert_eq!(bob.all(&json!({"event": "message", "text": text})).len(), 1, "{text}");
    }
}
