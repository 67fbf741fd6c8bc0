//! Handlers: who is on call, overrides, hand-off notes, escalations.
//!
//! Not the feeds for calendars: see `calendar`. Not the explanation's making: see `explain::person`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use watchkeeper_config::model::oncall::{Layer, Period, Restriction, Schedule};
use watchkeeper_config::model::person::{NotificationRule, RECEIVER_PREFIX};
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_incident::escalation::read as escalations;
use watchkeeper_incident::oncall::restriction::{DAYS, Window};
use watchkeeper_incident::oncall::store::{Note, OverrideRow};
use watchkeeper_incident::oncall::timetable::Source;
use watchkeeper_incident::oncall::{NewOverride, Shift as Turn};

use super::access::Caller;
use super::alerts::person;
use super::body::JsonBody;
use super::calendar;
use super::dto::oncall::{
    Escalation, EscalationCall, EscalationList, EscalationQuery, HandoffNote, LayerShifts, NewHandoffNote,
    NewOnCallOverride, OnCallAnswer, OnCallCalendar, OnCallGap, OnCallGapList, OnCallLayer, OnCallNow, OnCallOverride,
    OnCallOverrideList, OnCallPerson, OnCallPersonList, OnCallQuery, OnCallSchedule, OnCallScheduleList,
    PersonExplanation, PersonQuery, RangeQuery, Shift, Stretch,
};
use super::dto::session::ChangeKind;
use super::dto::words::{EscalationPhase, PageState};
use super::extract::{Path, Query};
use super::incidents::{refused, viewer};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;
use crate::explain;

/// How long a range is when nobody says.
const RANGE: Span = Span::from_secs(28 * 86_400);
/// How far around a moment a person's calls are explained, unless somebody says.
const AROUND: Span = Span::from_secs(3_600);
const MOST_AROUND: Span = Span::from_secs(7 * 86_400);

/// `GET /oncall`.
pub async fn now(State(shared): State<Arc<Shared>>, Query(query): Query<OnCallQuery>) -> ApiResult<Json<OnCallNow>> {
    let at = moment("at", query.at.as_deref())?.unwrap_or_else(|| shared.env.now());
    Ok(Json(OnCallNow { at: at.into(), schedules: answers(&shared, at, query.schedule.as_deref()).await? }))
}

/// Who answers at a moment, by schedule.
pub(super) async fn answers(shared: &Shared, at: Timestamp, only: Option<&str>) -> ApiResult<Vec<OnCallAnswer>> {
    let settings = shared.on_call.settings();
    let found = shared.on_call.answers(at, only).await.map_err(refused)?;
    let answer = found.into_iter().filter_map(|answer| {
        let schedule = settings.schedules.get(&answer.schedule)?;
        Some(OnCallAnswer {
            time_zone: zone(schedule),
            gaps_intended: schedule.allow_gaps,
            schedule: answer.schedule,
            now: answer.now.as_ref().map(shift),
            next: answer.next.as_ref().map(shift),
        })
    });
    Ok(answer.collect())
}

/// `GET /oncall/schedules`.
pub async fn schedules(State(shared): State<Arc<Shared>>) -> Json<OnCallScheduleList> {
    let settings = shared.on_call.settings();
    let items = settings.schedules.values().map(|one| configured(&shared, one)).collect();
    Json(OnCallScheduleList { items, next_cursor: None })
}

/// `GET /oncall/schedules/{name}`.
pub async fn schedule(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<OnCallCalendar>> {
    let range = range(&shared, &query)?;
    let found = shared.on_call.calendar(&name, range).await.map_err(refused)?;
    let settings = shared.on_call.settings();
    let known = settings.schedules.get(&name).ok_or_else(|| ApiProblem::not_found("schedule", &name))?;
    let layers = found.layers.iter();
    let layers =
        layers.map(|(layer, turns)| LayerShifts { layer: layer.clone(), shifts: turns.iter().map(shift).collect() });
    Ok(Json(OnCallCalendar {
        schedule: configured(&shared, known),
        from: range.from.into(),
        until: range.until.into(),
        shifts: found.folded.shifts.iter().map(shift).collect(),
        gaps: found.folded.gaps.iter().map(|g| Stretch { from: g.from.into(), until: g.until.into() }).collect(),
        layers: layers.collect(),
        overrides: found.overrides.iter().map(shown_override).collect(),
        notes: found.notes.iter().map(shown_note).collect(),
    }))
}

/// `POST /oncall/schedules/{name}/notes`.
pub async fn note(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<NewHandoffNote>,
) -> ApiResult<(StatusCode, Json<HandoffNote>)> {
    let note = shared.on_call.add_note(&name, &body.text, caller.actor()).await.map_err(refused)?;
    shared.changes.changed(&[ChangeKind::OnCall]);
    Ok((StatusCode::CREATED, Json(shown_note(&note))))
}

/// `GET /oncall/gaps`.
pub async fn gaps(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<OnCallGapList>> {
    let range = range(&shared, &query)?;
    let found = shared.on_call.gaps(range, query.schedule.as_deref()).await.map_err(refused)?;
    let gap = |gap: watchkeeper_incident::oncall::read::Gap| OnCallGap {
        schedule: gap.schedule,
        from: gap.from.into(),
        until: gap.until.into(),
        intended: gap.intended,
    };
    Ok(Json(OnCallGapList { items: found.into_iter().map(gap).collect(), next_cursor: None }))
}

/// `GET /oncall/overrides`.
pub async fn overrides(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<OnCallOverrideList>> {
    let range = range(&shared, &query)?;
    let found = shared.on_call.overrides(range, query.schedule.as_deref()).await.map_err(refused)?;
    Ok(Json(OnCallOverrideList { items: found.iter().map(shown_override).collect(), next_cursor: None }))
}

/// `POST /oncall/overrides`.
pub async fn create_override(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<NewOnCallOverride>,
) -> ApiResult<(StatusCode, Json<OnCallOverride>)> {
    let new = NewOverride {
        schedule: body.schedule,
        person: body.person,
        instead_of: body.instead_of,
        from: body.from.map(|t| t.0),
        until: body.until.0,
        reason: body.reason.unwrap_or_default(),
    };
    let made = shared.on_call.create_override(new, caller.actor()).await.map_err(refused)?;
    shared.changes.changed(&[ChangeKind::OnCall]);
    Ok((StatusCode::CREATED, Json(shown_override(&made))))
}

/// `DELETE /oncall/overrides/{id}`.
pub async fn remove_override(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<OnCallOverride>> {
    let was = shared.on_call.remove_override(&id, caller.actor()).await.map_err(refused)?;
    shared.changes.changed(&[ChangeKind::OnCall]);
    Ok(Json(shown_override(&was)))
}

/// `GET /oncall/people`.
pub async fn people(State(shared): State<Arc<Shared>>) -> ApiResult<Json<OnCallPersonList>> {
    let now = answers(&shared, shared.env.now(), None).await?;
    let config = shared.config.load();
    let person = |one: &watchkeeper_config::model::Person| {
        let receiver = config.receivers.get(&one.receiver());
        let mut methods: Vec<String> =
            receiver.map(|r| r.integrations()).unwrap_or_default().iter().map(kind).collect();
        methods.dedup();
        let on_call = now.iter().filter(|a| a.now.as_ref().is_some_and(|shift| shift.person == one.name));
        OnCallPerson {
            name: one.name.clone(),
            contact_methods: methods,
            notify: one.notify.iter().map(rule).collect(),
            on_call_in: on_call.map(|answer| answer.schedule.clone()).collect(),
            calendar_url: calendar::url(&shared, calendar::Of::Person(&one.name)),
        }
    };
    Ok(Json(OnCallPersonList { items: config.people.iter().map(person).collect(), next_cursor: None }))
}

/// `GET /oncall/people/{name}/explain`.
pub async fn explain_person(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<PersonQuery>,
) -> ApiResult<Json<PersonExplanation>> {
    let at = moment("at", query.at.as_deref())?.unwrap_or_else(|| shared.env.now());
    let around = query.around.as_deref().map(str::parse::<Span>).transpose();
    let around = around.map_err(|error| ApiProblem::invalid("around", error))?.unwrap_or(AROUND);
    if around > MOST_AROUND {
        return Err(ApiProblem::invalid("around", "7 days at most; ask for several moments"));
    }
    if !shared.on_call.settings().people.contains_key(&name) {
        return Err(ApiProblem::not_found("person", &name));
    }
    let range = Window { from: at - around, until: at + around };
    explain::person(&shared, &caller, &name, range).await.map(Json)
}

/// `GET /oncall/escalations`.
pub async fn escalations(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<EscalationQuery>,
) -> ApiResult<Json<EscalationList>> {
    let all = query.all.unwrap_or(false);
    let found = escalations::list(shared.state.read(), viewer(&caller), all).await?;
    let items = found.into_iter().map(escalation).collect::<Option<_>>();
    let items =
        items.ok_or_else(|| ApiProblem::new(watchkeeper_domain::Code::Internal, "An escalation's row is damaged."))?;
    Ok(Json(EscalationList { items, next_cursor: None }))
}

fn escalation(it: escalations::Listed) -> Option<Escalation> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(Escalation {
        id: it.id,
        policy: it.policy,
        title: it.title,
        incident_id: it.incident_id,
        priority: it.priority.parse::<watchkeeper_domain::Priority>().ok()?.into(),
        phase: word::<EscalationPhase>(it.phase)?,
        step: count(it.step),
        steps: count(it.steps),
        round: it.round,
        due_at: it.due_at.map(Into::into),
        started_at: it.started_at.into(),
        acknowledged_at: it.acknowledged_at.map(Into::into),
        acknowledged_by: it.acknowledged_by.as_deref().map(person),
        ended_at: it.ended_at.map(Into::into),
        calls: it.pages.into_iter().map(call).collect::<Option<_>>()?,
    })
}

fn call(page: escalations::Page) -> Option<EscalationCall> {
    let person = page.receiver.strip_prefix(RECEIVER_PREFIX).map(str::to_owned);
    Some(EscalationCall {
        receiver: person.is_none().then(|| page.receiver.clone()),
        person,
        via: page.via,
        why: page.why,
        due_at: page.due_at.into(),
        state: word::<PageState>(&page.state)?,
        detail: page.detail,
    })
}

fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

/// A shift as the API shows it.
pub(crate) fn shift(turn: &Turn) -> Shift {
    let (layer, override_id) = match &turn.by {
        Source::Layer(name) => (Some(name.clone()), None),
        Source::Override(id) => (None, Some(id.clone())),
    };
    Shift { person: turn.person.clone(), from: turn.from.into(), until: turn.until.into(), layer, override_id }
}

fn shown_override(row: &OverrideRow) -> OnCallOverride {
    OnCallOverride {
        id: row.id.clone(),
        schedule: row.schedule.clone(),
        person: row.person.clone(),
        instead_of: row.instead_of.clone(),
        from: row.from.into(),
        until: row.until.into(),
        reason: row.reason.clone(),
        created_by: person(&row.created_by),
        created_at: row.created_at.into(),
    }
}

fn shown_note(note: &Note) -> HandoffNote {
    HandoffNote {
        id: note.id.clone(),
        schedule: note.schedule.clone(),
        at: note.at.into(),
        author: person(&note.author),
        text: note.text.clone(),
    }
}

fn configured(shared: &Shared, schedule: &Schedule) -> OnCallSchedule {
    OnCallSchedule {
        name: schedule.name.clone(),
        time_zone: zone(schedule),
        layers: schedule.layers.iter().map(layer).collect(),
        gaps_intended: schedule.allow_gaps,
        gap_warning: schedule.gap_warning.to_string(),
        announced: schedule.announce,
        calendar_url: calendar::url(shared, calendar::Of::Schedule(&schedule.name)),
    }
}

fn zone(schedule: &Schedule) -> String {
    schedule.time_zone.iana_name().unwrap_or("UTC").to_owned()
}

fn layer(layer: &Layer) -> OnCallLayer {
    let turn = &layer.rotation;
    let unit = match turn.period {
        Period::Hourly => "hour",
        Period::Daily => "day",
        Period::Weekly => "week",
        Period::Monthly => "month",
    };
    let often = if turn.every == 1 { format!("every {unit}") } else { format!("every {} {unit}s", turn.every) };
    let zone = turn.time_zone.iana_name().unwrap_or("UTC");
    OnCallLayer {
        name: layer.name.clone(),
        rotation: format!("{often} from {} ({zone})", turn.start),
        people: layer.people.clone(),
        hours: layer.restrictions.iter().map(hours).collect(),
    }
}

fn hours(restriction: &Restriction) -> String {
    let days: Vec<&str> = DAYS.iter().filter(|(day, _)| restriction.days.has(*day)).map(|(_, word)| *word).collect();
    let days = if days.len() == DAYS.len() { String::new() } else { format!("{} ", days.join(", ")) };
    format!("{days}{} to {}", clock(restriction.from), clock(restriction.to))
}

fn clock(time: jiff::civil::Time) -> String {
    time.strftime("%H:%M").to_string()
}

fn kind(integration: &watchkeeper_domain::Integration) -> String {
    integration.key.split(':').next().unwrap_or_default().to_owned()
}

fn rule(rule: &NotificationRule) -> String {
    let when = if rule.after.is_zero() { "at once".to_owned() } else { format!("after {}", rule.after) };
    let words: Vec<&str> = rule.priorities.iter().map(|priority| priority.as_str()).collect();
    let only = if words.is_empty() { String::new() } else { format!(", when {}", words.join(" or ")) };
    format!("{} {when}{only}", rule.via)
}

fn range(shared: &Shared, query: &RangeQuery) -> ApiResult<Window> {
    let from = moment("from", query.from.as_deref())?.unwrap_or_else(|| shared.env.now());
    let until = moment("until", query.until.as_deref())?.unwrap_or(from + RANGE);
    Ok(Window { from, until })
}

fn moment(name: &str, text: Option<&str>) -> ApiResult<Option<Timestamp>> {
    text.map(|text| text.parse::<Timestamp>().map_err(|error| ApiProblem::invalid(name, error))).transpose()
}
