//! The process dies at each point between claim and record; the next one must lose nothing and double at most once.

use watchkeeper_domain::Span;
use watchkeeper_state::Reconciler;
use watchkeeper_testkit::{Answer, MockWebhook};

use super::world::{World, drain};

#[tokio::test]
async fn dying_after_the_claim_and_before_the_request_loses_nothing() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    // What the claim has committed, and nothing after it: the process was gone before the send began.
    world.execute("UPDATE notification SET state = 'sending', attempts = 1, lease_owner = 'first', lease_until = 9000000000000000").await;
    world.execute("INSERT INTO notification_attempt (notification_id, n, started_at, outcome) SELECT id, 1, 1, 'started' FROM notification").await;
    let second = world.deliverer("second");
    drain(&second).await;
    let row = world.row(id).await;
    assert_eq!((row.state.as_str(), row.outcomes), ("delivered", vec!["unknown".to_owned(), "delivered".to_owned()]));
    assert_eq!(mock.requests().len(), 1);
    assert_eq!(world.story(id).await, ["intended", "unknown", "attempted", "delivered"]);
}

#[tokio::test]
async fn dying_while_the_receiver_thinks_doubles_at_most_once_and_says_why() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.script([Answer::Hang]);
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let first = world.deliverer("first");
    first.reconcile().await.expect("a pass");
    mock.received(1).await;
    drop(first);
    let second = world.deliverer("second");
    drain(&second).await;
    assert_eq!(mock.requests().len(), 2);
    assert_eq!(world.row(id).await.state, "delivered");
    let again = world.ledger().await.into_iter().rfind(|e| e.kind == "notification.attempted").expect("attempted");
    assert!(again.data["reason"].as_str().is_some_and(|r| r.contains("unknown")), "{again:?}");
}

#[tokio::test]
async fn dying_between_the_answer_and_its_record_doubles_at_most_once() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.script([Answer::Hang]);
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let first = world.deliverer("first");
    first.reconcile().await.expect("a pass");
    mock.received(1).await;
    // The only writer is taken: the answer comes, but cannot be recorded.
    let blocker = world.state.write().await.expect("the writer");
    mock.release();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    drop(first);
    drop(blocker);
    assert_eq!(world.row(id).await.outcomes, ["started"]);
    let second = world.deliverer("second");
    drain(&second).await;
    assert_eq!(mock.requests().len(), 2);
    assert_eq!(world.row(id).await.outcomes, ["unknown", "delivered"]);
}

#[tokio::test]
async fn dying_again_and_again_in_the_middle_ends_visibly_and_not_in_a_storm() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.otherwise(Answer::Hang);
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    for (boot, seen) in [("first", 1), ("second", 2)] {
        let deliverer = world.deliverer(boot);
        deliverer.reconcile().await.expect("a pass");
        mock.received(seen).await;
    }
    let third = world.deliverer("third");
    drain(&third).await;
    assert_eq!(mock.requests().len(), 2);
    let row = world.row(id).await;
    assert_eq!(row.state, "failed");
    assert!(row.last_error.is_some_and(|e| e.contains("nobody knows")));
}

#[tokio::test]
async fn a_lease_of_another_live_process_is_respected_until_it_ends() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    mock.script([Answer::Hang]);
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let first = world.deliverer("first");
    first.reconcile().await.expect("a pass");
    mock.received(1).await;
    drop(first);
    let options = watchkeeper_respond::notify::Options { boot_id: "second".to_owned(), sole_owner: false };
    let client = watchkeeper_respond::client::Client::new().expect("a client");
    let second = watchkeeper_respond::notify::Deliverer::new(
        world.state.clone(),
        world.env.clone(),
        options,
        &world.settings,
        client,
        std::sync::Arc::new(super::world::Quiet),
        world.wake.clone(),
    );
    let report = second.reconcile().await.expect("a pass");
    assert_eq!(report.processed, 0);
    world.clock.set(report.next_due.expect("the end of the lease"));
    drain(&second).await;
    assert_eq!(world.row(id).await.state, "delivered");
}

#[tokio::test]
async fn a_stop_lets_what_is_on_its_way_end_within_its_grace() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let deliverer = world.deliverer("first");
    deliverer.reconcile().await.expect("a pass");
    deliverer.shutdown(Span::from_secs(5)).await;
    assert_eq!(world.row(id).await.state, "delivered");
    mock.otherwise(Answer::Hang);
    let id = world.say("team", "u", "firing", "HighErrorRate").await[0];
    deliverer.reconcile().await.expect("a pass");
    mock.received(2).await;
    let (_, ()) = futures::join!(deliverer.shutdown(Span::from_secs(5)), async {
        world.clock.until_sleeping(2).await;
        world.clock.advance(Span::from_secs(6));
    });
    assert_eq!(deliverer.in_flight(), 0);
    assert_eq!(world.row(id).await.outcomes, ["started"]);
}
