//! Copies of logs: every device writes a log of its own in every conversation, and whoever takes part keeps a copy of each. The decisions
//! about them, all pure: what is sent, what is asked for, what is believed. `PeerLink` and `Registry` carry them out, `history` keeps the
//! logs, and the simulation runs these files by the hundred thousand.
//!
//! - [`push`]: a window over the own log, for one link.
//! - [`pull`]: what others have that is missing here, and whom to ask for it.
//! - [`exchange`]: who tells whom what, on all links together.
//! - [`accept`]: which entries of a log that arrives are taken.

pub mod accept;
pub mod exchange;
#[cfg(test)]
mod exchange_tests;
pub mod pull;
pub mod push;

use std::fmt;
use std::str::FromStr;

use hobnob_shared::id::{ConversationId, Handle, IdError, Incarnation};
use hobnob_shared::message::Thread;

/// What logs belong to, as this device names it. A room that was made anew is another thread of the same conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ThreadKey {
    /// With one friend.
    Direct(Handle),
    /// One life of a room.
    Room(Incarnation),
}

impl ThreadKey {
    /// As it is named on a link between `own` account and `other`; `None` if the two do not share it.
    pub fn on_link(&self, own: &Handle, other: &Handle) -> Option<Thread> {
        match self {
            Self::Room(incarnation) => Some(Thread::Room(*incarnation)),
            Self::Direct(with) if own == other => Some(Thread::With(with.clone())),
            Self::Direct(with) => (with == other).then_some(Thread::Direct),
        }
    }

    /// What `thread` means on a link between `own` account and `other`; `None` if it means nothing there.
    pub fn from_link(thread: &Thread, own: &Handle, other: &Handle) -> Option<Self> {
        match thread {
            Thread::Room(incarnation) => Some(Self::Room(*incarnation)),
            Thread::With(with) => (own == other && with != own).then(|| Self::Direct(with.clone())),
            Thread::Direct => (own != other).then(|| Self::Direct(other.clone())),
        }
    }

    /// The conversation of a direct thread.
    pub fn direct(&self) -> Option<ConversationId> {
        match self {
            Self::Direct(with) => Some(ConversationId::Direct(with.clone())),
            Self::Room(_) => None,
        }
    }
}

impl fmt::Display for ThreadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(with) => write!(f, "@{with}"),
            Self::Room(incarnation) => incarnation.fmt(f),
        }
    }
}

impl FromStr for ThreadKey {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.strip_prefix('@') {
            Some(with) => with.parse().map(Self::Direct),
            None => text.parse().map(Self::Room),
        }
    }
}

/// `defective!(Name)`: whether the simulation wants the code to be wrong here; false in every program.
macro_rules! defective {
    ($name:ident) => {{
        #[cfg(test)]
        let wrong = $crate::core::replica::defect::is($crate::core::replica::defect::Defect::$name);
        #[cfg(not(test))]
        let wrong = false;
        wrong
    }};
}
pub(crate) use defective;

/// Defects that the simulation puts in on purpose, to show that it would find them. Never in a program that people run.
#[cfg(test)]
pub(crate) mod defect {
    use std::cell::Cell;

    /// One fault in the code.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Defect {
        /// Entries behind a gap are taken.
        ForgetGap,
        /// Entries that are known are taken again.
        TakeKnown,
        /// An acknowledgement does not make room.
        NoRoom,
        /// A log is asked for once, and never again.
        AskOnce,
        /// What one link lacks is not asked of another.
        OneSource,
        /// An answer without anything new is believed to be the last word.
        GiveUp,
        /// Both sides select in a glare.
        BothSelect,
        /// A relayed connection replaces a direct one.
        WorseWins,
        /// In a glare, what the other side selects is not followed.
        IgnoreSelect,
        /// The client believes to be online after its session broke.
        StayOnline,
        /// Somebody is asked for once, and never again.
        AskNever,
        /// What was kept for re-dialling is forgotten with a restart.
        ForgetReunion,
    }

    thread_local! {
        static ACTIVE: Cell<Option<Defect>> = const { Cell::new(None) };
    }

    /// Puts a defect in, or takes it out, for this thread.
    pub fn set(defect: Option<Defect>) {
        ACTIVE.set(defect);
    }

    /// Whether the code is to be wrong here.
    pub fn is(defect: Defect) -> bool {
        ACTIVE.get() == Some(defect)
    }
}
