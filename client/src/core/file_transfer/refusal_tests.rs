//! What a transfer does not do: without room, for another key, for a stranger.

use super::*;

#[test]
fn a_receiver_without_room_can_go_on_later_and_the_offer_is_not_lost() {
    let mut world = World::new();
    world.link_up(false, true);
    world.deliver(B);
    let now = world.now;
    let effects = world.ends[B].state.prepared(Err(Why::DiskFull), None, true, now);
    assert_eq!(effects, [Effect::Answer(Err(Refusal::Why(Why::DiskFull)))]);
    assert_eq!(world.stage(B), Stage::Offered);
    world.wish(B, Wish::Accept { save_as: None }).unwrap().unwrap();
    while world.deliver(A) || world.deliver(B) {}
    world.flow(true);
    for end in [A, B] {
        world.ends[end].pumping = false;
    }
    let effects = world.ends[B].state.pump_failed(&Why::DiskFull, GROUP as u64, now);
    world.carry_out(B, effects);
    let effects = world.ends[A].state.pump_failed(&Why::Peer(WireCode::DiskFull), GROUP as u64, now);
    world.carry_out(A, effects);
    world.settle();
    assert_eq!((world.stage(A), world.stage(B)), (Stage::Failed, Stage::Failed));
    assert_eq!(world.have, 1, "what is good is kept");
    world.wish(B, Wish::Resume).unwrap().unwrap();
    world.settle();
    assert_eq!((world.stage(A), world.stage(B)), (Stage::Finished, Stage::Finished));
}

#[test]
fn offers_wait_for_the_key_that_they_are_meant_for() {
    let mut state = State::new(transfer(Direction::Outgoing), Token::random);
    let up = || Up { path: LinkPath::Relayed, address: None, dialled: true };
    let new_key = Fingerprint([8; 32]);
    assert_eq!(state.linked(BOB, new_key, up()), []);
    state.readdressed(new_key);
    assert!(matches!(state.linked(BOB, new_key, up()).as_slice(), [Effect::Send(BOB, Peer::Offer(_))]));
}

#[test]
fn strangers_to_the_transfer_change_nothing() {
    let mut world = accepted();
    let (stranger, id) = (DeviceId([66; 32]), world.ends[A].saved.id);
    let now = world.now;
    let cancel = Peer::Cancel(CancelTransfer { transfer: id, code: WireCode::Cancelled });
    let accept = Peer::Accept(Accept { transfer: id, have: 0, token: Token([1; 16]) });
    for end in [A, B] {
        assert_eq!(world.ends[end].state.frame(stranger, cancel.clone(), now), []);
        assert_eq!(world.ends[end].state.stream(stranger, Way::Relayed, now), []);
    }
    let refused = world.ends[A].state.frame(stranger, accept, now);
    assert!(matches!(refused.as_slice(), [Effect::Send(to, Peer::Cancel(_))] if *to == stranger));
    let greedy = Peer::Accept(Accept { transfer: id, have: GROUPS + 1, token: Token([1; 16]) });
    let refused = world.ends[A].state.frame(BOB, greedy, now);
    assert!(matches!(refused.as_slice(), [Effect::Send(BOB, Peer::Cancel(c))] if c.code == WireCode::BadRequest));
    world.settle();
    assert_eq!(world.stage(A), Stage::Finished);
}
