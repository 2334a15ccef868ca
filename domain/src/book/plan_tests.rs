//! What rows do to a book, by example.

use super::*;
use crate::cases::Priority;
use crate::money::Money;
use crate::permissions::Reach;
use crate::upload::{Currency, FaultCode, Layout, PolicyRow, PolicyType};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::json;

const UPLOAD: i64 = 7;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn layout() -> Layout {
    let headers = ["Policy No", "Name", "Type", "Premium", "Start Date", "End Date", "Branch", "Agent"];
    Layout::new(&headers.map(str::to_owned), None).unwrap()
}

fn row(number: u32, policy: &str) -> PolicyRow {
    PolicyRow {
        row: number,
        policy_number: policy.to_owned(),
        customer_code: "CUS-MADE".to_owned(),
        customer_code_given: false,
        first_name: "Asha".to_owned(),
        last_name: "Rao".to_owned(),
        email: None,
        phone: Some("+919876543210".parse().unwrap()),
        date_of_birth: None,
        address: None,
        policy_type: PolicyType::Motor,
        premium: Money::try_from(Decimal::new(1_250_050, 2)).unwrap(),
        currency: Currency::INR,
        start_date: day("2025-04-01"),
        end_date: day("2026-03-31"),
        renewal_date: None,
        grace_period_days: None,
        branch: None,
        agent: None,
        notes: None,
    }
}

fn plan(rows: &[PolicyRow], known: &Known) -> ChunkPlan {
    let layout = layout();
    let today = day("2026-03-20");
    plan_chunk(
        rows,
        known,
        &PlanRules {
            layout: &layout,
            upload: UPLOAD,
            today,
            default_branch: Some(3),
            reach: Reach::All,
            preview: true,
        },
    )
}

/// The book after `rows` went in.
fn book_after(rows: &[PolicyRow]) -> Known {
    let plan = plan(rows, &Known::default());
    let mut known = Known::default();
    for (id, customer) in (1..).zip(&plan.customers) {
        let (data, before) = (customer.next.clone(), Some(customer.next.clone()));
        known
            .customers
            .insert(customer.code.clone(), KnownCustomer { id, data, before, recorded: false, reached: true });
    }
    for (id, policy) in (1..).zip(&plan.policies) {
        let (data, customer_id) = (policy.next.clone(), 1 + i64::try_from(policy.customer).unwrap());
        known
            .policies
            .insert(policy.number.clone(), KnownPolicy { id, customer_id, data, upload: Some((1, policy.row)) });
        let case = policy.cases.create.clone().unwrap();
        let (status, renewal_amount) = (CaseStatus::New, Some(case.renewal_amount));
        let case = KnownCase { id, term_end: case.term_end, status, priority: case.priority, renewal_amount };
        known.cases.insert(id, vec![case]);
    }
    known
}

fn codes(plan: &ChunkPlan) -> Vec<(u32, FaultCode)> {
    plan.faults.iter().map(|fault| (fault.row, fault.code)).collect()
}

#[test]
fn an_unknown_policy_is_created_with_its_customer_and_case() {
    let plan = plan(&[row(2, "P-1")], &Known::default());
    let policy = &plan.policies[0];
    assert_eq!(policy.known, None);
    assert_eq!(policy.next.status, PolicyStatus::Active);
    assert_eq!(policy.next.renewal_date, Some(day("2026-03-31")));
    assert_eq!(policy.next.branch_id, Some(3));
    let case = policy.cases.create.as_ref().unwrap();
    assert_eq!((case.term_end, case.priority), (day("2026-03-31"), Priority::High));
    assert_eq!(plan.customers[0].code, "CUS-MADE");
    assert_eq!(plan.counts, Counts { created: 1, ..Counts::default() });
}

#[test]
fn the_same_book_again_changes_nothing() {
    let rows = [row(2, "P-1"), row(3, "P-2")];
    let plan = plan(&rows, &book_after(&rows));
    assert_eq!(plan.counts, Counts { unchanged: 2, ..Counts::default() });
    assert!(plan.customers.iter().all(|customer| customer.changed().is_none()));
    assert!(plan.policies.iter().all(|policy| policy.cases == CasePlan::default()));
    assert!(plan.previews.iter().all(|preview| preview.changes.is_empty()));
}

#[test]
fn the_same_term_with_news_is_an_update() {
    let known = book_after(&[row(2, "P-1")]);
    let changed = PolicyRow {
        premium: Money::try_from(Decimal::new(14_000, 0)).unwrap(),
        email: Some("asha@example.com".parse().unwrap()),
        phone: None,
        customer_code: "CUS-OTHER".to_owned(),
        ..row(2, "P-1")
    };
    let plan = plan(&[changed], &known);
    assert_eq!(plan.counts, Counts { updated: 1, ..Counts::default() });
    // a code that was made says nothing: the policy keeps its customer
    let customer = plan.customers[0].changed().unwrap();
    assert_eq!((customer.id, plan.customers[0].code.as_str()), (1, "CUS-MADE"));
    // a blank cell takes nothing away
    assert_eq!(plan.customers[0].next.phone.as_deref(), Some("+919876543210"));
    assert_eq!(plan.policies[0].cases.change[0].renewal_amount, Some(Decimal::new(14_000, 0)));
    let changes: Vec<_> = plan.previews[0].changes.iter().map(|change| (change.field, change.to.clone())).collect();
    assert_eq!(changes, [("premiumAmount", json!("14000.00")), ("email", json!("asha@example.com"))]);
}

#[test]
fn a_later_term_renews_and_an_older_one_is_refused() {
    let known = book_after(&[row(2, "P-1"), row(3, "P-2")]);
    let later = PolicyRow { start_date: day("2026-04-01"), end_date: day("2027-03-31"), ..row(2, "P-1") };
    let older = PolicyRow { start_date: day("2024-04-01"), end_date: day("2025-03-31"), ..row(3, "P-2") };
    let plan = plan(&[later, older], &known);
    assert_eq!(plan.counts, Counts { updated: 1, failed: 1, ..Counts::default() });
    assert_eq!(plan.previews[0].action, Action::Renew);
    assert_eq!(codes(&plan), [(3, FaultCode::OlderTerm)]);
    let cases = &plan.policies[0].cases;
    assert_eq!(cases.create.as_ref().unwrap().term_end, day("2027-03-31"));
    assert_eq!(cases.change[0].status, CaseStatus::Renewed);
    assert_eq!(plan.policies[0].next.renewal_date, Some(day("2027-03-31")));
}

#[test]
fn a_policy_number_goes_in_once_a_file() {
    let mut known = book_after(&[row(2, "P-1")]);
    known.policies.get_mut("P-1").unwrap().upload = Some((UPLOAD, 2));
    known.previewed.insert("P-3".to_owned(), 4);
    let plan = plan(&[row(9, "P-1"), row(10, "P-2"), row(11, "P-2"), row(12, "P-3")], &known);
    let expected = [9, 11, 12].map(|row| (row, FaultCode::DuplicateInFile));
    assert_eq!(codes(&plan), expected);
    assert!(plan.faults[0].message.contains("row 2"), "{}", plan.faults[0].message);
    assert!(plan.faults[1].message.contains("row 10"), "{}", plan.faults[1].message);
    assert_eq!(plan.counts, Counts { created: 1, failed: 3, ..Counts::default() });
}

#[test]
fn a_row_that_was_refused_does_not_make_the_next_a_duplicate() {
    let refused = PolicyRow { branch: Some("Nowhere".to_owned()), ..row(2, "P-1") };
    let plan = plan(&[refused, row(3, "P-1")], &Known::default());
    assert_eq!(codes(&plan), [(2, FaultCode::UnknownBranch)]);
    assert_eq!(plan.policies.len(), 1);
}

#[test]
fn branches_and_agents_are_looked_up_without_regard_to_case() {
    let mut known = Known::default();
    known.branches.insert("mum-01".to_owned(), 11);
    known.agents.insert("agent@example.com".to_owned(), 12);
    let named = PolicyRow {
        branch: Some("MUM-01".to_owned()),
        agent: Some("Agent@example.com".parse().unwrap()),
        ..row(2, "P-1")
    };
    let stranger =
        PolicyRow { branch: Some("X".to_owned()), agent: Some("x@example.com".parse().unwrap()), ..row(3, "P-2") };
    let plan = plan(&[named, stranger], &known);
    assert_eq!((plan.policies[0].next.branch_id, plan.policies[0].next.agent_id), (Some(11), Some(12)));
    assert_eq!(codes(&plan), [(3, FaultCode::UnknownBranch), (3, FaultCode::UnknownAgent)]);
    assert_eq!(plan.counts.failed, 1);
}

#[test]
fn rows_of_one_customer_gather_what_each_says() {
    let address = |city: &str| crate::upload::Address { city: Some(city.to_owned()), ..Default::default() };
    let mut second = PolicyRow { email: Some("a@example.com".parse().unwrap()), ..row(3, "P-2") };
    second.address = Some(address("Pune"));
    let mut third = row(4, "P-3");
    third.address = Some(crate::upload::Address { state: Some("MH".to_owned()), ..Default::default() });
    let plan = plan(&[row(2, "P-1"), second, third], &Known::default());
    assert_eq!(plan.customers.len(), 1);
    assert_eq!(plan.customers[0].next.email.as_deref(), Some("a@example.com"));
    assert_eq!(plan.customers[0].next.address, Some(json!({"city": "Pune", "state": "MH"})));
}

#[test]
fn news_are_judged_by_the_book_before_the_upload() {
    // an earlier chunk of this upload has changed the phone already
    let mut known = book_after(&[row(2, "P-1")]);
    let customer = known.customers.get_mut("CUS-MADE").unwrap();
    customer.data.phone = Some("+919999999999".to_owned());
    customer.recorded = true;
    let again = PolicyRow { phone: Some("+919999999999".parse().unwrap()), ..row(2, "P-1") };
    let plan = plan(&[again], &known);
    assert_eq!(plan.counts.updated, 1);
    assert_eq!(plan.customers[0].changed(), None);
}

#[test]
fn a_given_code_moves_the_policy_to_that_customer() {
    let known = book_after(&[row(2, "P-1")]);
    let moved = PolicyRow { customer_code: "C-9".to_owned(), customer_code_given: true, ..row(2, "P-1") };
    let plan = plan(&[moved], &known);
    assert_eq!(plan.customers[0].known, None);
    assert_eq!(plan.previews[0].changes[0].field, "customerCode");
    assert_eq!(plan.counts.updated, 1);
}
