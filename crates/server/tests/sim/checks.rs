//! The promises, looked at after everything that happens: numbers as in the list of invariants that they come from.
//!
//! | promise | where |
//! |---|---|
//! | 1: what was answered 2xx is there | [`World::check`], `beliefs`, `kept` |
//! | 2, 5, 7: whoever is owed something is told, also over restarts and after mutes | `owed` |
//! | 3: nothing is told twice without a reason | `rows`, `arrivals` |
//! | 4: nobody hears something older than what they heard last | `arrivals` |
//! | 6: who has it is not escalated, what nobody has is, on time | `rows`, `escalated` |
//! | 19: one slow receiver delays nobody else | `delayed` |
//!
//! Rows are read as they stand in the database; none of the product's own code judges them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sqlx::Row as _;
use watchkeeper_domain::{Span, Timestamp};

use super::model::{Belief, Model, STEP, Set, Sure};
use super::network::{Known, PEERS};
use super::world::World;

/// The policy's second step.
const LAST: &str = "person:cy";
/// A peer that was in trouble may be left alone for so long.
const RECOVERS: Span = Span::from_secs(400);

/// One message of the outbox.
#[derive(Debug, Clone)]
struct Said {
    at: Timestamp,
    receiver: String,
    integration: String,
    thread: String,
    alerts: Vec<(String, bool)>,
}

/// What was seen so far.
#[derive(Default)]
pub(crate) struct Checks {
    last_row: i64,
    said: Vec<Said>,
    /// Alerts by id: labels, and whether it fires.
    alerts: BTreeMap<String, (Set, bool)>,
    ended: BTreeMap<String, Timestamp>,
    next_arrival: usize,
    /// Peer and alert that was said to be over.
    heard_end: BTreeSet<(usize, String)>,
    pub(crate) reloaded: bool,
}

impl Checks {
    /// Alerts that fire, as far as was last seen.
    pub(crate) fn firing_ids(&self) -> Vec<String> {
        self.alerts.iter().filter(|(_, (_, firing))| *firing).map(|(id, _)| id.clone()).collect()
    }

    fn told(&self, receiver: &str, integration: &str, id: &str) -> Option<bool> {
        let of = |said: &&Said| said.receiver == receiver && said.integration == integration;
        let mut all = self.said.iter().rev().filter(of);
        all.find_map(|said| said.alerts.iter().find(|(alert, _)| alert == id).map(|(_, firing)| *firing))
    }

    fn told_firing(&self, receiver: &str, integration: &str, id: &str) -> bool {
        let of = |said: &&Said| said.receiver == receiver && said.integration == integration;
        self.said.iter().filter(of).any(|said| said.alerts.iter().any(|(alert, firing)| alert == id && *firing))
    }

    /// Whether the last message of the conversation in which somebody heard of an alert says that all of it is over.
    fn heard_all_clear(&self, receiver: &str, id: &str) -> bool {
        let mut mine = self.said.iter().rev().filter(|said| said.receiver == receiver);
        let Some(called) = mine.clone().find(|said| said.alerts.iter().any(|(alert, _)| alert == id)) else {
            return true;
        };
        mine.find(|said| said.thread == called.thread)
            .is_some_and(|last| last.alerts.iter().all(|(_, firing)| !*firing))
    }

    /// The calls of people for an alert, oldest first.
    fn calls(&self, id: &str) -> impl Iterator<Item = &Said> {
        let about = move |said: &&Said| said.alerts.iter().any(|(alert, firing)| alert == id && *firing);
        self.said.iter().filter(|said| said.receiver.starts_with("person:")).filter(about)
    }
}

impl World {
    /// Looks at everything.
    pub(crate) async fn check(&mut self) {
        self.read_alerts().await;
        self.adopt().await;
        self.beliefs();
        self.rows().await;
        self.arrivals();
        self.owed();
        self.escalated();
        self.delayed().await;
    }

    /// What the disk refuses is not answered 2xx.
    pub(crate) fn expect_refusal(&mut self, taken: bool) {
        if taken && self.fate.refuses() {
            self.complain("1: it was answered 2xx although the disk refused it".to_owned());
        }
    }

    async fn read_alerts(&mut self) {
        let rows =
            sqlx::query("SELECT id, labels, state FROM alert").fetch_all(self.shared().state.read()).await.unwrap();
        let now = self.now();
        for row in &rows {
            let labels: BTreeMap<String, String> = serde_json::from_str(row.get("labels")).unwrap();
            let all = self.model.alerts.keys().cloned();
            let of = |set: &Set| set.name == labels["alertname"] && set.service == labels["service"];
            let set = all.into_iter().find(of).expect("an alert that was posted");
            let (id, firing): (String, bool) = (row.get("id"), row.get::<&str, _>("state") == "firing");
            if firing {
                self.checks.ended.remove(&id);
            } else {
                self.checks.ended.entry(id.clone()).or_insert(now);
            }
            self.checks.alerts.insert(id, (set, firing));
        }
    }

    /// What was not answered may have happened or not; from now on it is what it is.
    async fn adopt(&mut self) {
        if self.fate.refuses() {
            return;
        }
        let unsure: Vec<Set> =
            self.model.alerts.iter().filter(|(_, b)| **b == Belief::Unsure).map(|(set, _)| set.clone()).collect();
        for set in unsure {
            let row = sqlx::query(
                "SELECT started_at, ends_at FROM alert WHERE state = 'firing' \
                 AND json_extract(labels, '$.alertname') = $1 AND json_extract(labels, '$.service') = $2",
            )
            .bind(&set.name)
            .bind(set.service)
            .fetch_optional(self.shared().state.read())
            .await
            .unwrap();
            let belief = row.map_or(Belief::Over, |row| Belief::Firing {
                started_at: Timestamp::from_micros(row.get("started_at")),
                ends_at: Timestamp::from_micros(row.get("ends_at")),
            });
            self.model.reset(&set);
            self.model.alerts.insert(set, belief);
        }
        for at in 0..self.model.silences.len() {
            if !self.model.silences[at].unsure {
                continue;
            }
            let row = sqlx::query("SELECT id, expired_at FROM silence WHERE comment = $1")
                .bind(&self.model.silences[at].comment)
                .fetch_optional(self.shared().state.read())
                .await
                .unwrap();
            let silence = &mut self.model.silences[at];
            silence.unsure = false;
            silence.expired = row.as_ref().is_none_or(|row| row.get::<Option<i64>, _>("expired_at").is_some());
            silence.id = row.map(|row| row.get("id"));
        }
    }

    /// What is believed against what is there; and since when it is so.
    fn beliefs(&mut self) {
        let now = self.now();
        let sets: Vec<Set> = self.model.alerts.keys().cloned().collect();
        for set in sets {
            let count = self.checks.alerts.values().filter(|(of, firing)| *firing && *of == set).count();
            let fires = self.model.fires(&set, now);
            let name = format!("{}/{}", set.name, set.service);
            match fires {
                Sure::Yes if count != 1 => self.complain(format!("1: {name} fires, and {count} alerts are there")),
                Sure::No if count != 0 => self.complain(format!("17: {name} is over, and {count} alerts fire")),
                _ => {}
            }
            if fires == Sure::No {
                self.model.alerts.insert(set.clone(), Belief::Over);
                self.model.over.entry(set.clone()).or_insert(now);
            } else {
                self.model.over.remove(&set);
            }
            let mutes = self.model.mutes(&set, now);
            let was = self.model.muted.contains(&set);
            if mutes == Sure::Nobody || (mutes == Sure::Yes) != was {
                self.model.reset(&set);
            }
            if mutes == Sure::Yes {
                self.model.muted.insert(set.clone());
            } else {
                self.model.muted.remove(&set);
            }
            if fires == Sure::Yes && mutes == Sure::No && !self.model.refused {
                self.model.clear.entry(set).or_insert(now);
            } else {
                self.model.clear.remove(&set);
            }
        }
    }

    /// What was newly put into the outbox.
    async fn rows(&mut self) {
        let rows = sqlx::query(
            "SELECT rowid, created_at, receiver, integration, thread, content, reason FROM notification \
             WHERE rowid > $1 AND integration <> 'on-call' ORDER BY rowid",
        )
        .bind(self.checks.last_row)
        .fetch_all(self.shared().state.read())
        .await
        .unwrap();
        for row in &rows {
            let content: Value = serde_json::from_str(row.get("content")).unwrap();
            let one = |alert: &Value| (alert["id"].as_str().unwrap().to_owned(), alert["status"] == "firing");
            let said = Said {
                at: Timestamp::from_micros(row.get("created_at")),
                receiver: row.get("receiver"),
                integration: row.get("integration"),
                thread: row.get("thread"),
                alerts: content["alerts"].as_array().into_iter().flatten().map(one).collect(),
            };
            self.checks.last_row = row.get("rowid");
            self.note(format_args!("{said:?} ({})", row.get::<&str, _>("reason")));
            if said.receiver.starts_with("person:") {
                self.person(&said);
            } else {
                self.news(&said);
            }
            for (id, firing) in &said.alerts {
                let Some((set, _)) = self.checks.alerts.get(id).cloned() else { continue };
                // As it was then: the process may have died after it, and have been down for long.
                let muted = self.model.mutes(&set, said.at) == Sure::Yes;
                if *firing && muted && self.model.fires(&set, said.at) == Sure::Yes {
                    self.complain(format!(
                        "7: {} was told although something mutes {}/{}",
                        said.receiver, set.name, set.service
                    ));
                }
                // Who is called for what fires may read beside it what has ended of the same matter.
                let called = said.receiver.starts_with("person:") && said.alerts.iter().any(|(_, firing)| *firing);
                if !*firing && !called && !self.checks.told_firing(&said.receiver, &said.integration, id) {
                    self.complain(format!(
                        "3: {} hears of the end of {id}, of whose beginning it was not told",
                        said.receiver
                    ));
                }
            }
            self.checks.said.push(said);
        }
    }

    /// A message to a group's receiver says something new, or repeats after four hours.
    fn news(&mut self, said: &Said) {
        let told = |id: &str| self.checks.told(&said.receiver, &said.integration, id);
        let news = said.alerts.iter().any(|(id, firing)| told(id) != Some(*firing));
        let last = self.checks.said.iter().rev().find(|old| old.thread == said.thread && old.receiver == said.receiver);
        let repeat = last.is_none_or(|last| said.at.since(last.at) >= Span::from_secs(4 * 3_600));
        if !news && !repeat && !self.stepped && !self.checks.reloaded {
            self.complain(format!("3: {said:?} says nothing new"));
        }
    }

    /// A call of a person.
    fn person(&mut self, said: &Said) {
        for (id, _) in said.alerts.iter().filter(|(_, firing)| *firing) {
            if self.model.acknowledged.get(id) == Some(&Sure::Yes) {
                self.complain(format!("6: {} is called for {id}, which somebody has", said.receiver));
            }
            let Some((set, _)) = self.checks.alerts.get(id) else { continue };
            let resets = self.model.resets.get(set).copied().unwrap_or(0);
            let calls: Vec<&Said> = self.checks.calls(id).collect();
            let times = calls.iter().filter(|call| call.receiver == said.receiver).count();
            let first = calls.first().map(|call| call.at);
            if times > resets {
                self.complain(format!(
                    "3: {} is called {} times for {id}, after {resets} resets",
                    said.receiver,
                    times + 1
                ));
                return;
            }
            match first {
                None if said.receiver != Model::on_call(said.at) => {
                    self.complain(format!(
                        "16: {} is called first, and {} is on call",
                        said.receiver,
                        Model::on_call(said.at)
                    ));
                }
                Some(first) if resets == 0 && said.at.since(first) < STEP && !self.stepped => {
                    self.complain(format!("6: the second step is called {} after the first", said.at.since(first)));
                }
                _ => {}
            }
        }
    }

    /// What came to peers since the last look.
    fn arrivals(&mut self) {
        let all = self.network.arrivals();
        for (at, arrival) in all.iter().enumerate().skip(self.checks.next_arrival) {
            let earlier: Vec<_> = all.iter().take(at).filter(|old| old.key == arrival.key).collect();
            let peer = PEERS[arrival.peer].1;
            self.trace.push(format!("{} {peer} gets {arrival:?}", arrival.at));
            if earlier.iter().any(|old| old.known == Known::Taken) {
                self.complain(format!("3: {peer} gets {} again, which it had taken", arrival.key));
            }
            if earlier.iter().filter(|old| old.known == Known::Unknown).count() >= 2 {
                self.complain(format!("3: {peer} gets {} a third time, after two unknown outcomes", arrival.key));
            }
            for (id, firing) in &arrival.alerts {
                let end = (arrival.peer, id.clone());
                if !*firing {
                    self.checks.heard_end.insert(end);
                } else if self.checks.heard_end.contains(&end) {
                    self.complain(format!("4: {peer} hears that {id} fires after it heard that it is over"));
                }
            }
        }
        self.checks.next_arrival = all.len();
    }

    /// Whoever must know by now and was not told.
    fn owed(&mut self) {
        if self.model.refused || self.stepped {
            return;
        }
        let (now, allowance) = (self.now(), self.model.setup.allowance());
        // After a start everything that is owed is told at once.
        let sound = self.model.sound_since + Span::from_secs(2);
        let mut complaints = Vec::new();
        for (set, since) in &self.model.clear {
            if now < (*since + allowance).max(sound) {
                continue;
            }
            let Some(id) = self.checks.alerts.iter().find(|(_, (of, firing))| *firing && of == set).map(|(id, _)| id)
            else {
                continue;
            };
            for receiver in self.model.setup.receivers(set) {
                let told = match receiver {
                    "pager" => self.model.acknowledged.contains_key(id) || self.checks.calls(id).next().is_some(),
                    "team" => ["webhook", "webhook:1"].iter().all(|way| self.checks.told_firing("team", way, id)),
                    receiver => self.checks.told_firing(receiver, "webhook", id),
                };
                if !told {
                    complaints.push(format!(
                        "2, 7: {receiver} was not told that {}/{} ({id}) fires since {since}",
                        set.name, set.service
                    ));
                }
            }
        }
        for (id, since) in &self.checks.ended {
            let over = |(set, _): &(Set, bool)| self.model.over.contains_key(set) || self.model.clear.contains_key(set);
            if now < (*since + allowance).max(sound) || !self.checks.alerts.get(id).is_some_and(over) {
                continue;
            }
            let again = self.checks.alerts.get(id).is_some_and(|(set, _)| !self.model.over.contains_key(set));
            for (_, receiver, way) in PEERS.iter().filter(|(_, receiver, _)| *receiver != "second") {
                // A person was called for the matter, which goes on when it fires again, and hears once that it is over.
                let ended = receiver.starts_with("person:") && (again || self.checks.heard_all_clear(receiver, id));
                if !ended && self.checks.told(receiver, way, id) == Some(true) {
                    complaints.push(format!("5: {receiver} was not told that {id} is over since {since}"));
                }
            }
        }
        complaints.into_iter().for_each(|complaint| self.complain(complaint));
    }

    /// What nobody has goes to the next step, on time.
    fn escalated(&mut self) {
        if self.model.refused || self.stepped {
            return;
        }
        let (now, sound) = (self.now(), self.model.sound_since + Span::from_secs(2));
        let mut complaints = Vec::new();
        for (id, (set, _)) in self.checks.alerts.iter().filter(|(_, (set, firing))| *firing && set.severity == "high") {
            let Some(first) = self.checks.calls(id).next().map(|call| call.at) else { continue };
            let clear = self.model.clear.get(set).is_some_and(|since| *since <= first);
            let due = (first + STEP + Span::from_secs(1)).max(sound);
            let called = self.checks.calls(id).any(|call| call.receiver == LAST);
            if clear && now >= due && !called && !self.model.acknowledged.contains_key(id) {
                complaints.push(format!("6: nobody answers for {id} since {first}, and the next step is not called"));
            }
        }
        complaints.into_iter().for_each(|complaint| self.complain(complaint));
    }

    /// Who has waited for a second although the peer is well.
    async fn delayed(&mut self) {
        let now = self.now();
        if self.model.refused || self.stepped || now < self.model.sound_since + Span::from_secs(2) {
            return;
        }
        let rows = sqlx::query(
            "SELECT id, receiver, integration FROM notification n WHERE state = 'pending' AND attempts = 0 \
             AND created_at <= $1 AND NOT EXISTS (SELECT 1 FROM notification o WHERE o.state IN ('pending', 'sending') \
             AND o.thread = n.thread AND o.receiver = n.receiver AND o.integration = n.integration AND o.rowid < n.rowid)",
        )
        .bind((now - Span::from_secs(1)).as_micros())
        .fetch_all(self.shared().state.read())
        .await
        .unwrap();
        for row in &rows {
            let (receiver, way): (&str, &str) = (row.get("receiver"), row.get("integration"));
            let peer = PEERS.iter().position(|(_, r, w)| *r == receiver && *w == way).unwrap();
            let well = self.network.troubled(peer).is_none_or(|at| now.since(at) > RECOVERS);
            if well {
                self.complain(format!("19: {} waits for {receiver}, which is well", row.get::<&str, _>("id")));
            }
        }
    }

    /// Everybody had the time to hear everything.
    pub(crate) async fn check_the_end(&mut self) {
        let open: Vec<(String, String)> =
            sqlx::query_as("SELECT id, state FROM notification WHERE state NOT IN ('delivered', 'failed', 'superseded') AND created_at < $1")
                .bind((self.now() - Span::from_secs(60)).as_micros())
                .fetch_all(self.shared().state.read())
                .await
                .unwrap();
        if !open.is_empty() && !self.stepped {
            self.complain(format!("2: {open:?} are neither delivered nor visibly failed"));
        }
        let delivered: Vec<String> =
            sqlx::query_scalar("SELECT id FROM notification WHERE state = 'delivered' AND integration <> 'on-call'")
                .fetch_all(self.shared().state.read())
                .await
                .unwrap();
        let taken: BTreeSet<String> = self.network.arrivals().into_iter().filter(|a| a.taken).map(|a| a.key).collect();
        if let Some(lost) = delivered.iter().find(|id| !taken.contains(*id)) {
            self.complain(format!("2: {lost} counts as delivered, and nobody got it"));
        }
        self.kept().await;
        let verdict = self.call_at("/api/watchkeeper/v1/ledger/verify").await;
        if verdict["intact"] != true {
            self.complain(format!("the ledger is broken: {verdict}"));
        }
    }

    async fn call_at(&mut self, path: &str) -> Value {
        self.call("GET", path, None).await.expect("nobody dies any more").1
    }

    /// What people were answered is what they read.
    async fn kept(&mut self) {
        let now = self.now();
        let read = self.call_at("/api/v2/silences").await;
        for silence in self.model.silences.clone() {
            let Some(id) = &silence.id else { continue };
            let found = read.as_array().and_then(|all| all.iter().find(|one| one["id"] == id.as_str()));
            let state = found.map_or("gone", |one| one["status"]["state"].as_str().unwrap());
            let wanted = match (silence.expired || silence.ends_at <= now, silence.starts_at <= now) {
                (true, _) => "expired",
                (false, true) => "active",
                (false, false) => "pending",
            };
            if state != wanted && !(self.stepped || state == "gone" && wanted == "expired") {
                self.complain(format!("1: the silence {id} is {state} and should be {wanted}"));
            }
        }
        let acknowledged: Vec<String> =
            self.model.acknowledged.iter().filter(|(_, sure)| **sure == Sure::Yes).map(|(id, _)| id.clone()).collect();
        for id in acknowledged {
            let alert = self.call_at(&format!("/api/watchkeeper/v1/alerts/{id}")).await;
            if !alert["acknowledged_at"].is_string() {
                self.complain(format!("1: {id} was acknowledged, and is not"));
            }
        }
    }
}
