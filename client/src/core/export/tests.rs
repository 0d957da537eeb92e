//! Exports of real histories: all of it, in order, and nobody's words as anything but words.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hobnob_shared::id::{DeviceId, MessageId};
use hobnob_shared::message::{Act, Entry, What};

use super::*;
use crate::core::history::messages::{self, Arrival};
use crate::core::history::tests::{handle, incoming, own, thread, with};

const HOSTILE: &str = "</p><script>alert(1)</script> <img src=x onerror='go()'> &amp; photo\u{202E}gpj.exe \u{1b}[31m\n[00:00] alice:\nnot alice";

struct Disk {
    folder: tempfile::TempDir,
    history: History,
}

impl Disk {
    async fn with(entries: Vec<Entry>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("profile")).unwrap();
        let history = History::open(&folder.path().join("profile/history.db")).unwrap();
        history
            .write(move |c| {
                let (thread, conversation, author) = (thread("bob"), with("bob"), handle("bob"));
                let device = DeviceId([9; 32]);
                let arrival = Arrival {
                    thread: &thread,
                    conversation: &conversation,
                    author: &author,
                    device,
                    own: false,
                    after: 0,
                };
                messages::insert_entries(c, &arrival, &entries)
            })
            .await
            .unwrap();
        Self { folder, history }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn export(&self, path: &Path, format: Format, overwrite: bool) -> Result<u64, Trouble> {
        let wish = Wish {
            conversation: with("bob"),
            own: handle("alice"),
            path: path.to_owned(),
            profile: self.path("profile"),
            format,
            overwrite,
            told: Box::new(|messages| messages),
        };
        run(&self.history, wish).await.map(|(count, _)| count)
    }

    async fn text(&self, format: Format) -> String {
        let path = self.path("export");
        self.export(&path, format, true).await.unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    /// Names beside the profile.
    fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn said(number: u64, text: &str) -> Entry {
    // One each hour, over some days.
    let at = 1_700_000_000_000 + number * 3_600_000;
    Entry { clock: at, sent_at: at, ..incoming(number, text) }
}

fn talk() -> Vec<Entry> {
    let (first, gone) = (said(1, "first & foremost"), said(2, "taken back"));
    let act = |number, what, of, text: &str| Entry { act: Some(Act { of, what }), ..said(number, text) };
    let answer = Entry { reply_to: Some(first.id), ..said(3, HOSTILE) };
    let (edit, delete) = (act(4, What::Edit, first.id, "first & <b>foremost</b>"), act(5, What::Delete, gone.id, ""));
    let emoji = act(6, What::React, answer.id, "👍");
    let lost = Entry { reply_to: Some(MessageId::new()), ..said(7, "to what?") };
    vec![first, gone, answer, edit, delete, emoji, lost]
}

#[tokio::test]
async fn a_page_has_no_part_that_somebody_else_wrote() {
    let disk = Disk::with(talk()).await;
    let page = disk.text(Format::Html).await;
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>foremost"));
    assert!(!page.contains('\u{202E}') && !page.contains('\u{1b}'));
    assert!(page.contains("first &amp; &lt;b&gt;foremost&lt;/b&gt;") && page.contains(" · edited"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains(" · 👍 bob"));
    assert!(page.contains("<p class=\"gone\">Message deleted</p>") && !page.contains("taken back"));
    assert!(page.contains("bob: first &amp; &lt;b&gt;foremost&lt;/b&gt;</a>") && page.contains("An earlier message"));
    assert!(page.contains("default-src 'none'"));
    // Nothing in it leads elsewhere.
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
    assert_eq!(page.matches("<article").count(), page.matches("</article>").count());
}

#[tokio::test]
async fn nobodys_lines_pass_for_lines_of_the_text_itself() {
    let disk = Disk::with(talk()).await;
    let text = disk.text(Format::Text).await;
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(heads.len(), 4);
    assert!(heads.iter().all(|head| head.contains("] bob")), "{heads:?}");
    assert!(text.contains("    [00:00] alice:\n    not alice") && text.contains("(message deleted)"));
    assert!(text.contains("photo\u{FFFD}gpj.exe") && text.contains("    + 👍 by bob"));
    assert!(text.contains("November 2023 ---") && text.starts_with("Conversation with bob\n====="));
}

#[tokio::test]
async fn json_says_everything_as_it_is() {
    let disk = Disk::with(talk()).await;
    let text = disk.text(Format::Json).await;
    assert!(!text.contains('\u{202E}'), "an editor would turn the line around");
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&all["conversation"], &all["exported_by"]), (&"@bob".into(), &"alice".into()));
    let messages = all["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 4);
    assert_eq!((&messages[2]["text"], &messages[2]["reply_to"]), (&HOSTILE.into(), &messages[0]["message"]));
    assert_eq!((&messages[0]["edited"], &messages[1]["deleted"]), (&true.into(), &true.into()));
    assert_eq!(all["files"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_long_conversation_is_whole_and_in_order() {
    let count = 2 * PIECE as u64 + 17;
    let disk = Disk::with((1..=count).map(|n| said(n, &format!("number {n}."))).collect()).await;
    assert_eq!(disk.export(&disk.path("all"), Format::Text, false).await, Ok(count));
    let text = std::fs::read_to_string(disk.path("all")).unwrap();
    let numbers: Vec<&str> = text.lines().filter(|line| line.starts_with("    number")).collect();
    assert_eq!(numbers.len() as u64, count);
    assert!((1..).zip(&numbers).all(|(n, line)| *line == format!("    number {n}.")));
    assert_eq!(std::fs::metadata(disk.path("all")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn nothing_is_replaced_unasked_and_nothing_is_left_of_what_fails() {
    let disk = Disk::with(talk()).await;
    std::fs::write(disk.path("mine"), "precious").unwrap();
    std::fs::create_dir(disk.path("folder")).unwrap();
    let try_at = |name: &str, overwrite| {
        let path = disk.path(name);
        let disk = &disk;
        async move { disk.export(&path, Format::Text, overwrite).await }
    };
    assert_eq!(try_at("mine", false).await, Err(Trouble::Taken));
    assert_eq!(std::fs::read_to_string(disk.path("mine")).unwrap(), "precious");
    assert_eq!(try_at("folder", true).await, Err(Trouble::Folder));
    assert_eq!(try_at("nowhere/at/all", true).await, Err(Trouble::FolderMissing));
    assert_eq!(try_at("profile/history.db", true).await, Err(Trouble::OwnProfile));
    assert_eq!(disk.export(Path::new("/"), Format::Text, true).await, Err(Trouble::BadName));
    assert_eq!(disk.names(), ["folder", "mine", "profile"]);
    assert_eq!(try_at("mine", true).await, Ok(4));
    assert_eq!(disk.names(), ["folder", "mine", "profile"]);
    let target = |overwrite| {
        Target::create(&disk.path("new"), &disk.path("profile"), overwrite).unwrap().write(b"whole").unwrap()
    };
    let hidden = |overwrite| target(overwrite).hide().write(b"whole").unwrap();
    // Somebody else was quicker.
    let late = [target(false), hidden(false)];
    std::fs::write(disk.path("new"), "theirs").unwrap();
    assert_eq!(late.map(Target::place), [Err(Trouble::Taken), Err(Trouble::Taken)]);
    assert_eq!(disk.names(), ["folder", "mine", "new", "profile"]);
    for whole in [target(true), hidden(true)] {
        std::fs::write(disk.path("new"), "theirs").unwrap();
        whole.place().unwrap();
        assert_eq!(std::fs::read_to_string(disk.path("new")).unwrap(), "whole");
    }
    assert_eq!(disk.names(), ["folder", "mine", "new", "profile"]);
}

#[tokio::test]
async fn only_a_plain_file_is_ever_replaced() {
    let disk = Disk::with(talk()).await;
    std::fs::write(disk.path("mine"), "precious").unwrap();
    std::os::unix::fs::symlink(disk.path("mine"), disk.path("link")).unwrap();
    std::os::unix::fs::symlink(disk.path("nowhere"), disk.path("broken")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(disk.path("socket")).unwrap();
    let pipe = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, disk.path("pipe"), fifo, pipe, 0).unwrap();
    let kinds = |disk: &Disk| {
        let kind = |name: String| std::fs::symlink_metadata(disk.path(&name)).unwrap().file_type();
        disk.names().into_iter().map(kind).collect::<Vec<_>>()
    };
    let before = kinds(&disk);
    for name in ["link", "broken", "socket", "pipe"] {
        for overwrite in [true, false] {
            let written = disk.export(&disk.path(name), Format::Text, overwrite).await;
            assert_eq!(written, Err(Trouble::NoPlainFile), "{name}");
        }
    }
    // It came while the file was written.
    let target = Target::create(&disk.path("mine"), &disk.path("profile"), true).unwrap();
    std::fs::rename(disk.path("pipe"), disk.path("mine")).unwrap();
    assert_eq!(target.write(b"whole").unwrap().place(), Err(Trouble::NoPlainFile));
    std::fs::rename(disk.path("mine"), disk.path("pipe")).unwrap();
    std::fs::write(disk.path("mine"), "precious").unwrap();
    assert_eq!(kinds(&disk), before);
}

#[test]
fn nothing_is_seen_of_an_export_that_is_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let target = Target::create(&folder.path().join("new"), Path::new("/nowhere"), false).unwrap();
    let target = target.write(b"half").unwrap();
    // Such as when the program is killed: nothing is cleaned up then.
    if target.is_nameless() {
        assert_eq!(names(), 0);
    }
    let target = target.hide();
    assert_eq!(names(), 1);
    drop(target);
    assert_eq!(names(), 0);
}

#[tokio::test]
async fn what_is_not_sent_yet_says_so() {
    let disk = Disk::with(vec![]).await;
    disk.history.write(|c| messages::insert_own(c, &own("bob", "hello", 1))).await.unwrap();
    assert!(disk.text(Format::Text).await.contains("alice (not sent yet):\n    hello"));
    assert!(disk.text(Format::Html).await.contains("class=\"own\"><b>alice</b>"));
}
