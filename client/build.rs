//! Packs style sheets, icons and the shortcuts window of `resources/` into the desktop program.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "desktop")]
    glib_build_tools::compile_resources(&["../resources"], "../resources/hobnob.gresource.xml", "hobnob.gresource");
}
