//! A tree as the text of a file, with what a person has to know on top.
//!
//! Not a general emitter: the trees are those of the translation.

use super::import::Variable;
use super::write::quoted;
use crate::diagnostic::Diagnostic;
use crate::place::Style;
use crate::yaml::{Kind, Node};

/// The whole file.
pub(super) fn file(tree: &Node, from: &str, variables: &[Variable], notes: &[Diagnostic]) -> String {
    let mut out = format!("# From {}.\n", one_line(from));
    if !variables.is_empty() {
        out.push_str("#\n# These were secrets in plain text. Set them in the server's environment:\n");
        for variable in variables {
            out.push_str(&format!("#   {} (line {}: {})\n", variable.name, variable.line, variable.key));
        }
    }
    if !notes.is_empty() {
        out.push_str("#\n# What stays behind:\n");
        for note in notes {
            out.push_str(&format!("#   line {}: {}\n", note.line, one_line(&note.message)));
        }
    }
    out.push('\n');
    if let Kind::Mapping(pairs) = &tree.kind
        && pairs.is_empty()
    {
        out.push_str("{}\n");
    }
    block(&mut out, tree, 0);
    out
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// A mapping at this depth, each key on a line of its own.
fn block(out: &mut String, node: &Node, depth: usize) {
    let Kind::Mapping(pairs) = &node.kind else { return };
    for (key, value) in pairs {
        indent(out, depth);
        pair(out, &key.text, value, depth);
    }
}

fn pair(out: &mut String, key: &str, value: &Node, depth: usize) {
    out.push_str(&word(key, Style::Plain));
    out.push(':');
    match &value.kind {
        Kind::Mapping(pairs) if !pairs.is_empty() => {
            out.push('\n');
            block(out, value, depth + 1);
        }
        Kind::Sequence(items) if items.iter().any(|item| matches!(item.kind, Kind::Mapping(_))) => {
            out.push('\n');
            for item in items {
                entry(out, item, depth + 1);
            }
        }
        _ => {
            out.push(' ');
            flow(out, value);
            out.push('\n');
        }
    }
}

/// An entry of a list: the first key stands beside the dash.
fn entry(out: &mut String, node: &Node, depth: usize) {
    indent(out, depth);
    out.push_str("- ");
    match &node.kind {
        Kind::Mapping(pairs) if !pairs.is_empty() => {
            for (at, (key, value)) in pairs.iter().enumerate() {
                if at > 0 {
                    indent(out, depth + 1);
                }
                pair(out, &key.text, value, depth + 1);
            }
        }
        _ => {
            flow(out, node);
            out.push('\n');
        }
    }
}

/// A value on one line.
fn flow(out: &mut String, node: &Node) {
    match &node.kind {
        Kind::Scalar(_) if node.is_null() => out.push_str("null"),
        Kind::Scalar(text) => out.push_str(&word(text, node.place.style)),
        Kind::Sequence(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                flow(out, item);
            }
            out.push(']');
        }
        Kind::Mapping(pairs) => {
            out.push('{');
            for (at, (key, value)) in pairs.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                out.push_str(&word(&key.text, Style::Plain));
                out.push_str(": ");
                flow(out, value);
            }
            out.push('}');
        }
    }
}

/// A text without quotes where nobody could take it for something else. What was written without them keeps its meaning.
fn word(text: &str, style: Style) -> String {
    let simple = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '+'));
    let is_a_word = matches!(text, "true" | "false")
        || (text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !matches!(
                text.to_ascii_lowercase().as_str(),
                "null" | "yes" | "no" | "on" | "off" | "true" | "false" | "y" | "n"
            ));
    if simple && (is_a_word || style == Style::Plain || text.chars().all(|c| c.is_ascii_digit())) {
        text.to_owned()
    } else {
        quoted(text)
    }
}
