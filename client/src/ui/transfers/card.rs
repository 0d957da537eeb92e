//! A transfer's card: what is offered or on its way, how far it is, and what can be done about it. The name is the sender's, shown literally.

use gtk::pango;
use gtk::prelude::*;
use hobnob_shared::id::Handle;
use relm4::gtk;

use crate::core::event::{Direction, TransferInfo, TransferState};
use crate::model::transfers::{Taken, Transfer};
use crate::ui::widgets::icon_button::icon_button;
use crate::ui::widgets::tip::tip;
use crate::ui::{text, words};

/// What was clicked on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardOutput {
    /// Take it into the download folder.
    Accept,
    /// Take it to a place to be chosen.
    SaveAs,
    /// Do not take it.
    Decline,
    /// Give it up.
    Cancel,
    /// Stop for now.
    Pause,
    /// Go on.
    Resume,
    /// Show where it is.
    OpenFolder,
}

/// Its buttons, in their order.
const BUTTONS: [CardOutput; 7] = [
    CardOutput::Decline,
    CardOutput::SaveAs,
    CardOutput::Accept,
    CardOutput::Pause,
    CardOutput::Resume,
    CardOutput::Cancel,
    CardOutput::OpenFolder,
];

const FOLDER: &str = "folder-symbolic";

/// What a card shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    name: String,
    detail: String,
    icon: &'static str,
    /// Part done, in thousandths, while it is on its way.
    progress: Option<u16>,
    failed: bool,
    buttons: Vec<CardOutput>,
}

impl Card {
    /// The card of a transfer.
    pub fn new(transfer: &Transfer, own: bool) -> Self {
        let info = &transfer.info;
        let size = match info.files {
            Some(files) => format!("{} · {}", words::files(files), words::size(info.size)),
            None => words::size(info.size),
        };
        let so_far = || format!("{} of {}", words::size(info.done), words::size(info.size));
        let reason = |usual: &str| info.text.as_deref().map_or_else(|| usual.to_owned(), text::literal_line);
        let incoming = info.direction == Direction::Incoming;
        let (detail, buttons): (String, &[CardOutput]) = match info.state {
            TransferState::Offered if incoming => {
                (size, &[CardOutput::Decline, CardOutput::SaveAs, CardOutput::Accept])
            }
            TransferState::Offered if !transfer.taken.is_empty() => {
                let name = |(user, taken): (&Handle, &Taken)| match taken {
                    Taken::Whole => user.to_string(),
                    Taken::Incomplete => format!("{user} (without some files)"),
                };
                let names: Vec<String> = transfer.taken.iter().map(name).collect();
                (format!("{size} · delivered to {}, verified", names.join(", ")), &[CardOutput::Cancel])
            }
            TransferState::Offered => (format!("{size} · waiting for an answer"), &[CardOutput::Cancel]),
            TransferState::Accepted | TransferState::Queued => {
                let what = if info.done > 0 { so_far() } else { size };
                let usual =
                    if info.state == TransferState::Queued { "waits for its turn" } else { "waiting for a connection" };
                (format!("{what} · {}", reason(usual)), &[CardOutput::Cancel])
            }
            TransferState::Running => {
                let mut parts = vec![so_far()];
                if transfer.rate > 0 {
                    parts.push(format!("{}/s", words::size(transfer.rate)));
                }
                parts.extend(transfer.seconds_left().map(words::left));
                (parts.join(" · "), &[CardOutput::Pause, CardOutput::Cancel])
            }
            TransferState::Paused => (format!("{} · paused", so_far()), &[CardOutput::Resume, CardOutput::Cancel]),
            TransferState::Finished if own => (complete(format!("{size} · delivered, verified"), info), &[]),
            TransferState::Finished => {
                let words = format!("{size} · verified · {}", words::time(info.sent_at));
                (complete(words, info), &[CardOutput::OpenFolder])
            }
            TransferState::Declined => (format!("{size} · declined"), &[]),
            TransferState::Cancelled => (format!("{size} · cancelled"), &[]),
            TransferState::Failed => (reason("The transfer failed."), &[CardOutput::Resume, CardOutput::Cancel]),
        };
        let moving = matches!(info.state, TransferState::Running | TransferState::Paused);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction is between 0 and 1")]
        let progress = moving.then(|| (transfer.fraction() * 1000.0) as u16);
        Self {
            name: text::literal_line(&info.name),
            detail,
            icon: match (info.state, incoming) {
                _ if info.files.is_some() => FOLDER,
                (TransferState::Finished, _) => "text-x-generic-symbolic",
                (_, true) => "document-save-symbolic",
                (_, false) => "document-send-symbolic",
            },
            progress,
            failed: info.state == TransferState::Failed,
            buttons: buttons.to_vec(),
        }
    }

    /// The name of the file or folder, as it is shown.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The card as a sentence.
    pub fn spoken(&self) -> String {
        let what = if self.icon == FOLDER { "folder" } else { "file" };
        format!("{what} {}, {}", self.name, self.detail)
    }
}

/// How it ended, and what of a folder is missing.
fn complete(words: String, info: &TransferInfo) -> String {
    match &info.text {
        Some(text) => format!("{words}\n{}", text::literal_line(text)),
        None => words,
    }
}

/// The widgets of a card.
pub struct CardWidgets {
    root: gtk::Box,
    icon: gtk::Image,
    name: gtk::Label,
    progress: gtk::ProgressBar,
    detail: gtk::Label,
    answers: gtk::Box,
    buttons: Vec<(CardOutput, gtk::Button)>,
}

impl CardWidgets {
    /// An empty card; `speak` gets what is clicked.
    pub fn new(speak: impl Fn(CardOutput) + Clone + 'static) -> Self {
        let icon = gtk::Image::builder().pixel_size(28).valign(gtk::Align::Center).width_request(28).build();
        let name =
            gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::Middle).max_width_chars(36).build();
        name.add_css_class("file-name");
        let progress = gtk::ProgressBar::builder().valign(gtk::Align::Center).build();
        let detail = gtk::Label::builder()
            .xalign(0.0)
            .wrap(true)
            .wrap_mode(pango::WrapMode::WordChar)
            .max_width_chars(44)
            .build();
        detail.set_css_classes(&["file-detail", "numeric"]);
        let words = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .spacing(4)
            .hexpand(true)
            // A card with two buttons fits a window of the narrowest width.
            .width_request(100)
            .valign(gtk::Align::Center)
            .build();
        words.append(&name);
        words.append(&progress);
        words.append(&detail);
        let line = gtk::Box::builder().spacing(12).build();
        line.append(&icon);
        line.append(&words);
        let answers = gtk::Box::builder().spacing(8).halign(gtk::Align::End).build();

        let mut buttons = Vec::new();
        for output in BUTTONS {
            let (button, in_line) = button(output);
            let speak = speak.clone();
            button.connect_clicked(move |_| speak(output));
            if in_line {
                line.append(&button);
            } else {
                answers.append(&button);
            }
            buttons.push((output, button));
        }
        let root = gtk::Box::builder().orientation(gtk::Orientation::Vertical).spacing(10).build();
        root.add_css_class("file-card");
        root.append(&line);
        root.append(&answers);
        Self { root, icon, name, progress, detail, answers, buttons }
    }

    /// The widget.
    pub fn widget(&self) -> &gtk::Box {
        &self.root
    }
}

/// A button, and whether it stands in the card's line.
fn button(output: CardOutput) -> (gtk::Button, bool) {
    let picture = |icon: &str, name: &str| {
        let button = icon_button(icon, name);
        button.set_css_classes(&["flat", "circular"]);
        button.set_valign(gtk::Align::Center);
        (button, true)
    };
    match output {
        CardOutput::Accept => (gtk::Button::builder().label("Accept").css_classes(["suggested-action"]).build(), false),
        CardOutput::SaveAs => (gtk::Button::with_label("Save As…"), false),
        CardOutput::Decline => (gtk::Button::with_label("Decline"), false),
        CardOutput::Cancel => picture("window-close-symbolic", "Cancel"),
        CardOutput::Pause => picture("media-playback-pause-symbolic", "Pause"),
        CardOutput::Resume => picture("media-playback-start-symbolic", "Resume"),
        CardOutput::OpenFolder => picture("folder-open-symbolic", "Open Folder"),
    }
}

impl Card {
    /// Shows this transfer.
    pub fn show(&self, widgets: &CardWidgets) {
        widgets.icon.set_icon_name(Some(self.icon));
        widgets.name.set_text(&self.name);
        tip(&widgets.name, Some(&self.name));
        widgets.detail.set_text(&self.detail);
        widgets.progress.set_visible(self.progress.is_some());
        widgets.progress.set_fraction(f64::from(self.progress.unwrap_or_default()) / 1000.0);
        if self.failed {
            widgets.detail.add_css_class("error");
        } else {
            widgets.detail.remove_css_class("error");
        }
        for (output, button) in &widgets.buttons {
            button.set_visible(self.buttons.contains(output));
        }
        widgets.answers.set_visible(self.buttons.contains(&CardOutput::Accept));
        widgets.root.set_visible(true);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use hobnob_shared::id::{ConversationId, TransferId};
    use std::collections::BTreeMap;

    fn transfer(state: TransferState, direction: Direction) -> Transfer {
        let info = TransferInfo {
            transfer: TransferId::new(),
            by: None,
            conversation: ConversationId::Direct("bob".parse().unwrap()),
            from: "bob".parse().unwrap(),
            direction,
            name: "a\u{202E}gpj.exe".to_owned(),
            size: 3_100_000_000,
            files: None,
            done: 1_900_000_000,
            state,
            path: None,
            blake3: None,
            text: Some("The disk is full.".to_owned()),
            sent_at: 0,
        };
        Transfer { info, rate: 402_000_000, taken: BTreeMap::new() }
    }

    #[test]
    fn what_waits_says_for_what() {
        let detail = |state, text: Option<&str>| {
            let mut waits = transfer(state, Direction::Incoming);
            (waits.info.done, waits.info.text) = (0, text.map(str::to_owned));
            Card::new(&waits, false).detail
        };
        assert!(detail(TransferState::Queued, None).ends_with(" · waits for its turn"));
        assert!(detail(TransferState::Accepted, None).ends_with(" · waiting for a connection"));
        assert!(detail(TransferState::Accepted, Some("Too many files.")).ends_with(" · Too many files."));
    }

    #[test]
    fn a_running_transfer_says_how_far_how_fast_and_how_long() {
        let card = Card::new(&transfer(TransferState::Running, Direction::Incoming), false);
        assert_eq!(card.detail, "1.9 GB of 3.1 GB · 402 MB/s · 3 s left");
        assert_eq!((card.progress, card.name.as_str()), (Some(612), "a\u{FFFD}gpj.exe"));
    }

    #[test]
    fn only_who_is_offered_a_file_can_accept_it() {
        let can_accept = |direction| {
            Card::new(&transfer(TransferState::Offered, direction), false).buttons.contains(&CardOutput::Accept)
        };
        assert!(can_accept(Direction::Incoming));
        assert!(!can_accept(Direction::Outgoing));
    }

    #[test]
    fn a_folder_says_how_many_files_it_has_and_what_is_missing() {
        let mut folder = transfer(TransferState::Finished, Direction::Outgoing);
        folder.info.files = Some(12);
        folder.info.text = Some("One file did not come along.".to_owned());
        let card = Card::new(&folder, true);
        assert_eq!(card.detail, "12 files · 3.1 GB · delivered, verified\nOne file did not come along.");
        assert!(card.spoken().starts_with("folder "), "{}", card.spoken());
        folder.info.files = None;
        folder.info.text = None;
        assert!(Card::new(&folder, true).spoken().starts_with("file "));
    }

    #[test]
    fn a_failure_shows_its_reason() {
        let card = Card::new(&transfer(TransferState::Failed, Direction::Incoming), false);
        assert_eq!((card.detail.as_str(), card.failed), ("The disk is full.", true));
    }
}
