//! YAML to a tree that remembers where everything stood.
//!
//! Not typed: `decode` reads values from the tree. The parser behind this is serde-saphyr's; its events are used rather
//! than its serde side, because serde stops at the first problem and people want all of them.
//! Bounded: file size by the source, nesting and node count here, so that aliases of aliases end.

use std::collections::HashMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span};
use watchkeeper_domain::Code;

use crate::diagnostic::Diagnostic;
use crate::place::{Place, SourceFile, Style};

/// The most nodes of one file, aliases expanded.
const MAX_NODES: usize = 200_000;
/// The deepest nesting.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
}

impl Node {
    /// Nothing was written, or `null`, or `~`.
    pub(crate) fn is_null(&self) -> bool {
        self.place.style == Style::Plain
            && matches!(&self.kind, Kind::Scalar(t) if matches!(t.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(crate) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(_) if self.is_null() => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }

    fn count(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::Sequence(items) => items.iter().map(Self::count).sum(),
            Kind::Mapping(pairs) => pairs.iter().map(|(_, v)| v.count()).sum(),
        }
    }

    fn depth(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::Sequence(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            Kind::Mapping(pairs) => pairs.iter().map(|(_, v)| v.depth()).max().unwrap_or(0),
        }
    }

    /// The same data as JSON, with YAML's core schema for plain scalars.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Scalar(_) if self.is_null() => Value::Null,
            Kind::Scalar(text) if self.place.style == Style::Plain => match text.as_str() {
                "true" | "True" | "TRUE" => Value::Bool(true),
                "false" | "False" | "FALSE" => Value::Bool(false),
                text => text
                    .parse::<i64>()
                    .map(Value::from)
                    .ok()
                    .or_else(|| {
                        let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
                        text.parse::<f64>().ok().filter(|f| numeric && f.is_finite()).map(Value::from)
                    })
                    .unwrap_or_else(|| Value::from(text)),
            },
            Kind::Scalar(text) => Value::from(text.as_str()),
            Kind::Sequence(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Kind::Mapping(pairs) => Value::Object(pairs.iter().map(|(k, v)| (k.text.clone(), v.to_json())).collect()),
        }
    }
}

/// Parses one file. `None` when it holds nothing. The first error of syntax ends it: what follows has no meaning.
pub(crate) fn parse(file: &Arc<SourceFile>) -> Result<Option<Node>, Box<Diagnostic>> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    let parser = Parser::new_from_str_with_options(&file.text, options);
    let mut composer = Composer { file, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None, documents: 0 };
    for event in parser {
        let (event, span) = event.map_err(|e| Box::new(composer.syntax(&e)))?;
        composer.event(event, span)?;
    }
    Ok(composer.root)
}

struct Composer<'a> {
    file: &'a Arc<SourceFile>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
}

/// A collection that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    /// In a mapping: the key whose value comes next.
    key: Option<Key>,
}

impl Composer<'_> {
    fn place(&self, span: &Span, style: Style) -> Place {
        let range = span.byte_range().unwrap_or(0..0);
        let end = range.end.min(self.file.text.len());
        Place { file: Arc::clone(self.file), start: range.start.min(end), end, style }
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let at = error.marker().byte_offset().unwrap_or(0).min(self.file.text.len());
        let place = Place { file: Arc::clone(self.file), start: at, end: at, style: Style::None };
        let tab = self.file.text.get(..at).and_then(|t| t.rsplit('\n').next()).is_some_and(|line| line.contains('\t'));
        let hint = if tab {
            "indent with spaces, not with tabs"
        } else {
            "look at the indentation and at quotes on this line and the one before"
        };
        Diagnostic::at(Code::ConfigSyntax, &place, format!("the YAML cannot be read: {}", error.info())).help(hint)
    }

    fn refuse(&self, place: &Place, what: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::at(Code::ConfigSyntax, place, what))
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.refuse(
                        &self.place(&span, Style::None),
                        "a file holds one YAML document; remove the second `---`",
                    ));
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    _ => Style::Quoted,
                };
                let node = Node { place: self.place(&span, style), kind: Kind::Scalar(text.into_owned()) };
                self.add(node, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => self.begin(Kind::Sequence(Vec::new()), &span, anchor)?,
            Event::MappingStart(_, anchor, _) => self.begin(Kind::Mapping(Vec::new()), &span, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut node, anchor, .. }) = self.open.pop() {
                    node.place.end = self.place(&span, Style::None).start.max(node.place.start);
                    self.add(node, anchor)?;
                }
            }
            Event::Alias(id) => {
                let place = self.place(&span, Style::None);
                let Some(mut node) = self.anchors.get(&id).cloned() else {
                    return Err(self.refuse(&place, "the alias names an anchor around itself"));
                };
                self.nodes += node.count();
                if self.open.len() + node.depth() > MAX_DEPTH {
                    return Err(self.refuse(&place, format!("it is nested deeper than {MAX_DEPTH}")));
                }
                // Problems of the value are shown where it is used when it is a collection, else where it is written.
                if !matches!(node.kind, Kind::Scalar(_)) {
                    node.place = place;
                }
                self.add(node, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind, span: &Span, anchor: usize) -> Result<(), Box<Diagnostic>> {
        let place = self.place(span, Style::None);
        if self.open.len() >= MAX_DEPTH {
            return Err(self.refuse(&place, format!("it is nested deeper than {MAX_DEPTH}")));
        }
        self.open.push(Open { node: Node { place, kind }, anchor, key: None });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Box<Diagnostic>> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(
                self.refuse(&node.place, format!("the file has more than {MAX_NODES} values, aliases expanded"))
            );
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = (!node.is_null()).then_some(node);
            return Ok(());
        };
        match &mut open.node.kind {
            Kind::Sequence(items) => items.push(node),
            Kind::Mapping(pairs) => match open.key.take() {
                Some(key) if key.text == "<<" => merge(pairs, node)?,
                Some(key) => {
                    // A key that is written out wins over one that was merged in, wherever `<<` stands.
                    if let Some(at) = pairs.iter().position(|(k, _)| k.text == key.text) {
                        if pairs[at].0.place.start >= open.node.place.start && pairs[at].0.place.file == key.place.file
                        {
                            let message = format!("the key `{}` is written twice in one mapping", key.text);
                            return Err(Box::new(
                                Diagnostic::at(Code::ConfigDuplicate, &key.place, message)
                                    .other(&pairs[at].0.place)
                                    .help("keep one of them"),
                            ));
                        }
                        pairs.remove(at);
                    }
                    pairs.push((key, node));
                }
                None => match node.kind {
                    Kind::Scalar(text) => open.key = Some(Key { text, place: node.place }),
                    _ => {
                        return Err(Box::new(Diagnostic::at(
                            Code::ConfigSyntax,
                            &node.place,
                            "a key must be a single value",
                        )));
                    }
                },
            },
            Kind::Scalar(_) => {}
        }
        Ok(())
    }
}

/// YAML 1.1's merge key, which people use in configuration: keys that are there already win.
fn merge(pairs: &mut Vec<(Key, Node)>, node: Node) -> Result<(), Box<Diagnostic>> {
    match node.kind {
        Kind::Mapping(merged) => {
            for (key, value) in merged {
                if !pairs.iter().any(|(k, _)| k.text == key.text) {
                    pairs.push((key, value));
                }
            }
            Ok(())
        }
        Kind::Sequence(items) => items.into_iter().try_for_each(|item| merge(pairs, item)),
        Kind::Scalar(_) => Err(Box::new(Diagnostic::at(Code::ConfigSyntax, &node.place, "`<<` takes a mapping"))),
    }
}
