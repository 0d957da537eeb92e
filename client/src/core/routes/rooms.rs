//! Rooms: joining, leaving, who is in them, and the links to their members. The server says who is a member, in records that it signs;
//! what is said goes between the members, as [`super::replicas`] carries it.

use actix::Context;
use hobnob_shared::codec::from_cbor;
use hobnob_shared::error::WireCode;
use hobnob_shared::id::{ConversationId, Fingerprint, Handle, Hash, Incarnation, RoomId};
use hobnob_shared::identity::{ServerStatement, Statement};
use hobnob_shared::limits::RECORDS_PER_PAGE;
use hobnob_shared::message::{
    Peer, Presence, ROOM_LEAVE, RoomChanged, RoomLeave, RoomLeft, RoomMember, RoomRecords, RoomState,
};
use hobnob_shared::password::room_proof;

use crate::core::clock::now_ms;
use crate::core::command::Password;
use crate::core::error::Problem;
use crate::core::event::{Answer, Event, RoomInfo};
use crate::core::history::rooms::{self, Kept, Room};
use crate::core::outlet::Ticket;
use crate::core::peer_link;
use crate::core::registry::{Ask, Guard, Registry};
use crate::core::replica::ThreadKey;

/// Leaves in one frame: with their certificates they fill less than half of it.
pub(in crate::core) const LEAVES: usize = 12;

/// What a member shows.
enum Said<'a> {
    Record(&'a ServerStatement),
    Leave(&'a Statement),
}

/// Longest password of a room, in bytes: bounds what is hashed.
const PASSWORD_MAX: usize = hobnob_shared::limits::PASSWORD_MAX;

impl Registry {
    pub(in crate::core) fn join_room(
        &mut self,
        room: RoomId,
        password: Option<Password>,
        ticket: Ticket,
        ctx: &Context<Self>,
    ) {
        self.with_proof(room, password, ticket, ctx, Ask::JoinRoom);
    }

    pub(in crate::core) fn set_room_password(
        &mut self,
        room: RoomId,
        password: Option<Password>,
        ticket: Ticket,
        ctx: &Context<Self>,
    ) {
        if self.state.rooms.named(&room).is_none() {
            return ticket.failed(Problem::not_in_room(&room));
        }
        self.with_proof(room, password, ticket, ctx, Ask::SetRoomPassword);
    }

    /// Stretches the password beside the actor, then asks the server.
    fn with_proof(
        &mut self,
        room: RoomId,
        password: Option<Password>,
        ticket: Ticket,
        ctx: &Context<Self>,
        ask: impl FnOnce(RoomId, Option<Hash>) -> Ask + Send + 'static,
    ) {
        let Some(password) = password.filter(|password| !password.expose().is_empty()) else {
            return self.errand(ask(room, None), Some(ticket));
        };
        if password.expose().len() > PASSWORD_MAX {
            return ticket.failed(Problem::wrong_room_password());
        }
        let Some(server) = self.profile.settings().server_key else { return ticket.failed(Problem::not_signed_in()) };
        let stretch = tokio::task::spawn_blocking(move || {
            let proof = room_proof(password.expose(), &room, server);
            (room, proof)
        });
        Self::then(ctx, stretch, move |registry, stretched, _| match stretched {
            Ok((room, Ok(proof))) => registry.errand(ask(room, Some(proof)), Some(ticket)),
            _ => ticket.failed(Problem::internal()),
        });
    }

    pub(in crate::core) fn leave_room(&mut self, room: &RoomId, ticket: Ticket) {
        match self.leave_statement(room) {
            Ok(statement) => self.errand(Ask::LeaveRoom(room.clone(), Box::new(statement)), Some(ticket)),
            Err(problem) => ticket.failed(problem),
        }
    }

    fn leave_statement(&self, room: &RoomId) -> Result<Statement, Problem> {
        let own = self.identity.as_ref().ok_or_else(Problem::not_signed_in)?;
        let known = self.state.rooms.named(room).ok_or_else(|| Problem::not_in_room(room))?;
        let number = known.memberships.iter().find(|kept| kept.user == own.user).map_or(0, |kept| kept.number);
        let leave = RoomLeave {
            room: room.clone(),
            incarnation: known.incarnation,
            number,
            user: own.user.clone(),
            at: now_ms(),
        };
        Statement::sign(ROOM_LEAVE, &leave, &own.key, own.chain.clone()).map_err(|_| Problem::internal())
    }

    pub(in crate::core) fn remove_member(&mut self, room: RoomId, user: Handle, ticket: Ticket) {
        match self.state.rooms.named(&room) {
            None => ticket.failed(Problem::not_in_room(&room)),
            Some(_) => self.errand(Ask::RemoveMember(room, user), Some(ticket)),
        }
    }

    /// The rooms as they are known here.
    pub(in crate::core) fn room_list(&self) -> Result<Answer, Problem> {
        let own = self.identity.as_ref().ok_or_else(Problem::not_signed_in)?;
        let presence = self.own_presence();
        let rooms = self.state.rooms.all().map(|room| {
            let notify = self.notify_of(&ConversationId::Room(room.room.clone()));
            RoomInfo { notify, ..self.state.rooms.info(room, (&own.user, presence)) }
        });
        Ok(Answer::Rooms { rooms: rooms.collect() })
    }

    fn own_presence(&self) -> Presence {
        self.profile.settings().presence.shown()
    }

    /// Rooms that look other than they were told last.
    pub(in crate::core) fn tell_rooms(&mut self, anew: bool) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        let presence = self.own_presence();
        let events = self.state.rooms.tell((&own, presence), anew);
        self.tell(events);
    }

    /// A page of a room that this account is in.
    pub(in crate::core) fn room_state(&mut self, page: &RoomState, ctx: &mut Context<Self>) {
        let RoomState { room, incarnation, owner, locked, members, last } = page;
        let changed = self.state.rooms.enter(room, *incarnation, owner, *locked);
        self.keep_rooms(changed);
        for member in members {
            self.member(*incarnation, member, ctx);
        }
        if *last {
            // Whoever is known as a member from an earlier time in the room is no news, and shares it again all the same. Behind what is
            // being written of it: whatever is sent and taken is decided by what is on the disk.
            let (history, room) = (self.history.clone(), *incarnation);
            Self::then(ctx, async move { history.flush().await }, move |registry, _, ctx| {
                registry.share_room(room, ctx);
            });
            if self.state.is_here() {
                self.tell_rooms(false);
            }
        }
    }

    pub(in crate::core) fn room_changed(&mut self, news: &RoomChanged, ctx: &mut Context<Self>) {
        let RoomChanged { room, incarnation, owner, locked, member } = news;
        if self.state.rooms.is_over(incarnation) {
            return;
        }
        let changed = self.state.rooms.enter(room, *incarnation, owner, *locked);
        self.keep_rooms(changed);
        if let Some(member) = member {
            self.member(*incarnation, member, ctx);
        }
        self.tell_rooms(false);
    }

    /// This account is in a room no more: because a command here asked for it, or another device did, or somebody removed it.
    pub(super) fn room_left_heard(&mut self, news: &RoomLeft) {
        let asked = self.state.errands.all().find_map(|errand| match &errand.ask {
            Ask::LeaveRoom(name, statement) if *name == news.room => Some(statement.as_ref().clone()),
            _ => None,
        });
        let reason = if news.removed { "removed" } else { "left" };
        if let Some(statement) = asked {
            self.say_leave(news.incarnation, statement);
        }
        self.room_left(news, reason);
    }

    pub(in crate::core) fn room_left(&mut self, news: &RoomLeft, reason: &str) {
        if let Some(server) = self.server_pin()
            && let Err(distrust) = self.state.rooms.record(&news.incarnation, &news.record, server)
        {
            tracing::warn!(room = %news.room, %distrust, "a removal that does not hold was ignored");
            return;
        }
        if self.identity.as_ref().is_some_and(|own| self.state.rooms.is_member(&news.incarnation, &own.user)) {
            // Of an earlier time in the room: another device has joined again since.
            return;
        }
        self.end_room(&news.incarnation, reason);
    }

    /// The server has done what a person asked for. Another device may have joined again since: then the room goes on.
    pub(in crate::core) fn left(&mut self, room: &RoomId, statement: &Statement) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        let Some(known) = self.state.rooms.named(room) else { return };
        let ended = from_cbor::<RoomLeave>(&statement.body).map_or(u64::MAX, |said| said.number);
        if known.memberships.iter().any(|kept| kept.user == own && kept.member && kept.number > ended) {
            return;
        }
        let room = known.incarnation;
        self.end_room(&room, "left");
    }

    /// This account is not in a room any more: nothing of it goes out, and links that were for it alone end.
    pub(in crate::core) fn end_room(&mut self, incarnation: &Incarnation, reason: &str) {
        let Some(own) = self.identity.as_ref().map(|own| own.user.clone()) else { return };
        let mates = self.state.rooms.mates(&own);
        let Some(room) = self.state.rooms.end(incarnation, reason) else { return };
        let name = room.room.clone();
        self.keep_rooms(vec![room]);
        for user in mates.into_iter().chain([own]) {
            self.unshare(&user, &ThreadKey::Room(*incarnation));
            self.end_if_stranger(&user);
        }
        self.outlet.tell(Event::RoomLeft { room: name, reason: reason.to_owned() });
    }

    /// The server's list of rooms is complete: others are over.
    pub(in crate::core) fn rooms_listed(&mut self, listed: &[RoomId]) {
        let gone = self.state.rooms.all().filter(|room| !listed.contains(&room.room));
        let gone: Vec<Incarnation> = gone.map(|room| room.incarnation).collect();
        for incarnation in gone {
            self.end_room(&incarnation, "left");
        }
    }

    /// A link to somebody with whom nothing is shared any more ends.
    fn end_if_stranger(&mut self, user: &Handle) {
        if self.expected_key(user).is_some() {
            return;
        }
        self.state.policy.settle(user);
        self.cancel_transfers(user);
        for link in self.state.links.remove_user(user) {
            link.do_send(peer_link::Close { code: WireCode::NotFriends, forget: true });
        }
        self.state.rooms.link_says(user, None);
        let event = self.state.links.tell(user);
        self.tell(event);
    }

    fn keep_rooms(&self, changed: Vec<Room>) {
        for room in changed {
            self.write(move |c| rooms::upsert(c, &room));
        }
    }

    fn server_pin(&self) -> Option<Fingerprint> {
        self.profile.settings().server_key
    }

    fn member(&mut self, incarnation: Incarnation, member: &RoomMember, ctx: &mut Context<Self>) {
        let Some(server) = self.server_pin() else { return };
        match self.state.rooms.record(&incarnation, &member.record, server) {
            Ok(Some(kept)) => {
                self.state.rooms.server_says(&kept.user, member.presence, &member.text);
                self.membership_changed(incarnation, kept, None, ctx);
            }
            Ok(None) => {
                if let Some(user) = self.state.rooms.known(&incarnation, &member.record) {
                    self.state.rooms.server_says(&user, member.presence, &member.text);
                    // They may have linked before the server's word came.
                    let devices: Vec<_> =
                        self.state.links.devices_up(&user).into_iter().map(|(device, ..)| device).collect();
                    for device in devices {
                        self.share_thread(&user, device, &ThreadKey::Room(incarnation), ctx);
                    }
                    self.reconsider(&user);
                }
            }
            Err(distrust) => tracing::warn!(%distrust, "a room's record that does not hold was ignored"),
        }
    }

    /// Kept on the disk first, then acted on; `guard` holds the link that brought it until then.
    fn membership_changed(&mut self, room: Incarnation, kept: Kept, guard: Option<Guard>, ctx: &Context<Self>) {
        let contradicts = self.state.roster.get(&kept.user).is_some_and(|person| person.pin.account != kept.account);
        let history = self.history.clone();
        let (user, member) = (kept.user.clone(), kept.member);
        let keep = async move { history.write(move |c| rooms::keep(c, room, &kept)).await };
        Self::then(ctx, keep, move |registry, written, ctx| {
            drop(guard);
            if let Err(error) = written {
                tracing::error!(%error, "a membership was not kept");
            }
            if contradicts {
                // The server names a friend with another key than theirs. Nothing goes to whoever that is.
                registry.alarm_key(&user);
                return;
            }
            let thread = ThreadKey::Room(room);
            if member {
                let devices: Vec<_> =
                    registry.state.links.devices_up(&user).into_iter().map(|(device, ..)| device).collect();
                for device in devices {
                    registry.share_thread(&user, device, &thread, ctx);
                }
                registry.reconsider(&user);
            } else {
                registry.unshare(&user, &thread);
                registry.end_if_stranger(&user);
            }
            if registry.state.is_here() || !member {
                registry.tell_rooms(false);
            }
        });
    }

    /// A member shows who is, and was, a member.
    pub(in crate::core) fn room_records_heard(
        &mut self,
        user: &Handle,
        said: &RoomRecords,
        guard: Guard,
        ctx: &Context<Self>,
    ) {
        let own = self.identity.as_ref().is_some_and(|own| own.user == *user);
        if !own && !self.state.rooms.is_member(&said.room, user) {
            return;
        }
        let Some(server) = self.server_pin() else { return };
        if said.records.len() > RECORDS_PER_PAGE || said.leaves.len() > LEAVES {
            return self.refuse_records(user, &"too many records");
        }
        let mut guard = Some(guard);
        let records = said.records.iter().map(Said::Record).chain(said.leaves.iter().map(Said::Leave));
        for one in records {
            let found = match one {
                Said::Record(record) => self.state.rooms.record(&said.room, record, server),
                Said::Leave(leave) => {
                    let lists = |user: &Handle, device| {
                        self.known_devices(user).is_none_or(|known| known.devices.contains(&device))
                    };
                    // The list is looked up before the rooms are changed.
                    let counts = Statement::verify::<RoomLeave>(leave, ROOM_LEAVE)
                        .is_ok_and(|(said, by)| lists(&said.user, by.device));
                    self.state.rooms.leave(&said.room, leave, now_ms(), |_, _| counts)
                }
            };
            match found {
                Ok(None) => {}
                // The first one on the disk lets the link go on: writes keep their order.
                Ok(Some(kept)) => self.membership_changed(said.room, kept, guard.take(), ctx),
                // Each costs a signature's check: a frame with a false one is looked at no further.
                Err(distrust) => return self.refuse_records(user, &distrust),
            }
        }
    }

    fn refuse_records(&mut self, user: &Handle, why: &dyn std::fmt::Display) {
        *self.refused.entry("forged").or_default() += 1;
        tracing::warn!(%user, %why, "a room's record that does not hold was refused");
    }

    /// The members hear that this account leaves from itself, whatever the server does.
    pub(in crate::core) fn say_leave(&self, room: Incarnation, statement: Statement) {
        let frame = Peer::RoomRecords(RoomRecords { room, records: Vec::new(), leaves: vec![statement] });
        for device in self.state.exchange.sharing(&ThreadKey::Room(room)) {
            self.to_device(&device, frame.clone());
        }
    }
}
