//! The relay: joins two connections that show the same token, and carries their bytes. It sees ciphertext only; TLS runs inside, from
//! device to device. `Registry` grants tokens, `listener.rs` brings connections.
//!
//! All circuits of an account share one rate, and each has a bounded buffer, so that one of them cannot hold up another.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hobnob_shared::id::Token;
use hobnob_shared::relay::{JOINED, REFUSED};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::config::Limits;
use crate::gate::{Permit, Visit};
use crate::store::AccountId;
use crate::throttle::{Bucket, Quota};

/// A connection that showed a token: its stream, its address, and what counts it as open.
pub struct Guest {
    /// Nothing has been answered on it yet.
    pub stream: TcpStream,
    /// Where from.
    pub peer: SocketAddr,
    /// Counts it while it is open.
    pub visit: Visit,
}

/// A token that was granted and not used up.
struct Granted {
    between: [AccountId; 2],
    until: Instant,
    /// The side that came first, and a number by which its task finds it again.
    waiting: Option<(u64, Guest)>,
}

/// What an account has in use.
#[derive(Default)]
struct Usage {
    tokens: u32,
    circuits: u32,
    bytes: Bucket,
}

#[derive(Default)]
struct Tables {
    granted: HashMap<Token, Granted>,
    usage: HashMap<AccountId, Usage>,
    circuits: u32,
    arrivals: u64,
    swept: Option<Instant>,
}

/// Dead tokens are looked for so often.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

impl Tables {
    fn release_token(&mut self, between: [AccountId; 2]) {
        for account in between {
            if let Some(usage) = self.usage.get_mut(&account) {
                usage.tokens = usage.tokens.saturating_sub(1);
            }
        }
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|last| now.saturating_duration_since(last) < SWEEP_EVERY) {
            return;
        }
        self.swept = Some(now);
        let dead: Vec<Token> =
            self.granted.iter().filter(|(_, granted)| granted.until <= now).map(|(token, _)| *token).collect();
        for token in dead {
            if let Some(granted) = self.granted.remove(&token) {
                self.release_token(granted.between);
            }
        }
        self.usage.retain(|_, usage| usage.tokens > 0 || usage.circuits > 0 || !usage.bytes.is_full(now));
    }
}

/// What a token that was shown is good for.
enum Shown {
    /// The other side is not there yet; the number of the one that waits.
    Wait(u64),
    /// Both are there.
    Join(Guest, Guest, Circuit),
    /// Nothing.
    Refuse(Guest, &'static str),
}

/// Tokens and circuits.
pub struct Relay {
    limits: Arc<Limits>,
    tables: Mutex<Tables>,
}

/// Counts a circuit for both accounts while it stands.
struct Circuit {
    relay: Arc<Relay>,
    between: [AccountId; 2],
}

impl Circuit {
    /// How long to wait before `bytes` may go: the slower of the two accounts decides.
    fn pay(&self, bytes: usize, now: Instant) -> Option<Duration> {
        let limits = &self.relay.limits;
        // In units of a KiB, since a bucket counts in nanoseconds.
        let quota = Quota::per_second(limits.relay_bytes_per_second / 1024, limits.relay_bytes_burst / 1024);
        let units = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let mut tables = self.relay.tables();
        let mut paid = [Bucket::default(); 2];
        let mut longest = None;
        for (account, bucket) in self.between.iter().zip(&mut paid) {
            *bucket = tables.usage.get(account).map(|usage| usage.bytes).unwrap_or_default();
            longest = longest.max(bucket.take(units, quota, now).err());
        }
        if longest.is_none() {
            for (account, bucket) in self.between.iter().zip(paid) {
                tables.usage.entry(*account).or_default().bytes = bucket;
            }
        }
        longest
    }
}

impl Drop for Circuit {
    fn drop(&mut self) {
        let mut tables = self.relay.tables();
        tables.circuits = tables.circuits.saturating_sub(1);
        for account in self.between {
            if let Some(usage) = tables.usage.get_mut(&account) {
                usage.circuits = usage.circuits.saturating_sub(1);
            }
        }
    }
}

impl Relay {
    /// No tokens, no circuits.
    pub fn new(limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self { limits, tables: Mutex::default() })
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on two connections with this token are joined, once. Ignored for an account that has too many unused tokens.
    pub fn grant(&self, token: Token, between: [AccountId; 2], now: Instant) {
        let mut tables = self.tables();
        tables.sweep(now);
        let most = self.limits.relay_tokens_per_account;
        if between.iter().any(|account| tables.usage.get(account).is_some_and(|usage| usage.tokens >= most)) {
            return;
        }
        for account in between {
            tables.usage.entry(account).or_default().tokens += 1;
        }
        let until = now + Duration::from_millis(self.limits.token_life_ms);
        tables.granted.insert(token, Granted { between, until, waiting: None });
    }

    /// Lets go of all who wait, and of all tokens.
    pub fn close(&self) {
        self.tables().granted.clear();
    }

    fn show(self: &Arc<Self>, token: &Token, guest: Guest, now: Instant) -> Shown {
        let mut guard = self.tables();
        let tables = &mut *guard;
        let Some(granted) = tables.granted.get_mut(token).filter(|granted| granted.until > now) else {
            return Shown::Refuse(guest, "unknown token");
        };
        // Whoever waited and has gone is no side: then this one is the first.
        let Some((_, first)) = granted.waiting.take().filter(|(_, first)| !has_gone(&first.stream)) else {
            tables.arrivals += 1;
            granted.waiting = Some((tables.arrivals, guest));
            return Shown::Wait(tables.arrivals);
        };
        let between = granted.between;
        tables.granted.remove(token);
        tables.release_token(between);
        let most = self.limits.circuits_per_account;
        let full = |account| tables.usage.get(account).is_some_and(|usage: &Usage| usage.circuits >= most);
        if tables.circuits >= self.limits.circuits || between.iter().any(full) {
            return Shown::Refuse(guest, "too many circuits");
        }
        tables.circuits += 1;
        for account in between {
            tables.usage.entry(account).or_default().circuits += 1;
        }
        Shown::Join(first, guest, Circuit { relay: Arc::clone(self), between })
    }

    /// Serves a connection that has shown a token, to its end. The task of the side that came second carries the bytes.
    pub async fn serve(self: &Arc<Self>, token: Token, guest: Guest, permit: Permit) {
        if has_gone(&guest.stream) {
            return;
        }
        match self.show(&token, guest, Instant::now()) {
            Shown::Refuse(guest, why) => refuse(guest, why).await,
            Shown::Wait(number) => {
                // It showed a live token, so it is no stranger.
                drop(permit);
                tokio::time::sleep(Duration::from_millis(self.limits.relay_wait_ms)).await;
                if let Some(guest) = self.give_up(&token, number) {
                    refuse(guest, "the other side did not come").await;
                }
            }
            Shown::Join(first, second, circuit) => {
                drop(permit);
                join(first, second, &circuit).await;
            }
        }
    }

    /// Takes back who has waited long enough, if it still waits.
    fn give_up(&self, token: &Token, number: u64) -> Option<Guest> {
        let mut tables = self.tables();
        let granted = tables.granted.get_mut(token)?;
        granted.waiting.take_if(|(waiting, _)| *waiting == number).map(|(_, guest)| guest)
    }
}

/// Whether the other side has closed, asked of the system itself: the reactor may not have heard of it yet.
fn has_gone(stream: &TcpStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match rustix::net::recv(stream, &mut [0_u8][..], flags) {
        Ok((_, bytes)) => bytes == 0,
        Err(error) => error != Errno::AGAIN,
    }
}

async fn refuse(mut guest: Guest, why: &str) {
    tracing::info!(peer = %guest.peer, "relay refused: {why}");
    // Whether it still listens does not matter.
    let _ = guest.stream.write_all(&[REFUSED]).await;
}

/// What is counted of a circuit.
struct Flow<'a> {
    circuit: &'a Circuit,
    moved: Cell<Instant>,
    buffer: usize,
}

/// Answers both, carries their bytes until one ends or nothing moves, and says so in the log.
async fn join(mut first: Guest, mut second: Guest, circuit: &Circuit) {
    let (a, b) = (first.peer, second.peer);
    for guest in [&mut first, &mut second] {
        if guest.stream.write_all(&[JOINED]).await.is_err() {
            return;
        }
    }
    tracing::info!(%a, %b, "relay opened");
    let limits = &circuit.relay.limits;
    let flow = Flow { circuit, moved: Cell::new(Instant::now()), buffer: limits.relay_buffer.max(1024) };
    let (to_b, to_a) = (Cell::new(0_u64), Cell::new(0_u64));
    let (a_read, a_write) = first.stream.split();
    let (b_read, b_write) = second.stream.split();
    let idle = Duration::from_millis(limits.relay_idle_ms);
    let both = async { tokio::try_join!(flow.carry(a_read, b_write, &to_b), flow.carry(b_read, a_write, &to_a)) };
    let why = tokio::select! {
        _ends = both => "ended",
        () = flow.stands_still(idle) => "idle",
    };
    tracing::info!(%a, %b, a_to_b = to_b.get(), b_to_a = to_a.get(), "relay closed: {why}");
}

impl Flow<'_> {
    /// Carries one direction to its end, and passes the end on.
    async fn carry(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        count: &Cell<u64>,
    ) -> std::io::Result<()> {
        let mut buffer = vec![0; self.buffer];
        loop {
            let read = from.read(&mut buffer).await?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return to.shutdown().await;
            };
            while let Some(wait) = self.circuit.pay(read, Instant::now()) {
                tokio::time::sleep(wait).await;
            }
            to.write_all(bytes).await?;
            count.set(count.get() + read as u64);
            self.moved.set(Instant::now());
        }
    }

    /// Returns when nothing has moved for so long.
    async fn stands_still(&self, idle: Duration) {
        loop {
            let left = idle.saturating_sub(self.moved.get().elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}
