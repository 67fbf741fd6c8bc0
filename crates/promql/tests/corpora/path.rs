//! Where the test material is.
//!
//! Not part of the project: tests skip visibly without it.

use std::path::PathBuf;

/// The path of a file or folder of the corpora, or a visible skip.
pub(crate) fn path(relative: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora"));
    let root = std::env::var_os("WATCHKEEPER_CORPORA").map_or_else(beside, PathBuf::from);
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    #[expect(clippy::print_stdout, reason = "a skip must be seen")]
    {
        println!("skipped: {relative} is not in the corpora (set WATCHKEEPER_CORPORA)");
    }
    None
}
