//! Workflow files: `on`, `target`, `guard`, `steps` with `uses` / `with` / `if`, `verify`.
//!
//! Not the engine. References to secrets stay references here: they are resolved when a step starts.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use watchkeeper_domain::{Code, Matcher, Span};
use watchkeeper_lang::jinja;

use super::names::Names;
use super::rule::{self, CheckExpr};
use super::server::{or, positive};
use crate::decode::record::record;
use crate::decode::secret::is_secret_header;
use crate::decode::{AnyOf, Anything, At, Context, FromNode, List, Map, items};
use crate::diagnostic::Diagnostic;
use crate::model::{Guard, Retry, Step, Uses, Verify, Workflow, WorkflowKind};
use crate::place::Place;
use crate::reference::{self, ReferenceError};
use crate::suggest;
use crate::yaml::{Kind, Node};

record! {
    /// A file with one or more workflows.
    WorkflowsFile, "a workflow file" {
        /// The workflows.
        workflows: Option<List<WorkflowFile>> = "workflows";
    }
}

record! {
    /// A workflow.
    WorkflowFile, "a workflow" {
        /// Unique over all files.
        name: At<String> = "name";
        /// One sentence for people.
        description: Option<At<String>> = "description";
        /// `remediation` (default) or `containment`: only the latter runs for security incidents.
        kind: Option<At<WorkflowKind>> = "kind";
        /// What starts it; by hand only when absent.
        on: Option<OnFile> = "on";
        /// What the lock is on; a template. Default `{{ labels.service | default('') }}`.
        target: Option<At<String>> = "target";
        /// Limits per target.
        guard: Option<GuardFile> = "guard";
        /// Steps, in order.
        steps: List<StepFile> = "steps";
        /// How success is judged.
        verify: Option<VerifyFile> = "verify";
    }
}

record! {
    /// What starts a workflow.
    OnFile, "`on`" {
        /// Matchers of the alert, which must all match: `[a, b]`. Alternatives are a list of such lists: `[[a, b], [c]]`.
        alert: Option<AnyOf<At<String>>> = "alert";
    }
}

record! {
    /// Limits per target.
    GuardFile, "`guard`" {
        /// How often the steps are tried in one run. Default 2.
        tries: Option<At<u32>> = "tries";
        /// Least time between tries, and between runs. Default 1 min.
        cooldown: Option<At<Span>> = "cooldown";
        /// Most runs per hour. Default 3.
        runs_per_hour: Option<At<u32>> = "runs_per_hour";
        /// The longest that a run may take. Default 10 min.
        timeout: Option<At<Span>> = "timeout";
    }
}

record! {
    /// One step.
    StepFile, "a step" {
        /// Unique within the workflow. Default: what it uses, with its number.
        name: Option<At<String>> = "name";
        /// `http`, `exec`, `wait`, `metric` or `notify`.
        uses: At<String> = "uses";
        /// The settings of what it uses.
        with: Option<Anything> = "with";
        /// A condition; the step is skipped when it is false.
        condition: Option<At<String>> = "if";
        /// How long one attempt may take. Default 30 s.
        timeout: Option<At<Span>> = "timeout";
        /// Attempts within one try.
        retry: Option<RetryFile> = "retry";
        /// Whether it may run again when nobody knows whether it ran. Default false.
        idempotent: Option<At<bool>> = "idempotent";
    }
}

record! {
    /// Attempts of a step.
    RetryFile, "`retry`" {
        /// Attempts in all. Default 1.
        attempts: Option<At<u32>> = "attempts";
        /// Wait before the second attempt; doubles. Default 1 s.
        backoff: Option<At<Span>> = "backoff";
    }
}

record! {
    /// How success is judged, on what users feel.
    VerifyFile, "`verify`" {
        /// PromQL expressions; each must give a non-empty, non-zero answer.
        all: List<At<String>> = "all";
        /// For how long all must hold. Default 5 s.
        hold: Option<At<Span>> = "hold";
        /// The longest to wait for that. Default 1 min.
        within: Option<At<Span>> = "within";
    }
}

record! { HttpFile, "`with` of an `http` step" {
    /// The method. Default POST.
    method: Option<At<String>> = "method";
    /// The URL.
    url: At<String> = "url";
    /// Headers; credentials as references.
    headers: Option<Map<At<String>>> = "headers";
    /// The body: a text, or anything else as JSON.
    body: Option<Anything> = "body";
    /// Accepted statuses. Default 200 to 299.
    expect_status: Option<List<At<u16>>> = "expect_status";
} }
record! { ExecFile, "`with` of an `exec` step" {
    /// Program and arguments; no shell.
    command: List<At<String>> = "command";
    /// Environment; nothing else is inherited but `PATH`.
    env: Option<Map<At<String>>> = "env";
} }
record! { WaitFile, "`with` of a `wait` step" {
    /// How long.
    duration: At<Span> = "duration";
} }
record! { MetricFile, "`with` of a `metric` step" {
    /// Metric name.
    name: At<String> = "name";
    /// A template that gives a number.
    value: At<String> = "value";
    /// Labels.
    labels: Option<Map<At<String>>> = "labels";
} }
record! { NotifyFile, "`with` of a `notify` step" {
    /// The receiver's name.
    receiver: At<String> = "receiver";
    /// The text, a template.
    message: At<String> = "message";
} }

const USES: &[&str] = &["http", "exec", "wait", "metric", "notify"];

/// One file's workflows: a list under `workflows`, or one workflow as the whole file.
pub(crate) fn read(node: &Node, cx: &mut Context<'_>) -> Vec<WorkflowFile> {
    let single = matches!(&node.kind, Kind::Mapping(pairs) if pairs.iter().any(|(k, _)| matches!(k.text.as_str(), "name" | "steps")));
    if single {
        return WorkflowFile::from_node(node, cx).into_iter().collect();
    }
    WorkflowsFile::from_node(node, cx).and_then(|f| f.workflows).map_or_else(Vec::new, |l| l.0)
}

impl WorkflowFile {
    pub(crate) fn build(
        &self,
        names: &mut Names,
        receivers: &Names,
        check_expr: CheckExpr<'_>,
        cx: &mut Context<'_>,
    ) -> Option<Workflow> {
        names.define(&self.name, cx);
        let name = self.name.value.clone();
        let on_alert = self
            .on
            .iter()
            .flat_map(|on| on.alert.iter().flat_map(|any| &any.0))
            .map(|entry| matchers(entry, cx))
            .collect();
        let target =
            self.target.as_ref().map_or_else(|| "{{ labels.service | default('') }}".to_owned(), |at| at.value.clone());
        if let Some(at) = &self.target {
            template(&at.value, &at.place, cx);
        }
        let mut step_names = Names::new("step");
        let mut steps = Vec::new();
        for (number, step) in self.steps.0.iter().enumerate() {
            steps.extend(step.build(number + 1, &mut step_names, receivers, cx));
        }
        if self.steps.0.is_empty() && cx.errors.is_empty() {
            cx.invalid(&self.name.place, format!("the workflow `{name}` has no steps"), None);
        }
        Some(Workflow {
            name,
            description: self.description.as_ref().map(|at| at.value.clone()).unwrap_or_default(),
            kind: or(self.kind.as_ref(), WorkflowKind::Remediation),
            on_alert,
            target,
            guard: GuardFile::build(self.guard.as_ref(), cx),
            steps,
            verify: self.verify.as_ref().map(|v| v.build(check_expr, cx)),
        })
    }
}

fn matchers(entry: &List<At<String>>, cx: &mut Context<'_>) -> Vec<String> {
    for at in &entry.0 {
        if let Err(e) = Matcher::parse(&at.value) {
            cx.invalid(&at.place, e.to_string(), None);
        }
    }
    entry.0.iter().map(|at| at.value.clone()).collect()
}

fn template(text: &str, place: &Place, cx: &mut Context<'_>) {
    if let Err(e) = jinja::check_template(text) {
        cx.invalid(place, e.to_string(), None);
    }
}

/// A template that may refer to secrets: what it refers to must exist now, so that a remedy does not fail at night.
fn secret_template(text: &str, place: &Place, cx: &mut Context<'_>) {
    template(text, place, cx);
    if let Err(error) = reference::resolve(text, cx.source, &cx.base) {
        // `${…}` of another language, as in a body, is no reference.
        if !matches!(error, ReferenceError::Malformed(_)) {
            cx.unresolved(&error, place);
        }
    }
}

fn texts(map: Option<&Map<At<String>>>, cx: &mut Context<'_>) -> BTreeMap<String, String> {
    let pairs = map.map_or(&[][..], |m| &m.0);
    for (_, at) in pairs {
        secret_template(&at.value, &at.place, cx);
    }
    pairs.iter().map(|(k, at)| (k.text.clone(), at.value.clone())).collect()
}

impl GuardFile {
    fn build(file: Option<&Self>, cx: &mut Context<'_>) -> Guard {
        let count = |at: Option<&At<u32>>, default, key, cx: &mut Context<'_>| match at {
            Some(at) if at.value == 0 => {
                cx.invalid(&at.place, format!("`{key}` must be at least 1"), None);
                default
            }
            at => or(at, default),
        };
        Guard {
            tries: count(file.and_then(|f| f.tries.as_ref()), 2, "tries", cx),
            cooldown: or(file.and_then(|f| f.cooldown.as_ref()), Span::from_secs(60)),
            runs_per_hour: count(file.and_then(|f| f.runs_per_hour.as_ref()), 3, "runs_per_hour", cx),
            timeout: positive(file.and_then(|f| f.timeout.as_ref()), Span::from_secs(600), "timeout", cx),
        }
    }
}

impl VerifyFile {
    fn build(&self, check_expr: CheckExpr<'_>, cx: &mut Context<'_>) -> Verify {
        static TEMPLATE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{\{.*?\}\}").expect("a constant pattern"));
        for at in &self.all.0 {
            template(&at.value, &at.place, cx);
            // The shape is checked with something in the place of each template.
            rule::check(&TEMPLATE.replace_all(&at.value, "x"), at, check_expr, cx);
        }
        if self.all.0.is_empty() {
            cx.invalid(&self.place, "`verify` needs at least one expression in `all`", None);
        }
        let hold = or(self.hold.as_ref(), Span::from_secs(5));
        let within = positive(self.within.as_ref(), Span::from_secs(60), "within", cx);
        if hold > within {
            cx.invalid(
                &self.place,
                format!("`hold` ({hold}) is longer than `within` ({within}), so it can never succeed"),
                None,
            );
        }
        Verify { all: self.all.0.iter().map(|at| at.value.clone()).collect(), hold, within }
    }
}

impl StepFile {
    fn build(&self, number: usize, names: &mut Names, receivers: &Names, cx: &mut Context<'_>) -> Option<Step> {
        let name = match &self.name {
            Some(at) => {
                names.define(at, cx);
                if at.value == "verify" {
                    cx.invalid(&at.place, "a step cannot be named `verify`; the verification has that name", None);
                }
                at.value.clone()
            }
            None => format!("{}-{number}", self.uses.value),
        };
        if let Some(at) = &self.condition
            && let Err(e) = jinja::check_expression(&at.value)
        {
            cx.invalid(&at.place, e.to_string(), None);
        }
        let attempts = self.retry.as_ref().and_then(|r| r.attempts.as_ref());
        if let Some(at) = attempts.filter(|at| !(1..=20).contains(&at.value)) {
            cx.invalid(&at.place, "`attempts` must be from 1 to 20", None);
        }
        Some(Step {
            name,
            uses: self.uses(receivers, cx)?,
            condition: self.condition.as_ref().map(|at| at.value.clone()),
            timeout: positive(self.timeout.as_ref(), Span::from_secs(30), "timeout", cx),
            retry: Retry {
                attempts: or(attempts, 1),
                backoff: or(self.retry.as_ref().and_then(|r| r.backoff.as_ref()), Span::from_secs(1)),
            },
            idempotent: or(self.idempotent.as_ref(), false),
        })
    }

    fn uses(&self, receivers: &Names, cx: &mut Context<'_>) -> Option<Uses> {
        let uses = &self.uses;
        if !USES.contains(&uses.value.as_str()) {
            cx.invalid(
                &uses.place,
                format!("`{}` is not an action", uses.value),
                Some(suggest::help(&uses.value, USES)),
            );
            return None;
        }
        let Some(Anything(with)) = &self.with else {
            cx.invalid(&uses.place, format!("an `{}` step needs `with`", uses.value), None);
            return None;
        };
        Some(match uses.value.as_str() {
            "http" => HttpFile::from_node(with, cx)?.build(cx),
            "exec" => ExecFile::from_node(with, cx)?.build(cx)?,
            "wait" if matches!(with.kind, Kind::Scalar(_)) => {
                Uses::Wait { duration: At::<Span>::from_node(with, cx)?.value }
            }
            "wait" => Uses::Wait { duration: WaitFile::from_node(with, cx)?.duration.value },
            "metric" => {
                let file = MetricFile::from_node(with, cx)?;
                template(&file.value.value, &file.value.place, cx);
                Uses::Metric { name: file.name.value, value: file.value.value, labels: texts(file.labels.as_ref(), cx) }
            }
            _ => {
                let file = NotifyFile::from_node(with, cx)?;
                receivers.refer(&file.receiver.value, &file.receiver.place, cx);
                template(&file.message.value, &file.message.place, cx);
                Uses::Notify { receiver: file.receiver.value, message: file.message.value }
            }
        })
    }
}

impl HttpFile {
    fn build(self, cx: &mut Context<'_>) -> Uses {
        secret_template(&self.url.value, &self.url.place, cx);
        for (key, at) in self.headers.as_ref().map_or(&[][..], |h| &h.0) {
            if is_secret_header(&key.text) && !reference::is_reference(&at.value) {
                cx.secrets.push(at.place.clone());
                let variable = key.text.to_uppercase().replace('-', "_");
                let message = format!("the header `{}` of a step holds a secret in plain text", key.text);
                let fix = format!("set {variable} in the environment and write `{}: ${{env:{variable}}}`", key.text);
                cx.error(Diagnostic::at(Code::ConfigLiteralSecret, &at.place, message).help(fix));
            }
        }
        if let Some(Anything(body)) = &self.body {
            body_templates(body, cx);
        }
        Uses::Http {
            method: self.method.map_or_else(|| "POST".to_owned(), |at| at.value.to_ascii_uppercase()),
            url: self.url.value,
            headers: texts(self.headers.as_ref(), cx),
            body: self.body.map(|b| b.0.to_json()),
            expect_status: items(&self.expect_status).iter().map(|at| at.value).collect(),
        }
    }
}

fn body_templates(node: &Node, cx: &mut Context<'_>) {
    match &node.kind {
        Kind::Scalar(text) => secret_template(text, &node.place, cx),
        Kind::Sequence(nodes) => nodes.iter().for_each(|n| body_templates(n, cx)),
        Kind::Mapping(pairs) => pairs.iter().for_each(|(_, n)| body_templates(n, cx)),
    }
}

impl ExecFile {
    fn build(self, cx: &mut Context<'_>) -> Option<Uses> {
        for at in &self.command.0 {
            template(&at.value, &at.place, cx);
            if reference::is_reference(&at.value) {
                let help = "other users of the machine see arguments; pass it in `env`";
                cx.invalid(&at.place, "a secret cannot be an argument of a program", Some(help.to_owned()));
            }
        }
        match self.command.0.first() {
            None => {
                cx.invalid(&self.place, "`command` is empty", None);
                return None;
            }
            Some(at) if at.value.contains("{{") => {
                cx.invalid(
                    &at.place,
                    "the program itself cannot be a template",
                    Some("only its arguments can".to_owned()),
                );
            }
            Some(_) => {}
        }
        Some(Uses::Exec {
            command: self.command.0.into_iter().map(|at| at.value).collect(),
            env: texts(self.env.as_ref(), cx),
        })
    }
}

/// The settings of each action, for the JSON schema.
pub(crate) fn action_schemas(generator: &mut schemars::SchemaGenerator) -> serde_json::Value {
    let all = [
        generator.subschema_for::<HttpFile>(),
        generator.subschema_for::<ExecFile>(),
        generator.subschema_for::<WaitFile>(),
        generator.subschema_for::<MetricFile>(),
        generator.subschema_for::<NotifyFile>(),
    ];
    serde_json::json!({"anyOf": all.into_iter().chain([schemars::json_schema!({"type": "string"})]).collect::<Vec<_>>()})
}
