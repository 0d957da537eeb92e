//! What a device that is signed in wants of rooms: checked, asked of the store, told to the registry. Pure; called by `member.rs`.

use std::time::Instant;

use hobnob_shared::codec::from_cbor;
use hobnob_shared::id::RoomId;
use hobnob_shared::message::{JoinRoom, LeaveRoom, ROOM_LEAVE, RoomLeave, Seq};

use super::job::Job;
use super::member::{Asking, Member};
use super::note::Note;
use super::state::{Effect, refuse};
use crate::error::Refusal;
use crate::registry::Record;
use crate::services::Doorkeeper;
use crate::store::{ByOwner, Joined, Leaving, NewMember, RecordRow, RoomChange, RoomHead};

/// A record as it is sent; `None` if the store's bytes cannot be read.
fn read(row: &RecordRow) -> Option<Record> {
    let statement = from_cbor(&row.record).ok()?;
    Some(Record { account: row.account, number: row.number, member: row.member, statement })
}

impl Member {
    pub(super) fn join_room(&mut self, wish: JoinRoom, doors: &dyn Doorkeeper, now: Instant) -> Vec<Effect> {
        let JoinRoom { seq, room, proof } = wish;
        let guess = proof.is_some();
        if guess && let Err(wait) = doors.guess_room(&room, &self.user, self.ip, now) {
            return refuse(Refusal::RateLimited(wait), Some(seq));
        }
        let new =
            NewMember { account: self.account, user: self.user.clone(), key: self.key, room: room.clone(), proof };
        self.ask(seq, Asking::Join { room, guess }, Job::Join(Box::new(new)))
    }

    pub(super) fn joined(
        &self,
        seq: Seq,
        room: &RoomId,
        guess: bool,
        joined: Joined,
        doors: &dyn Doorkeeper,
    ) -> Vec<Effect> {
        if guess && joined != Joined::WrongPassword {
            doors.guessed_room(room, &self.user);
        }
        let account = self.account;
        match joined {
            Joined::WrongPassword => refuse(Refusal::WrongRoomPassword, Some(seq)),
            Joined::RoomFull => refuse(Refusal::TooMany("people in this room"), Some(seq)),
            Joined::TooManyRooms => refuse(Refusal::TooMany("rooms that you are in"), Some(seq)),
            Joined::Already(head) => vec![Effect::Tell(Note::EnterRoom { seq, account, head, news: None })],
            Joined::New(change) => {
                let Some(record) = read(&change.record) else { return refuse(Refusal::Internal, Some(seq)) };
                let line = format!("{} joined {room}", self.user);
                let note = Note::EnterRoom { seq, account, head: Box::new(change.head), news: Some(record) };
                vec![Effect::Log(line), Effect::Tell(note)]
            }
        }
    }

    pub(super) fn leave_room(&mut self, leave: &LeaveRoom) -> Vec<Effect> {
        match self.check_leave(leave) {
            Err(refusal) => refuse(refusal, Some(leave.seq)),
            Ok(leaving) => self.ask(leave.seq, Asking::Leave, Job::Leave(Box::new(leaving))),
        }
    }

    fn check_leave(&self, leave: &LeaveRoom) -> Result<Leaving, Refusal> {
        let said: RoomLeave = self.check(&leave.statement, ROOM_LEAVE)?;
        if said.user != self.user {
            return Err(Refusal::Forbidden("the statement is in somebody else's name"));
        }
        Ok(Leaving {
            account: self.account,
            user: said.user,
            key: self.key,
            room: said.room,
            incarnation: said.incarnation,
            number: said.number,
        })
    }

    pub(super) fn left(&self, seq: Seq, left: Option<RoomChange>) -> Vec<Effect> {
        let Some(change) = left else { return refuse(Refusal::NoMember, Some(seq)) };
        let line = format!("{} left {}", self.user, change.head.room);
        quit(seq, line, change)
    }

    pub(super) fn removed(&self, seq: Seq, removed: ByOwner<RoomChange>) -> Vec<Effect> {
        match removed {
            ByOwner::NotFound => refuse(Refusal::NoMember, Some(seq)),
            ByOwner::Forbidden => refuse(NOT_OWNER, Some(seq)),
            ByOwner::Done(change) => {
                let line = format!("{} removed {} from {}", self.user, change.user, change.head.room);
                quit(seq, line, *change)
            }
        }
    }

    pub(super) fn password_set(&self, seq: Seq, set: ByOwner<RoomHead>) -> Vec<Effect> {
        match set {
            ByOwner::NotFound => refuse(Refusal::NoMember, Some(seq)),
            ByOwner::Forbidden => refuse(NOT_OWNER, Some(seq)),
            ByOwner::Done(head) => {
                let how = if head.locked { "set" } else { "dropped" };
                let line = format!("{} {how} the password of {}", self.user, head.room);
                vec![Effect::Log(line), Effect::Tell(Note::LockRoom { seq, head })]
            }
        }
    }
}

const NOT_OWNER: Refusal = Refusal::Forbidden("the room is somebody else's");

fn quit(seq: Seq, line: String, change: RoomChange) -> Vec<Effect> {
    let Some(record) = read(&change.record) else { return refuse(Refusal::Internal, Some(seq)) };
    vec![Effect::Log(line), Effect::Tell(Note::QuitRoom { seq, head: Box::new(change.head), record })]
}
