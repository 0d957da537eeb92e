//! Asks what of a friend's files is taken without asking.

use adw::prelude::*;
use hobnob_shared::id::Handle;
use relm4::{adw, gtk};

use crate::core::event::FileRule;
use crate::ui::widgets::dialog::{Dialog, Style};
use crate::ui::widgets::spoken::called;
use crate::ui::words;

/// What is offered as a limit, in bytes.
const LIMITS: [u64; 3] = [1_000_000, 10_000_000, 100_000_000];

/// Asks, with the present rule chosen, and calls `set` with the new one.
pub fn ask(window: &impl IsA<gtk::Window>, user: &Handle, now: FileRule, set: impl Fn(FileRule) + 'static) {
    let dialog = Dialog::new(
        window,
        &format!("Files from {user}"),
        "What is taken goes into your download folder, checked, and is never opened by itself.",
    );
    let mut rules = vec![(FileRule::Ask, "Ask each time".to_owned())];
    let mut limits: Vec<u64> = LIMITS.to_vec();
    if let FileRule::UpTo { size } = now
        && !limits.contains(&size)
    {
        limits.push(size);
        limits.sort_unstable();
    }
    rules.extend(
        limits
            .into_iter()
            .map(|size| (FileRule::UpTo { size }, format!("Take files and folders up to {}", words::size(size)))),
    );
    rules.push((FileRule::Always, "Take all files and folders".to_owned()));
    let list = adw::PreferencesGroup::new();
    let mut first: Option<gtk::CheckButton> = None;
    let mut buttons = Vec::new();
    for (rule, title) in rules {
        let button: gtk::CheckButton = called(&title);
        button.set_valign(gtk::Align::Center);
        button.set_group(first.as_ref());
        button.set_active(rule == now);
        first.get_or_insert_with(|| button.clone());
        let row = adw::ActionRow::builder().title(title).activatable_widget(&button).build();
        row.add_prefix(&button);
        list.add(&row);
        buttons.push((button, rule));
    }
    dialog.add(&list);
    dialog.cancel("Cancel");
    dialog.button("Set", Style::Suggested, move || {
        if let Some((_, rule)) = buttons.iter().find(|(button, _)| button.is_active()) {
            set(*rule);
        }
    });
    dialog.present();
}
