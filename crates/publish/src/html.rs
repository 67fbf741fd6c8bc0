//! The page as HTML, rendered on the server, without a script.
//!
//! Not the console. Every value is escaped by the template engine.

use askama::Template;
use watchkeeper_domain::Timestamp;

use crate::component::Impact;
use crate::error::Error;
use crate::page::{Page, PublicIncident};

#[derive(Template)]
#[template(path = "status.html")]
struct StatusHtml<'a> {
    page: &'a Page,
    sections: [(&'static str, &'static str, &'a [PublicIncident]); 2],
}

impl Page {
    /// Renders the page. Links are relative: `status.css`, `feed.atom`, `summary.json`.
    pub fn html(&self) -> Result<String, Error> {
        let sections = [
            ("Current incidents", "There is no incident.", self.current.as_slice()),
            ("Last 14 days", "There was no incident.", self.history.as_slice()),
        ];
        Ok(StatusHtml { page: self, sections }.render()?)
    }
}

/// `22 Nov 2026, 19:40 UTC`.
fn moment(at: &Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .map_or_else(|_| at.to_string(), |at| at.strftime("%-d %b %Y, %H:%M UTC").to_string())
}

fn bar(day: &Option<Impact>) -> &'static str {
    day.map_or("unknown", Impact::as_str)
}

/// For those who do not see the bars.
fn in_words(days: &[Option<Impact>]) -> String {
    let count = |wanted: &dyn Fn(Impact) -> bool| days.iter().flatten().filter(|day| wanted(**day)).count();
    let bad = count(&|impact| impact != Impact::Operational);
    let known = count(&|_| true);
    match bad {
        0 => format!("no incident on {known} days"),
        1 => format!("incidents on 1 of {known} days"),
        _ => format!("incidents on {bad} of {known} days"),
    }
}
