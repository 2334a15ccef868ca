//! Which parts of a flow are reached, and from which an end can be reached.

use std::collections::{BTreeMap, BTreeSet};

/// Where one can go from each part.
pub(super) type Routes<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// What is reached from some parts, those included.
pub(super) fn reached<'a>(routes: &Routes<'a>, from: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut waiting: Vec<&str> = from.into_iter().collect();
    let mut reached = BTreeSet::new();
    while let Some(part) = waiting.pop() {
        if reached.insert(part) {
            waiting.extend(routes.get(part).into_iter().flatten());
        }
    }
    reached
}

/// From what some parts can be reached, those included.
pub(super) fn leading_to<'a>(routes: &Routes<'a>, ends: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut back = Routes::new();
    for (from, targets) in routes {
        for to in targets {
            back.entry(to).or_default().insert(from);
        }
    }
    reached(&back, ends)
}
