//! How commands speak: tables for people, JSON and YAML for programs, errors in plain words.
//!
//! Not logging: the server's log goes through `tracing`.
#![expect(clippy::print_stderr, reason = "a command's errors are what it prints")]

use std::io::{ErrorKind, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use owo_colors::{OwoColorize as _, Stream, Style};
use serde::Serialize;

use super::Failure;

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

/// Shows an answer: as a table made by `table`, or whole as JSON or YAML.
pub(super) fn show<T: Serialize>(format: Format, answer: &T, table: impl FnOnce(&T)) -> Result<(), Failure> {
    let cannot = |error: String| Failure::Finding(format!("the answer cannot be shown: {error}"));
    match format {
        Format::Table => table(answer),
        Format::Json => put(&serde_json::to_string_pretty(answer).map_err(|e| cannot(e.to_string()))?),
        Format::Yaml => put(serde_saphyr::to_string(answer).map_err(|e| cannot(e.to_string()))?.trim_end()),
    }
    Ok(())
}

/// Reads back what [`show`] writes as YAML.
pub(super) fn from_yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// Writes text and a line feed on standard output, as it is.
///
/// A reader that has seen enough (`| head -1`) ends the command as it ends every other: quietly, with 128 + SIGPIPE.
pub(super) fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(141),
        Err(reason) => {
            error(&format!("the answer cannot be written: {reason}"));
            std::process::exit(1);
        }
    }
}

/// Prints a table, or `empty` when it has no rows.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>, empty: &str) {
    if rows.is_empty() {
        put(empty);
        return;
    }
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    put(&table.trim_fmt());
}

/// Prints a line.
pub(super) fn line(text: &str) {
    put(&printable(text));
}

/// Prints text as it is, several lines too.
pub(super) fn text(text: &str) {
    put(&text.split('\n').map(printable).collect::<Vec<_>>().join("\n"));
}

/// Prints a line in the colour of a state, where the terminal has colours. The word itself says it too.
pub(super) fn coloured(text: &str, good: Option<bool>) {
    let style = match good {
        Some(true) => Style::new().green(),
        Some(false) => Style::new().red(),
        None => Style::new().dimmed(),
    };
    let text = printable(text);
    put(&text.if_supports_color(Stream::Stdout, |t| t.style(style)).to_string());
}

/// Prints rendered diagnostics, which carry their own colours.
pub(super) fn diagnostics(text: &str) {
    put(text.trim_end());
}

/// Prints beside the answer, on the standard error.
pub(super) fn aside(text: &str) {
    eprintln!("{}", text.trim_end());
}

/// Whether standard output shows colours.
pub(super) fn colours() -> bool {
    "x".if_supports_color(Stream::Stdout, |t| t.style(Style::new().red())).to_string() != "x"
}

/// Prints an error.
pub(super) fn error(text: &str) {
    eprintln!("{} {text}", "error:".if_supports_color(Stream::Stderr, |t| t.style(Style::new().red().bold())));
}

/// Labels and annotations come from outside: a terminal must not obey them.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// A time as people read it in a table.
pub(super) fn time(at: Option<crate::http::dto::Time>) -> String {
    at.map_or_else(|| "-".to_owned(), |t| t.0.to_string())
}

/// The word of an API enum.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// `-` for what is absent.
pub(super) fn or_dash(text: Option<&str>) -> String {
    text.filter(|t| !t.is_empty()).unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_label_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\tc"), "a\u{fffd}[2Jb\tc");
    }
}
