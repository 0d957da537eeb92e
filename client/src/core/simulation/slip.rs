//! Defects of the shells, beside those of the pure halves: put in on purpose, to show that the simulation would find them.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slip {
    /// Acknowledges what is written and not synced.
    SkipSync,
    /// Never acknowledges.
    DropAcknowledgement,
    /// Forgets after a restart which numbers were used.
    ReuseNumber,
    /// Shows what arrived before it knows whether it is new.
    ShowBeforeJudging,
    /// Does not tell others what arrived.
    NoAdvert,
    /// Promises an own message before it is synced.
    PromiseEarly,
    /// Sends an own message before it is synced.
    SendBeforeSync,
    /// Says of every part of a log that nothing is missing before it.
    ClaimComplete,
    /// Acknowledges what came, whether or not it could be taken.
    AcknowledgeAhead,
    /// The listener lets in whoever shows a token, not only for whom it was made.
    AnyDevice,
    /// A token lets in again after it was used.
    TokenTwice,
    /// Goes on telling the room to somebody who left it.
    TellLeavers,
    /// Does not look for those it met when the server is gone.
    NoReunion,
    /// The server tells only the one who asked of an introduction.
    OneSided,
    /// The server introduces whoever asks to whomever they name.
    Strangers,
    /// The server acknowledges a change of the room before it is on its disk.
    EarlyDone,
    /// The server does not tell the others that somebody left the room.
    QuietLeave,
}

/// All of them.
pub(super) const ALL: [Slip; 17] = [
    Slip::SkipSync,
    Slip::DropAcknowledgement,
    Slip::ReuseNumber,
    Slip::ShowBeforeJudging,
    Slip::NoAdvert,
    Slip::PromiseEarly,
    Slip::SendBeforeSync,
    Slip::ClaimComplete,
    Slip::AcknowledgeAhead,
    Slip::AnyDevice,
    Slip::TokenTwice,
    Slip::TellLeavers,
    Slip::NoReunion,
    Slip::OneSided,
    Slip::Strangers,
    Slip::EarlyDone,
    Slip::QuietLeave,
];
