//! A policy as the book has it, and what a row makes of it.

use super::difference::{Difference, Differences};
use super::status::PolicyStatus;
use crate::upload::PolicyRow;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The grace period of a policy whose file gives none, as the table's default.
const GRACE_PERIOD_DAYS: i32 = 30;

/// The fields a book of policies can change; named as the columns are, the customer's code apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyData {
    pub customer_code: String,
    pub policy_type: Cow<'static, str>,
    pub premium_amount: Decimal,
    pub currency: Cow<'static, str>,
    pub start_date: NaiveDate,
    pub end_date: NaiveDate,
    pub status: PolicyStatus,
    pub renewal_date: Option<NaiveDate>,
    pub grace_period_days: i32,
    pub agent_id: Option<i64>,
    pub branch_id: Option<i64>,
}

/// A policy of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPolicy {
    pub id: i64,
    pub customer_id: i64,
    pub data: PolicyData,
    /// The upload that touched it last, and in which row.
    pub upload: Option<(i64, i32)>,
}

/// What a row names besides its own values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) branch: Option<i64>,
    pub(super) agent: Option<i64>,
}

impl PolicyData {
    /// A policy that is known by this row only.
    pub(super) fn new(row: &PolicyRow, code: String, named: Named, today: NaiveDate) -> Self {
        Self {
            customer_code: code,
            policy_type: Cow::Borrowed(row.policy_type.as_str()),
            premium_amount: row.premium.amount(),
            currency: Cow::Borrowed(row.currency.as_str()),
            start_date: row.start_date,
            end_date: row.end_date,
            status: PolicyStatus::of_term(row.end_date, today),
            renewal_date: Some(row.renewal_date.unwrap_or(row.end_date)),
            grace_period_days: row.grace_period_days.unwrap_or(GRACE_PERIOD_DAYS),
            agent_id: named.agent,
            branch_id: named.branch,
        }
    }

    /// This policy after the row, whose term is the same or a later one. A policy keeps its status for the term; a
    /// later term begins afresh.
    pub(super) fn after(&self, row: &PolicyRow, code: String, named: Named, today: NaiveDate) -> Self {
        let same_term = self.end_date == row.end_date;
        let kept = if same_term { self.renewal_date } else { None };
        Self {
            customer_code: code,
            status: if same_term { self.status } else { PolicyStatus::of_term(row.end_date, today) },
            renewal_date: Some(row.renewal_date.or(kept).unwrap_or(row.end_date)),
            policy_type: Cow::Borrowed(row.policy_type.as_str()),
            premium_amount: row.premium.amount(),
            currency: Cow::Borrowed(row.currency.as_str()),
            start_date: row.start_date,
            end_date: row.end_date,
            grace_period_days: row.grace_period_days.unwrap_or(self.grace_period_days),
            agent_id: named.agent.or(self.agent_id),
            branch_id: named.branch.or(self.branch_id),
        }
    }

    /// What would change, field by field.
    pub fn differences(&self, next: &Self) -> Vec<Difference> {
        let mut found = Differences::default();
        found.note("customerCode", &self.customer_code, &next.customer_code);
        found.note("policyType", &self.policy_type, &next.policy_type);
        found.note("premiumAmount", &self.premium_amount, &next.premium_amount);
        found.note("currency", &self.currency, &next.currency);
        found.note("startDate", &self.start_date, &next.start_date);
        found.note("endDate", &self.end_date, &next.end_date);
        found.note("status", &self.status, &next.status);
        found.note("renewalDate", &self.renewal_date, &next.renewal_date);
        found.note("gracePeriodDays", &self.grace_period_days, &next.grace_period_days);
        found.note("agentId", &self.agent_id, &next.agent_id);
        found.note("branchId", &self.branch_id, &next.branch_id);
        found.0
    }
}
