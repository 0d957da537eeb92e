//! An account's own affairs among its devices and those who know it: a device came or was removed, the roster is a newer one. Pure, a part of
//! the registry's state.

use std::sync::Arc;

use hobnob_shared::identity::IdentityStatement;
use hobnob_shared::message::{self, FromServer, RosterChanged};

use super::message::DevicesChanged;
use super::people::{Online, Person};
use super::state::{Effect, SessionId, State};
use crate::error::Ending;
use crate::store::AccountId;

impl State {
    /// An account has other devices than before: those removed are gone at once, everybody who knows the account hears of it.
    pub fn devices_changed(&mut self, news: DevicesChanged) -> Vec<Effect> {
        let DevicesChanged { account, user, number, devices, device_list, audience } = news;
        let mut effects = Vec::new();
        let mut to: Vec<SessionId> = Vec::new();
        if let Some(person) = self.people.get_mut(&account) {
            if number < person.list_number {
                // Told out of turn; the newer list is told, or has been.
                return Vec::new();
            }
            person.list_number = number;
            person.device_list = Arc::clone(&device_list);
            // A device that is arriving may be one of those that are not listed any more.
            person.version += 1;
            let listed = |online: &&Online| devices.contains(&online.device);
            let (stay, go): (Vec<&Online>, Vec<&Online>) = person.devices.iter().partition(listed);
            for online in go {
                effects.push(Effect::End(online.session, Box::new(Ending::DeviceRemoved.signed_out())));
            }
            for online in stay {
                to.push(online.session);
                effects.push(Effect::Refresh(online.session, devices.clone(), Arc::clone(&device_list)));
            }
        }
        to.extend(audience.iter().filter_map(|other| self.people.get(other)).flat_map(Person::sessions));
        let frame = message::DevicesChanged { user, device_list: IdentityStatement::clone(&device_list) };
        effects.push(Effect::Tell(to, Box::new(FromServer::DevicesChanged(Box::new(frame)))));
        effects
    }

    /// A device has put a newer roster: the account's others hear of it.
    pub fn roster_put(&mut self, by: SessionId, account: AccountId, number: u64) -> Vec<Effect> {
        let Some(person) = self.people.get_mut(&account) else { return Vec::new() };
        // A device that is arriving must not be told the old number.
        person.version += 1;
        let others = person.sessions().filter(|session| *session != by).collect();
        vec![Effect::Tell(others, Box::new(FromServer::RosterChanged(RosterChanged { number })))]
    }
}
