//! The updates as an Atom feed (RFC 4287), newest first.
//!
//! Not RSS: every reader that takes one takes the other.

use askama::Template;
use watchkeeper_domain::Timestamp;

use crate::error::Error;
use crate::page::{Page, PublicIncident, Update};

/// Most entries.
const MAX_ENTRIES: usize = 100;

#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed<'a> {
    page: &'a Page,
    url: &'a str,
    updated: Timestamp,
    entries: Vec<(&'a PublicIncident, &'a Update)>,
}

impl Page {
    /// Renders the feed. `url` is the page's public address, without a slash at its end.
    pub fn atom(&self, url: &str) -> Result<String, Error> {
        let incidents = self.current.iter().chain(&self.history);
        let mut entries: Vec<_> =
            incidents.flat_map(|incident| incident.updates.iter().map(move |update| (incident, update))).collect();
        entries.sort_by(|(_, a), (_, b)| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
        entries.truncate(MAX_ENTRIES);
        // A feed that nothing happened in does not change with every look at it.
        let updated = entries.first().map_or(Timestamp::from_micros(0), |(_, update)| update.at);
        Ok(Feed { page: self, url, updated, entries }.render()?)
    }
}
