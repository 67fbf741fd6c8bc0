//! The pages, rendered on the server with escaping templates; they need no JavaScript.

use std::net::SocketAddr;

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, Query, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::{Front, session};
use crate::problem::Problem;
use crate::wire::{Balance, Credentials, Customer, Outcome, PaymentRequest};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    message: &'a str,
}

#[derive(Template)]
#[template(path = "balance.html")]
struct BalancePage<'a> {
    customer: &'a Customer,
    balance: &'a Balance,
    notice: &'a str,
}

#[derive(Template)]
#[template(path = "pay.html")]
struct PayPage<'a> {
    customer: &'a Customer,
    payees: &'a [Customer],
    message: &'a str,
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage<'a> {
    status: u16,
    detail: &'a str,
}

/// A page, or the page that says why there is none.
type Page = Result<Response, Trouble>;

/// A [`Problem`] as people see it.
pub(super) struct Trouble(Problem);

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let Problem { status, detail, .. } = self.0;
        if status == StatusCode::UNAUTHORIZED {
            return Redirect::to("/login").into_response();
        }
        let page = TroublePage { status: status.as_u16(), detail: &detail };
        // Rendering writes to memory; if even that fails, the status alone must do.
        page.render().map_or_else(|_| status.into_response(), |text| (status, Html(text)).into_response())
    }
}

fn html(status: StatusCode, page: &impl Template) -> Page {
    let text = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "render", "this page could not be made")
    })?;
    Ok((status, Html(text)).into_response())
}

/// Cents as people write euros: `1,234.50`.
fn euros(cents: i64) -> String {
    let digits = (cents.unsigned_abs() / 100).to_string();
    let mut whole = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            whole.push(',');
        }
        whole.push(digit);
    }
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{whole}.{:02}", cents.unsigned_abs() % 100)
}

/// A time as it stands in a list: `22 Nov, 20:24 UTC`; what is no time stays as it is.
fn when(rfc3339: &str) -> String {
    rfc3339
        .parse::<jiff::Timestamp>()
        .map_or_else(|_| rfc3339.to_owned(), |at| at.strftime("%-d %b, %H:%M UTC").to_string())
}

/// Reads what people write: `12`, `12.5`, `12.50`; a comma will do.
fn cents(text: &str) -> Option<i64> {
    let text = text.trim().replace(',', ".");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 2 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(fraction)
}

pub(super) async fn home(State(front): State<Front>, headers: HeaderMap) -> Redirect {
    Redirect::to(if front.session(&headers).is_ok() { "/balance" } else { "/login" })
}

pub(super) async fn login_form() -> Page {
    html(StatusCode::OK, &LoginPage { message: "" })
}

pub(super) async fn login(
    State(front): State<Front>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Form(credentials): Form<Credentials>,
) -> Page {
    match front.log_in(peer.ip(), credentials).await {
        Ok((name, _)) => {
            let headers = AppendHeaders([(header::SET_COOKIE, session::set_cookie(&name))]);
            Ok((headers, Redirect::to("/balance")).into_response())
        }
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {
            html(StatusCode::UNAUTHORIZED, &LoginPage { message: "The name or the password is wrong." })
        }
        Err(problem) => Err(problem.into()),
    }
}

pub(super) async fn logout(State(front): State<Front>, headers: HeaderMap) -> Response {
    front.sessions.close(&headers);
    (AppendHeaders([(header::SET_COOKIE, session::clear_cookie())]), Redirect::to("/login")).into_response()
}

/// What `/balance?paid=…` may say after a payment.
#[derive(Deserialize)]
pub(super) struct Notice {
    #[serde(default)]
    paid: bool,
}

pub(super) async fn balance(State(front): State<Front>, headers: HeaderMap, Query(notice): Query<Notice>) -> Page {
    let session = front.session(&headers)?;
    let balance = front.balance_of(&session.customer).await?;
    let notice = if notice.paid { "Your payment is booked." } else { "" };
    html(StatusCode::OK, &BalancePage { customer: &session.customer, balance: &balance, notice })
}

pub(super) async fn pay_form(State(front): State<Front>, headers: HeaderMap) -> Page {
    let session = front.session(&headers)?;
    let payees = front.payees_of(&session.customer).await?;
    html(StatusCode::OK, &PayPage { customer: &session.customer, payees: &payees, message: "" })
}

/// The form on the pay page.
#[derive(Deserialize)]
pub(super) struct PayForm {
    to: String,
    amount: String,
    #[serde(default)]
    reference: String,
}

pub(super) async fn pay(State(front): State<Front>, headers: HeaderMap, Form(form): Form<PayForm>) -> Page {
    let session = front.session(&headers)?;
    let message = match cents(&form.amount) {
        None => "Write the amount like 12.50.".to_owned(),
        Some(amount_cents) => {
            let request = PaymentRequest { to: form.to, amount_cents, reference: form.reference };
            match front.order(&session.customer, request).await {
                Ok(receipt) if receipt.outcome == Outcome::Booked => {
                    return Ok(Redirect::to("/balance?paid=true").into_response());
                }
                Ok(receipt) => declined(receipt.reason.as_deref()).to_owned(),
                Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => problem.detail,
                Err(problem) => return Err(problem.into()),
            }
        }
    };
    let payees = front.payees_of(&session.customer).await?;
    html(StatusCode::OK, &PayPage { customer: &session.customer, payees: &payees, message: &message })
}

fn declined(reason: Option<&str>) -> &'static str {
    match reason {
        Some("insufficient_funds") => "Your balance is not enough for this payment.",
        Some("unknown_payee") => "We do not know this payee.",
        _ => "The payment was declined. No money was moved.",
    }
}

pub(super) async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("../../assets/style.css"))
}

pub(super) async fn not_found() -> Trouble {
    Trouble(Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such page."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn euros_are_written_and_read_as_people_do() {
        assert_eq!(euros(123_456_789), "1,234,567.89");
        assert_eq!(euros(-5), "-0.05");
        assert_eq!(euros(100_000), "1,000.00");
        assert_eq!(when("2026-11-02T20:04:07.956251Z"), "2 Nov, 20:04 UTC");
        assert_eq!(cents("12,5"), Some(1250));
        assert_eq!(cents(" 7 "), Some(700));
        for wrong in ["", "-1", "1.234", "1.2.3", ".5", "99999999999999999999"] {
            assert_eq!(cents(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_customers_write_is_escaped_on_their_pages() {
        let customer = Customer { id: 1, username: "anna".into(), name: "<b>Anna</b>".into() };
        let page = PayPage { customer: &customer, payees: &[], message: "<script>" }.render().unwrap();
        assert!(!page.contains("<script>") && !page.contains("<b>Anna"));
    }
}
