//! The pictures of all timelines: has files looked at whose cards are in view, and draws what was found in the cards that show them by then.
//! The looks themselves wait for another process, so they are made on threads of their own.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::{Rc, Weak};

use gtk::prelude::*;
use gtk::{gdk, gio, glib};
use relm4::gtk;

use crate::pictures::parent::{self, Found, THIS_PROGRAM, WITHIN, Wish};
use crate::pictures::shelf::Shelf;
use crate::pictures::wire::Picture;
use crate::ui::transfers::picture::{PictureView, Stage};

/// See the module. A handle: all clones are the same.
#[derive(Clone, Default)]
pub struct Pictures(Rc<Inner>);

#[derive(Default)]
struct Inner {
    shelf: RefCell<Shelf<gdk::Texture>>,
    views: RefCell<Vec<Weak<PictureView>>>,
    /// It will be looked soon what is in view.
    soon: Cell<bool>,
}

impl Pictures {
    /// A place for pictures in this card.
    pub fn view(&self, card: &gtk::Box) -> Rc<PictureView> {
        let view = Rc::new(PictureView::new(card));
        self.0.views.borrow_mut().push(Rc::downgrade(&view));
        let (this, shown) = (Rc::downgrade(&self.0), Rc::downgrade(&view));
        card.connect_map(move |_| {
            if let (Some(this), Some(view)) = (this.upgrade(), shown.upgrade()) {
                this.draw(&view);
                this.look_soon();
            }
        });
        let hidden = Rc::downgrade(&view);
        card.connect_unmap(move |_| {
            if let Some(view) = hidden.upgrade() {
                view.leave();
            }
        });
        view
    }

    /// The card of `view` shows a transfer of that name from now on, perhaps with a file's picture.
    pub fn show(&self, view: &PictureView, wish: Option<&Wish>, name: &str) {
        if view.set_wish(wish, name) {
            // What is known already is there from the first moment, so that nothing moves.
            self.0.draw(view);
            self.0.look_soon();
        }
    }

    /// Something moved: soon, once it stands, it is looked what is in view.
    pub fn look_soon(&self) {
        self.0.look_soon();
    }
}

impl Inner {
    fn look_soon(self: &Rc<Self>) {
        if !self.soon.replace(true) {
            let this = Rc::downgrade(self);
            // After the layout, which comes before what is idle.
            glib::idle_add_local_full(glib::Priority::DEFAULT_IDLE, move || {
                if let Some(this) = this.upgrade() {
                    this.soon.set(false);
                    this.look();
                }
                glib::ControlFlow::Break
            });
        }
    }

    fn views(&self) -> Vec<Rc<PictureView>> {
        let mut views = self.views.borrow_mut();
        views.retain(|view| view.strong_count() > 0);
        views.iter().filter_map(Weak::upgrade).collect()
    }

    fn draw(&self, view: &PictureView) {
        let known = view.wish().and_then(|wish| self.shelf.borrow_mut().get(&wish));
        view.draw(known.as_ref());
    }

    fn look(self: &Rc<Self>) {
        let mut wishes = Vec::new();
        for view in self.views() {
            let Some(wish) = view.wish() else { continue };
            match (view.is_near(), view.stage.get()) {
                (false, _) => view.leave(),
                (true, Stage::Away) => {
                    view.stage.set(Stage::Asked);
                    self.draw(&view);
                    wishes.push(wish);
                }
                (true, Stage::Asked) => wishes.push(wish),
                (true, Stage::Told) => {}
            }
        }
        self.shelf.borrow_mut().wait_for(wishes);
        self.begin();
    }

    /// Begins as many looks as may run at once.
    fn begin(self: &Rc<Self>) {
        loop {
            let Some((wish, known)) = self.shelf.borrow_mut().begin() else { return };
            let this = self.clone();
            glib::spawn_future_local(async move {
                let meant = wish.clone();
                let looked = gio::spawn_blocking(move || parent::look(Path::new(THIS_PROGRAM), &meant, known, WITHIN));
                this.found(&wish, looked.await.unwrap_or(Found::Nothing));
            });
        }
    }

    fn found(self: &Rc<Self>, wish: &Wish, found: Found<Picture>) {
        let found = match found {
            Found::Nothing => Found::Nothing,
            Found::Same => Found::Same,
            Found::Refused(stamp) => Found::Refused(stamp),
            Found::Unclear(stamp) => Found::Unclear(stamp),
            Found::Picture(stamp, picture) => Found::Picture(stamp, texture(picture)),
        };
        self.shelf.borrow_mut().end(wish, found);
        for view in self.views() {
            if view.stage.get() != Stage::Away && view.wish().as_ref() == Some(wish) {
                view.stage.set(Stage::Told);
                self.draw(&view);
            }
        }
        self.begin();
    }
}

/// With its size: what the shelf keeps.
pub fn texture(picture: Picture) -> ((i32, i32), gdk::Texture) {
    let ((width, height), stride) = (picture.size(), picture.stride());
    let pixels = |number: u32| i32::try_from(number).unwrap_or_default();
    let size = (pixels(width), pixels(height));
    let bytes = glib::Bytes::from_owned(picture.into_rgba());
    (size, gdk::MemoryTexture::new(size.0, size.1, gdk::MemoryFormat::R8g8b8a8, &bytes, stride).upcast())
}
