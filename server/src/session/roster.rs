//! The sealed roster of a device that is signed in: parts are gathered until all are there, and sent one after the other. Pure; called by
//! `member.rs`.

use hobnob_shared::limits::{ROSTER_PART, ROSTER_PARTS};
use hobnob_shared::message::{FromServer, PutRoster, Roster, Seq};
use serde_bytes::ByteBuf;

use super::job::Job;
use super::member::{Asking, Member, done};
use super::note::Note;
use super::state::{Effect, refuse};
use crate::error::Refusal;
use crate::store::RosterRow;

/// A roster of which some parts are here. A session has one at most, thus holds no more than a whole roster.
pub(super) struct Upload {
    roster: RosterRow,
    parts: u8,
}

impl Member {
    pub(super) fn put_roster(&mut self, put: PutRoster) -> Vec<Effect> {
        let seq = put.seq;
        match self.gather(put) {
            Err(refusal) => refuse(refusal, Some(seq)),
            Ok(None) => vec![done(seq)],
            Ok(Some(roster)) => {
                let number = roster.number;
                self.ask(seq, Asking::PutRoster(number), Job::PutRoster(self.account, roster))
            }
        }
    }

    /// Takes a part; the roster, once it is whole. Whatever does not fit ends what was begun.
    fn gather(&mut self, put: PutRoster) -> Result<Option<RosterRow>, Refusal> {
        let begun = self.upload.take();
        if !(1..=ROSTER_PARTS).contains(&put.parts) || put.part >= put.parts || put.number == 0 {
            return Err(Refusal::Forbidden("a roster has a number from 1, and 1 to 16 parts"));
        }
        if put.sealed.len() > ROSTER_PART {
            return Err(Refusal::Forbidden("a part of a roster is at most 48 KiB long"));
        }
        let mut upload = match (put.part, begun) {
            (0, _) => Upload { roster: RosterRow { number: put.number, parts: Vec::new() }, parts: put.parts },
            (part, Some(begun))
                if begun.roster.number == put.number
                    && begun.parts == put.parts
                    && begun.roster.parts.len() == usize::from(part) =>
            {
                begun
            }
            _ => return Err(Refusal::Forbidden("the parts of a roster come in order")),
        };
        upload.roster.parts.push(put.sealed.into_vec());
        if put.part + 1 == put.parts {
            return Ok(Some(upload.roster));
        }
        self.upload = Some(upload);
        Ok(None)
    }

    pub(super) fn roster_put(&self, seq: Seq, number: u64, stored: bool) -> Vec<Effect> {
        if !stored {
            return refuse(Refusal::RosterChanged, Some(seq));
        }
        vec![Effect::Tell(Note::RosterPut { account: self.account, number }), done(seq)]
    }
}

/// The roster as frames; an empty one where there is none.
pub(super) fn pages(seq: Seq, roster: RosterRow) -> Vec<Effect> {
    let page = |part: u8, parts: u8, sealed: Vec<u8>| {
        FromServer::Roster(Roster { seq, number: roster.number, part, parts, sealed: ByteBuf::from(sealed) })
    };
    let Some(parts) = u8::try_from(roster.parts.len()).ok().filter(|parts| *parts > 0) else {
        return vec![Effect::send(page(0, 0, Vec::new()))];
    };
    let frames = (0..parts).zip(roster.parts).map(|(part, sealed)| page(part, parts, sealed)).collect();
    vec![Effect::SendInTurn(frames)]
}
