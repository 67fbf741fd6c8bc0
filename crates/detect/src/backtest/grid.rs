//! The moments of a backtest, and sets of them.
//!
//! Not calendar days: `calendar` makes those of moments.

use watchkeeper_domain::{Span, Timestamp};

/// The moments at which a rule is looked at: multiples of the step since the epoch, so that two backtests with one step
/// see the same moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) start_ms: i64,
    pub(super) step_ms: i64,
    pub(super) steps: usize,
}

impl Grid {
    /// The moments in `start..=end`.
    pub(super) fn within(start: Timestamp, end: Timestamp, step: Span) -> Self {
        let step_ms = step.as_millis().max(1);
        let first = start.as_millis().div_euclid(step_ms) * step_ms;
        let start_ms = if first < start.as_millis() { first.saturating_add(step_ms) } else { first };
        let steps = match end.as_millis().checked_sub(start_ms) {
            Some(length) if length >= 0 => usize::try_from(length / step_ms).unwrap_or(usize::MAX).saturating_add(1),
            _ => 0,
        };
        Self { start_ms, step_ms, steps }
    }

    /// The milliseconds of a step.
    pub(super) fn ms(&self, step: usize) -> i64 {
        self.start_ms.saturating_add(self.step_ms.saturating_mul(i64::try_from(step).unwrap_or(i64::MAX)))
    }

    /// The moment of a step.
    pub(super) fn at(&self, step: usize) -> Timestamp {
        Timestamp::from_millis(self.ms(step))
    }

    /// The step of a moment that is one of the grid's.
    pub(super) fn step(&self, ms: i64) -> usize {
        usize::try_from((ms - self.start_ms) / self.step_ms).unwrap_or(0)
    }

    /// The first step that is not before a moment; at most `steps`.
    pub(super) fn not_before(&self, at: Timestamp) -> usize {
        let micros = at.as_micros().saturating_sub(self.start_ms.saturating_mul(1_000)).max(0);
        let step = self.step_ms.saturating_mul(1_000);
        usize::try_from(micros.div_euclid(step) + i64::from(micros % step != 0)).unwrap_or(usize::MAX).min(self.steps)
    }

    /// How many steps a length of time takes, rounded up.
    pub(super) fn steps_of(&self, span: Span) -> usize {
        let step = self.step_ms.saturating_mul(1_000);
        let micros = span.as_micros();
        usize::try_from(micros / step + i64::from(micros % step != 0)).unwrap_or(usize::MAX)
    }

    /// Consecutive parts of at most so many steps.
    pub(super) fn parts(&self, most: usize) -> impl Iterator<Item = Self> + use<> {
        let grid = *self;
        (0..grid.steps).step_by(most.max(1)).map(move |first| Self {
            start_ms: grid.ms(first),
            step_ms: grid.step_ms,
            steps: most.max(1).min(grid.steps - first),
        })
    }
}

/// A set of steps, one bit each.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps(Vec<u64>);

impl Steps {
    /// None of so many steps.
    pub(super) fn none(steps: usize) -> Self {
        Self(vec![0; steps.div_ceil(64)])
    }

    /// Adds a step; one that is out of range is not there.
    pub(super) fn insert(&mut self, step: usize) {
        if let Some(word) = self.0.get_mut(step / 64) {
            *word |= 1 << (step % 64);
        }
    }

    /// Adds the steps in `first..end`.
    pub(super) fn fill(&mut self, first: usize, end: usize) {
        let end = end.min(self.0.len() * 64);
        if first >= end {
            return;
        }
        let (low, high) = (first / 64, (end - 1) / 64);
        let (from, to) = (u64::MAX << (first % 64), u64::MAX >> (63 - (end - 1) % 64));
        for (at, word) in self.0.iter_mut().enumerate().take(high + 1).skip(low) {
            let mut mask = u64::MAX;
            if at == low {
                mask &= from;
            }
            if at == high {
                mask &= to;
            }
            *word |= mask;
        }
    }

    /// The first step after this one that is in the set.
    pub(super) fn after(&self, step: usize) -> Option<usize> {
        let next = step + 1;
        let first = self.0.get(next / 64).map(|word| word & (u64::MAX << (next % 64)))?;
        std::iter::once(first).chain(self.0.iter().skip(next / 64 + 1).copied()).position(|word| word != 0).and_then(
            |skipped| {
                let at = next / 64 + skipped;
                let word = if skipped == 0 { first } else { *self.0.get(at)? };
                Some(at * 64 + word.trailing_zeros() as usize)
            },
        )
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Runs of consecutive steps, as `first..end`.
    pub(super) fn runs(&self) -> usize {
        let mut before = 0;
        let mut runs = 0;
        for word in &self.0 {
            runs += (word & !(word << 1 | before)).count_ones() as usize;
            before = word >> 63;
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_stands_on_multiples_of_its_step() {
        let (start, end) = (Timestamp::from_millis(61_001), Timestamp::from_millis(180_000));
        let grid = Grid::within(start, end, Span::from_secs(60));
        assert_eq!((grid.ms(0), grid.steps), (120_000, 2));
        assert_eq!(grid.not_before(Timestamp::from_millis(120_001)), 1);
        assert_eq!(grid.not_before(Timestamp::from_millis(999_999)), 2);
        assert_eq!(grid.parts(1).map(|p| p.start_ms).collect::<Vec<_>>(), [120_000, 180_000]);
        assert_eq!(Grid::within(end, start, Span::from_secs(60)).steps, 0);
    }

    #[test]
    fn sets_of_steps_count_runs_across_words() {
        let mut steps = Steps::none(300);
        steps.fill(10, 12);
        steps.fill(60, 200);
        steps.fill(250, 1_000);
        assert_eq!(steps.runs(), 3);
        assert_eq!(steps.count(), 2 + 140 + (320 - 250));
        assert_eq!(steps.after(11), Some(60));
        assert_eq!(steps.after(199), Some(250));
        steps.fill(5, 5);
        assert_eq!(steps.after(0), Some(10));
        assert_eq!(Steps::none(64).after(63), None);
    }
}
