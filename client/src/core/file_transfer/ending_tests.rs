//! Transfers that somebody ends, or that lose the sender, in the moment in which they come to their end: both sides tell the same.

use super::*;

/// Accepted, with all of the file at the receiver, which is about to give it its name.
fn nearly_whole() -> World {
    let mut world = World::new();
    world.link_up(false, true);
    while world.deliver(A) || world.deliver(B) {}
    assert_eq!(world.wish(B, Wish::Accept { save_as: None }), Some(Ok(())));
    while world.deliver(A) || world.deliver(B) {}
    while world.have < GROUPS {
        world.flow(true);
    }
    world
}

#[test]
fn whoever_ends_it_while_it_gets_its_name_hears_that_it_is_finished() {
    for (end, wish) in [(A, Wish::Cancel), (A, Wish::Pause), (B, Wish::Cancel), (B, Wish::Pause)] {
        let mut world = nearly_whole();
        let effects = world.ends[end].state.order(wish.clone(), world.now);
        world.carry_out(end, effects);
        while world.deliver(A) || world.deliver(B) {}
        // The receiver's disk was quicker.
        world.flow(true);
        assert_eq!(world.ends[end].answer, Some(Err(Refusal::Over)), "{wish:?} by {end}");
        world.settle();
        assert_eq!([world.stage(A), world.stage(B)], [Stage::Finished; 2], "{wish:?} by {end}");
        let failed = |event: &&Event| matches!(event, Event::FileFailed { .. });
        assert_eq!(world.ends.iter().flat_map(|end| end.told.iter().filter(failed)).count(), 0, "{wish:?} by {end}");
    }
}

#[test]
fn a_sender_that_comes_back_while_it_gets_its_name_hears_of_it() {
    let mut world = nearly_whole();
    world.ends[A].pumping = false;
    let saved = world.ends[A].saved.clone();
    world.ends[A] = End::new(saved);
    world.link_down();
    world.link_up(false, true);
    while world.deliver(A) || world.deliver(B) {}
    // Its offer came while the receiver was at it.
    world.whole = true;
    (world.ends[B].pumping, world.ends[B].stopping) = (false, false);
    let effects = world.ends[B].state.pump_finished(Some("/a".into()), ROOT, Missing::default(), world.now);
    world.carry_out(B, effects);
    world.settle();
    assert_eq!([world.stage(A), world.stage(B)], [Stage::Finished; 2]);
}

#[test]
fn what_one_side_paused_the_other_can_give_up() {
    for (pauses, cancels) in [(A, B), (B, A)] {
        let mut world = nearly_whole();
        assert_eq!(world.wish(pauses, Wish::Pause), Some(Ok(())));
        while world.deliver(A) || world.deliver(B) {}
        assert_eq!(world.wish(cancels, Wish::Cancel), Some(Ok(())));
        world.settle();
        assert_eq!([world.stage(A), world.stage(B)], [Stage::Cancelled; 2]);
        assert!(
            world.ends[pauses]
                .told
                .iter()
                .any(|event| matches!(event, Event::FileFailed { code, .. } if code == "cancelled"))
        );
    }
}
