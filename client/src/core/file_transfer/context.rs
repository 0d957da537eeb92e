//! What every transfer shares with the rest of the core. Given by the `Registry`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use actix::Addr;
use hobnob_shared::id::TransferId;

use super::dials::Dials;
use super::pace::Paces;
use super::pump::Counter;
use super::turns::Turns;
use crate::core::history::History;
use crate::core::outlet::Outlet;
use crate::core::peer_link::tokens::TokenTable;
use crate::core::profile::Identity;
use crate::core::registry::Registry;

/// Transfers whose bytes flow right now, with what is done of them; for lists.
#[derive(Clone, Default)]
pub struct Running(Arc<Mutex<HashMap<TransferId, Counter>>>);

impl Running {
    pub(super) fn set(&self, transfer: TransferId, counter: Option<Counter>) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counter {
            Some(counter) => table.insert(transfer, counter),
            None => table.remove(&transfer),
        };
    }

    /// Bytes done, if they flow.
    pub fn done(&self, transfer: TransferId) -> Option<u64> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&transfer).map(|counter| counter.load(Ordering::Relaxed))
    }
}

/// What a transfer needs to know of the rest.
#[derive(Clone)]
pub struct TransferContext {
    /// This device.
    pub identity: Arc<Identity>,
    /// What is kept.
    pub history: History,
    /// Where events go.
    pub outlet: Outlet,
    /// Asked for circuits, told of the end.
    pub registry: Addr<Registry>,
    /// Who may come in.
    pub tokens: TokenTable,
    /// Where received files go, absolute.
    pub downloads: PathBuf,
    /// Where partial files are, in the profile.
    pub partials: PathBuf,
    /// How fast they may go.
    pub paces: Paces,
    /// What runs.
    pub running: Running,
    /// Whose turn it is.
    pub turns: Turns,
    /// Dials under way.
    pub dials: Dials,
}
