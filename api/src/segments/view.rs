//! Segments as they are shown, and what looking into one tells.

use crate::request::{Id, Pagination};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::audience::Finding,
    ids::{CustomerId, PolicyId, SegmentId, UserId},
};
use poem_openapi::Object;
use schema::segments::{Counted, Member, Sampled, SegmentRow};
use serde_json::Value;

/// A segment.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Segment {
    /// Its id.
    pub id: Id<SegmentId>,
    /// What people call it.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// `dynamic`: its filter says who is in it; `static`: it is a list.
    pub kind: String,
    /// Of a dynamic one.
    pub filter: Option<Value>,
    /// Whether others may see and use it.
    pub shared: bool,
    /// How many of a hundred customers get nothing, for good, so that what messages bring about can be told.
    pub holdout_percent: f64,
    /// Whose it is.
    pub owner_id: Option<Id<UserId>>,
    /// Whether it is the reader's.
    pub own: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

impl Segment {
    pub fn of(row: SegmentRow, reader: UserId) -> Self {
        Self {
            id: Id(SegmentId(row.id)),
            name: row.name,
            description: row.description,
            kind: row.kind,
            filter: row.filter,
            shared: row.shared,
            holdout_percent: f64::from(row.holdout_basis_points) / 100.0,
            owner_id: row.owner_id.map(|id| Id(UserId(id))),
            own: row.owner_id == Some(reader.0),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A part of the list.
#[derive(Object)]
pub(super) struct SegmentList {
    /// Newest first.
    pub segments: Vec<Segment>,
    /// Where in the list this is.
    pub pagination: Pagination,
}

/// How many customers in reach there are.
#[derive(Object)]
pub(super) struct SegmentCount {
    /// The number; absent when not even an estimate can be had while somebody waits.
    pub customers: Option<i64>,
    /// Whether they were counted; otherwise it is an estimate from customers drawn by chance.
    pub exact: bool,
    /// With 95 % certainty it is not below.
    pub low: Option<i64>,
    /// Nor above.
    pub high: Option<i64>,
}

impl From<Option<Counted>> for SegmentCount {
    fn from(counted: Option<Counted>) -> Self {
        Self {
            customers: counted.map(|counted| counted.count),
            exact: counted.is_some_and(|counted| counted.exact),
            low: counted.map(|counted| counted.low),
            high: counted.map(|counted| counted.high),
        }
    }
}

/// A customer who is in.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct SegmentCustomer {
    /// Their id.
    pub id: Id<CustomerId>,
    /// The insurer's own code for them.
    pub customer_code: String,
    /// First and last name.
    pub name: String,
}

impl From<Sampled> for SegmentCustomer {
    fn from(row: Sampled) -> Self {
        Self { id: Id(CustomerId(row.id)), customer_code: row.code, name: row.name }
    }
}

/// Some of those who are in.
#[derive(Object)]
pub(super) struct SegmentSample {
    /// Not a list of all, and in no order that means something.
    pub sample: Vec<SegmentCustomer>,
}

/// How many are in, and some of them.
#[derive(Object)]
pub(super) struct SegmentPreview {
    /// How many.
    pub count: SegmentCount,
    /// Some of them.
    pub sample: Vec<SegmentCustomer>,
}

/// Somebody who is listed.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct SegmentMember {
    /// Their id.
    pub id: Id<CustomerId>,
    /// The insurer's own code for them.
    pub customer_code: String,
    /// First and last name.
    pub name: String,
    /// Since when they are listed.
    pub added_at: DateTime<Utc>,
}

impl From<Member> for SegmentMember {
    fn from(row: Member) -> Self {
        Self { id: Id(CustomerId(row.id)), customer_code: row.code, name: row.name, added_at: row.added_at }
    }
}

/// A part of those who are listed.
#[derive(Object)]
pub(super) struct SegmentMembers {
    /// By id.
    pub members: Vec<SegmentMember>,
    /// Where in the list this is.
    pub pagination: Pagination,
}

/// Why somebody is in or out.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct SegmentExplanation {
    /// The segment.
    pub segment_id: Id<SegmentId>,
    /// The customer.
    pub customer_id: Id<CustomerId>,
    /// Whether they are in: one of their policies is.
    #[oai(rename = "in")]
    pub is_in: bool,
    /// Whether they are in the segment's holdout group, and so get nothing though they are in.
    pub held_out: bool,
    /// What each condition comes to for each of their policies; one entry without a policy when it is about the
    /// customer alone.
    pub policies: Vec<ExplainedPolicy>,
}

/// What the conditions come to for a policy.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct ExplainedPolicy {
    /// The policy.
    pub policy_id: Option<Id<PolicyId>>,
    /// Its number.
    pub policy_number: Option<String>,
    /// Whether it is in.
    #[oai(rename = "in")]
    pub is_in: bool,
    /// Each condition.
    pub conditions: Vec<ExplainedCondition>,
}

/// What a condition comes to.
#[derive(Object)]
pub(super) struct ExplainedCondition {
    /// Its place in the filter, such as `filter.and[0]`.
    path: String,
    /// As it is written.
    condition: Value,
    /// Whether it holds.
    holds: bool,
    /// Whether a `not` stands above it, so that it counts for being in when it does not hold.
    negated: bool,
}

impl From<Finding> for ExplainedCondition {
    fn from(found: Finding) -> Self {
        Self { path: found.path, condition: found.condition, holds: found.holds, negated: found.negated }
    }
}
