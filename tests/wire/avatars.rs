//! A friend who keeps to no rule about pictures: false ones, too large ones, ones that nobody asked for, and floods of each.

use std::path::PathBuf;

use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::Hash;
use hobnob_shared::limits;
use hobnob_shared::message::{Avatar, AvatarData, Peer, WantAvatar};
use hobnob_tests::client::{Client, SOON};
use hobnob_tests::files::picture;
use hobnob_tests::process::until;
use hobnob_tests::raw_friend::RawLink;
use hobnob_tests::story::{House, say, text_of};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};

use crate::bytes::run;
use crate::friend_port::mallory;

fn hash(bytes: &[u8]) -> Hash {
    Hash(*blake3::hash(bytes).as_bytes())
}

fn claim(bytes: &[u8], chosen_at: u64) -> Peer {
    Peer::Avatar(Avatar { hash: Some(hash(bytes)), chosen_at })
}

fn data(name: &[u8], bytes: &[u8]) -> Peer {
    Peer::AvatarData(AvatarData { hash: hash(name), bytes: ByteBuf::from(bytes) })
}

/// Which pictures were asked for among these frames.
fn asked(heard: &[Peer]) -> Vec<Hash> {
    heard.iter().filter_map(|frame| if let Peer::WantAvatar(want) = frame { Some(want.hash) } else { None }).collect()
}

async fn is_asked(link: &mut RawLink, bytes: &[u8]) {
    let hash = hash(bytes);
    let asks = |frame| matches!(frame, Peer::WantAvatar(want) if want.hash == hash).then_some(());
    link.until("a wish for the picture", asks).await;
}

fn refused(client: &mut Client, why: &str) -> u64 {
    client.done(json!({"command": "status"}))["refused"][why].as_u64().unwrap_or_default()
}

fn kept(client: &Client) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(client.start.profile.join("avatars")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[test]
fn only_what_was_asked_for_and_is_what_its_name_says_is_kept() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        // Never asked for.
        link.say(&data(b"surprise", b"surprise"));
        link.settle().await;
        assert_eq!(refused(&mut alice, "avatar_unasked"), 1);
        // Another one than it is called, and one that is too long.
        link.say(&claim(b"named", 1));
        is_asked(&mut link, b"named").await;
        link.say(&data(b"named", b"another"));
        let long = vec![7; limits::AVATAR + 1];
        link.say(&claim(&long, 2));
        is_asked(&mut link, &long).await;
        link.say(&data(&long, &long));
        link.settle().await;
        until("both are refused", SOON, || refused(&mut alice, "avatar_false") == 2);
        assert!(kept(&alice).is_empty(), "{:?}", kept(&alice));
        // Of no time that can be.
        link.say(&claim(b"beyond", u64::MAX));
        link.say(&claim(b"never", 0));
        assert_eq!(asked(&link.settle().await), []);
        // The longest that may be; what it shows is none of the core's business.
        let longest = vec![8; limits::AVATAR];
        link.say(&claim(&longest, 3));
        is_asked(&mut link, &longest).await;
        link.say(&data(&longest, &longest));
        link.settle().await;
        alice.expect(json!({"event": "avatar", "user": "mallory", "hash": hash(&longest).to_string()}));
        // It came once; again is too often.
        link.say(&data(&longest, &longest));
        link.settle().await;
        assert_eq!(refused(&mut alice, "avatar_unasked"), 2);
    });
    assert_eq!(kept(&alice).len(), 1);
    assert_eq!(alice.all(&json!({"event": "avatar"})).len(), 1);
    say(&mut alice, &mut bob, "as if nothing had happened");
}

#[test]
fn floods_are_not_answered() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.link().await;
        // Ten thousand pictures, one after the other.
        let mut heard = Vec::new();
        for round in 0..100_u64 {
            for n in 1..=100 {
                let at = round * 100 + n;
                link.say(&claim(&at.to_be_bytes(), at));
                link.say(&data(&at.to_be_bytes(), &at.to_be_bytes()));
            }
            heard.extend(link.settle().await);
        }
        let asks = asked(&heard).len();
        assert!((1..=5).contains(&asks), "asked {asks} times");
        assert!(kept(&alice).len() <= 1, "{:?}", kept(&alice));

        // My own picture is given a few times, and nothing else ever.
        let path = picture(&house.path("mine.bmp"), 10);
        let mine: Hash = text_of(&alice.done(json!({"command": "set_avatar", "path": path}))["hash"]).parse().unwrap();
        let says = |frame| if let Peer::Avatar(avatar) = frame { Some(avatar) } else { None };
        assert_eq!(link.until("my picture's name", says).await.hash, Some(mine));
        link.say(&Peer::WantAvatar(WantAvatar { hash: hash(b"another") }));
        let brings = |frame| if let Peer::AvatarData(data) = frame { Some(data) } else { None };
        let nothing = link.until("an answer", brings).await;
        assert_eq!((nothing.hash, nothing.bytes.len()), (hash(b"another"), 0));
        for _ in 0..1_000 {
            link.say(&Peer::WantAvatar(WantAvatar { hash: mine }));
        }
        let heard = link.settle().await;
        let given: Vec<_> = heard.into_iter().filter_map(brings).collect();
        assert!((1..=4).contains(&given.len()), "given {} times", given.len());
        for data in given {
            assert_eq!(hash(&data.bytes), mine);
            assert!(data.bytes.starts_with(b"\x89PNG") || data.bytes.starts_with(b"\xff\xd8"));
        }
    });
    say(&mut alice, &mut bob, "quite a flood");
}

#[test]
fn who_knows_no_pictures_hears_of_none() {
    let house = House::new();
    let mut alice = house.person("alice");
    let path = picture(&house.path("mine.bmp"), 10);
    alice.done(json!({"command": "set_avatar", "path": path}));
    run(async {
        let mut mallory = mallory(&house, &mut alice).await;
        let mut link = mallory.dial().await;
        let Peer::Hello(mut hello) = mallory.hello() else { unreachable!() };
        let known: Abilities = serde_json::from_value::<Abilities>(json!(["replica", "presence"])).unwrap();
        hello.abilities = known;
        link.say(&Peer::Hello(hello));
        link.until("a hello", |frame| matches!(frame, Peer::Hello(_)).then_some(())).await;
        link.select_as(&mallory).await;
        // Whatever it says of its own, and asks for.
        link.say(&claim(b"mine", 1));
        link.say(&Peer::WantAvatar(WantAvatar { hash: hash(b"mine") }));
        let heard = link.settle().await;
        let about =
            heard.iter().any(|frame| matches!(frame, Peer::Avatar(_) | Peer::WantAvatar(_) | Peer::AvatarData(_)));
        assert!(!about, "{heard:?}");
    });
    assert_eq!(alice.done(json!({"command": "avatars"}))["avatars"].as_array().map(Vec::len), Some(1));
    assert_ne!(alice.done(json!({"command": "avatars"}))["avatars"][0]["user"], Value::from("mallory"));
}
