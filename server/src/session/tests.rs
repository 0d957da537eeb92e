//! A connection's decisions without a socket: order of frames, silence, speed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use hobnob_shared::codec::Decoded;
use hobnob_shared::id::{Handle, RoomId};
use hobnob_shared::identity::{Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityKey, IdentityStatement};
use hobnob_shared::message::{
    AboutUser, ChangePasswordFinish, ChangePasswordStart, EnrolDevice, FromServer, GetRoster, Hello, OwnPresence,
    Pulse, SetDevices, SetPresence, SignInFinish, SignInStart, SignUpStart, ToServer,
};
use hobnob_shared::password::{self, ServerSetup};
use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::job::{Answer, Job};
use super::note::Note;
use super::state::{Effect, State};
use crate::config::Limits;
use crate::registry::SessionId;
use crate::services::Doorkeeper;
use crate::store::{Account, AccountId};

/// Lets everybody in, and counts the guesses.
pub(super) struct Doors {
    pub(super) setup: ServerSetup,
    pub(super) guesses: Cell<u32>,
}

impl Doors {
    pub(super) fn new() -> Self {
        Self { setup: ServerSetup::generate(), guesses: Cell::new(0) }
    }
}

impl Doorkeeper for Doors {
    fn guess(&self, _: &Handle, _: IpAddr, _: Instant) -> Result<(), Duration> {
        self.guesses.set(self.guesses.get() + 1);
        Ok(())
    }
    fn guessed(&self, _: &Handle, _: IpAddr) {
        self.guesses.set(0);
    }
    fn guess_room(&self, _: &RoomId, _: &Handle, _: IpAddr, _: Instant) -> Result<(), Duration> {
        self.guesses.set(self.guesses.get() + 1);
        if self.guesses.get() > 3 { Err(Duration::from_secs(1)) } else { Ok(()) }
    }
    fn guessed_room(&self, _: &RoomId, _: &Handle) {
        self.guesses.set(0);
    }
    fn sign_up(&self, _: IpAddr, _: Instant) -> Result<(), Duration> {
        Ok(())
    }
    fn setup(&self) -> &ServerSetup {
        &self.setup
    }
}

pub(super) fn peer() -> std::net::SocketAddr {
    "192.0.2.1:50000".parse().unwrap()
}

pub(super) fn stranger(now: Instant) -> State {
    State::enrolment(SessionId(1), peer(), [7; 32], &Limits::default(), now)
}

pub(super) fn hello() -> ToServer {
    ToServer::Hello(Hello {
        software: "test\u{1b}[31m".into(),
        abilities: hobnob_shared::abilities::Abilities::ours(),
        instance: hobnob_shared::id::InstanceId::random(),
        port: 5000,
        addresses: Vec::new(),
        presence: OwnPresence::Available,
        text: String::new(),
    })
}

pub(super) fn answers(effects: &[Effect]) -> Vec<&FromServer> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send(frame) => Some(frame.as_ref()),
        _ => None,
    });
    sent.collect()
}

pub(super) fn closes(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Close(_)))
}

/// A device that is signed in, and the keys behind it.
pub(super) struct Known {
    pub(super) state: State,
    pub(super) identity: IdentityKey,
    pub(super) device: DeviceKey,
    pub(super) chain: Chain,
}

pub(super) fn known(limits: &Limits, doors: &Doors, now: Instant) -> Known {
    let (user, identity, device): (Handle, _, _) =
        ("alice".parse().unwrap(), IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
    let account = identity.account_certificate(&user).unwrap();
    let chain = Chain { device: identity.issue_device(&user, &device).unwrap(), account };
    let verified = chain.verify().unwrap();
    let list = DeviceList { number: 1, devices: vec![device.id()], issued_at: 0, removed: Vec::new() };
    let signed = IdentityStatement::sign(DEVICE_LIST, &list, &identity).unwrap();
    let device_list = hobnob_shared::codec::to_cbor(&signed).unwrap();

    let mut state = State::device(SessionId(1), peer(), (chain.clone(), verified), limits, now);
    let asked = state.on_frame(Decoded::Known(hello()), 0, doors, now);
    assert!(matches!(asked.as_slice(), [Effect::Ask(Job::Account(_))]));
    let account = Account { id: AccountId(1), user, device_list, device_known: true };
    let welcome = state.on_answer(Answer::Account(Some(Box::new(account))), doors);
    let [Effect::Admit, Effect::Log(line), Effect::Tell(Note::Arrive(arrival))] = welcome.as_slice() else {
        panic!("a device that is known is admitted")
    };
    assert!(!line.contains('\u{1b}'), "{line:?}");
    assert_eq!((arrival.place.seen, arrival.place.port), (peer().ip(), 5000));
    Known { state, identity, device, chain }
}

fn member(limits: &Limits, doors: &Doors, now: Instant) -> State {
    known(limits, doors, now).state
}

#[test]
fn silence_is_pinged_after_20_seconds_and_ends_after_45() {
    let (doors, start) = (Doors::new(), Instant::now());
    let mut state = member(&Limits::default(), &doors, start);
    let after = |seconds| start + Duration::from_secs(seconds);
    let (effects, again) = state.on_tick(after(1));
    assert!(effects.is_empty());
    assert_eq!(again, Some(after(20)));
    let (effects, again) = state.on_tick(after(20));
    assert!(matches!(answers(&effects).as_slice(), [FromServer::Ping(Pulse { n: 1 })]));
    assert_eq!(again, Some(after(40)));
    let (effects, _) = state.on_tick(after(46));
    assert!(closes(&effects));
    // A pong is a sign of life.
    let mut state = member(&Limits::default(), &doors, start);
    state.on_tick(after(20));
    state.on_frame(Decoded::Known(ToServer::Pong(Pulse { n: 1 })), 0, &doors, after(21));
    let (effects, _) = state.on_tick(after(46));
    assert!(!closes(&effects));
}

#[test]
fn who_sends_too_much_is_read_slower_and_answered_all_the_same() {
    let limits = Limits { frames_burst: 3, frames_per_second: 10, ..Limits::default() };
    let (doors, now) = (Doors::new(), Instant::now());
    let ping = || Decoded::Known(ToServer::Ping(Pulse { n: 1 }));
    let mut state = member(&limits, &doors, now);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let effects = state.on_frame(ping(), 10, &doors, now);
        assert_eq!(answers(&effects).len(), 1);
        pauses.extend(effects.iter().filter_map(|effect| match effect {
            Effect::Pause(wait) => Some(wait.as_millis()),
            _ => None,
        }));
    }
    // The hello was the first of the burst.
    assert_eq!(pauses, [100, 200, 300]);

    let limits = Limits { bytes_burst: 1000, bytes_per_second: 1000, ..Limits::default() };
    let mut state = member(&limits, &doors, now);
    let effects = state.on_frame(ping(), 3000, &doors, now);
    assert!(effects.iter().any(|e| matches!(e, Effect::Pause(wait) if wait.as_secs() == 2)));
}

#[test]
fn only_who_has_not_signed_in_has_a_deadline() {
    let (doors, now) = (Doors::new(), Instant::now());
    assert!(closes(&stranger(now).on_deadline()));
    assert!(member(&Limits::default(), &doors, now).on_deadline().is_empty());
}

#[test]
fn an_unknown_kind_is_answered_and_the_connection_goes_on() {
    let (doors, now) = (Doors::new(), Instant::now());
    let mut state = member(&Limits::default(), &doors, now);
    let effects = state.on_frame(Decoded::Unknown { kind: "teleport".into() }, 0, &doors, now);
    assert!(matches!(answers(&effects).as_slice(), [FromServer::Failed(_)]));
    assert!(!closes(&effects));
}

#[test]
fn a_status_text_has_140_characters() {
    let (doors, now) = (Doors::new(), Instant::now());
    let mut state = member(&Limits::default(), &doors, now);
    let mut set = |text: String| {
        let frame = ToServer::SetPresence(SetPresence { seq: 1, presence: OwnPresence::Away, text });
        state.on_frame(Decoded::Known(frame), 0, &doors, now)
    };
    assert!(matches!(set("é".repeat(140)).as_slice(), [Effect::Tell(Note::SetPresence { .. })]));
    assert!(matches!(answers(&set("é".repeat(141))).as_slice(), [FromServer::Failed(_)]));
}

#[test]
fn an_unknown_name_is_answered_like_a_known_one() {
    let (doors, now) = (Doors::new(), Instant::now());
    let user: Handle = "nobody".parse().unwrap();
    let mut state = stranger(now);
    let (login, request) = password::login_start("whatever").unwrap();
    let start = SignInStart { user: user.clone(), request: ByteBuf::from(request) };
    let effects = state.on_frame(Decoded::Known(ToServer::SignInStart(start)), 0, &doors, now);
    assert!(matches!(effects.as_slice(), [Effect::Ask(Job::Locked(_))]));
    let effects = state.on_answer(Answer::Locked(None), &doors);
    let sent = answers(&effects);
    let [FromServer::SignInReply(reply)] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(password::login_finish(login, "whatever", &user, &reply.response).is_err());
    assert_eq!(doors.guesses.get(), 1, "the reply alone lets a client test a password");
    let finish = SignInFinish { finalization: ByteBuf::from(vec![0; 64]) };
    let effects = state.on_frame(Decoded::Known(ToServer::SignInFinish(finish)), 0, &doors, now);
    let sent = answers(&effects);
    assert!(matches!(sent.as_slice(), [FromServer::Failed(failed)] if failed.code.name() == "wrong_password"));
    assert_eq!(doors.guesses.get(), 1);
}

fn any_frame() -> impl Strategy<Value = ToServer> {
    let user: Handle = "alice".parse().unwrap();
    let bytes = proptest::collection::vec(any::<u8>(), 0..200).prop_map(ByteBuf::from);
    let (one, two, three) = (user.clone(), user.clone(), user);
    prop_oneof![
        bytes.clone().prop_map(move |request| ToServer::SignUpStart(SignUpStart { user: one.clone(), request })),
        bytes.clone().prop_map(move |request| ToServer::SignInStart(SignInStart { user: two.clone(), request })),
        bytes.clone().prop_map(|finalization| ToServer::SignInFinish(SignInFinish { finalization })),
        bytes.clone().prop_map(|request| ToServer::ChangePasswordStart(ChangePasswordStart { request })),
        (bytes.clone(), bytes.clone()).prop_map(|(upload, identity_proof)| {
            let finish = ChangePasswordFinish { upload: upload.clone(), sealed: upload, identity_proof };
            ToServer::ChangePasswordFinish(Box::new(finish))
        }),
        (bytes.clone(), bytes.clone()).prop_map(|(body, identity_proof)| {
            let device_list = IdentityStatement { body: body.to_vec(), signature: identity_proof.to_vec() };
            ToServer::SetDevices(Box::new(SetDevices { device_list, identity_proof }))
        }),
        any::<u32>().prop_map(|seq| ToServer::GetRoster(GetRoster { seq })),
        (bytes.clone(), bytes).prop_map(|(certificate, proof)| {
            let device_list = IdentityStatement { body: proof.to_vec(), signature: certificate.to_vec() };
            ToServer::EnrolDevice(Box::new(EnrolDevice {
                device_certificate: certificate,
                device_list,
                identity_proof: proof.clone(),
                device_proof: proof,
            }))
        }),
        any::<u32>().prop_map(move |seq| ToServer::Introduce(AboutUser { seq, user: three.clone() })),
        Just(hello()),
    ]
}

proptest! {
    /// Whatever a stranger sends in whatever order, nothing is stored in anybody's name, and nobody is let in.
    #[test]
    fn nobody_gets_in_without_proof(frames in proptest::collection::vec((any_frame(), any::<bool>()), 1..12)) {
        let (doors, now) = (Doors::new(), Instant::now());
        let mut state = stranger(now);
        for (frame, free) in frames {
            let effects = state.on_frame(Decoded::Known(frame), 100, &doors, now);
            for effect in effects {
                let answer = match effect {
                    Effect::Ask(Job::HandleFree(_)) => Answer::HandleFree(free),
                    Effect::Ask(Job::Locked(_)) => Answer::Locked(None),
                    Effect::Ask(job) => return Err(TestCaseError::fail(format!("{job:?}"))),
                    Effect::Tell(_) | Effect::Admit => return Err(TestCaseError::fail("let in")),
                    _ => continue,
                };
                state.on_answer(answer, &doors);
            }
        }
        prop_assert!(!state.is_member());
    }
}
