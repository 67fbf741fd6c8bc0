//! A place in a configuration file, and the file's text.
//!
//! Not a diagnostic: places are kept with every value, problems are few.

use std::sync::Arc;

/// A file as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SourceFile {
    /// The path as people know it.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Where each line begins: every rule asks for its line.
    lines: Vec<usize>,
}

impl SourceFile {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { path: path.into(), text, lines }
    }
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    /// `|` or `>`.
    Block,
    /// Not a scalar.
    None,
}

/// A range of bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) style: Style,
}

impl Place {
    /// Line and column, both from 1; columns count characters.
    pub(crate) fn line_column(&self) -> (usize, usize) {
        let line = self.file.lines.partition_point(|start| *start <= self.start).max(1);
        let before = self.file.text.get(self.file.lines[line - 1]..self.start).unwrap_or("");
        let column = before.chars().count() + 1;
        (line, column)
    }

    /// The place of byte `offset` of the scalar `value` that stands here. Where escapes or folding make that unclear,
    /// the start of the scalar.
    pub(crate) fn inside(&self, value: &str, offset: usize) -> Self {
        let source = self.file.text.get(self.start..self.end).unwrap_or("");
        let found = match self.style {
            Style::Block => self.inside_block(value, offset),
            Style::Plain | Style::Quoted => source.find(value).map(|at| self.start + at + offset),
            Style::None => None,
        };
        match found {
            Some(start) if self.file.text.is_char_boundary(start) && start <= self.end => {
                let end =
                    self.file.text.get(start..).and_then(|t| t.chars().next()).map_or(start, |c| start + c.len_utf8());
                Self { start, end, ..self.clone() }
            }
            _ => self.clone(),
        }
    }

    /// Block scalars: the line of the offset, found again under the header; its column plus the indentation.
    fn inside_block(&self, value: &str, offset: usize) -> Option<usize> {
        let before = value.get(..offset)?;
        let (line, column) = (before.matches('\n').count(), before.rsplit('\n').next()?.len());
        let wanted = value.lines().nth(line)?;
        let mut start = self.start + self.file.text.get(self.start..)?.find('\n')? + 1;
        for (seen, text) in self.file.text.get(start..)?.split_inclusive('\n').enumerate() {
            let body = text.trim_start_matches(' ');
            if seen >= line && body.trim_end() == wanted.trim() {
                return Some(
                    start + (text.len() - body.len()) + column - (wanted.len() - wanted.trim_start().len()).min(column),
                );
            }
            start += text.len();
        }
        None
    }
}
