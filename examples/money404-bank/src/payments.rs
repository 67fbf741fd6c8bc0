//! Moves money between accounts, in one transaction, signed with a key from the vault. It knows no passwords and no sessions.

mod signing;

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use rand::Rng;
use sqlx::{Connection, SqliteConnection};
use uuid::Uuid;

use crate::database::{Database, DatabaseError};
use crate::fault::{Fault, Faults};
use crate::leash::Leash;
use crate::options::PaymentsOptions;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::serve::{StartError, serve};
use crate::telemetry;
use crate::token::Token;
use crate::wire::{Outcome, PaymentOrder, Receipt};
use signing::{SigningKeys, VaultError, sign};

const CONNECTIONS: u32 = 4;
const VAULT_DEADLINE: Duration = Duration::from_secs(3);
const MAX_REFERENCE_CHARS: usize = 140;
/// The share of payments that is declined while [`Fault::PaymentFailures`] is on.
const DECLINED_SHARE: f64 = 0.3;

/// Every `reason` of a failed payment, so that each series exists before the first failure.
const REASONS: [&str; 7] = [
    "declined_by_network",
    "insufficient_funds",
    "unknown_payee",
    "invalid_order",
    "vault_refused",
    "vault_unavailable",
    "database",
];

#[derive(Clone)]
struct Payments {
    database: Database,
    keys: SigningKeys,
    outcomes: Counter<u64>,
    faults: Faults,
    token: Token,
}

/// Runs the service until it is released.
///
/// # Errors
/// See [`StartError`].
pub async fn run(options: PaymentsOptions, leash: Leash) -> Result<(), StartError> {
    let database = Database::open(&options.data, "payments", CONNECTIONS).await?;
    let vault = Peer::new("secrets", &options.secrets, options.vault_token, VAULT_DEADLINE)?;
    let outcomes = telemetry::meter()
        .u64_counter("bank.payments")
        .with_unit("{payment}")
        .with_description("Payments, by how they ended")
        .build();
    outcomes.add(0, &[KeyValue::new("outcome", "success")]);
    for reason in REASONS {
        outcomes.add(0, &failure(reason));
    }
    let payments = Payments {
        database,
        keys: SigningKeys::new(vault),
        outcomes,
        faults: leash.faults.clone(),
        token: options.service_token,
    };
    let router = Router::new()
        .route("/payments", post(pay))
        .route("/healthz", get(async || "ok\n"))
        .layer(middleware::from_fn_with_state(payments.clone(), gate))
        .with_state(payments);
    serve("payments", options.listen, router, leash.released()).await
}

fn failure(reason: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("outcome", "failure"), KeyValue::new("reason", reason)]
}

/// Lets the bank's own services in; while [`Fault::PaymentsBroken`] is on, nobody gets past it.
async fn gate(State(payments): State<Payments>, request: Request, next: Next) -> Response {
    if payments.faults.is_on(Fault::PaymentsBroken) {
        tracing::error!("settlement calendar is corrupt, no request can be served");
        let detail = "payments cannot load its settlement calendar";
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", detail).into_response();
    }
    if request.uri().path() != "/healthz" && !payments.token.is_shown_in(request.headers()) {
        return Problem::unauthorized("payments needs the bank's service token").into_response();
    }
    next.run(request).await
}

/// Why a payment was not booked.
#[derive(Debug)]
enum Refusal {
    /// A business answer: HTTP 200, declined.
    Declined(&'static str),
    /// The order makes no sense: HTTP 422.
    Invalid(&'static str),
    /// The bank cannot do it now: HTTP 5xx.
    Failed(&'static str, Problem),
}

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        Self::Failed("database", error.into())
    }
}

impl From<VaultError> for Refusal {
    fn from(error: VaultError) -> Self {
        let reason = match error {
            VaultError::Refused => "vault_refused",
            VaultError::Unavailable(_) => "vault_unavailable",
        };
        Self::Failed(reason, Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason, error.to_string()))
    }
}

async fn pay(State(payments): State<Payments>, Json(order): Json<PaymentOrder>) -> Result<Json<Receipt>, Problem> {
    let id = Uuid::now_v7().to_string();
    match payments.book(&id, &order).await {
        Ok(()) => {
            payments.outcomes.add(1, &[KeyValue::new("outcome", "success")]);
            tracing::info!(payment.id = id, amount_cents = order.request.amount_cents, "payment booked");
            Ok(Json(Receipt { id, outcome: Outcome::Booked, reason: None }))
        }
        Err(Refusal::Declined(reason)) => {
            payments.outcomes.add(1, &failure(reason));
            tracing::warn!(payment.id = id, reason, "payment declined");
            Ok(Json(Receipt { id, outcome: Outcome::Declined, reason: Some(reason.to_owned()) }))
        }
        Err(Refusal::Invalid(detail)) => {
            payments.outcomes.add(1, &failure("invalid_order"));
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_order", detail))
        }
        Err(Refusal::Failed(reason, problem)) => {
            payments.outcomes.add(1, &failure(reason));
            tracing::error!(payment.id = id, reason, detail = problem.detail, "payment failed");
            Err(problem)
        }
    }
}

impl Payments {
    async fn book(&self, id: &str, order: &PaymentOrder) -> Result<(), Refusal> {
        if order.request.amount_cents <= 0 {
            return Err(Refusal::Invalid("the amount must be more than zero"));
        }
        if order.request.reference.chars().count() > MAX_REFERENCE_CHARS {
            return Err(Refusal::Invalid("the reference is longer than 140 characters"));
        }
        let key = self.keys.current().await?;
        if self.faults.is_on(Fault::PaymentFailures) && rand::rng().random_bool(DECLINED_SHARE) {
            return Err(Refusal::Declined("declined_by_network"));
        }
        let mut connection = self.database.acquire().await?;
        let accounts = sqlx::query_as::<_, (i64, i64)>(
            "SELECT payer.id, payee.id FROM accounts AS payer, accounts AS payee
             JOIN customers AS c ON c.id = payee.customer_id WHERE payer.customer_id = ? AND c.username = ?",
        )
        .bind(order.from_customer)
        .bind(&order.request.to)
        .fetch_optional(&mut *connection);
        let Some((from, to)) = self.database.timed("SELECT", "SELECT parties", accounts).await? else {
            return Err(Refusal::Declined("unknown_payee"));
        };
        if from == to {
            return Err(Refusal::Invalid("payer and payee are the same"));
        }
        let transfer = Transfer {
            id,
            from,
            to,
            amount_cents: order.request.amount_cents,
            reference: &order.request.reference,
            signature: sign(&key, id, from, to, order.request.amount_cents),
        };
        let booked = self.database.timed("UPDATE", "UPDATE accounts", transfer.execute(&mut connection)).await?;
        if booked { Ok(()) } else { Err(Refusal::Declined("insufficient_funds")) }
    }
}

/// One movement of money.
struct Transfer<'a> {
    id: &'a str,
    from: i64,
    to: i64,
    amount_cents: i64,
    reference: &'a str,
    signature: String,
}

impl Transfer<'_> {
    /// Books it, wholly or not at all; `false` when the payer has not enough.
    async fn execute(self, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let taken =
            sqlx::query("UPDATE accounts SET balance_cents = balance_cents - ?1 WHERE id = ?2 AND balance_cents >= ?1")
                .bind(self.amount_cents)
                .bind(self.from)
                .execute(&mut *transaction)
                .await?;
        if taken.rows_affected() != 1 {
            transaction.rollback().await?;
            return Ok(false);
        }
        sqlx::query("UPDATE accounts SET balance_cents = balance_cents + ? WHERE id = ?")
            .bind(self.amount_cents)
            .bind(self.to)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO payments (id, from_account, to_account, amount_cents, reference, signature, booked_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.id)
        .bind(self.from)
        .bind(self.to)
        .bind(self.amount_cents)
        .bind(self.reference)
        .bind(self.signature)
        // Always six digits, so that the text sorts as the time does.
        .bind(format!("{:.6}", jiff::Timestamp::now()))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }
}
