//! From alerts to incidents: the gate, opening, joining, workflows, hand-over, the end.

use watchkeeper_domain::{Actor, Category, Matcher, Priority, Span};

use super::world::{World, policy};
use crate::incident::{IncidentKind, IncidentState};
use crate::open::AFTERCARE;
use crate::read::{self, Viewer};

#[tokio::test]
async fn an_alert_opens_an_incident_with_component_roles_and_a_workflow() {
    let world = World::new().await;
    let alert = world.down("payments").await;
    world.settle().await;
    let incident = world.all().await.remove(0);
    assert_eq!((incident.number, incident.title.as_str()), (1, "Down on payments"));
    assert_eq!((incident.kind, incident.state), (IncidentKind::Operational, IncidentState::Triggered));
    assert_eq!((incident.component.as_deref(), incident.owner()), (Some("payments"), Some("ana")));
    assert_eq!(incident.opened_at.since(incident.started_at), Span::from_secs(12));
    assert_eq!(world.runs().await, ["restart"]);
    assert!(world.handovers().await.is_empty());
    let detail = read::get(world.state.read(), Viewer::PUBLIC, incident.id).await.unwrap();
    assert_eq!((detail.alerts[0].id, detail.alerts[0].incident_id), (alert, Some(incident.id)));
    assert_eq!(world.ledger_of(incident.id).await, ["incident.opened", "incident.joined", "workflow.requested"]);
}

#[tokio::test]
async fn what_is_below_the_threshold_opens_nothing() {
    let world = World::new().await;
    world.fire("Disk", "front", Category::Resource, Priority::Low).await;
    world.settle().await;
    assert!(world.all().await.is_empty());
}

#[tokio::test]
async fn alerts_of_one_service_join_and_the_most_urgent_gives_priority_and_name() {
    let world = World::new().await;
    world.fire("Slow", "payments", Category::Application, Priority::Medium).await;
    world.settle().await;
    world.fire("Errors", "payments", Category::Database, Priority::High).await;
    world.down("front").await;
    world.settle().await;
    let all = world.all().await;
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].priority, all[0].category), (Priority::High, Category::Database));
    let title = all[0].title.clone();
    world.fire("Odd", "payments", Category::Application, Priority::High).await;
    world.settle().await;
    assert_eq!(world.all().await[0].title, title, "an equally urgent one does not rename it");
    assert_eq!(world.runs().await, ["restart"], "one run per workflow and incident");
}

#[tokio::test]
async fn a_security_alert_never_starts_a_remediation_nor_joins_an_operational_incident() {
    let world = World::new().await;
    world.down("payments").await;
    world.fire("FailedLogins", "payments", Category::Security, Priority::High).await;
    world.fire("OddAccess", "payments", Category::Security, Priority::High).await;
    world.settle().await;
    let all = world.all().await;
    let kinds: Vec<_> = all.iter().map(|incident| (incident.kind, incident.restricted)).collect();
    let security = (IncidentKind::Security, true);
    assert_eq!(kinds, [(IncidentKind::Operational, false), security, security]);
    assert_eq!(world.runs().await, ["restart", "isolate", "isolate"]);
}

#[tokio::test]
async fn a_restricted_incident_does_not_exist_for_those_without_the_right() {
    let world = World::new().await;
    world.fire("FailedLogins", "front", Category::Security, Priority::High).await;
    world.settle().await;
    let id = world.all().await[0].id;
    assert!(read::get(world.state.read(), Viewer::ALL, id).await.is_ok());
    let hidden = read::get(world.state.read(), Viewer::PUBLIC, id).await.unwrap_err();
    assert!(matches!(hidden, crate::Error::NotFound { .. }));
    assert!(read::by_number(world.state.read(), Viewer::PUBLIC, 1).await.is_err());
    let listed = read::list(world.state.read(), Viewer::PUBLIC, &read::Filter::default()).await.unwrap();
    assert!(listed.items.is_empty());
    let actor = watchkeeper_domain::Actor::User("eve".into());
    assert!(world.incidents.acknowledge(Viewer::PUBLIC, id, actor, None).await.is_err());
}

#[tokio::test]
async fn a_security_incident_outlives_its_alerts_until_a_person_resolves_it() {
    let world = World::new().await;
    world.fire("FailedLogins", "front", Category::Security, Priority::High).await;
    world.settle().await;
    world.resolve("FailedLogins", "front", Category::Security).await;
    world.settle().await;
    assert_eq!(world.all().await[0].state, IncidentState::Triggered);
}

#[tokio::test]
async fn without_a_workflow_people_are_called_at_once() {
    let world = World::new().await;
    world.down("front").await;
    world.settle().await;
    let handovers = world.handovers().await;
    assert_eq!(handovers.len(), 1);
    assert_eq!(handovers[0]["incident"]["number"], 1);
    assert_eq!(handovers[0]["headline"], "no workflow is there for it");
    assert!(handovers[0]["tried"].as_array().unwrap().is_empty());
    assert_eq!(world.all().await[0].handed_over_at, Some(world.now()));
    world.settle().await;
    assert_eq!(world.handovers().await.len(), 1);
}

#[tokio::test]
async fn a_refused_workflow_is_handed_over_with_the_reason() {
    let world = World::with(policy(), Some("3 runs in the last hour")).await;
    world.down("payments").await;
    world.settle().await;
    let handovers = world.handovers().await;
    assert_eq!(handovers.len(), 1);
    assert_eq!(handovers[0]["headline"], "restart may not run: 3 runs in the last hour");
}

#[tokio::test]
async fn a_workflow_that_did_not_help_is_handed_over_with_what_was_tried() {
    let mut world = World::new().await;
    world.down("payments").await;
    world.settle().await;
    world.end_runs("failed", "the SLI stayed at 80 %").await;
    world.restart().await;
    world.settle().await;
    let handovers = world.handovers().await;
    assert_eq!(handovers.len(), 1);
    assert_eq!(handovers[0]["tried"][0]["workflow"], "restart");
    assert_eq!(handovers[0]["tried"][0]["outcome"], "failed");
    assert_eq!(handovers[0]["tried"][0]["detail"], "the SLI stayed at 80 %");
}

#[tokio::test]
async fn the_engines_hook_hands_over_once() {
    let world = World::new().await;
    world.down("payments").await;
    world.settle().await;
    let incident = world.all().await.remove(0);
    world.end_runs("handed_over", "verification failed twice").await;
    for _ in 0..2 {
        let mut tx = world.state.write().await.unwrap();
        let end = crate::RunEnd {
            run: "run_01934a5b000070008000000000000001".parse().unwrap(),
            workflow: "restart".into(),
            incident: incident.id,
            outcome: "verification failed twice".into(),
        };
        world.incidents.run_handed_over(&mut tx, &end).await.unwrap();
        watchkeeper_state::State::commit(tx).await.unwrap();
    }
    world.settle().await;
    assert_eq!(world.handovers().await.len(), 1);
}

#[tokio::test]
async fn after_a_success_the_alerts_have_a_while_to_end_before_people_are_called() {
    let world = World::new().await;
    world.down("payments").await;
    world.settle().await;
    world.end_runs("succeeded", "").await;
    let report = world.settle().await;
    assert_eq!(report.next_due, Some(world.now() + AFTERCARE));
    assert!(world.handovers().await.is_empty());
    world.advance(AFTERCARE);
    world.settle().await;
    assert_eq!(world.handovers().await.len(), 1);
}

#[tokio::test]
async fn a_success_does_not_speak_for_an_alert_that_fires_afterwards() {
    let mut only_for_unreachable = policy();
    for starter in &mut only_for_unreachable.starters {
        starter.on_alert = vec![vec![Matcher::equal("alertname", "Down")]];
    }
    let world = World::with(only_for_unreachable, None).await;
    world.down("payments").await;
    world.settle().await;
    world.end_runs("succeeded", "").await;
    world.up("payments").await;
    world.settle().await;
    world.advance(Span::from_secs(30));
    world.fire("Slow", "payments", Category::Keyvault, Priority::Medium).await;
    world.settle().await;
    assert_eq!(world.all().await.len(), 1, "the incident is open again");
    assert_eq!(world.handovers().await.len(), 1);
}

#[tokio::test]
async fn an_alert_that_joins_what_a_person_has_is_still_repaired() {
    let mut only_for_down = policy();
    for starter in &mut only_for_down.starters {
        starter.on_alert = vec![vec![Matcher::equal("alertname", "Down")]];
    }
    let world = World::with(only_for_down, None).await;
    world.fire("Slow", "payments", Category::Keyvault, Priority::Medium).await;
    world.settle().await;
    let incident = world.all().await.remove(0);
    world.incidents.acknowledge(Viewer::ALL, incident.id, Actor::User("ana".into()), None).await.unwrap();
    world.down("payments").await;
    world.settle().await;
    assert_eq!(world.all().await.len(), 1);
    assert_eq!(world.runs().await, ["restart"]);
}

#[tokio::test]
async fn an_incident_resolves_with_its_last_alert() {
    let world = World::new().await;
    world.down("payments").await;
    world.fire("Errors", "payments", Category::Application, Priority::High).await;
    world.settle().await;
    world.up("payments").await;
    world.settle().await;
    assert_eq!(world.all().await[0].state, IncidentState::Triggered);
    world.resolve("Errors", "payments", Category::Application).await;
    world.settle().await;
    let incident = world.all().await.remove(0);
    assert_eq!((incident.state, incident.resolved_by.as_deref()), (IncidentState::Resolved, Some("system")));
}

#[tokio::test]
async fn what_fires_again_soon_reopens_and_what_fires_again_late_opens_anew() {
    let world = World::new().await;
    world.down("front").await;
    world.settle().await;
    world.up("front").await;
    world.settle().await;
    world.advance(Span::from_secs(600));
    world.down("front").await;
    world.settle().await;
    let all = world.all().await;
    assert_eq!((all.len(), all[0].state), (1, IncidentState::Triggered));
    assert_eq!(world.handovers().await.len(), 2, "people are called for each opening");
    world.up("front").await;
    world.settle().await;
    world.advance(Span::from_secs(601));
    world.down("front").await;
    world.settle().await;
    assert_eq!(world.all().await.len(), 2);
}

#[tokio::test]
async fn an_alert_without_the_labels_is_known_by_its_name() {
    let world = World::new().await;
    world.fire("A", "", Category::Application, Priority::High).await;
    world.fire("B", "", Category::Application, Priority::High).await;
    world.settle().await;
    assert_eq!(world.all().await.len(), 2);
}
