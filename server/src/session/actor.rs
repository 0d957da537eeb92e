//! The session's life: frames and answers in, the state's effects out. Every decision is in `state.rs` and its two parts.

use std::cell::Cell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, Addr, AsyncContext as _, Context, Handler, StreamHandler,
    WrapFuture as _,
};
use futures_util::stream;
use hobnob_shared::codec::{CodecError, Decoded};
use hobnob_shared::limits::{FRAME, OUTBOUND_QUEUE};
use hobnob_shared::link::{FrameReader, FrameWriter, LinkError};
use hobnob_shared::message::{FromServer, ToServer};

use super::job::{self, Job};
use super::message::{End, Listed};
use super::meter::Meter;
use super::note::{self, Note};
use super::state::{Effect, State};
use crate::error::{Ending, Refusal};
use crate::fanout::{Join, Outlet, Quit};
use crate::gate::{Permit, Visit};
use crate::registry::{Arrive, Leave, Link, Registry, SessionId};
use crate::services::Services;

/// How often a queue that is half full is looked at before more is put into it.
const QUEUE_POLL: Duration = Duration::from_millis(10);

/// What a session is started with.
pub struct Connection {
    /// Its number.
    pub id: SessionId,
    /// Where from.
    pub peer: SocketAddr,
    /// What kind it is.
    pub state: State,
    /// Typed frames of the client.
    pub reader: FrameReader<ToServer>,
    /// Its queue.
    pub writer: FrameWriter,
    /// Counts what it brings.
    pub meter: Meter,
    /// Counts it while it is open.
    pub visit: Visit,
    /// Held until it is signed in.
    pub permit: Permit,
    /// The connection arbiter on which it lives.
    pub arbiter: usize,
}

/// One connection: see the module.
pub struct Session {
    id: SessionId,
    peer: SocketAddr,
    state: State,
    reader: Option<FrameReader<ToServer>>,
    writer: FrameWriter,
    meter: Meter,
    /// Largest frame that is read from now on.
    max_frame: Rc<Cell<Option<usize>>>,
    services: Arc<Services>,
    registry: Addr<Registry>,
    outlet: Addr<Outlet>,
    arbiter: usize,
    permit: Option<Permit>,
    _visit: Visit,
    /// Why it ended, once it has.
    left: Option<String>,
}

impl Session {
    /// Starts on the current arbiter, whose outlet is given.
    pub fn launch(connection: Connection, services: Arc<Services>, registry: Addr<Registry>, outlet: Addr<Outlet>) {
        let Connection { id, peer, state, reader, writer, meter, visit, permit, arbiter } = connection;
        let max_frame = Rc::new(Cell::new(None));
        Self {
            id,
            peer,
            state,
            reader: Some(reader),
            writer,
            meter,
            max_frame,
            services,
            registry,
            outlet,
            arbiter,
            permit: Some(permit),
            _visit: visit,
            left: None,
        }
        .start();
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Send(frame) => {
                    if self.writer.try_send(&*frame).is_err() {
                        self.leave(Ending::Slow.code().to_string(), ctx);
                    }
                }
                Effect::SendInTurn(frames) => {
                    let sent = send_in_turn(frames, self.writer.clone()).into_actor(self);
                    ctx.wait(sent.map(|(), session, _| session.state.on_resumed(Instant::now())));
                }
                Effect::Ask(job) => self.ask(job, ctx),
                Effect::Tell(note) => self.tell(note, ctx),
                Effect::Admit => {
                    self.permit = None;
                    self.max_frame.set(Some(FRAME));
                    self.watch(Instant::now(), ctx);
                }
                Effect::Pause(wait) => ctx.wait(tokio::time::sleep(wait).into_actor(self)),
                Effect::Log(line) => tracing::info!(peer = %self.peer, "{line}"),
                Effect::Close(why) => self.leave(why, ctx),
            }
        }
    }

    /// Ends it; what is queued is still written.
    fn leave(&mut self, why: String, ctx: &mut Context<Self>) {
        self.left.get_or_insert(why);
        self.writer.close();
        ctx.stop();
    }

    /// Asks the store. Nothing else happens in this session before the answer: a client that asks much waits much.
    fn ask(&mut self, job: Job, ctx: &mut Context<Self>) {
        let answer = job::put(job, &self.services);
        ctx.wait(answer.into_actor(self).map(|answer, session, ctx| {
            let services = Arc::clone(&session.services);
            let effects = session.state.on_answer(answer, &*services);
            session.carry_out(effects, ctx);
        }));
    }

    fn tell(&mut self, note: Note, ctx: &mut Context<Self>) {
        let (session, seq, registry) = (self.id, note.seq(), &self.registry);
        let accepted = if let Note::Arrive(arrival) = note {
            // Before the registry can send anything: both live on this thread. One for each session, so bounded by them.
            self.outlet.do_send(Join { session, writer: self.writer.clone() });
            let link = Link { writer: self.writer.clone(), session: ctx.address(), arbiter: self.arbiter };
            registry.try_send(Arrive { arrival, link }).is_ok()
        } else {
            note::pass(note, session, registry)
        };
        if accepted {
            return;
        }
        // The registry has more to do than fits: who asked something is told, a change that others must see ends the session, since
        // everything is read anew when the client comes back.
        match seq {
            Some(seq) => self.carry_out(vec![Effect::Send(Box::new(Refusal::Internal.failed(Some(seq))))], ctx),
            None => self.leave("the registry is overloaded".into(), ctx),
        }
    }

    /// Pings and notices silence from now on.
    fn watch(&mut self, now: Instant, ctx: &mut Context<Self>) {
        let (effects, again) = self.state.on_tick(now);
        self.carry_out(effects, ctx);
        if let Some(at) = again {
            ctx.run_later(at.saturating_duration_since(now), |session, ctx| session.watch(Instant::now(), ctx));
        }
    }
}

/// Queues frames as the client takes them, however many they are; ends early if the connection does.
async fn send_in_turn(frames: Vec<FromServer>, writer: FrameWriter) {
    for frame in frames {
        while writer.queued() > OUTBOUND_QUEUE / 2 {
            tokio::time::sleep(QUEUE_POLL).await;
        }
        if writer.try_send(&frame).is_err() {
            return;
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(reader) = self.reader.take() {
            let max_frame = Rc::clone(&self.max_frame);
            let frames = stream::unfold((reader, max_frame), |(mut reader, max_frame)| async move {
                if let Some(max) = max_frame.take() {
                    reader.set_max_frame(max);
                }
                let frame = reader.next().await.transpose()?;
                Some((frame, (reader, max_frame)))
            });
            ctx.add_stream(frames);
        }
        let deadline = Duration::from_millis(self.services.limits.sign_in_timeout_ms);
        ctx.run_later(deadline, |session, ctx| {
            let effects = session.state.on_deadline();
            session.carry_out(effects, ctx);
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // A stop signal: it must arrive even when the registry is busy.
        self.registry.do_send(Leave { session: self.id });
        self.outlet.do_send(Quit { session: self.id });
        self.writer.close();
        if std::thread::panicking() {
            let panics = self.services.count_panic();
            tracing::error!(peer = %self.peer, panics, "a session panicked and is gone; the others are not concerned");
            return;
        }
        let why = self.left.take().unwrap_or_else(|| "connection lost".into());
        if let Some(user) = self.state.user() {
            tracing::info!(peer = %self.peer, "{user} left: {why}");
        } else {
            tracing::info!(peer = %self.peer, "disconnected: {why}");
        }
    }
}

impl StreamHandler<Result<Decoded<ToServer>, LinkError>> for Session {
    fn handle(&mut self, frame: Result<Decoded<ToServer>, LinkError>, ctx: &mut Self::Context) {
        let refusal = match frame {
            Ok(frame) => {
                let services = Arc::clone(&self.services);
                let effects = self.state.on_frame(frame, self.meter.take(), &*services, Instant::now());
                return self.carry_out(effects, ctx);
            }
            // The library's own text for this one is a paragraph.
            Err(LinkError::Lost(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                return self.leave("connection lost".into(), ctx);
            }
            Err(LinkError::Lost(error)) => return self.leave(format!("connection lost ({error})"), ctx),
            Err(LinkError::Codec(CodecError::TooLarge { .. })) => Refusal::TooLarge,
            Err(LinkError::Codec(_)) => Refusal::Malformed,
        };
        self.carry_out(super::state::refuse(refusal, None), ctx);
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.leave("closed by the client".into(), ctx);
    }
}

impl Handler<End> for Session {
    type Result = ();

    fn handle(&mut self, end: End, ctx: &mut Self::Context) {
        self.leave(end.reason.to_string(), ctx);
    }
}

impl Handler<Listed> for Session {
    type Result = ();

    fn handle(&mut self, listed: Listed, _: &mut Self::Context) {
        self.state.on_devices(listed.devices, listed.device_list);
    }
}
