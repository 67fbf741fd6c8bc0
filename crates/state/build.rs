//! Says that the crate depends on its migrations, which a macro reads and Cargo does not see.
//!
//! Not a code generator.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
