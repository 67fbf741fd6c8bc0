//! `watchkeeper silence …`, with amtool's verbs.
//!
//! Not inhibition: that is configured.

use watchkeeper_domain::Span;

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use crate::http::dto::alerts::Alert;
use crate::http::dto::silences::{NewSilence, Silence, SilenceList, SilencePreview, SilenceTimes, SilenceTrial};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Hold notifications of matching alerts back for a time.
    #[command(
        after_help = "Example:\n  watchkeeper silence add alertname=SlowQueries service=accounts -d 2h -c 'index is being built'\n  \
                      watchkeeper silence add service=ledger --on sunday --between 02:00-04:00 --time-zone Europe/Zurich -d 180d -c 'weekly batch'"
    )]
    Add {
        /// Matchers: name=value, name!=value, name=~regex, name!~regex. All must match.
        #[arg(required = true)]
        matchers: Vec<String>,
        /// How long, for example 1h or 30m.
        #[arg(long, short, default_value = "1h")]
        duration: Span,
        /// Why.
        #[arg(long, short)]
        comment: String,
        /// Whom to ask about it, when that is somebody else.
        #[arg(long)]
        owner: Option<String>,
        /// Where the work is tracked.
        #[arg(long)]
        ticket: Option<String>,
        /// On these days only, again and again until its end: `sunday`, `monday:friday`, comma-separated.
        #[arg(long, value_delimiter = ',', value_name = "DAYS")]
        on: Vec<String>,
        /// On these days of the month only: `1`, `-1`, `1:7`, comma-separated.
        #[arg(long, value_delimiter = ',', value_name = "DAYS", allow_hyphen_values = true)]
        days_of_month: Vec<String>,
        /// At these times of the day only: `22:00-24:00`, comma-separated. A night is two parts.
        #[arg(long, value_delimiter = ',', value_name = "TIMES")]
        between: Vec<String>,
        /// Whose clock the days and times are of, for example Europe/Zurich; UTC when absent.
        #[arg(long)]
        time_zone: Option<String>,
    },
    /// Say what a silence with these matchers would hold back; makes none.
    Preview {
        /// Matchers, as for `add`.
        #[arg(required = true)]
        matchers: Vec<String>,
    },
    /// List silences.
    #[command(alias = "query")]
    List {
        /// Expired ones too.
        #[arg(long)]
        expired: bool,
        /// Those with this text in matchers, comment, owner, ticket or author.
        #[arg(long, short)]
        query: Option<String>,
        /// Those that recur only.
        #[arg(long)]
        recurring: bool,
    },
    /// End a silence now.
    Expire {
        /// `sil_…`.
        id: String,
    },
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Add { matchers, duration, comment, owner, ticket, on, days_of_month, between, time_zone } => {
            let duration = duration.to_string();
            let times = SilenceTimes { weekdays: on, days_of_month, months: Vec::new(), times: between, time_zone };
            let recurrence = (times != SilenceTimes::default()).then_some(times);
            let body = NewSilence { matchers, starts_at: None, duration, comment, owner, ticket, recurrence };
            let silence: Silence = server.post("/silences", &body).await?;
            output::show(format, &silence, |s| output::line(&format!("{} until {}", s.id, time(Some(s.ends_at)))))
        }
        Command::Preview { matchers } => {
            let preview: SilencePreview = server.post("/silences/preview", &SilenceTrial { matchers }).await?;
            output::show(format, &preview, |p| {
                let row = |a: &Alert| vec![a.id.clone(), word(&a.priority), a.title.clone(), time(Some(a.since))];
                let rows = p.alerts.iter().map(row).collect();
                output::table(&["ID", "PRIORITY", "ALERT", "SINCE"], rows, "It would hold back nothing now.");
                output::line(&format!(
                    "{} fire now, {} of them are silenced already; {} began within the last day.",
                    p.total, p.silenced, p.last_day
                ));
            })
        }
        Command::List { expired, query, recurring } => {
            let state = Some(if expired { "active,pending,expired" } else { "active,pending" }.to_owned());
            let list: SilenceList = server
                .get(
                    "/silences",
                    &[("state", state), ("q", query), ("recurring", recurring.then(|| "true".to_owned()))],
                )
                .await?;
            output::show(format, &list, |list| {
                let row = |s: &Silence| {
                    vec![
                        s.id.clone(),
                        word(&s.state),
                        s.matchers.join(" "),
                        time(Some(s.ends_at)),
                        s.recurrence.as_ref().map_or_else(|| "-".to_owned(), recurs),
                        s.created_by.clone(),
                        or_dash(s.owner.as_deref()),
                        or_dash(s.ticket.as_deref()),
                        s.comment.clone(),
                    ]
                };
                let rows = list.items.iter().map(row).collect();
                output::table(
                    &["ID", "STATE", "MATCHERS", "UNTIL", "ONLY", "BY", "OWNER", "TICKET", "COMMENT"],
                    rows,
                    "No silences.",
                );
            })
        }
        Command::Expire { id } => {
            let silence: Silence = server.delete(&format!("/silences/{id}")).await?;
            output::show(format, &silence, |s| output::line(&format!("{} ended.", s.id)))
        }
    }
}

/// Times as people read them in a table.
fn recurs(times: &SilenceTimes) -> String {
    let parts = [&times.weekdays, &times.days_of_month, &times.months, &times.times];
    let words: Vec<String> = parts.iter().filter(|part| !part.is_empty()).map(|part| part.join(",")).collect();
    format!("{} {}", words.join(" "), times.time_zone.as_deref().unwrap_or("UTC"))
}
