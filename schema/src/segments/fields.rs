//! Conditions on fields of customers, policies and cases.

use super::compile::{Compiler, Names, Value, negated_if, not};
use crate::like;
use domain::campaigns::audience::{Bounds, Field, Kind, Test, When};
use rust_decimal::prelude::ToPrimitive;

impl Compiler<'_> {
    pub(super) fn field(&mut self, field: Field, test: &Test, at: &Names) -> String {
        let value = self.value(field, at);
        match test {
            Test::Set(true) => format!("{value} IS NOT NULL"),
            Test::Set(false) => format!("{value} IS NULL"),
            Test::OneOf { values, negated } => {
                let values = self.bind(Value::Texts(values.clone()));
                let found = match field.kind() {
                    Kind::Choice(_) => format!("{value} = ANY({values})"),
                    _ => format!("lower({value}) = ANY({values})"),
                };
                negated_if(*negated, found)
            }
            Test::Contains(part) => self.like(&value, like::containing(part)),
            Test::StartsWith(part) => self.like(&value, like::beginning(part)),
            Test::Ids { ids, negated } => {
                let ids = self.bind(Value::Ids(ids.clone()));
                negated_if(*negated, format!("{value} = ANY({ids})"))
            }
            Test::Number(bounds) if field == Field::PolicyDaysToExpiry => self.days_to_expiry(*bounds, at),
            Test::Number(bounds) => self.within(&value, *bounds),
            Test::When(when) => self.when(&value, field.kind(), *when),
            Test::Flag(true) => value,
            Test::Flag(false) => format!("({value}) IS FALSE"),
        }
    }

    fn like(&mut self, value: &str, pattern: String) -> String {
        let pattern = self.bind(Value::Text(pattern));
        format!("lower({value}) LIKE {pattern}")
    }

    /// A number between bounds.
    pub(super) fn within(&mut self, value: &str, bounds: Bounds) -> String {
        let mut ends = Vec::new();
        if let Some(low) = bounds.low {
            let sign = if low.included { ">=" } else { ">" };
            ends.push(format!("{value} {sign} {}", self.bind(Value::Number(low.value))));
        }
        if let Some(high) = bounds.high {
            let sign = if high.included { "<=" } else { "<" };
            ends.push(format!("{value} {sign} {}", self.bind(Value::Number(high.value))));
        }
        joined(&ends)
    }

    /// As days, so that the index on the last day serves.
    fn days_to_expiry(&mut self, bounds: Bounds, at: &Names) -> String {
        const FARTHEST: i32 = 4_000_000;
        let day = self.day;
        let end = |value: rust_decimal::Decimal| {
            let farthest = if value.is_sign_negative() { -FARTHEST } else { FARTHEST };
            value.to_i32().map_or(farthest, |days| days.clamp(-FARTHEST, FARTHEST))
        };
        let low = bounds.low.map(|low| end(low.value) + i32::from(!low.included));
        let high = bounds.high.map(|high| end(high.value) - i32::from(!high.included));
        let value = format!("{}.end_date", at.policy);
        let days = When::Between(low.map(|days| day.plus(days)), high.map(|days| day.plus(days)));
        self.when(&value, Kind::Date, days)
    }

    fn when(&mut self, value: &str, kind: Kind, when: When) -> String {
        let (from, to) = when.resolve(self.day);
        let mut ends = Vec::new();
        if kind == Kind::Moment {
            let day = self.day;
            if let Some(from) = from {
                ends.push(format!("{value} >= {}", self.bind(Value::Moment(day.start_of(from)))));
            }
            if let Some(next) = to.and_then(|to| to.succ_opt()) {
                ends.push(format!("{value} < {}", self.bind(Value::Moment(day.start_of(next)))));
            }
        } else {
            if let Some(from) = from {
                ends.push(format!("{value} >= {}", self.bind(Value::Date(from))));
            }
            if let Some(to) = to {
                ends.push(format!("{value} <= {}", self.bind(Value::Date(to))));
            }
        }
        joined(&ends)
    }

    /// What a field is in SQL.
    fn value(&mut self, field: Field, at: &Names) -> String {
        let Names { customer, policy, case } = at;
        let address = |part: &str| format!("({customer}.address ->> '{part}')");
        match field {
            // as its index has it
            Field::CustomerName => format!("({customer}.first_name || ' ' || {customer}.last_name)"),
            Field::CustomerCode => format!("{customer}.customer_code"),
            Field::CustomerEmail => format!("{customer}.email"),
            Field::CustomerPhone => format!("{customer}.phone"),
            Field::CustomerCity => address("city"),
            Field::CustomerState => address("state"),
            Field::CustomerPostalCode => address("postalCode"),
            Field::CustomerCountry => format!("{customer}.country"),
            Field::CustomerTimeZone => format!("{customer}.time_zone"),
            Field::CustomerLanguage => format!("{customer}.language"),
            Field::CustomerDateOfBirth => format!("{customer}.date_of_birth"),
            Field::CustomerAge => {
                let (today, born) = (self.bind(Value::Date(self.day.today)), format!("{customer}.date_of_birth"));
                format!(
                    "(CASE WHEN {born} <= {today} \
                           THEN extract(year FROM age({today}::TIMESTAMP, {born}::TIMESTAMP)) END)"
                )
            }
            Field::CustomerKyc => format!("{customer}.kyc_status"),
            Field::CustomerCreated => format!("{customer}.created_at"),
            Field::PolicyNumber => format!("{policy}.policy_number"),
            Field::PolicyType => format!("{policy}.policy_type"),
            Field::PolicyPremium => format!("{policy}.premium_amount"),
            Field::PolicyCurrency => format!("{policy}.currency"),
            Field::PolicyStatus => format!("{policy}.status"),
            Field::PolicyStart => format!("{policy}.start_date"),
            Field::PolicyEnd => format!("{policy}.end_date"),
            Field::PolicyRenewal => format!("{policy}.renewal_date"),
            Field::PolicyDaysToExpiry => format!("{policy}.end_date"),
            Field::PolicyBranch => format!("{policy}.branch_id"),
            Field::PolicyAgent => format!("{policy}.agent_id"),
            Field::PolicyGraceDays => format!("{policy}.grace_period_days"),
            Field::PolicyInGrace => {
                // no grace is longer than a leap year, which the index on the last day can use
                let today = self.bind(Value::Date(self.day.today));
                format!(
                    "({policy}.end_date < {today} AND {policy}.end_date >= {today} - 366 \
                      AND {policy}.end_date + {policy}.grace_period_days >= {today})"
                )
            }
            Field::PolicyCreated => format!("{policy}.created_at"),
            Field::CaseStatus => format!("{case}.status"),
            Field::CasePriority => format!("{case}.priority"),
            Field::CaseAssigned => format!("{case}.assigned_to"),
            Field::CasePayment => format!("{case}.payment_status"),
            Field::CaseAmount => format!("{case}.renewal_amount"),
            Field::CaseAttempts => format!("{case}.communication_attempts"),
            Field::CaseLastContact => format!("{case}.last_contact_date"),
        }
    }
}

fn joined(ends: &[String]) -> String {
    if ends.is_empty() { not("FALSE") } else { format!("({})", ends.join(" AND ")) }
}
