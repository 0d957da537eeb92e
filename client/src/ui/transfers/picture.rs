//! The picture in a card of the timeline: none, as wide as the card has room for, or an empty place of its size while the card is not in view.

use std::cell::{Cell, RefCell};

use gtk::gdk;
use gtk::prelude::*;
use relm4::{adw, gtk};

use crate::core::event::TransferState;
use crate::model::transfers::Transfer;
use crate::pictures::decode::LONGEST_FILE;
use crate::pictures::parent::{Wish, is_picture};
use crate::pictures::shelf::Known;
use crate::ui::widgets::proportion::Proportion;
use crate::ui::widgets::spoken::{Spoken, changing};

/// Widest picture, in pixels of the layout.
const WIDTH: f64 = 320.0;
/// Highest picture, in pixels of the layout.
const HEIGHT: f64 = 240.0;

/// The file whose picture a transfer's card shows: one that is over, or that somebody has, if it is called a picture.
pub fn wish(transfer: &Transfer) -> Option<Wish> {
    let info = &transfer.info;
    let is_there = info.state == TransferState::Finished || !transfer.taken.is_empty();
    let shown = is_there && info.files.is_none() && info.size <= LONGEST_FILE && is_picture(&info.name);
    let (path, content) = info.path.clone().zip(info.blake3).filter(|_| shown)?;
    Some(Wish { path, size: info.size, content })
}

/// What a picture waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// To come into view.
    Away,
    /// For its file to be looked at.
    Asked,
    /// For nothing: it shows what was found.
    Told,
}

/// The picture of a card.
pub struct PictureView {
    card: gtk::Box,
    frame: adw::Bin,
    proportion: Proportion,
    picture: gtk::Picture,
    spoken: Spoken,
    wish: RefCell<Option<Wish>>,
    /// See there.
    pub stage: Cell<Stage>,
}

impl PictureView {
    /// None yet, for this card.
    pub fn new(card: &gtk::Box) -> Self {
        let (picture, spoken): (gtk::Picture, Spoken) = changing();
        picture.set_can_shrink(true);
        picture.set_overflow(gtk::Overflow::Hidden);
        picture.add_css_class("file-picture");
        let proportion = Proportion::new();
        let frame = adw::Bin::builder().child(&picture).visible(false).layout_manager(&proportion).build();
        card.prepend(&frame);
        Self {
            card: card.clone(),
            frame,
            proportion,
            picture,
            spoken,
            wish: RefCell::new(None),
            stage: Cell::new(Stage::Away),
        }
    }

    /// The file whose picture it is to show.
    pub fn wish(&self) -> Option<Wish> {
        self.wish.borrow().clone()
    }

    /// It is to show another file's picture, or none. Whether it was another one.
    pub fn set_wish(&self, wish: Option<&Wish>, name: &str) -> bool {
        self.spoken.say(&format!("Picture: {name}"));
        if self.wish.borrow().as_ref() == wish {
            return false;
        }
        self.wish.replace(wish.cloned());
        self.stage.set(Stage::Away);
        true
    }

    /// In view, or less than a view's height away.
    pub fn is_near(&self) -> bool {
        let view = self.card.ancestor(gtk::ScrolledWindow::static_type()).filter(|_| self.card.is_mapped());
        let place = view.and_then(|view| Some((self.card.compute_bounds(&view)?, view.height() as f32)));
        place.is_some_and(|(card, height)| card.y() + card.height() > -height && card.y() < 2.0 * height)
    }

    /// Draws what is known.
    pub fn draw(&self, known: Option<&Known<gdk::Texture>>) {
        let Some(Known::Picture { size, picture }) = known else {
            self.frame.set_visible(false);
            self.picture.set_paintable(None::<&gdk::Paintable>);
            return;
        };
        self.proportion.set_size(shown_size(*size));
        match picture {
            Some(texture) => self.picture.set_paintable(Some(texture)),
            None => self.keep_place(*size),
        }
        self.frame.set_visible(true);
    }

    /// It left the view: its pixels may go, its place stays.
    pub fn leave(&self) {
        if self.stage.replace(Stage::Away) != Stage::Away
            && let Some(paintable) = self.picture.paintable()
        {
            self.keep_place((paintable.intrinsic_width(), paintable.intrinsic_height()));
        }
    }

    fn keep_place(&self, (width, height): (i32, i32)) {
        self.picture.set_paintable(Some(&gdk::Paintable::new_empty(width, height)));
    }
}

/// Width and height in the layout of a picture of so many pixels; never larger than it is.
pub fn shown_size((width, height): (i32, i32)) -> (i32, i32) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (WIDTH / width).min(HEIGHT / height).min(1.0);
    #[expect(clippy::cast_possible_truncation, reason = "between 1 and 320")]
    let shown = |pixels: f64| (pixels * scale).round().max(1.0) as i32;
    (shown(width), shown(height))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use hobnob_shared::id::{ConversationId, Handle, Hash, TransferId};

    use crate::core::event::{Direction, TransferInfo};
    use crate::model::transfers::Taken;

    fn transfer(name: &str, state: TransferState) -> Transfer {
        let bob: Handle = "bob".parse().unwrap();
        let info = TransferInfo {
            transfer: TransferId::new(),
            by: None,
            conversation: ConversationId::Direct(bob.clone()),
            from: bob,
            direction: Direction::Incoming,
            name: name.to_owned(),
            size: 1_000,
            files: None,
            done: 0,
            state,
            path: Some(PathBuf::from("/downloads").join(name)),
            blake3: Some(Hash([7; 32])),
            text: None,
            sent_at: 0,
        };
        Transfer { info, rate: 0, taken: BTreeMap::new() }
    }

    #[test]
    fn only_pictures_that_are_there_are_looked_at() {
        let there = transfer("a.png", TransferState::Finished);
        assert_eq!(wish(&there), Some(Wish { path: "/downloads/a.png".into(), size: 1_000, content: Hash([7; 32]) }));
        let mut mine = transfer("a.png", TransferState::Offered);
        assert_eq!(wish(&mine), None, "nobody took it");
        mine.taken.insert("carol".parse().unwrap(), Taken::Whole);
        assert!(wish(&mine).is_some());
        for state in [TransferState::Accepted, TransferState::Running, TransferState::Failed, TransferState::Cancelled]
        {
            assert_eq!(wish(&transfer("a.png", state)), None, "{state:?}");
        }
        assert_eq!(wish(&transfer("a.svg", TransferState::Finished)), None, "not a kind that is shown");
        let change = |change: fn(&mut TransferInfo)| {
            let mut transfer = there.clone();
            change(&mut transfer.info);
            wish(&transfer)
        };
        assert_eq!(change(|info| info.files = Some(3)), None, "a folder of that name");
        assert_eq!(change(|info| info.size = LONGEST_FILE + 1), None, "too long");
        assert_eq!(change(|info| info.path = None), None, "nobody knows where");
        assert_eq!(change(|info| info.blake3 = None), None, "nobody knows what");
    }

    #[test]
    fn a_picture_fits_into_its_card_and_is_never_blown_up() {
        for (size, shown) in [
            ((640, 480), (320, 240)),
            ((480, 640), (180, 240)),
            ((640, 6), (320, 3)),
            ((1, 480), (1, 240)),
            ((100, 80), (100, 80)),
            ((320, 240), (320, 240)),
            ((0, 0), (1, 1)),
        ] {
            assert_eq!(shown_size(size), shown, "{size:?}");
        }
    }
}
