//! What the start times of samples tell about restarts of a counter.
//!
//! OpenTelemetry's rules: a counter that restarted counts from a later moment; a delta counts from the sample before;
//! a start at the sample's own time means that it is not known.

/// A sample's start and time, in milliseconds.
pub(super) type Started = (i64, i64);

/// Whether a counter restarted between two samples, as far as their start times tell.
pub(super) fn restarted((previous_start, previous): Started, (start, t): Started) -> bool {
    if start == 0 || start >= t || start < previous {
        return false;
    }
    if start > previous {
        return true;
    }
    // A delta, or a cumulative counter whose start is not known and was put at its first sample.
    previous_start != 0 && previous_start < previous
}

/// Whether a sample counts over a time that the sample before it counted already, so that something is counted twice.
pub(super) fn overlaps((previous_start, previous): Started, (start, _): Started) -> bool {
    start != 0 && start < previous && start != previous_start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_start_is_a_restart_and_an_unknown_one_is_not() {
        assert!(restarted((10, 100), (150, 200)));
        assert!(!restarted((10, 100), (10, 200)));
        assert!(!restarted((10, 100), (0, 200)));
        assert!(!restarted((10, 100), (250, 200)));
    }

    #[test]
    fn deltas_restart_at_every_sample_and_cumulative_counters_without_a_start_do_not() {
        assert!(restarted((50, 100), (100, 200)));
        assert!(!restarted((0, 100), (100, 200)));
        assert!(!restarted((100, 100), (100, 200)));
        assert!(!restarted((150, 100), (100, 200)));
    }

    #[test]
    fn counting_twice_is_noticed() {
        assert!(overlaps((50, 100), (90, 200)));
        assert!(!overlaps((50, 100), (50, 200)));
        assert!(!overlaps((50, 100), (100, 200)));
    }
}
