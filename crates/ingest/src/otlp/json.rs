//! OTLP/JSON read straight into the protobuf types, in one pass and without an intermediate tree.
//!
//! Not opentelemetry-proto's own serde: that one reads ids of links and exemplars as byte arrays, and enums only as numbers.
//! Here 64-bit integers may be numbers or text, ids are hexadecimal in either case, enums are numbers or names, and unknown
//! fields are skipped (OTLP specification, "JSON Protobuf Encoding"). Which field is what stands in `json::messages`.

mod messages;
mod scalar;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::DecodeError;
use crate::limits::Limits;

/// How many more elements a body may have.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    fn spend<E: serde::de::Error>(&self) -> Result<(), E> {
        self.0.set(self.0.get().checked_sub(1).ok_or_else(|| E::custom(OVER_BUDGET))?);
        Ok(())
    }
}

const OVER_BUDGET: &str = "too many elements";

/// A message that knows how to take one of its fields.
pub(super) trait JsonMessage: Default {
    /// Takes the field's value from the map; false when the field is not known (its value is not consumed then).
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, budget: &Budget) -> Result<bool, A::Error>;
}

/// How one JSON value becomes one Rust value.
trait Codec {
    type Out: Default;
    fn read<'de, D: Deserializer<'de>>(from: D, budget: &Budget) -> Result<Self::Out, D::Error>;
}

/// A nested message.
struct Msg<M>(PhantomData<M>);
/// A list.
struct Many<C>(PhantomData<C>);

struct Seed<'b, C>(&'b Budget, PhantomData<C>);

impl<'de, C: Codec> DeserializeSeed<'de> for Seed<'_, C> {
    type Value = C::Out;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<C::Out, D::Error> {
        C::read(from, self.0)
    }
}

/// Reads a whole request.
pub(super) fn read<M: JsonMessage>(body: &[u8], limits: &Limits, what: &'static str) -> Result<M, DecodeError> {
    let budget = Budget(Cell::new(limits.elements));
    let mut from = serde_json::Deserializer::from_slice(body);
    Msg::<M>::read(&mut from, &budget).and_then(|message| from.end().map(|()| message)).map_err(|e| {
        let reason = e.to_string();
        if reason.starts_with(OVER_BUDGET) {
            DecodeError::TooLarge {
                what: format!("the number of elements in {what}"),
                limit: limits.elements.to_string(),
            }
        } else {
            DecodeError::Malformed { what, reason }
        }
    })
}

fn next<'de, C: Codec, A: MapAccess<'de>>(map: &mut A, budget: &Budget) -> Result<C::Out, A::Error> {
    map.next_value_seed(Seed::<C>(budget, PhantomData))
}

impl<M: JsonMessage> Codec for Msg<M> {
    type Out = M;

    fn read<'de, D: Deserializer<'de>>(from: D, budget: &Budget) -> Result<M, D::Error> {
        struct Visit<'b, M>(&'b Budget, PhantomData<M>);
        impl<'de, M: JsonMessage> Visitor<'de> for Visit<'_, M> {
            type Value = M;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_unit<E>(self) -> Result<M, E> {
                Ok(M::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<M, A::Error> {
                let mut message = M::default();
                while let Some(key) = map.next_key::<String>()? {
                    if !message.field(&key, &mut map, self.0)? {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(message)
            }
        }
        budget.spend()?;
        from.deserialize_any(Visit(budget, PhantomData))
    }
}

impl<C: Codec> Codec for Many<C> {
    type Out = Vec<C::Out>;

    fn read<'de, D: Deserializer<'de>>(from: D, budget: &Budget) -> Result<Self::Out, D::Error> {
        struct Visit<'b, C>(&'b Budget, PhantomData<C>);
        impl<'de, C: Codec> Visitor<'de> for Visit<'_, C> {
            type Value = Vec<C::Out>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element_seed(Seed::<C>(self.0, PhantomData))? {
                    self.0.spend().map_err(|e: A::Error| A::Error::custom(e))?;
                    list.push(item);
                }
                Ok(list)
            }
        }
        from.deserialize_any(Visit(budget, PhantomData::<C>))
    }
}
