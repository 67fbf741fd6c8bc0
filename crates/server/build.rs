//! Tells cargo to build anew when the console was built anew: its files are embedded.
//!
//! Not the console's build: `make build` runs npm.

fn main() {
    println!("cargo::rerun-if-changed=../../ui/dist/.built");
    println!("cargo::rerun-if-changed=build.rs");
}
