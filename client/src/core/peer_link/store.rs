//! What arrives on a link, onto the disk: a whole batch in one commit, shown in order, and only then acknowledged.

use actix::Addr;
use hobnob_shared::id::{ConversationId, DeviceId, Handle};
use hobnob_shared::message::PeerMessage;

use super::message::Stored;
use crate::core::history::History;
use crate::core::history::messages::{self, Stored as Outcome};
use crate::core::registry::{MessageArrived, Registry};

/// Stores `batch`, in its order. If the disk fails, nothing is acknowledged and the other side will send again on the next link.
pub(super) async fn store(
    history: &History,
    registry: &Addr<Registry>,
    user: &Handle,
    device: DeviceId,
    batch: Vec<PeerMessage>,
) -> Stored {
    let ids: Vec<_> = batch.iter().map(|message| message.id).collect();
    let (conversation, from) = (ConversationId::Direct(user.clone()), user.clone());
    let written = history
        .write(move |c| {
            batch
                .iter()
                .map(|message| messages::insert_incoming(c, &conversation, &from, device, message))
                .collect::<Result<Vec<_>, _>>()
        })
        .await;
    let outcomes = match written {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::error!(%error, "cannot store messages");
            return Stored { kept: Vec::new(), refused: ids.len() };
        }
    };
    let mut stored = Stored { kept: Vec::with_capacity(ids.len()), refused: 0 };
    for (id, outcome) in ids.into_iter().zip(outcomes) {
        match outcome {
            Outcome::New(info) => {
                // A closed registry means that the program ends; the message is in the history.
                let _ended = registry.send(MessageArrived { info }).await;
                stored.kept.push(id);
            }
            Outcome::Duplicate => stored.kept.push(id),
            Outcome::Conflict => {
                tracing::warn!(%user, message = %id, "another message under a known id");
                stored.refused += 1;
            }
        }
    }
    stored
}
