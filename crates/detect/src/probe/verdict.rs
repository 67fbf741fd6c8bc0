//! Whether a probe's target is up: so many failures of so many results.
//!
//! Not a result: one that failed may be a hiccup. Pure.

use watchkeeper_config::model::probe::DownAfter;

/// How a target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It answers as it should.
    Up,
    /// It does not.
    Down,
    /// Nobody can tell: the probe did not run, or not often enough.
    Unknown,
}

/// What one look brought: success, failure, or none when it did not run.
pub type Look = Option<bool>;

/// Judges the newest looks, the newest first. One that did not run says nothing about the target; when the newest did not
/// run, nobody can tell.
pub fn judge(down_after: DownAfter, looks: impl IntoIterator<Item = Look>) -> Verdict {
    let mut looks = looks.into_iter().peekable();
    if looks.peek().copied().flatten().is_none() {
        return Verdict::Unknown;
    }
    let (mut good, mut bad) = (0_u16, 0_u16);
    for success in looks.flatten().take(usize::from(down_after.of)) {
        if success {
            good += 1;
        } else {
            bad += 1;
        }
    }
    match (bad >= down_after.failures, good) {
        (true, _) => Verdict::Down,
        (false, 0) => Verdict::Unknown,
        (false, _) => Verdict::Up,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The newest first: `.` well, `x` failed, `?` not run.
    fn of(failures: u16, of: u16, looks: &str) -> Verdict {
        let look = |c| match c {
            '.' => Some(true),
            'x' => Some(false),
            _ => None,
        };
        judge(DownAfter { failures, of }, looks.chars().map(look))
    }

    #[test]
    fn one_failure_is_down_by_default_and_n_of_m_when_so_configured() {
        assert_eq!((of(1, 1, "x.."), of(1, 1, ".xx")), (Verdict::Down, Verdict::Up));
        assert_eq!((of(3, 3, "xx."), of(3, 3, "xxx."), of(3, 3, ".xxx")), (Verdict::Up, Verdict::Down, Verdict::Up));
        assert_eq!((of(3, 5, "x.x.x"), of(3, 5, "x.x..x")), (Verdict::Down, Verdict::Up));
    }

    #[test]
    fn what_did_not_run_and_what_ran_too_seldom_is_unknown() {
        assert_eq!(
            (of(1, 1, ""), of(1, 1, "?x"), of(1, 1, "?.")),
            (Verdict::Unknown, Verdict::Unknown, Verdict::Unknown)
        );
        assert_eq!(of(3, 3, "xx"), Verdict::Unknown);
        // In between it counts for nothing.
        assert_eq!((of(2, 2, "x?x"), of(2, 2, "x?.")), (Verdict::Down, Verdict::Up));
    }
}
