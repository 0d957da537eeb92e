//! Several widgets in one place, of which one is shown. Unlike GTK's stack it hides the others from screen readers as well.

use std::cell::RefCell;

use gtk::prelude::*;
use relm4::gtk;

/// The place.
#[derive(Debug, Default)]
pub struct Pages {
    root: gtk::Box,
    pages: RefCell<Vec<(&'static str, gtk::Widget)>>,
}

impl Pages {
    /// An empty one that takes what room there is.
    pub fn new() -> Self {
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).vexpand(true).hexpand(true).build();
        Self { root, pages: RefCell::default() }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Adds a page, in the place of one of the same name. The first one added is shown.
    pub fn add(&self, name: &'static str, page: &impl IsA<gtk::Widget>) {
        let mut pages = self.pages.borrow_mut();
        if let Some(at) = pages.iter().position(|(known, _)| *known == name) {
            self.root.remove(&pages.remove(at).1);
        }
        page.set_visible(pages.is_empty());
        page.set_vexpand(true);
        self.root.append(page);
        pages.push((name, page.clone().upcast()));
    }

    /// That page is shown.
    pub fn shows(&self, name: &str) -> bool {
        self.pages.borrow().iter().any(|(known, page)| *known == name && page.get_visible())
    }

    /// Shows one page.
    pub fn show(&self, name: &str) {
        for (known, page) in self.pages.borrow().iter() {
            page.set_visible(*known == name);
        }
    }
}
