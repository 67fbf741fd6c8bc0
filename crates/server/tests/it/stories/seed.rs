//! The seed criteria, the KPI and the key vault, each at its boundary: it fires when it should and not a moment before,
//! tells once, resolves, and tells so once.
//!
//! Not the evaluation itself: `detect` and `promql` test that. Here a report of a service ends as a request at a receiver.

use watchkeeper_domain::Span;

use super::world::{UP, World};

const OK: &str = r#"http_server_request_duration_seconds_count{service="front",http_response_status_code="200"}"#;
const FAILED: &str = r#"http_server_request_duration_seconds_count{service="front",http_response_status_code="500"}"#;
const QUERIES: &str = r#"db_client_operation_duration_seconds_count{service="accounts"}"#;
const QUICK_QUERIES: &str = r#"db_client_operation_duration_seconds_bucket{service="accounts",le="0.5"}"#;
const FAILED_LOGINS: &str =
    r#"bank_login_attempts_total{outcome="failure",client_address="203.0.113.7",service="front"}"#;
const LOADS: &str = r#"bank_page_load_duration_seconds_count{page="balance",service="front"}"#;
const QUICK_LOADS: &str = r#"bank_page_load_duration_seconds_bucket{page="balance",service="front",le="2"}"#;
const SECRETS_REFUSED: &str = r#"bank_secret_request_duration_seconds_count{service="payments",outcome="refused"}"#;
const SECRETS_SERVED: &str = r#"bank_secret_request_duration_seconds_count{service="payments",outcome="ok"}"#;
const SECRETS_SECONDS: &str = r#"bank_secret_request_duration_seconds_sum{service="payments",outcome="ok"}"#;
const PAID: &str = r#"bank_payments_total{service="payments",outcome="success"}"#;
const UNPAID: &str = r#"bank_payments_total{service="payments",outcome="failure",reason="signing_failed"}"#;
const POOR: &str = r#"bank_payments_total{service="payments",outcome="failure",reason="insufficient_funds"}"#;
const POOL_WAITS: &str = r#"db_client_connection_pending_requests{service="accounts"}"#;

/// Longer than any group waits before it tells of what does not page. In seconds, as the windows below.
const TOLD_BY: i64 = 90;

impl World {
    /// Counts several series at one instant, all of which were reported as zero for five minutes.
    async fn counted(&mut self, counts: &[(&str, f64)]) {
        for (series, _) in counts {
            self.set(series, 0.0);
        }
        self.report().await;
        self.run_reporting_every(Span::from_secs(300), Span::from_secs(15)).await;
        for (series, by) in counts {
            self.set(series, *by);
        }
        self.advance(Span::from_secs(5)).await;
        self.report().await;
    }

    /// It was told of once, it ends as the window passes, and that is told once.
    async fn told_once_and_resolved_once(mut self, name: &str, window: i64) {
        if window > 0 {
            self.run_reporting_every(Span::from_secs(TOLD_BY), Span::from_secs(15)).await;
            assert_eq!(self.told_of(name), ["firing"]);
        }
        self.run_reporting_every(Span::from_secs(window + 180), Span::from_secs(30)).await;
        assert_eq!(self.told_of(name), ["firing", "resolved"]);
        self.run_reporting_every(Span::from_secs(300), Span::from_secs(60)).await;
        assert_eq!(self.told_of(name), ["firing", "resolved"]);
        assert_eq!(self.alert(name).await["state"], "resolved");
        self.end().await;
    }

    /// Nobody hears of it, however long one waits. The odd interval makes `increase()` extrapolate by odd factors.
    async fn never_told(mut self, name: &str, window: i64) {
        self.run_reporting_every(Span::from_secs(window + TOLD_BY), Span::from_millis(24_303)).await;
        assert_eq!(self.told_of(name), [""; 0]);
        assert!(self.alerts(name).await.is_empty());
        self.end().await;
    }
}

#[tokio::test]
async fn a_service_that_is_unreachable_for_59_seconds_disturbs_nobody() {
    let mut world = World::new().await;
    world.set(UP, 1.0);
    world.report().await;
    world.run(Span::from_secs(30)).await;
    world.set(UP, 0.0);
    world.report().await;
    world.run(Span::from_secs(59)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), [""; 0]);
    world.set(UP, 1.0);
    world.report().await;
    world.never_told("ServiceUnreachable", 60).await;
}

#[tokio::test]
async fn a_service_that_is_unreachable_for_61_seconds_pages_once_and_its_return_is_told_once() {
    let mut world = World::new().await;
    world.set(UP, 1.0);
    world.report().await;
    world.set(UP, 0.0);
    world.report().await;
    world.run(Span::from_secs(59)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), [""; 0]);
    world.advance(Span::from_secs(2)).await;
    // Critical: no group waits for it.
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    assert_eq!(world.alert("ServiceUnreachable").await["priority"], "critical");
    world.run(Span::from_secs(60)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    world.set(UP, 1.0);
    world.report().await;
    world.told_once_and_resolved_once("ServiceUnreachable", 0).await;
}

#[tokio::test]
async fn a_service_that_comes_back_for_a_moment_starts_its_minute_anew() {
    let mut world = World::new().await;
    world.set(UP, 0.0);
    world.report().await;
    world.run(Span::from_secs(55)).await;
    world.push(UP, 1.0).await;
    world.run(Span::from_secs(55)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), [""; 0]);
    world.run(Span::from_secs(10)).await;
    assert_eq!(world.told_of("ServiceUnreachable"), ["firing"]);
    world.end().await;
}

#[tokio::test]
async fn an_api_error_ratio_of_exactly_five_percent_is_no_alert() {
    let mut world = World::new().await;
    world.counted(&[(OK, 950.0), (FAILED, 50.0)]).await;
    world.never_told("ApiErrorRate", 600).await;
}

#[tokio::test]
async fn an_api_error_ratio_of_five_point_one_percent_is_told_once_and_resolved_once() {
    let mut world = World::new().await;
    world.counted(&[(OK, 949.0), (FAILED, 51.0)]).await;
    assert_eq!(world.alert("ApiErrorRate").await["priority"], "medium");
    world.told_once_and_resolved_once("ApiErrorRate", 600).await;
}

#[tokio::test]
async fn one_failure_among_three_requests_at_night_wakes_nobody() {
    let mut world = World::new().await;
    world.counted(&[(OK, 2.0), (FAILED, 1.0)]).await;
    world.never_told("ApiErrorRate", 600).await;
}

#[tokio::test]
async fn ten_percent_of_slow_queries_are_no_alert() {
    let mut world = World::new().await;
    world.counted(&[(QUERIES, 1000.0), (QUICK_QUERIES, 900.0)]).await;
    world.never_told("DatabaseSlowQueries", 300).await;
}

#[tokio::test]
async fn ten_point_one_percent_of_slow_queries_are_told_once_and_resolved_once() {
    let mut world = World::new().await;
    world.counted(&[(QUERIES, 1000.0), (QUICK_QUERIES, 899.0)]).await;
    assert_eq!(world.alert("DatabaseSlowQueries").await["category"], "database");
    world.told_once_and_resolved_once("DatabaseSlowQueries", 300).await;
}

#[tokio::test]
async fn four_failed_logins_are_no_alert() {
    let mut world = World::new().await;
    world.counted(&[(FAILED_LOGINS, 4.0)]).await;
    world.never_told("FailedLogins", 300).await;
}

#[tokio::test]
async fn five_failed_logins_are_told_to_security_once_and_resolved_once() {
    let mut world = World::new().await;
    world.counted(&[(FAILED_LOGINS, 5.0)]).await;
    assert_eq!(world.alert("FailedLogins").await["priority"], "high");
    assert_eq!(world.told_of("FailedLogins"), ["firing"], "what pages is told at once");
    assert!(world.told().iter().all(|told| told.name != "FailedLogins" || told.to == "security"));
    world.told_once_and_resolved_once("FailedLogins", 300).await;
}

#[tokio::test]
async fn two_slow_page_loads_are_no_alert() {
    let mut world = World::new().await;
    world.counted(&[(LOADS, 100.0), (QUICK_LOADS, 98.0)]).await;
    world.never_told("PageLoadSlow", 300).await;
}

#[tokio::test]
async fn three_slow_page_loads_are_told_once_and_resolved_once() {
    let mut world = World::new().await;
    world.counted(&[(LOADS, 100.0), (QUICK_LOADS, 97.0)]).await;
    assert_eq!(world.alert("PageLoadSlow").await["priority"], "low");
    world.told_once_and_resolved_once("PageLoadSlow", 300).await;
}

#[tokio::test]
async fn a_secret_store_that_refuses_three_times_is_told_once_and_resolved_once() {
    let mut world = World::new().await;
    world.counted(&[(SECRETS_REFUSED, 3.0)]).await;
    assert_eq!(world.alert("SecretStoreRefuses").await["category"], "keyvault");
    world.told_once_and_resolved_once("SecretStoreRefuses", 300).await;
}

#[tokio::test]
async fn a_secret_store_that_refuses_twice_is_no_alert() {
    let mut world = World::new().await;
    world.counted(&[(SECRETS_REFUSED, 2.0)]).await;
    world.never_told("SecretStoreRefuses", 300).await;
}

#[tokio::test]
async fn a_secret_store_that_takes_half_a_second_is_no_alert() {
    let mut world = World::new().await;
    world.counted(&[(SECRETS_SERVED, 16.0), (SECRETS_SECONDS, 8.0)]).await;
    world.never_told("SecretStoreSlow", 300).await;
}

#[tokio::test]
async fn a_secret_store_that_takes_longer_than_half_a_second_is_told_once_and_resolved_once() {
    let mut world = World::new().await;
    world.counted(&[(SECRETS_SERVED, 16.0), (SECRETS_SECONDS, 8.25)]).await;
    world.told_once_and_resolved_once("SecretStoreSlow", 300).await;
}

#[tokio::test]
async fn five_percent_of_failed_payments_and_any_number_of_poor_customers_are_no_alert() {
    let mut world = World::new().await;
    world.counted(&[(PAID, 850.0), (UNPAID, 50.0), (POOR, 100.0)]).await;
    world.never_told("PaymentFailures", 300).await;
}

#[tokio::test]
async fn five_point_one_percent_of_failed_payments_are_told_once_and_resolved_once() {
    let mut world = World::new().await;
    world.counted(&[(PAID, 849.0), (UNPAID, 51.0), (POOR, 100.0)]).await;
    assert_eq!(world.alert("PaymentFailures").await["category"], "business");
    world.told_once_and_resolved_once("PaymentFailures", 300).await;
}

#[tokio::test]
async fn an_exhausted_connection_pool_is_told_after_thirty_seconds_once_and_resolved_once() {
    let mut world = World::new().await;
    world.set(POOL_WAITS, 0.0);
    world.report().await;
    world.set(POOL_WAITS, 4.0);
    world.report().await;
    world.run(Span::from_secs(29)).await;
    assert_eq!(world.told_of("DatabasePoolExhausted"), [""; 0]);
    world.advance(Span::from_secs(2)).await;
    assert_eq!(world.told_of("DatabasePoolExhausted"), ["firing"]);
    world.set(POOL_WAITS, 0.0);
    world.report().await;
    world.told_once_and_resolved_once("DatabasePoolExhausted", 0).await;
}
