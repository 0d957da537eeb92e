//! A layout that keeps the proportions of what is in it: as wide as it may be, narrower where there is less room, and always as high as that
//! width asks for. GTK's own picture keeps them too, but as a wish only: a list gives its rows what they need and no more.

use std::cell::Cell;

use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;
use relm4::gtk;

mod imp {
    use super::{Cell, LayoutManagerImpl, ObjectImpl, ObjectSubclass, WidgetExt, glib, gtk};

    #[derive(Debug, Default)]
    pub struct Proportion {
        /// Width and height in pixels of the layout, at most.
        pub size: Cell<(i32, i32)>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Proportion {
        const NAME: &'static str = "HobnobProportion";
        type Type = super::Proportion;
        type ParentType = gtk::LayoutManager;
    }

    impl ObjectImpl for Proportion {}

    impl LayoutManagerImpl for Proportion {
        fn request_mode(&self, _widget: &gtk::Widget) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        fn measure(&self, _: &gtk::Widget, orientation: gtk::Orientation, other: i32) -> (i32, i32, i32, i32) {
            let (width, height) = self.size.get();
            if orientation == gtk::Orientation::Horizontal {
                return (0, width, -1, -1);
            }
            let given = if other < 0 { width } else { other.min(width) };
            // Both are at most a few hundred.
            let needed = (given * height + width / 2) / width.max(1);
            (needed, needed, -1, -1)
        }

        fn allocate(&self, widget: &gtk::Widget, width: i32, height: i32, _baseline: i32) {
            if let Some(child) = widget.first_child() {
                let shown = width.min(self.size.get().0);
                child.size_allocate(&gtk::Allocation::new((width - shown) / 2, 0, shown, height), -1);
            }
        }
    }
}

glib::wrapper! {
    /// See the module.
    pub struct Proportion(ObjectSubclass<imp::Proportion>)
        @extends gtk::LayoutManager;
}

impl Proportion {
    /// Of nothing.
    pub fn new() -> Self {
        glib::Object::new()
    }

    /// Width and height in pixels of the layout, at most; each at most a few thousand.
    pub fn set_size(&self, size: (i32, i32)) {
        if self.imp().size.replace(size) != size {
            self.layout_changed();
        }
    }
}

impl Default for Proportion {
    fn default() -> Self {
        Self::new()
    }
}
