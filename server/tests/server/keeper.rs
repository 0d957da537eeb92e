//! Whoever knows an account's password, for the tests of this crate: unlocks the account, then adds a device, removes some, or changes the
//! password.

use hobnob_shared::codec::to_cbor;
use hobnob_shared::id::{DeviceId, Handle};
use hobnob_shared::identity::{
    Chain, DEVICE_LIST, DeviceKey, DeviceList, IdentityKey, IdentityStatement, RemovedDevice,
};
use hobnob_shared::message::{
    CHANGE_PASSWORD, ChangePasswordFinish, ChangePasswordStart, EnrolDevice, EnrolmentProof, Failed, FromServer,
    SET_DEVICES, SetDevices, SignInFinish, SignInStart, ToServer,
};
use hobnob_shared::password;
use serde_bytes::ByteBuf;

use super::client::{Device, Running, Wire, proofs, sealed_key};

/// A connection on which the password was right.
pub struct Unlocked {
    pub wire: Wire,
    pub user: Handle,
    pub identity: IdentityKey,
    pub certificate: Vec<u8>,
    pub list: DeviceList,
}

impl Unlocked {
    /// Signs in with the password.
    pub async fn open(server: &Running, name: &str, typed: &str) -> Result<Self, Failed> {
        let user: Handle = name.parse().unwrap();
        let mut wire = Wire::open(server, None).await;
        let (state, request) = password::login_start(typed).unwrap();
        wire.say(&ToServer::SignInStart(SignInStart { user: user.clone(), request: ByteBuf::from(request) }));
        let response = match wire.next().await.unwrap() {
            FromServer::SignInReply(reply) => reply.response,
            FromServer::Failed(failed) => return Err(failed),
            other => panic!("{other:?}"),
        };
        let finished = password::login_finish(state, typed, &user, &response);
        // A wrong proof where the password is wrong, as a client that knows no better would send.
        let finalization = finished.as_ref().map_or_else(|_| vec![0; 64], |(bytes, _)| bytes.clone());
        wire.say(&ToServer::SignInFinish(SignInFinish { finalization: ByteBuf::from(finalization) }));
        let unlocked = match wire.next().await.unwrap() {
            FromServer::Unlocked(unlocked) => unlocked,
            FromServer::Failed(failed) => return Err(failed),
            other => panic!("{other:?}"),
        };
        let (_, export) = finished.unwrap();
        let identity = IdentityKey::from_pkcs8(&export.open("identity", &unlocked.sealed).unwrap()).unwrap();
        let certificate = unlocked.account_certificate.into_vec();
        let list = unlocked.device_list.verify(DEVICE_LIST, &certificate).unwrap();
        Ok(Self { wire, user, identity, certificate, list })
    }

    async fn enrolled(&mut self) -> Result<(), Failed> {
        match self.wire.next().await.unwrap() {
            FromServer::Enrolled(enrolled) => {
                assert_eq!(enrolled.user, self.user);
                Ok(())
            }
            FromServer::Failed(failed) => Err(failed),
            other => panic!("{other:?}"),
        }
    }

    fn signed(&self, list: &DeviceList) -> IdentityStatement {
        IdentityStatement::sign(DEVICE_LIST, list, &self.identity).unwrap()
    }

    fn proof(&self, purpose: &str, device: DeviceId) -> ByteBuf {
        let proof = EnrolmentProof { user: self.user.clone(), device, exporter: self.wire.exporter };
        ByteBuf::from(self.identity.sign(purpose, &to_cbor(&proof).unwrap()).to_vec())
    }

    /// Adds a device with that key.
    pub async fn enrol(mut self, key: DeviceKey) -> Result<Device, Failed> {
        let device = self.identity.issue_device(&self.user, &key).unwrap();
        let chain = Chain { device, account: self.certificate.clone() };
        let devices = self.list.devices.iter().copied().chain([key.id()]).collect();
        let removed = self.list.removed.clone();
        let list = DeviceList { number: self.list.number + 1, devices, issued_at: 1, removed };
        let (identity_proof, device_proof) = proofs(&self.user, &self.identity, &key, self.wire.exporter);
        self.wire.say(&ToServer::EnrolDevice(Box::new(EnrolDevice {
            device_certificate: ByteBuf::from(chain.device.clone()),
            device_list: self.signed(&list),
            identity_proof,
            device_proof,
        })));
        self.enrolled().await?;
        Ok(Device { user: self.user, key, chain, account: self.identity.fingerprint() })
    }

    /// Removes a device.
    pub async fn remove(mut self, device: DeviceId) -> Result<(), Failed> {
        let mut list = self.list.clone();
        list.number += 1;
        list.devices.retain(|listed| *listed != device);
        list.removed.push(RemovedDevice { device, at: 2 });
        let identity_proof = self.proof(SET_DEVICES, list.devices[0]);
        let set = SetDevices { device_list: self.signed(&list), identity_proof };
        self.wire.say(&ToServer::SetDevices(Box::new(set)));
        self.enrolled().await
    }

    /// Up to the last frame of a change of the password.
    pub async fn prepare_password(&mut self, typed: &str) -> ChangePasswordFinish {
        let (state, request) = password::registration_start(typed).unwrap();
        self.wire.say(&ToServer::ChangePasswordStart(ChangePasswordStart { request: ByteBuf::from(request) }));
        let FromServer::SignUpReply(reply) = self.wire.next().await.unwrap() else { panic!("no reply") };
        let (upload, export) = password::registration_finish(state, typed, &self.user, &reply.response).unwrap();
        ChangePasswordFinish {
            upload: ByteBuf::from(upload),
            sealed: ByteBuf::from(sealed_key(&export, &self.identity)),
            identity_proof: self.proof(CHANGE_PASSWORD, self.list.devices[0]),
        }
    }

    /// Changes the password.
    pub async fn change_password(mut self, typed: &str) -> Result<(), Failed> {
        let finish = self.prepare_password(typed).await;
        self.finish_password(finish).await
    }

    pub async fn finish_password(&mut self, finish: ChangePasswordFinish) -> Result<(), Failed> {
        self.wire.say(&ToServer::ChangePasswordFinish(Box::new(finish)));
        self.enrolled().await
    }
}

impl Device {
    /// Enrols a further device with the password.
    pub async fn sign_in(server: &Running, name: &str, typed: &str) -> Result<Self, Failed> {
        Unlocked::open(server, name, typed).await?.enrol(DeviceKey::generate().unwrap()).await
    }
}
