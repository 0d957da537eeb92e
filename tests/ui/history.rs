//! A long conversation in the window: to a day and back to the end, what comes meanwhile, and erasing it all.

use hobnob_tests::client::SOON;
use hobnob_tests::process::until;
use hobnob_tests::room::put;
use hobnob_tests::story::{say, text_of};
use hobnob_tests::window::Hands;
use serde_json::json;

use crate::search::fill;
use crate::story::{Desk, all_named, friends};

#[test]
fn one_goes_to_a_day_and_back_to_what_came_meanwhile_and_erases_it_all() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "the very first");
    for n in 0..400 {
        put(&mut alice, "@bob", &format!("number {n}"));
    }
    let last = text_of(&alice.done(json!({"command": "send", "to": "@bob", "text": "the end"}))["message"]);
    alice.expect(json!({"event": "message_state", "message": last, "state": "delivered"}));
    bob.done(json!({"command": "mark_read", "message": last}));
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(alice, "bob");
    hands.open_friend(bob, "alice");
    hands.reads(bob, "the end");
    hands.key(bob, "ctrl+g");
    hands.sees(bob, "Jump to Date");
    all_named(hands, bob);
    // It says on which days of the month that is shown there is something to go to.
    hands.sees(bob, "Day, messages on ");
    hands.click(bob, "Next Month");
    hands.sees(bob, "Day, nothing was said in this month");
    hands.click(bob, "Previous Month");
    hands.sees(bob, "Day, messages on ");
    desk.picture("30-jump-to-date");
    // Today is chosen, and the first of it stands at the beginning.
    let Desk { hands, bob, .. } = &mut desk;
    hands.key(bob, "Return");
    hands.sees_no_more(bob, "Jump to Date");
    hands.reads(bob, "the very first");
    desk.picture("31-jumped");

    // What is said at the end does not stand here, and is counted where the way back is.
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.type_into(alice, "Message", "are you reading?");
    hands.key(alice, "Return");
    hands.sees_button(bob, "Newest Messages, 1 new");
    hands.click(bob, "Newest Messages, 1 new");
    hands.reads(bob, "are you reading?");
    desk.picture("32-newest");

    // Far back once more; whoever writes sees what they wrote.
    let Desk { hands, bob, .. } = &mut desk;
    hands.key(bob, "ctrl+g");
    hands.sees(bob, "Jump to Date");
    hands.key(bob, "Return");
    hands.reads(bob, "the very first");
    hands.type_into(bob, "Message", "I am");
    hands.key(bob, "Return");
    hands.reads(bob, "I am");

    // What is written and not sent goes too, wherever it is.
    let drafts = house.path("bob").join("drafts.json");
    let draft = || std::fs::read_to_string(&drafts).unwrap_or_default();
    hands.type_into(bob, "Message", "never said");
    until("the draft is kept", SOON, || draft().contains("never said"));
    hands.click(bob, "Conversation Menu");
    hands.click(bob, "Erase…");
    hands.sees(bob, "Erase the Conversation with alice?");
    desk.picture("33-erase");
    let Desk { hands, bob, .. } = &mut desk;
    hands.click(bob, "Erase");
    hands.sees(bob, "The conversation is erased on this computer.");
    hands.sees(bob, "Say Hello");
    desk.picture("34-erased");
    let Desk { hands, alice, bob, .. } = &mut desk;
    assert!(!draft().contains("never said") && !hands.is_shown(bob, "never said"));
    hands.type_into(alice, "Message", "still there");
    hands.key(alice, "Return");
    hands.reads(bob, "still there");
    assert!(!hands.is_shown(bob, "I am"));
}

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

#[test]
fn from_a_day_without_messages_one_comes_to_the_next_that_has_some() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "the end");
    assert!(alice.quit().success() && bob.quit().success());
    fill(&house.start("bob").profile, |clock| (0..600).map(move |n| (clock - 45 * DAY + n, format!("old {n}."))));
    let mut desk = Desk::new(&house);
    let Desk { hands, bob, .. } = &mut desk;
    hands.open_friend(bob, "alice");
    hands.reads(bob, "the end");
    let go = |hands: &mut Hands, months_back: usize| {
        hands.key(bob, "ctrl+g");
        hands.sees(bob, "Jump to Date");
        for _ in 0..months_back {
            hands.click(bob, "Previous Month");
        }
        hands.click(bob, "Jump");
        hands.sees_no_more(bob, "Jump to Date");
    };
    go(hands, 2);
    hands.reads(bob, "old 0.");
    hands.sees_no_more(bob, "the end");
    go(hands, 1);
    hands.reads(bob, "the end");
    hands.sees_no_more(bob, "old 0.");
}
