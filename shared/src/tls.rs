//! The only place that configures TLS: version 1.3 alone, no tickets, no resumption, no early data, pinned keys. There is no mode without it.
//!
//! ALPN keeps the protocols apart and is their version. A peer connection shows its one-time token as the SNI label, so that a listener
//! can refuse strangers before it has shown a certificate.

#[cfg(test)]
mod tests;
mod verify;

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::{Acceptor, NoServerSessionStorage};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, CommonState, Error, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use crate::id::{DeviceId, Fingerprint, Token};
use crate::identity::{Chain, DeviceKey, VerifiedChain};
use verify::{ChainVerifier, Pin, ServerVerifier, chain_of};

/// Between a client and the server.
pub const SERVER: &[u8] = b"hobnob-server/1";
/// Between two devices: conversations.
pub const PEER: &[u8] = b"hobnob-peer/1";
/// Between two devices: the bytes of one transfer.
pub const FILE: &[u8] = b"hobnob-file/1";

/// Another key answered than the pinned one. Found inside an `io::Error` by [`wrong_key`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pinned key {expected}, but {seen} answered")]
pub struct WrongKey {
    /// The pin.
    pub expected: Fingerprint,
    /// Who answered.
    pub seen: Fingerprint,
}

/// The pinned account answered, but not the device that was meant: no alarm, a friend may have several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("device {expected} was meant, but {seen} answered")]
pub struct WrongDevice {
    /// Who was meant.
    pub expected: DeviceId,
    /// Who answered.
    pub seen: DeviceId,
}

/// What TLS cannot do for us.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Our own key or certificate, or the library, refuses.
    #[error("tls configuration: {0}")]
    Config(#[from] Error),
}

/// Whether a failed handshake failed because of the pin. The fault is then neither the network's nor ours.
pub fn wrong_key(error: &io::Error) -> Option<WrongKey> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref::<WrongKey>().cloned()
        }
        _ => None,
    }
}

/// Prefers the post-quantum hybrid; `light` puts AES-128-GCM first, for bulk.
fn provider(light: bool) -> Arc<CryptoProvider> {
    static USUAL: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    static LIGHT: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    if light {
        LIGHT
            .get_or_init(|| {
                let mut provider = aws_lc_rs::default_provider();
                let first = rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
                provider.cipher_suites.sort_by_key(|suite| suite.suite() != first);
                Arc::new(provider)
            })
            .clone()
    } else {
        USUAL.get_or_init(|| Arc::new(aws_lc_rs::default_provider())).clone()
    }
}

/// The other side's chain; `None` if it showed none (a server never shows one, an enrolling client neither).
pub fn peer_chain(connection: &CommonState) -> Result<Option<(Chain, VerifiedChain)>, Error> {
    match connection.peer_certificates() {
        None | Some([]) => Ok(None),
        Some([end_entity, rest @ ..]) => chain_of(end_entity, rest).map(Some),
    }
}

/// Keying material of this very connection.
pub fn exporter(connection: &impl Exporter, label: &str, context: &[u8]) -> Result<[u8; 32], Error> {
    connection.export(label.as_bytes(), context)
}

/// A finished handshake of either side.
pub trait Exporter {
    /// RFC 8446 section 7.5, 32 bytes.
    fn export(&self, label: &[u8], context: &[u8]) -> Result<[u8; 32], Error>;
}

impl Exporter for rustls::ClientConnection {
    fn export(&self, label: &[u8], context: &[u8]) -> Result<[u8; 32], Error> {
        self.export_keying_material([0; 32], label, Some(context))
    }
}

impl Exporter for rustls::ServerConnection {
    fn export(&self, label: &[u8], context: &[u8]) -> Result<[u8; 32], Error> {
        self.export_keying_material([0; 32], label, Some(context))
    }
}

/// The exporter of a tokio stream of either side.
pub fn stream_exporter<S>(stream: &tokio_rustls::TlsStream<S>, label: &str, context: &[u8]) -> Result<[u8; 32], Error> {
    match stream {
        tokio_rustls::TlsStream::Client(stream) => exporter(stream.get_ref().1, label, context),
        tokio_rustls::TlsStream::Server(stream) => exporter(stream.get_ref().1, label, context),
    }
}

// ---- configurations ----

/// What a client knows of the server's key.
#[derive(Debug, Clone)]
pub enum ServerPin {
    /// This one and no other.
    Exact(Fingerprint),
    /// Nothing yet: whoever answers and proves its key is written down here, and it must be that one from then on.
    FirstUse(Arc<OnceLock<Fingerprint>>),
}

/// The server's: a client may show a chain of two, of any account, or nothing.
pub fn server_config(certificate: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let verifier = ChainVerifier { pin: Pin::Anybody, mandatory: false, provider: provider(false) };
    listening(SERVER, verifier, certified(&[certificate], key)?, provider(false))
}

/// A client's towards the server; with `identity` once the device is enrolled.
pub fn client_config(pin: ServerPin, identity: Option<(&DeviceKey, &Chain)>) -> Result<Arc<ClientConfig>, TlsError> {
    let verifier = Arc::new(ServerVerifier { pin, provider: provider(false) });
    dialling(SERVER, verifier, identity, provider(false))
}

/// For dialling that very device.
pub fn dial_peer_config(
    alpn: &'static [u8],
    key: &DeviceKey,
    chain: &Chain,
    account: Fingerprint,
    device: DeviceId,
) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = provider(alpn == FILE);
    let verifier = ChainVerifier { pin: Pin::Device(account, device), mandatory: true, provider: provider.clone() };
    dialling(alpn, Arc::new(verifier), Some((key, chain)), provider)
}

/// For letting that very device in.
pub fn listen_peer_config(
    alpn: &'static [u8],
    key: &DeviceKey,
    chain: &Chain,
    account: Fingerprint,
    device: DeviceId,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = provider(alpn == FILE);
    let verifier = ChainVerifier { pin: Pin::Device(account, device), mandatory: true, provider: provider.clone() };
    listening(alpn, verifier, device_certified(key, chain)?, provider)
}

/// Certificates, the own one first, with the own key (PKCS #8), which is read where it lies and not copied.
fn certified(certificates: &[&[u8]], key: &[u8]) -> Result<Arc<SingleCertAndKey>, TlsError> {
    let key = aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)))?;
    let chain = certificates.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match()?;
    Ok(Arc::new(certified.into()))
}

fn device_certified(key: &DeviceKey, chain: &Chain) -> Result<Arc<SingleCertAndKey>, TlsError> {
    certified(&[&chain.device, &chain.account], &key.to_pkcs8())
}

fn listening(
    alpn: &[u8],
    verifier: ChainVerifier,
    own: Arc<SingleCertAndKey>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(own);
    config.alpn_protocols = vec![alpn.to_vec()];
    // A resumed session would not be verified again: a removed device could come back.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn dialling(
    alpn: &[u8],
    verifier: Arc<dyn ServerCertVerifier>,
    identity: Option<(&DeviceKey, &Chain)>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((key, chain)) => builder.with_client_cert_resolver(device_certified(key, chain)?),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(Arc::new(config))
}

// ---- the token in the SNI ----

/// The name under which a token travels.
pub fn token_name(token: &Token) -> ServerName<'static> {
    // 32 hexadecimal digits and a word are always a DNS name; the fallback keeps this free of panics.
    ServerName::try_from(format!("{token}.hobnob"))
        .unwrap_or_else(|_| ServerName::IpAddress(std::net::IpAddr::from([0, 0, 0, 0]).into()))
}

/// The name that clients use for the server; not looked at.
pub fn server_name() -> ServerName<'static> {
    token_name(&Token([0; 16]))
}

/// A hello that was read; nothing has been answered yet.
pub struct ClientHello<S> {
    /// From the SNI, if it is one of ours.
    pub token: Option<Token>,
    /// Offered protocols.
    pub alpn: Vec<Vec<u8>>,
    start: StartHandshake<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ClientHello<S> {
    /// Goes on with the handshake; refuses who does not offer the protocol.
    pub async fn accept(self, config: Arc<ServerConfig>) -> io::Result<tokio_rustls::server::TlsStream<S>> {
        // The library refuses a wrong protocol, but lets those pass who name none.
        if self.alpn.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no protocol named"));
        }
        self.start.into_stream(config).await
    }
}

/// Reads the first flight of a connection and answers nothing.
pub async fn read_client_hello<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> io::Result<ClientHello<S>> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let (token, alpn) = {
        let hello = start.client_hello();
        let label = hello.server_name().and_then(|name| name.strip_suffix(".hobnob"));
        let alpn = hello.alpn().map(|names| names.map(<[u8]>::to_vec).collect()).unwrap_or_default();
        (label.and_then(|label| label.parse().ok()), alpn)
    };
    Ok(ClientHello { token, alpn, start })
}
