//! Acts that no honest program writes, from a friend and from a member of a room: they do nothing, and others' words stand.

use hobnob_shared::id::MessageId;
use hobnob_shared::message::{Act, Entry, What};
use hobnob_tests::story::House;
use serde_json::{Value, json};

use crate::bytes::run;
use crate::friend_port::{mallory, message};

fn act(number: u64, what: What, of: MessageId, text: &str) -> Entry {
    Entry { act: Some(Act { of, what }), ..message(number, text) }
}

#[test]
fn acts_on_what_is_not_ones_own_or_is_nowhere_do_nothing_and_the_link_stands() {
    let house = House::new();
    let mut alice = house.person("alice");
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let sent = alice.done(json!({"command": "send", "to": "@mallory", "text": "my own words"}));
        let hers: MessageId = sent["message"].as_str().unwrap().parse().unwrap();
        let nowhere = MessageId::new();
        let mine = message(1, "an honest message");
        let of = mine.id;
        let mut link = mallory.link().await;
        link.say(&mallory.part(
            0,
            vec![
                mine,
                act(2, What::Edit, hers, "words in her mouth"),
                act(3, What::Delete, hers, ""),
                act(4, What::Edit, nowhere, "of nothing"),
                act(5, What::Delete, nowhere, ""),
                act(6, What::React, nowhere, "👍"),
                act(7, What::React, hers, "not an\nemoji"),
                act(8, What::React, hers, &"x".repeat(65)),
                act(9, What::Other("pin".to_owned()), hers, "of a later version"),
                act(10, What::Other("x".repeat(5_000)), hers, "with a long name"),
                act(11, What::Delete, of, "a delete with a text"),
                act(12, What::Edit, of, "an edit after that"),
                act(13, What::React, hers, "👍"),
            ],
        ));
        assert!(link.stands().await);
        alice.expect(json!({"event": "reaction", "from": "mallory", "message": hers.0.to_string(), "emoji": "👍"}));
    });
    for event in ["message_edited", "message_deleted"] {
        assert!(!alice.saw(&json!({"event": event})), "{event}");
    }
    assert_eq!(alice.all(&json!({"event": "reaction"})).len(), 1, "of those that are emojis and of a message");
    let history = alice.done(json!({"command": "history", "conversation": "@mallory"}));
    let lines: Vec<(&Value, &Value)> =
        history["messages"].as_array().unwrap().iter().map(|m| (&m["text"], &m["deleted"])).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines.contains(&(&json!("my own words"), &Value::Null)));
    assert!(lines.contains(&(&json!(""), &json!(true))), "what was mallory's to take back");
    for text in ["words", "honest", "edit", "delete"] {
        let found = alice.done(json!({"command": "search", "text": text}));
        assert_eq!(found["messages"].as_array().unwrap().len(), usize::from(text == "words"), "{text}");
    }
}
