//! The account of this profile and its server: decides which page the window shows and what its banner says.

use std::path::PathBuf;

use hobnob_shared::id::Handle;
use hobnob_shared::message::OwnPresence;

use crate::core::event::ServerState;

/// The page that the window shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// The core has not said anything yet.
    Starting,
    /// Sign-up and sign-in.
    Enter,
    /// The server is not who it was: nothing goes on until a person decides.
    Stopped(String),
    /// Friends and conversations.
    Main,
}

/// What the profile's device is to its account, when the core starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It signs in by itself.
    In,
    /// It waits for somebody to sign in.
    Out,
    /// The account no longer has it.
    Removed,
}

/// How one gets in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Entry {
    /// The profile has no account: one signs up, or in with a password.
    #[default]
    New,
    /// The device's own key is enough.
    Known(Handle),
    /// The account no longer has this device: the password adds it again.
    Removed(Handle),
}

/// Why one is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Out {
    /// By one's own wish.
    Wished,
    /// Another program did.
    Replaced,
    /// The account no longer has this device.
    Removed,
    /// The server did, for whatever reason.
    Refused,
}

/// Account and server.
#[derive(Debug)]
pub struct Connection {
    /// The account of this profile, once there is one.
    pub user: Option<Handle>,
    /// The server's address as the core keeps it.
    pub server: Option<String>,
    /// Where received files go.
    pub downloads: PathBuf,
    /// What one chose to be.
    pub presence: OwnPresence,
    /// What one says.
    pub status_text: String,
    /// The link to the server.
    pub state: ServerState,
    /// What the core says of it, a sentence.
    pub state_text: String,
    ready: bool,
    /// Set while one is not signed in.
    out: Option<Out>,
    alarm: Option<String>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            user: None,
            server: None,
            downloads: PathBuf::new(),
            presence: OwnPresence::default(),
            status_text: String::new(),
            state: ServerState::Connecting,
            state_text: String::new(),
            ready: false,
            out: None,
            alarm: None,
        }
    }
}

impl Connection {
    /// The page to show.
    pub fn page(&self) -> Page {
        match (&self.alarm, self.ready, &self.user) {
            (Some(text), _, _) => Page::Stopped(text.clone()),
            (None, false, _) => Page::Starting,
            (None, true, Some(_)) if self.out.is_none() => Page::Main,
            (None, true, _) => Page::Enter,
        }
    }

    /// The core runs.
    pub fn ready(&mut self, user: Option<Handle>, standing: Standing, server: Option<String>, downloads: PathBuf) {
        self.ready = true;
        self.out = match standing {
            Standing::In => None,
            Standing::Out => Some(Out::Wished),
            Standing::Removed => Some(Out::Removed),
        };
        self.user = user;
        self.server = server;
        self.downloads = downloads;
    }

    /// Signed in and online.
    pub fn signed_in(&mut self, user: Handle, presence: OwnPresence, text: String) {
        self.ready = true;
        self.user = Some(user);
        self.out = None;
        self.alarm = None;
        self.presence = presence;
        self.status_text = text;
    }

    /// Signed out, by wish or not.
    pub fn signed_out(&mut self, reason: &str) {
        self.out = Some(match reason {
            "signed_out" => Out::Wished,
            "replaced" => Out::Replaced,
            "device_removed" => Out::Removed,
            _ => Out::Refused,
        });
    }

    /// How one gets in.
    pub fn entry(&self) -> Entry {
        match (&self.user, self.out) {
            (None, _) => Entry::New,
            (Some(user), Some(Out::Removed)) => Entry::Removed(user.clone()),
            (Some(user), _) => Entry::Known(user.clone()),
        }
    }

    /// Why one was signed out, where that was not one's wish and [`Self::entry`] does not say it.
    pub fn notice(&self) -> Option<&'static str> {
        match self.out? {
            Out::Wished | Out::Removed => None,
            Out::Replaced => Some("This profile was signed in by another program."),
            Out::Refused => Some("The server signed this device out."),
        }
    }

    /// The server is not who it was.
    pub fn stop(&mut self, text: String) {
        self.alarm = Some(text);
    }

    /// The person has read the alarm and goes on without the server, or with another one.
    pub fn dismiss_alarm(&mut self) {
        self.alarm = None;
    }

    /// What the banner says; none while the server is there.
    pub fn banner(&self) -> Option<&str> {
        (self.page() == Page::Main && self.state == ServerState::Offline).then(|| {
            if self.state_text.is_empty() {
                "The server is away. Open conversations go on without it."
            } else {
                &self.state_text
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn ready(user: Option<&str>) -> Connection {
        let mut connection = Connection::default();
        assert_eq!(connection.page(), Page::Starting);
        let standing = if user.is_some() { Standing::In } else { Standing::Out };
        connection.ready(user.map(|user| user.parse().unwrap()), standing, None, PathBuf::new());
        connection
    }

    #[test]
    fn a_new_profile_enters_and_a_known_one_shows_its_friends_before_the_server_answers() {
        assert_eq!(ready(None).page(), Page::Enter);
        assert_eq!(ready(Some("alice")).page(), Page::Main);
    }

    #[test]
    fn signing_out_leads_to_the_entrance_and_back() {
        let mut connection = ready(Some("alice"));
        connection.signed_out("signed_out");
        let known = Entry::Known("alice".parse().unwrap());
        assert_eq!((connection.page(), connection.entry(), connection.notice()), (Page::Enter, known.clone(), None));
        connection.signed_in("alice".parse().unwrap(), OwnPresence::Away, "out".to_owned());
        assert_eq!(connection.page(), Page::Main);
        connection.signed_out("replaced");
        assert_eq!(connection.entry(), known);
        assert!(connection.notice().is_some());
    }

    #[test]
    fn a_device_that_was_removed_gets_in_by_the_password_alone_also_after_a_restart() {
        let alice = || "alice".parse().unwrap();
        let removed = (Page::Enter, Entry::Removed(alice()), None);
        let mut connection = ready(Some("alice"));
        connection.signed_out("device_removed");
        assert_eq!((connection.page(), connection.entry(), connection.notice()), removed);
        connection.signed_in(alice(), OwnPresence::Away, String::new());
        assert_eq!(connection.page(), Page::Main);
        connection.ready(Some(alice()), Standing::Removed, None, PathBuf::new());
        assert_eq!((connection.page(), connection.entry(), connection.notice()), removed);
        assert_eq!(ready(None).entry(), Entry::New);
    }

    #[test]
    fn a_changed_server_key_stops_everything_until_the_person_decides() {
        let mut connection = ready(Some("alice"));
        connection.stop("somebody may be in between".to_owned());
        assert_eq!(connection.page(), Page::Stopped("somebody may be in between".to_owned()));
        connection.dismiss_alarm();
        assert_eq!(connection.page(), Page::Main);
    }

    #[test]
    fn the_banner_speaks_only_while_the_server_is_away() {
        let mut connection = ready(Some("alice"));
        assert_eq!(connection.banner(), None);
        connection.state = ServerState::Offline;
        connection.state_text = "No answer.".to_owned();
        assert_eq!(connection.banner(), Some("No answer."));
        connection.state = ServerState::Online;
        assert_eq!(connection.banner(), None);
    }
}
