//! What every connection promises, tried with handshakes over in-memory streams.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rustls::{CipherSuite, HandshakeKind, NamedGroup, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::{TlsConnector, client, server};

use super::*;
use crate::identity::{IdentityKey, self_signed_server};

/// An account with one device.
struct Person {
    identity: IdentityKey,
    key: DeviceKey,
    chain: Chain,
}

impl Person {
    fn new(name: &str) -> Self {
        let (identity, key) = (IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let user = name.parse().unwrap();
        let account = identity.account_certificate(&user).unwrap();
        let chain = Chain { device: identity.issue_device(&user, &key).unwrap(), account };
        Self { identity, key, chain }
    }

    fn listens_for(&self, alpn: &'static [u8], other: &Self) -> Arc<ServerConfig> {
        listen_peer_config(alpn, &self.key, &self.chain, other.identity.fingerprint(), other.key.id()).unwrap()
    }

    fn dials(&self, alpn: &'static [u8], other: &Self) -> Arc<ClientConfig> {
        dial_peer_config(alpn, &self.key, &self.chain, other.identity.fingerprint(), other.key.id()).unwrap()
    }

    /// A client that shows whatever certificates it is told to, and takes any server.
    fn shows(&self, alpn: &[u8], certificates: &[&[u8]]) -> Arc<ClientConfig> {
        Arc::new(careless_client(alpn, Some(certified(certificates, &self.key.to_pkcs8()).unwrap())))
    }
}

/// A server's key and what clients pin of it.
fn server() -> (Arc<ServerConfig>, Fingerprint) {
    let (certificate, key) = self_signed_server().unwrap();
    let pin = Fingerprint(crate::identity::spki_hash(&certificate).unwrap());
    (server_config(&certificate, &key).unwrap(), pin)
}

/// Takes every server, wants to resume, and speaks the protocols it is told to.
fn careless_client(alpn: &[u8], own: Option<Arc<SingleCertAndKey>>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider(false))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifierOff));
    let mut config = match own {
        Some(own) => builder.with_client_cert_resolver(own),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = if alpn.is_empty() { vec![] } else { vec![alpn.to_vec()] };
    config
}

#[derive(Debug)]
struct ServerVerifierOff;

impl ServerCertVerifier for ServerVerifierOff {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        Err(Error::General("not spoken".into()))
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        vec![rustls::SignatureScheme::ED25519]
    }
}

type Ends = (io::Result<client::TlsStream<DuplexStream>>, io::Result<server::TlsStream<DuplexStream>>);

/// A handshake between two configurations. TLS 1.3 clients are through before the server has judged them, so the client's end also waits
/// for one byte of the server's.
async fn handshake(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> Ends {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let name = token_name(&Token([7; 16]));
    let dialling = async {
        let mut stream = TlsConnector::from(client).connect(name, near).await?;
        stream.read_u8().await?;
        Ok(stream)
    };
    let listening = async {
        let mut stream = read_client_hello(far).await?.accept(server).await?;
        stream.write_u8(0).await?;
        stream.flush().await?;
        Ok(stream)
    };
    tokio::join!(dialling, listening)
}

async fn refused(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> (io::Error, io::Error) {
    let (near, far) = handshake(client, server).await;
    (near.map(drop).unwrap_err(), far.map(drop).unwrap_err())
}

#[tokio::test]
async fn a_client_is_let_in_with_its_chain_and_without() {
    let alice = Person::new("alice");
    let (config, pin) = server();
    let enrolled = client_config(ServerPin::Exact(pin), Some((&alice.key, &alice.chain))).unwrap();
    let (near, far) = handshake(enrolled, config.clone()).await;
    let far = far.unwrap();
    let (chain, verified) = peer_chain(far.get_ref().1).unwrap().unwrap();
    assert_eq!((chain, verified.account, verified.device), (alice.chain, alice.identity.fingerprint(), alice.key.id()));
    let connection = near.unwrap();
    let connection = connection.get_ref().1;
    assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(connection.negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519MLKEM768);
    assert_eq!(connection.alpn_protocol(), Some(SERVER));

    let stranger = client_config(ServerPin::Exact(pin), None).unwrap();
    let (_, far) = handshake(stranger, config).await;
    assert!(peer_chain(far.unwrap().get_ref().1).unwrap().is_none());
}

#[tokio::test]
async fn another_server_key_than_the_pinned_one_is_refused_and_named() {
    let (config, seen) = server();
    let expected = Fingerprint([9; 32]);
    let (near, _) = refused(client_config(ServerPin::Exact(expected), None).unwrap(), config).await;
    assert_eq!(wrong_key(&near), Some(WrongKey { expected, seen }));
}

#[tokio::test]
async fn the_first_server_is_remembered_and_the_next_must_be_the_same() {
    let cell = Arc::new(OnceLock::new());
    let client = client_config(ServerPin::FirstUse(cell.clone()), None).unwrap();
    let (first, pin) = server();
    for _ in 0..2 {
        handshake(client.clone(), first.clone()).await.0.unwrap();
        assert_eq!(cell.get(), Some(&pin));
    }
    let (second, seen) = server();
    let (near, _) = refused(client, second).await;
    assert_eq!(wrong_key(&near), Some(WrongKey { expected: pin, seen }));
}

#[tokio::test]
async fn a_certificate_without_its_key_is_not_remembered() {
    let (certificate, _) = self_signed_server().unwrap();
    let (_, other_key) = self_signed_server().unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(other_key.as_slice()));
    let key = aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let stolen = CertifiedKey::new(vec![CertificateDer::from(certificate)], key);
    let verifier = ChainVerifier { pin: Pin::Anybody, mandatory: false, provider: provider(false) };
    let thief = listening(SERVER, verifier, Arc::new(stolen.into()), provider(false)).unwrap();
    let cell = Arc::new(OnceLock::new());
    refused(client_config(ServerPin::FirstUse(cell.clone()), None).unwrap(), thief).await;
    assert_eq!(cell.get(), None);
}

#[tokio::test]
async fn two_devices_prove_themselves_and_share_a_secret() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let (near, far) = handshake(alice.dials(PEER, &bob), bob.listens_for(PEER, &alice)).await;
    let (near, far) = (tokio_rustls::TlsStream::from(near.unwrap()), tokio_rustls::TlsStream::from(far.unwrap()));
    for (end, other) in [(&near, &bob), (&far, &alice)] {
        let (chain, verified) = peer_chain(end.get_ref().1).unwrap().unwrap();
        assert_eq!((&chain, verified.device), (&other.chain, other.key.id()));
    }
    let secret = |end, label| stream_exporter(end, label, &[]).unwrap();
    assert_eq!(secret(&near, "one"), secret(&far, "one"));
    assert_ne!(secret(&near, "one"), secret(&near, "two"));
}

#[tokio::test]
async fn files_travel_under_the_lighter_cipher() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let suite = async |alpn| {
        let (near, _) = handshake(alice.dials(alpn, &bob), bob.listens_for(alpn, &alice)).await;
        near.unwrap().get_ref().1.negotiated_cipher_suite().unwrap().suite()
    };
    assert_eq!(suite(FILE).await, CipherSuite::TLS13_AES_128_GCM_SHA256);
    assert_eq!(suite(PEER).await, CipherSuite::TLS13_AES_256_GCM_SHA384);
}

#[tokio::test]
async fn another_account_is_refused_on_either_side() {
    let (alice, bob, mallory) = (Person::new("alice"), Person::new("bob"), Person::new("mallory"));
    let (near, _) = refused(alice.dials(PEER, &bob), mallory.listens_for(PEER, &alice)).await;
    let (expected, seen) = (bob.identity.fingerprint(), mallory.identity.fingerprint());
    assert_eq!(wrong_key(&near), Some(WrongKey { expected, seen }));
    let (_, far) = refused(mallory.dials(PEER, &bob), bob.listens_for(PEER, &alice)).await;
    let expected = alice.identity.fingerprint();
    assert_eq!(wrong_key(&far), Some(WrongKey { expected, seen }));
}

#[tokio::test]
async fn another_device_of_the_right_account_is_refused_without_alarm() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let key = DeviceKey::generate().unwrap();
    let device = bob.identity.issue_device(&"bob".parse().unwrap(), &key).unwrap();
    let account = bob.chain.account.clone();
    let laptop = Person {
        identity: IdentityKey::from_pkcs8(&bob.identity.to_pkcs8()).unwrap(),
        key,
        chain: Chain { device, account },
    };
    let (near, _) = refused(alice.dials(PEER, &bob), laptop.listens_for(PEER, &alice)).await;
    let (_, far) = refused(laptop.dials(PEER, &alice), alice.listens_for(PEER, &bob)).await;
    assert!(wrong_key(&near).is_none() && wrong_key(&far).is_none());
    assert!(near.to_string().contains("WrongDevice"), "{near}");
}

#[tokio::test]
async fn chains_are_exactly_two_and_belong_together() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let Chain { device, account } = &alice.chain;
    let (config, _) = server();
    let wrong: [&[&[u8]]; 5] = [
        &[device],
        &[device, account, account],
        &[device, account, &bob.chain.account],
        &[device, &bob.chain.account],
        &[device, device],
    ];
    for chain in wrong {
        refused(alice.shows(SERVER, chain), config.clone()).await;
        refused(alice.shows(PEER, chain), bob.listens_for(PEER, &alice)).await;
    }
    handshake(alice.shows(PEER, &[device, account]), bob.listens_for(PEER, &alice)).await.1.unwrap();
    // A server with two certificates is none either.
    let verifier = ChainVerifier { pin: Pin::Anybody, mandatory: false, provider: provider(false) };
    let two =
        listening(SERVER, verifier, device_certified(&alice.key, &alice.chain).unwrap(), provider(false)).unwrap();
    refused(client_config(ServerPin::FirstUse(Arc::default()), None).unwrap(), two).await;
}

#[tokio::test]
async fn a_peer_without_certificate_or_without_the_protocol_is_refused() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let nobody = Arc::new(careless_client(PEER, None));
    refused(nobody, bob.listens_for(PEER, &alice)).await;
    let chain: &[&[u8]] = &[&alice.chain.device, &alice.chain.account];
    for alpn in [&b""[..], b"http/1.1", FILE, b"hobnob-peer/2"] {
        refused(alice.shows(alpn, chain), bob.listens_for(PEER, &alice)).await;
    }
}

#[tokio::test]
async fn no_session_is_ever_resumed() {
    let (config, _) = server();
    let mut eager = careless_client(SERVER, None);
    eager.resumption = Resumption::in_memory_sessions(8);
    eager.enable_early_data = true;
    let eager = Arc::new(eager);
    for _ in 0..3 {
        let (near, _) = handshake(eager.clone(), config.clone()).await;
        let near = near.unwrap();
        assert_eq!(near.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[tokio::test]
async fn the_token_is_read_before_anything_is_shown() {
    let token = Token([0xab; 16]);
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let mut dialler = rustls::ClientConnection::new(alice.dials(PEER, &bob), token_name(&token)).unwrap();
    let mut hello = Vec::new();
    dialler.write_tls(&mut hello).unwrap();
    let (mut near, far) = tokio::io::duplex(64 * 1024);
    near.write_all(&hello).await.unwrap();
    let read = read_client_hello(far).await.unwrap();
    assert_eq!((read.token, &read.alpn), (Some(token), &vec![PEER.to_vec()]));
    // The listener does not like it and leaves: not one byte was said.
    drop(read);
    let mut said = Vec::new();
    near.read_to_end(&mut said).await.unwrap();
    assert!(said.is_empty());
}

#[tokio::test]
async fn older_versions_are_answered_with_an_alert_and_nothing_else() {
    // A TLS 1.2 hello: no supported_versions, one cipher suite, the extensions that every client of that time sent.
    let protocol = [&[0, 16, 0, 18, 0, 16, 15][..], SERVER].concat();
    let extensions = [&[0, 13, 0, 4, 0, 2, 8, 7][..], &[0, 10, 0, 4, 0, 2, 0, 29], &protocol].concat();
    let body = [&[3, 3][..], &[5; 32], &[0], &[0, 2, 0xc0, 0x2b], &[1, 0], &[0, 38], &extensions].concat();
    let hello = [
        &[0x16, 3, 1, 0, u8::try_from(body.len() + 4).unwrap(), 1, 0, 0],
        &[u8::try_from(body.len()).unwrap()][..],
        &body,
    ]
    .concat();
    let (config, _) = server();
    let (mut near, far) = tokio::io::duplex(1024);
    near.write_all(&hello).await.unwrap();
    let accepting = async { read_client_hello(far).await?.accept(config).await.map(drop) };
    assert!(accepting.await.is_err());
    let mut said = Vec::new();
    near.read_to_end(&mut said).await.unwrap();
    // Alert, fatal, protocol_version.
    assert_eq!((said.len(), said.first(), said.get(5..)), (7, Some(&0x15), Some(&[2, 70][..])));
}

#[tokio::test]
async fn nonsense_instead_of_a_hello_is_an_error() {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 0xff, 0xff], &[0; 64], b""] {
        let (mut near, far) = tokio::io::duplex(1024);
        near.write_all(bytes).await.unwrap();
        near.shutdown().await.unwrap();
        assert!(read_client_hello(far).await.is_err(), "{bytes:?}");
    }
}
