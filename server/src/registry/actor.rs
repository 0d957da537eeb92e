//! The registry's life: messages in, the state's effects out. Every decision is in `state.rs` and its parts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix::{Actor, Addr, AsyncContext as _, Context, Handler, ResponseFuture};
use actix_rt::ArbiterHandle;
use hobnob_shared::codec::{encode, from_cbor};
use hobnob_shared::id::Token;
use hobnob_shared::identity::{DeviceList, IdentityStatement};
use hobnob_shared::limits::{FRAME, OUTBOUND_QUEUE};
use hobnob_shared::link::{FrameWriter, SendError};
use hobnob_shared::message::{FriendRequested, FromServer};

use super::message::{
    Arrive, Befriend, DevicesChanged, Drain, EnterRoom, Explained, Introduce, Leave, Loaded, LockRoom, NextPage,
    OpenCircuit, Page, Part, QuitRoom, Record, RequestStored, RoomLoaded, RosterPut, SeenAllowed, SetPresence,
    TellFriendship, Withdraw,
};
use super::state::{Circle, Effect, SessionId, Spread, State};
use crate::config::Limits;
use crate::error::Ending;
use crate::fanout::{Deliver, Outlet, Parcel};
use crate::relay::Relay;
use crate::session::{End, Listed, Session};
use crate::store::{self, PendingRequest, RecordRow, RoomPage, Store, StoreError};

/// Messages that wait for the registry; a session that finds it full is answered so.
const MAILBOX: usize = 8_192;

/// A session that has much to read is looked at again after this time.
const PAGE_PAUSE: Duration = Duration::from_millis(20);

/// How a session is reached.
pub struct Link {
    /// Its queue.
    pub writer: FrameWriter,
    /// To end it.
    pub session: Addr<Session>,
    /// Which connection arbiter it lives on.
    pub arbiter: usize,
}

/// A connection arbiter, as the registry uses it.
pub struct Branch {
    /// Runs look-ups.
    pub arbiter: ArbiterHandle,
    /// Hands presence on.
    pub outlet: Addr<Outlet>,
}

/// Who is online: see the module.
pub struct Registry {
    state: State,
    limits: Arc<Limits>,
    links: HashMap<SessionId, Link>,
    branches: Vec<Branch>,
    store: Arc<dyn Store>,
    relay: Arc<Relay>,
}

impl Registry {
    /// Nobody is online.
    pub fn new(limits: Arc<Limits>, branches: Vec<Branch>, store: Arc<dyn Store>, relay: Arc<Relay>) -> Self {
        let state = State::new(Arc::clone(&limits));
        Self { state, limits, links: HashMap::new(), branches, store, relay }
    }

    fn carry_out(&mut self, effects: impl IntoIterator<Item = Effect>, ctx: &mut Context<Self>) {
        let mut queue: VecDeque<Effect> = effects.into_iter().collect();
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Send(session, frame) => {
                    if !self.send(session, &frame) {
                        queue.push_back(Effect::End(session, Box::new(Ending::Slow.signed_out())));
                    }
                }
                Effect::End(session, frame) => {
                    self.end(session, &frame);
                    queue.extend(self.state.leave(session));
                }
                Effect::Tell(to, frame) => queue.extend(self.tell(&to, &frame)),
                Effect::Refresh(session, devices, device_list) => {
                    let refreshed =
                        self.links.get(&session).map(|link| link.session.try_send(Listed { devices, device_list }));
                    if let Some(Err(actix::dev::SendError::Full(_))) = refreshed {
                        queue.push_back(Effect::End(session, Box::new(Ending::Slow.signed_out())));
                    }
                }
                Effect::Load { session, account, user, device, version } => {
                    let looked_up = self.store.circle(account, user, device);
                    self.spawn(session, ctx, async move {
                        Loaded { session, version, circle: looked_up.await.map_err(log).ok().and_then(decoded) }
                    });
                }
                Effect::LoadRoom { session, account, room, after } => {
                    let looked_up = self.store.room_page(account, room, after);
                    self.spawn(session, ctx, async move {
                        let page = looked_up.await.map_err(log).ok();
                        RoomLoaded { session, room, page: page.map_or(Err(()), room_decoded) }
                    });
                }
                Effect::Explain { session, seq, account, user, wish } => {
                    let looked_up = self.store.relation(account, user.clone());
                    self.spawn(session, ctx, async move {
                        Explained { session, seq, user, wish, relation: looked_up.await.map_err(log).ok() }
                    });
                }
                Effect::NextPage(session) => self.next_page(session, ctx),
                Effect::Grant { token, between } => self.relay.grant(token, between, Instant::now()),
                Effect::NoteSeen(account, at) => {
                    let kept = self.store.note_seen(account, at);
                    // Whoever waits for it is nobody: at worst an earlier time is shown.
                    actix_rt::spawn(async move { drop(kept.await.map_err(log)) });
                }
                Effect::Gather => {
                    let gather = Duration::from_millis(self.limits.presence_gather_ms);
                    ctx.run_later(gather, Self::gather);
                }
            }
        }
    }

    /// Queues a frame; false if the session is too slow for it.
    fn send(&self, session: SessionId, frame: &FromServer) -> bool {
        let Some(link) = self.links.get(&session) else { return true };
        match link.writer.try_send(frame) {
            // A closed one is about to leave.
            Ok(()) | Err(SendError::Closed) => true,
            Err(SendError::Full) => false,
            Err(SendError::Codec(error)) => {
                tracing::error!(%error, "a frame could not be encoded");
                true
            }
        }
    }

    /// Queues a frame for many, encoded once; those who are too slow for it are to be ended.
    fn tell(&self, to: &[SessionId], frame: &FromServer) -> Vec<Effect> {
        let bytes = match encode(frame, FRAME) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, "a frame for many could not be encoded");
                return Vec::new();
            }
        };
        let full = |session: &&SessionId| {
            let queued = self.links.get(*session).map(|link| link.writer.try_send_encoded(bytes.clone()));
            matches!(queued, Some(Err(SendError::Full)))
        };
        let slow = to.iter().filter(full);
        slow.map(|session| Effect::End(*session, Box::new(Ending::Slow.signed_out()))).collect()
    }

    /// Sends the next page when the last ones are on their way: who reads slowly is shown everything all the same.
    fn next_page(&self, session: SessionId, ctx: &mut Context<Self>) {
        let Some(link) = self.links.get(&session) else { return };
        if link.writer.queued() <= OUTBOUND_QUEUE / 4 {
            ctx.notify(NextPage { session });
        } else {
            ctx.run_later(PAGE_PAUSE, move |registry, ctx| registry.next_page(session, ctx));
        }
    }

    fn end(&mut self, session: SessionId, frame: &FromServer) {
        let Some(link) = self.links.remove(&session) else { return };
        // It is told if it still listens; it ends either way.
        let _ = link.writer.try_send(frame);
        let reason = match frame {
            FromServer::SignedOut(out) => out.code.clone(),
            FromServer::Failed(failed) => failed.code.clone(),
            _ => hobnob_shared::error::WireCode::Internal,
        };
        link.session.do_send(End { reason });
    }

    /// Runs a look-up where the session lives, and brings its answer back as a message.
    fn spawn<M>(&self, session: SessionId, ctx: &Context<Self>, work: impl Future<Output = M> + Send + 'static)
    where
        Self: Handler<M>,
        M: actix::Message<Result = ()> + Send + 'static,
    {
        let registry = ctx.address();
        let Some(branch) = self.links.get(&session).and_then(|link| self.branches.get(link.arbiter)) else { return };
        branch.arbiter.spawn(async move {
            let answer = work.await;
            // Fails when the server stops, and then nobody waits.
            let _ = registry.send(answer).await;
        });
    }

    fn gather(&mut self, ctx: &mut Context<Self>) {
        let mut shelves: Vec<Vec<Parcel>> = self.branches.iter().map(|_| Vec::new()).collect();
        let (spreads, kept) = self.state.gather(wall_clock());
        for Spread { account, frame, to } in spreads {
            let frame = match encode(&frame, FRAME) {
                Ok(frame) => frame,
                Err(error) => {
                    tracing::error!(%error, "a presence frame could not be encoded");
                    continue;
                }
            };
            let mut by_branch: Vec<Vec<SessionId>> = shelves.iter().map(|_| Vec::new()).collect();
            for session in to {
                let arbiter = self.links.get(&session).map(|link| link.arbiter);
                if let Some(list) = arbiter.and_then(|arbiter| by_branch.get_mut(arbiter)) {
                    list.push(session);
                }
            }
            for (shelf, to) in shelves.iter_mut().zip(by_branch) {
                if !to.is_empty() {
                    shelf.push(Parcel { about: account, frame: frame.clone(), to });
                }
            }
        }
        let mut again = Vec::new();
        for (branch, parcels) in self.branches.iter().zip(shelves) {
            if parcels.is_empty() {
                continue;
            }
            if let Err(actix::dev::SendError::Full(Deliver(parcels))) = branch.outlet.try_send(Deliver(parcels)) {
                again.extend(parcels.into_iter().map(|parcel| parcel.about));
            }
        }
        let again = again.into_iter().filter_map(|account| self.state.spread_again(account));
        let effects: Vec<Effect> = kept.into_iter().chain(again).collect();
        self.carry_out(effects, ctx);
    }
}

fn log(error: StoreError) -> StoreError {
    tracing::error!(%error, "the store did not answer");
    error
}

/// The rows as what is sent; `None` if the device list cannot be read. A request that cannot be read is left out: it would be of no use to
/// the client either.
fn decoded(circle: store::Circle) -> Option<Box<Circle>> {
    let device_list: IdentityStatement = from_cbor(&circle.device_list).ok()?;
    let list: DeviceList = from_cbor(&device_list.body).ok()?;
    let read = |row: PendingRequest| {
        let (request, device_list) = (from_cbor(&row.statement).ok()?, from_cbor(&row.device_list).ok()?);
        Some(FriendRequested { request, device_list })
    };
    Some(Box::new(Circle {
        friends: circle.friends,
        pending: circle.pending.into_iter().filter_map(read).collect(),
        rooms: circle.rooms,
        list_number: circle.list_number,
        devices: list.devices,
        device_list: Arc::new(device_list),
        device_known: circle.device_known,
        roster: circle.roster,
        seen: circle.seen,
        friends_seen: circle.friends_seen,
    }))
}

/// The rows as what is sent; `Err` if one cannot be read.
fn room_decoded(page: Option<RoomPage>) -> Result<Option<Page>, ()> {
    let Some(page) = page else { return Ok(None) };
    let read = |row: RecordRow| {
        let statement = from_cbor(&row.record).map_err(|_| ())?;
        Ok(Record { account: row.account, number: row.number, member: row.member, statement })
    };
    let records: Result<Vec<Record>, ()> = page.records.into_iter().map(read).collect();
    Ok(Some(Page { head: page.head, records: records?, more: page.more }))
}

/// Milliseconds since 1970.
fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Actor for Registry {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

/// Handlers that only pass a message to the state and carry out what it says.
macro_rules! handlers {
    ($($message:ident($registry:ident, $name:ident) $effects:expr;)*) => {$(
        impl Handler<$message> for Registry {
            type Result = ();

            fn handle(&mut self, $name: $message, ctx: &mut Self::Context) {
                let $registry = &mut *self;
                let effects = $effects;
                self.carry_out(effects, ctx);
            }
        }
    )*};
}

handlers! {
    Arrive(registry, m) {
        registry.links.insert(m.arrival.session, m.link);
        registry.state.arrive(m.arrival)
    };
    Loaded(registry, m) registry.state.loaded(m.session, m.version, m.circle, wall_clock());
    NextPage(registry, m) registry.state.page(m.session);
    Leave(registry, m) {
        registry.links.remove(&m.session);
        registry.state.leave(m.session)
    };
    SetPresence(registry, m) registry.state.set_presence(m);
    Introduce(registry, m) registry.state.introduce(m.session, m.seq, m.user, Instant::now(), Token::random);
    OpenCircuit(registry, m) {
        registry.state.open_circuit(m.session, m.seq, (m.user, m.device), m.transfer, Token::random())
    };
    RoomLoaded(registry, m) registry.state.room_page(m.session, m.room, m.page);
    Explained(registry, m) {
        let (asked, about) = ((m.session, m.seq), (&m.user, m.wish));
        registry.state.explained(asked, about, m.relation, Instant::now(), Token::random)
    };
    RequestStored(registry, m) registry.state.requested(m.asker, m.asked, m.frame);
    Withdraw(registry, m) registry.state.withdrawn(m.asker, m.asked);
    Befriend(registry, m) registry.state.befriended((m.session, m.seq), &m.friends, &m.request, &m.acceptance);
    Part(registry, m) registry.state.parted(&m.friends);
    TellFriendship(registry, m) registry.state.friendship(m.session, m.friend, m.frame);
    DevicesChanged(registry, m) registry.state.devices_changed(m);
    RosterPut(registry, m) registry.state.roster_put(m.session, m.account, m.number);
    EnterRoom(registry, m) registry.state.enter_room(m);
    QuitRoom(registry, m) registry.state.quit_room(m);
    LockRoom(registry, m) registry.state.lock_room(m);
    SeenAllowed(registry, m) registry.state.seen_allowed(m);
}

impl Handler<Drain> for Registry {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) -> Self::Result {
        let frame = Ending::ShuttingDown.signed_out();
        let everybody = self.state.everybody();
        let end = |session| Effect::End(session, Box::new(frame.clone()));
        self.carry_out(everybody.into_iter().map(end).collect::<Vec<_>>(), ctx);
        // There is no later gathering: when they were last seen is on disk before the server ends. Nobody is here who could be told.
        let (_, kept) = self.state.gather(wall_clock());
        let note = |effect: Effect| match effect {
            Effect::NoteSeen(account, at) => Some(self.store.note_seen(account, at)),
            _ => None,
        };
        let noted: Vec<_> = kept.into_iter().filter_map(note).collect();
        Box::pin(async move {
            for note in noted {
                drop(note.await.map_err(log));
            }
        })
    }
}
