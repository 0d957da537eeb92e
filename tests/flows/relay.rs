//! No direct path: the link goes through the server, which sees ciphertext only.

use std::process::Command;
use std::time::{Duration, Instant};

use hobnob_tests::client::{Client, Start};
use hobnob_tests::files::{contains, find};
use hobnob_tests::process::until;
use hobnob_tests::proxy::Proxy;
use hobnob_tests::story::{House, PASSWORD, befriend, hand_over, linked, say};

/// 64 bytes that occur nowhere by chance.
const MARKER: &str = "MARKER-7f3a9c51e2d84b60-a1b2c3d4e5f60718-9f8e7d6c5b4a3928-HOBNOB";

/// A client whose listener the other cannot reach: the server passes on only the address it sees, and nobody listens there.
fn unreachable(house: &House, name: &str, address: &str, server: &str) -> Client {
    let start = Start { listen: format!("{address}:0"), server: Some(server.to_owned()), ..house.start(name) };
    Client::sign_up(&start, name, PASSWORD)
}

#[test]
fn with_unreachable_listeners_chat_and_files_are_relayed_and_the_relay_sees_no_content() {
    let house = House::new();
    let proxy = Proxy::before(&house.server.address);
    let server = format!("{}#{}", proxy.address, house.server.fingerprint);
    let mut alice = unreachable(&house, "alice", "127.0.0.2", &server);
    let mut bob = unreachable(&house, "bob", "127.0.0.3", &server);
    befriend(&mut alice, &mut bob);
    linked(&mut alice, &mut bob, "relayed");

    assert_eq!(MARKER.len(), 64);
    say(&mut alice, &mut bob, MARKER);
    say(&mut bob, &mut alice, "relayed both ways");
    let file = house.path("secret.txt");
    std::fs::write(&file, MARKER.repeat(10_000)).unwrap();
    hand_over(&mut alice, &mut bob, &file);

    assert_eq!(alice.friend("bob")["link"], "relayed");
    let recorded = proxy.recorded();
    let total: usize = recorded.iter().map(|one| one.up.len() + one.down.len()).sum();
    assert!(total > 640_000, "the file went through the relay: {total} bytes");
    assert!(recorded.iter().any(|one| one.up.starts_with(b"HOBNOB-RELAY/1 ")), "a circuit was asked for");
    for one in &recorded {
        assert!(!find(&one.up, MARKER.as_bytes()) && !find(&one.down, MARKER.as_bytes()), "the marker went in clear");
    }
    assert_eq!(contains(&house.server.data, MARKER.as_bytes()), None, "the server keeps the marker");
    assert!(contains(&alice.start.downloads, MARKER.as_bytes()).is_none());
    assert!(contains(&bob.start.downloads, MARKER.as_bytes()).is_some(), "the search finds what is there");
}

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

/// The same with a packet filter in a network namespace. Needs root; runs itself again inside the namespace.
#[test]
fn with_every_direct_path_blocked_by_a_packet_filter_the_link_is_relayed() {
    const INSIDE: &str = "HOBNOB_TEST_INSIDE_NAMESPACE";
    if std::env::var_os(INSIDE).is_some() {
        return relayed_inside();
    }
    let allowed = Command::new("unshare").args(["--net", "sh", "-c", "ip link set lo up && nft list ruleset"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this test needs root, unshare, ip and nft");
        return;
    }
    // Everything but the server's port is dropped on loopback, as between two networks that cannot reach each other.
    let rules = "ip link set lo up
        nft add table inet walls
        nft add chain inet walls in '{ type filter hook input priority 0; policy accept; }'
        nft add rule inet walls in tcp flags '&' '(syn|ack)' == syn tcp dport != 7999 drop
        exec \"$0\" --exact relay::with_every_direct_path_blocked_by_a_packet_filter_the_link_is_relayed --nocapture";
    let own = std::env::current_exe().unwrap();
    let status = Command::new("unshare").args(["--net", "sh", "-e", "-c", rules]).arg(own).env(INSIDE, "1").status();
    assert!(status.unwrap().success());
}

fn relayed_inside() {
    let home = hobnob_tests::story::temporary();
    let server = hobnob_tests::server::Server::start_at(&home.path().join("server"), "127.0.0.1:7999");
    let house = House::around(server, home);
    let (mut alice, mut bob) = (house.person("alice"), house.person("bob"));
    befriend(&mut alice, &mut bob);
    let asked = Instant::now();
    linked(&mut alice, &mut bob, "relayed");
    println!("relayed after {:?} (the aim is 3 s)", asked.elapsed());
    say(&mut alice, &mut bob, "over the wall");
    let file = hobnob_tests::files::random_file(&house.path("over.bin"), 3 << 20, 9);
    hand_over(&mut bob, &mut alice, &file);

    // The wall falls: a restart of one side finds the direct path.
    let opened = Command::new("nft").args(["delete", "table", "inet", "walls"]).status();
    assert!(opened.unwrap().success());
    assert!(bob.quit().success());
    let mut bob = Client::again(&bob.start);
    until("direct again", Duration::from_secs(40), || alice.friend("bob")["link"] == "direct");
    say(&mut alice, &mut bob, "through the gate");
}
