//! `watchkeeper oncall …`: who answers when, overrides, gaps, hand-off notes, escalations.
//!
//! Not schedules: those are configured.

use watchkeeper_domain::{Clock as _, Span, Timestamp};

use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use super::{Failure, Outcome};
use crate::clock::SystemClock;
use crate::http::dto::Time;
use crate::http::dto::oncall::{
    Escalation, EscalationList, HandoffNote, NewHandoffNote, NewOnCallOverride, OnCallAnswer, OnCallCalendar,
    OnCallGap, OnCallGapList, OnCallNow, OnCallOverride, OnCallOverrideList, OnCallPersonList, OnCallScheduleList,
    PersonExplanation, Shift,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say who is on call, now or at a moment.
    #[command(after_help = "Example:\n  watchkeeper oncall show --at 2026-12-24T20:00:00Z")]
    Show {
        /// The moment, RFC 3339 or Unix seconds.
        #[arg(long)]
        at: Option<Timestamp>,
        /// One schedule only.
        #[arg(long)]
        schedule: Option<String>,
    },
    /// List the schedules, with their layers and the addresses of their calendars.
    Schedules,
    /// Show a schedule over a range: shifts, gaps, overrides, hand-off notes.
    Calendar {
        /// The schedule.
        schedule: String,
        /// Beginning; now when absent.
        #[arg(long)]
        from: Option<Timestamp>,
        /// How long, for example 4w.
        #[arg(long = "for", default_value = "4w", value_name = "DURATION")]
        length: Span,
    },
    /// List times without anybody. Exit status 1 when there is one that no schedule intends.
    Gaps {
        /// How far ahead is looked, for example 4w.
        #[arg(long = "for", default_value = "4w", value_name = "DURATION")]
        length: Span,
        /// One schedule only.
        #[arg(long)]
        schedule: Option<String>,
    },
    /// Take a time over, list what was taken over, give it back.
    #[command(subcommand)]
    Override(Override),
    /// Leave a note for whoever takes over next.
    Note {
        /// The schedule.
        schedule: String,
        /// What they should know.
        text: String,
    },
    /// List people with their contact methods and their own notification rules.
    People,
    /// List escalations under way, with every call.
    Escalations {
        /// Those that are over, too.
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Override {
    /// Somebody takes a time over.
    #[command(after_help = "Examples:\n  watchkeeper oncall override add payments bo --for 4h --reason 'dentist'\n  \
                      watchkeeper oncall override add payments bo --from 2026-12-24T08:00:00Z --until 2026-12-27T08:00:00Z --instead-of ana")]
    Add {
        /// The schedule.
        schedule: String,
        /// Who takes over.
        person: String,
        /// Only where this person would be on call.
        #[arg(long)]
        instead_of: Option<String>,
        /// Beginning; now when absent.
        #[arg(long)]
        from: Option<Timestamp>,
        /// End, excluded.
        #[arg(long, required_unless_present = "length")]
        until: Option<Timestamp>,
        /// How long, instead of an end.
        #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
        length: Option<Span>,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// List the overrides of the coming year.
    List {
        /// One schedule only.
        #[arg(long)]
        schedule: Option<String>,
    },
    /// Take one back; one that has begun ends now.
    Remove {
        /// `ovr_…`.
        id: String,
    },
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Show { at, schedule } => show(server, format, at, schedule).await,
        Command::Schedules => schedules(server, format).await,
        Command::Calendar { schedule, from, length } => calendar(server, format, &schedule, from, length).await,
        Command::Gaps { length, schedule } => gaps(server, format, length, schedule).await,
        Command::Override(command) => overrides(server, format, command).await,
        Command::Note { schedule, text } => {
            let path = format!("/oncall/schedules/{}/notes", segment(&schedule));
            let note: HandoffNote = server.post(&path, &NewHandoffNote { text }).await?;
            output::show(format, &note, |note| {
                output::line(&format!("Noted; whoever takes over {} next is told.", note.schedule));
            })
        }
        Command::People => people(server, format).await,
        Command::Escalations { all } => escalations(server, format, all).await,
    }
}

async fn show(server: &Server, format: Format, at: Option<Timestamp>, schedule: Option<String>) -> Outcome {
    let query = [("at", at.map(|at| at.to_string())), ("schedule", schedule)];
    let now: OnCallNow = server.get("/oncall", &query).await?;
    output::show(format, &now, |now| {
        let row = |answer: &OnCallAnswer| {
            let who = answer.now.as_ref();
            vec![
                answer.schedule.clone(),
                who.map_or_else(|| "nobody".to_owned(), |shift| shift.person.clone()),
                time(who.map(|shift| shift.from)),
                time(who.map(|shift| shift.until)),
                who.map_or_else(|| "-".to_owned(), by),
                answer.next.as_ref().map_or_else(|| "-".to_owned(), |n| format!("{} from {}", n.person, n.from.0)),
            ]
        };
        let rows = now.schedules.iter().map(row).collect();
        let header = ["SCHEDULE", "ON CALL", "SINCE", "UNTIL", "BY", "NEXT"];
        output::table(&header, rows, "No schedules are configured: nobody is on call.");
    })
}

/// What a shift comes from.
fn by(shift: &Shift) -> String {
    match (&shift.layer, &shift.override_id) {
        (Some(layer), _) => layer.clone(),
        (None, Some(id)) => id.clone(),
        (None, None) => "-".to_owned(),
    }
}

async fn schedules(server: &Server, format: Format) -> Outcome {
    let list: OnCallScheduleList = server.get("/oncall/schedules", &[]).await?;
    output::show(format, &list, |list| {
        if list.items.is_empty() {
            output::line("No schedules are configured.");
        }
        for schedule in &list.items {
            output::line(&format!("{} ({})", schedule.name, schedule.time_zone));
            for layer in &schedule.layers {
                let hours =
                    if layer.hours.is_empty() { String::new() } else { format!(", {}", layer.hours.join("; ")) };
                output::line(&format!("  {}: {}, {}{hours}", layer.name, layer.people.join(", "), layer.rotation));
            }
            output::line(&format!("  calendar: {}", schedule.calendar_url));
        }
    })
}

async fn calendar(server: &Server, format: Format, name: &str, from: Option<Timestamp>, length: Span) -> Outcome {
    let path = format!("/oncall/schedules/{}", segment(name));
    let from = from.unwrap_or_else(now);
    let query = [("from", Some(from.to_string())), ("until", Some((from + length).to_string()))];
    let calendar: OnCallCalendar = server.get(&path, &query).await?;
    output::show(format, &calendar, |calendar| {
        let mut lines: Vec<(Time, Vec<String>)> = Vec::new();
        let line = |from: Time, until: Time, who: &str, by: String| {
            (from, vec![time(Some(from)), time(Some(until)), who.to_owned(), by])
        };
        lines.extend(calendar.shifts.iter().map(|shift| line(shift.from, shift.until, &shift.person, by(shift))));
        lines.extend(calendar.gaps.iter().map(|gap| line(gap.from, gap.until, "nobody", "gap".to_owned())));
        lines.sort();
        output::table(&["FROM", "UNTIL", "ON CALL", "BY"], lines.into_iter().map(|(_, row)| row).collect(), "Nothing.");
        for one in &calendar.overrides {
            output::line(&described(one));
        }
        for note in &calendar.notes {
            output::line(&format!("{} {}: {}", note.at.0, note.author, note.text));
        }
    })
}

fn described(one: &OnCallOverride) -> String {
    let instead = one.instead_of.as_ref().map(|name| format!(" instead of {name}")).unwrap_or_default();
    let reason = if one.reason.is_empty() { String::new() } else { format!(": {}", one.reason) };
    format!(
        "{} {}{instead} from {} until {}{reason} (by {})",
        one.id, one.person, one.from.0, one.until.0, one.created_by
    )
}

async fn gaps(server: &Server, format: Format, length: Span, schedule: Option<String>) -> Outcome {
    let from = now();
    let query =
        [("from", Some(from.to_string())), ("until", Some((from + length).to_string())), ("schedule", schedule)];
    let list: OnCallGapList = server.get("/oncall/gaps", &query).await?;
    output::show(format, &list, |list| {
        let row = |gap: &OnCallGap| {
            let intended = if gap.intended { "yes" } else { "no" };
            vec![gap.schedule.clone(), time(Some(gap.from)), time(Some(gap.until)), intended.to_owned()]
        };
        let rows = list.items.iter().map(row).collect();
        output::table(&["SCHEDULE", "FROM", "UNTIL", "INTENDED"], rows, "Somebody is always on call.");
    })?;
    if list.items.iter().any(|gap| !gap.intended) { Err(Failure::Finding(String::new())) } else { Ok(()) }
}

async fn overrides(server: &Server, format: Format, command: Override) -> Outcome {
    match command {
        Override::Add { schedule, person, instead_of, from, until, length, reason } => {
            let begins = from.unwrap_or_else(now);
            let until = until.unwrap_or_else(|| begins + length.unwrap_or_default());
            let reason = Some(reason).filter(|reason| !reason.is_empty());
            let (from, until) = (from.map(Time), Time(until));
            let new = NewOnCallOverride { schedule, person, instead_of, from, until, reason };
            let made: OnCallOverride = server.post("/oncall/overrides", &new).await?;
            output::show(format, &made, |made| output::line(&described(made)))
        }
        Override::List { schedule } => {
            let from = now();
            let until = from + Span::from_secs(366 * 86_400);
            let query = [("from", Some(from.to_string())), ("until", Some(until.to_string())), ("schedule", schedule)];
            let list: OnCallOverrideList = server.get("/oncall/overrides", &query).await?;
            output::show(format, &list, |list| {
                let row = |one: &OnCallOverride| {
                    vec![
                        one.id.clone(),
                        one.schedule.clone(),
                        one.person.clone(),
                        or_dash(one.instead_of.as_deref()),
                        time(Some(one.from)),
                        time(Some(one.until)),
                        or_dash(Some(&one.reason)),
                    ]
                };
                let rows = list.items.iter().map(row).collect();
                let header = ["ID", "SCHEDULE", "PERSON", "INSTEAD OF", "FROM", "UNTIL", "REASON"];
                output::table(&header, rows, "No overrides.");
            })
        }
        Override::Remove { id } => {
            let was: OnCallOverride = server.delete(&format!("/oncall/overrides/{}", segment(&id))).await?;
            output::show(format, &was, |was| {
                output::line(&format!("{} does not take over {} any more.", was.person, was.schedule))
            })
        }
    }
}

async fn people(server: &Server, format: Format) -> Outcome {
    let list: OnCallPersonList = server.get("/oncall/people", &[]).await?;
    output::show(format, &list, |list| {
        let row = |one: &crate::http::dto::oncall::OnCallPerson| {
            vec![
                one.name.clone(),
                or_dash(Some(&one.on_call_in.join(", "))),
                or_dash(Some(&one.contact_methods.join(", "))),
                if one.notify.is_empty() { "everything at once".to_owned() } else { one.notify.join("; ") },
            ]
        };
        let rows = list.items.iter().map(row).collect();
        output::table(&["PERSON", "ON CALL IN", "REACHED BY", "RULES"], rows, "No people are configured.");
    })
}

async fn escalations(server: &Server, format: Format, all: bool) -> Outcome {
    let list: EscalationList = server.get("/oncall/escalations", &[("all", Some(all.to_string()))]).await?;
    output::show(format, &list, |list| {
        if list.items.is_empty() {
            output::line("Nobody is being called.");
        }
        for it in &list.items {
            output::line(&headline(it));
            for call in &it.calls {
                let whom = call.person.as_deref().or(call.receiver.as_deref()).unwrap_or("?");
                let via = if call.via.is_empty() { "everything" } else { &call.via };
                let detail = if call.detail.is_empty() { String::new() } else { format!(": {}", call.detail) };
                let line =
                    format!("  {} {whom} over {via}, {} ({}){detail}", call.due_at.0, word(&call.state), call.why);
                output::line(&line);
            }
        }
    })
}

fn headline(it: &Escalation) -> String {
    let by = it.acknowledged_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let next = it.due_at.map(|at| format!(", next step {}", at.0)).unwrap_or_default();
    format!(
        "{} {} ({}): {}{by}, step {} of {} of {}, round {}{next}",
        it.id,
        it.title,
        word(&it.priority),
        word(&it.phase),
        it.step,
        it.steps,
        it.policy,
        it.round
    )
}

/// `watchkeeper explain person NAME --at TIME`.
pub(super) async fn explain(
    server: &Server,
    format: Format,
    name: &str,
    at: Option<Timestamp>,
    around: Option<Span>,
) -> Outcome {
    let query = [("at", at.map(|at| at.to_string())), ("around", around.map(|around| around.to_string()))];
    let path = format!("/oncall/people/{}/explain", segment(name));
    let explanation: PersonExplanation = server.get(&path, &query).await?;
    output::show(format, &explanation, |it| {
        output::line(&it.verdict);
        for duty in &it.on_call {
            let (from, until) = (duty.shift.from.0, duty.shift.until.0);
            output::line(&format!("  on call in {} from {from} until {until} ({})", duty.schedule, by(&duty.shift)));
        }
        for alert in &it.alerts {
            output::line("");
            let mark = if alert.reached { "✓" } else { "■" };
            output::coloured(
                &format!("{mark} {} {} ({}): {}", alert.fired_at.0, alert.title, alert.alert_id, alert.verdict),
                alert.reached.then_some(true),
            );
            for step in &alert.steps {
                super::alert::step(step);
            }
        }
    })
}

/// A name as part of a path.
fn segment(name: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// The machine's time: a command that is asked for "from now on" has no other.
fn now() -> Timestamp {
    SystemClock::new().now()
}
