//! What leaves the bank by OTLP: the traces hold together over the services, and the metrics are there from the start.

use crate::harness::Bank;
use crate::otlp::{Received, Span};

#[tokio::test]
async fn one_trace_leads_from_front_over_payments_to_the_vault_and_the_logs_are_in_it() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    assert_eq!(anna.pay("bela", 100).await.json()["outcome"], "booked");
    let path = [
        ("secrets", "GET /secrets/{name}"),
        ("payments", "GET /secrets/{name}"),
        ("payments", "POST /payments"),
        ("front", "POST /payments"),
        ("front", "POST /api/payments"),
    ];
    bank.collector.until("the whole trace", |all| chain(all, &path).is_some()).await;
    let trace = bank.collector.look(|all| chain(all, &path)).unwrap();
    bank.collector
        .until("the log of the booking", |all| {
            all.logs.iter().any(|log| log.service == "payments" && log.body == "payment booked" && log.trace == trace)
        })
        .await;
    bank.collector
        .until("the transaction's span", |all| {
            all.spans.iter().any(|span| span.name == "UPDATE accounts" && span.trace == trace)
        })
        .await;
}

/// The trace id, when spans with these services and names lead from the first to a root, each the child of the next.
fn chain(all: &Received, path: &[(&str, &str)]) -> Option<Vec<u8>> {
    let is = |span: &Span, (service, name): (&str, &str)| span.service == service && span.name == name;
    let mut current = all.spans.iter().find(|span| is(span, path[0]))?;
    for step in &path[1..] {
        current = all
            .spans
            .iter()
            .find(|span| is(span, *step) && span.id == current.parent && span.trace == current.trace)?;
    }
    current.parent.is_empty().then(|| current.trace.clone())
}

#[tokio::test]
async fn the_resource_says_who_speaks_and_a_restart_continues_the_same_instance() {
    let bank = Bank::open().await;
    bank.collector.until("payments speaks", |all| all.resources.contains_key("payments")).await;
    let resource = bank.collector.look(|all| all.resources["payments"].clone());
    assert_eq!(resource["service.namespace"], "money404");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(format!("http://{}", resource["service.instance.id"]), bank.url("payments"));
    bank.control("/processes/payments/restart").await;
    bank.until_healthy("payments").await;
    bank.collector
        .until("the restarted process is measured", |all| {
            all.sum("payments", "http.server.request.duration", &[("http.route", "/healthz")]).is_some()
        })
        .await;
    assert_eq!(bank.collector.look(|all| all.resources["payments"].clone()), resource);
}

#[tokio::test]
async fn the_driver_plays_customers_from_addresses_of_their_own_and_feels_the_pages() {
    let bank = Bank::with_customers(24).await;
    bank.collector
        .until("customers log in and see their balance", |all| {
            let success = [("outcome", "success"), ("client.address", "127.0.1.33")];
            all.sum("front", "bank.login.attempts", &success) >= Some(1.0)
                && all.sum("driver", "bank.page.load.duration", &[("page", "balance")]) >= Some(1.0)
                && all.sum("driver", "bank.customers.active", &[]) >= Some(1.0)
        })
        .await;
    assert_eq!(
        bank.collector.look(|all| all.sum("front", "bank.login.attempts", &[("outcome", "failure")])),
        Some(0.0)
    );
}
