//! A TCP proxy that stands before the server and keeps every byte that went through: what the server, as relay, was given to see.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Both directions of one connection.
#[derive(Debug, Default, Clone)]
pub struct Recorded {
    /// From the client.
    pub up: Vec<u8>,
    /// From the server.
    pub down: Vec<u8>,
}

/// A running proxy; its threads end with the connections.
pub struct Proxy {
    /// Where to connect instead of the server.
    pub address: SocketAddr,
    recorded: Arc<Mutex<Vec<Arc<Mutex<Recorded>>>>>,
}

impl Proxy {
    /// Stands before `server`, on a free port.
    pub fn before(server: &str) -> Self {
        Self::at("127.0.0.1:0", server)
    }

    /// Stands before `server`, at `listen`.
    pub fn at(listen: &str, server: &str) -> Self {
        let listener = TcpListener::bind(listen).unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let recorded: Arc<Mutex<Vec<Arc<Mutex<Recorded>>>>> = Arc::default();
        let (kept, server) = (recorded.clone(), server.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let connection: Arc<Mutex<Recorded>> = Arc::default();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(connection.clone());
                // A refused connection is dropped, as the server itself would have done.
                let _refused = join(client, &server, &connection);
            }
        });
        Self { address, recorded }
    }

    /// Everything so far, a connection each.
    pub fn recorded(&self) -> Vec<Recorded> {
        let all = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|one| one.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }
}

fn join(client: TcpStream, server: &str, recorded: &Arc<Mutex<Recorded>>) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (up, down) = (recorded.clone(), recorded.clone());
    let (client_in, server_out) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || pump(client_in, server_out, |bytes| lock(&up).up.extend_from_slice(bytes)));
    std::thread::spawn(move || pump(server, client, |bytes| lock(&down).down.extend_from_slice(bytes)));
    Ok(())
}

fn lock(recorded: &Arc<Mutex<Recorded>>) -> std::sync::MutexGuard<'_, Recorded> {
    recorded.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pump(mut from: TcpStream, mut to: TcpStream, mut keep: impl FnMut(&[u8])) {
    let mut block = vec![0_u8; 64 * 1024];
    while let Ok(count) = from.read(&mut block) {
        let (now, _) = block.split_at(count);
        keep(now);
        if count == 0 || to.write_all(now).is_err() {
            break;
        }
    }
    // Either end may be gone already.
    let _gone = to.shutdown(Shutdown::Write);
}
