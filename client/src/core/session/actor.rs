//! The shell of the session: owns the connection's task and carries out what the state decides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, SpawnHandle};
use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::InstanceId;
use hobnob_shared::link::FrameWriter;
use hobnob_shared::message::{FromServer, Hello, OwnPresence, Pulse, ToServer};

use super::connect::{self, ConnectError, Ends};
use super::enrol;
use super::message::{
    CancelEnrolment, Close, Enrol, Enrolled, Heard, Hurry, Lost, Open, RememberPresence, Say, Welcomed,
};
use super::state::{Effect, Loss, Machine};
use crate::core::event::ServerState;
use crate::core::profile::Identity;
use crate::core::registry::{EnrolmentEnded, Registry, ServerEvent, SessionChanged, SessionOpened};
use crate::core::server_address::ServerAddress;

/// What a session needs to know of the rest.
pub struct SessionContext {
    /// Who hears of everything.
    pub registry: Addr<Registry>,
    /// Program and version.
    pub software: &'static str,
    /// Of this start of the program.
    pub instance: InstanceId,
    /// Where peers are awaited.
    pub listening: SocketAddr,
    /// Initial presence and status text.
    pub presence: (OwnPresence, String),
}

struct Account {
    server: ServerAddress,
    identity: Arc<Identity>,
}

/// See the module.
pub struct Session {
    context: SessionContext,
    machine: Machine,
    account: Option<Account>,
    connection: Option<actix_rt::task::JoinHandle<()>>,
    writer: Option<FrameWriter>,
    enrolment: Option<actix_rt::task::JoinHandle<()>>,
    /// Why the last connection ended, for the registry.
    last: Option<ConnectError>,
    timer: Option<(Instant, SpawnHandle)>,
    pings: u64,
}

impl Session {
    /// Starts the actor on the current arbiter.
    pub fn launch(context: SessionContext) -> Addr<Self> {
        let session = Self {
            context,
            machine: Machine::new(rand::random()),
            account: None,
            connection: None,
            writer: None,
            enrolment: None,
            last: None,
            timer: None,
            pings: 0,
        };
        session.start()
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Dial(connection) => self.dial(connection, ctx),
                Effect::HangUp => self.hang_up(),
                Effect::Ping => {
                    self.pings += 1;
                    self.say(&ToServer::Ping(Pulse { n: self.pings }), ctx);
                }
                // Online is told by `SessionOpened`, with the welcome.
                Effect::Tell(ServerState::Online) => {}
                Effect::Tell(state) => {
                    let reason = self.last.take();
                    self.context.registry.do_send(SessionChanged { state, reason });
                }
            }
        }
        self.arm(ctx);
    }

    fn dial(&mut self, connection: u64, ctx: &mut Context<Self>) {
        self.hang_up();
        let Some(account) = &self.account else { return };
        let (server, identity) = (account.server.clone(), account.identity.clone());
        let (software, instance, listening) = (self.context.software, self.context.instance, self.context.listening);
        let (presence, text) = self.context.presence.clone();
        let hello = move |ends: Ends| {
            // On all addresses: the one by which we reach the server is the one that others may reach.
            let ip = if listening.ip().is_unspecified() { ends.local.ip() } else { listening.ip() };
            Hello {
                software: software.to_owned(),
                abilities: Abilities::ours(),
                instance,
                port: listening.port(),
                addresses: vec![SocketAddr::new(ip, listening.port()).to_string()],
                presence,
                text,
            }
        };
        self.connection = Some(actix_rt::spawn(connect::run(connection, server, identity, hello, ctx.address())));
    }

    fn hang_up(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.close();
        }
        if let Some(task) = self.connection.take() {
            task.abort();
        }
    }

    /// A server that does not read what we say counts as gone.
    fn say(&mut self, frame: &ToServer, ctx: &mut Context<Self>) {
        let Some(writer) = &self.writer else { return };
        match writer.try_send(frame) {
            Ok(()) => self.machine.said(Instant::now()),
            Err(refused) => {
                tracing::warn!(?refused, "the server takes nothing more");
                if let Some(connection) = self.machine.connection() {
                    ctx.notify(Lost { connection, error: ConnectError::Closed });
                }
            }
        }
    }

    /// One timer, for whatever the machine waits for.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let due = self.machine.next_due(now);
        if self.timer.as_ref().map(|(at, _)| *at) == due {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(at) = due {
            let timer = ctx.run_later(at.saturating_duration_since(now), |session, ctx| {
                session.timer = None;
                let effects = session.machine.poll(Instant::now());
                session.carry_out(effects, ctx);
            });
            self.timer = Some((at, timer));
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.hang_up();
        if let Some(task) = self.enrolment.take() {
            task.abort();
        }
    }
}

impl Handler<Open> for Session {
    type Result = ();

    fn handle(&mut self, Open { server, identity }: Open, ctx: &mut Self::Context) {
        self.account = Some(Account { server, identity });
        let effects = self.machine.open(Instant::now());
        self.carry_out(effects, ctx);
    }
}

impl Handler<Close> for Session {
    type Result = ();

    fn handle(&mut self, Close { end }: Close, ctx: &mut Self::Context) {
        self.last = None;
        let effects = self.machine.close();
        self.carry_out(effects, ctx);
        self.account = None;
        if end {
            ctx.stop();
        }
    }
}

impl Handler<Enrol> for Session {
    type Result = ();

    fn handle(&mut self, Enrol { server, wish, until }: Enrol, ctx: &mut Self::Context) {
        let session = ctx.address();
        let task = actix_rt::spawn(async move {
            let result = enrol::enrol(server, wish, until).await;
            session.do_send(Enrolled { result });
        });
        if let Some(before) = self.enrolment.replace(task) {
            before.abort();
        }
    }
}

impl Handler<CancelEnrolment> for Session {
    type Result = ();

    fn handle(&mut self, _: CancelEnrolment, _: &mut Self::Context) {
        if let Some(task) = self.enrolment.take() {
            task.abort();
        }
    }
}

impl Handler<Enrolled> for Session {
    type Result = ();

    fn handle(&mut self, Enrolled { result }: Enrolled, _: &mut Self::Context) {
        if self.enrolment.take().is_some() {
            self.context.registry.do_send(EnrolmentEnded { result });
        }
    }
}

impl Handler<Hurry> for Session {
    type Result = ();

    fn handle(&mut self, _: Hurry, ctx: &mut Self::Context) {
        self.machine.hurry(Instant::now());
        self.arm(ctx);
    }
}

impl Handler<RememberPresence> for Session {
    type Result = ();

    fn handle(&mut self, RememberPresence { presence, text }: RememberPresence, _: &mut Self::Context) {
        self.context.presence = (presence, text);
    }
}

impl Handler<Say> for Session {
    type Result = ();

    fn handle(&mut self, Say(frame): Say, ctx: &mut Self::Context) {
        self.say(&frame, ctx);
    }
}

impl Handler<Welcomed> for Session {
    type Result = ();

    fn handle(&mut self, news: Welcomed, ctx: &mut Self::Context) {
        let Welcomed { connection, writer, welcome, server_key, ends } = news;
        if !self.machine.is_current(connection) {
            writer.close();
            return;
        }
        self.writer = Some(writer);
        let effects = self.machine.welcomed(connection, Instant::now());
        let place = self.account.as_ref().map(|account| account.server.place()).unwrap_or_default();
        self.context.registry.do_send(SessionOpened { welcome: Box::new(welcome), server_key, ends, place });
        self.carry_out(effects, ctx);
    }
}

impl Handler<Heard> for Session {
    type Result = actix::ResponseFuture<()>;

    fn handle(&mut self, Heard { connection, frame }: Heard, ctx: &mut Self::Context) -> Self::Result {
        if !self.machine.is_current(connection) {
            return Box::pin(std::future::ready(()));
        }
        self.machine.heard(Instant::now());
        match frame {
            Some(FromServer::Ping(pulse)) => self.say(&ToServer::Pong(pulse), ctx),
            Some(FromServer::Pong(_)) | None => {}
            Some(FromServer::SignedOut(out)) => {
                let error = ConnectError::Refused { code: out.code, text: out.text, retry_after: None };
                ctx.notify(Lost { connection, error });
            }
            Some(frame) => {
                let registry = self.context.registry.clone();
                return Box::pin(async move {
                    // A closed registry means that the program ends.
                    let _ended = registry.send(ServerEvent(frame)).await;
                });
            }
        }
        self.arm(ctx);
        Box::pin(std::future::ready(()))
    }
}

impl Handler<Lost> for Session {
    type Result = ();

    fn handle(&mut self, Lost { connection, error }: Lost, ctx: &mut Self::Context) {
        if !self.machine.is_current(connection) {
            return;
        }
        tracing::info!(%error, "no connection to the server");
        self.hang_up();
        let loss = error.loss();
        self.last = Some(error);
        let effects = self.machine.lost(connection, loss, Instant::now());
        let told = effects.iter().any(|effect| matches!(effect, Effect::Tell(_)));
        if !told && loss != Loss::Away {
            // Offline before and after, but now for a reason that a person must hear.
            let reason = self.last.take();
            self.context.registry.do_send(SessionChanged { state: ServerState::Offline, reason });
        }
        self.carry_out(effects, ctx);
    }
}
