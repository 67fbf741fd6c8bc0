//! Interactions as Slack sends them, and what they are taken for. Not the HTTP route.

use super::dedupe::Seen;
use super::*;
use serde_json::{Value, json};
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::ids::{AlertId, Id, IncidentId};
use watchkeeper_testkit::slack::press::{self, Person};

fn form(payload: &Value) -> Vec<u8> {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish()
        .into_bytes()
}

/// A press as the stand-in (and Slack) sends it.
fn pressed(action_id: &str, value: &str) -> Vec<u8> {
    let text = json!({"type": "plain_text", "text": "x"});
    used(&json!({"type": "button", "action_id": action_id, "value": value, "text": text}), "watchkeeper", None)
}

/// A choice in a menu of people.
fn chosen(block_id: &str, user: Option<&str>) -> Vec<u8> {
    used(&json!({"type": "users_select", "action_id": ASSIGN}), block_id, user)
}

fn used(element: &Value, block_id: &str, chosen: Option<&str>) -> Vec<u8> {
    let person = Person { id: "U024BE7LH".to_owned(), name: "alice".to_owned() };
    form(&press::block_actions(&press::Press {
        person: &person,
        ts: "1700000000.000100",
        message: &json!({"text": "x"}),
        element,
        block_id,
        chosen,
        trigger_id: "1.2.3",
        action_ts: "1700000001.000200",
        response_url: "http://127.0.0.1:1/response/1",
    }))
}

#[test]
fn each_button_becomes_its_command_with_who_pressed_it() {
    let (env, _) = watchkeeper_testkit::env();
    let (alerts, incident) = (vec![AlertId::new(&env)], Some(IncidentId::new(&env)));
    let target = Target { incident, alerts: alerts.clone(), workflow: None };
    let read = |action: &str, target: &Target| {
        let mut presses = presses(&pressed(action, &target.write())).expect("a press");
        assert_eq!(presses.len(), 1);
        presses.remove(0)
    };
    let press = read(ACKNOWLEDGE, &target);
    assert_eq!(press.wish, Ok(Command::Acknowledge { incident, alerts: alerts.clone() }));
    assert_eq!((press.user.id.as_str(), press.user.name.as_str()), ("U024BE7LH", "alice"));
    assert_eq!(stranger(&press.user.id), "slack/U024BE7LH");
    assert_eq!(press.message_ts, "1700000000.000100");
    assert_eq!(
        read(SILENCE, &target).wish,
        Ok(Command::Silence { alerts: alerts.clone(), duration: Span::from_secs(3_600) })
    );
    assert_eq!(read(TAKE, &target).wish, Ok(Command::Assign { incident, alerts: alerts.clone(), to: None }));
    assert_eq!(read(RESOLVE, &target).wish, Ok(Command::Resolve { incident, alerts: alerts.clone() }));
    let run = Target { workflow: Some("restart".to_owned()), ..target };
    let wanted = Command::RunWorkflow { workflow: "restart".to_owned(), incident, alerts };
    assert_eq!(read("run_workflow:restart", &run).wish, Ok(wanted));
}

#[test]
fn who_is_chosen_in_the_menu_is_wished_for_the_incident_of_the_row() {
    let (env, _) = watchkeeper_testkit::env();
    let (alert, incident) = (AlertId::new(&env), IncidentId::new(&env));
    let wish = |row: &str, user| presses(&chosen(row, user)).expect("a choice").remove(0).wish;
    let of_incident = Target { incident: Some(incident), alerts: vec![alert], workflow: None };
    let to = Some("U061F7AUR".to_owned());
    assert_eq!(
        wish(&of_incident.row(), Some("U061F7AUR")),
        Ok(Command::Assign { incident: Some(incident), alerts: Vec::new(), to: to.clone() })
    );
    let of_alert = Target { incident: None, ..of_incident.clone() };
    assert_eq!(
        wish(&of_alert.row(), Some("U061F7AUR")),
        Ok(Command::Assign { incident: None, alerts: vec![alert], to })
    );
    for (row, user) in [("watchkeeper", Some("U1")), ("other:x", Some("U1")), (of_incident.row().as_str(), None)] {
        assert!(wish(row, user).is_err(), "{row}");
    }
}

#[test]
fn what_is_not_known_or_not_readable_gets_a_polite_answer_and_no_command() {
    for (action, value) in [
        ("explode<!channel>", "{}"),
        (ACKNOWLEDGE, "not json"),
        (ACKNOWLEDGE, "{}"),
        (ACKNOWLEDGE, r#"{"alerts":["inc_01934a5b000070008000000000000001"]}"#),
        (ACKNOWLEDGE, r#"{"alerts":["alr_01934a5b000070008000000000000001"],"workflow":"x"}"#),
        ("run_workflow:x", r#"{"alerts":["alr_01934a5b000070008000000000000001"]}"#),
    ] {
        let presses = presses(&pressed(action, value)).expect("well formed");
        let said = presses[0].wish.clone().expect_err(value);
        assert!(!said.is_empty() && !said.contains("<!channel>"), "{said}");
    }
}

#[test]
fn a_body_that_is_not_slacks_is_refused_and_other_interactions_are_no_press() {
    assert!(matches!(presses(b"a=b"), Err(Error::Payload(_))));
    assert!(matches!(presses(b"payload=%7B"), Err(Error::Payload(_))));
    assert!(matches!(presses(&vec![b'a'; MOST_BYTES + 1]), Err(Error::TooLong)));
    let other = json!({"type": "view_submission", "user": {"id": "U1"}});
    assert_eq!(presses(&form(&other)), Ok(Vec::new()));
}

#[test]
fn a_press_is_new_once() {
    let (seen, now) = (Seen::default(), Timestamp::from_secs(1_000));
    assert!(seen.is_new("a", now));
    assert!(!seen.is_new("a", now));
    assert!(seen.is_new("b", now));
    assert!(seen.is_new("a", now + Span::from_secs(3_600)));
}

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&\
                    user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
                    trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

#[test]
fn slacks_own_example_is_believed_and_every_change_of_it_is_not() {
    use signature::{Error, verify};
    let (time, now) = ("1531420618", Timestamp::from_secs(1_531_420_618));
    let check = |secrets: &[&str], signature: &[&str], time: &[&str], body: &[u8], now| {
        verify(secrets, signature, time, body, now)
    };
    let body = BODY.as_bytes();
    assert_eq!(check(&[SECRET], &[SIGNATURE], &[time], body, now), Ok(()));
    assert_eq!(check(&["new-secret", SECRET], &[SIGNATURE], &[time], body, now), Ok(()), "two secrets during a change");
    assert_eq!(check(&[SECRET], &[SIGNATURE], &[time], body, now + Span::from_secs(300)), Ok(()));
    let mut changed = body.to_vec();
    changed[0] ^= 1;
    assert_eq!(check(&[SECRET], &[SIGNATURE], &[time], &changed, now), Err(Error::Mismatch));
    assert_eq!(check(&["other"], &[SIGNATURE], &[time], body, now), Err(Error::Mismatch));
    assert_eq!(check(&[SECRET], &["v0="], &[time], body, now), Err(Error::Mismatch));
    assert_eq!(check(&[SECRET], &[&SIGNATURE.replace("v0", "v1")], &[time], body, now), Err(Error::Mismatch));
    assert_eq!(check(&[SECRET], &[SIGNATURE], &["1531420619"], body, now), Err(Error::Mismatch));
    assert_eq!(check(&[SECRET], &[SIGNATURE], &[time], body, now + Span::from_secs(301)), Err(Error::Time));
    assert_eq!(check(&[SECRET], &[SIGNATURE], &[time], body, now - Span::from_secs(301)), Err(Error::Time));
    assert_eq!(check(&[SECRET], &[SIGNATURE], &["+1531420618"], body, now), Err(Error::Time));
    assert_eq!(check(&[SECRET], &[], &[time], body, now), Err(Error::Missing));
    assert_eq!(check(&[SECRET], &[SIGNATURE, SIGNATURE], &[time], body, now), Err(Error::Missing));
    assert_eq!(check(&[], &[SIGNATURE], &[time], body, now), Err(Error::NoSecret));
    assert_eq!(check(&[""], &[SIGNATURE], &[time], body, now), Err(Error::NoSecret));
}
