//! Preferences in `GSettings`, with the schema of this tree compiled, and in a file: the same, and told of at once.

use std::process::Command;

use super::*;
use crate::ui::settings::keys::STYLES;

const SCHEMA: &str = include_str!("../../../../resources/org.hobnob.Hobnob.gschema.xml");

/// The schema, compiled; none where the compiler of schemas is not installed.
fn compiled(xml: &str) -> Option<gio::SettingsSchema> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("org.hobnob.Hobnob.gschema.xml"), xml).unwrap();
    match Command::new("glib-compile-schemas").arg("--strict").arg(folder.path()).status() {
        Ok(status) => assert!(status.success(), "the schema is wrong"),
        Err(error) => {
            eprintln!("SKIPPED: glib-compile-schemas: {error} (make setup)");
            return None;
        }
    }
    let source = gio::SettingsSchemaSource::from_directory(folder.path(), None, true).unwrap();
    Some(source.lookup(APP_ID, false).unwrap())
}

/// Runs with a main loop of its own.
fn with_loop(run: impl FnOnce(&glib::MainContext)) {
    let context = glib::MainContext::new();
    context.with_thread_default(|| run(&context)).unwrap();
}

fn counted(store: &Store) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let counter = count.clone();
    store.watch(move || counter.set(counter.get() + 1));
    count
}

#[test]
fn the_schema_says_what_the_code_says() {
    let Some(schema) = compiled(SCHEMA) else { return };
    assert!(fits(&schema));
    let mut known: Vec<&str> =
        FLAGS.iter().map(|(_, name, _)| *name).chain(NUMBERS.iter().map(|(_, name, ..)| *name)).collect();
    known.push(STYLE);
    known.sort_unstable();
    let mut keys: Vec<String> = schema.list_keys().iter().map(ToString::to_string).collect();
    keys.sort();
    assert_eq!(keys, known);
    for (_, name, usual) in FLAGS {
        assert_eq!(schema.key(name).default_value().get::<bool>(), Some(usual), "{name}");
    }
    for (_, name, usual, range) in NUMBERS {
        let key = schema.key(name);
        assert_eq!(key.default_value().get::<i32>(), Some(usual), "{name}");
        let (kind, limits) = key.range().get::<(String, glib::Variant)>().unwrap();
        assert_eq!((kind.as_str(), limits.get::<(i32, i32)>()), ("range", Some(range)), "{name}");
    }
    let style = schema.key(STYLE);
    assert_eq!(style.default_value().str(), Some(Style::default().name()));
    let (kind, choices) = style.range().get::<(String, glib::Variant)>().unwrap();
    let names: Vec<String> = STYLES.iter().map(|(_, name)| (*name).to_owned()).collect();
    assert_eq!((kind.as_str(), choices.get::<Vec<String>>()), ("enum", Some(names)));
}

#[test]
fn a_schema_of_another_version_is_not_asked() {
    let older = SCHEMA.replace("\"reopen-tabs\"", "\"other-tabs\"");
    let Some(schema) = compiled(&older) else { return };
    assert!(!fits(&schema));
    let Some(other_type) = compiled(&SCHEMA.replace("name=\"style\" type=\"s\"", "name=\"style-now\" type=\"s\""))
    else {
        return;
    };
    assert!(!fits(&other_type));
}

#[test]
fn gsettings_keep_what_is_set_and_tell_the_other_window() {
    let Some(schema) = compiled(SCHEMA) else { return };
    with_loop(|context| {
        let backend = gio::memory_settings_backend_new();
        let open = || Store::in_settings(&gio::Settings::new_full(&schema, Some(&backend), None));
        let (here, there) = (open(), open());
        assert_eq!(here.now(), Preferences::default());
        let (told_here, other_told) = (counted(&here), counted(&there));
        here.set(Flag::NotificationSound, true);
        here.set_number(Number::TextSize, 125);
        here.set_style(Style::Dark);
        while other_told.get() < 3 {
            context.iteration(true);
        }
        assert_eq!((there.now(), told_here.get()), (here.now(), 3));
        assert_eq!((there.now().style, there.now().number(Number::TextSize)), (Style::Dark, 125));
        assert!(there.is(Flag::NotificationSound));
        here.set_number(Number::TextSize, 5);
        assert_eq!((here.now().number(Number::TextSize), told_here.get()), (125, 3), "out of its range");
    });
}

#[test]
fn the_file_keeps_what_is_set_and_tells_the_other_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("preferences.json");
    with_loop(|context| {
        let (here, there) = (Store::in_file(path.clone()), Store::in_file(path.clone()));
        let (told_here, other_told) = (counted(&here), counted(&there));
        here.set(Flag::EnterSends, false);
        here.set(Flag::EnterSends, false);
        assert_eq!(told_here.get(), 1, "told of what changed, once");
        while other_told.get() == 0 {
            context.iteration(true);
        }
        assert!(!there.is(Flag::EnterSends));
        there.set_style(Style::Light);
        while told_here.get() < 2 {
            context.iteration(true);
        }
        assert_eq!((here.now().style, here.is(Flag::EnterSends)), (Style::Light, false));
    });
}
