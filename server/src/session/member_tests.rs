//! What a device that is signed in asks of rooms and of its roster, without a store or a registry.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Instant;

use hobnob_shared::codec::Decoded;
use hobnob_shared::id::{Handle, Hash, Incarnation, RoomId};
use hobnob_shared::identity::{
    Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityKey, IdentityStatement, ServerKey, Statement, self_signed_server,
};
use hobnob_shared::limits::{FRAME, ROSTER_PART, ROSTER_PARTS};
use hobnob_shared::message::{
    FromServer, GetRoster, JoinRoom, LeaveRoom, MEMBERSHIP, Membership, PutRoster, ROOM_LEAVE, RemoveMember, RoomLeave,
    Roster, SetRoomPassword, ToServer,
};
use serde_bytes::ByteBuf;

use super::job::{Answer, Job};
use super::note::Note;
use super::state::Effect;
use super::tests::{Doors, Known, answers, closes, known};
use crate::config::Limits;
use crate::store::{AccountId, ByOwner, Joined, RecordRow, RoomChange, RoomHead, RoomKey, RosterRow};

fn tea() -> RoomId {
    "#tea".parse().unwrap()
}

struct Test {
    known: Known,
    doors: Doors,
    now: Instant,
}

impl Test {
    fn new() -> Self {
        let (doors, now) = (Doors::new(), Instant::now());
        Self { known: known(&Limits::default(), &doors, now), doors, now }
    }

    fn say(&mut self, frame: ToServer) -> Vec<Effect> {
        self.known.state.on_frame(Decoded::Known(frame), 0, &self.doors, self.now)
    }

    fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        self.known.state.on_answer(answer, &self.doors)
    }
}

fn leave(said: &RoomLeave, key: &DeviceKey, chain: &Chain) -> ToServer {
    let statement = Statement::sign(ROOM_LEAVE, said, key, chain.clone()).unwrap();
    ToServer::LeaveRoom(Box::new(LeaveRoom { seq: 5, statement }))
}

fn code(effects: &[Effect]) -> Option<String> {
    answers(effects).into_iter().find_map(|frame| match frame {
        FromServer::Failed(failed) => Some(failed.code.name().to_owned()),
        _ => None,
    })
}

fn head() -> RoomHead {
    let owner = "alice".parse().unwrap();
    RoomHead { key: RoomKey(1), room: tea(), incarnation: Incarnation([1; 16]), owner, locked: false, number: 1 }
}

fn change() -> RoomChange {
    let (_, key) = self_signed_server().unwrap();
    let membership = Membership {
        room: tea(),
        incarnation: Incarnation([1; 16]),
        number: 1,
        user: "alice".parse().unwrap(),
        account: hobnob_shared::id::Fingerprint([1; 32]),
        member: true,
        at: 0,
    };
    let record = ServerKey::from_pkcs8(&key).unwrap().sign(MEMBERSHIP, &membership).unwrap();
    let record = hobnob_shared::codec::to_cbor(&record).unwrap();
    let record = RecordRow { account: AccountId(1), number: 1, member: true, record };
    RoomChange { head: head(), user: "alice".parse().unwrap(), record }
}

fn join(proof: Option<Hash>) -> ToServer {
    ToServer::JoinRoom(JoinRoom { seq: 5, room: tea(), proof })
}

#[test]
fn what_came_of_joining_is_told() {
    let mut test = Test::new();
    let cases = [(Joined::WrongPassword, "wrong_password"), (Joined::RoomFull, "full"), (Joined::TooManyRooms, "full")];
    for (joined, expected) in cases {
        let asked = test.say(join(None));
        assert!(matches!(asked.as_slice(), [Effect::Ask(Job::Join(new))] if new.account == AccountId(1)));
        let effects = test.answer(Answer::Joined(joined));
        assert_eq!(code(&effects).as_deref(), Some(expected));
        assert!(!closes(&effects));
    }
    test.say(join(None));
    let effects = test.answer(Answer::Joined(Joined::New(Box::new(change()))));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Log(_), Effect::Tell(Note::EnterRoom { seq: 5, news: Some(_), .. })]
    ));
    test.say(join(None));
    let effects = test.answer(Answer::Joined(Joined::Already(Box::new(head()))));
    assert!(matches!(effects.as_slice(), [Effect::Tell(Note::EnterRoom { news: None, .. })]));
    test.say(join(None));
    assert_eq!(code(&test.answer(Answer::Failed)).as_deref(), Some("internal"));
}

#[test]
fn guesses_at_a_rooms_password_are_counted_and_the_right_one_takes_the_count_back() {
    let mut test = Test::new();
    for _ in 0..3 {
        test.say(join(Some(Hash([1; 32]))));
        test.answer(Answer::Joined(Joined::WrongPassword));
    }
    let limited = test.say(join(Some(Hash([1; 32]))));
    assert_eq!(code(&limited).as_deref(), Some("rate_limited"));
    // Without a guess there is nothing to count.
    test.say(join(None));
    test.answer(Answer::Joined(Joined::WrongPassword));
    assert_eq!(test.doors.guesses.get(), 4);
    test.doors.guesses.set(2);
    test.say(join(Some(Hash([1; 32]))));
    test.answer(Answer::Joined(Joined::RoomFull));
    assert_eq!(test.doors.guesses.get(), 0);
}

#[test]
fn who_comes_and_goes_without_end_is_read_slower() {
    let mut test = Test::new();
    let burst = Limits::default().room_changes_burst;
    let mut paused = 0;
    for _ in 0..burst + 3 {
        let effects = test.say(join(None));
        paused += effects.iter().filter(|effect| matches!(effect, Effect::Pause(_))).count();
        test.answer(Answer::Joined(Joined::Already(Box::new(head()))));
    }
    assert_eq!(paused, 3);
}

#[test]
fn only_the_account_itself_leaves_in_its_name() {
    let mut test = Test::new();
    let user: Handle = "alice".parse().unwrap();
    let said = RoomLeave { room: tea(), incarnation: Incarnation([1; 16]), number: 7, user, at: 0 };
    let right = leave(&said, &test.known.device, &test.known.chain);
    let asked = test.say(right);
    let [Effect::Ask(Job::Leave(leaving))] = asked.as_slice() else { panic!("not asked") };
    assert_eq!((&leaving.room, leaving.incarnation, leaving.number), (&said.room, said.incarnation, 7));
    let effects = test.answer(Answer::Left(None));
    assert_eq!(code(&effects).as_deref(), Some("not_found"));

    // In somebody else's name, by a device of this account.
    let other = RoomLeave { user: "mallory".parse().unwrap(), ..said.clone() };
    let wrong = leave(&other, &test.known.device, &test.known.chain);
    assert_eq!(code(&test.say(wrong)).as_deref(), Some("forbidden"));
    // By somebody else's device, kept from somewhere.
    let (identity, device) = (IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
    let account = identity.account_certificate(&said.user).unwrap();
    let chain = Chain { device: identity.issue_device(&said.user, &device).unwrap(), account };
    let wrong = leave(&said, &device, &chain);
    let effects = test.say(wrong);
    assert_eq!(code(&effects).as_deref(), Some("bad_signature"));
    assert!(closes(&effects));
    // By a device of the account that is not listed.
    let mut test = Test::new();
    let unlisted = DeviceKey::generate().unwrap();
    let certificate = test.known.identity.issue_device(&said.user, &unlisted).unwrap();
    let chain = Chain { device: certificate, account: test.known.chain.account.clone() };
    let wrong = leave(&said, &unlisted, &chain);
    assert_eq!(code(&test.say(wrong)).as_deref(), Some("bad_signature"));
    // By one that is listed by now: the list is kept up to date.
    let mut test = Test::new();
    let certificate = test.known.identity.issue_device(&said.user, &unlisted).unwrap();
    let chain = Chain { device: certificate, account: test.known.chain.account.clone() };
    let list = DeviceList { number: 2, devices: vec![unlisted.id()], issued_at: 0, removed: Vec::new() };
    let signed = Arc::new(IdentityStatement::sign(DEVICE_LIST, &list, &test.known.identity).unwrap());
    test.known.state.on_devices(list.devices, signed);
    let right = leave(&said, &unlisted, &chain);
    assert!(matches!(test.say(right).as_slice(), [Effect::Ask(Job::Leave(_))]));
    // And the one that is not listed any more may sign nothing, not even over its own connection.
    test.answer(Answer::Left(None));
    let wrong = leave(&said, &test.known.device, &test.known.chain);
    assert_eq!(code(&test.say(wrong)).as_deref(), Some("bad_signature"));
}

#[test]
fn what_only_the_owner_may_is_refused_to_others() {
    let mut test = Test::new();
    let remove = || ToServer::RemoveMember(RemoveMember { seq: 5, room: tea(), user: "bob".parse().unwrap() });
    let lock = || ToServer::SetRoomPassword(SetRoomPassword { seq: 5, room: tea(), proof: None });
    for (answer, expected) in [(ByOwner::Forbidden, "forbidden"), (ByOwner::NotFound, "not_found")] {
        test.say(remove());
        assert_eq!(code(&test.answer(Answer::Removed(answer))).as_deref(), Some(expected));
    }
    for (answer, expected) in [(ByOwner::Forbidden, "forbidden"), (ByOwner::NotFound, "not_found")] {
        test.say(lock());
        assert_eq!(code(&test.answer(Answer::RoomPasswordSet(answer))).as_deref(), Some(expected));
    }
    test.say(remove());
    let effects = test.answer(Answer::Removed(ByOwner::Done(Box::new(change()))));
    assert!(matches!(effects.as_slice(), [Effect::Log(_), Effect::Tell(Note::QuitRoom { seq: 5, .. })]));
    test.say(lock());
    let effects = test.answer(Answer::RoomPasswordSet(ByOwner::Done(Box::new(head()))));
    assert!(matches!(effects.as_slice(), [Effect::Log(_), Effect::Tell(Note::LockRoom { seq: 5, .. })]));
}

fn part(number: u64, part: u8, parts: u8, size: usize) -> ToServer {
    ToServer::PutRoster(PutRoster {
        seq: u32::from(part),
        number,
        part,
        parts,
        sealed: ByteBuf::from(vec![part; size]),
    })
}

#[test]
fn a_roster_is_put_when_all_its_parts_are_there() {
    let mut test = Test::new();
    assert!(matches!(answers(&test.say(part(1, 0, 2, 3)))[..], [FromServer::Done(_)]));
    let asked = test.say(part(1, 1, 2, 3));
    let [Effect::Ask(Job::PutRoster(AccountId(1), roster))] = asked.as_slice() else { panic!("not asked") };
    assert_eq!(*roster, RosterRow { number: 1, parts: vec![vec![0; 3], vec![1; 3]] });
    assert_eq!(code(&test.answer(Answer::RosterPut(false))).as_deref(), Some("conflict"));
    test.say(part(2, 0, 1, ROSTER_PART));
    let effects = test.answer(Answer::RosterPut(true));
    let told = effects.iter().any(|effect| matches!(effect, Effect::Tell(Note::RosterPut { number: 2, .. })));
    assert!(told && matches!(answers(&effects)[..], [FromServer::Done(_)]));
}

#[test]
fn parts_that_are_too_large_too_many_or_out_of_order_are_refused_and_nothing_is_held() {
    let wrong: [&[ToServer]; 9] = [
        &[part(1, 0, 1, ROSTER_PART + 1)],
        &[part(1, 0, ROSTER_PARTS + 1, 1)],
        &[part(1, 0, 0, 1)],
        &[part(0, 0, 1, 1)],
        &[part(1, 1, 2, 1)],
        &[part(1, 0, 3, 1), part(1, 2, 3, 1)],
        &[part(1, 0, 3, 1), part(2, 1, 3, 1)],
        &[part(1, 0, 3, 1), part(1, 1, 2, 1)],
        // A refused part ends what was begun.
        &[part(1, 0, 2, 1), part(1, 1, 2, ROSTER_PART + 1), part(1, 1, 2, 1)],
    ];
    for frames in wrong {
        let mut test = Test::new();
        let mut last = Vec::new();
        for frame in frames {
            last = test.say(frame.clone());
        }
        assert_eq!(code(&last).as_deref(), Some("forbidden"), "{:?}", frames.len());
        assert!(!closes(&last));
    }
}

#[test]
fn a_roster_is_read_part_by_part() {
    let mut test = Test::new();
    let get = || ToServer::GetRoster(GetRoster { seq: 9 });
    test.say(get());
    let effects = test.answer(Answer::Roster(RosterRow::default()));
    assert!(matches!(answers(&effects)[..], [FromServer::Roster(Roster { seq: 9, number: 0, parts: 0, .. })]));
    test.say(get());
    let parts = vec![vec![7; ROSTER_PART]; usize::from(ROSTER_PARTS)];
    let effects = test.answer(Answer::Roster(RosterRow { number: 4, parts }));
    let [Effect::SendInTurn(frames)] = effects.as_slice() else { panic!("not sent in turn") };
    assert_eq!(frames.len(), usize::from(ROSTER_PARTS));
    for (n, frame) in (0..).zip(frames) {
        let FromServer::Roster(roster) = frame else { panic!("{frame:?}") };
        assert_eq!((roster.seq, roster.number, roster.part, roster.parts), (9, 4, n, ROSTER_PARTS));
        assert!(hobnob_shared::codec::encode(frame, FRAME).is_ok());
    }
}
