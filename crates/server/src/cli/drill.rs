//! `watchkeeper drill …`: fire drills, and how Watchkeeper itself does.
//!
//! Not a test of one receiver: `watchkeeper notify test` is.

use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use super::{Failure, Outcome};
use crate::http::dto::self_watch::{Drill, DrillList, SelfWatch};
use crate::http::dto::words::DrillState;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Begin a drill now: an alert that means nothing goes out through the real route.
    Run,
    /// Say that a drill has reached you.
    Confirm {
        /// `drl_…`; the newest one that waits when absent.
        id: Option<String>,
    },
    /// List drills: who confirmed them, and after how long. Exit status 1 when nobody confirmed the last one.
    History {
        /// At most this many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Say how Watchkeeper itself does: stages, heartbeat, second path. Exit status 1 when something is stalled.
    Status,
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Run => {
            let drill: Drill = server.post("/drills", &serde_json::json!({})).await?;
            output::show(format, &drill, |d| {
                output::line(&format!("{} began; it may be confirmed until {}.", d.id, time(Some(d.confirm_by))));
                let alert = or_dash(d.alert_id.as_deref());
                output::line(&format!("How far it came: watchkeeper explain alert {alert}"));
            })
        }
        Command::Confirm { id } => {
            let id = match id {
                Some(id) => id,
                None => newest_waiting(server).await?,
            };
            let drill: Drill = server.post(&format!("/drills/{id}/confirm"), &serde_json::json!({})).await?;
            output::show(format, &drill, |d| output::line(&said(d)))?;
            if drill.state == DrillState::Missed { Err(Failure::Finding(String::new())) } else { Ok(()) }
        }
        Command::History { limit } => {
            let list: DrillList = server.get("/drills", &[("limit", Some(limit.to_string()))]).await?;
            output::show(format, &list, |list| {
                let rows = list.items.iter().map(row).collect();
                let header = ["DRILL", "BEGAN", "BY", "STATE", "CONFIRMED BY", "AFTER", "ALERT"];
                output::table(&header, rows, "No drill was held yet: `watchkeeper drill run` begins one.");
            })?;
            let last = list.items.iter().find(|drill| drill.state != DrillState::Waiting);
            match last.filter(|drill| drill.state == DrillState::Missed) {
                Some(_) => Err(Failure::Finding("nobody confirmed the last drill".to_owned())),
                None => Ok(()),
            }
        }
        Command::Status => {
            let watch: SelfWatch = server.get("/self-watch", &[]).await?;
            output::show(format, &watch, status)?;
            match watch.stalled_since {
                Some(since) => Err(Failure::Finding(format!("stalled since {}", since.0))),
                None => Ok(()),
            }
        }
    }
}

async fn newest_waiting(server: &Server) -> Result<String, Failure> {
    let list: DrillList = server.get("/drills", &[("limit", Some("100".to_owned()))]).await?;
    let waiting = list.items.into_iter().find(|drill| drill.state == DrillState::Waiting);
    waiting.map(|drill| drill.id).ok_or_else(|| Failure::Finding("no drill waits to be confirmed".to_owned()))
}

fn said(drill: &Drill) -> String {
    let by = or_dash(drill.confirmed_by.as_deref());
    match drill.state {
        DrillState::Waiting => format!("{} waits.", drill.id),
        DrillState::Confirmed => format!("{} was confirmed by {by} after {}.", drill.id, after(drill)),
        DrillState::Missed => format!("{} is over; nobody confirmed it in time.", drill.id),
    }
}

fn after(drill: &Drill) -> String {
    drill.seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0}s"))
}

fn row(drill: &Drill) -> Vec<String> {
    vec![
        drill.id.clone(),
        time(Some(drill.started_at)),
        if drill.due_at.is_some() { "the schedule".to_owned() } else { drill.started_by.clone() },
        word(&drill.state),
        or_dash(drill.confirmed_by.as_deref()),
        after(drill),
        or_dash(drill.alert_id.as_deref()),
    ]
}

fn status(watch: &SelfWatch) {
    let well = watch.stalled_since.is_none();
    let word = if well { "All is well" } else { "STALLED" };
    output::coloured(&format!("{word}; looked at {}.", time(watch.looked_at)), Some(well));
    for fault in &watch.faults {
        output::line(&format!("  {fault}"));
    }
    let beat = match (&watch.heartbeat_interval, &watch.heartbeat_error) {
        (None, _) => "none is configured (self_watch.heartbeat)".to_owned(),
        (Some(every), None) => format!("every {every}, the last one at {}", time(watch.last_heartbeat_at)),
        (Some(_), Some(error)) => format!("does not arrive: {error}"),
    };
    output::line(&format!("  heartbeat    {beat}"));
    let path = watch.second_path.as_deref().unwrap_or("none is configured (self_watch.receiver)");
    output::line(&format!("  second path  {path}"));
    output::line(&format!("  next drill   {}", time(watch.next_drill_at)));
    for stage in &watch.stages {
        output::line(&format!("  stage        {:<14}{}", stage.name, time(Some(stage.last_completed_at))));
    }
}
