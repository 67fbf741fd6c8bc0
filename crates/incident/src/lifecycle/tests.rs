//! Every move from every state.

use std::collections::BTreeMap;

use watchkeeper_domain::ids::IncidentId;
use watchkeeper_domain::{Actor, Category, Priority, Span, Timestamp};

use super::{Event, REOPEN_WITHIN, step};
use crate::incident::{Incident, IncidentKind, IncidentState as S, Role};

fn incident(state: S) -> Incident {
    let id: IncidentId = "inc_01934a5b000070008000000000000001".parse().unwrap();
    let at = Timestamp::from_secs(100);
    Incident {
        id,
        number: 7,
        key: "operational {service=\"payments\"}".into(),
        title: "Down".into(),
        kind: IncidentKind::Operational,
        restricted: false,
        state,
        priority: Priority::High,
        category: Category::Application,
        component: None,
        summary: String::new(),
        roles: BTreeMap::new(),
        started_at: at,
        opened_at: at,
        acknowledged_at: (state > S::Triggered).then_some(at),
        acknowledged_by: (state > S::Triggered).then(|| "user:ana".into()),
        mitigated_at: None,
        resolved_at: (state >= S::Resolved).then_some(at),
        resolved_by: (state >= S::Resolved).then(|| "system".into()),
        closed_at: None,
        handed_over_at: None,
        updated_at: at,
    }
}

const NOW: Timestamp = Timestamp::from_secs(200);

#[test]
fn the_table_of_moves_is_complete() {
    let bo = || Actor::User("bo".into());
    type Move = fn(Actor) -> Event;
    type Outcomes = [Result<Option<S>, ()>; 5];
    let table: [(Move, Outcomes); 5] = [
        (Event::Acknowledge, [Ok(Some(S::Acknowledged)), Ok(None), Ok(None), Err(()), Err(())]),
        (Event::Mitigate, [Ok(Some(S::Mitigated)), Ok(Some(S::Mitigated)), Ok(None), Err(()), Err(())]),
        (Event::Resolve, [Ok(Some(S::Resolved)), Ok(Some(S::Resolved)), Ok(Some(S::Resolved)), Ok(None), Err(())]),
        (Event::Close, [Err(()), Err(()), Err(()), Ok(Some(S::Closed)), Ok(None)]),
        (
            |_| Event::AlertsEnded,
            [Ok(Some(S::Resolved)), Ok(Some(S::Resolved)), Ok(Some(S::Resolved)), Ok(None), Ok(None)],
        ),
    ];
    for (event, expected) in table {
        for (state, expected) in S::ALL.iter().zip(expected) {
            let moved = step(&incident(*state), &event(bo()), NOW);
            let moved = moved.map(|next| next.map(|next| next.state)).map_err(|conflict| {
                assert!(conflict.to_string().contains("INC-7"), "{conflict}");
            });
            assert_eq!(moved, expected, "{state} + {:?}", event(bo()));
        }
    }
}

#[test]
fn the_first_to_take_it_stays_and_a_resolve_counts_as_taking_it() {
    let ana = incident(S::Acknowledged);
    let resolved = step(&ana, &Event::Resolve(Actor::User("bo".into())), NOW).unwrap().unwrap();
    assert_eq!(resolved.acknowledged_by.as_deref(), Some("user:ana"));
    let resolved = step(&incident(S::Triggered), &Event::Resolve(Actor::User("bo".into())), NOW).unwrap().unwrap();
    assert_eq!((resolved.acknowledged_by.as_deref(), resolved.acknowledged_at), (Some("user:bo"), Some(NOW)));
}

#[test]
fn priority_only_rises_and_the_start_only_moves_back() {
    let join = |priority, at| Event::Joined { priority, started_at: Timestamp::from_secs(at), name: None };
    let next = step(&incident(S::Triggered), &join(Priority::Low, 150), NOW).unwrap().unwrap();
    assert_eq!((next.priority, next.started_at), (Priority::High, Timestamp::from_secs(100)));
    let next = step(&next, &join(Priority::Critical, 50), NOW).unwrap().unwrap();
    assert_eq!((next.priority, next.started_at), (Priority::Critical, Timestamp::from_secs(50)));
}

#[test]
fn it_is_called_after_its_most_urgent_alert() {
    let named = |priority, title: &str| Event::Joined {
        priority,
        started_at: NOW,
        name: Some((title.to_owned(), Category::Database)),
    };
    let first = incident(S::Triggered);
    let same = step(&first, &named(Priority::High, "as urgent"), NOW).unwrap().unwrap();
    assert_eq!((same.title, same.category), (first.title.clone(), first.category));
    let worse = step(&first, &named(Priority::Critical, "worse"), NOW).unwrap().unwrap();
    assert_eq!((worse.title.as_str(), worse.category), ("worse", Category::Database));
}

#[test]
fn a_security_incident_does_not_end_with_its_alerts() {
    let security = Incident { kind: IncidentKind::Security, ..incident(S::Acknowledged) };
    assert_eq!(step(&security, &Event::AlertsEnded, NOW), Ok(None));
}

#[test]
fn only_what_the_system_resolved_not_long_ago_is_reopened() {
    let resolved = incident(S::Resolved);
    let at = resolved.resolved_at.unwrap();
    let again = step(&resolved, &Event::Refired, at + REOPEN_WITHIN).unwrap().unwrap();
    assert_eq!((again.state, again.acknowledged_at, again.resolved_at), (S::Triggered, None, None));
    assert!(step(&resolved, &Event::Refired, at + REOPEN_WITHIN + Span::from_millis(1)).is_err());
    let by_a_person = Incident { resolved_by: Some("user:ana".into()), ..resolved };
    assert!(step(&by_a_person, &Event::Refired, at).is_err());
}

#[test]
fn giving_a_role_twice_changes_nothing() {
    let give = Event::Assign(Role::Scribe, Some("ana".into()));
    let given = step(&incident(S::Triggered), &give, NOW).unwrap().unwrap();
    assert_eq!(step(&given, &give, NOW), Ok(None));
    assert!(step(&incident(S::Closed), &give, NOW).is_err());
}
