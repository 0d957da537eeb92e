//! What most tests begin with: a house with a server, people who are signed up, friendships, and a file that is sent.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Start};
use crate::server::Server;

/// The password of everybody in our stories.
pub const PASSWORD: &str = "correct horse 7";

/// A folder with a server in it. A temporary one goes when the house does.
pub struct House {
    /// The server.
    pub server: Server,
    /// Everything lies below it.
    pub home: PathBuf,
    /// Removes a temporary folder.
    _temporary: Option<TempDir>,
}

impl House {
    /// A new server over a new store.
    pub fn new() -> Self {
        let temporary = temporary();
        let house = Self::in_folder(temporary.path());
        Self { _temporary: Some(temporary), ..house }
    }

    /// Around a server that runs already.
    pub fn around(server: Server, home: TempDir) -> Self {
        Self { server, home: home.path().to_owned(), _temporary: Some(home) }
    }

    /// A new server in a folder that stays.
    pub fn in_folder(home: &Path) -> Self {
        Self::over(Server::start(&home.join("server")), home)
    }

    /// Around a server that runs already, in a folder that stays.
    pub fn over(server: Server, home: &Path) -> Self {
        Self { server, home: home.to_owned(), _temporary: None }
    }

    /// How `name` is started here.
    pub fn start(&self, name: &str) -> Start {
        Start::new(&self.home, name, &self.server.with_pin())
    }

    /// Signs `name` up, in a profile of that name.
    pub fn person(&self, name: &str) -> Client {
        Client::sign_up(&self.start(name), name, PASSWORD)
    }

    /// Alice and Bob, friends, with a direct link.
    pub fn alice_and_bob(&self) -> (Client, Client) {
        let (mut alice, mut bob) = (self.person("alice"), self.person("bob"));
        befriend(&mut alice, &mut bob);
        linked(&mut alice, &mut bob, "direct");
        (alice, bob)
    }

    /// Signs `name` up, a friend of `person`.
    pub fn friend_of(&self, person: &mut Client, name: &str) -> Client {
        let mut friend = self.person(name);
        befriend(person, &mut friend);
        friend
    }

    /// A path below the house.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }
}

impl Default for House {
    fn default() -> Self {
        Self::new()
    }
}

/// A folder that goes with its owner.
pub fn temporary() -> TempDir {
    tempfile::Builder::new()
        .prefix("hobnob-test-")
        .tempdir()
        .unwrap_or_else(|error| panic!("no temporary folder: {error}"))
}

/// `one` asks, `other` accepts, both hear of it.
pub fn befriend(one: &mut Client, other: &mut Client) {
    let (one_name, other_name) = (one.name(), other.name());
    one.done(json!({"command": "add_friend", "user": other_name}));
    other.expect(json!({"event": "friend_request", "user": one_name}));
    other.done(json!({"command": "accept_friend", "user": one_name}));
    one.expect(json!({"event": "friend_added", "user": other_name}));
    other.expect(json!({"event": "friend_added", "user": one_name}));
}

/// Both say that they are connected by `path`.
pub fn linked(one: &mut Client, other: &mut Client, path: &str) {
    let (one_name, other_name) = (one.name(), other.name());
    one.expect(json!({"event": "link", "user": other_name, "path": path}));
    other.expect(json!({"event": "link", "user": one_name, "path": path}));
}

/// Sends a text and waits until it is delivered; its id.
pub fn say(from: &mut Client, to: &mut Client, text: &str) -> String {
    let conversation = format!("@{}", to.name());
    let sent = from.done(json!({"command": "send", "to": conversation, "text": text}));
    let id = text_of(&sent["message"]);
    let shown = to.expect(json!({"event": "message", "message": id}));
    assert_eq!(shown["text"], text);
    assert_eq!(shown["from"], from.name());
    assert_eq!(shown["conversation"], format!("@{}", from.name()));
    from.expect(json!({"event": "message_state", "message": id, "state": "delivered"}));
    id
}

/// Offers a file; the transfer's id, known to both.
pub fn offer(from: &mut Client, to: &mut Client, path: &Path) -> String {
    let conversation = format!("@{}", to.name());
    let made = from.done(json!({"command": "send_file", "to": conversation, "path": path}));
    let id = text_of(&made["transfer"]);
    to.expect(json!({"event": "file_offered", "transfer": id, "from": from.name()}));
    id
}

/// Sends a file and has it accepted; where it ended up. Checks that both tell the same hash, and the true one.
pub fn hand_over(from: &mut Client, to: &mut Client, path: &Path) -> PathBuf {
    let id = offer(from, to, path);
    to.done(json!({"command": "accept_file", "transfer": id}));
    finished(from, to, &id, path)
}

/// Both sides say that it is done; the received file is the sent one and lies in the download folder.
pub fn finished(from: &mut Client, to: &mut Client, id: &str, sent: &Path) -> PathBuf {
    let arrived =
        to.expect_within(std::time::Duration::from_secs(90), json!({"event": "file_finished", "transfer": id}));
    let told = from.expect(json!({"event": "file_finished", "transfer": id}));
    let path = PathBuf::from(text_of(&arrived["path"]));
    let true_hash = crate::files::hash(sent);
    assert_eq!(crate::files::hash(&path), true_hash, "the content differs");
    assert_eq!(arrived["blake3"], true_hash.as_str());
    assert_eq!(told["blake3"], true_hash.as_str());
    assert!(path.is_absolute(), "{} should be absolute", path.display());
    let folder = to.start.downloads.canonicalize().unwrap_or_default();
    let real = path.canonicalize().unwrap_or_default();
    assert_eq!(real.parent(), Some(folder.as_path()), "{} lies outside the download folder", path.display());
    path
}

/// A field that must be a text.
pub fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} should be a text")).to_owned()
}
