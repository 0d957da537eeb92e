//! The shelf: what is in view is looked at, two at once; what is known is not decoded again; nothing grows without end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn wish(number: usize) -> Wish {
    Wish { path: format!("/{number}.png").into(), size: 5 }
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
    shelf.end(&begun.path, found);
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
    shelf.end(&wish(0).path, Found::Nothing);
    assert_eq!(shelf.begin().unwrap().0, wish(4), "the first is under way already");
    shelf.end(&wish(1).path, Found::Nothing);
    assert_eq!(shelf.begin().unwrap().0, wish(1), "it is wanted still, in the state that it has now");
    shelf.end(&wish(1).path, Found::Nothing);
    shelf.end(&wish(4).path, Found::Nothing);
    assert!(shelf.begin().is_none());
}

#[test]
fn a_picture_or_its_lack_is_remembered_with_the_state_of_the_file() {
    let mut shelf = Shelf::default();
    assert_eq!(look_at(&mut shelf, 1, picture(7)), None);
    assert_eq!(shelf.get(&wish(1).path), Some(Known::Picture { size: (4, 3), picture: Some(7) }));
    assert_eq!(look_at(&mut shelf, 1, Found::Same), Some(Stamp::numbered(7)));
    assert_eq!(shelf.get(&wish(1).path), Some(Known::Picture { size: (4, 3), picture: Some(7) }));
    assert_eq!(look_at(&mut shelf, 1, Found::Refused(Stamp::numbered(8))), Some(Stamp::numbered(7)));
    assert_eq!(shelf.get(&wish(1).path), Some(Known::Refused));
    assert_eq!(look_at(&mut shelf, 1, Found::Same), Some(Stamp::numbered(8)), "it is not tried again");
    assert_eq!(look_at(&mut shelf, 1, Found::Nothing), Some(Stamp::numbered(8)));
    assert_eq!(shelf.get(&wish(1).path), None);
}

#[test]
fn the_picture_that_nobody_looked_at_for_the_longest_goes_and_its_size_stays() {
    let mut shelf = Shelf::default();
    for number in 0..PICTURES {
        look_at(&mut shelf, number, picture(number as u64));
    }
    assert!(shelf.get(&wish(0).path).is_some());
    look_at(&mut shelf, PICTURES, picture(1_000));
    assert_eq!(shelf.get(&wish(1).path), Some(Known::Picture { size: (4, 3), picture: None }));
    assert!(matches!(shelf.get(&wish(0).path), Some(Known::Picture { picture: Some(0), .. })));
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
    assert!(shelf.get(&wish(FILES - 1).path).is_none());
    assert!(shelf.get(&wish(FILES).path).is_some());
}
