//! The walk over the route tree: which routes an alert stops at, and what was tried on the way.
//!
//! Not grouping or timing. The meaning is Alertmanager's: depth first, the first child that matches wins unless it says
//! `continue`, and a route without a matching child is itself the answer.

use watchkeeper_config::model::Route;
use watchkeeper_domain::Labels;

/// One route that was tried, for `explain`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tried {
    /// Its path.
    pub route: String,
    /// Whether its matchers matched.
    pub matched: bool,
}

/// One route that an alert stops at.
#[derive(Debug, Clone)]
pub struct Stop<'a> {
    /// The route.
    pub route: &'a Route,
    /// Its path: the matchers from the root, `{}/{team="core"}`. A second sibling with the same matchers has `#2` at its
    /// end. Matchers and not positions name a route, so that a group survives when a sibling is added.
    pub path: String,
}

/// The answer of a walk.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    /// Where the alert stops; at least one, because the root matches everything.
    pub stops: Vec<Stop<'a>>,
    /// What was tried, in order.
    pub tried: Vec<Tried>,
}

/// Walks the tree for one label set.
#[must_use]
pub fn walk<'a>(root: &'a Route, labels: &Labels) -> Walk<'a> {
    let mut walk = Walk { stops: Vec::new(), tried: Vec::new() };
    descend(root, segment(root), labels, &mut walk);
    if walk.stops.is_empty() {
        // A root with matchers is refused by the configuration; whoever builds one by hand still loses no alert.
        walk.stops.push(Stop { route: root, path: segment(root) });
    }
    walk
}

fn descend<'a>(route: &'a Route, path: String, labels: &Labels, walk: &mut Walk<'a>) -> bool {
    let matched = route.matchers.iter().all(|matcher| matcher.matches(labels));
    walk.tried.push(Tried { route: path.clone(), matched });
    if !matched {
        return false;
    }
    let mut by_a_child = false;
    for (at, child) in route.routes.iter().enumerate() {
        if descend(child, child_path(route, &path, at), labels, walk) {
            by_a_child = true;
            if !child.continue_ {
                break;
            }
        }
    }
    if !by_a_child {
        walk.stops.push(Stop { route, path });
    }
    true
}

/// A route and its place in the tree.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    /// The route.
    pub route: &'a Route,
    /// Its path, as in [`Stop`] and [`Tried`].
    pub path: String,
    /// How deep it is; the root is at 0.
    pub depth: usize,
}

/// All routes of a tree, in the order in which they are tried.
#[must_use]
pub fn places(root: &Route) -> Vec<Placed<'_>> {
    let mut places = Vec::new();
    place(root, segment(root), 0, &mut places);
    places
}

fn place<'a>(route: &'a Route, path: String, depth: usize, places: &mut Vec<Placed<'a>>) {
    places.push(Placed { route, path: path.clone(), depth });
    for (at, child) in route.routes.iter().enumerate() {
        place(child, child_path(route, &path, at), depth + 1, places);
    }
}

/// The path of the child at this place; `path` is its parent's.
fn child_path(parent: &Route, path: &str, at: usize) -> String {
    let own = parent.routes.get(at).map(segment).unwrap_or_default();
    let twins = parent.routes.iter().take(at).filter(|sibling| segment(sibling) == own).count();
    if twins == 0 { format!("{path}/{own}") } else { format!("{path}/{own}#{}", twins + 1) }
}

/// `{env="testing",owner="team-A"}`, sorted, as Alertmanager writes a route's own part of its key.
fn segment(route: &Route) -> String {
    let mut matchers: Vec<_> = route.matchers.iter().collect();
    matchers.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.value.cmp(&b.value)));
    let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", texts.join(","))
}

#[cfg(test)]
mod tests;
