//! Rooms, for the root: what is shown of them, and what the user wants done.

use adw::prelude::*;
use hobnob_shared::id::{ConversationId, Handle, RoomId};
use relm4::{ComponentController, adw};

use crate::core::command::{Command, Password};
use crate::model::rooms::{Membership, meant};
use crate::model::{Pending, Question};
use crate::ui::actions::RoomAction;
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::conversation::PageInput;
use crate::ui::conversation::completion::Callable;
use crate::ui::dialogs::{confirm, join_room, room_password};
use crate::ui::header::Header;
use crate::ui::members::MemberOutput;
use crate::ui::members::row::rows;
use crate::ui::sidebar::SidebarInput;
use crate::ui::sidebar::room_row::RoomRow;
use crate::ui::words;

impl App {
    /// Draws the list of rooms.
    pub(in crate::ui) fn show_rooms(&self) {
        let current =
            |room: &RoomId| matches!(&self.content.fronted, Some(ConversationId::Room(front)) if front == room);
        let me = self.model.connection.user.as_ref();
        let rooms = self.model.listed_rooms(&self.words, self.listing, self.content.fronted.as_ref());
        let rows = rooms.into_iter().map(|room| {
            let conversation = ConversationId::Room(room.room.clone());
            let (level, calls) = (self.model.notify_level(&conversation), self.model.rooms.mentions(&room.room));
            RoomRow::new(room, me, &self.called(), current(&room.room), level)
                .calling(calls)
                .with(self.aside(&conversation))
        });
        let rows = rows.collect();
        self.sidebar.emit(SidebarInput::Rooms { rows, rooms: self.model.rooms.len() });
    }

    /// Draws what a room's tab, the header and the panel of members say.
    pub(in crate::ui) fn show_room(&self, room: &RoomId) {
        let conversation = ConversationId::Room(room.clone());
        let Some(tab) = self.tab(&conversation) else { return };
        let membership = self.model.rooms.membership(room);
        let (outside, closed) = match membership {
            Membership::Member(_) => (None, None),
            Membership::Unknown => (None, Some(String::new())),
            Membership::Left => {
                (Some(format!("You left {room}. What was written stays here.")), Some("You left this room".to_owned()))
            }
            Membership::Removed => (
                Some(format!("The owner of {room} removed you. What was written stays here.")),
                Some("You were removed from this room".to_owned()),
            ),
            Membership::None => (
                Some(format!("You are not a member of {room}. What was written stays here.")),
                Some("You are not a member of this room".to_owned()),
            ),
        };
        tab.body.emit(PageInput::Outside(outside));
        tab.body.emit(PageInput::Closed(closed));
        let nickname =
            |user: &Handle| self.model.roster.get(user).map(|person| person.nickname.clone()).unwrap_or_default();
        let people = self.model.callable(&conversation).into_iter();
        let people = people.map(|user| Callable { nickname: nickname(&user), user }).collect();
        tab.body.emit(PageInput::Callable(people));
        for content in self.showing(&conversation) {
            let me = self.model.connection.user.as_ref();
            let level = self.model.notify_level(&conversation);
            content.show(&Header::room(room, membership, self.model.mesh(room), me, level));
            if let Membership::Member(known) = membership {
                let mesh = words::sentence(&words::mesh(self.model.mesh(room)));
                content.members.show(rows(&self.model, known), &words::people(known), &mesh);
            }
        }
    }

    /// Asks which room to join; `room` is filled in, and `problem` says what was wrong with it the first time.
    pub(in crate::ui) fn ask_room(&mut self, room: Option<&RoomId>, problem: Option<&str>) {
        let input = self.sender.clone();
        let dialog = join_room::ask(&self.at(), room, move |room, password| {
            input.emit(AppMsg::Answer(DialogAnswer::JoinRoom(room, password)));
        });
        if let Some(problem) = problem {
            dialog.refuse(problem);
        }
        self.form = Some((Pending::default(), dialog));
    }

    /// Joins a room, from the dialog.
    pub(in crate::ui) fn join_from_dialog(&mut self, room: RoomId, password: Option<Password>) {
        self.ask_in_form(Question::JoinRoom(room.clone()), Command::JoinRoom { room, password });
    }

    /// Joins a room at once; where it takes a password, the dialog asks for it.
    pub(in crate::ui) fn join(&mut self, room: RoomId) {
        self.ask(Question::JoinRoom(room.clone()), Command::JoinRoom { room, password: None });
    }

    /// A room was joined: its tab opens.
    pub(in crate::ui) fn joined(&mut self, room: &RoomId) {
        self.open_and_read(&ConversationId::Room(room.clone()));
        self.ask(Question::Rooms, Command::Rooms);
    }

    /// A room was not joined, and no dialog waits for that: asks again, with what the core says.
    pub(in crate::ui) fn not_joined(&mut self, room: &RoomId, problem: &str) {
        self.ask_room(Some(room), Some(problem));
    }

    /// From a room's menu.
    pub(in crate::ui) fn act_on_room(&mut self, what: RoomAction, id: &str) {
        let Some(room) = meant(id) else { return };
        match what {
            RoomAction::Open => self.open_and_read(&ConversationId::Room(room)),
            RoomAction::Copy => {
                self.window.clipboard().set_text(&room.to_string());
                self.toast(&format!("{room} is in the clipboard."));
            }
            RoomAction::Lock => {
                let (input, which) = (self.sender.clone(), room.clone());
                let dialog = room_password::ask(&self.at(), &room, move |password| {
                    input.emit(AppMsg::Answer(DialogAnswer::LockRoom(which.clone(), password)));
                });
                self.form = Some((Pending::default(), dialog));
            }
            RoomAction::Unlock => {
                let heading = format!("Remove the Password of {room}?");
                let body = "Everybody on your server who knows its ID can join it then.";
                let question = confirm::Question { heading: &heading, body, action: "Remove Password" };
                self.confirm(&question, DialogAnswer::UnlockRoom(room));
            }
            RoomAction::Leave => {
                let heading = format!("Leave {room}?");
                let body = "You get no more messages from it, and the others see that you left. What was written stays on this computer. You can \
                            join again later, with the password if the room has one.";
                let question = confirm::Question { heading: &heading, body, action: "Leave" };
                self.confirm(&question, DialogAnswer::LeaveRoom(room));
            }
        }
    }

    fn confirm(&self, question: &confirm::Question<'_>, answer: DialogAnswer) {
        let (input, answer) = (self.sender.clone(), std::cell::Cell::new(Some(answer)));
        confirm::ask(&self.at(), question, move || {
            if let Some(answer) = answer.take() {
                input.emit(AppMsg::Answer(answer));
            }
        });
    }

    /// Sets a room's password; the dialog waits for the answer.
    pub(in crate::ui) fn lock_room(&mut self, room: RoomId, password: Password) {
        let question = Question::RoomPassword(room.clone(), true);
        self.ask_in_form(question, Command::SetRoomPassword { room, password: Some(password) });
    }

    /// From the panel of members.
    pub(in crate::ui) fn member_said(&mut self, output: MemberOutput) {
        match output {
            MemberOutput::Message(user) => self.open_and_read(&ConversationId::Direct(user)),
            MemberOutput::AddFriend(user) => {
                let user = user.to_string();
                self.ask(Question::AddFriend(user.clone()), Command::AddFriend { user });
            }
            MemberOutput::Remove(room, user) => {
                let heading = format!("Remove {user} from {room}?");
                let body = format!(
                    "{user} gets no more messages from {room}. What was written so far stays with everybody. To keep {user} from joining \
                     again, set another password."
                );
                let question = confirm::Question { heading: &heading, body: &body, action: "Remove" };
                self.confirm(&question, DialogAnswer::RemoveMember(room, user));
            }
        }
    }
}
