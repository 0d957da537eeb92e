//! What tests of rooms and of several devices do again and again: join, be told of members, say something to all, compare histories.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, SOON};
use crate::story::text_of;

/// The room of our stories.
pub const TEA: &str = "#tea";
/// Between two looks at histories that are on their way to be equal.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Joins.
pub fn join(client: &mut Client, room: &str) {
    client.done(json!({"command": "join_room", "room": room}));
}

/// All join, one after the other, and are linked with each other.
pub fn gather(members: &mut [&mut Client], room: &str) {
    for member in members.iter_mut() {
        join(member, room);
    }
    all_linked(members);
}

/// Everybody hears of a direct link to everybody else.
pub fn all_linked(members: &mut [&mut Client]) {
    let names: Vec<String> = members.iter().map(|member| member.name()).collect();
    for member in members.iter_mut() {
        let own = member.name();
        for other in names.iter().filter(|other| **other != own) {
            member.expect_within(SOON * 3, json!({"event": "link", "user": other, "path": "direct"}));
        }
    }
}

/// Reads `room` events up to one that tells exactly these members. Those before it are used up, so that the next call means what came later.
pub fn told(client: &mut Client, room: &str, members: &[(&str, &str)]) -> Value {
    let wanted: BTreeMap<&str, &str> = members.iter().copied().collect();
    let what = format!("{room} with {members:?}");
    let deadline = Instant::now() + SOON * 3;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = client.wait(&what, left, |event| event["event"] == "room" && event["room"] == *room);
        let told = event["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        let told: BTreeMap<&str, &str> = told
            .iter()
            .map(|member| (member["user"].as_str().unwrap_or("?"), member["presence"].as_str().unwrap_or("?")))
            .collect();
        if told == wanted {
            return event;
        }
    }
}

/// Puts a message into a conversation; its id.
pub fn put(from: &mut Client, to: &str, text: &str) -> String {
    text_of(&from.done(json!({"command": "send", "to": to, "text": text}))["message"])
}

/// Says something in a room: all others are shown it, and the author hears that each has it.
pub fn say_to_all(from: &mut Client, others: &mut [&mut Client], room: &str, text: &str) -> String {
    let id = put(from, room, text);
    for other in others.iter_mut() {
        let shown = other.expect_within(SOON * 2, json!({"event": "message", "message": id}));
        assert_eq!(shown["text"], text);
        assert_eq!(shown["conversation"], room);
        assert_eq!(shown["from"], from.name());
    }
    for other in others.iter() {
        let by = other.name();
        let delivered = json!({"event": "message_state", "message": id, "state": "delivered", "by": by});
        from.expect_within(SOON * 2, delivered);
    }
    id
}

/// A message as everybody must have it, and how far it got as this profile sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Id.
    pub message: String,
    /// Author.
    pub from: String,
    /// Text.
    pub text: String,
    /// Its place: clock, device, number.
    pub place: (u64, String, u64),
    /// State.
    pub state: String,
}

/// A conversation as the history has it.
pub fn history(client: &mut Client, conversation: &str) -> Vec<Line> {
    let answer = client.done(json!({"command": "history", "conversation": conversation, "limit": 5000}));
    let messages = answer["messages"].as_array().cloned().unwrap_or_default();
    let number = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
    messages
        .iter()
        .map(|message| Line {
            message: text_of(&message["message"]),
            from: text_of(&message["from"]),
            text: text_of(&message["text"]),
            place: (number(&message["clock"]), text_of(&message["device"]), number(&message["number"])),
            state: text_of(&message["state"]),
        })
        .collect()
}

/// The texts alone.
pub fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// Waits until these profiles have the same history, with the same states, of which none is queued or sent any more: that history.
/// Each is given with its own name for the conversation.
pub fn agree(all: &mut [(&mut Client, &str)], count: usize, within: Duration) -> Vec<Line> {
    let deadline = Instant::now() + within;
    loop {
        let mut histories: Vec<Vec<Line>> =
            all.iter_mut().map(|(client, conversation)| history(client, conversation)).collect();
        let settled = |line: &Line| line.state == "delivered" || line.state == "read";
        let equal = histories.iter().all(|one| one.len() == count && *one == histories[0] && one.iter().all(settled));
        if equal {
            return histories.swap_remove(0);
        }
        if Instant::now() > deadline {
            let differences = differences(all, &histories);
            panic!("histories do not become equal, {count} messages each, within {within:?}:\n{differences}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn differences(all: &[(&mut Client, &str)], histories: &[Vec<Line>]) -> String {
    let mut told = String::new();
    for ((client, _), history) in all.iter().zip(histories) {
        let unsettled: Vec<&Line> =
            history.iter().filter(|line| !matches!(line.state.as_str(), "delivered" | "read")).take(3).collect();
        let other = histories[0].iter().zip(history).find(|(one, other)| one != other);
        let _written = write!(
            told,
            "  {}: {} messages, unsettled {unsettled:?}, first difference to the first: {other:?}\n    log:\n{}",
            client.name(),
            history.len(),
            client.process.log().tail(8)
        );
    }
    told
}

/// Which messages each profile was shown, over all its starts.
#[derive(Debug, Default)]
pub struct Shown(HashMap<String, Vec<(String, String)>>);

impl Shown {
    /// Notes what a client was shown from its start until now: before it is started again, and at the end.
    pub fn note(&mut self, client: &Client) {
        let shown = client.all(&json!({"event": "message"}));
        let list = self.0.entry(client.name()).or_default();
        list.extend(shown.iter().map(|event| (text_of(&event["message"]), text_of(&event["text"]))));
    }

    /// Nothing was shown twice. Answers how many were shown in all.
    pub fn is_sound(&self) -> usize {
        for (profile, shown) in &self.0 {
            let mut seen: HashMap<&str, &str> = HashMap::new();
            for (message, text) in shown {
                let before = seen.insert(message, text);
                assert!(before.is_none(), "{profile} was shown {text:?} twice");
            }
        }
        self.0.values().map(Vec::len).sum()
    }

    /// What `profile` was shown, in the order of showing.
    pub fn texts(&self, profile: &str) -> Vec<&str> {
        let shown = self.0.get(profile).map(Vec::as_slice).unwrap_or_default();
        shown.iter().map(|(_, text)| text.as_str()).collect()
    }
}
