//! What is a link and what only looks like one; where a link goes, whatever it pretends.

use proptest::prelude::*;

use super::*;

fn links(text: &str) -> Vec<&str> {
    find(text).into_iter().map(|range| &text[range]).collect()
}

#[test]
fn addresses_of_the_web_are_links_without_the_sentence_around_them() {
    for (text, expected) in [
        ("see https://example.org.", vec!["https://example.org"]),
        ("(http://example.org/a_(b))", vec!["http://example.org/a_(b)"]),
        ("<https://example.org/?a=1&b=2#c>", vec!["https://example.org/?a=1&b=2#c"]),
        ("HTTPS://Example.org, or http://[::1]:8080/x!", vec!["HTTPS://Example.org", "http://[::1]:8080/x"]),
        ("\"https://example.org\"", vec!["https://example.org"]),
        ("https://b\u{fc}cher.example/\u{e9}", vec!["https://b\u{fc}cher.example/\u{e9}"]),
        ("https://a.example\nhttps://b.example", vec!["https://a.example", "https://b.example"]),
        ("*https://example.org*", vec!["https://example.org"]),
    ] {
        assert_eq!(links(text), expected, "{text:?}");
    }
}

#[test]
fn all_else_stays_a_text() {
    for text in [
        "example.org www.example.org",
        "javascript://example.org/%0aalert(1)",
        "file:///etc/passwd ftp://example.org data://x smb://host/share mailto:bob@example.org",
        "xhttp://example.org shttps://example.org view-source+http://example.org",
        "http:// https:// http://. https://?x http:///",
        "http:example.org http:/example.org",
        "https://exa mple",
        "https://a%00b.example/ https://host:99999/",
        "<a href='https://",
    ] {
        let found: Vec<_> = links(text).into_iter().filter(|link| *link != "https://exa").collect();
        assert!(found.is_empty(), "{text:?}: {found:?}");
    }
    let long = format!("https://example.org/{}", "x".repeat(LENGTH_MAX));
    assert!(links(&long).is_empty());
    assert_eq!(links(&"https://a.example ".repeat(500)).len(), LINKS_MAX);
}

#[test]
fn what_turns_the_text_around_ends_a_link() {
    let raw =
        "https://example.org/\u{202E}gpj.exe and https://example.org\u{0}evil https://good.example\\@evil.example";
    assert_eq!(links(&text::literal(raw)), ["https://example.org/", "https://example.org", "https://good.example"]);
}

#[test]
fn a_target_tells_the_true_host() {
    let host = |link: &str| {
        let target = Target::of(link).unwrap();
        target.address[target.host].to_owned()
    };
    assert_eq!(host("https://paypal.com@evil.example/paypal.com"), "evil.example");
    assert_eq!(host("https://paypal.com:secret@evil.example"), "evil.example");
    assert_eq!(host("HTTP://EXAMPLE.org:8080/A"), "example.org");
    assert_eq!(host("http://[2001:db8::1]:8080/"), "[2001:db8::1]");
    assert_eq!(host("http://0x7f.1/"), "127.0.0.1");
    let named = Target::of("https://paypal.com@evil.example/").unwrap();
    assert!(named.named && !named.plain && named.written.is_none());
    assert!(Target::of("http://example.org").unwrap().plain);
}

#[test]
fn hosts_in_other_letters_are_shown_in_letters_that_cannot_be_mistaken() {
    // The first letter is Cyrillic.
    let target = Target::of("https://\u{430}pple.com/\u{202E}x").unwrap();
    assert_eq!(&target.address[target.host.clone()], "xn--pple-43d.com");
    assert_eq!(target.written.as_deref(), Some("\u{430}pple.com"));
    assert!(target.address.is_ascii(), "nothing in it can turn it around: {}", target.address);
    let target = Target::of("https://b\u{fc}cher.example:8443/\u{e9}").unwrap();
    assert_eq!(
        (&target.address[target.host.clone()], target.written.as_deref()),
        ("xn--bcher-kva.example", Some("b\u{fc}cher.example"))
    );
}

#[test]
fn a_label_gets_the_text_as_it_is_and_nothing_of_others_becomes_markup() {
    assert_eq!(markup("<b>no</b> link & nothing", &[], false), None);
    let marked = markup("<b>x</b> https://example.org/?a=1&b='2 <i>", &[], false).unwrap();
    assert_eq!(
        marked,
        "&lt;b&gt;x&lt;/b&gt; <a href=\"https://example.org/?a=1&amp;b=&apos;2\">https://example.org/?a=1&amp;b=&apos;2</a> &lt;i&gt;"
    );
    let called = "<@bob>, https://example.org/@bob";
    assert_eq!(
        markup(called, &[1..5, 28..32], false).as_deref(),
        Some("&lt;<b>@bob</b>&gt;, <a href=\"https://example.org/@bob\">https://example.org/@bob</a>")
    );
    assert_eq!(markup("see https://example.org/lo", &[], true), None, "who knows how it goes on");
}

proptest! {
    #[test]
    fn whatever_is_written_links_are_parts_of_it_and_are_addresses(text in any::<String>(), path in "[ -~]{0,40}") {
        let text = text::literal(&format!("{text} https://example.org/{path} {text}"));
        let mut last = 0;
        for range in find(&text) {
            prop_assert!(range.start >= last && range.end > range.start);
            last = range.end;
            let target = Target::of(&text[range]).unwrap();
            prop_assert!(target.address.starts_with("http") && target.host.end <= target.address.len());
            prop_assert!(target.address.is_ascii());
        }
        let shown = markup(&text, &[], false);
        prop_assert!(shown.is_none_or(|shown| shown.matches("<a ").count() == shown.matches("</a>").count()));
    }
}
