//! What the samples of messages are made of: the same on every day. Used by `golden.rs`.

use hobnob_shared::id::{DeviceId, Fingerprint, Incarnation, MessageId, TransferId};
use hobnob_shared::identity::{Chain, IdentityStatement, ServerStatement, Statement};
use hobnob_shared::message::*;
use serde_bytes::ByteBuf;

pub fn chain() -> Chain {
    Chain { device: vec![1; 3], account: vec![2; 3] }
}

pub fn statement() -> Statement {
    Statement { body: vec![3; 3], chain: chain(), signature: vec![4; 64] }
}

pub fn status() -> OwnStatus {
    OwnStatus { presence: OwnPresence::Invisible, text: "tea".into() }
}

pub fn list() -> IdentityStatement {
    IdentityStatement { body: vec![5; 3], signature: vec![6; 64] }
}

pub fn record() -> ServerStatement {
    ServerStatement { body: vec![16; 3], key: [17; 32], signature: vec![18; 64] }
}

pub fn incarnation() -> Incarnation {
    Incarnation([19; 16])
}

pub fn room_member() -> RoomMember {
    RoomMember { record: record(), presence: Presence::Away, text: "tea".into() }
}

pub fn mark() -> Mark {
    Mark { device: DeviceId([9; 32]), number: 3 }
}

pub fn entry() -> Entry {
    let (at, text) = (1_790_000_000_000, "Xin chào".into());
    let meant_for = Some(Fingerprint([10; 32]));
    Entry { id: message(), number: 1, clock: at, sent_at: at, text, reply_to: None, meant_for, act: None }
}

/// Done to the message above.
pub fn act(what: What) -> Entry {
    let text = match what {
        What::Edit => "Xin chào!",
        What::React | What::Unreact => "👍",
        What::Delete | What::Other(_) => "",
    };
    Entry { number: 2, text: text.into(), act: Some(Act { of: message(), what }), ..entry() }
}

pub fn id<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub fn message() -> MessageId {
    id("0190f7a0-0000-7000-8000-000000000001")
}

pub fn transfer() -> TransferId {
    id("0190f7a0-0000-7000-8000-000000000002")
}

pub fn bytes() -> ByteBuf {
    ByteBuf::from(vec![7; 3])
}

pub fn about() -> AboutUser {
    AboutUser { seq: 7, user: id("bob") }
}

pub fn friendship() -> Box<Friendship> {
    Box::new(Friendship {
        seq: Some(7),
        user: id("bob"),
        request: statement(),
        acceptance: statement(),
        device_list: list(),
        presence: Presence::Busy,
        text: "in the library".into(),
    })
}
