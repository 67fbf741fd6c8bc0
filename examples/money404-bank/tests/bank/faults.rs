//! Each fault does what it says, shows in the telemetry, and is over when it is switched off.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{ADMIN_TOKEN, Bank, eventually};

#[tokio::test]
async fn kill_payments_kills_the_process_until_somebody_starts_it() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    bank.fault("kill-payments", "on").await;
    let killed = bank.process("payments").await;
    assert_eq!(
        (&killed["state"], &killed["exit"]["signal"], &killed["pid"]),
        (&json!("exited"), &json!(9), &json!(null))
    );
    assert_eq!(bank.health("payments").await, None);
    let order = anna.pay("bela", 100).await;
    assert_eq!(
        (order.status, &order.json()["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("upstream_unreachable"))
    );

    bank.fault("kill-payments", "off").await;
    bank.until_healthy("payments").await;
    assert_eq!(anna.pay("bela", 100).await.json()["outcome"], "booked");

    // The healer may be somebody else; then the fault is over too.
    bank.fault("kill-payments", "on").await;
    assert_eq!(bank.control("/processes/payments/restart").await.json()["state"], "running");
    let faults = bank.control_get("/faults").await;
    assert_eq!((&faults[0]["name"], &faults[0]["on"]), (&json!("kill-payments"), &json!(false)));
}

#[tokio::test]
async fn api_errors_answers_500_to_some_calls_and_not_to_all() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    bank.fault("api-errors", "on").await;
    for wanted in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK] {
        eventually("an answer", || async { (anna.get("/api/balance").await.status == wanted).then_some(()) }).await;
    }
    let status = [("http.route", "/api/balance"), ("http.response.status_code", "500")];
    bank.collector
        .until("a 500 measured at front", |all| {
            all.sum("front", "http.server.request.duration", &status).is_some_and(|count| count > 0.0)
        })
        .await;
}

#[tokio::test]
async fn slow_queries_take_longer_than_half_a_second_in_the_database() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    anna.balance().await;
    bank.fault("slow-queries", "on").await;
    anna.balance().await;
    let slow = |all: &crate::otlp::Received, summary| {
        all.above("accounts", "db.client.operation.duration", &[("db.query.summary", summary)], 0.5)
    };
    bank.collector.until("a slow query", |all| slow(all, "SELECT balance") > 0).await;
    assert_eq!(bank.collector.look(|all| slow(all, "SELECT credentials")), 0);
}

#[tokio::test]
async fn pool_exhausted_holds_every_connection_until_it_is_off() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    bank.fault("pool-exhausted", "on").await;
    let used = [("db.client.connection.state", "used")];
    bank.collector
        .until("all connections used", |all| {
            let max = all.sum("accounts", "db.client.connection.max", &[]);
            max.is_some() && all.sum("accounts", "db.client.connection.count", &used) == max
        })
        .await;
    let refused = anna.get("/api/balance").await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("pool_timeout")));
    bank.collector
        .until("the timeout counted", |all| all.sum("accounts", "db.client.connection.timeouts", &[]) == Some(1.0))
        .await;
    assert_eq!(bank.health("accounts").await, Some(StatusCode::OK));
    bank.fault("pool-exhausted", "off").await;
    eventually("the balance again", || async {
        (anna.get("/api/balance").await.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn login_guessing_comes_from_one_address_and_the_block_list_contains_it() {
    let bank = Bank::open().await;
    bank.fault("login-guessing", "on").await;
    let attempts = |all: &crate::otlp::Received, outcome: &str| {
        let wanted = [("client.address", "127.0.66.6"), ("outcome", outcome)];
        all.sum("front", "bank.login.attempts", &wanted)
    };
    bank.collector.until("the counters at zero", |all| attempts(all, "failure") == Some(0.0)).await;
    bank.collector.until("failed logins", |all| attempts(all, "failure") >= Some(2.0)).await;
    assert_eq!(bank.collector.look(|all| attempts(all, "success")), Some(0.0));
    let block = json!({ "address": "127.0.66.6", "reason": "guesses passwords", "ttl_seconds": 60 });
    let list = format!("{}/admin/blocklist", bank.url("front"));
    assert_eq!(bank.ask(Method::POST, list, ADMIN_TOKEN, &block).await.status, StatusCode::CREATED);
    bank.collector.until("blocked logins", |all| attempts(all, "blocked") >= Some(2.0)).await;
    bank.collector.until("refused requests", |all| all.sum("front", "bank.requests.blocked", &[]) >= Some(2.0)).await;
}

#[tokio::test]
async fn slow_front_makes_pages_slow_and_leaves_the_api_alone() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    bank.fault("slow-front", "on").await;
    let started = Instant::now();
    let (page, api) = tokio::join!(async { (anna.get("/balance").await, Instant::now()) }, async {
        (anna.get("/api/balance").await, Instant::now())
    },);
    assert!(api.1 < page.1, "the API is as fast as ever");
    let page = page.0;
    assert_eq!(page.status, StatusCode::OK);
    assert!(started.elapsed() > Duration::from_secs(2));
    assert_eq!(api.0.status, StatusCode::OK);
}

#[tokio::test]
async fn secrets_slow_is_felt_by_who_pays() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    bank.fault("secrets-slow", "on").await;
    // The first payment after a second without one asks the vault for its key.
    assert_eq!(anna.pay("bela", 100).await.json()["outcome"], "booked");
    bank.collector
        .until("a slow vault", |all| {
            all.above("payments", "bank.secret.request.duration", &[("outcome", "ok")], 0.5) > 0
        })
        .await;
}

#[tokio::test]
async fn secrets_refused_stops_payments_with_a_reason() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    let reason = [("outcome", "failure"), ("reason", "vault_refused")];
    bank.collector
        .until("the failure's series before the failure", |all| {
            all.sum("payments", "bank.payments", &reason) == Some(0.0)
        })
        .await;
    bank.fault("secrets-refused", "on").await;
    let order = anna.pay("bela", 100).await;
    assert_eq!((order.status, &order.json()["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("vault_refused")));
    bank.collector
        .until("the refusal counted", |all| {
            all.sum("payments", "bank.payments", &reason) == Some(1.0)
                && all.sum("payments", "bank.secret.request.duration", &[("outcome", "refused")]) == Some(1.0)
        })
        .await;
    bank.fault("secrets-refused", "off").await;
    assert_eq!(anna.pay("bela", 100).await.json()["outcome"], "booked");
}

#[tokio::test]
async fn payment_failures_declines_some_payments_while_http_says_200() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    bank.fault("payment-failures", "on").await;
    for wanted in ["declined", "booked"] {
        eventually("a payment", || async {
            let receipt = anna.pay("bela", 1).await;
            assert_eq!(receipt.status, StatusCode::OK);
            (receipt.json()["outcome"] == wanted).then_some(())
        })
        .await;
    }
    let reason = [("outcome", "failure"), ("reason", "declined_by_network")];
    bank.collector.until("declined", |all| all.sum("payments", "bank.payments", &reason) >= Some(1.0)).await;
    assert_eq!(bank.audit().await["conserved"], true);
}

#[tokio::test]
async fn payments_broken_is_not_healed_by_a_restart() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    bank.fault("payments-broken", "on").await;
    let broken = Some(StatusCode::INTERNAL_SERVER_ERROR);
    eventually("a failing health check", || async { (bank.health("payments").await == broken).then_some(()) }).await;
    assert_eq!(anna.pay("bela", 100).await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(bank.control("/processes/payments/restart").await.json()["starts"], 2);
    // Up again, and as broken as before: at no moment healthy.
    let health = eventually("payments is up", || bank.health("payments")).await;
    assert_eq!(Some(health), broken);
    assert_eq!(bank.process("payments").await["state"], "running");
    bank.fault("payments-broken", "off").await;
    bank.until_healthy("payments").await;
    assert_eq!(anna.pay("bela", 100).await.json()["outcome"], "booked");
}
