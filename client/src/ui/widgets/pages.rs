//! Several widgets in one place, of which one is shown. Unlike GTK's stack it hides the others from screen readers as well, and those that
//! are seldom shown need not be made before.

use std::cell::RefCell;

use gtk::prelude::*;
use relm4::gtk;

enum Page {
    Made(gtk::Widget),
    Later(Box<dyn Fn() -> gtk::Widget>),
}

impl Page {
    fn made(&self) -> Option<&gtk::Widget> {
        match self {
            Self::Made(page) => Some(page),
            Self::Later(_) => None,
        }
    }
}

/// The place.
#[derive(Default)]
pub struct Pages {
    root: gtk::Box,
    pages: RefCell<Vec<(&'static str, Page)>>,
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
        if let Some(at) = pages.iter().position(|(known, _)| *known == name)
            && let Page::Made(page) = pages.remove(at).1
        {
            self.root.remove(&page);
        }
        let page = page.clone().upcast();
        self.put(&page, pages.is_empty());
        pages.push((name, Page::Made(page)));
    }

    /// Adds a page that is made when it is shown for the first time.
    pub fn add_later<W: IsA<gtk::Widget>>(&self, name: &'static str, make: impl Fn() -> W + 'static) {
        self.pages.borrow_mut().push((name, Page::Later(Box::new(move || make().upcast()))));
    }

    fn put(&self, page: &gtk::Widget, shown: bool) {
        page.set_visible(shown);
        page.set_vexpand(true);
        self.root.append(page);
    }

    /// That page is shown.
    pub fn shows(&self, name: &str) -> bool {
        let is_shown = |page: &Page| page.made().is_some_and(WidgetExt::get_visible);
        self.pages.borrow().iter().any(|(known, page)| *known == name && is_shown(page))
    }

    /// Shows one page.
    pub fn show(&self, name: &str) {
        for (known, page) in self.pages.borrow_mut().iter_mut() {
            match page {
                Page::Made(page) => page.set_visible(*known == name),
                Page::Later(make) if *known == name => {
                    let shown = make();
                    self.put(&shown, true);
                    *page = Page::Made(shown);
                }
                Page::Later(_) => {}
            }
        }
    }
}
