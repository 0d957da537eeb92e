//! Small disks and folders that take nothing, for what goes wrong with them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk in memory, mounted over a folder. Taken away again when it goes, whatever happens.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one of `mib` MiB; none, and a word about it, where that is not allowed.
    pub fn mount(folder: &Path, mib: u32) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let size = format!("size={mib}m");
        if run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder)) {
            return Some(Self { folder: folder.to_owned() });
        }
        eprintln!("SKIPPED: this test needs root to mount a small tmpfs");
        None
    }

    /// From now on it can be written to, or not.
    pub fn set_writable(&self, writable: bool) {
        let how = if writable { "remount,rw" } else { "remount,ro" };
        let done = run(Command::new("mount").args(["-o", how]).arg(&self.folder));
        assert!(done, "cannot {how} {}", self.folder.display());
    }

    /// Fills it to the last byte with one file, which is given.
    pub fn fill(&self) -> PathBuf {
        let path = self.folder.join("filler");
        let mut file = std::fs::File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let block = vec![1; 64 * 1024];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone = run(Command::new("umount").arg("--lazy").arg(&self.folder));
    }
}

/// A folder in which nothing can be made, renamed or removed. As it was, when this goes.
pub struct ReadOnly {
    folder: PathBuf,
    immutable: bool,
}

impl ReadOnly {
    /// By its rights, and where these do not count, as for root, by the mark that file systems know for that.
    pub fn make(folder: &Path) -> Option<Self> {
        set_rights(folder, 0o555);
        let probe = folder.join("probe");
        if std::fs::write(&probe, "").is_err() {
            return Some(Self { folder: folder.to_owned(), immutable: false });
        }
        std::fs::remove_file(&probe).unwrap_or_else(|error| panic!("{}: {error}", probe.display()));
        if run(Command::new("chattr").arg("+i").arg(folder)) {
            return Some(Self { folder: folder.to_owned(), immutable: true });
        }
        set_rights(folder, 0o755);
        eprintln!("SKIPPED: root writes everywhere, and this file system has no mark against it");
        None
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if self.immutable {
            let _as_before = run(Command::new("chattr").arg("-i").arg(&self.folder));
        }
        set_rights(&self.folder, 0o755);
    }
}

fn set_rights(folder: &Path, rights: u32) {
    let set = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(rights));
    set.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
