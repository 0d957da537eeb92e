//! The end of all faults: with the server, and then without it.

use std::time::Duration;

use rand::Rng;

use super::checks::converged;
use super::world::World;
use crate::core::event::LinkPath;

/// Rounds in which a quiet network must have settled.
const ROUNDS: usize = 110;
/// The first ones are so short that no time-out helps.
const SHORT: usize = 30;

impl World {
    /// No more faults: everybody finds the server if it is `served`, and each other, and everything arrives. What is lacking at the end, if
    /// anything is.
    pub(super) fn settle(&mut self, served: bool) -> Result<(), String> {
        self.note(|| format!("a quiet network, {} the server", if served { "with" } else { "without" }));
        self.quiet = true;
        if served && !self.server.up {
            self.start_server();
        } else if !served {
            self.crash_server();
        }
        let mut last = Ok(());
        for round in 0..ROUNDS {
            self.calm();
            self.compact();
            let busy = self.busy();
            if round > 6 && busy.is_empty() {
                last = converged(self, served);
                if last.is_ok() {
                    return last;
                }
            } else if round > 6 {
                last = Err(format!("it does not come to rest: {busy:?}"));
            }
            if served {
                self.late_connections(round);
            }
            let time = if round < SHORT { 500 } else { 3_000 };
            self.tick(Duration::from_millis(time));
        }
        last
    }

    /// Everything that is under way arrives.
    pub(super) fn calm(&mut self) {
        for _ in 0..40 {
            let mut busy = self.busy();
            if busy.is_empty() {
                break;
            }
            // From the last: what is taken out of a list does not move those before it.
            busy.reverse();
            for lane in busy {
                self.deliver(lane);
            }
            for who in 0..self.devices.len() {
                self.sync(who);
            }
        }
        for who in 0..self.devices.len() {
            self.sync(who);
        }
    }

    /// Second connections come up when all is well, and change nothing.
    fn late_connections(&mut self, round: usize) {
        let path = match round {
            3 => LinkPath::Direct,
            5 => LinkPath::Relayed,
            6 => return self.nothing_worse(),
            _ => return,
        };
        self.direct.clear();
        for a in 0..self.devices.len() {
            for b in a + 1..self.devices.len() {
                let other = self.devices[b].id;
                // A relayed link finds its direct path by itself, or does not.
                if self.both_up(a, b) && self.devices[a].path(&other) == LinkPath::Direct {
                    self.connect(a, b, path);
                    self.direct.push((a, b));
                }
            }
        }
    }

    /// No late relay has taken the place of a direct path.
    fn nothing_worse(&mut self) {
        for (a, b) in std::mem::take(&mut self.direct) {
            let other = self.devices[b].id;
            if self.devices[a].path(&other) == LinkPath::Relayed {
                self.wrong.get_or_insert(format!("{} and {} were direct, and are relayed now", a + 1, b + 1));
            }
        }
    }

    /// The server is gone, some restart, and people go on talking.
    pub(super) fn go_on_alone(&mut self) {
        self.crash_server();
        for who in 0..self.devices.len() {
            self.say(who);
        }
        self.calm();
        let all = self.wires.len();
        (0..all).for_each(|wire| self.cut(wire, None));
        for who in 0..self.devices.len() {
            if self.random.gen_bool(0.3) {
                self.crash(who);
            }
        }
    }
}
