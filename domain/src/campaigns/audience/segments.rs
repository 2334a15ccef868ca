//! Segments as a target refers to them: what each one is, once it has been looked up.

use super::{holdout::Holdout, tree::Filter};
use crate::ids::SegmentId;
use std::collections::{BTreeMap, BTreeSet};

/// What makes up a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Policies for which a filter holds.
    Dynamic(Filter),
    /// A list of customers, with all their policies.
    Static,
}

/// Segments that were looked up, each with everything it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segments(BTreeMap<SegmentId, (Body, u16)>);

impl Segments {
    /// The longest chain of segments that refer to each other.
    pub const DEPTH_LIMIT: usize = 5;

    /// Adds one, with its holdout in basis points.
    pub fn insert(&mut self, id: SegmentId, body: Body, holdout: u16) {
        self.0.insert(id, (body, holdout));
    }

    /// What one is.
    pub fn get(&self, id: SegmentId) -> Option<&Body> {
        self.0.get(&id).map(|(body, _)| body)
    }

    /// Its filter, when it has one.
    pub fn filter(&self, id: SegmentId) -> Option<&Filter> {
        match self.get(id) {
            Some(Body::Dynamic(filter)) => Some(filter),
            Some(Body::Static) | None => None,
        }
    }

    /// Its holdout group, when it has one. It is the segment's for good: every campaign leaves out the same people.
    pub fn holdout(&self, id: SegmentId) -> Option<Holdout> {
        let basis_points = self.0.get(&id).map(|(_, holdout)| *holdout).filter(|holdout| *holdout > 0)?;
        Some(Holdout { salt: id.to_string(), basis_points })
    }

    /// All of them.
    pub fn ids(&self) -> impl Iterator<Item = SegmentId> {
        self.0.keys().copied()
    }

    /// Those that are referred to, from here or from the named ones, and have not been looked up.
    pub fn missing(&self, named: &BTreeSet<SegmentId>) -> BTreeSet<SegmentId> {
        let inner = self.0.values().filter_map(|(body, _)| match body {
            Body::Dynamic(filter) => Some(filter.root.segments()),
            Body::Static => None,
        });
        inner.flatten().chain(named.iter().copied()).filter(|id| !self.0.contains_key(id)).collect()
    }

    /// Whether any of the named ones refers to itself, or refers further than [`Self::DEPTH_LIMIT`].
    pub fn is_too_deep(&self, named: &BTreeSet<SegmentId>) -> bool {
        let mut reached = named.clone();
        for _ in 0..Self::DEPTH_LIMIT {
            let next = reached.iter().filter_map(|id| self.filter(*id)).flat_map(|filter| filter.root.segments());
            reached = next.collect();
            if reached.is_empty() {
                return false;
            }
        }
        true
    }
}
