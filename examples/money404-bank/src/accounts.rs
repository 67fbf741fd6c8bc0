//! Balances and credentials. It owns the customers and their accounts; money is moved by `payments`, in the same file.

use std::path::Path;
use std::time::Duration;

use axum::extract::{Path as UrlPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;

use crate::customers::{CUSTOMERS, OPENING_CENTS, password_of};
use crate::database::{Database, DatabaseError};
use crate::fault::{Fault, Faults};
use crate::leash::Leash;
use crate::options::AccountsOptions;
use crate::password::PasswordHash;
use crate::problem::Problem;
use crate::serve::{StartError, serve};
use crate::token::Token;
use crate::wire::{Audit, Balance, Booking, Credentials, Customer};

const CONNECTIONS: u32 = 8;
/// How much longer a balance query takes while [`Fault::SlowQueries`] is on.
const SLOW: Duration = Duration::from_millis(700);
/// How many bookings a balance shows.
const BOOKINGS: i64 = 5;

#[derive(Clone)]
struct Accounts {
    database: Database,
    faults: Faults,
    token: Token,
}

/// Runs the service until it is released.
///
/// # Errors
/// See [`StartError`].
pub async fn run(options: AccountsOptions, leash: Leash) -> Result<(), StartError> {
    let database = open(&options.data).await?;
    tokio::spawn(hold_the_pool(database.clone(), leash.faults.clone()));
    let accounts = Accounts { database, faults: leash.faults.clone(), token: options.service_token };
    let router = Router::new()
        .route("/login", post(login))
        .route("/customers", get(list))
        .route("/customers/{id}/balance", get(balance))
        .route("/audit", get(audit))
        .layer(middleware::from_fn_with_state(accounts.clone(), callers_only))
        // Liveness alone: a full pool is an ill of its own, and a restart on account of it would cure nothing.
        .route("/healthz", get(async || "ok\n"))
        .with_state(accounts);
    serve("accounts", options.listen, router, leash.released()).await
}

/// Opens the database, and the customers' accounts when the bank is new.
async fn open(folder: &Path) -> Result<Database, DatabaseError> {
    let database = Database::open(folder, "accounts", CONNECTIONS).await?;
    let mut connection = database.acquire().await?;
    let known: i64 = database
        .timed(
            "SELECT",
            "SELECT count of customers",
            sqlx::query_scalar("SELECT count(*) FROM customers").fetch_one(&mut *connection),
        )
        .await?;
    if known == 0 {
        database.timed("INSERT", "INSERT customers", seed(&mut connection)).await?;
        tracing::info!(customers = CUSTOMERS.len(), "the bank opens");
    }
    Ok(database)
}

async fn seed(connection: &mut PoolConnection<Sqlite>) -> Result<(), sqlx::Error> {
    let mut transaction = sqlx::Connection::begin_with(&mut **connection, "BEGIN IMMEDIATE").await?;
    for ((username, name), id) in CUSTOMERS.into_iter().zip(1_i64..) {
        let stored = PasswordHash::new(&password_of(username));
        sqlx::query("INSERT INTO customers (id, username, name, salt, iterations, hash) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(id)
            .bind(username)
            .bind(name)
            .bind(stored.salt)
            .bind(stored.iterations)
            .bind(stored.hash)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO accounts (customer_id, number, opening_cents, balance_cents) VALUES (?, ?, ?, ?)")
            .bind(id)
            .bind(format!("M404 {:04} {id:04}", 4040 + id))
            .bind(OPENING_CENTS)
            .bind(OPENING_CENTS)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

/// While [`Fault::PoolExhausted`] is on, holds every connection of the pool, as a leak would.
async fn hold_the_pool(database: Database, mut faults: Faults) {
    loop {
        faults.wait_until(Fault::PoolExhausted, true).await;
        let mut held = Vec::new();
        tracing::warn!("connections are being held");
        let mut until = faults.clone();
        let over = until.wait_until(Fault::PoolExhausted, false);
        tokio::pin!(over);
        loop {
            tokio::select! {
                biased;
                () = &mut over => break,
                // The wait for a connection of its own must not count as a customer's wait: straight from the pool.
                connection = database.acquire_unseen(), if held.len() < CONNECTIONS as usize => held.extend(connection),
            }
        }
    }
}

async fn callers_only(State(accounts): State<Accounts>, request: Request, next: Next) -> Result<Response, Problem> {
    if !accounts.token.is_shown_in(request.headers()) {
        return Err(Problem::unauthorized("accounts needs the bank's service token"));
    }
    Ok(next.run(request).await)
}

async fn login(
    State(accounts): State<Accounts>,
    Json(credentials): Json<Credentials>,
) -> Result<Json<Customer>, Problem> {
    let mut connection = accounts.database.acquire().await?;
    let find = sqlx::query_as::<_, (i64, String, Vec<u8>, u32, Vec<u8>)>(
        "SELECT id, name, salt, iterations, hash FROM customers WHERE username = ?",
    )
    .bind(&credentials.username)
    .fetch_optional(&mut *connection);
    let found = accounts.database.timed("SELECT", "SELECT credentials", find).await?;
    drop(connection);
    // An unknown name costs the same work, so that the time of the answer does not tell which names exist.
    let (who, stored) = match found {
        Some((id, name, salt, iterations, hash)) => (Some((id, name)), PasswordHash { salt, iterations, hash }),
        None => (None, PasswordHash::of_nobody()),
    };
    let Credentials { username, password } = credentials;
    let matches = tokio::task::spawn_blocking(move || stored.matches(&password)).await.unwrap_or(false);
    match who.filter(|_| matches) {
        Some((id, name)) => Ok(Json(Customer { id, username, name })),
        None => Err(Problem::new(StatusCode::UNAUTHORIZED, "bad_credentials", "the name or the password is wrong")),
    }
}

async fn list(State(accounts): State<Accounts>) -> Result<Json<Vec<Customer>>, Problem> {
    let mut connection = accounts.database.acquire().await?;
    let query =
        sqlx::query_as::<_, (i64, String, String)>("SELECT id, username, name FROM customers ORDER BY name LIMIT 1000")
            .fetch_all(&mut *connection);
    let rows = accounts.database.timed("SELECT", "SELECT customers", query).await?;
    Ok(Json(rows.into_iter().map(|(id, username, name)| Customer { id, username, name }).collect()))
}

async fn balance(State(accounts): State<Accounts>, UrlPath(customer): UrlPath<i64>) -> Result<Json<Balance>, Problem> {
    let mut connection = accounts.database.acquire().await?;
    let slow = accounts.faults.is_on(Fault::SlowQueries);
    let query = async {
        if slow {
            // The fault sits inside the measured operation and holds the connection, as a table scan on a slow disk does.
            // It sleeps instead of burning: the demo's two cores also run the one who watches.
            tokio::time::sleep(SLOW).await;
        }
        sqlx::query_as::<_, (i64, String, i64)>("SELECT id, number, balance_cents FROM accounts WHERE customer_id = ?")
            .bind(customer)
            .fetch_optional(&mut *connection)
            .await
    };
    let Some((id, account, balance_cents)) = accounts.database.timed("SELECT", "SELECT balance", query).await? else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "no_such_account", "no account belongs to that customer"));
    };
    let query = sqlx::query_as::<_, (String, i64, String, String)>(
        "SELECT c.name, CASE WHEN p.to_account = ?1 THEN p.amount_cents ELSE -p.amount_cents END, p.reference, p.booked_at
         FROM (SELECT * FROM (SELECT * FROM payments WHERE from_account = ?1 ORDER BY booked_at DESC LIMIT ?2)
               UNION ALL
               SELECT * FROM (SELECT * FROM payments WHERE to_account = ?1 ORDER BY booked_at DESC LIMIT ?2)) AS p
         JOIN accounts AS a ON a.id = CASE WHEN p.to_account = ?1 THEN p.from_account ELSE p.to_account END
         JOIN customers AS c ON c.id = a.customer_id
         ORDER BY p.booked_at DESC LIMIT ?2",
    )
    .bind(id)
    .bind(BOOKINGS)
    .fetch_all(&mut *connection);
    let rows = accounts.database.timed("SELECT", "SELECT bookings", query).await?;
    let bookings = rows
        .into_iter()
        .map(|(counterparty, amount_cents, reference, booked_at)| Booking {
            counterparty,
            amount_cents,
            reference,
            booked_at,
        })
        .collect();
    Ok(Json(Balance { account, balance_cents, bookings }))
}

/// Does the books' arithmetic anew from every payment ever booked.
async fn audit(State(accounts): State<Accounts>) -> Result<Json<Audit>, Problem> {
    let mut connection = accounts.database.acquire().await?;
    // One statement, and so one snapshot: payments that commit meanwhile are wholly in it or wholly out.
    let query = sqlx::query_as::<_, (i64, i64, i64, i64)>(
        "SELECT (SELECT coalesce(sum(opening_cents), 0) FROM accounts),
                (SELECT coalesce(sum(balance_cents), 0) FROM accounts),
                (SELECT count(*) FROM payments),
                (SELECT count(*) FROM accounts AS a WHERE a.balance_cents <> a.opening_cents
                     + (SELECT coalesce(sum(amount_cents), 0) FROM payments WHERE to_account = a.id)
                     - (SELECT coalesce(sum(amount_cents), 0) FROM payments WHERE from_account = a.id))",
    )
    .fetch_one(&mut *connection);
    let (opening_cents, balances_cents, payments, accounts_off) =
        accounts.database.timed("SELECT", "SELECT audit", query).await?;
    let conserved = opening_cents == balances_cents && accounts_off == 0;
    Ok(Json(Audit { opening_cents, balances_cents, payments, accounts_off, conserved }))
}
