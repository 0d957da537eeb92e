//! How a line of the timeline is laid out: one thing below the other over the whole width, and what is somebody's on its side of the timeline,
//! no wider than it needs. GTK's boxes can do that with alignment and margins, but then they measure each text in the width of the
//! whole line first, and once more in its own; that was a sixth of what a frame cost while scrolling.

use std::cell::{Cell, RefCell};

use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;
use relm4::gtk;

/// Where in the timeline a line stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Placed {
    /// On the side of what is mine.
    pub own: bool,
    /// Room that is left free on the other side, in pixels.
    pub aside: i32,
    /// Room above the line, in pixels.
    pub above: i32,
}

mod imp {
    use super::{Cell, IsA, LayoutManagerImpl, ObjectImpl, ObjectSubclass, Placed, RefCell, WidgetExt, glib, gtk};

    #[derive(Debug, Default)]
    pub struct LineLayout {
        pub placed: Cell<Placed>,
        /// What stands on a side.
        pub somebodys: RefCell<glib::WeakRef<gtk::Widget>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LineLayout {
        const NAME: &'static str = "HobnobLineLayout";
        type Type = super::LineLayout;
        type ParentType = gtk::LayoutManager;
    }

    impl ObjectImpl for LineLayout {}

    impl LineLayout {
        fn is_somebodys(&self, child: &gtk::Widget) -> bool {
            self.somebodys.borrow().upgrade().as_ref() == Some(child)
        }

        /// How wide a child is in a line of this width.
        fn width(&self, child: &gtk::Widget, line: i32) -> i32 {
            if !self.is_somebodys(child) {
                return line;
            }
            let (least, natural, ..) = child.measure(gtk::Orientation::Horizontal, -1);
            natural.min(line - self.placed.get().aside).max(least)
        }
    }

    fn shown(line: &impl IsA<gtk::Widget>) -> impl Iterator<Item = gtk::Widget> {
        std::iter::successors(line.first_child(), WidgetExt::next_sibling).filter(WidgetExt::should_layout)
    }

    impl LayoutManagerImpl for LineLayout {
        fn request_mode(&self, _line: &gtk::Widget) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        fn measure(&self, line: &gtk::Widget, orientation: gtk::Orientation, width: i32) -> (i32, i32, i32, i32) {
            let Placed { aside, above, .. } = self.placed.get();
            if orientation == gtk::Orientation::Horizontal {
                return shown(line).fold((0, 0, -1, -1), |so_far, child| {
                    let aside = if self.is_somebodys(&child) { aside } else { 0 };
                    let (least, natural, ..) = child.measure(orientation, -1);
                    (so_far.0.max(least + aside), so_far.1.max(natural + aside), -1, -1)
                });
            }
            shown(line).fold((above, above, -1, -1), |so_far, child| {
                let width = if width < 0 { width } else { self.width(&child, width) };
                let (least, natural, ..) = child.measure(orientation, width);
                (so_far.0 + least, so_far.1 + natural, -1, -1)
            })
        }

        fn allocate(&self, line: &gtk::Widget, width: i32, _height: i32, _baseline: i32) {
            let Placed { own, above, .. } = self.placed.get();
            let mut top = above;
            for child in shown(line) {
                let narrow = self.width(&child, width);
                let (_, height, ..) = child.measure(gtk::Orientation::Vertical, narrow);
                let from_right = own == (line.direction() != gtk::TextDirection::Rtl);
                let left = if from_right { width - narrow } else { 0 };
                child.size_allocate(&gtk::Allocation::new(left, top, narrow, height), -1);
                top += height;
            }
        }
    }
}

glib::wrapper! {
    /// See the module.
    pub struct LineLayout(ObjectSubclass<imp::LineLayout>)
        @extends gtk::LayoutManager;
}

impl LineLayout {
    /// Lays out `line`, in which `somebodys` stands on a side.
    pub fn of(line: &gtk::Box, somebodys: &gtk::Box) -> Self {
        let layout: Self = glib::Object::new();
        layout.imp().somebodys.replace(somebodys.upcast_ref::<gtk::Widget>().downgrade());
        line.set_layout_manager(Some(layout.clone()));
        layout
    }

    /// The line stands so.
    pub fn place(&self, placed: Placed) {
        if self.imp().placed.replace(placed) != placed {
            self.layout_changed();
        }
    }
}
