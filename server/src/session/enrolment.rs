//! A connection on which no certificate was shown: sign-up, or password sign-in of a new device. Ends with a device that may come back with
//! its certificate. Pure but for OPAQUE's own randomness; called by `state.rs`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{Fingerprint, Handle};
use hobnob_shared::identity::{Chain, DEVICE_LIST, DeviceList, IdentityStatement, VerifiedChain, verify_signature};
use hobnob_shared::limits::DEVICES;
use hobnob_shared::message::{
    ENROL_DEVICE, ENROL_IDENTITY, EnrolDevice, Enrolled, EnrolmentProof, FromServer, OpaqueReply, SignInFinish,
    SignInStart, SignUpFinish, SignUpStart, ToServer, Unlocked,
};
use hobnob_shared::password::{self, ServerLoginState};
use serde_bytes::ByteBuf;

use super::state::{Answer, Effect, Job, Note, refuse};
use crate::error::Refusal;
use crate::services::Doorkeeper;
use crate::store::{Locked, NewAccount, NewDevice, SignedUp};

/// How far it is. What waits for the store holds what is needed when the answer comes.
enum Step {
    Start,
    Checking(SignUpStart),
    SigningUp(Handle),
    Creating(Handle),
    Looking(SignInStart),
    Proving(Handle, Box<ServerLoginState>, Option<Box<Locked>>),
    Unlocked(Handle, Box<Locked>),
    Enrolling(Handle, Box<Locked>, u64, Arc<IdentityStatement>),
    Over,
}

/// See the module.
pub(super) struct Enrolment {
    exporter: [u8; 32],
    ip: IpAddr,
    step: Step,
}

fn no(refusal: Refusal) -> Vec<Effect> {
    refuse(refusal, None)
}

impl Enrolment {
    pub(super) fn new(exporter: [u8; 32], ip: IpAddr) -> Self {
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
            (Step::SigningUp(user), ToServer::SignUpFinish(finish)) => match self.check_sign_up(&user, *finish) {
                Err(refusal) => no(refusal),
                Ok(account) => {
                    self.step = Step::Creating(user);
                    vec![Effect::Ask(Job::SignUp(Box::new(account)))]
                }
            },
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
                match self.check_device(&user, &account, *enrol) {
                    Err(refusal) => no(refusal),
                    Ok((device, list)) => {
                        let number = device.list_number;
                        self.step = Step::Enrolling(user, account, number, Arc::new(list));
                        vec![Effect::Ask(Job::Enrol(Box::new(device)))]
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
                match doors.setup().registration_reply(&user, &request) {
                    Err(_) => no(Refusal::Malformed),
                    Ok(response) => {
                        self.step = Step::SigningUp(user);
                        vec![Effect::send(FromServer::SignUpReply(OpaqueReply { response: ByteBuf::from(response) }))]
                    }
                }
            }
            (Step::Creating(user), Answer::SignedUp(SignedUp::Created(_))) => {
                self.enrolled(format!("{user} signed up"), user)
            }
            (Step::Looking(start), Answer::Locked(account)) => self.answer_sign_in(start, account, doors),
            (Step::Enrolling(user, account, number, device_list), Answer::Enrolled(true)) => {
                let changed = Note::DevicesChanged { account: account.account, number, device_list };
                let mut effects = vec![Effect::Tell(changed)];
                effects.extend(self.enrolled(format!("{user} added a device with the password"), user));
                effects
            }
            (Step::Enrolling(..), Answer::Enrolled(false)) => no(Refusal::ListChanged),
            // The store failed; the client may begin anew.
            _ => no(Refusal::Internal),
        }
    }

    fn enrolled(&mut self, line: String, user: Handle) -> Vec<Effect> {
        self.step = Step::Over;
        vec![Effect::Log(line), Effect::send(FromServer::Enrolled(Enrolled { user })), Effect::Close("enrolled".into())]
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

    fn check_sign_up(&self, user: &Handle, finish: SignUpFinish) -> Result<NewAccount, Refusal> {
        let record = password::record(&finish.upload).map_err(|_| Refusal::Malformed)?;
        let certificate = finish.account_certificate.into_vec();
        let device_certificate = finish.device_certificate.into_vec();
        if !names(&certificate, user) {
            return Err(Refusal::BadSignature("name in the account's certificate"));
        }
        let chain = Chain { device: device_certificate, account: certificate };
        let proofs = (finish.identity_proof.as_slice(), finish.device_proof.as_slice());
        let proved = self.check_proofs(user, &chain, proofs)?;
        let list = signed_list(&finish.device_list, &chain.account)?;
        if list.number != 1 || list.devices != [proved.device] {
            return Err(Refusal::Forbidden("the first device list has number 1 and this device"));
        }
        Ok(NewAccount {
            user: user.clone(),
            key: proved.account,
            certificate: chain.account,
            password: record,
            sealed: finish.sealed.into_vec(),
            list_number: list.number,
            device_list: to_cbor(&finish.device_list).map_err(|_| Refusal::Internal)?,
            device: proved.device,
            device_certificate: chain.device,
        })
    }

    fn check_device(
        &self,
        user: &Handle,
        account: &Locked,
        enrol: EnrolDevice,
    ) -> Result<(NewDevice, IdentityStatement), Refusal> {
        let chain = Chain { device: enrol.device_certificate.into_vec(), account: account.certificate.clone() };
        let proved = self.check_proofs(user, &chain, (&enrol.identity_proof, &enrol.device_proof))?;
        belongs(&proved, account.key)?;
        let list = signed_list(&enrol.device_list, &chain.account)?;
        let old: IdentityStatement = from_cbor(&account.device_list).map_err(|_| Refusal::Internal)?;
        let old: DeviceList = from_cbor(&old.body).map_err(|_| Refusal::Internal)?;
        if list.devices.len() > DEVICES {
            return Err(Refusal::TooMany("devices in this account"));
        }
        let mut expected = old.devices;
        expected.retain(|device| *device != proved.device);
        expected.push(proved.device);
        let (mut expected_ids, mut listed) = (expected, list.devices.clone());
        expected_ids.sort_unstable();
        listed.sort_unstable();
        if list.number != old.number.saturating_add(1) || listed != expected_ids {
            return Err(Refusal::Forbidden(
                "the new device list is the old one with this device, its number one higher",
            ));
        }
        let device = NewDevice {
            account: account.account,
            device: proved.device,
            certificate: chain.device,
            list_number: list.number,
            device_list: to_cbor(&enrol.device_list).map_err(|_| Refusal::Internal)?,
        };
        Ok((device, enrol.device_list))
    }

    /// Both keys have signed this very connection, so neither certificate is borrowed.
    fn check_proofs(
        &self,
        user: &Handle,
        chain: &Chain,
        (identity, device): (&[u8], &[u8]),
    ) -> Result<VerifiedChain, Refusal> {
        let verified = chain.verify().map_err(|_| Refusal::BadSignature("certificates"))?;
        let proof = EnrolmentProof { user: user.clone(), device: verified.device, exporter: self.exporter };
        let bytes = to_cbor(&proof).map_err(|_| Refusal::Internal)?;
        verify_signature(&verified.account_key, ENROL_IDENTITY, &bytes, identity)
            .map_err(|_| Refusal::BadSignature("proof of the identity key"))?;
        verify_signature(&verified.device_key, ENROL_DEVICE, &bytes, device)
            .map_err(|_| Refusal::BadSignature("proof of the device key"))?;
        Ok(verified)
    }
}

fn belongs(proved: &VerifiedChain, account: Fingerprint) -> Result<(), Refusal> {
    if proved.account == account { Ok(()) } else { Err(Refusal::BadSignature("certificates")) }
}

fn signed_list(list: &IdentityStatement, account_certificate: &[u8]) -> Result<DeviceList, Refusal> {
    list.verify(DEVICE_LIST, account_certificate).map_err(|_| Refusal::BadSignature("device list"))
}

/// Whether a certificate's common name is that handle: the DER of the attribute, object identifier 2.5.4.3 and a UTF-8 string.
fn names(certificate: &[u8], user: &Handle) -> bool {
    let text = user.as_str().as_bytes();
    let Ok(length) = u8::try_from(text.len()) else { return false };
    let attribute = [&[0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, length][..], text].concat();
    certificate.windows(attribute.len()).any(|window| window == attribute)
}
