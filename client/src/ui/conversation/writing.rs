//! Tells that somebody writes in a composer: at the first key, again while they go on, and that they stopped when they fall silent or take
//! everything back. What the program itself puts into the field is no writing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use gtk::glib;
use hobnob_shared::limits::{TYPING_AGAIN, TYPING_PAUSE};
use relm4::gtk;

/// The teller.
pub struct Writing {
    told: Cell<Option<Instant>>,
    silence: RefCell<Option<glib::SourceId>>,
    tell: Box<dyn Fn(bool)>,
}

impl Writing {
    /// One that tells `tell`.
    pub fn new(tell: impl Fn(bool) + 'static) -> Rc<Self> {
        Rc::new(Self { told: Cell::new(None), silence: RefCell::default(), tell: Box::new(tell) })
    }

    /// A key was pressed that changed the text, and something stands there or not.
    pub fn touched(self: &Rc<Self>, something: bool) {
        if !something {
            return self.stopped();
        }
        if self.told.get().is_none_or(|told| told.elapsed() >= TYPING_AGAIN) {
            self.told.set(Some(Instant::now()));
            (self.tell)(true);
        }
        self.await_silence(Some(self));
    }

    /// Nothing is written any more.
    pub fn stopped(&self) {
        self.await_silence(None);
        if self.told.take().is_some() {
            (self.tell)(false);
        }
    }

    fn await_silence(&self, of: Option<&Rc<Self>>) {
        if let Some(earlier) = self.silence.take() {
            earlier.remove();
        }
        let Some(this) = of.map(Rc::downgrade) else { return };
        let source = glib::timeout_add_local_once(TYPING_PAUSE, move || {
            if let Some(this) = this.upgrade() {
                // It runs just now, and must not be removed.
                this.silence.replace(None);
                this.stopped();
            }
        });
        self.silence.replace(Some(source));
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(source) = self.silence.take() {
            source.remove();
        }
    }
}
