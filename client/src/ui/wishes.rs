//! Carries out what the user wants: from the entrance, the sidebar, the tabs, menus, keys and dialogs to commands of the core.

use std::path::PathBuf;

use gtk::prelude::*;
use hobnob_shared::id::{ConversationId, Handle, TransferId};
use relm4::{ComponentController, adw, gtk};

use crate::core::command::Command;
use crate::model::connection::Page;
use crate::model::rooms::meant;
use crate::model::{FileWish, PersonWish, Question};
use crate::ui::actions::{ActionMsg, PersonAction};
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::conversation::PageOutput;
use crate::ui::dialogs::{about, confirm, shortcuts, status_text};
use crate::ui::seek::Target;
use crate::ui::settings::Flag;
use crate::ui::sidebar::{SidebarInput, SidebarOutput};
use crate::ui::sign_in::{Door, SignInOutput};
use crate::ui::transfers::{CardOutput, TransfersOutput, choose, folder};
use crate::ui::{text, words};

impl App {
    /// Sign-up or sign-in. The address goes first; when it is not one, the core says so and the entrance shows it.
    pub(in crate::ui) fn enter(&mut self, wish: SignInOutput) {
        let SignInOutput { door, user, password, server, room } = wish;
        self.entering = meant(&room);
        if !server.is_empty() && self.model.connection.server.as_ref() != Some(&server) {
            self.ask(Question::SetServer, Command::SetServer { server });
        }
        let command = match door {
            Door::SignUp => Command::SignUp { user, password },
            Door::SignIn if password.expose().is_empty() => Command::SignIn { user: Some(user), password: None },
            Door::SignIn => Command::SignIn { user: Some(user), password: Some(password) },
        };
        self.ask(Question::Enter, command);
    }

    /// From the sidebar.
    pub(in crate::ui) fn sidebar_said(&mut self, output: SidebarOutput) {
        match output {
            SidebarOutput::Open(conversation) => self.open_and_read(&conversation),
            SidebarOutput::Accept(user) => self.person(PersonWish::Accept, user),
            SidebarOutput::Decline(user) => self.person(PersonWish::Decline, user),
            SidebarOutput::SearchMessages(words) => self.open_search(Some(&words)),
            SidebarOutput::Search(words) => {
                self.words = words;
                self.show_people();
                self.show_rooms();
            }
        }
    }

    /// Who opens a conversation by hand reads it, whatever has the focus.
    pub(in crate::ui) fn open_and_read(&mut self, conversation: &ConversationId) {
        self.open(conversation, true);
        if self.tab(conversation).is_some_and(|tab| tab.at_end) {
            self.seen(conversation);
            self.reading = Some(conversation.clone());
        }
        self.look();
    }

    fn person(&mut self, wish: PersonWish, user: Handle) {
        let command = match wish {
            PersonWish::Accept => Command::AcceptFriend { user: user.clone() },
            PersonWish::Decline => Command::DeclineFriend { user: user.clone() },
            PersonWish::Remove => Command::RemoveFriend { user: user.clone() },
            PersonWish::Block => Command::Block { user: user.clone() },
            PersonWish::Verify => Command::Verify { user: user.clone(), code: None },
            PersonWish::AcceptKey => Command::AcceptKey { user: user.clone() },
        };
        self.ask(Question::Person(wish, user), command);
    }

    /// From a tab.
    pub(in crate::ui) fn page_said(&mut self, conversation: ConversationId, output: PageOutput) {
        match output {
            PageOutput::Send(text, reply_to) => {
                let command = Command::Send { to: conversation.clone(), text: text.clone(), reply_to };
                self.seen(&conversation);
                self.look();
                self.ask(Question::Send { conversation, text, reply_to }, command);
            }
            PageOutput::Edit(edit) => self.edited(conversation, edit),
            PageOutput::EditLast => self.edit_last(&conversation),
            PageOutput::TooLong(excess) => {
                let excess = words::size(excess as u64);
                self.toast(&format!("The message is {excess} too long. Shorten it."));
            }
            PageOutput::Long(text, place) => self.too_long(conversation, text, place),
            PageOutput::Attach => self.choose(conversation, choose::files_to_send),
            PageOutput::Drop(paths) => self.send_files(&conversation, paths),
            PageOutput::Paste(picture) => self.pasted(conversation, picture),
            PageOutput::Writing(_) if !self.preferences.is(Flag::SendTyping) => {}
            PageOutput::Writing(active) => self.tell(Command::Typing { to: conversation, active }),
            PageOutput::Draft(text) => self.drafted(&conversation, text),
            PageOutput::Older => {
                if let Some(request) = self.model.older(&conversation) {
                    self.bridge.send(request);
                }
            }
            PageOutput::Newer => {
                if let Some(request) = self.model.newer(&conversation) {
                    self.bridge.send(request);
                }
            }
            PageOutput::ToEnd => self.seek(&conversation, Target::End),
            PageOutput::AtEnd(at_end) => {
                if let Some(tab) = self.tabs.iter_mut().find(|tab| tab.conversation == conversation) {
                    tab.at_end = at_end;
                }
                if at_end {
                    self.look();
                }
            }
            PageOutput::Line(output) => self.line_said(&conversation, output),
            PageOutput::Compare => {
                if let Some(user) = conversation.friend() {
                    self.ask_safety_number(user.clone());
                }
            }
            PageOutput::JoinAgain => {
                if let ConversationId::Room(room) = conversation {
                    self.join(room);
                }
            }
            PageOutput::AcceptKey => {
                if let Some(user) = conversation.friend() {
                    self.accept_key(user.clone());
                }
            }
        }
    }

    fn choose(&self, conversation: ConversationId, chooser: choose::ToSend) {
        let input = self.sender.clone();
        let chosen = move |paths| input.emit(AppMsg::Answer(DialogAnswer::Files(conversation, paths)));
        chooser(&self.at(), &self.sent_from, Box::new(chosen));
    }

    fn send_files(&mut self, conversation: &ConversationId, paths: Vec<PathBuf>) {
        if let Some(folder) = paths.first().and_then(|path| path.parent()) {
            folder.clone_into(&mut self.sent_from);
        }
        for path in paths {
            self.send_file(conversation, path);
        }
    }

    /// Offers a file or folder.
    pub(in crate::ui) fn send_file(&mut self, conversation: &ConversationId, path: PathBuf) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let question = Question::SendFile { conversation: conversation.clone(), name };
        self.ask(question, Command::SendFile { to: conversation.clone(), path });
    }

    /// From the panel of all transfers.
    pub(in crate::ui) fn transfers_said(&mut self, output: TransfersOutput) {
        match output {
            TransfersOutput::Opened => self.transfers.show(&self.model),
            TransfersOutput::Card(output, transfer) => self.card(output, transfer),
            TransfersOutput::Open(conversation) => self.open_and_read(&conversation),
            TransfersOutput::Limit => self.act(ActionMsg::LimitSpeed),
        }
    }

    /// A button of a card.
    pub(in crate::ui) fn card(&mut self, output: CardOutput, transfer: TransferId) {
        if output == CardOutput::Accept && self.take(transfer) {
            return;
        }
        let mut wish = |wish, command| self.ask(Question::File(wish, transfer), command);
        match output {
            CardOutput::Accept => wish(FileWish::Accept, Command::AcceptFile { transfer, save_as: None }),
            CardOutput::Decline => wish(FileWish::Decline, Command::DeclineFile { transfer }),
            CardOutput::Cancel => wish(FileWish::Cancel, Command::CancelFile { transfer }),
            CardOutput::Pause => wish(FileWish::Pause, Command::PauseFile { transfer }),
            CardOutput::Resume => wish(FileWish::Resume, Command::ResumeFile { transfer }),
            CardOutput::SaveAs => {
                let Some(known) = self.model.transfers.get(transfer) else { return };
                let input = self.sender.clone();
                let name = text::literal_line(&known.info.name);
                choose::place_to_save(&self.at(), &name, &self.model.connection.downloads, move |path| {
                    input.emit(AppMsg::Answer(DialogAnswer::SaveAs(transfer, path)));
                });
            }
            CardOutput::OpenFolder => {
                let path = self.model.transfers.get(transfer).and_then(|known| known.info.path.clone());
                if let Some(path) = path {
                    folder::show(&self.at(), path);
                }
            }
        }
    }

    fn accept_key(&self, user: Handle) {
        let heading = format!("Accept the New Key of {user}?");
        let body = format!(
            "Do this only when {user} has told you, by another way than this program, why the key is new. Everything that waits \
             for {user} is then sent to whoever has the new key."
        );
        self.confirm_person(&heading, &body, "Accept New Key", PersonWish::AcceptKey, user);
    }

    fn confirm_person(&self, heading: &str, body: &str, action: &str, wish: PersonWish, user: Handle) {
        let input = self.sender.clone();
        let question = confirm::Question { heading, body, action };
        confirm::ask(&self.at(), &question, move || {
            input.emit(AppMsg::Answer(DialogAnswer::Person(wish, user.clone())));
        });
    }

    /// From a menu or key.
    pub(in crate::ui) fn act(&mut self, action: ActionMsg) {
        let outside = self.model.connection.page() != Page::Main;
        match action {
            action if outside && !action.works_outside() => {}
            // Tabs are not seen.
            ActionMsg::CloseTab(_) if outside => self.window.close(),
            ActionMsg::AddFriend => {
                self.ask_friend("");
            }
            ActionMsg::JoinRoom => self.ask_room(None, None),
            ActionMsg::Members => self.in_use().map_or(&self.content, |own| &own.content).members.open(),
            ActionMsg::Kept(what) => self.act_on_kept(what),
            ActionMsg::Transfers => {
                self.show_window(None);
                self.transfers.open();
            }
            ActionMsg::Devices => self.open_devices(),
            ActionMsg::Preferences => self.open_preferences(),
            ActionMsg::Receipts(on) => self.set_receipts(on),
            ActionMsg::ChooseDownloads => self.choose_downloads(),
            ActionMsg::LimitSpeed => self.ask(Question::Rates, Command::Rates),
            ActionMsg::Unread { back } => self.go_to_unread(back),
            ActionMsg::NextPane => self.go_to_pane(),
            ActionMsg::ConversationMenu => self.in_use().map_or(&self.content, |own| &own.content).open_menu(),
            ActionMsg::Come(place, token) => self.come(place, token.as_deref()),
            ActionMsg::ChangePassword => self.ask_change_password(),
            ActionMsg::Room(what, id) => self.act_on_room(what, &id),
            ActionMsg::FocusSearch => {
                self.show_window(None);
                self.sidebar.emit(SidebarInput::FocusSearch);
            }
            ActionMsg::Search => self.open_search(None),
            ActionMsg::Switch => self.open_switcher(),
            ActionMsg::CloseTab(id) => self.close_tab(&id),
            ActionMsg::PinTab(id) => self.toggle_pin(&id),
            ActionMsg::MoveTab(id) => self.toggle_window(&id),
            ActionMsg::ReopenTab => self.reopen_tab(),
            ActionMsg::Attach => {
                if let Some(tab) = self.front() {
                    self.choose(tab.conversation.clone(), choose::files_to_send);
                }
            }
            ActionMsg::AttachFolder => {
                if let Some(tab) = self.front() {
                    self.choose(tab.conversation.clone(), choose::folder_to_send);
                }
            }
            ActionMsg::Back => {
                self.leaflet.navigate(adw::NavigationDirection::Back);
            }
            ActionMsg::StatusText => {
                let input = self.sender.clone();
                status_text::ask(&self.at(), &self.model.connection.status_text, move |text| {
                    input.emit(AppMsg::Answer(DialogAnswer::StatusText(text)));
                });
            }
            ActionMsg::Picture => self.ask_avatar(),
            ActionMsg::Presence(presence) => {
                let command = Command::SetPresence { presence, text: None };
                self.ask(Question::Presence(presence, None), command);
            }
            ActionMsg::SignOut => {
                let input = self.sender.clone();
                let question = confirm::Question {
                    heading: "Sign Out?",
                    body: "Conversations stay on this computer. You can sign in again without the password.",
                    action: "Sign Out",
                };
                confirm::ask(&self.at(), &question, move || input.emit(AppMsg::Answer(DialogAnswer::SignOut)));
            }
            ActionMsg::Shortcuts => shortcuts::show(&self.window),
            ActionMsg::About => about::show(&self.at()),
            ActionMsg::Quit => self.end(),
            ActionMsg::Person(what, user) => {
                if let Ok(user) = user.parse() {
                    self.act_on(what, user);
                }
            }
        }
    }

    fn act_on(&mut self, what: PersonAction, user: Handle) {
        match what {
            PersonAction::Open => self.open_and_read(&ConversationId::Direct(user)),
            PersonAction::Details => self.show_details(&user),
            PersonAction::Verify => self.ask_safety_number(user),
            PersonAction::Files => self.ask(Question::FileRule(user.clone()), Command::FileRule { user }),
            PersonAction::Remove => {
                let heading = format!("Remove {user}?");
                let body = "You will not see each other any more. What you wrote stays on this computer.";
                self.confirm_person(&heading, body, "Remove", PersonWish::Remove, user);
            }
            PersonAction::Block => {
                let heading = format!("Block {user}?");
                let body = format!("You will not see each other any more, and {user} cannot send you requests.");
                self.confirm_person(&heading, &body, "Block", PersonWish::Block, user);
            }
        }
    }

    /// From a dialog.
    pub(in crate::ui) fn answered(&mut self, answer: DialogAnswer) {
        match answer {
            DialogAnswer::AddFriend(user) => {
                self.ask(Question::AddFriend(user.clone()), Command::AddFriend { user });
            }
            DialogAnswer::Person(wish, user) => self.person(wish, user),
            DialogAnswer::Details(user, nickname, note) => self.set_details(&user, nickname, note),
            DialogAnswer::Compare(user) => self.ask_safety_number(user),
            DialogAnswer::Code(user, code) => self.check_code(user, code),
            DialogAnswer::StatusText(text) => {
                let presence = self.model.connection.presence;
                let command = Command::SetPresence { presence, text: Some(text.clone()) };
                self.ask(Question::Presence(presence, Some(text)), command);
            }
            DialogAnswer::FileRule(user, rule) => {
                self.ask(Question::SetFileRule(user.clone()), Command::SetFileRule { user, rule });
            }
            DialogAnswer::Downloads(folder) => {
                self.ask(Question::SetDownloads(folder.clone()), Command::SetDownloads { folder });
            }
            DialogAnswer::Rates(rates) => self.ask(Question::SetRates, Command::SetRates { rates }),
            DialogAnswer::SaveAs(transfer, path) => {
                let command = Command::AcceptFile { transfer, save_as: Some(path) };
                self.ask(Question::File(FileWish::Accept, transfer), command);
            }
            DialogAnswer::Files(conversation, paths) => self.send_files(&conversation, paths),
            DialogAnswer::Avatar(path) => self.set_avatar(path),
            DialogAnswer::Paste(conversation, picture) => self.keep_pasted(conversation, picture),
            DialogAnswer::Long(conversation, text, place) => self.keep_long(conversation, text, place),
            DialogAnswer::Pasted(conversation, kept) => self.send_pasted(&conversation, kept),
            DialogAnswer::Delete(message) => self.ask(Question::Act, Command::Delete { message }),
            DialogAnswer::Kept(conversation, answer) => self.answered_kept(conversation, answer),
            DialogAnswer::SignOut => self.ask(Question::SignOut, Command::SignOut),
            DialogAnswer::JoinRoom(room, password) => self.join_from_dialog(room, password),
            DialogAnswer::LeaveRoom(room) => self.ask(Question::LeaveRoom(room.clone()), Command::LeaveRoom { room }),
            DialogAnswer::RemoveMember(room, user) => {
                self.ask(Question::RemoveMember(room.clone(), user.clone()), Command::RemoveMember { room, user });
            }
            DialogAnswer::LockRoom(room, password) => self.lock_room(room, password),
            DialogAnswer::UnlockRoom(room) => {
                let question = Question::RoomPassword(room.clone(), false);
                self.ask(question, Command::SetRoomPassword { room, password: None });
            }
            DialogAnswer::AskRemoveDevice(device) => self.ask_remove_device(device),
            DialogAnswer::RemoveDevice(device, password) => self.remove_device(device, password),
            DialogAnswer::AskChangePassword => self.ask_change_password(),
            DialogAnswer::ChangePassword(old, new) => self.change_password(old, new),
        }
    }
}
