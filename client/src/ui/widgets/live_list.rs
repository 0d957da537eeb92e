//! A long list whose rows change in place: GTK builds widgets only for the rows near the view, and a row that changes is drawn again
//! without touching its neighbours, so that selection, focus and scroll position stay. Used by the sidebar and the timelines. What GTK takes
//! for near are some two hundred rows; a list whose rows are all of one height can do with those that are in view, see [`LiveList::sparing`].

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;

use gtk::prelude::*;
use relm4::gtk::{self, gio, glib};

use crate::ui::widgets::in_view::near;

/// What a row shows, and how.
pub trait Row: PartialEq + 'static {
    /// The widgets of a row, used for many rows in turn.
    type Widgets: 'static;
    /// What rows need to speak to their list's owner.
    type Context: 'static;

    /// Builds the widgets of a row. `current` tells what they show at the time of asking.
    fn build(context: &Rc<Self::Context>, current: Current<Self>) -> (gtk::Widget, Self::Widgets);

    /// Shows this row in the widgets.
    fn show(&self, widgets: &Self::Widgets);
}

/// Tells which row a set of widgets shows just now.
pub struct Current<R: Row + ?Sized> {
    item: glib::WeakRef<gtk::ListItem>,
    row: PhantomData<R>,
}

impl<R: Row + ?Sized> Clone for Current<R> {
    fn clone(&self) -> Self {
        Self { item: self.item.clone(), row: PhantomData }
    }
}

impl<R: Row> Current<R> {
    /// Reads something of the row; none while the widgets show nothing.
    pub fn read<T>(&self, read: impl FnOnce(&R) -> T) -> Option<T> {
        let object = self.item.upgrade()?.item()?.downcast::<glib::BoxedAnyObject>().ok()?;
        let slot = object.borrow::<Slot<R>>();
        let row = slot.row.borrow();
        Some(read(&row))
    }
}

struct Slot<R: Row> {
    row: RefCell<R>,
    shown_by: RefCell<Option<Rc<R::Widgets>>>,
}

/// Height of a row that is not made yet, in pixels.
const ROW: i32 = 50;
/// Rows made before a list knows its height.
const FIRST: u32 = 8;

/// What makes rows, and which rows are in view; none where every row counts as that.
struct Maker<R: Row> {
    context: Rc<R::Context>,
    /// The widgets that GTK has for rows, once they are made.
    places: RefCell<HashMap<gtk::ListItem, Option<Rc<R::Widgets>>>>,
    in_view: Cell<Option<(u32, u32)>>,
    looking: Cell<bool>,
}

impl<R: Row> Maker<R> {
    fn is_near(&self, item: &gtk::ListItem) -> bool {
        self.in_view.get().is_none_or(|(first, last)| (first..=last).contains(&item.position()))
    }

    /// The widgets of a row, made now unless they are there.
    fn make(&self, item: &gtk::ListItem) -> Rc<R::Widgets> {
        if let Some(Some(parts)) = self.places.borrow().get(item) {
            return parts.clone();
        }
        let (root, parts) = R::build(&self.context, Current { item: item.downgrade(), row: PhantomData });
        let parts = Rc::new(parts);
        item.set_child(Some(&root));
        self.places.borrow_mut().insert(item.clone(), Some(parts.clone()));
        parts
    }

    /// Shows the row that the item is for, where it is in view.
    fn show(&self, item: &gtk::ListItem) {
        if !self.is_near(item) {
            return;
        }
        with_slot::<R>(item, |slot| {
            if slot.shown_by.borrow().is_none() {
                let parts = self.make(item);
                slot.row.borrow().show(&parts);
                slot.shown_by.replace(Some(parts));
            }
        });
    }

    /// Other rows are in view.
    fn look(&self, rows: u32, scroll: &gtk::Adjustment) {
        let Some(near) = near(scroll.value(), scroll.page_size(), scroll.upper(), rows) else { return };
        self.in_view.set(Some(near));
        let items: Vec<gtk::ListItem> = self.places.borrow().keys().cloned().collect();
        for item in items.iter().filter(|item| item.item().is_some()) {
            self.show(item);
        }
    }
}

/// The list's content. The view is made from [`LiveList::factory`] and [`LiveList::store`].
pub struct LiveList<R: Row> {
    store: gio::ListStore,
    factory: gtk::SignalListItemFactory,
    maker: Rc<Maker<R>>,
}

impl<R: Row> LiveList<R> {
    /// An empty list.
    pub fn new(context: R::Context) -> Self {
        let factory = gtk::SignalListItemFactory::new();
        let (places, in_view, looking) = (RefCell::default(), Cell::new(None), Cell::new(false));
        let maker = Rc::new(Maker::<R> { context: Rc::new(context), places, in_view, looking });

        let made = maker.clone();
        factory.connect_setup(move |_, item| {
            let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
            if made.in_view.get().is_none() {
                made.make(item);
            } else {
                made.places.borrow_mut().insert(item.clone(), None);
                item.set_child(Some(&gtk::Box::builder().height_request(ROW).build()));
            }
        });
        let made = maker.clone();
        factory.connect_bind(move |_, item| {
            if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
                made.show(item);
            }
        });
        factory.connect_unbind(|_, item| {
            if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
                with_slot::<R>(item, |slot| drop(slot.shown_by.take()));
            }
        });
        let made = maker.clone();
        factory.connect_teardown(move |_, item| {
            if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
                made.places.borrow_mut().remove(item);
            }
        });
        Self { store: gio::ListStore::new::<glib::BoxedAnyObject>(), factory, maker }
    }

    /// Makes only those rows that are in view in this scroller, and some around them: a start with a thousand rows costs what a screen shows.
    pub fn sparing(&self, scroller: &gtk::ScrolledWindow) {
        self.maker.in_view.set(Some((0, FIRST - 1)));
        let scroll = scroller.vadjustment();
        let (maker, store) = (self.maker.clone(), self.store.clone());
        let look = move |scroll: &gtk::Adjustment| {
            if maker.looking.replace(true) {
                return;
            }
            let (maker, store, scroll) = (maker.clone(), store.clone(), scroll.clone());
            // The list may be in the middle of laying itself out; and it is still before the next frame.
            glib::idle_add_local_full(glib::Priority::HIGH_IDLE, move || {
                maker.looking.set(false);
                maker.look(store.n_items(), &scroll);
                glib::ControlFlow::Break
            });
        };
        scroll.connect_value_changed(look.clone());
        scroll.connect_changed(look);
    }

    /// The rows, for a selection model.
    pub fn store(&self) -> &gio::ListStore {
        &self.store
    }

    /// What builds the rows' widgets.
    pub fn factory(&self) -> &gtk::SignalListItemFactory {
        &self.factory
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.store.n_items() as usize
    }

    /// Without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads something of a row.
    pub fn read<T>(&self, at: usize, read: impl FnOnce(&R) -> T) -> Option<T> {
        self.with(at, |slot| read(&slot.row.borrow()))
    }

    /// Puts `rows` in the place of `removed` rows from `at` on.
    pub fn splice(&self, at: usize, removed: usize, rows: impl IntoIterator<Item = R>) {
        let objects: Vec<_> = rows
            .into_iter()
            .map(|row| glib::BoxedAnyObject::new(Slot { row: RefCell::new(row), shown_by: RefCell::new(None) }))
            .collect();
        let at = at.min(self.len());
        let removed = removed.min(self.len() - at);
        self.store.splice(number(at), number(removed), &objects);
    }

    /// Shows something else in a row; nothing is drawn when it is the same.
    pub fn set(&self, at: usize, row: R) {
        self.with(at, |slot| {
            if *slot.row.borrow() == row {
                return;
            }
            slot.row.replace(row);
            if let Some(widgets) = slot.shown_by.borrow().as_ref() {
                slot.row.borrow().show(widgets);
            }
        });
    }

    /// Makes the list show `rows`, changing as little as can be: rows with equal keys stay, a single one that moved is moved.
    pub fn sync<K: PartialEq>(&self, rows: Vec<R>, key: impl Fn(&R) -> K) {
        let old: Vec<K> = (0..self.len()).filter_map(|at| self.read(at, &key)).collect();
        let new: Vec<K> = rows.iter().map(&key).collect();
        let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(a, b)| a == b).count();
        let (old_middle, new_middle) = (&old[start..old.len() - end], &new[start..new.len() - end]);
        let size = new_middle.len();
        let mut rows: Vec<Option<R>> = rows.into_iter().map(Some).collect();
        let mut take = |at: usize| rows.get_mut(at).and_then(Option::take);

        if size == old_middle.len() && size > 1 && old_middle[1..] == new_middle[..size - 1] {
            self.splice(start, 1, []);
            self.splice(start + size - 1, 0, take(start + size - 1));
        } else if size == old_middle.len() && size > 1 && old_middle[..size - 1] == new_middle[1..] {
            self.splice(start + size - 1, 1, []);
            self.splice(start, 0, take(start));
        } else {
            let middle: Vec<R> = (start..start + size).filter_map(&mut take).collect();
            self.splice(start, old_middle.len(), middle);
        }
        for (at, row) in rows.into_iter().enumerate() {
            if let Some(row) = row {
                self.set(at, row);
            }
        }
    }

    fn with<T>(&self, at: usize, run: impl FnOnce(&Slot<R>) -> T) -> Option<T> {
        let object = self.store.item(u32::try_from(at).ok()?)?.downcast::<glib::BoxedAnyObject>().ok()?;
        let slot = object.borrow::<Slot<R>>();
        Some(run(&slot))
    }
}

fn with_slot<R: Row>(item: &gtk::ListItem, run: impl FnOnce(&Slot<R>)) {
    let Some(object) = item.item().and_downcast::<glib::BoxedAnyObject>() else { return };
    run(&object.borrow::<Slot<R>>());
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
