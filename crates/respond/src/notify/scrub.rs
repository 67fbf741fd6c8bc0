//! Takes secrets out of a peer's words before they are written down: a receiver may echo the URL that it was sent to.
//!
//! Not a way to print secrets safely: nothing prints them; this is the last line behind that rule.

use watchkeeper_config::Secret;

/// Shorter pieces of a URL are too common to be taken out.
const SHORTEST: usize = 8;

/// The texts to take out.
#[derive(Debug, Clone, Default)]
pub struct Scrub(Vec<Hidden>);

#[derive(Clone)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Scrub {
    /// Also takes out this secret; of a URL also its path, its query and their parts.
    #[must_use]
    pub fn and(mut self, secret: &Secret) -> Self {
        let value = secret.expose();
        self.add(value);
        if let Ok(url) = url::Url::parse(value) {
            self.add(url.as_str());
            self.add(url.path());
            url.path_segments().into_iter().flatten().for_each(|part| self.add(part));
            url.query().into_iter().for_each(|query| self.add(query));
            url.query_pairs().for_each(|(_, value)| self.add(&value));
        }
        // The longest first, so that a part does not break up the whole.
        self.0.sort_by_key(|hidden| std::cmp::Reverse(hidden.0.len()));
        self
    }

    fn add(&mut self, text: &str) {
        if text.len() >= SHORTEST {
            self.0.push(Hidden(text.to_owned()));
        }
    }

    /// The text without them.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, hidden| text.replace(&hidden.0, "[secret]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_out_whole_and_in_its_telling_parts() {
        let secret = Secret::new("${env:HOOK}", "https://hooks.example.org/services/T0/B0/abcdefgh1234?token=zyxwvuts");
        let scrub = Scrub::default().and(&secret);
        for echo in
            ["no route for /services/T0/B0/abcdefgh1234", "abcdefgh1234 is unknown", "zyxwvuts", secret.expose()]
        {
            let clean = scrub.clean(echo);
            assert!(!clean.contains("abcdefgh1234") && !clean.contains("zyxwvuts"), "{clean}");
        }
        assert!(!format!("{scrub:?}").contains("abcdefgh"));
    }
}
