//! Keeps pasted pictures, and texts that are too long for a message, as files in a folder of the profile, from where they are
//! sent as any other file. Called from a thread that may wait.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Largest picture, in bytes of its pixels: more is no picture of a screen, and would be slow to pack.
pub const LARGEST: u64 = 64 << 20;
/// Files of one second that get a number; with more, something is wrong.
const NUMBERS: u32 = 999;

/// Writes `bytes` into `folder`, which is made if need be, under a name of its own: what it is and its ending, and `when`, the time of day as names
/// have it. It is on the disk afterwards.
pub fn keep(folder: &Path, (what, ending): (&str, &str), when: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for number in 1..=NUMBERS {
        let path = folder.join(match number {
            1 => format!("{what} {when}.{ending}"),
            _ => format!("{what} {when} ({number}).{ending}"),
        });
        // Never over what is there, and never through a link.
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            other => other?,
        };
        if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_all()) {
            // Half of it is of no use to anybody; one that stays all the same harms nobody.
            let _removed = std::fs::remove_file(&path);
            return Err(error);
        }
        return Ok(path);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const PNG: (&str, &str) = ("Picture", "png");

    #[test]
    fn pictures_of_one_second_stand_beside_each_other() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("profile/pasted");
        let names: Vec<String> = (0..3)
            .map(|number| keep(&folder, PNG, "2026-11-26 16-44-02", &[number]).unwrap())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(
            names,
            [
                "Picture 2026-11-26 16-44-02.png",
                "Picture 2026-11-26 16-44-02 (2).png",
                "Picture 2026-11-26 16-44-02 (3).png"
            ]
        );
        assert_eq!(std::fs::read(folder.join(&names[0])).unwrap(), [0]);
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::metadata(folder.join(&names[2])).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let outside = home.path().join("outside");
        let folder = home.path().join("pasted");
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&outside, folder.join("Picture now.png")).unwrap();
        assert_eq!(keep(&folder, PNG, "now", b"x").unwrap(), folder.join("Picture now (2).png"));
        assert!(!outside.exists());
    }
}
