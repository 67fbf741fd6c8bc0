//! `watchkeeper silence …`, with amtool's verbs.
//!
//! Not inhibition: that is configured.

use watchkeeper_domain::Span;

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, time, word};
use crate::http::dto::silences::{NewSilence, Silence, SilenceList};

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
        Command::Add { matchers, duration, comment } => {
            let body = NewSilence { matchers, starts_at: None, duration: duration.to_string(), comment };
            let silence: Silence = server.post("/silences", &body).await?;
            output::show(format, &silence, |s| output::line(&format!("{} until {}", s.id, time(Some(s.ends_at)))))
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
