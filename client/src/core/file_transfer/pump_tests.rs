//! Pumps over real TLS on loopback with real files: equal bytes, going on after a break, and other sides that keep to no rule.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Hash, TransferId};
use hobnob_shared::identity::{Chain, DeviceKey, IdentityKey};
use hobnob_shared::limits::{FRAME, GROUP};
use hobnob_shared::message::{Stream, StreamEnd, StreamFinished, StreamHave, StreamOpen};
use hobnob_shared::tls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::folder::Place;
use super::pace::Paces;
use super::partial::{self, Before, Partial};
use super::pump::{self, Counter, Job, Missing, Outcome, Pump};
use super::tree::{GROUP_SIZE, Tree, group_hash, groups};
use super::why::Why;
use super::wire::{self, Ended, Head};
use crate::core::peer_link::dial::PeerStream;

/// A connection between two devices, dialler first.
async fn connection() -> (PeerStream, PeerStream) {
    let device = || {
        let (account, key) = (IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let user = "bob".parse().unwrap();
        let chain = Chain {
            device: account.issue_device(&user, &key).unwrap(),
            account: account.account_certificate(&user).unwrap(),
        };
        (account.fingerprint(), key, chain)
    };
    let ((one, one_key, one_chain), (two, two_key, two_chain)) = (device(), device());
    let dial = tls::dial_peer_config(tls::FILE, &one_key, &one_chain, two, two_key.id()).unwrap();
    let listen = tls::listen_peer_config(tls::FILE, &two_key, &two_chain, one, one_key.id()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let name = tls::token_name(&hobnob_shared::id::Token([1; 16]));
    let (dialled, accepted) = tokio::join!(
        async { TlsConnector::from(dial).connect(name, TcpStream::connect(address).await.unwrap()).await.unwrap() },
        async { TlsAcceptor::from(listen).accept(listener.accept().await.unwrap().0).await.unwrap() },
    );
    (dialled.into(), accepted.into())
}

/// Folders of one transfer.
struct Desk {
    _folder: tempfile::TempDir,
    source: PathBuf,
    downloads: PathBuf,
    partials: PathBuf,
    sent: PathBuf,
    id: TransferId,
    size: u64,
    bytes: Vec<u8>,
}

fn desk(size: usize) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (source, downloads, partials, sent) = (at("source"), at("downloads"), at("partials"), at("sent"));
    std::fs::create_dir(&downloads).unwrap();
    let mut bytes = vec![0; size];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    std::fs::write(&source, &bytes).unwrap();
    Desk { _folder: folder, source, downloads, partials, sent, id: TransferId::new(), size: size as u64, bytes }
}

struct Running {
    pump: Pump,
    counter: Counter,
    outcome: oneshot::Receiver<Outcome>,
}

impl Desk {
    fn start(&self, job: Job, stream: PeerStream) -> Running {
        let (tell, outcome) = oneshot::channel();
        let counter = Counter::default();
        let told = move |outcome| drop(tell.send(outcome));
        let pump = pump::start(job, self.id, stream, counter.clone(), &Paces::default(), told).unwrap();
        Running { pump, counter, outcome }
    }

    fn send(&self, from: u64, stream: PeerStream) -> Running {
        let (path, partials) = (self.source.clone(), self.sent.clone());
        self.start(Job::Send { path, size: self.size, folder: false, kept_as: self.id, from, partials }, stream)
    }

    fn partial(&self) -> Partial {
        Partial::open(&self.partials, self.id, self.size, None).unwrap()
    }

    fn receive(&self, stream: PeerStream) -> Running {
        let place = Place::in_downloads(&self.downloads, "../a:b.txt").unwrap();
        self.start(Job::Receive { partial: Box::new(self.partial()), place }, stream)
    }

    fn final_names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&self.downloads)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn root(&self) -> Hash {
        Hash(*blake3::hash(&self.bytes).as_bytes())
    }

    fn finished(&self, outcome: Outcome) -> Option<PathBuf> {
        match outcome {
            Outcome::Finished { path, root, missing } => {
                assert_eq!((root, missing), (self.root(), Missing::default()));
                path
            }
            Outcome::Ended(ended) => panic!("{ended:?}"),
        }
    }
}

fn why(outcome: Outcome) -> Why {
    match outcome {
        Outcome::Ended(Ended::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_of_every_edge_arrive_equal_whoever_dialled() {
    for (n, size) in [0, 1, GROUP - 1, GROUP, GROUP + 1, 9 * GROUP + 3].into_iter().enumerate() {
        let desk = desk(size);
        let (dialled, accepted) = connection().await;
        let (to, from) = if n % 2 == 0 { (dialled, accepted) } else { (accepted, dialled) };
        let (sender, receiver) = (desk.send(0, from), desk.receive(to));
        assert_eq!(desk.finished(sender.outcome.await.unwrap()), None);
        let path = desk.finished(receiver.outcome.await.unwrap()).unwrap();
        assert_eq!(path, desk.downloads.join("a_b.txt"));
        assert_eq!(std::fs::read(&path).unwrap(), desk.bytes);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o133, 0);
        assert_eq!(desk.final_names(), ["a_b.txt"]);
        assert_eq!(receiver.counter.load(Ordering::Relaxed), desk.size);
        assert_eq!(sender.counter.load(Ordering::Relaxed), desk.size);
        let before = Before { path, root: desk.root(), missing: Missing::default() };
        assert_eq!(partial::finished_before(&desk.partials, desk.id), Some(before));
    }
}

#[tokio::test]
async fn a_broken_stream_goes_on_where_it_was_and_ends_equal() {
    let desk = desk(20 * GROUP + 17);
    let mut kept = 0;
    for round in 1..=3 {
        // A path that carries a few groups and breaks off in the middle of one.
        let (dialled, accepted) = connection().await;
        let sender = desk.send(desk.partial().have(), dialled);
        let (mut tapped, relayed) = connection().await;
        let receiver = desk.receive(relayed);
        let tap = async {
            let mut accepted = accepted;
            let mut through = vec![0; 4 * GROUP + round * GROUP / 4];
            accepted.read_exact(&mut through).await.unwrap();
            tapped.write_all(&through).await.unwrap();
            tapped.flush().await.unwrap();
            drop((tapped, accepted));
        };
        tap.await;
        assert!(matches!(receiver.outcome.await.unwrap(), Outcome::Ended(Ended::Lost(_))));
        assert!(matches!(sender.outcome.await.unwrap(), Outcome::Ended(Ended::Lost(_))));
        assert!(desk.final_names().is_empty());
        let have = desk.partial().have();
        assert!(have > kept, "{have} groups after round {round}");
        kept = have;
    }
    let (dialled, accepted) = connection().await;
    let (sender, receiver) = (desk.send(kept, dialled), desk.receive(accepted));
    desk.finished(sender.outcome.await.unwrap());
    let path = desk.finished(receiver.outcome.await.unwrap()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), desk.bytes);
}

#[tokio::test]
async fn stopping_either_side_keeps_what_was_verified() {
    let desk = desk(3 * GROUP);
    let (dialled, _silent) = connection().await;
    let Running { pump, outcome, .. } = desk.send(0, dialled);
    drop(pump);
    assert!(matches!(outcome.await.unwrap(), Outcome::Ended(Ended::Stopped)));
    let (_silent, accepted) = connection().await;
    let Running { pump, outcome, .. } = desk.receive(accepted);
    drop(pump);
    assert!(matches!(outcome.await.unwrap(), Outcome::Ended(Ended::Stopped)));
    assert!(desk.final_names().is_empty());
}

/// Frames as a sender writes them, honest or not.
struct Frames<'a> {
    desk: &'a Desk,
    bytes: Vec<u8>,
}

impl Frames<'_> {
    fn raw(mut self, kind: u8, body: &[u8]) -> Self {
        self.bytes.extend(u32::try_from(body.len() + 1).unwrap().to_be_bytes());
        self.bytes.push(kind);
        self.bytes.extend(body);
        self
    }

    fn control(self, message: &Stream) -> Self {
        self.raw(0, &hobnob_shared::codec::to_cbor(message).unwrap())
    }

    fn group_of(self, index: u64, hash_of: &[u8], bytes: &[u8]) -> Self {
        let mut body = index.to_be_bytes().to_vec();
        body.extend(group_hash(index, self.desk.size, hash_of));
        body.extend(bytes);
        self.raw(1, &body)
    }

    fn group(self, index: u64) -> Self {
        let bytes = self.desk.bytes.chunks(GROUP).nth(usize::try_from(index).unwrap()).unwrap();
        self.group_of(index, bytes, bytes)
    }

    fn whole(self) -> Self {
        (0..groups(self.desk.size)).fold(self, Self::group)
    }

    fn end(self, root: Hash, size: u64) -> Self {
        self.control(&Stream::End(StreamEnd { root, size }))
    }
}

/// What a receiver makes of these frames, and what it says at last.
async fn receive_from(desk: &Desk, frames: Vec<u8>) -> (Outcome, Option<Stream>) {
    let (mut dialled, accepted) = connection().await;
    let receiver = desk.receive(accepted);
    // The receiver may close before everything is written.
    let _cut_off = dialled.write_all(&frames).await;
    let _cut_off = dialled.flush().await;
    let mut last = None;
    while let Ok(Head::Control(len)) = wire::read_head(&mut dialled).await {
        match wire::read_control(&mut dialled, len).await {
            Ok(message) => last = message,
            Err(_) => break,
        }
    }
    (receiver.outcome.await.unwrap(), last)
}

fn open(desk: &Desk) -> Frames<'_> {
    Frames { desk, bytes: Vec::new() }.control(&Stream::Open(StreamOpen { transfer: desk.id, flow: 0 }))
}

#[tokio::test]
async fn a_sender_that_keeps_to_no_rule_never_gets_a_final_name() {
    let desk = desk(3 * GROUP + 5);
    let group = |index: usize| desk.bytes.chunks(GROUP).nth(index).unwrap();
    let mut flipped = group(1).to_vec();
    flipped[12_345] ^= 4;
    let root = desk.root();
    let forged = {
        // Each group fits its own hash, and all of them fit the root that is claimed; the file is another one, and so is fine. But a
        // root of the offered file does not fit these groups.
        let mut tree = Tree::default();
        (0..3).for_each(|index| tree.push(group_hash(index, desk.size, group(0))));
        tree.push(group_hash(3, desk.size, group(3)));
        tree.root()
    };
    assert_ne!(forged, root);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("one bit flipped", open(&desk).group(0).group_of(1, group(1), &flipped).bytes),
        ("hash of another place", open(&desk).group(0).group_of(2, group(1), group(1)).bytes),
        ("a group left out", open(&desk).group(0).group(2).bytes),
        ("a group twice", open(&desk).group(0).group(0).bytes),
        ("number beyond the end", open(&desk).group_of(4, b"x", b"x").bytes),
        ("number beyond all files", open(&desk).group_of(u64::MAX / GROUP_SIZE, b"x", b"x").bytes),
        ("more bytes than offered", open(&desk).whole().group_of(4, b"more", b"more").bytes),
        ("a short group", open(&desk).group_of(0, &group(0)[1..], &group(0)[1..]).bytes),
        ("an empty group", open(&desk).group_of(0, b"", b"").bytes),
        ("a long last group", open(&desk).group(0).group(1).group(2).group_of(3, group(0), group(0)).bytes),
        ("end too early", open(&desk).group(0).end(root, desk.size).bytes),
        ("another root", open(&desk).whole().end(forged, desk.size).bytes),
        ("another size", open(&desk).whole().end(root, desk.size + 1).bytes),
        ("group after the end", open(&desk).whole().end(Hash([0; 32]), desk.size).group(0).bytes),
        ("another transfer", {
            let frames = Frames { desk: &desk, bytes: Vec::new() };
            frames.control(&Stream::Open(StreamOpen { transfer: TransferId::new(), flow: 0 })).bytes
        }),
        ("no open", Frames { desk: &desk, bytes: Vec::new() }.group(0).bytes),
        ("open twice", open(&desk).control(&Stream::Open(StreamOpen { transfer: desk.id, flow: 0 })).bytes),
        ("the receiver's words", open(&desk).control(&Stream::Finished(StreamFinished { root })).bytes),
        ("not CBOR", open(&desk).raw(0, &[0xff; 40]).bytes),
        ("unknown kind", open(&desk).raw(7, b"?").bytes),
        ("control too long", open(&desk).raw(0, &vec![0; FRAME + 1]).bytes),
        ("group too long", open(&desk).raw(1, &vec![0; 40 + GROUP + 1]).bytes),
        ("group without a hash", open(&desk).raw(1, &[0; 39]).bytes),
        ("length zero", [open(&desk).bytes, vec![0; 5]].concat()),
        ("length of all ones", [open(&desk).bytes, vec![0xff; 5]].concat()),
    ];
    for (what, frames) in cases {
        let (outcome, said) = receive_from(&desk, frames).await;
        let why = why(outcome);
        assert!(matches!(why, Why::HashMismatch | Why::Protocol(_)), "{what}: {why:?}");
        assert!(desk.final_names().is_empty(), "{what}");
        // Where the connection still took it, the reason was said.
        if let Some(Stream::Failed(failed)) = said {
            assert_eq!(failed.code, why.wire(), "{what}");
        }
        partial::erase(&desk.partials, desk.id);
    }
    let (outcome, said) = receive_from(&desk, open(&desk).whole().end(root, desk.size).bytes).await;
    assert!(desk.finished(outcome).is_some());
    assert_eq!(said, Some(Stream::Finished(StreamFinished { root })));
}

/// What a sender makes of a receiver that says this after `groups` groups.
async fn send_to(desk: &Desk, from: u64, groups: usize, reply: Stream) -> Outcome {
    let (mut dialled, accepted) = connection().await;
    let sender = desk.send(from, accepted);
    let frames = Frames { desk, bytes: Vec::new() }.control(&Stream::Open(StreamOpen { transfer: desk.id, flow: 0 }));
    dialled.write_all(&frames.bytes).await.unwrap();
    let mut through = vec![0; groups * (wire::BEFORE_BYTES + GROUP)];
    dialled.read_exact(&mut through).await.unwrap();
    let reply = Frames { desk, bytes: Vec::new() }.control(&reply).bytes;
    dialled.write_all(&reply).await.unwrap();
    dialled.flush().await.unwrap();
    let outcome = sender.outcome.await.unwrap();
    drop(dialled);
    outcome
}

#[tokio::test]
async fn a_receiver_that_lies_is_not_believed() {
    let desk = desk(30 * GROUP);
    let early = Stream::Finished(StreamFinished { root: desk.root() });
    assert!(matches!(why(send_to(&desk, 0, 1, early).await), Why::Protocol(_)));
    let ending = Stream::End(StreamEnd { root: desk.root(), size: desk.size });
    assert!(matches!(why(send_to(&desk, 0, 1, ending).await), Why::Protocol(_)));
    let beyond = Stream::Have(StreamHave { groups: 1, beyond: Vec::new() });
    assert!(matches!(why(send_to(&desk, groups(desk.size) + 1, 0, beyond).await), Why::Protocol(_)));
}

#[tokio::test]
async fn a_reason_from_the_receiver_reaches_the_sender() {
    let desk = desk(30 * GROUP);
    let full = Stream::Failed(hobnob_shared::message::StreamFailed { code: WireCode::DiskFull });
    assert_eq!(why(send_to(&desk, 0, 2, full).await), Why::Peer(WireCode::DiskFull));
}

type Meddle<'a> = &'a dyn Fn(&Path);

/// Sends while `meddle` does something to the source after the first group went out; a connection holds only a part of the file.
async fn send_while(desk: &Desk, meddle: impl FnOnce(&Path)) -> (Why, Option<Stream>) {
    let (mut dialled, accepted) = connection().await;
    let sender = desk.send(0, accepted);
    let frames = Frames { desk, bytes: Vec::new() }.control(&Stream::Open(StreamOpen { transfer: desk.id, flow: 0 }));
    dialled.write_all(&frames.bytes).await.unwrap();
    let mut first = vec![0; wire::BEFORE_BYTES + GROUP];
    dialled.read_exact(&mut first).await.unwrap();
    meddle(&desk.source);
    let mut last = None;
    while let Ok(head) = wire::read_head(&mut dialled).await {
        match head {
            Head::Group(len) => {
                wire::read_group_head(&mut dialled).await.unwrap();
                dialled.read_exact(&mut vec![0; len]).await.unwrap();
            }
            Head::Control(len) => last = wire::read_control(&mut dialled, len).await.unwrap(),
            Head::Listing(_) => panic!("a file has no listing"),
        }
    }
    (why(sender.outcome.await.unwrap()), last)
}

#[tokio::test]
async fn a_source_that_changes_under_way_is_noticed_and_said() {
    let edit = |path: &Path| {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(b"edited", 100).unwrap();
    };
    let append = |path: &Path| {
        let size = std::fs::metadata(path).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(b"more", size).unwrap();
    };
    let truncate = |path: &Path| std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(5).unwrap();
    let replace = |path: &Path| {
        let other = path.with_extension("new");
        std::fs::copy(path, &other).unwrap();
        std::fs::rename(other, path).unwrap();
    };
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    let cases: [(&str, Meddle<'_>, Why); 5] = [
        ("edited", &edit, Why::SourceChanged),
        ("appended", &append, Why::SourceChanged),
        ("truncated", &truncate, Why::SourceChanged),
        ("replaced", &replace, Why::SourceChanged),
        ("removed", &remove, Why::SourceGone),
    ];
    for (what, meddle, expected) in cases {
        let desk = desk(40 * GROUP);
        let (why, said) = send_while(&desk, meddle).await;
        assert_eq!(why, expected, "{what}");
        assert!(matches!(said, Some(Stream::Failed(failed)) if failed.code == expected.wire()), "{what}");
    }
}

#[tokio::test]
async fn another_file_of_the_same_size_does_not_go_on_where_the_first_was() {
    let desk = desk(4 * GROUP);
    let (dialled, accepted) = connection().await;
    let sender = desk.send(0, dialled);
    let mut accepted = accepted;
    accepted.read_exact(&mut vec![0; GROUP]).await.unwrap();
    drop(accepted);
    assert!(matches!(sender.outcome.await.unwrap(), Outcome::Ended(Ended::Lost(_))));
    std::fs::remove_file(&desk.source).unwrap();
    std::fs::write(&desk.source, vec![9; 4 * GROUP]).unwrap();
    let (dialled, _accepted) = connection().await;
    assert_eq!(why(desk.send(2, dialled).outcome.await.unwrap()), Why::SourceChanged);
}

#[tokio::test]
async fn a_finished_file_is_confirmed_to_a_sender_that_missed_it() {
    let desk = desk(2 * GROUP);
    let (dialled, accepted) = connection().await;
    let (sender, receiver) = (desk.send(2, dialled), desk.start(Job::Confirm { root: desk.root() }, accepted));
    desk.finished(sender.outcome.await.unwrap());
    desk.finished(receiver.outcome.await.unwrap());
    let (dialled, accepted) = connection().await;
    let (sender, receiver) = (desk.send(2, dialled), desk.start(Job::Confirm { root: Hash([0; 32]) }, accepted));
    assert_eq!(why(receiver.outcome.await.unwrap()), Why::HashMismatch);
    assert_eq!(why(sender.outcome.await.unwrap()), Why::Peer(WireCode::HashMismatch));
}

#[path = "flow_tests.rs"]
mod flows;
