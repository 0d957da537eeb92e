//! A client's port: strangers get nothing, not even a certificate, and the conversation goes on.

use std::io::Write;
use std::net::TcpStream;

use hobnob_tests::story::{House, say};

use crate::bytes::{Base, bad_openings, client_hello, poke, poke_all, read_to_close};

/// A TLS alert is 7 bytes; a certificate is hundreds.
const AN_ALERT: usize = 64;

#[test]
fn strangers_get_no_certificate_and_leave_nothing() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let port = alice.listening.first().cloned().unwrap();
    poke(&port, b"warm up");
    alice.forget();
    let base = Base::of(&alice.process);
    let events = alice.all(&serde_json::json!({})).len();
    for answer in poke_all(&port, &bad_openings()) {
        assert!(answer.len() <= AN_ALERT, "{} bytes for a stranger", answer.len());
    }
    base.is_back(&alice.process);
    say(&mut alice, &mut bob, "was that you?");
    alice.forget();
    let told = alice.all(&serde_json::json!({})).len() - events;
    assert!(told < 10, "strangers make no events: {told}");
}

#[test]
fn unknown_tokens_and_silence_are_closed_in_time() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    let port = alice.listening.first().cloned().unwrap();
    let base = Base::of(&alice.process);
    let mut open: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(&port).unwrap()).collect();
    for (n, stream) in open.iter_mut().enumerate() {
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        let hello = client_hello(&format!("{n:032x}.hobnob"));
        let sent = if n % 2 == 0 { &hello[..] } else { &hello[..hello.len() / 2] };
        stream.write_all(sent).unwrap();
    }
    say(&mut alice, &mut bob, "meanwhile");
    for stream in &mut open {
        let answer = read_to_close(stream);
        assert!(answer.len() <= AN_ALERT, "{} bytes for a stranger", answer.len());
    }
    base.is_back(&alice.process);
}
