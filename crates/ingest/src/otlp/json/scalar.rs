//! Scalars of protobuf's JSON mapping, as lenient as the mapping asks and no more.
//!
//! `null` stands for the default everywhere.

use std::fmt;
use std::marker::PhantomData;

use opentelemetry_proto::tonic::logs::v1::SeverityNumber;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::trace::v1::{span::SpanKind, status::StatusCode};
use serde::de::{Deserializer, Error, Visitor};

use super::{Budget, Codec};

/// A JSON value that is neither object nor array.
enum Scalar {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
}

fn scalar<'de, D: Deserializer<'de>>(from: D) -> Result<Scalar, D::Error> {
    struct Visit;
    impl Visitor<'_> for Visit {
        type Value = Scalar;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, a text, true, false or null")
        }
        fn visit_unit<E>(self) -> Result<Scalar, E> {
            Ok(Scalar::Null)
        }
        fn visit_bool<E>(self, v: bool) -> Result<Scalar, E> {
            Ok(Scalar::Bool(v))
        }
        fn visit_u64<E>(self, v: u64) -> Result<Scalar, E> {
            Ok(Scalar::Unsigned(v))
        }
        fn visit_i64<E>(self, v: i64) -> Result<Scalar, E> {
            Ok(Scalar::Signed(v))
        }
        fn visit_f64<E>(self, v: f64) -> Result<Scalar, E> {
            Ok(Scalar::Float(v))
        }
        fn visit_str<E>(self, v: &str) -> Result<Scalar, E> {
            Ok(Scalar::Text(v.to_owned()))
        }
        fn visit_string<E>(self, v: String) -> Result<Scalar, E> {
            Ok(Scalar::Text(v))
        }
    }
    from.deserialize_any(Visit)
}

/// Integers: numbers or text. They are read through `i128`, which holds both 64-bit kinds.
fn integer<E: Error>(scalar: Scalar) -> Result<i128, E> {
    #[expect(clippy::cast_possible_truncation, reason = "checked: no fraction, and far within i128")]
    let whole = |v: f64| (v.fract() == 0.0 && v.abs() < 1e30).then_some(v as i128);
    match scalar {
        Scalar::Null => Ok(0),
        Scalar::Unsigned(v) => Ok(v.into()),
        Scalar::Signed(v) => Ok(v.into()),
        Scalar::Float(v) => whole(v).ok_or_else(|| E::custom(format!("{v} is not an integer"))),
        Scalar::Text(text) => text
            .parse()
            .ok()
            .or_else(|| text.parse().ok().and_then(whole))
            .ok_or_else(|| E::custom("the text is not an integer")),
        Scalar::Bool(_) => Err(E::custom("true or false stands where an integer is expected")),
    }
}

/// An integer of the wanted width.
pub(super) struct Int<T>(PhantomData<T>);

impl<T: TryFrom<i128> + Default> Codec for Int<T> {
    type Out = T;
    fn read<'de, D: Deserializer<'de>>(from: D, _: &Budget) -> Result<T, D::Error> {
        T::try_from(integer(scalar(from)?)?).map_err(|_| D::Error::custom("the integer is out of range"))
    }
}

/// A double; `NaN`, `Infinity` and `-Infinity` are text.
pub(super) struct Double;

impl Codec for Double {
    type Out = f64;
    #[expect(clippy::cast_precision_loss, reason = "a JSON number that is meant as a double")]
    fn read<'de, D: Deserializer<'de>>(from: D, _: &Budget) -> Result<f64, D::Error> {
        match scalar(from)? {
            Scalar::Null => Ok(0.0),
            Scalar::Unsigned(v) => Ok(v as f64),
            Scalar::Signed(v) => Ok(v as f64),
            Scalar::Float(v) => Ok(v),
            Scalar::Text(text) => text.parse().map_err(|_| D::Error::custom("the text is not a number")),
            Scalar::Bool(_) => Err(D::Error::custom("true or false stands where a number is expected")),
        }
    }
}

/// True or false.
pub(super) struct Truth;

impl Codec for Truth {
    type Out = bool;
    fn read<'de, D: Deserializer<'de>>(from: D, _: &Budget) -> Result<bool, D::Error> {
        match scalar(from)? {
            Scalar::Null => Ok(false),
            Scalar::Bool(v) => Ok(v),
            _ => Err(D::Error::custom("neither true nor false")),
        }
    }
}

/// Text.
pub(super) struct Text;

impl Codec for Text {
    type Out = String;
    fn read<'de, D: Deserializer<'de>>(from: D, _: &Budget) -> Result<String, D::Error> {
        match scalar(from)? {
            Scalar::Null => Ok(String::new()),
            Scalar::Text(text) => Ok(text),
            _ => Err(D::Error::custom("not a text")),
        }
    }
}

/// Trace and span ids: hexadecimal in either case (OTLP departs from protobuf's base64 here).
pub(super) struct Hex;

impl Codec for Hex {
    type Out = Vec<u8>;
    fn read<'de, D: Deserializer<'de>>(from: D, budget: &Budget) -> Result<Vec<u8>, D::Error> {
        let text = Text::read(from, budget)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        text.as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("an id is not hexadecimal"))
    }
}

/// Bytes: base64 in the standard or the URL alphabet, padded or not.
pub(super) struct Base64;

impl Codec for Base64 {
    type Out = Vec<u8>;
    fn read<'de, D: Deserializer<'de>>(from: D, budget: &Budget) -> Result<Vec<u8>, D::Error> {
        let text = Text::read(from, budget)?;
        let mut out = Vec::with_capacity(text.len() / 4 * 3);
        let (mut word, mut bits) = (0_u32, 0_u32);
        for byte in text.trim_end_matches('=').bytes() {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                _ => return Err(D::Error::custom("bytes are not base64")),
            };
            word = word << 6 | u32::from(digit);
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                out.push((word >> bits & 0xff) as u8);
            }
        }
        Ok(out)
    }
}

/// An enum, as its number or its name.
pub(super) struct Enum<E>(PhantomData<E>);

/// Names of an enum's values, as the proto files have them.
pub(super) trait Named {
    fn number(name: &str) -> Option<i32>;
}

macro_rules! named {
    ($($name:ident),*) => {$(
        impl Named for $name {
            fn number(name: &str) -> Option<i32> {
                Self::from_str_name(name).map(|v| v as i32)
            }
        }
    )*};
}
named!(SeverityNumber, AggregationTemporality, SpanKind, StatusCode);

impl<E: Named> Codec for Enum<E> {
    type Out = i32;
    fn read<'de, D: Deserializer<'de>>(from: D, _: &Budget) -> Result<i32, D::Error> {
        let value = scalar(from)?;
        if let Scalar::Text(name) = &value
            && let Some(number) = E::number(name)
        {
            return Ok(number);
        }
        let number: i128 =
            integer(value).map_err(|_: D::Error| D::Error::custom("an enum has a name that is not known"))?;
        i32::try_from(number).map_err(|_| D::Error::custom("an enum is out of range"))
    }
}
