//! A connection on which no certificate was shown: sign-up, or what the password allows, which is to add a device, to remove some, or to
//! change the password. What is proved is checked in `proofs.rs`. Pure but for OPAQUE's own randomness; called by `state.rs`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use hobnob_shared::codec::from_cbor;
use hobnob_shared::id::Handle;
use hobnob_shared::message::{
    Enrolled, FromServer, OpaqueReply, SignInFinish, SignInStart, SignUpStart, ToServer, Unlocked,
};
use hobnob_shared::password::{self, ServerLoginState};
use serde_bytes::ByteBuf;

use super::job::{Answer, Job};
use super::note::Note;
use super::proofs::{self, Exporter, NewList};
use super::state::{Effect, refuse};
use crate::error::Refusal;
use crate::registry::DevicesChanged;
use crate::services::Doorkeeper;
use crate::store::{AccountId, Locked, SignedUp};

/// How far it is. What waits for the store holds what is needed when the answer comes.
enum Step {
    Start,
    Checking(SignUpStart),
    SigningUp(Handle),
    Creating(Handle),
    Looking(SignInStart),
    Proving(Handle, Box<ServerLoginState>, Option<Box<Locked>>),
    Unlocked(Handle, Box<Locked>),
    SettingDevices(Handle, AccountId, Box<NewList>, String),
    ChangingPassword(Handle, Box<Locked>),
    SavingPassword(Handle),
    Over,
}

/// See the module.
pub(super) struct Enrolment {
    exporter: Exporter,
    ip: IpAddr,
    step: Step,
}

fn no(refusal: Refusal) -> Vec<Effect> {
    refuse(refusal, None)
}

impl Enrolment {
    pub(super) fn new(exporter: Exporter, ip: IpAddr) -> Self {
        Self { exporter, ip, step: Step::Start }
    }

    pub(super) fn on_frame(&mut self, frame: ToServer, doors: &dyn Doorkeeper, now: Instant) -> Vec<Effect> {
        match (std::mem::replace(&mut self.step, Step::Start), frame) {
            (Step::Start, ToServer::SignUpStart(start)) => {
                if let Err(wait) = doors.sign_up(self.ip, now) {
                    return no(Refusal::RateLimited(wait));
                }
                let user = start.user.clone();
                self.step = Step::Checking(start);
                vec![Effect::Ask(Job::HandleFree(user))]
            }
            (Step::SigningUp(user), ToServer::SignUpFinish(finish)) => {
                match proofs::check_sign_up(self.exporter, &user, *finish) {
                    Err(refusal) => no(refusal),
                    Ok(account) => {
                        self.step = Step::Creating(user);
                        vec![Effect::Ask(Job::SignUp(Box::new(account)))]
                    }
                }
            }
            (Step::Start, ToServer::SignInStart(start)) => {
                if let Err(wait) = doors.guess(&start.user, self.ip, now) {
                    return no(Refusal::RateLimited(wait));
                }
                let user = start.user.clone();
                self.step = Step::Looking(start);
                vec![Effect::Ask(Job::Locked(user))]
            }
            (Step::Proving(user, login, account), ToServer::SignInFinish(finish)) => {
                self.prove(user, *login, account, &finish, doors)
            }
            (Step::Unlocked(user, account), ToServer::EnrolDevice(enrol)) => {
                match proofs::check_device(self.exporter, &user, &account, *enrol) {
                    Err(refusal) => no(refusal),
                    Ok((device, list)) => {
                        let line = format!("{user} added a device with the password");
                        self.step = Step::SettingDevices(user, account.account, Box::new(list), line);
                        vec![Effect::Ask(Job::Enrol(Box::new(device)))]
                    }
                }
            }
            (Step::Unlocked(user, account), ToServer::SetDevices(set)) => {
                match proofs::check_fewer_devices(self.exporter, &user, &account, *set) {
                    Err(refusal) => no(refusal),
                    Ok((devices, list)) => {
                        let line = format!("{user} removed {} devices with the password", devices.removed.len());
                        self.step = Step::SettingDevices(user, account.account, Box::new(list), line);
                        vec![Effect::Ask(Job::SetDevices(Box::new(devices)))]
                    }
                }
            }
            (Step::Unlocked(user, account), ToServer::ChangePasswordStart(start)) => {
                self.answer_registration(&user, &start.request, doors, |user| Step::ChangingPassword(user, account))
            }
            (Step::ChangingPassword(user, account), ToServer::ChangePasswordFinish(finish)) => {
                match proofs::check_new_password(self.exporter, &user, &account, *finish) {
                    Err(refusal) => no(refusal),
                    Ok(new) => {
                        self.step = Step::SavingPassword(user);
                        vec![Effect::Ask(Job::ChangePassword(Box::new(new)))]
                    }
                }
            }
            _ => {
                self.step = Step::Over;
                no(Refusal::WrongState)
            }
        }
    }

    pub(super) fn on_answer(&mut self, answer: Answer, doors: &dyn Doorkeeper) -> Vec<Effect> {
        match (std::mem::replace(&mut self.step, Step::Start), answer) {
            (Step::Checking(_), Answer::HandleFree(false)) | (Step::Creating(_), Answer::SignedUp(SignedUp::Taken)) => {
                no(Refusal::Taken)
            }
            (Step::Checking(SignUpStart { user, request }), Answer::HandleFree(true)) => {
                self.answer_registration(&user, &request, doors, Step::SigningUp)
            }
            (Step::Creating(user), Answer::SignedUp(SignedUp::Created(_))) => {
                self.enrolled(format!("{user} signed up"), user)
            }
            (Step::Looking(start), Answer::Locked(account)) => self.answer_sign_in(start, account, doors),
            (Step::SettingDevices(user, account, list, line), Answer::DevicesSet(Some(audience))) => {
                let changed = DevicesChanged {
                    account,
                    user: user.clone(),
                    number: list.number,
                    devices: list.devices,
                    device_list: Arc::new(list.statement),
                    audience,
                };
                let mut effects = vec![Effect::Tell(Note::DevicesChanged(Box::new(changed)))];
                effects.extend(self.enrolled(line, user));
                effects
            }
            (Step::SavingPassword(user), Answer::PasswordChanged(true)) => {
                self.enrolled(format!("{user} changed the password"), user)
            }
            (Step::SettingDevices(..), Answer::DevicesSet(None))
            | (Step::SavingPassword(_), Answer::PasswordChanged(false)) => no(Refusal::AccountChanged),
            // The store failed; the client may begin anew.
            _ => no(Refusal::Internal),
        }
    }

    fn enrolled(&mut self, line: String, user: Handle) -> Vec<Effect> {
        self.step = Step::Over;
        vec![Effect::Log(line), Effect::send(FromServer::Enrolled(Enrolled { user })), Effect::Close("enrolled".into())]
    }

    /// The first half of what makes a password's record, for a new account or a new password.
    fn answer_registration(
        &mut self,
        user: &Handle,
        request: &[u8],
        doors: &dyn Doorkeeper,
        next: impl FnOnce(Handle) -> Step,
    ) -> Vec<Effect> {
        match doors.setup().registration_reply(user, request) {
            Err(_) => no(Refusal::Malformed),
            Ok(response) => {
                self.step = next(user.clone());
                vec![Effect::send(FromServer::SignUpReply(OpaqueReply { response: ByteBuf::from(response) }))]
            }
        }
    }

    /// A name that nobody has gets an answer that looks like any other, and no proof will fit it.
    fn answer_sign_in(
        &mut self,
        start: SignInStart,
        account: Option<Box<Locked>>,
        doors: &dyn Doorkeeper,
    ) -> Vec<Effect> {
        let record = account.as_ref().map(|account| account.password.as_slice());
        match doors.setup().login_start(record, &start.user, &start.request) {
            Err(_) => no(Refusal::Malformed),
            Ok((login, response)) => {
                self.step = Step::Proving(start.user, Box::new(login), account);
                vec![Effect::send(FromServer::SignInReply(OpaqueReply { response: ByteBuf::from(response) }))]
            }
        }
    }

    fn prove(
        &mut self,
        user: Handle,
        login: ServerLoginState,
        account: Option<Box<Locked>>,
        finish: &SignInFinish,
        doors: &dyn Doorkeeper,
    ) -> Vec<Effect> {
        let right = password::server_login_finish(login, &user, &finish.finalization).is_ok();
        let Some(account) = account.filter(|_| right) else {
            let mut effects = vec![Effect::Log(format!("wrong password for {user}"))];
            effects.extend(no(Refusal::WrongPassword));
            return effects;
        };
        doors.guessed(&user, self.ip);
        let Ok(device_list) = from_cbor(&account.device_list) else { return no(Refusal::Internal) };
        let unlocked = Unlocked {
            account_certificate: ByteBuf::from(account.certificate.clone()),
            sealed: ByteBuf::from(account.sealed.clone()),
            device_list,
        };
        self.step = Step::Unlocked(user, account);
        vec![Effect::send(FromServer::Unlocked(Box::new(unlocked)))]
    }
}
