//! From the tree of Alertmanager's file to that of ours, with every place kept.
//!
//! Not the check of routes and times: their keys are the same, and what reads our own file reads these, too. Here are the
//! checks that Alertmanager makes and our file has no occasion for, and the parts that are called otherwise.

use std::path::{Path, PathBuf};

use watchkeeper_domain::Code;

use super::import::Variable;
use super::keys::{self, Mapping};
use crate::decode::Context;
use crate::diagnostic::Diagnostic;
use crate::place::{Place, Style};
use crate::suggest;
use crate::yaml::{Key, Kind, Node};

/// What the translation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A file of ours is written: literal secrets become references.
    Import,
    /// It is used as it is: literal secrets are refused.
    Direct,
}

pub(super) struct Translator<'t, 'c> {
    pub(super) cx: &'t mut Context<'c>,
    pub(super) mode: Mode,
    /// Where its relative paths begin.
    pub(super) folder: PathBuf,
    /// What to set in the environment, for an import.
    pub(super) variables: Vec<Variable>,
    pub(super) global: Node,
    /// The mail server, once an integration needs it: its place in the file and what it is in ours.
    pub(super) smtp: Option<(String, Node)>,
}

impl<'t, 'c> Translator<'t, 'c> {
    pub(super) fn new(cx: &'t mut Context<'c>, mode: Mode, folder: &Path, root: &Node) -> Self {
        let nothing = Node { place: root.place.clone(), kind: Kind::Mapping(Vec::new()) };
        let global = set(root, "global").cloned().unwrap_or(nothing);
        Self { cx, mode, folder: folder.to_owned(), variables: Vec::new(), global, smtp: None }
    }

    /// The pairs of our main file.
    pub(super) fn file(&mut self, root: &Node) -> Vec<(Key, Node)> {
        let mut out = Vec::new();
        self.check(root, &keys::ROOT);
        let global = self.global.clone();
        self.check(&global, &keys::GLOBAL);
        self.slack_or_app(&global);
        if let Some(timeout) = set(&global, "resolve_timeout") {
            push(&mut out, "alerts", mapping(&timeout.place, vec![("resolve_timeout", self.plain(timeout))]));
        }
        if let Some(list) = set(root, "receivers") {
            let receivers = sequence(list).iter().filter_map(|one| self.receiver(one)).collect();
            push(&mut out, "receivers", Node { place: list.place.clone(), kind: Kind::Sequence(receivers) });
        }
        if let Some(route) = set(root, "route") {
            let translated = self.root_route(route);
            push(&mut out, "route", translated);
        }
        if let Some(rules) = set(root, "inhibit_rules") {
            let rules_out = sequence(rules).iter().map(|rule| self.inhibit(rule)).collect();
            push(&mut out, "inhibit_rules", Node { place: rules.place.clone(), kind: Kind::Sequence(rules_out) });
        }
        let times: Vec<&Node> =
            ["time_intervals", "mute_time_intervals"].iter().filter_map(|key| set(root, key)).collect();
        if let Some(first) = times.first() {
            let all = times.iter().flat_map(|list| sequence(list)).map(|one| self.plain(one)).collect();
            push(&mut out, "time_intervals", Node { place: first.place.clone(), kind: Kind::Sequence(all) });
        }
        if let Some((_, smtp)) = self.smtp.take() {
            push(&mut out, "smtp", smtp);
        }
        out
    }

    /// Problems for unknown keys, for two keys of which one may be set, for what is missing; notes for what is left behind.
    /// False when something that must be there is not.
    pub(super) fn check(&mut self, node: &Node, mapping: &Mapping) -> bool {
        let Kind::Mapping(pairs) = &node.kind else {
            let message = format!("{} must be a mapping, not {}", mapping.what, node.describe());
            self.cx.invalid(&node.place, message, None);
            return false;
        };
        for (key, value) in pairs {
            if !mapping.known().any(|known| known == key.text) {
                let known: Vec<&str> = mapping.known().collect();
                self.unknown(key, mapping.what, &known);
            } else if let (Some(reason), true) = (mapping.reason(&key.text), is_set(value)) {
                self.left(&key.place, &format!("`{}` of {}", key.text, mapping.what), reason);
            }
            let other = format!("{}_file", key.text);
            if is_set(value) && mapping.known().any(|known| known == other) && set(node, &other).is_some() {
                let message = format!("at most one of `{}` and `{other}` may be set in {}", key.text, mapping.what);
                self.cx.invalid(&key.place, message, Some("remove one of them".to_owned()));
            }
        }
        let mut complete = true;
        for need in mapping.needs {
            let global = self.global.clone();
            let found = need.any.iter().any(|key| set(node, key).is_some())
                || need.global.iter().any(|key| set(&global, key).is_some());
            if !found {
                let here = words(need.any);
                let message = match need.global {
                    [] => format!("{} needs {here}", mapping.what),
                    keys => format!("{} needs {here}, or {} in `global`", mapping.what, words(keys)),
                };
                self.cx.invalid(&node.place, message, None);
                complete = false;
            }
        }
        complete
    }

    pub(super) fn unknown(&mut self, key: &Key, what: &str, known: &[&str]) {
        let shown: String = key.text.chars().take(80).collect();
        let message = format!("`{shown}` is not a key of {what}");
        let near = suggest::nearest(&key.text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        self.cx.error(Diagnostic::at(Code::ConfigUnknownKey, &key.place, message).maybe_help(near));
    }

    /// Says that something stays behind.
    pub(super) fn left(&mut self, place: &Place, what: &str, reason: &str) {
        let message = format!("{what} is not carried over: {reason}");
        self.cx.warn(Diagnostic::at(Code::NotCarriedOver, place, message));
    }

    fn slack_or_app(&mut self, global: &Node) {
        let any = |keys: [&'static str; 2]| keys.into_iter().find(|key| set(global, key).is_some());
        let (token, url) =
            (any(["slack_app_token", "slack_app_token_file"]), any(["slack_api_url", "slack_api_url_file"]));
        if let (Some(token), Some(url)) = (token, url) {
            let place = set(global, token).map_or_else(|| global.place.clone(), |node| node.place.clone());
            let message = format!("at most one of `{token}` and `{url}` may be set in `global`");
            self.cx.invalid(&place, message, Some("an app and an incoming webhook are two ways; keep one".to_owned()));
        }
    }

    fn root_route(&mut self, route: &Node) -> Node {
        let mut out = self.route(route);
        if set(route, "receiver").is_none() {
            self.cx.invalid(&route.place, "the root route needs a `receiver`", None);
        }
        if let Kind::Mapping(pairs) = &mut out.kind
            && set(route, "group_by").is_none()
        {
            // Alertmanager puts everything into one group, ours is by name and service.
            push(pairs, "group_by", Node { place: route.place.clone(), kind: Kind::Sequence(Vec::new()) });
        }
        out
    }

    /// A route: the same keys. A regular expression that is not there has no meaning.
    fn route(&mut self, route: &Node) -> Node {
        self.check(route, &keys::ROUTE);
        self.regexes(route, &["match_re"]);
        let mut out = self.plain(route);
        without_nothing(&mut out, &["match", "match_re"]);
        if let Kind::Mapping(pairs) = &mut out.kind {
            for (key, value) in pairs.iter_mut().filter(|(key, _)| key.text == "routes") {
                if let (Some(routes), Kind::Sequence(children)) = (set(route, &key.text), &mut value.kind) {
                    *children = sequence(routes).iter().map(|child| self.route(child)).collect();
                }
            }
        }
        out
    }

    fn inhibit(&mut self, rule: &Node) -> Node {
        self.check(rule, &keys::INHIBIT);
        self.regexes(rule, &["source_match_re", "target_match_re"]);
        let mut out = self.plain(rule);
        without_nothing(&mut out, &["source_match", "source_match_re", "target_match", "target_match_re"]);
        if let Kind::Mapping(pairs) = &mut out.kind {
            pairs.retain(|(key, _)| key.text != "name");
        }
        out
    }

    fn regexes(&mut self, node: &Node, keys: &[&str]) {
        for key in keys {
            let Some(Kind::Mapping(pairs)) = set(node, key).map(|node| &node.kind) else { continue };
            for (label, value) in pairs.iter().filter(|(_, value)| value.is_null()) {
                let message = format!("`{key}` has no regular expression for `{}`", label.text);
                self.cx.invalid(&value.place, message, Some("write one, or remove the label".to_owned()));
            }
        }
    }

    /// The same, with what would be a reference in our file written so that it is none; and without what is not set.
    #[expect(clippy::unused_self, reason = "one of the ways to translate a node")]
    pub(super) fn plain(&self, node: &Node) -> Node {
        escaped(node)
    }
}

fn escaped(node: &Node) -> Node {
    let kind = match &node.kind {
        Kind::Scalar(text) => Kind::Scalar(text.replace("${", "$${")),
        Kind::Sequence(items) => Kind::Sequence(items.iter().map(escaped).collect()),
        Kind::Mapping(pairs) => Kind::Mapping(pairs.iter().map(|(key, value)| (key.clone(), escaped(value))).collect()),
    };
    Node { place: node.place.clone(), kind }
}

/// In the old notation a value that is not there is the empty text.
fn without_nothing(node: &mut Node, keys: &[&str]) {
    let Kind::Mapping(pairs) = &mut node.kind else { return };
    for (_, value) in pairs.iter_mut().filter(|(key, _)| keys.contains(&key.text.as_str())) {
        let Kind::Mapping(labels) = &mut value.kind else { continue };
        for (_, label) in labels.iter_mut().filter(|(_, label)| label.is_null()) {
            *label = scalar(&label.place, "");
        }
    }
}

/// Puts what Alertmanager's file says into the main file that names it. Lists are joined; anything else may be in one of
/// them only.
pub(crate) fn merge(mut root: Node, cx: &mut Context<'_>) -> Node {
    let Some(named) = set(&root, "alertmanager_config").cloned() else { return root };
    let Kind::Scalar(name) = &named.kind else { return root };
    let Some(name) = cx.text(name, &named.place) else { return root };
    let path = cx.base.join(&name);
    let tree = match crate::load::read(&path, cx) {
        Ok(tree) => tree,
        Err(problem) if problem.code == Code::ConfigUnreadable => {
            let message = format!("`{}`: {}", path.display(), problem.message);
            cx.error(Diagnostic::at(Code::ConfigUnreadable, &named.place, message).maybe_help(problem.help));
            return root;
        }
        Err(problem) => {
            cx.error(*problem);
            return root;
        }
    };
    let folder = Path::new(&name).parent().unwrap_or(Path::new("")).to_owned();
    let translated = Translator::new(cx, Mode::Direct, &folder, &tree).file(&tree);
    let Kind::Mapping(pairs) = &mut root.kind else { return root };
    for (key, theirs) in translated {
        let Some((own_key, ours)) = pairs.iter_mut().find(|(own, value)| own.text == key.text && !value.is_null())
        else {
            pairs.retain(|(own, _)| own.text != key.text);
            pairs.push((key, theirs));
            continue;
        };
        if let Kind::Sequence(items) = theirs.kind {
            if !matches!(ours.kind, Kind::Sequence(_)) {
                *ours = Node { place: ours.place.clone(), kind: Kind::Sequence(vec![ours.clone()]) };
            }
            if let Kind::Sequence(own) = &mut ours.kind {
                own.extend(items);
            }
        } else {
            let message = format!("`{}` is here and in `{}`", key.text, path.display());
            let help = "keep it in one of the two files";
            cx.error(Diagnostic::at(Code::ConfigDuplicate, &own_key.place, message).other(&theirs.place).help(help));
        }
    }
    root
}

/// The value of a key, if it is set. An empty text is not.
pub(super) fn set<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Kind::Mapping(pairs) = &node.kind else { return None };
    pairs.iter().find(|(k, _)| k.text == key).map(|(_, value)| value).filter(|value| is_set(value))
}

fn is_set(node: &Node) -> bool {
    !node.is_null() && !matches!(&node.kind, Kind::Scalar(text) if text.is_empty())
}

/// A scalar's text.
pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(text) if is_set(node) => Some(text),
        _ => None,
    }
}

/// The items of a list; one value is a list of one.
pub(super) fn sequence(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::Sequence(items) => items,
        _ => std::slice::from_ref(node),
    }
}

pub(super) fn scalar(place: &Place, text: impl Into<String>) -> Node {
    Node { place: Place { style: Style::Quoted, ..place.clone() }, kind: Kind::Scalar(text.into()) }
}

pub(super) fn mapping(place: &Place, pairs: Vec<(&str, Node)>) -> Node {
    let mut out = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        push(&mut out, key, value);
    }
    Node { place: place.clone(), kind: Kind::Mapping(out) }
}

pub(super) fn push(pairs: &mut Vec<(Key, Node)>, key: &str, value: Node) {
    pairs.push((Key { text: key.to_owned(), place: value.place.clone() }, value));
}

fn words(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ")
}
