//! Texts that nobody should write, and what the window promises to show of them. The promise is written down here once more, by other means
//! than the window's own, so that a mistake in the one is none in the other.

/// What is sent.
pub fn texts() -> Vec<String> {
    let mut texts: Vec<String> = PLAIN.iter().map(|text| (*text).to_owned()).collect();
    texts.extend([
        // Ten thousand emoji would be 40 KiB: as many as a message has room for, and ten thousand that are shorter.
        "😀".repeat(4_090),
        "☺".repeat(5_400),
        "👩‍👩‍👧‍👦".repeat(600),
        format!("Z{}algo", "\u{0335}\u{0321}\u{0489}".repeat(2_000)),
        "W".repeat(16_000),
        "a ".repeat(8_000),
        "\n".repeat(5_000) + "after five thousand lines",
        "line\n".repeat(3_000),
        "<b>".repeat(5_000),
        "&amp;".repeat(3_000),
        "\u{202E}".repeat(5_000) + "x",
        "﷽".repeat(400),
        "\t".repeat(3_000) + "after three thousand tabs",
        "(".repeat(16_000),
        "x\t".repeat(3_000),
        " ".repeat(8_000) + "after eight thousand spaces",
        "\u{A0}".repeat(3_000) + "after spaces that do not break",
        "\u{3000}".repeat(3_000) + "after wide spaces",
        "\u{200D}".repeat(3_000) + "after joiners",
        // Each of them is one letter, for whoever breaks lines.
        "👩\u{200D}".repeat(2_300),
        "\u{1100}".repeat(5_000),
        "क\u{94D}".repeat(2_600),
        "𒐫".repeat(300),
        (1..=0x1F).filter_map(char::from_u32).collect::<String>() + "all control characters",
        ('\u{80}'..='\u{9F}').collect::<String>() + "all of the second kind",
    ]);
    texts
}

const PLAIN: [&str; 54] = [
    // Markup of every kind.
    "<b>bold</b> & <i>italic</i>",
    "<span size='999999' foreground='red'>huge</span>",
    "<a href=\"file:///etc/passwd\">click here</a>",
    "<a href='javascript:alert(1)'>https://bank.example</a>",
    "</span></b></markup>",
    "<b>never closed",
    "&lt;b&gt; &amp; &#60; &#x3c;",
    "& alone && <> >< <<>>",
    "<!-- a comment --><![CDATA[ data ]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e 'eee'>]>&e;",
    "<img src=\"http://192.0.2.1/seen.png\"/>",
    "<script>alert('x')</script>",
    "**bold** _under_ `code` [a](http://example.org/x)",
    "_mnemonic __double ___triple",
    "%s %n %d %1$s %%",
    "{0} {name} ${HOME} $(id) `id`",
    "'; DROP TABLE messages; --",
    "\\u0041 \\n \\x00 \\\\",
    // Direction.
    "photo\u{202E}gpj.exe",
    "\u{202D}forced\u{202C} and \u{202B}embedded\u{202C}",
    "\u{2066}isolated\u{2069} \u{2067}right\u{2069} \u{2068}first strong\u{2069}",
    "\u{200E}left\u{200F}right\u{061C}arabic mark",
    "مرحبا بالعالم",
    "שלום 123 abc עולם",
    "abc \u{202E}\u{202E}\u{202E} three at once",
    "ends turned around\u{202E}",
    // Characters that look like nothing, or are none.
    "a\u{200B}b\u{2060}c\u{FEFF}d\u{00AD}e",
    "\u{2061}\u{2062}\u{2063}\u{2064}invisible mathematics",
    "line\u{2028}separator\u{2029}paragraph",
    "\u{E0001}\u{E0041}\u{E0042}tag characters\u{E007F}",
    "\u{FFF9}interlinear\u{FFFA}annotation\u{FFFB}",
    "replacement \u{FFFD} and object \u{FFFC}",
    "noncharacters \u{FFFE}\u{FFFF}\u{FDD0} private \u{E000}\u{F8FF}",
    "\u{180E}mongolian\u{180E}vowel",
    "\u{3164}hangul filler\u{115F}\u{1160}",
    // Control characters.
    "\u{1B}[31mred\u{1B}[0m \u{1B}]0;title\u{7}",
    "bell\u{7}backspace\u{8}\u{8}\u{8}delete\u{7F}",
    "null\u{0}in the middle",
    "carriage\rreturn and\r\nline",
    "form\u{C}feed vertical\u{B}tab",
    "one\ttab\t\ttwo",
    "next\u{85}line c1\u{9B}31m",
    "first\nsecond\nthird",
    "\n\n\nafter empty lines",
    // Marks and scripts.
    "e\u{301}\u{301}\u{301} three accents",
    "Z\u{0335}\u{0321}\u{0335}\u{0321}\u{0335}\u{0321}\u{0335}a\u{0335}",
    "chào buổi sáng, Dương Nguyễn",
    "日本語 한국어 ไทย हिन्दी",
    "👩‍👩‍👧‍👦 👍🏽 ❤️ 🇻🇳 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "𝕱𝖗𝖆𝖐𝖙𝖚𝖗 ⓒⓘⓡⓒⓛⓔ",
    "аррӏе.com and apple.com",
    "ﷺ ﷽ ⸻ 𒐫",
    // What looks like the window's own words.
    "New messages",
    "Message deleted",
];

/// Addresses, and the host to which each of them leads that is a link, or has one in it. They stand between spaces.
pub const ADDRESSES: [(&str, Option<&str>); 81] = [
    ("http://example.org", Some("example.org")),
    ("https://example.org", Some("example.org")),
    ("HTTPS://EXAMPLE.ORG/Path", Some("example.org")),
    ("hTTp://mixed.example", Some("mixed.example")),
    ("https://example.org/?a=1&b=<2>", Some("example.org")),
    ("https://example.org/a_(b)", Some("example.org")),
    ("https://user@example.org/", Some("example.org")),
    ("https://paypal.com@evil.example/paypal.com", Some("evil.example")),
    ("https://paypal.com:secret@evil.example", Some("evil.example")),
    ("https://xn--pple-43d.com/", Some("xn--pple-43d.com")),
    ("https://аpple.com/", Some("xn--pple-43d.com")),
    ("https://bücher.example/é", Some("xn--bcher-kva.example")),
    ("http://[2001:db8::1]:8080/x", Some("[2001:db8::1]")),
    ("http://127.0.0.1:631/", Some("127.0.0.1")),
    ("http://0x7f.1/", Some("127.0.0.1")),
    ("http://2130706433/", Some("127.0.0.1")),
    ("http://localhost/", Some("localhost")),
    ("https://example.org:8443/", Some("example.org")),
    ("https://example.org/#fragment", Some("example.org")),
    ("https://example.org/?redirect=javascript:alert(1)", Some("example.org")),
    ("https://example.org/%2e%2e/%00", Some("example.org")),
    ("https://a.b.c.d.e.f.example/", Some("a.b.c.d.e.f.example")),
    ("http://-dash-.example/", Some("-dash-.example")),
    ("https://example.org/'quoted'x", Some("example.org")),
    ("javascript:alert(1)", None),
    ("javascript://example.org/%0aalert(1)", None),
    ("JaVaScRiPt:alert(1)", None),
    ("vbscript:msgbox(1)", None),
    ("data:text/html,<script>alert(1)</script>", None),
    ("data:text/html;base64,PHNjcmlwdD4=", None),
    ("file:///etc/passwd", None),
    ("FILE:///etc/passwd", None),
    ("file://host/share", None),
    ("ftp://example.org/", None),
    ("sftp://example.org/", None),
    ("ssh://root@example.org", None),
    ("smb://host/share", None),
    ("afp://host/share", None),
    ("nfs://host/share", None),
    ("dav://host/share", None),
    ("mailto:bob@example.org", None),
    ("tel:+123456789", None),
    ("sms:+123456789", None),
    ("magnet:?xt=urn:btih:0", None),
    ("ms-msdt:/id", None),
    ("steam://run/1", None),
    ("vnc://example.org", None),
    ("telnet://example.org", None),
    ("gopher://example.org", None),
    ("ldap://example.org", None),
    ("jar:http://example.org!/x", Some("example.org!")),
    ("view-source:http://example.org", Some("example.org")),
    ("feed:http://example.org", Some("example.org")),
    ("intent://example.org#Intent;end", None),
    ("about:blank", None),
    ("chrome://settings", None),
    ("resource:///org/gtk", None),
    ("blob:http://example.org/1", Some("example.org")),
    ("ws://example.org", None),
    ("wss://example.org", None),
    ("irc://example.org", None),
    ("xmpp:bob@example.org", None),
    ("bitcoin:1A1zP1", None),
    ("apt:evil-package", None),
    ("help:gnome", None),
    ("trash:///", None),
    ("recent:///", None),
    ("computer:///", None),
    ("hobnob:bob?k=0", None),
    ("www.example.org", None),
    ("example.org", None),
    ("//example.org/x", None),
    ("http:example.org", None),
    ("http:/example.org", None),
    ("http://", None),
    ("https:///", None),
    ("https://?x", None),
    ("https://host:99999/", None),
    ("https://a%00b.example/", None),
    ("xhttp://example.org", None),
    ("http//example.org", None),
];

/// What a character is shown as; `line` where a text has one line only.
fn shown(c: char, line: bool) -> Option<char> {
    let code = u32::from(c);
    match code {
        0x0D if !line => None,
        0x0A if !line => Some(c),
        0x00..=0x1F => char::from_u32(0x2400 + code),
        0x7F => Some('␡'),
        // Control characters of the second kind; direction; what looks like nothing; line breaks in disguise; notes and tags.
        0x80..=0x9F
        | 0x061C
        | 0x200E
        | 0x200F
        | 0x202A..=0x202E
        | 0x2066..=0x2069
        | 0xFEFF
        | 0x2060..=0x2064
        | 0x180E
        | 0xAD
        | 0x2028
        | 0x2029
        | 0xFFF9..=0xFFFB
        | 0xE0000..=0xE007F => Some('\u{FFFD}'),
        _ => Some(c),
    }
}

fn neutralised(text: &str, line: bool) -> String {
    let mut marks = 0;
    let mut out = String::new();
    for c in text.chars() {
        let is_mark = matches!(u32::from(c), 0x300..=0x36F | 0x483..=0x489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F);
        marks = if is_mark { marks + 1 } else { 0 };
        if c == '\t' && !line {
            out.push_str("    ");
        } else if marks <= 4 {
            out.extend(shown(c, line));
        }
    }
    out
}

/// What a bubble shows: at most 25 lines and 4,000 characters before somebody wants more.
pub fn in_a_bubble(text: &str) -> String {
    let mut lines = 0;
    let beginning: String = text
        .chars()
        .enumerate()
        .take_while(|(count, c)| {
            lines += usize::from(*c == '\n');
            *count < 4_000 && lines < 25
        })
        .map(|(_, c)| c)
        .collect();
    neutralised(&beginning, false)
}

/// What a line of a list shows.
pub fn in_a_line(text: &str) -> String {
    neutralised(text, true)
}

/// What the list shows of the newest message of a room.
pub fn in_the_list(text: &str) -> String {
    let first = text.trim_start().lines().next().unwrap_or_default();
    neutralised(&first.chars().take(100).collect::<String>(), true)
}

/// What a quote shows: the first line that says something.
pub fn in_a_quote(text: &str) -> String {
    let first = text.trim_start().lines().next().unwrap_or_default();
    neutralised(&first.chars().take(200).collect::<String>(), true)
}

/// What a notification says.
pub fn in_a_notification(text: &str) -> String {
    neutralised(text, false).chars().take(200).collect()
}

#[test]
fn the_promise_is_what_people_expect() {
    assert!(texts().len() >= 60 && ADDRESSES.len() >= 80);
    assert_eq!(in_a_line("photo\u{202E}gpj.exe"), "photo\u{FFFD}gpj.exe");
    assert_eq!(in_a_bubble("a\0b\u{1b}[31m\r\nc"), "a␀b␛[31m\nc");
    assert_eq!(in_a_line("a\nb"), "a␊b");
    assert_eq!(in_a_quote("\n\n <b>x\ny"), "<b>x");
    assert_eq!(in_a_bubble(&"x\n".repeat(100)).lines().count(), 25);
}
