//! The main file, `watchkeeper.yaml`: its keys, and how everything comes together.
//!
//! Not the other files' contents.

use std::collections::BTreeMap;

use watchkeeper_domain::Code;

use super::app_insights::AppInsightsFile;
use super::heartbeat::HeartbeatFile;
use super::incident::{IncidentsFile, StatusPageFile};
use super::input::{LogFilesFile, SyslogFile};
use super::integration::IntegrationFile;
use super::names::Names;
use super::oncall::{self, EscalationPolicyFile, ScheduleFile};
use super::person::PersonFile;
use super::probe::ProbeFile;
use super::receiver::ReceiverFile;
use super::receiver::phone::TwilioFile;
use super::route::{InhibitRuleFile, Known, RouteFile, default_root};
use super::rule::{CheckExpr, GroupsSeen, RuleFile};
use super::scrape::ScrapeFile;
use super::self_watch::SelfWatchFile;
use super::server::{AlertsFile, DemoFile, EvaluationFile, ServerFile, SlackFile, SmtpFile, StorageFile};
use super::time_interval::{self, NamedIntervalsFile};
use super::workflow::WorkflowFile;
use crate::decode::record::record;
use crate::decode::{At, Context, List, items};
use crate::diagnostic::Diagnostic;
use crate::model::person::RECEIVER_PREFIX;
use crate::model::{Config, EscalationPolicy, Receiver, Schedule};

record! {
    /// Watchkeeper's configuration. Every key may be absent.
    MainFile, "the main file" {
        /// Where it listens and who may speak to it.
        server: Option<ServerFile> = "server";
        /// What is kept and for how long.
        storage: Option<StorageFile> = "storage";
        /// How rules are evaluated.
        evaluation: Option<EvaluationFile> = "evaluation";
        /// Prometheus rule files: patterns relative to this file.
        rule_files: Option<List<At<String>>> = "rule_files";
        /// Workflow files: patterns relative to this file.
        workflow_files: Option<List<At<String>>> = "workflow_files";
        /// What is looked at from outside.
        probes: Option<List<ProbeFile>> = "probes";
        /// Jobs that are expected to report.
        heartbeats: Option<List<HeartbeatFile>> = "heartbeats";
        /// Where syslog is taken.
        syslog: Option<List<SyslogFile>> = "syslog";
        /// Log files that are read as they grow.
        log_files: Option<List<LogFilesFile>> = "log_files";
        /// What is scraped, as in Prometheus.
        scrape_configs: Option<List<ScrapeFile>> = "scrape_configs";
        /// A file of Alertmanager's, used as it is: its routes, receivers, inhibit rules and times.
        alertmanager_config: Option<At<String>> = "alertmanager_config";
        /// Who is told of which alert.
        route: Option<RouteFile> = "route";
        /// Who can be told, and how.
        receivers: Option<List<ReceiverFile>> = "receivers";
        /// Alerts that mute others.
        inhibit_rules: Option<List<InhibitRuleFile>> = "inhibit_rules";
        /// Times that recur, by name, for routes.
        time_intervals: Option<List<NamedIntervalsFile>> = "time_intervals";
        /// Alerts that other tools post.
        alerts: Option<AlertsFile> = "alerts";
        /// Tools that send alerts in their own way.
        integrations: Option<List<IntegrationFile>> = "integrations";
        /// Who may send as an SDK of Application Insights.
        app_insights: Option<AppInsightsFile> = "app_insights";
        /// How alerts become incidents.
        incidents: Option<IncidentsFile> = "incidents";
        /// The public status page.
        status_page: Option<StatusPageFile> = "status_page";
        /// Known people.
        people: Option<List<PersonFile>> = "people";
        /// Who is on call when.
        schedules: Option<List<ScheduleFile>> = "schedules";
        /// Who is called in which order until somebody answers.
        escalation_policies: Option<List<EscalationPolicyFile>> = "escalation_policies";
        /// The mail server.
        smtp: Option<SmtpFile> = "smtp";
        /// Text messages and calls.
        twilio: Option<TwilioFile> = "twilio";
        /// Slack's settings that belong to no receiver.
        slack: Option<SlackFile> = "slack";
        /// Watching over Watchkeeper itself.
        self_watch: Option<SelfWatchFile> = "self_watch";
        /// The demo's bank.
        demo: Option<DemoFile> = "demo";
    }
}

/// The name of the receiver that exists without being written.
const DEFAULT_RECEIVER: &str = "default";

impl MainFile {
    pub(crate) fn build(
        &self,
        rules: &[RuleFile],
        workflows: &[WorkflowFile],
        check_expr: CheckExpr<'_>,
        cx: &mut Context<'_>,
    ) -> Config {
        let mut receiver_names = Names::new("receiver");
        for file in items(&self.receivers) {
            receiver_names.define(&file.name, cx);
            if file.name.value.starts_with(RECEIVER_PREFIX) {
                let message = format!("the name of a receiver must not begin with `{RECEIVER_PREFIX}`");
                cx.invalid(&file.name.place, message, Some("names like this are people's own receivers".to_owned()));
            }
        }
        let mut receivers = BTreeMap::new();
        let twilio = self.twilio.as_ref().map(|file| file.build(cx));
        for file in items(&self.receivers) {
            let built = file.build(twilio.as_ref(), cx);
            if let (Some(place), None) = (&built.mails, &self.smtp) {
                let message = format!("the receiver `{}` sends e-mail, but there is no mail server", file.name.value);
                let help = "add `smtp: {host: …, from: …}` to the main file";
                cx.error(Diagnostic::at(Code::ConfigInvalidValue, place, message).help(help));
            }
            receivers.entry(built.receiver.name.clone()).or_insert(built.receiver);
        }
        self.fallbacks(&receiver_names, &receivers, cx);
        let root_receiver = self.root_receiver(&mut receiver_names, &mut receivers, cx);
        let mut interval_names = Names::new("time interval");
        let intervals: Vec<&NamedIntervalsFile> = items(&self.time_intervals).iter().collect();
        let time_intervals = time_interval::build(&intervals, &mut interval_names, cx);
        let known = Known { receivers: &receiver_names, time_intervals: &interval_names };
        let mut people_names = Names::new("person");
        let mut people = Vec::new();
        for file in items(&self.people) {
            let built = file.build(&mut people_names, self.smtp.is_some(), twilio.as_ref(), cx);
            if !built.contact.integrations().is_empty() {
                receivers.entry(built.contact.name.clone()).or_insert(built.contact);
            }
            people.push(built.person);
        }
        let (schedules, escalation_policies) = self.on_call(&people_names, &receiver_names, cx);
        let mut probe_names = Names::new("probe");
        let probes = items(&self.probes).iter().filter_map(|p| p.build(&mut probe_names, cx)).collect();
        let (mut heartbeat_names, mut ids) = (Names::new("heartbeat"), std::collections::BTreeSet::new());
        let heartbeats = items(&self.heartbeats);
        let heartbeats = heartbeats.iter().filter_map(|h| h.build(&mut heartbeat_names, &mut ids, cx)).collect();
        let mut job_names = Names::new("scrape job");
        let scrape_jobs = items(&self.scrape_configs).iter().map(|s| s.build(&mut job_names, cx)).collect();
        let mut groups_seen = GroupsSeen::default();
        let rule_groups = rules.iter().flat_map(|file| file.build(&mut groups_seen, check_expr, cx)).collect();
        let mut workflow_names = Names::new("workflow");
        let workflows = workflows
            .iter()
            .filter_map(|w| w.build(&mut workflow_names, &receiver_names, check_expr, cx))
            .map(|w| (w.name.clone(), w))
            .collect();
        let server = ServerFile::build(self.server.as_ref(), cx);
        let mut integration_names = Names::new("integration");
        let guarded = !server.tokens.is_empty();
        let integrations = items(&self.integrations)
            .iter()
            .filter_map(|file| file.build(&mut integration_names, guarded, cx))
            .map(|built| (built.name.clone(), built))
            .collect();
        let self_watch = SelfWatchFile::build(self.self_watch.as_ref(), &receiver_names, &receivers, cx);
        Config {
            server,
            self_watch,
            integrations,
            app_insights: AppInsightsFile::build(self.app_insights.as_ref(), cx),
            storage: StorageFile::build(self.storage.as_ref(), cx),
            evaluation: EvaluationFile::build(self.evaluation.as_ref(), cx),
            rule_groups,
            probes,
            heartbeats,
            syslog: items(&self.syslog).iter().map(|s| s.build(cx)).collect(),
            log_files: items(&self.log_files).iter().map(|f| f.build(cx)).collect(),
            scrape_jobs,
            alertmanager_config: self.alertmanager_config.as_ref().map(|at| at.value.clone()),
            route: match &self.route {
                Some(route) => route.build_root(&default_root(&root_receiver), known, cx),
                None => default_root(&root_receiver),
            },
            receivers,
            inhibit_rules: items(&self.inhibit_rules).iter().map(|r| r.build(cx)).collect(),
            time_intervals,
            resolve_timeout: AlertsFile::resolve_timeout(self.alerts.as_ref(), cx),
            workflows,
            incidents: IncidentsFile::build(self.incidents.as_ref(), &receiver_names, &people_names, check_expr, cx),
            status_page: StatusPageFile::build(self.status_page.as_ref(), cx),
            people,
            schedules,
            escalation_policies,
            smtp: self.smtp.as_ref().map(|s| s.build(cx)),
            twilio: twilio.flatten(),
            slack_signing_secret: self
                .slack
                .as_ref()
                .and_then(|s| s.signing_secret.as_ref())
                .and_then(|s| s.secret.clone()),
            demo: self.demo.as_ref().map(|d| d.build(cx)),
        }
    }

    /// Schedules and escalation policies, and whether those who refer to them name ones that exist.
    fn on_call(
        &self,
        people: &Names,
        receivers: &Names,
        cx: &mut Context<'_>,
    ) -> (BTreeMap<String, Schedule>, BTreeMap<String, EscalationPolicy>) {
        let (mut schedule_names, mut policy_names) = (Names::new("schedule"), Names::new("escalation policy"));
        for file in items(&self.schedules) {
            schedule_names.define(&file.name, cx);
        }
        for file in items(&self.escalation_policies) {
            policy_names.define(&file.name, cx);
        }
        let mut paging = std::collections::BTreeSet::new();
        for file in items(&self.receivers) {
            if let Some(at) = &file.escalation_policy {
                policy_names.refer(&at.value, &at.place, cx);
                paging.insert(file.name.value.as_str());
            }
        }
        let reachable = items(&self.people).iter().filter(|person| person.reachable(self.smtp.is_some()));
        let reachable = reachable.map(|person| person.name.value.as_str()).collect();
        let known = oncall::Known { people, reachable, schedules: &schedule_names, receivers, paging };
        let schedules = items(&self.schedules).iter().map(|file| file.build(&known, cx));
        let schedules = schedules.map(|schedule| (schedule.name.clone(), schedule)).collect();
        let policies = items(&self.escalation_policies).iter().map(|file| file.build(&known, cx));
        (schedules, policies.map(|policy| (policy.name.clone(), policy)).collect())
    }

    /// A fallback exists, and no chain of them leads back to where it began.
    fn fallbacks(&self, names: &Names, receivers: &BTreeMap<String, Receiver>, cx: &mut Context<'_>) {
        for file in items(&self.receivers) {
            let Some(at) = &file.fallback else { continue };
            names.refer(&at.value, &at.place, cx);
            let mut seen = vec![file.name.value.as_str()];
            let mut next = Some(at.value.as_str());
            while let Some(name) = next {
                if seen.contains(&name) {
                    let message = format!("the fallback of `{}` leads back to `{name}`", file.name.value);
                    cx.invalid(&at.place, message, Some("let the last one have no fallback".to_owned()));
                    break;
                }
                seen.push(name);
                next = receivers.get(name).and_then(|receiver| receiver.fallback.as_deref());
            }
        }
    }

    /// The receiver of the root route when the file does not name one: `default` if there is one, else the first, else
    /// a `default` that tells nobody.
    fn root_receiver(
        &self,
        names: &mut Names,
        receivers: &mut BTreeMap<String, Receiver>,
        cx: &mut Context<'_>,
    ) -> String {
        let written = self.route.as_ref().is_some_and(|r| r.receiver.is_some());
        if !written
            && !names.contains(DEFAULT_RECEIVER)
            && let Some(first) = items(&self.receivers).first()
        {
            let name = first.name.value.clone();
            let message = format!("no route names a receiver; everything goes to the first one, `{name}`");
            cx.warn(
                Diagnostic::at(Code::ConfigUnknownReference, &first.name.place, message)
                    .help(format!("write `route: {{receiver: {name}}}`")),
            );
            return name;
        }
        // A route may name the default receiver although nobody wrote it.
        names.given(DEFAULT_RECEIVER);
        receivers
            .entry(DEFAULT_RECEIVER.to_owned())
            .or_insert_with(|| Receiver { name: DEFAULT_RECEIVER.to_owned(), ..Receiver::default() });
        DEFAULT_RECEIVER.to_owned()
    }
}
