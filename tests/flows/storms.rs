//! Storms: programs are killed at random moments while everybody writes. Nothing that was acknowledged is lost, nothing is shown twice, and
//! the order stays. Each storm is bounded in kills; its seed is printed, and `HOBNOB_TEST_SEED` repeats one.

use std::time::{Duration, Instant};

use hobnob_tests::client::{Client, SOON};
use hobnob_tests::room::{Line, Shown, TEA, agree, gather, history, put};
use hobnob_tests::story::{House, PASSWORD, text_of};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::json;

/// Kills in one storm.
const KILLS: usize = 48;
/// Most messages that one writes between two kills.
const BURST: usize = 20;
/// A kill comes at most so many milliseconds after the writing began: mostly before links stand again, at times when they long do.
const MOMENTS: [u64; 3] = [150, 150, 2_000];
/// Messages that wait for a friend who is away.
const QUEUED: usize = 10_000;

fn seed() -> u64 {
    let given = std::env::var("HOBNOB_TEST_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(rand::random)
}

/// One who writes, and what is known of it.
struct Writer {
    client: Client,
    conversation: String,
    /// Texts are numbered.
    next: usize,
    /// Command ids that are not answered yet.
    posted: Vec<String>,
    /// Message ids that were answered: these must survive.
    promised: Vec<String>,
}

impl Writer {
    fn new(client: Client, conversation: &str) -> Self {
        Self { client, conversation: conversation.to_owned(), next: 0, posted: Vec::new(), promised: Vec::new() }
    }

    fn write(&mut self, count: usize) {
        for _ in 0..count {
            let text = format!("{} {}", self.client.name(), self.next);
            self.next += 1;
            self.posted.push(self.client.post(json!({"command": "send", "to": self.conversation, "text": text})));
        }
    }

    /// All that is open is answered; called while the client lives.
    fn collect(&mut self) {
        for id in std::mem::take(&mut self.posted) {
            let done = self.client.answer(&id).unwrap_or_else(|failed| panic!("a message was refused: {failed}"));
            self.promised.push(text_of(&done["message"]));
        }
    }

    /// `kill -9`, and a new start on the same profile.
    fn crash(&mut self, shown: &mut Shown) {
        self.client.crash();
        self.client.last_words();
        for id in std::mem::take(&mut self.posted) {
            if let Some(done) = self.client.all(&json!({"event": "done", "id": id})).pop() {
                self.promised.push(text_of(&done["message"]));
            }
        }
        shown.note(&self.client);
        self.client = Client::start(&self.client.start);
    }

    /// Own messages on the own disk, answered or not.
    fn stored(&mut self) -> usize {
        let own = self.client.name();
        history(&mut self.client, &self.conversation).iter().filter(|line| is_by(&line.text, &own)).count()
    }
}

/// Whether the profile `who` wrote a text: an account may have several.
fn is_by(text: &str, who: &str) -> bool {
    text.rsplit_once(' ').is_some_and(|(by, _)| by == who)
}

/// The numbers of one author's texts.
fn numbers<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    texts.filter_map(|text| text.rsplit(' ').next().and_then(|number| number.parse().ok())).collect()
}

fn rises(numbers: &[usize]) -> bool {
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}

/// The storm, and everything that must hold when it is over.
fn storm(house: &mut House, mut writers: Vec<Writer>, seed: u64) {
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let mut shown = Shown::default();
    let began = Instant::now();
    let mut server_kills = 0;
    for _ in 0..KILLS {
        for writer in &mut writers {
            writer.write(random.gen_range(1..=BURST));
        }
        let moment = MOMENTS[random.gen_range(0..MOMENTS.len())];
        // Not a wait for anything: the moment of the kill is what is random.
        std::thread::sleep(Duration::from_millis(random.gen_range(0..moment)));
        let victim = random.gen_range(0..=writers.len());
        if let Some(writer) = writers.get_mut(victim) {
            writer.crash(&mut shown);
        } else {
            server_kills += 1;
            house.server.restart();
        }
    }
    writers.iter_mut().for_each(Writer::collect);
    let blown_for = began.elapsed();
    let stored: usize = writers.iter_mut().map(Writer::stored).sum();
    let mut all: Vec<(&mut Client, &str)> =
        writers.iter_mut().map(|writer| (&mut writer.client, writer.conversation.as_str())).collect();
    let lines = agree(&mut all, stored, SOON * 6);
    let promised: usize = writers.iter().map(|writer| writer.promised.len()).sum();
    for writer in &writers {
        let own = writer.client.name();
        let has = |id: &String| lines.iter().any(|line| line.message == **id);
        let lost = writer.promised.iter().filter(|id| !has(id)).count();
        assert_eq!(lost, 0, "of {own}'s messages that were answered");
        let of_own = lines.iter().map(|line: &Line| line.text.as_str()).filter(|text| is_by(text, &own));
        assert!(rises(&numbers(of_own)), "{own}'s messages are out of order");
        shown.note(&writer.client);
    }
    let count = shown.is_sound();
    for reader in &writers {
        for author in writers.iter().map(|writer| writer.client.name()) {
            let name = reader.client.name();
            let texts = shown.texts(&name).into_iter().filter(|text| is_by(text, &author));
            assert!(rises(&numbers(texts)), "{author}'s were shown out of order to {name}");
        }
    }
    println!(
        "{KILLS} kills ({server_kills} of the server) in {blown_for:.1?}, equal after {:.1?}: {} messages, {promised} answered, 0 lost, \
         {count} shown, 0 twice",
        began.elapsed(),
        lines.len(),
    );
}

#[test]
fn two_who_write_while_client_or_server_is_killed_lose_nothing_and_see_nothing_twice() {
    let mut house = House::new();
    let (alice, bob) = house.alice_and_bob();
    let writers = vec![Writer::new(alice, "@bob"), Writer::new(bob, "@alice")];
    storm(&mut house, writers, seed());
}

#[test]
fn three_in_a_room_who_write_while_client_or_server_is_killed_lose_nothing_and_see_nothing_twice() {
    let mut house = House::new();
    let mut people = ["alice", "bob", "carol"].map(|name| house.person(name));
    {
        let [alice, bob, carol] = &mut people;
        gather(&mut [alice, bob, carol], TEA);
    }
    let writers = people.into_iter().map(|client| Writer::new(client, TEA)).collect();
    storm(&mut house, writers, seed());
}

#[test]
fn two_devices_and_a_friend_who_write_while_any_is_killed_lose_nothing_and_see_nothing_twice() {
    let mut house = House::new();
    let (alice, bob) = house.alice_and_bob();
    let mut second = Client::start(&house.start("alice.2"));
    second.done(json!({"command": "sign_in", "user": "alice", "password": PASSWORD}));
    second.expect(json!({"event": "link", "user": "alice", "path": "direct"}));
    let writers = vec![Writer::new(alice, "@bob"), Writer::new(second, "@bob"), Writer::new(bob, "@alice")];
    storm(&mut house, writers, seed());
}

#[test]
fn ten_thousand_messages_for_a_friend_who_is_away_arrive_in_order_in_one_drain() {
    let house = House::new();
    let (mut alice, mut bob) = house.alice_and_bob();
    assert!(bob.quit().success());
    alice.expect(json!({"event": "link", "user": "bob", "path": "none"}));
    let began = Instant::now();
    for n in 0..QUEUED {
        alice.post(json!({"command": "send", "to": "@bob", "text": format!("{n}")}));
    }
    let mut answered = 0;
    alice.each("10,000 answers", SOON * 6, |event| {
        assert_ne!(event["event"], "failed", "{event}");
        answered += usize::from(event["event"] == "done" && event["message"].is_string());
        answered == QUEUED
    });
    println!("{QUEUED} queued in {:.1?}", began.elapsed());

    let began = Instant::now();
    let mut bob = Client::again(&bob.start);
    let mut next = 0;
    bob.each("10,000 messages", SOON * 6, |event| {
        if event["event"] == "message" {
            assert_eq!(event["text"], next.to_string(), "out of order");
            next += 1;
        }
        next == QUEUED
    });
    let mut delivered = 0;
    alice.each("10,000 deliveries", SOON * 3, |event| {
        delivered += usize::from(event["event"] == "message_state" && event["state"] == "delivered");
        delivered == QUEUED
    });
    println!("{QUEUED} drained in {:.1?}", began.elapsed());
    let last = put(&mut alice, "@bob", "the end");
    bob.expect(json!({"event": "message", "message": last}));
    assert_eq!(bob.all(&json!({"event": "message"})).len(), QUEUED + 1);
}
