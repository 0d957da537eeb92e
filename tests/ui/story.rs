//! Two people in two windows: sign-up, friends, a conversation both ways, a file, a restart, and everything is still there.

use hobnob_tests::display::{Display, missing};
use hobnob_tests::files::{hash, manifest, random_file};
use hobnob_tests::process::until;
use hobnob_tests::programs::program;
use hobnob_tests::story::{House, PASSWORD};
use hobnob_tests::window::{Hands, Window, pictures, shows_something};

const SIZE: (u32, u32) = (1000, 720);

/// A display with the two windows beside each other.
pub struct Desk {
    /// What sees and acts.
    pub hands: Hands,
    /// Alice's window.
    pub alice: Window,
    /// Bob's.
    pub bob: Window,
    display: Display,
}

impl Desk {
    /// Opens it.
    pub fn new(house: &House) -> Self {
        let display = Display::start(2 * SIZE.0, SIZE.1);
        let hands = Hands::on(&display);
        let alice = Window::open(&display, &house.start("alice"));
        let bob = Window::open(&display, &house.start("bob"));
        let mut desk = Self { hands, alice, bob, display };
        desk.place();
        desk
    }

    fn place(&mut self) {
        self.hands.place(&self.alice, 0, 0, SIZE);
        self.hands.place(&self.bob, SIZE.0, 0, SIZE);
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

/// Makes an account in its window.
pub fn sign_up(hands: &mut Hands, window: &Window, user: &str) {
    hands.sees(window, "Username");
    hands.fill(window, "Username", user);
    hands.fill(window, "Password", PASSWORD);
    hands.click(window, "Sign Up");
}

#[test]
fn two_people_do_the_whole_job_in_their_windows() {
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let house = House::new();
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

    for (window, who) in [(&desk.alice, "alice"), (&desk.bob, "bob")] {
        let nameless = desk.hands.nameless(window);
        assert!(nameless.is_empty(), "{who}'s window has controls without a name: {nameless:?}");
    }
}

#[test]
fn a_file_goes_from_window_to_window_and_all_is_there_after_a_restart() {
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    hobnob_tests::story::say(&mut alice, &mut bob, "a message from before");
    let file = random_file(&house.path("holiday picture.jpg"), 3 << 20, 5);
    hobnob_tests::story::offer(&mut alice, &mut bob, &file);
    let folder = house.path("slides");
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    random_file(&folder.join("one.pdf"), 40_000, 6);
    random_file(&folder.join("two.pdf"), 1_400_000, 7);
    assert!(alice.quit().success() && bob.quit().success());

    let mut desk = Desk::new(&house);
    let Desk { hands, alice, bob, .. } = &mut desk;
    hands.sees(alice, "bob");
    hands.open_friend(bob, "alice");
    hands.sees(bob, "a message from before");
    hands.sees(bob, "holiday picture.jpg");
    hands.click(bob, "Accept");
    let arrived = house.path("bob-downloads").join("holiday picture.jpg");
    until("the file lies in the download folder", hobnob_tests::client::SOON * 2, || arrived.exists());
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
    until("the folder lies there", hobnob_tests::client::SOON * 2, || arrived.exists());
    assert_eq!(manifest(&arrived), manifest(&folder));
    hands.sees(alice, "2 files · 1.4 MB · delivered, verified");
    hands.key(alice, "ctrl+shift+y");
    hands.sees(alice, "folder slides, 2 files · 1.4 MB · delivered, verified, to bob");
    hands.sees(alice, "file holiday picture.jpg, 3.1 MB · delivered, verified, to bob");
    let nameless = hands.nameless(alice);
    assert!(nameless.is_empty(), "controls without a name: {nameless:?}");
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
    if let Some(why) = missing() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let mut house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    hobnob_tests::story::say(&mut alice, &mut bob, "before");
    assert!(alice.quit().success() && bob.quit().success());
    let mut desk = Desk::new(&house);
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
