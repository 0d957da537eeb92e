//! Which command goes where.

use actix::{AsyncContext, Context};
use hobnob_shared::message::What;

use crate::core::answer::Answer;
use crate::core::command::{Command, Part};
use crate::core::error::Problem;
use crate::core::file_transfer::Wish;
use crate::core::message_key::MessageRef;
use crate::core::outlet::Ticket;
use crate::core::registry::{Ask, Registry, Shutdown};
use crate::core::sealed_roster::Words;

impl Registry {
    /// Carries a command out, or sees to it that somebody does.
    pub(in crate::core) fn route(&mut self, command: Command, ticket: Ticket, ctx: &mut Context<Self>) {
        if self.closing || self.leave_by.is_some() {
            return ticket.failed(Problem::closing());
        }
        match command {
            Command::SignUp { user, password } => self.sign_up(&user, password, ticket),
            Command::SignIn { user, password } => self.sign_in(user.as_deref(), password, ticket, ctx),
            Command::SignOut => self.sign_out(ticket),
            Command::Quit => {
                ticket.ok();
                ctx.notify(Shutdown);
            }
            Command::SetServer { server } => match self.set_server(&server) {
                Ok(answer) => self.done_once_kept(ticket, answer),
                Err(problem) => ticket.failed(problem),
            },
            Command::Devices { .. } => ticket.answer(self.devices()),

            Command::AddFriend { user } => self.add_friend(&user, ticket),
            Command::AcceptFriend { user } => self.errand(Ask::AcceptFriend(user), Some(ticket)),
            Command::DeclineFriend { user } => self.errand(Ask::DeclineFriend(user), Some(ticket)),
            Command::RemoveFriend { user } => self.errand(Ask::RemoveFriend(user), Some(ticket)),
            Command::Block { user } => self.errand(Ask::Block(user), Some(ticket)),
            Command::Unblock { user } => self.errand(Ask::Unblock(user), Some(ticket)),
            Command::Friends => ticket.done(self.friends()),
            Command::Invite => ticket.answer(self.invite()),
            Command::SetNickname { user, nickname } => self.write_words(&user, Words::Nickname, &nickname, ticket),
            Command::SetNote { user, note } => self.write_words(&user, Words::Note, &note, ticket),
            Command::SetNotify { conversation, notify } => self.set_notify(conversation, notify, ticket),
            Command::LastSeen => ticket.done(Answer::LastSeen { last_seen: self.profile.settings().last_seen }),
            Command::SetLastSeen { on } => self.errand(Ask::SetLastSeen(on), Some(ticket)),
            Command::SetPresence { presence, text } => self.set_presence(presence, text, ticket),
            Command::SetAvatar { path } => self.set_avatar(path, ticket, ctx),
            Command::Avatars => ticket.done(self.avatars()),

            Command::Send { to, text, reply_to } => self.send_message(to, text, reply_to, ticket, ctx),
            Command::MarkRead { message: id, author } => self.mark_read(MessageRef { id, author }, ticket, ctx),
            Command::Typing { to, active } => ticket.answer(self.typing(&to, active)),
            Command::History { conversation, limit, before, after, around, at, author } => {
                let named = |id| MessageRef { id, author: author.clone() };
                let parts = [
                    before.map(named).map(Part::Before),
                    after.map(named).map(Part::After),
                    around.map(named).map(Part::Around),
                    at.map(Part::At),
                ];
                self.page(conversation, limit, &parts, ticket);
            }
            Command::Days { conversation, starts } => self.days(conversation, starts, ticket),
            Command::Export { conversation, path, format, overwrite } => {
                self.export(conversation, path, (format, overwrite), ticket);
            }
            Command::Erase { conversation } => self.erase(conversation, ticket, ctx),
            Command::Search { text, conversation, from, before, before_author: author, limit } => {
                let before = before.map(|id| MessageRef { id, author });
                self.search(&text, (conversation, from), (before, limit), ticket);
            }
            Command::Conversations => self.conversations(ticket),
            Command::Edit { message, text } => self.act(message.into(), What::Edit, text, ticket, ctx),
            Command::Delete { message } => self.act(message.into(), What::Delete, String::new(), ticket, ctx),
            Command::React { message: id, emoji, on, author } => {
                let what = if on && !emoji.is_empty() { What::React } else { What::Unreact };
                self.act(MessageRef { id, author }, what, emoji, ticket, ctx);
            }
            Command::JoinRoom { room, password } => self.join_room(room, password, ticket, ctx),
            Command::LeaveRoom { room } => self.leave_room(&room, ticket),
            Command::RemoveMember { room, user } => self.remove_member(room, user, ticket),
            Command::SetRoomPassword { room, password } => self.set_room_password(room, password, ticket, ctx),
            Command::Rooms => ticket.answer(self.room_list()),
            Command::Status => {
                ticket.done(Answer::Status { links: self.state.links.count_up(), refused: self.refused.clone() });
            }
            Command::RemoveDevice { password, device } => self.remove_device(password, device, ticket),
            Command::ChangePassword { password, new_password } => self.change_password(password, new_password, ticket),

            Command::Transfers => self.transfers(ticket),
            Command::SendFile { to, path } => self.send_file(to, path, ticket, ctx),
            Command::FileRule { user } => self.file_rule(&user, ticket),
            Command::SetFileRule { user, rule } => self.set_file_rule(&user, rule, ticket),
            Command::Rates => ticket.answer(Ok(Answer::Rates(self.profile.settings().rates.possible()))),
            Command::SetRates { rates } => self.set_rates(rates, ticket),
            Command::Downloads => self.tell_downloads(ticket),
            Command::SetDownloads { folder } => Self::set_downloads(folder, ticket, ctx),
            Command::Receipts => ticket.done(Answer::Receipts { receipts: self.receipts() }),
            Command::SetReceipts { on } => self.set_receipts(on, ticket, ctx),
            Command::AcceptFile { transfer, save_as } => {
                let save_as = save_as.map(|path| std::path::absolute(&path).unwrap_or(path));
                self.wish(transfer, &Wish::Accept { save_as }, ticket, ctx);
            }
            Command::DeclineFile { transfer } => self.wish(transfer, &Wish::Decline, ticket, ctx),
            Command::PauseFile { transfer } => self.wish(transfer, &Wish::Pause, ticket, ctx),
            Command::ResumeFile { transfer } => self.wish(transfer, &Wish::Resume, ticket, ctx),
            Command::CancelFile { transfer } => self.wish(transfer, &Wish::Cancel, ticket, ctx),

            Command::SafetyNumber { user } => self.safety_number(&user, ticket),
            Command::Verify { user, code: None } => self.verify(&user, ticket, ctx),
            Command::Verify { user, code: Some(code) } => self.verify_by(user, code, ticket, ctx),
            Command::AcceptKey { user } => self.accept_key(&user, ticket, ctx),
        }
    }
}
