//! "Did you mean": the nearest of the known names.
//!
//! Not a spell checker: one edit per three letters, or nothing is said.

/// The nearest candidate, when it is near enough to be a typing error.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > 100 {
        return None;
    }
    let folded = given.to_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|c| (distance(&folded, &c.to_lowercase().replace('-', "_")), c))
        .filter(|(d, c)| *d <= (given.chars().count().max(c.chars().count()) / 3).max(1))
        .min()
        .map(|(_, c)| c)
}

/// "did you mean `x`? accepted: …" for closed lists.
pub(crate) fn help(given: &str, candidates: &[&str]) -> String {
    let accepted = format!("accepted: {}", candidates.join(", "));
    match nearest(given, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {accepted}"),
        None => accepted,
    }
}

/// Edits (insert, remove, replace, swap neighbours) between two texts.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let mut best =
                (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_word_and_strangers_find_none() {
        let known = ["receiver", "receivers", "route", "rule_files"];
        assert_eq!(nearest("reciever", known), Some("receiver"));
        assert_eq!(nearest("rule-files", known), Some("rule_files"));
        assert_eq!(nearest("rotue", known), Some("route"));
        assert_eq!(nearest("banana", known), None);
    }
}
