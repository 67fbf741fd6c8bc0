//! The real runner: programs and requests, hostile labels, secrets.

use std::path::PathBuf;

use axum::Router;
use axum::extract::Request;
use watchkeeper_config::Source;

use super::*;
use crate::client::Client;

struct Secrets;

impl Source for Secrets {
    fn read(&self, _: &std::path::Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
    fn list(&self, _: &std::path::Path) -> std::io::Result<Vec<(String, bool)>> {
        Ok(Vec::new())
    }
    fn variable(&self, name: &str) -> Option<String> {
        (name == "TOKEN").then(|| "s3cr3t-{{ target }}".to_owned())
    }
}

async fn carried_out(world: &World, step: Step) -> Run {
    let client = Client::new().unwrap();
    let runner = Runner::new(client, Arc::new(Secrets), PathBuf::new(), world.sink.clone(), world.env.clone());
    let engine = Engine::new(Parts { runner: Arc::new(runner), ..world.parts() }, Options::default());
    let mut workflow = workflow(vec![step]);
    (workflow.verify, workflow.guard.tries) = (None, 1);
    let id = world.start(&workflow).await;
    world.finish(&engine, id).await
}

#[tokio::test]
async fn a_hostile_label_reaches_a_program_as_one_argument_and_the_environment_is_empty() {
    let world = World::new().await;
    let mut step = exec("print", &["/usr/bin/env", "printf", "<%s>", "{{ labels.evil }}", "{{ target }}"]);
    let run = carried_out(&world, step.clone()).await;
    let record = &run.records[0];
    assert_eq!(record.result["data"]["stdout"], "<;$(touch x) ${env:TOKEN} {{ 7 }}><payments>");
    assert!(!std::path::Path::new("x").exists(), "the label was executed");

    world.clock.advance(Span::from_secs(60));
    step.uses = Uses::Exec {
        command: vec!["/usr/bin/env".to_owned()],
        env: BTreeMap::from([("T".to_owned(), "${env:TOKEN}".to_owned())]),
    };
    let run = carried_out(&world, step).await;
    let out = run.records[0].result["data"]["stdout"].as_str().unwrap().to_owned();
    let names: Vec<&str> = out.lines().filter_map(|l| l.split('=').next()).collect();
    assert!(names.iter().all(|n| ["PATH", "T"].contains(n)), "{names:?}");
    assert!(out.contains("T=${env:TOKEN}") && !out.contains("s3cr3t"), "the secret is covered in the result: {out}");
    assert_eq!(run.records[0].input["env"]["T"], "${env:TOKEN}");
}

#[tokio::test]
async fn a_program_that_fails_or_does_not_exist_says_so() {
    for (command, part) in
        [(["/bin/false"], "exit code 1"), (["/nonexistent/program"], "`/nonexistent/program` cannot be started")]
    {
        let world = World::new().await;
        let run = carried_out(&world, exec("x", &command)).await;
        assert_eq!(status(&run), Status::HandedOver);
        assert!(run.row.outcome.contains(part), "{}", run.row.outcome);
    }
}

/// Whether a process with this argument lives.
fn lives(argument: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|b| *b == 0).any(|part| part == argument.as_bytes())
    })
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed() {
    let argument = format!("86399.{}", std::process::id());
    let world = World::new().await;
    let (run, ()) = tokio::join!(carried_out(&world, exec("sleep", &["/bin/sleep", &argument])), async {
        world.clock.until_sleeping(1).await;
        while !lives(&argument) {
            tokio::task::yield_now().await;
        }
        world.clock.advance(Span::from_secs(30));
    });
    assert!(run.row.outcome.contains("took longer than 30s"), "{}", run.row.outcome);
    while lives(&argument) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_output_of_a_program_is_capped() {
    let world = World::new().await;
    let run = carried_out(&world, exec("much", &["/usr/bin/head", "-c", "3000000", "/dev/zero"])).await;
    assert_eq!(status(&run), Status::Succeeded);
    assert_eq!(run.records[0].result["data"]["stdout"].as_str().unwrap().len(), 16 << 10);
}

#[tokio::test]
async fn a_request_carries_secrets_and_encoded_labels_and_rows_hold_neither_secret_nor_templates() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    let app = Router::new().fallback(move |request: Request| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 10_000).await.unwrap();
        let authorization = parts.headers["authorization"].to_str().unwrap().to_owned();
        log.lock().push(format!("{} {authorization} {}", parts.uri, String::from_utf8_lossy(&body)));
        format!("you sent {authorization}")
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async move { axum::serve(listener, app).await.unwrap() };
    let mut step = http("call");
    step.uses = Uses::Http {
        method: "POST".to_owned(),
        url: format!("http://{address}/do/{{{{ labels.evil }}}}/x"),
        headers: BTreeMap::from([("Authorization".to_owned(), "Bearer ${env:TOKEN}".to_owned())]),
        body: Some(json!({"evil": "{{ labels.evil }}", "secret": "${env:TOKEN}", "n": 1})),
        expect_status: Vec::new(),
    };
    let world = World::new().await;
    let run = tokio::select! {
        run = carried_out(&world, step) => run,
        () = server => unreachable!("the server runs until it is dropped"),
    };
    assert_eq!(status(&run), Status::Succeeded, "{}", run.row.outcome);
    assert_eq!(
        *seen.lock(),
        ["/do/%3B%24%28touch%20x%29%20%24%7Benv%3ATOKEN%7D%20%7B%7B%207%20%7D%7D/x Bearer s3cr3t-{{ target }} \
          {\"evil\":\";$(touch x) ${env:TOKEN} {{ 7 }}\",\"n\":1,\"secret\":\"s3cr3t-{{ target }}\"}"],
    );
    assert_eq!(run.records[0].result["data"]["body"], "you sent Bearer ${env:TOKEN}");
    let rows: Vec<String> = sqlx::query_scalar("SELECT input || result FROM run_step UNION ALL SELECT data FROM ledger UNION ALL SELECT definition || outcome FROM run")
        .fetch_all(world.state.read())
        .await
        .unwrap();
    assert!(rows.iter().all(|r| !r.contains("s3cr3t")), "{rows:?}");
}

#[tokio::test]
async fn a_label_cannot_choose_the_host_of_a_request() {
    let world = World::new().await;
    let mut step = http("call");
    if let Uses::Http { url, .. } = &mut step.uses {
        *url = "http://{{ target }}/x".to_owned();
    }
    let run = carried_out(&world, step).await;
    assert!(run.row.outcome.contains("may not be reached this way"), "{}", run.row.outcome);
}

#[tokio::test]
async fn a_metric_step_writes_a_sample() {
    let world = World::new().await;
    let step = Step {
        uses: Uses::Metric {
            name: "healed_total".to_owned(),
            value: "{{ 1 + 1 }}".to_owned(),
            labels: BTreeMap::from([("s".to_owned(), "{{ target }}".to_owned())]),
        },
        ..http("m")
    };
    assert_eq!(status(&carried_out(&world, step).await), Status::Succeeded);
    let batches = world.sink.0.lock();
    let series = batches.iter().flat_map(|b| &b.series).find(|s| s.labels.name() == Some("healed_total")).unwrap();
    assert_eq!((series.labels.get("s"), series.samples[0].v), (Some("payments"), 2.0));
}
