//! Hobnob's server as a library: [`Server::open`] takes a data folder, [`Server::run`] serves until it is told to stop. `main.rs` is a thin
//! shell around it; tests run it in process on port 0.
//!
//! # Layout
//! - [`config`]: every limit. [`error`]: every refusal. [`log`]: the log.
//! - [`listener`], [`gate`]: connections before anybody knows whose they are. [`throttle`]: how often somebody may do something.
//! - [`session`]: one connection. [`registry`]: who is online. [`fanout`]: presence to many. [`introduction`]: the address rule.
//! - [`relay`]: carries bytes between two who cannot reach each other. [`store`], [`secrets`]: what is on disk.

pub mod config;
pub mod error;
pub mod fanout;
pub mod gate;
pub mod introduction;
pub mod listener;
pub mod log;
pub mod registry;
pub mod relay;
pub mod secrets;
pub mod services;
pub mod session;
pub mod store;
pub mod throttle;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor as _;
use actix_rt::Arbiter;
use hobnob_shared::id::Fingerprint;
use hobnob_shared::tls;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
use crate::error::StartError;
use crate::fanout::Outlet;
use crate::gate::Gate;
use crate::listener::Hall;
use crate::registry::{Branch, Drain, Registry};
use crate::relay::Relay;
use crate::secrets::{Lock, Secrets};
use crate::services::Services;
use crate::store::{SqliteStore, Store};

/// Program and version, as welcomes say it.
pub const SOFTWARE: &str = concat!("hobnob-server ", env!("CARGO_PKG_VERSION"));
/// Threads that serve sessions, beside one for the registry and one for the relay.
const CONNECTION_ARBITERS: usize = 2;
/// How often the registry is looked after.
const WATCH: Duration = Duration::from_secs(1);
/// How often a server that shuts down looks whether all have left.
const DRAIN_POLL: Duration = Duration::from_millis(10);

/// A server whose store is open and which does not serve yet.
pub struct Server {
    config: Config,
    secrets: Secrets,
    store: SqliteStore,
    lock: Lock,
}

impl Server {
    /// Takes the data folder: its lock, its store, its keys.
    pub fn open(config: Config) -> Result<Self, StartError> {
        let lock = secrets::lock(&config.data)?;
        let secrets = Secrets::open(&config.data, SqliteStore::exists(&config.data))?;
        let store = SqliteStore::open(&config.data, &Arc::new(config.limits.clone()))?;
        Ok(Self { config, secrets, store, lock })
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.config.data
    }

    /// What clients pin.
    pub fn fingerprint(&self) -> Fingerprint {
        self.secrets.fingerprint
    }

    /// Serves on `listener` until `shutdown` is ready, then tells everybody, and returns when the store is closed. Needs an actix `System`.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
        let Self { config, secrets, store, lock } = self;
        let tls = tls::server_config(&secrets.certificate, &secrets.key)
            .map_err(|error| StartError::Tls(error.to_string()))?;
        let limits = Arc::new(config.limits);
        let store: Arc<dyn Store> = Arc::new(store);
        let (gate, relay) = (Gate::new(Arc::clone(&limits)), Relay::new(Arc::clone(&limits)));
        let own = (secrets.passwords, Arc::new(secrets.notary));
        let services = Services::new(Arc::clone(&store), own, Arc::clone(&limits), Arc::clone(&gate));

        let connections: Vec<Arbiter> = (0..CONNECTION_ARBITERS).map(|_| Arbiter::new()).collect();
        let (hub, relay_arbiter) = (Arbiter::new(), Arbiter::new());
        let branch = |arbiter: &Arbiter| Branch {
            arbiter: arbiter.handle(),
            outlet: Outlet::start_in_arbiter(&arbiter.handle(), |_| Outlet::default()),
        };
        let branches: Vec<Branch> = connections.iter().map(branch).collect();
        let arbiters = branches.iter().map(|branch| (branch.arbiter.clone(), branch.outlet.clone())).collect();
        let registry = {
            let (limits, relay) = (Arc::clone(&limits), Arc::clone(&relay));
            Registry::start_in_arbiter(&hub.handle(), move |_| Registry::new(limits, branches, store, relay))
        };
        let hall = Hall {
            services: Arc::new(services),
            registry: registry.clone(),
            relay: Arc::clone(&relay),
            tls: TlsAcceptor::from(tls),
            arbiters,
            relay_arbiter: relay_arbiter.handle(),
        };

        let crashed = tokio::select! {
            () = listener::listen(listener, hall) => false,
            () = shutdown => false,
            () = until_gone(&registry) => true,
        };
        tracing::info!("shutting down, {} connections are open", gate.open());
        // Circuits are cut: their ends find each other again when there is a server, or over another path.
        relay_arbiter.stop();
        relay.close();
        let drain = async {
            if registry.send(Drain).await.is_ok() {
                while gate.known() > 0 {
                    tokio::time::sleep(DRAIN_POLL).await;
                }
            }
        };
        // Who does not hear it in time will notice that the connection is gone.
        let _ = tokio::time::timeout(Duration::from_millis(limits.drain_ms), drain).await;
        drop(registry);
        let ending = tokio::task::spawn_blocking(move || {
            for arbiter in connections.into_iter().chain([hub, relay_arbiter]) {
                arbiter.stop();
                let _ = arbiter.join();
            }
            drop(lock);
        });
        let _ = ending.await;
        tracing::info!("stopped");
        if crashed { Err(StartError::Crashed) } else { Ok(()) }
    }
}

/// Returns when the registry is no more: without it nothing works, and a restart by whoever supervises the server is the cure.
async fn until_gone(registry: &actix::Addr<Registry>) {
    while registry.connected() {
        tokio::time::sleep(WATCH).await;
    }
}

/// Opens a server and runs it: see [`Server`].
pub async fn run(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    Server::open(config)?.run(listener, shutdown).await
}
