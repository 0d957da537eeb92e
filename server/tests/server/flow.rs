//! The server over real sockets, in this process: people sign up, become friends, see each other, are introduced and relayed.

use super::client::{Device, Running, Wire, befriend};
use hobnob_server::config::{Config, Limits};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Handle, Token, TransferId};
use hobnob_shared::message::{
    AboutUser, FRIEND_ACCEPTANCE, FriendAcceptance, FriendStatement, FromServer, Introduced, OpenCircuit, OwnPresence,
    Presence, PresenceChanged, Pulse, SetPresence, ToServer,
};
use hobnob_shared::relay::{JOINED, REFUSED, encode_preamble};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct House {
    server: Running,
    data: tempfile::TempDir,
}

impl House {
    fn new(limits: Limits) -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Running::start(Config { data: data.path().to_owned(), limits });
        Self { server, data }
    }

    async fn two_friends(&self) -> (Device, Wire, Device, Wire) {
        let alice = Device::sign_up(&self.server, "alice").await.unwrap();
        let bob = Device::sign_up(&self.server, "bob").await.unwrap();
        let (mut a, mut b) = (alice.available(&self.server).await, bob.available(&self.server).await);
        befriend((&alice, &mut a), (&bob, &mut b)).await;
        (alice, a, bob, b)
    }
}

async fn presence(wire: &mut Wire) -> (Presence, String) {
    wire.until(|frame| match frame {
        FromServer::PresenceChanged(PresenceChanged { presence, text, .. }) => Some((presence, text)),
        _ => None,
    })
    .await
}

async fn introduced(wire: &mut Wire) -> Box<Introduced> {
    wire.until(|frame| match frame {
        FromServer::Introduced(introduced) => Some(introduced),
        _ => None,
    })
    .await
}

async fn set(wire: &mut Wire, presence: OwnPresence, text: &str) {
    let seq = wire.seq();
    wire.say(&ToServer::SetPresence(SetPresence { seq, presence, text: text.into() }));
    wire.answer(seq).await.unwrap();
}

#[actix_rt::test]
async fn a_handle_belongs_to_one() {
    let house = House::new(Limits::default());
    Device::sign_up(&house.server, "alice").await.unwrap();
    assert_eq!(Device::sign_up(&house.server, "alice").await.err(), Some(WireCode::Taken));
    house.server.stop().await;
}

#[actix_rt::test]
async fn friends_see_presence_and_its_end() {
    let house = House::new(Limits::default());
    let (_alice, mut a, bob, mut b) = house.two_friends().await;
    set(&mut b, OwnPresence::Away, "at lunch").await;
    assert_eq!(presence(&mut a).await, (Presence::Away, "at lunch".into()));
    set(&mut b, OwnPresence::Invisible, "hiding").await;
    assert_eq!(presence(&mut a).await, (Presence::Offline, String::new()));
    set(&mut b, OwnPresence::Busy, "").await;
    assert_eq!(presence(&mut a).await.0, Presence::Busy);
    b.writer.close();
    assert_eq!(presence(&mut a).await.0, Presence::Offline);
    let (_b, friends) = bob.online(&house.server, Device::hello(OwnPresence::Available, 0)).await;
    assert_eq!(friends.len(), 1);
    assert_eq!((friends[0].user.as_str(), friends[0].presence), ("alice", Presence::Available));
    assert_eq!(presence(&mut a).await.0, Presence::Available);
    house.server.stop().await;
}

#[actix_rt::test]
async fn friends_and_requests_outlive_the_server() {
    let house = House::new(Limits::default());
    let (alice, mut a, _bob, _b) = house.two_friends().await;
    let seq = a.seq();
    a.say(&ToServer::AddFriend(FriendStatement { seq, statement: alice.request(&"carol".parse().unwrap()) }));
    a.answer(seq).await.unwrap();
    let House { server, data } = house;
    server.stop().await;
    assert_eq!(a.failure().await, WireCode::ShuttingDown);

    let server = Running::start(Config::new(data.path()));
    let carol = Device::sign_up(&server, "carol").await.unwrap();
    let mut c = carol.available(&server).await;
    let asked = c
        .until(|frame| match frame {
            FromServer::FriendRequested(asked) => Some(asked),
            _ => None,
        })
        .await;
    assert_eq!(asked.request.chain, alice.chain);
    let (_a, friends) = alice.online(&server, Device::hello(OwnPresence::Available, 0)).await;
    assert_eq!(friends.iter().map(|f| f.user.as_str()).collect::<Vec<_>>(), ["bob"]);
    server.stop().await;
}

#[actix_rt::test]
async fn an_introduction_tells_both_the_same_thing_from_both_ends() {
    let house = House::new(Limits { introduction_every_ms: 60_000, ..Limits::default() });
    let (alice, mut a, bob, mut b) = house.two_friends().await;
    a.say(&ToServer::Introduce(AboutUser { seq: 99, user: bob.user.clone() }));
    let (at_a, at_b) = (introduced(&mut a).await, introduced(&mut b).await);
    assert_eq!((&at_b.user, at_b.device, &at_b.chain), (&alice.user, alice.key.id(), &alice.chain));
    assert_eq!(at_b.addresses, ["127.0.0.1:5000"]);
    assert_eq!((at_a.dial, at_a.expect, at_a.relay), (at_b.expect, at_b.dial, at_b.relay));
    assert_eq!(at_a.relay_dialler, alice.key.id() < bob.key.id());
    assert_ne!(at_a.relay_dialler, at_b.relay_dialler);
    let limited = b.ask(&alice.user, ToServer::Introduce).await.unwrap_err();
    assert_eq!(limited.code, WireCode::RateLimited);
    assert!(limited.retry_after.is_some_and(|seconds| (1..=60).contains(&seconds)), "{limited:?}");
    house.server.stop().await;
}

#[actix_rt::test]
async fn strangers_the_absent_and_the_invisible_are_not_introduced() {
    let house = House::new(Limits::default());
    let (alice, mut a, bob, mut b) = house.two_friends().await;
    let carol = Device::sign_up(&house.server, "carol").await.unwrap();
    let _c = carol.available(&house.server).await;
    let nobody: Handle = "nobody".parse().unwrap();
    assert_eq!(a.ask(&alice.user, ToServer::Introduce).await.unwrap_err().code, WireCode::Offline, "no other device");
    for stranger in [&carol.user, &nobody] {
        assert_eq!(a.ask(stranger, ToServer::Introduce).await.unwrap_err().code, WireCode::NotFriends);
    }
    set(&mut b, OwnPresence::Invisible, "").await;
    assert_eq!(a.ask(&bob.user, ToServer::Introduce).await.unwrap_err().code, WireCode::Offline);
    // The invisible may start it themselves.
    b.ask(&alice.user, ToServer::Introduce).await.unwrap();
    assert_eq!(introduced(&mut a).await.user, bob.user);
    b.writer.close();
    presence_gone(&mut a, &bob.user).await;
    house.server.stop().await;
}

/// Asks until the server has noticed that the connection is gone.
async fn presence_gone(wire: &mut Wire, user: &Handle) {
    loop {
        match wire.ask(user, ToServer::Introduce).await {
            Err(failed) if failed.code == WireCode::Offline => return,
            Ok(()) => {}
            Err(failed) => assert_eq!(failed.code, WireCode::RateLimited),
        }
    }
}

#[actix_rt::test]
async fn the_relay_joins_two_and_carries_both_ways() {
    let house = House::new(Limits::default());
    let (alice, mut a, bob, mut b) = house.two_friends().await;
    let (seq, transfer) = (a.seq(), TransferId::new());
    let wish = OpenCircuit { seq, user: bob.user.clone(), device: bob.key.id(), transfer };
    a.say(&ToServer::OpenCircuit(wish));
    let circuit = |frame| match frame {
        FromServer::Circuit(circuit) => Some(circuit),
        _ => None,
    };
    let (at_a, at_b) = (a.until(circuit).await, b.until(circuit).await);
    assert_eq!((at_a.relay, at_a.transfer, at_a.dialler), (at_b.relay, transfer, true));
    assert_eq!((&at_b.user, at_b.device, at_b.dialler), (&alice.user, alice.key.id(), false));

    let preamble = encode_preamble(&at_a.relay);
    // One that comes and goes does not use the token up.
    let mut early = TcpStream::connect(house.server.address).await.unwrap();
    early.write_all(&preamble).await.unwrap();
    drop(early);
    let mut ends = Vec::new();
    for _ in 0..2 {
        let mut end = TcpStream::connect(house.server.address).await.unwrap();
        end.write_all(&preamble).await.unwrap();
        ends.push(end);
    }
    let mut answers = Vec::new();
    for end in &mut ends {
        answers.push(end.read_u8().await.unwrap());
    }
    let [one, other] = ends.as_mut_slice() else { panic!("two ends") };
    if answers == [JOINED, JOINED] {
        let payload: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut received = vec![0; payload.len()];
        let (sent, got) = tokio::join!(one.write_all(&payload), other.read_exact(&mut received));
        sent.unwrap();
        got.unwrap();
        assert_eq!(received, payload);
        other.write_all(b"back").await.unwrap();
        other.shutdown().await.unwrap();
        let mut back = Vec::new();
        one.read_to_end(&mut back).await.unwrap();
        assert_eq!(back, b"back");
    } else {
        panic!("{answers:?}");
    }
    for bytes in [preamble.as_slice(), encode_preamble(&Token::random()).as_slice()] {
        let mut end = TcpStream::connect(house.server.address).await.unwrap();
        end.write_all(bytes).await.unwrap();
        assert_eq!(end.read_u8().await.unwrap(), REFUSED);
        assert_eq!(end.read(&mut [0]).await.unwrap(), 0);
    }
    house.server.stop().await;
}

/// A token for a circuit between the two.
async fn circuit_token(a: &mut Wire, bob: &Device) -> Token {
    let (seq, transfer) = (a.seq(), TransferId::new());
    a.say(&ToServer::OpenCircuit(OpenCircuit { seq, user: bob.user.clone(), device: bob.key.id(), transfer }));
    a.until(|frame| match frame {
        FromServer::Circuit(circuit) => Some(circuit.relay),
        _ => None,
    })
    .await
}

async fn at_relay(house: &House, token: &Token) -> TcpStream {
    let mut end = TcpStream::connect(house.server.address).await.unwrap();
    end.write_all(&encode_preamble(token)).await.unwrap();
    end
}

#[actix_rt::test]
async fn a_relay_token_is_good_for_one_circuit_and_circuits_are_limited() {
    let house = House::new(Limits { circuits_per_account: 1, ..Limits::default() });
    let (_alice, mut a, bob, _b) = house.two_friends().await;
    let token = circuit_token(&mut a, &bob).await;
    let (mut one, mut other) = (at_relay(&house, &token).await, at_relay(&house, &token).await);
    assert_eq!([one.read_u8().await.unwrap(), other.read_u8().await.unwrap()], [JOINED; 2]);
    let mut late = at_relay(&house, &token).await;
    assert_eq!(late.read_u8().await.unwrap(), REFUSED);

    let second = circuit_token(&mut a, &bob).await;
    let (mut first, mut last) = (at_relay(&house, &second).await, at_relay(&house, &second).await);
    let mut said = Vec::new();
    for end in [&mut first, &mut last] {
        // One is told, the other just closed.
        end.read_to_end(&mut said).await.unwrap();
    }
    assert_eq!(said, [REFUSED]);

    // When the first circuit ends there is room again.
    drop((one, other));
    loop {
        let next = circuit_token(&mut a, &bob).await;
        let (mut one, mut other) = (at_relay(&house, &next).await, at_relay(&house, &next).await);
        if (one.read_u8().await.ok(), other.read_u8().await.ok()) == (Some(JOINED), Some(JOINED)) {
            break;
        }
    }
    house.server.stop().await;
}

#[actix_rt::test]
async fn a_circuit_in_which_nothing_moves_is_closed() {
    let house = House::new(Limits { relay_idle_ms: 50, ..Limits::default() });
    let (_alice, mut a, bob, _b) = house.two_friends().await;
    let token = circuit_token(&mut a, &bob).await;
    let mut ends = [at_relay(&house, &token).await, at_relay(&house, &token).await];
    for end in &mut ends {
        let mut said = Vec::new();
        end.read_to_end(&mut said).await.unwrap();
        assert_eq!(said, [JOINED]);
    }
    house.server.stop().await;
}

#[actix_rt::test]
async fn who_waits_alone_at_the_relay_is_told() {
    let house = House::new(Limits { relay_wait_ms: 100, token_life_ms: 60_000, ..Limits::default() });
    let (_alice, mut a, bob, _b) = house.two_friends().await;
    let token = circuit_token(&mut a, &bob).await;
    let mut alone = at_relay(&house, &token).await;
    assert_eq!(alone.read_u8().await.unwrap(), REFUSED);
    // The token is still good for two who come together.
    let (mut one, mut other) = (at_relay(&house, &token).await, at_relay(&house, &token).await);
    assert_eq!([one.read_u8().await.unwrap(), other.read_u8().await.unwrap()], [JOINED; 2]);
    house.server.stop().await;
}

#[actix_rt::test]
async fn the_password_adds_a_device_and_wrong_ones_slow_down() {
    let house = House::new(Limits::default());
    let first = Device::sign_up(&house.server, "alice").await.unwrap();
    let second = Device::sign_in(&house.server, "alice", "correct horse").await.unwrap();
    assert_eq!(first.account, second.account);
    let (mut one, mut two) = (first.available(&house.server).await, second.available(&house.server).await);
    for wire in [&mut one, &mut two] {
        set(wire, OwnPresence::Away, "").await;
    }
    for name in ["alice", "nobody"] {
        let mut codes = Vec::new();
        for _ in 0..6 {
            codes.push(Device::sign_in(&house.server, name, "wrong").await.err().unwrap());
        }
        let limited = codes.pop().unwrap();
        assert!(codes.iter().all(|failed| failed.code == WireCode::WrongPassword), "{name}: {codes:?}");
        assert_eq!((limited.code, limited.retry_after), (WireCode::RateLimited, Some(1)), "{name}");
    }
    // A known device does not wait.
    first.available(&house.server).await;
    house.server.stop().await;
}

#[actix_rt::test]
async fn the_same_device_replaces_itself_and_a_sixth_is_refused() {
    let house = House::new(Limits::default());
    let first = Device::sign_up(&house.server, "alice").await.unwrap();
    let mut old = first.available(&house.server).await;
    let _new = first.available(&house.server).await;
    assert_eq!(old.failure().await, WireCode::Replaced);
    let mut held = Vec::new();
    for _ in 0..4 {
        let device = Device::sign_in(&house.server, "alice", "correct horse").await.unwrap();
        held.push(device.available(&house.server).await);
    }
    let sixth = Device::sign_in(&house.server, "alice", "correct horse").await.unwrap();
    let mut wire = Wire::open(&house.server, Some((&sixth.key, &sixth.chain))).await;
    wire.say(&ToServer::Hello(Device::hello(OwnPresence::Available, 0)));
    assert_eq!(wire.failure().await, WireCode::Full);
    house.server.stop().await;
}

#[actix_rt::test]
async fn removing_and_blocking_end_a_friendship_for_both() {
    let house = House::new(Limits::default());
    let (alice, mut a, bob, mut b) = house.two_friends().await;
    let removed = |frame| matches!(frame, FromServer::FriendRemoved(_)).then_some(());
    let seq = b.seq();
    b.say(&ToServer::GetFriendship(AboutUser { seq, user: alice.user.clone() }));
    let friendship = b
        .until(|frame| match frame {
            FromServer::Friendship(friendship) => Some(friendship),
            _ => None,
        })
        .await;
    assert_eq!((friendship.seq, friendship.presence), (Some(seq), Presence::Available));
    let (said, by) = friendship.acceptance.verify::<FriendAcceptance>(FRIEND_ACCEPTANCE).unwrap();
    assert_eq!((said.to_key, by.account, said.from_key), (bob.account, bob.account, alice.account));

    b.say(&ToServer::RemoveFriend(AboutUser { seq: 50, user: alice.user.clone() }));
    a.until(removed).await;
    b.until(removed).await;
    assert_eq!(b.ask(&alice.user, ToServer::RemoveFriend).await.unwrap_err().code, WireCode::NotFriends);
    befriend((&alice, &mut a), (&bob, &mut b)).await;
    b.say(&ToServer::Block(AboutUser { seq: 51, user: alice.user.clone() }));
    a.until(removed).await;
    b.until(removed).await;

    // The blocked one does not notice; the blocker hears nothing, until it takes the block back.
    let ask = |seq| ToServer::AddFriend(FriendStatement { seq, statement: alice.request(&bob.user) });
    let seq = a.seq();
    a.say(&ask(seq));
    a.answer(seq).await.unwrap();
    b.ask(&alice.user, ToServer::Unblock).await.unwrap();
    let seq = a.seq();
    a.say(&ask(seq));
    a.answer(seq).await.unwrap();
    b.ask(&alice.user, ToServer::DeclineFriend).await.unwrap();
    b.ask(&alice.user, ToServer::DeclineFriend).await.unwrap_err();
    let (mut again, friends) = bob.online(&house.server, Device::hello(OwnPresence::Available, 0)).await;
    assert!(friends.is_empty());
    again.say(&ToServer::Ping(Pulse { n: 7 }));
    let repeated = again
        .until(|frame| match frame {
            FromServer::FriendRequested(_) => Some(true),
            FromServer::Pong(_) => Some(false),
            _ => None,
        })
        .await;
    assert!(!repeated, "a declined request does not come again");
    house.server.stop().await;
}
