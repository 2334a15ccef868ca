//! Why somebody is in or out: what each condition of a filter came to.

use super::{condition::Condition, tree::Filter};
use serde_json::Value;

/// A condition, and whether it held.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its place, such as `filter.and[0]`.
    pub path: String,
    /// As it is written.
    pub condition: Value,
    /// Whether it held.
    pub holds: bool,
    /// Whether a `not` stands above it, so that it counts when it does not hold.
    pub negated: bool,
}

/// The conditions with what they came to, in the order of [`Filter::conditions`].
pub fn findings(filter: &Filter, results: &[bool]) -> Vec<Finding> {
    let found = filter.conditions().into_iter().zip(results);
    found
        .map(|((path, _), holds)| Finding {
            condition: filter.at(&path).cloned().unwrap_or_default(),
            negated: path.matches(".not").count() % 2 == 1,
            holds: *holds,
            path,
        })
        .collect()
}

impl Filter {
    /// Every condition, from the left, with its place.
    pub fn conditions(&self) -> Vec<(String, &Condition)> {
        let mut found = Vec::new();
        self.root.conditions("filter", &mut found);
        found
    }

    /// What is written at a place.
    fn at(&self, path: &str) -> Option<&Value> {
        let mut value = self.source();
        for step in path.split('.').skip(1) {
            let (name, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
                Some((name, index)) => (name, index.parse::<usize>().ok()),
                None => (step, None),
            };
            value = value.get(name)?;
            if let Some(index) = index {
                value = value.get(index)?;
            }
        }
        Some(value)
    }
}
