//! How our TCP sockets are set up, on both programs alike.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::limits::DEAD_AFTER;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// The kernel's own probes, below our pings.
const KEEPALIVE: Duration = Duration::from_mins(1);

/// Small frames go out at once; data that nobody acknowledges for 45 s ends the connection.
pub fn configure(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(DEAD_AFTER))?;
    Ok(())
}

/// Takes a packet that is lost now and then for what it is, not for a full path; wherever the system lets a program choose it.
#[cfg(target_os = "linux")]
const PREFERRED: &[u8] = b"bbr";

/// As [`configure`], for a connection with much to carry.
pub fn configure_bulk(stream: &TcpStream) -> io::Result<()> {
    configure(stream)?;
    #[cfg(target_os = "linux")]
    {
        // Where it is not allowed, the system's own stays: see [`bears_loss`].
        let _allowed = SockRef::from(stream).set_tcp_congestion(PREFERRED);
    }
    Ok(())
}

/// Whether what is sent here keeps its speed although packets are lost. Where it does not, several connections are faster than one.
pub fn bears_loss(stream: &TcpStream) -> bool {
    #[cfg(target_os = "linux")]
    if let Ok(name) = SockRef::from(stream).tcp_congestion() {
        return name.starts_with(PREFERRED);
    }
    false
}

/// Of a connection within one machine the kernel holds so much that nobody has read, in bytes: there is no path to fill.
const WITHIN: usize = 128 * 1024;

/// For who receives more than it can use at once: what is only held is lost with the program. Elsewhere the kernel finds out what the path
/// needs.
pub fn hold_little(stream: &TcpStream) -> io::Result<()> {
    if stream.peer_addr()?.ip().to_canonical().is_loopback() {
        SockRef::from(stream).set_recv_buffer_size(WITHIN)?;
    }
    Ok(())
}

/// Listens; the address can be bound again at once after a crash. Must be called where a tokio reactor runs.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` means every address, of both families, whatever the system's default is.
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn a_port_can_be_bound_again_at_once_with_connections_left_over() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        configure(&server).unwrap();
        assert!(server.nodelay().unwrap());
        // The side that closes first leaves its end of the connection waiting in the kernel.
        drop((listener, server));
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        drop(client);
        let again = listen(address).unwrap();
        assert_eq!(again.local_addr().unwrap(), address);
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let second = listen(listener.local_addr().unwrap());
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
