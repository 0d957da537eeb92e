//! The registry's decisions about an account's own devices, without an actor: who is told of a new list, who has to go, who finds whom.

use hobnob_shared::error::WireCode;
use hobnob_shared::id::DeviceId;
use hobnob_shared::message::{FromServer, OwnPresence};

use super::message::DevicesChanged;
use super::state::{Effect, SessionId};
use super::world::{Mail, World, frames, introductions, list, refusal, user};
use crate::config::Limits;
use crate::store::AccountId;

const HERE: OwnPresence = OwnPresence::Available;

fn news(n: i64, number: u64, devices: &[u8], audience: &[i64]) -> DevicesChanged {
    DevicesChanged {
        account: AccountId(n),
        user: user(n),
        number,
        devices: devices.iter().map(|device| DeviceId([*device; 32])).collect(),
        device_list: list(),
        audience: audience.iter().copied().map(AccountId).collect(),
    }
}

fn hears(mail: &Mail, session: u64) -> usize {
    frames(mail, session).iter().filter(|frame| matches!(frame, FromServer::DevicesChanged(_))).count()
}

#[test]
fn a_removed_device_has_to_go_and_everybody_concerned_hears_of_the_new_list() {
    let mut world = World::new(Limits::default(), &[(0, 1)]);
    for (n, session) in [(0, 1), (0, 2), (1, 11), (2, 21), (3, 31)] {
        world.arrive(n, session, HERE);
    }
    let effects = world.state.devices_changed(news(0, 2, &[1], &[1, 2, 4]));
    let mail = world.run(effects);
    assert_eq!(refusal(&mail, 2), Some(WireCode::DeviceRemoved));
    assert_eq!([1, 11, 21, 31, 2].map(|session| hears(&mail, session)), [1, 1, 1, 0, 0]);
    assert_eq!(world.refreshed, [SessionId(1)], "what it may sign is checked against the new list");
    // An older list that is told late changes nothing.
    let effects = world.state.devices_changed(news(0, 1, &[], &[1]));
    assert!(effects.is_empty());
    // Nobody of the account is here: the others hear of it all the same.
    world.leave(1);
    let effects = world.state.devices_changed(news(0, 3, &[], &[1]));
    assert_eq!(hears(&world.run(effects), 11), 1);
}

#[test]
fn a_device_that_is_removed_while_it_arrives_is_not_let_in() {
    let mut world = World::new(Limits::default(), &[]);
    let effects = world.state.arrive(World::arrival(0, 1, 1, HERE));
    let [Effect::Load { version, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let listed = world.circle(0, DeviceId([1; 32]));
    world.state.devices_changed(news(0, 2, &[2], &[]));
    let again = world.state.loaded(SessionId(1), *version, Some(Box::new(listed)), 0);
    assert!(matches!(again.as_slice(), [Effect::Load { .. }]), "{again:?}");
    world.removed.push(1);
    assert_eq!(refusal(&world.run(again), 1), Some(WireCode::DeviceRemoved));
    assert!(world.state.is_empty());
}

#[test]
fn own_devices_find_each_other_even_the_invisible() {
    let mut world = World::new(Limits::default(), &[]);
    world.arrive(0, 1, HERE);
    assert_eq!(refusal(&world.introduce(1, 0), 1), Some(WireCode::Offline), "there is no other");
    world.arrive(0, 2, OwnPresence::Invisible);
    world.arrive(0, 3, OwnPresence::Busy);
    let mail = world.introduce(2, 0);
    let told: Vec<DeviceId> = introductions(&mail, 2).iter().map(|introduced| introduced.device).collect();
    assert_eq!(told, [DeviceId([1; 32]), DeviceId([3; 32])]);
    assert_eq!([1, 3].map(|session| introductions(&mail, session)[0].device), [DeviceId([2; 32]); 2]);
}

#[test]
fn a_newer_roster_is_told_to_the_other_devices() {
    let mut world = World::new(Limits::default(), &[(0, 1)]);
    for (n, session) in [(0, 1), (0, 2), (1, 11)] {
        world.arrive(n, session, HERE);
    }
    let effects = world.state.roster_put(SessionId(1), AccountId(0), 7);
    let mail = world.run(effects);
    assert!(matches!(frames(&mail, 2), [FromServer::RosterChanged(changed)] if changed.number == 7));
    assert!(frames(&mail, 1).is_empty() && frames(&mail, 11).is_empty());
    world.roster = 7;
    let welcome = world.arrive(0, 3, HERE);
    assert!(matches!(&frames(&welcome, 3)[0], FromServer::Welcome(welcome) if welcome.roster == 7));
}
