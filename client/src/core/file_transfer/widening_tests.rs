//! When a transfer gets more connections than one, and whose.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_shared::id::Token;
use hobnob_shared::message::{Accept, Peer};

use super::*;
use crate::core::event::{Direction, LinkPath};
use crate::core::file_transfer::state_tests::{BOB, KEY, transfer};
use crate::core::links::Up;

const SHOWN: Token = Token([1; 16]);

/// A sender of so many bytes that has heard an accept over a direct link, which it dialled or not.
fn accepted(size: u64, dialled: bool) -> (State, Instant) {
    let now = Instant::now();
    let mut offered = transfer(Direction::Outgoing);
    offered.size = size;
    let mut state = State::new(offered, Token::random);
    let address = dialled.then(|| "192.0.2.2:40000".parse().unwrap());
    state.linked(BOB, KEY, Up { path: LinkPath::Direct, address, dialled });
    let accept = Accept { transfer: state.transfer().id, have: 0, token: SHOWN };
    assert_eq!(state.frame(BOB, Peer::Accept(accept), now).last(), Some(&Effect::TakeTurn));
    state.turn_came(now);
    (state, now)
}

fn widens(size: u64, way: Way) -> bool {
    let (mut state, now) = accepted(size, true);
    let effects = state.stream(BOB, way, now);
    assert!(effects.contains(&Effect::Start(Task::Send(0))));
    effects.iter().any(|effect| matches!(effect, Effect::Widen(BOB, _, SHOWN)))
}

#[test]
fn only_a_long_path_that_goes_directly_gets_more_connections_for_what_is_worth_it() {
    assert!(widens(WIDE, Way::Dialled(FAR)));
    assert!(!widens(WIDE, Way::Dialled(FAR / 2)));
    assert!(!widens(WIDE - 1, Way::Dialled(FAR)));
    assert!(!widens(WIDE, Way::Relayed));
}

#[test]
fn who_was_dialled_takes_further_connections_by_the_token_of_what_runs_and_by_no_other() {
    let (mut state, now) = accepted(WIDE, false);
    assert_eq!(state.stream(BOB, Way::Accepted(Token([9; 16])), now), []);
    assert!(state.stream(BOB, Way::Accepted(SHOWN), now).contains(&Effect::Start(Task::Send(0))));
    assert_eq!(state.stream(BOB, Way::Accepted(SHOWN), now), [Effect::Join]);
    assert!(state.runs_by(&SHOWN));
    assert_eq!(state.stream(BOB, Way::Accepted(Token([9; 16])), now), []);
    assert_eq!(state.stream(DeviceId([5; 32]), Way::Accepted(SHOWN), now), []);
    state.pump_lost(0, now);
    assert_eq!(state.stream(BOB, Way::Accepted(SHOWN), now), []);
    assert!(!state.runs_by(&SHOWN));
}
