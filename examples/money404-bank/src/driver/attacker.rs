//! Somebody at one address who guesses passwords while that fault is on. He looks first, and then guesses steadily.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::browser::Browser;
use super::think;
use crate::customers::CUSTOMERS;
use crate::fault::{Fault, Faults};
use crate::wire::Credentials;

const GUESSES: [&str; 8] = ["123456", "password", "qwerty", "letmein", "iloveyou", "dragon", "admin", "welcome1"];

/// Waits for the fault, and attacks while it is on.
pub(super) async fn lurk(mut browser: Browser, mut faults: Faults) {
    loop {
        faults.wait_until(Fault::LoginGuessing, true).await;
        tracing::warn!("somebody begins to guess passwords");
        // What the bank answers is of no interest here: a blocked attacker goes on knocking.
        let _ = browser.get("/login").await;
        think(1.5..2.0).await;
        while faults.is_on(Fault::LoginGuessing) {
            let guess = guess();
            let _ = browser.json("/api/login", &guess).await;
            think(0.25..0.4).await;
        }
    }
}

fn guess() -> Credentials {
    let mut random = rand::rng();
    let username = CUSTOMERS.choose(&mut random).map_or("admin", |(name, _)| *name);
    let word = GUESSES.choose(&mut random).copied().unwrap_or_default();
    // The number keeps a guess from ever being right.
    Credentials { username: username.to_owned(), password: format!("{word}{}", random.random_range(0..1000)) }
}
