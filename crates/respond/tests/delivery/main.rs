//! Delivery under faults: what a receiver may do to us, and what people must be able to rely on all the same.

mod crash;
mod hostile;
mod mail;
mod manners;
mod services;
mod slack;
mod world;

use watchkeeper_domain::{Actor, Span};
use watchkeeper_respond::notify::{Settings, destination};
use watchkeeper_state::Reconciler;
use watchkeeper_testkit::{Answer, MockWebhook};
use world::{World, drain};

/// Moves the clock to what is due next, until the receiver has had `requests` requests and all is recorded.
async fn until_requests(
    world: &World,
    deliverer: &watchkeeper_respond::notify::Deliverer,
    mock: &MockWebhook,
    requests: usize,
) {
    while mock.requests().len() < requests {
        drain(deliverer).await;
        if mock.requests().len() < requests {
            let report = deliverer.reconcile().await.expect("a pass");
            world.clock.set(report.next_due.expect("something is due later"));
        }
    }
    drain(deliverer).await;
}

#[tokio::test]
async fn a_delivered_message_leaves_a_receipt_and_the_whole_story() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    let row = world.row(id).await;
    assert_eq!((row.state.as_str(), row.attempts, row.receipt.as_deref()), ("delivered", 1, Some("ok")));
    assert_eq!(world.story(id).await, ["intended", "attempted", "delivered"]);
    let of_alert = watchkeeper_state::ledger::About::Alert(world.alert);
    let explained = watchkeeper_state::ledger::entries(world.state.read(), of_alert, 10).await.expect("readable");
    assert_eq!(explained.len(), 3, "each entry is found from the alert");
    let request = &mock.requests()[0];
    assert_eq!(request.header("idempotency-key"), Some(id.to_string().as_str()));
    let body = request.json();
    assert_eq!(body["version"], "4");
    assert_eq!(body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    assert_eq!(body["commonLabels"]["service"], "checkout");
}

#[tokio::test]
async fn a_receiver_that_fails_for_a_while_gets_the_message_once_it_works_again() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.script([
        Answer::Status(500, "oops".into()),
        Answer::Status(503, String::new()),
        Answer::Status(502, String::new()),
    ]);
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let deliverer = world.deliverer("one");
    until_requests(&world, &deliverer, &mock, 4).await;
    let row = world.row(id).await;
    assert_eq!(row.outcomes, ["retry", "retry", "retry", "delivered"]);
    assert_eq!(row.state, "delivered");
    let keys: Vec<_> = mock.requests().iter().map(|r| r.header("idempotency-key").map(str::to_owned)).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "one key for all attempts");
}

#[tokio::test]
async fn retry_after_is_honoured_for_everybody_who_waits_for_the_receiver() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.script([Answer::RetryAfter(429, 120)]);
    let first = world.say("team", "one", "firing", "A").await[0];
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    let asked_at = world.env.now();
    let second = world.say("team", "two", "firing", "B").await[0];
    drain(&deliverer).await;
    assert_eq!(mock.requests().len(), 1, "the second was sent while the receiver asked for quiet");
    let due = deliverer.reconcile().await.expect("a pass").next_due.expect("due later");
    assert!(due >= asked_at + Span::from_secs(120), "{due}");
    world.clock.advance(Span::from_secs(121));
    drain(&deliverer).await;
    assert_eq!(mock.requests().len(), 3);
    for id in [first, second] {
        assert_eq!(world.row(id).await.state, "delivered");
    }
}

#[tokio::test]
async fn a_receiver_that_is_down_is_retried_with_growing_waits_until_the_deadline_and_then_fails_visibly() {
    let mut world = World::new().await;
    // A port that was free a moment ago and where nobody listens.
    let gone = MockWebhook::start().await;
    let url = gone.url("/hook-with-a-secret");
    drop(gone);
    tokio::task::yield_now().await;
    world.webhook("team", &url);
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let (deliverer, start) = (world.deliverer("one"), world.env.now());
    let mut passes = 0;
    while world.row(id).await.state != "failed" {
        drain(&deliverer).await;
        if let Some(due) = deliverer.reconcile().await.expect("a pass").next_due {
            let wait = due.since(world.env.now());
            assert!(wait <= Span::from_secs(300), "{wait}");
            world.clock.set(due);
        }
        passes += 1;
        assert!(passes < 2_000, "it never gives up");
    }
    let row = world.row(id).await;
    assert!((200..600).contains(&row.attempts), "{} attempts in 24 hours", row.attempts);
    assert!(
        world.env.now().since(start) <= Span::from_secs(24 * 3_600 + 300),
        "noticed at the next probe at the latest"
    );
    assert!(row.last_error.as_deref().is_some_and(|e| e.contains("given up") && !e.contains("secret")), "{row:?}");
    assert_eq!(world.story(id).await.last().map(String::as_str), Some("failed"));
    assert!(world.ledger().await.iter().any(|e| e.kind == "receiver.unreachable"));
}

#[tokio::test]
async fn what_a_receiver_will_never_take_is_not_repeated() {
    for status in [400, 401, 404, 410, 413] {
        let (mut world, mock) = (World::new().await, MockWebhook::start().await);
        world.webhook("team", &mock.url("/hook"));
        mock.script([Answer::Status(status, "no".into())]);
        let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
        let deliverer = world.deliverer("one");
        drain(&deliverer).await;
        let row = world.row(id).await;
        assert_eq!(
            (row.state.as_str(), row.outcomes.as_slice()),
            ("failed", ["failed".to_owned()].as_slice()),
            "{status}"
        );
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_repeated_once_with_the_same_key_and_then_given_up_visibly() {
    for answer in [Answer::CloseAfterReading, Answer::Garbage] {
        let (mut world, mock) = (World::new().await, MockWebhook::start().await);
        world.webhook("team", &mock.url("/hook"));
        mock.otherwise(answer);
        let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
        let deliverer = world.deliverer("one");
        until_requests(&world, &deliverer, &mock, 2).await;
        world.clock.advance(Span::from_secs(24 * 3_600));
        drain(&deliverer).await;
        let requests = mock.requests();
        assert_eq!(requests.len(), 2, "sent more than once more");
        assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
        let row = world.row(id).await;
        assert_eq!((row.state.as_str(), row.outcomes.len()), ("failed", 2));
        assert!(row.outcomes.iter().all(|o| o == "unknown"), "{row:?}");
        assert_eq!(world.story(id).await, ["intended", "attempted", "unknown", "attempted", "unknown", "failed"]);
        let again = world
            .ledger()
            .await
            .into_iter()
            .filter(|e| e.kind == "notification.attempted")
            .nth(1)
            .expect("two attempts");
        assert!(again.data["reason"].as_str().is_some_and(|r| r.contains("unknown")), "{again:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_counts_as_unknown_and_one_that_then_answers_as_delivered() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.script([Answer::Hang]);
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let deliverer = world.deliverer("one");
    assert_eq!(deliverer.reconcile().await.expect("a pass").processed, 1);
    mock.received(1).await;
    world.clock.advance(Span::from_secs(11));
    deliverer.settle().await;
    assert_eq!(world.row(id).await.outcomes, ["unknown"]);
    until_requests(&world, &deliverer, &mock, 2).await;
    assert_eq!(world.row(id).await.outcomes, ["unknown", "delivered"]);
}

#[tokio::test]
async fn a_slow_receiver_does_not_delay_another() {
    let (mut world, slow, quick) = (World::new().await, MockWebhook::start().await, MockWebhook::start().await);
    world.webhook("slow", &slow.url("/hook"));
    world.webhook("quick", &quick.url("/hook"));
    slow.otherwise(Answer::Hang);
    // Many more than a pass takes, all before the first of the other receiver.
    for i in 0..100 {
        world.say("slow", &format!("t{i}"), "firing", "Slow").await;
    }
    let mut ids = Vec::new();
    for i in 0..10 {
        ids.extend(world.say("quick", &format!("q{i}"), "firing", "Quick").await);
    }
    let deliverer = world.deliverer("one");
    // The slow one never settles, so this waits for what it wants to see and for nothing else.
    for wanted in [4, 8, 10] {
        deliverer.reconcile().await.expect("a pass");
        quick.received(wanted).await;
        while deliverer.in_flight() > destination::SLOTS {
            world.wake.woken().await;
        }
    }
    for id in ids {
        assert_eq!(world.row(id).await.state, "delivered");
    }
    assert_eq!(slow.received(destination::SLOTS).await.len(), destination::SLOTS, "a destination takes its slots only");
    slow.release();
    slow.otherwise(Answer::ok());
    drain(&deliverer).await;
    deliverer.settle().await;
    drain(&deliverer).await;
    assert_eq!(slow.requests().len(), 100);
}

#[tokio::test]
async fn messages_of_one_thread_arrive_in_order_even_when_the_first_must_be_repeated() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.script([Answer::Status(500, String::new())]);
    world.say("team", "t", "firing", "First").await;
    world.say("team", "t", "resolved", "Second").await;
    world.say("team", "other", "firing", "Independent").await;
    let deliverer = world.deliverer("one");
    until_requests(&world, &deliverer, &mock, 4).await;
    let name =
        |i: usize| mock.requests()[i].json()["commonLabels"]["alertname"].as_str().unwrap_or_default().to_owned();
    let all: Vec<String> = (0..4).map(name).collect();
    let of_thread: Vec<&str> = all.iter().map(String::as_str).filter(|n| *n != "Independent").collect();
    assert_eq!(of_thread, ["First", "First", "Second"]);
}

#[tokio::test]
async fn an_open_breaker_is_probed_by_one_message_whose_success_lets_the_others_go_at_once() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.otherwise(Answer::Status(503, String::new()));
    for i in 0..12 {
        world.say("team", &format!("t{i}"), "firing", "Down").await;
    }
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    let asked = mock.requests().len();
    assert!(asked < 12, "an open breaker was ignored: {asked} requests");
    // A message may be due again before the hold ends; nothing leaves then.
    while mock.requests().len() == asked {
        let due = deliverer.reconcile().await.expect("a pass").next_due.expect("probed later");
        world.clock.set(due);
        deliverer.reconcile().await.expect("a pass");
        deliverer.settle().await;
    }
    assert_eq!(mock.requests().len(), asked + 1, "more than one probe");
    mock.otherwise(Answer::ok());
    while mock.requests().len() == asked + 1 {
        let due = deliverer.reconcile().await.expect("a pass").next_due.expect("probed later");
        world.clock.set(due);
        drain(&deliverer).await;
    }
    assert_eq!(mock.requests().len(), asked + 1 + 12, "the others did not go at once");
    assert!(world.ledger().await.iter().any(|e| e.kind == "receiver.recovered"));
}

#[tokio::test]
async fn a_receiver_that_was_removed_with_messages_pending_fails_them_visibly() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let deliverer = world.deliverer("one");
    deliverer.configure(&Settings::default());
    drain(&deliverer).await;
    let row = world.row(id).await;
    assert_eq!(row.state, "failed");
    assert!(row.last_error.as_deref().is_some_and(|e| e.contains("team")), "{row:?}");
    assert!(mock.requests().is_empty());
}

#[tokio::test]
async fn a_test_message_takes_the_real_path() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    let receiver = world.settings.receivers["team"].clone();
    let by = Actor::User("alice".to_owned());
    let ids = watchkeeper_respond::notify::test(&world.state, &world.env, &receiver, &by).await.expect("it is put in");
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    assert_eq!(world.row(ids[0]).await.state, "delivered");
    assert!(
        mock.requests()[0].json()["commonAnnotations"]["summary"].as_str().is_some_and(|s| s.contains("user:alice"))
    );
}

#[tokio::test]
async fn a_signed_webhook_can_be_verified_by_its_receiver() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    let hook = world.webhook("team", &mock.url("/hook"));
    hook.signing_secret = Some(watchkeeper_config::Secret::new("${env:S}", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    hook.bearer_token = Some(watchkeeper_config::Secret::new("${env:T}", "token-of-the-receiver"));
    world.say("team", "t", "firing", "HighErrorRate").await;
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    let request = &mock.requests()[0];
    let header = |name: &str| request.header(name).unwrap_or_default();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let signature = watchkeeper_respond::notify::webhook::sign(
        secret,
        header("webhook-id"),
        header("webhook-timestamp"),
        &request.body,
    );
    assert_eq!(header("webhook-signature"), signature);
    assert_eq!(header("authorization"), "Bearer token-of-the-receiver");
}

#[tokio::test]
async fn from_the_wake_up_to_the_socket_it_takes_milliseconds() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    let deliverer = world.deliverer("one");
    let mut took = Vec::new();
    for i in 1..=20 {
        world.say("team", "t", "firing", "HighErrorRate").await;
        let woken = mock.elapsed();
        deliverer.reconcile().await.expect("a pass");
        let received = mock.received(i).await;
        took.push(received[i - 1].after.saturating_sub(woken));
        deliverer.settle().await;
    }
    took.sort_unstable();
    // The bound is loose, because tests share the machine; the figure is for people.
    println!("wake-up to request: median {:?}, worst {:?}", took[10], took[19]);
    assert!(took[10] < std::time::Duration::from_millis(250), "{took:?}");
}
