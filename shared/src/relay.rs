//! The relay's preamble: what both devices say to the server's port instead of a TLS hello, and what it answers. Behind it the server
//! joins the two byte streams; TLS runs inside, from device to device.

use crate::id::Token;

/// Preamble length, in bytes.
pub const PREAMBLE: usize = 48;
/// Start of a preamble. Its first byte tells it from TLS, whose first byte is 0x16.
const MAGIC: &[u8; 15] = b"HOBNOB-RELAY/1 ";
/// Answer: both are there.
pub const JOINED: u8 = b'+';
/// Answer: not this token, or not now.
pub const REFUSED: u8 = b'-';

/// `HOBNOB-RELAY/1 `, 32 hexadecimal digits, a line feed.
pub fn encode_preamble(token: &Token) -> [u8; PREAMBLE] {
    let mut out = [b'\n'; PREAMBLE];
    let text = token.to_string();
    for (to, from) in out.iter_mut().zip(MAGIC.iter().chain(text.as_bytes())) {
        *to = *from;
    }
    out
}

/// The token in a preamble; `None` for anything else.
pub fn parse_preamble(bytes: &[u8; PREAMBLE]) -> Option<Token> {
    let digits = bytes.strip_prefix(MAGIC)?.strip_suffix(b"\n")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preamble_reads_back_and_nothing_else_does() {
        let token = Token([0xab; 16]);
        let bytes = encode_preamble(&token);
        assert_eq!(parse_preamble(&bytes), Some(token));
        assert_ne!(bytes[0], 0x16);
        for n in (0..PREAMBLE).filter(|n| *n < MAGIC.len() || *n == PREAMBLE - 1) {
            let mut altered = bytes;
            altered[n] ^= 0x80;
            assert_eq!(parse_preamble(&altered), None);
        }
    }
}
