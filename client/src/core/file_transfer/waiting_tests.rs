//! Transfers that wait for their turn or for the other side's pace, and those that the other side begins again.

use super::*;

/// Accepted while others have all turns.
fn queued() -> World {
    let mut world = World::new();
    world.crowded = true;
    world.link_up(false, true);
    world.deliver(B);
    assert_eq!(world.wish(B, Wish::Accept { save_as: None }), Some(Ok(())));
    while world.deliver(A) || world.deliver(B) {}
    world
}

fn waits_for(world: &World, end: usize) -> Vec<&str> {
    let told = world.ends[end].told.iter();
    told.filter_map(|event| match event {
        Event::FileWaiting { code, .. } => Some(code.as_str()),
        _ => None,
    })
    .collect()
}

/// Others have ended.
fn turn_comes(world: &mut World, end: usize) {
    world.crowded = false;
    let effects = world.ends[end].state.turn_came(world.now);
    world.carry_out(end, effects);
}

#[test]
fn without_a_turn_nothing_is_opened_and_nobody_asked_and_the_person_hears_why() {
    let mut world = queued();
    assert_eq!(waits_for(&world, B), ["turn"]);
    assert_eq!((world.stage(A), world.stage(B)), (Stage::Offered, Stage::Accepted));
    assert!(world.ends[B].tokens.is_empty() && world.ends[B].state.next_due().is_none());
    turn_comes(&mut world, B);
    world.settle();
    assert_eq!((world.stage(A), world.stage(B)), (Stage::Finished, Stage::Finished));
    assert!(world.ends.iter().all(|end| end.state.turn == Turn::No), "the turns are for others now");
}

#[test]
fn whoever_pauses_or_loses_the_link_leaves_the_row() {
    let mut world = queued();
    world.wish(B, Wish::Pause).unwrap().unwrap();
    assert_eq!(world.ends[B].state.turn, Turn::No);
    world.wish(B, Wish::Resume).unwrap().unwrap();
    assert_eq!(world.ends[B].state.turn, Turn::Waiting);
    world.link_down();
    assert_eq!(world.ends[B].state.turn, Turn::No);
    assert_eq!(waits_for(&world, B), ["turn", "turn", "connection"]);
    // A turn that comes too late is not kept.
    turn_comes(&mut world, B);
    assert_eq!(world.ends[B].state.turn, Turn::No);
    world.link_up(false, true);
    world.settle();
    assert_eq!((world.stage(A), world.stage(B)), (Stage::Finished, Stage::Finished));
}

#[test]
fn a_running_one_that_stops_for_whatever_reason_has_no_turn() {
    let mut world = accepted();
    world.flow(true);
    assert_eq!(world.ends[A].state.turn, Turn::Held);
    assert_eq!(world.ends[B].state.turn, Turn::Held);
    world.break_stream();
    assert_eq!([world.ends[A].state.turn, world.ends[B].state.turn], [Turn::No; 2], "it waits to try again");
    world.settle();
    assert_eq!((world.stage(A), world.stage(B)), (Stage::Finished, Stage::Finished));
}

#[test]
fn a_sender_without_a_turn_offers_again_where_the_receiver_has_given_the_stream_up() {
    let mut world = World::new();
    world.link_up(false, true);
    world.deliver(B);
    let accept = Accept { transfer: world.ends[A].saved.id, have: 0, token: Token([1; 16]) };
    let (mut now, state) = (world.now, &mut world.ends[A].state);
    assert!(state.frame(BOB, Peer::Accept(accept.clone()), now).contains(&Effect::TakeTurn));
    assert!(matches!(state.queued().as_slice(), [Effect::Tell(Event::FileWaiting { .. })]));
    now += Duration::from_secs(15);
    assert!(matches!(state.turn_came(now).as_slice(), [Effect::Send(BOB, Peer::Offer(_))]));
    assert!(state.leaves_turn());
    // In time it is followed.
    assert!(state.frame(BOB, Peer::Accept(accept), now).contains(&Effect::TakeTurn));
    now += Duration::from_secs(14);
    assert!(matches!(state.turn_came(now).as_slice(), [Effect::Dial(BOB, ..)]));
}

#[test]
fn a_dial_that_fails_over_a_direct_link_is_tried_once_more_before_the_relay() {
    for (path, redials) in [(LinkPath::Direct, 1), (LinkPath::Relayed, 0)] {
        let mut state = State::new(transfer(Direction::Outgoing), Token::random);
        let now = Instant::now();
        let address = (path == LinkPath::Direct).then(|| "192.0.2.2:40000".parse().unwrap());
        state.linked(BOB, KEY, Up { path, address, dialled: true });
        let accept = Accept { transfer: state.transfer().id, have: 0, token: Token([1; 16]) };
        state.frame(BOB, Peer::Accept(accept), now);
        state.turn_came(now);
        for _ in 0..redials {
            assert!(matches!(state.dial_failed(BOB, false, now).as_slice(), [Effect::Redial(BOB, _, Token([1, ..]))]));
        }
        assert_eq!(state.dial_failed(BOB, false, now), [Effect::AskCircuit(BOB)]);
    }
}

/// As the sender says it when nothing of it runs.
fn offer() -> Peer {
    let mut state = State::new(transfer(Direction::Outgoing), Token::random);
    let up = Up { path: LinkPath::Direct, address: None, dialled: false };
    match state.linked(BOB, KEY, up).pop() {
        Some(Effect::Send(BOB, offer)) => offer,
        other => panic!("{other:?}"),
    }
}

/// Has the sender say again every 100 ms, for ten minutes, that nothing of it runs; how often the receiver begins again.
fn begins(world: &mut World, meanwhile: impl Fn(&mut World)) -> usize {
    let mut count = 0;
    for _ in 0..6_000 {
        world.now += Duration::from_millis(100);
        for ticks in [false, true] {
            let state = &mut world.ends[B].state;
            let effects = if ticks { state.tick(world.now) } else { state.frame(ALICE, offer(), world.now) };
            let begins =
                |effect: &&Effect| matches!(effect, Effect::Prepare { .. } | Effect::TakeTurn | Effect::StopPump);
            count += effects.iter().filter(begins).count();
            world.carry_out(B, effects);
        }
        meanwhile(world);
        world.frames[A].clear();
    }
    count
}

/// The other side shows the token that it was sent, if any.
fn stream_comes(world: &mut World) -> bool {
    let shown: Vec<Token> = world.ends[B].tokens.drain().collect();
    shown.into_iter().any(|token| {
        let effects = world.ends[B].state.stream(ALICE, Way::Accepted(token), world.now);
        let wanted = !effects.is_empty();
        world.carry_out(B, effects);
        wanted
    })
}

#[test]
fn who_offers_again_and_again_while_it_runs_has_it_begin_again_ever_more_rarely() {
    let mut world = accepted();
    world.flow(true);
    let count = begins(&mut world, |world| {
        // The stream ends as it is told to, and another comes up at once.
        if std::mem::take(&mut world.ends[B].stopping) {
            world.ends[B].pumping = false;
            let effects = world.ends[B].state.pump_lost(0, world.now);
            world.carry_out(B, effects);
        }
        stream_comes(world);
    });
    assert!((10..20).contains(&count), "{count} times in ten minutes");
}

#[test]
fn who_offers_again_and_again_and_serves_nothing_has_it_begin_again_ever_more_rarely() {
    let mut world = accepted();
    let count = begins(&mut world, |world| {
        if stream_comes(world) || world.ends[B].pumping {
            world.ends[B].pumping = false;
            let effects = world.ends[B].state.pump_lost(0, world.now);
            world.carry_out(B, effects);
        }
    });
    assert!((10..40).contains(&count), "{count} times in ten minutes");
}

#[test]
fn who_pauses_and_offers_in_turn_has_it_begin_again_ever_more_rarely() {
    let mut world = accepted();
    let id = world.ends[A].saved.id;
    let streams = std::cell::Cell::new(0);
    begins(&mut world, |world| {
        streams.set(streams.get() + u32::from(stream_comes(world)));
        let pause = Peer::Cancel(CancelTransfer { transfer: id, code: WireCode::Paused });
        let effects = world.ends[B].state.frame(ALICE, pause, world.now);
        world.carry_out(B, effects);
        // It ends behind the next offer.
        if std::mem::take(&mut world.ends[B].stopping) {
            world.ends[B].pumping = false;
            let mut effects = world.ends[B].state.frame(ALICE, offer(), world.now);
            effects.extend(world.ends[B].state.pump_lost(0, world.now));
            world.carry_out(B, effects);
        }
    });
    assert!((5..40).contains(&streams.get()), "{} streams in ten minutes", streams.get());
}

#[test]
fn who_accepts_again_and_again_is_followed_ever_more_rarely() {
    let mut state = State::new(transfer(Direction::Outgoing), Token::random);
    let up = Up { path: LinkPath::Direct, address: Some("192.0.2.2:40000".parse().unwrap()), dialled: true };
    state.linked(BOB, KEY, up);
    let (id, mut now, mut count) = (state.transfer().id, Instant::now(), 0);
    for n in 0..6_000_u32 {
        now += Duration::from_millis(100);
        let token = Token([u8::try_from(n % 250).unwrap(); 16]);
        let accept = Peer::Accept(Accept { transfer: id, have: 0, token });
        let mut effects: VecDeque<Effect> = state.frame(BOB, accept, now).into();
        effects.extend(state.tick(now));
        while let Some(effect) = effects.pop_front() {
            effects.extend(match effect {
                Effect::TakeTurn => state.turn_came(now),
                // The stream stands at once, and the pump ends as it is told to.
                Effect::Dial(..) => state.stream(BOB, Way::Dialled(Duration::ZERO), now),
                Effect::StopPump => state.pump_lost(0, now),
                Effect::Start(_) => {
                    count += 1;
                    Vec::new()
                }
                _ => Vec::new(),
            });
        }
        state.leaves_turn();
    }
    assert!((10..20).contains(&count), "{count} times in ten minutes");
}

#[test]
fn the_third_stream_that_keeps_to_no_rule_ends_it_for_good() {
    for why in [Why::HashMismatch, Why::Protocol("x")] {
        let mut world = accepted();
        for round in 1..=3 {
            assert_eq!(world.stage(B), Stage::Accepted);
            world.ends[B].pumping = false;
            let effects = world.ends[B].state.pump_failed(&why, 0, world.now);
            world.carry_out(B, effects);
            let expected = if round < 3 { Stage::Failed } else { Stage::Cancelled };
            assert_eq!(world.stage(B), expected, "{round}");
            // Each time it is offered anew, and for two times it begins again.
            world.now += Duration::from_mins(2);
            let effects = world.ends[B].state.frame(ALICE, offer(), world.now);
            world.frames[A].clear();
            world.carry_out(B, effects);
            assert_eq!(stream_comes(&mut world), round < 3);
        }
        assert!(matches!(&world.frames[A].make_contiguous(), [Peer::Cancel(c)] if c.code == WireCode::Cancelled));
        let told = world.ends[B].told.iter().filter(|event| matches!(event, Event::FileFailed { .. })).count();
        assert_eq!(told, 3);
        assert_eq!(world.wish(B, Wish::Resume), Some(Err(Refusal::Over)));
    }
}

#[test]
fn a_stream_that_brings_something_before_it_breaks_the_rules_costs_only_itself_but_the_same_bytes_count_once() {
    let mut world = accepted();
    let ends = |world: &mut World, done: u64| {
        world.ends[B].pumping = false;
        let effects = world.ends[B].state.pump_failed(&Why::HashMismatch, done, world.now);
        world.carry_out(B, effects);
        let effects = world.ends[B].state.frame(ALICE, offer(), world.now);
        world.carry_out(B, effects);
        stream_comes(world)
    };
    for groups in 1..GROUPS {
        world.have = groups;
        assert!(ends(&mut world, groups * GROUP as u64), "at once, however often");
    }
    // From here on it is nothing new.
    world.now += Duration::from_mins(2);
    assert!(ends(&mut world, GROUP as u64));
    world.now += Duration::from_mins(2);
    assert!(!ends(&mut world, 2 * GROUP as u64));
    assert_eq!(world.stage(B), Stage::Cancelled);
}

#[test]
fn a_reason_that_passes_is_told_and_tried_again_on_either_side() {
    let mut world = accepted();
    for end in [B, A] {
        world.ends[A].pumping = false;
        world.ends[B].pumping = false;
        let effects = world.ends[end].state.pump_failed(&Why::OutOfFiles, 0, world.now);
        world.carry_out(end, effects);
        let effects = world.ends[other(end)].state.pump_failed(&Why::Peer(WireCode::Internal), 0, world.now);
        world.carry_out(other(end), effects);
        assert_eq!(waits_for(&world, end), ["out_of_files"]);
        assert_eq!(world.stage(end), Stage::Accepted);
        world.tick();
        while world.deliver(A) || world.deliver(B) {}
        assert!(world.ends.iter().all(|end| end.pumping), "both at it again");
    }
    world.settle();
    assert_eq!((world.stage(A), world.stage(B)), (Stage::Finished, Stage::Finished));
}
