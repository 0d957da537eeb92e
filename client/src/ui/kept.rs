//! What is done with a conversation as a whole: gone to a day in it, exported, erased.

use std::path::PathBuf;

use gtk::glib;
use hobnob_shared::id::ConversationId;
use relm4::gtk;

use crate::core::command::{Command, Format};
use crate::model::Question;
use crate::ui::actions::KeptAction;
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::conversation::page::title;
use crate::ui::dialogs::{confirm, export, jump_date};
use crate::ui::seek::Target;
use crate::ui::text::literal_line;
use crate::ui::transfers::{choose, folder};
use crate::ui::words;

/// What was answered about a conversation.
#[derive(Debug)]
pub enum KeptAnswer {
    /// Go to this time, in milliseconds since 1970.
    Jump(u64),
    /// A month is shown whose days begin at these times.
    Month(Vec<u64>),
    /// This kind of file: ask where.
    Place(Format),
    /// Write it there.
    Export(Format, PathBuf),
    /// Erase it.
    Erase,
}

impl App {
    /// From the conversation's menu, or a key.
    pub(in crate::ui) fn act_on_kept(&mut self, what: KeptAction) {
        let Some(conversation) = self.front().map(|tab| tab.conversation.clone()) else { return };
        match what {
            KeptAction::Jump => {
                let shown = self.answer_about(conversation.clone(), KeptAnswer::Month);
                let go = self.answer_about(conversation.clone(), KeptAnswer::Jump);
                self.jumping = Some((conversation, jump_date::ask(&self.at(), go, shown)));
            }
            KeptAction::Export => {
                let name = title(&conversation);
                export::ask(&self.at(), &name, self.answer_about(conversation, KeptAnswer::Place));
            }
            KeptAction::Erase => self.ask_erase(conversation),
        }
    }

    fn answer_about<T: 'static>(
        &self,
        conversation: ConversationId,
        answer: impl Fn(T) -> KeptAnswer + 'static,
    ) -> impl Fn(T) + 'static {
        let input = self.sender.clone();
        move |value| input.emit(AppMsg::Answer(DialogAnswer::Kept(conversation.clone(), answer(value))))
    }

    fn ask_erase(&self, conversation: ConversationId) {
        let name = title(&conversation);
        let (heading, body) = match &conversation {
            ConversationId::Direct(_) => (
                format!("Erase the Conversation with {name}?"),
                format!(
                    "All its messages go from this computer, for good, and so do your draft and the list of its files. The files themselves stay. \
                     {name}, and other computers of yours, keep what they have."
                ),
            ),
            ConversationId::Room(_) => (
                format!("Erase What Was Said in {name}?"),
                "All its messages go from this computer, for good, and so do your draft and the list of its files. The files themselves stay. The \
                 other members, and other computers of yours, keep what they have. What you wrote from here stays on this disk, \
                 unseen, for members who come later, until you erase it after leaving the room."
                    .to_owned(),
            ),
        };
        let question = confirm::Question { heading: &heading, body: &body, action: "Erase" };
        let erase = self.answer_about(conversation, |()| KeptAnswer::Erase);
        confirm::ask(&self.at(), &question, move || erase(()));
    }

    /// From one of these dialogs.
    pub(in crate::ui) fn answered_kept(&mut self, conversation: ConversationId, answer: KeptAnswer) {
        match answer {
            KeptAnswer::Jump(at) => self.open_at(&conversation, Target::Time(at)),
            KeptAnswer::Month(starts) => {
                let question = Question::Days { conversation: conversation.clone(), starts: starts.clone() };
                self.ask(question, Command::Days { conversation, starts });
            }
            KeptAnswer::Place(format) => {
                let (name, end) = (literal_line(&title(&conversation)), export::end(format));
                let chosen = self.answer_about(conversation, move |path| KeptAnswer::Export(format, path));
                choose::place_to_save(&self.at(), &format!("{name}.{end}"), &glib::home_dir(), chosen);
            }
            KeptAnswer::Export(format, path) => {
                // Whoever chose a file that is there was asked by the chooser.
                let command = Command::Export { conversation: conversation.clone(), path, format, overwrite: true };
                self.ask(Question::Export(conversation), command);
            }
            KeptAnswer::Erase => {
                // What is written from now on is another draft, and stays.
                let draft = self.forget_draft(&conversation);
                self.ask(
                    Question::Erase { conversation: conversation.clone(), draft },
                    Command::Erase { conversation },
                );
            }
        }
    }

    /// A conversation is in a file.
    pub(in crate::ui) fn exported(&self, count: u64, path: PathBuf) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let words = format!("{} in {}", words::messages(count), literal_line(&name));
        let window = self.at();
        self.toast_with(&words, move |toast| {
            toast.set_button_label(Some("Show in Folder"));
            toast.connect_button_clicked(move |_| folder::show(&window, path.clone()));
        });
    }

    /// A conversation is off the disk.
    pub(in crate::ui) fn erased(&mut self, conversation: &ConversationId, kept: u64) {
        self.contents().for_each(|content| content.announcer.unsay());
        for request in self.model.read_again(conversation) {
            self.bridge.send(request);
        }
        self.toast(&match kept {
            0 => "The conversation is erased on this computer.".to_owned(),
            1 => "Erased. One message that still waits to be sent stays.".to_owned(),
            kept => format!("Erased. {kept} messages that still wait to be sent stay."),
        });
    }
}
