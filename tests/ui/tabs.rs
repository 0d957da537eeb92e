//! Tabs in the real window: pinned, moved, closed and opened again, and moved to a window of their own and back.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::process::until;
use hobnob_tests::story::{House, say};
use hobnob_tests::window::{Hands, Window};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::story::{Desk, all_named, alone, friends_who_wrote, house};

/// What is kept of somebody's window.
fn kept(house: &House, name: &str) -> Value {
    let text = std::fs::read_to_string(house.path(name).join("window.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

#[test]
fn tabs_are_pinned_moved_closed_and_opened_again_and_are_all_there_at_the_next_start() {
    let Some((house, mut alice, mut bob, carol)) = friends_who_wrote() else { return };
    say(&mut bob, &mut alice, &"line\n".repeat(40));
    say(&mut bob, &mut alice, "the last one");
    let mut desk = Desk::after(&house, [alice, bob, carol]);
    let Desk { hands, alice, .. } = &mut desk;
    hands.open_friend(alice, "bob");
    hands.reads(alice, "the last one");
    hands.sees_button(alice, "Show More");
    hands.open_friend(alice, "carol");
    hands.reads(alice, "from carol");

    // The last tab first, which is kept at once; closed, and back again.
    hands.key(alice, "ctrl+shift+Page_Up");
    until("the order is kept", SOON, || kept(&house, "alice")["tabs"] == json!(["@carol", "@bob"]));
    hands.key(alice, "ctrl+w");
    hands.reads(alice, "the last one");
    hands.key(alice, "ctrl+shift+t");
    hands.reads(alice, "from carol");
    // Pinned it stands first, and is closed by no accident.
    hands.key(alice, "ctrl+shift+p");
    hands.key(alice, "ctrl+w");
    hands.sees(alice, "This tab is pinned");
    all_named(hands, alice);
    desk.picture("23-pinned");

    desk.alice_again(&house);
    let kept = kept(&house, "alice");
    assert_eq!((&kept["tabs"], &kept["pinned"]), (&json!(["@carol", "@bob"]), &json!(["@carol"])));
    let Desk { hands, alice, .. } = &mut desk;
    hands.reads(alice, "from carol");
    hands.key(alice, "ctrl+w");
    hands.sees(alice, "This tab is pinned");
    hands.key(alice, "ctrl+Page_Down");
    hands.reads(alice, "the last one");
    hands.key(alice, "ctrl+w");
    hands.reads(alice, "from carol");
}

/// A new link with alice stands.
fn linked_again(bob: &mut Client) {
    bob.expect(json!({"event": "link", "user": "alice", "path": "direct"}));
    bob.forget();
}

#[test]
fn a_tab_is_moved_to_its_own_window_and_back_with_its_link_and_its_draft() {
    let Some((house, mut alice, mut bob, _carol)) = friends_who_wrote() else { return };
    assert!(alice.quit().success());
    bob.expect(json!({"event": "link", "user": "alice", "path": "none"}));
    bob.forget();
    let (display, mut hands, mut alice) = alone(&house);
    hands.open_friend(&alice, "carol");
    hands.reads(&alice, "from carol");
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "from bob");
    linked_again(&mut bob);

    let before = bob.all(&json!({"event": "link", "user": "alice"})).len();

    // Out, by keys, in the middle of a sentence.
    hands.type_into(&alice, "Message", "half a ");
    hands.key(&alice, "ctrl+shift+d");
    hands.sees_window(&alice, "bob — Hobnob");
    hands.sees(&alice, "half a ");
    until("the window is kept", SOON, || kept(&house, "alice")["windows"][0]["tabs"] == json!(["@bob"]));
    assert_eq!(kept(&house, "alice")["tabs"], json!(["@carol"]));
    all_named(&mut hands, &alice);
    hands.type_into(&alice, "Message", "sentence");
    hands.key(&alice, "Return");
    bob.expect(json!({"event": "message", "text": "half a sentence"}));
    bob.done(json!({"command": "send", "to": "@alice", "text": "an answer"}));
    hands.reads(&alice, "an answer");

    // A friend that is chosen in the list is shown where they are; the other window keeps its own.
    hands.sees_window(&alice, "carol — Hobnob");
    hands.open_friend(&alice, "bob");
    assert_eq!(kept(&house, "alice")["tabs"], json!(["@carol"]));

    // A restart brings both windows back; then in again, with another draft.
    hands.type_into(&alice, "Message", "and then");
    until("the draft is kept", SOON, || {
        std::fs::read_to_string(house.path("alice").join("drafts.json")).is_ok_and(|text| text.contains("and then"))
    });
    alice.process.signal(Signal::TERM);
    alice.process.wait(SOON);
    alice = Window::open(&display, &house.start("alice"));
    hands.sees_window(&alice, "bob — Hobnob");
    hands.sees_window(&alice, "carol — Hobnob");
    hands.sees(&alice, "and then");
    linked_again(&mut bob);
    hands.click(&alice, "Move to Main Window");
    hands.sees_no_window(&alice, "carol — Hobnob");
    hands.sees_window(&alice, "bob — Hobnob");
    hands.sees(&alice, "and then");
    until("one window is kept", SOON, || kept(&house, "alice")["windows"] == json!([]));
    assert_eq!(kept(&house, "alice")["tabs"], json!(["@carol", "@bob"]));
    hands.key(&alice, "Return");
    bob.expect(json!({"event": "message", "text": "and then"}));
    let links = bob.all(&json!({"event": "link", "user": "alice"}));
    assert_eq!(
        links.len(),
        before + 2,
        "the link went while the tab was moved, or more than once at the restart: {links:?}"
    );
}

#[test]
fn of_more_tabs_than_fit_the_one_in_front_is_in_view_after_a_start() {
    let Some(house) = house() else { return };
    assert!(house.person("alice").quit().success());
    let tabs: Vec<String> = (0..30).map(|n| format!("@friend-{n:02}")).collect();
    let window = json!({"tabs": tabs, "front": "@friend-29"});
    std::fs::write(house.path("alice").join("window.json"), window.to_string()).unwrap();
    let (_display, mut hands, alice) = alone(&house);
    hands.sees_window(&alice, "friend-29 — Hobnob");
    hands.sees_tab(&alice, "friend-29");
}

#[test]
fn a_tab_is_dragged_to_another_place_and_out_of_its_window() {
    let Some((house, alice, bob, _carol)) = friends_who_wrote() else { return };
    // Beside a second program's window: a drop on nothing at all is a matter of the desktop, which is not there.
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.sees(bob, "bob · available");
    hands.open_friend(alice, "carol");
    hands.reads(alice, "from carol");
    hands.open_friend(alice, "bob");
    hands.reads(alice, "from bob");
    // Within the bar, to the first place.
    hands.drag(alice, (820, 75), (345, 75));
    until("the order is kept", SOON, || kept(&house, "alice")["tabs"] == json!(["@bob", "@carol"]));
    // Out of it.
    hands.drag(alice, (480, 75), (1500, 400));
    hands.sees_window(alice, "bob — Hobnob");
    until("the window is kept", SOON, || kept(&house, "alice")["windows"][0]["tabs"] == json!(["@bob"]));
    hands.reads(alice, "from bob");
    hands.type_into(alice, "Message", "still linked");
    hands.key(alice, "Return");
    hands.sees(bob, "alice");
    hands.open_friend(bob, "alice");
    hands.reads(bob, "still linked");
    desk.picture("24-dragged-out");
}

#[test]
fn the_tab_that_was_chosen_last_is_in_front_after_a_crash() {
    let Some((house, alice, _bob, _carol)) = friends_who_wrote() else { return };
    drop(alice);
    let (display, mut hands, mut alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    hands.sees_window(&alice, "bob — Hobnob");
    hands.open_friend(&alice, "carol");
    hands.sees_window(&alice, "carol — Hobnob");
    until("it is kept", SOON, || kept(&house, "alice")["front"] == "@carol");
    // Nothing but this is done to the tabs.
    hands.key(&alice, "ctrl+Page_Up");
    hands.sees_window(&alice, "bob — Hobnob");
    until("it is kept", SOON, || kept(&house, "alice")["front"] == "@bob");
    alice.process.kill();
    alice = Window::open(&display, &house.start("alice"));
    hands.sees_window(&alice, "bob — Hobnob");
}

#[test]
fn what_is_marked_on_a_tab_is_told_to_who_listens_too() {
    let Some((house, alice, mut bob, _carol)) = friends_who_wrote() else { return };
    drop(alice);
    let (_display, mut hands, alice) = alone(&house);
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "from bob");
    hands.open_friend(&alice, "carol");
    hands.reads(&alice, "from carol");
    hands.key(&alice, "ctrl+shift+p");
    let is_called = |hands: &mut Hands, name: &str| {
        hands
            .ask(&alice, json!({"do": "wait", "role": "filler", "name": name}))
            .unwrap_or_else(|error| panic!("{error}"));
    };
    is_called(&mut hands, "carol, pinned");
    is_called(&mut hands, "bob");
    bob.done(json!({"command": "send", "to": "@alice", "text": "are you there?"}));
    is_called(&mut hands, "bob, unread");
    hands.key(&alice, "ctrl+Page_Down");
    is_called(&mut hands, "bob");
}
