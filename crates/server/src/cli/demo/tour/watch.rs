//! Watching one scene through the server's API, hop by hop.
//!
//! Not a test of the parts: it asks what a person would look at, in the order in which it happens.

use serde_json::json;
use watchkeeper_domain::{Env, Span, Timestamp};

use super::scene::{Handling, Scene};
use super::{Failure, Server, narrate};
use crate::clock::system_env;
use crate::http::dto::alerts::{Alert, AlertList};
use crate::http::dto::deliveries::{Notification, NotificationList};
use crate::http::dto::incidents::IncidentDetail;
use crate::http::dto::post_mortem::PostMortem;
use crate::http::dto::probes::ProbeList;
use crate::http::dto::rules::RuleList;
use crate::http::dto::session::Fault;
use crate::http::dto::words::{AlertState, DeliveryState, IncidentKind, IncidentState, ProbeState, RunState};

/// How often the server is asked.
const EVERY: Span = Span::from_millis(250);
/// How long the bank runs healthily before it fails, so that ratios have something to be a ratio of.
const HEALTHY: Span = Span::from_secs(20);

/// Waits until all probes are up and the bank has served customers for a while.
pub(super) async fn healthy(server: &Server, patience: Span) -> Result<(), Failure> {
    let env = system_env();
    narrate::scene("Customers come and go. Watching for a while …");
    let deadline = env.now() + patience;
    let mut since = None;
    loop {
        let probes: ProbeList = server.get("/probes", &[]).await?;
        let up = !probes.items.is_empty() && probes.items.iter().all(|p| p.state == ProbeState::Up);
        since = if up { since.or(Some(env.now())) } else { None };
        if since.is_some_and(|since| env.now() > since + HEALTHY) {
            return Ok(());
        }
        if env.now() > deadline {
            return Err(Failure::Finding("the bank did not become healthy; see `watchkeeper rule probes`".to_owned()));
        }
        env.clock.sleep_until(env.now() + EVERY).await;
    }
}

/// One scene being watched.
pub(super) struct Watch<'a> {
    server: &'a Server,
    scene: &'a Scene,
    patience: Span,
    env: Env,
    began: Timestamp,
    /// Whether it is the only one, so that lines need no prefix.
    alone: bool,
    found: parking_lot::Mutex<Option<Found>>,
}

#[derive(Clone)]
struct Found {
    alert: String,
    incident: String,
}

/// Why a scene is missed.
type Missed = String;

impl<'a> Watch<'a> {
    pub(super) fn new(server: &'a Server, scene: &'a Scene, patience: Span, alone: bool) -> Self {
        let env = system_env();
        let began = env.now();
        Self { server, scene, patience, env, began, alone, found: parking_lot::Mutex::new(None) }
    }

    /// Switches the fault on and watches until a workflow or people have it; then switches it off.
    pub(super) async fn until_handled(&self) -> Result<(), Missed> {
        if self.alone {
            narrate::scene(self.scene.title);
        }
        self.switch("on").await?;
        self.tell(&format!("{} (fault {} is on)", self.scene.title, self.scene.fault));
        let handled = self.handled().await;
        // Off in any case: what was missed must not stay broken.
        self.switch("off").await?;
        if handled.is_ok() && self.scene.handling != Handling::Healed {
            self.tell("the fault is switched off: the cause is gone");
        }
        handled
    }

    async fn handled(&self) -> Result<(), Missed> {
        let alert = self.fired().await?;
        let value = alert.value.map_or_else(String::new, |v| format!(" (value {v:.3})"));
        self.tell(&format!("noticed: {} fires{value}", alert.name));

        let incident_id = self.until("an incident", async || Ok(self.alert(&alert.id).await?.incident_id)).await?;
        *self.found.lock() = Some(Found { alert: alert.id.clone(), incident: incident_id.clone() });
        let incident = self.incident(&incident_id).await?;
        self.tell(&format!("talked about: INC-{} “{}”", incident.incident.number, incident.incident.title));
        if (incident.incident.kind == IncidentKind::Security) != (self.scene.handling == Handling::Contained) {
            return Err(self.miss(&format!("triage made it {:?}", incident.incident.kind)));
        }

        let delivered = self.until("a delivered notification", async || self.delivered(&alert.id).await).await?;
        self.tell(&format!("told: {delivered}"));

        match self.scene.handling {
            Handling::Healed | Handling::Contained => {
                let outcome = self
                    .until("a workflow that helped", async || self.run_ended(&incident_id, RunState::Succeeded).await)
                    .await?;
                self.tell(&format!("healed: {outcome}"));
            }
            Handling::GivenUp => {
                let outcome = self
                    .until("a workflow that gave up", async || self.run_ended(&incident_id, RunState::HandedOver).await)
                    .await?;
                self.tell(&format!("tried: {outcome}"));
                let told =
                    self.until("people being called", async || self.called(&incident_id, "did not help").await).await?;
                self.tell(&format!("handed over: {told}"));
            }
            Handling::HandedOver => {
                let outcome = self.until("a hand-over to people", async || self.called(&incident_id, "").await).await?;
                self.tell(&format!("handed over: {outcome}"));
            }
        }
        Ok(())
    }

    /// Watches until the incident is over and its post-mortem is there. What was healed ends by itself; where people
    /// were called, or a security case is contained, the narrator plays the person who closes it.
    pub(super) async fn until_explained(&self) -> Result<(), Missed> {
        let Some(found) = self.found.lock().clone() else { return Err(self.miss("nothing was found to follow")) };
        if self.scene.handling == Handling::Healed {
            self.until("the alert's end", async || {
                Ok((self.alert(&found.alert).await?.state == AlertState::Resolved).then_some(()))
            })
            .await?;
        } else {
            let path = format!("/incidents/{}/resolve", found.incident);
            let note = json!({"note": format!("The cause is gone ({}). Closed by the tour.", self.scene.fault)});
            let resolved: Result<IncidentDetail, Failure> = self.server.post(&path, &note).await;
            resolved.map_err(|error| self.miss(&format!("the incident cannot be resolved: {error:?}")))?;
            self.tell("a person closes it");
        }
        let incident = self
            .until("the incident's end", async || {
                let incident = self.incident(&found.incident).await?;
                let over = matches!(incident.incident.state, IncidentState::Resolved | IncidentState::Closed);
                Ok(over.then_some(incident))
            })
            .await?;
        self.tell(&format!("INC-{} is resolved", incident.incident.number));
        let path = format!("/incidents/{}/post-mortem", found.incident);
        let post_mortem: PostMortem =
            self.until("the post-mortem", async || Ok(self.server.get(&path, &[]).await.ok())).await?;
        let seconds = |s: Option<f64>| s.map_or_else(|| "unknown".to_owned(), |s| format!("{s:.0} s"));
        self.tell(&format!(
            "explained: post-mortem drafted (detected in {}, resolved in {}; {}): watchkeeper incident post-mortem {}",
            seconds(post_mortem.mttd_seconds),
            seconds(post_mortem.mttr_seconds),
            post_mortem.impact.summary,
            found.incident
        ));
        Ok(())
    }

    async fn fired(&self) -> Result<Alert, Missed> {
        let mut pending_told = false;
        self.until(&format!("the alert {}", self.scene.alert), async || {
            let list: AlertList = self
                .ask("/alerts", &[("q", Some(self.scene.alert.to_owned())), ("state", Some("firing".to_owned()))])
                .await?;
            let ours = |a: &Alert| {
                a.name == self.scene.alert && a.labels.get("service").map_or("", String::as_str) == self.scene.service
            };
            let alert = list.items.into_iter().find(ours);
            if alert.is_none() && !pending_told && self.pending().await? {
                pending_told = true;
                self.tell("seen: the condition holds; the rule waits whether it lasts");
            }
            Ok(alert)
        })
        .await
    }

    async fn pending(&self) -> Result<bool, Missed> {
        let rules: RuleList = self.ask("/rules", &[]).await?;
        let pending = |r: &crate::http::dto::rules::Rule| r.instances.iter().any(|i| i.state == AlertState::Pending);
        Ok(rules.items.iter().any(|r| r.name == self.scene.alert && pending(r)))
    }

    async fn alert(&self, id: &str) -> Result<Alert, Missed> {
        self.ask(&format!("/alerts/{id}"), &[]).await
    }

    async fn incident(&self, id: &str) -> Result<IncidentDetail, Missed> {
        self.ask(&format!("/incidents/{id}"), &[]).await
    }

    async fn delivered(&self, alert: &str) -> Result<Option<String>, Missed> {
        let list: NotificationList = self.ask("/notifications", &[("alert_id", Some(alert.to_owned()))]).await?;
        Ok(list
            .items
            .iter()
            .find(|n| n.state == DeliveryState::Delivered)
            .map(|n| format!("{} over {}: “{}”", n.receiver, n.channel, n.title)))
    }

    async fn run_ended(&self, incident: &str, wanted: RunState) -> Result<Option<String>, Missed> {
        let runs = self.incident(incident).await?.runs;
        Ok(runs.iter().find(|r| r.state == wanted).map(|r| format!("workflow {}: {}", r.workflow, r.outcome)))
    }

    /// A delivered hand-over whose first line says this.
    async fn called(&self, incident: &str, saying: &str) -> Result<Option<String>, Missed> {
        let incident = self.incident(incident).await?;
        let calls = |n: &&Notification| {
            n.reason == "handover" && n.state == DeliveryState::Delivered && n.title.contains(saying)
        };
        let told = incident.notifications.iter().find(calls);
        Ok(told.map(|n| format!("{} was called over {}: “{}”", n.receiver, n.channel, n.title)))
    }

    async fn switch(&self, to: &str) -> Result<(), Missed> {
        let path = format!("/demo/faults/{}/{to}", self.scene.fault);
        let fault: Result<Fault, Failure> = self.server.post(&path, &json!({})).await;
        fault.map(drop).map_err(|error| self.miss(&format!("the fault cannot be switched {to}: {error:?}")))
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<T, Missed> {
        self.server.get(path, query).await.map_err(|error| self.miss(&format!("the server does not answer: {error:?}")))
    }

    /// Asks again and again until there is an answer, within the tour's patience.
    async fn until<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<Option<T>, Missed>,
    ) -> Result<T, Missed> {
        let deadline = self.env.now() + self.patience;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if self.env.now() > deadline {
                return Err(self.miss(&format!("{what} did not come within {}", self.patience)));
            }
            self.env.clock.sleep_until(self.env.now() + EVERY).await;
        }
    }

    fn tell(&self, what: &str) {
        let prefix = if self.alone { String::new() } else { format!("[{}] ", self.scene.fault) };
        narrate::happened(self.env.now().since(self.began).as_secs_f64(), &format!("{prefix}{what}"));
    }

    fn miss(&self, what: &str) -> Missed {
        format!("{}: {what}", self.scene.fault)
    }
}
