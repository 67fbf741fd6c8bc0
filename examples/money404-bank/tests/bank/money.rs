//! What a bank is for: log in, look, pay, log out; and the money stays the same in all.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ADMIN_TOKEN, Bank, answer, client};

#[tokio::test]
async fn a_payment_moves_the_money_and_both_sides_see_it() {
    let bank = Bank::open().await;
    let (anna, bela) = (bank.customer("anna").await, bank.customer("bela").await);
    assert_eq!(anna.balance().await, 500_000);
    let receipt = anna.pay("bela", 1_250).await.json();
    assert_eq!(receipt["outcome"], "booked");
    assert_eq!(anna.balance().await, 498_750);
    assert_eq!(bela.balance().await, 501_250);
    let booking = &bela.get("/api/balance").await.json()["bookings"][0];
    assert_eq!(booking["counterparty"], "Anna Novak");
    assert_eq!(booking["amount_cents"], 1_250);
}

#[tokio::test]
async fn orders_that_cannot_be_booked_move_nothing() {
    let bank = Bank::open().await;
    let anna = bank.customer("anna").await;
    let refused = anna.pay("bela", 500_001).await;
    assert_eq!((refused.status, &refused.json()["reason"]), (StatusCode::OK, &json!("insufficient_funds")));
    assert_eq!(anna.pay("nobody", 100).await.json()["reason"], "unknown_payee");
    for order in [anna.pay("bela", 0).await, anna.pay("bela", -5).await, anna.pay("anna", 5).await] {
        assert_eq!(order.status, StatusCode::UNPROCESSABLE_ENTITY, "{order:?}");
    }
    assert_eq!(anna.balance().await, 500_000);
    assert_eq!(bank.audit().await["payments"], 0);
}

#[tokio::test]
async fn many_payments_at_once_conserve_the_money() {
    let bank = Bank::open().await;
    let mut customers = Vec::new();
    for name in ["anna", "bela", "chloe", "dmitri"] {
        customers.push((name, bank.customer(name).await));
    }
    let mut orders = Vec::new();
    for round in 0..10_i64 {
        for (index, (_, payer)) in customers.iter().enumerate() {
            let payee = customers[(index + 1 + round as usize % 3) % customers.len()].0;
            orders.push(payer.pay(payee, 100 + round));
        }
    }
    let receipts = futures::future::join_all(orders).await;
    let booked = receipts.iter().filter(|receipt| receipt.json()["outcome"] == "booked").count();
    let audit = bank.audit().await;
    assert_eq!(booked, 40, "{receipts:?}");
    assert_eq!(audit["payments"], 40);
    assert_eq!(audit["balances_cents"], audit["opening_cents"]);
    assert_eq!(audit["conserved"], true, "{audit}");
}

#[tokio::test]
async fn the_pages_take_a_customer_from_login_to_logout_though_nobody_collects_telemetry() {
    let bank = Bank::without_collector().await;
    let front = bank.url("front");
    let page = |path: &str| answer(client([127, 0, 1, 201]).get(format!("{front}{path}")));
    assert_eq!(page("/").await.location.unwrap(), "/login");
    assert!(page("/login").await.text.contains("Welcome back"));
    assert!(page("/style.css").await.text.contains("--brand"));
    assert_eq!(page("/balance").await.location.unwrap(), "/login");
    assert_eq!(page("/nowhere").await.status, StatusCode::NOT_FOUND);

    let form = |password: &str| {
        let fields = [("username", "ines"), ("password", password)];
        answer(client([127, 0, 1, 201]).post(format!("{front}/login")).form(&fields))
    };
    let wrong = form("ines-405").await;
    assert_eq!((wrong.status, wrong.cookie), (StatusCode::UNAUTHORIZED, None));
    let right = form("ines-404").await;
    assert_eq!(right.location.unwrap(), "/balance");
    assert!(right.cookie.unwrap().starts_with("money404_session="));

    let ines = bank.customer("ines").await;
    assert!(ines.get("/balance").await.text.contains("5,000.00"));
    assert!(ines.get("/pay").await.text.contains("Jonas Weber"));
    let paid = ines.form("/pay", &[("to", "jonas"), ("amount", "12,50"), ("reference", "<b>tickets</b>")]).await;
    assert_eq!(paid.location.unwrap(), "/balance?paid=true");
    let balance = ines.get("/balance").await.text;
    assert!(balance.contains("4,987.50") && balance.contains("-12.50") && !balance.contains("<b>tickets"), "{balance}");
    let typo = ines.form("/pay", &[("to", "jonas"), ("amount", "a lot")]).await;
    assert!(typo.text.contains("Write the amount like"));
    assert_eq!(ines.form("/logout", &[]).await.location.unwrap(), "/login");
    assert_eq!(ines.get("/api/balance").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_blocked_address_is_refused_at_front_and_nobody_else_is() {
    let bank = Bank::open().await;
    let list = format!("{}/admin/blocklist", bank.url("front"));
    let block = json!({ "address": "127.0.66.6", "reason": "guesses passwords", "ttl_seconds": 600 });
    for (token, status) in [("", StatusCode::UNAUTHORIZED), ("wrong", StatusCode::UNAUTHORIZED)] {
        assert_eq!(bank.ask(Method::POST, list.clone(), token, &block).await.status, status);
    }
    let attacker = client([127, 0, 66, 6]);
    let knock = || answer(attacker.get(format!("{}/login", bank.url("front"))));
    assert_eq!(knock().await.status, StatusCode::OK);
    assert_eq!(bank.ask(Method::POST, list.clone(), ADMIN_TOKEN, &block).await.status, StatusCode::CREATED);
    assert_eq!(knock().await.status, StatusCode::FORBIDDEN);
    assert_eq!(bank.customer("anna").await.balance().await, 500_000);

    // A restart of front does not let him in again.
    assert_eq!(bank.control("/processes/front/restart").await.status, StatusCode::OK);
    bank.until_healthy("front").await;
    assert_eq!(knock().await.status, StatusCode::FORBIDDEN);
    let entries = bank.ask(Method::GET, list.clone(), ADMIN_TOKEN, &Value::Null).await.json();
    assert_eq!((&entries[0]["address"], &entries[0]["refused"]), (&json!("127.0.66.6"), &json!(1)), "{entries}");

    for wrong in [json!({ "address": "the attacker" }), json!({ "address": "127.0.66.6", "ttl_seconds": 0 })] {
        let refused = bank.ask(Method::POST, list.clone(), ADMIN_TOKEN, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    }
    let freed = bank.ask(Method::DELETE, list, ADMIN_TOKEN, &json!({ "address": "127.0.66.6" })).await;
    assert_eq!(freed.json()["was_blocked"], true);
    assert_eq!(knock().await.status, StatusCode::OK);
}
