//! `scrape_configs`: what is scraped, with Prometheus's keys.
//!
//! Not the scraping. Keys of Prometheus that are not here are refused by name rather than passed over: a scrape that does
//! less than its file says would be found out too late.

use std::path::PathBuf;

use url::Url;
use watchkeeper_domain::{Code, Span};

use super::names::Names;
use super::probe::{HeaderValue, is_label_name, labels};
use super::relabel::RelabelFile;
use super::server::{positive, web_url};
use crate::Secret;
use crate::decode::leaf::{ByteSize, Scheme};
use crate::decode::record::record;
use crate::decode::secret::SecretAt;
use crate::decode::{At, Context, List, Map, items};
use crate::diagnostic::Diagnostic;
use crate::model::scrape::{FileDiscovery, HttpDiscovery, ScrapeJob, ScrapeLimits, ScrapeTls, TargetGroup};
use crate::secret::looks_secret;

record! {
    /// Targets that are scraped in one way.
    ScrapeFile, "a scrape config" {
        /// The label `job` of its series.
        job_name: At<String> = "job_name";
        /// How often. Default 15 s.
        scrape_interval: Option<At<Span>> = "scrape_interval";
        /// How long a scrape may take. Default 10 s.
        scrape_timeout: Option<At<Span>> = "scrape_timeout";
        /// The path. Default `/metrics`.
        metrics_path: Option<At<String>> = "metrics_path";
        /// `http` or `https`. Default `http`.
        scheme: Option<At<Scheme>> = "scheme";
        /// Parameters of the query.
        params: Option<Map<List<HeaderValue>>> = "params";
        /// Whether labels that the target exposes win over those of the target. Default false.
        honor_labels: Option<At<bool>> = "honor_labels";
        /// Whether times that the target exposes are taken. Default true.
        honor_timestamps: Option<At<bool>> = "honor_timestamps";
        /// Whether series with times of their own get stale markers too. Default false.
        track_timestamps_staleness: Option<At<bool>> = "track_timestamps_staleness";
        /// A name and a password.
        basic_auth: Option<BasicAuthFile> = "basic_auth";
        /// A token.
        authorization: Option<AuthorizationFile> = "authorization";
        /// How TLS is spoken.
        tls_config: Option<TlsFile> = "tls_config";
        /// Targets that are written down.
        static_configs: Option<List<GroupFile>> = "static_configs";
        /// Files of targets.
        file_sd_configs: Option<List<FileDiscoveryFile>> = "file_sd_configs";
        /// URLs that answer with targets.
        http_sd_configs: Option<List<HttpDiscoveryFile>> = "http_sd_configs";
        /// What is done to a target's labels.
        relabel_configs: Option<List<RelabelFile>> = "relabel_configs";
        /// What is done to a sample's labels.
        metric_relabel_configs: Option<List<RelabelFile>> = "metric_relabel_configs";
        /// Most bytes of an uncompressed answer.
        body_size_limit: Option<At<ByteSize>> = "body_size_limit";
        /// Most samples of a scrape.
        sample_limit: Option<At<u32>> = "sample_limit";
        /// Most targets of the job.
        target_limit: Option<At<u32>> = "target_limit";
        /// Most labels of a sample.
        label_limit: Option<At<u32>> = "label_limit";
        /// Most bytes of a label's name.
        label_name_length_limit: Option<At<u32>> = "label_name_length_limit";
        /// Most bytes of a label's value.
        label_value_length_limit: Option<At<u32>> = "label_value_length_limit";
    }
}

record! {
    /// A name and a password.
    BasicAuthFile, "`basic_auth`" {
        /// The name.
        username: At<String> = "username";
        /// The password, as a reference.
        password: Option<SecretAt> = "password";
    }
}

record! {
    /// A token.
    AuthorizationFile, "`authorization`" {
        /// The scheme. Default `Bearer`.
        kind: Option<At<String>> = "type";
        /// The token, as a reference.
        credentials: SecretAt = "credentials";
    }
}

record! {
    /// How TLS is spoken.
    TlsFile, "`tls_config`" {
        /// The file (PEM) of the authorities to trust.
        ca_file: Option<At<String>> = "ca_file";
        /// The file (PEM) of our own certificate.
        cert_file: Option<At<String>> = "cert_file";
        /// The file (PEM) of its key.
        key_file: Option<At<String>> = "key_file";
        /// Whether any certificate will do. Default false.
        insecure_skip_verify: Option<At<bool>> = "insecure_skip_verify";
    }
}

record! {
    /// Targets with labels in common.
    GroupFile, "a target group" {
        /// `host:port` of each.
        targets: List<At<String>> = "targets";
        /// Their labels.
        labels: Option<Map<At<String>>> = "labels";
    }
}

record! {
    /// Files of targets.
    FileDiscoveryFile, "a `file_sd_config`" {
        /// Paths relative to this file; the last part may hold `*` and `?`.
        files: List<At<String>> = "files";
        /// How often they are read. Default 5 s.
        refresh_interval: Option<At<Span>> = "refresh_interval";
    }
}

record! {
    /// A URL that answers with targets.
    HttpDiscoveryFile, "an `http_sd_config`" {
        /// The URL.
        url: At<String> = "url";
        /// How often it is asked. Default 1 min.
        refresh_interval: Option<At<Span>> = "refresh_interval";
        /// A name and a password.
        basic_auth: Option<BasicAuthFile> = "basic_auth";
        /// A token.
        authorization: Option<AuthorizationFile> = "authorization";
    }
}

impl ScrapeFile {
    pub(crate) fn build(&self, names: &mut Names, cx: &mut Context<'_>) -> ScrapeJob {
        names.define(&self.job_name, cx);
        let name = self.job_name.value.clone();
        let interval = positive(self.scrape_interval.as_ref(), Span::from_secs(15), "scrape_interval", cx);
        let timeout = positive(self.scrape_timeout.as_ref(), Span::from_secs(10).min(interval), "scrape_timeout", cx);
        if let (Some(at), true) = (&self.scrape_timeout, timeout > interval) {
            let message = format!("a scrape of `{name}` may take longer ({timeout}) than its interval ({interval})");
            cx.invalid(&at.place, message, None);
        }
        let path = self.metrics_path.as_ref().map_or("/metrics", |at| at.value.as_str());
        if let (Some(at), false) = (&self.metrics_path, path.starts_with('/')) {
            cx.invalid(&at.place, format!("`{path}` is not a path; it begins with `/`"), None);
        }
        let limit = |at: &Option<At<u32>>| at.as_ref().map(|at| at.value).filter(|n| *n > 0);
        ScrapeJob {
            interval,
            timeout,
            path: path.to_owned(),
            https: self.scheme.as_ref().is_some_and(|at| at.value == Scheme::Https),
            params: self.params(cx),
            honor_labels: self.honor_labels.as_ref().is_some_and(|at| at.value),
            honor_timestamps: self.honor_timestamps.as_ref().is_none_or(|at| at.value),
            track_timestamps_staleness: self.track_timestamps_staleness.as_ref().is_some_and(|at| at.value),
            authorization: authorization(self.basic_auth.as_ref(), self.authorization.as_ref(), cx),
            tls: self.tls_config.as_ref().map(|tls| tls.build(cx)).unwrap_or_default(),
            groups: items(&self.static_configs).iter().map(|group| group.build(cx)).collect(),
            files: items(&self.file_sd_configs).iter().map(|file| file.build(cx)).collect(),
            urls: items(&self.http_sd_configs).iter().map(|url| url.build(cx)).collect(),
            relabel: items(&self.relabel_configs).iter().filter_map(|step| step.build(cx)).collect(),
            metric_relabel: items(&self.metric_relabel_configs).iter().filter_map(|step| step.build(cx)).collect(),
            limits: ScrapeLimits {
                samples: limit(&self.sample_limit),
                targets: limit(&self.target_limit),
                labels: limit(&self.label_limit),
                label_name: limit(&self.label_name_length_limit),
                label_value: limit(&self.label_value_length_limit),
                body: self.body_size_limit.as_ref().map(|at| at.value.0).filter(|n| *n > 0),
            },
            name,
        }
    }

    /// The parameters; a problem for each that is a credential and is written down.
    fn params(&self, cx: &mut Context<'_>) -> Vec<(String, Vec<String>)> {
        let mut params = Vec::new();
        for (key, values) in self.params.as_ref().map_or(&[][..], |map| &map.0) {
            for value in values.0.iter().filter(|value| looks_secret(&key.text) && !value.is_reference()) {
                value.refuse(&format!("the parameter `{}` of a scrape config", key.text), &key.text, "SCRAPE", cx);
            }
            params.push((key.text.clone(), values.0.iter().map(|value| value.value.clone()).collect()));
        }
        params
    }
}

/// The value of the `Authorization` header; a problem when there are two.
fn authorization(
    basic: Option<&BasicAuthFile>,
    token: Option<&AuthorizationFile>,
    cx: &mut Context<'_>,
) -> Option<Secret> {
    match (basic, token) {
        (Some(_), Some(token)) => {
            let message = "`basic_auth` and `authorization` exclude each other";
            cx.error(
                Diagnostic::at(Code::ConfigInvalidValue, &token.place, message.to_owned()).help("remove one of them"),
            );
            None
        }
        (Some(basic), None) => {
            let password = basic.password.as_ref().and_then(|p| p.secret.as_ref());
            let reference = password.map_or("basic_auth", Secret::reference);
            let pair = format!("{}:{}", basic.username.value, password.map_or("", Secret::expose));
            Some(Secret::new(reference, format!("Basic {}", base64(pair.as_bytes()))))
        }
        (None, Some(token)) => {
            let kind = token.kind.as_ref().map_or("Bearer", |at| at.value.as_str());
            let secret = token.credentials.secret.as_ref()?;
            Some(Secret::new(secret.reference(), format!("{kind} {}", secret.expose())))
        }
        (None, None) => None,
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

impl TlsFile {
    fn build(&self, cx: &mut Context<'_>) -> ScrapeTls {
        let ca = self.ca_file.as_ref().and_then(|at| read(at, cx));
        let certificate = self.cert_file.as_ref().and_then(|at| read(at, cx));
        let key = self.key_file.as_ref().and_then(|at| read(at, cx));
        let identity = match (&self.cert_file, &self.key_file) {
            (Some(_), Some(at)) => certificate.zip(key).map(|(certificate, key)| {
                Secret::new(format!("${{file:{}}}", at.value), format!("{certificate}\n{key}"))
            }),
            (None, None) => None,
            (Some(at), None) | (None, Some(at)) => {
                let message = "`cert_file` and `key_file` belong together; one of them is missing";
                cx.invalid(&at.place, message, None);
                None
            }
        };
        let insecure_skip_verify = self.insecure_skip_verify.as_ref().is_some_and(|at| at.value);
        ScrapeTls { ca, identity, insecure_skip_verify }
    }
}

fn read(at: &At<String>, cx: &mut Context<'_>) -> Option<String> {
    match cx.source.read(&cx.base.join(&at.value)) {
        Ok(text) => Some(text),
        Err(error) => {
            cx.invalid(&at.place, format!("`{}` cannot be read: {error}", at.value), None);
            None
        }
    }
}

impl GroupFile {
    fn build(&self, cx: &mut Context<'_>) -> TargetGroup {
        for at in &self.targets.0 {
            if let Some(wrong) = no_address(&at.value) {
                let help = "write `host:port`; scheme and path are keys of the scrape config";
                cx.invalid(&at.place, format!("`{}` is not a target: {wrong}", at.value), Some(help.to_owned()));
            }
        }
        TargetGroup {
            targets: self.targets.0.iter().map(|at| at.value.clone()).collect(),
            labels: labels(self.labels.as_ref(), cx),
        }
    }
}

/// Why a text cannot be the address of a target.
fn no_address(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("it is empty")
    } else if text.contains('/') {
        Some("it holds a `/`")
    } else if Url::parse(&format!("http://{text}/")).is_err() {
        Some("it is no host with a port")
    } else {
        None
    }
}

impl FileDiscoveryFile {
    fn build(&self, cx: &mut Context<'_>) -> FileDiscovery {
        for at in &self.files.0 {
            let fine = ["json", "yml", "yaml"].iter().any(|end| at.value.ends_with(&format!(".{end}")));
            if !fine {
                cx.invalid(&at.place, format!("`{}` is neither a .json nor a .yml nor a .yaml file", at.value), None);
            }
        }
        FileDiscovery {
            paths: self.files.0.iter().map(|at| cx.base.join(&at.value)).collect::<Vec<PathBuf>>(),
            refresh: positive(self.refresh_interval.as_ref(), Span::from_secs(5), "refresh_interval", cx),
        }
    }
}

impl HttpDiscoveryFile {
    fn build(&self, cx: &mut Context<'_>) -> HttpDiscovery {
        web_url(&self.url, "url", cx);
        HttpDiscovery {
            url: self.url.value.clone(),
            refresh: positive(self.refresh_interval.as_ref(), Span::from_secs(60), "refresh_interval", cx),
            authorization: authorization(self.basic_auth.as_ref(), self.authorization.as_ref(), cx),
        }
    }
}

/// Whether a text may be a label that relabelling sets; groups of the match may be in it.
pub(crate) fn may_name_label(text: &str) -> bool {
    is_label_name(&text.replace("${", "").replace(['$', '}'], ""))
}
