//! From the YAML tree to the types of the file, gathering every problem on the way.
//!
//! Not serde: it stops at the first problem and loses positions. The `record!` macro writes the reading code and the JSON
//! schema of each mapping from one list of its keys, so that they cannot differ.

pub(crate) mod leaf;
pub(crate) mod record;
pub(crate) mod secret;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use watchkeeper_domain::Code;

use crate::diagnostic::Diagnostic;
use crate::place::Place;
use crate::reference::{self, ReferenceError};
use crate::source::Source;
use crate::yaml::{Key, Kind, Node};
pub(crate) use leaf::Leaf;

/// The most problems that are told at once.
const MAX_PROBLEMS: usize = 200;

/// What reading needs and what it finds.
pub(crate) struct Context<'a> {
    pub(crate) source: &'a dyn Source,
    /// Where relative paths begin.
    pub(crate) base: PathBuf,
    /// Whether `${…}` in texts is replaced; not in rules (their own language) and workflows (replaced when a step starts).
    pub(crate) resolves: bool,
    /// The mapping and the key that are being read, for advice about secrets.
    pub(crate) at: (&'static str, &'static str),
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) warnings: Vec<Diagnostic>,
    /// Where literal secrets stand.
    pub(crate) secrets: Vec<Place>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(source: &'a dyn Source, base: &Path) -> Self {
        Self {
            source,
            base: base.to_owned(),
            resolves: true,
            at: ("", ""),
            errors: Vec::new(),
            warnings: Vec::new(),
            secrets: Vec::new(),
        }
    }

    pub(crate) fn error(&mut self, diagnostic: Diagnostic) {
        if self.errors.len() < MAX_PROBLEMS {
            self.errors.push(diagnostic);
        }
    }

    pub(crate) fn invalid(&mut self, place: &Place, message: impl Into<String>, help: Option<String>) {
        self.error(Diagnostic::at(Code::ConfigInvalidValue, place, message).maybe_help(help));
    }

    pub(crate) fn warn(&mut self, diagnostic: Diagnostic) {
        if self.warnings.len() < MAX_PROBLEMS {
            self.warnings.push(diagnostic.warning());
        }
    }

    /// The text of a leaf with its references replaced.
    pub(crate) fn text(&mut self, text: &str, place: &Place) -> Option<String> {
        if !self.resolves || !text.contains("${") {
            return Some(text.to_owned());
        }
        match reference::resolve(text, self.source, &self.base) {
            Ok(text) => Some(text),
            Err(error) => {
                self.unresolved(&error, place);
                None
            }
        }
    }

    pub(crate) fn unresolved(&mut self, error: &ReferenceError, place: &Place) {
        let (code, help) = match error {
            ReferenceError::Unset(name) => (
                Code::ConfigMissingSecret,
                Some(format!("set it: `export {name}=…`, or write `${{env:{name}:-}}` if it may be absent")),
            ),
            ReferenceError::File { .. } => {
                (Code::ConfigMissingSecret, Some("create it, readable by the server's user only".to_owned()))
            }
            ReferenceError::Malformed(_) => (Code::ConfigInvalidValue, None),
        };
        self.error(Diagnostic::at(code, place, error.to_string()).maybe_help(help));
    }
}

/// A type that is read from a node.
pub(crate) trait FromNode: Sized {
    /// Reads it; `None` after a problem that was told.
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self>;
    /// What it is when its key is absent or its value is unusable; `None` when it must be there.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: FromNode> FromNode for Option<T> {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if node.is_null() { Some(None) } else { Some(T::from_node(node, cx)) }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromNode> FromNode for Box<T> {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        T::from_node(node, cx).map(Self::new)
    }
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<T: Leaf> FromNode for At<T> {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let (text, place) = scalar(node, T::EXPECTS, cx)?;
        let resolved = cx.text(text, place)?;
        match T::parse(&resolved) {
            Ok(value) => Some(Self { value, place: place.clone() }),
            // A value that came from elsewhere may be a secret in the wrong position: it is not shown.
            Err(_) if resolved != *text => {
                cx.invalid(place, format!("the value of `{text}` is not {}", T::EXPECTS), None);
                None
            }
            Err((message, help)) => {
                cx.invalid(place, message, help);
                None
            }
        }
    }
}

/// A scalar's text, or a problem.
pub(crate) fn scalar<'n>(node: &'n Node, expects: &str, cx: &mut Context<'_>) -> Option<(&'n str, &'n Place)> {
    match &node.kind {
        Kind::Scalar(text) if !node.is_null() => Some((text, &node.place)),
        _ => {
            cx.invalid(&node.place, format!("this must be {expects}, not {}", node.describe()), None);
            None
        }
    }
}

impl<T: Leaf> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        T::EXPECTS.into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

/// A list; one value is taken for a list of one.
#[derive(Debug, Clone)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T: FromNode> FromNode for List<T> {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        Some(Self(match &node.kind {
            Kind::Sequence(items) => items.iter().filter_map(|item| T::from_node(item, cx)).collect(),
            _ => T::from_node(node, cx).into_iter().collect(),
        }))
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}

/// Alternatives, each of things that must all hold: `[a, b]` is one alternative, `[[a, b], c]` are two.
#[derive(Debug, Clone)]
pub(crate) struct AnyOf<T>(pub(crate) Vec<List<T>>);

impl<T: FromNode> FromNode for AnyOf<T> {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let nested = match &node.kind {
            Kind::Sequence(items) => items.iter().any(|item| matches!(item.kind, Kind::Sequence(_))),
            _ => false,
        };
        // A flat list reads as matchers do everywhere else: all of them.
        if nested {
            List::from_node(node, cx).map(|l: List<List<T>>| Self(l.0))
        } else {
            List::from_node(node, cx).map(|l| Self(vec![l]))
        }
    }
}

impl<T: JsonSchema> JsonSchema for AnyOf<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("AnyOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<List<List<T>>>()
    }
}

/// What a key that is absent means as a list.
pub(crate) fn items<T>(list: &Option<List<T>>) -> &[T] {
    list.as_ref().map_or(&[], |l| l.0.as_slice())
}

/// Names with values of one type, in the order of the file.
#[derive(Debug, Clone)]
pub(crate) struct Map<T>(pub(crate) Vec<(Key, T)>);

impl<T: FromNode> FromNode for Map<T> {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Mapping(pairs) => {
                Some(Self(pairs.iter().filter_map(|(k, v)| T::from_node(v, cx).map(|v| (k.clone(), v))).collect()))
            }
            _ => {
                cx.invalid(
                    &node.place,
                    format!("this must be a mapping of names to values, not {}", node.describe()),
                    None,
                );
                None
            }
        }
    }
}

impl<T: JsonSchema> JsonSchema for Map<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"type": "object", "additionalProperties": one})
    }
}

/// Any YAML, as JSON.
#[derive(Debug, Clone)]
pub(crate) struct Anything(pub(crate) Node);

impl FromNode for Anything {
    fn from_node(node: &Node, _: &mut Context<'_>) -> Option<Self> {
        Some(Self(node.clone()))
    }
}

impl JsonSchema for Anything {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Anything".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}
