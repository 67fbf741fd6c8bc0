//! What a resource gives to each of its series: `job`, `instance`, `service`; what a scope gives to them: `otel_scope_*`; and
//! the resource's `target_info`.
//!
//! Not resource attributes as labels: those stand on `target_info`, to be joined where a query needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use watchkeeper_domain::Labels;
use watchkeeper_domain::labels::NAME;

use super::value;
use crate::label::{self, Interner};
use crate::limits::Limits;

/// The labels that a resource gives to its series.
pub(super) struct Target {
    identity: Vec<(Arc<str>, Arc<str>)>,
    /// The labels of the present scope.
    scope: Vec<(Arc<str>, Arc<str>)>,
    attributes: Vec<KeyValue>,
}

impl Target {
    pub(super) fn new(resource: Option<Resource>, interner: &mut Interner) -> Self {
        let attributes = resource.map(|r| r.attributes).unwrap_or_default();
        let service = value::find(&attributes, "service.name");
        let job = match (value::find(&attributes, "service.namespace"), &service) {
            (Some(namespace), Some(name)) => Some(Arc::from(format!("{namespace}/{name}"))),
            (_, name) => name.clone(),
        };
        let instance = value::find(&attributes, "service.instance.id");
        let identity = [("job", job), ("instance", instance), ("service", service)]
            .into_iter()
            .filter_map(|(name, value)| Some((interner.get(name), value?)))
            .collect();
        Self { identity, scope: Vec::new(), attributes }
    }

    /// The series that follow are of this scope. Its name, version and schema stand beside its attributes, so attributes of
    /// those names are dropped (compatibility specification, "Instrumentation Scope").
    pub(super) fn enter(&mut self, scope: Option<&InstrumentationScope>, schema_url: &str, interner: &mut Interner) {
        let mut named: BTreeMap<String, String> = BTreeMap::new();
        if let Some(scope) = scope {
            for kv in sorted(&scope.attributes) {
                let text = value::to_text(kv.value.as_ref());
                named.insert(format!("otel_scope_{}", label::escape_rest(&kv.key)), text);
            }
            named.insert("otel_scope_name".to_owned(), scope.name.clone());
            named.insert("otel_scope_version".to_owned(), scope.version.clone());
        }
        named.insert("otel_scope_schema_url".to_owned(), schema_url.to_owned());
        named.retain(|_, text| !text.is_empty());
        self.scope = named.iter().map(|(name, text)| (interner.get(name), interner.get(text))).collect();
    }

    /// The labels of one series: its attributes (names escaped, values of colliding names joined by `;` in the order of
    /// their keys), the identity of its resource, its name, and `extra` (`le`, `quantile`).
    /// A data point's own `service` attribute wins over the resource's; `job`, `instance` and `otel_scope_*` are not its own.
    pub(super) fn labels(
        &self,
        metric: &Arc<str>,
        attributes: &[KeyValue],
        extra: Option<(&str, &str)>,
        interner: &mut Interner,
        limits: &Limits,
    ) -> Result<Labels, String> {
        self.pairs(&escaped(attributes), &self.scope, metric, extra, interner, limits)
    }

    fn pairs(
        &self,
        named: &BTreeMap<String, String>,
        scope: &[(Arc<str>, Arc<str>)],
        metric: &Arc<str>,
        extra: Option<(&str, &str)>,
        interner: &mut Interner,
        limits: &Limits,
    ) -> Result<Labels, String> {
        let own_service = named.contains_key("service");
        let mut pairs: Vec<_> = named.iter().map(|(n, v)| (interner.get(n), interner.get(v))).collect();
        for (name, value) in &self.identity {
            if !(own_service && name.as_ref() == "service") {
                pairs.push((Arc::clone(name), Arc::clone(value)));
            }
        }
        pairs.extend(scope.iter().cloned());
        if let Some((name, value)) = extra {
            pairs.push((interner.get(name), interner.get(value)));
        }
        pairs.push((interner.get(NAME), Arc::clone(metric)));
        label::build(pairs, limits)
    }

    /// The labels of `target_info`, when the resource has an identity and says something beside it.
    pub(super) fn info(&self, interner: &mut Interner, limits: &Limits) -> Option<Labels> {
        const IDENTITY: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];
        let others: Vec<KeyValue> =
            self.attributes.iter().filter(|kv| !IDENTITY.contains(&kv.key.as_str())).cloned().collect();
        if others.is_empty() || self.identity.is_empty() {
            return None;
        }
        let name = interner.get("target_info");
        self.pairs(&escaped(&others), &[], &name, None, interner, limits).ok()
    }
}

/// Attributes by their names as labels; values of colliding names joined.
fn escaped(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for kv in sorted(attributes) {
        let text = value::to_text(kv.value.as_ref());
        named
            .entry(label::escape_name(&kv.key))
            .and_modify(|joined| {
                joined.push(';');
                joined.push_str(&text);
            })
            .or_insert(text);
    }
    named
}

/// Attributes in the order of their keys. Of a key given twice, which the specification forbids, the last counts.
fn sorted(attributes: &[KeyValue]) -> Vec<&KeyValue> {
    let mut list: Vec<&KeyValue> = attributes.iter().collect();
    list.sort_by(|a, b| a.key.cmp(&b.key));
    list.reverse();
    list.dedup_by(|a, b| a.key == b.key);
    list.reverse();
    list
}
