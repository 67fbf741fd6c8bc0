//! The plan on its own: boundaries and corners that a story would hide.

use watchkeeper_domain::{Span, Timestamp};

use super::{Held, MAX_CHANGES, Member, Plan, Timing, Told, Why, plan};

const TIMING: Timing =
    Timing { group_wait: None, group_interval: Span::from_secs(300), repeat_interval: Span::from_secs(14_400) };

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn firing() -> Member {
    Member {
        firing: true,
        told: Told::Nothing,
        pages: false,
        acknowledged: false,
        held: None,
        routed: true,
        changed_at: at(0),
    }
}

fn told() -> Member {
    Member { told: Told::Firing, ..firing() }
}

fn over() -> Member {
    Member { firing: false, ..told() }
}

fn decide(last: Option<i64>, members: &[Member], now: i64) -> Plan {
    plan(TIMING, at(0), last.map(at), members, at(now))
}

#[test]
fn a_first_notification_waits_until_the_groups_wait_is_over_not_the_alerts() {
    assert_eq!(decide(None, &[firing()], 29).next_at, Some(at(30)));
    assert_eq!(decide(None, &[firing(), firing()], 30).tell, Some(Why::New));
}

#[test]
fn an_empty_group_and_one_that_was_never_told_say_nothing() {
    assert_eq!(decide(None, &[], 1_000), Plan::default());
    let silent = decide(None, &[Member { told: Told::Nothing, ..over() }], 1_000);
    assert_eq!((silent.tell, silent.forget, silent.next_at), (None, vec![0], None));
}

#[test]
fn a_resolve_waits_for_the_interval_while_something_still_fires() {
    let members = [Member { pages: true, ..over() }, told()];
    assert_eq!(decide(Some(100), &members, 399).next_at, Some(at(400)));
    let due = decide(Some(100), &members, 400);
    assert_eq!((due.tell, due.over, due.standing), (Some(Why::Resolved), vec![0], vec![1]));
}

#[test]
fn the_all_clear_of_what_never_paged_waits_for_the_interval() {
    assert_eq!(decide(Some(100), &[over()], 101).tell, None);
    assert_eq!(decide(Some(100), &[Member { pages: true, ..over() }], 101).tell, Some(Why::Resolved));
}

#[test]
fn a_held_alert_is_looked_at_when_the_mute_ends_and_does_not_count_as_news() {
    let held = Member { held: Some(Held { until: Some(at(50)) }), ..firing() };
    let waiting = decide(None, &[held], 40);
    assert_eq!((waiting.tell, waiting.next_at), (None, Some(at(50))));
    let inhibited = Member { held: Some(Held { until: None }), ..firing() };
    assert_eq!(decide(None, &[inhibited], 40).next_at, None);
}

#[test]
fn what_was_told_and_is_held_is_not_repeated_until_the_mute_ends() {
    let held = Member { held: Some(Held { until: Some(at(20_000)) }), ..told() };
    let quiet = decide(Some(0), &[held], 14_400);
    assert_eq!((quiet.tell, quiet.next_at), (None, Some(at(20_000))));
}

#[test]
fn an_alert_whose_route_leads_elsewhere_now_is_only_told_as_over() {
    let elsewhere = Member { routed: false, ..told() };
    assert_eq!(decide(Some(0), &[elsewhere], 100_000).tell, None);
    let gone = Member { firing: false, ..elsewhere };
    assert_eq!(decide(Some(0), &[gone], 100_000).tell, Some(Why::Resolved));
}

#[test]
fn after_telling_the_next_time_is_the_repeat_unless_all_is_acknowledged() {
    assert_eq!(decide(None, &[firing()], 30).next_at, Some(at(30 + 14_400)));
    let owned = Member { acknowledged: true, ..firing() };
    assert_eq!(decide(None, &[owned], 30).next_at, None);
    assert_eq!(decide(Some(0), &[Member { acknowledged: true, ..told() }, told()], 14_400).tell, Some(Why::Repeat));
}

#[test]
fn more_changes_than_fit_are_told_in_the_next_one_at_once() {
    let many = vec![firing(); MAX_CHANGES + 1];
    let first = decide(None, &many, 30);
    assert_eq!((first.fresh.len(), first.next_at), (MAX_CHANGES, Some(at(30))));
}

#[test]
fn with_a_group_wait_in_the_file_a_known_group_speaks_at_its_turns_only() {
    let timing = Timing { group_wait: Some(Span::from_secs(30)), ..TIMING };
    let fresh = Member { changed_at: at(750), pages: true, ..firing() };
    let decide = |now| plan(timing, at(0), Some(at(100)), &[fresh], at(now));
    assert_eq!((decide(750).tell, decide(750).next_at), (None, Some(at(1_000))));
    assert_eq!(decide(1_000).tell, Some(Why::New));
    assert_eq!(decide(1_001).tell, Some(Why::New), "a pass that comes late does not wait for another turn");
    let repeat = Timing { repeat_interval: Span::from_secs(1_000), ..timing };
    assert_eq!(plan(repeat, at(0), Some(at(100)), &[told()], at(200)).next_at, Some(at(1_300)));
}
