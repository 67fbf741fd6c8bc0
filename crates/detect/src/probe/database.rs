//! Probing databases: a connection, a query, and the first value of its answer.
//!
//! Not a pool and not a check of what the data mean: the query says it.

use std::fmt::Display;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder, Row, SslOpts, Value};
use tokio_postgres::config::SslMode;
use tokio_postgres::{NoTls, SimpleQueryMessage};
use watchkeeper_config::model::probe::DatabaseProbe;

use super::network::{Progress, Stream};

/// The most letters of a value that are shown.
const MOST_SHOWN: usize = 200;

/// Logs in over a connection that is open, encrypted or not, and asks.
pub(super) async fn postgres(
    probe: &DatabaseProbe,
    stream: Box<dyn Stream>,
    progress: &Progress<'_>,
) -> Result<(), String> {
    let mut config = tokio_postgres::Config::new();
    // The encryption is there already, or nobody wants it.
    config.user(&probe.user).ssl_mode(SslMode::Disable).application_name("watchkeeper probe");
    if let Some(password) = &probe.password {
        config.password(password.expose());
    }
    if let Some(database) = &probe.database {
        config.dbname(database);
    }
    let ask = async {
        let (client, connection) =
            config.connect_raw(stream, NoTls).await.map_err(|e| format!("no session: {}", told(&e)))?;
        let answer = tokio::select! {
            biased;
            answer = client.simple_query(&probe.query) => answer,
            ended = connection => Err(match ended {
                Err(error) => error,
                Ok(()) => return Err("the server ended the session".to_owned()),
            }),
        };
        let answer = answer.map_err(|e| format!("the query failed: {}", told(&e)))?;
        let mut rows = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
            _ => None,
        });
        Ok(rows.next())
    };
    let found = progress.phase("waiting for the query", |p| &mut p.processing, ask).await?;
    compare(probe, found)
}

/// What the server said, with its own words where there are any.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => with_source(error),
    }
}

fn with_source(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Connects, logs in and asks.
pub(super) async fn mysql(
    probe: &DatabaseProbe,
    (host, port): (&str, u16),
    roots: &[Vec<u8>],
    progress: &Progress<'_>,
) -> Result<(), String> {
    let tls = probe.tls.then(|| {
        let roots = roots.iter().map(|der| der.clone().into()).collect();
        SslOpts::default().with_disable_built_in_roots(true).with_root_certs(roots)
    });
    let options = OptsBuilder::default()
        .ip_or_hostname(host)
        .tcp_port(port)
        .user(Some(&probe.user))
        .pass(probe.password.as_ref().map(|password| password.expose().to_owned()))
        .db_name(probe.database.as_ref())
        .prefer_socket(false)
        .ssl_opts(tls);
    let opened = progress.phase("opening the session", |p| &mut p.connect, Conn::new(options));
    let mut session = opened.await.map_err(|error| format!("no session: {}", words(&error)))?;
    let asked = progress.phase("waiting for the query", |p| &mut p.processing, async {
        let row: Option<Row> = session.query_first(&probe.query).await?;
        Ok::<_, mysql_async::Error>(row.map(|row| row.as_ref(0).map_or_else(|| "NULL".to_owned(), text)))
    });
    let found = asked.await.map_err(|error| format!("the query failed: {}", words(&error)))?;
    // The answer is there; how the farewell goes is nobody's concern.
    drop(session.disconnect().await);
    compare(probe, found)
}

fn words(error: &mysql_async::Error) -> String {
    match error {
        mysql_async::Error::Server(server) => format!("{} ({})", server.message, server.code),
        other => with_source(other),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::NULL => "NULL".to_owned(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Int(n) => n.to_string(),
        Value::UInt(n) => n.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Double(n) => n.to_string(),
        other => other.as_sql(true),
    }
}

fn compare(probe: &DatabaseProbe, found: Option<String>) -> Result<(), String> {
    let shown = |text: &dyn Display| text.to_string().chars().take(MOST_SHOWN).collect::<String>();
    match (&probe.expect, found) {
        (Some(expected), None) => Err(format!("the query gave no row; `{}` was expected", shown(expected))),
        (Some(expected), Some(found)) if *expected != found => {
            Err(format!("the query gave `{}`; `{}` was expected", shown(&found), shown(expected)))
        }
        _ => Ok(()),
    }
}
