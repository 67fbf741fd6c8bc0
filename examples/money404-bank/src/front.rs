//! Where customers come in: web pages, a JSON API, and the admin API that contains an attacker.
//! It holds sessions and the block list; balances, credentials and money are behind it (`accounts`, `payments`).

mod admin;
mod api;
mod blocklist;
mod gate;
mod pages;
mod session;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};

use crate::fault::Faults;
use crate::leash::Leash;
use crate::options::FrontOptions;
use crate::peer::{Peer, PeerError};
use crate::problem::Problem;
use crate::serve::{StartError, serve};
use crate::token::Token;
use crate::wire::{Audit, Balance, Credentials, Customer, PaymentOrder, PaymentRequest, Receipt};
use blocklist::Blocklist;
use gate::Visitors;
use session::{Session, Sessions};

/// How long `front` waits for the services behind it.
const BACKEND_DEADLINE: Duration = Duration::from_secs(5);

/// What all handlers share.
#[derive(Clone)]
struct Front {
    accounts: Peer,
    payments: Peer,
    sessions: Arc<Sessions>,
    blocklist: Arc<Blocklist>,
    visitors: Arc<Visitors>,
    faults: Faults,
    admin_token: Option<Token>,
}

/// Runs the service until it is released.
///
/// # Errors
/// See [`StartError`].
pub async fn run(options: FrontOptions, leash: Leash) -> Result<(), StartError> {
    let path = options.data.join("blocklist.json");
    let blocklist = Blocklist::load(path.clone())
        .map_err(|source| StartError::File { path: path.display().to_string(), source })?;
    let front = Front {
        accounts: Peer::new("accounts", &options.accounts, options.service_token.clone(), BACKEND_DEADLINE)?,
        payments: Peer::new("payments", &options.payments, options.service_token, BACKEND_DEADLINE)?,
        sessions: Arc::default(),
        blocklist: Arc::new(blocklist),
        visitors: Arc::new(Visitors::new()),
        faults: leash.faults.clone(),
        admin_token: Token::new(&options.admin_token),
    };
    serve("front", options.listen, router(front), leash.released()).await
}

fn router(front: Front) -> Router {
    let api = Router::new()
        .route("/api/login", post(api::login))
        .route("/api/logout", post(api::logout))
        .route("/api/balance", get(api::balance))
        .route("/api/payees", get(api::payees))
        .route("/api/payments", post(api::pay))
        .layer(middleware::from_fn_with_state(front.clone(), gate::api_errors));
    let pages = Router::new()
        .route("/", get(pages::home))
        .route("/login", get(pages::login_form).post(pages::login))
        .route("/balance", get(pages::balance))
        .route("/pay", get(pages::pay_form).post(pages::pay))
        .route("/logout", post(pages::logout))
        .layer(middleware::from_fn_with_state(front.clone(), gate::slow_pages));
    Router::new()
        .merge(api)
        .merge(pages)
        .route("/style.css", get(pages::style))
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(front.clone(), gate::blocked))
        // Behind no block list: whoever contains an attacker must not be able to lock himself out.
        .route("/admin/blocklist", get(admin::list).post(admin::block).delete(admin::unblock))
        .route("/admin/audit", get(admin::audit))
        .route("/healthz", get(async || "ok\n"))
        .with_state(front)
}

impl Front {
    /// Checks credentials, counts the attempt, and opens a session: its cookie's value comes back.
    async fn log_in(&self, address: IpAddr, credentials: Credentials) -> Result<(String, Customer), Problem> {
        match self.accounts.post::<Customer>("/login", &credentials).await {
            Ok(customer) => {
                self.visitors.attempt(address, gate::Attempt::Success);
                tracing::info!(client.address = %address, customer.id = customer.id, "logged in");
                Ok((self.sessions.open(customer.clone())?, customer))
            }
            Err(PeerError::Answered { status: StatusCode::UNAUTHORIZED, code, detail, .. })
                if code == "bad_credentials" =>
            {
                self.visitors.attempt(address, gate::Attempt::Failure);
                tracing::warn!(client.address = %address, "login failed");
                Err(Problem::new(StatusCode::UNAUTHORIZED, code, detail))
            }
            Err(error) => Err(upstream(error)),
        }
    }

    /// The session that the request's cookie names.
    fn session(&self, headers: &HeaderMap) -> Result<Session, Problem> {
        self.sessions.find(headers).ok_or_else(|| Problem::unauthorized("log in first"))
    }

    async fn balance_of(&self, customer: &Customer) -> Result<Balance, Problem> {
        let path = format!("/customers/{}/balance", customer.id);
        self.accounts.get("/customers/{id}/balance", &path).await.map_err(upstream)
    }

    async fn audit(&self) -> Result<Audit, Problem> {
        self.accounts.get("/audit", "/audit").await.map_err(upstream)
    }

    async fn payees_of(&self, customer: &Customer) -> Result<Vec<Customer>, Problem> {
        let mut all: Vec<Customer> = self.accounts.get("/customers", "/customers").await.map_err(upstream)?;
        all.retain(|other| other.id != customer.id);
        Ok(all)
    }

    async fn order(&self, customer: &Customer, request: PaymentRequest) -> Result<Receipt, Problem> {
        let order = PaymentOrder { from_customer: customer.id, request };
        self.payments.post("/payments", &order).await.map_err(upstream)
    }
}

/// What a customer hears when a service behind `front` does not deliver.
fn upstream(error: PeerError) -> Problem {
    tracing::error!(%error, "a service behind front did not deliver");
    match error {
        PeerError::TimedOut { .. } => Problem::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", error.to_string()),
        // The customer's own mistakes keep their status; a refused service token (401) is the bank's mistake.
        PeerError::Answered { status, code, detail, .. }
            if status == StatusCode::UNPROCESSABLE_ENTITY || status == StatusCode::NOT_FOUND =>
        {
            Problem::new(status, code, detail)
        }
        PeerError::Answered { status: StatusCode::SERVICE_UNAVAILABLE, code, detail, .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        }
        PeerError::Unreachable { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable", error.to_string())
        }
        PeerError::Answered { .. } | PeerError::Unreadable { .. } => {
            Problem::new(StatusCode::BAD_GATEWAY, "upstream_failed", error.to_string())
        }
    }
}
