//! The renewal case of a policy's term, and what an upload makes of the cases that are there.

use super::status::CaseStatus;
use crate::cases::Priority;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A case of the table; serialises to what an undo restores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCase {
    pub id: i64,
    pub term_end: NaiveDate,
    pub status: CaseStatus,
    pub priority: Priority,
    pub renewal_amount: Option<Decimal>,
}

/// A case to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCase {
    pub term_end: NaiveDate,
    pub priority: Priority,
    pub renewal_amount: Decimal,
    pub notes: Option<String>,
}

/// A known case with its new values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseChange {
    pub before: KnownCase,
    pub status: CaseStatus,
    pub priority: Priority,
    pub renewal_amount: Option<Decimal>,
}

/// What becomes of a policy's cases.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CasePlan {
    pub create: Option<NewCase>,
    pub change: Vec<CaseChange>,
}

/// One case a term: it is created, or brought up to date while nobody has acted on it. Open cases of earlier terms are
/// closed, since the policy has been renewed.
pub fn plan_cases(wanted: NewCase, known: &[KnownCase]) -> CasePlan {
    let mut plan = CasePlan::default();
    for case in known {
        if case.term_end < wanted.term_end
            && let Some(status) = case.status.once_policy_is_renewed()
        {
            let (priority, renewal_amount) = (case.priority, case.renewal_amount);
            plan.change.push(CaseChange { before: case.clone(), status, priority, renewal_amount });
        }
    }
    match known.iter().find(|case| case.term_end == wanted.term_end) {
        None => plan.create = Some(wanted),
        Some(case) => {
            let current = case.priority == wanted.priority && case.renewal_amount == Some(wanted.renewal_amount);
            if case.status == CaseStatus::New && !current {
                plan.change.push(CaseChange {
                    before: case.clone(),
                    status: case.status,
                    priority: wanted.priority,
                    renewal_amount: Some(wanted.renewal_amount),
                });
            }
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(year: i32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, 3, 31).unwrap()
    }

    fn known(id: i64, year: i32, status: CaseStatus) -> KnownCase {
        KnownCase { id, term_end: term(year), status, priority: Priority::Low, renewal_amount: Some(Decimal::TEN) }
    }

    fn wanted(year: i32, priority: Priority) -> NewCase {
        NewCase { term_end: term(year), priority, renewal_amount: Decimal::TEN, notes: None }
    }

    #[test]
    fn a_later_term_gets_a_case_and_closes_the_open_ones_before_it() {
        let cases = [known(1, 2024, CaseStatus::Lost), known(2, 2025, CaseStatus::Contacted)];
        let plan = plan_cases(wanted(2026, Priority::High), &cases);
        assert_eq!(plan.create, Some(wanted(2026, Priority::High)));
        let changed: Vec<_> = plan.change.iter().map(|change| (change.before.id, change.status)).collect();
        assert_eq!(changed, [(2, CaseStatus::Renewed)]);
    }

    #[test]
    fn a_case_of_the_same_term_is_brought_up_to_date_while_it_is_new() {
        let plan = plan_cases(wanted(2026, Priority::High), &[known(1, 2026, CaseStatus::New)]);
        assert_eq!(plan.create, None);
        assert_eq!(plan.change[0].priority, Priority::High);
        for (status, priority) in [(CaseStatus::New, Priority::Low), (CaseStatus::Assigned, Priority::High)] {
            let plan = plan_cases(wanted(2026, priority), &[known(1, 2026, status)]);
            assert_eq!(plan, CasePlan::default(), "{status}");
        }
    }
}
