//! A problem in a configuration file: where, what, and what to do; as one line of text or with the lines around it.
//!
//! Not printing: the command line renders these with miette, editors and CI read the `file:line:column` lines.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use miette::{LabeledSpan, NamedSource, SourceCode};
use regex::Regex;
use watchkeeper_domain::Code;

use crate::place::Place;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// It is taken; somebody should look.
    Warning,
}

/// One problem. `Display` is `file:line:column: WK3002 what is wrong; what to do`.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The problem's code.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// The file.
    pub file: String,
    /// From 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// From 1; 0 when it is about the file as a whole.
    pub column: usize,
    /// What is wrong with what.
    pub message: String,
    /// What to do; accepted values; the nearest known name.
    pub help: Option<String>,
    /// The other place, when two do not fit together: file, line, column.
    pub related: Option<(String, usize, usize)>,
    span: (usize, usize),
    /// Where it is, until [`seal`] takes it: it knows the text with its secrets.
    place: Option<Place>,
    /// The file's text with secrets covered, shared by all problems of the file.
    source: Option<Arc<NamedSource<String>>>,
}

impl Diagnostic {
    pub(crate) fn at(code: Code, place: &Place, message: impl Into<String>) -> Self {
        let (line, column) = place.line_column();
        Self {
            code,
            severity: Severity::Error,
            file: place.file.path.clone(),
            line,
            column,
            message: message.into(),
            help: None,
            related: None,
            span: (place.start, place.end.saturating_sub(place.start)),
            place: Some(place.clone()),
            source: None,
        }
    }

    pub(crate) fn about_file(code: Code, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            file: file.into(),
            line: 0,
            column: 0,
            message: message.into(),
            help: None,
            related: None,
            span: (0, 0),
            place: None,
            source: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub(crate) fn other(mut self, place: &Place) -> Self {
        let (line, column) = place.line_column();
        self.related = Some((place.file.path.clone(), line, column));
        self
    }
}

/// Gives problems the text around them, with literal secrets covered. Nothing leaves this crate unsealed.
pub(crate) fn seal(diagnostics: &mut [Diagnostic], secrets: &[Place]) {
    let mut sources: HashMap<String, Arc<NamedSource<String>>> = HashMap::new();
    for diagnostic in diagnostics {
        let Some(place) = diagnostic.place.take() else { continue };
        let source = sources.entry(place.file.path.clone()).or_insert_with(|| {
            let ranges: Vec<(usize, usize)> =
                secrets.iter().filter(|p| p.file.path == place.file.path).map(|p| (p.start, p.end)).collect();
            Arc::new(NamedSource::new(&place.file.path, covered(&place.file.text, &ranges)))
        });
        diagnostic.source = Some(Arc::clone(source));
    }
}

/// The text with stars over `ranges` and over whatever stands behind a key that names a secret: a file with broken
/// syntax has no positions yet, but may hold a password.
fn covered(text: &str, ranges: &[(usize, usize)]) -> String {
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?im)(?:webhook_url|api_url|token|password|secret|authorization|api[_-]?key)["']?\s*:[ \t]*(\S[^\n]*)|://([^\s/@]+)@|hooks\.slack\.com/(\S+)"#)
            .expect("a constant pattern")
    });
    let found = SECRET.captures_iter(text).flat_map(|c| {
        c.iter()
            .skip(1)
            .flatten()
            .filter(|m| !m.as_str().trim_start_matches(['"', '\'']).starts_with("${"))
            .map(|m| (m.start(), m.end()))
            .collect::<Vec<_>>()
    });
    let mut bytes = text.as_bytes().to_vec();
    for (start, end) in found.chain(ranges.iter().copied()) {
        for byte in bytes.iter_mut().take(end).skip(start).filter(|b| !matches!(b, b'\n' | b'\r')) {
            *byte = b'*';
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        let word = if self.severity == Severity::Warning { "warning: " } else { "" };
        // Regex engines draw pictures; a line stays one line.
        let message: Vec<&str> = self.message.split_whitespace().collect();
        write!(f, ": {} {word}{}", self.code.as_str(), message.join(" "))?;
        if let Some((file, line, column)) = &self.related {
            write!(f, " (the other is at {file}:{line}:{column})")?;
        }
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

/// The part that miette shows as the headline.
#[derive(Debug)]
struct Rendered<'a>(&'a Diagnostic);

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Rendered<'_> {}

impl miette::Diagnostic for Rendered<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.code.as_str()))
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.0.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let other =
            self.0.related.as_ref().map(|(file, line, column)| format!("the other is at {file}:{line}:{column}"));
        let help: Vec<String> = other.into_iter().chain(self.0.help.clone()).collect();
        if help.is_empty() { None } else { Some(Box::new(help.join("; "))) }
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source.as_deref().map(|source| source as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, length) = self.0.span;
        self.0.source.is_some().then(|| Box::new(std::iter::once(LabeledSpan::new(None, start, length))) as Box<_>)
    }
}

/// Renders problems for a terminal: with the lines around them, and colours when `colours`.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], colours: bool) -> String {
    let theme = if colours { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::unicode_nocolor() };
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(120).with_links(false);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let before = out.len();
        if handler.render_report(&mut out, &Rendered(diagnostic)).is_err() {
            // The text without its surroundings is better than none.
            out.truncate(before);
            out.push_str(&diagnostic.to_string());
        }
        out.push('\n');
    }
    out
}
