//! Rooms over real sockets: people join, see and find each other, leave and are removed; and those who do not play by the rules.

use std::sync::Arc;

use super::client::{Device, Running, Wire, befriend};
use hobnob_server::config::{Config, Limits};
use hobnob_server::secrets::Secrets;
use hobnob_server::store::{Joined, NewAccount, NewMember, SignedUp, SqliteStore, Store as _};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Hash, Incarnation, RoomId};
use hobnob_shared::identity::{ServerKey, Statement, self_signed_server};
use hobnob_shared::message::{
    AboutUser, FromServer, JoinRoom, LeaveRoom, MEMBERSHIP, Membership, OwnPresence, Presence, ROOM_LEAVE,
    RemoveMember, RoomChanged, RoomLeave, RoomLeft, RoomMember, RoomState, SetPresence, SetRoomPassword, ToServer,
};

fn start(limits: Limits) -> (Running, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    (Running::start(Config { data: data.path().to_owned(), limits }), data)
}

fn room(name: &str) -> RoomId {
    name.parse().unwrap()
}

/// Reads a room's pages to the last.
async fn pages(wire: &mut Wire) -> RoomState {
    let mut whole: Option<RoomState> = None;
    loop {
        let page = wire
            .until(|frame| match frame {
                FromServer::RoomState(page) => Some(*page),
                FromServer::Failed(failed) => panic!("{failed:?}"),
                _ => None,
            })
            .await;
        let last = page.last;
        match &mut whole {
            Some(whole) => whole.members.extend(page.members),
            None => whole = Some(page),
        }
        if last {
            return whole.unwrap();
        }
    }
}

/// Joins a room and reads it.
pub async fn join(wire: &mut Wire, name: &str) -> RoomState {
    let seq = wire.seq();
    wire.say(&ToServer::JoinRoom(JoinRoom { seq, room: room(name), proof: None }));
    let state = pages(wire).await;
    wire.answer(seq).await.unwrap();
    state
}

async fn try_join(wire: &mut Wire, name: &str, proof: Option<Hash>) -> Result<(), WireCode> {
    let seq = wire.seq();
    wire.say(&ToServer::JoinRoom(JoinRoom { seq, room: room(name), proof }));
    wire.answer(seq).await.map_err(|failed| failed.code)
}

async fn changed(wire: &mut Wire) -> Box<RoomChanged> {
    wire.until(|frame| match frame {
        FromServer::RoomChanged(change) => Some(change),
        _ => None,
    })
    .await
}

async fn left(wire: &mut Wire) -> Box<RoomLeft> {
    wire.until(|frame| match frame {
        FromServer::RoomLeft(left) => Some(left),
        _ => None,
    })
    .await
}

/// What a record says, checked as a client does.
fn said(server: &Running, member: &RoomMember) -> Membership {
    member.record.verify(MEMBERSHIP, server.fingerprint).unwrap()
}

/// Present members by name.
fn names(server: &Running, state: &RoomState) -> Vec<String> {
    let members = state.members.iter().map(|member| said(server, member)).filter(|said| said.member);
    members.map(|said| said.user.to_string()).collect()
}

/// A leave of this membership by a device.
fn leave(device: &Device, membership: &Membership) -> Statement {
    let said = RoomLeave {
        room: membership.room.clone(),
        incarnation: membership.incarnation,
        number: membership.number,
        user: membership.user.clone(),
        at: 1,
    };
    Statement::sign(ROOM_LEAVE, &said, &device.key, device.chain.clone()).unwrap()
}

async fn say_leave(wire: &mut Wire, statement: Statement) -> Result<(), WireCode> {
    let seq = wire.seq();
    wire.say(&ToServer::LeaveRoom(Box::new(LeaveRoom { seq, statement })));
    wire.answer(seq).await.map_err(|failed| failed.code)
}

async fn remove(wire: &mut Wire, name: &str, user: &Handle) -> Result<(), WireCode> {
    let seq = wire.seq();
    wire.say(&ToServer::RemoveMember(RemoveMember { seq, room: room(name), user: user.clone() }));
    wire.answer(seq).await.map_err(|failed| failed.code)
}

/// Three people, each online once, the first two in `#tea`.
struct Party {
    server: Running,
    alice: Device,
    a: Wire,
    bob: Device,
    b: Wire,
    carol: Device,
    c: Wire,
    /// Of alice and bob.
    memberships: [Membership; 2],
    data: tempfile::TempDir,
}

impl Party {
    async fn new(limits: Limits) -> Self {
        let (server, data) = start(limits);
        let alice = Device::sign_up(&server, "alice").await.unwrap();
        let bob = Device::sign_up(&server, "bob").await.unwrap();
        let carol = Device::sign_up(&server, "carol").await.unwrap();
        let mut a = alice.available(&server).await;
        let mut b = bob.available(&server).await;
        let c = carol.available(&server).await;
        join(&mut a, "#tea").await;
        let state = join(&mut b, "#tea").await;
        let [first, second] = state.members.as_slice() else { panic!("{state:?}") };
        let memberships = [said(&server, first), said(&server, second)];
        changed(&mut a).await;
        Self { server, alice, a, bob, b, carol, c, memberships, data }
    }
}

#[actix_rt::test]
async fn who_comes_first_makes_the_room_and_records_hold_what_the_server_signed() {
    let mut party = Party::new(Limits::default()).await;
    let [first, second] = &party.memberships;
    assert_eq!(
        (first.user.as_str(), first.account, first.number, first.member),
        ("alice", party.alice.account, 1, true)
    );
    assert_eq!((second.user.as_str(), second.account, second.number), ("bob", party.bob.account, 2));
    assert_eq!(first.incarnation, second.incarnation);
    let state = join(&mut party.c, "#tea").await;
    assert_eq!((state.owner.as_str(), state.locked), ("alice", false));
    assert_eq!(names(&party.server, &state), ["alice", "bob", "carol"]);
    for wire in [&mut party.a, &mut party.b] {
        let change = changed(wire).await;
        let member = change.member.unwrap();
        assert_eq!(
            (said(&party.server, &member).user, member.presence),
            (party.carol.user.clone(), Presence::Available)
        );
    }
    // A record that somebody else signed, or that was changed, holds for nobody.
    let (_, key) = self_signed_server().unwrap();
    let forged = ServerKey::from_pkcs8(&key).unwrap().sign(MEMBERSHIP, first).unwrap();
    assert!(forged.verify::<Membership>(MEMBERSHIP, party.server.fingerprint).is_err());
    let mut spoilt = state.members[0].record.clone();
    *spoilt.body.last_mut().unwrap() ^= 1;
    assert!(spoilt.verify::<Membership>(MEMBERSHIP, party.server.fingerprint).is_err());
    // Joining again is shown again, and is no news to anybody.
    assert_eq!(names(&party.server, &join(&mut party.c, "#tea").await), ["alice", "bob", "carol"]);
    party.server.stop().await;
}

#[actix_rt::test]
async fn rooms_are_shown_at_every_sign_in_before_the_requests_and_outlive_the_server() {
    let mut party = Party::new(Limits::default()).await;
    let seq = party.c.seq();
    let request = hobnob_shared::message::FriendStatement { seq, statement: party.carol.request(&party.bob.user) };
    party.c.say(&ToServer::AddFriend(request));
    party.c.answer(seq).await.unwrap();
    join(&mut party.b, "#work").await;
    let Party { server, bob, data, .. } = party;
    server.stop().await;
    let server = Running::start(Config::new(data.path()));
    let mut wire = Wire::open(&server, Some((&bob.key, &bob.chain))).await;
    wire.say(&ToServer::Hello(Device::hello(OwnPresence::Available, 0)));
    let mut heard = Vec::new();
    while heard.last().map(String::as_str) != Some("request") {
        heard.push(match wire.next().await.unwrap() {
            FromServer::Welcome(welcome) => {
                assert_eq!(welcome.rooms, [room("#tea"), room("#work")]);
                "welcome".to_owned()
            }
            FromServer::Friends(page) if page.last => "friends".to_owned(),
            FromServer::RoomState(state) if state.last => {
                assert!(names(&server, &state).contains(&"bob".to_owned()));
                state.room.to_string()
            }
            FromServer::FriendRequested(_) => "request".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(heard, ["welcome", "friends", "#tea", "#work", "request"]);
    server.stop().await;
}

#[actix_rt::test]
async fn a_rooms_password_is_asked_and_guesses_slow_down() {
    let (server, _data) = start(Limits::default());
    let alice = Device::sign_up(&server, "alice").await.unwrap();
    let bob = Device::sign_up(&server, "bob").await.unwrap();
    let (mut a, mut b) = (alice.available(&server).await, bob.available(&server).await);
    let (right, wrong) = (Some(Hash([1; 32])), Some(Hash([2; 32])));
    try_join(&mut a, "#secret", right).await.unwrap();
    assert_eq!(try_join(&mut b, "#secret", None).await, Err(WireCode::WrongPassword));
    for _ in 0..5 {
        assert_eq!(try_join(&mut b, "#secret", wrong).await, Err(WireCode::WrongPassword));
    }
    assert_eq!(try_join(&mut b, "#secret", right).await, Err(WireCode::RateLimited), "too many guesses");
    assert_eq!(try_join(&mut b, "#other", right).await, Ok(()), "another room is another matter");
    // The owner drops it, and everybody in the room hears so.
    let seq = a.seq();
    a.say(&ToServer::SetRoomPassword(SetRoomPassword { seq, room: room("#secret"), proof: None }));
    let change = changed(&mut a).await;
    assert!(!change.locked && change.member.is_none());
    a.answer(seq).await.unwrap();
    assert!(!join(&mut b, "#secret").await.locked);
    let seq = b.seq();
    b.say(&ToServer::SetRoomPassword(SetRoomPassword { seq, room: room("#secret"), proof: right }));
    assert_eq!(b.answer(seq).await.unwrap_err().code, WireCode::Forbidden);
    for name in ["#nowhere", "#other"] {
        let seq = a.seq();
        a.say(&ToServer::SetRoomPassword(SetRoomPassword { seq, room: room(name), proof: right }));
        assert_eq!(a.answer(seq).await.unwrap_err().code, WireCode::NotFound, "{name}");
    }
    server.stop().await;
}

#[actix_rt::test]
async fn who_leaves_hands_the_room_on_and_an_empty_room_is_gone() {
    let mut party = Party::new(Limits::default()).await;
    let [first, second] = party.memberships.clone();
    say_leave(&mut party.a, leave(&party.alice, &first)).await.unwrap();
    let change = changed(&mut party.b).await;
    let gone = change.member.unwrap();
    assert_eq!((change.owner, gone.presence), (party.bob.user.clone(), Presence::Offline));
    let gone = said(&party.server, &gone);
    assert_eq!((gone.user.as_str(), gone.member, gone.number), ("alice", false, 3));
    assert_eq!(say_leave(&mut party.a, leave(&party.alice, &first)).await, Err(WireCode::NotFound));
    // Who comes later is shown who was there.
    let state = join(&mut party.c, "#tea").await;
    assert_eq!(names(&party.server, &state), ["bob", "carol"]);
    assert_eq!(state.members.len(), 3);
    let third = said(&party.server, state.members.last().unwrap());
    say_leave(&mut party.b, leave(&party.bob, &second)).await.unwrap();
    say_leave(&mut party.c, leave(&party.carol, &third)).await.unwrap();
    let state = join(&mut party.a, "#tea").await;
    assert_ne!(state.incarnation, first.incarnation);
    assert_eq!((state.members.len(), state.owner.as_str()), (1, "alice"));
    // A leave of the room's earlier life, which anybody in it may have kept, ends nothing.
    assert_eq!(say_leave(&mut party.a, leave(&party.alice, &first)).await, Err(WireCode::NotFound));
    assert_eq!(names(&party.server, &join(&mut party.a, "#tea").await), ["alice"]);
    party.server.stop().await;
}

#[actix_rt::test]
async fn the_owner_removes_and_nobody_else() {
    let mut party = Party::new(Limits::default()).await;
    let second = Device::sign_in(&party.server, "bob", "correct horse").await.unwrap();
    let mut b2 = second.available(&party.server).await;
    pages(&mut b2).await;
    let (alice, bob, carol) = (party.alice.user.clone(), party.bob.user.clone(), party.carol.user.clone());
    assert_eq!(remove(&mut party.b, "#tea", &alice).await, Err(WireCode::Forbidden));
    assert_eq!(remove(&mut party.c, "#tea", &alice).await, Err(WireCode::NotFound), "a stranger to the room");
    assert_eq!(remove(&mut party.a, "#tea", &carol).await, Err(WireCode::NotFound));
    assert_eq!(remove(&mut party.a, "#nowhere", &bob).await, Err(WireCode::NotFound));
    remove(&mut party.a, "#tea", &bob).await.unwrap();
    for wire in [&mut party.b, &mut b2] {
        let left = left(wire).await;
        let said: Membership = left.record.verify(MEMBERSHIP, party.server.fingerprint).unwrap();
        assert_eq!((said.user, said.member, said.incarnation), (bob.clone(), false, party.memberships[0].incarnation));
    }
    // Removed while away: the welcome does not name the room.
    let mut again = Wire::open(&party.server, Some((&second.key, &second.chain))).await;
    again.say(&ToServer::Hello(Device::hello(OwnPresence::Available, 0)));
    let Some(FromServer::Welcome(welcome)) = again.next().await else { panic!("no welcome") };
    assert!(welcome.rooms.is_empty());
    party.server.stop().await;
}

#[actix_rt::test]
async fn room_mates_see_and_find_each_other_and_strangers_do_not() {
    let mut party = Party::new(Limits { introduction_every_ms: 0, ..Limits::default() }).await;
    let (alice, bob) = (party.alice.user.clone(), party.bob.user.clone());
    let seq = party.b.seq();
    let away = SetPresence { seq, presence: OwnPresence::Away, text: "at lunch".into() };
    party.b.say(&ToServer::SetPresence(away));
    let heard = party
        .a
        .until(|frame| match frame {
            FromServer::PresenceChanged(change) => Some(change),
            _ => None,
        })
        .await;
    assert_eq!((heard.user, heard.presence, heard.text.as_str()), (bob.clone(), Presence::Away, "at lunch"));
    party.a.say(&ToServer::Introduce(AboutUser { seq: 70, user: bob.clone() }));
    for (wire, other) in [(&mut party.a, &party.bob), (&mut party.b, &party.alice)] {
        let introduced = wire
            .until(|frame| match frame {
                FromServer::Introduced(introduced) => Some(introduced),
                _ => None,
            })
            .await;
        assert_eq!((&introduced.user, &introduced.chain), (&other.user, &other.chain));
    }
    for (wire, user) in [(&mut party.c, &alice), (&mut party.a, &party.carol.user.clone())] {
        let refused = wire.ask(user, ToServer::Introduce).await.unwrap_err();
        assert_eq!(refused.code, WireCode::NotFriends);
    }
    // Whoever blocks is not there for the other, and the other way round.
    party.b.ask(&alice, ToServer::Block).await.unwrap();
    assert_eq!(party.a.ask(&bob, ToServer::Introduce).await.unwrap_err().code, WireCode::Offline);
    assert_eq!(party.b.ask(&alice, ToServer::Introduce).await.unwrap_err().code, WireCode::Offline);
    // Who wants to be friends with somebody does not block them.
    befriend((&party.bob, &mut party.b), (&party.alice, &mut party.a)).await;
    party.a.ask(&bob, ToServer::Introduce).await.unwrap();
    party.server.stop().await;
}

#[actix_rt::test]
async fn nobody_leaves_in_somebody_elses_name() {
    let mut party = Party::new(Limits::default()).await;
    let [first, second] = party.memberships.clone();
    // Alice's own statement, brought by bob.
    party.b.say(&ToServer::LeaveRoom(Box::new(LeaveRoom { seq: 60, statement: leave(&party.alice, &first) })));
    assert_eq!(party.b.failure().await, WireCode::BadSignature);
    let mut b = party.bob.available(&party.server).await;
    // Signed by bob, about alice.
    assert_eq!(say_leave(&mut b, leave(&party.bob, &first)).await, Err(WireCode::Forbidden));
    // About bob, but of a membership that never was.
    let wrong = Membership { number: 7, ..second.clone() };
    assert_eq!(say_leave(&mut b, leave(&party.bob, &wrong)).await, Err(WireCode::NotFound));
    // Left and come back: the statement of the first time ends nothing.
    say_leave(&mut b, leave(&party.bob, &second)).await.unwrap();
    join(&mut b, "#tea").await;
    assert_eq!(say_leave(&mut b, leave(&party.bob, &second)).await, Err(WireCode::NotFound));
    assert_eq!(names(&party.server, &join(&mut party.a, "#tea").await), ["alice", "bob"]);
    party.server.stop().await;
}

#[actix_rt::test]
async fn rooms_and_members_are_limited() {
    let limits = Limits { rooms: 2, room_members: 2, ..Limits::default() };
    let mut party = Party::new(limits).await;
    assert_eq!(try_join(&mut party.c, "#tea", None).await, Err(WireCode::Full));
    try_join(&mut party.a, "#one", None).await.unwrap();
    assert_eq!(try_join(&mut party.a, "#two", None).await, Err(WireCode::Full));
    assert_eq!(try_join(&mut party.a, "#tea", None).await, Ok(()), "where one is in already there is room");
    party.server.stop().await;
}

/// Puts people into rooms behind the server's back, while it does not run: signing up so many over the wire would take minutes.
async fn fill(data: &std::path::Path, rooms: &[RoomId], people: u32) {
    let notary = Arc::new(Secrets::open(data, true).unwrap().notary);
    let store = SqliteStore::open(data, &Arc::new(Limits::default())).unwrap();
    let person = |n: u32| {
        let user: Handle = format!("person{n}").parse().unwrap();
        let key = Fingerprint(*blake3::hash(user.as_str().as_bytes()).as_bytes());
        (user, key)
    };
    let sign_up = |n: u32| {
        let (user, key) = person(n);
        store.sign_up(NewAccount {
            user,
            key,
            certificate: Vec::new(),
            password: Vec::new(),
            sealed: Vec::new(),
            list_number: 1,
            device_list: Vec::new(),
            device: DeviceId(key.0),
            device_certificate: Vec::new(),
        })
    };
    // Many at once, so that they share commits; not more than may wait.
    let mut waiting = Vec::new();
    for (n, made) in (0..people).zip((0..people).map(sign_up).collect::<Vec<_>>()) {
        let SignedUp::Created(account) = made.await.unwrap() else { panic!("a name is taken") };
        for room in rooms {
            let (user, key) = person(n);
            let new = NewMember { account, user, key, room: room.clone(), proof: None };
            waiting.push(store.join(new, Incarnation::random(), Arc::clone(&notary)));
        }
        if waiting.len() > 2_000 || n + 1 == people {
            for joined in waiting.drain(..) {
                assert!(matches!(joined.await.unwrap(), Joined::New(_)));
            }
        }
    }
}

#[actix_rt::test]
async fn a_device_in_many_large_rooms_is_shown_them_all_at_its_own_pace() {
    let (server, data) = start(Limits::default());
    let alice = Device::sign_up(&server, "alice").await.unwrap();
    let mut a = alice.available(&server).await;
    let rooms: Vec<RoomId> = (0..48).map(|n| room(&format!("#room{n:02}"))).collect();
    for room in &rooms {
        join(&mut a, &room.to_string()).await;
    }
    server.stop().await;
    // Some megabytes, more than the session's queue and the system's buffers hold.
    fill(data.path(), &rooms, 255).await;
    let server = Running::start(Config::new(data.path()));
    // The first does not read before the second has read everything.
    let mut slow = Wire::open_narrow(&server, Some((&alice.key, &alice.chain))).await;
    slow.say(&ToServer::Hello(Device::hello(OwnPresence::Available, 0)));
    let mut quick = Device::sign_in(&server, "alice", "correct horse").await.unwrap().available(&server).await;
    for wire in [&mut quick, &mut slow] {
        for room in &rooms {
            let state = pages(wire).await;
            assert_eq!((&state.room, state.owner.as_str()), (room, "alice"));
            assert_eq!(names(&server, &state).len(), 256);
        }
    }
    server.stop().await;
}
