//! Signing up, in and out, and the session's coming and going: when the account is online, what waits for it, what is told of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{AsyncContext, Context};
use hobnob_shared::error::WireCode;
use hobnob_shared::id::Handle;
use hobnob_shared::limits;
use hobnob_shared::message::Head;

use crate::core::command::Password;
use crate::core::error::Problem;
use crate::core::event::{Answer, Event, ServerState};
use crate::core::history::logs;
use crate::core::outlet::Ticket;
use crate::core::peer_link::{self, SetServer, listen};
use crate::core::registry::{EnrolmentEnded, Registry, SessionChanged, SessionOpened, Trust};
use crate::core::routes::people::REQUESTS_FOLLOW;
use crate::core::server_address::ServerAddress;
use crate::core::session::{CancelEnrolment, Close, ConnectError, Enrol, Hurry, Open, Outcome, Wish};

/// Answers come a little before the promised time is over.
pub(in crate::core) const ANSWER_WITHIN: Duration = limits::COMMAND_TIMEOUT.saturating_sub(Duration::from_secs(1));

/// Something that takes the password under way, and who waits for it. One at a time.
pub struct Enrolling {
    /// When the answer is due.
    pub deadline: Instant,
    ticket: Ticket,
    /// It makes this installation a device, or signs it in; otherwise there is a session, which goes on as it is.
    entry: bool,
}

/// Whether a password can be one that somebody chooses.
pub(super) fn is_acceptable(password: &Password) -> bool {
    let typed = password.expose();
    typed.chars().count() >= limits::PASSWORD_MIN && typed.len() <= limits::PASSWORD_MAX
}

impl Registry {
    /// Start of the program: signs in where the profile is signed in.
    pub(in crate::core) fn begin(&mut self, ctx: &mut Context<Self>) {
        let settings = self.profile.settings();
        if let Some(identity) = &self.identity {
            self.finish_erasing(identity.device);
        }
        if self.trust == Trust::Conflict {
            self.tell_server_key();
        }
        // Stopped friends are stopped still, and whoever looks at this start should know.
        for (user, person) in self.state.roster.people() {
            if person.is_stopped() {
                self.alarm_key(user);
            }
        }
        if self.identity.is_some() && !settings.signed_out && !settings.device_removed {
            self.open_session();
            self.go_live(ctx);
        }
    }

    /// Address and pin of the server, if it can be trusted.
    fn server_address(&self) -> Result<ServerAddress, Problem> {
        if self.trust == Trust::Conflict {
            return Err(Problem::server_key_changed());
        }
        let settings = self.profile.settings();
        let mut address: ServerAddress = settings.server.ok_or_else(Problem::no_server)?.parse()?;
        address.pin = settings.server_key;
        Ok(address)
    }

    fn open_session(&self) {
        if let (Some(session), Some(identity)) = (&self.session, &self.identity)
            && let Ok(server) = self.server_address()
        {
            session.do_send(Open { server, identity: identity.clone() });
        }
    }

    /// Listens for peers, and looks for those that were linked before.
    fn go_live(&mut self, ctx: &mut Context<Self>) {
        let Some(identity) = &self.identity else { return };
        if self.listen_task.is_none() {
            let listener = self.listener.try_clone().and_then(tokio::net::TcpListener::from_std);
            match listener {
                Ok(listener) => {
                    let (own, tokens) = (identity.clone(), self.tokens.clone());
                    let registry = ctx.address();
                    self.listen_task = Some(actix_rt::spawn(listen::listen(listener, own, tokens, registry)));
                }
                Err(error) => tracing::error!(%error, "cannot listen for peers"),
            }
        }
        self.reunite_all(ctx);
        self.resume_transfers(ctx);
    }

    /// A profile that had an account before has logs already.
    fn load_copies(&self, ctx: &Context<Self>) {
        let history = self.history.clone();
        Self::then(ctx, async move { history.read(logs::load_all).await }, |registry, found, _| match found {
            Ok(found) => {
                for log in found {
                    let head = Head { device: log.device, number: log.end.number, last: log.end.last };
                    registry.state.exchange.copy(&log.thread, head);
                }
            }
            Err(error) => tracing::error!(%error, "cannot read how far the logs go"),
        });
    }

    /// Changes the server's address.
    pub(in crate::core) fn set_server(&mut self, text: &str) -> Result<Answer, Problem> {
        let address: ServerAddress = text.parse()?;
        let settings = self.profile.settings();
        if self.identity.is_some() && address.pin.is_some() && settings.server_key != address.pin {
            return Err(Problem::server_key_changed());
        }
        let elsewhere = settings.server.as_deref() != Some(address.place().as_str());
        self.profile.change(|settings| {
            if self.identity.is_none() && (elsewhere || address.pin.is_some()) {
                settings.server_key = address.pin;
            }
            settings.server = Some(address.place());
        });
        self.save_settings();
        self.forgive();
        if elsewhere && self.is_signed_in() {
            if let Some(session) = &self.session {
                session.do_send(Close { end: false });
            }
            self.open_session();
        }
        Ok(Answer::Nothing {})
    }

    /// Has an account, and was not told to stay away.
    pub(in crate::core) fn is_signed_in(&self) -> bool {
        let settings = self.profile.settings();
        self.identity.is_some() && !settings.signed_out && !settings.device_removed
    }

    pub(in crate::core) fn sign_up(&mut self, user: &str, password: Password, ticket: Ticket) {
        let wish = || {
            if let Some(identity) = &self.identity {
                return Err(Problem::has_account(&identity.user));
            }
            let user: Handle = user.parse()?;
            if !is_acceptable(&password) {
                return Err(Problem::weak_password());
            }
            Ok(Wish::SignUp { user, password })
        };
        match wish() {
            Ok(wish) => self.enrol(wish, true, ticket),
            Err(problem) => ticket.failed(problem),
        }
    }

    pub(in crate::core) fn sign_in(
        &mut self,
        user: Option<&str>,
        password: Option<Password>,
        ticket: Ticket,
        ctx: &mut Context<Self>,
    ) {
        let user = match user.map(str::parse::<Handle>).transpose() {
            Ok(user) => user,
            Err(error) => return ticket.failed(error),
        };
        let own = self.identity.as_ref().map(|identity| identity.user.clone());
        match own {
            Some(own) if user.as_ref().is_some_and(|user| *user != own) => ticket.failed(Problem::other_account(&own)),
            Some(user) if !self.profile.settings().device_removed => match password {
                Some(password) if self.profile.settings().signed_out => {
                    self.enrol(Wish::Check { user, password }, true, ticket);
                }
                _ => self.sign_in_again(ticket, ctx),
            },
            own => match (user.or(own), password) {
                (Some(user), Some(password)) if password.expose().len() <= limits::PASSWORD_MAX => {
                    self.enrol(Wish::SignIn { user, password }, true, ticket);
                }
                (Some(_), Some(_)) => ticket.failed(Problem::wrong_password()),
                _ => ticket.failed(Problem::password_needed()),
            },
        }
    }

    /// The profile has a device of the account: its certificate is enough.
    fn sign_in_again(&mut self, ticket: Ticket, ctx: &mut Context<Self>) {
        if let Err(problem) = self.server_address() {
            return ticket.failed(problem);
        }
        if self.profile.settings().signed_out {
            self.profile.change(|settings| settings.signed_out = false);
            self.save_settings();
        } else if self.state.is_here() {
            return ticket.ok();
        }
        self.forgive();
        self.entries.push((Instant::now() + ANSWER_WITHIN, ticket));
        self.open_session();
        self.go_live(ctx);
    }

    pub(super) fn enrol(&mut self, wish: Wish, entry: bool, ticket: Ticket) {
        let server = match self.server_address() {
            Ok(server) => server,
            Err(problem) => return ticket.failed(problem),
        };
        if self.enrolling.is_some() {
            return ticket.failed(Problem::busy());
        }
        let deadline = Instant::now() + ANSWER_WITHIN;
        if entry {
            self.forgive();
            self.tell_server(ServerState::Connecting, format!("Connecting to {}.", server.place()));
        }
        self.enrolling = Some(Enrolling { deadline, ticket, entry });
        if let Some(session) = &self.session {
            session.do_send(Enrol { server, wish, until: deadline });
        }
    }

    pub(in crate::core) fn enrolment_ended(
        &mut self,
        EnrolmentEnded { result }: EnrolmentEnded,
        ctx: &mut Context<Self>,
    ) {
        let Some(Enrolling { deadline, ticket, entry }) = self.enrolling.take() else { return };
        let enrolment = match result {
            Ok(Outcome::Enrolled(enrolment)) => *enrolment,
            // The password was right, and the device's own certificate does the rest.
            Ok(Outcome::Checked) => return self.sign_in_again(ticket, ctx),
            Ok(Outcome::Devices(list)) => {
                self.keep_own_devices(&list);
                return self.done_once_kept(ticket, Answer::Nothing {});
            }
            Ok(Outcome::PasswordChanged) => return ticket.ok(),
            Err(error) if !entry => return self.not_changed(&error, ticket),
            Err(error) => {
                tracing::info!(%error, "not enrolled");
                let problem = Problem::from(&error);
                if problem.code == Problem::server_key_changed().code {
                    self.distrust();
                }
                self.tell_server(ServerState::Offline, problem.text.clone().into_owned());
                return ticket.failed(problem);
            }
        };
        self.profile.change(|settings| {
            settings.server_key = Some(enrolment.server_key);
            settings.signed_out = false;
            settings.device_removed = false;
        });
        let identity = Arc::new(enrolment.identity);
        let (profile, own, roster_key) = (self.profile.clone(), identity.clone(), enrolment.roster_key.clone());
        let save =
            tokio::task::spawn_blocking(move || profile.save_account(&own, &roster_key).and_then(|()| profile.save()));
        self.roster_key = Some(enrolment.roster_key);
        Self::then(ctx, save, move |registry, saved, ctx| {
            if !matches!(saved, Ok(Ok(()))) {
                tracing::error!(?saved, "account not saved");
                return ticket.failed(Problem::profile_not_written());
            }
            let device = identity.device;
            registry.identity = Some(identity);
            registry.state.exchange = crate::core::registry::exchange(device, Vec::new());
            registry.load_copies(ctx);
            if let Some(task) = registry.listen_task.take() {
                task.abort();
            }
            registry.entries.push((deadline, ticket));
            registry.open_session();
            registry.go_live(ctx);
        });
    }

    pub(in crate::core) fn sign_out(&mut self, ticket: Ticket) {
        if !self.is_signed_in() {
            return ticket.failed(Problem::not_signed_in());
        }
        self.profile.change(|settings| settings.signed_out = true);
        self.save_settings();
        if let Some(session) = &self.session {
            session.do_send(Close { end: false });
        }
        self.stay_away("signed_out", &Problem::not_signed_in());
        self.done_once_kept(ticket, Answer::Nothing {});
    }

    /// No session and no links until somebody signs in.
    fn stay_away(&mut self, reason: &str, problem: &Problem) {
        self.hold_all_transfers();
        for link in self.state.links.remove_all() {
            link.do_send(peer_link::Close { code: WireCode::SignedOut, forget: false });
        }
        if let Some(task) = self.listen_task.take() {
            task.abort();
        }
        self.fail_waiting(problem);
        let mut events = self.state.lost_server();
        for user in self.state.roster.handles() {
            events.extend(self.state.link_changed(&user, None));
        }
        self.tell(events);
        self.outlet.tell(Event::SignedOut { reason: reason.to_owned() });
    }

    fn fail_waiting(&mut self, problem: &Problem) {
        for (_, ticket) in std::mem::take(&mut self.entries) {
            ticket.failed(problem.clone());
        }
        for errand in self.state.errands.take_all() {
            if let Some(ticket) = errand.ticket {
                ticket.failed(problem.clone());
            }
        }
    }

    /// Sign-ins whose time is over.
    pub(in crate::core) fn expire_entries(&mut self, now: Instant) {
        let (late, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.entries).into_iter().partition(|(deadline, _)| *deadline <= now);
        self.entries = waiting;
        for (_, ticket) in late {
            ticket.failed(Problem::offline());
        }
        if self.enrolling.as_ref().is_some_and(|enrolling| enrolling.deadline <= now) {
            if let Some(session) = &self.session {
                session.do_send(CancelEnrolment);
            }
            if let Some(Enrolling { ticket, entry, .. }) = self.enrolling.take() {
                if entry {
                    self.tell_server(ServerState::Offline, Problem::offline().text.into_owned());
                }
                ticket.failed(Problem::offline());
            }
        }
    }

    /// Somebody waits for the server.
    pub(in crate::core) fn hurry_session(&self) {
        if let Some(session) = &self.session {
            session.do_send(Hurry);
        }
    }

    fn tell_server(&mut self, state: ServerState, text: String) {
        if self.told_server != Some(state) {
            self.told_server = Some(state);
            self.outlet.tell(Event::Server { state, text });
        }
    }

    /// Another key answered: told once for each attempt of a person.
    fn distrust(&mut self) {
        if self.trust != (Trust::Broken { told: true }) {
            self.trust = Trust::Broken { told: true };
            self.tell_server_key();
        }
    }

    /// A person tries again: what is wrong is told again.
    fn forgive(&mut self) {
        if matches!(self.trust, Trust::Broken { .. }) {
            self.trust = Trust::Broken { told: false };
        }
    }

    pub(super) fn tell_server_key(&self) {
        let Problem { code, text } = Problem::server_key_changed();
        self.outlet.tell(Event::Alarm { code: code.into_owned(), user: None, text: text.into_owned() });
    }

    pub(in crate::core) fn session_changed(&mut self, news: SessionChanged, ctx: &mut Context<Self>) {
        let SessionChanged { state, reason } = news;
        if state == ServerState::Connecting {
            let place = self.profile.settings().server.unwrap_or_default();
            self.tell_server(ServerState::Connecting, format!("Connecting to {place}."));
            return;
        }
        let problem = match &reason {
            Some(ConnectError::Refused { code: WireCode::UnknownUser, .. }) => Problem::account_unknown(),
            Some(reason) => reason.into(),
            None => Problem::offline(),
        };
        self.tell_server(ServerState::Offline, problem.text.clone().into_owned());
        let events = self.state.lost_server();
        self.tell(events);
        self.tell_rooms(false);
        match reason {
            Some(ConnectError::WrongKey) => {
                self.distrust();
                self.fail_waiting(&problem);
            }
            Some(ConnectError::Refused { code, .. }) if crate::core::session::ends_session(&code) => {
                self.profile.change(|settings| match code {
                    WireCode::Replaced => {}
                    WireCode::DeviceRemoved => settings.device_removed = true,
                    _ => settings.signed_out = true,
                });
                self.save_settings();
                self.stay_away(code.name(), &problem);
                return;
            }
            _ => {}
        }
        if self.is_signed_in() {
            self.reunite_all(ctx);
        }
    }

    pub(in crate::core) fn session_opened(&mut self, news: SessionOpened, _: &mut Context<Self>) {
        let SessionOpened { welcome, server_key, ends, place } = news;
        if !self.is_signed_in() {
            return;
        }
        if self.profile.settings().server_key.is_none() {
            self.profile.change(|settings| settings.server_key = Some(server_key));
            self.save_settings();
        }
        if self.server_end.replace(ends.server) != Some(ends.server) {
            for link in self.state.links.all() {
                link.do_send(SetServer(ends.server));
            }
        }
        self.last_seen_is(welcome.last_seen);
        if let Some(status) = welcome.status {
            self.status_is(status);
        }
        self.trust = Trust::Kept;
        self.tell_server(ServerState::Online, format!("Connected to {place}."));
        let now = Instant::now();
        self.state.welcomed(now);
        self.fresh.clear();
        if self.state.contacts.welcomed(welcome.roster) {
            self.state.await_roster(now);
            self.get_roster();
        }
        self.keep_own_devices(&welcome.device_list);
        self.rooms_listed(&welcome.rooms);
    }

    /// The friend list is complete: signed in.
    pub(in crate::core) fn arrived(&mut self, ctx: &mut Context<Self>) {
        let Some(own) = self.identity.as_ref().map(|identity| identity.user.clone()) else { return };
        let gone = self.state.arrive();
        self.arrived_at = Some(Instant::now());
        self.touch_contacts();
        self.say_unsaid_status();
        let settings = self.profile.settings();
        self.outlet.tell(Event::SignedIn { user: own, presence: settings.presence, text: settings.text });
        for user in gone {
            self.forget_friend(&user);
        }
        for (_, ticket) in std::mem::take(&mut self.entries) {
            self.done_once_kept(ticket, Answer::Nothing {});
        }
        for user in std::mem::take(&mut self.fresh) {
            self.tell_friend_added(&user);
        }
        for user in self.state.roster.handles() {
            let event = self.state.roster.announce(&user);
            self.tell(event);
        }
        for user in self.state.roster.requests() {
            self.outlet.tell(Event::FriendRequest { user });
        }
        self.tell_rooms(true);
        self.offer_again(ctx);
        self.run_errands();
        ctx.run_later(REQUESTS_FOLLOW, |registry, ctx| {
            registry.run_errands();
            registry.arm(ctx);
        });
        self.reunite(false);
        self.link_all(ctx);
    }
}
