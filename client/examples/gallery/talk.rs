//! What the made-up people of the gallery are and say: friends, their messages, their files.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use hobnob_client::core::event::{
    Direction, FriendInfo, LinkPath, MessageInfo, MessageState, TransferInfo, TransferState,
};
use hobnob_shared::id::{ConversationId, DeviceId, Handle, Hash, MessageId, TransferId};
use hobnob_shared::message::Presence;

use crate::play::{LONG, Play, direct, handle};
use crate::scenes::Content;
use crate::{acts, photos};

impl Play {
    pub fn friends(&self) -> Vec<FriendInfo> {
        let friend = |user: &str, presence, status: &str, link| FriendInfo {
            user: handle(user),
            presence,
            status_text: status.to_owned(),
            verified: user == "bob",
            link,
            avatar: None,
        };
        match self.content {
            Content::Empty | Content::RoomsOnly => vec![],
            Content::Crowd => (0..1_000)
                .map(|n: u32| {
                    let presence =
                        [Presence::Available, Presence::Away, Presence::Offline, Presence::Busy][n as usize % 4];
                    friend(
                        &format!("friend-{n:04}"),
                        presence,
                        if n.is_multiple_of(3) { "in the library" } else { "" },
                        LinkPath::None,
                    )
                })
                .collect(),
            _ => vec![
                friend("bob", Presence::Available, "Sending the lab data", LinkPath::Direct),
                friend("carol", Presence::Away, "in the library until 5", LinkPath::Relayed),
                friend("duong.nguyen", Presence::Available, "", LinkPath::Direct),
                friend(
                    "erik-the-unreasonably-long-name",
                    Presence::Busy,
                    "a status text that is longer than the sidebar",
                    LinkPath::None,
                ),
                friend("frieda", Presence::Offline, "", LinkPath::None),
                friend("gil", Presence::Unknown, "", LinkPath::None),
            ],
        }
    }

    pub fn message(
        &self,
        conversation: &ConversationId,
        from: &str,
        ago: u64,
        text: &str,
        state: MessageState,
    ) -> MessageInfo {
        MessageInfo {
            conversation: conversation.clone(),
            message: MessageId::new(),
            from: handle(from),
            text: text.to_owned(),
            sent_at: self.now - ago * 60_000,
            reply_to: None,
            state,
            clock: self.now - ago * 60_000,
            device: DeviceId([0; 32]),
            number: 0,
            edited: false,
            deleted: false,
            reactions: Vec::new(),
        }
    }

    pub fn messages(&self, conversation: &ConversationId, limit: u32, newest: bool) -> Vec<MessageInfo> {
        let say = |from, ago, text: &str, state| self.message(conversation, from, ago, text, state);
        let (read, theirs) = (MessageState::Read, MessageState::Read);
        match self.content {
            Content::Long => {
                let end = if newest { LONG } else { self.oldest.load(Ordering::Relaxed) };
                let start = end.saturating_sub(limit);
                self.oldest.store(start, Ordering::Relaxed);
                let line = |n: u32| {
                    let from = if (n / 3).is_multiple_of(2) { "bob" } else { "alice" };
                    let text = format!("Message {n}. {}", "Some words. ".repeat(n as usize % 9));
                    say(from, u64::from(LONG - n), &text, read)
                };
                (start..end).map(line).collect()
            }
            Content::Hostile => vec![
                say("bob", 9, "<span size='99999'>big</span> <a href=\"file:///etc\">link</a> &amp; &lt;", theirs),
                say("bob", 9, "photo\u{202E}gpj.exe and \u{0}\u{1b}[31m control", theirs),
                say("bob", 9, &format!("Z{}algo", "\u{0335}\u{0334}".repeat(300)), theirs),
                say("bob", 9, &"verylongword".repeat(60), theirs),
                say("alice", 8, &"😀".repeat(200), read),
                say("alice", 7, "مرحبا بالعالم, שלום עולם, chào Dương, 日本語", MessageState::Queued),
                say("bob", 6, &"line\n".repeat(3_000), theirs),
            ],
            Content::Comforts if conversation.friend().map(Handle::as_str) == Some("bob") => vec![
                say("alice", 50, &format!("Lab notes:\n{}", "one more line of them\n".repeat(60)), read),
                say("alice", 40, "The paper is at https://example.org/papers/2026/(final).pdf, if you need it.", read),
                say("bob", 12, &format!("Thanks. And look at this, <b>quickly</b>: {}", crate::scenes::LINK), theirs),
                say("bob", 2, "Are you there? javascript://example.org is no link.", theirs),
            ],
            Content::Acts => acts::messages(self, conversation),
            _ if conversation.friend().map(Handle::as_str) == Some("bob") => vec![
                say("alice", 1_500, "See you tomorrow.", read),
                say("bob", 40, "Morning! Did you get the lab data off the old machine?", theirs),
                say("bob", 39, "It is about 3 GB, I can also bring a stick.", theirs),
                say("alice", 38, "No need, send it here. We are on the same network anyway.", read),
                say("bob", 12, "While that runs: the room for tonight is #tea, everybody is invited.", theirs),
                say("alice", 11, "See you there. I will be a bit late.", MessageState::Delivered),
                say("alice", 1, "And I bring cake.", MessageState::Queued),
            ],
            _ if conversation.friend().map(Handle::as_str) == Some("frieda") => vec![],
            _ => vec![
                say("carol", 100, "Have you seen my umbrella?", theirs),
                say("alice", 90, "It is in the lab.", read),
            ],
        }
    }

    pub fn transfers(&self) -> Vec<TransferInfo> {
        let file = |name: &str, state, direction, ago: u64, done: u64, size: u64| TransferInfo {
            transfer: TransferId::new(),
            by: None,
            conversation: direct("bob"),
            from: handle(if direction == Direction::Incoming { "bob" } else { "alice" }),
            direction,
            name: name.trim_end_matches('/').to_owned(),
            size,
            files: name.ends_with('/').then_some(240),
            done,
            state,
            path: Some(PathBuf::from("/tmp/x")),
            blake3: None,
            text: (state == TransferState::Failed).then(|| "The disk is full: make room and try again.".to_owned()),
            sent_at: self.now - ago * 60_000,
        };
        let (incoming, outgoing) = (Direction::Incoming, Direction::Outgoing);
        match self.content {
            Content::Day | Content::Away | Content::Alarm => vec![
                file("measurements-2026.tar", TransferState::Running, incoming, 30, 1_900_000_000, 3_100_000_000),
                file("notes <draft> & todo.md", TransferState::Finished, incoming, 29, 18_400, 18_400),
            ],
            Content::Files => vec![
                file(
                    "an offer with a name that is much too long for any card in a timeline.tar.gz",
                    TransferState::Offered,
                    incoming,
                    30,
                    0,
                    3_100_000_000,
                ),
                file("mine, offered.pdf", TransferState::Offered, outgoing, 29, 0, 4_200_000),
                file("thesis figures/", TransferState::Finished, incoming, 28, 48_000_000, 48_000_000),
                file("accepted.pdf", TransferState::Accepted, incoming, 28, 0, 4_200_000),
                file("paused.iso", TransferState::Paused, outgoing, 27, 1_000_000_000, 4_200_000_000),
                file("declined.txt", TransferState::Declined, outgoing, 26, 0, 12),
                file("failed.txt", TransferState::Failed, incoming, 25, 4, 12_000),
                file("sent.txt", TransferState::Finished, outgoing, 24, 4, 12_000),
                file("photo\u{202E}gpj.exe", TransferState::Finished, incoming, 23, 4, 12_000),
            ],
            Content::Pictures => photos::all()
                .into_iter()
                .map(|photo| {
                    let direction = if photo.own { outgoing } else { incoming };
                    let bytes = std::fs::read(&photo.path).unwrap_or_default();
                    let (size, content) = (bytes.len() as u64, Hash(*blake3::hash(&bytes).as_bytes()));
                    let known = file(photo.name, TransferState::Finished, direction, photo.ago, size, size);
                    TransferInfo { path: Some(photo.path), blake3: Some(content), ..known }
                })
                .collect(),
            _ => vec![],
        }
    }
}
