//! The folder of pictures in the profile: one file for each, named by what it holds, so that nothing else can stand in its place. Called from
//! threads that may wait.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hobnob_shared::id::Hash;
use hobnob_shared::limits;
use rustix::fs::{Mode, OFlags};

/// Where a picture is.
fn place(folder: &Path, hash: Hash) -> PathBuf {
    folder.join(hash.to_string())
}

/// Whether these bytes are the picture of that name, and no longer than one may be.
pub fn is(hash: Hash, bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.len() <= limits::AVATAR && *blake3::hash(bytes).as_bytes() == hash.0
}

/// Keeps a picture, whole or not at all. It is on the disk afterwards.
pub fn keep(folder: &Path, hash: Hash, bytes: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let fresh = folder.join(format!("{hash}.new"));
    // What a crash left under that name goes first: nothing is written through a link.
    if let Err(error) = fs::remove_file(&fresh)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, place(folder, hash))?;
    File::open(folder)?.sync_all()
}

/// The picture of that name; none if it is gone or something else is in its place.
pub fn read(folder: &Path, hash: Hash) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(place(folder, hash), flags, Mode::empty()).ok()?);
    let mut bytes = Vec::new();
    file.take(limits::AVATAR as u64 + 1).read_to_end(&mut bytes).ok()?;
    is(hash, &bytes).then_some(bytes)
}

/// It is needed no more.
pub fn remove(folder: &Path, hash: Hash) {
    if let Err(error) = fs::remove_file(place(folder, hash))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a picture that is not needed stays");
    }
}

/// Removes what is not among the `needed`; gives those of them that are there.
pub fn tidy(folder: &Path, needed: &BTreeSet<Hash>) -> BTreeSet<Hash> {
    let mut there = BTreeSet::new();
    // Through a link that took the folder's place nothing is found.
    if !fs::symlink_metadata(folder).is_ok_and(|data| data.is_dir()) {
        return there;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_file = entry.metadata().is_ok_and(|data| data.is_file());
        let hash = entry.file_name().to_str().and_then(|name| name.parse().ok());
        match hash.filter(|hash| is_file && needed.contains(hash) && entry.path() == place(folder, *hash)) {
            Some(hash) => {
                there.insert(hash);
            }
            None => {
                if let Err(error) = fs::remove_file(entry.path()) {
                    tracing::warn!(%error, "what is no picture stays in their folder");
                }
            }
        }
    }
    there
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn hash(bytes: &[u8]) -> Hash {
        Hash(*blake3::hash(bytes).as_bytes())
    }

    #[test]
    fn a_picture_is_kept_privately_and_read_back() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("avatars");
        let name = hash(b"picture");
        keep(&folder, name, b"picture").unwrap();
        keep(&folder, name, b"picture").unwrap();
        assert_eq!(read(&folder, name).unwrap(), b"picture");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&place(&folder, name))), (0o700, 0o600));
        remove(&folder, name);
        assert_eq!(read(&folder, name), None);
        remove(&folder, name);
    }

    #[test]
    fn only_what_its_name_says_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let name = hash(b"picture");
        fs::write(place(folder.path(), name), b"another").unwrap();
        assert_eq!(read(folder.path(), name), None);
        let long = vec![7; limits::AVATAR + 1];
        fs::write(place(folder.path(), hash(&long)), &long).unwrap();
        assert_eq!(read(folder.path(), hash(&long)), None, "longer than a picture may be");
        assert!(is(hash(&long[1..]), &long[1..]) && !is(hash(b""), b""));
        let outside = folder.path().join("outside");
        fs::write(&outside, b"linked").unwrap();
        symlink(&outside, place(folder.path(), hash(b"linked"))).unwrap();
        assert_eq!(read(folder.path(), hash(b"linked")), None, "a link");
    }

    #[test]
    fn what_nobody_is_shown_with_goes() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("avatars");
        assert!(tidy(&folder, &BTreeSet::new()).is_empty(), "no folder yet");
        let (a, b, c) = (hash(b"a"), hash(b"b"), hash(b"c"));
        for (name, bytes) in [(a, b"a"), (b, b"b")] {
            keep(&folder, name, bytes).unwrap();
        }
        fs::write(folder.join(format!("{a}.new")), b"half").unwrap();
        assert_eq!(tidy(&folder, &BTreeSet::from([a, c])), BTreeSet::from([a]));
        let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [std::ffi::OsString::from(a.to_string())]);
    }
}
