//! The made-up rooms of the gallery: who is in them, who wrote what, and who got it.

use hobnob_client::core::event::{
    ConversationInfo, Event, LinkPath, Member, MessageInfo, MessageState, Notify, RoomInfo,
};
use hobnob_shared::id::{ConversationId, DeviceId, MessageId, RoomId};
use hobnob_shared::message::Presence;

use crate::acts;
use crate::play::{Play, handle};
use crate::scenes::Content;

fn room(text: &str) -> RoomId {
    text.parse().unwrap_or_else(|_| panic!("{text} is no room"))
}

fn member(user: &str, presence: Presence) -> Member {
    Member { user: handle(user), presence }
}

fn tea() -> RoomInfo {
    RoomInfo {
        room: room("#tea"),
        owner: handle("alice"),
        locked: true,
        members: vec![
            member("alice", Presence::Available),
            member("bob", Presence::Available),
            member("carol", Presence::Away),
            member("erik-the-unreasonably-long-name", Presence::Busy),
            member("minh.tran", Presence::Available),
            member("frieda", Presence::Offline),
        ],
        notify: Notify::All,
    }
}

/// The rooms of the account.
pub fn list(content: Content) -> Vec<RoomInfo> {
    let other = |name: &str, owner: &str, members: &[(&str, Presence)]| RoomInfo {
        room: room(name),
        owner: handle(owner),
        locked: false,
        members: members.iter().map(|(user, presence)| member(user, *presence)).collect(),
        notify: if name == "#networks-cc02" { Notify::None } else { Notify::All },
    };
    match content {
        Content::Rooms | Content::Acts | Content::Left | Content::Removed => vec![
            tea(),
            other("#networks-cc02", "huy", &[("alice", Presence::Available), ("huy", Presence::Available)]),
            other(
                "#the-room-with-a-name-as-long-as.",
                "carol",
                &[("alice", Presence::Available), ("carol", Presence::Away)],
            ),
            other("#quiet", "gil", &[("alice", Presence::Available), ("gil", Presence::Offline)]),
        ],
        Content::Crowd => {
            let of = |n: usize| {
                other(&format!("#room-{n:02}"), "huy", &[("alice", Presence::Available), ("huy", Presence::Available)])
            };
            (0..100).map(of).collect()
        }
        Content::RoomsOnly | Content::Burst(_) => vec![tea()],
        Content::Hall => {
            let presences = [Presence::Available, Presence::Away, Presence::Offline, Presence::Busy];
            let mut hall = tea();
            hall.owner = handle("bob");
            hall.members
                .extend((0..200_usize).map(|n| member(&format!("student-{n:03}"), presences[n % presences.len()])));
            vec![hall]
        }
        _ => vec![],
    }
}

/// What is unread in them.
pub fn conversations(play: &Play) -> Vec<ConversationInfo> {
    if play.content != Content::Rooms {
        return vec![];
    }
    let huy = say(play, &room("#networks-cc02"), "huy", 3, "the assignment is due\nand more", MessageState::Delivered);
    let conversation = huy.conversation.clone();
    vec![ConversationInfo { conversation, unread: 12, mentions: 2, newest: Some(huy), notify: Notify::None }]
}

/// A message in a room, so many minutes ago.
pub fn say(play: &Play, room: &RoomId, from: &str, ago: u64, text: &str, state: MessageState) -> MessageInfo {
    MessageInfo {
        conversation: ConversationId::Room(room.clone()),
        message: MessageId::new(),
        from: handle(from),
        text: text.to_owned(),
        sent_at: play.now - ago * 60_000,
        reply_to: None,
        state,
        clock: play.now - ago * 60_000,
        device: DeviceId([0; 32]),
        number: 1_000 - ago,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    }
}

/// What was said in a room.
pub fn messages(play: &Play, which: &RoomId) -> Vec<MessageInfo> {
    let (seen, got) = (MessageState::Read, MessageState::Delivered);
    let say = |from: &str, ago, text: &str, state| say(play, which, from, ago, text, state);
    match (play.content, which.as_str()) {
        (Content::Acts, _) => acts::messages(play, &ConversationId::Room(which.clone())),
        (Content::Burst(_), _) => {
            let authors = ["bob", "carol", "alice"].into_iter().cycle();
            (0..30).zip(authors).map(|(n, from)| say(from, 60 - n, &format!("Before {n}."), seen)).collect()
        }
        (_, "tea") => vec![
            say("carol", 64, "Is anybody bringing biscuits tonight?", seen),
            say("carol", 63, "Last time we ran out after ten minutes.", seen),
            say("bob", 60, "I have two packs of <b>ginger</b> ones & a cake.", seen),
            say("alice", 58, "Then I bring the tea. Green or black?", seen),
            say("minh.tran", 50, "Green, please! I can bring cups, too.", seen),
            say(
                "erik-the-unreasonably-long-name",
                12,
                "I will be late, keep a piece for me, @alice. @bob knows.",
                seen,
            ),
            say("alice", 5, "We always do.", seen),
            say("alice", 2, "See you at seven.", got),
        ],
        (_, "quiet") => vec![],
        _ => vec![say("huy", 3, "the assignment is due", got)],
    }
}

/// What happens once the rooms are listed: links, who got the last messages, and perhaps the end of a membership.
pub fn events(play: &Play) -> Vec<Event> {
    let link = |user: &str, path, address: &str| Event::Link { user: handle(user), path, address: address.into() };
    let left = |reason: &str| Event::RoomLeft { room: room("#tea"), reason: reason.into() };
    match play.content {
        Content::Rooms => vec![
            link("bob", LinkPath::Direct, "192.168.1.9:7000"),
            link("carol", LinkPath::Relayed, "192.0.2.7:7666"),
            link("minh.tran", LinkPath::Direct, "203.0.113.9:7000"),
            link("erik-the-unreasonably-long-name", LinkPath::Direct, "192.168.1.8:7000"),
            Event::Typing { conversation: ConversationId::Room(room("#tea")), from: handle("bob"), active: true },
        ],
        Content::Left => vec![left("left")],
        Content::Removed => vec![left("removed")],
        _ => vec![],
    }
}

/// Who got the last two messages of mine, once they are there.
pub fn states(page: &[MessageInfo]) -> Vec<Event> {
    let state = |message, state, by: &str| Event::MessageState { message, state, by: Some(handle(by)) };
    let mine: Vec<MessageId> =
        page.iter().filter(|info| info.from.as_str() == "alice").map(|info| info.message).collect();
    let Some([before, last]) = mine.last_chunk::<2>() else { return vec![] };
    vec![
        state(*before, MessageState::Read, "bob"),
        state(*before, MessageState::Read, "minh.tran"),
        state(*before, MessageState::Delivered, "carol"),
        state(*last, MessageState::Delivered, "bob"),
    ]
}
