//! Finding each other without the server: tokens made of the secret that two devices kept from their last connection. Pure; used by
//! `PeerLink` to dial and to let in.

use hobnob_shared::id::{DeviceId, Hash, Token};

/// How far ahead of the last used counter a token is accepted: attempts that never arrived leave gaps. Narrow in tests, so that the
/// simulation goes round it.
pub const REUNION_WINDOW: u64 = if cfg!(test) { 8 } else { 64 };

/// What a pair of devices keeps of each other. The secret is wiped with it.
#[derive(Clone, PartialEq, Eq, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// From a connection's exporter or from the profile.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to store them in the profile.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the hello says of it: both sides see whether they keep the same, nobody else learns it.
    pub fn name(&self) -> Hash {
        Hash(*blake3::Hasher::new_keyed(&self.0).update(b"hobnob/1 reunion name").finalize().as_bytes())
    }

    /// The token with which `dialler` makes its `counter`-th attempt.
    pub fn token(&self, dialler: &DeviceId, counter: u64) -> Token {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"hobnob/1 reunion token").update(&dialler.0).update(&counter.to_be_bytes());
        let mut token = [0; 16];
        hasher.finalize_xof().fill(&mut token);
        Token(token)
    }

    /// The tokens that `dialler` may show next, after `seen` was the last that came.
    pub fn window(&self, dialler: &DeviceId, seen: u64) -> impl Iterator<Item = (u64, Token)> {
        (seen.saturating_add(1)..=seen.saturating_add(REUNION_WINDOW)).map(|n| (n, self.token(dialler, n)))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_by_direction_and_counter_and_secret() {
        let secret = Secret::new([1; 32]);
        let (a, b) = (DeviceId([1; 32]), DeviceId([2; 32]));
        let mut all: Vec<Token> = (1..=100).flat_map(|n| [secret.token(&a, n), secret.token(&b, n)]).collect();
        all.push(Secret::new([2; 32]).token(&a, 1));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn the_window_starts_behind_the_last_used_counter() {
        let secret = Secret::new([1; 32]);
        let dialler = DeviceId([1; 32]);
        let window: Vec<_> = secret.window(&dialler, 10).collect();
        assert_eq!(window.first(), Some(&(11, secret.token(&dialler, 11))));
        assert_eq!(window.last(), Some(&(10 + REUNION_WINDOW, secret.token(&dialler, 10 + REUNION_WINDOW))));
    }

    #[test]
    fn the_name_gives_no_token_away_and_is_the_same_on_both_sides() {
        let secret = Secret::new([1; 32]);
        assert_eq!(secret.name(), Secret::new([1; 32]).name());
        assert_ne!(&secret.name().0[..16], &secret.token(&DeviceId([1; 32]), 1).0);
        assert!(!format!("{secret:?}").contains('1'));
    }
}
