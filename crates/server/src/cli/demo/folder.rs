//! The demo's folder: a copy of the example's configuration, with this demo's addresses.
//!
//! Not a template language: the example is a valid configuration as it stands, and only its addresses are replaced.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Failure;

const MAIN: &str = include_str!("../../../../../examples/money404-bank/watchkeeper/watchkeeper.yaml");
const FILES: &[(&str, &str)] = &[
    ("rules/seed.yaml", include_str!("../../../../../rules/seed.yaml")),
    (
        "workflows/restart-service.yaml",
        include_str!("../../../../../examples/money404-bank/watchkeeper/workflows/restart-service.yaml"),
    ),
    (
        "workflows/restart-accounts-pool.yaml",
        include_str!("../../../../../examples/money404-bank/watchkeeper/workflows/restart-accounts-pool.yaml"),
    ),
    (
        "workflows/block-address.yaml",
        include_str!("../../../../../examples/money404-bank/watchkeeper/workflows/block-address.yaml"),
    ),
];

/// Ports as the example writes them.
const PORTS: [u16; 10] = [7404, 4318, 4317, 7450, 7451, 7452, 7453, 7454, 7455, 7456];

/// Where everything of this demo listens.
pub(super) struct Places {
    offset: u16,
}

impl Places {
    pub(super) fn new(offset: u16) -> Result<Self, Failure> {
        if offset > 50_000 {
            return Err(Failure::Usage("--port-offset may be at most 50000".to_owned()));
        }
        Ok(Self { offset })
    }
    fn port(&self, at: usize) -> u16 {
        PORTS[at] + self.offset
    }
    pub(super) fn moved(&self, port: u16) -> u16 {
        port + self.offset
    }
    pub(super) fn address(&self, port: u16) -> String {
        format!("127.0.0.1:{}", self.moved(port))
    }
    pub(super) fn server_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port(0))
    }
    pub(super) fn slack_url(&self) -> String {
        format!("http://{}", self.address(7455))
    }
    pub(super) fn front_url(&self) -> String {
        format!("http://{}", self.address(7451))
    }
}

/// Writes the configuration unless an edited one is there for the same addresses. Gives the main file.
pub(super) fn prepare(
    data: &Path,
    places: &Places,
    smtp: Option<&str>,
    webhook: Option<&str>,
) -> Result<PathBuf, Failure> {
    let folder = data.join("config");
    let main = folder.join("watchkeeper.yaml");
    let mut text: String = MAIN
        .lines()
        .filter(|line| smtp.is_some() || !line.ends_with("# with e-mail"))
        .filter(|line| webhook.is_some() || !line.ends_with("# with a webhook"))
        .flat_map(|line| [line, "\n"])
        .collect();
    if let Some(smtp) = smtp {
        let (host, port) = smtp.rsplit_once(':').context("--smtp is HOST:PORT")?;
        text = text.replace("host: 127.0.0.1, port: 2525", &format!("host: {host}, port: {port}"));
    }
    if let Some(webhook) = webhook {
        text = text.replace("http://127.0.0.1:7456/hook", webhook);
    }
    write_unless_edited(&main, &moved(&text, places))?;
    for (name, text) in FILES {
        write_unless_edited(&folder.join(name), &moved(text, places))?;
    }
    Ok(main)
}

fn moved(text: &str, places: &Places) -> String {
    if places.offset == 0 {
        return text.to_owned();
    }
    PORTS.iter().fold(text.to_owned(), |text, port| {
        text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{}", port + places.offset))
    })
}

/// Keeps a file that a person changed: one that differs from what the demo itself wrote last.
fn write_unless_edited(file: &Path, text: &str) -> Result<(), Failure> {
    let written = file.with_extension("written");
    let before = std::fs::read_to_string(file).ok();
    if before.is_some() && before != std::fs::read_to_string(&written).ok() {
        return Ok(());
    }
    let folder = file.parent().context("a file is in a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    for path in [file, &written] {
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_file_is_kept_and_an_untouched_one_renewed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.yaml");
        write_unless_edited(&file, "one").unwrap();
        write_unless_edited(&file, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "two");
        std::fs::write(&file, "mine").unwrap();
        write_unless_edited(&file, "three").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }

    #[test]
    fn ports_move_together_and_optional_lines_go() {
        let dir = tempfile::tempdir().unwrap();
        let main = prepare(dir.path(), &Places::new(1_000).unwrap(), None, None).unwrap();
        let text = std::fs::read_to_string(main).unwrap();
        assert!(text.contains("listen: 127.0.0.1:8404") && text.contains("127.0.0.1:8453/healthz"), "{text}");
        assert!(!text.contains("smtp") && !text.contains("/hook"), "{text}");
    }
}
