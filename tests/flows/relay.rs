//! No direct path: the link goes through the server, which sees ciphertext only.

use std::process::Command;
use std::time::Instant;

use hobnob_tests::client::{Client, SOON, Start};
use hobnob_tests::files::{contains, find, random_file};
use hobnob_tests::namespace::{Run, alone};
use hobnob_tests::process::until;
use hobnob_tests::proxy::Proxy;
use hobnob_tests::server::Server;
use hobnob_tests::story::{House, PASSWORD, befriend, finished, hand_over, linked, offer, say};
use serde_json::json;

/// 64 bytes that occur nowhere by chance.
const MARKER: &str = "MARKER-7f3a9c51e2d84b60-a1b2c3d4e5f60718-9f8e7d6c5b4a3928-HOBNOB";

#[test]
fn a_direct_link_leaves_nothing_of_a_conversation_at_the_server() {
    let house = House::new();
    let proxy = Proxy::before(&house.server.address);
    let server = format!("{}#{}", proxy.address, house.server.fingerprint);
    let mut people = ["alice", "bob"].map(|name| {
        let start = Start { server: Some(server.clone()), ..house.start(name) };
        Client::sign_up(&start, name, PASSWORD)
    });
    let [alice, bob] = &mut people;
    befriend(alice, bob);
    linked(alice, bob, "direct");
    say(alice, bob, MARKER);
    let file = house.path("secret.txt");
    std::fs::write(&file, MARKER.repeat(10_000)).unwrap();
    hand_over(alice, bob, &file);
    let total: usize = proxy.recorded().iter().map(|one| one.up.len() + one.down.len()).sum();
    assert!(total < 200_000, "{total} bytes went to the server");
    assert_eq!(contains(&house.server.data, MARKER.as_bytes()), None);
}

/// Shell commands that put a packet filter up, which drops every connection but those to the ports of server and proxy: as between two
/// networks that cannot reach each other.
fn walls() -> String {
    format!(
        "nft add table inet walls
        nft add chain inet walls in '{{ type filter hook input priority 0; policy accept; }}'
        nft add rule inet walls in tcp flags '&' '(syn|ack)' == syn tcp dport '!=' '{{ {SERVER_PORT}, {PROXY_PORT} }}' drop"
    )
}

fn shell(commands: &str) {
    assert!(Command::new("sh").args(["-e", "-c", commands]).status().unwrap().success(), "{commands}");
}

const SERVER_PORT: u16 = 7999;
const PROXY_PORT: u16 = 7998;

#[test]
fn with_every_direct_path_blocked_all_is_relayed_and_the_relay_sees_no_content() {
    match alone("relay::with_every_direct_path_blocked_all_is_relayed_and_the_relay_sees_no_content", &walls()) {
        Run::Inner => {}
        Run::Done => return,
        Run::Impossible => return eprintln!("SKIPPED: no network namespace with a packet filter to be had"),
    }
    let home = hobnob_tests::story::temporary();
    let server = Server::start_at(&home.path().join("server"), &format!("127.0.0.1:{SERVER_PORT}"));
    let proxy = Proxy::at(&format!("127.0.0.1:{PROXY_PORT}"), &server.address);
    let house = House::around(server, home);
    let through = format!("{}#{}", proxy.address, house.server.fingerprint);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| {
        let start = Start { server: Some(through.clone()), ..house.start(name) };
        Client::sign_up(&start, name, PASSWORD)
    });
    befriend(&mut alice, &mut bob);
    let asked = Instant::now();
    linked(&mut alice, &mut bob, "relayed");
    println!("relayed after {:?} (the aim is 3 s)", asked.elapsed());

    assert_eq!(MARKER.len(), 64);
    say(&mut alice, &mut bob, MARKER);
    say(&mut bob, &mut alice, "relayed both ways");
    let file = house.path("secret.txt");
    std::fs::write(&file, MARKER.repeat(10_000)).unwrap();
    hand_over(&mut alice, &mut bob, &file);
    hand_over(&mut bob, &mut alice, &random_file(&house.path("over.bin"), 3 << 20, 9));

    assert_eq!(alice.friend("bob")["link"], "relayed");
    let recorded = proxy.recorded();
    let total: usize = recorded.iter().map(|one| one.up.len() + one.down.len()).sum();
    assert!(total > 2 * 640_000, "the files went through the relay: {total} bytes");
    assert!(recorded.iter().any(|one| one.up.starts_with(b"HOBNOB-RELAY/1 ")), "a circuit was asked for");
    for one in &recorded {
        assert!(!find(&one.up, MARKER.as_bytes()) && !find(&one.down, MARKER.as_bytes()), "the marker went in clear");
    }
    assert_eq!(contains(&house.server.data, MARKER.as_bytes()), None, "the server keeps the marker");
    assert!(contains(&bob.start.downloads, MARKER.as_bytes()).is_some(), "the search finds what is there");

    // The wall falls while a file is on its way: a restart of one side finds the direct path, and the file goes on there.
    let large = random_file(&house.path("large.bin"), 12 << 20, 7);
    let slowly = json!({"command": "set_rates", "down": 1 << 20});
    bob.done(slowly.clone());
    let id = offer(&mut alice, &mut bob, &large);
    bob.done(json!({"command": "accept_file", "transfer": id}));
    let on_its_way = |bob: &mut Client| {
        bob.wait("some of the file", SOON, |event| event["transfer"] == *id && event["done"].as_u64() > Some(0))
    };
    on_its_way(&mut bob);
    shell("nft delete table inet walls");
    assert!(bob.quit().success());
    let mut bob = Client::again(&bob.start);
    bob.done(slowly);
    until("direct again", SOON * 2, || alice.friend("bob")["link"] == "direct");
    say(&mut alice, &mut bob, "through the gate");
    let from = on_its_way(&mut bob)["done"].as_u64();
    assert!(from >= Some(1 << 20), "it began again: {from:?}");

    // And back behind the wall: over the relay once more, to the end.
    shell(&walls());
    bob.crash();
    let mut bob = Client::again(&bob.start);
    linked(&mut alice, &mut bob, "relayed");
    on_its_way(&mut bob);
    bob.done(json!({"command": "set_rates"}));
    finished(&mut alice, &mut bob, &id, &large);
}
