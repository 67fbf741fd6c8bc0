//! One customer: comes, logs in, looks, pays, leaves, and comes again. No machine-gun: there is thinking in between.

use http::StatusCode;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::browser::{Browser, GaveUp};
use super::think;
use crate::customers::{CUSTOMERS, password_of};
use crate::wire::{Credentials, PaymentRequest};

const REFERENCES: [&str; 6] =
    ["Rent share", "Dinner on Friday", "Concert tickets", "Groceries", "Thank you!", "Bicycle repair"];

/// Visits the bank again and again.
pub(super) async fn live(username: &'static str, mut browser: Browser) {
    think(0.0..3.0).await;
    loop {
        let visit = browser.visit();
        // A visit that ends early is the bank's loss; the customer comes back later.
        let _ = visit_once(username, &mut browser).await;
        drop(visit);
        think(0.5..4.0).await;
    }
}

async fn visit_once(username: &'static str, browser: &mut Browser) -> Result<(), GaveUp> {
    browser.page("login", "/login").await?;
    think(0.5..1.5).await;
    let credentials = Credentials { username: username.to_owned(), password: password_of(username) };
    if browser.form("/login", &credentials).await? != StatusCode::SEE_OTHER {
        return Ok(());
    }
    browser.page("balance", "/balance").await?;
    let errands = rand::rng().random_range(2..=6);
    for _ in 0..errands {
        think(1.0..3.0).await;
        let errand = rand::rng().random_range(0..10);
        match errand {
            0..4 => pay(username, browser).await?,
            4..7 => drop(browser.get("/api/balance").await?),
            _ => drop(browser.page("balance", "/balance").await?),
        }
    }
    think(0.5..1.5).await;
    browser.form("/logout", &()).await?;
    Ok(())
}

async fn pay(username: &str, browser: &mut Browser) -> Result<(), GaveUp> {
    browser.page("pay", "/pay").await?;
    think(0.8..2.0).await;
    let order = {
        let mut random = rand::rng();
        let others: Vec<&str> = CUSTOMERS.iter().map(|(name, _)| *name).filter(|name| *name != username).collect();
        let to = others.choose(&mut random).copied().unwrap_or("anna");
        let reference = REFERENCES.choose(&mut random).copied().unwrap_or_default();
        PaymentRequest {
            to: to.to_owned(),
            amount_cents: random.random_range(100..2_500),
            reference: reference.to_owned(),
        }
    };
    browser.json("/api/payments", &order).await?;
    Ok(())
}
