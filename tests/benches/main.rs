//! The benchmarks of `make bench`: every number is printed beside a reference that is measured in the same run. `make bench` builds them, and
//! the programs, for release. Arguments choose: `talk`, `file`, `folder`, `busy`, `fair`, `path`, `search`, `server`, `timeline`, `window`; none means all.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

mod busy;
mod fair;
mod file;
mod flow;
mod folder;
mod measure;
mod path;
mod reference;
mod search;
mod server_load;
mod ssh;
mod talk;
mod timeline;
mod window;

use anyhow::Result;

fn main() -> Result<()> {
    // sshd and the namespaces of a line would outlive an interrupted run.
    hobnob_tests::process::kill_all_at_interrupt(hobnob_tests::line::tidy);
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|argument| argument == name);
    println!("Hobnob benchmarks, {} cores. Ratios are ours to the reference of the same run.\n", cores());
    if chosen("talk") {
        talk::run()?;
    }
    if chosen("file") {
        file::run()?;
    }
    if chosen("folder") {
        folder::run()?;
    }
    if chosen("busy") {
        busy::run()?;
    }
    if chosen("fair") {
        fair::run()?;
    }
    if chosen("path") {
        path::run()?;
    }
    if chosen("search") {
        search::run()?;
    }
    if chosen("server") {
        server_load::run()?;
    }
    if chosen("timeline") {
        timeline::run()?;
    }
    if chosen("window") {
        window::run()?;
    }
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
