//! A room as a full mesh of processes: everybody is linked with everybody, and everybody has everything. `HOBNOB_TEST_MESH=32` sets its size.

use std::time::Instant;

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::room::{TEA, history, join};
use hobnob_tests::story::House;
use serde_json::json;

/// Members, unless the environment says otherwise.
const MEMBERS: usize = 32;
/// Messages of each.
const EACH: usize = 20;

#[test]
fn in_a_full_mesh_every_member_has_every_message() {
    let members = std::env::var("HOBNOB_TEST_MESH").ok().and_then(|text| text.parse().ok()).unwrap_or(MEMBERS);
    let house = House::new();
    let began = Instant::now();
    let mut people: Vec<Client> = (0..members).map(|n| house.person(&format!("member{n:02}"))).collect();
    let signed_up = began.elapsed();
    let began = Instant::now();
    for person in &mut people {
        join(person, TEA);
    }
    for person in &mut people {
        let mut linked = 0;
        person.each("a link to everybody else", SOON * 6, |event| {
            linked += usize::from(event["event"] == "link" && event["path"] == "direct");
            linked == members - 1
        });
    }
    let linked = began.elapsed();

    let began = Instant::now();
    for n in 0..EACH {
        for person in &mut people {
            let text = format!("{} {n}", person.name());
            person.post(json!({"command": "send", "to": TEA, "text": text}));
        }
    }
    let others = (members - 1) * EACH;
    for person in &mut people {
        let mut shown = 0;
        person.each("everything that the others said", SOON * 6, |event| {
            shown += usize::from(event["event"] == "message");
            shown == others
        });
    }
    let talked = began.elapsed();
    let ids = |person: &mut Client| history(person, TEA).into_iter().map(|line| line.message).collect::<Vec<_>>();
    let first = ids(&mut people[0]);
    assert_eq!(first.len(), members * EACH);
    let mut links = 0;
    for person in &mut people {
        assert_eq!(ids(person), first, "{} has another history", person.name());
        assert_eq!(person.all(&json!({"event": "message"})).len(), others, "shown once each");
        let status = person.done(json!({"command": "status"}));
        assert_eq!(status["refused"], json!({}));
        links += status["links"].as_u64().unwrap();
    }
    assert_eq!(links, (members * (members - 1)) as u64, "each link is seen from both ends");
    let mut memory: Vec<u64> = people.iter().map(|person| person.process.memory()).collect();
    memory.sort_unstable();
    println!(
        "{members} members: signed up in {signed_up:.1?}, {} links in {linked:.1?}, {} messages at everybody in {talked:.1?}; PSS each \
         {} KiB (middle), {} KiB (most); server {} KiB",
        links / 2,
        first.len(),
        memory[members / 2],
        memory[members - 1],
        house.server.process.memory()
    );
}
