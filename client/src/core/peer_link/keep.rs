//! What re-dialling decides, carried out: the pair on the disk, and its tokens in the listener's table.

use actix::Addr;

use super::actor::PeerLink;
use super::context::LinkContext;
use super::message::PairLoaded;
use super::redial::Deed;
use super::tokens::{Expected, Purpose};
use crate::core::history::pairs;

/// Reads what the profile keeps of the pair; it comes back as a message.
pub(super) fn load(context: &LinkContext, link: Addr<PeerLink>) {
    let (history, device) = (context.history.clone(), context.device);
    actix_rt::spawn(async move {
        match history.read(move |c| pairs::load(c, &device)).await {
            Ok(Some(pair)) => link.do_send(PairLoaded(pair)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "cannot read what is kept for re-dialling"),
        }
    });
}

/// Does what was decided.
pub(super) fn carry_out(context: &LinkContext, deeds: Vec<Deed>) {
    let LinkContext { history, tokens, user, account, device, .. } = context;
    let device = *device;
    for deed in deeds {
        match deed {
            Deed::Keep(pair) => history.write_soon(move |c| pairs::upsert(c, &pair)),
            Deed::KeepNow(pair) => {
                let history = history.clone();
                actix_rt::spawn(async move {
                    if let Err(error) = history.write(move |c| pairs::upsert(c, &pair)).await {
                        tracing::warn!(%error, "cannot keep what re-dialling needs");
                    }
                });
            }
            Deed::Erase => {
                tokens.forget_device(&device);
                history.write_soon(move |c| pairs::remove(c, &device));
            }
            Deed::Spent(counter) => tokens.forget_reunions(&device, counter),
            Deed::Admit(window) => {
                for (counter, token) in window {
                    let purpose = Purpose::Reunion(counter);
                    tokens.admit(token, Expected { user: user.clone(), account: *account, device, purpose }, None);
                }
            }
        }
    }
}
