//! The supervisor: says what is dead and leaves it dead, lets in whom it should, and takes its children with it.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::harness::{Bank, CONTROL_TOKEN, eventually};

#[tokio::test]
async fn a_process_that_is_killed_is_reported_as_exited_and_stays_dead_until_an_order() {
    let bank = Bank::open().await;
    let before = bank.process("accounts").await;
    let pid = rustix::process::Pid::from_raw(before["pid"].as_i64().unwrap() as i32).unwrap();
    // From outside, as the kernel would: not by the control API.
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let dead = eventually("accounts is dead", || async {
        let now = bank.process("accounts").await;
        (now["state"] == "exited").then_some(now)
    })
    .await;
    assert_eq!((&dead["exit"]["signal"], &dead["exit"]["code"], &dead["starts"]), (&json!(9), &json!(null), &json!(1)));
    assert!(dead["since"].as_str() > before["since"].as_str());
    assert_eq!(bank.control("/processes/accounts/kill").await.status, StatusCode::CONFLICT);
    let started = bank.control("/processes/accounts/start").await.json();
    assert_eq!((&started["state"], &started["starts"]), (&json!("running"), &json!(2)));
    bank.until_healthy("accounts").await;
    assert_eq!(bank.control("/processes/accounts/stop").await.json()["state"], "stopped");
    assert_eq!(bank.health("accounts").await, None);
}

#[tokio::test]
async fn orders_need_the_token_and_come_from_no_web_page() {
    let bank = Bank::open().await;
    let url = format!("{}/processes/payments/kill", bank.url("control"));
    for token in ["", "wrong"] {
        let refused = bank.ask(Method::POST, url.clone(), token, &Value::Null).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let page = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = page.post(url).bearer_auth(CONTROL_TOKEN).header("origin", "https://evil.example");
    assert_eq!(crate::harness::answer(request).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bank.process("payments").await["state"], "running");
    for nothing in
        ["/processes/vault/kill", "/processes/payments/hug", "/faults/earthquake/on", "/faults/slow-front/maybe"]
    {
        assert_eq!(bank.control(nothing).await.status, StatusCode::NOT_FOUND, "{nothing}");
    }
    // Behind front, nobody talks to strangers.
    let vault = format!("{}/secrets/payment-signing-key", bank.url("secrets"));
    let payments = format!("{}/payments", bank.url("payments"));
    let accounts = format!("{}/audit", bank.url("accounts"));
    for (method, url) in [(Method::GET, vault), (Method::POST, payments), (Method::GET, accounts)] {
        assert_eq!(bank.ask(method, url, "wrong", &Value::Null).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn children_end_with_their_supervisor_however_it_ends() {
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::TERM] {
        let mut bank = Bank::with_customers(2).await;
        let processes = bank.control_get("/processes").await;
        let pids: Vec<i64> =
            processes.as_array().unwrap().iter().map(|process| process["pid"].as_i64().unwrap()).collect();
        assert_eq!(pids.len(), 5);
        let pid = rustix::process::Pid::from_raw(bank.supervisor.id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        bank.supervisor.wait().await.unwrap();
        // A dead process that nobody has reaped yet counts as gone: it serves nobody any more.
        let runs = |pid: &i64| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.contains("(money404-bank)") && !stat.contains(") Z ")
        };
        eventually("all children are gone", || async { (!pids.iter().any(runs)).then_some(()) }).await;
    }
}

#[tokio::test]
async fn a_second_bank_on_the_same_folder_is_refused_with_the_reason() {
    let bank = Bank::open().await;
    let folder = bank.folder();
    let second = tokio::process::Command::new(env!("CARGO_BIN_EXE_money404-bank"))
        .arg("up")
        .arg("--data")
        .arg(folder)
        .args(["--control-port", "0", "--otlp", "off"])
        .output()
        .await
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another bank is running on this data folder"), "{said}");
    bank.until_healthy("front").await;
}

#[tokio::test]
async fn the_command_line_lists_and_switches() {
    let bank = Bank::open().await;
    let run = async |arguments: &[&str]| {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_money404-bank"))
            .args(arguments)
            .args(["--control", &bank.url("control")])
            .env("BANK_CONTROL_TOKEN", CONTROL_TOKEN)
            .output()
            .await
            .unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.success(), said)
    };
    let (well, said) = run(&["process", "kill", "payments"]).await;
    assert!(well && said.contains("signal: 9"), "{said}");
    let (well, said) = run(&["process", "list"]).await;
    assert!(well && said.lines().count() == 6 && said.contains("exited"), "{said}");
    let (well, said) = run(&["fault", "on", "slow-front"]).await;
    assert!(well && said.contains("slow-front        on"), "{said}");
    let (well, said) = run(&["fault", "on", "earthquake"]).await;
    assert!(!well && said.contains("no fault is called `earthquake`; there are kill-payments"), "{said}");
}

#[tokio::test]
async fn the_stand_in_for_slack_serves_its_page_until_it_is_told_to_stop() {
    let mut slack = tokio::process::Command::new(env!("CARGO_BIN_EXE_money404-bank"))
        .args(["slack", "--listen", "127.0.0.1:0", "--interactivity-url", "http://127.0.0.1:9/slack"])
        .env("SLACK_SIGNING_SECRET", "only-for-the-test")
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(slack.stderr.take().unwrap()).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().expect("the address is told");
        if let Some((_, address)) = line.split_once("the stand-in for Slack is at ") {
            break address.to_owned();
        }
    };
    let page = crate::harness::client([127, 0, 0, 1]).get(address);
    assert_eq!(crate::harness::answer(page).await.status, StatusCode::OK);
    let pid = rustix::process::Pid::from_raw(slack.id().unwrap() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(slack.wait().await.unwrap().success());
}
