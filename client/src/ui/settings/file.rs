//! Preferences as a small JSON file, for where no schema is installed: the same names and defaults. Written whole or not at all, for its
//! owner alone; what cannot be understood in it is as if it were not there.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::ui::settings::keys::{FLAGS, NUMBERS, Preferences, STYLE, Style};

/// A file that is longer was not written by this program.
const LONGEST: u64 = 64 * 1024;

/// Reads it; each broken value is its default.
pub fn read(path: &Path) -> Preferences {
    let mut text = Vec::new();
    let file = fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    let values: Map<String, Value> = file.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let mut preferences = Preferences::default();
    if let Some(style) = values.get(STYLE).and_then(Value::as_str).and_then(Style::named) {
        preferences.style = style;
    }
    for (flag, name, _) in FLAGS {
        if let Some(on) = values.get(name).and_then(Value::as_bool) {
            preferences.set(flag, on);
        }
    }
    for (number, name, ..) in NUMBERS {
        let value = values.get(name).and_then(Value::as_i64).and_then(|value| i32::try_from(value).ok());
        if let Some(value) = value {
            preferences.set_number(number, value);
        }
    }
    preferences
}

/// Writes it.
pub fn write(path: &Path, preferences: &Preferences) -> std::io::Result<()> {
    let mut values = Map::new();
    values.insert(STYLE.to_owned(), json!(preferences.style.name()));
    values.extend(FLAGS.iter().map(|(flag, name, _)| ((*name).to_owned(), json!(preferences.is(*flag)))));
    values.extend(NUMBERS.iter().map(|(number, name, ..)| ((*name).to_owned(), json!(preferences.number(*number)))));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Two programs may write at once; the later one wins, whole.
    let fresh = path.with_extension(format!("json.{}", std::process::id()));
    let text = serde_json::to_vec_pretty(&values)?;
    let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
    let written = file.write_all(&text).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // Half of it is of no use to anybody.
        let _ = fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::ui::settings::keys::{Flag, Number};

    #[test]
    fn what_was_written_comes_back_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hobnob/preferences.json");
        assert_eq!(read(&path), Preferences::default());
        let mut preferences = Preferences::default();
        preferences.style = Style::Dark;
        preferences.set(Flag::Notifications, false);
        preferences.set(Flag::RunInBackground, true);
        preferences.set_number(Number::MutedTo, 0);
        write(&path, &preferences).unwrap();
        assert_eq!(read(&path), preferences);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left there");
    }

    #[test]
    fn what_could_not_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preferences.json");
        // Nothing can take this place.
        fs::create_dir(&path).unwrap();
        write(&path, &Preferences::default()).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn broken_values_are_defaults_and_the_others_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preferences.json");
        for broken in
            ["", "{", "[1]", "\0", "{\"style\": 7, \"muted-from\": 99999999999}", "{\"notifications\": \"yes\"}"]
        {
            fs::write(&path, broken).unwrap();
            assert_eq!(read(&path), Preferences::default(), "{broken:?}");
        }
        fs::write(&path, "{\"style\": \"purple\", \"muted-from\": 1440, \"muted-to\": 5, \"muted-hours\": true}")
            .unwrap();
        let mut wanted = Preferences::default();
        wanted.set_number(Number::MutedTo, 5);
        wanted.set(Flag::MutedHours, true);
        assert_eq!(read(&path), wanted);
    }
}
