//! Devices: this account's own, and which devices of others may link. A newer signed list always wins, an older one never does; what is not
//! on the newest is let in no more.

use std::collections::HashMap;
use std::sync::Arc;

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{DeviceId, Fingerprint, Handle};
use hobnob_shared::identity::{DeviceList, IdentityStatement, spki_hash};
use hobnob_shared::message::DevicesChanged;

use crate::core::error::Problem;
use crate::core::event::{Answer, DeviceInfo, Event};
use crate::core::friendship::verify_devices;
use crate::core::history::{pairs, rooms};
use crate::core::peer_link::{Close, SetIdentity};
use crate::core::profile::Identity;
use crate::core::registry::Registry;

/// What is known of the devices of people in common rooms who are no friends.
#[derive(Debug, Default)]
pub struct Mates(HashMap<Handle, (Vec<u8>, DeviceList)>);

impl Registry {
    /// The account's devices.
    pub(in crate::core) fn devices(&self) -> Result<Answer, Problem> {
        Ok(Answer::Devices { devices: self.device_infos()? })
    }

    fn device_infos(&self) -> Result<Vec<DeviceInfo>, Problem> {
        let identity = self.identity.as_ref().ok_or_else(Problem::not_signed_in)?;
        let list = verify_devices(&identity.device_list, &identity.chain.account).map_err(|_| Problem::internal())?;
        let devices = list.devices.into_iter();
        Ok(devices.map(|device| DeviceInfo { device, this: device == identity.device }).collect())
    }

    /// The account's list, as the server or another device has it: taken if it is newer than ours and signed by our identity key.
    pub(in crate::core) fn keep_own_devices(&mut self, device_list: &IdentityStatement) {
        let Some(own) = &self.identity else { return };
        let known = verify_devices(&own.device_list, &own.chain.account).map_or(0, |list| list.number);
        let newer = verify_devices(device_list, &own.chain.account).ok().filter(|list| list.number > known);
        let (Some(list), Some(roster_key)) = (newer, self.roster_key.clone()) else { return };
        match own.with_devices(device_list.clone()) {
            Ok(identity) => {
                let identity = Arc::new(identity);
                let own: Arc<Identity> = identity.clone();
                let user = identity.user.clone();
                for link in self.state.links.all() {
                    link.do_send(SetIdentity(identity.clone()));
                }
                self.identity = Some(identity);
                self.save(move |profile| profile.save_account(&own, &roster_key));
                let account = self.identity.as_ref().map(|own| own.account);
                self.end_unlisted(&user, account, &list);
                if let Ok(devices) = self.device_infos() {
                    self.outlet.tell(Event::Devices { devices });
                }
                self.reconsider(&user);
            }
            Err(error) => tracing::error!(%error, "own key"),
        }
    }

    /// Whether a device may link, by the list that it shows. A newer list than the known one is kept. An older one, shown by a device that
    /// has not heard of another one yet, changes nothing: then the known list decides.
    pub(in crate::core) fn accepts_devices(
        &mut self,
        user: &Handle,
        device: DeviceId,
        device_list: &IdentityStatement,
        certificate: &[u8],
    ) -> bool {
        let Ok(list) = verify_devices(device_list, certificate) else { return false };
        match self.known_devices(user) {
            Some(known) if list.number <= known.number => known.devices.contains(&device),
            _ => {
                let listed = list.devices.contains(&device);
                self.keep_list(user, device_list, certificate, &list);
                listed
            }
        }
    }

    /// The newest list that is known of somebody.
    pub(in crate::core) fn known_devices(&self, user: &Handle) -> Option<DeviceList> {
        let own = self.identity.as_ref()?;
        if own.user == *user {
            return verify_devices(&own.device_list, &own.chain.account).ok();
        }
        match self.state.roster.get(user) {
            Some(person) => verify_devices(&person.pin.device_list, &person.pin.account_certificate).ok(),
            None => self.mates.0.get(user).map(|(_, list)| list.clone()),
        }
    }

    /// Keeps a list that is newer than the known one.
    fn keep_list(&mut self, user: &Handle, device_list: &IdentityStatement, certificate: &[u8], list: &DeviceList) {
        if self.identity.as_ref().is_some_and(|own| own.user == *user) {
            return self.keep_own_devices(device_list);
        }
        if let Some(friend) = self.state.roster.pin_mut(user) {
            friend.device_list = device_list.clone();
            friend.device_list_number = list.number;
            let friend = friend.clone();
            self.keep_friend(friend);
        } else {
            self.mates.0.insert(user.clone(), (certificate.to_vec(), list.clone()));
        }
        self.end_unlisted(user, spki_hash(certificate).ok().map(Fingerprint), list);
    }

    /// Links to devices that are not listed any more end, and are not found again; what those sign from now on does not count.
    fn end_unlisted(&mut self, user: &Handle, account: Option<Fingerprint>, list: &DeviceList) {
        let removed = list.removed.clone();
        if let (Some(account), false) = (account, removed.is_empty()) {
            self.write(move |c| rooms::note_removed(c, account, &removed));
        }
        let (name, listed) = (user.clone(), list.devices.clone());
        self.write(move |c| pairs::keep_listed(c, &name, &listed));
        for (device, link) in self.state.links.devices(user) {
            if !list.devices.contains(&device) {
                link.do_send(Close { code: WireCode::DeviceRemoved, forget: true });
                self.state.links.remove(&device);
                self.state.exchange.unlinked(&device);
            }
        }
        let event = self.state.links.tell(user);
        self.tell(event);
    }

    /// Somebody's devices changed, as the server says; the identity key's signature decides.
    pub(in crate::core) fn devices_changed(&mut self, news: &DevicesChanged) {
        let Some(certificate) = self.certificate_of(&news.user) else { return };
        let Ok(list) = verify_devices(&news.device_list, &certificate) else {
            tracing::warn!(user = %news.user, "a device list that does not hold was ignored");
            return;
        };
        if self.known_devices(&news.user).is_none_or(|known| known.number < list.number) {
            self.keep_list(&news.user, &news.device_list, &certificate, &list);
        }
    }

    fn certificate_of(&self, user: &Handle) -> Option<Vec<u8>> {
        let own = self.identity.as_ref()?;
        if own.user == *user {
            return Some(own.chain.account.clone());
        }
        match self.state.roster.get(user) {
            Some(person) => Some(person.pin.account_certificate.clone()).filter(|der| !der.is_empty()),
            None => self.mates.0.get(user).map(|(certificate, _)| certificate.clone()),
        }
    }

    /// Whether a certificate is of this identity key.
    pub(in crate::core) fn is_certificate_of(certificate: &[u8], account: Fingerprint) -> bool {
        spki_hash(certificate).is_ok_and(|hash| hash == account.0)
    }
}
