//! The bad bytes that both ports get, and how a test sees that they did no harm.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use hobnob_tests::process::{Process, until};
use hobnob_tests::story::House;
use rand::{Rng, RngCore, SeedableRng};

/// Both ports give up on a silent stranger after this and a little more.
const PATIENCE: Duration = Duration::from_secs(20);
/// Memory that may stay after thousands of bad connections, in KiB: allocator slack, not a leak per connection.
const SLACK: u64 = 24 * 1024;

/// Runs a test's own side beside it, so that pings are answered while the test waits for a program.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(future)
}

/// A TLS 1.3 hello for `name`, as our own library writes it.
pub fn client_hello(name: &str) -> Vec<u8> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = rustls::ClientConnection::new(config.into(), name).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    hello
}

/// What strangers send: noise, other protocols, broken TLS.
pub fn bad_openings() -> Vec<Vec<u8>> {
    let mut random = rand::rngs::SmallRng::seed_from_u64(2);
    let hello = client_hello("00112233445566778899aabbccddeeff.hobnob");
    let mut all: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        vec![0; 5000],
        vec![0xff; 5000],
        vec![0x16; 5000],
        // TLS records with lengths of 0, the largest, and beyond.
        vec![0x16, 3, 1, 0, 0],
        vec![0x16, 3, 1, 0xff, 0xff],
        vec![0x16, 3, 1, 0x40, 0x00, 1, 0xff, 0xff, 0xff],
        hello.iter().copied().take(hello.len() / 2).collect(),
        hello.iter().copied().take(6).collect(),
        [hello.clone(), hello.clone()].concat(),
        [&hello[..], &[0x17, 3, 3, 0, 1, 0]].concat(),
        // A relay's preamble: half, wrong digits, unknown token.
        b"HOBNOB-RELAY/1 ".to_vec(),
        format!("HOBNOB-RELAY/1 {}\n", "zz".repeat(16)).into_bytes(),
        format!("HOBNOB-RELAY/1 {}\n", "ab".repeat(16)).into_bytes(),
        format!("HOBNOB-RELAY/2 {}\n", "ab".repeat(16)).into_bytes(),
    ];
    for _ in 0..60 {
        let mut noise = vec![0; random.gen_range(1..3000)];
        random.fill_bytes(&mut noise);
        all.push(noise);
    }
    for _ in 0..60 {
        let mut altered = hello.clone();
        let at = random.gen_range(0..altered.len());
        altered[at] ^= 1 << random.gen_range(0..8);
        all.push(altered);
    }
    all
}

/// Sends `opening`, says that nothing follows, and reads until the other side closes: what it answered.
pub fn poke(address: &str, opening: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The other side may refuse in the middle of it.
    let _refused = stream.write_all(opening).and_then(|()| stream.shutdown(Shutdown::Write));
    read_to_close(&mut stream)
}

/// What comes until the close, which must come.
pub fn read_to_close(stream: &mut TcpStream) -> Vec<u8> {
    let deadline = Instant::now() + PATIENCE;
    let mut answer = Vec::new();
    let mut block = [0; 4096];
    loop {
        match stream.read(&mut block) {
            Ok(0) => return answer,
            Ok(count) => answer.extend_from_slice(&block[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return answer,
            Err(error) => panic!("the connection stays open: {error}"),
        }
        assert!(Instant::now() < deadline && answer.len() < 1 << 20, "it goes on answering");
    }
}

/// Many at once, as scanners do; what each was answered.
pub fn poke_all(address: &str, openings: &[Vec<u8>]) -> Vec<Vec<u8>> {
    const AT_ONCE: usize = 16;
    let each = |openings: &[Vec<u8>]| openings.iter().map(|opening| poke(address, opening)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let parts = openings.chunks(openings.len().div_ceil(AT_ONCE));
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || each(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// A house whose server has opened all that it opens once: somebody has signed up, and is gone.
pub fn warm_house() -> House {
    let house = House::new();
    assert!(house.person("early.bird").quit().success());
    let log = house.server.process.log().clone();
    until("the early bird has left", PATIENCE, || log.text().contains("early.bird left"));
    house
}

/// Descriptors and memory before, to be held against those after.
pub struct Base {
    descriptors: usize,
    memory: u64,
}

impl Base {
    /// As it is now.
    pub fn of(process: &Process) -> Self {
        Self { descriptors: process.descriptors(), memory: process.memory() }
    }

    /// Descriptors come back to what they were, memory nearly so, and nothing panicked.
    pub fn is_back(&self, process: &Process) {
        until("descriptors are back to base", PATIENCE, || process.descriptors() <= self.descriptors);
        let grown = process.memory().saturating_sub(self.memory);
        assert!(grown < SLACK, "memory grew by {grown} KiB");
        let log = process.log().text();
        assert!(!log.contains("panicked"), "{log}");
        assert!(!log.contains('\u{1b}'), "strangers' control characters reach the log");
    }
}
