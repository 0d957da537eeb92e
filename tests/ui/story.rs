//! Two people in two windows: sign-up, friends, a conversation both ways, a file, a restart, and everything is still there.

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::display::{Display, missing};
use hobnob_tests::files::{hash, manifest, random_file};
use hobnob_tests::process::until;
use hobnob_tests::programs::program;
use hobnob_tests::story::{House, PASSWORD, offer, say};
use hobnob_tests::window::{Hands, Window, pictures, shows_something};
use serde_json::Value;

/// A window's place on a display, in pixels.
pub const SIZE: (u32, u32) = (1000, 720);

/// A house with a server, and nobody in it. None where no window can be shown; it is told why.
pub fn house() -> Option<House> {
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return None;
    }
    Some(House::new())
}

/// A house with Alice and Bob, who are friends.
pub fn friends() -> Option<(House, Client, Client)> {
    let house = house()?;
    let (alice, bob) = house.alice_and_bob();
    Some((house, alice, bob))
}

/// A house with Alice and her friends Bob and Carol, each of whom wrote to her.
pub fn friends_who_wrote() -> Option<(House, Client, Client, Client)> {
    let (house, mut alice, mut bob) = friends()?;
    let mut carol = house.friend_of(&mut alice, "carol");
    say(&mut bob, &mut alice, "from bob");
    say(&mut carol, &mut alice, "from carol");
    Some((house, alice, bob, carol))
}

/// Alice's window, alone on a display.
pub fn alone(house: &House) -> (Display, Hands, Window) {
    alone_on(Display::start(SIZE.0, SIZE.1), house)
}

/// The same, of somebody who prefers this.
pub fn alone_preferring(house: &House, preferences: &Value) -> (Display, Hands, Window) {
    let display = Display::start(SIZE.0, SIZE.1);
    let place = display.home.path().join("config/hobnob");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("preferences.json"), preferences.to_string()).unwrap();
    alone_on(display, house)
}

/// The same, on a display that has room for it.
pub fn alone_on(display: Display, house: &House) -> (Display, Hands, Window) {
    let mut hands = Hands::on(&display);
    let alice = Window::open(&display, &house.start("alice"));
    hands.place(&alice, 0, 0, SIZE);
    (display, hands, alice)
}

/// A display with the two windows beside each other.
pub struct Desk {
    /// What sees and acts.
    pub hands: Hands,
    /// Alice's window.
    pub alice: Window,
    /// Bob's.
    pub bob: Window,
    /// Where they are.
    pub display: Display,
}

impl Desk {
    /// Opens it.
    pub fn new(house: &House) -> Self {
        Self::on(Display::start(2 * SIZE.0, SIZE.1), house)
    }

    /// Opens it once these have quit: a profile has room for one program.
    pub fn after(house: &House, programs: impl IntoIterator<Item = Client>) -> Self {
        for mut program in programs {
            assert!(program.quit().success());
        }
        Self::new(house)
    }

    /// Opens it on a display that has room for both.
    pub fn on(display: Display, house: &House) -> Self {
        let mut hands = Hands::on(&display);
        let alice = Window::open(&display, &house.start("alice"));
        let bob = Window::open(&display, &house.start("bob"));
        hands.place(&alice, 0, 0, SIZE);
        hands.place(&bob, SIZE.0, 0, SIZE);
        Self { hands, alice, bob, display }
    }

    /// Alice's window is killed, and started again.
    pub fn alice_again(&mut self, house: &House) {
        self.alice.process.kill();
        self.alice = Window::open(&self.display, &house.start("alice"));
        self.hands.place(&self.alice, 0, 0, SIZE);
    }

    /// Starts the program once more on Alice's profile, with an invite.
    pub fn hand_over(&self, house: &House, invite: &str) -> std::process::ExitStatus {
        let mut command = self.display.command(program("hobnob"));
        command.arg("--profile").arg(house.start("alice").profile).arg(invite);
        command.stdin(std::process::Stdio::null()).status().unwrap()
    }

    /// A screen reader has a name for every control of both windows.
    #[track_caller]
    pub fn all_named(&mut self) {
        all_named(&mut self.hands, &self.alice);
        all_named(&mut self.hands, &self.bob);
    }

    /// How many dots of about this colour are in Alice's window, and in Bob's.
    pub fn dots(&self, colour: [u8; 3]) -> (usize, usize) {
        let edge = SIZE.0 as usize;
        (self.display.dots(colour, 0..edge), self.display.dots(colour, edge..2 * edge))
    }

    /// A picture of both windows; it shows something.
    pub fn picture(&self, name: &str) {
        let path = self.display.photograph(&pictures("ui-screenshots").join(format!("{name}.png")));
        assert!(shows_something(&path), "{} is empty", path.display());
    }
}

/// A screen reader has a name for every control of a window.
#[track_caller]
pub fn all_named(hands: &mut Hands, window: &Window) {
    let nameless = hands.nameless(window);
    assert!(nameless.is_empty(), "controls without a name in {}'s window: {nameless:?}", window.name);
}

/// Makes an account in its window.
pub fn sign_up(hands: &mut Hands, window: &Window, user: &str) {
    hands.sees(window, "Username");
    hands.fill(window, "Username", user);
    hands.fill(window, "Password", PASSWORD);
    hands.click(window, "Sign Up");
}

#[test]
fn two_people_do_the_whole_job_in_their_windows() {
    let Some(house) = house() else { return };
    let mut desk = Desk::new(&house);
    let Desk { hands, alice, bob, .. } = &mut desk;

    sign_up(hands, alice, "alice");
    sign_up(hands, bob, "bob");
    hands.sees(alice, "alice · available");
    hands.sees(bob, "bob · available");
    desk.picture("1-signed-up");

    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.click(alice, "Add Friend");
    hands.sees_button(alice, "Cancel");
    hands.fill(alice, "Username", "bob");
    // The dialog's own button, in front of the one that opened it.
    hands.click(alice, "Add Friend");
    hands.click(bob, "Accept");
    hands.sees(alice, "bob");
    hands.sees(bob, "alice");
    desk.picture("2-friends");

    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.asks_beyond(alice);
    hands.key(alice, "ctrl+question");
    hands.sees(alice, "Send the message");
    hands.key(alice, "Escape");
    hands.sees_no_more(alice, "Send the message");
    hands.asks_beyond(alice);
    hands.open_friend(alice, "bob");
    hands.open_friend(bob, "alice");
    hands.fill(alice, "Message", "Hello <b>Bob</b> & co");
    hands.click(alice, "Send");
    hands.sees(bob, "Hello <b>Bob</b> & co");
    hands.type_into(bob, "Message", "Hello Alice");
    hands.key(bob, "Return");
    hands.sees(alice, "Hello Alice");
    desk.picture("3-conversation");

    desk.all_named();
}

#[test]
fn a_file_goes_from_window_to_window_and_all_is_there_after_a_restart() {
    let Some((house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "a message from before");
    let file = random_file(&house.path("holiday picture.jpg"), 3 << 20, 5);
    offer(&mut alice, &mut bob, &file);
    let folder = house.path("slides");
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    random_file(&folder.join("one.pdf"), 40_000, 6);
    random_file(&folder.join("two.pdf"), 1_400_000, 7);
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.sees(alice, "bob");
    hands.open_friend(bob, "alice");
    hands.sees(bob, "a message from before");
    hands.sees(bob, "holiday picture.jpg");
    hands.click(bob, "Accept");
    let arrived = house.path("bob-downloads").join("holiday picture.jpg");
    until("the file lies in the download folder", SOON * 2, || arrived.exists());
    assert_eq!(hash(&arrived), hash(&file));
    hands.sees_button(bob, "Open Folder");
    hands.open_friend(alice, "bob");
    hands.sees(alice, "a message from before");
    desk.picture("4-file");

    // A folder, by the chooser's keys, and the panel over all transfers.
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.attach_folder(alice, &folder);
    hands.sees(bob, "2 files · 1.4 MB");
    hands.click(bob, "Accept");
    let arrived = house.path("bob-downloads").join("slides");
    until("the folder lies there", SOON * 2, || arrived.exists());
    assert_eq!(manifest(&arrived), manifest(&folder));
    hands.sees(alice, "2 files · 1.4 MB · delivered, verified");
    hands.key(alice, "ctrl+shift+y");
    hands.sees(alice, "folder slides, 2 files · 1.4 MB · delivered, verified, to bob");
    hands.sees(alice, "file holiday picture.jpg, 3.1 MB · delivered, verified, to bob");
    all_named(hands, alice);
    desk.picture("4-folder-and-transfers");

    drop(desk);
    let mut desk = Desk::new(&house);
    let Desk { hands, bob, .. } = &mut desk;
    hands.sees(bob, "a message from before");
    hands.sees(bob, "holiday picture.jpg");
    desk.picture("5-after-restart");
}

#[test]
fn the_server_going_away_is_shown_and_chat_goes_on() {
    let Some((mut house, mut alice, mut bob)) = friends() else { return };
    say(&mut alice, &mut bob, "before");
    let mut desk = Desk::after(&house, [alice, bob]);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.open_friend(alice, "bob");
    hands.open_friend(bob, "alice");
    hands.fill(alice, "Message", "with the server");
    hands.click(alice, "Send");
    hands.sees(bob, "with the server");
    house.server.crash();
    hands.sees(alice, "server");
    hands.fill(alice, "Message", "without the server");
    hands.click(alice, "Send");
    hands.sees(bob, "without the server");
    desk.picture("6-server-away");
}
