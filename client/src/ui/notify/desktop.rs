//! Carries the board out: talks to the desktop's notification service over the session bus, one call at a time, and hears what is clicked.
//! Where there is no such service nothing happens. The toolkit's own notifications are not used: they need an installed program that is there
//! once, and each profile is a program of its own here.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use gtk::glib::prelude::*;
use gtk::{gio, glib};
use relm4::{Sender, gtk};

use crate::ui::APP_ID;
use crate::ui::actions::ActionMsg;
use crate::ui::app::AppMsg;
use crate::ui::notify::board::{Board, Item, Job, Tag};
use crate::ui::settings::{Flag, Store};

const NAME: &str = "org.freedesktop.Notifications";
const OBJECT: &str = "/org/freedesktop/Notifications";
/// Who says which program has that name.
const BUS: (&str, &str) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
/// What comes within this time is told together, and what is read within it is not told.
const TOGETHER: Duration = Duration::from_millis(300);
/// A service that takes longer is stuck.
const PATIENCE_MS: i32 = 10_000;
/// So much may be heard while one is on its way: other programs' notifications are heard of too.
const EARLY: usize = 100;

/// What the service tells.
#[derive(Debug, Clone, Copy)]
enum Heard {
    /// That one was clicked.
    Clicked(u32),
    /// That one does not stand there any more.
    Closed(u32),
}

struct Inner {
    board: RefCell<Board>,
    bell: async_channel::Sender<()>,
    bus: RefCell<Option<gio::DBusConnection>>,
    /// The service takes what it is told for markup; none until it has said so.
    takes_markup: Cell<Option<bool>>,
    preferences: Store,
    input: Sender<AppMsg>,
    /// With a click comes the right to come to the front, just before it.
    token: RefCell<Option<String>>,
    /// A notification is on its way to the service, and its number is not known here yet.
    showing: Cell<bool>,
    /// What was heard meanwhile: it may be about that one.
    early: RefCell<Vec<Heard>>,
    /// Another number for each service that came: what one answers means nothing to the next.
    service: Cell<u32>,
}

/// What shows and takes back notifications.
pub struct Notifier(Rc<Inner>);

impl Notifier {
    /// One that tells `input` what was clicked.
    pub fn new(preferences: Store, input: Sender<AppMsg>) -> Self {
        // A full bell rings already.
        let (bell, rung) = async_channel::bounded(1);
        let inner = Rc::new(Inner {
            board: RefCell::default(),
            bell,
            bus: RefCell::default(),
            takes_markup: Cell::default(),
            preferences,
            input,
            token: RefCell::default(),
            showing: Cell::default(),
            service: Cell::default(),
            early: RefCell::default(),
        });
        let weak = Rc::downgrade(&inner);
        relm4::spawn_local(async move {
            let mut hears = None;
            while rung.recv().await.is_ok() {
                glib::timeout_future(TOGETHER).await;
                let Some(inner) = weak.upgrade() else { return };
                let Some(bus) = inner.bus().await else { continue };
                if hears.is_none() {
                    hears = Some(listen(&bus, &inner));
                }
                inner.work(&bus).await;
            }
        });
        Self(inner)
    }

    /// Something came.
    pub fn add(&self, tag: &Tag, item: Item, sound: bool) {
        self.change(|board| board.add(tag, item, sound));
    }

    /// Changes the board, and sees to it that the desktop follows.
    pub fn change(&self, change: impl FnOnce(&mut Board)) {
        let mut board = self.0.board.borrow_mut();
        change(&mut board);
        if board.is_stale() {
            let _ = self.0.bell.try_send(());
        }
    }

    /// Takes everything back at once: the program ends, and nobody would hear a click.
    pub fn end(&self) {
        let Some(bus) = self.0.bus.take() else { return };
        for number in self.0.board.borrow().numbers() {
            close(&bus, number);
        }
        // A bus that is gone has no notifications of ours either.
        let _ = bus.flush_sync(gio::Cancellable::NONE);
    }
}

impl Inner {
    async fn bus(&self) -> Option<gio::DBusConnection> {
        let known = self.bus.borrow().clone();
        if known.is_some() {
            return known;
        }
        match gio::bus_get_future(gio::BusType::Session).await {
            Ok(bus) => {
                self.bus.replace(Some(bus.clone()));
                Some(bus)
            }
            Err(error) => {
                tracing::debug!(%error, "no session bus, so no notifications");
                None
            }
        }
    }

    fn hear(&self, heard: Heard) {
        if self.showing.get() {
            let mut early = self.early.borrow_mut();
            if early.len() < EARLY {
                early.push(heard);
            }
            return;
        }
        match heard {
            Heard::Closed(number) => self.board.borrow_mut().closed(number),
            Heard::Clicked(number) => {
                let place = self.board.borrow().place(number);
                if let Some(place) = place {
                    self.input.emit(AppMsg::Action(ActionMsg::Come(place, self.token.take())));
                }
            }
        }
    }

    /// The service is gone, or another one took its place.
    fn forget(&self) {
        self.takes_markup.set(None);
        self.service.set(self.service.get().wrapping_add(1));
        self.board.borrow_mut().forgotten();
    }

    async fn work(&self, bus: &gio::DBusConnection) {
        if self.takes_markup.get().is_none() {
            let known = capabilities(bus).await;
            self.takes_markup.set(known.map(|all| all.iter().any(|one| one == "body-markup")));
        }
        loop {
            let job = self.board.borrow_mut().next(self.preferences.is(Flag::NotificationText));
            match job {
                None => return,
                Some(Job::Close(number)) => close(bus, number),
                Some(Job::Show { tag, replaces, title, body, sound }) => {
                    // One that has not said so may do it all the same: at worst a text looks odd.
                    let takes_markup = self.takes_markup.get().unwrap_or(true);
                    let body = if takes_markup { glib::markup_escape_text(&body).to_string() } else { body };
                    self.showing.set(true);
                    let asked = self.service.get();
                    match show(bus, replaces, &title, &body, sound).await {
                        Ok(number) if self.service.get() == asked => self.board.borrow_mut().shown(&tag, number),
                        // Its number means another program's notification to the service that came since.
                        Ok(_) => {}
                        Err(error) => tracing::debug!(%error, "a notification was not shown"),
                    }
                    self.showing.set(false);
                    for heard in self.early.take() {
                        self.hear(heard);
                    }
                }
            }
        }
    }
}

/// What the service can do; none while it does not answer.
async fn capabilities(bus: &gio::DBusConnection) -> Option<Vec<String>> {
    let asked =
        bus.call_future(Some(NAME), OBJECT, NAME, "GetCapabilities", None, None, gio::DBusCallFlags::NONE, PATIENCE_MS);
    asked.await.ok().and_then(|answer| answer.get::<(Vec<String>,)>()).map(|(all,)| all)
}

async fn show(
    bus: &gio::DBusConnection,
    replaces: u32,
    title: &str,
    body: &str,
    sound: bool,
) -> Result<u32, glib::Error> {
    let mut hints: HashMap<&str, glib::Variant> =
        HashMap::from([("desktop-entry", APP_ID.to_variant()), ("category", "im.received".to_variant())]);
    if sound {
        hints.insert("sound-name", "message-new-instant".to_variant());
    } else {
        hints.insert("suppress-sound", true.to_variant());
    }
    let actions: Vec<&str> = vec!["default", "Open"];
    // -1: the desktop knows best for how long.
    let what = ("Hobnob", replaces, APP_ID, title, body, actions, hints, -1_i32).to_variant();
    let asked =
        bus.call_future(Some(NAME), OBJECT, NAME, "Notify", Some(&what), None, gio::DBusCallFlags::NONE, PATIENCE_MS);
    let answer = asked.await?;
    Ok(answer.get::<(u32,)>().map(|(number,)| number).unwrap_or_default())
}

/// Sent at once; nobody waits for the answer.
fn close(bus: &gio::DBusConnection, number: u32) {
    bus.call(
        Some(NAME),
        OBJECT,
        NAME,
        "CloseNotification",
        Some(&(number,).to_variant()),
        None,
        gio::DBusCallFlags::NO_AUTO_START,
        PATIENCE_MS,
        gio::Cancellable::NONE,
        |_| (),
    );
}

/// Hears what is clicked and put away, and when the service goes, as long as the subscriptions live.
fn listen(bus: &gio::DBusConnection, inner: &Rc<Inner>) -> [gio::SignalSubscription; 4] {
    let subscribe = |member: &str, heard: fn(&Inner, u32, String)| {
        let of = Rc::downgrade(inner);
        bus.subscribe_to_signal(
            Some(NAME),
            Some(NAME),
            Some(member),
            Some(OBJECT),
            None,
            gio::DBusSignalFlags::NONE,
            move |signal| {
                let number = signal.parameters.try_child_value(0).and_then(|number| number.get());
                let words = signal.parameters.try_child_value(1).and_then(|words| words.get()).unwrap_or_default();
                if let (Some(number), Some(inner)) = (number, of.upgrade()) {
                    heard(&inner, number, words);
                }
            },
        )
    };
    let (of, (bus_itself, its_object)) = (Rc::downgrade(inner), BUS);
    let gone = bus.subscribe_to_signal(
        Some(bus_itself),
        Some(bus_itself),
        Some("NameOwnerChanged"),
        Some(its_object),
        Some(NAME),
        gio::DBusSignalFlags::NONE,
        move |signal| {
            // Where there was none before nothing was shown.
            let before = signal.parameters.try_child_value(1).and_then(|owner| owner.get::<String>());
            if let Some(inner) = of.upgrade().filter(|_| before.is_some_and(|owner| !owner.is_empty())) {
                inner.forget();
            }
        },
    );
    [
        gone,
        subscribe("ActivationToken", |inner, _, words| drop(inner.token.replace(Some(words)))),
        subscribe("ActionInvoked", |inner, number, _| inner.hear(Heard::Clicked(number))),
        subscribe("NotificationClosed", |inner, number, _| inner.hear(Heard::Closed(number))),
    ]
}
