//! A friend who keeps to no rule: an account with a true friendship, whose device says to the other's port whatever a test wants.

use std::net::SocketAddr;
use std::time::Duration;

use hobnob_shared::abilities::Abilities;
use hobnob_shared::codec::{Decoded, to_cbor};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Hash;
use hobnob_shared::id::{Fingerprint, Handle, InstanceId, Token, TransferId};
use hobnob_shared::identity::Statement;
use hobnob_shared::link::{self, FrameReader, FrameWriter};
use hobnob_shared::message::{
    AboutUser, Accept, Entries, Entry, FRIEND_REQUEST, Failed, FolderOffer, FriendRequest, FriendStatement, FromServer,
    Introduced, Offer, Peer, PeerHello, Presence, Pulse, STREAM_CONTROL, STREAM_GROUP, STREAM_LISTING, Select, Stream,
    StreamEnd, StreamOpen, Thread, ToServer,
};
use hobnob_shared::{limits, tls};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::Client;
use crate::raw::{Account, Connection, sign_up};
use crate::story::PASSWORD;

/// No answer of an honest client takes longer.
const ANSWER: Duration = Duration::from_secs(20);

/// A friend of an honest client, signed in at the server.
pub struct RawFriend {
    /// Own account.
    pub account: Account,
    /// Whom it links to.
    pub victim: Handle,
    pub(crate) session: Connection,
    pub(crate) seq: u32,
}

/// A peer link to the honest client, framed; what is said on it is the test's business.
pub struct RawLink {
    /// What comes.
    pub reader: FrameReader<Peer>,
    /// What goes.
    pub writer: FrameWriter,
    /// Where the honest client listens.
    pub address: SocketAddr,
    /// The honest client, as the server introduced it.
    pub introduced: Introduced,
}

impl RawFriend {
    /// Signs `mallory` up and becomes a friend of `victim`, who accepts.
    pub async fn of(server: &str, fingerprint: &str, victim: &mut Client) -> Self {
        let mut friend = Self::stranger(server, fingerprint, "mallory", &victim.name()).await;
        friend.befriend(victim).await;
        friend
    }

    /// Signs `name` up. Nothing ties it to `victim` yet.
    pub async fn stranger(server: &str, fingerprint: &str, name: &str, victim: &str) -> Self {
        let account = sign_up(server, fingerprint, name, PASSWORD).await;
        let device = Some((&account.key, &account.chain));
        let mut session = Connection::open(server, fingerprint, device).await;
        // Listens nowhere, so that it is always the one who dials.
        session.hello(0).await;
        let victim = victim.parse().unwrap_or_else(|error| panic!("{error}"));
        Self { account, victim, session, seq: 1 }
    }

    /// Asks `victim` to be friends, who accepts.
    pub async fn befriend(&mut self, victim: &mut Client) {
        let account = &self.account;
        let name: Handle = victim.name().parse().unwrap_or_else(|error| panic!("{error}"));
        let request = FriendRequest {
            from: account.user.clone(),
            to: name,
            from_key: account.fingerprint,
            to_key: None,
            nonce: rand::random(),
        };
        let statement = Statement::sign(FRIEND_REQUEST, &request, &account.key, account.chain.clone());
        let statement = statement.unwrap_or_else(|error| panic!("{error}"));
        let own = account.user.clone();
        self.session.say(&ToServer::AddFriend(FriendStatement { seq: 1, statement }));
        victim.expect(json!({"event": "friend_request", "user": own.as_str()}));
        victim.done(json!({"command": "accept_friend", "user": own.as_str()}));
        self.until("a friendship", |frame| matches!(frame, FromServer::FriendAdded(_)).then_some(())).await;
        victim.expect(json!({"event": "friend_added", "user": own.as_str()}));
    }

    pub(crate) async fn until<T>(&mut self, what: &str, mut is_it: impl FnMut(FromServer) -> Option<T>) -> T {
        loop {
            match self.session.hear().await {
                Some(FromServer::Ping(pulse)) => self.session.say(&ToServer::Pong(pulse)),
                Some(frame) => {
                    if let Some(found) = is_it(frame) {
                        return found;
                    }
                }
                None => panic!("the server closed instead of {what}"),
            }
        }
    }

    /// Asks to be introduced, as often as the server allows.
    async fn introduction(&mut self) -> Result<Introduced, WireCode> {
        loop {
            self.seq += 1;
            let seq = self.seq;
            self.session.say(&ToServer::Introduce(AboutUser { seq, user: self.victim.clone() }));
            let mut newest = None;
            let answer = |frame| match frame {
                FromServer::Introduced(introduced) => {
                    newest = Some(introduced);
                    None
                }
                FromServer::Done(done) if done.seq == seq => Some(None),
                FromServer::Failed(failed) if failed.seq == Some(seq) => Some(Some(failed)),
                _ => None,
            };
            match self.until("an answer", answer).await {
                None => {}
                Some(Failed { code: WireCode::RateLimited, retry_after, .. }) => {
                    tokio::time::sleep(Duration::from_secs(retry_after.unwrap_or(1).into())).await;
                    continue;
                }
                Some(failed) => return Err(failed.code),
            }
            // It comes before or behind the answer.
            let found = |frame| if let FromServer::Introduced(introduced) = frame { Some(introduced) } else { None };
            return Ok(match newest {
                Some(introduced) => *introduced,
                None => *self.until("an introduction", found).await,
            });
        }
    }

    /// Why the server introduces the two no more.
    pub async fn is_not_introduced(&mut self) -> WireCode {
        match self.introduction().await {
            Ok(introduced) => panic!("introduced: {introduced:?}"),
            Err(code) => code,
        }
    }

    /// A new connection to the honest client's port, with a fresh introduction; TLS stands, nothing is said yet.
    pub async fn dial(&mut self) -> RawLink {
        let introduced = self.introduction().await.unwrap_or_else(|code| panic!("not introduced: {code}"));
        let address = introduced.addresses.first().and_then(|text| text.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {introduced:?}"));
        let stream = self.connect(address, tls::PEER, &introduced.dial, &introduced).await;
        let (reader, writer) = link::split(stream, limits::FRAME, 4 * limits::OUTBOUND_QUEUE);
        RawLink { reader, writer, address, introduced }
    }

    async fn connect(
        &self,
        address: SocketAddr,
        alpn: &'static [u8],
        token: &Token,
        introduced: &Introduced,
    ) -> TlsStream<TcpStream> {
        let connected = self.try_connect(address, alpn, token, introduced).await;
        connected.unwrap_or_else(|error| panic!("no TLS with the client: {error}"))
    }

    /// As a test expects that may not be let in.
    pub(crate) async fn try_connect(
        &self,
        address: SocketAddr,
        alpn: &'static [u8],
        token: &Token,
        introduced: &Introduced,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let verified = introduced.chain.verify().unwrap_or_else(|error| panic!("{error}"));
        let pin: Fingerprint = verified.account;
        let config = tls::dial_peer_config(alpn, &self.account.key, &self.account.chain, pin, introduced.device);
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        let tcp = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        TlsConnector::from(config).connect(tls::token_name(token), tcp).await
    }

    /// As honest programs begin.
    pub fn hello(&self) -> Peer {
        Peer::Hello(Box::new(PeerHello {
            user: self.account.user.clone(),
            instance: InstanceId::random(),
            device_list: self.account.device_list.clone(),
            abilities: Abilities::ours(),
            presence: Presence::Available,
            text: String::new(),
            port: 0,
            reunion: None,
        }))
    }

    /// A part of the own log with the honest client.
    pub fn part(&self, after: u64, entries: Vec<Entry>) -> Peer {
        let (author, device) = (self.account.user.clone(), self.account.key.id());
        Peer::Entries(Entries { thread: Thread::Direct, author, device, after, entries, more: false })
    }

    /// A link on which both have said hello and one has selected it.
    pub async fn link(&mut self) -> RawLink {
        let mut link = self.dial().await;
        link.say(&self.hello());
        link.until("a hello", |frame| matches!(frame, Peer::Hello(_)).then_some(())).await;
        link.select_as(self).await;
        link
    }

    /// Serves one small file, of at most one group, over a data stream; the receiver's last word.
    pub async fn serve(&self, link: &RawLink, accept: &Accept, bytes: &[u8]) -> Stream {
        let mut stream = self.connect(link.address, tls::FILE, &accept.token, &link.introduced).await;
        let hash = blake3::hash(bytes);
        let mut out = control(&Stream::Open(StreamOpen { transfer: accept.transfer, flow: 0 }));
        if !bytes.is_empty() {
            out.extend(framed(STREAM_GROUP, &[&0_u64.to_be_bytes()[..], hash.as_bytes(), bytes].concat()));
        }
        out.extend(control(&Stream::End(StreamEnd { root: Hash(*hash.as_bytes()), size: bytes.len() as u64 })));
        let sent = async {
            stream.write_all(&out).await?;
            stream.flush().await
        };
        sent.await.unwrap_or_else(|error: std::io::Error| panic!("cannot send the file: {error}"));
        loop {
            match heard(&mut stream).await {
                Stream::Have(_) => {}
                last => return last,
            }
        }
    }
}

/// A frame of a data stream, for [`RawFriend::serve_frames`].
#[derive(Debug, Clone)]
pub enum StreamFrame {
    /// A control message.
    Control(Stream),
    /// A group: number, hash that is claimed, bytes.
    Group(u64, Hash, Vec<u8>),
    /// A part of a listing.
    Listing(Vec<u8>),
}

impl StreamFrame {
    /// As it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Control(message) => control(message),
            Self::Group(index, hash, bytes) => {
                framed(STREAM_GROUP, &[&index.to_be_bytes()[..], &hash.0, bytes].concat())
            }
            Self::Listing(part) => framed(STREAM_LISTING, part),
        }
    }
}

impl RawFriend {
    /// Says whatever it likes on a data stream; the receiver's last word, `None` if it closed without one.
    pub async fn serve_frames(&self, link: &RawLink, accept: &Accept, frames: &[StreamFrame]) -> Option<Stream> {
        let mut stream = self.connect(link.address, tls::FILE, &accept.token, &link.introduced).await;
        let open = control(&Stream::Open(StreamOpen { transfer: accept.transfer, flow: 0 }));
        let said = std::iter::once(open).chain(frames.iter().map(StreamFrame::bytes));
        for frame in said {
            // It may have had enough.
            if stream.write_all(&frame).await.is_err() {
                break;
            }
        }
        let _had_enough = stream.flush().await;
        loop {
            let length = tokio::time::timeout(ANSWER, stream.read_u32()).await;
            let length = length.unwrap_or_else(|_| panic!("no word on the data stream")).ok()?;
            let mut frame = vec![0; usize::try_from(length).unwrap_or(0).min(limits::FRAME)];
            stream.read_exact(&mut frame).await.ok()?;
            match hobnob_shared::codec::from_cbor(frame.strip_prefix(&[STREAM_CONTROL])?).ok()? {
                Stream::Have(_) => {}
                last => return Some(last),
            }
        }
    }
}

impl RawLink {
    /// Offers a folder.
    pub fn offer_folder(&self, name: &str, size: u64, folder: FolderOffer) -> TransferId {
        let transfer = TransferId::new();
        let name = name.to_owned();
        let (folder, media_type, sent_at, room) = (Some(folder), None, 0, None);
        self.say(&Peer::Offer(Offer { transfer, name, size, folder, media_type, sent_at, room }));
        transfer
    }

    /// After both hellos: one selects it.
    pub async fn select_as(&mut self, own: &RawFriend) {
        if own.account.key.id() < self.introduced.device {
            self.say(&Peer::Select(Select {}));
        } else {
            self.until("a select", |frame| matches!(frame, Peer::Select(_)).then_some(())).await;
        }
    }

    /// Sends a frame.
    pub fn say(&self, frame: &Peer) {
        self.writer.try_send(frame).unwrap_or_else(|error| panic!("cannot send: {error}"));
    }

    /// The next frame; `None` once the client has closed. Pings are answered on the way.
    pub async fn hear(&mut self) -> Option<Peer> {
        loop {
            let next = tokio::time::timeout(ANSWER, self.reader.next()).await;
            match next.unwrap_or_else(|_| panic!("the client says nothing for {ANSWER:?}")) {
                Ok(Some(Decoded::Known(Peer::Ping(pulse)))) => {
                    // It may have closed in between.
                    let _closed = self.writer.try_send(&Peer::Pong(pulse));
                }
                Ok(Some(Decoded::Known(frame))) => return Some(frame),
                Ok(Some(Decoded::Unknown { kind })) => panic!("the client sent an unknown kind: {kind}"),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The first frame for which `is_it` gives something.
    pub async fn until<T>(&mut self, what: &str, mut is_it: impl FnMut(Peer) -> Option<T>) -> T {
        loop {
            match self.hear().await {
                Some(frame) => {
                    if let Some(found) = is_it(frame) {
                        return found;
                    }
                }
                None => panic!("the client closed instead of {what}"),
            }
        }
    }

    /// Waits until everything said so far was handled: frames are handled in order, and a ping is one. What came until then.
    pub async fn settle(&mut self) -> Vec<Peer> {
        let n = rand::random();
        self.say(&Peer::Ping(Pulse { n }));
        let mut heard = Vec::new();
        let pong = |frame| {
            let is_it = frame == Peer::Pong(Pulse { n });
            heard.push(frame);
            is_it.then_some(())
        };
        self.until("a pong", pong).await;
        heard
    }

    /// Reads until the client closes, which must come.
    pub async fn is_closed(mut self, what: &str) {
        let closed = async { while self.hear().await.is_some() {} };
        assert!(tokio::time::timeout(Duration::from_mins(1), closed).await.is_ok(), "the link stays open after {what}");
    }

    /// As [`Self::settle`], where the client may also have closed: whether the link still stands.
    pub async fn stands(&mut self) -> bool {
        let n = rand::random();
        if self.writer.try_send(&Peer::Ping(Pulse { n })).is_err() {
            return false;
        }
        loop {
            match self.hear().await {
                Some(frame) if frame == Peer::Pong(Pulse { n }) => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Offers a file.
    pub fn offer(&self, name: &str, size: u64) -> TransferId {
        let transfer = TransferId::new();
        self.say(&Peer::Offer(Offer {
            transfer,
            name: name.to_owned(),
            size,
            media_type: None,
            sent_at: 0,
            room: None,
            folder: None,
        }));
        transfer
    }

    /// The receiver's yes to a transfer.
    pub async fn accepted(&mut self, transfer: TransferId) -> Accept {
        let found = |frame| match frame {
            Peer::Accept(accept) if accept.transfer == transfer => Some(accept),
            _ => None,
        };
        self.until("an accept", found).await
    }
}

fn framed(kind: u8, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 1).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &[kind], rest].concat()
}

fn control(message: &Stream) -> Vec<u8> {
    framed(STREAM_CONTROL, &to_cbor(message).unwrap_or_else(|error| panic!("{error}")))
}

async fn heard(stream: &mut TlsStream<TcpStream>) -> Stream {
    let read = async {
        let length = stream.read_u32().await?;
        let mut frame = vec![0; usize::try_from(length).unwrap_or(0).min(limits::FRAME)];
        stream.read_exact(&mut frame).await?;
        Ok::<_, std::io::Error>(frame)
    };
    let frame = tokio::time::timeout(ANSWER, read).await.unwrap_or_else(|_| panic!("no word on the data stream"));
    let frame = frame.unwrap_or_else(|error| panic!("the data stream ended: {error}"));
    let body = frame.strip_prefix(&[STREAM_CONTROL]).unwrap_or_else(|| panic!("no control frame: {frame:?}"));
    hobnob_shared::codec::from_cbor(body).unwrap_or_else(|error| panic!("{error}"))
}
