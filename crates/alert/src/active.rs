//! All alerts that fire now, with what readers of Alertmanager's API ask of each; and the groups that they stand in.
//!
//! Not pages and not history: see [`crate::read`]. What mutes an alert is worked out for this moment, not read from when
//! somebody was last told.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::{Row, SqlitePool};
use watchkeeper_domain::ids::{AlertId, GroupId, SilenceId};
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_state::StateError;

use crate::alert::Alert;
use crate::inhibit::Sources;
use crate::routing::Routing;
use crate::silence::Cache;

/// An alert that fires.
#[derive(Debug, Clone)]
pub struct Active {
    /// The alert.
    pub alert: Alert,
    /// When it ends unless it is posted again; none: a rule decides.
    pub ends_at: Option<Timestamp>,
    /// Where it came from, as its sender says. Hostile text.
    pub generator_url: Option<String>,
    /// Whether nobody has routed it yet.
    pub unprocessed: bool,
    /// Silences that hold it back.
    pub silenced_by: Vec<SilenceId>,
    /// Fingerprints of the alerts that inhibit it.
    pub inhibited_by: Vec<String>,
}

impl Active {
    /// Whether it is held back.
    #[must_use]
    pub fn suppressed(&self) -> bool {
        !self.silenced_by.is_empty() || !self.inhibited_by.is_empty()
    }
}

/// A group with the alerts in it that fire, by their places in the list of all.
#[derive(Debug, Clone)]
pub struct ActiveGroup {
    /// Its id.
    pub id: GroupId,
    /// The labels that they share.
    pub labels: Labels,
    /// Its route's path.
    pub route: String,
    /// To whom it goes.
    pub receiver: String,
    /// Its alerts.
    pub alerts: Vec<usize>,
}

/// All alerts that fire, the longest-lasting first.
pub async fn list(
    pool: &SqlitePool,
    cache: &Cache,
    routing: &Routing,
    now: Timestamp,
) -> Result<Vec<Active>, StateError> {
    let rows = sqlx::query("SELECT * FROM alert WHERE state = 'firing' ORDER BY fired_at, id")
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("list the alerts that fire"))?;
    let waiting: Vec<String> = sqlx::query_scalar("SELECT DISTINCT alert_id FROM alert_transition WHERE routed = 0")
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("find what nobody has routed yet"))?;
    let waiting: HashSet<String> = waiting.into_iter().collect();
    let silences = cache.active(pool, now).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let alert = Alert::from_row(row)?;
        let matching = silences.iter().filter(|silence| silence.matches(&alert.labels));
        all.push(Active {
            ends_at: row.get::<Option<i64>, _>("ends_at").map(Timestamp::from_micros),
            generator_url: row.get("generator_url"),
            unprocessed: waiting.contains(row.get::<&str, _>("id")),
            silenced_by: matching.map(|silence| silence.id).collect(),
            inhibited_by: Vec::new(),
            alert,
        });
    }
    if !routing.inhibit_rules.is_empty() {
        inhibit(&mut all, routing);
    }
    Ok(all)
}

fn inhibit(all: &mut [Active], routing: &Routing) {
    let firing: Vec<(AlertId, Labels)> = all.iter().map(|a| (a.alert.id, a.alert.labels.clone())).collect();
    let fingerprints: HashMap<AlertId, String> =
        all.iter().map(|a| (a.alert.id, a.alert.fingerprint.clone())).collect();
    let sources = Sources::new(&routing.inhibit_rules, &firing);
    for active in all {
        let by = sources.inhibitor(&active.alert.labels);
        active.inhibited_by.extend(by.and_then(|id| fingerprints.get(&id).cloned()));
    }
}

/// The groups of these alerts, by receiver and labels.
pub async fn groups(pool: &SqlitePool, alerts: &[Active]) -> Result<Vec<ActiveGroup>, StateError> {
    let places: HashMap<String, usize> =
        alerts.iter().enumerate().map(|(at, active)| (active.alert.id.to_string(), at)).collect();
    let rows = sqlx::query(
        "SELECT g.id, g.labels, g.route, g.receiver, m.alert_id FROM alert_group g \
         JOIN alert_group_member m ON m.group_id = g.id JOIN alert a ON a.id = m.alert_id WHERE a.state = 'firing'",
    )
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("list the groups of alerts that fire"))?;
    let mut groups: BTreeMap<String, ActiveGroup> = BTreeMap::new();
    for row in &rows {
        // One that began to fire between the two looks is shown at the next one.
        let Some(at) = places.get(row.get::<&str, _>("alert_id")) else { continue };
        let id: &str = row.get("id");
        if let Some(group) = groups.get_mut(id) {
            group.alerts.push(*at);
            continue;
        }
        let labels: &str = row.get("labels");
        let group = ActiveGroup {
            id: id.parse().map_err(|_| StateError::corrupt("alert_group", "id", id))?,
            labels: serde_json::from_str(labels).map_err(|_| StateError::corrupt("alert_group", "labels", labels))?,
            route: row.get("route"),
            receiver: row.get("receiver"),
            alerts: vec![*at],
        };
        groups.insert(id.to_owned(), group);
    }
    let mut groups: Vec<ActiveGroup> = groups.into_values().collect();
    for group in &mut groups {
        group.alerts.sort_unstable();
    }
    groups.sort_by(|a, b| (&a.labels, &a.receiver, &a.route).cmp(&(&b.labels, &b.receiver, &b.route)));
    Ok(groups)
}
