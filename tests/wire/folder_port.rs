//! Folders from a friend who keeps to no rule: every name stays inside, every broken stream ends in a sentence, and nothing is kept of it.

use hobnob_shared::codec::to_cbor;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Hash;
use hobnob_shared::message::{FolderOffer, ListedEntry, Listing, SkippedFile, Stream, StreamEnd, StreamSkipped};
use hobnob_tests::client::SOON;
use hobnob_tests::files::manifest;
use hobnob_tests::process::until;
use hobnob_tests::raw_friend::StreamFrame;
use hobnob_tests::story::House;
use serde_json::json;

use crate::bytes::run;
use crate::friend_port::{is_offered, mallory, names};

fn file(parent: Option<u32>, name: &str) -> ListedEntry {
    ListedEntry { parent, name: name.to_owned(), size: Some(1) }
}

fn folder(parent: Option<u32>, name: &str) -> ListedEntry {
    ListedEntry { parent, name: name.to_owned(), size: None }
}

/// A listing of files of one byte each, as bytes and as an offer of it; with what is in the files, and its hash.
fn offer_of(entries: Vec<ListedEntry>) -> (Vec<u8>, FolderOffer, Vec<u8>, Hash) {
    let files = entries.iter().filter(|entry| entry.size.is_some()).count();
    let listing = to_cbor(&Listing { entries }).unwrap();
    let hash = Hash(*blake3::hash(&listing).as_bytes());
    let offer = FolderOffer {
        files: u32::try_from(files).unwrap(),
        listing: hash,
        length: u32::try_from(listing.len()).unwrap(),
    };
    let bytes = vec![b'!'; files];
    let root = Hash(*blake3::hash(&bytes).as_bytes());
    (listing, offer, bytes, root)
}

fn end(root: Hash, size: usize) -> StreamFrame {
    StreamFrame::Control(Stream::End(StreamEnd { root, size: size as u64 }))
}

#[test]
fn names_in_a_folder_stay_inside_or_the_folder_is_refused() {
    let house = House::new();
    let mut alice = house.person("alice");
    std::fs::write(house.path("canary"), "untouched").unwrap();
    let before = std::fs::read_dir(&house.home).unwrap().count();
    let names = names();
    let (mut landed, mut refused) = (0, 0);
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        for (n, some) in names.chunks(4).enumerate() {
            // Each name once as a file, and once as a folder with a file in it.
            let mut entries = Vec::new();
            for name in some {
                let place = u32::try_from(entries.len()).unwrap();
                entries.extend([folder(None, name), file(Some(place), name), file(None, name)]);
            }
            let (listing, offer, bytes, root) = offer_of(entries);
            let transfer = link.offer_folder(&format!("folder {n}"), bytes.len() as u64, offer);
            assert!(is_offered(&mut alice, &mut link, transfer).await);
            let id = transfer.to_string();
            alice.done(json!({"command": "accept_file", "transfer": id}));
            let accept = link.accepted(transfer).await;
            let size = bytes.len();
            let frames = [StreamFrame::Listing(listing), StreamFrame::Group(0, root, bytes), end(root, size)];
            match mallory.serve_frames(&link, &accept, &frames).await {
                Some(Stream::Finished(finished)) => {
                    assert_eq!(finished.root, root);
                    let told = alice.expect(json!({"event": "file_finished", "transfer": id}));
                    assert_eq!(told["path"], json!(alice.start.downloads.join(format!("folder {n}"))));
                    let files = manifest(&alice.start.downloads.join(format!("folder {n}")));
                    assert_eq!(files.len(), 3 * some.len(), "{some:?} became {files:?}");
                    landed += some.len();
                }
                other => {
                    assert!(
                        matches!(&other, Some(Stream::Failed(failed)) if failed.code == WireCode::BadName),
                        "{some:?}: {other:?}"
                    );
                    alice.expect(json!({"event": "file_failed", "transfer": id}));
                    alice.done(json!({"command": "cancel_file", "transfer": id}));
                    refused += some.len();
                }
            }
        }
    });
    assert!(landed >= 100 && landed + refused == names.len(), "{landed} landed, {refused} were refused");
    assert_eq!(std::fs::read(house.path("canary")).unwrap(), b"untouched");
    assert_eq!(std::fs::read_dir(&house.home).unwrap().count(), before, "nothing beside the download folder");
}

#[test]
fn a_stream_that_breaks_a_folders_rules_ends_in_a_sentence_and_leaves_nothing() {
    let house = House::new();
    let mut alice = house.person("alice");
    let (listing, offer, bytes, root) = offer_of(vec![folder(None, "in"), file(Some(0), "a"), file(None, "b")]);
    let whole = || StreamFrame::Listing(listing.clone());
    let group = || StreamFrame::Group(0, root, bytes.clone());
    let skip = |entry| {
        let files = vec![SkippedFile { entry, code: WireCode::SourceGone }];
        StreamFrame::Control(Stream::Skipped(StreamSkipped { files }))
    };
    let mut other = listing.clone();
    other[4] ^= 1;
    let broken: Vec<(&str, Vec<StreamFrame>)> = vec![
        ("a group before the listing", vec![group()]),
        ("the end before the listing", vec![end(root, 2)]),
        ("another listing", vec![StreamFrame::Listing(other)]),
        ("a longer listing", vec![whole(), whole()]),
        ("an empty part", vec![StreamFrame::Listing(Vec::new())]),
        ("a listing after the end", vec![whole(), group(), end(root, 2), whole()]),
        ("a folder that is skipped", vec![whole(), group(), skip(0), end(root, 2)]),
        ("nothing that is skipped", vec![whole(), group(), skip(99), end(root, 2)]),
        ("skipped twice", vec![whole(), group(), skip(1), skip(1), end(root, 2)]),
        ("another root", vec![whole(), group(), end(Hash([7; 32]), 2)]),
        ("another size", vec![whole(), group(), end(root, 3)]),
        ("a group too many", vec![whole(), group(), StreamFrame::Group(1, root, bytes.clone()), end(root, 2)]),
    ];
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        for (what, frames) in broken {
            let transfer = link.offer_folder("broken", 2, offer);
            assert!(is_offered(&mut alice, &mut link, transfer).await, "{what}");
            let id = transfer.to_string();
            alice.done(json!({"command": "accept_file", "transfer": id}));
            let accept = link.accepted(transfer).await;
            let last = mallory.serve_frames(&link, &accept, &frames).await;
            if what == "a listing after the end" {
                // It had all that it needs: what comes behind is not its business.
                assert!(matches!(last, None | Some(Stream::Finished(_) | Stream::Failed(_))), "{what}: {last:?}");
                alice.wait(what, SOON, |event| {
                    event["transfer"] == id.as_str()
                        && (event["event"] == "file_finished" || event["event"] == "file_failed")
                });
                let _over_or_not = alice.ask(json!({"command": "cancel_file", "transfer": id}));
                continue;
            }
            assert!(matches!(last, None | Some(Stream::Failed(_))), "{what}: {last:?}");
            let told = alice.expect(json!({"event": "file_failed", "transfer": id}));
            assert!(told["text"].as_str().is_some_and(|text| text.len() > 20), "{what}: {told}");
            alice.done(json!({"command": "cancel_file", "transfer": id}));
        }
        assert!(link.stands().await, "chat goes on");
    });
    let partial = alice.start.profile.join("partial");
    until("nothing is kept of it", SOON, || std::fs::read_dir(&partial).unwrap().count() == 0);
    let found = manifest(&alice.start.downloads);
    assert!(found.keys().all(|path| path.starts_with("broken")), "{found:?}");
}
