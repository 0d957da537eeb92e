//! Comparing keys: the code in a QR picture, `hobnob-safety:1:OWN:KEY:OTHER:KEY`, says who shows it, their identity key, and which key they
//! have pinned for the other. Whoever reads it holds both against what stands here. Pure; used by the registry.

use hobnob_shared::id::{Fingerprint, Handle};

use super::error::Problem;

/// What every code begins with; the number is its version.
const CODE: &str = "hobnob-safety:1:";
/// Longest text that is looked at, in bytes.
const CODE_MAX: usize = 512;
/// Digits of a safety number.
const DIGITS: usize = 60;

/// A person and the identity key that is theirs, as far as this device knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Who.
    pub user: Handle,
    /// With which key.
    pub key: Fingerprint,
}

/// The code that `own` shows to `other`.
pub fn code(own: &Side, other: &Side) -> String {
    format!("{CODE}{}:{}:{}:{}", own.user, own.key, other.user, other.key)
}

/// What the other side's code, or their sixty digits, say of the two keys; `number` is the safety number as it is known here.
pub fn check(text: &str, own: &Side, other: &Side, number: &str) -> Result<(), Problem> {
    let text = text.trim();
    if text.len() > CODE_MAX {
        return Err(Problem::bad_code());
    }
    let Some(rest) = text.strip_prefix(CODE) else {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let is_number = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        return match is_number {
            true if digits == number => Ok(()),
            true => Err(Problem::code_differs(&other.user)),
            false => Err(Problem::bad_code()),
        };
    };
    let [shown_by, shown_key, about, about_key] = rest.split(':').collect::<Vec<_>>()[..] else {
        return Err(Problem::bad_code());
    };
    let side = |user: &str, key: &str| Some(Side { user: user.parse().ok()?, key: key.parse().ok()? });
    let (Some(shown), Some(about)) = (side(shown_by, shown_key), side(about, about_key)) else {
        return Err(Problem::bad_code());
    };
    if shown.user == own.user && about.user == other.user {
        return Err(Problem::own_code(&other.user));
    }
    if shown.user != other.user || about.user != own.user {
        return Err(Problem::code_of_others(&other.user));
    }
    if shown.key == other.key && about.key == own.key { Ok(()) } else { Err(Problem::code_differs(&other.user)) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn side(user: &str, key: u8) -> Side {
        Side { user: user.parse().unwrap(), key: Fingerprint([key; 32]) }
    }

    fn said(text: &str) -> Result<(), String> {
        let number = "1234567890".repeat(6);
        check(text, &side("alice", 1), &side("bob", 2), &number).map_err(|problem| problem.code.into_owned())
    }

    #[test]
    fn only_the_others_code_with_both_keys_is_equal() {
        let (alice, bob) = (side("alice", 1), side("bob", 2));
        assert_eq!(said(&format!(" {}\n", code(&bob, &alice))), Ok(()));
        for (text, verdict) in [
            (code(&side("bob", 3), &alice), "code_differs"),
            (code(&bob, &side("alice", 3)), "code_differs"),
            (code(&alice, &bob), "own_code"),
            (code(&side("carol", 2), &alice), "code_of_others"),
            (code(&bob, &side("carol", 1)), "code_of_others"),
            (code(&bob, &alice).replace(":1:", ":2:"), "bad_code"),
            (format!("{}:more", code(&bob, &alice)), "bad_code"),
            ("hobnob-safety:1:bob".to_owned(), "bad_code"),
            ("https://example.org".to_owned(), "bad_code"),
            (String::new(), "bad_code"),
            ("0".repeat(10_000), "bad_code"),
        ] {
            assert_eq!(said(&text).unwrap_err(), verdict, "{text}");
        }
    }

    #[test]
    fn the_digits_count_as_well_however_they_are_grouped() {
        assert_eq!(said(&"12345 67890\n".repeat(6)), Ok(()));
        assert_eq!(said(&"1234567891".repeat(6)).unwrap_err(), "code_differs");
        assert_eq!(said(&"1".repeat(59)).unwrap_err(), "bad_code");
    }

    proptest! {
        #[test]
        fn anything_may_be_pasted(text in any::<String>()) {
            prop_assert!(said(&text).is_err());
            let coded = said(&format!("{CODE}{text}"));
            prop_assert!(coded.is_err());
        }
    }
}
