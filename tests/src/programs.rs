//! Where the programs under test are: built once by the first who asks, found in the folder that cargo built them into.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The top of the checkout.
pub fn top() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Cargo's target folder: what this very program was built into, so `CARGO_TARGET_DIR` and `--target-dir` hold.
pub fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_else(|error| panic!("cannot tell where this program is: {error}"));
    // <target>/<profile>/deps/flows-0123 or <target>/<profile>/demo
    let profile = own.ancestors().skip(1).find(|folder| folder.file_name().is_some_and(|name| name != "deps"));
    profile.and_then(Path::parent).map_or_else(|| top().join("target"), Path::to_owned)
}

/// The built program of that name. `HOBNOB_BIN_DIR` names a folder of finished ones; without it cargo is asked once.
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| match std::env::var_os("HOBNOB_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => build(),
    });
    let path = folder.join(name);
    assert!(path.is_file(), "{} is not built; `make test` builds it", path.display());
    path
}

/// The built program of that name, run by the command `under` (such as `strace` with its options) where there is one.
pub fn command(name: &str, under: &[String]) -> Command {
    match under.split_first() {
        None => Command::new(program(name)),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program(name));
            command
        }
    }
}

fn build() -> PathBuf {
    let release = !cfg!(debug_assertions);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--workspace", "--bins"]).current_dir(top());
    command.arg("--target-dir").arg(target());
    if release {
        command.arg("--release");
    }
    let built = command.status().unwrap_or_else(|error| panic!("cannot run cargo: {error}"));
    assert!(built.success(), "cargo could not build the programs under test");
    target().join(if release { "release" } else { "debug" })
}
