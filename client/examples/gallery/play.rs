//! The made-up core of the gallery: answers commands from a script, so that the window cannot tell it from the real one.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hobnob_client::bridge::Backend;
use hobnob_client::core::Sink;
use hobnob_client::core::command::{Command, Request};
use hobnob_client::core::event::{
    Answer, ConversationInfo, DeviceInfo, Event, FileRule, LinkPath, Notify, Rates, ServerState,
};
use hobnob_shared::id::{ConversationId, DeviceId, Handle, MessageId, TransferId};
use hobnob_shared::message::OwnPresence;

use crate::scenes::Content;
use crate::timeline::Store;
use crate::{burst, faces, find, rooms};

/// Messages in the long conversation.
pub const LONG: u32 = 10_000;

/// The script.
pub struct Play {
    pub content: Content,
    sink: Arc<Mutex<Sink>>,
    /// Milliseconds since 1970, at the beginning.
    pub now: u64,
    bursting: AtomicBool,
    /// A real history, where pages are read from one.
    store: Option<Store>,
}

/// A handle of the script.
pub fn handle(text: &str) -> Handle {
    text.parse().unwrap_or_else(|_| panic!("{text} is no handle"))
}

/// A conversation of the script.
pub fn direct(text: &str) -> ConversationId {
    ConversationId::Direct(handle(text))
}

fn conversation(with: &str, unread: u32) -> ConversationInfo {
    ConversationInfo { conversation: direct(with), unread, mentions: 0, newest: None, notify: Notify::All }
}

fn tell(sink: &Mutex<Sink>, event: Event) {
    (sink.lock().unwrap_or_else(PoisonError::into_inner))(event);
}

impl Play {
    /// Begins with what the core says by itself.
    pub fn start(content: Content, sink: Sink) -> Self {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs() * 1000);
        let sink = Arc::new(Mutex::new(sink));
        let told = sink.clone();
        let store = (content == Content::Stored).then(|| Store::open(move |event| tell(&told, event)));
        let play = Self { content, store, sink, now, bursting: AtomicBool::new(false) };
        let has_account = content != Content::New;
        play.tell(Event::Ready {
            version: "0.1.0".into(),
            profile: PathBuf::new(),
            listening: vec![],
            user: has_account.then(|| handle("alice")),
            server: Some("192.0.2.7:7666".into()),
            downloads: PathBuf::from("/tmp"),
            signed_in: has_account && content != Content::Known,
            device_removed: false,
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
        tell(&self.sink, event);
    }

    /// Everything of a burst, from a thread of its own, once.
    fn burst(&self, kind: burst::Kind) {
        if !self.bursting.swap(true, Ordering::Relaxed) {
            let (sink, events) = (self.sink.clone(), burst::events(self, kind));
            std::thread::spawn(move || {
                std::thread::sleep(burst::BEFORE);
                for event in events {
                    tell(&sink, event);
                }
            });
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
                conversations: vec![conversation("carol", 3), conversation("duong.nguyen", 1_200)]
                    .into_iter()
                    .chain((self.content == Content::Comforts).then(|| conversation("bob", 2)))
                    .chain(rooms::conversations(self))
                    .collect(),
            },
            Command::Avatars => Answer::Avatars { avatars: faces::all(self.content) },
            Command::Rooms => Answer::Rooms { rooms: rooms::list(self.content) },
            Command::Devices { .. } => Answer::Devices { devices: devices() },
            Command::History { conversation: ConversationId::Room(room), .. } => {
                let (messages, earlier, later, found) = (rooms::messages(self, room), false, false, None);
                Answer::Messages { messages, earlier, later, found }
            }
            Command::History { conversation, limit, before, after, around, at, .. } => {
                self.page(conversation, *limit, (*before, *after, *around, *at))
            }
            Command::Days { starts, .. } => {
                let was = |day: &[u64]| day[0] <= self.now && (day[0] / 86_400_000) % 3 != 1;
                Answer::Days { days: starts.windows(2).map(was).collect() }
            }
            Command::Erase { .. } => Answer::Erased { erased: 3, kept: 0 },
            Command::Export { path, .. } => Answer::Exported { exported: 1_204, path: path.clone() },
            Command::Search { text, before, .. } => find::answer(self, text, before.is_none()),
            Command::Transfers => Answer::Transfers { transfers: self.transfers() },
            Command::SafetyNumber { .. } => {
                let (digits, key) = ("3141592653".repeat(6), "0f".repeat(32));
                let code = format!("hobnob-safety:1:alice:{key}:bob:{key}");
                Answer::SafetyNumber { safety_number: digits, code, verified: false }
            }
            Command::Invite => {
                Answer::Invite { invite: format!("hobnob:alice?k={}&s=192.0.2.7:7666", "0f".repeat(32)) }
            }
            Command::LastSeen => Answer::LastSeen { last_seen: true },
            Command::Send { .. } => Answer::Sent {
                message: MessageId::new(),
                sent_at: self.now,
                clock: self.now,
                device: DeviceId([0; 32]),
                number: 0,
            },
            Command::FileRule { .. } => Answer::FileRule(FileRule::UpTo { size: 10_000_000 }),
            Command::Receipts => Answer::Receipts { receipts: true },
            Command::Rates => Answer::Rates(Rates { up: NonZeroU64::new(1_000_000), down: None }),
            Command::SendFile { .. } => {
                Answer::Transfer { transfer: TransferId::new(), size: 0, files: None, left_out: 0 }
            }
            Command::SignUp { .. }
            | Command::Verify { code: Some(_), .. }
            | Command::SignIn { .. }
            | Command::JoinRoom { .. }
            | Command::RemoveDevice { .. }
            | Command::ChangePassword { .. } => return None,
            _ => Answer::Nothing {},
        })
    }

    /// What happens after a list was asked for.
    fn go_on(&self, command: &Command) {
        let alarm = "The key of bob is another one than before. Perhaps bob has lost the old one; perhaps somebody is in between. Nothing is sent until you decide.";
        if matches!(command, Command::Rooms) {
            for event in rooms::events(self) {
                self.tell(event);
            }
        }
        match (command, self.content) {
            (Command::History { .. }, Content::Burst(kind)) => self.burst(kind),
            (Command::Friends, Content::Away) => self.tell(Event::Server {
                state: ServerState::Offline,
                text: "The server cannot be reached. Open conversations go on without it; it is tried again by itself."
                    .into(),
            }),
            (Command::Friends, Content::Alarm) => {
                self.tell(Event::Alarm { code: "key_changed".into(), user: Some(handle("bob")), text: alarm.into() });
            }
            (Command::Friends, Content::Comforts) => {
                for user in ["carol", "bob"] {
                    self.tell(Event::Typing { conversation: direct(user), from: handle(user), active: true });
                }
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
        if let (Some(store), Command::History { .. }) = (&self.store, &request.command) {
            return store.read(request);
        }
        let id = request.id;
        if let Some(answer) = self.answer(&request.command) {
            let page = if let Answer::Messages { messages, .. } = &answer { messages.clone() } else { vec![] };
            self.tell(Event::Done { id, answer });
            if self.content == Content::Rooms {
                for event in rooms::states(&page) {
                    self.tell(event);
                }
            }
        } else {
            let (code, text) = refusal(&request.command);
            self.tell(Event::Failed { id, code: code.into(), text: text.into() });
        }
        self.go_on(&request.command);
    }

    fn join(self: Box<Self>) {}
}

fn devices() -> Vec<DeviceInfo> {
    let device = |beginning: [u8; 4], this| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&beginning);
        DeviceInfo { device: DeviceId(id), this }
    };
    vec![
        device([0x3f, 0xf9, 0x65, 0xb9], true),
        device([0xc4, 0x26, 0x9e, 0x5c], false),
        device([0x81, 0x0c, 0xdb, 0x87], false),
    ]
}

fn refusal(command: &Command) -> (&'static str, &'static str) {
    match command {
        Command::JoinRoom { password: None, .. } => {
            ("password_needed", "This room takes a password. Ask one of its members.")
        }
        Command::Verify { .. } => {
            ("code_differs", "NOT equal. Somebody may be between you and bob: write nothing secret until you know why.")
        }
        Command::JoinRoom { .. } => ("wrong_password", "This is not the password of the room."),
        Command::RemoveDevice { .. } | Command::ChangePassword { .. } => {
            ("wrong_password", "The password is wrong. Nothing was changed.")
        }
        _ => ("taken", "This username is taken. Choose another one, or sign in with its password."),
    }
}
