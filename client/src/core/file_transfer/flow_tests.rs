//! Transfers over several connections: groups in any order, and connections that break or keep to no rule.

use super::*;
use hobnob_shared::message::StreamReady;
use socket2::SockRef;

fn open_flow(desk: &Desk) -> Frames<'_> {
    Frames { desk, bytes: Vec::new() }.control(&Stream::Open(StreamOpen { transfer: desk.id, flow: 1 }))
}

/// The next control message.
async fn hear(stream: &mut PeerStream) -> Stream {
    let Head::Control(len) = wire::read_head(stream).await.unwrap() else { panic!("no control frame") };
    wire::read_control(stream, len).await.unwrap().unwrap()
}

async fn say(stream: &mut PeerStream, frames: Frames<'_>) {
    stream.write_all(&frames.bytes).await.unwrap();
    stream.flush().await.unwrap();
}

fn frames(desk: &Desk) -> Frames<'_> {
    Frames { desk, bytes: Vec::new() }
}

/// A receiver with a first and a further connection, both ready for groups.
async fn two_connections(desk: &Desk) -> (Running, PeerStream, PeerStream) {
    let (mut first, accepted) = connection().await;
    let receiver = desk.receive(accepted);
    say(&mut first, open(desk)).await;
    let (mut flow, accepted) = connection().await;
    receiver.pump.join(accepted);
    say(&mut flow, open_flow(desk)).await;
    assert_eq!(hear(&mut flow).await, Stream::Ready(StreamReady {}));
    (receiver, first, flow)
}

#[tokio::test]
async fn groups_that_come_over_two_connections_in_any_order_make_the_file() {
    let desk = desk(5 * GROUP + 7);
    let (receiver, mut first, mut flow) = two_connections(&desk).await;
    say(&mut flow, frames(&desk).group(4).group(2)).await;
    say(&mut first, frames(&desk).group(0).group(5)).await;
    // The end is said while a group is still on its way.
    say(&mut first, frames(&desk).group(3).end(desk.root(), desk.size)).await;
    while hear(&mut first).await != had(1) {}
    say(&mut flow, frames(&desk).group(1)).await;
    flow.shutdown().await.unwrap();
    let finished = Stream::Finished(StreamFinished { root: desk.root() });
    while hear(&mut first).await != finished {}
    drop(first);
    let path = desk.finished(receiver.outcome.await.unwrap()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), desk.bytes);
}

/// A partial of four groups that lost one of two connections: all are there but the third.
async fn with_a_gap(desk: &Desk) {
    let (receiver, mut first, mut flow) = two_connections(desk).await;
    say(&mut first, frames(desk).group(0).group(1).group(3)).await;
    flow.write_all(&frames(desk).group(2).bytes[..GROUP / 2]).await.unwrap();
    while hear(&mut first).await != had(2) {}
    // The next word comes with the next group only, so the disk is asked: the fourth hash stands behind the header.
    let sidecar = desk.partials.join(format!("{}.groups", desk.id));
    while std::fs::metadata(&sidecar).unwrap().len() < 64 + 4 * 32 {
        tokio::task::yield_now().await;
    }
    drop(flow);
    assert!(matches!(receiver.outcome.await.unwrap(), Outcome::Ended(Ended::Lost(_))));
}

fn had(groups: u64) -> Stream {
    Stream::Have(StreamHave { groups, beyond: Vec::new() })
}

#[tokio::test]
async fn of_what_came_behind_a_gap_nothing_is_sent_again() {
    let desk = desk(4 * GROUP);
    with_a_gap(&desk).await;
    let partial = desk.partial();
    assert_eq!((partial.have(), partial.done()), (2, 3 * GROUP_SIZE));
    drop(partial);
    // The receiver says so, and takes the file from a sender that leaves the group out.
    let (mut raw, accepted) = connection().await;
    let receiver = desk.receive(accepted);
    say(&mut raw, open(&desk)).await;
    assert_eq!(hear(&mut raw).await, Stream::Have(StreamHave { groups: 2, beyond: vec![1] }));
    say(&mut raw, frames(&desk).group(2).end(desk.root(), desk.size)).await;
    while hear(&mut raw).await != (Stream::Finished(StreamFinished { root: desk.root() })) {}
    drop(raw);
    let path = desk.finished(receiver.outcome.await.unwrap()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), desk.bytes);
}

#[tokio::test]
async fn a_sender_leaves_out_what_is_there_and_still_knows_the_hash_of_the_whole() {
    let desk = desk(64 * GROUP);
    let (mut raw, accepted) = connection().await;
    let sender = desk.send(2, accepted);
    // Which groups it has read before it heard of the others is up to it; the last ones are far behind its buffers.
    let beyond = vec![0, 0, 0, 0, 0, 0, 0, 0b1110];
    say(&mut raw, open(&desk).control(&Stream::Have(StreamHave { groups: 2, beyond }))).await;
    let mut came = Vec::new();
    let end = loop {
        match wire::read_head(&mut raw).await.unwrap() {
            Head::Group(len) => {
                came.push(wire::read_group_head(&mut raw).await.unwrap().0);
                raw.read_exact(&mut vec![0; len]).await.unwrap();
            }
            Head::Control(len) => break wire::read_control(&mut raw, len).await.unwrap().unwrap(),
            Head::Listing(_) => panic!("a file has no listing"),
        }
    };
    assert_eq!(came, (2..60).chain([64 - 1]).collect::<Vec<_>>());
    assert_eq!(end, Stream::End(StreamEnd { root: desk.root(), size: desk.size }));
    say(&mut raw, frames(&desk).control(&Stream::Finished(StreamFinished { root: desk.root() }))).await;
    desk.finished(sender.outcome.await.unwrap());
}

#[tokio::test]
async fn a_group_that_was_here_may_come_once_more_and_only_as_it_was() {
    let desk = desk(4 * GROUP);
    let root = desk.root();
    let other = frames(&desk).group_of(3, &desk.bytes[..GROUP], &desk.bytes[..GROUP]).bytes;
    for (again, fails) in [(frames(&desk).group(3).bytes, false), (other, true)] {
        with_a_gap(&desk).await;
        let (mut raw, accepted) = connection().await;
        let receiver = desk.receive(accepted);
        let frames = Frames { desk: &desk, bytes: open(&desk).group(2).bytes.into_iter().chain(again).collect() };
        let _cut_off = raw.write_all(&frames.end(root, desk.size).bytes).await;
        let _cut_off = raw.flush().await;
        if fails {
            assert_eq!(why(receiver.outcome.await.unwrap()), Why::HashMismatch);
        } else {
            while hear(&mut raw).await != (Stream::Finished(StreamFinished { root })) {}
            drop(raw);
            desk.finished(receiver.outcome.await.unwrap());
        }
        partial::erase(&desk.partials, desk.id);
    }
}

#[tokio::test]
async fn a_map_of_groups_that_there_are_not_ends_the_stream() {
    let desk = desk(4 * GROUP);
    for beyond in [vec![0b10], vec![1; hobnob_shared::limits::BEYOND + 1]] {
        let (mut raw, accepted) = connection().await;
        let sender = desk.send(2, accepted);
        say(&mut raw, open(&desk).control(&Stream::Have(StreamHave { groups: 2, beyond }))).await;
        assert!(matches!(why(sender.outcome.await.unwrap()), Why::Protocol(_)));
    }
}

#[tokio::test]
async fn further_connections_keep_to_the_same_rules() {
    let desk = desk(3 * GROUP);
    let root = desk.root();
    let wrong: Vec<(&str, Vec<u8>)> = vec![
        ("a group twice", frames(&desk).group(2).group(2).bytes),
        ("one that is there", frames(&desk).group(0).group(0).bytes),
        ("number beyond the end", frames(&desk).group_of(3, b"x", b"x").bytes),
        ("another hash", frames(&desk).group_of(2, b"x", &desk.bytes[..GROUP]).bytes),
        ("the end", frames(&desk).whole().end(root, desk.size).bytes),
        ("unknown kind", frames(&desk).raw(7, b"?").bytes),
    ];
    for (what, bytes) in wrong {
        let (receiver, _first, mut flow) = two_connections(&desk).await;
        let _cut_off = flow.write_all(&bytes).await;
        let why = why(receiver.outcome.await.unwrap());
        assert!(matches!(why, Why::HashMismatch | Why::Protocol(_)), "{what}: {why:?}");
        partial::erase(&desk.partials, desk.id);
    }
    // All have ended, and a group never came.
    let (receiver, mut first, mut flow) = two_connections(&desk).await;
    flow.shutdown().await.unwrap();
    say(&mut first, frames(&desk).group(0).group(2).end(root, desk.size)).await;
    assert!(matches!(why(receiver.outcome.await.unwrap()), Why::Protocol(_)));
    assert!(desk.final_names().is_empty());
}

#[tokio::test]
async fn a_further_connection_that_never_opens_disturbs_nobody() {
    let desk = desk(2 * GROUP);
    let (mut first, accepted) = connection().await;
    let receiver = desk.receive(accepted);
    say(&mut first, open(&desk)).await;
    for opening in [frames(&desk).raw(0, b"?").bytes, open(&desk).bytes, Vec::new()] {
        let (mut flow, accepted) = connection().await;
        receiver.pump.join(accepted);
        let _cut_off = flow.write_all(&opening).await;
    }
    say(&mut first, frames(&desk).whole().end(desk.root(), desk.size)).await;
    while hear(&mut first).await != Stream::Finished(StreamFinished { root: desk.root() }) {}
    drop(first);
    desk.finished(receiver.outcome.await.unwrap());
}

/// Reads groups until the sender closes in order; their numbers. Control messages are passed over.
async fn groups_of(mut stream: PeerStream) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(head) = wire::next_head(&mut stream).await.unwrap() {
        match head {
            Head::Group(len) => {
                numbers.push(wire::read_group_head(&mut stream).await.unwrap().0);
                stream.read_exact(&mut vec![0; len]).await.unwrap();
            }
            Head::Control(len) => drop(wire::read_control(&mut stream, len).await.unwrap()),
            Head::Listing(_) => panic!("a file has no listing"),
        }
    }
    numbers
}

/// A sender with a further connection whose congestion control is `control`: what went over the first and over the other.
async fn spread(desk: &Desk, control: &[u8]) -> (Vec<u64>, Vec<u64>) {
    let (mut first, accepted) = connection().await;
    let sender = desk.send(0, accepted);
    say(&mut first, open(desk)).await;
    let (mut flow, accepted) = connection().await;
    SockRef::from(accepted.get_ref().0).set_tcp_congestion(control).unwrap();
    sender.pump.join(accepted);
    say(&mut flow, open_flow(desk).control(&Stream::Ready(StreamReady {}))).await;
    let Head::Group(len) = wire::read_head(&mut first).await.unwrap() else { panic!("no group") };
    assert_eq!(wire::read_group_head(&mut first).await.unwrap().0, 0);
    first.read_exact(&mut vec![0; len]).await.unwrap();
    // Nothing comes here before the receiver has told of a group.
    say(&mut first, frames(desk).control(&had(1))).await;
    let over_flow = groups_of(flow).await;
    let mut over_first = vec![0];
    while let Head::Group(len) = wire::read_head(&mut first).await.unwrap() {
        over_first.push(wire::read_group_head(&mut first).await.unwrap().0);
        first.read_exact(&mut vec![0; len]).await.unwrap();
    }
    say(&mut first, frames(desk).control(&Stream::Finished(StreamFinished { root: desk.root() }))).await;
    desk.finished(sender.outcome.await.unwrap());
    (over_first, over_flow)
}

#[tokio::test]
async fn a_sender_spreads_groups_over_connections_that_bear_no_loss_and_each_group_goes_once() {
    let desk = desk(64 * GROUP);
    // The first is read only when the other has closed: it can take no more than its buffers.
    let (over_first, over_flow) = spread(&desk, b"reno").await;
    assert!(over_flow.len() > 10, "{over_flow:?}");
    assert!(over_flow.is_sorted() && over_first.is_sorted());
    let mut all = [over_first, over_flow].concat();
    all.sort_unstable();
    assert_eq!(all, (0..64).collect::<Vec<_>>());
}
