//! A chunk: samples of one series, compressed as in "Gorilla: A Fast, Scalable, In-Memory Time Series Database" (VLDB 2015).
//!
//! Not a format on disk. Times are deltas of deltas in milliseconds (1, 16, 19, 22 or 68 bits), values are XORed with the one
//! before. Any time and any bit pattern of a value comes back as it was.

use watchkeeper_domain::telemetry::Sample;

/// Samples in ascending order of time; never empty.
pub(crate) struct Chunk {
    bits: Bits,
    count: u32,
    first: Sample,
    last: Sample,
    delta: i64,
    window: Option<Window>,
}

/// Which bits of a value differ from the one before: leading zeros and length.
#[derive(Clone, Copy)]
struct Window {
    leading: u32,
    length: u32,
}

/// Widths of a delta of deltas, with the prefix that says which.
const WIDTHS: [(u64, u32, u32); 3] = [(0b10, 2, 14), (0b110, 3, 17), (0b1110, 4, 20)];

impl Chunk {
    pub(crate) fn new(first: Sample) -> Self {
        Self { bits: Bits::default(), count: 1, first, last: first, delta: 0, window: None }
    }

    /// A chunk of these samples, which ascend; `None` when there are none.
    pub(crate) fn of(samples: &[Sample]) -> Option<Self> {
        let (first, rest) = samples.split_first()?;
        let mut chunk = Self::new(*first);
        for sample in rest {
            chunk.push(*sample);
        }
        Some(chunk)
    }

    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    pub(crate) fn first(&self) -> i64 {
        self.first.t
    }

    pub(crate) fn last(&self) -> i64 {
        self.last.t
    }

    /// The value of the last sample.
    pub(crate) fn newest(&self) -> f64 {
        self.last.v
    }

    /// Gives back spare memory: nothing is expected to be added.
    pub(crate) fn shrink(&mut self) {
        self.bits.shrink();
    }

    /// Adds a sample that is newer than the last.
    pub(crate) fn push(&mut self, sample: Sample) {
        let delta = sample.t.wrapping_sub(self.last.t);
        let change = delta.wrapping_sub(self.delta);
        if change == 0 {
            self.bits.push(0, 1);
        } else if let Some((prefix, prefix_length, width)) = WIDTHS.into_iter().find(|(.., width)| fits(change, *width))
        {
            self.bits.push(prefix, prefix_length);
            self.bits.push(change.cast_unsigned(), width);
        } else {
            self.bits.push(0b1111, 4);
            self.bits.push(change.cast_unsigned(), 64);
        }
        let xor = sample.v.to_bits() ^ self.last.v.to_bits();
        if xor == 0 {
            self.bits.push(0, 1);
        } else {
            let leading = xor.leading_zeros().min(31);
            let length = 64 - leading - xor.trailing_zeros();
            match self.window {
                Some(w) if leading >= w.leading && 64 - xor.trailing_zeros() <= w.leading + w.length => {
                    self.bits.push(0b10, 2);
                    self.bits.push(xor >> (64 - w.leading - w.length), w.length);
                }
                _ => {
                    self.bits.push(0b11, 2);
                    self.bits.push(leading.into(), 5);
                    // 64 does not fit six bits; 0 is not needed for itself.
                    self.bits.push(u64::from(length) & 63, 6);
                    self.bits.push(xor >> xor.trailing_zeros(), length);
                    self.window = Some(Window { leading, length });
                }
            }
        }
        self.delta = delta;
        self.last = sample;
        self.count += 1;
    }

    /// The samples, oldest first.
    pub(crate) fn iter(&self) -> Samples<'_> {
        Samples { chunk: self, bit: 0, given: 0, last: self.first, delta: 0, window: Window { leading: 0, length: 0 } }
    }
}

fn fits(v: i64, width: u32) -> bool {
    let half = 1_i64 << (width - 1);
    (-half..half).contains(&v)
}

/// Reads a chunk.
pub(crate) struct Samples<'a> {
    chunk: &'a Chunk,
    bit: usize,
    given: u32,
    last: Sample,
    delta: i64,
    window: Window,
}

impl Samples<'_> {
    fn bits(&mut self, count: u32) -> u64 {
        let v = self.chunk.bits.read(self.bit, count);
        self.bit += count as usize;
        v
    }

    fn change(&mut self) -> i64 {
        if self.bits(1) == 0 {
            return 0;
        }
        for (_, _, width) in WIDTHS {
            if self.bits(1) == 0 {
                let v = self.bits(width);
                return (v << (64 - width)).cast_signed() >> (64 - width);
            }
        }
        self.bits(64).cast_signed()
    }
}

impl Iterator for Samples<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        if self.given == self.chunk.count {
            return None;
        }
        self.given += 1;
        if self.given == 1 {
            return Some(self.last);
        }
        self.delta = self.delta.wrapping_add(self.change());
        let mut v = self.last.v.to_bits();
        if self.bits(1) == 1 {
            if self.bits(1) == 1 {
                #[expect(clippy::cast_possible_truncation, reason = "five and six bits")]
                let (leading, length) = (self.bits(5) as u32, self.bits(6) as u32);
                self.window = Window { leading, length: if length == 0 { 64 } else { length } };
            }
            let Window { leading, length } = self.window;
            v ^= self.bits(length) << (64 - leading - length);
        }
        self.last = Sample { t: self.last.t.wrapping_add(self.delta), v: f64::from_bits(v) };
        Some(self.last)
    }
}

/// A growing row of bits, most significant first.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not used yet.
    free: u32,
}

impl Bits {
    /// Appends the low `count` bits of `v`.
    pub(super) fn push(&mut self, v: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let now = left.min(self.free);
            let part = (v >> (left - now)) & ((1_u64 << now) - 1);
            if let Some(byte) = self.bytes.last_mut() {
                #[expect(clippy::cast_possible_truncation, reason = "masked to at most eight bits")]
                let part = (part << (self.free - now)) as u8;
                *byte |= part;
            }
            self.free -= now;
            left -= now;
        }
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Bytes in use.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// `count` bits from position `at`; zeros behind the end.
    pub(super) fn read(&self, at: usize, count: u32) -> u64 {
        let (mut v, mut at, mut left) = (0_u64, at, count);
        while left > 0 {
            let byte = self.bytes.get(at / 8).copied().unwrap_or(0);
            let available = 8 - (at % 8) as u32;
            let now = left.min(available);
            let part = (u64::from(byte) >> (available - now)) & ((1 << now) - 1);
            v = v << now | part;
            at += now as usize;
            left -= now;
        }
        v
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(samples: &[Sample]) {
        let chunk = Chunk::of(samples).unwrap();
        let bits = |list: Vec<Sample>| list.iter().map(|s| (s.t, s.v.to_bits())).collect::<Vec<_>>();
        assert_eq!(bits(chunk.iter().collect()), bits(samples.to_vec()));
    }

    proptest! {
        #[test]
        fn any_times_and_values_come_back(samples in proptest::collection::vec((any::<i64>(), any::<u64>()), 1..300)) {
            round_trip(&samples.into_iter().map(|(t, bits)| Sample { t, v: f64::from_bits(bits) }).collect::<Vec<_>>());
        }

        #[test]
        fn likely_series_come_back(steps in proptest::collection::vec((14_900_i64..15_100, -3_i32..50), 1..300)) {
            let (mut t, mut v) = (1_700_000_000_000, 0.0);
            let samples: Vec<Sample> = steps.into_iter().map(|(step, add)| {
                t += step;
                v += f64::from(add);
                Sample { t, v }
            }).collect();
            round_trip(&samples);
        }
    }

    #[test]
    fn a_regular_counter_costs_less_than_three_bytes_a_sample() {
        let samples: Vec<Sample> =
            (0..120).map(|n| Sample { t: 1_700_000_000_000 + n * 15_000, v: (n * 7) as f64 }).collect();
        let chunk = Chunk::of(&samples).unwrap();
        assert!(chunk.bits.len() < 3 * samples.len(), "{} bytes", chunk.bits.len());
    }
}
