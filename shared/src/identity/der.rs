//! The little DER that the certificate libraries do not give: what of a certificate is signed, and by which bytes. Only lengths are read;
//! that the content is a certificate is checked elsewhere.

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// The object identifier 1.3.101.112 of Ed25519.
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

/// An element of one tag at the start of `input`: the whole of it, its content, and what follows.
fn element(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&[first, length], rest) = input.split_first_chunk()?;
    if first != tag {
        return None;
    }
    let (length, header) = match length {
        short @ 0..=0x7f => (usize::from(short), 2),
        0x81 => (usize::from(*rest.first()?), 3),
        0x82 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        // Longer certificates are refused for their size anyway.
        _ => return None,
    };
    let (whole, after) = input.split_at_checked(header + length)?;
    Some((whole, whole.get(header..)?, after))
}

/// `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature BIT STRING }`: the first whole, and the bits
/// of the last. `None` also where the algorithm is another than Ed25519: this field is the only one outside of the signature.
pub(super) fn signed_parts(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, content, after) = element(SEQUENCE, certificate)?;
    let (signed, _, rest) = element(SEQUENCE, content)?;
    let (_, algorithm, rest) = element(SEQUENCE, rest)?;
    let (_, bits, end) = element(BIT_STRING, rest)?;
    // A bit string begins with the number of bits that its last byte lacks.
    let signature = bits.strip_prefix(&[0])?;
    (after.is_empty() && end.is_empty() && algorithm == ED25519).then_some((signed, signature))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_parts_of_a_certificate_are_found_and_nothing_may_follow() {
        let inner = [&[0x30, 2, 7, 7][..], &[0x30, 5], &ED25519, &[0x03, 3, 0, 8, 9]].concat();
        let mut certificate = [&[0x30, 0x81, 16][..], &inner].concat();
        assert_eq!(signed_parts(&certificate), Some((&[0x30, 2, 7, 7][..], &[8, 9][..])));
        for end in 0..certificate.len() {
            assert_eq!(signed_parts(&certificate[..end]), None);
        }
        certificate.push(0);
        assert_eq!(signed_parts(&certificate), None);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some((signed, signature)) = signed_parts(&bytes) {
                prop_assert!(signed.len() + signature.len() < bytes.len());
            }
        }
    }
}
