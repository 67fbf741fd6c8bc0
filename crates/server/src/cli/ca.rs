//! `watchkeeper ca …`: a certificate authority of one's own, for servers that no public authority knows.
//!
//! Not the server's reading of certificates (`tls`), and not a replacement for a bank's PKI: whoever has one names its files
//! in `server.tls`. Keys are written readable by their owner only, and never printed.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::output::{self, Format};
use super::{Failure, Outcome};

/// Ten years for the authority, and what browsers take at most for a server.
const AUTHORITY_DAYS: u16 = 3_650;
const SERVER_DAYS: u16 = 397;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make the authority: DIR/ca.pem, which clients are told to trust, and DIR/ca.key, which nobody else may read.
    Init {
        /// The authority's name, as clients show it.
        #[arg(long, default_value = "Watchkeeper CA")]
        name: String,
        /// How long it is valid.
        #[arg(long, default_value_t = AUTHORITY_DAYS, value_parser = clap::value_parser!(u16).range(1..))]
        days: u16,
        #[command(flatten)]
        place: Place,
    },
    /// Issue a server's certificate for the names and addresses under which clients reach it.
    #[command(after_help = "Example: watchkeeper ca issue watchkeeper.bank.internal 10.0.0.7 localhost 127.0.0.1")]
    Issue {
        /// Host names and IP addresses; the first one names the files.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
        /// How long it is valid.
        #[arg(long, default_value_t = SERVER_DAYS, value_parser = clap::value_parser!(u16).range(1..))]
        days: u16,
        #[command(flatten)]
        place: Place,
    },
    /// Issue a certificate anew, with a new key, for the names that it has.
    Renew {
        /// The certificate; its key beside it is replaced too.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How long it is valid from now on.
        #[arg(long, default_value_t = SERVER_DAYS, value_parser = clap::value_parser!(u16).range(1..))]
        days: u16,
        #[command(flatten)]
        place: Place,
    },
    /// Show what a certificate is for and until when. Exit status 1 when it has ended.
    Show {
        /// The certificate; the authority when none is named.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The folder of the authority and of what it issues.
    #[arg(long, default_value = "tls", value_name = "DIR")]
    dir: PathBuf,
}

impl Place {
    fn authority(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }
}

/// A certificate, as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    file: String,
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: String,
    not_after: String,
    days_left: i64,
    sha256: String,
}

pub(super) fn run(command: Command, format: Format) -> Outcome {
    let now = now();
    match command {
        Command::Init { name, days, place } => {
            init(&place, &name, days, now)?;
            output::aside(&format!(
                "Let clients trust {0}: NODE_EXTRA_CA_CERTS={0} for Node, REQUESTS_CA_BUNDLE={0} for Python, --ca {0} for this program. \
                 Keep {1} to yourself. Next: watchkeeper ca issue HOST…",
                place.authority().display(),
                place.dir.join("ca.key").display()
            ));
            show(&place.authority(), format, now)
        }
        Command::Issue { hosts, days, place } => {
            let file = issue(&place, &hosts, days, now)?;
            output::aside(&format!(
                "In the configuration: server: {{tls: {{certificate: {}, key: {}}}}}",
                file.display(),
                file.with_extension("key").display()
            ));
            show(&file, format, now)
        }
        Command::Renew { file, days, place } => {
            let names = read(&file, now)?.names;
            write_pair(&place, &file, &names, days, now)?;
            output::aside("A server that runs takes it with its next reload: SIGHUP, or POST /-/reload.");
            show(&file, format, now)
        }
        Command::Show { file, place } => show(&file.unwrap_or_else(|| place.authority()), format, now),
    }
}

/// The date is all that is needed of the time.
fn now() -> Timestamp {
    let now = crate::clock::system_env().now();
    Timestamp::from_microsecond(now.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn init(place: &Place, name: &str, days: u16, now: Timestamp) -> Outcome {
    let (file, key_file) = (place.authority(), place.dir.join("ca.key"));
    for there in [&file, &key_file] {
        if there.exists() {
            return Err(Failure::Finding(format!(
                "{} is there already; every certificate that it issued would end with it. Choose another --dir, or move it away first",
                there.display()
            )));
        }
    }
    std::fs::create_dir_all(&place.dir).map_err(|error| cannot("make", &place.dir, &error))?;
    let mut params = params(&[], name, days, now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(|error| internal(&error))?;
    let certificate = params.self_signed(&key).map_err(|error| internal(&error))?;
    write(&key_file, &key.serialize_pem(), 0o600)?;
    write(&file, &certificate.pem(), 0o644)
}

/// Gives the certificate's file.
fn issue(place: &Place, hosts: &[String], days: u16, now: Timestamp) -> Result<PathBuf, Failure> {
    let fits = |host: &String| host.parse::<std::net::IpAddr>().is_ok() || is_host(host);
    if let Some(host) = hosts.iter().find(|host| !fits(host)) {
        return Err(Failure::Usage(format!(
            "`{host}` is neither a host name nor an IP address; write `watchkeeper.bank.internal` or `10.0.0.7`, without scheme and port"
        )));
    }
    let stem = hosts.first().map_or("server", String::as_str).replace('*', "wildcard").replace(':', "-");
    let file = place.dir.join(format!("{stem}.pem"));
    if file.exists() {
        let file = file.display();
        return Err(Failure::Finding(format!("{file} is there already; `watchkeeper ca renew {file}` issues it anew")));
    }
    write_pair(place, &file, hosts, days, now)?;
    Ok(file)
}

/// A name that DNS can have, `*.` in front or not.
fn is_host(host: &str) -> bool {
    let plain = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    plain.len() <= 253 && plain.split('.').all(label)
}

fn write_pair(place: &Place, file: &Path, names: &[String], days: u16, now: Timestamp) -> Outcome {
    let (authority, key_file) = (place.authority(), place.dir.join("ca.key"));
    let text = |file: &Path| {
        std::fs::read_to_string(file).map_err(|error| {
            Failure::Finding(format!("{} cannot be read: {error}; `watchkeeper ca init` makes it", file.display()))
        })
    };
    let (authority_pem, authority_key) = (text(&authority)?, text(&key_file)?);
    let unusable = |error: rcgen::Error| {
        Failure::Finding(format!("the authority in {} cannot be used: {error}", place.dir.display()))
    };
    let issuer = KeyPair::from_pem(&authority_key).map_err(unusable)?;
    let issuer = Issuer::from_ca_cert_pem(&authority_pem, issuer).map_err(unusable)?;
    let name = names.first().map_or("server", String::as_str);
    let mut params = params(names, name, days, now)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(|error| internal(&error))?;
    let certificate = params.signed_by(&key, &issuer).map_err(unusable)?;
    // A server that reloads between the two finds that they do not fit and keeps what it has.
    write(&file.with_extension("key"), &key.serialize_pem(), 0o600)?;
    write(file, &format!("{}{authority_pem}", certificate.pem()), 0o644)
}

fn params(names: &[String], name: &str, days: u16, now: Timestamp) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(names.to_vec())
        .map_err(|error| Failure::Usage(format!("a name cannot stand in a certificate: {error}")))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let today = now.to_zoned(TimeZone::UTC).date();
    // Clocks differ: it is valid since yesterday.
    let from = today.checked_sub(1.day()).map_err(|error| internal(&error))?;
    let until = today.checked_add(i64::from(days).days()).map_err(|error| internal(&error))?;
    let at = |date: Date| date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs());
    (params.not_before, params.not_after) = (at(from), at(until));
    Ok(params)
}

/// Writes beside, syncs and renames, so that nobody ever reads half a file.
fn write(file: &Path, text: &str, mode: u32) -> Outcome {
    let beside = file.with_extension("new");
    let written = || -> std::io::Result<()> {
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut made = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        made.write_all(text.as_bytes())?;
        made.sync_all()?;
        std::fs::rename(&beside, file)
    };
    written().map_err(|error| cannot("write", file, &error))
}

fn show(file: &Path, format: Format, now: Timestamp) -> Outcome {
    let shown = read(file, now)?;
    output::show(format, &shown, |shown| {
        let names = if shown.names.is_empty() { "–".to_owned() } else { shown.names.join(", ") };
        let rows = [
            ("file", &shown.file),
            ("subject", &shown.subject),
            ("issuer", &shown.issuer),
            ("valid for", &names),
            ("from", &shown.not_before),
            ("until", &format!("{} ({} days left)", shown.not_after, shown.days_left)),
            ("SHA-256", &shown.sha256),
        ];
        let rows = rows.map(|(name, value)| vec![name.to_owned(), value.clone()]);
        output::table(&["", "certificate"], rows.to_vec(), "");
    })?;
    if shown.days_left < 0 {
        return Err(Failure::Finding(format!("{} has ended; `watchkeeper ca renew` issues it anew", shown.file)));
    }
    Ok(())
}

fn read(file: &Path, now: Timestamp) -> Result<Shown, Failure> {
    let wrong = |reason: &str| Failure::Finding(format!("{} cannot be read: {reason}", file.display()));
    let text = std::fs::read(file).map_err(|error| wrong(&error.to_string()))?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&text).map_err(|_| wrong("it is not a PEM file"))?;
    let (_, certificate) =
        X509Certificate::from_der(&pem.contents).map_err(|_| wrong("it holds no certificate; a key is not shown"))?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.into_iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(four) => Some(std::net::Ipv4Addr::from(four).to_string()),
            Err(_) => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    });
    let validity = certificate.validity();
    let time = |seconds| Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |time| time.to_string());
    let left = (validity.not_after.timestamp() - now.as_second()).div_euclid(86_400);
    Ok(Shown {
        file: file.display().to_string(),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names.collect(),
        not_before: time(validity.not_before.timestamp()),
        not_after: time(validity.not_after.timestamp()),
        days_left: left,
        sha256: hex::encode(Sha256::digest(&pem.contents)),
    })
}

fn cannot(act: &str, file: &Path, error: &std::io::Error) -> Failure {
    Failure::Finding(format!("cannot {act} {}: {error}", file.display()))
}

fn internal(error: &dyn std::fmt::Display) -> Failure {
    Failure::Finding(format!("the certificate cannot be made: {error}"))
}
