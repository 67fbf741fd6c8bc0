//! `watchkeeper incident …`: list, declare, take, assign, note, resolve, and the post-mortem as Markdown.
//!
//! Not the post-mortem's editing: that is done in the console.

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use crate::http::dto::incidents::{
    AssignRole, Incident, IncidentDetail, IncidentList, IncidentStep, NewIncident, NewNote,
};
use crate::http::dto::words::{Category, Priority, Role};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List incidents, open ones first.
    List {
        /// States, comma-separated: triggered, acknowledged, mitigated, resolved, closed.
        #[arg(long)]
        state: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show one incident with its timeline.
    Show {
        /// `inc_…`.
        id: String,
    },
    /// Declare an incident that no alert told of.
    Declare {
        /// What is wrong, in one line.
        title: String,
        /// critical, high, medium or low.
        #[arg(long, default_value = "high")]
        priority: watchkeeper_domain::Priority,
        /// resource, database, registry, keyvault, application, security or business.
        #[arg(long, default_value = "application")]
        category: watchkeeper_domain::Category,
    },
    /// Say that you have it.
    Ack(Step),
    /// Users no longer feel it, but it is not over.
    Mitigate(Step),
    /// It is over.
    Resolve(Step),
    /// Nothing is left to do.
    Close(Step),
    /// Give somebody a role.
    Assign {
        /// `inc_…`.
        id: String,
        /// incident_commander, communications_lead, operations_lead or scribe.
        #[arg(value_parser = role)]
        role: Role,
        /// Who; empty frees the role.
        person: Option<String>,
    },
    /// Write into the timeline.
    Note {
        /// `inc_…`.
        id: String,
        /// The text.
        text: String,
    },
    /// Print the post-mortem as Markdown.
    PostMortem {
        /// `inc_…`.
        id: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Step {
    /// `inc_…`.
    id: String,
    /// What was done or found, for the timeline.
    #[arg(long)]
    note: Option<String>,
}

fn role(text: &str) -> Result<Role, String> {
    serde_json::from_value(serde_json::Value::String(text.replace('-', "_")))
        .map_err(|_| "accepted: incident_commander, communications_lead, operations_lead, scribe".to_owned())
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::List { state, limit } => {
            let list: IncidentList =
                server.get("/incidents", &[("state", state), ("limit", Some(limit.to_string()))]).await?;
            output::show(format, &list, |list| {
                let rows = list.items.iter().map(row).collect();
                let header = ["ID", "NUMBER", "PRIORITY", "STATE", "TITLE", "SINCE", "OWNER"];
                output::table(&header, rows, "No incidents.");
            })
        }
        Command::Show { id } => {
            let incident: IncidentDetail = server.get(&format!("/incidents/{id}"), &[]).await?;
            output::show(format, &incident, detail)
        }
        Command::Declare { title, priority, category } => {
            let (priority, category) = (Priority::from(priority), Category::from(category));
            let body = NewIncident { title, priority, category, kind: None, description: None, alert_ids: Vec::new() };
            let incident: IncidentDetail = server.post("/incidents", &body).await?;
            output::show(format, &incident, |i| {
                output::line(&format!("INC-{} {} declared.", i.incident.number, i.incident.id))
            })
        }
        Command::Ack(step) => go(server, format, "acknowledge", step).await,
        Command::Mitigate(step) => go(server, format, "mitigate", step).await,
        Command::Resolve(step) => go(server, format, "resolve", step).await,
        Command::Close(step) => go(server, format, "close", step).await,
        Command::Assign { id, role, person } => {
            let incident: IncidentDetail =
                server.post(&format!("/incidents/{id}/assign"), &AssignRole { role, person }).await?;
            output::show(format, &incident, |i| {
                for (role, person) in &i.roles {
                    output::line(&format!("{role}: {person}"));
                }
            })
        }
        Command::Note { id, text } => {
            let incident: IncidentDetail = server.post(&format!("/incidents/{id}/notes"), &NewNote { text }).await?;
            output::show(format, &incident, |i| output::line(&format!("Noted on INC-{}.", i.incident.number)))
        }
        Command::PostMortem { id } => {
            output::text(server.text(&format!("/incidents/{id}/post-mortem.md")).await?.trim_end());
            Ok(())
        }
    }
}

async fn go(server: &Server, format: Format, step: &str, Step { id, note }: Step) -> Outcome {
    let incident: IncidentDetail = server.post(&format!("/incidents/{id}/{step}"), &IncidentStep { note }).await?;
    output::show(format, &incident, |i| {
        output::line(&format!("INC-{} is {}.", i.incident.number, word(&i.incident.state)));
    })
}

fn row(i: &Incident) -> Vec<String> {
    vec![
        i.id.clone(),
        format!("INC-{}", i.number),
        word(&i.priority),
        word(&i.state),
        i.title.clone(),
        time(Some(i.started_at)),
        or_dash(i.owner.as_deref()),
    ]
}

fn detail(detail: &IncidentDetail) {
    let i = &detail.incident;
    let restricted = if i.restricted { ", restricted" } else { "" };
    output::line(&format!("INC-{} {}", i.number, i.title));
    output::line(&format!("  {} {} incident, {}{restricted}", word(&i.priority), word(&i.kind), word(&i.state)));
    output::line(&format!("  since     {}", time(Some(i.started_at))));
    for (role, person) in &detail.roles {
        output::line(&format!("  {role}: {person}"));
    }
    for run in &detail.runs {
        output::line(&format!("  tried     {} {}: {}", run.workflow, word(&run.state), run.outcome));
    }
    for alert in &detail.alerts {
        output::line(&format!("  alert     {} {} {}", alert.id, word(&alert.state), alert.title));
    }
    output::line("");
    for entry in &detail.timeline {
        output::line(&format!("{} {:<24} {}", time(Some(entry.at)), entry.actor, entry.text));
    }
}
