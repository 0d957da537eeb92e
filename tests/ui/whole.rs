//! The whole story twice: by keys alone, and by what accessibility offers alone. In the first the mouse never moves and accessibility only
//! tells where the keyboard is; in the second there is neither mouse nor key, and everything on the way has a name.

use hobnob_tests::client::SOON;
use hobnob_tests::display::Display;
use hobnob_tests::files::{hash, random_file};
use hobnob_tests::process::until;
use hobnob_tests::story::{House, PASSWORD};
use hobnob_tests::window::{Hands, Window};
use serde_json::{Value, json};

use crate::story::{Desk, SIZE, all_named, house};

const SEARCH: &str = "Search Messages, People, Rooms and Files";
const PEOPLE: &str = "Search people and rooms";

/// Two windows that nobody has signed up in, and the mouse far from both.
fn strangers() -> Option<(House, Desk)> {
    let house = house()?;
    let desk = Desk::on(Display::start(2 * SIZE.0, 3 * SIZE.1), &house);
    Some((house, desk))
}

/// What is kept of the preferences.
fn kept(desk: &Desk) -> Value {
    let text = std::fs::read(desk.display.home.path().join("config/hobnob/preferences.json"));
    serde_json::from_slice(&text.unwrap_or_default()).unwrap_or_default()
}

/// Whoever switches to a friend by some letters of their name can write at once.
fn switch_to(hands: &mut Hands, window: &Window, letters: &str) {
    hands.key(window, "ctrl+k");
    hands.is_at(window, "Switch Conversation");
    hands.write(window, letters);
    hands.is_told(window, "Switch Conversation", letters);
    hands.key(window, "Return");
    hands.is_at(window, "Message");
}

/// Signs up, adds a friend and accepts: by keys.
fn meet_by_keys(hands: &mut Hands, alice: &Window, bob: &Window) {
    hands.is_at(alice, "Username");
    hands.write(alice, "alice");
    hands.key(alice, "Tab");
    hands.is_at(alice, "Password");
    hands.write(alice, PASSWORD);
    hands.reach(alice, "Tab", "Sign Up");
    hands.key(alice, "Return");
    hands.is_at(alice, PEOPLE);

    // A name that is taken: it says so, and one goes on where one was.
    hands.is_at(bob, "Username");
    hands.write(bob, "alice");
    hands.key(bob, "Tab");
    hands.write(bob, PASSWORD);
    hands.key(bob, "Return");
    hands.sees(bob, "taken");
    hands.is_at(bob, "Password");
    hands.reach(bob, "shift+Tab", "Username");
    hands.key(bob, "ctrl+a");
    hands.write(bob, "bob");
    hands.key(bob, "Return");
    hands.is_at(bob, PEOPLE);

    hands.key(alice, "ctrl+n");
    hands.is_at(alice, "Username");
    hands.write(alice, "bob");
    hands.key(alice, "Return");
    hands.is_at(alice, PEOPLE);
    hands.sees_button(bob, "Accept");
    hands.is_at(bob, PEOPLE);
    hands.reach(bob, "Tab", "Accept");
    hands.key(bob, "Return");
    hands.sees_button(bob, "alice, available");
    hands.is_at(bob, PEOPLE);
    hands.sees_button(alice, "bob, available");
}

#[test]
fn the_whole_story_by_keys_alone() {
    let Some((house, mut desk)) = strangers() else { return };
    let Desk { hands, alice, bob, .. } = &mut desk;
    meet_by_keys(hands, alice, bob);

    // Talk, answer, change, react; the keyboard comes back each time.
    switch_to(hands, alice, "bo");
    switch_to(hands, bob, "al");
    hands.write(alice, "Hello Bob");
    hands.key(alice, "Return");
    hands.reads(bob, "Hello Bob");
    hands.key(bob, "F6");
    hands.is_on_row(bob, "Hello Bob");
    hands.key(bob, "Menu");
    hands.reach(bob, "Down", "Reply");
    hands.key(bob, "Return");
    hands.reads(bob, "Reply to alice");
    hands.is_at(bob, "Message");
    hands.write(bob, "Hello Alic");
    hands.key(bob, "Return");
    hands.reads(alice, "Hello Alic");
    hands.is_at(bob, "Message");
    hands.key(bob, "Up");
    hands.reads(bob, "Editing");
    hands.write(bob, "e, good to see you");
    hands.key(bob, "Return");
    hands.reads(alice, "Hello Alice, good to see you");
    hands.is_at(bob, "Message");
    hands.key(alice, "F6");
    hands.is_on_row(alice, "good to see you");
    hands.key(alice, "shift+F10");
    hands.reach(alice, "Right", "React ❤️");
    hands.key(alice, "Return");
    hands.is_on_row(alice, "❤️ by You");
    hands.sees(bob, "❤️ by alice");

    // To another message, to the next line of the window, and to what a search finds.
    hands.key(alice, "Up");
    hands.is_on_row(alice, "You, ");
    hands.key(alice, "F6");
    hands.is_at(alice, PEOPLE);
    hands.key(alice, "ctrl+shift+f");
    hands.is_at(alice, SEARCH);
    hands.write(alice, "good");
    hands.sees(alice, "1 result");
    hands.key(alice, "Return");
    hands.is_on_row(alice, "good to see you");
    hands.key(alice, "F6");
    hands.is_at(alice, PEOPLE);
    hands.key(alice, "F6");
    hands.is_at(alice, "Message");
    tear_off_by_keys(&mut desk);
    prefer_by_keys(&house, &mut desk);
}

/// Out of the window and back again, in the middle of a sentence.
fn tear_off_by_keys(desk: &mut Desk) {
    let Desk { hands, alice, bob, .. } = desk;
    hands.write(alice, "half a ");
    hands.key(alice, "ctrl+shift+d");
    hands.sees_window(alice, "bob — Hobnob");
    hands.sees_button(alice, "Move to Main Window");
    hands.is_at(alice, "Message");
    hands.write(alice, "sent");
    hands.key(alice, "F6");
    hands.is_on_row(alice, "good to see you");
    hands.key(alice, "F6");
    hands.is_at(alice, "Message");
    hands.write(bob, "Are you there?");
    hands.key(bob, "Return");
    hands.is_told(alice, "bob — Hobnob", "bob: Are you there?");
    hands.key(alice, "ctrl+shift+d");
    hands.sees_no_window(alice, "Move to Main Window");
    hands.is_at(alice, "Message");
    hands.write(alice, "ence");
    hands.key(alice, "Return");
    hands.reads(bob, "half a sentence");

    // Closed and opened again, and a question that is not answered.
    hands.key(alice, "ctrl+w");
    hands.is_at(alice, PEOPLE);
    hands.key(alice, "ctrl+shift+t");
    hands.is_at(alice, "Message");
    hands.key(alice, "ctrl+n");
    hands.is_at(alice, "Username");
    hands.key(alice, "Escape");
    hands.is_at(alice, "Message");
    hands.key(alice, "F10");
    hands.sees_button(alice, "About Hobnob");
    hands.key(alice, "Escape");
    hands.is_at(alice, "Message");
}

/// Enter begins a new line from now on: in this window, and in the next one.
fn prefer_by_keys(house: &House, desk: &mut Desk) {
    let Desk { hands, alice, .. } = &mut *desk;
    hands.key(alice, "ctrl+comma");
    hands.sees_window(alice, "Preferences");
    hands.reach(alice, "Tab", "Conversations");
    hands.key(alice, "space");
    hands.sees(alice, "Enter Sends");
    hands.reach(alice, "Tab", "Enter Sends");
    hands.key(alice, "space");
    until("it is kept", SOON, || kept(desk)["enter-sends"] == false);
    let Desk { hands, alice, bob, .. } = &mut *desk;
    hands.key(alice, "Escape");
    hands.sees_no_window(alice, "Preferences");
    hands.is_at(alice, "Message");
    hands.write(alice, "one");
    hands.key(alice, "Return");
    hands.write(alice, "two");
    hands.key(alice, "ctrl+Return");
    hands.reads(bob, "one\ntwo");
    hands.key(alice, "ctrl+q");
    assert!(alice.process.wait(SOON).success());
    desk.alice_again(house);
    let Desk { hands, alice, bob, .. } = desk;
    hands.reads(alice, "one\ntwo");
    hands.is_at(alice, "Message");
    hands.write(alice, "three");
    hands.key(alice, "Return");
    hands.write(alice, "four");
    hands.key(alice, "ctrl+Return");
    hands.reads(bob, "three\nfour");
}

/// Chooses from a menu, all of whose lines have names.
fn choose(hands: &mut Hands, window: &Window, menu: &str, item: &str) {
    hands.act(window, "button", menu);
    hands.sees_button(window, item);
    all_named(hands, window);
    hands.act(window, "menu item", item);
}

/// Opens the menu of a message and chooses from it.
fn about_message(hands: &mut Hands, window: &Window, message: &str, role: &str, item: &str) {
    hands.act_on(window, "list item", message, Some("line.menu"));
    hands.sees_button(window, item);
    all_named(hands, window);
    hands.act(window, role, item);
    hands.sees_no_more(window, "React 👍");
}

fn say(hands: &mut Hands, window: &Window, text: &str) {
    hands.fill(window, "Message", text);
    hands.act(window, "button", "Send");
}

/// Signs up, adds a friend and accepts: by accessibility.
fn meet_by_actions(hands: &mut Hands, alice: &Window, bob: &Window) {
    hands.sees(alice, "Welcome to Hobnob");
    all_named(hands, alice);
    hands.act(alice, "button", "Sign Up");
    hands.sees(alice, "Type a username");
    for (window, user) in [(alice, "alice"), (bob, "bob")] {
        hands.sees(window, "Welcome to Hobnob");
        hands.fill(window, "Username", user);
        hands.fill(window, "Password", PASSWORD);
        hands.act(window, "button", "Sign Up");
        hands.sees(window, &format!("{user} · available"));
    }
    all_named(hands, alice);
    hands.act(alice, "button", "Add Friend");
    hands.sees_button(alice, "Your Invite Link…");
    all_named(hands, alice);
    hands.fill(alice, "Username", "bob");
    hands.act(alice, "button", "Add Friend");
    hands.is_told(alice, "Hobnob", "Request sent.");
    hands.sees_button(bob, "Accept");
    all_named(hands, bob);
    hands.act(bob, "button", "Accept");
}

#[test]
fn the_whole_story_by_accessibility_alone() {
    let Some((house, mut desk)) = strangers() else { return };
    let Desk { hands, alice, bob, .. } = &mut desk;
    meet_by_actions(hands, alice, bob);

    // Talk, answer, change, react.
    hands.act_on(alice, "button", "bob, ", None);
    hands.act_on(bob, "button", "alice, ", None);
    say(hands, alice, "Hello Bob");
    hands.is_told(bob, "alice — Hobnob", "alice: Hello Bob");
    all_named(hands, bob);
    about_message(hands, bob, "Hello Bob", "menu item", "Reply");
    hands.reads(bob, "Reply to alice");
    all_named(hands, bob);
    say(hands, bob, "Hello Alic");
    hands.is_told(alice, "bob — Hobnob", "bob: Hello Alic");
    about_message(hands, bob, "Hello Alic", "menu item", "Edit");
    hands.reads(bob, "Editing");
    hands.fill(bob, "Message", "Hello Alice, good to see you");
    hands.act(bob, "button", "Save Changes");
    hands.reads(alice, "Hello Alice, good to see you");
    about_message(hands, alice, "good to see you", "button", "React ❤️");
    hands.sees(bob, "❤️ by alice");

    // Search, and to what it found.
    choose(hands, alice, "Main Menu", "Search…");
    hands.fill(alice, SEARCH, "good");
    hands.sees(alice, "1 result");
    all_named(hands, alice);
    hands.act_on(alice, "button", "good to see you", None);
    hands.sees_no_window(alice, SEARCH);
    hands.reads(alice, "Hello Alice, good to see you");

    // Out of the window and back again, in the middle of a sentence.
    hands.fill(alice, "Message", "half a sentence");
    choose(hands, alice, "Conversation Menu", "Move to New Window");
    hands.sees_window(alice, "bob — Hobnob");
    hands.sees_button(alice, "Move to Main Window");
    hands.sees(alice, "half a sentence");
    all_named(hands, alice);
    say(hands, bob, "Are you there?");
    hands.is_told(alice, "bob — Hobnob", "bob: Are you there?");
    say(hands, bob, "Are you there?");
    hands.is_told(alice, "bob — Hobnob", "bob: Are you there? ");
    hands.act(alice, "button", "Move to Main Window");
    hands.sees_no_window(alice, "Move to Main Window");
    hands.sees(alice, "half a sentence");
    hands.act(alice, "button", "Send");
    hands.is_told(bob, "alice — Hobnob", "alice: half a sentence");
    a_file(&house, &mut desk);
    let Desk { hands, alice, .. } = &mut desk;
    every_window(hands, alice);

    // A change counts at once and is there after the window was closed.
    preferences(hands, alice);
    until("it is kept", SOON, || kept(&desk)["notification-sound"] == true);
}

/// Somebody else asks to be friends and sends a file: accepted both, and it arrives.
fn a_file(house: &House, desk: &mut Desk) {
    let mut carol = house.person("carol");
    carol.done(json!({"command": "add_friend", "user": "alice"}));
    let Desk { hands, alice, .. } = desk;
    hands.act(alice, "button", "Accept");
    carol.expect(json!({"event": "friend_added", "user": "alice"}));
    let sent = random_file(&house.path("notes.bin"), 50_000, 1);
    carol.done(json!({"command": "send_file", "to": "@alice", "path": sent}));
    hands.is_told(alice, "bob — Hobnob", "carol: offers notes.bin");
    hands.act_on(alice, "button", "carol, ", None);
    hands.sees_button(alice, "Save As…");
    all_named(hands, alice);
    hands.act(alice, "button", "Accept");
    hands.sees_button(alice, "Open Folder");
    all_named(hands, alice);
    assert_eq!(hash(&house.path("alice-downloads").join("notes.bin")), hash(&sent));
    hands.act_on(alice, "button", "bob, ", None);
    hands.sees_window(alice, "bob — Hobnob");
}

/// Opens all there is, looks at it and closes it again.
fn every_window(hands: &mut Hands, alice: &Window) {
    let talk = "Conversation Menu";
    for (menu, item, seen, close) in [
        ("Main Menu", "Status Text…", "while you are online", "Cancel"),
        ("Main Menu", "Set Picture…", "Set Picture", "Cancel"),
        ("Main Menu", "Invite Link…", "Copy Invite Link", "Close"),
        ("Main Menu", "Devices…", "Change Password…", "Close"),
        ("Main Menu", "Sign Out", "Sign Out?", "Cancel"),
        (talk, "Jump to Date…", "what was said on this day", "Cancel"),
        (talk, "Export…", "Export Conversation", "Cancel"),
        (talk, "Erase…", "Erase", "Cancel"),
        (talk, "Details…", "Nickname", "Cancel"),
        (talk, "Verify Safety Number…", "Safety Number with bob", "Close"),
        (talk, "Take Files…", "Set", "Cancel"),
        (talk, "Block…", "Block bob?", "Cancel"),
    ] {
        choose(hands, alice, menu, item);
        hands.sees(alice, seen);
        hands.sees_button(alice, close);
        all_named(hands, alice);
        hands.act(alice, "button", close);
        hands.sees_no_more(alice, seen);
    }
    hands.act(alice, "button", "Transfers");
    hands.sees(alice, "file notes.bin, ");
    all_named(hands, alice);
    hands.act(alice, "button", "Transfers");
    choose(hands, alice, "Main Menu", "Join Room…");
    hands.sees(alice, "Room ID");
    all_named(hands, alice);
    hands.fill(alice, "Room ID", "tea");
    hands.act(alice, "button", "Join");
    hands.sees_window(alice, "#tea — Hobnob");
    hands.act(alice, "button", "Members");
    hands.sees(alice, "alice, ");
    all_named(hands, alice);
    hands.act(alice, "button", "Members");
}

fn preferences(hands: &mut Hands, alice: &Window) {
    for on in [false, true] {
        choose(hands, alice, "Main Menu", "Preferences");
        hands.sees(alice, "Text Size");
        for (page, seen) in [
            ("Conversations", "Enter Sends"),
            ("Files", "Download Folder"),
            ("Behaviour", "Keep Running When Closed"),
            ("Notifications", "Sound"),
        ] {
            hands.act(alice, "page tab", page);
            hands.sees(alice, seen);
            all_named(hands, alice);
        }
        assert_eq!(hands.is_on(alice, "Sound"), on);
        if !on {
            hands.act(alice, "switch", "Sound");
        }
        hands.act(alice, "button", "Close");
        hands.sees_no_window(alice, "Preferences");
    }
}
