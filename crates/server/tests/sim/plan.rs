//! What happens in a world: people and tools do something, peers change, the clock is set, the process dies. The seed decides.
//!
//! Not what must follow from it: see `checks`.

use rand::Rng as _;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use serde_json::{Value, json};
use watchkeeper_domain::{Span, Timestamp};

use super::model::{Belief, LASTS, Set, Silence, Sure, universe};
use super::network::{Mode, PEERS};
use super::world::World;

/// How many things happen in one world.
const STEPS: usize = 28;

/// Runs one world to its end.
pub(crate) async fn run(world: &mut World) {
    for _ in 0..STEPS {
        one_thing(world).await;
        world.settle().await;
        world.check().await;
        if world.complaint.is_some() {
            return;
        }
    }
    the_end(world).await;
}

async fn one_thing(world: &mut World) {
    if world.random.random_bool(0.12) {
        let (commits, happens) = (world.random.random_range(0..6), world.random.random_bool(0.5));
        world.note(format_args!("dies in {commits} commits, the last one happens: {happens}"));
        world.fate.die_in(commits, happens);
    }
    match world.random.random_range(0..100) {
        0..28 => fire(world).await,
        28..38 => resolve(world).await,
        38..42 => late_news(world).await,
        42..50 => post_again(world).await,
        50..62 => {
            let span = Span::from_millis(world.random.random_range(1..40_000));
            world.note(format_args!("waits for {span}"));
            world.advance(span).await;
        }
        62..68 => {
            for _ in 0..world.random.random_range(1..5) {
                world.advance(Span::from_secs(100)).await;
                post_again(world).await;
            }
        }
        68..74 => silence(world).await,
        74..79 => expire(world).await,
        79..83 => acknowledge(world).await,
        83..91 => {
            let peer = world.random.random_range(0..PEERS.len());
            let well = world.random.random_bool(0.4);
            let mode = if well { Mode::Well } else { *Mode::BAD.choose(&mut world.random).unwrap() };
            world.note(format_args!("{} is {mode:?}", PEERS[peer].1));
            world.network.set(peer, mode);
        }
        91..93 => {
            let down = world.random.random_range(0..600);
            world.die(Span::from_secs(down)).await;
        }
        93..95 => refuse(world).await,
        95..97 => reload(world).await,
        97..98 => storm(world).await,
        98..99 => {
            let forwards = world.random.random_bool(0.5);
            let hour = Span::from_secs(3_600);
            let to = if forwards { world.now() + hour } else { world.now() - hour };
            world.note(format_args!("the clock is set to {to}"));
            world.stepped = true;
            world.clock.set(to);
        }
        _ => {}
    }
}

fn some_set(world: &mut World) -> Set {
    universe().choose(&mut world.random).unwrap().clone()
}

fn firing(world: &World) -> Vec<Set> {
    let now = world.now();
    world.model.alerts.keys().filter(|set| world.model.fires(set, now) == Sure::Yes).cloned().collect()
}

fn body(set: &Set, starts_at: Timestamp, ends_at: Timestamp) -> Value {
    json!({
        "labels": {"alertname": set.name, "service": set.service, "severity": set.severity},
        "annotations": {"summary": format!("{} of {}", set.name, set.service)},
        "startsAt": starts_at, "endsAt": ends_at,
    })
}

/// Posts that these fire until later.
async fn post_firing(world: &mut World, sets: &[Set]) {
    let now = world.now();
    let mut beliefs = Vec::new();
    let mut bodies = Vec::new();
    for set in sets {
        let (starts_at, ends_at) = match (world.model.alerts.get(set), world.model.fires(set, now)) {
            (Some(Belief::Firing { started_at, ends_at }), Sure::Yes) => (*started_at, (*ends_at).max(now + LASTS)),
            _ => (now - Span::from_secs(10), now + LASTS),
        };
        bodies.push(body(set, starts_at, now + LASTS));
        beliefs.push((set.clone(), Belief::Firing { started_at: starts_at, ends_at }));
    }
    // A sender that was not sure sends it twice.
    if world.random.random_bool(0.2) {
        bodies.extend(bodies.clone());
    }
    post(world, bodies, beliefs).await;
}

async fn post(world: &mut World, bodies: Vec<Value>, beliefs: Vec<(Set, Belief)>) {
    if bodies.is_empty() {
        return;
    }
    let taken = matches!(world.call("POST", "/api/v2/alerts", Some(json!(bodies))).await, Some((200, _)));
    for (set, belief) in beliefs {
        world.note(format_args!("posted {}/{}: {belief:?}, taken: {taken}", set.name, set.service));
        world.model.alerts.insert(set, if taken { belief } else { Belief::Unsure });
    }
    world.expect_refusal(taken);
}

async fn fire(world: &mut World) {
    let set = some_set(world);
    post_firing(world, &[set]).await;
}

async fn post_again(world: &mut World) {
    let sets = firing(world);
    post_firing(world, &sets).await;
}

async fn resolve(world: &mut World) {
    let now = world.now();
    let all = firing(world);
    let Some(set) = all.into_iter().choose(&mut world.random) else { return };
    let Some(Belief::Firing { started_at, .. }) = world.model.alerts.get(&set).copied() else { return };
    // After a step backwards it would be news of an earlier firing.
    if started_at > now {
        return;
    }
    post(world, vec![body(&set, started_at, now)], vec![(set, Belief::Over)]).await;
}

/// A posting about an earlier firing comes late. It changes nothing.
async fn late_news(world: &mut World) {
    let set = some_set(world);
    let belief = world.model.alerts.get(&set).copied().unwrap_or(Belief::Over);
    if world.model.fires(&set, world.now()) == Sure::Nobody {
        return;
    }
    let before = match belief {
        Belief::Firing { started_at, .. } => started_at.min(world.now()),
        _ => world.now() - Span::from_secs(3_600),
    };
    let (starts_at, ends_at) = (before - Span::from_secs(120), before - Span::from_secs(60));
    post(world, vec![body(&set, starts_at, ends_at)], vec![(set, belief)]).await;
}

/// Three dozen alerts at once.
async fn storm(world: &mut World) {
    let sets: Vec<Set> =
        (0..36).map(|n| Set { name: format!("Storm{n}"), service: "s1", severity: "medium" }).collect();
    post_firing(world, &sets).await;
}

async fn silence(world: &mut World) {
    let now = world.now();
    let set = some_set(world);
    let (label, value) =
        if world.random.random_bool(0.5) { ("service", set.service.to_owned()) } else { ("alertname", set.name) };
    let starts_at = now + Span::from_secs(if world.random.random_bool(0.2) { 60 } else { 0 });
    let ends_at = starts_at + Span::from_secs(world.random.random_range(20..900));
    let comment = format!("silence {}", world.model.silences.len());
    let body = json!({
        "matchers": [{"name": label, "value": value, "isRegex": false, "isEqual": true}],
        "startsAt": starts_at, "endsAt": ends_at, "createdBy": "sim", "comment": comment,
    });
    let id = match world.call("POST", "/api/v2/silences", Some(body)).await {
        Some((200, answer)) => answer["silenceID"].as_str().map(str::to_owned),
        _ => None,
    };
    let taken = id.is_some();
    world.note(format_args!("silence of {label}={value} until {ends_at}, taken: {taken}"));
    let made = Silence { unsure: id.is_none(), id, comment, label, value, starts_at, ends_at, expired: false };
    // It may begin and end while nobody looks.
    let covered: Vec<Set> = world.model.alerts.keys().filter(|set| made.covers(set)).cloned().collect();
    covered.iter().for_each(|set| world.model.reset(set));
    world.model.silences.push(made);
    world.expect_refusal(taken);
}

async fn expire(world: &mut World) {
    let now = world.now();
    let all = world.model.silences.iter().enumerate();
    let held = all.filter(|(_, silence)| !silence.unsure && silence.holds(now)).map(|(at, _)| at);
    let Some(at) = held.choose(&mut world.random) else { return };
    let path = format!("/api/v2/silence/{}", world.model.silences[at].id.clone().unwrap());
    let taken = matches!(world.call("DELETE", &path, None).await, Some((200, _)));
    let comment = world.model.silences[at].comment.clone();
    world.note(format_args!("expired {comment}, taken: {taken}"));
    world.model.silences[at].expired = taken;
    world.model.silences[at].unsure = !taken;
    world.expect_refusal(taken);
}

async fn acknowledge(world: &mut World) {
    let Some(id) = world.checks.firing_ids().into_iter().choose(&mut world.random) else { return };
    let path = format!("/api/watchkeeper/v1/alerts/{id}/acknowledge");
    let answer = world.call("POST", &path, Some(json!({}))).await;
    let taken = matches!(answer, Some((200, _)));
    world.note(format_args!("acknowledged {id}, taken: {taken}"));
    let known = world.model.acknowledged.get(&id).copied();
    if known != Some(Sure::Yes) {
        // It may have ended meanwhile, and then nobody can acknowledge it.
        let sure = match answer {
            Some((200, _)) => Sure::Yes,
            Some((409, _)) => return,
            _ => Sure::Nobody,
        };
        world.model.acknowledged.insert(id, sure);
    }
}

async fn refuse(world: &mut World) {
    world.note("the disk refuses");
    world.fate.refuse(true);
    world.model.refused = true;
    for _ in 0..world.random.random_range(1..4) {
        match world.random.random_range(0..4) {
            0 => fire(world).await,
            1 => silence(world).await,
            2 => resolve(world).await,
            _ => {}
        }
        let span = Span::from_secs(world.random.random_range(0..20));
        world.advance(span).await;
    }
    world.note("the disk takes again");
    world.fate.refuse(false);
    let state = world.shared().state.clone();
    world.fate.watch(&state).await;
    world.model.refused = false;
    // What failed is tried again within a second; the outcome of a delivery within five.
    world.model.sound_since = world.now() + Span::from_secs(6);
}

async fn reload(world: &mut World) {
    world.model.setup.second = if world.model.setup.second == "s2" { "s3" } else { "s2" };
    world.configure();
    let answer = world.call("POST", "/-/reload", Some(json!({}))).await;
    world.note(format_args!("reloaded: {answer:?}"));
    if !matches!(answer, Some((200, _))) {
        // Whether the running server has it is not known: a new one has.
        world.die(Span::ZERO).await;
    }
    world.checks.reloaded = true;
    world.model.clear.clear();
    let all: Vec<Set> = world.model.alerts.keys().cloned().collect();
    all.iter().for_each(|set| world.model.reset(set));
}

/// Everything is well again, and time passes: what is owed must now be told.
async fn the_end(world: &mut World) {
    world.note("all is well from here on");
    world.fate.reborn();
    for peer in 0..PEERS.len() {
        world.network.set(peer, Mode::Well);
    }
    for _ in 0..6 {
        post_again(world).await;
        world.settle().await;
        world.advance(Span::from_secs(150)).await;
        if world.complaint.is_some() {
            return;
        }
    }
    world.check_the_end().await;
}
