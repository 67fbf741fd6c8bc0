//! Counts the nested messages of a protobuf body before it is decoded.
//!
//! Not a decoder: values are skipped. prost allocates a struct for each nested message, and an empty one takes 2 bytes on
//! the wire: 32 MiB of those would become gigabytes. So the count and the depth are taken first, without allocating.

use crate::error::DecodeError;
use crate::limits::Limits;

/// Which fields of a message are messages themselves (or strings that are allocated one by one).
pub(crate) struct Shape {
    pub(crate) nested: &'static [(u64, &'static Shape)],
}

/// A message whose fields are all plain.
pub(crate) static LEAF: Shape = Shape { nested: &[] };
/// Text that is allocated by itself.
pub(crate) static TEXT: Shape = Shape { nested: &[] };
/// Numbers packed into one field: a byte on the wire may become eight in memory.
pub(crate) static PACKED: Shape = Shape { nested: &[] };
/// Bytes of packed numbers that count as one element.
const PACKED_BYTES: usize = 4;

/// Refuses a body with too many or too deeply nested messages, or with broken framing.
pub(crate) fn check(body: &[u8], shape: &Shape, limits: &Limits, what: &'static str) -> Result<(), DecodeError> {
    let mut walk = Walk { left: limits.elements, limits, what };
    walk.message(body, shape, 0)
}

struct Walk<'a> {
    left: usize,
    limits: &'a Limits,
    what: &'static str,
}

impl Walk<'_> {
    fn message(&mut self, mut body: &[u8], shape: &Shape, depth: usize) -> Result<(), DecodeError> {
        if depth > self.limits.depth {
            return Err(DecodeError::TooLarge {
                what: format!("the nesting of {}", self.what),
                limit: format!("{} levels", self.limits.depth),
            });
        }
        while !body.is_empty() {
            let key = self.varint(&mut body)?;
            match key & 7 {
                0 => drop(self.varint(&mut body)?),
                1 => drop(self.take(&mut body, 8)?),
                5 => drop(self.take(&mut body, 4)?),
                2 => {
                    let length = self.varint(&mut body)?;
                    let length = usize::try_from(length).map_err(|_| self.broken("a length is too large"))?;
                    let inner = self.take(&mut body, length)?;
                    if let Some((_, nested)) = shape.nested.iter().find(|(field, _)| *field == key >> 3) {
                        let plain = std::ptr::eq(*nested, &TEXT);
                        let packed = std::ptr::eq(*nested, &PACKED);
                        self.spend(if packed { inner.len().div_ceil(PACKED_BYTES) } else { 1 })?;
                        if !plain && !packed {
                            self.message(inner, nested, depth + 1)?;
                        }
                    }
                }
                other => return Err(self.broken(&format!("wire type {other} is not used"))),
            }
        }
        Ok(())
    }

    fn spend(&mut self, elements: usize) -> Result<(), DecodeError> {
        self.left = self.left.checked_sub(elements).ok_or_else(|| DecodeError::TooLarge {
            what: format!("the number of nested messages in {}", self.what),
            limit: self.limits.elements.to_string(),
        })?;
        Ok(())
    }

    fn varint(&self, body: &mut &[u8]) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for (at, byte) in body.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                *body = &body[at + 1..];
                return Ok(value);
            }
        }
        Err(self.broken("it ends within a number"))
    }

    fn take<'b>(&self, body: &mut &'b [u8], length: usize) -> Result<&'b [u8], DecodeError> {
        let (head, tail) = body.split_at_checked(length).ok_or_else(|| self.broken("it ends within a field"))?;
        *body = tail;
        Ok(head)
    }

    fn broken(&self, reason: &str) -> DecodeError {
        DecodeError::Malformed { what: self.what, reason: reason.to_owned() }
    }
}
