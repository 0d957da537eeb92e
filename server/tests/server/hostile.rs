//! Whoever connects and does not play by the rules: is told so or closed, takes nobody with them, and leaves nothing behind.

use std::time::Duration;

use super::client::{Device, Running, Wire};
use hobnob_server::config::{Config, Limits};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Handle;
use hobnob_shared::message::{
    AboutUser, FriendStatement, FromServer, OwnPresence, Pulse, SetPresence, SignInFinish, SignInStart, SignUpFinish,
    ToServer,
};
use hobnob_shared::tls;
use serde_bytes::ByteBuf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn start(limits: Limits) -> (Running, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    (Running::start(Config { data: data.path().to_owned(), limits }), data)
}

/// Reads until the server closes, one way or the other; what it said.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut said = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            said.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the server closes");
    said
}

/// TLS without typed frames.
async fn raw(server: &Running, identity: Option<&Device>) -> TlsStream<TcpStream> {
    let identity = identity.map(|device| (&device.key, &device.chain));
    let config = tls::client_config(tls::ServerPin::Exact(server.fingerprint), identity).unwrap();
    let tcp = TcpStream::connect(server.address).await.unwrap();
    TlsConnector::from(config).connect(tls::server_name(), tcp).await.unwrap()
}

/// Somebody honest is served as if nothing had happened.
async fn is_well(server: &Running, device: &Device) {
    let mut wire = device.available(server).await;
    wire.say(&ToServer::Ping(Pulse { n: 1 }));
    wire.until(|frame| matches!(frame, FromServer::Pong(Pulse { n: 1 })).then_some(())).await;
}

#[actix_rt::test]
async fn bytes_that_are_no_protocol_are_closed() {
    let (server, _data) = start(Limits { tls_timeout_ms: 2_000, ..Limits::default() });
    let alice = Device::sign_up(&server, "alice").await.unwrap();
    let random: Vec<u8> = (0..10_000).map(|_| rand::random()).collect();
    let half_hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 100]].concat();
    let cases: [&[u8]; 8] = [
        b"",
        b"\x16",
        b"GET / HTTP/1.1\r\n\r\n and then some more bytes, so that there are 48 of them",
        b"HOBNOB-RELAY/1 ",
        b"HOBNOB-RELAY/1 zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n",
        &random,
        &half_hello,
        &[0x16; 2000],
    ];
    for bytes in cases {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // The server may close before all is written.
        let _ = stream.write_all(bytes).await;
        let said = rest(&mut stream).await;
        assert!(said.len() < 64, "an alert at most, not {} bytes", said.len());
    }
    is_well(&server, &alice).await;
    server.stop().await;
}

#[actix_rt::test]
async fn frames_that_break_the_rules_end_the_connection() {
    let (server, _data) = start(Limits::default());
    let alice = Device::sign_up(&server, "alice").await.unwrap();
    let frame = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat();
    let nested = frame(&[0x81; 4000]);
    let unknown_field_nested = frame(&[&[0xa2, 0x61, b't', 0x64][..], b"ping", &[0x61, b'v'], &[0x81; 3000]].concat());
    let random: Vec<u8> = (0..300).map(|_| rand::random::<u8>() | 0x20).collect();
    let cases: Vec<Vec<u8>> = vec![
        u32::MAX.to_be_bytes().to_vec(),
        0x8000_0000_u32.to_be_bytes().to_vec(),
        4097_u32.to_be_bytes().to_vec(),
        frame(b""),
        frame(b"\xff"),
        frame(&random),
        nested,
        unknown_field_nested,
    ];
    for (n, case) in cases.iter().enumerate() {
        for identity in [None, Some(&alice)] {
            let mut stream = raw(&server, identity).await;
            stream.write_all(case).await.unwrap();
            let said = rest(&mut stream).await;
            let text = String::from_utf8_lossy(&said).into_owned();
            let code = if n < 3 { "too_large" } else { "bad_request" };
            assert!(text.contains(code), "case {n}: {text:?}");
        }
    }
    is_well(&server, &alice).await;
    server.stop().await;
}

#[actix_rt::test]
async fn frames_in_the_wrong_state_end_the_connection() {
    let (server, _data) = start(Limits::default());
    let alice = Device::sign_up(&server, "alice").await.unwrap();
    let user: Handle = "alice".parse().unwrap();
    let about = || AboutUser { seq: 1, user: user.clone() };
    let hello = || ToServer::Hello(Device::hello(OwnPresence::Available, 0));
    let wrong_for_strangers = [
        hello(),
        ToServer::Introduce(about()),
        ToServer::SignInFinish(SignInFinish { finalization: ByteBuf::from(vec![0; 64]) }),
        ToServer::SetPresence(SetPresence { seq: 1, presence: OwnPresence::Away, text: String::new() }),
    ];
    for frame in wrong_for_strangers {
        let mut wire = Wire::open(&server, None).await;
        wire.say(&frame);
        assert_eq!(wire.failure().await, WireCode::WrongState, "{frame:?}");
        assert!(wire.next().await.is_none());
    }
    let start = || SignInStart { user: user.clone(), request: ByteBuf::from(vec![0; 32]) };
    for frame in [ToServer::Introduce(about()), ToServer::SignInStart(start())] {
        let mut wire = Wire::open(&server, Some((&alice.key, &alice.chain))).await;
        wire.say(&frame);
        assert_eq!(wire.failure().await, WireCode::WrongState, "{frame:?}");
    }
    let mut wire = alice.available(&server).await;
    wire.say(&hello());
    assert_eq!(wire.failure().await, WireCode::WrongState);
    let mut wire = Wire::open(&server, None).await;
    wire.say(&ToServer::SignInStart(start()));
    assert_eq!(wire.failure().await, WireCode::BadRequest, "32 bytes that are no OPAQUE message");
    is_well(&server, &alice).await;
    server.stop().await;
}

/// What is wrong, and how it is made wrong.
type Spoil = (&'static str, fn(&mut SignUpFinish));

#[actix_rt::test]
async fn a_sign_up_that_proves_nothing_is_refused() {
    let (server, _data) = start(Limits::default());
    let spoil: [Spoil; 6] = [
        ("no proof of the identity key", |finish| finish.identity_proof = ByteBuf::from(vec![0; 64])),
        ("no proof of the device key", |finish| finish.device_proof.truncate(10)),
        ("proofs swapped", |finish| std::mem::swap(&mut finish.identity_proof, &mut finish.device_proof)),
        ("no certificate", |finish| finish.account_certificate.clear()),
        ("certificates swapped", |finish| {
            std::mem::swap(&mut finish.account_certificate, &mut finish.device_certificate);
        }),
        ("an altered list", |finish| finish.device_list.body.push(0)),
    ];
    for (what, spoil) in spoil {
        let mut wire = Wire::open(&server, None).await;
        let mut prepared = Device::prepare(&mut wire, "mallory", "correct horse").await.unwrap();
        spoil(&mut prepared.finish);
        wire.say(&ToServer::SignUpFinish(Box::new(prepared.finish)));
        assert_eq!(wire.failure().await, WireCode::BadSignature, "{what}");
    }
    // Proofs are bound to their connection, and certificates to their name.
    let (mut one, mut other) = (Wire::open(&server, None).await, Wire::open(&server, None).await);
    let stolen = Device::prepare(&mut one, "mallory", "correct horse").await.unwrap();
    Device::prepare(&mut other, "mallory", "correct horse").await.unwrap();
    other.say(&ToServer::SignUpFinish(Box::new(stolen.finish)));
    assert_eq!(other.failure().await, WireCode::BadSignature);
    let mut third = Wire::open(&server, None).await;
    third.exporter = [0; 32];
    let wrong = Device::prepare(&mut third, "mallory", "correct horse").await.unwrap();
    third.say(&ToServer::SignUpFinish(Box::new(wrong.finish)));
    assert_eq!(third.failure().await, WireCode::BadSignature);
    // Nobody has the name yet.
    Device::sign_up(&server, "mallory").await.unwrap();
    server.stop().await;
}

#[actix_rt::test]
async fn statements_in_another_name_are_refused() {
    let (server, _data) = start(Limits::default());
    let alice = Device::sign_up(&server, "alice").await.unwrap();
    let bob = Device::sign_up(&server, "bob").await.unwrap();
    let mut wire = bob.available(&server).await;
    let stolen = alice.request(&"carol".parse().unwrap());
    wire.say(&ToServer::AddFriend(FriendStatement { seq: 1, statement: stolen }));
    assert_eq!(wire.failure().await, WireCode::BadSignature);
    let mut wire = bob.available(&server).await;
    wire.say(&ToServer::AddFriend(FriendStatement { seq: 1, statement: bob.request(&bob.user) }));
    assert_eq!(wire.answer(1).await.unwrap_err().code, WireCode::Forbidden);
    let liar = Device { user: alice.user.clone(), account: alice.account, ..bob };
    wire.say(&ToServer::AddFriend(FriendStatement { seq: 2, statement: liar.request(&"carol".parse().unwrap()) }));
    assert_eq!(wire.answer(2).await.unwrap_err().code, WireCode::Forbidden);
    // An acceptance of what nobody asked.
    let request = liar.request(&"carol".parse().unwrap());
    let own = Device { user: "bob".parse().unwrap(), account: wire_account(&liar), ..liar };
    wire.say(&ToServer::AcceptFriend(FriendStatement { seq: 3, statement: own.acceptance(&request) }));
    assert_eq!(wire.answer(3).await.unwrap_err().code, WireCode::NotFound);
    server.stop().await;
}

fn wire_account(device: &Device) -> hobnob_shared::id::Fingerprint {
    device.chain.verify().unwrap().account
}

#[actix_rt::test]
async fn an_unknown_account_and_a_device_that_was_never_enrolled_are_told() {
    let (server, _data) = start(Limits::default());
    let (other, _other_data) = start(Limits::default());
    let stranger = Device::sign_up(&other, "stranger").await.unwrap();
    let mut wire = Wire::open(&server, Some((&stranger.key, &stranger.chain))).await;
    wire.say(&ToServer::Hello(Device::hello(OwnPresence::Available, 0)));
    assert_eq!(wire.failure().await, WireCode::UnknownUser);
    assert!(wire.next().await.is_none());
    server.stop().await;
    other.stop().await;
}

#[actix_rt::test]
async fn who_does_not_sign_in_in_time_is_closed() {
    let (server, _data) = start(Limits { sign_in_timeout_ms: 200, ..Limits::default() });
    for _ in 0..3 {
        let mut wire = Wire::open(&server, None).await;
        assert_eq!(wire.failure().await, WireCode::TooLate);
        assert!(wire.next().await.is_none());
    }
    server.stop().await;
}

#[actix_rt::test]
async fn a_crowd_of_strangers_is_turned_away_and_then_forgotten() {
    let (server, _data) = start(Limits { limit_loopback: true, unauthenticated_per_address: 8, ..Limits::default() });
    let mut crowd = Vec::new();
    for _ in 0..8 {
        crowd.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut ninth = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(rest(&mut ninth).await, b"");
    // It was not the handshake's time that ended it: those before it are still open.
    for stream in &crowd {
        let nothing = stream.try_read(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    }
    drop(crowd);
    // The server notices in its own time that they have gone.
    let alice = loop {
        let config = tls::client_config(tls::ServerPin::Exact(server.fingerprint), None).unwrap();
        let tcp = TcpStream::connect(server.address).await.unwrap();
        if TlsConnector::from(config).connect(tls::server_name(), tcp).await.is_ok() {
            break Device::sign_up(&server, "alice").await.unwrap();
        }
    };
    is_well(&server, &alice).await;
    server.stop().await;
}

#[actix_rt::test]
async fn who_asks_too_fast_is_slowed_down_and_loses_nothing() {
    let (server, _data) = start(Limits { frames_burst: 10, frames_per_second: 100, ..Limits::default() });
    let alice = Device::sign_up(&server, "alice").await.unwrap();
    let mut wire = alice.available(&server).await;
    for n in 0..60 {
        wire.say(&ToServer::Ping(Pulse { n }));
    }
    for n in 0..60 {
        let pong = wire.next().await;
        assert!(matches!(pong, Some(FromServer::Pong(pulse)) if pulse.n == n), "{n}: {pong:?}");
    }
    server.stop().await;
}
