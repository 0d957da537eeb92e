//! The bare things that we hold ourselves against, with the same libraries and settings: a TLS 1.3 ping-pong, SQLite commits, a TLS copy
//! with BLAKE3, TLS handshakes. One thread an end, no protocol.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use hobnob_shared::identity::{Chain, DeviceKey, IdentityKey};
use hobnob_shared::tls;
use rusqlite::Connection;
use rustls::{ClientConnection, ServerConnection, StreamOwned};

/// One side's keys.
struct End {
    device: DeviceKey,
    chain: Chain,
    account: hobnob_shared::id::Fingerprint,
}

fn end(name: &str) -> Result<End> {
    let (user, identity, device) = (name.parse()?, IdentityKey::generate()?, DeviceKey::generate()?);
    let chain = Chain { account: identity.account_certificate(&user)?, device: identity.issue_device(&user, &device)? };
    Ok(End { device, chain, account: identity.fingerprint() })
}

/// Runs `listen` and `dial` on two threads over one fresh TLS connection on loopback; gives what `dial` gives.
fn over_tls<T>(
    alpn: &'static [u8],
    listen: impl FnOnce(StreamOwned<ServerConnection, TcpStream>) -> Result<()> + Send + 'static,
    dial: impl FnOnce(StreamOwned<ClientConnection, TcpStream>) -> Result<T>,
) -> Result<T> {
    let (alice, bob) = (end("alice")?, end("bob")?);
    let server = tls::listen_peer_config(alpn, &bob.device, &bob.chain, alice.account, alice.device.id())?;
    let client = tls::dial_peer_config(alpn, &alice.device, &alice.chain, bob.account, bob.device.id())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let thread = std::thread::spawn(move || -> Result<()> {
        let (tcp, _) = listener.accept()?;
        tcp.set_nodelay(true)?;
        listen(StreamOwned::new(ServerConnection::new(server)?, tcp))
    });
    let tcp = TcpStream::connect(address)?;
    tcp.set_nodelay(true)?;
    let answer = dial(StreamOwned::new(ClientConnection::new(client, tls::server_name())?, tcp))?;
    thread.join().map_err(|_| anyhow!("the listening end panicked"))??;
    Ok(answer)
}

/// Opens a store with the client's settings.
fn store(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch("pragma journal_mode=wal; pragma synchronous=full; create table if not exists m(id integer primary key, t text);")?;
    Ok(connection)
}

/// `rounds` times: commit here, send, commit there, answer. Milliseconds of each (one way with both commits, whole round), in that order.
pub fn ping_pong(folder: &Path, rounds: usize, text: &str) -> Result<(Vec<f64>, Vec<f64>)> {
    let (here, there) = (folder.join("here.sqlite"), folder.join("there.sqlite"));
    let size = text.len();
    let owned = text.to_owned();
    let start = Instant::now();
    let echo = move |mut stream: StreamOwned<ServerConnection, TcpStream>| -> Result<()> {
        let store = store(&there)?;
        let mut buffer = vec![0; size];
        for _ in 0..rounds {
            stream.read_exact(&mut buffer)?;
            store.execute("insert into m(t) values(?1)", [std::str::from_utf8(&buffer)?])?;
            let now = u64::try_from(start.elapsed().as_nanos())?;
            stream.write_all(&now.to_be_bytes())?;
            stream.flush()?;
        }
        Ok(())
    };
    over_tls(tls::PEER, echo, |mut stream| {
        let store = store(&here)?;
        let (mut shown, mut acknowledged) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begun = start.elapsed();
            store.execute("insert into m(t) values(?1)", [&owned])?;
            stream.write_all(owned.as_bytes())?;
            stream.flush()?;
            let mut at = [0; 8];
            stream.read_exact(&mut at)?;
            let there = u64::from_be_bytes(at) as f64 / 1e6;
            shown.push(there - begun.as_secs_f64() * 1e3);
            acknowledged.push(start.elapsed().saturating_sub(begun).as_secs_f64() * 1e3);
        }
        Ok((shown, acknowledged))
    })
}

/// Copies `from` to `to` over TLS with 256 KiB buffers, hashing on both ends. Seconds until the receiver has written and compared.
pub fn copy(from: &Path, to: &Path) -> Result<f64> {
    const BUFFER: usize = 256 * 1024;
    let to = to.to_owned();
    let size = std::fs::metadata(from)?.len();
    let receive = move |mut stream: StreamOwned<ServerConnection, TcpStream>| -> Result<()> {
        let mut file = std::fs::File::create(to)?;
        let (mut hasher, mut buffer, mut left) = (blake3::Hasher::new(), vec![0; BUFFER], size);
        while left > 0 {
            let want = usize::try_from(left.min(BUFFER as u64))?;
            let part = buffer.get_mut(..want).context("buffer")?;
            stream.read_exact(part)?;
            hasher.update(part);
            file.write_all(part)?;
            left -= want as u64;
        }
        let mut root = [0; 32];
        stream.read_exact(&mut root)?;
        anyhow::ensure!(root == *hasher.finalize().as_bytes(), "hash differs");
        file.sync_all()?;
        stream.write_all(b"+")?;
        stream.flush()?;
        Ok(())
    };
    let begun = Instant::now();
    over_tls(tls::FILE, receive, |mut stream| {
        let mut file = std::fs::File::open(from)?;
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; BUFFER]);
        loop {
            let read = file.read(&mut buffer)?;
            let part = buffer.get(..read).context("buffer")?;
            if part.is_empty() {
                break;
            }
            hasher.update(part);
            stream.write_all(part)?;
        }
        stream.write_all(hasher.finalize().as_bytes())?;
        stream.flush()?;
        stream.read_exact(&mut [0])?;
        Ok(begun.elapsed().as_secs_f64())
    })
}

/// Copies the files of one folder into another over TLS, one after the other in one stream, hashing on both ends. Seconds until the receiver
/// has written, compared and synced all of them.
pub fn copy_folder(from: &Path, to: &Path) -> Result<f64> {
    let to = to.to_owned();
    let names = std::fs::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
    let count = names.len();
    let receive = move |mut stream: StreamOwned<ServerConnection, TcpStream>| -> Result<()> {
        let (mut hasher, mut bytes) = (blake3::Hasher::new(), Vec::new());
        for _ in 0..count {
            let mut head = [0; 8];
            stream.read_exact(&mut head)?;
            let [a, b, c, d, rest @ ..] = head;
            let (name, size) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes(rest));
            bytes.resize(usize::try_from(name)?, 0);
            stream.read_exact(&mut bytes)?;
            let path = to.join(std::str::from_utf8(&bytes)?);
            bytes.resize(usize::try_from(size)?, 0);
            stream.read_exact(&mut bytes)?;
            hasher.update(&bytes);
            std::fs::write(path, &bytes)?;
        }
        let mut root = [0; 32];
        stream.read_exact(&mut root)?;
        anyhow::ensure!(root == *hasher.finalize().as_bytes(), "hash differs");
        rustix::fs::syncfs(std::fs::File::open(&to)?)?;
        stream.write_all(b"+")?;
        stream.flush()?;
        Ok(())
    };
    let begun = Instant::now();
    over_tls(tls::FILE, receive, |mut stream| {
        let mut hasher = blake3::Hasher::new();
        let mut out = std::io::BufWriter::with_capacity(256 * 1024, &mut stream);
        for name in &names {
            let bytes = std::fs::read(from.join(name))?;
            hasher.update(&bytes);
            let name = name.to_str().context("name")?;
            out.write_all(&u32::try_from(name.len())?.to_be_bytes())?;
            out.write_all(&u32::try_from(bytes.len())?.to_be_bytes())?;
            out.write_all(name.as_bytes())?;
            out.write_all(&bytes)?;
        }
        out.write_all(hasher.finalize().as_bytes())?;
        out.flush()?;
        drop(out);
        stream.read_exact(&mut [0])?;
        Ok(begun.elapsed().as_secs_f64())
    })
}

/// CPU seconds of the listening end for one mutual TLS handshake, over `rounds`.
pub fn handshake_cpu(rounds: u32) -> Result<f64> {
    let (alice, bob) = (end("alice")?, end("bob")?);
    let server = tls::listen_peer_config(tls::PEER, &bob.device, &bob.chain, alice.account, alice.device.id())?;
    let client = tls::dial_peer_config(tls::PEER, &alice.device, &alice.chain, bob.account, bob.device.id())?;
    let mut spent = std::time::Duration::ZERO;
    for _ in 0..rounds {
        let mut one = ClientConnection::new(client.clone(), tls::server_name())?;
        let mut other = ServerConnection::new(Arc::clone(&server))?;
        while one.is_handshaking() || other.is_handshaking() {
            let mut bytes = Vec::new();
            while one.wants_write() {
                one.write_tls(&mut bytes)?;
            }
            let begun = Instant::now();
            other.read_tls(&mut bytes.as_slice())?;
            other.process_new_packets()?;
            let mut answer = Vec::new();
            while other.wants_write() {
                other.write_tls(&mut answer)?;
            }
            spent += begun.elapsed();
            one.read_tls(&mut answer.as_slice())?;
            one.process_new_packets()?;
        }
    }
    Ok(spent.as_secs_f64() / f64::from(rounds))
}
