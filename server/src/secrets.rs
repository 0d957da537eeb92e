//! The server's own secrets and the lock on its data folder: TLS key and certificate, OPAQUE secrets. Files of mode 0600 beside the store;
//! made at the first start, and never made anew where a store is there already, because no client and no password would fit any more.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hobnob_shared::id::Fingerprint;
use hobnob_shared::identity::{ServerKey, self_signed_server, spki_hash};
use hobnob_shared::password::ServerSetup;

use crate::error::StartError;

const LOCK: &str = "lock";
const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";
const PASSWORDS: &str = "opaque.key";

/// Held while a server runs on a data folder. The operating system lets go of it however the server ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// Makes the folder where it is missing, and takes its lock.
pub fn lock(data: &Path) -> Result<Lock, StartError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |source| StartError::Data { path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(fault(data))?;
    let path = data.join(LOCK);
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(fault(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(data.to_owned())),
        Err(TryLockError::Error(source)) => Err(StartError::Data { path, source }),
    }
}

/// What a server proves itself with.
pub struct Secrets {
    /// DER.
    pub certificate: Vec<u8>,
    /// PKCS #8.
    pub key: Vec<u8>,
    /// The same key, for what the server signs besides TLS.
    pub notary: ServerKey,
    /// OPAQUE secrets.
    pub passwords: ServerSetup,
    /// What clients pin.
    pub fingerprint: Fingerprint,
}

impl Secrets {
    /// Reads them, or makes them in a folder that has no store yet.
    pub fn open(data: &Path, store_exists: bool) -> Result<Self, StartError> {
        let path = |name: &str| data.join(name);
        let missing: Vec<PathBuf> =
            [CERTIFICATE, KEY, PASSWORDS].into_iter().map(path).filter(|file| !file.exists()).collect();
        if !missing.is_empty() {
            if let (true, Some(file)) = (store_exists, missing.into_iter().next()) {
                return Err(StartError::KeyMissing(file));
            }
            make(data)?;
        }
        let read = |name| {
            let path = data.join(name);
            std::fs::read(&path).map_err(|source| StartError::Data { path, source })
        };
        let (certificate, key) = (read(CERTIFICATE)?, read(KEY)?);
        let passwords = ServerSetup::from_bytes(&read(PASSWORDS)?).map_err(|_| StartError::Key(path(PASSWORDS)))?;
        let fingerprint = Fingerprint(spki_hash(&certificate).map_err(|_| StartError::Key(path(CERTIFICATE)))?);
        let notary = ServerKey::from_pkcs8(&key).map_err(|_| StartError::Key(path(KEY)))?;
        // What another key signs nobody would believe.
        if notary.fingerprint() != fingerprint {
            return Err(StartError::Key(path(KEY)));
        }
        Ok(Self { certificate, key, notary, passwords, fingerprint })
    }
}

fn make(data: &Path) -> Result<(), StartError> {
    let (certificate, key) = self_signed_server().map_err(|error| StartError::Tls(error.to_string()))?;
    let passwords = ServerSetup::generate().to_bytes();
    for (name, bytes) in [(CERTIFICATE, certificate.as_slice()), (KEY, &key), (PASSWORDS, &passwords)] {
        let path = data.join(name);
        write_durably(data, &path, bytes).map_err(|source| StartError::Data { path, source })?;
    }
    Ok(())
}

/// The file is there whole or not at all, also after a power failure.
fn write_durably(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn secrets_stay_the_same_and_are_nobody_elses() {
        let data = tempfile::tempdir().unwrap();
        let first = Secrets::open(data.path(), false).unwrap();
        let again = Secrets::open(data.path(), true).unwrap();
        assert_eq!(first.fingerprint, again.fingerprint);
        assert_eq!(first.notary.fingerprint(), first.fingerprint);
        assert_eq!(*first.passwords.to_bytes(), *again.passwords.to_bytes());
        for name in [KEY, PASSWORDS] {
            let mode = std::fs::metadata(data.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_missing_key_is_not_made_anew_beside_a_store() {
        let data = tempfile::tempdir().unwrap();
        Secrets::open(data.path(), false).unwrap();
        std::fs::remove_file(data.path().join(PASSWORDS)).unwrap();
        assert!(matches!(Secrets::open(data.path(), true), Err(StartError::KeyMissing(_))));
        std::fs::write(data.path().join(PASSWORDS), b"nonsense").unwrap();
        assert!(matches!(Secrets::open(data.path(), true), Err(StartError::Key(_))));
    }

    #[test]
    fn a_folder_has_one_server() {
        let data = tempfile::tempdir().unwrap();
        let held = lock(data.path()).unwrap();
        assert!(matches!(lock(data.path()), Err(StartError::InUse(_))));
        drop(held);
        lock(data.path()).unwrap();
    }
}
