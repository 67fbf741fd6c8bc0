//! What the narrator says beside the tour.
//!
//! Not the tour: see `tour`.
#![expect(clippy::print_stdout, reason = "the narrator speaks on the terminal")]

use owo_colors::{OwoColorize as _, Stream, Style};

use super::children::Children;
use super::folder::Places;

pub(super) fn welcome(places: &Places, children: &Children) {
    println!();
    println!(
        "  {}",
        "Money404 Bank is open, and Watchkeeper keeps watch."
            .if_supports_color(Stream::Stdout, |t| t.style(Style::new().bold()))
    );
    println!("  console      {}", places.server_url());
    println!("  status page  {}/status", places.server_url());
    println!("  the bank     {}", places.front_url());
    if children.real_slack {
        println!("  Slack        your own: SLACK_WEBHOOK_URL is set");
    } else {
        println!("  Slack        {} (a local stand-in: SLACK_WEBHOOK_URL is not set)", places.slack_url());
    }
    println!();
}

pub(super) fn farewell(places: &Places) {
    println!();
    println!(
        "Next: open {} and switch on another fault under Demo, or in another terminal: watchkeeper fault on api-errors",
        places.server_url()
    );
    println!("Ctrl-C ends the demo.");
}

pub(super) fn stopping() {
    println!("Closing the bank.");
}

/// One thing that happened, with the seconds since the fault.
pub(super) fn happened(after_s: f64, what: &str) {
    println!("  {:>6.1} s  {what}", after_s);
}

/// A heading of the tour.
pub(super) fn scene(title: &str) {
    println!("{}", title.if_supports_color(Stream::Stdout, |t| t.style(Style::new().bold())));
}

/// What went wrong with the tour.
pub(super) fn missed(what: &str) {
    println!("  {} {what}", "missed:".if_supports_color(Stream::Stdout, |t| t.style(Style::new().red().bold())));
}
