//! When the sealed roster is read and written, played against a server that keeps one, and against one that lies.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::core::history::friends::Friend;
use hobnob_shared::identity::IdentityStatement;
use proptest::prelude::*;
use zeroize::Zeroizing;

type RosterKey = Zeroizing<[u8; 32]>;

fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

fn key(n: u8) -> Fingerprint {
    Fingerprint([n; 32])
}

fn roster_key() -> RosterKey {
    Zeroizing::new([9; 32])
}

fn friend(name: &str, n: u8) -> Friend {
    Friend {
        user: handle(name),
        account: key(n),
        account_certificate: Vec::new(),
        verified: false,
        blocked: false,
        changed_key: None,
        device_list: IdentityStatement { body: Vec::new(), signature: Vec::new() },
        device_list_number: 1,
    }
}

/// A device: what it knows, and what is pinned and blocked on it.
#[derive(Default)]
struct Device {
    sync: RosterSync,
    roster: Roster,
    blocked: BTreeSet<Handle>,
    /// About whom own words came from another device.
    news: Vec<Handle>,
    clock: u64,
}

/// What a server keeps: a number and parts.
#[derive(Default, Clone)]
struct Server {
    number: u64,
    parts: Vec<Vec<u8>>,
}

impl Server {
    fn pages(&self, seq: Seq) -> Vec<message::Roster> {
        let page = |part: usize, parts: usize, sealed: Vec<u8>| message::Roster {
            seq,
            number: self.number,
            part: u8::try_from(part).unwrap(),
            parts: u8::try_from(parts).unwrap(),
            sealed: ByteBuf::from(sealed),
        };
        if self.parts.is_empty() {
            return vec![page(0, 0, Vec::new())];
        }
        self.parts.iter().enumerate().map(|(n, part)| page(n, self.parts.len(), part.clone())).collect()
    }
}

impl Device {
    /// Gets the server's roster and applies it; false if it was not used.
    fn get(&mut self, server: &Server) -> bool {
        let now = Instant::now();
        self.sync.asked(7);
        let mut whole = None;
        for page in server.pages(7) {
            match self.sync.part(&page) {
                Ok(found) => whole = found,
                Err(_) => return false,
            }
        }
        let (number, sealed) = whole.unwrap();
        if self.sync.is_old(number) {
            return false;
        }
        let Ok(theirs) = Contents::open(&roster_key(), number, &sealed) else {
            self.sync.unusable();
            return false;
        };
        self.clock += 1;
        for change in self.sync.got(number, &theirs, &self.roster, &self.blocked, (now, self.clock)) {
            match change {
                Change::Block(user, true) => drop(self.blocked.insert(user)),
                Change::Block(user, false) => drop(self.blocked.remove(&user)),
                Change::Verified(user) => self.roster.pin_mut(&user).unwrap().verified = true,
                Change::Stop(user, other) => self.roster.pin_mut(&user).unwrap().changed_key = Some(other),
                Change::Restore(user) => self.roster.pin_mut(&user).unwrap().changed_key = None,
                Change::Words(user) => self.news.push(user),
                Change::Remember(user, known) => self.roster.remember_former(vec![(user, known)]),
            }
        }
        true
    }

    /// Looks, gets and puts until nothing is left to do.
    fn settle(&mut self, server: &mut Server) {
        for _ in 0..10 {
            self.clock += 1;
            self.sync.observe(&self.roster, &self.blocked, self.clock);
            if self.sync.wants_get() && !self.get(server) {
                return;
            }
            let Some((round, number, contents)) = self.sync.begin_put() else { return };
            let parts = contents.seal(&roster_key(), number).unwrap();
            assert!(self.sync.sealed(round, parts.clone()));
            loop {
                let part = self.sync.next_part(3).unwrap();
                assert_eq!(part.sealed.as_slice(), parts[usize::from(part.part)]);
                if part.number != server.number + 1 {
                    self.sync.put_failed(Some(&WireCode::Conflict), Instant::now());
                    break;
                }
                match self.sync.part_done(Instant::now()) {
                    Progress::Next => {}
                    Progress::Finished => {
                        *server = Server { number, parts: parts.clone() };
                        break;
                    }
                    Progress::Stale => panic!("a put that nobody began"),
                }
            }
        }
        panic!("it never comes to rest");
    }

    fn sign_in(&mut self, server: &mut Server) {
        if self.sync.welcomed(server.number) {
            self.get(server);
        }
        self.settle(server);
    }
}

#[test]
fn a_new_device_knows_whom_the_old_one_knew() {
    let mut server = Server::default();
    let mut old = Device::default();
    old.roster.pin(Friend { verified: true, ..friend("bob", 1) });
    old.roster.pin(friend("gone", 2));
    old.roster.remove(&handle("gone"));
    old.blocked.insert(handle("eve"));
    old.sign_in(&mut server);
    assert_eq!((server.number, old.sync.kept().number, old.sync.kept().unsaved), (1, 1, false));

    let mut new = Device::default();
    assert!(new.sync.welcomed(server.number), "before the friend list is judged");
    new.sign_in(&mut server);
    assert_eq!(new.blocked, old.blocked);
    assert!(new.roster.had_another_key(&handle("bob"), key(7)), "a false key is held against the roster");
    assert!(!new.roster.had_another_key(&handle("bob"), key(1)));
    assert!(new.roster.had_another_key(&handle("gone"), key(7)));
    assert!(new.sync.contents().is_verified(&handle("bob"), key(1)));
    assert_eq!(server.number, 1, "there was nothing to add");
}

#[test]
fn a_nickname_reaches_the_other_device_and_is_news_there_once() {
    let mut server = Server::default();
    let (mut one, mut other) = (Device::default(), Device::default());
    one.roster.pin(friend("bob", 1));
    other.roster.pin(friend("bob", 1));
    one.sign_in(&mut server);
    other.sign_in(&mut server);
    assert_eq!(one.sync.write(&handle("bob"), Words::Nickname, "Bobby", 9), Some(true));
    one.settle(&mut server);
    assert!(other.sync.changed_elsewhere(server.number));
    other.settle(&mut server);
    assert_eq!((other.news.as_slice(), one.news.len()), ([handle("bob")].as_slice(), 0));
    assert_eq!(other.sync.contents().words(&handle("bob"), Words::Nickname), "Bobby");
    other.sign_in(&mut server);
    assert_eq!(other.news.len(), 1);
    // Who is no friend here is nobody to tell of.
    let mut new = Device::default();
    new.sign_in(&mut server);
    assert!(new.news.is_empty());
    assert_eq!(new.sync.contents().words(&handle("bob"), Words::Nickname), "Bobby");
}

#[test]
fn two_devices_at_once_lose_nothing() {
    let mut server = Server::default();
    let (mut one, mut other) = (Device::default(), Device::default());
    one.sign_in(&mut server);
    other.sign_in(&mut server);
    one.roster.pin(friend("bob", 1));
    other.roster.pin(friend("cat", 2));
    other.blocked.insert(handle("eve"));
    one.settle(&mut server);
    // It has not heard of the first one's roster: conflict, get, join, put.
    other.settle(&mut server);
    assert_eq!(server.number, 2);
    assert!(one.sync.changed_elsewhere(2));
    one.settle(&mut server);
    assert_eq!(one.sync.contents(), other.sync.contents());
    assert!(one.blocked.contains(&handle("eve")) && one.roster.is_former(&handle("cat")));
}

#[test]
fn a_friend_whom_another_device_knows_by_another_key_is_stopped_until_a_person_decides() {
    let mut server = Server::default();
    let (mut one, mut other) = (Device::default(), Device::default());
    one.sign_in(&mut server);
    other.sign_in(&mut server);
    one.roster.pin(friend("bob", 1));
    other.roster.pin(friend("bob", 2));
    one.settle(&mut server);
    other.settle(&mut server);
    one.sync.changed_elsewhere(server.number);
    one.settle(&mut server);
    for (device, pin, seen) in [(&one, 1, 2), (&other, 2, 1)] {
        let bob = &device.roster.get(&handle("bob")).unwrap().pin;
        assert_eq!(
            (bob.account, bob.changed_key),
            (key(pin), Some(key(seen))),
            "the local pin stays, and nothing is sent"
        );
    }
    // The other device accepts the key that the first one has.
    other.sync.decide(&handle("bob"), key(1), 50);
    *other.roster.pin_mut(&handle("bob")).unwrap() = friend("bob", 1);
    other.settle(&mut server);
    one.sync.changed_elsewhere(server.number);
    one.settle(&mut server);
    assert!(!one.roster.get(&handle("bob")).unwrap().is_stopped());
    assert_eq!(one.sync.contents(), other.sync.contents());
}

#[test]
fn a_key_that_was_accepted_on_one_device_is_a_hard_stop_on_the_others() {
    let mut server = Server::default();
    let (mut one, mut other) = (Device::default(), Device::default());
    one.roster.pin(friend("bob", 1));
    other.roster.pin(friend("bob", 1));
    one.sign_in(&mut server);
    other.sign_in(&mut server);
    one.sync.decide(&handle("bob"), key(2), 50);
    *one.roster.pin_mut(&handle("bob")).unwrap() = friend("bob", 2);
    one.settle(&mut server);
    other.sync.changed_elsewhere(server.number);
    other.settle(&mut server);
    assert!(other.roster.get(&handle("bob")).unwrap().is_stopped());
    one.sync.changed_elsewhere(server.number);
    one.settle(&mut server);
    assert!(!one.roster.get(&handle("bob")).unwrap().is_stopped(), "what was decided there is not asked again");
}

#[test]
fn a_server_that_goes_back_is_not_believed() {
    let mut server = Server::default();
    let mut device = Device::default();
    device.roster.pin(friend("bob", 1));
    device.sign_in(&mut server);
    let early = server.clone();
    device.blocked.insert(handle("eve"));
    device.settle(&mut server);
    assert_eq!(server.number, 2);

    for mut older in [early.clone(), Server::default()] {
        assert!(!device.sync.welcomed(older.number));
        let before = older.number;
        device.roster.pin(friend("cat", 3));
        device.settle(&mut older);
        assert_eq!(
            (device.sync.kept().number, older.number),
            (2, before),
            "neither goes back, nor is anything put on top"
        );
        assert!(device.blocked.contains(&handle("eve")));
    }
    // The early one under a newer number does not open, and nothing of it is used.
    let forged = Server { number: 3, ..early };
    assert!(device.sync.welcomed(3));
    assert!(!device.get(&forged));
    assert_eq!(device.sync.kept().number, 2);
    assert!(device.sync.begin_put().is_none(), "nor is the server asked again and again");
    // The true one is as good as ever.
    device.sign_in(&mut server);
    assert_eq!((device.sync.kept().number, server.number), (3, 3));
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let sealed = |n: usize| ByteBuf::from(vec![0; n]);
    let page = |number, part, parts, n| message::Roster { seq: 7, number, part, parts, sealed: sealed(n) };
    let bad = [
        page(1, 1, 2, 3),
        page(1, 0, limits::ROSTER_PARTS + 1, 3),
        page(1, 0, 2, limits::ROSTER_PART + 1),
        page(0, 0, 2, 3),
        page(1, 0, 0, 0),
    ];
    for part in bad {
        let mut sync = RosterSync::default();
        assert!(sync.part(&part).is_err(), "nobody asked");
        sync.asked(7);
        assert!(sync.part(&part).is_err(), "{part:?}");
    }
    let mut sync = RosterSync::default();
    sync.asked(7);
    assert_eq!(sync.part(&page(1, 0, 2, 3)), Ok(None));
    assert!(sync.part(&page(2, 1, 2, 3)).is_err(), "of another number");
}

#[test]
fn what_happens_together_is_put_together_and_soon() {
    let now = Instant::now();
    let mut sync = RosterSync::default();
    sync.touch(now);
    let due = sync.next_due().unwrap();
    sync.touch(now + DEBOUNCE / 2);
    assert_eq!(sync.next_due(), Some(due), "a busy person does not put it off for ever");
    assert!(!sync.is_due(now) && sync.is_due(due) && !sync.is_due(due));
}

#[test]
fn a_connection_that_breaks_in_the_middle_leaves_it_to_the_next_one() {
    let mut server = Server::default();
    let mut device = Device::default();
    device.roster.pin(friend("bob", 1));
    device.sync.observe(&device.roster, &device.blocked, 1);
    let (stale, number, contents) = device.sync.begin_put().unwrap();
    let parts = contents.seal(&roster_key(), number).unwrap();
    device.sync.lost();
    assert!(!device.sync.sealed(stale, parts.clone()), "sealed too late");
    assert_eq!(device.sync.part_done(Instant::now()), Progress::Stale);
    let (round, ..) = device.sync.begin_put().unwrap();
    assert!(!device.sync.sealed(stale, parts) && round != stale);
    device.sync.lost();
    device.sign_in(&mut server);
    assert_eq!((server.number, device.sync.kept().unsaved), (1, false));
}

#[derive(Debug, Clone)]
enum Step {
    Pin(usize, u8),
    Block(usize, u8, bool),
    Verify(usize),
    Meet(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize, 0..4_u8).prop_map(|(device, who)| Step::Pin(device, who)),
        (0..3_usize, 0..4_u8, any::<bool>()).prop_map(|(device, who, on)| Step::Block(device, who, on)),
        (0..3_usize).prop_map(Step::Verify),
        (0..3_usize).prop_map(Step::Meet),
    ]
}

proptest! {
    /// Three devices do what people do, and meet the server now and then. In the end all know the same, and it is what they did.
    #[test]
    fn devices_come_to_agree(steps in prop::collection::vec(step(), 0..40)) {
        let name = |n: u8| handle(["ann", "bob", "cat", "eve"][usize::from(n)]);
        let mut server = Server::default();
        let mut devices: Vec<Device> = (0..3).map(|_| Device::default()).collect();
        for step in steps {
            match step {
                Step::Pin(device, who) => {
                    if devices[device].roster.get(&name(who)).is_none() {
                        devices[device].roster.pin(friend(name(who).as_str(), 1));
                    }
                }
                Step::Block(device, who, true) => drop(devices[device].blocked.insert(name(who))),
                Step::Block(device, who, false) => drop(devices[device].blocked.remove(&name(who))),
                Step::Verify(device) => {
                    if let Some(pin) = devices[device].roster.pin_mut(&name(1)) {
                        pin.verified = true;
                    }
                }
                Step::Meet(device) => devices[device].sign_in(&mut server),
            }
        }
        for _ in 0..2 {
            for device in &mut devices {
                device.sign_in(&mut server);
            }
        }
        for device in &devices[1..] {
            prop_assert_eq!(device.sync.contents(), devices[0].sync.contents());
            prop_assert_eq!(&device.blocked, &devices[0].blocked);
        }
        let bob = name(1);
        let verified = devices.iter().any(|device| device.roster.get(&bob).is_some_and(|person| person.pin.verified));
        for device in &devices {
            prop_assert!(device.roster.people().all(|(_, person)| !person.is_stopped()));
            prop_assert_eq!(device.sync.contents().is_verified(&bob, key(1)), verified);
        }
    }
}
