//! Secrets of Alertmanager's file: a file that it names stays a file, a literal becomes a reference or is refused.
//!
//! Not their values: nothing here reads a secret.

use std::path::Path;

use watchkeeper_domain::Code;

use super::import::Variable;
use super::translate::{Mode, Translator, scalar, set, text};
use crate::decode::secret::harmless;
use crate::diagnostic::Diagnostic;
use crate::reference;
use crate::yaml::Node;

/// Where a secret may stand.
pub(super) struct Wanted<'a> {
    /// The key in the integration; `…_file` beside it.
    pub(super) key: &'a str,
    /// The key in `global`; `…_file` beside it.
    pub(super) global: Option<&'a str>,
    /// Begins the variable's name when the secret stands in the integration.
    pub(super) owner: &'a str,
    /// Whether it is a URL, which is a secret only when it leads out of this network.
    pub(super) url: bool,
}

impl Translator<'_, '_> {
    /// The secret of an integration as a reference; none when it is not there or a problem was told.
    pub(super) fn secret(&mut self, node: &Node, wanted: &Wanted<'_>) -> Option<Node> {
        let global = self.global.clone();
        let places = [(node, Some(wanted.key), Some(wanted.owner)), (&global, wanted.global, None)];
        for (node, key, owner) in places {
            let Some(key) = key else { continue };
            if let Some(value) = set(node, key) {
                return self.literal(value, key, owner, wanted.url);
            }
            if let Some(file) = set(node, &format!("{key}_file")) {
                let path = Path::new(text(file)?);
                let path = self.folder.join(path);
                return Some(scalar(&file.place, format!("${{file:{}}}", path.display())));
            }
        }
        None
    }

    fn literal(&mut self, value: &Node, key: &str, owner: Option<&str>, url: bool) -> Option<Node> {
        let Some(written) = text(value) else {
            self.cx.invalid(&value.place, format!("`{key}` must be a text, not {}", value.describe()), None);
            return None;
        };
        if url && !reference::is_reference(written) && written != "<secret>" && !self.is_url(value, written) {
            return None;
        }
        if reference::is_reference(written) || (url && harmless(written)) {
            return Some(scalar(&value.place, written));
        }
        let name = match owner {
            Some(owner) => variable(&format!("{owner}_{key}")),
            None => variable(key),
        };
        self.cx.secrets.push(value.place.clone());
        match self.mode {
            Mode::Import => {
                let name = self.reserve(name, key, value);
                Some(scalar(&value.place, format!("${{env:{name}}}")))
            }
            Mode::Direct => {
                let message = format!("`{key}` holds a secret in plain text");
                let help = format!(
                    "set {name} in the environment and write `{key}: ${{env:{name}}}`, or write `{key}_file: PATH`"
                );
                self.cx.error(Diagnostic::at(Code::ConfigLiteralSecret, &value.place, message).help(help));
                None
            }
        }
    }

    fn is_url(&mut self, value: &Node, written: &str) -> bool {
        let fine = url::Url::parse(written).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some());
        if !fine {
            // What is no URL may be a secret in the wrong place, so it is not shown.
            self.cx.secrets.push(value.place.clone());
            let help = "write `https://host/path`".to_owned();
            self.cx.invalid(&value.place, "this is not a URL with the scheme http or https", Some(help));
        }
        fine
    }

    /// One variable for each secret, also when several integrations share it.
    fn reserve(&mut self, name: String, key: &str, value: &Node) -> String {
        let (line, column) = value.place.line_column();
        if let Some(known) = self.variables.iter().find(|known| (known.line, known.column) == (line, column)) {
            return known.name.clone();
        }
        let taken = |name: &str| self.variables.iter().any(|known| known.name == name);
        let free = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}_{n}"))).find(|name| !taken(name));
        let name = free.unwrap_or(name);
        self.variables.push(Variable { name: name.clone(), key: key.to_owned(), line, column });
        name
    }
}

/// A name for the environment: capitals, digits and underscores.
fn variable(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for letter in text.chars() {
        let letter = if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
        if letter != '_' || !name.ends_with('_') {
            name.push(letter);
        }
    }
    let name = name.trim_matches('_');
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("WK_{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_of_variables_are_what_a_shell_takes() {
        assert_eq!(super::variable("team-X mails_slack_api_url"), "TEAM_X_MAILS_SLACK_API_URL");
        assert_eq!(super::variable("24/7_api_key"), "WK_24_7_API_KEY");
    }
}
