//! Files that are dragged into the real window from another program: taken where they can be sent, and nowhere else is that promised.

use hobnob_tests::display::Display;
use hobnob_tests::files::random_file;
use hobnob_tests::story::say;
use serde_json::json;

use crate::story::{SIZE, alone_on, friends};

#[test]
fn a_file_is_taken_where_it_can_be_sent_and_nothing_is_promised_elsewhere() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut bob, &mut alice, "from bob");
    assert!(alice.quit().success());
    let (first, second) = (house.path("holiday.jpg"), house.path("notes.txt"));
    random_file(&first, 2_000, 1);
    random_file(&second, 2_000, 2);
    // With room for the other program beside the window.
    let (_display, mut hands, alice) = alone_on(Display::start(SIZE.0 + 200, SIZE.1), &house);
    hands.open_friend(&alice, "bob");
    hands.reads(&alice, "from bob");
    let (timeline, composer) =
        (json!({"role": "label", "contains": "from bob"}), json!({"role": "entry", "name": "Message"}));

    hands.carry(&alice, (&first, SIZE.0 + 50), timeline.clone());
    hands.reads(&alice, "Drop to Send to bob");
    assert!(hands.let_go(&alice));
    bob.expect(json!({"event": "file_offered", "name": "holiday.jpg"}));
    hands.sees_no_more(&alice, "Drop to Send");
    // Over the composer it is a file as well, and no text.
    hands.carry(&alice, (&second, SIZE.0 + 50), composer.clone());
    hands.reads(&alice, "Drop to Send to bob");
    assert!(hands.let_go(&alice));
    bob.expect(json!({"event": "file_offered", "name": "notes.txt"}));
    hands.sees_no_more(&alice, "Drop to Send");
    hands.sees(&alice, "notes.txt");
    assert!(!hands.is_shown(&alice, &second.display().to_string()), "its path was written into the composer");

    // The friend goes while a file hovers.
    hands.carry(&alice, (&first, SIZE.0 + 50), timeline.clone());
    hands.reads(&alice, "Drop to Send to bob");
    bob.done(json!({"command": "remove_friend", "user": "alice"}));
    hands.reads(&alice, "Not your friend");
    hands.sees_no_more(&alice, "Drop to Send");
    // A source that was told yes when it came there may take that for an answer.
    hands.let_go(&alice);
    for place in [timeline, composer] {
        hands.carry(&alice, (&first, SIZE.0 + 50), place);
        assert!(!hands.is_shown(&alice, "Drop to Send"));
        assert!(!hands.let_go(&alice), "there is nobody to send it to");
    }
    assert!(!hands.is_shown(&alice, "is not among your friends"), "it was sent all the same");
}
