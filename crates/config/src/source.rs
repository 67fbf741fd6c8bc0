//! Where configuration comes from: files and the environment, behind one trait.
//!
//! Not the network: a reference that needs a remote vault is resolved elsewhere.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest configuration file, in bytes.
pub const MAX_FILE: u64 = 4 * 1024 * 1024;
/// The most files that one pattern may name.
const MAX_MATCHES: usize = 1_000;
/// The deepest folder that `**` looks into.
const MAX_DEPTH: usize = 16;

/// Files and environment as configuration sees them.
pub trait Source {
    /// The text of a file, at most [`MAX_FILE`] bytes.
    fn read(&self, path: &Path) -> io::Result<String>;
    /// The names of a folder's entries, with whether each is a folder itself.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, bool)>>;
    /// A variable of the environment; none when it is not set or not text.
    fn variable(&self, name: &str) -> Option<String>;
}

/// The real files and the process's environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

impl Source for FileSystem {
    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {MAX_FILE} bytes")));
        }
        Ok(text)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, bool)>> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            // A name that is not UTF-8 cannot be written in a pattern.
            if let Ok(name) = entry.file_name().into_string() {
                names.push((name, entry.path().is_dir()));
            }
        }
        Ok(names)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// The files that a pattern (`rules/*.yaml`, `**/alerts-?.yml`) names, in order. A pattern without `*` and `?` names
/// its file, whether it exists or not, so that reading it says what is wrong.
pub fn expand(source: &dyn Source, base: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    if !pattern.contains(['*', '?']) {
        return Ok(vec![base.join(pattern)]);
    }
    let (root, rest) = pattern.strip_prefix('/').map_or((base.to_owned(), pattern), |rest| (PathBuf::from("/"), rest));
    let parts: Vec<&str> = rest.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    let mut found = Vec::new();
    walk(source, &root, &parts, 0, &mut found)?;
    found.sort();
    found.dedup();
    Ok(found)
}

fn walk(source: &dyn Source, at: &Path, parts: &[&str], depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let Some((part, rest)) = parts.split_first() else { return Ok(()) };
    if depth > MAX_DEPTH {
        return Ok(());
    }
    if !part.contains(['*', '?']) && !rest.is_empty() {
        return walk(source, &at.join(part), rest, depth + 1, found);
    }
    let entries = match source.list(at) {
        Ok(entries) => entries,
        // A folder that a pattern leads into may be absent, as for a shell.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    if *part == "**" {
        walk(source, at, rest, depth + 1, found)?;
        for (name, folder) in &entries {
            if *folder && !name.starts_with('.') {
                walk(source, &at.join(name), parts, depth + 1, found)?;
            }
        }
        return Ok(());
    }
    for (name, folder) in entries {
        if !fits(part.as_bytes(), name.as_bytes()) || (name.starts_with('.') && !part.starts_with('.')) {
            continue;
        }
        match (rest.is_empty(), folder) {
            (true, false) => {
                if found.len() >= MAX_MATCHES {
                    return Err(io::Error::other(format!("the pattern names more than {MAX_MATCHES} files")));
                }
                found.push(at.join(name));
            }
            (false, true) => walk(source, &at.join(name), rest, depth + 1, found)?,
            _ => {}
        }
    }
    Ok(())
}

/// Whether a name fits a pattern of `*` and `?`; linear in their product.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((sp, sn)) = star {
            (p, n, star) = (sp + 1, sn + 1, Some((sp, sn + 1)));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_files_in_order_and_skip_hidden_ones() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["rules/b.yaml", "rules/a.yaml", "rules/x.txt", "rules/.hidden.yaml", "rules/deep/er/c.yaml"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = expand(&FileSystem, dir.path(), pattern).unwrap();
            found.iter().map(|p| p.strip_prefix(dir.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("rules/*.yaml"), ["rules/a.yaml", "rules/b.yaml"]);
        assert_eq!(names("rules/**/*.yaml"), ["rules/a.yaml", "rules/b.yaml", "rules/deep/er/c.yaml"]);
        assert_eq!(names("rules/?.txt"), ["rules/x.txt"]);
        assert_eq!(names("absent/*.yaml"), [""; 0]);
        assert_eq!(names("absent.yaml"), ["absent.yaml"]);
    }
}
