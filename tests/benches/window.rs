//! The window's start with 1,000 friends and a conversation, beside a window with one label, on a virtual display. The gallery plays the
//! core here, so that what is timed is the window.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use anyhow::{Context, Result, ensure};
use hobnob_tests::display::{Display, missing};
use hobnob_tests::programs::target;

pub fn run() -> Result<()> {
    println!("The window");
    if let Some(missing) = missing() {
        println!("  skipped, {missing}\n");
        return Ok(());
    }
    let gallery = target().join("release/examples/gallery");
    ensure!(gallery.is_file(), "{} is not built; `make bench` builds it", gallery.display());
    let display = Display::start(1280, 900);
    let output = display.command(gallery).arg("--measure").output().context("the gallery does not run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        println!("  {line}");
    }
    println!();
    Ok(())
}
