//! What must hold: at every moment that nothing is lost, doubled, put out of order, told untruly or to the wrong person, and on a quiet
//! network that everybody has everything.

use std::collections::{BTreeMap, BTreeSet};

use hobnob_shared::id::{DeviceId, MessageId};

use super::cast::{self, ROOM};
use super::device::Device;
use super::disk::LogKey;
use super::world::World;
use crate::core::event::LinkPath;
use crate::core::replica::ThreadKey;

/// What of a device was looked at already: all of it only grows.
#[derive(Default)]
pub(super) struct Seen {
    shown: usize,
    newest: BTreeMap<(ThreadKey, DeviceId), u64>,
    ids: BTreeSet<(ThreadKey, MessageId)>,
    rows: BTreeMap<LogKey, usize>,
    promised: usize,
    told: usize,
}

/// Safety. Tells what is wrong.
pub(super) fn safe(world: &mut World) -> Result<(), String> {
    if let Some(wrong) = world.wrong.take() {
        return Err(wrong);
    }
    let mut seen = std::mem::take(&mut world.seen);
    let found = (0..seen.len()).try_for_each(|who| look_at(world, who, &mut seen[who]));
    world.seen = seen;
    found
}

fn said(world: &World, id: MessageId) -> Option<&(usize, ThreadKey, MessageId, String)> {
    usize::try_from(id.0.as_u128()).ok()?.checked_sub(1).and_then(|n| world.said.get(n))
}

fn look_at(world: &World, who: usize, seen: &mut Seen) -> Result<(), String> {
    let (device, name) = (&world.devices[who], who + 1);
    for (thread, author, number, id) in &device.shown[seen.shown..] {
        if !seen.ids.insert((thread.clone(), *id)) {
            return Err(format!("{name} was shown {id} twice"));
        }
        let before = seen.newest.insert((thread.clone(), *author), *number);
        if before.is_some_and(|before| before >= *number) {
            return Err(format!("{name} was shown {number} of {} after {before:?}", author.0[0]));
        }
        if said(world, *id).is_none_or(|(who, ..)| world.devices[*who].id != *author) {
            return Err(format!("{name} was shown {id}, which {} did not say", author.0[0]));
        }
    }
    seen.shown = device.shown.len();
    for (key, log) in &device.disk.synced.logs {
        let from = seen.rows.get(key).copied().unwrap_or(0);
        if from == log.rows.len() {
            continue;
        }
        for (n, row) in log.rows.iter().enumerate().skip(from) {
            if n > 0 && log.rows[n - 1].candidate.number >= row.candidate.number {
                let numbers: Vec<u64> = log.rows.iter().map(|row| row.candidate.number).collect();
                return Err(format!("{name} has the log of {} in {} as {numbers:?}", key.1.0[0], key.0));
            }
            if said(world, row.candidate.id).is_none_or(|(.., text)| *text != row.text) {
                return Err(format!("{name} has another text under {}", row.candidate.id));
            }
        }
        seen.rows.insert(key.clone(), log.rows.len());
    }
    for (thread, id) in &device.promised[seen.promised..] {
        if !device.disk.synced.has(&(thread.clone(), device.id), *id) {
            return Err(format!("{name} promised {id} in {thread}, and it is not on its disk"));
        }
    }
    seen.promised = device.promised.len();
    for (thread, by, author, id) in &device.told_delivered[seen.told..] {
        let key = match thread {
            ThreadKey::Direct(_) => ThreadKey::Direct(device.user.clone()),
            room @ ThreadKey::Room(_) => room.clone(),
        };
        let key = (key, *author);
        if !world.devices.iter().any(|other| other.user == *by && other.disk.synced.has(&key, *id)) {
            return Err(format!("{name} was told that {id} is on a disk of {by}, and it is on none"));
        }
    }
    seen.told = device.told_delivered.len();
    Ok(())
}

/// Liveness: a quiet network converges. Tells who lacks what.
pub(super) fn converged(world: &World, served: bool) -> Result<(), String> {
    if served {
        world.devices.iter().try_for_each(|device| is_online(world, device))?;
    }
    linked(world)?;
    let member = |device: &Device| world.server.store.is_member(&device.user);
    for (who, thread, id, _) in &world.said {
        let author = &world.devices[*who];
        if !author.disk.synced.has(&(thread.clone(), author.id), *id) {
            // Lost with a crash before it was promised: nobody may have it either, which their logs would show.
            continue;
        }
        // Who is out of the room keeps to themselves what they say there, until they come back.
        let room = matches!(thread, ThreadKey::Room(_));
        if room && !member(author) {
            continue;
        }
        let mut heard = false;
        for device in &world.devices {
            let key = match thread {
                room @ ThreadKey::Room(_) => member(device).then(|| room.clone()),
                ThreadKey::Direct(with) if device.user == *with => Some(ThreadKey::Direct(author.user.clone())),
                ThreadKey::Direct(with) if device.user == author.user => Some(ThreadKey::Direct(with.clone())),
                ThreadKey::Direct(_) => None,
            };
            let Some(key) = key else { continue };
            heard |= device.user != author.user;
            if !device.disk.synced.has(&(key, author.id), *id) {
                return Err(format!("{} lacks {id} of {} in {thread}", device.id.0[0], author.id.0[0]));
            }
        }
        let log = author.disk.written().logs.get(&(thread.clone(), author.id));
        let delivered = log.is_some_and(|log| log.rows.iter().any(|row| row.candidate.id == *id && row.delivered));
        if heard && !delivered {
            return Err(format!("{} was never told that {id} was delivered", author.id.0[0]));
        }
    }
    // Whoever is a member has every copy of the room alike.
    let copies: BTreeSet<Vec<(DeviceId, u64)>> = world
        .devices
        .iter()
        .filter(|device| member(device))
        .map(|device| {
            let heads = device.disk.synced.heads().filter(|(thread, _)| **thread == ThreadKey::Room(ROOM));
            heads.map(|(_, head)| (head.device, head.number)).collect()
        })
        .collect();
    if copies.len() > 1 {
        return Err(format!("the room's copies differ: {copies:?}"));
    }
    Ok(())
}

/// The device is signed in, and knows who is there and who is in the room.
fn is_online(world: &World, device: &Device) -> Result<(), String> {
    let name = device.id.0[0];
    if !device.core.is_here() || device.machine.connection().is_none() {
        return Err(format!("{name} is not online"));
    }
    for user in cast::people() {
        let knows = device.core.rooms.is_member(&ROOM, user);
        let is = world.server.store.is_member(user) && world.server.store.is_member(&device.user);
        if knows != is {
            return Err(format!("{name} believes that {user} is in the room: {knows}"));
        }
        let friend = device.core.roster.get(user).is_some();
        if friend && !device.core.roster.presence(user).0.is_online() {
            return Err(format!("{name} does not know that {user} is there"));
        }
    }
    Ok(())
}

/// Whoever may be linked and can be is, and nobody else.
fn linked(world: &World) -> Result<(), String> {
    for (a, device) in world.devices.iter().enumerate() {
        for (b, other) in world.devices.iter().enumerate() {
            if a == b {
                continue;
            }
            let (up, path) = (device.up(&other.id).is_some(), device.path(&other.id));
            if !world.may_link(a, b) {
                if up {
                    return Err(format!("{} and {} share nothing, and have a link", a + 1, b + 1));
                }
            } else if world.reach(a, b) && !up {
                return Err(format!("{} and {} have no link", a + 1, b + 1));
            } else if world.reach(a, b) && path != LinkPath::Direct {
                return Err(format!("{} and {} could be direct, and are {path:?}", a + 1, b + 1));
            }
        }
    }
    Ok(())
}
