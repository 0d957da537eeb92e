//! Connections before anybody knows whose they are: admits them, shakes hands, and starts a `Session` or brings them to the relay. The
//! first byte decides: 0x16 is TLS, everything else has to be a relay preamble.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Addr;
use actix_rt::ArbiterHandle;
use hobnob_shared::limits::{FRAME_BEFORE_SIGN_IN, OUTBOUND_QUEUE};
use hobnob_shared::message::ENROLMENT_EXPORTER;
use hobnob_shared::relay::{PREAMBLE, parse_preamble};
use hobnob_shared::{link, net, tls};
use rand::Rng as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::fanout::Outlet;
use crate::gate::{Permit, Visit};
use crate::registry::Registry;
use crate::relay::{Guest, Relay};
use crate::services::Services;
use crate::session::{Connection, Meter, Metered, Session, State};

/// First byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;
/// After a failed `accept`, since the usual reason is that descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where connections go.
#[derive(Clone)]
pub struct Hall {
    /// Shared by all sessions.
    pub services: Arc<Services>,
    /// Who is online.
    pub registry: Addr<Registry>,
    /// Joins those with a token.
    pub relay: Arc<Relay>,
    /// The server's side of TLS.
    pub tls: TlsAcceptor,
    /// Sessions live here, in turn; presence reaches them through the outlet.
    pub arbiters: Vec<(ArbiterHandle, Addr<Outlet>)>,
    /// Circuits live here.
    pub relay_arbiter: ArbiterHandle,
}

/// Admits connections until it is dropped.
pub async fn listen(listener: TcpListener, hall: Hall) {
    let mut turn = 0;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let roll = rand::thread_rng().gen_range(0..100);
        let (visit, permit) = match hall.services.gate.admit(peer.ip(), roll) {
            Ok(admitted) => admitted,
            Err(why) => {
                tracing::warn!(%peer, "turned away: {why}");
                continue;
            }
        };
        tracing::info!(%peer, "connected");
        turn = (turn + 1) % hall.arbiters.len().max(1);
        let (Some((arbiter, _)), Ok(stream)) = (hall.arbiters.get(turn), stream.into_std()) else { continue };
        let greeting = Greeting { peer, arbiter: turn, visit, permit, hall: hall.clone() };
        arbiter.spawn(async move { greeting.run(stream).await });
    }
}

/// A connection that has to say what it wants.
struct Greeting {
    peer: SocketAddr,
    arbiter: usize,
    visit: Visit,
    permit: Permit,
    hall: Hall,
}

impl Greeting {
    async fn run(self, stream: std::net::TcpStream) {
        let peer = self.peer;
        // Boxed, so that what the handshake needs is given back when it is over.
        if let Err(why) = Box::pin(self.greet(stream)).await {
            tracing::info!(%peer, "disconnected: {why}");
        }
    }

    async fn greet(self, stream: std::net::TcpStream) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("handshake failed ({error})");
        // The stream belongs to the arbiter that serves it, not to the one that accepted it.
        let stream = TcpStream::from_std(stream).map_err(failed)?;
        net::configure(&stream).map_err(failed)?;
        let limit = Duration::from_millis(self.hall.services.limits.tls_timeout_ms);
        let late = || "no handshake in time".to_owned();
        let until = tokio::time::Instant::now() + limit;
        let first = tokio::time::timeout_at(until, first_byte(&stream)).await.map_err(|_| late())?;
        match first.map_err(failed)? {
            None => Err("closed without a word".into()),
            Some(TLS_HANDSHAKE) => {
                let handshake = self.hall.tls.accept(stream);
                let stream = tokio::time::timeout_at(until, handshake).await.map_err(|_| late())?.map_err(failed)?;
                self.start_session(stream)
            }
            Some(_) => {
                let reading = tokio::time::timeout_at(until, read_preamble(stream)).await.map_err(|_| late())?;
                self.enter_relay(reading.map_err(failed)?)
            }
        }
    }

    fn start_session(self, stream: tokio_rustls::server::TlsStream<TcpStream>) -> Result<(), String> {
        let (peer, services) = (self.peer, &self.hall.services);
        let connection = stream.get_ref().1;
        if connection.alpn_protocol() != Some(tls::SERVER) {
            return Err("speaks another protocol".into());
        }
        let bad = |error: rustls::Error| format!("bad certificate ({error})");
        let (id, limits, now) = (services.next_session(), &services.limits, Instant::now());
        let state = if let Some(chain) = tls::peer_chain(connection).map_err(bad)? {
            State::device(id, peer, chain, limits, now)
        } else {
            let exporter = tls::exporter(connection, ENROLMENT_EXPORTER, &[]).map_err(bad)?;
            State::enrolment(id, peer, exporter, limits, now)
        };
        let meter = Meter::default();
        let stream = Metered::new(stream, meter.clone());
        let (reader, writer) = link::split(stream, FRAME_BEFORE_SIGN_IN, OUTBOUND_QUEUE);
        let Self { arbiter, visit, permit, hall, .. } = self;
        let connection = Connection { id, peer, state, reader, writer, meter, visit, permit, arbiter };
        let (_, outlet) = hall.arbiters.into_iter().nth(arbiter).ok_or("no such arbiter")?;
        Session::launch(connection, hall.services, hall.registry, outlet);
        Ok(())
    }

    fn enter_relay(self, (stream, preamble): (TcpStream, [u8; PREAMBLE])) -> Result<(), String> {
        let token = parse_preamble(&preamble).ok_or("neither TLS nor a relay preamble")?;
        let stream = stream.into_std().map_err(|error| error.to_string())?;
        let Self { peer, visit, permit, hall, .. } = self;
        let relay = hall.relay;
        // A circuit stays on its arbiter's thread, so it needs no locks of its own.
        hall.relay_arbiter.spawn_fn(move || {
            actix_rt::spawn(async move {
                match TcpStream::from_std(stream) {
                    Ok(stream) => relay.serve(token, Guest { stream, peer, visit }, permit).await,
                    Err(error) => tracing::warn!(%peer, %error, "a relay connection is lost"),
                }
            });
        });
        Ok(())
    }
}

/// Looks at the first byte and leaves it where it is; `None` at the end of the stream.
async fn first_byte(stream: &TcpStream) -> std::io::Result<Option<u8>> {
    let mut byte = [0];
    let seen = stream.peek(&mut byte).await?;
    Ok(byte.first().copied().filter(|_| seen > 0))
}

async fn read_preamble(mut stream: TcpStream) -> std::io::Result<(TcpStream, [u8; PREAMBLE])> {
    let mut preamble = [0; PREAMBLE];
    stream.read_exact(&mut preamble).await?;
    Ok((stream, preamble))
}
