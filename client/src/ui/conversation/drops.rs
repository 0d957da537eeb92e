//! Files that are dropped on a conversation, and the hint that says so while they hover. Both only where they can be sent, which the page
//! knows.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use gtk::gdk;
use gtk::prelude::*;
use relm4::{adw, gtk};

use crate::ui::transfers::choose;

/// Where files are dropped.
pub struct Drops {
    target: gtk::DropTarget,
    hint: Rc<Hint>,
}

impl Drops {
    /// Takes what is dropped anywhere in a place that is called `name`.
    pub fn new(place: &gtk::Overlay, name: &str, dropped: impl Fn(Vec<PathBuf>) + 'static) -> Self {
        let hint = Rc::new(Hint { name: RefCell::new(name.to_owned()), shown: RefCell::default() });
        let target = gtk::DropTarget::new(gdk::FileList::static_type(), gdk::DragAction::COPY);
        // Before the composer, which would take the names of the files as text.
        target.set_propagation_phase(gtk::PropagationPhase::Capture);
        let shown = hint.clone();
        target.connect_enter(move |target, _, _| {
            if let Some(place) = target.widget().and_downcast::<gtk::Overlay>() {
                shown.show(&place);
            }
            gdk::DragAction::COPY
        });
        target.connect_motion(|target, _, _| target.actions());
        let shown = hint.clone();
        target.connect_leave(move |_| shown.hide());
        let shown = hint.clone();
        target.connect_drop(move |target, value, _, _| {
            shown.hide();
            if target.actions().is_empty() {
                return false;
            }
            let paths = value.get::<gdk::FileList>().map(|list| choose::local_paths(&list)).unwrap_or_default();
            let any = !paths.is_empty();
            if any {
                dropped(paths);
            }
            any
        });
        place.add_controller(target.clone());
        Self { target, hint }
    }

    /// The place is called so from now on.
    pub fn name(&self, name: &str) {
        name.clone_into(&mut self.hint.name.borrow_mut());
    }

    /// Files are taken from now on, or not any more: not even those that hover already.
    pub fn allow(&self, allowed: bool) {
        if allowed {
            self.target.set_actions(gdk::DragAction::COPY);
        } else {
            // One that hovers is refused when it is dropped: the library's way to reject it at once leaves the other side without an answer.
            self.target.set_actions(gdk::DragAction::empty());
            self.hint.hide();
        }
    }
}

/// What says that files can be dropped. It is made for each time, which is seldom.
struct Hint {
    name: RefCell<String>,
    shown: RefCell<Option<adw::StatusPage>>,
}

impl Hint {
    fn show(&self, place: &gtk::Overlay) {
        self.hide();
        let title = format!("Drop to Send to {}", self.name.borrow());
        let hint =
            adw::StatusPage::builder().icon_name("document-send-symbolic").title(title).can_target(false).build();
        hint.add_css_class("drop-hint");
        place.add_overlay(&hint);
        self.shown.replace(Some(hint));
    }

    fn hide(&self) {
        if let Some(hint) = self.shown.take()
            && let Some(place) = hint.parent().and_downcast::<gtk::Overlay>()
        {
            place.remove_overlay(&hint);
        }
    }
}
