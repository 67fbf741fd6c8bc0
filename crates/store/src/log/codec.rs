//! Samples as bytes: a dictionary of series, then references to it with times and values, then the rest as JSON.
//!
//! Not the frame around it. Numbers are LEB128, signed ones zigzag; values are eight bytes. A series is defined several
//! times in a segment, in the first, second, eighth, 64th … frame that holds samples of it: a damaged frame then does not
//! take the meaning of the others.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use watchkeeper_domain::Labels;
use watchkeeper_domain::telemetry::{Exemplar, MetricMeta, Sample};

use super::frame::Error;

/// In how many frames of the open segment each series stands, by its number.
#[derive(Default)]
pub(crate) struct Dictionary(Vec<u16>);

impl Dictionary {
    /// Forgets all: a new segment is open.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts one more frame with this series. Whether it must define the series.
    fn define(&mut self, series: u32) -> bool {
        let at = series as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] = self.0[at].saturating_add(1);
        matches!(self.0[at], 1 | 2 | 8 | 64 | 512 | 4_096)
    }
}

/// Samples of one series on their way to the log.
pub(crate) struct Entry<'a> {
    pub(crate) series: u32,
    pub(crate) labels: &'a Labels,
    pub(crate) start: Option<i64>,
    pub(crate) samples: &'a [Sample],
}

#[derive(Serialize)]
struct RestRef<'a> {
    meta: &'a [MetricMeta],
    exemplars: &'a [Exemplar],
}

#[derive(Default, Deserialize)]
struct Rest {
    meta: Vec<MetricMeta>,
    exemplars: Vec<Exemplar>,
}

/// Encodes the samples of a batch.
pub(crate) fn encode(
    entries: &[Entry<'_>],
    meta: &[MetricMeta],
    exemplars: &[Exemplar],
    dictionary: &mut Dictionary,
) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(entries.len() * 16 + 64);
    define(&mut out, entries.iter().map(|e| (e.series, e.labels)), dictionary);
    unsigned(&mut out, entries.len() as u64);
    let mut t = 0_i64;
    for entry in entries {
        unsigned(&mut out, entry.series.into());
        unsigned(&mut out, (entry.samples.len() as u64) << 1 | u64::from(entry.start.is_some()));
        if let Some(start) = entry.start {
            signed(&mut out, start.wrapping_sub(t));
        }
        for sample in entry.samples {
            signed(&mut out, sample.t.wrapping_sub(t));
            t = sample.t;
            out.extend_from_slice(&sample.v.to_bits().to_le_bytes());
        }
    }
    if !meta.is_empty() || !exemplars.is_empty() {
        serde_json::to_writer(&mut out, &RestRef { meta, exemplars }).map_err(|e| Error::Content(e.to_string()))?;
    }
    Ok(out)
}

/// Writes the definitions of those series that are due.
pub(super) fn define<'a>(
    out: &mut Vec<u8>,
    series: impl Iterator<Item = (u32, &'a Labels)>,
    dictionary: &mut Dictionary,
) {
    let defined: Vec<(u32, &Labels)> = series.filter(|(series, _)| dictionary.define(*series)).collect();
    unsigned(out, defined.len() as u64);
    for (series, labels) in defined {
        unsigned(out, series.into());
        unsigned(out, labels.len() as u64);
        for (name, value) in labels.iter() {
            text(out, name);
            text(out, value);
        }
    }
}

/// Samples of one series as the log has them.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) series: u32,
    pub(crate) start: Option<i64>,
    pub(crate) samples: Vec<Sample>,
}

/// A frame's content.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) definitions: Vec<(u32, Labels)>,
    pub(crate) entries: Vec<Decoded>,
    pub(crate) meta: Vec<MetricMeta>,
    pub(crate) exemplars: Vec<Exemplar>,
}

/// Decodes what [`encode`] made. `symbols` shares equal texts between frames.
pub(crate) fn decode(bytes: &[u8], symbols: &mut Symbols) -> Result<Content, Error> {
    let mut cursor = Cursor(bytes);
    let mut content = Content { definitions: cursor.definitions(symbols)?, ..Content::default() };
    let mut t = 0_i64;
    for _ in 0..cursor.unsigned()? {
        let series = cursor.series()?;
        let head = cursor.unsigned()?;
        let start = if head & 1 == 1 { Some(cursor.signed()?.wrapping_add(t)) } else { None };
        let mut samples = Vec::new();
        for _ in 0..head >> 1 {
            t = cursor.signed()?.wrapping_add(t);
            samples.push(Sample { t, v: cursor.float()? });
        }
        content.entries.push(Decoded { series, start, samples });
    }
    if !cursor.0.is_empty() {
        let rest: Rest = serde_json::from_slice(cursor.0).map_err(|e| Error::Content(e.to_string()))?;
        (content.meta, content.exemplars) = (rest.meta, rest.exemplars);
    }
    Ok(content)
}

/// Texts that were seen, so that labels share them.
#[derive(Default)]
pub(crate) struct Symbols(HashMap<Arc<str>, ()>);

impl Symbols {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some((shared, ())) = self.0.get_key_value(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = Arc::from(text);
        self.0.insert(Arc::clone(&shared), ());
        shared
    }
}

pub(super) fn unsigned(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push((v & 0x7f) as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

pub(super) fn signed(out: &mut Vec<u8>, v: i64) {
    unsigned(out, (v << 1 ^ v >> 63).cast_unsigned());
}

fn text(out: &mut Vec<u8>, text: &str) {
    unsigned(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn short() -> Error {
    Error::Content("it ends too early".to_owned())
}

pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (head, tail) = self.0.split_at_checked(length).ok_or_else(short)?;
        self.0 = tail;
        Ok(head)
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, Error> {
        let mut v = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            v |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(v);
            }
        }
        Err(Error::Content("a number is too long".to_owned()))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Error> {
        let v = self.unsigned()?;
        Ok((v >> 1).cast_signed() ^ -(v & 1).cast_signed())
    }

    pub(super) fn float(&mut self) -> Result<f64, Error> {
        let bits = self.take(8)?.try_into().map(u64::from_le_bytes).map_err(|_| short())?;
        Ok(f64::from_bits(bits))
    }

    pub(super) fn definitions(&mut self, symbols: &mut Symbols) -> Result<Vec<(u32, Labels)>, Error> {
        let mut out = Vec::new();
        for _ in 0..self.unsigned()? {
            let series = self.series()?;
            let mut pairs = Vec::new();
            for _ in 0..self.unsigned()? {
                pairs.push((self.text(symbols)?, self.text(symbols)?));
            }
            out.push((series, Labels::from_pairs(pairs)));
        }
        Ok(out)
    }

    pub(super) fn series(&mut self) -> Result<u32, Error> {
        u32::try_from(self.unsigned()?).map_err(|_| Error::Content("a series number is too large".to_owned()))
    }

    fn text(&mut self, symbols: &mut Symbols) -> Result<Arc<str>, Error> {
        let length = usize::try_from(self.unsigned()?).map_err(|_| short())?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|e| Error::Content(e.to_string()))?;
        Ok(symbols.get(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_is_encoded_decodes(
            series in proptest::collection::vec(
                (proptest::option::of(any::<i64>()), proptest::collection::vec((any::<i64>(), any::<u64>()), 0..20)), 0..10),
        ) {
            let labels: Vec<Labels> = (0..series.len()).map(|n| Labels::from_pairs([("__name__", "m".to_owned()), ("n", n.to_string())])).collect();
            let samples: Vec<Vec<Sample>> = series.iter()
                .map(|(_, list)| list.iter().map(|(t, bits)| Sample { t: *t, v: f64::from_bits(*bits) }).collect()).collect();
            let entries: Vec<Entry<'_>> = series.iter().enumerate()
                .map(|(n, (start, _))| Entry { series: n as u32, labels: &labels[n], start: *start, samples: &samples[n] }).collect();
            let mut dictionary = Dictionary::default();
            for round in 0..3 {
                let bytes = encode(&entries, &[], &[], &mut dictionary).unwrap();
                let content = decode(&bytes, &mut Symbols::default()).unwrap();
                prop_assert_eq!(content.definitions.len(), if round < 2 { labels.len() } else { 0 });
                for (entry, decoded) in entries.iter().zip(&content.entries) {
                    prop_assert_eq!((entry.series, entry.start), (decoded.series, decoded.start));
                    let bits = |list: &[Sample]| list.iter().map(|s| (s.t, s.v.to_bits())).collect::<Vec<_>>();
                    prop_assert_eq!(bits(entry.samples), bits(&decoded.samples));
                }
                if round == 0 {
                    for cut in (0..bytes.len()).step_by(3) {
                        let _no_panic = decode(&bytes[..cut], &mut Symbols::default());
                    }
                }
            }
        }
    }
}
