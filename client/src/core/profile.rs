//! The folder in which one installation lives: keys, settings, history, partial files. Opened once at the start; the registry owns it.
//! The folder is 0700 and everything in it 0600; a lock keeps a second program out; files are replaced as a whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{DeviceId, Fingerprint, Handle};
use hobnob_shared::identity::{Chain, DeviceKey, IdentityError, IdentityStatement};
use hobnob_shared::message::{OwnPresence, ROOM_ENTRY, RoomEntry, SignedEntry};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use crate::core::file_transfer::pace::Rates;

/// Who this installation is, once it has an account.
pub struct Identity {
    /// The account.
    pub user: Handle,
    /// Its identity key.
    pub account: Fingerprint,
    /// This device.
    pub device: DeviceId,
    /// The device's key, the only secret that stays on the disk.
    pub key: DeviceKey,
    /// Device and account certificate.
    pub chain: Chain,
    /// The account's devices, as known when it was last stored.
    pub device_list: IdentityStatement,
}

impl Identity {
    /// Signs an own entry of a room.
    pub fn sign_entry(&self, entry: &RoomEntry) -> Result<SignedEntry, IdentityError> {
        let body = to_cbor(entry).map_err(|error| IdentityError::Body(error.to_string()))?;
        let signature = self.key.sign(ROOM_ENTRY, &body).to_vec();
        Ok(SignedEntry { body, signature })
    }

    /// The same with another device list.
    pub fn with_devices(&self, device_list: IdentityStatement) -> Result<Self, IdentityError> {
        Ok(Self {
            user: self.user.clone(),
            account: self.account,
            device: self.device,
            key: DeviceKey::from_pkcs8(&self.key.to_pkcs8())?,
            chain: self.chain.clone(),
            device_list,
        })
    }
}

/// Opens the account's sealed roster; kept beside the device key.
pub type RosterKey = Zeroizing<[u8; 32]>;

/// What a person chose, and what was learnt on the way. Loss of it hurts nobody, but the pin is what makes the server the same one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "choices that are kept each by itself, not one state")]
pub struct Settings {
    /// `HOST:PORT` of the server.
    pub server: Option<String>,
    /// The server's key.
    pub server_key: Option<Fingerprint>,
    /// Port for peers, chosen once so that friends find it again without the server.
    pub port: Option<u16>,
    /// Own presence.
    pub presence: OwnPresence,
    /// Own status text.
    pub text: String,
    /// Signed out by the person: does not sign in by itself.
    pub signed_out: bool,
    /// The server took this device off the account.
    pub device_removed: bool,
    /// Where received files go, if not to the usual folder.
    pub downloads: Option<PathBuf>,
    /// How fast files may go.
    pub rates: Rates,
    /// Nobody is told what was read here, and what others have read is not shown.
    pub no_receipts: bool,
    /// Friends are told when this account was last seen, as the server said last.
    pub last_seen: bool,
}

/// The account as stored.
#[derive(Serialize, Deserialize)]
struct Account {
    user: Handle,
    device_key: ByteBuf,
    roster_key: ByteBuf,
    chain: Chain,
    device_list: IdentityStatement,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Another program has it.
    #[error("another Hobnob is using this profile")]
    InUse,
    /// The folder or a file in it.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Not what was once written.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// An open profile. Clones share it; the lock ends with the last one.
#[derive(Clone)]
pub struct Profile {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    settings: Mutex<Settings>,
    /// Held while files are written, so that an older state never overwrites a newer one.
    writing: Mutex<()>,
    _lock: File,
}

impl Profile {
    /// Opens the profile in `folder`, making it where there is none, and reads who it belongs to.
    pub fn open(folder: &Path) -> Result<(Self, Option<(Identity, RosterKey)>), ProfileError> {
        let at = |error| ProfileError::Io { path: folder.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let folder = folder.canonicalize().map_err(at)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).map_err(at)?;
        let lock = lock(&folder.join("lock"))?;

        let path = folder.join("settings.json");
        let settings = match read(&path)? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| ProfileError::Damaged { path: path.clone(), why: error.to_string() })?,
            None => Settings::default(),
        };
        let identity = Self::read_account(&folder.join("account"))?;
        let shared = Shared { folder, settings: Mutex::new(settings), writing: Mutex::new(()), _lock: lock };
        Ok((Self { shared: Arc::new(shared) }, identity))
    }

    /// Absolute path of the folder.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// A copy of the settings.
    pub fn settings(&self) -> Settings {
        self.shared.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes settings in memory; [`Self::save`] keeps them.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.settings.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes the settings. Blocks until they are on the disk.
    pub fn save(&self) -> Result<(), ProfileError> {
        let _alone = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.shared.folder.join("settings.json");
        let bytes = serde_json::to_vec_pretty(&self.settings())
            .map_err(|error| ProfileError::Damaged { path: path.clone(), why: error.to_string() })?;
        replace(&path, &bytes)
    }

    /// Writes who this installation is. Blocks until it is on the disk.
    pub fn save_account(&self, identity: &Identity, roster_key: &RosterKey) -> Result<(), ProfileError> {
        let _alone = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.shared.folder.join("account");
        let account = Account {
            user: identity.user.clone(),
            device_key: ByteBuf::from(identity.key.to_pkcs8().to_vec()),
            roster_key: ByteBuf::from(roster_key.to_vec()),
            chain: identity.chain.clone(),
            device_list: identity.device_list.clone(),
        };
        let bytes = to_cbor(&account).map(Zeroizing::new);
        let wiped = [account.device_key, account.roster_key].map(|secret| Zeroizing::new(secret.into_vec()));
        drop(wiped);
        let bytes = bytes.map_err(|error| ProfileError::Damaged { path: path.clone(), why: error.to_string() })?;
        replace(&path, &bytes)
    }

    fn read_account(path: &Path) -> Result<Option<(Identity, RosterKey)>, ProfileError> {
        let Some(bytes) = read(path)?.map(Zeroizing::new) else { return Ok(None) };
        let damaged = |why: String| ProfileError::Damaged { path: path.to_owned(), why };
        let account: Account = from_cbor(&bytes).map_err(|error| damaged(error.to_string()))?;
        let secret = Zeroizing::new(account.device_key.into_vec());
        let key = DeviceKey::from_pkcs8(&secret).map_err(|error| damaged(error.to_string()))?;
        let roster = Zeroizing::new(account.roster_key.into_vec());
        let roster: [u8; 32] = roster.as_slice().try_into().map_err(|_| damaged("roster key".to_owned()))?;
        let verified = account.chain.verify().map_err(|error| damaged(error.to_string()))?;
        if verified.device != key.id() {
            return Err(damaged("key and certificate do not belong together".to_owned()));
        }
        let identity = Identity {
            user: account.user,
            account: verified.account,
            device: verified.device,
            key,
            chain: account.chain,
            device_list: account.device_list,
        };
        Ok(Some((identity, Zeroizing::new(roster))))
    }
}

fn lock(path: &Path) -> Result<File, ProfileError> {
    let at = |error| ProfileError::Io { path: path.to_owned(), error };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(at)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ProfileError::InUse),
        Err(fs::TryLockError::Error(error)) => Err(at(error)),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, ProfileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ProfileError::Io { path: path.to_owned(), error }),
    }
}

/// Puts a new file in the place of an old one: after a crash there is one of the two, whole.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), ProfileError> {
    let write = || {
        let fresh = path.with_extension("new");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|error| ProfileError::Io { path: path.to_owned(), error })
}

/// The folder for received files that the desktop names, or `Downloads` in the home directory.
pub fn usual_downloads() -> PathBuf {
    let home =
        std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute()).unwrap_or_else(|| "/".into());
    let config = std::env::var_os("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    let named = fs::read_to_string(config.join("user-dirs.dirs")).ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix("XDG_DOWNLOAD_DIR="))?;
        let value = line.trim().trim_matches('"').to_owned();
        Some(match value.strip_prefix("$HOME/") {
            Some(rest) => home.join(rest),
            None => PathBuf::from(value),
        })
    });
    named.filter(|folder| folder.is_absolute()).unwrap_or_else(|| home.join("Downloads"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_profile_is_private_and_for_one_program() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("deep/profile");
        let (profile, identity) = Profile::open(&folder).unwrap();
        assert!(identity.is_none());
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(Profile::open(&folder), Err(ProfileError::InUse)));
        drop(profile);
        assert!(Profile::open(&folder).is_ok());
    }

    #[test]
    fn settings_are_kept_and_private() {
        let place = tempfile::tempdir().unwrap();
        let (profile, _) = Profile::open(place.path()).unwrap();
        profile.change(|settings| {
            settings.server = Some("127.0.0.1:7666".into());
            settings.server_key = Some(Fingerprint([7; 32]));
            settings.presence = OwnPresence::Busy;
        });
        profile.save().unwrap();
        let kept = profile.settings();
        drop(profile);
        let file = place.path().join("settings.json");
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        let (profile, _) = Profile::open(place.path()).unwrap();
        assert_eq!(profile.settings(), kept);
    }

    #[test]
    fn a_damaged_profile_is_named_and_left_alone() {
        let place = tempfile::tempdir().unwrap();
        for file in ["settings.json", "account"] {
            fs::write(place.path().join(file), b"\x00nonsense").unwrap();
            assert!(matches!(Profile::open(place.path()), Err(ProfileError::Damaged { .. })), "{file}");
            assert_eq!(fs::read(place.path().join(file)).unwrap(), b"\x00nonsense");
            fs::remove_file(place.path().join(file)).unwrap();
        }
    }
}
