//! The server's port: before TLS, before sign-in, and inside a session.

use std::io::Write;
use std::net::TcpStream;

use hobnob_shared::codec::to_cbor;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Handle;
use hobnob_shared::limits;
use hobnob_shared::message::{AboutUser, FromServer, OwnPresence, Pulse, SetPresence, SignInFinish, ToServer};
use hobnob_tests::raw::{Connection, hello, sign_up, sign_up_start, tls_to};
use hobnob_tests::server::Server;
use hobnob_tests::story::PASSWORD;
use serde::Serialize;
use serde_bytes::ByteBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bytes::{Base, bad_openings, client_hello, poke, poke_all, read_to_close, warm_house};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn strangers_noise_is_closed_and_leaves_nothing() {
    let house = warm_house();
    poke(&house.server.address, b"warm up");
    let base = Base::of(&house.server.process);
    for answer in poke_all(&house.server.address, &bad_openings()) {
        assert!(answer.len() < 16 * 1024, "{} bytes for a stranger", answer.len());
    }
    base.is_back(&house.server.process);
    house.person("alice");
}

#[test]
fn half_a_hello_and_silence_are_closed_in_time() {
    let house = warm_house();
    let base = Base::of(&house.server.process);
    let hello = client_hello("x.hobnob");
    let mut open: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&house.server.address).unwrap()).collect();
    for (n, stream) in open.iter_mut().enumerate() {
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        stream.write_all(&hello[..(n * hello.len() / 50).min(hello.len() - 1)]).unwrap();
    }
    // Meanwhile others are served.
    house.person("alice");
    for stream in &mut open {
        read_to_close(stream);
    }
    base.is_back(&house.server.process);
}

/// A frame's bytes with a length that may lie.
fn frame(length: u32, body: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes()[..], body].concat()
}

fn honest(body: &[u8]) -> Vec<u8> {
    frame(u32::try_from(body.len()).unwrap(), body)
}

/// Opens TLS without certificate, sends bytes, and reads to the end.
async fn say_raw(server: &Server, bytes: &[u8], end: bool) -> Vec<u8> {
    let mut stream = tls_to(&server.address, &server.fingerprint, None).await;
    let _refused = stream.write_all(bytes).await;
    let _refused = stream.flush().await;
    if end {
        let _refused = stream.shutdown().await;
    }
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(limits::SIGN_IN_TIMEOUT * 2, stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection stays open");
    answer
}

#[derive(Serialize)]
struct Made<B> {
    t: &'static str,
    v: B,
}

#[test]
fn frames_with_lying_lengths_deep_nesting_or_nonsense_end_the_connection() {
    let house = warm_house();
    let server = &house.server;
    run(say_raw(server, b"", true));
    let base = Base::of(&server.process);
    let mut nested = vec![0xa2, 0x61, b't', 0x65];
    nested.extend(b"hello");
    nested.extend([0x61, b'v']);
    nested.extend(vec![0x81; 4000]);
    let deep = vec![0x81; 10_000];
    let bad = [
        frame(0, b""),
        frame(1, b"\xff"),
        frame(u32::MAX, b""),
        frame(0x8000_0000, b"x"),
        frame(0x7fff_ffff, b"x"),
        frame(4097, &[0; 4097]),
        frame(1000, b"cut short"),
        frame(10_000, &deep),
        honest(&nested),
        honest(&vec![0x9f; 4000]),
        honest(&vec![0xbf; 4000]),
        honest(&vec![0xd8; 4000]),
        // A text, an array and a map of 2^64 - 1.
        honest(&[0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        honest(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        honest(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        honest(&to_cbor(&Made { t: "hello", v: 17 }).unwrap()),
        honest(&to_cbor(&Made { t: "sign_up_start", v: "no map" }).unwrap()),
        honest(b"{\"t\":\"hello\"}"),
    ];
    for bytes in &bad {
        run(say_raw(server, bytes, true));
        run(say_raw(server, bytes, false));
    }
    base.is_back(&server.process);
    house.person("alice");
}

/// The code of the `failed` frame that comes next; `None` where the server just closes.
async fn refusal(connection: &mut Connection) -> Option<WireCode> {
    match connection.hear().await {
        Some(FromServer::Failed(failed)) => Some(failed.code),
        None => None,
        other => panic!("answered instead of refused: {other:?}"),
    }
}

#[test]
fn messages_in_the_wrong_state_are_refused_before_sign_in() {
    let house = warm_house();
    let server = &house.server;
    let user: Handle = "mallory".parse().unwrap();
    let base = Base::of(&server.process);
    let out_of_place = [
        ToServer::Hello(hello(0)),
        ToServer::SetPresence(SetPresence { seq: 1, presence: OwnPresence::Busy, text: String::new() }),
        ToServer::Introduce(AboutUser { seq: 1, user: user.clone() }),
        ToServer::GetFriendship(AboutUser { seq: 1, user: user.clone() }),
        ToServer::SignInFinish(SignInFinish { finalization: ByteBuf::from(vec![1; 64]) }),
        ToServer::Pong(Pulse { n: 1 }),
    ];
    run(async {
        for frame in &out_of_place {
            let mut connection = Connection::open(&server.address, &server.fingerprint, None).await;
            connection.say(frame);
            let code = refusal(&mut connection).await;
            assert!(code.as_ref().is_none_or(WireCode::is_fatal), "{frame:?} got {code:?}");
            assert!(connection.hear().await.is_none(), "the connection ends after {frame:?}");
        }
        // Two starts on one connection.
        let mut connection = Connection::open(&server.address, &server.fingerprint, None).await;
        connection.say(&sign_up_start(&user, PASSWORD).1);
        assert!(matches!(connection.hear().await, Some(FromServer::SignUpReply(_))));
        connection.say(&sign_up_start(&user, PASSWORD).1);
        refusal(&mut connection).await;
    });
    base.is_back(&server.process);
}

#[test]
fn unknown_kinds_are_answered_unsupported_and_the_session_goes_on() {
    let house = warm_house();
    let server = &house.server;
    run(async {
        let account = sign_up(&server.address, &server.fingerprint, "mallory", PASSWORD).await;
        let device = Some((&account.key, &account.chain));
        let mut session = Connection::open(&server.address, &server.fingerprint, device).await;
        session.hello(0).await;
        let later = to_cbor(&Made { t: "teleport", v: Made { t: "where", v: [1, 2, 3] } }).unwrap();
        session.writer.try_send_encoded(honest(&later).into()).unwrap();
        assert_eq!(refusal(&mut session).await, Some(WireCode::Unsupported));
        session.say(&ToServer::Ping(Pulse { n: 41 }));
        assert_eq!(session.hear().await, Some(FromServer::Pong(Pulse { n: 41 })));
    });
}

#[test]
fn a_session_that_breaks_the_rules_ends_and_the_others_stay() {
    let house = warm_house();
    let server = &house.server;
    let mut alice = house.person("alice");
    run(async {
        let account = sign_up(&server.address, &server.fingerprint, "mallory", PASSWORD).await;
        let device = Some((&account.key, &account.chain));
        let base = Base::of(&server.process);
        let bad: [Vec<u8>; 6] = [
            frame(u32::MAX, b""),
            frame(u32::try_from(limits::FRAME).unwrap() + 1, b"x"),
            honest(&vec![0x81; 60_000]),
            honest(&to_cbor(&Made { t: "set_presence", v: 1 }).unwrap()),
            honest(&to_cbor(&ToServer::Hello(hello(0))).unwrap()),
            honest(&to_cbor(&ToServer::SignInFinish(SignInFinish { finalization: ByteBuf::new() })).unwrap()),
        ];
        for bytes in bad {
            let mut session = Connection::open(&server.address, &server.fingerprint, device).await;
            session.hello(0).await;
            session.writer.try_send_encoded(bytes.clone().into()).unwrap();
            while session.hear().await.is_some() {}
        }
        base.is_back(&server.process);
    });
    alice.forget();
    assert!(!alice.saw(&serde_json::json!({"event": "server", "state": "offline"})));
}

#[test]
fn requests_about_strangers_are_answered_and_tell_nothing() {
    let house = warm_house();
    let server = &house.server;
    let _alice = house.person("alice");
    run(async {
        let account = sign_up(&server.address, &server.fingerprint, "mallory", PASSWORD).await;
        let device = Some((&account.key, &account.chain));
        let mut session = Connection::open(&server.address, &server.fingerprint, device).await;
        session.hello(0).await;
        let mut codes = Vec::new();
        for name in ["alice", "nobody.at.all"] {
            let user: Handle = name.parse().unwrap();
            for frame in [
                ToServer::Introduce(AboutUser { seq: 5, user: user.clone() }),
                ToServer::GetFriendship(AboutUser { seq: 6, user: user.clone() }),
            ] {
                session.say(&frame);
                let code = refusal(&mut session).await;
                codes.push(code.unwrap_or_else(|| panic!("closed after {frame:?}")));
            }
        }
        assert_eq!(codes[..2], codes[2..], "whether an account exists can be told from the answers");
    });
}
