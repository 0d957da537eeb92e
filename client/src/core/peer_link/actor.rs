//! The shell of a peer link: owns its connections' tasks and carries out what the state decides.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, ResponseFuture};
use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::Token;
use hobnob_shared::identity::{DEVICE_LIST, DeviceList};
use hobnob_shared::limits;
use hobnob_shared::link::{self, SendError};
use hobnob_shared::message::{Bye, Peer, PeerHello, REUNION_EXPORTER};
use hobnob_shared::tls;
use tokio::sync::mpsc;

use super::connection::{Around, Open, Rest, STORE_QUEUE, read};
use super::context::LinkContext;
use super::dial;
use super::keep;
use super::message::{
    Adopt, Close, Connection, ConnectionLost, Follow, FrameRead, Grew, Introduce, LetIn, OwnLogRead, PairLoaded,
    ReunionUsed, Reunite, SendFrame, SetIdentity, SetServer, Stored, Unfollow,
};
use super::redial::{Attempt, Redial};
use super::state::{ConnectionId, Effect, State};
use super::tokens::{Expected, Purpose};
use crate::core::event::{LinkPath, MessageState};
use crate::core::registry::{LinkDown, LinkUp, PinMismatch, StatesChanged};

/// How often the state looks at the clock.
const TICK: Duration = Duration::from_millis(500);
/// Between the starts of dials to several addresses of one device.
const DIAL_STAGGER: Duration = Duration::from_millis(150);
/// Bytes queued on a link: a whole window of the longest messages and something beside it.
const QUEUE: usize = limits::WINDOW * (limits::TEXT + 512) + limits::OUTBOUND_QUEUE;

/// See the module.
pub struct PeerLink {
    context: LinkContext,
    state: State,
    open: HashMap<ConnectionId, Open>,
    store: Option<mpsc::Sender<Peer>>,
    redial: Redial,
}

impl PeerLink {
    /// Starts the actor on the current arbiter.
    pub fn launch(context: LinkContext) -> Addr<Self> {
        let state = State::new(context.identity.device, context.device);
        let redial = Redial::new(context.identity.device, context.user.clone(), context.device, rand::random());
        Self { context, state, open: HashMap::new(), store: None, redial }.start()
    }

    fn hello(&self) -> PeerHello {
        let (presence, text) = self.context.presence.clone();
        PeerHello {
            user: self.context.identity.user.clone(),
            instance: self.context.instance,
            device_list: self.context.identity.device_list.clone(),
            abilities: Abilities::ours(),
            presence,
            text,
            port: self.context.listen_port,
            reunion: self.redial.bond().map(|bond| bond.name()),
        }
    }

    /// Their hello must be of the expected person, with a device list of their identity key that names this device.
    fn checks(&self, open: &Open, hello: &PeerHello) -> bool {
        let list: Result<DeviceList, _> = hello.device_list.verify(DEVICE_LIST, &open.account_certificate);
        hello.user == self.context.user && list.is_ok_and(|list| list.devices.contains(&self.context.device))
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) -> Rest {
        let mut rest = Rest::default();
        for effect in effects {
            match effect {
                Effect::Write(id, frame) => self.write(id, &frame, ctx),
                Effect::Offer(id, frame) => {
                    if let Some(open) = self.open.get(&id) {
                        open.writer.offer(&frame);
                    }
                }
                Effect::Close(id) => {
                    if let Some(open) = self.open.remove(&id) {
                        open.writer.close();
                    }
                }
                Effect::Up(id) => self.announce(id),
                Effect::Down => {
                    let LinkContext { user, device, .. } = self.context.clone();
                    self.context.registry.do_send(LinkDown { device, user });
                    self.redial.link_lost(Instant::now());
                }
                Effect::Read(thread, asked) => {
                    let (peers, history, addr) = (self.context.peers(), self.context.history.clone(), ctx.address());
                    actix_rt::spawn(async move {
                        let read = super::serve::own_log(&history, &peers, &thread, asked).await;
                        addr.do_send(OwnLogRead { thread, asked, read });
                    });
                }
                Effect::Store(frame) => rest.store.push(*frame),
                Effect::Serve(want) => rest.serve.push(want),
                // To a device of one's own it went, not to whom it was written.
                Effect::Sent(_) if self.context.account == self.context.identity.account => {}
                Effect::Sent(ids) => self.tell_states(&ids, MessageState::Sent),
                Effect::Forward(frame) => rest.forward.push(*frame),
            }
        }
        rest
    }

    fn tell_states(&self, ids: &[hobnob_shared::id::MessageId], state: MessageState) {
        let states = ids.iter().map(|id| (*id, state)).collect();
        self.context.registry.do_send(StatesChanged { states, by: None });
    }

    fn write(&mut self, id: ConnectionId, frame: &Peer, ctx: &mut Context<Self>) {
        let Some(open) = self.open.get(&id) else { return };
        match open.writer.try_send(frame) {
            Ok(()) => self.state.said(id, Instant::now()),
            // Our own mistake, or something that others made too long for us: it must not cost the link, again and again.
            Err(SendError::Codec(error)) => tracing::error!(user = %self.context.user, %error, "not sent"),
            Err(refused) => {
                tracing::debug!(user = %self.context.user, ?refused, "link cannot take more");
                ctx.notify(ConnectionLost { connection: id });
            }
        }
    }

    /// Tells the registry of the link, and keeps what re-dialling it without the server will need.
    fn announce(&mut self, id: ConnectionId) {
        let Some(open) = self.open.get(&id) else { return };
        let Some(hello) = &open.hello else { return };
        let address = (open.path == LinkPath::Direct).then_some(open.address);
        let listening = match address {
            Some(address) if open.dialled => Some(address),
            Some(address) if hello.port != 0 => Some(SocketAddr::new(address.ip(), hello.port)),
            _ => None,
        };
        let agreed = open.bond.clone().filter(|bond| hello.reunion == Some(bond.name()));
        let deeds = self.redial.linked(agreed, open.secret, listening);
        keep::carry_out(&self.context, deeds);
        self.context.registry.do_send(LinkUp {
            device: self.context.device,
            user: self.context.user.clone(),
            path: open.path,
            address,
            dialled: open.dialled,
            presence: hello.presence,
            text: hello.text.clone(),
            abilities: hello.abilities.clone(),
            device_list: hello.device_list.clone(),
            certificate: open.account_certificate.clone(),
        });
    }

    /// Dials in a task of its own; what authenticates comes back as [`Adopt`]. `reunion` is the counter of a token that needs no server.
    fn dial(&self, address: SocketAddr, token: Token, after: Duration, reunion: Option<u64>, addr: Addr<Self>) {
        let (own, target) = (self.context.identity.clone(), self.context.target());
        let (registry, user) = (self.context.registry.clone(), self.context.user.clone());
        actix_rt::spawn(async move {
            tokio::time::sleep(after).await;
            match dial::dial(address, &token, tls::PEER, &own, target).await {
                Ok((stream, _)) => {
                    if let Some(counter) = reunion {
                        addr.do_send(LetIn { counter });
                    }
                    let connection = Connection { stream, path: LinkPath::Direct, address, dialled: true };
                    addr.do_send(Adopt(connection));
                }
                Err(dial::DialError::WrongKey) => registry.do_send(PinMismatch { user }),
                Err(error) => tracing::debug!(%address, %error, "dial failed"),
            }
        });
    }

    /// Stores what arrives, in batches, shows it, and only then has it acknowledged.
    fn spawn_store(&self, addr: Addr<Self>) -> mpsc::Sender<Peer> {
        let (sender, mut receiver) = mpsc::channel::<Peer>(STORE_QUEUE);
        let (history, registry, peers) =
            (self.context.history.clone(), self.context.registry.clone(), self.context.peers());
        actix_rt::spawn(async move {
            let mut batch = Vec::new();
            while receiver.recv_many(&mut batch, STORE_QUEUE).await > 0 {
                let stored = super::store::store(&history, &registry, &peers, std::mem::take(&mut batch)).await;
                if addr.send(stored).await.is_err() {
                    break;
                }
            }
        });
        sender
    }
}

impl Actor for PeerLink {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.store = Some(self.spawn_store(ctx.address()));
        keep::load(&self.context, ctx.address());
        ctx.run_interval(TICK, |link, ctx| {
            let now = Instant::now();
            let effects = link.state.tick(now);
            link.carry_out(effects, ctx);
            if link.state.live().is_none() {
                for Attempt { address, token, counter } in link.redial.due(now) {
                    link.dial(address, token, Duration::ZERO, Some(counter), ctx.address());
                }
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.context.tokens.forget_device(&self.context.device);
        if self.state.live().is_some() {
            let LinkContext { user, device, .. } = self.context.clone();
            self.context.registry.do_send(LinkDown { device, user });
        }
    }
}

impl Handler<Introduce> for PeerLink {
    type Result = ();

    fn handle(&mut self, Introduce(introduced): Introduce, ctx: &mut Self::Context) {
        let life = Duration::from_secs(introduced.life.into()).min(limits::TOKEN_LIFE);
        let LinkContext { user, account, device, .. } = self.context.clone();
        let expected = Expected { user, account, device, purpose: Purpose::Link };
        self.context.tokens.admit(introduced.expect, expected, Some(life));
        if self.state.path() == LinkPath::Direct {
            return;
        }
        let loopback = self.context.server.is_some_and(|server| server.ip().is_loopback());
        let addresses = introduced.addresses.iter().filter_map(|text| text.parse().ok());
        let fit = addresses.filter(|address| dial::may_dial(*address, loopback)).take(limits::CANDIDATES);
        for (n, address) in fit.enumerate() {
            let n = u32::try_from(n).unwrap_or(u32::MAX);
            self.dial(address, introduced.dial, DIAL_STAGGER.saturating_mul(n), None, ctx.address());
        }
        ctx.run_later(limits::DIRECT_HEAD_START, move |link, ctx| {
            let Some(server) = link.context.server.filter(|_| link.state.live().is_none()) else { return };
            let (own, target, addr) = (link.context.identity.clone(), link.context.target(), ctx.address());
            actix_rt::spawn(async move {
                let (token, dialled) = (introduced.relay, introduced.relay_dialler);
                match dial::relay(server, &token, dialled, tls::PEER, &own, target).await {
                    Ok(stream) => {
                        addr.do_send(Adopt(Connection { stream, path: LinkPath::Relayed, address: server, dialled }));
                    }
                    Err(error) => tracing::debug!(%error, "relay failed"),
                }
            });
        });
    }
}

impl Handler<Reunite> for PeerLink {
    type Result = ();

    fn handle(&mut self, Reunite { active }: Reunite, _: &mut Self::Context) {
        self.redial.set_active(active, Instant::now());
    }
}

impl Handler<SetServer> for PeerLink {
    type Result = ();

    fn handle(&mut self, SetServer(server): SetServer, _: &mut Self::Context) {
        self.context.server = Some(server);
    }
}

impl Handler<SetIdentity> for PeerLink {
    type Result = ();

    fn handle(&mut self, SetIdentity(identity): SetIdentity, _: &mut Self::Context) {
        self.context.identity = identity;
    }
}

impl Handler<LetIn> for PeerLink {
    type Result = ();

    fn handle(&mut self, LetIn { counter }: LetIn, _: &mut Self::Context) {
        let deeds = self.redial.let_us_in(counter);
        keep::carry_out(&self.context, deeds);
    }
}

impl Handler<PairLoaded> for PeerLink {
    type Result = ();

    fn handle(&mut self, PairLoaded(pair): PairLoaded, _: &mut Self::Context) {
        let deeds = self.redial.loaded(&pair);
        keep::carry_out(&self.context, deeds);
    }
}

impl Handler<ReunionUsed> for PeerLink {
    type Result = ();

    fn handle(&mut self, ReunionUsed { counter }: ReunionUsed, _: &mut Self::Context) {
        let deeds = self.redial.used(counter);
        keep::carry_out(&self.context, deeds);
    }
}

impl Handler<Adopt> for PeerLink {
    type Result = ();

    fn handle(&mut self, Adopt(connection): Adopt, ctx: &mut Self::Context) {
        let Connection { stream, path, address, dialled } = connection;
        let Ok(Some((chain, _))) = tls::peer_chain(stream.get_ref().1) else { return };
        let Ok(secret) = tls::stream_exporter(&stream, REUNION_EXPORTER, &[]) else { return };
        let hello = self.hello();
        let bond = self.redial.bond();
        let Some((id, effects)) = self.state.connected(path, hello, Instant::now()) else { return };
        let (reader, writer) = link::split::<_, Peer>(stream, limits::FRAME, QUEUE);
        let tasks = [
            actix_rt::spawn(read(reader, id, ctx.address())),
            actix_rt::spawn({
                let (writer, addr) = (writer.clone(), ctx.address());
                async move {
                    writer.closed().await;
                    addr.do_send(ConnectionLost { connection: id });
                }
            }),
        ];
        let account_certificate = chain.account;
        let open = Open { writer, tasks, path, address, dialled, account_certificate, secret, bond, hello: None };
        self.open.insert(id, open);
        self.carry_out(effects, ctx);
    }
}

impl Handler<FrameRead> for PeerLink {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, FrameRead { connection, frame }: FrameRead, ctx: &mut Self::Context) -> Self::Result {
        let now = Instant::now();
        let effects = match frame {
            Err(kind) => self.state.unknown(connection, &kind, now),
            Ok(Peer::Hello(hello)) => {
                let checked = self.open.get(&connection).is_some_and(|open| self.checks(open, &hello));
                if let Some(open) = self.open.get_mut(&connection).filter(|_| checked) {
                    open.hello.get_or_insert_with(|| hello.clone());
                    self.state.frame(connection, Peer::Hello(hello), now)
                } else {
                    tracing::warn!(user = %self.context.user, "hello does not fit the certificate");
                    self.state.lost(connection, now)
                }
            }
            Ok(frame) => self.state.frame(connection, frame, now),
        };
        let rest = self.carry_out(effects, ctx);
        let around = Around {
            registry: self.context.registry.clone(),
            history: self.context.history.clone(),
            peers: self.context.peers(),
            store: self.store.clone(),
            writer: self.open.get(&connection).map(|open| open.writer.clone()),
        };
        Box::pin(around.finish(rest))
    }
}

impl Handler<ConnectionLost> for PeerLink {
    type Result = ();

    fn handle(&mut self, ConnectionLost { connection }: ConnectionLost, ctx: &mut Self::Context) {
        let effects = self.state.lost(connection, Instant::now());
        self.carry_out(effects, ctx);
    }
}

impl Handler<OwnLogRead> for PeerLink {
    type Result = ();

    fn handle(&mut self, OwnLogRead { thread, asked, read }: OwnLogRead, ctx: &mut Self::Context) {
        let effects = self.state.log_read(&thread, asked, read);
        self.carry_out(effects, ctx);
    }
}

impl Handler<Stored> for PeerLink {
    type Result = ();

    fn handle(&mut self, Stored { heads }: Stored, ctx: &mut Self::Context) {
        for (thread, heads) in heads {
            let effects = self.state.stored(&thread, &heads);
            self.carry_out(effects, ctx);
        }
    }
}

impl Handler<Follow> for PeerLink {
    type Result = ();

    fn handle(&mut self, Follow { thread, acknowledged }: Follow, ctx: &mut Self::Context) {
        let effects = self.state.follow(thread, acknowledged);
        self.carry_out(effects, ctx);
    }
}

impl Handler<Unfollow> for PeerLink {
    type Result = ();

    fn handle(&mut self, Unfollow { thread }: Unfollow, ctx: &mut Self::Context) {
        let effects = self.state.unfollow(&thread);
        self.carry_out(effects, ctx);
    }
}

impl Handler<SendFrame> for PeerLink {
    type Result = ();

    fn handle(&mut self, SendFrame(frame): SendFrame, ctx: &mut Self::Context) {
        if let Peer::Presence(presence) = &frame {
            self.context.presence = (presence.presence, presence.text.clone());
        }
        let effects = self.state.send(frame, Instant::now());
        self.carry_out(effects, ctx);
    }
}

impl Handler<Grew> for PeerLink {
    type Result = ();

    fn handle(&mut self, Grew { thread }: Grew, ctx: &mut Self::Context) {
        let effects = self.state.grew(&thread);
        self.carry_out(effects, ctx);
    }
}

impl Handler<Close> for PeerLink {
    type Result = ();

    fn handle(&mut self, Close { code, forget }: Close, ctx: &mut Self::Context) {
        if let Some(open) = self.state.live().and_then(|id| self.open.get(&id)) {
            open.writer.offer(&Peer::Bye(Bye { code }));
        }
        for (_, open) in self.open.drain() {
            open.writer.close();
        }
        if forget {
            let deeds = self.redial.forget();
            keep::carry_out(&self.context, deeds);
        }
        ctx.stop();
    }
}
