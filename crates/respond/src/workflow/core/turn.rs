//! What the core decides: one turn from an event to the next wait.
//!
//! Not the types of a run, which are the parent's.

use serde_json::{Value, json};
use watchkeeper_config::model::{Step, Uses};
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_lang::jinja;

use super::{Effect, Plan, Record, RunState, Status, StepStatus, VERIFY};
use crate::workflow::action::{self, Action};
use crate::workflow::context;

/// How often an idempotent step may be lost to a dying process before people look: it may be what kills it.
const MOST_ORPHANS: usize = 3;
/// How often verification looks.
const LOOK_EVERY: Span = Span::from_secs(1);

pub(super) struct Turn<'a> {
    pub(super) plan: &'a Plan,
    pub(super) state: RunState,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
}

impl Turn<'_> {
    pub(super) fn look(&mut self) {
        // Nobody works on a run that is taken up, so a step that is under way is an orphan.
        let orphan = self.state.records.iter().position(|r| r.status == StepStatus::Started && !self.is_timer(&r.step));
        if let Some(at) = orphan {
            let name = self.state.records[at].step.clone();
            // A second sample with the same value does no harm.
            let idempotent = self.step_of(&name).is_some_and(|s| s.idempotent || matches!(s.uses, Uses::Metric { .. }));
            let orphans =
                self.state.records.iter().filter(|r| r.step == name && r.status == StepStatus::Unknown).count();
            let may_repeat = idempotent && orphans < MOST_ORPHANS;
            let why = match (may_repeat, idempotent) {
                (true, _) => "it is declared idempotent and runs again",
                (false, true) => "that has happened too often to try again",
                (false, false) => "it is not declared idempotent",
            };
            let summary = format!("the server stopped while it was under way; {why}");
            self.close(at, StepStatus::Unknown, json!({"summary": summary}));
            if !may_repeat {
                let tried = self.tried();
                return self.end(
                    Status::HandedOver,
                    format!("Nobody knows whether the step `{name}` ran: {summary}. {tried}"),
                );
            }
        }
        self.next();
    }

    pub(super) fn finished(&mut self, result: Result<Value, String>) {
        let under_way =
            self.state.records.iter().position(|r| r.status == StepStatus::Started && !self.is_timer(&r.step));
        if let Some(at) = under_way {
            match result {
                Ok(result) => self.close(at, StepStatus::Succeeded, result),
                Err(reason) => self.close(at, StepStatus::Failed, json!({"summary": reason})),
            }
        }
        self.next();
    }

    pub(super) fn judged(&mut self, truth: Result<bool, String>, detail: &str, unbroken: bool) {
        let now = self.now;
        let (Some(at), Some(verify)) = (
            self.state.records.iter().position(|r| r.step == VERIFY && r.status == StepStatus::Started),
            &self.plan.workflow.verify,
        ) else {
            return self.next();
        };
        let record = &self.state.records[at];
        let before = record.result.get("holding_since").and_then(Value::as_i64);
        let holding = match truth {
            Ok(true) => before.filter(|_| unbroken).or(Some(now.as_micros())),
            Ok(false) | Err(_) => None,
        };
        let held = holding.map(|since| now.since(Timestamp::from_micros(since)));
        if held.is_some_and(|held| held >= verify.hold) {
            self.close(
                at,
                StepStatus::Succeeded,
                json!({"summary": format!("held for {}", verify.hold), "data": detail}),
            );
            return self.next();
        }
        let deadline = record.started_at + verify.within;
        if now >= deadline || self.out_of_time() {
            let summary = match truth {
                Err(reason) => format!("not verified within {}: {reason}", verify.within),
                Ok(_) => format!("not verified within {}: {detail}", verify.within),
            };
            self.close(at, StepStatus::Failed, json!({"summary": summary}));
            return self.next();
        }
        if holding != before {
            let record = &mut self.state.records[at];
            record.result = json!({"holding_since": holding, "summary": detail});
            record.changed = true;
        }
        let whole = holding.map(|since| Timestamp::from_micros(since) + verify.hold);
        let again = (now + LOOK_EVERY).min(deadline).min(whole.unwrap_or(deadline));
        self.state.status = Status::Waiting;
        self.effects.push(Effect::LookAgain(again));
    }

    /// Decides what to do when nothing is under way.
    fn next(&mut self) {
        if self.state.started_at.is_none() {
            self.state.started_at = Some(self.now);
        }
        let try_number = match self.failed_try() {
            None => self.state.records.last().map_or(1, |r| r.try_number),
            Some(failed) if failed >= self.plan.workflow.guard.tries => {
                let tried = self.tried();
                return self.end(Status::HandedOver, format!("{failed} of {failed} tries did not help. {tried}"));
            }
            Some(failed) => failed + 1,
        };
        if self.out_of_time() {
            let tried = self.tried();
            let timeout = self.plan.workflow.guard.timeout;
            return self.end(Status::HandedOver, format!("It took longer than {timeout}. {tried}"));
        }
        if let Some(at) = self.cooldown_end(try_number).filter(|at| *at > self.now) {
            return self.sleep(at);
        }
        for index in 0..self.plan.workflow.steps.len() {
            if self.take(index, try_number) {
                return;
            }
        }
        self.verify(try_number);
    }

    /// Takes a step; true when the run has to wait for something now.
    fn take(&mut self, index: usize, try_number: u32) -> bool {
        let plan = self.plan;
        let step = &plan.workflow.steps[index];
        let done: Vec<&Record> = self.of(&step.name, try_number).collect();
        match done.last().map(|r| (r.status, r.started_at, r.finished_at)) {
            Some((StepStatus::Succeeded | StepStatus::Skipped, ..)) => return false,
            Some((StepStatus::Started, started, _)) => {
                let Uses::Wait { duration } = step.uses else { return true };
                if started + duration > self.now {
                    self.sleep(started + duration);
                    return true;
                }
                if let Some(at) = self.state.records.iter().rposition(|r| r.step == step.name) {
                    self.close(at, StepStatus::Succeeded, json!({"summary": format!("waited {duration}")}));
                }
                return false;
            }
            Some((StepStatus::Failed, _, finished)) => {
                let failures = done.iter().filter(|r| r.status == StepStatus::Failed).count();
                let wait = step.retry.backoff.as_micros().saturating_mul(1_i64 << (failures - 1).min(20));
                let again = finished.unwrap_or(self.now) + Span::from_micros(wait);
                if again > self.now {
                    self.sleep(again);
                    return true;
                }
            }
            Some((StepStatus::Unknown, ..)) | None => {}
        }
        self.begin(step, try_number)
    }

    /// Begins an attempt; true when the run has to wait for something now.
    fn begin(&mut self, step: &Step, try_number: u32) -> bool {
        let context = context::build(self.plan, &self.state, try_number);
        if let Some(condition) = &step.condition {
            match jinja::eval_bool(condition, &context) {
                Ok(true) => {}
                Ok(false) => {
                    self.record(step, try_number, StepStatus::Skipped, json!({}));
                    return false;
                }
                Err(e) => {
                    self.end(
                        Status::Failed,
                        format!("The condition of the step `{}` cannot be decided: {e}", step.name),
                    );
                    return true;
                }
            }
        }
        let action = match action::render(&step.uses, &context) {
            Ok(action) => action,
            Err(e) => {
                self.end(
                    Status::Failed,
                    format!("The step `{}` cannot be carried out as it is written: {e}", step.name),
                );
                return true;
            }
        };
        let input = action.input();
        match action {
            Action::Wait(duration) => {
                self.record(step, try_number, StepStatus::Started, input);
                self.sleep(self.now + duration);
                true
            }
            // The outbox is in the same database: the message and its record are one commit.
            Action::Notify { receiver, message } => {
                self.record(step, try_number, StepStatus::Succeeded, input);
                self.effects.push(Effect::Notify { receiver, message });
                false
            }
            action => {
                self.record(step, try_number, StepStatus::Started, input);
                self.state.status = Status::Running;
                self.state.due_at = Some(self.now);
                let left = self.deadline().since(self.now);
                self.effects.push(Effect::Run { action, timeout: step.timeout.min(left) });
                true
            }
        }
    }

    fn verify(&mut self, try_number: u32) {
        let Some(verify) = &self.plan.workflow.verify else {
            return self.end(Status::Succeeded, "All steps succeeded.".to_owned());
        };
        match self.of(VERIFY, try_number).last().map(|r| r.status) {
            Some(StepStatus::Succeeded) => {
                let tries =
                    if try_number == 1 { "at the first try".to_owned() } else { format!("at try {try_number}") };
                return self.end(Status::Succeeded, format!("It helped {tries}: verified, held for {}.", verify.hold));
            }
            Some(_) => {}
            None => {
                self.state.records.push(Record {
                    step: VERIFY.to_owned(),
                    attempt: try_number,
                    try_number,
                    status: StepStatus::Started,
                    input: json!({"all": verify.all, "hold": verify.hold, "within": verify.within, "try": try_number}),
                    result: json!({}),
                    started_at: self.now,
                    finished_at: None,
                    changed: true,
                });
                self.state.status = Status::Waiting;
                // It stays due: after a restart it is looked at at once. Until then the engine remembers when.
                self.state.due_at = Some(self.now);
            }
        }
        let context = context::build(self.plan, &self.state, try_number);
        let context = context::escaped_for_promql(&context);
        let rendered: Result<Vec<String>, _> = verify.all.iter().map(|e| jinja::render(e, &context)).collect();
        match rendered {
            Ok(expressions) => self.effects.push(Effect::Judge(expressions)),
            Err(e) => self.end(Status::Failed, format!("It cannot be verified as it is written: {e}")),
        }
    }

    fn end(&mut self, status: Status, outcome: String) {
        self.state.status = status;
        self.state.outcome = outcome.chars().take(4_000).collect();
        self.state.due_at = None;
        let kind = match status {
            Status::Succeeded => "run.succeeded",
            Status::HandedOver => "run.handed_over",
            _ => "run.failed",
        };
        let data =
            json!({"workflow": self.plan.workflow.name, "target": self.plan.target, "outcome": self.state.outcome});
        let text = format!("Workflow {}: {}", self.plan.workflow.name, self.state.outcome);
        self.effects.push(Effect::Note { kind, data, text: Some(text) });
        self.effects.push(Effect::End);
    }

    fn sleep(&mut self, until: Timestamp) {
        self.state.status = Status::Waiting;
        // The timeout is a timer, too.
        self.state.due_at = Some(until.min(self.deadline()));
    }

    fn record(&mut self, step: &Step, try_number: u32, status: StepStatus, input: Value) {
        let attempt =
            1 + self.state.records.iter().filter(|r| r.step == step.name).map(|r| r.attempt).max().unwrap_or(0);
        let mut input = input;
        input["try"] = json!(try_number);
        let over = status != StepStatus::Started;
        let summary = match status {
            StepStatus::Skipped => json!({"summary": "its condition was false"}),
            StepStatus::Succeeded => json!({"summary": "put into the outbox"}),
            _ => json!({}),
        };
        self.state.records.push(Record {
            step: step.name.clone(),
            attempt,
            try_number,
            status,
            input,
            result: summary,
            started_at: self.now,
            finished_at: over.then_some(self.now),
            changed: true,
        });
        self.note(self.state.records.len() - 1);
    }

    fn close(&mut self, at: usize, status: StepStatus, result: Value) {
        let record = &mut self.state.records[at];
        record.status = status;
        record.result = result;
        record.finished_at = Some(self.now);
        record.changed = true;
        self.note(at);
    }

    fn note(&mut self, at: usize) {
        let record = &self.state.records[at];
        let kind = match record.status {
            StepStatus::Started => "run.step_started",
            StepStatus::Succeeded => "run.step_succeeded",
            StepStatus::Failed => "run.step_failed",
            StepStatus::Unknown => "run.step_unknown",
            StepStatus::Skipped => "run.step_skipped",
        };
        let summary = summary(record);
        let data = json!({
            "workflow": self.plan.workflow.name, "step": record.step, "attempt": record.attempt,
            "try": record.try_number, "summary": summary,
        });
        let told = !matches!(record.status, StepStatus::Started | StepStatus::Skipped);
        let text = told.then(|| {
            format!("Workflow {}: {} {} ({summary})", self.plan.workflow.name, record.step, record.status.as_str())
        });
        self.effects.push(Effect::Note { kind, data, text });
    }

    fn step_of(&self, name: &str) -> Option<&Step> {
        self.plan.workflow.steps.iter().find(|s| s.name == name)
    }

    /// Whether a record that is `started` only waits for time, so that a restart changes nothing.
    fn is_timer(&self, name: &str) -> bool {
        name == VERIFY || self.step_of(name).is_some_and(|s| matches!(s.uses, Uses::Wait { .. }))
    }

    fn of(&self, step: &str, try_number: u32) -> impl Iterator<Item = &Record> {
        self.state.records.iter().filter(move |r| r.step == step && r.try_number == try_number)
    }

    fn deadline(&self) -> Timestamp {
        self.state.started_at.unwrap_or(self.now) + self.plan.workflow.guard.timeout
    }

    fn out_of_time(&self) -> bool {
        self.now >= self.deadline()
    }

    /// The last try, when it failed: a step without attempts left, or verification.
    fn failed_try(&self) -> Option<u32> {
        let last = self.state.records.last()?.try_number;
        let verified = self.of(VERIFY, last).any(|r| r.status == StepStatus::Failed);
        let exhausted = self.plan.workflow.steps.iter().any(|step| {
            let failures = self.of(&step.name, last).filter(|r| r.status == StepStatus::Failed).count();
            failures > 0 && failures >= step.retry.attempts as usize
        });
        (verified || exhausted).then_some(last)
    }

    /// When a new try may begin.
    fn cooldown_end(&self, try_number: u32) -> Option<Timestamp> {
        let last = self.state.records.last().filter(|r| r.try_number < try_number)?;
        Some(last.finished_at.unwrap_or(last.started_at) + self.plan.workflow.guard.cooldown)
    }

    /// What was done, for people: `Try 1: restart succeeded (200), verify failed (…).`
    fn tried(&self) -> String {
        let mut out = String::new();
        let last = self.state.records.last().map_or(0, |r| r.try_number);
        for number in 1..=last {
            let steps: Vec<String> = self
                .state
                .records
                .iter()
                .filter(|r| r.try_number == number && r.status != StepStatus::Started)
                .map(|r| format!("{} {} ({})", r.step, r.status.as_str(), summary(r)))
                .collect();
            if !steps.is_empty() {
                out.push_str(&format!("Try {number}: {}. ", steps.join(", ")));
            }
        }
        out.trim_end().to_owned()
    }
}

fn summary(record: &Record) -> String {
    record.result.get("summary").and_then(Value::as_str).unwrap_or("").chars().take(300).collect()
}
