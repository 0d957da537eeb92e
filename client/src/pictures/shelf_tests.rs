//! The shelf: what is in view is looked at, two at once; what is known is not decoded again; nothing grows without end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_shared::id::Hash;

use super::*;

fn wish(number: usize) -> Wish {
    Wish { path: format!("/{number}.png").into(), size: 5, content: Hash([1; 32]) }
}

fn numbers(range: std::ops::Range<usize>) -> Vec<Wish> {
    range.map(wish).collect()
}

fn picture(number: u64) -> Found<((i32, i32), u64)> {
    Found::Picture(Stamp::numbered(number), ((4, 3), number))
}

/// One look from its beginning to its end.
fn look_at(shelf: &mut Shelf<u64>, number: usize, found: Found<((i32, i32), u64)>) -> Option<Stamp> {
    shelf.wait_for(vec![wish(number)]);
    let (begun, known) = shelf.begin().unwrap();
    assert_eq!(begun, wish(number));
    shelf.end(&begun, found);
    known
}

#[test]
fn two_are_looked_at_at_once_and_what_left_the_view_never() {
    let mut shelf = Shelf::<u64>::default();
    shelf.wait_for(numbers(0..5));
    assert_eq!(shelf.begin().unwrap().0, wish(0));
    assert_eq!(shelf.begin().unwrap().0, wish(1));
    assert!(shelf.begin().is_none());
    shelf.wait_for(vec![wish(1), wish(4)]);
    shelf.end(&wish(0), Found::Nothing);
    assert_eq!(shelf.begin().unwrap().0, wish(4), "the first is under way already");
    shelf.end(&wish(1), Found::Nothing);
    assert_eq!(shelf.begin().unwrap().0, wish(1), "it is wanted still, in the state that it has now");
    shelf.end(&wish(1), Found::Nothing);
    shelf.end(&wish(4), Found::Nothing);
    assert!(shelf.begin().is_none());
}

#[test]
fn a_picture_or_its_lack_is_remembered_with_the_state_of_the_file() {
    let mut shelf = Shelf::default();
    assert_eq!(look_at(&mut shelf, 1, picture(7)), None);
    assert_eq!(shelf.get(&wish(1)), Some(Known::Picture { size: (4, 3), picture: Some(7) }));
    assert_eq!(look_at(&mut shelf, 1, Found::Same), Some(Stamp::numbered(7)));
    assert_eq!(shelf.get(&wish(1)), Some(Known::Picture { size: (4, 3), picture: Some(7) }));
    assert_eq!(look_at(&mut shelf, 1, Found::Refused(Stamp::numbered(8))), Some(Stamp::numbered(7)));
    assert_eq!(shelf.get(&wish(1)), Some(Known::Refused));
    assert_eq!(look_at(&mut shelf, 1, Found::Same), Some(Stamp::numbered(8)), "it is not tried again");
    assert_eq!(look_at(&mut shelf, 1, Found::Nothing), Some(Stamp::numbered(8)));
    assert_eq!(shelf.get(&wish(1)), None);
}

#[test]
fn two_files_that_stood_at_one_place_are_two() {
    let mut shelf = Shelf::default();
    let (old, new) = (wish(1), Wish { content: Hash([2; 32]), ..wish(1) });
    shelf.wait_for(vec![old.clone(), new.clone()]);
    assert_eq!((shelf.begin().unwrap().0, shelf.begin().unwrap().0), (old.clone(), new.clone()));
    shelf.end(&new, picture(7));
    assert_eq!(shelf.get(&old), None, "it is not the old one's");
    shelf.end(&old, Found::Refused(Stamp::numbered(7)));
    assert_eq!(shelf.get(&old), Some(Known::Refused));
    assert_eq!(shelf.get(&new), Some(Known::Picture { size: (4, 3), picture: Some(7) }));
}

#[test]
fn a_look_that_failed_is_tried_again_but_not_for_ever() {
    let mut shelf = Shelf::default();
    let (state, other) = (Stamp::numbered(1), Stamp::numbered(2));
    for tried in 0..TRIES {
        assert_eq!(look_at(&mut shelf, 1, Found::Unclear(state)), None, "after {tried} looks");
        assert_eq!(shelf.get(&wish(1)), Some(Known::Refused));
    }
    assert_eq!(look_at(&mut shelf, 1, Found::Unclear(other)), Some(state), "enough of that state");
    assert_eq!(look_at(&mut shelf, 1, picture(2)), None, "another state is tried as often");
    assert_eq!(look_at(&mut shelf, 1, Found::Same), Some(other));
}

#[test]
fn the_picture_that_nobody_looked_at_for_the_longest_goes_and_its_size_stays() {
    let mut shelf = Shelf::default();
    for number in 0..PICTURES {
        look_at(&mut shelf, number, picture(number as u64));
    }
    assert!(shelf.get(&wish(0)).is_some());
    look_at(&mut shelf, PICTURES, picture(1_000));
    assert_eq!(shelf.get(&wish(1)), Some(Known::Picture { size: (4, 3), picture: None }));
    assert!(matches!(shelf.get(&wish(0)), Some(Known::Picture { picture: Some(0), .. })));
    assert_eq!(look_at(&mut shelf, 1, picture(1)), None, "it has to be decoded again");
}

#[test]
fn neither_wishes_nor_files_grow_without_end() {
    let mut shelf = Shelf::<u64>::default();
    shelf.wait_for(numbers(0..10_000));
    assert_eq!(shelf.waiting.len(), WAITING);
    for number in 0..2 * FILES {
        look_at(&mut shelf, number, Found::Refused(Stamp::numbered(1)));
    }
    assert_eq!(shelf.entries.len(), FILES);
    assert!(shelf.get(&wish(FILES - 1)).is_none());
    assert!(shelf.get(&wish(FILES)).is_some());
}
