//! The quick switcher: a few letters of a friend's or a room's name, and Enter.

use crate::ui::app::{App, AppMsg};
use crate::ui::search::picker::{Kind, Picker, PickerOutput};
use crate::ui::search::rows;

/// Lines that are shown: whoever looks for another one types a letter more.
const SHOWN: usize = 100;

const KIND: Kind =
    Kind { title: "Switch Conversation", hint: "Go to a friend or room", size: (420, 440), rests: false };

impl App {
    /// Opens the switcher.
    pub(in crate::ui) fn open_switcher(&mut self) {
        if let Some(open) = self.switcher.as_ref().filter(|open| open.is_open()) {
            return open.focus();
        }
        if let Some(open) = self.searching.take() {
            open.close();
        }
        let input = self.sender.clone();
        let picker = Picker::open(&self.at(), &KIND, None, move |output| input.emit(AppMsg::Switch(output)));
        self.switcher = Some(picker.clone());
        self.show_meant("");
        picker.present();
    }

    /// From the switcher.
    pub(in crate::ui) fn switcher_said(&mut self, output: PickerOutput) {
        match output {
            PickerOutput::Typed(text) => self.show_meant(&text),
            PickerOutput::Enter(text) => {
                if self.switched != text {
                    self.show_meant(&text);
                }
                if let Some(pick) = self.switcher.as_ref().and_then(Picker::picked) {
                    self.picked(pick);
                }
            }
            PickerOutput::Picked(pick) => self.picked(pick),
            PickerOutput::NearEnd | PickerOutput::Filter(_) => {}
        }
    }

    fn show_meant(&mut self, typed: &str) {
        typed.clone_into(&mut self.switched);
        let Some(picker) = &self.switcher else { return };
        let meant = self.model.meant(typed, self.front().map(|tab| &tab.conversation));
        if meant.is_empty() {
            return picker.say("Nobody Found", "Friends and rooms are found by some letters of their names.");
        }
        picker.show(meant.into_iter().take(SHOWN).map(|meant| rows::meant(&self.model, meant)).collect(), "");
    }
}
