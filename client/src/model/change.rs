//! What has to be drawn again after an event. The window looks the new truth up in the model; a change only says where to look. Positions
//! count in the state right after the event, so changes are carried out event by event, in order.

use hobnob_shared::id::{ConversationId, Handle, RoomId, TransferId};

use crate::core::event::{Answer, MessageInfo};
use crate::model::question::{Question, QuestionId};

/// One thing to draw again.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Another page of the window, or what the sign-in page says.
    Page,
    /// Own name, presence or status text.
    Own,
    /// The link to the server.
    Server,
    /// The friend list: members, order or what a line shows.
    Roster,
    /// A person's presence, path, verification or alarm, for the header of their conversation.
    Person(Handle),
    /// What people are called: wherever their names stand.
    Names,
    /// A person's picture.
    Avatar(Handle),
    /// Friend requests that wait for an answer.
    Requests,
    /// The list of rooms: which, or what a line shows.
    Rooms,
    /// A room's members, links, owner or membership, for the header and the tab of its conversation.
    Room(RoomId),
    /// What this account tells of itself: whether read receipts are given and shown, and when one was last seen; or where received files go.
    Receipts,
    /// The account's devices.
    Devices,
    /// Transfers, for the panel over all of them.
    Transfers,
    /// Lines of a timeline were replaced.
    Spliced {
        /// Which timeline.
        conversation: ConversationId,
        /// First line concerned.
        at: usize,
        /// Lines that went.
        removed: usize,
        /// Lines that came in their place.
        added: usize,
    },
    /// One line shows something else.
    Line {
        /// Which timeline.
        conversation: ConversationId,
        /// Which line.
        at: usize,
    },
    /// How many messages were not seen.
    Unread(ConversationId),
    /// How many messages were not seen can only be told by the core: ask it.
    Recount,
    /// Somebody's message was stored just now: notify, announce.
    Arrived {
        /// What.
        info: MessageInfo,
        /// Nothing came to that conversation since.
        newest: bool,
    },
    /// Somebody offers a file just now: notify, announce.
    Offered(TransferId),
    /// Somebody writes, or stopped.
    Typing(ConversationId),
    /// A command was carried out; its effect on the model is in the other changes.
    Done {
        /// Which.
        id: QuestionId,
        /// What it was about.
        question: Question,
        /// What it is answered with.
        answer: Answer,
    },
    /// A command was not carried out.
    Failed {
        /// Which.
        id: QuestionId,
        /// What it was about.
        question: Question,
        /// Stable code.
        code: String,
        /// A sentence for people.
        text: String,
    },
    /// A sentence that belongs to no page.
    Notice(String),
}
