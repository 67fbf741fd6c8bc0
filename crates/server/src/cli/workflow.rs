//! `watchkeeper workflow …`: workflows and their runs.
//!
//! Not checking files: see `check`.

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use crate::http::dto::workflows::{Run, RunDetail, RunList, StartRun, WorkflowList};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List workflows.
    List,
    /// List runs, newest first.
    Runs {
        /// Of this workflow only.
        #[arg(long)]
        workflow: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one run step by step.
    Show {
        /// `run_…`.
        id: String,
    },
    /// Start a workflow by hand; its guards decide whether it goes ahead.
    Run {
        /// Its name.
        name: String,
        /// Labels for its templates, as name=value.
        #[arg(long = "input", short = 'i', value_parser = pair)]
        inputs: Vec<(String, String)>,
        /// The incident that it is for, `inc_…`.
        #[arg(long)]
        incident: Option<String>,
    },
    /// Stop a run before its next step.
    Cancel {
        /// `run_…`.
        id: String,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "write name=value".to_owned())
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::List => {
            let list: WorkflowList = server.get("/workflows", &[]).await?;
            output::show(format, &list, |list| {
                let rows = list
                    .items
                    .iter()
                    .map(|w| {
                        let last = w
                            .last_run
                            .as_ref()
                            .map_or_else(|| "-".to_owned(), |r| format!("{}: {}", word(&r.state), r.outcome));
                        vec![w.name.clone(), w.triggers.join("; "), w.steps.join(" → "), last]
                    })
                    .collect();
                output::table(&["WORKFLOW", "STARTED BY", "STEPS", "LAST RUN"], rows, "No workflows are configured.");
            })
        }
        Command::Runs { workflow, limit } => {
            let list: RunList =
                server.get("/runs", &[("workflow", workflow), ("limit", Some(limit.to_string()))]).await?;
            output::show(format, &list, |list| {
                let rows = list.items.iter().map(row).collect();
                output::table(&["RUN", "WORKFLOW", "STATE", "TARGET", "BEGAN", "OUTCOME"], rows, "No runs yet.");
            })
        }
        Command::Show { id } => {
            let run: RunDetail = server.get(&format!("/runs/{id}"), &[]).await?;
            output::show(format, &run, detail)
        }
        Command::Run { name, inputs, incident } => {
            let inputs = inputs.into_iter().map(|(k, v)| (k, serde_json::Value::String(v))).collect();
            let body = StartRun { inputs: serde_json::Value::Object(inputs), incident_id: incident };
            let run: RunDetail = server.post(&format!("/workflows/{name}/run"), &body).await?;
            output::show(format, &run, |r| output::line(&format!("{} is {}.", r.run.id, word(&r.run.state))))
        }
        Command::Cancel { id } => {
            let run: RunDetail = server.post(&format!("/runs/{id}/cancel"), &serde_json::json!({})).await?;
            output::show(format, &run, |r| output::line(&format!("{} is {}.", r.run.id, word(&r.run.state))))
        }
    }
}

fn row(r: &Run) -> Vec<String> {
    vec![
        r.id.clone(),
        r.workflow.clone(),
        word(&r.state),
        or_dash(r.target.as_deref()),
        time(r.started_at.or(Some(r.created_at))),
        r.outcome.clone(),
    ]
}

fn detail(run: &RunDetail) {
    output::line(&format!("{} {} — {}", run.run.workflow, word(&run.run.state), run.run.outcome));
    for guard in &run.guards {
        output::line(&format!("  guard  {:<14} {:<8} {}", guard.guard, word(&guard.outcome), guard.reason));
    }
    for step in &run.steps {
        output::line(&format!(
            "  step   {:<14} {:<10} {}",
            step.name,
            word(&step.state),
            or_dash(step.reason.as_deref())
        ));
        for attempt in &step.attempts {
            let error = or_dash(attempt.error.as_deref());
            output::line(&format!(
                "           attempt {} {} {} {error}",
                attempt.number,
                time(Some(attempt.started_at)),
                word(&attempt.outcome)
            ));
        }
    }
    if let Some(verify) = &run.verify {
        output::line(&format!("  verify {:<14} {}", word(&verify.outcome), verify.detail));
    }
}
