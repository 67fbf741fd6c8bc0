//! Real third-party programs for tests, from npm, in a folder that is made once per target folder.
//!
//! Not needed for the product: where Node or the registry is missing, the test that wants it skips, visibly.

use std::path::PathBuf;

use tokio::process::Command;

use crate::python::{run, target_folder};

/// A folder whose `node_modules` has `packages` (`name@version`, exactly), or why there is none.
pub async fn with_packages(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let root = target_folder().join("node").join(name);
    let done = root.join("complete");
    // A test process may be killed half-way through the installation: only the marker says that it is whole.
    if !done.exists() {
        tokio::fs::create_dir_all(&root).await.map_err(|e| format!("cannot make {}: {e}", root.display()))?;
        let manifest = root.join("package.json");
        tokio::fs::write(&manifest, b"{\"private\": true}\n")
            .await
            .map_err(|e| format!("cannot write {}: {e}", manifest.display()))?;
        let quiet = ["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefer-offline"];
        run(Command::new("npm").current_dir(&root).args(quiet).args(packages)).await?;
        tokio::fs::write(&done, b"").await.map_err(|e| format!("cannot write {}: {e}", done.display()))?;
    }
    Ok(root)
}
