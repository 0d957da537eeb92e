//! What a connection's two halves promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use super::*;
use crate::tls;
use serde::Deserialize;
use tokio::io::DuplexStream;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "snake_case")]
enum Sample {
    Say(String),
}

fn say(text: &str) -> Sample {
    Sample::Say(text.to_owned())
}

#[tokio::test]
async fn what_is_sent_arrives_in_order_and_then_comes_the_end() {
    let (here, there) = tokio::io::duplex(64);
    let (_, writer) = split::<_, Sample>(here, 1000, 100_000);
    let (mut reader, _keep) = split::<_, Sample>(there, 1000, 100_000);
    for n in 0..100 {
        writer.try_send(&say(&n.to_string())).unwrap();
    }
    writer.close();
    for n in 0..100 {
        assert_eq!(reader.next().await.unwrap(), Some(Decoded::Known(say(&n.to_string()))));
    }
    assert_eq!(reader.next().await.unwrap(), None);
    writer.closed().await;
    assert_eq!(writer.try_send(&say("late")), Err(SendError::Closed));
}

#[tokio::test]
async fn a_reader_that_does_not_read_fills_a_bounded_queue() {
    let (here, _there) = tokio::io::duplex(64);
    let (_, writer) = split::<_, Sample>(here, 1000, 10_000);
    let mut sent = 0;
    while writer.try_send(&say(&"x".repeat(100))).is_ok() {
        sent += 1;
        assert!(sent < 1000);
    }
    assert_eq!(writer.try_send(&say(&"x".repeat(100))), Err(SendError::Full));
    assert!(writer.queued() <= 10_000);
    assert!(!writer.offer_encoded(encode(&say("typing"), 1000).unwrap()));
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_frame_is_a_loss() {
    let (mut here, there) = tokio::io::duplex(64);
    let (mut reader, _keep) = split::<_, Sample>(there, 1000, 1000);
    here.write_all(&[0, 0, 0, 9, 1, 2]).await.unwrap();
    drop(here);
    assert!(matches!(reader.next().await, Err(LinkError::Lost(_))));
}

#[tokio::test]
async fn a_frame_beyond_the_limit_is_the_other_sides_fault() {
    let (mut here, there) = tokio::io::duplex(64);
    let (mut reader, _keep) = split::<_, Sample>(there, 10, 1000);
    here.write_all(&[0, 0, 0, 11]).await.unwrap();
    assert!(matches!(reader.next().await, Err(LinkError::Codec(CodecError::TooLarge { size: 11, max: 10 }))));
}

#[tokio::test]
async fn a_line_without_progress_ends_both_halves() {
    let (here, _there) = tokio::io::duplex(64);
    let (mut reader, writer) = split_with::<_, Sample>(here, 1000, 1000, Duration::from_millis(10));
    while writer.try_send(&say(&"x".repeat(100))).is_ok() {}
    assert!(matches!(reader.next().await, Err(LinkError::Lost(error)) if error.kind() == io::ErrorKind::TimedOut));
    assert!(reader.next().await.is_err());
    writer.closed().await;
    // The queue was full when the line died, and still it is the line that is told.
    assert_eq!(writer.try_send(&say(&"x".repeat(100))), Err(SendError::Closed));
}

#[tokio::test]
async fn closing_ends_our_writing_and_not_our_reading() {
    let (here, there) = tokio::io::duplex(64);
    let (mut reader, writer) = split::<_, Sample>(here, 1000, 1000);
    writer.close();
    writer.closed().await;
    let (_keep, other) = split::<_, Sample>(there, 1000, 1000);
    other.try_send(&say("one more thing")).unwrap();
    assert_eq!(reader.next().await.unwrap(), Some(Decoded::Known(say("one more thing"))));
    drop(other);
    assert_eq!(reader.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_malformed_frame_is_told_and_the_next_is_read() {
    let (mut here, there) = tokio::io::duplex(256);
    let (mut reader, _keep) = split::<_, Sample>(there, 1000, 1000);
    here.write_all(&[0, 0, 0, 1, 0xff]).await.unwrap();
    here.write_all(&encode(&say("again"), 1000).unwrap()).await.unwrap();
    assert!(matches!(reader.next().await, Err(LinkError::Codec(CodecError::Malformed(_)))));
    assert_eq!(reader.next().await.unwrap(), Some(Decoded::Known(say("again"))));
}

#[tokio::test]
async fn the_limit_can_be_raised_after_sign_in() {
    let (mut here, there) = tokio::io::duplex(1024);
    let (mut reader, _keep) = split::<_, Sample>(there, 10, 1000);
    let (short, long) = (encode(&say(""), 10).unwrap(), encode(&say(&"x".repeat(200)), 1000).unwrap());
    here.write_all(&short).await.unwrap();
    assert_eq!(reader.next().await.unwrap(), Some(Decoded::Known(say(""))));
    reader.set_max_frame(1000);
    here.write_all(&long).await.unwrap();
    assert!(matches!(reader.next().await, Ok(Some(Decoded::Known(_)))));
}

/// One TLS connection between two programs.
async fn tls_pair() -> (tokio_rustls::TlsStream<DuplexStream>, tokio_rustls::TlsStream<DuplexStream>) {
    let (certificate, key) = crate::identity::self_signed_server().unwrap();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let client = tls::client_config(tls::ServerPin::FirstUse(Arc::default()), None).unwrap();
    let server = tls::server_config(&certificate, &key).unwrap();
    let dialling = tokio_rustls::TlsConnector::from(client).connect(tls::server_name(), near);
    let listening = async { tls::read_client_hello(far).await?.accept(server).await };
    let (near, far) = tokio::join!(dialling, listening);
    (near.unwrap().into(), far.unwrap().into())
}

#[tokio::test]
async fn a_goodbye_is_told_from_a_cut() {
    let (near, far) = tls_pair().await;
    let (_near_reader, writer) = split::<_, Sample>(near, 1000, 1000);
    let (mut reader, _keep) = split::<_, Sample>(far, 1000, 1000);
    writer.try_send(&say("bye")).unwrap();
    writer.close();
    assert_eq!(reader.next().await.unwrap(), Some(Decoded::Known(say("bye"))));
    assert_eq!(reader.next().await.unwrap(), None);

    let (near, far) = tls_pair().await;
    let (mut reader, _keep) = split::<_, Sample>(far, 1000, 1000);
    // As when a program is killed or a man in the middle cuts the stream between two frames.
    drop(near);
    assert!(matches!(reader.next().await, Err(LinkError::Lost(_))));
    assert!(reader.next().await.is_err());
}
