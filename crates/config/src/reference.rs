//! References in texts: `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}`; `$${` stands for `${`.
//!
//! Not templates: a resolved value is never looked at again, so a secret that holds `${…}` or `{{` stays as it is.

use std::path::{Path, PathBuf};

use crate::source::Source;

/// Part of a text.
#[derive(Debug, PartialEq)]
enum Part<'a> {
    Text(&'a str),
    Variable { name: &'a str, default: Option<&'a str> },
    File(&'a str),
}

/// Why a text could not be resolved. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The variable is not set.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// The file cannot be read.
    #[error("the secret file `{path}` cannot be read: {reason}")]
    File {
        /// Its path as written.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The reference is not well formed.
    #[error("`{0}` is not a reference; write `${{env:NAME}}` or `${{file:PATH}}` (`$${{` for a plain `${{`)")]
    Malformed(String),
}

/// Whether a text refers to something.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    parts(text).is_ok_and(|parts| parts.iter().any(|p| !matches!(p, Part::Text(_))))
}

/// Replaces all references of a text. Relative paths of files are under `base`.
/// Files lose one line feed at their end, as editors add it.
pub fn resolve(text: &str, source: &dyn Source, base: &Path) -> Result<String, ReferenceError> {
    let mut out = String::with_capacity(text.len());
    for part in parts(text)? {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Variable { name, default } => match (source.variable(name).filter(|v| !v.is_empty()), default) {
                (Some(value), _) => out.push_str(&value),
                (None, Some(default)) => out.push_str(default),
                (None, None) => return Err(ReferenceError::Unset(name.to_owned())),
            },
            Part::File(path) => {
                let full: PathBuf = base.join(path);
                let text = source
                    .read(&full)
                    .map_err(|e| ReferenceError::File { path: path.to_owned(), reason: e.to_string() })?;
                out.push_str(text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t)));
            }
        }
    }
    Ok(out)
}

/// The references of a text, as they are written; malformed ones are plain text.
#[must_use]
pub fn references(text: &str) -> Vec<&str> {
    pieces(text).into_iter().filter_map(|(piece, reference)| reference.then_some(piece)).collect()
}

/// A template whose references were taken out, so that it can be rendered over hostile data without the data becoming
/// references or the secrets becoming templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked<'a> {
    /// The template with a mark in the place of each reference.
    pub template: String,
    references: Vec<&'a str>,
}

/// The marks are private-use characters; [`Masked::sanitize`] keeps data from holding them.
const MARK: [char; 2] = ['\u{e000}', '\u{e001}'];

impl<'a> Masked<'a> {
    /// Takes the references out of a template.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let (mut template, mut references) = (String::with_capacity(text.len()), Vec::new());
        for (piece, reference) in pieces(text) {
            if reference {
                template.extend([
                    MARK[0],
                    char::from_u32(0xe100 + u32::try_from(references.len()).unwrap_or(0) % 0x800).unwrap_or(MARK[0]),
                    MARK[1],
                ]);
                references.push(piece);
            } else {
                template.push_str(&Self::sanitize(piece));
            }
        }
        Self { template, references }
    }

    /// Data without the characters that marks are made of.
    #[must_use]
    pub fn sanitize(data: &str) -> String {
        data.replace(MARK, "\u{fffd}")
    }

    /// The rendered text in the notation of references: those of the template are back, and a `${` that came from data
    /// is escaped, so that [`resolve`] leaves it alone.
    #[must_use]
    pub fn restore(&self, rendered: &str) -> String {
        let mut out = rendered.replace("${", "$${");
        for (at, reference) in self.references.iter().enumerate() {
            let mark: String =
                [MARK[0], char::from_u32(0xe100 + u32::try_from(at).unwrap_or(0) % 0x800).unwrap_or(MARK[0]), MARK[1]]
                    .into_iter()
                    .collect();
            out = out.replace(&mark, reference);
        }
        out
    }
}

/// Pieces of a text, with whether each is a well-formed reference. `$${` comes out as `${`.
fn pieces(text: &str) -> Vec<(&str, bool)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let at = before.len();
        if let Some(before) = before.strip_suffix('$') {
            out.push((before, false));
            out.push(("${", false));
            rest = after;
            continue;
        }
        out.push((before, false));
        let length = after.find('}').map_or(0, |end| end + 3);
        let candidate = rest.get(at..at + length).unwrap_or("");
        if is_reference(candidate) {
            out.push((candidate, true));
            rest = rest.get(at + length..).unwrap_or("");
        } else {
            out.push(("${", false));
            rest = after;
        }
    }
    out.push((rest, false));
    out
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, ReferenceError> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push(Part::Text(before));
            out.push(Part::Text("${"));
            rest = after;
            continue;
        }
        out.push(Part::Text(before));
        let malformed = || {
            ReferenceError::Malformed(format!(
                "${{{}",
                after.chars().take_while(|c| *c != '}').take(40).collect::<String>()
            ))
        };
        let (inner, tail) = after.split_once('}').ok_or_else(malformed)?;
        out.push(match inner.split_once(':') {
            Some(("env", name)) => {
                let (name, default) = name.split_once(":-").map_or((name, None), |(n, d)| (n, Some(d)));
                if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    return Err(malformed());
                }
                Part::Variable { name, default }
            }
            Some(("file", path)) if !path.is_empty() => Part::File(path),
            _ => return Err(malformed()),
        });
        rest = tail;
    }
    out.push(Part::Text(rest));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Memory;

    #[test]
    fn references_are_replaced_once_and_escapes_stay() {
        let source = Memory::default().env("A", "1${env:B}").env("EMPTY", "").file("/etc/wk/s", "geheim\n");
        let resolve = |text| resolve(text, &source, Path::new("/etc/wk"));
        assert_eq!(resolve("x${env:A}y"), Ok("x1${env:B}y".to_owned()));
        assert_eq!(resolve("${file:s}/${env:NO:-d}"), Ok("geheim/d".to_owned()));
        assert_eq!(resolve("$${env:A}"), Ok("${env:A}".to_owned()));
        assert_eq!(resolve("${env:NO}"), Err(ReferenceError::Unset("NO".to_owned())));
        assert_eq!(resolve("${env:EMPTY}"), Err(ReferenceError::Unset("EMPTY".to_owned())));
        assert!(matches!(resolve("${HOME}"), Err(ReferenceError::Malformed(_))));
        assert!(matches!(resolve("${env:A"), Err(ReferenceError::Malformed(_))));
        let masked = Masked::new("Bearer ${env:A} {{ x }} ${HOME} $${env:B}");
        let rendered = masked.template.replace("{{ x }}", "${env:EVIL}");
        let restored = masked.restore(&rendered);
        assert_eq!(restored, "Bearer ${env:A} $${env:EVIL} $${HOME} $${env:B}");
        assert_eq!(resolve(&restored), Ok("Bearer 1${env:B} ${env:EVIL} ${HOME} ${env:B}".to_owned()));
        assert_eq!(references("${env:A}/${nope}/${file:s}"), ["${env:A}", "${file:s}"]);
        assert!(is_reference("Bearer ${env:T}") && !is_reference("$${env:T}") && !is_reference("plain"));
    }
}
