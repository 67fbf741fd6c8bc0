//! The envelope around every item: key, time, sampling, tags, and the data with its properties and measurements.
//!
//! Not what the data means: `span`, `record` and `series` know that.

use std::sync::Arc;

use serde_json::{Map, Value};
use watchkeeper_domain::telemetry::Attributes;

use super::Mapping;
use super::field::{Fields, NAME, PROPERTY, head, required};
use super::{id, timespan};

/// The most properties and measurements of one item that are kept, and the most bytes of a key.
const PROPERTIES: usize = 200;
const KEY: usize = 150;
/// Properties that SDKs add for Azure's own pipeline.
const INTERNAL: &str = "_MS.";

/// An envelope.
pub(super) struct Envelope {
    /// The name of the key's owner.
    pub(super) sender: Arc<str>,
    /// Nanoseconds since the Unix epoch.
    pub(super) t_ns: u64,
    /// How many items this one stands for: 100 / the sample rate.
    pub(super) weight: f64,
    /// `ai.*`.
    pub(super) tags: Map<String, Value>,
    /// The type of the data, as it was written.
    pub(super) base_type: String,
    data: Map<String, Value>,
}

impl Envelope {
    pub(super) fn read(
        value: Value,
        given_key: Option<&str>,
        sender: &dyn Fn(&str) -> Option<Arc<str>>,
    ) -> Result<Self, String> {
        let Value::Object(mut map) = value else { return Err("100: the envelope is no object".to_owned()) };
        let fields = Fields(Some(&map));
        let key = fields.text("iKey", KEY).or_else(|| given_key.map(str::to_owned));
        let key = key.ok_or_else(|| required("iKey", "Envelope", "string"))?.trim().to_ascii_lowercase();
        let sender = sender(&key).ok_or("Invalid instrumentation key")?;
        let time = fields.text("time", KEY).ok_or_else(|| required("time", "Envelope", "DateTime"))?;
        let t_ns = moment(&time).ok_or_else(|| {
            format!(
                "102: Field 'time' on type 'Envelope' is not a time. Expected: RFC 3339, Actual: {}",
                head(&time, 60)
            )
        })?;
        // Below one in a million nobody samples; zero and nonsense mean that nothing was left out.
        let rate = fields.number("sampleRate").filter(|rate| (1e-4..=100.0).contains(rate)).unwrap_or(100.0);
        let object = |value: Option<Value>| match value {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let tags = object(map.remove("tags"));
        let mut data = object(map.remove("data"));
        let base_type =
            Fields(Some(&data)).text("baseType", KEY).ok_or_else(|| required("baseType", "Data", "string"))?;
        let Some(Value::Object(data)) = data.remove("baseData") else {
            return Err(required("baseData", "Data", "object"));
        };
        Ok(Self { sender, t_ns, weight: 100.0 / rate, tags, base_type, data })
    }

    /// The data's fields.
    pub(super) fn data(&self) -> Fields<'_> {
        Fields(Some(&self.data))
    }

    pub(super) fn properties(&self) -> Fields<'_> {
        Fields::of(self.data.get("properties"))
    }

    pub(super) fn tag(&self, name: &str) -> Option<String> {
        Fields(Some(&self.tags)).text(name, NAME)
    }

    /// The trace that the operation id names; empty: none.
    pub(super) fn trace_id(&self) -> String {
        self.tag("ai.operation.id").map(|text| id::trace(&text)).unwrap_or_default()
    }

    /// The span that the parent id names; empty: none. Some SDKs name the operation itself as the parent of what it begins with.
    pub(super) fn parent_id(&self) -> String {
        let parent = self.tag("ai.operation.parentId").unwrap_or_default();
        if Some(&parent) == self.tag("ai.operation.id").as_ref() { String::new() } else { id::span(&parent) }
    }

    /// The field `duration`; none: absent.
    pub(super) fn duration(&self, field: &str, of: &str) -> Result<Option<u64>, String> {
        let Some(text) = self.data().text(field, KEY) else { return Ok(None) };
        timespan::nanos(&text).map(Some).ok_or_else(|| {
            format!("102: Field '{field}' on type '{of}' is not a duration. Expected: [d.]hh:mm:ss[.fffffff] below 1000 days, Actual: {}", head(&text, 60))
        })
    }

    /// `service.name`: the cloud role, else the name of the key's owner.
    pub(super) fn service(&self) -> Arc<str> {
        self.tag("ai.cloud.role").map_or_else(|| Arc::clone(&self.sender), Arc::from)
    }

    /// The cloud role instance.
    pub(super) fn instance(&self) -> Option<String> {
        self.tag("ai.cloud.roleInstance")
    }
}

fn moment(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    u64::try_from(time.as_nanosecond()).ok()
}

/// Whether a tag says something about the process and not about the item.
fn of_resource(tag: &str) -> bool {
    ["ai.cloud.", "ai.application.", "ai.device.", "ai.internal."].iter().any(|prefix| tag.starts_with(prefix))
}

impl Mapping<'_> {
    /// The resource: OpenTelemetry's names for what has one, `ai.*` for the rest.
    pub(super) fn resource(&mut self, envelope: &Envelope) -> Arc<Attributes> {
        let text = |value: &str| Value::String(value.to_owned());
        let mut attributes: Attributes = vec![(self.interner.get("service.name"), text(&envelope.service()))];
        for name in envelope.tags.keys().filter(|name| of_resource(name)).take(PROPERTIES) {
            let Some(value) = envelope.tag(name) else { continue };
            let known = match name.as_str() {
                "ai.cloud.role" => continue,
                "ai.cloud.roleInstance" => "service.instance.id",
                "ai.application.ver" => "service.version",
                other => other,
            };
            attributes.push((self.interner.get(&head(known, KEY)), Value::String(value)));
        }
        match &self.resource {
            Some(same) if **same == attributes => Arc::clone(same),
            _ => Arc::clone(self.resource.insert(Arc::new(attributes))),
        }
    }

    /// What every item says about itself: its kind in Azure's words, its weight, its tags, properties and measurements.
    pub(super) fn attributes(&mut self, envelope: &Envelope, kind: &str) -> Attributes {
        let mut all = vec![(self.interner.get("azure.type"), Value::String(kind.to_owned()))];
        if envelope.weight > 1.0 {
            all.push((self.interner.get("azure.item_count"), number(envelope.weight)));
        }
        let properties = envelope.properties();
        for name in properties.0.into_iter().flat_map(Map::keys).take(PROPERTIES) {
            if name.starts_with(INTERNAL) || name.is_empty() {
                continue;
            }
            let value = match properties.text(name, PROPERTY) {
                Some(value) => Value::String(value),
                // The protocol has texts only; what is nested is kept as the text that it is.
                None => match properties.get(name) {
                    Some(value @ (Value::Array(_) | Value::Object(_))) => {
                        Value::String(head(&value.to_string(), PROPERTY))
                    }
                    _ => continue,
                },
            };
            all.push((self.interner.get(&head(name, KEY)), value));
        }
        let measurements = Fields::of(envelope.data().get("measurements"));
        for name in measurements.0.into_iter().flat_map(Map::keys).take(PROPERTIES) {
            let Some(value) = measurements.number(name) else { continue };
            let taken = all.iter().any(|(key, _)| key.as_ref() == name);
            let name = head(name, KEY);
            let name = if taken { format!("{name}.measurement") } else { name };
            all.push((self.interner.get(&name), number(value)));
        }
        let names = envelope.tags.keys().filter(|name| !of_resource(name) && name.starts_with("ai."));
        for name in names.take(PROPERTIES) {
            let Some(value) = envelope.tag(name) else { continue };
            // The two that became ids are said once more only where the id is not what was written.
            let same = match name.as_str() {
                "ai.operation.id" => envelope.trace_id() == value || envelope.trace_id().is_empty(),
                "ai.operation.parentId" => envelope.parent_id() == value || envelope.parent_id().is_empty(),
                _ => false,
            };
            if !same {
                all.push((self.interner.get(&head(name, KEY)), Value::String(value)));
            }
        }
        all
    }

    /// Adds an attribute unless a property has its name already.
    pub(super) fn put(&mut self, all: &mut Attributes, name: &str, value: Option<impl Into<Value>>) {
        let Some(value) = value else { return };
        if !all.iter().any(|(key, _)| key.as_ref() == name) {
            all.push((self.interner.get(name), value.into()));
        }
    }
}

/// A number, without a fraction where it has none.
pub(super) fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the check before")]
    if value.fract() == 0.0 && value.abs() < 9e15 { Value::from(value as i64) } else { Value::from(value) }
}
