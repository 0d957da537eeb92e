//! Bytes to typed messages and back: a `u32` big-endian length, then one CBOR map `{t: kind, v: body}` (RFC 8949). Bounded in size and in
//! depth; a kind that is not known is told apart from a body that is wrong. Nothing beyond this file sees bytes of control frames.

use bytes::{BufMut, Bytes, BytesMut};
use cbor4ii::core::RawValue;
use cbor4ii::core::dec::{Decode as _, Read as _};
use cbor4ii::core::types::Map;
use cbor4ii::core::utils::SliceReader;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;

/// Length prefix, in bytes.
pub const PREFIX: usize = 4;

/// Why bytes are no message, or a message cannot be bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The other side's: longer than allowed now.
    #[error("frame of {size} bytes, at most {max} are allowed here")]
    TooLarge {
        /// Announced or made.
        size: usize,
        /// Allowed.
        max: usize,
    },
    /// The other side's: not CBOR, nested too deeply, or not the fields that this kind has.
    #[error("malformed frame: {0}")]
    Malformed(String),
    /// The other side's: something follows the message.
    #[error("{0} bytes too many in the frame")]
    Trailing(usize),
    /// Our own: the message cannot be encoded.
    #[error("cannot encode: {0}")]
    Encode(String),
}

/// A frame that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded<T> {
    /// A message that this version knows.
    Known(T),
    /// A message of a later version; at most 64 bytes of its kind.
    Unknown {
        /// As sent.
        kind: String,
    },
}

/// CBOR of `value`, without a length: what is signed and what is sealed.
pub fn to_cbor<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    cbor4ii::serde::to_vec(Vec::new(), value).map_err(|error| CodecError::Encode(error.to_string()))
}

/// The value of CBOR bytes, and nothing behind it.
pub fn from_cbor<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut rest = bytes;
    let value = {
        let reader = cbor4ii::core::utils::IoReader::new(&mut rest);
        let mut deserializer = cbor4ii::serde::Deserializer::new(reader);
        T::deserialize(&mut deserializer).map_err(|error| CodecError::Malformed(short(&error)))?
    };
    if rest.is_empty() { Ok(value) } else { Err(CodecError::Trailing(rest.len())) }
}

/// An error text of bounded length: it may quote what the other side sent.
fn short(error: &impl std::fmt::Display) -> String {
    error.to_string().chars().take(200).collect()
}

/// A whole frame, length included, of at most `max` bytes behind the length.
pub fn encode<T: Serialize>(message: &T, max: usize) -> Result<Bytes, CodecError> {
    let body = to_cbor(message)?;
    let size = body.len();
    let prefix = u32::try_from(size).ok().filter(|_| size <= max).ok_or(CodecError::TooLarge { size, max })?;
    let mut frame = BytesMut::with_capacity(PREFIX + size);
    frame.put_u32(prefix);
    frame.put_slice(&body);
    Ok(frame.freeze())
}

/// The message in a frame's bytes (without the length).
pub fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<Decoded<T>, CodecError> {
    let error = match from_cbor::<T>(frame) {
        Ok(message) => return Ok(Decoded::Known(message)),
        Err(error @ CodecError::Trailing(_)) => return Err(error),
        Err(error) => error,
    };
    // Only the rare case pays for a second look: a kind that we do not know, or a body that stands before its kind.
    let (kind, in_order) = envelope(frame).ok_or(error)?;
    if !is_known::<T>(kind) {
        return Ok(Decoded::Unknown { kind: kind.get(..kind.floor_char_boundary(64)).unwrap_or_default().to_owned() });
    }
    from_cbor(&in_order).map(Decoded::Known)
}

/// A frame's kind, and the same frame with the kind before the body: another program's encoder may order them as it likes, but serde can
/// read a body as what it is only when it knows the kind.
fn envelope(frame: &[u8]) -> Option<(&str, Vec<u8>)> {
    let mut reader = SliceReader::new(frame);
    let Map(entries) = Map::<Vec<(&str, RawValue<'_>)>>::decode(&mut reader).ok()?;
    if !reader.fill(1).ok()?.as_ref().is_empty() {
        return None;
    }
    let one = |key: &str| {
        let mut found = entries.iter().filter(|(name, _)| *name == key);
        found.next().filter(|_| found.next().is_none()).map(|(_, value)| value.as_bytes())
    };
    let (kind, body) = (one("t")?, one("v"));
    let text = <&str>::decode(&mut SliceReader::new(kind)).ok()?;
    // CBOR: a map of one or two, a text of one character, the value as it was.
    let in_order = match body {
        Some(body) => [&[0xa2, 0x61, b't'], kind, &[0x61, b'v'], body].concat(),
        None => [&[0xa1, 0x61, b't'], kind].concat(),
    };
    Some((text, in_order))
}

/// Asks serde whether `T` has a variant of that name: reads a frame of the kind alone, for which an unknown name is an error of its own.
fn is_known<T: DeserializeOwned>(kind: &str) -> bool {
    let frame = MapDeserializer::<_, KindError>::new(std::iter::once(("t", kind)));
    !matches!(T::deserialize(frame), Err(KindError::Unknown))
}

/// What serde says of a kind.
#[derive(Debug, thiserror::Error)]
enum KindError {
    #[error("unknown kind")]
    Unknown,
    #[error("known kind")]
    Other,
}

impl serde::de::Error for KindError {
    fn custom<M: std::fmt::Display>(_: M) -> Self {
        Self::Other
    }
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::Unknown
    }
}

/// Cuts a byte stream into frames.
#[derive(Debug, Clone)]
pub struct FrameDecoder {
    /// Largest frame that is accepted, in bytes; may be raised after sign-in.
    pub max_frame: usize,
}

impl tokio_util::codec::Decoder for FrameDecoder {
    type Item = BytesMut;
    type Error = std::io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<BytesMut>, std::io::Error> {
        let Some(prefix) = source.first_chunk::<PREFIX>() else { return Ok(None) };
        let size = u32::from_be_bytes(*prefix) as usize;
        if size > self.max_frame {
            let error = CodecError::TooLarge { size, max: self.max_frame };
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, error));
        }
        if source.len() < PREFIX + size {
            source.reserve(PREFIX + size - source.len());
            return Ok(None);
        }
        let mut frame = source.split_to(PREFIX + size);
        Ok(Some(frame.split_off(PREFIX)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::id::Token;
    use proptest::prelude::*;
    use serde::Deserialize;
    use tokio_util::codec::Decoder as _;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t", content = "v", rename_all = "snake_case")]
    enum Sample {
        Say(Say),
        Ping(Nothing),
        Show(Shown),
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Shown {
        token: Token,
        mood: Mood,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mood {
        Happy,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Say {
        text: String,
        #[serde(default)]
        later: Option<u32>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Nothing {}

    fn cbor(value: &impl Serialize) -> Vec<u8> {
        to_cbor(value).unwrap()
    }

    #[test]
    fn unknown_fields_are_ignored_and_missing_ones_have_defaults() {
        #[derive(Serialize)]
        struct Frame<B> {
            t: &'static str,
            v: B,
        }
        #[derive(Serialize)]
        struct Newer {
            text: &'static str,
            shiny: Vec<u32>,
        }
        let frame = cbor(&Frame { t: "say", v: Newer { text: "hi", shiny: vec![1] } });
        let said = Sample::Say(Say { text: "hi".into(), later: None });
        assert_eq!(decode::<Sample>(&frame).unwrap(), Decoded::Known(said));
    }

    #[test]
    fn an_unknown_kind_is_told_from_a_wrong_body() {
        #[derive(Serialize)]
        struct Frame {
            t: &'static str,
            v: u32,
        }
        let unknown = decode::<Sample>(&cbor(&Frame { t: "teleport", v: 1 })).unwrap();
        assert_eq!(unknown, Decoded::Unknown { kind: "teleport".into() });
        let wrong = decode::<Sample>(&cbor(&Frame { t: "say", v: 1 }));
        assert!(matches!(wrong, Err(CodecError::Malformed(_))), "{wrong:?}");
    }

    #[test]
    fn the_body_may_stand_before_its_kind() {
        #[derive(Serialize)]
        struct Backwards<B> {
            v: B,
            extra: u8,
            t: &'static str,
        }
        let shown = Shown { token: Token([9; 16]), mood: Mood::Happy };
        let frame = cbor(&Backwards { v: shown.clone(), extra: 1, t: "show" });
        assert_eq!(decode::<Sample>(&frame).unwrap(), Decoded::Known(Sample::Show(shown)));
    }

    #[test]
    fn an_unknown_word_inside_a_body_is_a_wrong_body() {
        #[derive(Serialize)]
        struct Frame {
            t: &'static str,
            v: Gloomy,
        }
        #[derive(Serialize)]
        struct Gloomy {
            token: Token,
            mood: &'static str,
        }
        let frame = cbor(&Frame { t: "show", v: Gloomy { token: Token([9; 16]), mood: "gloomy" } });
        assert!(matches!(decode::<Sample>(&frame), Err(CodecError::Malformed(_))));
    }

    #[test]
    fn a_kind_that_stands_twice_or_nowhere_is_malformed() {
        let twice = [&[0xa2_u8][..], &[0x61, b't', 0x61, b'x'], &[0x61, b't', 0x61, b'y']].concat();
        let nowhere = [0xa1, 0x61, b'v', 0x01];
        let number = [0xa1, 0x61, b't', 0x01];
        for frame in [&twice[..], &nowhere, &number, &[0xa0], &[]] {
            assert!(matches!(decode::<Sample>(frame), Err(CodecError::Malformed(_))), "{frame:?}");
        }
        let mut unknown_and_more = [0xa1, 0x61, b't', 0x61, b'x'].to_vec();
        assert_eq!(decode::<Sample>(&unknown_and_more).unwrap(), Decoded::Unknown { kind: "x".into() });
        unknown_and_more.push(0);
        assert!(decode::<Sample>(&unknown_and_more).is_err());
    }

    #[test]
    fn depth_length_and_trailing_bytes_are_bounded() {
        let nested = vec![0x81_u8; 10_000];
        assert!(decode::<Sample>(&nested).is_err());
        let mut deep_body = vec![0xa2, 0x61, b't', 0x63, b's', b'a', b'y', 0x61, b'v'];
        deep_body.extend(vec![0x81; 10_000]);
        assert!(decode::<Sample>(&deep_body).is_err());
        let huge_text = [0xa2, 0x61, b't', 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(decode::<Sample>(&huge_text).is_err());
        let mut twice = cbor(&Sample::Ping(Nothing {}));
        twice.push(0);
        assert_eq!(from_cbor::<Sample>(&twice), Err(CodecError::Trailing(1)));
        assert!(encode(&Sample::Say(Say { text: "x".repeat(100), later: None }), 50).is_err());
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_is_kept() {
        for size in [101_u32, 0x8000_0000, u32::MAX] {
            let mut source = BytesMut::from(&size.to_be_bytes()[..]);
            let mut decoder = FrameDecoder { max_frame: 100 };
            assert!(decoder.decode(&mut source).is_err(), "{size}");
            assert!(source.capacity() < 1024);
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _any = decode::<Sample>(&bytes);
            let mut source = BytesMut::from(&bytes[..]);
            let mut decoder = FrameDecoder { max_frame: 64 };
            while let Ok(Some(_)) = decoder.decode(&mut source) {}
        }

        #[test]
        fn what_is_said_is_heard(text in ".{0,200}", cut in 0_usize..50) {
            let said = Sample::Say(Say { text, later: Some(7) });
            let frame = encode(&said, 64 * 1024).unwrap();
            let mut decoder = FrameDecoder { max_frame: 64 * 1024 };
            let cut = cut.min(frame.len() - 1);
            let mut source = BytesMut::from(&frame[..cut]);
            prop_assert!(decoder.decode(&mut source).unwrap().is_none());
            source.extend_from_slice(&frame[cut..]);
            let heard = decoder.decode(&mut source).unwrap().unwrap();
            prop_assert_eq!(decode::<Sample>(&heard).unwrap(), Decoded::Known(said));
        }
    }
}
