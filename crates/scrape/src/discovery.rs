//! Finding targets: files and URLs that list them (<https://prometheus.io/docs/prometheus/latest/http_sd/>).
//!
//! Not what becomes of them. What cannot be read leaves the groups that were found before in force, and is told.

use std::path::Path;

use serde::Deserialize;
use watchkeeper_config::model::scrape::{FileDiscovery, HttpDiscovery, TargetGroup};
use watchkeeper_config::source::{FileSystem, expand};

use crate::fetch::{Fetch, Request};

/// The most bytes of a list of targets.
const MOST_BYTES: usize = 4 << 20;
/// The most targets of a list.
const MOST_TARGETS: usize = 20_000;

#[derive(Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

/// Reads the files. The groups of a file that cannot be read are left out and told.
pub(crate) fn from_files(discovery: &FileDiscovery) -> (Vec<TargetGroup>, Vec<String>) {
    let (mut groups, mut problems) = (Vec::new(), Vec::new());
    for path in &discovery.paths {
        let files = match expand(&FileSystem, Path::new(""), &path.to_string_lossy()) {
            Ok(files) => files,
            Err(error) => {
                problems.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        for file in files {
            match read(&file) {
                Ok(mut found) => groups.append(&mut found),
                Err(problem) => problems.push(format!("{}: {problem}", file.display())),
            }
        }
    }
    (groups, problems)
}

fn read(file: &Path) -> Result<Vec<TargetGroup>, String> {
    let size = std::fs::metadata(file).map_err(|e| e.to_string())?.len();
    if size > MOST_BYTES as u64 {
        return Err(format!("it is larger than {MOST_BYTES} bytes"));
    }
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    let groups: Vec<Group> = if file.extension().is_some_and(|end| end == "json") {
        serde_json::from_str(&text).map_err(|e| e.to_string())?
    } else {
        serde_saphyr::from_str(&text).map_err(|e| e.to_string())?
    };
    checked(groups, "__meta_filepath", &file.display().to_string())
}

/// Asks a URL.
pub(crate) async fn from_url(fetch: &dyn Fetch, discovery: &HttpDiscovery) -> Result<Vec<TargetGroup>, String> {
    let request = Request {
        url: discovery.url.parse().map_err(|_| "it is no URL".to_owned())?,
        accept: "application/json",
        authorization: discovery.authorization.clone(),
        timeout_seconds: None,
        most_bytes: MOST_BYTES,
    };
    let answer = fetch.fetch(request).await.map_err(|e| e.to_string())?;
    if !answer.content_type.as_deref().is_some_and(|t| t.trim_start().starts_with("application/json")) {
        return Err("its content type is not application/json".to_owned());
    }
    let groups: Vec<Group> = serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?;
    checked(groups, "__meta_url", &discovery.url)
}

fn checked(groups: Vec<Group>, source: &str, named: &str) -> Result<Vec<TargetGroup>, String> {
    if groups.iter().map(|group| group.targets.len()).sum::<usize>() > MOST_TARGETS {
        return Err(format!("it lists more than {MOST_TARGETS} targets"));
    }
    let with_source = |mut group: Group| {
        group.labels.insert(source.to_owned(), named.to_owned());
        TargetGroup { targets: group.targets, labels: group.labels }
    };
    Ok(groups.into_iter().map(with_source).collect())
}
