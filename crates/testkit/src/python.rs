//! Real third-party programs for tests, from PyPI, in a virtual environment that is made once per target folder.
//!
//! Not needed for the product: where Python or the package index is missing, the test that wants it skips, visibly.

use std::path::PathBuf;

use tokio::process::Command;

/// The Python of a virtual environment that has `packages`, or why there is none.
///
/// The environment lies in the target folder, so that it is made once and goes with `cargo clean`.
pub async fn with_packages(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let root = target_folder().join("python").join(name);
    let python = root.join("bin").join("python");
    let done = root.join("complete");
    // A test process may be killed half-way through the installation: only the marker says that it is whole.
    if !done.exists() {
        run(Command::new("python3").arg("-m").arg("venv").arg(&root)).await?;
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(&python).args(quiet).args(packages)).await?;
        tokio::fs::write(&done, b"").await.map_err(|e| format!("cannot write {}: {e}", done.display()))?;
    }
    Ok(python)
}

pub(crate) async fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{:?}", command.as_std());
    let output = command.kill_on_drop(true).output().await.map_err(|e| format!("cannot run {shown}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("{shown} failed: {}", text.lines().last().unwrap_or("no message")))
}

/// The target folder, found from where the test binary runs: `…/target/debug/deps/name-hash`.
pub(crate) fn target_folder() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|exe| exe.ancestors().nth(3).map(PathBuf::from))
        .unwrap_or_else(std::env::temp_dir)
}
