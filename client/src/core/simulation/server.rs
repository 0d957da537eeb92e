//! The server as it is: the pure halves of its `Registry` and `Session`s, over a model of its store, and as much of a shell as carries their
//! effects out. A crash takes everything but the store.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use hobnob_server::config::Limits;
use hobnob_server::registry::Effect;
use hobnob_server::registry::{EnterRoom, Page, QuitRoom, Record, SessionId, SetPresence, State, Wish};
use hobnob_server::services::Doorkeeper;
use hobnob_server::session::{Answer, Effect as SessionEffect, Job, Note, State as SessionState};
use hobnob_server::store::{AccountId, Leaving, Relation, RoomKey};
use hobnob_shared::codec::{Decoded, from_cbor};
use hobnob_shared::id::{DeviceId, Handle, RoomId, Token};
use hobnob_shared::identity::VerifiedChain;
use hobnob_shared::message::{FromServer, Introduced, LeaveRoom, RoomLeave, Seq, ToServer};

use super::cast;
use super::slip::Slip;
use super::store::Store;

static LIMITS: LazyLock<Arc<Limits>> = LazyLock::new(|| Arc::new(Limits::default()));

/// What the server tells the wires to the devices.
pub(super) enum Mail {
    Frame(SessionId, Box<FromServer>),
    Close(SessionId),
}

/// Something that the store is asked.
enum Question {
    Session(SessionId, Job),
    Leave(SessionId, Seq, Leaving),
    Circle { session: SessionId, account: AccountId, version: u64 },
    Page { session: SessionId, account: AccountId, room: RoomKey, after: u64 },
    Relation { session: SessionId, seq: Seq, account: AccountId, user: Handle, wish: Wish },
}

/// What it answered, on its way back.
enum Reply {
    Session(SessionId, Answer),
    Left(SessionId, Seq, Answer),
    Circle(SessionId, u64, Box<hobnob_server::registry::Circle>),
    Page(SessionId, RoomKey, Option<Page>),
    /// With whether the two were related when the store was asked.
    Relation(SessionId, Seq, Handle, Wish, Relation, bool),
}

struct Desk {
    state: SessionState,
    device: usize,
    since: Instant,
    /// Does nothing else until the store has answered, and does not even notice that it is to end.
    asking: bool,
    ended: bool,
}

/// A relay token, and who waits with it.
pub(super) struct Grant {
    pub(super) between: [AccountId; 2],
    pub(super) waits: Option<(usize, Instant)>,
}

/// A token that was given out: who is to show it to whom, and when it was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Issued {
    pub(super) dialler: DeviceId,
    pub(super) listener: DeviceId,
}

/// See the module.
pub(super) struct Server {
    pub(super) up: bool,
    pub(super) now: Instant,
    registry: State,
    desks: BTreeMap<SessionId, Desk>,
    sessions: u64,
    pub(super) store: Store,
    questions: Vec<Question>,
    replies: Vec<Reply>,
    gather: Option<Instant>,
    pub(super) relay: BTreeMap<Token, Grant>,
    pub(super) mail: Vec<Mail>,
    tokens: u64,
    /// All tokens of introductions, ever.
    pub(super) issued: BTreeMap<Token, Issued>,
    /// Whoever asked for what is being carried out, and whether they may hear of whom they asked.
    asker: Option<(SessionId, bool)>,
    /// The store, as it was before a change that was answered too early.
    pub(super) slip: Option<Slip>,
    unsynced: Option<Store>,
    /// What must not happen.
    pub(super) wrong: Option<String>,
}

/// Nobody enrols and no room has a password here.
struct Doors;

impl Doorkeeper for Doors {
    fn guess(&self, _: &Handle, _: IpAddr, _: Instant) -> Result<(), Duration> {
        Ok(())
    }

    fn guessed(&self, _: &Handle, _: IpAddr) {}

    fn guess_room(&self, _: &RoomId, _: &Handle, _: IpAddr, _: Instant) -> Result<(), Duration> {
        Ok(())
    }

    fn guessed_room(&self, _: &RoomId, _: &Handle) {}

    fn sign_up(&self, _: IpAddr, _: Instant) -> Result<(), Duration> {
        Ok(())
    }

    fn setup(&self) -> &hobnob_shared::password::ServerSetup {
        panic!("nobody enrols")
    }
}

impl Server {
    pub(super) fn new(now: Instant, slip: Option<Slip>) -> Self {
        Self {
            up: true,
            now,
            registry: State::new(Arc::clone(&LIMITS)),
            desks: BTreeMap::new(),
            sessions: 0,
            store: Store::new(),
            questions: Vec::new(),
            replies: Vec::new(),
            gather: None,
            relay: BTreeMap::new(),
            mail: Vec::new(),
            tokens: 0,
            issued: BTreeMap::new(),
            asker: None,
            slip,
            unsynced: None,
            wrong: None,
        }
    }

    /// Killed: who was online is forgotten, what the store has written stays.
    pub(super) fn crash(&mut self) {
        self.up = false;
        self.registry = State::new(Arc::clone(&LIMITS));
        self.desks.clear();
        self.questions.clear();
        self.replies.clear();
        self.gather = None;
        self.relay.clear();
        self.mail.clear();
        if let Some(before) = self.unsynced.take() {
            self.store = before;
        }
    }

    /// A device connects; `None` when nobody is there.
    pub(super) fn accept(&mut self, device: usize, id: DeviceId) -> Option<SessionId> {
        if !self.up {
            return None;
        }
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let account = cast::key(cast::owner(&id));
        let verified = VerifiedChain { account, device: id, account_key: [0; 32], device_key: [0; 32] };
        let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
        let state = SessionState::device(session, peer, (cast::chain(&id), verified), &LIMITS, self.now);
        self.desks.insert(session, Desk { state, device, since: self.now, asking: false, ended: false });
        Some(session)
    }

    /// Whether a session takes a frame now.
    pub(super) fn reads(&self, session: SessionId) -> bool {
        self.desks.get(&session).is_none_or(|desk| !desk.asking)
    }

    /// A frame came from a device.
    pub(super) fn heard(&mut self, session: SessionId, frame: ToServer) {
        let now = self.now;
        let Some(desk) = self.desks.get_mut(&session) else { return };
        if let ToServer::LeaveRoom(leave) = &frame {
            // The signature is not checked here: certificates are real ones in other tests.
            let (seq, leaving) = leaving(desk.device, leave);
            desk.asking = true;
            self.questions.push(Question::Leave(session, seq, leaving));
            return;
        }
        let effects = desk.state.on_frame(Decoded::Known(frame), 64, &Doors, now);
        self.session_effects(session, effects);
    }

    /// A connection ended.
    pub(super) fn gone(&mut self, session: SessionId) {
        let Some(desk) = self.desks.get_mut(&session) else { return };
        desk.ended = true;
        if !desk.asking {
            self.desks.remove(&session);
            let effects = self.registry.leave(session);
            self.carry_out(effects);
        }
    }

    /// The store has answered a session; one that was to end meanwhile ends after this.
    fn heeds(&mut self, session: SessionId) -> bool {
        let Some(desk) = self.desks.get_mut(&session) else { return false };
        desk.asking = false;
        desk.ended
    }

    fn session_effects(&mut self, session: SessionId, effects: Vec<SessionEffect>) {
        for effect in effects {
            match effect {
                SessionEffect::Send(frame) => self.mail.push(Mail::Frame(session, frame)),
                SessionEffect::SendInTurn(frames) => {
                    self.mail.extend(frames.into_iter().map(|frame| Mail::Frame(session, Box::new(frame))));
                }
                SessionEffect::Ask(job) => {
                    if let Some(desk) = self.desks.get_mut(&session) {
                        desk.asking = true;
                    }
                    self.questions.push(Question::Session(session, job));
                }
                SessionEffect::Tell(note) => self.noted(session, note),
                SessionEffect::Close(_) => {
                    self.mail.push(Mail::Close(session));
                    self.gone(session);
                }
                SessionEffect::Admit | SessionEffect::Pause(_) | SessionEffect::Log(_) => {}
            }
        }
    }

    fn noted(&mut self, session: SessionId, note: Note) {
        let now = self.now;
        let effects = match note {
            Note::Arrive(arrival) => self.registry.arrive(arrival),
            Note::SetPresence { seq, presence, text } => {
                self.registry.set_presence(SetPresence { session, seq, presence, text })
            }
            Note::Introduce { seq, user } => {
                let may = self.user_of(session).is_some_and(|own| self.store.related(own, &user));
                self.asker = Some((session, may));
                let tokens = &mut self.tokens;
                self.registry.introduce(session, seq, user, now, || fresh(tokens))
            }
            Note::EnterRoom { seq, account, head, news } => {
                self.registry.enter_room(EnterRoom { session, seq, account, head: *head, news })
            }
            Note::QuitRoom { seq, head, record } => self.quit(QuitRoom { session, seq, head: *head, record }),
            _ => Vec::new(),
        };
        self.carry_out(effects);
        self.asker = None;
    }

    fn quit(&mut self, news: QuitRoom) -> Vec<Effect> {
        let quiet = self.slip == Some(Slip::QuietLeave);
        let mut effects = self.registry.quit_room(news);
        effects.retain(|effect| {
            !quiet || !matches!(effect, Effect::Tell(_, frame) if matches!(**frame, FromServer::RoomChanged(_)))
        });
        effects
    }

    fn user_of(&self, session: SessionId) -> Option<&'static Handle> {
        self.desks.get(&session).map(|desk| cast::owner(&DeviceId([u8::try_from(desk.device + 1).unwrap_or(0); 32])))
    }

    /// How many questions and answers are under way.
    pub(super) fn under_way(&self) -> (usize, usize) {
        (self.questions.len(), self.replies.len())
    }

    /// The store reads or writes; its answer is on its way.
    pub(super) fn ask_store(&mut self, at: usize) {
        let early = self.slip == Some(Slip::EarlyDone);
        let before = self.store.clone();
        let reply = match self.questions.remove(at) {
            Question::Session(session, job) => {
                if early && matches!(job, Job::Join(_)) {
                    self.unsynced.get_or_insert(before);
                }
                Reply::Session(session, self.store.answer(&job))
            }
            Question::Leave(session, seq, leaving) => {
                if early {
                    self.unsynced.get_or_insert(before);
                }
                Reply::Left(session, seq, self.store.answer(&Job::Leave(Box::new(leaving))))
            }
            Question::Circle { session, account, version } => {
                Reply::Circle(session, version, Box::new(self.store.circle(account)))
            }
            Question::Page { session, account, room, after } => {
                Reply::Page(session, room, self.store.page(account, after))
            }
            Question::Relation { session, seq, account, user, wish } => {
                let mut relation = self.store.relation(account, &user);
                let related = self.store.related(cast::person(account), &user);
                relation.room_mates |= self.slip == Some(Slip::Strangers);
                Reply::Relation(session, seq, user, wish, relation, related)
            }
        };
        self.replies.push(reply);
    }

    /// An answer of the store comes to whoever asked.
    pub(super) fn answered(&mut self, at: usize) {
        let now = self.now;
        let effects = match self.replies.remove(at) {
            Reply::Session(session, answer) => {
                let ended = self.heeds(session);
                let Some(desk) = self.desks.get_mut(&session) else { return };
                let effects = desk.state.on_answer(answer, &Doors);
                self.session_effects(session, effects);
                if ended {
                    self.gone(session);
                }
                return;
            }
            Reply::Left(session, seq, answer) => {
                let ended = self.heeds(session);
                let effects = if let Answer::Left(Some(change)) = answer {
                    let row = change.record;
                    let statement = from_cbor(&row.record).unwrap_or_else(|error| panic!("{error}"));
                    let record = Record { account: row.account, number: row.number, member: false, statement };
                    self.quit(QuitRoom { session, seq, head: change.head, record })
                } else {
                    let refused = hobnob_server::error::Refusal::NoMember.failed(Some(seq));
                    vec![Effect::Send(session, Box::new(refused))]
                };
                self.carry_out(effects);
                if ended {
                    self.gone(session);
                }
                return;
            }
            Reply::Circle(session, version, circle) => self.registry.loaded(session, version, Some(circle), 0),
            Reply::Page(session, room, page) => self.registry.room_page(session, room, Ok(page)),
            Reply::Relation(session, seq, user, wish, relation, related) => {
                let may = related || self.user_of(session).is_some_and(|own| self.store.related(own, &user));
                self.asker = Some((session, may));
                let tokens = &mut self.tokens;
                self.registry.explained((session, seq), (&user, wish), Some(relation), now, || fresh(tokens))
            }
        };
        self.carry_out(effects);
        self.asker = None;
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut queue: VecDeque<Effect> = effects.into();
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Send(session, frame) => {
                    if let FromServer::Introduced(introduced) = &*frame
                        && !self.introduces(session, introduced)
                    {
                        continue;
                    }
                    self.mail.push(Mail::Frame(session, frame));
                }
                Effect::Tell(to, frame) => {
                    self.mail.extend(to.into_iter().map(|session| Mail::Frame(session, frame.clone())));
                }
                Effect::End(session, frame) => {
                    self.mail.extend([Mail::Frame(session, frame), Mail::Close(session)]);
                    match self.desks.get_mut(&session) {
                        Some(desk) if desk.asking => desk.ended = true,
                        _ => drop(self.desks.remove(&session)),
                    }
                    queue.extend(self.registry.leave(session));
                }
                Effect::Load { session, account, version, .. } => {
                    self.questions.push(Question::Circle { session, account, version });
                }
                Effect::LoadRoom { session, account, room, after } => {
                    self.questions.push(Question::Page { session, account, room, after });
                }
                Effect::Explain { session, seq, account, user, wish } => {
                    self.questions.push(Question::Relation { session, seq, account, user, wish });
                }
                Effect::NextPage(session) => queue.extend(self.registry.page(session)),
                Effect::Grant { token, between } => {
                    self.relay.insert(token, Grant { between, waits: None });
                }
                Effect::Gather => {
                    let within = Duration::from_millis(LIMITS.presence_gather_ms);
                    self.gather.get_or_insert(self.now + within);
                }
                Effect::Refresh(..) | Effect::NoteSeen(..) => {}
            }
        }
    }

    /// Notes an introduction; false if it is not to be sent.
    fn introduces(&mut self, to: SessionId, introduced: &Introduced) -> bool {
        let Some(device) = self.desks.get(&to).map(|desk| desk.device) else { return false };
        let own = DeviceId([u8::try_from(device + 1).unwrap_or(0); 32]);
        let (asker, may) = self.asker.unwrap_or((to, false));
        if !may {
            let other = introduced.device.0[0];
            self.wrong.get_or_insert(format!("{} was introduced to {other}, with whom it shares nothing", own.0[0]));
        }
        let (mine, theirs) = (own, introduced.device);
        self.issued.insert(introduced.dial, Issued { dialler: mine, listener: theirs });
        self.issued.insert(introduced.expect, Issued { dialler: theirs, listener: mine });
        asker == to || self.slip != Some(Slip::OneSided)
    }

    /// Whether changes of presence wait to be told.
    pub(super) fn gathers(&self) -> bool {
        self.gather.is_some()
    }

    /// They are told.
    pub(super) fn gather(&mut self) {
        self.gather = None;
        // Nobody here allows that it is told when they were seen.
        let (spreads, _) = self.registry.gather(0);
        for spread in spreads {
            let frame = Box::new(spread.frame);
            self.mail.extend(spread.to.into_iter().map(|session| Mail::Frame(session, frame.clone())));
        }
    }

    /// Time passed.
    pub(super) fn tick(&mut self, now: Instant) {
        self.now = now;
        if !self.up {
            return;
        }
        let late = Duration::from_millis(LIMITS.sign_in_timeout_ms);
        let all: Vec<SessionId> = self.desks.keys().copied().collect();
        for session in all {
            let Some(desk) = self.desks.get_mut(&session).filter(|desk| !desk.asking) else { continue };
            let effects = if desk.state.is_member() {
                desk.state.on_tick(now).0
            } else if now >= desk.since + late {
                desk.state.on_deadline()
            } else {
                Vec::new()
            };
            self.session_effects(session, effects);
        }
        if self.gather.is_some_and(|at| at <= now) {
            self.gather();
        }
        let wait = Duration::from_millis(LIMITS.relay_wait_ms);
        self.relay.retain(|_, grant| grant.waits.is_none_or(|(_, since)| now < since + wait));
    }
}

fn fresh(tokens: &mut u64) -> Token {
    *tokens += 1;
    let mut token = [0x5e; 16];
    token[..8].copy_from_slice(&tokens.to_be_bytes());
    Token(token)
}

fn leaving(device: usize, leave: &LeaveRoom) -> (Seq, Leaving) {
    let user = cast::owner(&DeviceId([u8::try_from(device + 1).unwrap_or(0); 32])).clone();
    let said: RoomLeave = from_cbor(&leave.statement.body).unwrap_or_else(|error| panic!("{error}"));
    let (account, key) = (cast::account(&user), cast::key(&user));
    let leaving = Leaving { account, user, key, room: said.room, incarnation: said.incarnation, number: said.number };
    (leave.seq, leaving)
}
