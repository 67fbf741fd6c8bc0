//! Log records and spans as bytes: JSON in which each resource stands once, and records point to it.
//!
//! Not a public format. JSON keeps attributes as they are and compresses well; a columnar format comes with history blocks.

use std::collections::HashMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use watchkeeper_domain::telemetry::{Attributes, LogRecord, SpanRecord};

use crate::log::frame::Error;

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    resources: Vec<Arc<Attributes>>,
    /// The resource's place in the list, and the record without its resource.
    records: Vec<(u32, T)>,
}

fn encode<T: Serialize>(
    records: Vec<T>,
    mut resource: impl FnMut(&mut T) -> &mut Arc<Attributes>,
) -> Result<Vec<u8>, Error> {
    let none = Arc::new(Attributes::new());
    let mut envelope = Envelope { resources: Vec::new(), records: Vec::with_capacity(records.len()) };
    let mut places: HashMap<*const Attributes, u32> = HashMap::new();
    for mut record in records {
        let attributes = std::mem::replace(resource(&mut record), Arc::clone(&none));
        let place = *places.entry(Arc::as_ptr(&attributes)).or_insert_with(|| {
            // The list keeps the resource alive, so that its address stays its own.
            envelope.resources.push(attributes);
            (envelope.resources.len() - 1) as u32
        });
        envelope.records.push((place, record));
    }
    serde_json::to_vec(&envelope).map_err(|e| Error::Content(e.to_string()))
}

fn decode<T: DeserializeOwned>(
    bytes: &[u8],
    mut resource: impl FnMut(&mut T) -> &mut Arc<Attributes>,
) -> Result<Vec<T>, Error> {
    let envelope: Envelope<T> = serde_json::from_slice(bytes).map_err(|e| Error::Content(e.to_string()))?;
    let mut out = Vec::with_capacity(envelope.records.len());
    for (place, mut record) in envelope.records {
        let attributes =
            envelope.resources.get(place as usize).ok_or_else(|| Error::Content("a resource is missing".to_owned()))?;
        *resource(&mut record) = Arc::clone(attributes);
        out.push(record);
    }
    Ok(out)
}

pub(crate) fn encode_logs(records: &[LogRecord]) -> Result<Vec<u8>, Error> {
    encode(records.to_vec(), |r| &mut r.resource)
}

pub(crate) fn decode_logs(bytes: &[u8]) -> Result<Vec<LogRecord>, Error> {
    decode(bytes, |r: &mut LogRecord| &mut r.resource)
}

pub(crate) fn encode_spans(records: &[SpanRecord]) -> Result<Vec<u8>, Error> {
    encode(records.to_vec(), |r| &mut r.resource)
}

pub(crate) fn decode_spans(bytes: &[u8]) -> Result<Vec<SpanRecord>, Error> {
    decode(bytes, |r: &mut SpanRecord| &mut r.resource)
}
