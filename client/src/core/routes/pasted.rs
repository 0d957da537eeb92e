//! Pasted pictures, which the window keeps as files in a folder of the profile: they go when nobody got them, and nobody will. Those that
//! somebody took stay, because their conversation shows them from there.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hobnob_shared::id::TransferId;

use crate::core::clock::now_ms;
use crate::core::command::PASTED;
use crate::core::history::transfers;
use crate::core::registry::Registry;

impl Registry {
    fn pasted(&self) -> PathBuf {
        self.profile.folder().join(PASTED)
    }

    /// After the start: what no transfer names any more, or never did because a crash came before.
    pub(in crate::core) fn tidy_pasted(&self) {
        // What is pasted from now on is somebody else's business.
        let started = UNIX_EPOCH + Duration::from_millis(now_ms());
        let folder = self.pasted();
        let listing = folder.clone();
        self.remove_unnamed(folder, async move {
            tokio::task::spawn_blocking(move || kept(&listing, started)).await.unwrap_or_default()
        });
    }

    /// This file was not sent: if it was pasted, and no other transfer names it, it goes.
    pub(in crate::core) fn not_sent(&self, path: PathBuf) {
        let folder = self.pasted();
        self.remove_unnamed(self.pasted(), name_in(folder, Some(path)));
    }

    /// A transfer is over, perhaps unsent.
    pub(in crate::core) fn tidy_after(&self, transfer: TransferId) {
        let (history, folder) = (self.history.clone(), self.pasted());
        self.remove_unnamed(self.pasted(), async move {
            let path = history.read(move |c| Ok(transfers::load(c, transfer)?.and_then(|known| known.path))).await;
            name_in(folder, path.ok().flatten()).await
        });
    }

    /// Removes those of these names in `folder` that no transfer needs.
    fn remove_unnamed(&self, folder: PathBuf, names: impl Future<Output = Vec<OsString>> + 'static) {
        let history = self.history.clone();
        actix_rt::spawn(async move {
            let names = names.await;
            if names.is_empty() {
                return;
            }
            match history.read(transfers::sent_names).await {
                Ok(sent) => {
                    let _removed = tokio::task::spawn_blocking(move || {
                        for name in names.iter().filter(|name| !sent.contains(*name)) {
                            remove(&folder.join(name));
                        }
                    });
                }
                Err(error) => tracing::error!(%error, "cannot look which pasted pictures are needed"),
            }
        });
    }
}

/// The name of the file at `path`, if that is in `folder`, by whatever name the profile goes.
async fn name_in(folder: PathBuf, path: Option<PathBuf>) -> Vec<OsString> {
    let Some(path) = path else { return Vec::new() };
    let looking = tokio::task::spawn_blocking(move || {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let inside = path.parent().and_then(real).is_some_and(|parent| real(&folder) == Some(parent));
        path.file_name().filter(|_| inside).map(OsStr::to_owned)
    });
    looking.await.ok().flatten().into_iter().collect()
}

/// Files in `folder` that are older than this start. Through a link that took its place nothing is found.
fn kept(folder: &Path, started: SystemTime) -> Vec<OsString> {
    if !std::fs::symlink_metadata(folder).is_ok_and(|data| data.is_dir()) {
        return Vec::new();
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let old = entries.filter(|entry| {
        let data = entry.metadata().ok().filter(std::fs::Metadata::is_file);
        data.and_then(|data| data.modified().ok()).is_some_and(|modified| modified < started)
    });
    old.map(|entry| entry.file_name()).collect()
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a pasted picture that is not needed stays");
    }
}
