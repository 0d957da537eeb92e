//! Sealing: AES-256-GCM under a key that is derived for one purpose. What the password opens (`password.rs`) and what the devices of an
//! account share are sealed here, so that there is one place to get it right.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rand::RngCore;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

/// By how much a sealed text is longer: the nonce in front and the tag behind.
pub const OVERHEAD: usize = NONCE_LEN + 16;

/// Sealed by another key, for another purpose, in another context, or altered; nobody can tell which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot open what is sealed")]
pub struct SealError;

fn cipher(key: &[u8; 32], purpose: &str) -> Result<LessSafeKey, SealError> {
    let key = Zeroizing::new(blake3::derive_key(&format!("hobnob/1 seal {purpose}"), key));
    UnboundKey::new(&AES_256_GCM, key.as_slice()).map(LessSafeKey::new).map_err(|_| SealError)
}

fn bound_to(purpose: &str, about: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([purpose.as_bytes(), about].concat())
}

/// Seals `plain` so that only `key` opens it, for this purpose and with the same `about`: a random nonce, the ciphertext, the tag. Nonces are
/// random because devices that share a key cannot count together; 2^32 sealings under one key are far more than a person makes.
pub fn seal(key: &[u8; 32], purpose: &str, about: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_LEN];
    OsRng.fill_bytes(&mut nonce);
    let mut sealed = plain.to_vec();
    cipher(key, purpose)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to(purpose, about), &mut sealed)
        .map_err(|_| SealError)?;
    Ok([&nonce[..], &sealed].concat())
}

/// Opens what [`seal`] made with the same key, purpose and `about`.
pub fn open(key: &[u8; 32], purpose: &str, about: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
    let mut plain = Zeroizing::new(rest.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = cipher(key, purpose)?.open_in_place(nonce, bound_to(purpose, about), &mut plain);
    let length = opened.map_err(|_| SealError)?.len();
    plain.truncate(length);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn only_the_same_key_purpose_and_context_open() {
        let sealed = seal(&KEY, "roster", &[1], b"secret").unwrap();
        assert_eq!(sealed.len(), b"secret".len() + OVERHEAD);
        assert_eq!(open(&KEY, "roster", &[1], &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(open(&[8; 32], "roster", &[1], &sealed), Err(SealError));
        assert_eq!(open(&KEY, "account", &[1], &sealed), Err(SealError));
        assert_eq!(open(&KEY, "roster", &[2], &sealed), Err(SealError));
        assert_eq!(open(&KEY, "roster", &[], &sealed), Err(SealError));
    }

    #[test]
    fn whatever_is_altered_or_cut_is_noticed() {
        let sealed = seal(&KEY, "roster", b"", b"secret").unwrap();
        for n in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[n] ^= 1;
            assert_eq!(open(&KEY, "roster", b"", &altered), Err(SealError), "byte {n}");
            assert_eq!(open(&KEY, "roster", b"", &sealed[..n]), Err(SealError), "cut at {n}");
        }
    }

    #[test]
    fn the_same_twice_looks_different() {
        assert_ne!(seal(&KEY, "roster", b"", b"x").unwrap(), seal(&KEY, "roster", b"", b"x").unwrap());
    }

    #[test]
    fn what_an_earlier_version_sealed_still_opens() {
        // Made by the code that sealed accounts before this file was: no account may be locked out by a rewrite.
        let key = blake3::derive_key("hobnob/1 seal account-secrets", &KEY);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
        let mut sealed = b"secret".to_vec();
        let nonce = [3; NONCE_LEN];
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(b"account-secrets".as_slice()),
            &mut sealed,
        )
        .unwrap();
        let sealed = [&nonce[..], &sealed].concat();
        assert_eq!(open(&KEY, "account-secrets", b"", &sealed).unwrap().as_slice(), b"secret");
    }
}
