//! Where a page of alerts ends and the next one begins, for each order.
//!
//! A cursor holds the sort key of the last alert and not a count: pages stay whole while alerts come and go.

use sqlx::{QueryBuilder, Sqlite};
use watchkeeper_domain::Priority;
use watchkeeper_domain::ids::AlertId;

use super::{RANK, Sort};
use crate::alert::Alert;
use crate::error::Error;

/// The cursor after this alert.
pub(super) fn of(sort: Sort, last: &Alert) -> String {
    let (fired, id) = (last.fired_at.as_micros(), last.id);
    match sort {
        Sort::Urgency => format!("urgency.{}.{fired}.{id}", rank(last.priority)),
        Sort::Newest => format!("newest.{fired}.{id}"),
        Sort::Oldest => format!("oldest.{fired}.{id}"),
        // The name stands last: it may hold dots.
        Sort::Name => format!("name.{id}.{}", last.name),
    }
}

/// Writes the condition that leaves what comes after a cursor.
pub(super) fn after(query: &mut QueryBuilder<Sqlite>, sort: Sort, cursor: Option<&str>) -> Result<(), Error> {
    let Some(cursor) = cursor else { return Ok(()) };
    let key = parse(sort, cursor).ok_or_else(|| {
        Error::Invalid("the cursor is not one that a list in this order gave; leave it out to start over".into())
    })?;
    match key {
        Key::Urgency(rank, fired, id) => {
            query.push(" AND (").push(RANK).push(", a.fired_at, a.id) > (").push_bind(rank);
            query.push(", ").push_bind(fired).push(", ").push_bind(id).push(")");
        }
        Key::Fired(fired, id) => {
            query.push(" AND (a.fired_at, a.id) ").push(if sort == Sort::Newest { "<" } else { ">" });
            query.push(" (").push_bind(fired).push(", ").push_bind(id).push(")");
        }
        Key::Name(name, id) => {
            query.push(" AND (a.name, a.id) > (").push_bind(name).push(", ").push_bind(id).push(")");
        }
    }
    Ok(())
}

/// Writes the order.
pub(super) fn order(query: &mut QueryBuilder<Sqlite>, sort: Sort) {
    query.push(" ORDER BY ");
    match sort {
        Sort::Urgency => query.push(RANK).push(", a.fired_at, a.id"),
        Sort::Newest => query.push("a.fired_at DESC, a.id DESC"),
        Sort::Oldest => query.push("a.fired_at, a.id"),
        Sort::Name => query.push("a.name, a.id"),
    };
}

enum Key {
    Urgency(i64, i64, String),
    Fired(i64, String),
    Name(String, String),
}

fn parse(sort: Sort, text: &str) -> Option<Key> {
    let (word, rest) = text.split_once('.')?;
    let id = |text: &str| text.parse::<AlertId>().ok().map(|id| id.to_string());
    match (sort, word) {
        (Sort::Urgency, "urgency") => {
            let (rank, rest) = rest.split_once('.')?;
            let (fired, last) = rest.split_once('.')?;
            Some(Key::Urgency(rank.parse().ok()?, fired.parse().ok()?, id(last)?))
        }
        (Sort::Newest, "newest") | (Sort::Oldest, "oldest") => {
            let (fired, last) = rest.split_once('.')?;
            Some(Key::Fired(fired.parse().ok()?, id(last)?))
        }
        (Sort::Name, "name") => {
            let (last, name) = rest.split_once('.')?;
            Some(Key::Name(name.to_owned(), id(last)?))
        }
        _ => None,
    }
}

fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::Critical => 0,
        Priority::High => 1,
        Priority::Medium => 2,
        Priority::Low => 3,
    }
}
