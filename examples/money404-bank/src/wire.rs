//! What the bank's services say to each other and to their customers in JSON. Money is in euro cents everywhere.

use serde::{Deserialize, Serialize};

/// Somebody wants to log in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// The login name.
    pub username: String,
    /// In clear, on its way to the hash. No `Debug` here, so that it reaches no log.
    pub password: String,
}

/// Who a customer is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Customer {
    /// The customer's number.
    pub id: i64,
    /// The login name.
    pub username: String,
    /// The name for people.
    pub name: String,
}

/// One booked payment from the point of view of one customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Booking {
    /// The other party's name.
    pub counterparty: String,
    /// Positive when money came in.
    pub amount_cents: i64,
    /// What the payer wrote.
    pub reference: String,
    /// RFC 3339.
    pub booked_at: String,
}

/// A customer's balance and the last bookings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Balance {
    /// The account's number.
    pub account: String,
    /// What is there.
    pub balance_cents: i64,
    /// The newest first.
    pub bookings: Vec<Booking>,
}

/// Whether the books balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// What all accounts held when they were opened.
    pub opening_cents: i64,
    /// What all accounts hold now.
    pub balances_cents: i64,
    /// Payments ever booked.
    pub payments: i64,
    /// Accounts whose balance is not opening + received - paid.
    pub accounts_off: i64,
    /// Whether all the above agree.
    pub conserved: bool,
}

/// What a customer orders at `front`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PaymentRequest {
    /// The login name of the one who gets the money.
    pub to: String,
    /// How much; more than zero.
    pub amount_cents: i64,
    /// Free text, at most 140 characters.
    #[serde(default)]
    pub reference: String,
}

/// What `front` orders at `payments`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PaymentOrder {
    /// The paying customer's number.
    pub from_customer: i64,
    /// What the customer ordered.
    #[serde(flatten)]
    pub request: PaymentRequest,
}

/// How a payment ended; HTTP says 200 in each case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// The payment's id, given also to declined ones.
    pub id: String,
    /// Booked or declined.
    pub outcome: Outcome,
    /// Why it was declined.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// See [`Receipt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The money moved.
    Booked,
    /// The money did not move.
    Declined,
}

/// A secret, as the vault hands it out.
#[derive(Serialize, Deserialize)]
pub struct SecretValue {
    /// The secret's name.
    pub name: String,
    /// The value. No `Debug` here, so that it reaches no log.
    pub value: String,
}
