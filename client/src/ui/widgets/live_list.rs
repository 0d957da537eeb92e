//! A long list whose rows change in place: GTK builds widgets only for the rows near the view, and a row that changes is drawn again
//! without touching its neighbours, so that selection, focus and scroll position stay. Used by the sidebar and the timelines.

use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;

use gtk::prelude::*;
use relm4::gtk::{self, gio, glib};

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

/// The list's content. The view is made from [`LiveList::factory`] and [`LiveList::store`].
pub struct LiveList<R: Row> {
    store: gio::ListStore,
    factory: gtk::SignalListItemFactory,
    row: PhantomData<R>,
}

impl<R: Row> LiveList<R> {
    /// An empty list.
    pub fn new(context: R::Context) -> Self {
        let factory = gtk::SignalListItemFactory::new();
        let context = Rc::new(context);
        let built: Rc<RefCell<HashMap<gtk::ListItem, Rc<R::Widgets>>>> = Rc::default();

        let widgets = built.clone();
        factory.connect_setup(move |_, item| {
            let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
            let current = Current { item: item.downgrade(), row: PhantomData };
            let (root, parts) = R::build(&context, current);
            item.set_child(Some(&root));
            widgets.borrow_mut().insert(item.clone(), Rc::new(parts));
        });
        let widgets = built.clone();
        factory.connect_bind(move |_, item| {
            with_slot::<R>(item, |item, slot| {
                let parts = widgets.borrow().get(item).cloned();
                if let Some(parts) = &parts {
                    slot.row.borrow().show(parts);
                }
                slot.shown_by.replace(parts);
            });
        });
        factory.connect_unbind(|_, item| {
            with_slot::<R>(item, |_, slot| drop(slot.shown_by.take()));
        });
        factory.connect_teardown(move |_, item| {
            if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
                built.borrow_mut().remove(item);
            }
        });
        Self { store: gio::ListStore::new::<glib::BoxedAnyObject>(), factory, row: PhantomData }
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

fn with_slot<R: Row>(item: &glib::Object, run: impl FnOnce(&gtk::ListItem, &Slot<R>)) {
    let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
    let Some(object) = item.item().and_downcast::<glib::BoxedAnyObject>() else { return };
    run(item, &object.borrow::<Slot<R>>());
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
