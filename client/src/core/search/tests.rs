//! Searches taken apart, whatever somebody types.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

fn me() -> Handle {
    "alice".parse().unwrap()
}

fn parse(text: &str) -> Wanted {
    Wanted::parse(text, Some(&me()))
}

fn terms(text: &str) -> Vec<String> {
    let shown = |term: &Term| match term {
        Term::Word(text) => text.clone(),
        Term::Beginning(text) => format!("{text}…"),
        Term::Phrase(text) => format!("“{text}”"),
    };
    parse(text).terms.iter().map(shown).collect()
}

#[test]
fn words_phrases_and_the_unfinished_last_word() {
    assert_eq!(terms("green te"), ["green", "te…"]);
    assert_eq!(terms(" \t\"green tea\" pot  "), ["“green tea”", "pot…"]);
    assert_eq!(terms("pot \"green tea\""), ["pot", "“green tea”"]);
    assert_eq!(terms("\"not closed"), ["“not closed”"]);
    assert_eq!(terms("\"a\"b"), ["“a”", "b…"]);
    assert_eq!(terms("5\"disk tea from:bob"), ["5\"disk", "tea…"]);
    assert_eq!(terms("- \"\" ** \"!\""), [""; 0]);
    assert!(parse("  \0 ").is_empty());
}

#[test]
fn filters_are_taken_out_of_the_text() {
    let wanted =
        parse("lunch from:bob From:@carol from:me in:#Tea in:@bob before:2026-11-26 after:2024-02-29 HAS:file");
    assert_eq!(wanted.from, ["bob", "carol", "alice"].map(|user| user.parse::<Handle>().unwrap()));
    assert_eq!(wanted.within, ["#tea", "@bob"].map(|id| id.parse::<ConversationId>().unwrap()));
    assert_eq!(wanted.before.unwrap().to_string(), "2026-11-26");
    assert_eq!(wanted.after.unwrap().to_string(), "2024-02-29");
    assert!(wanted.has_file && wanted.is_filtered());
    assert_eq!(wanted.terms, [Term::Beginning("lunch".into())]);
    let narrow = parse("before:2026-01-02 before:2026-01-01 after:2025-01-01 after:2025-01-02 from:bob from:bob");
    assert_eq!((narrow.before.unwrap().to_string(), narrow.after.unwrap().2), ("2026-01-01".into(), 2));
    assert_eq!(narrow.from.len(), 1);
}

#[test]
fn what_is_no_filter_is_text() {
    for text in [
        "from:",
        "from:b",
        "from:B!b",
        "in:bob",
        "in:",
        "before:lunch",
        "before:2026-02-29",
        "before:2026-13-01",
        "before:2026-1-1",
        "after:2026-00-10",
        "after:+026-01-01",
        "has:link",
        "https://example.org",
        "to:bob",
    ] {
        let wanted = parse(text);
        assert!(!wanted.is_filtered(), "{text}");
        assert_eq!(wanted.terms, [Term::Beginning(text.into())], "{text}");
    }
    assert_eq!(terms("\"from:bob\""), ["“from:bob”"]);
    assert_eq!(Wanted::parse("from:me", None).terms, [Term::Beginning("from:me".into())]);
}

#[test]
fn names_fit_without_case_and_accents() {
    assert!(parse("resume").is_in_name("Résumé 2026.PDF"));
    assert!(parse("2026 \"sumé\"").is_in_name("Résumé 2026.PDF"));
    assert!(!parse("resume 2025").is_in_name("Résumé 2026.PDF"));
    assert!(parse("").is_in_name("anything"));
}

#[test]
fn what_was_found_is_shown_in_the_text() {
    let found = |search: &str, text: &str| {
        parse(search).found_in(text).into_iter().map(|range| text[range].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("chao bu", "Chào buổi sáng, chao!"), ["Chào", "buổi", "chao"]);
    assert_eq!(found("\"green tea\"", "tea, Green tea; green-tea"), ["Green tea", "green-tea"]);
    assert_eq!(found("te", "attend the tea, te\u{301}te"), ["tea", "te\u{301}te"]);
    assert_eq!(found("a b", "nothing here"), [""; 0]);
}

proptest! {
    #[test]
    fn any_text_is_a_search(text in any::<String>()) {
        let wanted = parse(&text);
        prop_assert!(wanted.terms.len() <= TERMS);
        prop_assert!(wanted.terms.iter().rev().skip(1).all(|term| !matches!(term, Term::Beginning(_))));
    }

    #[test]
    fn any_mixture_of_filters_is_a_search(
        parts in prop::collection::vec("(from|in|before|after|has|FROM|\"|'|:)?[:@#\" ]?[a-z0-9\"\u{e9}-]{0,12}", 0..60)
    ) {
        let text = parts.join(" ");
        let wanted = parse(&text);
        prop_assert_eq!(parse(&format!("  {text} ")), wanted.clone());
        prop_assert!(wanted.from.len() <= FILTERS && wanted.within.len() <= FILTERS);
    }

    #[test]
    fn ranges_are_in_order_and_on_letters(search in any::<String>(), text in any::<String>()) {
        let mut end = 0;
        for range in parse(&search).found_in(&text) {
            prop_assert!(range.start >= end && range.end > range.start);
            prop_assert!(text.get(range.clone()).is_some());
            end = range.end + 1;
        }
    }

    #[test]
    fn a_text_is_found_by_each_of_its_words(text in "[a-zA-Zéüßđ]{1,8}( [a-zA-Zéüßđ]{1,8}){0,5}") {
        for word in text.split(' ') {
            prop_assert!(!parse(word).found_in(&text).is_empty(), "{}", word);
        }
    }

    #[test]
    fn only_days_that_exist_are_days(year in 0_u16..3000, month in 0_u16..15, day in 0_u16..35) {
        let text = format!("{year:04}-{month:02}-{day:02}");
        if let Some(parsed) = Day::parse(&text) {
            prop_assert_eq!(parsed.to_string(), text);
            prop_assert!((1..=12).contains(&month) && (1..=31).contains(&day));
        }
    }
}
