//! Sums that do not lose small addends (Kahan's summation in Neumaier's form), as Prometheus sums.
//!
//! Not exact arithmetic: the error is bounded independently of the number of addends, no more.

/// A running sum with its compensation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) value: f64,
    pub(crate) compensation: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, addend: f64) {
        let total = self.value + addend;
        if total.is_infinite() {
            self.compensation = 0.0;
        } else if self.value.abs() >= addend.abs() {
            self.compensation += (self.value - total) + addend;
        } else {
            self.compensation += (addend - total) + self.value;
        }
        self.value = total;
    }

    pub(crate) fn total(self) -> f64 {
        if self.value.is_infinite() { self.value } else { self.value + self.compensation }
    }
}

/// The compensated sum of some values.
pub(crate) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.for_each(|v| sum.add(v));
    sum.total()
}

/// The mean of at least one value; `NaN` of none. Where the sum would overflow, it goes on with a running mean.
pub(crate) fn mean(mut values: impl Iterator<Item = f64>) -> f64 {
    let Some(first) = values.next() else { return f64::NAN };
    let mut sum = Sum { value: first, compensation: 0.0 };
    let mut count = 1.0;
    let mut running = false;
    for v in values {
        count += 1.0;
        if !running {
            let mut next = sum;
            next.add(v);
            if !next.value.is_infinite() {
                sum = next;
                continue;
            }
            running = true;
            sum = Sum { value: sum.value / (count - 1.0), compensation: sum.compensation / (count - 1.0) };
        }
        let weight = (count - 1.0) / count;
        sum = Sum { value: weight * sum.value, compensation: weight * sum.compensation };
        sum.add(v / count);
    }
    if running { sum.value + sum.compensation } else { sum.value / count + sum.compensation / count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_addends_survive_large_ones() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100].into_iter()), 2.0);
        assert_eq!(sum([f64::INFINITY, 1.0].into_iter()), f64::INFINITY);
    }

    #[test]
    fn the_mean_of_huge_values_does_not_overflow() {
        assert_eq!(mean([1.7e308, 1.7e308, 1.7e308].into_iter()), 1.7e308);
        assert_eq!(mean([1.0, 2.0, 3.0].into_iter()), 2.0);
        assert!(mean(std::iter::empty()).is_nan());
    }
}
