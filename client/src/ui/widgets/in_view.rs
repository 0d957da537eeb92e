//! Which rows of a list are worth being made: those in view and some around them, reckoned from how far the list is scrolled. For
//! [`LiveList::sparing`](crate::ui::widgets::live_list::LiveList::sparing).

/// Rows made before and behind those that are in view.
const AROUND: u32 = 6;

/// The first and the last row that are in view or near, where all rows are of one height: from where the view begins, how high it is and how
/// high all of the list is, in pixels. None while the list has no height. The last may lie behind the end: what is added there is near.
pub fn near(value: f64, page: f64, upper: f64, rows: u32) -> Option<(u32, u32)> {
    if upper <= 0.0 || page <= 0.0 {
        return None;
    }
    let row = |place: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest count"
        )]
        let row = (place / upper * f64::from(rows)) as u32;
        row
    };
    Some((row(value).saturating_sub(AROUND), row(value + page).saturating_add(AROUND)))
}

#[cfg(test)]
mod tests {
    use super::near;

    /// A hundred rows of 50 pixels, of which ten are in view.
    fn hundred(value: f64) -> Option<(u32, u32)> {
        near(value, 500.0, 5_000.0, 100)
    }

    #[test]
    fn some_rows_before_and_behind_the_view_are_near() {
        assert_eq!(hundred(2_000.0), Some((34, 56)));
        assert_eq!(hundred(2_049.0), Some((34, 56)), "a row that is cut is in view");
        assert_eq!(hundred(2_050.0), Some((35, 57)));
    }

    #[test]
    fn before_the_first_row_there_is_none() {
        assert_eq!(hundred(0.0), Some((0, 16)));
        assert_eq!(hundred(300.0), Some((0, 22)));
        assert_eq!(hundred(-80.0), Some((0, 14)), "drawn beyond the beginning");
    }

    #[test]
    fn what_is_added_at_the_end_is_near_before_anybody_scrolls() {
        assert_eq!(hundred(4_500.0), Some((84, 106)));
        assert_eq!(near(0.0, 500.0, 500.0, 3), Some((0, 9)), "a list that is shorter than its view");
    }

    #[test]
    fn an_empty_list_is_near_where_its_first_rows_will_be() {
        assert_eq!(near(0.0, 500.0, 500.0, 0), Some((0, 6)));
    }

    #[test]
    fn a_list_without_height_says_nothing() {
        assert_eq!(near(0.0, 0.0, 5_000.0, 100), None);
        assert_eq!(near(0.0, 500.0, 0.0, 100), None);
        assert_eq!(near(0.0, 0.0, 0.0, 0), None);
        assert_eq!(near(0.0, -1.0, -1.0, 100), None);
    }

    #[test]
    fn huge_numbers_end_at_the_last_number_there_is() {
        assert_eq!(near(0.0, f64::MAX, 1.0, u32::MAX), Some((0, u32::MAX)));
        assert_eq!(near(f64::MAX, f64::MAX, 1.0, 100), Some((u32::MAX - 6, u32::MAX)));
        let rows = u32::MAX;
        let height = f64::from(rows) * 50.0;
        assert_eq!(near(height - 500.0, 500.0, height, rows), Some((rows - 10 - 6, rows)));
    }
}
