//! How much a receiver wants at a time, for how long it is tried, and who is told instead.

use watchkeeper_config::model::receiver::Rate;
use watchkeeper_domain::Span;
use watchkeeper_state::Reconciler as _;
use watchkeeper_testkit::{Answer, MockWebhook};

use crate::world::{World, drain};

#[tokio::test]
async fn a_receiver_that_wants_three_a_minute_gets_three_a_minute_and_all_in_the_end() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    world.webhook("team", &mock.url("/hook"));
    world.receiver("team").rate = Some(Rate { messages: 3, per: Span::from_secs(60) });
    let deliverer = world.deliverer("one");
    for at in 0..8 {
        world.say("team", &format!("t{at}"), "firing", "A").await;
    }
    let start = world.env.now();
    let mut counts = Vec::new();
    for _ in 0..3 {
        drain(&deliverer).await;
        counts.push(mock.requests().len());
        if let Some(due) = deliverer.reconcile().await.expect("a pass").next_due {
            world.clock.set(due);
        }
    }
    assert_eq!(counts, [3, 6, 8]);
    let took = world.env.now().since(start);
    assert!(took >= Span::from_secs(119) && took <= Span::from_secs(181), "{took}");
}

#[tokio::test]
async fn what_a_receiver_refuses_is_told_to_its_fallback_and_so_is_its_end() {
    let (mut world, first, second) = (World::new().await, MockWebhook::start().await, MockWebhook::start().await);
    world.webhook("team", &first.url("/hook"));
    world.webhook("boss", &second.url("/hook"));
    world.receiver("team").fallback = Some("boss".to_owned());
    let deliverer = world.deliverer("one");
    // What arrives is not told twice.
    world.say("team", "fine", "firing", "A").await;
    drain(&deliverer).await;
    assert_eq!(second.requests().len(), 0);
    first.script([Answer::Status(410, "gone".to_owned())]);
    let id = world.say("team", "bad", "firing", "B").await[0];
    drain(&deliverer).await;
    assert_eq!(world.row(id).await.state, "failed");
    let told = second.requests();
    assert_eq!((told.len(), &told[0].json()["status"]), (1, &"firing".into()));
    let why = world.ledger().await.into_iter().rfind(|row| row.kind == "notification.intended").unwrap();
    assert_eq!(why.data["reason"], "team could not be told: gone", "{:?}", why.data);
    // The receiver works again by then: both hear that it is over.
    world.say("team", "bad", "resolved", "B").await;
    drain(&deliverer).await;
    assert_eq!(first.requests().len(), 3);
    let told = second.requests();
    assert_eq!((told.len(), &told[1].json()["status"]), (2, &"resolved".into()));
    // And of what never failed, the fallback hears no end.
    world.say("team", "fine", "resolved", "A").await;
    drain(&deliverer).await;
    assert_eq!(second.requests().len(), 2);
}

#[tokio::test]
async fn when_its_total_time_is_over_a_receiver_is_given_up_and_the_fallback_told() {
    let (mut world, first, second) = (World::new().await, MockWebhook::start().await, MockWebhook::start().await);
    first.otherwise(Answer::Status(503, String::new()));
    world.webhook("team", &first.url("/hook"));
    world.webhook("boss", &second.url("/hook"));
    world.receiver("team").fallback = Some("boss".to_owned());
    world.receiver("team").total_time = Some(Span::from_secs(300));
    let deliverer = world.deliverer("one");
    let id = world.say("team", "t", "firing", "A").await[0];
    let start = world.env.now();
    while world.row(id).await.state != "failed" {
        drain(&deliverer).await;
        if let Some(due) = deliverer.reconcile().await.expect("a pass").next_due {
            world.clock.set(due);
        }
        assert!(world.env.now().since(start) <= Span::from_secs(900), "it is not given up");
    }
    drain(&deliverer).await;
    assert_eq!(second.requests().len(), 1);
}

#[tokio::test]
async fn in_a_storm_people_hear_of_everything_in_the_last_message_that_they_take() {
    let (mut world, mock) = (World::new().await, MockWebhook::start().await);
    mock.answer_by(watchkeeper_testkit::providers::discord);
    let webhook_url = watchkeeper_config::Secret::new("${env:DISCORD}", mock.url("/api/webhooks/1/x"));
    let service = watchkeeper_config::model::receiver::Service::Discord { webhook_url };
    let service = watchkeeper_config::model::receiver::ServiceIntegration { service, send_resolved: true };
    world.receiver("team").services.push(service);
    world.receiver("team").rate = Some(Rate { messages: 2, per: Span::from_secs(60) });
    let deliverer = world.deliverer("one");
    let mut ids = Vec::new();
    for at in 0..30 {
        ids.extend(world.say("team", &format!("t{at}"), "firing", "A").await);
    }
    drain(&deliverer).await;
    let said = mock.requests();
    assert_eq!(said.len(), 2, "two messages tell of thirty groups");
    let embed = said[1].json()["embeds"][0].clone();
    assert!(embed["title"].as_str().unwrap().contains("FIRING:29"), "{embed}");
    assert!(embed["description"].as_str().unwrap().contains("and 19 more"), "{embed}");
    let mut states = std::collections::BTreeMap::new();
    for id in &ids {
        *states.entry(world.row(*id).await.state).or_insert(0) += 1;
    }
    assert_eq!(states, [("delivered".to_owned(), 2), ("superseded".to_owned(), 28)].into());
    assert_eq!(world.story(ids[20]).await, ["intended", "gathered"]);
    // Their ends are told in the same way, and only after their beginnings.
    world.clock.advance(Span::from_secs(61));
    for at in 0..30 {
        world.say("team", &format!("t{at}"), "resolved", "A").await;
    }
    drain(&deliverer).await;
    assert_eq!(mock.requests().len(), 4);
    assert!(mock.requests()[3].json()["embeds"][0]["title"].as_str().unwrap().contains("RESOLVED:29"));
}
