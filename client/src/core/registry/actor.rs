//! The shell of the registry: what it owns, its start and end, and a thin handler for each message. What the handlers do stands by topic in
//! `core/routes/`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, ResponseFuture, SpawnHandle};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{ConversationId, DeviceId, Fingerprint, Handle, InstanceId, MessageId, TransferId};
use hobnob_shared::message::{Head, OwnStatus};
use tokio::sync::oneshot;

use super::message::{
    CircuitWanted, Continue, EnrolmentEnded, FrameArrived, IncomingLink, IncomingStream, LinkDown, LinkUp, LogArrived,
    PinMismatch, ServerEvent, SessionChanged, SessionOpened, Shutdown, StatesChanged, Submit, TransferOver,
};
use super::state::State;
use crate::core::avatars::exchange::{Avatars, Kept};
use crate::core::event::{Event, MessageState, ServerState};
use crate::core::file_transfer::pace::Paces;
use crate::core::file_transfer::{Dials, FileTransfer, Running, Turns};
use crate::core::friendship::Proven;
use crate::core::history::History;
use crate::core::history::friends::Friend;
use crate::core::history::logs::Log;
use crate::core::history::notify::Levels;
use crate::core::history::rooms::Room;
use crate::core::outlet::{Outlet, Ticket};
use crate::core::peer_link::tokens::TokenTable;
use crate::core::peer_link::{self, PeerLink};
use crate::core::profile::{Identity, Profile, RosterKey};
use crate::core::replica::ThreadKey;
use crate::core::replica::exchange::Exchange;
use crate::core::rooms::Rooms;
use crate::core::roster_sync::{self, RosterSync};
use crate::core::routes::account::Enrolling;
use crate::core::routes::devices::Mates;
use crate::core::routes::keys::Held;
use crate::core::routes::saving::Unkept;
use crate::core::session::{self, Session, SessionContext};

/// What one's other devices are to know may hold the end up so long.
const LAST_PUT: Duration = Duration::from_secs(1);

/// Links and the server have so long to hear the goodbye before the program ends.
const GOODBYE: Duration = Duration::from_millis(300);

/// What the registry starts with.
pub struct Setup {
    /// Where events go.
    pub outlet: Outlet,
    /// Open and locked.
    pub profile: Profile,
    /// Who we are, if the profile has an account.
    pub identity: Option<(Identity, RosterKey)>,
    /// Open.
    pub history: History,
    /// Pinned friends.
    pub friends: Vec<Friend>,
    /// Keys of those who were friends.
    pub former: Vec<(Handle, Fingerprint)>,
    /// Where the copies of all logs end.
    pub logs: Vec<Log>,
    /// Rooms of this account, past ones too.
    pub rooms: Vec<Room>,
    /// Whom this account blocks.
    pub blocked: Vec<Handle>,
    /// Who shows themselves with which picture.
    pub avatars: Vec<Kept>,
    /// What this account's devices know together of people.
    pub contacts: roster_sync::Kept,
    /// What of which conversation is told by notifications.
    pub notify: Levels,
    /// Bound, for peers.
    pub listener: TcpListener,
    /// Where that is.
    pub listening: SocketAddr,
    /// Where received files go.
    pub downloads: PathBuf,
    /// Program and version.
    pub software: &'static str,
    /// The key given with the server's address is not the pinned one.
    pub server_key_conflict: bool,
    /// Told when all is over: whether that was in order.
    pub finished: oneshot::Sender<bool>,
}

/// Whether the server is the one that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) enum Trust {
    /// As far as is known.
    Kept,
    /// Another key answered; nothing is sent.
    Broken {
        /// The alarm was given, for this attempt of a person.
        told: bool,
    },
    /// The key given at the start is not the pinned one; nobody is connected to.
    Conflict,
}

/// See the module.
pub struct Registry {
    pub(in crate::core) outlet: Outlet,
    pub(in crate::core) profile: Profile,
    pub(in crate::core) identity: Option<Arc<Identity>>,
    pub(in crate::core) roster_key: Option<RosterKey>,
    pub(in crate::core) history: History,
    pub(in crate::core) listener: TcpListener,
    pub(in crate::core) listening: SocketAddr,
    pub(in crate::core) listen_task: Option<actix_rt::task::JoinHandle<()>>,
    pub(in crate::core) downloads: PathBuf,
    pub(in crate::core) software: &'static str,
    pub(in crate::core) instance: InstanceId,
    pub(in crate::core) tokens: TokenTable,
    pub(in crate::core) session: Option<Addr<Session>>,
    pub(in crate::core) state: State<Addr<PeerLink>>,
    /// The server's address as connected last, for its relay.
    pub(in crate::core) server_end: Option<SocketAddr>,
    /// What was told of the server last.
    pub(in crate::core) told_server: Option<ServerState>,
    /// Whether the server is the pinned one.
    pub(in crate::core) trust: Trust,
    /// A sign-up or password sign-in under way.
    pub(in crate::core) enrolling: Option<Enrolling>,
    /// Wait for `signed_in`.
    pub(in crate::core) entries: Vec<(Instant, Ticket)>,
    /// Since when the account is signed in.
    pub(in crate::core) arrived_at: Option<Instant>,
    /// Friends pinned since the welcome, to be told once signed in.
    pub(in crate::core) fresh: Vec<Handle>,
    /// Presence and text that were set here, until the server knows them.
    pub(in crate::core) status_unsaid: Option<OwnStatus>,
    /// Whom we asked to be friends: if they ask as well, both want it.
    pub(in crate::core) asked: HashSet<Handle>,
    /// Keys named by invites.
    pub(in crate::core) invited: HashMap<Handle, Fingerprint>,
    /// Keys that friends whose key changed showed last.
    pub(in crate::core) candidates: HashMap<Handle, Proven>,
    /// What came under a former friend's name with another key.
    pub(in crate::core) held: HashMap<Handle, (Fingerprint, Held)>,
    /// Former friends whose other key was told.
    pub(in crate::core) alarmed: HashSet<Handle>,
    /// Friends about whom a wrong key at an address was told.
    pub(in crate::core) mismatched: HashSet<Handle>,
    /// Own messages that were told as sent and not as delivered: the disk does not say so.
    pub(in crate::core) sent: HashSet<MessageId>,
    /// Messages on their way to the disk; their states are held back until the command is answered.
    pub(in crate::core) storing: HashMap<MessageId, Vec<(MessageState, Option<Handle>)>>,
    /// Who writes just now, and what ends it.
    pub(in crate::core) writers: HashMap<(ConversationId, Handle), SpawnHandle>,
    /// Own devices that are to hear how far others are, and where.
    pub(in crate::core) marks_due: BTreeSet<(DeviceId, ThreadKey)>,
    /// Devices of people in common rooms who are no friends.
    pub(in crate::core) mates: Mates,
    /// What was not believed, by reason.
    pub(in crate::core) refused: BTreeMap<&'static str, u64>,
    /// Where this actor's own tasks report.
    pub(in crate::core) addr: Addr<Self>,
    /// Transfers that may still go on, and with whom; older ones first.
    pub(in crate::core) transfers: BTreeMap<TransferId, (Handle, Addr<FileTransfer>)>,
    /// Transfers to members of a room, by the id that the members know and by member.
    pub(in crate::core) shares: BTreeMap<(TransferId, Handle), TransferId>,
    /// Those of them whose bytes flow.
    pub(in crate::core) running: Running,
    /// Held once by each export that is under way.
    pub(in crate::core) exports: Arc<()>,
    /// How fast transfers may go.
    pub(in crate::core) paces: Paces,
    /// Whose turn it is.
    pub(in crate::core) turns: Turns,
    /// Dials of data streams.
    pub(in crate::core) dials: Dials,
    /// Questions to the disk about transfers without an actor.
    pub(in crate::core) looked_up: usize,
    /// Jobs for the disk that are under way.
    pub(in crate::core) unkept: Unkept,
    timer: Option<(Instant, SpawnHandle)>,
    finished: Option<oneshot::Sender<bool>>,
    /// It is to end, by then at the latest: the server is still to take something.
    pub(in crate::core) leave_by: Option<Instant>,
    pub(in crate::core) closing: bool,
}

impl Registry {
    /// Starts the actor on the current arbiter.
    pub fn launch(setup: Setup) -> Addr<Self> {
        let (identity, roster_key) = match setup.identity {
            Some((identity, key)) => (Some(Arc::new(identity)), Some(key)),
            None => (None, None),
        };
        let mut state = State::default();
        state.roster.remember_former(setup.former);
        for friend in setup.friends {
            state.roster.pin(friend);
        }
        state.rooms = Rooms::load(setup.rooms);
        state.blocked = setup.blocked.into_iter().collect();
        state.avatars = Avatars::load(setup.avatars);
        state.contacts = RosterSync::load(setup.contacts);
        state.notify = setup.notify;
        if let Some(identity) = &identity {
            state.exchange = exchange(identity.device, setup.logs);
        }
        let paces = Paces::default();
        let rates = setup.profile.settings().rates;
        if !rates.are_possible() {
            tracing::warn!(?rates, "a limit of speed in the settings is too low; the lowest holds instead");
        }
        paces.set(rates.possible());
        Self::create(|ctx| Self {
            addr: ctx.address(),
            writers: HashMap::new(),
            marks_due: BTreeSet::new(),
            mates: Mates::default(),
            refused: BTreeMap::new(),
            outlet: setup.outlet,
            profile: setup.profile,
            identity,
            roster_key,
            history: setup.history,
            listener: setup.listener,
            listening: setup.listening,
            listen_task: None,
            downloads: setup.downloads,
            software: setup.software,
            instance: InstanceId::random(),
            tokens: TokenTable::default(),
            session: None,
            state,
            server_end: None,
            told_server: None,
            trust: if setup.server_key_conflict { Trust::Conflict } else { Trust::Kept },
            enrolling: None,
            entries: Vec::new(),
            arrived_at: None,
            fresh: Vec::new(),
            status_unsaid: None,
            asked: HashSet::new(),
            invited: HashMap::new(),
            candidates: HashMap::new(),
            held: HashMap::new(),
            alarmed: HashSet::new(),
            mismatched: HashSet::new(),
            sent: HashSet::new(),
            storing: HashMap::new(),
            transfers: BTreeMap::new(),
            shares: BTreeMap::new(),
            running: Running::default(),
            exports: Arc::default(),
            paces,
            turns: Turns::default(),
            dials: Dials::default(),
            looked_up: 0,
            unkept: Unkept::default(),
            timer: None,
            finished: Some(setup.finished),
            leave_by: None,
            closing: false,
        })
    }

    /// Tells events.
    pub(in crate::core) fn tell(&self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(|event| self.outlet.tell(event));
    }

    /// Runs `job` beside the actor and goes on with what comes out. Bounded by whoever calls: a command's place, or a frame at a time.
    pub(in crate::core) fn then<T: Send + 'static>(
        ctx: &Context<Self>,
        job: impl Future<Output = T> + 'static,
        next: impl FnOnce(&mut Self, T, &mut Context<Self>) + Send + 'static,
    ) {
        let registry = ctx.address();
        actix_rt::spawn(async move {
            let out = job.await;
            registry.do_send(Continue(Box::new(move |registry, ctx| next(registry, out, ctx))));
        });
    }

    /// One timer, for whatever comes next.
    pub(in crate::core) fn arm(&mut self, ctx: &mut Context<Self>) {
        let entries = self.entries.iter().map(|(deadline, _)| *deadline).min();
        let enrolling = self.enrolling.as_ref().map(|enrolling| enrolling.deadline);
        let due = [self.state.next_due(), entries, enrolling].into_iter().flatten().min();
        if self.timer.as_ref().map(|(at, _)| *at) == due {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(at) = due {
            let timer = ctx.run_later(at.saturating_duration_since(Instant::now()), |registry, ctx| {
                registry.timer = None;
                registry.time_passed(Instant::now(), ctx);
                registry.arm(ctx);
            });
            self.timer = Some((at, timer));
        }
    }

    fn time_passed(&mut self, now: Instant, ctx: &mut Context<Self>) {
        for errand in self.state.errands.expire(now) {
            self.gave_up(errand);
        }
        self.expire_entries(now);
        if self.state.is_roster_late(now) {
            tracing::warn!("the sealed roster has not come in time");
            self.release_held(ctx);
        }
        if self.state.contacts.is_due(now) {
            self.look_at_contacts(ctx);
        }
        if self.state.has_arrived(now) {
            self.arrived(ctx);
        }
        for user in self.state.policy.poll(now) {
            self.ask_introduction(user);
        }
        self.exchange_due(now);
        self.avatars_due(now);
    }

    fn shut_down(&mut self, ctx: &mut Context<Self>) {
        if self.closing {
            return;
        }
        self.closing = true;
        if let Some(task) = self.listen_task.take() {
            task.abort();
        }
        for link in self.state.links.all() {
            link.do_send(peer_link::Close { code: WireCode::ShuttingDown, forget: false });
        }
        self.close_transfers();
        if let Some(session) = self.session.take() {
            session.do_send(session::Close { end: true });
        }
        // Tickets that are still owed answer by themselves.
        self.enrolling = None;
        self.entries.clear();
        self.state.errands.take_all();
        // What was handed to the disk before is answered before the end.
        let history = self.history.clone();
        Self::then(ctx, async move { history.flush().await }, |_, flushed, ctx| {
            if let Err(error) = flushed {
                tracing::error!(%error, "history not flushed");
            }
            ctx.run_later(GOODBYE, |_, ctx| ctx.stop());
        });
    }
}

/// What is known of the copies at the start.
pub(in crate::core) fn exchange(own: DeviceId, logs: Vec<Log>) -> Exchange {
    let mut exchange = Exchange::new(own);
    for Log { thread, device, end, .. } in logs {
        exchange.copy(&thread, Head { device, number: end.number, last: end.last });
    }
    exchange
}

impl Actor for Registry {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let settings = self.profile.settings();
        self.session = Some(Session::launch(SessionContext {
            registry: ctx.address(),
            software: self.software,
            instance: self.instance,
            listening: self.listening,
            presence: (settings.presence, settings.text),
        }));
        self.begin(ctx);
        self.arm(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(finished) = self.finished.take() {
            // Nobody listens if the core is torn down from outside.
            let _unheard = finished.send(self.closing);
        }
    }
}

impl Handler<Submit> for Registry {
    type Result = ();

    fn handle(&mut self, Submit { command, ticket }: Submit, ctx: &mut Self::Context) {
        self.route(command, ticket, ctx);
        self.arm(ctx);
    }
}

impl Handler<Shutdown> for Registry {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        let until = *self.leave_by.get_or_insert_with(|| {
            ctx.run_later(LAST_PUT, Self::shut_down);
            Instant::now() + LAST_PUT
        });
        if self.closing || Instant::now() >= until || !self.puts_contacts(ctx) {
            self.shut_down(ctx);
        }
    }
}

impl Handler<Continue> for Registry {
    type Result = ();

    fn handle(&mut self, Continue(next): Continue, ctx: &mut Self::Context) {
        next(self, ctx);
        self.arm(ctx);
    }
}

/// A handler that passes its message to the route of the same topic, unless the program is closing.
macro_rules! handlers {
    ($($message:ty => $route:ident),* $(,)?) => {$(
        impl Handler<$message> for Registry {
            type Result = ();

            fn handle(&mut self, message: $message, ctx: &mut Self::Context) {
                if !self.closing {
                    self.$route(message, ctx);
                    self.arm(ctx);
                }
            }
        }
    )*};
}

handlers! {
    ServerEvent => server_event,
    SessionOpened => session_opened,
    SessionChanged => session_changed,
    EnrolmentEnded => enrolment_ended,
    LinkUp => link_up,
    LinkDown => link_down,
    LogArrived => log_arrived,
    StatesChanged => states_changed,
    PinMismatch => pin_mismatch,
    IncomingLink => incoming_link,
    IncomingStream => incoming_stream,
    CircuitWanted => circuit_wanted,
    TransferOver => transfer_over,
}

impl Handler<FrameArrived> for Registry {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, news: FrameArrived, ctx: &mut Self::Context) -> Self::Result {
        let (guard, dealt_with) = oneshot::channel();
        if !self.closing {
            self.frame_arrived(news, guard, ctx);
            self.arm(ctx);
        }
        Box::pin(async move {
            // The guard is only ever dropped.
            let _dropped = dealt_with.await;
        })
    }
}
