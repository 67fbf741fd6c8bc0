//! `syslog` and `log_files`: logs of what has no SDK.
//!
//! Not reading them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use schemars::{Schema, json_schema};
use watchkeeper_domain::Code;

use super::server::or;
use crate::decode::leaf::calendar::Zone;
use crate::decode::leaf::{Leaf, Listen};
use crate::decode::record::record;
use crate::decode::{At, Context, List, Map, items};
use crate::diagnostic::Diagnostic;
use crate::model::input::{Network, SyslogListener, TailedFiles};
use crate::suggest;

record! {
    /// Where syslog is taken (RFC 5424, and RFC 3164 leniently).
    SyslogFile, "`syslog`" {
        /// The address, for both transports: `127.0.0.1:5514`.
        listen: At<Listen> = "listen";
        /// `tcp`, `udp`. Default both.
        protocols: Option<List<At<Transport>>> = "protocols";
        /// Networks whose messages are taken: `10.0.0.0/8`. This machine's always are.
        allow_from: Option<List<At<Network>>> = "allow_from";
        /// The zone of times that name none. Default `UTC`.
        time_zone: Option<At<Zone>> = "time_zone";
        /// Attributes of the resource of all its records.
        attributes: Option<Map<At<String>>> = "attributes";
    }
}

record! {
    /// Files that are read as they grow.
    LogFilesFile, "`log_files`" {
        /// Patterns relative to this file, with `*` and `?`.
        paths: List<At<String>> = "paths";
        /// Whose records they are. Default: the file's name up to its first dot.
        service: Option<At<String>> = "service";
        /// A regular expression that the first line of a record matches; others continue the record before.
        record_start: Option<At<String>> = "record_start";
        /// Where reading begins in a file that is met for the first time: `beginning` or `end`. Default `end`.
        start: Option<At<Start>> = "start";
        /// Attributes of the resource of all their records.
        attributes: Option<Map<At<String>>> = "attributes";
    }
}

/// A transport of syslog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

impl Leaf for Transport {
    const EXPECTS: &'static str = "a transport";
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        match text {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => {
                let shown: String = text.chars().take(80).collect();
                Err((format!("`{shown}` is not {}", Self::EXPECTS), Some(suggest::help(text, &["tcp", "udp"]))))
            }
        }
    }
    fn schema() -> Schema {
        json_schema!({"enum": ["tcp", "udp"]})
    }
}

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Beginning,
    End,
}

impl Leaf for Start {
    const EXPECTS: &'static str = "a place to begin";
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        match text {
            "beginning" => Ok(Self::Beginning),
            "end" => Ok(Self::End),
            _ => {
                let shown: String = text.chars().take(80).collect();
                Err((format!("`{shown}` is not {}", Self::EXPECTS), Some(suggest::help(text, &["beginning", "end"]))))
            }
        }
    }
    fn schema() -> Schema {
        json_schema!({"enum": ["beginning", "end"]})
    }
}

impl Leaf for Network {
    const EXPECTS: &'static str = "a network such as `10.0.0.0/8`, or an address";
    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let found = address.parse::<IpAddr>().ok().and_then(|address| {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.map_or(Some(most), |prefix| prefix.parse().ok())?;
            (prefix <= most).then_some(Self { address, prefix })
        });
        let shown: String = text.chars().take(80).collect();
        found.ok_or_else(|| (format!("`{shown}` is not {}", Self::EXPECTS), None))
    }
}

fn pairs(map: Option<&Map<At<String>>>) -> BTreeMap<String, String> {
    map.map_or(&[][..], |map| &map.0).iter().map(|(key, at)| (key.text.clone(), at.value.clone())).collect()
}

impl SyslogFile {
    pub(crate) fn build(&self, cx: &mut Context<'_>) -> SyslogListener {
        let listen = self.listen.value.0;
        let allow_from: Vec<Network> = items(&self.allow_from).iter().map(|at| at.value).collect();
        if !listen.ip().is_loopback() && allow_from.is_empty() {
            let message = format!("syslog has no credentials, and anybody could send to {listen}");
            let help = "write `allow_from: [10.0.0.0/8]` with the networks of the senders, or listen on 127.0.0.1";
            cx.error(Diagnostic::at(Code::InsecureListen, &self.listen.place, message).help(help));
        }
        let transports = items(&self.protocols);
        let has = |transport| transports.is_empty() || transports.iter().any(|at| at.value == transport);
        SyslogListener {
            listen,
            tcp: has(Transport::Tcp),
            udp: has(Transport::Udp),
            allow_from,
            time_zone: self.time_zone.as_ref().map_or(jiff::tz::TimeZone::UTC, |at| at.value.0.clone()),
            attributes: pairs(self.attributes.as_ref()),
        }
    }
}

impl LogFilesFile {
    pub(crate) fn build(&self, cx: &mut Context<'_>) -> TailedFiles {
        if let Some(at) = &self.record_start
            && let Err(e) = regex::RegexBuilder::new(&at.value).size_limit(1 << 20).build()
        {
            cx.invalid(&at.place, format!("`record_start` is not a regular expression: {e}"), None);
        }
        let mut paths: Vec<PathBuf> = Vec::new();
        for at in &self.paths.0 {
            paths.push(cx.base.join(&at.value));
        }
        if self.paths.0.is_empty() && cx.errors.is_empty() {
            cx.invalid(&self.place, "`log_files` needs at least one path", None);
        }
        TailedFiles {
            paths,
            service: self.service.as_ref().map(|at| at.value.clone()),
            record_start: self.record_start.as_ref().map(|at| at.value.clone()),
            from_beginning: or(self.start.as_ref(), Start::End) == Start::Beginning,
            attributes: pairs(self.attributes.as_ref()),
        }
    }
}
