//! The clumsy user, and the server that comes and goes: nobody is interrupted while they write, no key does anything to what is hidden, and a
//! friend is called the same wherever their name stands.

use std::process::Stdio;

use hobnob_tests::client::SOON;
use hobnob_tests::display::Display;
use hobnob_tests::process::{Process, until};
use hobnob_tests::programs::program;
use hobnob_tests::room::{TEA, join};
use hobnob_tests::story::{House, say};
use hobnob_tests::window::{Hands, Window};
use serde_json::{Value, json};

use crate::story::{Desk, alone, friends, friends_who_wrote};

fn kept(house: &House) -> Value {
    let text = std::fs::read_to_string(house.path("alice").join("window.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

#[test]
fn who_writes_goes_on_writing_when_the_server_comes_back() {
    let Some((mut house, mut alice, mut bob)) = friends() else { return };
    say(&mut bob, &mut alice, "tell me");
    assert!(alice.quit().success());
    let (_display, mut hands, alice) = alone(&house);
    hands.sees(&alice, "bob, available");
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "tell me");
    hands.type_into(&alice, "Message", "half");
    house.server.crash();
    hands.sees(&alice, "The server cannot be reached");
    house.server.restart();
    hands.sees_no_more(&alice, "The server cannot be reached");
    // Once for whatever the window does when it is signed in again.
    bob.expect(json!({"event": "server", "state": "online"}));
    hands.sees(&alice, "bob, available");
    hands.is_at(&alice, "Message");
    hands.key(&alice, "x");
    hands.sees(&alice, "halfx");
}

#[test]
fn at_the_entrance_no_key_does_anything_to_tabs_that_are_hidden() {
    let Some((house, mut alice, _bob, _carol)) = friends_who_wrote() else { return };
    assert!(alice.quit().success());
    let (_display, mut hands, mut alice) = alone(&house);
    hands.open_friend(&alice, "carol");
    hands.reads(&alice, "from carol");
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "from bob");
    hands.key(&alice, "ctrl+shift+d");
    hands.sees_window(&alice, "bob — Hobnob");
    until("the window is kept", SOON, || kept(&house)["windows"][0]["tabs"] == json!(["@bob"]));
    hands.click(&alice, "Main Menu");
    hands.click(&alice, "Sign Out");
    hands.sees(&alice, "You can sign in again without the password");
    hands.click(&alice, "Sign Out");
    hands.sees(&alice, "Username");
    hands.sees_no_window(&alice, "bob — Hobnob");
    // Neither pinned, nor moved, nor searched: that all is behind the entrance.
    for key in ["ctrl+shift+p", "ctrl+shift+d", "ctrl+shift+f", "ctrl+n", "ctrl+j", "ctrl+g"] {
        hands.key(&alice, key);
    }
    assert_eq!(hands.windows(&alice), 1, "nothing is asked over the entrance");
    hands.asks_beyond(&alice);
    hands.click(&alice, "Sign In");
    hands.sees_window(&alice, "bob — Hobnob");
    hands.reads(&alice, "from bob");
    hands.sees_window(&alice, "carol — Hobnob");
    until("the window is kept", SOON, || kept(&house)["windows"][0]["tabs"] == json!(["@bob"]));
    hands.click(&alice, "Main Menu");
    hands.click(&alice, "Sign Out");
    hands.sees(&alice, "You can sign in again without the password");
    hands.click(&alice, "Sign Out");
    hands.sees(&alice, "Username");
    hands.key(&alice, "ctrl+w");
    assert!(alice.process.wait(SOON).success(), "without tabs that can be seen the window is closed");
    let kept = kept(&house);
    assert_eq!((&kept["tabs"], &kept["pinned"]), (&json!(["@carol"]), &json!([])));
    assert_eq!(kept["windows"][0]["tabs"], json!(["@bob"]));
}

#[test]
fn a_friend_is_called_the_same_everywhere_and_nobody_is_taken_for_another() {
    let Some((house, mut alice, mut bob, carol)) = friends_who_wrote() else { return };
    join(&mut alice, TEA);
    join(&mut bob, TEA);
    alice.done(json!({"command": "set_nickname", "user": "carol", "nickname": "Bob"}));
    alice.done(json!({"command": "set_nickname", "user": "bob", "nickname": "Uncle <b>"}));
    let mut desk = Desk::after(&house, [alice, bob, carol]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(alice, "Bob (@carol)");
    hands.sees_window(alice, "Bob (@carol) — Hobnob");
    hands.open_friend(alice, "Uncle <b>");
    hands.sees_window(alice, "Uncle <b> — Hobnob");
    hands.open_room(bob, TEA);
    hands.open_room(alice, TEA);
    hands.type_into(bob, "Message", "who am I");
    hands.reads(alice, "Uncle <b> is writing…");
    hands.key(bob, "Return");
    hands.reads(alice, "who am I");
    hands.reads(alice, "Uncle <b>");
    hands.key(alice, "ctrl+m");
    hands.sees(alice, "Uncle <b>, @bob · ");
    desk.picture("33-names");
    let Desk { hands, alice, .. } = &mut desk;
    hands.key(alice, "Escape");
    hands.key(alice, "ctrl+Page_Up");
    hands.reads(alice, "from bob");

    // Tabs that nobody looked at yet are called so too, though the server is away at this start.
    until("the tabs are kept", SOON, || kept(&house)["front"] == json!("@bob"));
    let mut house = house;
    house.server.crash();
    desk.alice_again(&house);
    let Desk { hands, alice, .. } = &mut desk;
    hands.reads(alice, "from bob");
    let tree = hands.tree(alice);
    let bar = tree.split("AdwTabBar").nth(1).and_then(|behind| behind.split("AdwTabView").next()).unwrap_or_default();
    assert!(bar.contains("'Bob (@carol)'"), "no tab of that name in\n{tree}");
}

#[test]
fn an_invite_that_is_clicked_while_the_program_starts_is_not_lost() {
    let Some((house, mut alice, _bob)) = friends() else { return };
    assert!(alice.quit().success());
    let display = Display::start(1000, 720);
    let mut hands = Hands::on(&display);
    let start = house.start("alice");
    let alice = Window::open(&display, &start);
    // As soon as it has the profile: it opens its store then, and answers nobody yet.
    let holds = format!(" {} ", alice.process.id());
    until("the window has the profile", SOON, || {
        std::fs::read_to_string("/proc/locks")
            .is_ok_and(|all| all.lines().any(|lock| lock.contains("FLOCK") && lock.contains(&holds)))
    });
    let again = |arguments: &[&str]| {
        let mut command = display.command(program("hobnob"));
        command.arg("--profile").arg(&start.profile).args(arguments).stdin(Stdio::null());
        Process::start("hobnob once more", &mut command)
    };
    let mut plain = again(&[]);
    let mut clicked = again(&["hobnob:mallory"]);
    assert!(clicked.wait(SOON).success(), "the window that is open takes it: {}", clicked.log().text());
    assert!(!plain.wait(SOON).success());
    hands.sees(&alice, "mallory");
    assert_eq!(hands.windows(&alice), 2, "the window, and one question");
}
