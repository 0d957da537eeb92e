//! What is installed beside the programs passes the desktop's own checks.

use std::path::PathBuf;
use std::process::Command;

fn resources(ending: &str) -> Vec<PathBuf> {
    let folder = hobnob_tests::programs::top().join("resources");
    let all = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    all.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
}

/// Runs a checker over each file; says so loudly where it is not installed.
fn check(program: &str, arguments: &[&str], files: &[PathBuf]) {
    for file in files {
        match Command::new(program).args(arguments).arg(file).output() {
            Ok(output) => {
                let said = [output.stdout, output.stderr].concat();
                assert!(output.status.success(), "{}:\n{}", file.display(), String::from_utf8_lossy(&said));
            }
            Err(error) => eprintln!("SKIPPED: {program}: {error} (make setup)"),
        }
    }
}

#[test]
fn desktop_entry_and_metainfo_are_valid() {
    let entries = resources(".desktop");
    let metainfo = resources(".metainfo.xml");
    assert!(!entries.is_empty() && !metainfo.is_empty(), "no desktop entry or no metainfo under resources/");
    check("desktop-file-validate", &[], &entries);
    check("appstreamcli", &["validate", "--no-net"], &metainfo);
}

#[test]
fn the_schema_is_valid_and_goes_with_the_programs() {
    let top = hobnob_tests::programs::top();
    match Command::new("glib-compile-schemas").args(["--strict", "--dry-run"]).arg(top.join("resources")).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => eprintln!("SKIPPED: glib-compile-schemas: {error} (make setup)"),
    }
    let makefile = std::fs::read_to_string(top.join("Makefile")).unwrap();
    assert!(makefile.contains("resources/*.gschema.xml $(DIST)/share/glib-2.0/schemas"));
}

#[test]
fn scripts_are_sound() {
    let top = hobnob_tests::programs::top();
    for script in ["resources/setup/packages.sh", ".ci/run"] {
        let status = Command::new("bash").arg("-n").arg(top.join(script)).status().unwrap();
        assert!(status.success(), "{script}");
        let text = std::fs::read_to_string(top.join(script)).unwrap();
        assert!(text.starts_with("#!/usr/bin/env bash\n"), "{script}");
    }
}

#[test]
fn the_python_parts_compile() {
    let folder = hobnob_tests::programs::top().join("tests/ui");
    for entry in
        std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "py"))
    {
        let program = "import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])";
        let status = Command::new("python3").args(["-c", program]).arg(entry.path()).status().unwrap();
        assert!(status.success(), "{}", entry.path().display());
    }
}
