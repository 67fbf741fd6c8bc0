//! A rule's labels and annotations: templates in the language that the rule names, rendered for one instance.
//!
//! Not running what they ask: `fetch` finds out which queries the texts of some instances need, and puts them to the query
//! engine before anything is rendered for good.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use watchkeeper_config::model::TemplateLanguage;
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::query::Query;
use watchkeeper_lang::go_template::{Answers, RenderError, Sample, Scope, Template};
use watchkeeper_lang::jinja;

use crate::findings;

/// The most queries that the templates of a rule may run in one evaluation.
const MOST_QUERIES: usize = 100;
/// The most elements of an answer that templates see.
const MOST_ELEMENTS: usize = 1_000;

/// Named texts of a rule.
#[derive(Debug)]
pub(crate) struct Texts(Vec<(String, Text)>);

/// A template, or the text as it stands when it is none that parses.
#[derive(Debug)]
enum Text {
    Go(Template),
    Jinja(String),
    Broken { text: String, reason: String },
}

impl Texts {
    pub(crate) fn new(map: &BTreeMap<String, String>, language: TemplateLanguage) -> Self {
        let text = |text: &String| match language {
            TemplateLanguage::Jinja => Text::Jinja(text.clone()),
            TemplateLanguage::Go => match Template::parse(text) {
                Ok(template) => Text::Go(template),
                Err(e) => Text::Broken { text: text.clone(), reason: e.to_string() },
            },
        };
        Self(map.iter().map(|(name, written)| (name.clone(), text(written))).collect())
    }

    /// No texts.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether one of them runs queries.
    pub(crate) fn ask(&self) -> bool {
        self.0.iter().any(|(_, text)| matches!(text, Text::Go(template) if template.asks()))
    }

    /// All of them, rendered.
    pub(crate) fn render<'a>(&'a self, scope: &'a Scope<'_>) -> impl Iterator<Item = (&'a str, String)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.render(scope)))
    }

    /// A query whose answer is not in `scope` and without which one of the texts cannot be rendered.
    pub(crate) fn wanting(&self, scope: &Scope<'_>) -> Option<String> {
        self.0.iter().find_map(|(_, text)| match text {
            Text::Go(template) if template.asks() => match template.render(scope) {
                Err(RenderError::Asks(expr)) => Some(expr),
                _ => None,
            },
            _ => None,
        })
    }
}

impl Text {
    /// A failed template must not hold an alert back: the failure is told in its place, as Prometheus does.
    fn render(&self, scope: &Scope<'_>) -> String {
        let failed = |reason: String| format!("<error expanding template: {reason}>");
        match self {
            Self::Go(template) => template.render(scope).unwrap_or_else(|e| failed(e.to_string())),
            Self::Jinja(text) => jinja::render(text, &names(scope)).unwrap_or_else(|e| failed(e.to_string())),
            Self::Broken { text, reason } => format!("{} {text}", failed(reason.clone())),
        }
    }
}

/// What a Jinja template may name.
fn names(scope: &Scope<'_>) -> serde_json::Value {
    // JSON has no NaN: a value that is none is null.
    json!({
        "labels": scope.labels,
        "value": scope.value,
        "external_labels": scope.outside.labels,
        "external_url": scope.outside.url,
    })
}

/// Fetches what templates need: `wanting` tries them with the answers so far and names what is wanting.
pub(crate) async fn fetch(query: &dyn Query, at: Timestamp, wanting: impl Fn(&Answers) -> Option<String>) -> Answers {
    let mut answers = Answers::new();
    while let Some(expr) = wanting(&answers) {
        let answer = if answers.len() >= MOST_QUERIES {
            Err(format!("the templates of a rule may run {MOST_QUERIES} queries in one evaluation"))
        } else {
            let elements = query.instant(&expr, at).await.and_then(findings::vector);
            elements.map_err(|e| e.to_string()).map(|elements| {
                let sample =
                    |e: watchkeeper_domain::query::Element| Arc::new(Sample { labels: e.labels, value: e.value });
                elements.into_iter().take(MOST_ELEMENTS).map(sample).collect()
            })
        };
        answers.insert(expr, answer);
    }
    answers
}
