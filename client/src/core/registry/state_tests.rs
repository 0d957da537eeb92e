//! What is believed of the friend list, what waits for it, and who is linked, without a server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::core::history::friends::Friend;
use crate::core::links::Up;
use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::FriendEntry;

fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

fn with_friends(names: &[&str]) -> State<u8> {
    let mut state = State::default();
    for name in names {
        state.roster.pin(Friend {
            user: handle(name),
            account: Fingerprint([1; 32]),
            account_certificate: Vec::new(),
            verified: false,
            blocked: false,
            changed_key: None,
            device_list: IdentityStatement { body: Vec::new(), signature: Vec::new() },
            device_list_number: 1,
        });
    }
    state
}

fn page(entries: &[(&str, u8, Presence)], last: bool) -> FriendsPage {
    let friends = entries.iter().map(|(name, key, presence)| FriendEntry {
        user: handle(name),
        account: Fingerprint([*key; 32]),
        presence: *presence,
        text: String::new(),
        last_seen: None,
    });
    FriendsPage { friends: friends.collect(), last }
}

fn linked(state: &mut State<u8>, name: &str) -> Vec<Event> {
    let device = DeviceId([name.as_bytes()[0]; 32]);
    state.links.insert(device, handle(name), 0);
    state.links.set_up(&device, Up { path: LinkPath::Direct, address: None, dialled: true });
    state.link_changed(&handle(name), Some((Presence::Available, "")))
}

#[test]
fn signing_in_waits_for_the_whole_list_and_for_new_friends_keys() {
    let now = Instant::now();
    let mut state = with_friends(&["bob", "dan"]);
    state.welcomed(now);
    let first = state.page(page(&[("bob", 1, Presence::Available), ("cat", 7, Presence::Away)], false));
    assert_eq!(first.unknown, [handle("cat")]);
    assert!(!state.has_arrived(now));
    assert_eq!(state.page(page(&[("eve", 9, Presence::Away)], true)).unknown, [handle("eve")]);
    state.settled(&handle("cat"));
    assert!(!state.has_arrived(now));
    // Keys that never come do not hold it up for ever.
    assert!(state.has_arrived(now + ARRIVAL));
    state.settled(&handle("eve"));
    assert!(state.has_arrived(now));
    assert_eq!(state.arrive(), [handle("dan")]);
    assert_eq!(state.roster.presence(&handle("bob")).0, Presence::Available);
}

#[test]
fn a_listed_key_other_than_the_pinned_one_is_reported() {
    let mut state = with_friends(&["bob"]);
    state.welcomed(Instant::now());
    let outcome = state.page(page(&[("bob", 2, Presence::Available)], true));
    assert_eq!(outcome, PageOutcome { changed: vec![(handle("bob"), Fingerprint([2; 32]))], ..PageOutcome::default() });
}

#[test]
fn what_is_said_of_friends_waits_for_the_sealed_roster() {
    let now = Instant::now();
    let mut state = with_friends(&["bob"]);
    state.welcomed(now);
    let list = FromServer::Friends(page(&[("bob", 1, Presence::Away)], true));
    assert_eq!(state.hold(list.clone()), Some(list.clone()), "nothing to wait for");
    state.await_roster(now);
    assert_eq!(state.hold(list.clone()), None);
    let ping = FromServer::Ping(hobnob_shared::message::Pulse { n: 1 });
    assert_eq!(state.hold(ping.clone()), Some(ping), "not about people");
    assert!(!state.has_arrived(now + ARRIVAL) && !state.is_roster_late(now));
    assert!(state.next_due().is_some_and(|due| state.is_roster_late(due)));
    assert_eq!(state.release(), std::slice::from_ref(&list));
    assert_eq!(state.hold(list.clone()), Some(list));
}

#[test]
fn somebody_remembered_with_another_key_is_told_apart_from_a_stranger() {
    let mut state = with_friends(&[]);
    state.roster.remember_former(vec![(handle("bob"), Fingerprint([1; 32]))]);
    state.welcomed(Instant::now());
    let outcome = state.page(page(&[("bob", 2, Presence::Away), ("cat", 2, Presence::Away)], true));
    assert_eq!(outcome.contradicted, [handle("bob")]);
    assert_eq!(outcome.unknown, [handle("bob"), handle("cat")]);
    // The statements were of the true key all the same.
    state.roster.pin(Friend {
        account: Fingerprint([1; 32]),
        ..with_friends(&["bob"]).roster.pin_mut(&handle("bob")).unwrap().clone()
    });
    assert_eq!(state.listed_otherwise(&handle("bob")), Some(Fingerprint([2; 32])));
    assert_eq!(state.listed_otherwise(&handle("cat")), None);
}

#[test]
fn friends_without_a_link_turn_unknown_when_the_server_goes() {
    let now = Instant::now();
    let mut state = with_friends(&["bob", "cat"]);
    state.welcomed(now);
    state.page(page(&[("bob", 1, Presence::Available), ("cat", 1, Presence::Available)], true));
    state.arrive();
    for name in ["bob", "cat"] {
        state.roster.announce(&handle(name));
    }
    assert!(matches!(linked(&mut state, "bob").as_slice(), [Event::Link { path: LinkPath::Direct, .. }]));
    let events = state.lost_server();
    assert!(
        matches!(events.as_slice(), [Event::Presence { user, presence: Presence::Unknown, .. }] if user.as_str() == "cat"),
        "{events:?}"
    );
}

#[test]
fn links_are_wished_for_friends_who_are_online_and_no_others() {
    let now = Instant::now();
    let (me, bob, cat) = (handle("alice"), handle("bob"), handle("cat"));
    let mut state = with_friends(&["bob", "cat", "dan"]);
    state.reconsider(&me, &bob, true, now);
    assert_eq!(state.policy.len(), 0, "the server is away");

    state.welcomed(now);
    state.page(page(
        &[("bob", 1, Presence::Available), ("cat", 1, Presence::Offline), ("dan", 1, Presence::Busy)],
        true,
    ));
    state.arrive();
    state.roster.pin_mut(&handle("dan")).unwrap().changed_key = Some(Fingerprint([2; 32]));
    for user in state.roster.handles() {
        state.reconsider(&me, &user, true, now);
    }
    assert_eq!(state.policy.poll(now), std::slice::from_ref(&bob));

    linked(&mut state, "bob");
    state.reconsider(&me, &bob, true, now);
    assert_eq!(state.policy.next_due(), None);

    // The invisible do not look for others.
    state.roster.server_says(&cat, Presence::Available, "");
    state.reconsider(&me, &cat, false, now);
    assert_eq!(state.policy.len(), 0);
}

#[test]
fn no_more_links_are_wished_for_than_may_stand() {
    let now = Instant::now();
    let names: Vec<String> = (0..limits::LINKS + 20).map(|n| format!("friend{n}")).collect();
    let mut state = with_friends(&names.iter().map(String::as_str).collect::<Vec<_>>());
    state.welcomed(now);
    let entries: Vec<_> = names.iter().map(|name| (name.as_str(), 1, Presence::Available)).collect();
    state.page(page(&entries, true));
    state.arrive();
    for user in state.roster.handles() {
        state.reconsider(&handle("alice"), &user, true, now);
    }
    assert_eq!(state.policy.len(), limits::LINKS);
}
