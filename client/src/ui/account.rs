//! The account's devices and its password, for the root: what is shown of them, and what the user wants done.

use hobnob_shared::id::DeviceId;
use relm4::gtk;

use crate::core::command::{Command, Password};
use crate::model::{Pending, Question, QuestionId};
use crate::ui::app::{App, AppMsg, DialogAnswer};
use crate::ui::dialogs::devices::DevicesDialog;
use crate::ui::dialogs::{change_password, remove_device};

impl App {
    /// Opens the list of devices.
    pub(in crate::ui) fn open_devices(&mut self) {
        let (remove, password) = (self.sender.clone(), self.sender.clone());
        let devices = DevicesDialog::open(
            &self.at(),
            move |device| remove.emit(AppMsg::Answer(DialogAnswer::AskRemoveDevice(device))),
            move || password.emit(AppMsg::Answer(DialogAnswer::AskChangePassword)),
        );
        devices.show(&self.model.devices);
        self.devices = Some(devices);
        self.ask(Question::Devices, Command::Devices { password: None });
    }

    /// Draws them, where somebody looks.
    pub(in crate::ui) fn show_devices(&mut self) {
        self.devices = self.devices.take().filter(DevicesDialog::is_open);
        if let Some(devices) = &self.devices {
            devices.show(&self.model.devices);
        }
    }

    /// The window over which questions about the account are asked.
    fn account_window(&self) -> gtk::Window {
        let open = self.devices.as_ref().filter(|devices| devices.is_open());
        open.map_or_else(|| self.at(), |devices| devices.window().clone())
    }

    /// Asks for the password that removes a device.
    pub(in crate::ui) fn ask_remove_device(&mut self, device: DeviceId) {
        let input = self.sender.clone();
        let dialog = remove_device::ask(&self.account_window(), device, move |password| {
            input.emit(AppMsg::Answer(DialogAnswer::RemoveDevice(device, password)));
        });
        self.form = Some((Pending::default(), dialog));
    }

    /// Asks for the old and the new password.
    pub(in crate::ui) fn ask_change_password(&mut self) {
        let input = self.sender.clone();
        let dialog = change_password::ask(&self.account_window(), move |old, new| {
            input.emit(AppMsg::Answer(DialogAnswer::ChangePassword(old, new)));
        });
        self.form = Some((Pending::default(), dialog));
    }

    /// Removes a device; the dialog waits for the answer.
    pub(in crate::ui) fn remove_device(&mut self, device: DeviceId, password: Password) {
        self.ask_in_form(Question::RemoveDevice(device), Command::RemoveDevice { password, device });
    }

    /// Changes the password; the dialog waits for the answer.
    pub(in crate::ui) fn change_password(&mut self, password: Password, new_password: Password) {
        self.ask_in_form(Question::ChangePassword, Command::ChangePassword { password, new_password });
    }

    /// A device is gone.
    pub(in crate::ui) fn device_removed(&mut self) {
        self.toast("The device is removed.");
        self.ask(Question::Devices, Command::Devices { password: None });
    }

    /// Asks the core; the dialog in front waits for the answer.
    pub(in crate::ui) fn ask_in_form(&mut self, question: Question, command: Command) {
        let asked = self.ask_named(question, command);
        if let Some((pending, dialog)) = &mut self.form {
            pending.ask(asked);
            if pending.is_waiting() {
                dialog.work();
            }
        }
    }

    /// The answer came: true where a dialog waited for it, which is closed or says what was wrong.
    pub(in crate::ui) fn answer_form(&mut self, question: QuestionId, problem: Option<&str>) -> bool {
        let Some((pending, dialog)) = &mut self.form else { return false };
        if !pending.is_answered_by(question) || !dialog.is_open() {
            return false;
        }
        if let Some(text) = problem {
            dialog.refuse(text);
        } else {
            dialog.close();
            self.form = None;
        }
        true
    }
}
