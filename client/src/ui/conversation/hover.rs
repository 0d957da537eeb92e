//! Two buttons beside the message under the pointer: answer it, and its menu. One set for a whole timeline, laid over it; the keyboard has the
//! menu key instead.

use std::cell::RefCell;
use std::rc::Rc;

use gtk::prelude::*;
use relm4::gtk;

use crate::core::message_key::MessageKey;
use crate::ui::conversation::row::Lines;
use crate::ui::widgets::icon_button::icon_button;

/// Room between bubble and buttons, and at the edges of the view, in pixels.
const GAP: i32 = 6;

struct Bar {
    view: gtk::glib::WeakRef<gtk::Overlay>,
    lines: Lines,
    root: gtk::Box,
    of: RefCell<Option<MessageKey>>,
}

/// Lays the buttons over a timeline's view, and hides them when `scrolled` moves.
pub fn attach(view: &gtk::Overlay, lines: &Lines, scrolled: &gtk::Adjustment) {
    let root = gtk::Box::builder().halign(gtk::Align::Start).valign(gtk::Align::Start).visible(false).build();
    root.add_css_class("hover-bar");
    let bar = Rc::new(Bar { view: view.downgrade(), lines: lines.clone(), root, of: RefCell::default() });
    for (icon, name, action) in
        [("mail-reply-sender-symbolic", "Reply", "reply"), ("view-more-symbolic", "Message Menu", "menu")]
    {
        let button = icon_button(icon, name);
        button.set_css_classes(&["flat", "circular"]);
        button.set_focusable(false);
        let here = Rc::downgrade(&bar);
        button.connect_clicked(move |button| {
            let Some(message) = here.upgrade().and_then(|bar| bar.hide()) else { return };
            let target = message.to_string().to_variant();
            if let Err(error) = button.activate_action(&format!("message.{action}"), Some(&target)) {
                tracing::debug!(%error, action, "a button of a message does nothing");
            }
        });
        bar.root.append(&button);
    }
    view.add_overlay(&bar.root);
    let here = Rc::downgrade(&bar);
    scrolled.connect_value_changed(move |_| {
        if let Some(bar) = here.upgrade() {
            bar.hide();
        }
    });
    let motion = gtk::EventControllerMotion::new();
    let here = bar.clone();
    motion.connect_motion(move |_, x, y| here.under(x, y));
    motion.connect_leave(move |_| {
        bar.hide();
    });
    view.add_controller(motion);
}

/// Where the buttons begin, counted from where a line of text does: on the free side of the bubble from `left` to `right`, within the view.
fn beside((left, right): (i32, i32), own: bool, (width, view): (i32, i32), rtl: bool) -> i32 {
    // Seen in a mirror it is the same in both directions.
    let (start, end) = if rtl { (view - right, view - left) } else { (left, right) };
    let beside = if own { start - width - GAP } else { end + GAP };
    beside.clamp(GAP, (view - width - GAP).max(GAP))
}

impl Bar {
    /// Goes; the message that it was at.
    fn hide(&self) -> Option<MessageKey> {
        self.root.set_visible(false);
        self.of.take()
    }

    fn under(&self, x: f64, y: f64) {
        let Some(view) = self.view.upgrade() else { return };
        let Some(hit) = view.pick(x, y, gtk::PickFlags::DEFAULT) else { return };
        if hit == self.root || hit.is_ancestor(&self.root) {
            return;
        }
        let Some(about) = self.lines.about(&hit) else {
            self.hide();
            return;
        };
        if self.of.borrow().as_ref() == Some(&about.message) {
            return;
        }
        let bubble = self.lines.bubble(&about.message).and_then(|bubble| bubble.compute_bounds(&view));
        let Some(bubble) = bubble else { return };
        let (_, width, ..) = self.root.measure(gtk::Orientation::Horizontal, -1);
        let (_, height, ..) = self.root.measure(gtk::Orientation::Vertical, -1);
        #[expect(clippy::cast_possible_truncation, reason = "places within a window")]
        let (left, right, top) = (bubble.x() as i32, (bubble.x() + bubble.width()) as i32, bubble.y() as i32);
        let rtl = view.direction() == gtk::TextDirection::Rtl;
        self.root.set_margin_start(beside((left, right), about.own, (width, view.width()), rtl));
        self.root.set_margin_top(top.clamp(GAP, (view.height() - height - GAP).max(GAP)));
        self.of.replace(Some(about.message));
        self.root.set_visible(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buttons_stand_on_the_free_side_of_a_message_in_either_direction() {
        let sizes = (60, 600);
        assert_eq!(beside((20, 220), false, sizes, false), 226);
        assert_eq!(beside((380, 580), true, sizes, false), 314);
        // From right to left one's own stand on the left, and places are counted from the right.
        assert_eq!(beside((20, 220), true, sizes, true), 600 - 226 - 60);
        assert_eq!(beside((380, 580), false, sizes, true), 226);
        // Never out of the view.
        assert_eq!(beside((0, 590), false, sizes, false), 534);
        assert_eq!(beside((0, 590), false, (60, 40), true), GAP);
    }
}
