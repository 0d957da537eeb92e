//! Where preferences are kept while the program runs: `GSettings` where the schema is installed as this program knows it, else a file. Either
//! way a change by anybody, another window of this program too, is seen at once.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gtk::gio::prelude::*;
use gtk::{gio, glib};
use relm4::gtk;

use crate::ui::APP_ID;
use crate::ui::settings::file;
use crate::ui::settings::keys::{FLAGS, Flag, NUMBERS, Number, Preferences, STYLE, Style};

enum Place {
    Settings(gio::Settings),
    File(PathBuf),
}

struct Inner {
    place: Place,
    now: Cell<Preferences>,
    changed: RefCell<Option<Box<dyn Fn()>>>,
    /// Tells of changes to the file as long as it lives.
    watch: RefCell<Option<gio::FileMonitor>>,
}

/// The preferences. Clones share them.
#[derive(Clone)]
pub struct Store(Rc<Inner>);

impl Store {
    /// Those of this user: from `GSettings`, or from a file in `folder`.
    pub fn open(folder: &Path) -> Self {
        let source = gio::SettingsSchemaSource::default();
        let schema = source.and_then(|source| source.lookup(APP_ID, true)).filter(fits);
        match schema {
            Some(schema) => Self::in_settings(&gio::Settings::new_full(&schema, None::<&gio::SettingsBackend>, None)),
            None => Self::in_file(folder.join("preferences.json")),
        }
    }

    /// Kept by `GSettings`.
    pub fn in_settings(settings: &gio::Settings) -> Self {
        let now = Cell::new(read(settings));
        let place = Place::Settings(settings.clone());
        let inner = Rc::new(Inner { place, now, changed: RefCell::default(), watch: RefCell::default() });
        let of = Rc::downgrade(&inner);
        settings.connect_changed(None, move |_, _| {
            if let Some(inner) = of.upgrade() {
                inner.look();
            }
        });
        Self(inner)
    }

    /// Kept in a file.
    pub fn in_file(path: PathBuf) -> Self {
        let now = Cell::new(file::read(&path));
        let watched = gio::File::for_path(&path);
        let place = Place::File(path);
        let inner = Rc::new(Inner { place, now, changed: RefCell::default(), watch: RefCell::default() });
        match watched.monitor_file(gio::FileMonitorFlags::WATCH_MOVES, gio::Cancellable::NONE) {
            Ok(monitor) => {
                let of = Rc::downgrade(&inner);
                monitor.connect_changed(move |_, _, _, _| {
                    if let Some(inner) = of.upgrade() {
                        inner.look();
                    }
                });
                inner.watch.replace(Some(monitor));
            }
            Err(error) => tracing::debug!(%error, "changes by another window are seen at the next start"),
        }
        Self(inner)
    }

    /// `changed` is called after each change, whoever made it.
    pub fn watch(&self, changed: impl Fn() + 'static) {
        self.0.changed.replace(Some(Box::new(changed)));
    }

    /// All of them.
    pub fn now(&self) -> Preferences {
        self.0.now.get()
    }

    /// It is on.
    pub fn is(&self, flag: Flag) -> bool {
        self.now().is(flag)
    }

    /// Turns it on or off.
    pub fn set(&self, flag: Flag, on: bool) {
        self.put(|now| now.set(flag, on), |settings| settings.set_boolean(flag.name(), on));
    }

    /// Changes a number.
    pub fn set_number(&self, number: Number, value: i32) {
        self.put(|now| now.set_number(number, value), |settings| settings.set_int(number.name(), value));
    }

    /// Light or dark.
    pub fn set_style(&self, style: Style) {
        self.put(|now| now.style = style, |settings| settings.set_string(STYLE, style.name()));
    }

    fn put(
        &self,
        change: impl FnOnce(&mut Preferences),
        write: impl FnOnce(&gio::Settings) -> Result<(), glib::BoolError>,
    ) {
        let mut now = self.now();
        change(&mut now);
        if now == self.now() {
            return;
        }
        let written = match &self.0.place {
            Place::Settings(settings) => write(settings).map_err(|error| error.to_string()),
            Place::File(path) => file::write(path, &now).map_err(|error| error.to_string()),
        };
        if let Err(error) = written {
            // It holds until the end of the program all the same.
            tracing::warn!(%error, "a preference was not kept");
        }
        self.0.turn(now);
    }
}

impl Inner {
    /// Something may have changed.
    fn look(&self) {
        self.turn(match &self.place {
            Place::Settings(settings) => read(settings),
            Place::File(path) => file::read(path),
        });
    }

    fn turn(&self, now: Preferences) {
        if self.now.replace(now) != now
            && let Some(changed) = self.changed.borrow().as_ref()
        {
            changed();
        }
    }
}

/// The schema has all keys with their types. An older one that is still installed has not, and asking for what is missing would end the
/// program.
fn fits(schema: &gio::SettingsSchema) -> bool {
    let has = |name: &str, kind: &str| schema.has_key(name) && schema.key(name).value_type().as_str() == kind;
    schema.path().is_some()
        && has(STYLE, "s")
        && FLAGS.iter().all(|(_, name, _)| has(name, "b"))
        && NUMBERS.iter().all(|(_, name, ..)| has(name, "i"))
}

fn read(settings: &gio::Settings) -> Preferences {
    let mut now = Preferences::default();
    now.style = Style::named(&settings.string(STYLE)).unwrap_or_default();
    for (flag, name, _) in FLAGS {
        now.set(flag, settings.boolean(name));
    }
    for (number, name, ..) in NUMBERS {
        now.set_number(number, settings.int(name));
    }
    now
}

#[cfg(test)]
#[path = "store_tests.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
