//! What must hold: at every moment that nothing is lost, doubled, put out of order or told untruly, and on a quiet network that everybody
//! has everything.

use std::collections::{BTreeMap, BTreeSet};

use hobnob_shared::id::{DeviceId, MessageId};

use super::device::{ROOM, owner};
use super::world::World;
use crate::core::event::LinkPath;
use crate::core::peer_link::state::State;
use crate::core::replica::ThreadKey;

/// Safety. Tells what is wrong.
pub(super) fn safe(world: &World) -> Result<(), String> {
    let said: BTreeMap<MessageId, (usize, &ThreadKey, &str)> =
        world.said.iter().map(|(who, thread, id, text)| (*id, (*who, thread, text.as_str()))).collect();
    for (n, device) in world.devices.iter().enumerate() {
        let name = n + 1;
        let mut newest: BTreeMap<(&ThreadKey, DeviceId), u64> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for (thread, author, number, id) in &device.shown {
            if !ids.insert((thread, id)) {
                return Err(format!("{name} was shown {id} twice"));
            }
            let before = newest.insert((thread, *author), *number);
            if before.is_some_and(|before| before >= *number) {
                return Err(format!("{name} was shown {number} of {} after {before:?}", author.0[0]));
            }
            if said.get(id).is_none_or(|(who, _, _)| world.devices[*who].id != *author) {
                return Err(format!("{name} was shown {id}, which {} did not say", author.0[0]));
            }
        }
        for ((thread, author), log) in &device.disk.synced.0 {
            let numbers: Vec<u64> = log.rows.iter().map(|row| row.candidate.number).collect();
            if numbers.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(format!("{name} has the log of {} in {thread} as {numbers:?}", author.0[0]));
            }
            for row in &log.rows {
                if said.get(&row.candidate.id).is_none_or(|(_, _, text)| *text != row.text) {
                    return Err(format!("{name} has another text under {}", row.candidate.id));
                }
            }
        }
        for (thread, id) in &device.promised {
            if !device.disk.synced.has(thread, device.id, *id) {
                return Err(format!("{name} promised {id} in {thread}, and it is not on its disk"));
            }
        }
        for (thread, by, author, id) in &device.told_delivered {
            let theirs = world.devices.iter().filter(|other| other.user == *by);
            let there = theirs.clone().any(|other| {
                let key = match thread {
                    ThreadKey::Direct(_) => ThreadKey::Direct(device.user.clone()),
                    room @ ThreadKey::Room(_) => room.clone(),
                };
                other.disk.synced.has(&key, *author, *id)
            });
            if !there {
                return Err(format!("{name} was told that {id} is on a disk of {by}, and it is on none"));
            }
        }
    }
    Ok(())
}

/// Liveness: a quiet network converges. Tells who lacks what.
pub(super) fn converged(world: &World) -> Result<(), String> {
    for (who, thread, id, _) in &world.said {
        let author = &world.devices[*who];
        if !author.promised.contains(&(thread.clone(), *id)) {
            // Lost with a crash before it was promised: nobody may have it either, which the next line would show.
            continue;
        }
        for device in &world.devices {
            let key = match thread {
                room @ ThreadKey::Room(_) => Some(room.clone()),
                ThreadKey::Direct(with) if device.user == *with => Some(ThreadKey::Direct(author.user.clone())),
                ThreadKey::Direct(with) if device.user == author.user => Some(ThreadKey::Direct(with.clone())),
                ThreadKey::Direct(_) => None,
            };
            if key.is_some_and(|key| !device.disk.synced.has(&key, author.id, *id)) {
                return Err(format!("{} lacks {id} of {} in {thread}", device.id.0[0], author.id.0[0]));
            }
        }
        let log = author.disk.written.0.get(&(thread.clone(), author.id));
        let delivered = log.is_some_and(|log| log.rows.iter().any(|row| row.candidate.id == *id && row.delivered));
        if !delivered {
            return Err(format!("{} was never told that {id} was delivered", author.id.0[0]));
        }
    }
    for device in &world.devices {
        for other in &world.devices {
            let reach = world.reach(usize::from(device.id.0[0]) - 1, usize::from(other.id.0[0]) - 1);
            if device.id < other.id && reach && !device.up.contains_key(&other.id) {
                return Err(format!("{} and {} have no link", device.id.0[0], other.id.0[0]));
            }
            let path = device.links.get(&other.id).map_or(LinkPath::None, State::path);
            if device.id != other.id && reach && path != LinkPath::Direct {
                return Err(format!("{} and {} could be direct, and are {path:?}", device.id.0[0], other.id.0[0]));
            }
        }
    }
    // Whoever was a member has every copy of the room alike.
    let copies: BTreeSet<Vec<(DeviceId, u64)>> = world
        .devices
        .iter()
        .map(|device| {
            let heads = device.disk.synced.heads().filter(|(thread, _)| **thread == ThreadKey::Room(ROOM));
            heads.map(|(_, head)| (head.device, head.number)).collect()
        })
        .collect();
    if copies.len() > 1 {
        return Err(format!("the room's copies differ: {copies:?}"));
    }
    debug_assert!(world.devices.iter().all(|device| owner(&world.device(device.id).id) == device.user));
    Ok(())
}
