//! The known name that is most like a name that does not exist: "did you mean …".
//!
//! Not a search: one candidate, or none when nothing is close.

/// More candidates than this are not looked at: the answer is a courtesy and must stay cheap.
const MOST: usize = 20_000;

/// The candidate with the least edit distance, if that is at most a third of the name's length.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().take(200).collect();
    let limit = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .take(MOST)
        .filter(|c| c.chars().count().abs_diff(wanted.len()) <= limit)
        .map(|c| (distance(&wanted, c), c))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, c)| c)
}

/// Levenshtein's distance with one row of memory.
fn distance(wanted: &[char], candidate: &str) -> usize {
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (i, c) in candidate.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        row[0] = left;
        for (cell, w) in row.iter_mut().skip(1).zip(wanted) {
            let above = *cell;
            left = (diagonal + usize::from(c != *w)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_found_and_another_word_is_not() {
        let known = ["http_server_request_duration_seconds_count", "up", "probe_success"];
        assert_eq!(nearest("probe_sucess", known), Some("probe_success"));
        assert_eq!(nearest("http_server_requests_duration_seconds_count", known), Some(known[0]));
        assert_eq!(nearest("disk_free_bytes", known), None);
    }
}
