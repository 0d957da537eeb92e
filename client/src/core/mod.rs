//! The client without a window: takes commands, tells events. Knows no toolkit. The desktop program and `hobnob-cli` both start it here.
//!
//! # Layout
//! - [`command`], [`event`]: what goes in and what comes out.
//! - `registry`: the hub; `routes`: what it does, by topic.
//! - `session`: the link to the server. `peer_link`: the links to friends' devices. `file_transfer`: files.
//! - [`look_up`]: a search in a profile without starting anything.
//! - [`message_key`]: which message is meant.
//! - `history`: what is kept; `search`: what is looked for in it; `profile`: where.
//! - `avatars`: the pictures that people show themselves with.
//! - `replica`: copies of everybody's logs, the pure half of all that is said.
//! - `sealed_roster`, `roster_sync`: what this account's devices tell each other of people, and when.
//! - `invite`, `compare`: how people are added and their keys compared.
//! - `roster`, `rooms`, `links`, `link_policy`, `errands`, `friendship`: the registry's pure parts.
//! - `error`: what goes wrong, in sentences.

mod answer;
mod avatars;
mod clock;
pub mod command;
mod compare;
mod errands;
pub mod error;
pub mod event;
pub mod export;
mod file_transfer;
mod friendship;
pub mod history;
mod invite;
mod link_policy;
mod links;
pub mod look_up;
pub mod message_key;
mod outlet;
mod peer_link;
mod profile;
mod registry;
mod replica;
mod rooms;
mod roster;
mod roster_sync;
mod routes;
mod sealed_roster;
pub(in crate::core) mod search;
mod server_address;
mod session;
#[cfg(test)]
mod simulation;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use hobnob_shared::net;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

use command::Request;
use error::Problem;
use event::Event;
use history::{HISTORY, History, HistoryError};
use outlet::{Outlet, Ticket};
use profile::{Profile, ProfileError};
use registry::{Registry, Setup, Shutdown, Submit};
use server_address::ServerAddress;

pub use outlet::Sink;

/// Commands that wait to be looked at: a script may write faster than a disk syncs.
const QUEUE: usize = 1024;
/// Commands in work at once, those that wait for the server among them.
const IN_WORK: usize = 1024;

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the profile; made where there is none.
    pub profile: PathBuf,
    /// `ADDR:PORT[#FINGERPRINT]`; kept for the next time.
    pub server: Option<String>,
    /// Where received files go; kept for the next time.
    pub downloads: Option<PathBuf>,
    /// Where to await peers; by default the profile's kept port on all addresses.
    pub listen: Option<SocketAddr>,
    /// Program and version, for the server's log.
    pub software: &'static str,
}

/// Why the core does not start. Each is a sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program has the profile.
    #[error("Another Hobnob is using the profile {0}. Close it, or choose another profile with --profile.")]
    InUse(PathBuf),
    /// The profile's folder or a file in it.
    #[error(
        "The profile cannot be used: {0}. Check that the folder is yours and writable, or choose another one with --profile."
    )]
    Profile(ProfileError),
    /// The store is not one, or broken.
    #[error(
        "The history in {0} is damaged and was left as it is. Restore a copy of it, or choose another profile with --profile."
    )]
    Corrupt(PathBuf),
    /// The store was written by a later version.
    #[error("The profile {0} was last used by a newer version of Hobnob. Update this program.")]
    Newer(PathBuf),
    /// The store cannot be opened for another reason.
    #[error(
        "The history in {path} cannot be opened: {error}. Check that the disk has space and the folder is writable."
    )]
    History {
        /// The profile.
        path: PathBuf,
        /// Why.
        error: HistoryError,
    },
    /// The address for peers is taken, or not of this machine.
    #[error("Cannot listen for peers on {address}: {error}. Choose another address with --listen.")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The server's address cannot be read.
    #[error("{0}")]
    Server(String),
    /// The system gives no thread.
    #[error("The program could not be started: {0}.")]
    Thread(std::io::Error),
}

impl StartError {
    fn at_history(profile: &Path, error: HistoryError) -> Self {
        let path = profile.to_owned();
        match error {
            HistoryError::Corrupt => Self::Corrupt(path),
            HistoryError::Newer => Self::Newer(path),
            error => Self::History { path, error },
        }
    }
}

/// The running core.
pub struct Core {
    commands: Commands,
    end: tokio::sync::watch::Sender<bool>,
    thread: JoinHandle<bool>,
}

/// The way in: hands commands to the core. Clones share it.
#[derive(Clone)]
pub struct Commands {
    queue: mpsc::Sender<Request>,
    outlet: Outlet,
}

impl Commands {
    /// Hands a command in. Never blocks; when too many wait already, the command fails at once.
    pub fn send(&self, request: Request) {
        if let Err(refused) = self.queue.try_send(request) {
            let (problem, request) = match refused {
                mpsc::error::TrySendError::Full(request) => (Problem::busy(), request),
                mpsc::error::TrySendError::Closed(request) => (Problem::closing(), request),
            };
            self.outlet.tell(problem.into_event(request.id));
        }
    }

    /// Hands a command in, and waits for room where too many wait already: for scripts, whose pipe then fills instead. Not from an
    /// asynchronous task.
    pub fn send_waiting(&self, request: Request) {
        if let Err(refused) = self.queue.blocking_send(request) {
            self.outlet.tell(Problem::closing().into_event(refused.0.id));
        }
    }
}

impl Core {
    /// Starts the core on a thread of its own. Returns once it is certain that it runs; `sink` gets every event from then on.
    pub fn start(options: Options, sink: Sink) -> Result<Self, StartError> {
        let outlet = Outlet::new(sink);
        let (sender, queue) = mpsc::channel(QUEUE);
        let (end, ending) = tokio::sync::watch::channel(false);
        let (started, outcome) = std::sync::mpsc::sync_channel(1);
        let told = outlet.clone();
        let thread = std::thread::Builder::new()
            .name("hobnob-core".to_owned())
            .spawn(move || actix_rt::System::new().block_on(run(options, told, queue, ending, started)))
            .map_err(StartError::Thread)?;
        match outcome.recv() {
            Ok(Ok(())) => Ok(Self { commands: Commands { queue: sender, outlet }, end, thread }),
            Ok(Err(error)) => Err(error),
            // The thread died before it could say anything.
            Err(_) => Err(StartError::Thread(std::io::Error::other("the core's thread ended"))),
        }
    }

    /// The way in, for other threads.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// See [`Commands::send`].
    pub fn send(&self, request: Request) {
        self.commands.send(request);
    }

    /// It was told to quit and did, or broke down.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends the core in order, if it has not ended by `quit` already, and waits until everything is on the disk. False if it had
    /// broken down.
    pub fn join(self) -> bool {
        // Gone already if it ended by itself.
        let _gone = self.end.send(true);
        self.thread.join().unwrap_or(false)
    }
}

/// The core's thread: opens everything, starts the registry, feeds it commands, and waits for its end.
async fn run(
    options: Options,
    outlet: Outlet,
    mut queue: mpsc::Receiver<Request>,
    mut ending: tokio::sync::watch::Receiver<bool>,
    started: std::sync::mpsc::SyncSender<Result<(), StartError>>,
) -> bool {
    let (finished, end) = oneshot::channel();
    let setup = match open(options, outlet.clone(), finished).await {
        Ok(setup) => setup,
        Err(error) => {
            // The starter waits for exactly this.
            let _told = started.send(Err(error));
            return false;
        }
    };
    let history = setup.history.clone();
    let profile = setup.profile.clone();
    let settings = profile.settings();
    // The first event of all, before anything is answered.
    outlet.tell(Event::Ready {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: profile.folder().to_owned(),
        listening: vec![setup.listening.to_string()],
        user: setup.identity.as_ref().map(|(identity, _)| identity.user.clone()),
        signed_in: setup.identity.is_some() && !settings.signed_out && !settings.device_removed,
        server: settings.server,
        downloads: setup.downloads.clone(),
    });
    let registry = Registry::launch(setup);
    // As above.
    let _told = started.send(Ok(()));
    let places = Arc::new(Semaphore::new(IN_WORK));
    let feed = async {
        loop {
            let next = tokio::select! {
                next = queue.recv() => next,
                _told = ending.wait_for(|end| *end) => None,
            };
            let Some(Request { id, command }) = next else { break };
            let place = places.clone().acquire_owned().await.ok();
            let ticket = Ticket::new(outlet.clone(), id, place);
            if registry.send(Submit { command, ticket }).await.is_err() {
                break;
            }
        }
        registry.do_send(Shutdown);
        std::future::pending::<()>().await;
    };
    let in_order = tokio::select! {
        () = feed => true,
        ended = end => ended.unwrap_or(false),
    };
    // What is still queued is answered as its tickets drop.
    queue.close();
    while let Ok(Request { id, .. }) = queue.try_recv() {
        drop(Ticket::new(outlet.clone(), id, None));
    }
    if let Err(error) = history.flush().await {
        tracing::error!(%error, "history not flushed");
    }
    if let Err(error) = profile.save() {
        tracing::error!(%error, "settings not saved");
    }
    in_order
}

async fn open(options: Options, outlet: Outlet, finished: oneshot::Sender<bool>) -> Result<Setup, StartError> {
    let given: Option<ServerAddress> = options
        .server
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|problem: Problem| StartError::Server(problem.text.into_owned()))?;
    let (profile, identity) = Profile::open(&options.profile).map_err(|error| match error {
        ProfileError::InUse => StartError::InUse(options.profile.clone()),
        error => StartError::Profile(error),
    })?;
    let path = profile.folder().join(HISTORY);
    let at_history = |error: HistoryError| StartError::at_history(profile.folder(), error);
    let history = History::open(&path).map_err(at_history)?;
    let friends = history.read(history::friends::load).await.map_err(at_history)?;
    let former = history.read(history::friends::load_former).await.map_err(at_history)?;
    if let Some((identity, _)) = &identity {
        let device = identity.device;
        history.write(move |c| history::logs::claim(c, device)).await.map_err(at_history)?;
    }
    let logs = history.read(history::logs::load_all).await.map_err(at_history)?;
    let rooms = history.read(history::rooms::load).await.map_err(at_history)?;
    let blocked = history.read(history::rooms::blocked).await.map_err(at_history)?;
    let contacts = history.read(history::contacts::load).await.map_err(at_history)?;
    let notify = history.read(history::notify::load).await.map_err(at_history)?;
    let mut avatars = history.read(history::avatars::load).await.map_err(at_history)?;
    // Whose picture is gone is asked for it again.
    let there = avatars::files::tidy(&profile.folder().join(command::AVATARS), &avatars::exchange::hashes(&avatars));
    avatars.retain(|kept| kept.choice.hash.is_none_or(|hash| there.contains(&hash)));
    let server_key_conflict = settle_server(&profile, given, identity.is_some());
    let (listener, listening) = listen(options.listen, profile.settings().port)?;
    let folder = options.downloads.map(|folder| std::path::absolute(&folder).unwrap_or(folder));
    profile.change(|settings| {
        settings.port = Some(listening.port());
        if folder.as_ref().is_some_and(|folder| folder.to_str().is_some()) {
            settings.downloads.clone_from(&folder);
        }
    });
    let downloads = folder.or_else(|| profile.settings().downloads).unwrap_or_else(profile::usual_downloads);
    if let Err(error) = std::fs::create_dir_all(&downloads) {
        // Whoever accepts a file will be told.
        tracing::warn!(%error, folder = %downloads.display(), "no download folder");
    }
    profile.save().map_err(StartError::Profile)?;
    Ok(Setup {
        outlet,
        profile,
        identity,
        history,
        friends,
        former,
        logs,
        rooms,
        blocked,
        avatars,
        contacts,
        notify,
        listener,
        listening,
        downloads,
        software: options.software,
        server_key_conflict,
        finished,
    })
}

/// Takes over the address given at the start. True if its key is not the pinned one: then nobody is connected to.
fn settle_server(profile: &Profile, given: Option<ServerAddress>, has_account: bool) -> bool {
    let Some(given) = given else { return false };
    let before = profile.settings();
    let same_place = before.server.as_deref() == Some(given.place().as_str());
    if let (Some(pinned), Some(key)) = (before.server_key, given.pin)
        && pinned != key
        && (has_account || same_place)
    {
        return true;
    }
    profile.change(|settings| {
        settings.server = Some(given.place());
        // An account lives on one server, wherever that moves; without an account another address is another server.
        if !has_account && !same_place {
            settings.server_key = None;
        }
        settings.server_key = given.pin.or(settings.server_key);
    });
    false
}

/// Binds the address for peers: the given one, with the kept port in the place of port 0; without one the kept port on all addresses. A
/// kept port that somebody else has by now is replaced.
fn listen(given: Option<SocketAddr>, kept: Option<u16>) -> Result<(std::net::TcpListener, SocketAddr), StartError> {
    let base = given.unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    let kept = kept.filter(|port| *port != 0 && base.port() == 0).map(|port| SocketAddr::new(base.ip(), port));
    let bound = kept.and_then(|address| net::listen(address).ok()).map_or_else(|| net::listen(base), Ok);
    let finish = |listener: TcpListener| {
        let address = listener.local_addr()?;
        Ok((listener.into_std()?, address))
    };
    bound.and_then(finish).map_err(|error| StartError::Listen { address: base, error })
}
