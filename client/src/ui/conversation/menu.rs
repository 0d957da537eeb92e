//! The menu of a message: emojis to set in its first row, then what can be done with it. Opened by a right click, a long press, or the menu key
//! on the row that has the focus. One set of controllers for a whole timeline: its lines need none of their own.

use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, gio, glib};
use hobnob_shared::id::MessageId;
use relm4::gtk;

use crate::core::message_key::MessageKey;
use crate::ui::conversation::bubble::Fold;
use crate::ui::conversation::row::{LineId, Lines, RowOutput, TimelineRow};
use crate::ui::links::Target;
use crate::ui::widgets::context_menu::add;
use crate::ui::widgets::icon_button::icon_button;
use crate::ui::widgets::live_list::Current;
use crate::ui::widgets::spoken::called;

/// What is offered at once; GTK's own chooser has the others.
const COMMON: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🎉"];

/// What a menu is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Which message.
    pub message: MessageKey,
    /// Mine: it may be changed and taken back.
    pub own: bool,
    /// The links in it.
    pub links: Vec<String>,
    /// The message that it answers.
    pub answers: Option<MessageId>,
    /// How much of it is shown.
    pub fold: Fold,
}

/// What is done with a message by its menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Answer it.
    Reply,
    /// Change its text.
    Edit,
    /// Take it back, for everyone.
    Delete,
    /// Its text into the clipboard.
    Copy,
    /// Show all of it, or its beginning again.
    Unfold,
    /// Go to the message that it answers.
    Answered,
}

const DEEDS: [(&str, Deed); 6] = [
    ("reply", Deed::Reply),
    ("edit", Deed::Edit),
    ("delete", Deed::Delete),
    ("copy", Deed::Copy),
    ("unfold", Deed::Unfold),
    ("answered", Deed::Answered),
];

/// Links of one message that its menu offers.
const LINKS: usize = 5;

type Speak = Rc<dyn Fn(RowOutput)>;

/// Gives a timeline's list the menus of its lines. Popovers hang on `place`, which outlives the lines.
pub fn attach(list: &gtk::ListView, place: &impl IsA<gtk::Widget>, speak: Speak, lines: &Lines) {
    let place = place.clone().upcast::<gtk::Widget>();
    let (group, speaker) = (actions(&speak), speak.clone());
    place.insert_action_group("message", Some(&group));
    let (weak, known) = (place.downgrade(), lines.clone());
    let open = Rc::new(move |list: &gtk::ListView, on: &gtk::Widget, at: Option<(f64, f64)>| -> bool {
        let (Some(place), Some(about)) = (weak.upgrade(), known.about(on)) else { return false };
        let bubble = || known.bubble(&about.message)?.translate_coordinates(&place, 24.0, 24.0);
        let at = match at {
            Some((x, y)) => list.translate_coordinates(&place, x, y),
            None => bubble(),
        };
        popup(&place, &about, at.unwrap_or_default(), &speak);
        true
    });

    let (link, say) = (gio::SimpleAction::new("link", Some(glib::VariantTy::STRING)), speaker);
    link.connect_activate(move |_, target| {
        if let Some(address) = target.and_then(|target| target.str()) {
            say(RowOutput::Link(address.to_owned()));
        }
    });
    group.add_action(&link);
    let menu = gio::SimpleAction::new("menu", Some(glib::VariantTy::STRING));
    let (view, show, known) = (list.downgrade(), open.clone(), lines.clone());
    menu.connect_activate(move |_, target| {
        let shown =
            target.and_then(|target| target.str()?.parse().ok()).and_then(|key| known.showing(&LineId::Message(key)));
        if let (Some(list), Some(shown)) = (view.upgrade(), shown) {
            show(&list, shown.upcast_ref(), None);
        }
    });
    group.add_action(&menu);

    let click = gtk::GestureClick::builder().button(gdk::BUTTON_SECONDARY).build();
    // Before the text's own menu, which has nothing but what is here too.
    click.set_propagation_phase(gtk::PropagationPhase::Capture);
    let (view, show) = (list.downgrade(), open.clone());
    click.connect_pressed(move |gesture, _, x, y| {
        let Some(list) = view.upgrade() else { return };
        let hit = list.pick(x, y, gtk::PickFlags::DEFAULT);
        if hit.is_some_and(|hit| show(&list, &hit, Some((x, y)))) {
            gesture.set_state(gtk::EventSequenceState::Claimed);
        }
    });
    list.add_controller(click);
    let press = gtk::GestureLongPress::builder().touch_only(true).build();
    let (view, show) = (list.downgrade(), open.clone());
    press.connect_pressed(move |gesture, x, y| {
        let Some(list) = view.upgrade() else { return };
        let hit = list.pick(x, y, gtk::PickFlags::DEFAULT);
        if hit.is_some_and(|hit| show(&list, &hit, Some((x, y)))) {
            gesture.set_state(gtk::EventSequenceState::Claimed);
        }
    });
    list.add_controller(press);
    let keys = gtk::EventControllerKey::new();
    keys.set_propagation_phase(gtk::PropagationPhase::Capture);
    let view = list.downgrade();
    keys.connect_key_pressed(move |_, key, _, state| {
        let is_menu = key == gdk::Key::Menu || (key == gdk::Key::F10 && state.contains(gdk::ModifierType::SHIFT_MASK));
        let focused = || {
            let list = view.upgrade()?;
            let focus = list.root()?.focus()?;
            // The row of the list has the focus, and the line is in it.
            let on = if focus.parent().as_ref() == Some(list.upcast_ref()) { focus.first_child()? } else { focus };
            Some((list, on))
        };
        let opened = is_menu && focused().is_some_and(|(list, on)| open(&list, &on, None));
        if opened { glib::Propagation::Stop } else { glib::Propagation::Proceed }
    });
    list.add_controller(keys);
}

/// Offers a row's menu to who has neither mouse nor keys, but a program that lists what can be done. `line` is what is in the row.
pub fn offer(row: &gtk::Widget, line: &gtk::Box, current: Current<TimelineRow>) {
    let (group, action) = (gio::SimpleActionGroup::new(), gio::SimpleAction::new("menu", None));
    let line = line.downgrade();
    action.connect_activate(move |_, _| {
        if let (Some(line), Some(LineId::Message(message))) = (line.upgrade(), current.read(|row| row.id.clone()))
            && let Err(error) = line.activate_action("message.menu", Some(&message.to_string().to_variant()))
        {
            tracing::debug!(%error, "a message has no menu");
        }
    });
    group.add_action(&action);
    row.insert_action_group("line", Some(&group));
}

fn actions(speak: &Speak) -> gio::SimpleActionGroup {
    let group = gio::SimpleActionGroup::new();
    for (name, deed) in DEEDS {
        let action = gio::SimpleAction::new(name, Some(glib::VariantTy::STRING));
        let speak = speak.clone();
        action.connect_activate(move |_, target| {
            if let Some(message) = target.and_then(|target| target.str()).and_then(|key| key.parse().ok()) {
                speak(RowOutput::Deed(deed, message));
            }
        });
        group.add_action(&action);
    }
    group
}

fn popup(place: &gtk::Widget, about: &About, (x, y): (f64, f64), speak: &Speak) {
    let menu = gio::Menu::new();
    let emojis = gio::MenuItem::new(None, None);
    emojis.set_attribute_value("custom", Some(&"emojis".to_variant()));
    let top = gio::Menu::new();
    top.append_item(&emojis);
    menu.append_section(None, &top);
    let (section, id) = (gio::Menu::new(), about.message.to_string());
    add(&section, "Reply", "message.reply", &id);
    if about.own {
        add(&section, "Edit", "message.edit", &id);
    }
    add(&section, "Copy Text", "message.copy", &id);
    match about.fold {
        Fold::Short => {}
        Fold::Cut => add(&section, "Show More", "message.unfold", &id),
        Fold::Open => add(&section, "Show Less", "message.unfold", &id),
    }
    if about.answers.is_some() {
        add(&section, "Go to the Answered Message", "message.answered", &id);
    }
    menu.append_section(None, &section);
    menu.append_section(None, &links(about));
    if about.own {
        let section = gio::Menu::new();
        add(&section, "Delete for Everyone…", "message.delete", &id);
        menu.append_section(None, &section);
    }
    let popover = gtk::PopoverMenu::from_model(Some(&menu));
    popover.add_css_class("message-menu");
    #[expect(clippy::cast_possible_truncation, reason = "a place within a widget")]
    let at = gdk::Rectangle::new(x as i32, y as i32, 1, 1);
    popover.add_child(&emoji_row(place, &about.message, &at, &popover, speak), "emojis");
    hang(popover.upcast_ref(), place, &at);
}

/// The first links of a message, by where they go.
fn links(about: &About) -> gio::Menu {
    let section = gio::Menu::new();
    for link in about.links.iter().take(LINKS) {
        if let Some(target) = Target::of(link) {
            let host = target.address.get(target.host.clone()).unwrap_or_default();
            add(&section, &format!("Open Link to {}…", host.replace('_', "__")), "message.link", link);
        }
    }
    section
}

/// Shows a popover that goes when it is closed, and gives the focus back to where it was.
fn hang(popover: &gtk::Popover, place: &gtk::Widget, at: &gdk::Rectangle) {
    popover.set_parent(place);
    popover.set_has_arrow(false);
    popover.set_pointing_to(Some(at));
    let before = place.root().and_then(|root| root.focus()).map(|focus| focus.downgrade());
    popover.connect_closed(move |popover| {
        if let Some(before) = before.as_ref().and_then(glib::WeakRef::upgrade) {
            before.grab_focus();
        }
        let popover = popover.clone();
        // The chosen action runs after this signal and needs the popover in its place.
        glib::idle_add_local_once(move || popover.unparent());
    });
    popover.popup();
}

fn emoji_row(
    place: &gtk::Widget,
    message: &MessageKey,
    at: &gdk::Rectangle,
    popover: &gtk::PopoverMenu,
    speak: &Speak,
) -> gtk::Box {
    let row = gtk::Box::builder().spacing(2).halign(gtk::Align::Center).build();
    row.add_css_class("emojis");
    for emoji in COMMON {
        let button: gtk::Button = called(&format!("React {emoji}"));
        // A label of the button's own would take the place of its name.
        let shown = gtk::Label::builder().label(emoji).accessible_role(gtk::AccessibleRole::Presentation).build();
        button.set_child(Some(&shown));
        button.set_css_classes(&["flat", "circular"]);
        let (speak, popover, message) = (speak.clone(), popover.downgrade(), message.clone());
        button.connect_clicked(move |_| {
            if let Some(popover) = popover.upgrade() {
                popover.popdown();
            }
            speak(RowOutput::React { message: message.clone(), emoji: emoji.to_owned(), on: None });
        });
        row.append(&button);
    }
    let more = icon_button("list-add-symbolic", "More Emojis");
    more.set_css_classes(&["flat", "circular"]);
    let (place, at, popover, speak) = (place.downgrade(), *at, popover.downgrade(), speak.clone());
    let message = message.clone();
    more.connect_clicked(move |_| {
        if let Some(popover) = popover.upgrade() {
            popover.popdown();
        }
        let Some(place) = place.upgrade() else { return };
        let chooser = gtk::EmojiChooser::new();
        let (speak, message) = (speak.clone(), message.clone());
        chooser.connect_emoji_picked(move |_, emoji| {
            speak(RowOutput::React { message: message.clone(), emoji: emoji.to_owned(), on: Some(true) });
        });
        hang(chooser.upcast_ref(), &place, &at);
    });
    row.append(&more);
    row
}
