//! A conversation whose messages were answered, changed, taken back and reacted to.

use hobnob_client::core::event::{MessageInfo, MessageState, Reaction};
use hobnob_shared::id::{ConversationId, MessageId};

use crate::play::{Play, handle};

/// The message that steps are about, as its actions name it: mine, with everything.
pub const MINE: &str = "00000000-0000-0000-0000-000000000005@alice";
/// Bob's.
pub const BOBS: &str = "00000000-0000-0000-0000-000000000002@bob";

fn id(n: u128) -> MessageId {
    MessageId(uuid::Uuid::from_u128(n))
}

/// What was said; in a room by more people.
pub fn messages(play: &Play, conversation: &ConversationId) -> Vec<MessageInfo> {
    let say = |n: u128, from: &str, ago, text: &str| MessageInfo {
        message: id(n),
        ..play.message(conversation, from, ago, text, MessageState::Read)
    };
    let set = |emoji: &str, by: &[&str]| Reaction {
        emoji: emoji.to_owned(),
        by: by.iter().map(|user| handle(user)).collect(),
    };
    let people: &[&str] =
        if conversation.friend().is_some() { &["bob"] } else { &["bob", "carol", "minh.tran", "frieda"] };
    let both = || [people, &["alice"][..]].concat();
    vec![
        say(1, "alice", 55, "Who brings what on Friday?"),
        MessageInfo {
            reactions: vec![set("🎉", &both()), set("❤️", people)],
            ..say(2, "bob", 50, "I can bring a cake and two packs of ginger biscuits. Does anybody have a projector?")
        },
        MessageInfo { deleted: true, ..say(3, "bob", 49, "") },
        MessageInfo {
            reply_to: Some(id(1)),
            ..say(4, "bob", 30, "And <b>cups</b>: the ones in the lab are all broken since Tuesday.")
        },
        MessageInfo {
            reply_to: Some(id(2)),
            edited: true,
            reactions: ["👍", "😂", "😮", "🔥", "👀", "🙏", "a word"].map(|emoji| set(emoji, people)).into(),
            ..say(5, "alice", 20, "Yes, mine. I take it along on Friday, not on Thursday.")
        },
        MessageInfo { reply_to: Some(id(99)), ..say(6, "bob", 12, "This answers something from long ago.") },
        MessageInfo { deleted: true, ..say(7, "alice", 9, "") },
        MessageInfo { reactions: vec![set("👍", &["alice"])], ..say(8, "bob", 3, "Perfect.") },
    ]
}
