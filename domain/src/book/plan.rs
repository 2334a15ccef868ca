//! Decides for each good row of a chunk what it does to the book.
//!
//! Rows are taken in the order of the file, and a customer named by several rows gathers what each of them says, so
//! the plan of a chunk does not depend on how the file was cut. Whether a row counts as a change is judged against the
//! book as it was before the upload: a dry run and the run that follows it say the same.

use super::{
    case::{CasePlan, NewCase, plan_cases},
    customer::{CustomerData, KnownCustomer},
    difference::Difference,
    known::Known,
    policy::{KnownPolicy, Named, PolicyData},
};
use crate::cases::priority;
use crate::ids::{BranchId, UserId};
use crate::permissions::Reach;
use crate::upload::{Column, Layout, PolicyRow, RowFault};
use chrono::NaiveDate;
use std::collections::HashMap;

/// What holds for every row of an upload.
#[derive(Debug, Clone, Copy)]
pub struct PlanRules<'a> {
    /// Names the columns in faults.
    pub layout: &'a Layout,
    /// The upload.
    pub upload: i64,
    /// The day of the upload, in the insurer's time zone.
    pub today: NaiveDate,
    /// Of new policies whose row names no branch.
    pub default_branch: Option<i64>,
    /// What the uploader reaches.
    pub reach: Reach,
    /// Whether to tell what each row would change.
    pub preview: bool,
}

/// What a row does to its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A policy that was not known.
    Create,
    /// The known term, with something new about the policy or its customer.
    Update,
    /// A later term of a known policy.
    Renew,
    /// Nothing new.
    Unchanged,
}

impl Action {
    /// The name in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Renew => "renew",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A customer that the chunk names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPlan {
    pub code: String,
    /// `None`: to be created.
    pub known: Option<KnownCustomer>,
    pub next: CustomerData,
}

impl CustomerPlan {
    /// The customer of the table, if something about it changes.
    pub fn changed(&self) -> Option<&KnownCustomer> {
        self.known.as_ref().filter(|known| known.data != self.next)
    }
}

/// A policy that the chunk names, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPlan {
    pub row: i32,
    pub number: String,
    /// Its place in [`ChunkPlan::customers`].
    pub customer: usize,
    /// `None`: to be created.
    pub known: Option<KnownPolicy>,
    pub next: PolicyData,
    pub cases: CasePlan,
}

/// What a row would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub row: i32,
    pub number: String,
    pub action: Action,
    pub changes: Vec<Difference>,
}

/// How many rows did what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub created: i32,
    /// Renewals among them.
    pub updated: i32,
    pub unchanged: i32,
    pub failed: i32,
}

impl Counts {
    /// Rows that went in.
    pub fn successful(&self) -> i32 {
        self.created + self.updated + self.unchanged
    }
}

/// What a chunk does.
#[derive(Debug, Default)]
pub struct ChunkPlan {
    pub customers: Vec<CustomerPlan>,
    pub policies: Vec<PolicyPlan>,
    pub faults: Vec<RowFault>,
    pub previews: Vec<Preview>,
    pub counts: Counts,
}

/// The code of the customer each row is about: the file's own, else that of the policy's customer, else the one made of
/// name and contact.
pub fn customer_codes<'a>(
    rows: &'a [PolicyRow],
    policies: &'a HashMap<String, KnownPolicy>,
) -> impl Iterator<Item = &'a str> {
    rows.iter().map(|row| customer_code(row, policies.get(&row.policy_number)))
}

fn customer_code<'a>(row: &'a PolicyRow, policy: Option<&'a KnownPolicy>) -> &'a str {
    match policy {
        Some(policy) if !row.customer_code_given => &policy.data.customer_code,
        _ => &row.customer_code,
    }
}

/// Plans a chunk.
pub fn plan_chunk(rows: &[PolicyRow], known: &Known, rules: &PlanRules<'_>) -> ChunkPlan {
    let mut planner = Planner {
        known,
        rules,
        seen: HashMap::with_capacity(rows.len()),
        customers: HashMap::with_capacity(rows.len()),
        plan: ChunkPlan::default(),
    };
    for row in rows {
        planner.take(row);
    }
    planner.plan
}

struct Planner<'a> {
    known: &'a Known,
    rules: &'a PlanRules<'a>,
    /// Rows of this chunk that go in, by policy number.
    seen: HashMap<&'a str, u32>,
    /// Places in the plan, by customer code.
    customers: HashMap<&'a str, usize>,
    plan: ChunkPlan,
}

impl<'a> Planner<'a> {
    fn take(&mut self, row: &'a PolicyRow) {
        let policy = self.known.policies.get(&row.policy_number);
        match self.check(row, policy) {
            Ok(named) => self.accept(row, policy, named),
            Err(faults) => {
                self.plan.faults.extend(faults);
                self.plan.counts.failed += 1;
            }
        }
    }

    /// The rules that need the rest of the file or the book.
    fn check(&self, row: &PolicyRow, policy: Option<&KnownPolicy>) -> Result<Named, Vec<RowFault>> {
        let layout = self.rules.layout;
        if let Some(first) = self.first_row_of(row, policy) {
            return Err(vec![RowFault::duplicate_in_file(row.row, layout, &row.policy_number, first)]);
        }
        let mut faults = Vec::new();
        if let Some(known) = policy
            && row.end_date < known.data.end_date
        {
            faults.push(RowFault::older_term(row.row, layout, row.end_date, known.data.end_date));
        }
        let mut named = Named::default();
        if let Some(branch) = &row.branch {
            named.branch = self.known.branches.get(&branch.to_lowercase()).copied();
            match named.branch {
                None => faults.push(RowFault::unknown_branch(row.row, layout, branch)),
                Some(id) if !self.may_name_branch(id) => {
                    faults.push(RowFault::elsewhere(row.row, layout, Column::Branch, branch));
                }
                Some(_) => {}
            }
        }
        if let Some(agent) = &row.agent {
            named.agent = self.known.agents.get(&agent.as_str().to_lowercase()).copied();
            match (named.agent, self.rules.reach) {
                (None, _) => faults.push(RowFault::unknown_agent(row.row, layout, agent.as_str())),
                (Some(id), Reach::Own(user)) if id != user.0 => {
                    faults.push(RowFault::elsewhere(row.row, layout, Column::Agent, agent.as_str()));
                }
                (Some(_), _) => {}
            }
        }
        if policy.is_some_and(|known| !self.reaches(&known.data)) {
            faults.push(RowFault::elsewhere(row.row, layout, Column::PolicyNumber, &row.policy_number));
        }
        let code = customer_code(row, policy);
        if self.known.customers.get(code).is_some_and(|known| !known.reached) {
            faults.push(RowFault::elsewhere(row.row, layout, Column::CustomerCode, code));
        }
        if faults.is_empty() { Ok(named) } else { Err(faults) }
    }

    /// Whether rows may be put into that branch.
    fn may_name_branch(&self, branch: i64) -> bool {
        match self.rules.reach {
            Reach::All => true,
            Reach::Branch(_, own) => own.0 == branch,
            Reach::Own(_) => self.rules.default_branch == Some(branch),
        }
    }

    fn reaches(&self, policy: &PolicyData) -> bool {
        self.rules.reach.holds(policy.branch_id.map(BranchId), policy.agent_id.map(UserId))
    }

    /// The earlier row of this file with the same policy number.
    fn first_row_of(&self, row: &PolicyRow, policy: Option<&KnownPolicy>) -> Option<u32> {
        let in_chunk = self.seen.get(row.policy_number.as_str()).copied();
        let before = || {
            let touched = policy.and_then(|policy| policy.upload).filter(|(upload, _)| *upload == self.rules.upload);
            let first = touched.map(|(_, row)| row).or_else(|| self.known.previewed.get(&row.policy_number).copied());
            first.and_then(|first| u32::try_from(first).ok())
        };
        in_chunk.or_else(before)
    }

    fn accept(&mut self, row: &'a PolicyRow, policy: Option<&'a KnownPolicy>, named: Named) {
        let customer = self.customer(row, customer_code(row, policy));
        let code = self.plan.customers[customer].code.clone();
        let next = match policy {
            Some(known) => known.data.after(row, code, named, self.rules.today),
            None => {
                let branch = named.branch.or(self.rules.default_branch);
                // what is nobody's would be out of its uploader's own reach
                let agent = match self.rules.reach {
                    Reach::Own(user) => named.agent.or(Some(user.0)),
                    Reach::Branch(..) | Reach::All => named.agent,
                };
                PolicyData::new(row, code, Named { branch, agent }, self.rules.today)
            }
        };
        let before = self.plan.customers[customer].known.as_ref().and_then(|known| known.before.as_ref());
        let action = match policy {
            None => Action::Create,
            Some(known) if known.data.end_date < next.end_date => Action::Renew,
            Some(known) if known.data != next || before.is_some_and(|before| before.is_changed_by(row)) => {
                Action::Update
            }
            Some(_) => Action::Unchanged,
        };
        match action {
            Action::Create => self.plan.counts.created += 1,
            Action::Update | Action::Renew => self.plan.counts.updated += 1,
            Action::Unchanged => self.plan.counts.unchanged += 1,
        }
        if self.rules.preview {
            let changes = changes(row, policy, &next, before);
            let number = row.policy_number.clone();
            self.plan.previews.push(Preview { row: row_number(row), number, action, changes });
        }
        let days = (next.end_date - self.rules.today).num_days();
        let wanted = NewCase {
            term_end: next.end_date,
            priority: priority(days, row.premium),
            renewal_amount: next.premium_amount,
            notes: row.notes.clone(),
        };
        let cases = policy.and_then(|policy| self.known.cases.get(&policy.id)).map(Vec::as_slice).unwrap_or_default();
        self.seen.insert(&row.policy_number, row.row);
        self.plan.policies.push(PolicyPlan {
            row: row_number(row),
            number: row.policy_number.clone(),
            customer,
            known: policy.cloned(),
            next,
            cases: plan_cases(wanted, cases),
        });
    }

    /// The place of the row's customer in the plan, after the row has said its part.
    fn customer(&mut self, row: &PolicyRow, code: &'a str) -> usize {
        if let Some(place) = self.customers.get(code).copied() {
            self.plan.customers[place].next.apply(row);
            return place;
        }
        let known = self.known.customers.get(code).cloned();
        let next = match &known {
            Some(known) => {
                let mut next = known.data.clone();
                next.apply(row);
                next
            }
            None => CustomerData::new(row),
        };
        let place = self.plan.customers.len();
        self.plan.customers.push(CustomerPlan { code: code.to_owned(), known, next });
        self.customers.insert(code, place);
        place
    }
}

fn changes(
    row: &PolicyRow,
    policy: Option<&KnownPolicy>,
    next: &PolicyData,
    before: Option<&CustomerData>,
) -> Vec<Difference> {
    let mut changes = policy.map(|policy| policy.data.differences(next)).unwrap_or_default();
    if let Some(before) = before {
        let mut after = before.clone();
        after.apply(row);
        changes.extend(before.differences(&after));
    }
    changes
}

/// As the tables keep it; sheets end long before the limit.
fn row_number(row: &PolicyRow) -> i32 {
    i32::try_from(row.row).unwrap_or(i32::MAX)
}
