//! The file-name rule by a table of names that people, other systems and attackers come up with, and by its properties.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Component, Path};

use proptest::prelude::*;

use super::names::{Refused, clean, with_number};

/// As offered, as kept.
const CASES: &[(&str, &str)] = &[
    ("../../.ssh/authorized_keys", "authorized_keys"),
    ("../x", "x"),
    ("../../../../etc/passwd", "passwd"),
    ("..", "file"),
    (".", "file"),
    ("...", "file"),
    ("....", "file"),
    ("/", "file"),
    ("//", "file"),
    ("///", "file"),
    ("\\", "file"),
    ("\\\\", "file"),
    ("/etc/passwd", "passwd"),
    ("//etc//passwd", "passwd"),
    ("/etc/", "file"),
    ("etc/", "file"),
    ("./a", "a"),
    ("a/.", "file"),
    ("a/..", "file"),
    ("a/./b", "b"),
    ("a/../b", "b"),
    ("..\\\\..\\\\x", "x"),
    ("..\\..\\windows\\system32\\cmd.exe", "cmd.exe"),
    ("C:\\Windows\\system.ini", "system.ini"),
    ("C:", "C_"),
    ("C:x", "C_x"),
    ("C:/x", "x"),
    ("\\\\server\\share\\x", "x"),
    ("\\\\?\\C:\\x", "x"),
    ("\\\\.\\PhysicalDrive0", "PhysicalDrive0"),
    ("file:///etc/passwd", "passwd"),
    ("smb://host/share/x", "x"),
    ("http://example.com/a?b=c", "a_b=c"),
    ("a.txt%2f..%2fb", "b"),
    ("%2e%2e%2f%2e%2e%2fetc%2fpasswd", "passwd"),
    ("..%2f..%2fx", "x"),
    ("..%5c..%5cx", "x"),
    ("..%5C..%2Fx", "x"),
    ("%2F", "file"),
    ("%5c", "file"),
    ("%252f", "%252f"),
    ("a%252fb", "a%252fb"),
    ("%", "%"),
    ("%2", "%2"),
    ("%zz", "%zz"),
    ("100%", "100%"),
    ("a%2", "a%2"),
    ("a%2g", "a%2g"),
    ("%2f%2f%2f", "file"),
    ("a%2fb/c", "c"),
    ("a/b%2fc", "c"),
    ("a\0b", "ab"),
    ("\0", "file"),
    ("\0\0\0", "file"),
    ("\u{1b}[31mred", "[31mred"),
    ("a\u{7}b", "ab"),
    ("a\u{7f}b", "ab"),
    ("a\u{85}b", "ab"),
    ("a\u{9b}b", "ab"),
    ("\u{200b}", "file"),
    ("a\u{200b}b", "ab"),
    ("\u{200b}.bashrc", "bashrc"),
    (".\u{200b}.", "file"),
    (".\u{200b}./x", "x"),
    ("%2\u{200b}f", "file"),
    ("a%\u{200b}2fb", "b"),
    ("\u{202e}gpj.exe", "gpj.exe"),
    ("photo\u{202e}gpj.exe", "photogpj.exe"),
    ("photo\u{202d}gpj.exe", "photogpj.exe"),
    ("\u{2066}a\u{2069}", "a"),
    ("a\u{2067}b\u{2069}.txt", "ab.txt"),
    ("\u{200e}a\u{200f}.txt", "a.txt"),
    ("\u{feff}a.txt", "a.txt"),
    ("a\u{2060}b", "ab"),
    ("a\u{2064}b", "ab"),
    ("\u{61c}a", "a"),
    ("a\u{2028}b", "ab"),
    ("a\u{2029}b", "ab"),
    ("a\u{ad}b", "ab"),
    ("a\u{180e}b", "ab"),
    ("a\u{fff9}b\u{fffb}", "ab"),
    ("a\u{e0041}b", "ab"),
    ("<script>.html", "_script_.html"),
    ("a<b", "a_b"),
    ("a>b", "a_b"),
    ("a:b", "a_b"),
    ("a\"b", "a_b"),
    ("a|b", "a_b"),
    ("a?b", "a_b"),
    ("a*b", "a_b"),
    ("*", "_"),
    ("?", "_"),
    ("<>:\"|?*", "_______"),
    ("a<\u{338}", "a≮"),
    (".bashrc", "bashrc"),
    (".ssh", "ssh"),
    ("..bashrc", "bashrc"),
    ("...bashrc", "bashrc"),
    (". .bashrc", "bashrc"),
    (" .bashrc", "bashrc"),
    (" . ", "file"),
    (" a", "a"),
    ("a ", "a"),
    (" a ", "a"),
    ("a.", "a"),
    ("a..", "a"),
    ("a...", "a"),
    ("a. .", "a"),
    ("a .", "a"),
    ("a . .", "a"),
    ("\u{a0}a\u{a0}", "a"),
    ("\u{3000}a", "a"),
    ("a\u{3000}", "a"),
    ("\u{2003}.profile", "profile"),
    ("con", "con_"),
    ("CON", "CON_"),
    ("Con", "Con_"),
    ("con.txt", "con_.txt"),
    ("CON.TXT", "CON_.TXT"),
    ("con.tar.gz", "con_.tar.gz"),
    ("con .txt", "con _.txt"),
    ("con.", "con_"),
    (" con", "con_"),
    ("con ", "con_"),
    ("prn", "prn_"),
    ("aux", "aux_"),
    ("aux.c", "aux_.c"),
    ("nul", "nul_"),
    ("NUL", "NUL_"),
    ("nul.png", "nul_.png"),
    ("com0", "com0_"),
    ("com1", "com1_"),
    ("COM9", "COM9_"),
    ("com1.txt", "com1_.txt"),
    ("com10", "com10"),
    ("com¹", "com¹_"),
    ("com².txt", "com²_.txt"),
    ("LPT³", "LPT³_"),
    ("lpt0", "lpt0_"),
    ("lpt1", "lpt1_"),
    ("lpt9.log", "lpt9_.log"),
    ("conin$", "conin$_"),
    ("CONOUT$", "CONOUT$_"),
    ("clock$", "clock$_"),
    ("console", "console"),
    ("conn", "conn"),
    ("auxiliary", "auxiliary"),
    ("con_", "con_"),
    ("con_.txt", "con_.txt"),
    ("a/con", "con_"),
    ("..\\nul", "nul_"),
    (".con", "con_"),
    (".con.txt", "con_.txt"),
    ("con:stream", "con_stream"),
    ("file.txt:ads", "file.txt_ads"),
    ("file.txt::$DATA", "file.txt__$DATA"),
    ("e\u{301}.txt", "é.txt"),
    ("A\u{30a}", "Å"),
    ("\u{212b}", "Å"),
    ("ẛ\u{323}", "ẛ\u{323}"),
    ("ﬁle", "ﬁle"),
    ("∕etc∕passwd", "∕etc∕passwd"),
    ("／etc／passwd", "／etc／passwd"),
    ("⁄x", "⁄x"),
    ("．．／x", "．．／x"),
    ("․․/x", "x"),
    ("a.desktop", "a.desktop"),
    ("run.sh", "run.sh"),
    ("setup.exe", "setup.exe"),
    ("photo.jpg.exe", "photo.jpg.exe"),
    ("a.pyzw", "a.pyzw"),
    ("noextension", "noextension"),
    ("-rf", "-rf"),
    ("--help", "--help"),
    ("-", "-"),
    ("~", "~"),
    ("~/x", "x"),
    ("~root", "~root"),
    ("$HOME", "$HOME"),
    ("$(id)", "$(id)"),
    ("`id`", "`id`"),
    (";rm -rf", ";rm -rf"),
    ("a&b", "a&b"),
    ("a'b", "a'b"),
    ("a!b", "a!b"),
    ("#a#", "#a#"),
    ("a~", "a~"),
    ("Thumbs.db", "Thumbs.db"),
    ("desktop.ini", "desktop.ini"),
    (".DS_Store", "DS_Store"),
    (".directory", "directory"),
    (".hidden/.x", "x"),
    ("a/b/c/d/e", "e"),
    ("a\\b/c\\d", "d"),
    ("\\\\/x", "x"),
    ("/\\\\x", "x"),
    ("a\\\\", "file"),
    ("a//", "file"),
    ("x/%2e%2e", "%2e%2e"),
    ("%2e%2e", "%2e%2e"),
    ("%2e", "%2e"),
    ("%00", "%00"),
    ("a%00.txt", "a%00.txt"),
    ("%0a", "%0a"),
    ("a%0ab", "a%0ab"),
    ("%c0%af", "%c0%af"),
    ("..%c0%afx", "%c0%afx"),
    ("..%ef%bc%8fx", "%ef%bc%8fx"),
    ("\u{202e}\u{202d}\u{200b}", "file"),
    ("\u{202e}.txt", "txt"),
    (".txt", "txt"),
    (".\u{202e}txt", "txt"),
    ("a.t\u{200b}xt", "a.txt"),
    (
        "x\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}",
        "x\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}",
    ),
    ("日本語.txt", "日本語.txt"),
    ("файл.doc", "файл.doc"),
    ("ملف.txt", "ملف.txt"),
    ("קובץ.txt", "קובץ.txt"),
    ("a힣", "a힣"),
    ("a\u{10ffff}", "a\u{10ffff}"),
    ("a b c.txt", "a b c.txt"),
    ("a  b.txt", "a  b.txt"),
    ("report (1).txt", "report (1).txt"),
    ("report (1) (1).txt", "report (1) (1).txt"),
    ("%5C%5Cserver%5Cshare", "share"),
    ("a|b>c<d\"e", "a_b_c_d_e"),
    ("\"quoted\"", "_quoted_"),
    ("'single'", "'single'"),
    ("a\nb\rc\td", "abcd"),
    ("😀.png", "😀.png"),
    ("👩\u{200d}👧.png", "👩👧.png"),
];

fn check(offered: &str, kept: &str) {
    let mut parts = Path::new(kept).components();
    assert!(matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)), "{offered:?}: {kept:?}");
    assert!(!kept.starts_with('.') && !kept.ends_with('.') && kept.trim() == kept, "{offered:?}: {kept:?}");
    assert!(kept.len() <= 200 && !kept.contains(['/', '\\', '\0', ':', '\u{202e}', '\n']), "{offered:?}: {kept:?}");
    assert_eq!(clean(kept).unwrap(), kept, "{offered:?} does not settle");
    let numbered = with_number(kept, 9_999);
    assert!(numbered.len() <= 255 && !numbered.starts_with('.') && numbered != kept, "{offered:?}: {numbered:?}");
}

#[test]
fn every_name_of_the_table_becomes_what_it_should() {
    assert!(CASES.len() >= 150);
    for (offered, kept) in CASES {
        assert_eq!(clean(offered).as_deref(), Ok(*kept), "{offered:?}");
        check(offered, kept);
    }
}

#[test]
fn long_names_are_cut_at_a_character_and_keep_a_usual_extension() {
    let long = |stem: &str, n: usize, end: &str| clean(&format!("{}{end}", stem.repeat(n))).unwrap();
    assert_eq!(long("a", 300, ""), "a".repeat(200));
    assert_eq!(long("a", 300, ".txt"), format!("{}.txt", "a".repeat(196)));
    assert_eq!(long("ä", 300, ".txt"), format!("{}.txt", "ä".repeat(98)));
    assert_eq!(long("語", 300, ".tar.gz"), format!("{}.gz", "語".repeat(65)));
    assert_eq!(long("a", 300, ".an_extension_of_its_own").len(), 200);
    assert_eq!(long("a.", 150, "").len(), 200);
    assert_eq!(clean(&"x".repeat(5_000)), Err(Refused::TooLong(5_000)));
    for n in 190..=260 {
        for end in ["", ".txt", " .txt", ".", "\u{301}", "\u{301}.txt", "/..", "%2f", ".0123456789abcdef"] {
            let offered = format!("{}{end}", "e".repeat(n));
            check(&offered, &clean(&offered).unwrap());
        }
    }
}

#[test]
fn numbers_stand_before_the_extension() {
    assert_eq!(with_number("a.txt", 0), "a.txt");
    assert_eq!(with_number("a.txt", 1), "a (1).txt");
    assert_eq!(with_number("a", 2), "a (2)");
    assert_eq!(with_number("a.tar.gz", 3), "a (3).tar.gz");
    assert_eq!(with_number("tar.gz", 3), "tar (3).gz");
    assert_eq!(with_number("a.b c d e f g h i j k", 1), "a.b c d e f g h i j k (1)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_becomes_one_safe_component_or_is_refused(offered in "(?s).{0,300}") {
        if let Ok(kept) = clean(&offered) {
            check(&offered, &kept);
        }
    }

    #[test]
    fn pieces_of_attacks_become_one_safe_component(pieces in prop::collection::vec(prop::sample::select(vec![
        ".", "..", "/", "\\", "%2f", "%5C", "%", "2", "f", "\u{200b}", "\u{202e}", "\0", "con", "nul", "COM1", " ", "\u{a0}", ":",
        "<", "\u{338}", "\u{301}", "e", ".txt", "\u{feff}", "\u{212a}", "語", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\n", "~",
    ]), 0..24)) {
        let offered = pieces.concat();
        check(&offered, &clean(&offered).unwrap());
    }
}
