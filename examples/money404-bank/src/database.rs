//! The bank's SQLite file behind a bounded pool whose use is measured. Not the queries: they stand with their services.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tracing::Instrument;

use crate::problem::Problem;
use crate::telemetry;

/// How long a request waits for a connection.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a service that starts waits for the file: the disk of a busy machine may take its time.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be opened.
    #[error("database {}: cannot be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        #[source]
        source: sqlx::Error,
    },
    /// The file that puts the services in turn cannot be locked.
    #[error("{}: cannot be locked", path.display())]
    TakeTurn {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// All connections were busy for [`ACQUIRE_TIMEOUT`].
    #[error("no database connection became free within {} ms", ACQUIRE_TIMEOUT.as_millis())]
    PoolTimedOut,
    /// A statement failed.
    #[error("database operation `{operation}` failed")]
    Statement {
        /// Its summary, e.g. `SELECT balance`.
        operation: &'static str,
        /// SQLite's words.
        #[source]
        source: sqlx::Error,
    },
}

/// A pool and its instruments.
#[derive(Clone)]
pub struct Database {
    pool: SqlitePool,
    name: &'static str,
    waiting: Arc<AtomicI64>,
    timeouts: Counter<u64>,
    durations: Histogram<f64>,
}

impl Database {
    /// Opens `bank.db` in `folder`, prepares the schema, and starts to report the pool called `name`.
    ///
    /// # Errors
    /// When the file cannot be opened or the schema cannot be made.
    pub async fn open(folder: &Path, name: &'static str, connections: u32) -> Result<Self, DatabaseError> {
        let path = folder.join("bank.db");
        let failed = |source| DatabaseError::Open { path: path.clone(), source };
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        // One service after the other: SQLite answers "locked" at once, whatever the busy timeout, when two connections
        // switch a new file to WAL together.
        let turn = Self::take_turn(folder).await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            // At least one stays open for good: the last one to close takes the WAL away, and who opens then is refused too.
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            // A request's own, shorter patience is measured in `acquire`.
            .acquire_timeout(OPEN_TIMEOUT)
            // A file does not go away as a server does; the ping would double the round trips to the worker thread.
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(failed)?;
        sqlx::raw_sql(include_str!("database/schema.sql")).execute(&pool).await.map_err(failed)?;
        drop(turn);

        let waiting = Arc::new(AtomicI64::new(0));
        let (timeouts, durations) = instruments(&pool, name, connections, waiting.clone());
        Ok(Self { pool, name, waiting, timeouts, durations })
    }

    /// Waits until no other service prepares the file; the turn ends when the result is dropped.
    async fn take_turn(folder: &Path) -> Result<File, DatabaseError> {
        let path = folder.join("bank.db.lock");
        let shown = path.clone();
        tokio::task::spawn_blocking(move || {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            file.lock()?;
            Ok(file)
        })
        .await
        .unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)))
        .map_err(|source| DatabaseError::TakeTurn { path: shown, source })
    }

    /// A connection, as soon as one is free.
    ///
    /// # Errors
    /// [`DatabaseError::PoolTimedOut`] after [`ACQUIRE_TIMEOUT`].
    pub async fn acquire(&self) -> Result<PoolConnection<Sqlite>, DatabaseError> {
        let _waiting = Waiting::enter(&self.waiting);
        match tokio::time::timeout(ACQUIRE_TIMEOUT, self.pool.acquire()).await {
            Ok(Ok(connection)) => Ok(connection),
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => {
                self.timeouts.add(1, &[pool_name(self.name)]);
                tracing::error!(
                    db.client.connection.pool.name = self.name,
                    "no database connection became free in time"
                );
                Err(DatabaseError::PoolTimedOut)
            }
            Ok(Err(source)) => Err(DatabaseError::Statement { operation: "CONNECT", source }),
        }
    }

    /// A connection for who is no customer's request: the wait for it is not counted, and nothing comes of a timeout.
    pub async fn acquire_unseen(&self) -> Option<PoolConnection<Sqlite>> {
        self.pool.acquire().await.ok()
    }

    /// Runs one operation, and measures and traces it. `verb` is `db.operation.name`, `summary` says which one it is.
    /// The wait for a connection is not in it: a slow query and a full pool are different ills.
    ///
    /// # Errors
    /// What the operation failed with.
    pub async fn timed<T>(
        &self,
        verb: &'static str,
        summary: &'static str,
        operation: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, DatabaseError> {
        let span = tracing::info_span!(
            "query",
            otel.name = summary,
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            db.system.name = "sqlite",
            db.operation.name = verb,
        );
        let started = Instant::now();
        let result = operation.instrument(span.clone()).await;
        self.durations.record(
            started.elapsed().as_secs_f64(),
            &[
                KeyValue::new("db.system.name", "sqlite"),
                KeyValue::new("db.operation.name", verb),
                KeyValue::new("db.query.summary", summary),
            ],
        );
        result.map_err(|source| {
            span.record("otel.status_code", "ERROR");
            DatabaseError::Statement { operation: summary, source }
        })
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::PoolTimedOut => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "pool_timeout", error.to_string())
            }
            DatabaseError::Statement { ref source, .. } => {
                tracing::error!(%error, cause = %source, "database operation failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "database", "the database did not do what was asked")
            }
            DatabaseError::Open { .. } | DatabaseError::TakeTurn { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "database", "the database is not open")
            }
        }
    }
}

/// Counts one waiting request, also when the wait is given up.
struct Waiting<'a>(&'a AtomicI64);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicI64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn pool_name(name: &'static str) -> KeyValue {
    KeyValue::new("db.client.connection.pool.name", name)
}

/// The names are OpenTelemetry's semantic conventions for database client metrics.
fn instruments(
    pool: &SqlitePool,
    name: &'static str,
    max: u32,
    waiting: Arc<AtomicI64>,
) -> (Counter<u64>, Histogram<f64>) {
    let meter = telemetry::meter();
    let watched = pool.clone();
    meter
        .i64_observable_up_down_counter("db.client.connection.count")
        .with_unit("{connection}")
        .with_description("Connections of the pool, by state")
        .with_callback(move |observer| {
            let idle = i64::try_from(watched.num_idle()).unwrap_or(i64::MAX);
            let used = (i64::from(watched.size()) - idle).max(0);
            for (state, count) in [("used", used), ("idle", idle)] {
                observer.observe(count, &[pool_name(name), KeyValue::new("db.client.connection.state", state)]);
            }
        })
        .build();
    meter
        .i64_observable_up_down_counter("db.client.connection.max")
        .with_unit("{connection}")
        .with_description("How many connections the pool may open")
        .with_callback(move |observer| observer.observe(i64::from(max), &[pool_name(name)]))
        .build();
    meter
        .i64_observable_up_down_counter("db.client.connection.pending_requests")
        .with_unit("{request}")
        .with_description("Requests that wait for a connection")
        .with_callback(move |observer| observer.observe(waiting.load(Ordering::Relaxed), &[pool_name(name)]))
        .build();
    let timeouts = meter
        .u64_counter("db.client.connection.timeouts")
        .with_unit("{timeout}")
        .with_description("Requests that got no connection in time")
        .build();
    timeouts.add(0, &[pool_name(name)]);
    let durations = meter
        .f64_histogram("db.client.operation.duration")
        .with_unit("s")
        .with_description("How long a database operation took, without the wait for a connection")
        .with_boundaries(vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
        .build();
    (timeouts, durations)
}
