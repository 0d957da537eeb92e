//! Friends and requests: what is asked of the server about them, and what it says of them. Nothing that it says is believed without the
//! people's own signatures.

use std::time::{Duration, Instant};

use actix::Context;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Handle;
use hobnob_shared::limits;
use hobnob_shared::message::{
    AboutUser, Failed, FriendRequested, FriendStatement, FriendsPage, Friendship, FromServer, GetRoster, JoinRoom,
    LeaveRoom, OpenCircuit, OwnPresence, OwnStatus, RemoveMember, Seq, SetLastSeen, SetPresence, SetRoomPassword,
    ToServer,
};

use super::account::ANSWER_WITHIN;
use super::keys::Held;
use crate::core::error::Problem;
use crate::core::event::{Answer, Event};
use crate::core::friendship::{self, Proven};
use crate::core::history::{friends, pairs};
use crate::core::outlet::Ticket;
use crate::core::peer_link;
use crate::core::registry::{Ask, Errand, Registry, Server, ServerEvent, Trust};
use crate::core::roster::Pinned;
use crate::core::session::Say;

/// After signing in, requests follow the friend list within so long; until then a yes to one waits for it.
pub(in crate::core) const REQUESTS_FOLLOW: Duration = Duration::from_secs(2);

/// Requests of ours that are remembered, so that one that crosses another is an answer: the server lets no more wait.
const ASKED: usize = 64;

impl Registry {
    /// Asks the server for something, at once or as soon as it is there. Fails at once where waiting is pointless.
    pub(in crate::core) fn errand(&mut self, ask: Ask, ticket: Option<Ticket>) {
        let problem = if !self.is_signed_in() {
            Some(Problem::not_signed_in())
        } else if self.trust != Trust::Kept {
            Some(Problem::server_key_changed())
        } else {
            None
        };
        if let Some(problem) = problem {
            return ticket.into_iter().for_each(|ticket| ticket.failed(problem.clone()));
        }
        if !self.state.is_here() {
            self.hurry_session();
        }
        let keep = ask.is_kept();
        match self.state.errands.add(Instant::now() + ANSWER_WITHIN, keep, Errand { ticket, ask }) {
            Ok(_) => self.run_errands(),
            Err(errand) => errand.ticket.into_iter().for_each(|ticket| ticket.failed(Problem::busy())),
        }
    }

    /// Asks everything that waits, if the server is there. While it arrives, only what arriving needs.
    pub(in crate::core) fn run_errands(&mut self) {
        if !self.state.is_here() {
            return;
        }
        for seq in self.state.errands.send_all() {
            self.ask(seq);
        }
    }

    fn ask(&mut self, seq: Seq) {
        let Some(errand) = self.state.errands.get(seq) else { return };
        if let Ask::AcceptFriend(user) = &errand.ask
            && self.state.roster.request(user).is_none()
            && self.arrived_at.is_some_and(|at| at.elapsed() < REQUESTS_FOLLOW)
        {
            // The request may still be on its way.
            self.state.errands.unsent(seq);
            return;
        }
        match self.frame(seq, &errand.ask) {
            Ok(frame) => self.say(frame),
            Err(problem) => {
                if let Some(Errand { ticket: Some(ticket), .. }) = self.state.errands.take(seq) {
                    ticket.failed(problem);
                }
            }
        }
    }

    pub(super) fn say(&self, frame: ToServer) {
        if let Some(session) = &self.session {
            session.do_send(Say(frame));
        }
    }

    fn frame(&self, seq: Seq, ask: &Ask) -> Result<ToServer, Problem> {
        let own = self.identity.as_ref().ok_or_else(Problem::not_signed_in)?;
        let about = |user: &Handle| AboutUser { seq, user: user.clone() };
        Ok(match ask {
            Ask::AddFriend(user, key) => {
                let statement = friendship::make_request(own, user, *key).map_err(|_| Problem::internal())?;
                ToServer::AddFriend(FriendStatement { seq, statement })
            }
            Ask::AcceptFriend(user) => {
                let requested = self.state.roster.request(user).ok_or_else(|| Problem::no_request(user))?;
                let accepted = friendship::make_acceptance(own, &requested.request);
                ToServer::AcceptFriend(FriendStatement { seq, statement: accepted.map_err(|_| Problem::internal())? })
            }
            Ask::DeclineFriend(user) => ToServer::DeclineFriend(about(user)),
            Ask::RemoveFriend(user) => ToServer::RemoveFriend(about(user)),
            Ask::Block(user) => ToServer::Block(about(user)),
            Ask::Unblock(user) => ToServer::Unblock(about(user)),
            Ask::GetFriendship(user) => ToServer::GetFriendship(about(user)),
            Ask::Introduce(user) => ToServer::Introduce(about(user)),
            Ask::SetPresence(presence, text) => {
                ToServer::SetPresence(SetPresence { seq, presence: *presence, text: text.clone() })
            }
            Ask::SetLastSeen(on) => ToServer::SetLastSeen(SetLastSeen { seq, on: *on }),
            Ask::OpenCircuit(user, device, transfer) => {
                ToServer::OpenCircuit(OpenCircuit { seq, user: user.clone(), device: *device, transfer: *transfer })
            }
            Ask::JoinRoom(room, proof) => ToServer::JoinRoom(JoinRoom { seq, room: room.clone(), proof: *proof }),
            Ask::LeaveRoom(_, statement) => {
                ToServer::LeaveRoom(Box::new(LeaveRoom { seq, statement: statement.as_ref().clone() }))
            }
            Ask::RemoveMember(room, user) => {
                ToServer::RemoveMember(RemoveMember { seq, room: room.clone(), user: user.clone() })
            }
            Ask::SetRoomPassword(room, proof) => {
                ToServer::SetRoomPassword(SetRoomPassword { seq, room: room.clone(), proof: *proof })
            }
            Ask::GetRoster => ToServer::GetRoster(GetRoster { seq }),
            Ask::PutRoster => ToServer::PutRoster(self.state.contacts.next_part(seq).ok_or_else(Problem::internal)?),
        })
    }

    /// The time for an answer is over.
    pub(in crate::core) fn gave_up(&mut self, errand: Errand) {
        match &errand.ask {
            Ask::GetFriendship(user) => self.state.settled(user),
            Ask::GetRoster | Ask::PutRoster => self.roster_failed(&errand.ask, None),
            _ => {}
        }
        if let Some(ticket) = errand.ticket {
            ticket.failed(Problem::offline());
        }
    }

    /// Own presence: kept, said on every link, and told to the server where it is there.
    pub(in crate::core) fn set_presence(&mut self, presence: OwnPresence, text: Option<String>, ticket: Ticket) {
        if !self.is_signed_in() {
            return ticket.failed(Problem::not_signed_in());
        }
        let text = text.unwrap_or_else(|| self.profile.settings().text);
        if text.chars().count() > limits::STATUS_TEXT {
            return ticket.failed(Problem::status_too_long());
        }
        self.profile.change(|settings| {
            settings.presence = presence;
            settings.text.clone_from(&text);
        });
        self.save_settings();
        self.status_unsaid = Some(OwnStatus { presence, text: text.clone() });
        self.show_status(presence, text.clone());
        if self.state.is_here() {
            self.errand(Ask::SetPresence(presence, text), Some(ticket));
        } else {
            // Said as soon as the server is there.
            self.done_once_kept(ticket, Answer::Nothing {});
        }
    }

    /// Invisible people do not look for others; they answer, and send what they write.
    pub(in crate::core) fn is_eager(&self) -> bool {
        self.profile.settings().presence != OwnPresence::Invisible
    }

    /// The server said something.
    pub(in crate::core) fn server_event(&mut self, ServerEvent(frame): ServerEvent, ctx: &mut Context<Self>) {
        let Some(frame) = self.state.hold(frame) else { return };
        match frame {
            FromServer::Friends(page) => self.friends_page(page, ctx),
            FromServer::FriendRequested(requested) => self.requested(*requested),
            FromServer::Friendship(found) => self.friendship_found(*found, ctx),
            FromServer::FriendAdded(added) => self.friend_added(&added),
            FromServer::FriendRemoved(named) => self.forget_friend(&named.user),
            FromServer::PresenceChanged(news) => {
                self.state.roster.server_says(&news.user, news.presence, &news.text);
                self.state.roster.server_saw(&news.user, news.last_seen);
                self.state.rooms.server_says(&news.user, news.presence, &news.text);
                if self.state.is_here() {
                    let event = self.state.roster.tell(&news.user);
                    self.tell(event);
                    self.tell_rooms(false);
                    self.reconsider(&news.user);
                }
            }
            FromServer::StatusChanged(status) => self.status_is(status),
            FromServer::Introduced(introduced) => self.introduced(*introduced, ctx),
            FromServer::Circuit(circuit) => self.circuit(circuit, ctx),
            FromServer::RoomState(page) => self.room_state(&page, ctx),
            FromServer::RoomChanged(news) => self.room_changed(&news, ctx),
            FromServer::RoomLeft(news) => self.room_left_heard(&news),
            FromServer::Roster(part) => self.roster_part(&part, ctx),
            FromServer::RosterChanged(news) => self.roster_changed(news.number),
            FromServer::DevicesChanged(news) => self.devices_changed(&news),
            FromServer::Done(done) => {
                if let Some(errand) = self.state.errands.take(done.seq) {
                    self.errand_done(errand);
                }
            }
            FromServer::Failed(failed) => self.errand_failed(&failed, ctx),
            other => tracing::debug!(?other, "the server said something out of turn"),
        }
    }

    fn errand_done(&mut self, Errand { ticket, ask }: Errand) {
        match &ask {
            Ask::AcceptFriend(user) | Ask::DeclineFriend(user) => {
                self.state.roster.settle_request(user);
            }
            Ask::RemoveFriend(user) => {
                self.asked.remove(user);
                self.forget_friend(user);
            }
            Ask::Block(user) => {
                self.asked.remove(user);
                self.forget_friend(user);
                self.set_blocked(user, true);
            }
            Ask::Unblock(user) => self.set_blocked(user, false),
            Ask::SetPresence(presence, text) => self.status_said(*presence, text),
            Ask::PutRoster => self.roster_part_put(),
            Ask::SetLastSeen(on) => self.last_seen_is(*on),
            Ask::LeaveRoom(room, statement) => self.left(room, statement),
            Ask::AddFriend(user, _) if self.asked.len() < ASKED => {
                self.asked.insert(user.clone());
                if self.state.roster.request(user).is_some() {
                    self.errand(Ask::AcceptFriend(user.clone()), None);
                }
            }
            _ => {}
        }
        if let Some(ticket) = ticket {
            // What follows from it is handed to the disk by now.
            self.done_once_kept(ticket, Answer::Nothing {});
        }
    }

    fn errand_failed(&mut self, failed: &Failed, ctx: &mut Context<Self>) {
        let Some(Errand { ticket, ask }) = failed.seq.and_then(|seq| self.state.errands.take(seq)) else {
            tracing::info!(code = %failed.code, "the server complains");
            return;
        };
        match &ask {
            Ask::GetFriendship(user) => {
                self.state.settled(user);
                self.look_whether_arrived(ctx);
            }
            Ask::OpenCircuit(user, _, transfer) => self.circuit_refused(user, *transfer),
            Ask::GetRoster | Ask::PutRoster => {
                self.roster_failed(&ask, Some(&failed.code));
                self.release_held(ctx);
            }
            Ask::Introduce(user) => self.introduction_refused(user, failed),
            // Nobody has the key of the invite, so nobody is to be held to it.
            Ask::AddFriend(user, Some(_)) if failed.code == WireCode::NotFound => {
                self.invited.remove(user);
            }
            Ask::AcceptFriend(user) | Ask::DeclineFriend(user) if failed.code == WireCode::NotFound => {
                // It was withdrawn meanwhile, and the next one is news again; or, where two requests crossed, the other was quicker.
                let stale = self.state.roster.settle_request(user);
                if stale && ticket.is_some() {
                    self.outlet.tell(Event::FriendRemoved { user: user.clone() });
                }
            }
            _ => {}
        }
        if let Some(ticket) = ticket {
            ticket.failed(refusal(&ask, failed));
        }
    }

    fn friends_page(&mut self, page: FriendsPage, ctx: &mut Context<Self>) {
        let outcome = self.state.page(page);
        for (user, key) in outcome.changed {
            self.key_changed(&user, key, None);
        }
        for user in outcome.contradicted {
            self.alarm_former(&user);
        }
        for user in outcome.restored {
            self.key_restored(&user);
        }
        for user in outcome.unknown {
            // Arriving waits for the answer, so that a new device knows its friends once it is signed in.
            let errand = Errand { ticket: None, ask: Ask::GetFriendship(user.clone()) };
            if let Ok(seq) = self.state.errands.add(Instant::now() + ANSWER_WITHIN, false, errand) {
                self.state.errands.sent(seq);
                self.say(ToServer::GetFriendship(AboutUser { seq, user }));
            }
        }
        self.look_whether_arrived(ctx);
    }

    fn look_whether_arrived(&mut self, ctx: &mut Context<Self>) {
        if self.state.has_arrived(Instant::now()) {
            self.arrived(ctx);
        }
    }

    /// Somebody asks; shown only if they prove that they do.
    pub(in crate::core) fn requested(&mut self, requested: FriendRequested) {
        let Some(own) = &self.identity else { return };
        let proven = match friendship::verify_request(&requested, &own.user, own.account) {
            Ok(proven) => proven,
            Err(distrust) => {
                tracing::warn!(%distrust, "a friend request that does not hold was ignored");
                return;
            }
        };
        let user = proven.user.clone();
        if self.hold_back(&user, proven.account, || Held::Request(requested.clone())) || self.contradicts_pin(proven) {
            return;
        }
        let news = self.state.roster.request(&user).is_none();
        let crossed = self.asked.remove(&user);
        if self.state.roster.add_request(user.clone(), requested) && crossed {
            // Both asked at the same moment: nobody needs to be asked again.
            self.errand(Ask::AcceptFriend(user), None);
        } else if news && self.state.is_here() {
            self.outlet.tell(Event::FriendRequest { user });
            self.run_errands();
        }
    }

    /// Statements that were asked for because the friend list named somebody who is not pinned. Checked beside the actor: a new device
    /// of a sociable person gets a thousand at once.
    fn friendship_found(&mut self, found: Friendship, ctx: &mut Context<Self>) {
        let known = found.seq.and_then(|seq| self.state.errands.take(seq));
        let (Some(own), Some(Errand { ask: Ask::GetFriendship(user), .. })) = (self.identity.clone(), known) else {
            return;
        };
        let check = tokio::task::spawn_blocking(move || {
            let proven = friendship::verify_friendship(&found, &own.user, own.account);
            (found, proven)
        });
        Self::then(ctx, check, move |registry, checked, ctx| {
            if let Ok((found, proven)) = checked {
                match proven {
                    Ok(proven) if proven.user == user => {
                        registry.befriend(proven, &found);
                        if let Some(listed) = registry.state.listed_otherwise(&user) {
                            registry.key_changed(&user, listed, None);
                        }
                    }
                    Ok(_) => tracing::warn!(%user, "statements about somebody else were ignored"),
                    Err(distrust) => tracing::warn!(%user, %distrust, "a friendship that does not hold was ignored"),
                }
            }
            registry.state.settled(&user);
            registry.look_whether_arrived(ctx);
        });
    }

    pub(in crate::core) fn friend_added(&mut self, added: &Friendship) {
        let Some(own) = &self.identity else { return };
        match friendship::verify_friendship(added, &own.user, own.account) {
            Ok(proven) => self.befriend(proven, added),
            Err(distrust) => {
                tracing::warn!(user = %added.user, %distrust, "a friendship that does not hold was ignored");
            }
        }
    }

    /// Pins somebody whose statements hold, and tells of it once.
    fn befriend(&mut self, proven: Proven, friendship: &Friendship) {
        let user = proven.user.clone();
        if self.invited.get(&user).is_some_and(|key| *key != proven.account) {
            self.alarm_key(&user);
            return;
        }
        if self.hold_back(&user, proven.account, || Held::Friendship(friendship.clone())) {
            return;
        }
        self.state.roster.settle_request(&user);
        self.asked.remove(&user);
        match self.state.roster.compare(&user, proven.account) {
            Pinned::Same => self.keep_devices(&proven),
            Pinned::Unknown => {
                self.invited.remove(&user);
                self.pin(proven);
                match &self.state.server {
                    Server::Here => self.tell_friend_added(&user),
                    Server::Away | Server::Arriving(_) => self.fresh.push(user.clone()),
                }
            }
            Pinned::Changed | Pinned::Stopped => {
                self.contradicts_pin(proven);
                return;
            }
        }
        self.state.roster.server_says(&user, friendship.presence, &friendship.text);
        if self.state.is_here() {
            let event = self.state.roster.announce(&user);
            self.tell(event);
            self.reconsider(&user);
        }
        // Whoever shares a room has links already.
        self.share_direct(&user);
    }

    /// No friend, and no request, any more.
    pub(in crate::core) fn forget_friend(&mut self, user: &Handle) {
        let asked = self.state.roster.settle_request(user);
        if !self.state.roster.remove(user) {
            if asked {
                self.outlet.tell(Event::FriendRemoved { user: user.clone() });
            }
            return;
        }
        self.touch_contacts();
        self.forget_avatar(user);
        self.state.policy.settle(user);
        self.candidates.remove(user);
        self.cancel_transfers(user);
        for link in self.state.links.remove_user(user) {
            link.do_send(peer_link::Close { code: WireCode::NotFriends, forget: true });
        }
        let name = user.clone();
        self.write(move |c| {
            friends::remove(c, &name)?;
            pairs::remove_of(c, &name)
        });
        let event = self.state.links.tell(user);
        self.tell(event);
        self.outlet.tell(Event::FriendRemoved { user: user.clone() });
    }
}

/// Why the server said no, in words for people.
fn refusal(ask: &Ask, failed: &Failed) -> Problem {
    match (ask, &failed.code) {
        (Ask::AddFriend(user, Some(_)), WireCode::NotFound) => Problem::foreign_invite(user),
        (Ask::JoinRoom(..), WireCode::WrongPassword) => Problem::wrong_room_password(),
        (Ask::RemoveMember(..) | Ask::SetRoomPassword(..), WireCode::Forbidden) => Problem::not_room_owner(),
        (Ask::RemoveMember(room, _), WireCode::NotFound) => Problem::no_such_member(room),
        (Ask::LeaveRoom(room, _) | Ask::SetRoomPassword(room, _), WireCode::NotFound) => Problem::not_in_room(room),
        _ => Problem::refused(&failed.code, &failed.text, failed.retry_after),
    }
}
