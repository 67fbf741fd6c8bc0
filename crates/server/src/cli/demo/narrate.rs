//! What the narrator says beside the tour.
//!
//! Not the tour: see `tour`.

use owo_colors::{OwoColorize as _, Stream, Style};

use super::super::output::put;
use super::children::Children;
use super::folder::Places;

pub(super) fn welcome(places: &Places, children: &Children) {
    put("");
    put(&format!(
        "  {}",
        "Money404 Bank is open, and Watchkeeper keeps watch."
            .if_supports_color(Stream::Stdout, |t| t.style(Style::new().bold()))
    ));
    put(&format!("  console      {}", places.server_url()));
    put(&format!("  status page  {}/status", places.server_url()));
    put(&format!("  the bank     {}", places.front_url()));
    if children.real_slack {
        put("  Slack        your own: SLACK_WEBHOOK_URL is set");
    } else {
        put(&format!("  Slack        {} (a local stand-in: SLACK_WEBHOOK_URL is not set)", places.slack_url()));
    }
    put("");
}

pub(super) fn farewell(places: &Places) {
    put("");
    put(&format!(
        "Next: open {} and switch on another fault under Demo, or in another terminal: watchkeeper fault on api-errors",
        places.server_url()
    ));
    put("Ctrl-C ends the demo.");
}

pub(super) fn stopping() {
    put("Closing the bank.");
}

/// One thing that happened, with the seconds since the fault.
pub(super) fn happened(after_s: f64, what: &str) {
    put(&format!("  {:>6.1} s  {what}", after_s));
}

/// A heading of the tour.
pub(super) fn scene(title: &str) {
    put(&title.if_supports_color(Stream::Stdout, |t| t.style(Style::new().bold())).to_string());
}

/// What went wrong with the tour.
pub(super) fn missed(what: &str) {
    put(&format!("  {} {what}", "missed:".if_supports_color(Stream::Stdout, |t| t.style(Style::new().red().bold()))));
}
