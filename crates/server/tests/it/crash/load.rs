//! What clients and people do until the program dies, and what was promised to them meanwhile.
//!
//! Not whether the promises were kept: see `checks`.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use watchkeeper_domain::Clock as _;
use watchkeeper_server::clock::SystemClock;

use super::program::Program;
use crate::bad_input::wire;

/// How many senders of samples there are; each has a series of its own.
pub(super) const SENDERS: usize = 3;
/// The most log records of one round: as many as one question shows.
const MOST_LOGS: usize = 1_000;
/// The services whose alerts come and go.
pub(super) const SERVICES: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "s5"];

/// What was answered 2xx, over all rounds.
#[derive(Default)]
pub(super) struct Acknowledged(Mutex<Promises>);

#[derive(Default, Clone)]
pub(super) struct Promises {
    /// When a condition last changed, in milliseconds.
    last_flip: i64,
    /// Sender, milliseconds, value.
    pub(super) samples: Vec<(usize, i64, f64)>,
    /// Service (one for each round), text.
    pub(super) logs: Vec<(String, String)>,
    /// Id, comment.
    pub(super) silences: Vec<(String, String)>,
    /// Id, title.
    pub(super) declared: Vec<(String, String)>,
    /// Incident, text.
    pub(super) notes: Vec<(String, String)>,
    /// Incident, what was done to it (`acknowledge`, `resolve`), the note that was given with it.
    pub(super) steps: Vec<(String, &'static str, String)>,
    /// Alerts that were acknowledged.
    pub(super) alerts: Vec<String>,
    /// Runs that were started.
    pub(super) runs: Vec<String>,
    /// Answers that no client deserved.
    wrong: Vec<String>,
}

impl Acknowledged {
    pub(super) fn promises(&self) -> Promises {
        self.0.lock().clone()
    }

    pub(super) fn summary(&self) -> String {
        let p = self.0.lock();
        format!(
            "answered 2xx: {} samples, {} logs, {} silences, {} incidents declared, {} notes, {} steps, {} alerts acknowledged, {} runs",
            p.samples.len(),
            p.logs.len(),
            p.silences.len(),
            p.declared.len(),
            p.notes.len(),
            p.steps.len(),
            p.alerts.len(),
            p.runs.len()
        )
    }

    /// That the test did what it is about, and that nothing was refused that is allowed.
    pub(super) fn check(&self) {
        let p = self.0.lock();
        assert_eq!(p.wrong, Vec::<String>::new(), "answers that no client deserved");
        for (what, count) in [
            ("samples", p.samples.len()),
            ("logs", p.logs.len()),
            ("silences", p.silences.len()),
            ("incidents", p.declared.len()),
            ("notes", p.notes.len()),
            ("steps", p.steps.len()),
            ("alerts", p.alerts.len()),
            ("runs", p.runs.len()),
        ] {
            assert!(count > 0, "no {what} were acknowledged in all rounds: the load is broken");
        }
    }
}

/// The tasks of one round. They end when the program does.
pub(super) struct Load(JoinSet<()>);

impl Load {
    pub(super) fn start(program: &Program, round: u32, seed: u64, acknowledged: &Arc<Acknowledged>) -> Self {
        let client = |n: u64| Client {
            base: program.url(""),
            http: reqwest::Client::new(),
            clock: SystemClock::new(),
            random: StdRng::seed_from_u64(seed.wrapping_add(n)),
            acknowledged: Arc::clone(acknowledged),
        };
        let mut tasks = JoinSet::new();
        for sender in 0..SENDERS {
            tasks.spawn(client(10 + sender as u64).send_samples(sender));
        }
        tasks.spawn(client(1).send_logs(round));
        tasks.spawn(client(2).flip());
        tasks.spawn(client(3).command(round, 0));
        tasks.spawn(client(4).command(round, 1));
        Self(tasks)
    }

    pub(super) async fn end(mut self) {
        while let Some(ended) = self.0.join_next().await {
            ended.unwrap();
        }
    }
}

struct Client {
    base: String,
    http: reqwest::Client,
    clock: SystemClock,
    random: StdRng,
    acknowledged: Arc<Acknowledged>,
}

/// The program is gone, or the answer was cut off: nobody knows what became of the request.
struct Gone;

impl Client {
    fn now(&self) -> i64 {
        self.clock.now().as_millis()
    }

    /// Sends; gives whether the answer was 2xx, and the answer.
    async fn send(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<(bool, Value), Gone> {
        let request = self.http.post(format!("{}{path}", self.base)).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.map_err(|_| Gone)?;
        let status = answer.status();
        let text = answer.text().await.map_err(|_| Gone)?;
        if !status.is_success() && status != StatusCode::CONFLICT {
            self.acknowledged.0.lock().wrong.push(format!("{path}: {status} {text}"));
        }
        Ok((status.is_success(), serde_json::from_str(&text).unwrap_or_default()))
    }

    async fn write(&self, name: &str, labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Result<bool, Gone> {
        Ok(self.send("/api/v1/write", &wire::REMOTE_WRITE, wire::remote_write(name, labels, samples)).await?.0)
    }

    async fn command_to(&self, path: &str, body: Value) -> Result<Option<Value>, Gone> {
        let path = format!("/api/watchkeeper/v1/{path}");
        let (taken, answer) =
            self.send(&path, &[("content-type", "application/json")], body.to_string().into_bytes()).await?;
        Ok(taken.then_some(answer))
    }

    async fn list(&self, path: &str) -> Result<Vec<String>, Gone> {
        let answer =
            self.http.get(format!("{}/api/watchkeeper/v1/{path}", self.base)).send().await.map_err(|_| Gone)?;
        let answer: Value = answer.json().await.map_err(|_| Gone)?;
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        Ok(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect())
    }

    async fn send_samples(self, sender: usize) {
        let name = sender.to_string();
        let mut last = 0;
        loop {
            let first = self.now().max(last + 1);
            last = first + 2;
            // The value follows from the time, so that a sample under a wrong time would show.
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century fit")]
            let samples: Vec<(i64, f64)> = (first..=last).map(|t| (t, t as f64 / 2.0)).collect();
            match self.write("crash_sample", &[("sender", &name)], &samples).await {
                Ok(true) => self.acknowledged.0.lock().samples.extend(samples.iter().map(|(t, v)| (sender, *t, *v))),
                Ok(false) => {}
                Err(Gone) => return,
            }
        }
    }

    async fn send_logs(self, round: u32) {
        let service = format!("round-{round}");
        for n in (0..MOST_LOGS).step_by(4) {
            let texts: Vec<String> = (n..n + 4).map(|n| format!("record {round}-{n}")).collect();
            let at = self.now() * 1_000_000;
            let records: Vec<(i64, &str)> = texts.iter().map(|text| (at, text.as_str())).collect();
            let body = wire::logs(&service, &records).to_string().into_bytes();
            match self.send("/v1/logs", &[("content-type", "application/json")], body).await {
                Ok((true, _)) => {
                    self.acknowledged.0.lock().logs.extend(texts.into_iter().map(|text| (service.clone(), text)))
                }
                Ok((false, _)) => {}
                Err(Gone) => return,
            }
        }
    }

    /// Conditions begin and end.
    async fn flip(mut self) {
        loop {
            let value = f64::from(u8::from(self.random.random_bool(0.5)));
            let (name, labels) = match self.random.random_range(0..8) {
                0 => ("crash_intruder", vec![("address", "192.0.2.1")]),
                _ => ("crash_value", vec![("service", *SERVICES.choose(&mut self.random).expect("there are some"))]),
            };
            // One moment, one value: two within a millisecond would contradict each other.
            let at = {
                let mut proofs = self.acknowledged.0.lock();
                proofs.last_flip = self.now().max(proofs.last_flip + 1);
                proofs.last_flip
            };
            if self.write(name, &labels, &[(at, value)]).await.is_err() {
                return;
            }
        }
    }

    async fn command(mut self, round: u32, person: u32) {
        for n in 0.. {
            let mark = format!("{round}-{person}-{n}");
            if self.one_command(&mark).await.is_err() {
                return;
            }
        }
    }

    async fn one_command(&mut self, mark: &str) -> Result<(), Gone> {
        let id = |answer: &Value| answer["id"].as_str().unwrap_or_default().to_owned();
        match self.random.random_range(0..7) {
            0 => {
                // It matches nothing: what is silenced is not told, and that is another test.
                let body =
                    json!({"matchers": [format!("service=\"silent-{mark}\"")], "duration": "1h", "comment": mark});
                if let Some(answer) = self.command_to("silences", body).await? {
                    self.acknowledged.0.lock().silences.push((id(&answer), mark.to_owned()));
                }
            }
            1 => {
                let body = json!({"title": format!("declared {mark}"), "priority": "low", "category": "business"});
                if let Some(answer) = self.command_to("incidents", body).await? {
                    self.acknowledged.0.lock().declared.push((id(&answer), format!("declared {mark}")));
                }
            }
            2 => {
                if let Some(alert) = self.list("alerts?state=firing").await?.choose(&mut self.random)
                    && self.command_to(&format!("alerts/{alert}/acknowledge"), json!({"note": mark})).await?.is_some()
                {
                    self.acknowledged.0.lock().alerts.push(alert.clone());
                }
            }
            3 => {
                let body = json!({"inputs": {"service": format!("target-{mark}")}});
                if let Some(answer) = self.command_to("workflows/by-hand/run", body).await? {
                    self.acknowledged.0.lock().runs.push(id(&answer));
                }
            }
            what => {
                let Some(incident) =
                    self.list("incidents?state=triggered,acknowledged").await?.choose(&mut self.random).cloned()
                else {
                    return Ok(());
                };
                let (step, body) = match what {
                    4 => ("notes", json!({"text": format!("note {mark}")})),
                    5 => ("acknowledge", json!({"note": mark})),
                    _ => ("resolve", json!({"note": mark})),
                };
                if self.command_to(&format!("incidents/{incident}/{step}"), body).await?.is_some() {
                    let mut promises = self.acknowledged.0.lock();
                    match step {
                        "notes" => promises.notes.push((incident, format!("note {mark}"))),
                        step => promises.steps.push((incident, step, mark.to_owned())),
                    }
                }
            }
        }
        Ok(())
    }
}
