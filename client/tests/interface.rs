//! The interface document, in JSON: every command that it names can be read, every event that it names looks as it says. People's scripts
//! rely on it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hobnob_client::core::command::{Command, Request};
use hobnob_client::core::event::{
    Answer, Event, FoundRoom, FriendInfo, LinkPath, MessageInfo, MessageState, ServerState,
};
use hobnob_shared::id::{DeviceId, Handle, Hash, MessageId, TransferId};
use hobnob_shared::message::{OwnPresence, Presence};
use serde_json::{Value, json};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn every_command_of_the_interface_can_be_read() {
    for (name, fields) in [
        ("sign_up", json!({"user": "alice", "password": "12345678"})),
        ("sign_in", json!({"user": "alice", "password": "12345678"})),
        ("sign_in", json!({"user": "alice"})),
        ("sign_in", json!({})),
        ("sign_out", json!({})),
        ("quit", json!({})),
        ("add_friend", json!({"user": "bob"})),
        ("accept_friend", json!({"user": "bob"})),
        ("decline_friend", json!({"user": "bob"})),
        ("remove_friend", json!({"user": "bob"})),
        ("block", json!({"user": "bob"})),
        ("unblock", json!({"user": "bob"})),
        ("friends", json!({})),
        ("set_presence", json!({"presence": "invisible", "text": "x"})),
        ("set_presence", json!({"presence": "away"})),
        ("send", json!({"to": "@bob", "text": "hi"})),
        ("send", json!({"to": "#tea", "text": "hi", "reply_to": ID})),
        ("edit", json!({"message": ID, "text": "x"})),
        ("delete", json!({"message": ID})),
        ("react", json!({"message": ID, "emoji": "+"})),
        ("mark_read", json!({"message": ID})),
        ("mark_read", json!({"message": ID, "author": "bob"})),
        ("react", json!({"message": ID, "emoji": "+", "author": "bob"})),
        ("typing", json!({"to": "@bob", "active": true})),
        ("history", json!({"conversation": "@bob", "limit": 50, "before": ID})),
        ("history", json!({"conversation": "@bob", "limit": 5000})),
        ("history", json!({"conversation": "@bob", "after": ID})),
        ("history", json!({"conversation": "#tea", "before": ID, "author": "bob"})),
        ("history", json!({"conversation": "#tea", "around": ID})),
        ("history", json!({"conversation": "#tea", "at": 1_790_000_000_000_u64})),
        ("export", json!({"conversation": "@bob", "path": "/tmp/x.html", "format": "html"})),
        ("export", json!({"conversation": "@bob", "path": "/tmp/x.txt", "format": "text", "overwrite": true})),
        ("erase", json!({"conversation": "#tea"})),
        ("search", json!({"text": "tea", "conversation": "@bob", "from": "bob"})),
        ("search", json!({"text": "tea"})),
        ("search", json!({"text": "from:bob tea", "before": ID, "limit": 50})),
        ("search", json!({"text": "tea", "before": ID, "before_author": "bob"})),
        ("join_room", json!({"room": "#tea", "password": "12345678"})),
        ("leave_room", json!({"room": "#tea"})),
        ("devices", json!({"password": "12345678"})),
        ("devices", json!({})),
        ("remove_device", json!({"password": "12345678", "device": "ab".repeat(32)})),
        ("change_password", json!({"password": "12345678", "new_password": "87654321"})),
        ("transfers", json!({})),
        ("send_file", json!({"to": "@bob", "path": "/tmp/x"})),
        ("accept_file", json!({"transfer": ID, "save_as": "/tmp/y"})),
        ("accept_file", json!({"transfer": ID})),
        ("decline_file", json!({"transfer": ID})),
        ("pause_file", json!({"transfer": ID})),
        ("resume_file", json!({"transfer": ID})),
        ("cancel_file", json!({"transfer": ID})),
        ("safety_number", json!({"user": "bob"})),
        ("verify", json!({"user": "bob"})),
        ("downloads", json!({})),
        ("set_downloads", json!({"folder": "/tmp/x"})),
        ("accept_key", json!({"user": "bob"})),
    ] {
        let mut line = fields;
        line["command"] = json!(name);
        let without: Request = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(without.id, None);
        line["id"] = json!("any string \u{1f375}");
        // Fields of later versions do no harm.
        line["later"] = json!([1, 2]);
        let with: Request = serde_json::from_str(&line.to_string()).unwrap();
        assert_eq!(with, Request { id: Some("any string \u{1f375}".to_owned()), command: without.command }, "{name}");
    }
}

#[test]
fn a_password_is_not_printed() {
    let line = r#"{"command":"sign_up","user":"alice","password":"hunter2hunter2"}"#;
    let request: Request = serde_json::from_str(line).unwrap();
    assert!(matches!(request.command, Command::SignUp { .. }));
    assert!(!format!("{request:?}").contains("hunter2"));
}

fn shown(event: &Event) -> Value {
    serde_json::to_value(event).unwrap()
}

#[test]
fn answers_stand_beside_the_id() {
    let message: MessageId = ID.parse().unwrap();
    let done = |answer| shown(&Event::Done { id: Some("7".into()), answer });
    assert_eq!(done(Answer::Nothing {}), json!({"event": "done", "id": "7"}));
    assert_eq!(
        done(Answer::Sent { message, sent_at: 5, clock: 5, device: DeviceId([1; 32]), number: 1 }),
        json!({"event": "done", "id": "7", "message": ID, "sent_at": 5, "clock": 5, "device": "01".repeat(32), "number": 1})
    );
    let friend = FriendInfo {
        status_text: "tea".into(),
        verified: true,
        link: LinkPath::Relayed,
        nickname: "Bobby".into(),
        ..FriendInfo::new("bob".parse().unwrap())
    };
    assert_eq!(
        done(Answer::Friends { friends: vec![friend], requests: Vec::new() })["friends"],
        json!([{"user": "bob", "presence": "unknown", "status_text": "tea", "verified": true, "link": "relayed",
                "nickname": "Bobby", "note": "", "avatar": null, "notify": "all"}])
    );
    let rooms = vec![FoundRoom { room: "#tea".parse().unwrap(), members: 3 }];
    let found = Answer::Found { messages: vec![], more: true, people: vec![], rooms, files: vec![] };
    assert_eq!(
        done(found),
        json!({"event": "done", "id": "7", "messages": [], "more": true, "people": [], "files": [],
               "rooms": [{"room": "#tea", "members": 3}]})
    );
    let number =
        done(Answer::SafetyNumber { safety_number: "1".repeat(60), code: "hobnob-safety:1:".into(), verified: false });
    assert_eq!(number["safety_number"], json!("1".repeat(60)));
    let failed = shown(&Event::Failed { id: None, code: "offline".into(), text: "x".into() });
    assert_eq!(failed, json!({"event": "failed", "id": null, "code": "offline", "text": "x"}));
}

#[test]
fn events_look_as_the_interface_says() {
    let user = || "bob".parse::<Handle>().unwrap();
    let conversation = || "@bob".parse().unwrap();
    let (message, transfer): (MessageId, TransferId) = (ID.parse().unwrap(), ID.parse().unwrap());
    let info = MessageInfo {
        conversation: conversation(),
        message,
        from: user(),
        text: "\u{202e}<b>\n".into(),
        sent_at: 1,
        reply_to: None,
        state: MessageState::Delivered,
        clock: 1,
        device: DeviceId([1; 32]),
        number: 1,
        edited: false,
        deleted: false,
        reactions: Vec::new(),
    };
    for (event, expected) in [
        (Event::SignedOut { reason: "replaced".into() }, json!({"event": "signed_out", "reason": "replaced"})),
        (
            Event::SignedIn { user: user(), presence: OwnPresence::Busy, text: "t".into() },
            json!({"event": "signed_in", "user": "bob", "presence": "busy", "text": "t"}),
        ),
        (
            Event::Server { state: ServerState::Connecting, text: "t".into() },
            json!({"event": "server", "state": "connecting", "text": "t"}),
        ),
        (Event::FriendRequest { user: user() }, json!({"event": "friend_request", "user": "bob"})),
        (Event::FriendAdded { user: user() }, json!({"event": "friend_added", "user": "bob"})),
        (Event::FriendRemoved { user: user() }, json!({"event": "friend_removed", "user": "bob"})),
        (
            Event::Presence { user: user(), presence: Presence::Away, text: "t".into(), last_seen: None },
            json!({"event": "presence", "user": "bob", "presence": "away", "text": "t"}),
        ),
        (
            Event::Presence { user: user(), presence: Presence::Offline, text: String::new(), last_seen: Some(60_000) },
            json!({"event": "presence", "user": "bob", "presence": "offline", "text": "", "last_seen": 60_000}),
        ),
        (
            Event::Contact { user: user(), nickname: "B".into(), note: String::new() },
            json!({"event": "contact", "user": "bob", "nickname": "B", "note": ""}),
        ),
        (
            Event::Link { user: user(), path: LinkPath::None, address: String::new() },
            json!({"event": "link", "user": "bob", "path": "none", "address": ""}),
        ),
        (
            Event::Message(info),
            json!({"event": "message", "conversation": "@bob", "message": ID, "from": "bob", "text": "\u{202e}<b>\n",
                   "sent_at": 1, "reply_to": null, "state": "delivered", "clock": 1, "device": "01".repeat(32), "number": 1}),
        ),
        (
            Event::MessageState { message, state: MessageState::Read, by: None },
            json!({"event": "message_state", "message": ID, "state": "read"}),
        ),
        (
            Event::Typing { conversation: conversation(), from: user(), active: true },
            json!({"event": "typing", "conversation": "@bob", "from": "bob", "active": true}),
        ),
        (
            Event::FileOffered {
                transfer,
                conversation: conversation(),
                from: user(),
                name: "x".into(),
                size: 3,
                files: None,
            },
            json!({"event": "file_offered", "transfer": ID, "conversation": "@bob", "from": "bob", "name": "x", "size": 3}),
        ),
        (
            Event::FileProgress { transfer, done: 1, size: 3, rate: 2, by: None },
            json!({"event": "file_progress", "transfer": ID, "done": 1, "size": 3, "rate": 2}),
        ),
        (
            Event::FileWaiting { transfer, code: "turn".into(), text: "t".into(), by: None },
            json!({"event": "file_waiting", "transfer": ID, "code": "turn", "text": "t"}),
        ),
        (
            Event::FileFinished {
                transfer,
                path: "/d/x".into(),
                blake3: Hash([0xab; 32]),
                size: 3,
                text: None,
                skipped: Vec::new(),
                by: None,
            },
            json!({"event": "file_finished", "transfer": ID, "path": "/d/x", "blake3": "ab".repeat(32), "size": 3}),
        ),
        (
            Event::FileFailed { transfer, code: "declined".into(), text: "t".into(), by: None },
            json!({"event": "file_failed", "transfer": ID, "code": "declined", "text": "t"}),
        ),
        (
            Event::Alarm { code: "key_changed".into(), user: Some(user()), text: "t".into() },
            json!({"event": "alarm", "code": "key_changed", "user": "bob", "text": "t"}),
        ),
    ] {
        assert_eq!(shown(&event), expected);
        // One event is one line, whatever people write.
        assert!(!serde_json::to_string(&event).unwrap().contains('\n'));
    }
}
