//! The made-up core of the gallery: answers commands from a script, so that the window cannot tell it from the real one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use hobnob_client::bridge::Backend;
use hobnob_client::core::Sink;
use hobnob_client::core::command::{Command, Request};
use hobnob_client::core::event::{
    Answer, ConversationInfo, Direction, Event, FriendInfo, LinkPath, MessageInfo, MessageState, ServerState,
    TransferInfo, TransferState,
};
use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, TransferId};
use hobnob_shared::message::{OwnPresence, Presence};

use crate::scenes::Content;

/// Messages in the long conversation.
const LONG: u32 = 10_000;

/// The script.
pub struct Play {
    content: Content,
    sink: Mutex<Sink>,
    /// Number of the oldest message of the long conversation that was handed out.
    oldest: AtomicU32,
    /// Milliseconds since 1970, at the beginning.
    now: u64,
}

fn handle(text: &str) -> Handle {
    text.parse().unwrap_or_else(|_| panic!("{text} is no handle"))
}

fn direct(text: &str) -> ConversationId {
    ConversationId::Direct(handle(text))
}

impl Play {
    /// Begins with what the core says by itself.
    pub fn start(content: Content, sink: Sink) -> Self {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs() * 1000);
        let play = Self { content, sink: Mutex::new(sink), oldest: AtomicU32::new(LONG), now };
        let has_account = content != Content::New;
        play.tell(Event::Ready {
            version: "0.1.0".into(),
            profile: PathBuf::new(),
            listening: vec![],
            user: has_account.then(|| handle("alice")),
            server: Some("192.0.2.7:7666".into()),
            downloads: PathBuf::from("/tmp"),
            signed_in: has_account && content != Content::Known,
        });
        match content {
            Content::New | Content::Known | Content::Broken => {}
            Content::Stopped => play.tell(Event::Alarm {
                code: "server_key_changed".into(),
                user: None,
                text: "The server shows another key than before. Somebody may be in between, so nothing was sent. Ask who runs the \
                       server whether its key was really changed before you go on."
                    .into(),
            }),
            _ => {
                play.tell(Event::SignedIn { user: handle("alice"), presence: OwnPresence::Available, text: String::new() });
                play.tell(Event::Server { state: ServerState::Online, text: String::new() });
            }
        }
        play
    }

    fn tell(&self, event: Event) {
        (self.sink.lock().unwrap_or_else(PoisonError::into_inner))(event);
    }

    fn friends(&self) -> Vec<FriendInfo> {
        let friend = |user: &str, presence, status: &str, link| FriendInfo {
            user: handle(user),
            presence,
            status_text: status.to_owned(),
            verified: user == "bob",
            link,
        };
        match self.content {
            Content::Empty => vec![],
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

    fn message(
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
        }
    }

    fn messages(&self, conversation: &ConversationId, limit: u32, newest: bool) -> Vec<MessageInfo> {
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

    fn transfers(&self) -> Vec<TransferInfo> {
        let file = |name: &str, state, direction, ago: u64, done: u64, size: u64| TransferInfo {
            transfer: TransferId::new(),
            conversation: direct("bob"),
            from: handle(if direction == Direction::Incoming { "bob" } else { "alice" }),
            direction,
            name: name.to_owned(),
            size,
            done,
            state,
            path: Some(PathBuf::from("/tmp/x")),
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
                file("accepted.pdf", TransferState::Accepted, incoming, 28, 0, 4_200_000),
                file("paused.iso", TransferState::Paused, outgoing, 27, 1_000_000_000, 4_200_000_000),
                file("declined.txt", TransferState::Declined, outgoing, 26, 0, 12),
                file("failed.txt", TransferState::Failed, incoming, 25, 4, 12_000),
                file("sent.txt", TransferState::Finished, outgoing, 24, 4, 12_000),
                file("photo\u{202E}gpj.exe", TransferState::Finished, incoming, 23, 4, 12_000),
            ],
            _ => vec![],
        }
    }

    fn answer(&self, command: &Command) -> Option<Answer> {
        Some(match command {
            Command::Friends => Answer::Friends {
                friends: self.friends(),
                requests: if matches!(self.content, Content::Day | Content::Crowd) {
                    vec![handle("henry")]
                } else {
                    vec![]
                },
            },
            Command::Conversations => Answer::Conversations {
                conversations: vec![
                    ConversationInfo { conversation: direct("carol"), unread: 3, newest: None },
                    ConversationInfo { conversation: direct("duong.nguyen"), unread: 1_200, newest: None },
                ],
            },
            Command::History { conversation, limit, before } => {
                Answer::Messages { messages: self.messages(conversation, *limit, before.is_none()) }
            }
            Command::Transfers => Answer::Transfers { transfers: self.transfers() },
            Command::SafetyNumber { .. } => {
                Answer::SafetyNumber { safety_number: "3141592653".repeat(6), verified: false }
            }
            Command::Send { .. } => Answer::Sent {
                message: MessageId::new(),
                sent_at: self.now,
                clock: self.now,
                device: DeviceId([0; 32]),
                number: 0,
            },
            Command::SendFile { .. } => Answer::Transfer { transfer: TransferId::new() },
            Command::SignUp { .. } | Command::SignIn { .. } => return None,
            _ => Answer::Nothing {},
        })
    }

    /// What happens after a list was asked for.
    fn go_on(&self, command: &Command) {
        let alarm = "The key of bob is another one than before. Perhaps bob has lost the old one; perhaps somebody is in between. Nothing is sent until you decide.";
        match (command, self.content) {
            (Command::Friends, Content::Away) => self.tell(Event::Server {
                state: ServerState::Offline,
                text: "The server cannot be reached. Open conversations go on without it; it is tried again by itself."
                    .into(),
            }),
            (Command::Friends, Content::Alarm) => {
                self.tell(Event::Alarm { code: "key_changed".into(), user: Some(handle("bob")), text: alarm.into() });
            }
            (Command::Friends, Content::Day) => {
                self.tell(Event::Link {
                    user: handle("bob"),
                    path: LinkPath::Direct,
                    address: "192.168.1.9:7000".into(),
                });
                self.tell(Event::Typing { conversation: direct("bob"), from: handle("bob"), active: true });
            }
            _ => {}
        }
    }
}

impl Backend for Play {
    fn send(&self, request: Request) {
        let id = request.id;
        match self.answer(&request.command) {
            Some(answer) => self.tell(Event::Done { id, answer }),
            None => self.tell(Event::Failed {
                id,
                code: "taken".into(),
                text: "This username is taken. Choose another one, or sign in with its password.".into(),
            }),
        }
        self.go_on(&request.command);
    }

    fn join(self: Box<Self>) {}
}
