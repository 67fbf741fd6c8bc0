//! `watchkeeper silence …`, with amtool's verbs.
//!
//! Not inhibition: that is configured.

use watchkeeper_domain::Span;

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, time, word};
use crate::http::dto::alerts::Alert;
use crate::http::dto::silences::{NewSilence, Silence, SilenceList, SilencePreview, SilenceTrial};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Hold notifications of matching alerts back for a time.
    #[command(
        after_help = "Example:\n  watchkeeper silence add alertname=SlowQueries service=accounts -d 2h -c 'index is being built'"
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
    },
    /// End a silence now.
    Expire {
        /// `sil_…`.
        id: String,
    },
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Add { matchers, duration, comment, owner, ticket } => {
            let duration = duration.to_string();
            let body = NewSilence { matchers, starts_at: None, duration, comment, owner, ticket };
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
        Command::List { expired } => {
            let state = Some(if expired { "active,pending,expired" } else { "active,pending" }.to_owned());
            let list: SilenceList = server.get("/silences", &[("state", state)]).await?;
            output::show(format, &list, |list| {
                let row = |s: &Silence| {
                    vec![
                        s.id.clone(),
                        word(&s.state),
                        s.matchers.join(" "),
                        time(Some(s.ends_at)),
                        s.created_by.clone(),
                        s.comment.clone(),
                    ]
                };
                let rows = list.items.iter().map(row).collect();
                output::table(&["ID", "STATE", "MATCHERS", "UNTIL", "BY", "COMMENT"], rows, "No silences.");
            })
        }
        Command::Expire { id } => {
            let silence: Silence = server.delete(&format!("/silences/{id}")).await?;
            output::show(format, &silence, |s| output::line(&format!("{} ended.", s.id)))
        }
    }
}
