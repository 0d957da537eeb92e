//! The table of peer links: which devices are linked, by which path, and what that makes the best path to a person. Pure; the registry
//! owns one, with the actors' addresses as `A`.

use std::collections::HashMap;
use std::net::SocketAddr;

use hobnob_shared::id::{DeviceId, Handle};

use super::event::{Event, LinkPath};

/// A link that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Up {
    /// How.
    pub path: LinkPath,
    /// The other end, if known.
    pub address: Option<SocketAddr>,
    /// We dialled; then we dial the data streams too.
    pub dialled: bool,
}

struct Entry<A> {
    user: Handle,
    link: A,
    up: Option<Up>,
}

/// All links, standing or only tried.
pub struct Links<A> {
    devices: HashMap<DeviceId, Entry<A>>,
    /// What was told of each person last.
    told: HashMap<Handle, (LinkPath, String)>,
}

impl<A> Default for Links<A> {
    fn default() -> Self {
        Self { devices: HashMap::new(), told: HashMap::new() }
    }
}

impl<A: Clone> Links<A> {
    /// The actor for a device, standing or not.
    pub fn get(&self, device: &DeviceId) -> Option<&A> {
        self.devices.get(device).map(|entry| &entry.link)
    }

    /// Whose device it is.
    pub fn user(&self, device: &DeviceId) -> Option<&Handle> {
        self.devices.get(device).map(|entry| &entry.user)
    }

    /// A new actor for a device of `user`.
    pub fn insert(&mut self, device: DeviceId, user: Handle, link: A) {
        self.devices.insert(device, Entry { user, link, up: None });
    }

    /// The link to a device stands now, or its path changed. False if the device is not in the table.
    pub fn set_up(&mut self, device: &DeviceId, up: Up) -> bool {
        self.devices.get_mut(device).map(|entry| entry.up = Some(up)).is_some()
    }

    /// The link to a device is down.
    pub fn set_down(&mut self, device: &DeviceId) {
        if let Some(entry) = self.devices.get_mut(device) {
            entry.up = None;
        }
    }

    /// Takes one actor out.
    pub fn remove(&mut self, device: &DeviceId) -> Option<A> {
        self.devices.remove(device).map(|entry| entry.link)
    }

    /// Takes all actors of `user` out.
    pub fn remove_user(&mut self, user: &Handle) -> Vec<A> {
        let gone: Vec<DeviceId> =
            self.devices.iter().filter(|(_, entry)| entry.user == *user).map(|(device, _)| *device).collect();
        gone.iter().filter_map(|device| self.devices.remove(device)).map(|entry| entry.link).collect()
    }

    /// Takes all actors out.
    pub fn remove_all(&mut self) -> Vec<A> {
        std::mem::take(&mut self.devices).into_values().map(|entry| entry.link).collect()
    }

    /// All actors.
    pub fn all(&self) -> Vec<A> {
        self.devices.values().map(|entry| entry.link.clone()).collect()
    }

    /// The actors of `user` whose link stands.
    pub fn up_to(&self, user: &Handle) -> Vec<A> {
        self.devices
            .values()
            .filter(|entry| entry.user == *user && entry.up.is_some())
            .map(|entry| entry.link.clone())
            .collect()
    }

    /// The devices of `user` to which a link stands.
    pub fn devices_up(&self, user: &Handle) -> Vec<(DeviceId, A, Up)> {
        let theirs = self.devices.iter().filter(|(_, entry)| entry.user == *user);
        theirs.filter_map(|(device, entry)| Some((*device, entry.link.clone(), entry.up.clone()?))).collect()
    }

    /// All devices to which a link stands, and whose they are.
    pub fn all_up(&self) -> Vec<(DeviceId, Handle)> {
        let up = self.devices.iter().filter(|(_, entry)| entry.up.is_some());
        up.map(|(device, entry)| (*device, entry.user.clone())).collect()
    }

    /// All devices of `user`, linked or only tried.
    pub fn devices(&self, user: &Handle) -> Vec<(DeviceId, A)> {
        let theirs = self.devices.iter().filter(|(_, entry)| entry.user == *user);
        theirs.map(|(device, entry)| (*device, entry.link.clone())).collect()
    }

    /// The best standing link to `user`: direct before relayed, then by device, so that both sides of a choice agree.
    pub fn best(&self, user: &Handle) -> Option<(DeviceId, &A, &Up)> {
        self.devices
            .iter()
            .filter(|(_, entry)| entry.user == *user)
            .filter_map(|(device, entry)| entry.up.as_ref().map(|up| (*device, &entry.link, up)))
            .max_by_key(|(device, _, up)| (up.path, *device))
    }

    /// The standing link to one device.
    pub fn standing(&self, device: &DeviceId) -> Option<(&A, &Up)> {
        self.devices.get(device).and_then(|entry| entry.up.as_ref().map(|up| (&entry.link, up)))
    }

    /// How many there are, standing or only tried.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// How many links stand.
    pub fn count_up(&self) -> usize {
        self.devices.values().filter(|entry| entry.up.is_some()).count()
    }

    /// The best path to `user`.
    pub fn path(&self, user: &Handle) -> LinkPath {
        self.best(user).map_or(LinkPath::None, |(_, _, up)| up.path)
    }

    /// An event if the best path to `user` is another one than was told last.
    pub fn tell(&mut self, user: &Handle) -> Option<Event> {
        let (path, address) = match self.best(user) {
            Some((_, _, up)) => (up.path, up.address.map(|address| address.to_string()).unwrap_or_default()),
            None => (LinkPath::None, String::new()),
        };
        let told = self.told.get(user).cloned().unwrap_or_default();
        if told == (path, address.clone()) {
            return None;
        }
        if path == LinkPath::None {
            self.told.remove(user);
        } else {
            self.told.insert(user.clone(), (path, address.clone()));
        }
        Some(Event::Link { user: user.clone(), path, address })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn up(path: LinkPath) -> Up {
        Up { path, address: Some("127.0.0.1:9".parse().unwrap()), dialled: true }
    }

    #[test]
    fn only_changes_of_the_best_path_are_told() {
        let bob: Handle = "bob".parse().unwrap();
        let (one, two) = (DeviceId([1; 32]), DeviceId([2; 32]));
        let mut links = Links::default();
        links.insert(one, bob.clone(), 1);
        links.insert(two, bob.clone(), 2);
        assert_eq!(links.tell(&bob), None);

        links.set_up(&one, up(LinkPath::Relayed));
        assert!(matches!(links.tell(&bob), Some(Event::Link { path: LinkPath::Relayed, .. })));
        links.set_up(&two, up(LinkPath::Direct));
        assert!(matches!(links.tell(&bob), Some(Event::Link { path: LinkPath::Direct, .. })));
        links.set_down(&one);
        assert_eq!(links.tell(&bob), None);
        assert_eq!(links.best(&bob).map(|(device, ..)| device), Some(two));
        links.set_down(&two);
        assert!(matches!(links.tell(&bob), Some(Event::Link { path: LinkPath::None, .. })));
        assert_eq!(links.tell(&bob), None);
    }

    #[test]
    fn a_removed_person_has_no_links() {
        let bob: Handle = "bob".parse().unwrap();
        let mut links = Links::default();
        links.insert(DeviceId([1; 32]), bob.clone(), 1);
        assert!(links.set_up(&DeviceId([1; 32]), up(LinkPath::Direct)));
        links.tell(&bob);
        assert_eq!(links.remove_user(&bob), [1]);
        assert!(matches!(links.tell(&bob), Some(Event::Link { path: LinkPath::None, .. })));
        assert!(!links.set_up(&DeviceId([1; 32]), up(LinkPath::Direct)));
    }
}
