//! Emojis below a bubble: how many set each, who in the tooltip, and a click sets or takes off one's own.

use std::cell::RefCell;
use std::rc::Rc;

use gtk::pango;
use gtk::prelude::*;
use relm4::gtk;

use crate::ui::widgets::spoken::called;

/// One emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pill {
    /// As it was set: what is sent back to take it off.
    pub emoji: String,
    /// As it is shown, literally.
    pub shown: String,
    /// How many set it.
    pub count: usize,
    /// Who, by name.
    pub who: String,
    /// One of them is oneself.
    pub mine: bool,
}

/// Pills side by side: so many fit the narrowest bubble.
const IN_A_ROW: usize = 5;
/// Pills that are shown at all; a room may set more.
const SHOWN: usize = 20;
/// Widest emoji, in characters: what somebody sets may be a word.
const WIDTH: i32 = 8;

/// The widgets: rows of buttons, made anew when something changes, which is rare.
pub struct PillsWidgets {
    root: gtk::Box,
    shown: RefCell<Vec<Pill>>,
    toggle: Rc<dyn Fn(String, bool)>,
}

impl PillsWidgets {
    /// Without pills; `toggle` is called with an emoji and whether it is to be set.
    pub fn new(toggle: impl Fn(String, bool) + 'static) -> Self {
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).build();
        root.add_css_class("reactions");
        Self { root, shown: RefCell::default(), toggle: Rc::new(toggle) }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Shows these.
    pub fn show(&self, pills: &[Pill], own: bool) {
        self.root.set_visible(!pills.is_empty());
        self.root.set_halign(if own { gtk::Align::End } else { gtk::Align::Start });
        if *self.shown.borrow() == pills {
            return;
        }
        self.shown.replace(pills.to_vec());
        while let Some(row) = self.root.first_child() {
            self.root.remove(&row);
        }
        let side = self.root.halign();
        for some in pills[..pills.len().min(SHOWN)].chunks(IN_A_ROW) {
            let row = gtk::Box::builder().spacing(4).halign(side).build();
            for pill in some {
                row.append(&self.button(pill));
            }
            self.root.append(&row);
        }
    }

    fn button(&self, pill: &Pill) -> gtk::Button {
        let Pill { emoji, shown, count, who, mine } = pill.clone();
        let does = if mine { "take yours off" } else { "set it too" };
        let button: gtk::Button = called(&format!("{shown} {count}, by {who}: {does}"));
        let label = gtk::Label::builder()
            .label(format!("{shown} {count}"))
            .ellipsize(pango::EllipsizeMode::Middle)
            .max_width_chars(WIDTH)
            .accessible_role(gtk::AccessibleRole::Presentation)
            .build();
        button.set_child(Some(&label));
        button.set_tooltip_text(Some(&who));
        button.add_css_class("reaction");
        if mine {
            button.add_css_class("mine");
        }
        let toggle = self.toggle.clone();
        button.connect_clicked(move |_| toggle(emoji.clone(), !mine));
        button
    }
}
