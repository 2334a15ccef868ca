//! What a policy, its customer and its renewal case offer a template.

use super::policies::PolicyLine;
use crate::money::Money;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::{borrow::Cow, collections::BTreeMap};

/// The variables of a campaign's template, with what each stands for.
pub const KNOWN: &[(&str, &str)] = &[
    ("name", "the customer's full name"),
    ("first_name", "the customer's first name"),
    ("last_name", "the customer's last name"),
    ("customer_code", "the customer's code"),
    ("policy_number", "the policy's number"),
    ("policy_type", "the kind of policy, such as Motor"),
    ("premium", "the policy's premium with its currency, as ₹1,23,456.50"),
    ("premium_amount", "the same as premium"),
    ("sum_insured", "the sum insured with its currency"),
    ("start_date", "the first day of the running term, as 15 Jun 2024"),
    ("expiry_date", "the last day of the running term"),
    ("end_date", "the same as expiry_date"),
    ("days_to_expiry", "days from the campaign's day to the expiry date; negative once expired"),
    ("renewal_amount", "what the renewal costs; the premium when no other amount is known"),
    ("case_number", "the renewal case's number"),
    ("branch", "the branch's name"),
    ("policy_count", "how many policies the message is about"),
    (
        "policies",
        "all policies the message is about, each with its number, kind, premium and expiry date: a list in a page, lines \
         in a text, cut off to one short line in text messages, WhatsApp parameters and subjects",
    ),
    ("unsubscribe_url", "of mails: where the recipient stops further ones"),
    ("preferences_url", "of mails: where the recipient chooses channels and topics"),
    ("view_url", "of mails: the mail as a page"),
];

pub(super) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == name)
}

/// One variable's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable<'a> {
    /// Not blank.
    Text(Cow<'a, str>),
    /// A whole number.
    Number(i64),
    /// A day.
    Date(NaiveDate),
    /// An amount and its ISO 4217 currency.
    Money(Money, &'a str),
    /// At least one policy.
    Policies(Cow<'a, [PolicyLine]>),
}

/// The values for one recipient. What is `None` or blank counts as missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variables {
    /// Full name; first and last name together when absent.
    pub name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The customer's code.
    pub customer_code: Option<String>,
    /// The policy's number.
    pub policy_number: Option<String>,
    /// The kind of policy.
    pub policy_type: Option<String>,
    /// The premium of the running term.
    pub premium: Option<Money>,
    /// The sum insured.
    pub sum_insured: Option<Money>,
    /// What the renewal costs; the premium when absent.
    pub renewal_amount: Option<Money>,
    /// ISO 4217 code of the three amounts.
    pub currency: String,
    /// The first day of the running term.
    pub start_date: Option<NaiveDate>,
    /// The last day of the running term.
    pub expiry_date: Option<NaiveDate>,
    /// Days from the campaign's day to the expiry date.
    pub days_to_expiry: Option<i64>,
    /// The renewal case's number.
    pub case_number: Option<String>,
    /// The branch's name.
    pub branch: Option<String>,
    /// All policies the message is about, when they are several; the one above among them.
    pub policies: Vec<PolicyLine>,
    /// Values given by the caller of a single send; they win over the ones above.
    pub given: BTreeMap<String, String>,
}

impl Default for Variables {
    fn default() -> Self {
        Self {
            name: None,
            first_name: None,
            last_name: None,
            customer_code: None,
            policy_number: None,
            policy_type: None,
            premium: None,
            sum_insured: None,
            renewal_amount: None,
            currency: "INR".to_owned(),
            start_date: None,
            expiry_date: None,
            days_to_expiry: None,
            case_number: None,
            branch: None,
            policies: Vec::new(),
            given: BTreeMap::new(),
        }
    }
}

impl Variables {
    /// The values of a single send, as its caller gave them.
    pub fn given(values: BTreeMap<String, String>) -> Self {
        Self { given: values, ..Self::default() }
    }

    /// The value of a variable; `None` when it is unknown, absent or blank.
    pub fn get(&self, name: &str) -> Option<Variable<'_>> {
        if let Some(value) = self.given.get(name) {
            return text(value);
        }
        match name {
            "name" => present(&self.name).or_else(|| self.both_names()),
            "first_name" => present(&self.first_name),
            "last_name" => present(&self.last_name),
            "customer_code" => present(&self.customer_code),
            "policy_number" => present(&self.policy_number),
            "policy_type" => present(&self.policy_type),
            "premium" | "premium_amount" => self.money(self.premium),
            "sum_insured" => self.money(self.sum_insured),
            "renewal_amount" => self.money(self.renewal_amount.or(self.premium)),
            "start_date" => self.start_date.map(Variable::Date),
            "expiry_date" | "end_date" => self.expiry_date.map(Variable::Date),
            "days_to_expiry" => self.days_to_expiry.map(Variable::Number),
            "case_number" => present(&self.case_number),
            "branch" => present(&self.branch),
            "policy_count" => {
                let count = self.all_policies().map(|all| i64::try_from(all.len()).unwrap_or(i64::MAX));
                count.map(Variable::Number)
            }
            "policies" => self.all_policies().map(Variable::Policies),
            _ => None,
        }
    }

    fn money(&self, amount: Option<Money>) -> Option<Variable<'_>> {
        amount.map(|amount| Variable::Money(amount, &self.currency))
    }

    /// All it is about: the only policy, when they are not several.
    fn all_policies(&self) -> Option<Cow<'_, [PolicyLine]>> {
        if !self.policies.is_empty() {
            return Some(Cow::Borrowed(&self.policies));
        }
        let number = self.policy_number.as_deref().map(str::trim).filter(|number| !number.is_empty())?;
        Some(Cow::Owned(vec![PolicyLine {
            number: number.to_owned(),
            kind: self.policy_type.clone(),
            premium: self.premium,
            currency: self.currency.clone(),
            expiry: self.expiry_date,
        }]))
    }

    fn both_names(&self) -> Option<Variable<'_>> {
        let parts = [&self.first_name, &self.last_name].map(|part| part.as_deref().unwrap_or_default().trim());
        let full = parts.join(" ");
        let full = full.trim();
        (!full.is_empty()).then(|| Variable::Text(Cow::Owned(full.to_owned())))
    }

    /// A value of the right kind for everything known, to try a template out or show a preview.
    pub fn sample() -> Self {
        let day = NaiveDate::default();
        let amount = Money::try_from(Decimal::ONE).ok();
        let text = Some("Asha Rao".to_owned());
        Self {
            name: text.clone(),
            first_name: text.clone(),
            last_name: text.clone(),
            customer_code: text.clone(),
            policy_number: text.clone(),
            policy_type: text.clone(),
            premium: amount,
            sum_insured: amount,
            renewal_amount: amount,
            currency: "INR".to_owned(),
            start_date: Some(day),
            expiry_date: Some(day),
            days_to_expiry: Some(30),
            case_number: text.clone(),
            branch: text,
            policies: vec![sample_policy("POL-000001", day, amount), sample_policy("POL-000002", day, amount)],
            given: ["unsubscribe_url", "preferences_url", "view_url"]
                .map(|name| (name.to_owned(), "https://example.com".to_owned()))
                .into(),
        }
    }
}

impl Variables {
    /// A sample of everything known as texts that every filter reads, for a message that is sent on trial.
    pub fn sample_texts() -> BTreeMap<String, String> {
        let value = |name: &str| match name {
            "premium" | "premium_amount" | "sum_insured" | "renewal_amount" => "12500.00",
            "start_date" => "2026-01-31",
            "expiry_date" | "end_date" => "2027-01-30",
            "days_to_expiry" => "30",
            "first_name" => "Asha",
            "last_name" => "Rao",
            "policy_type" => "Motor",
            "policy_number" => "POL-000001",
            "customer_code" => "C-000001",
            "case_number" => "RC-000001",
            "branch" => "Head office",
            "policy_count" => "2",
            "policies" => "POL-000001, Motor, ₹12,500.00, 30 Jan 2027; POL-000002, Health, ₹8,000.00, 2 Feb 2027",
            _ => "Asha Rao",
        };
        let own_links = ["unsubscribe_url", "preferences_url", "view_url"];
        let known = KNOWN.iter().filter(|(name, _)| !own_links.contains(name));
        known.map(|(name, _)| ((*name).to_owned(), value(name).to_owned())).collect()
    }
}

fn sample_policy(number: &str, day: NaiveDate, premium: Option<Money>) -> PolicyLine {
    let kind = Some("Motor".to_owned());
    PolicyLine { number: number.to_owned(), kind, premium, currency: "INR".to_owned(), expiry: Some(day) }
}

fn text(value: &str) -> Option<Variable<'_>> {
    let trimmed = value.trim();
    (!trimmed.is_empty()).then_some(Variable::Text(Cow::Borrowed(trimmed)))
}

fn present(value: &Option<String>) -> Option<Variable<'_>> {
    value.as_deref().and_then(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_variable_has_a_value_and_no_other() {
        let sample = Variables::sample();
        assert!(KNOWN.iter().all(|(name, _)| sample.get(name).is_some()));
        assert_eq!(sample.get("password"), None);
    }

    #[test]
    fn blank_is_missing_and_a_given_value_wins() {
        let mut variables = Variables { branch: Some("  ".to_owned()), ..Variables::default() };
        assert_eq!(variables.get("branch"), None);
        variables.given.insert("branch".to_owned(), "Pune".to_owned());
        assert_eq!(variables.get("branch"), Some(Variable::Text("Pune".into())));
    }

    #[test]
    fn one_policy_is_a_list_of_one_and_none_is_missing() {
        let one = Variables { policy_number: Some("P1".to_owned()), ..Variables::default() };
        assert_eq!(one.get("policy_count"), Some(Variable::Number(1)));
        assert!(matches!(one.get("policies"), Some(Variable::Policies(all)) if all[0].number == "P1"));
        assert_eq!((Variables::default().get("policies"), Variables::default().get("policy_count")), (None, None));
    }

    #[test]
    fn a_full_name_is_made_of_its_parts() {
        let variables = Variables {
            first_name: Some("Asha".to_owned()),
            last_name: Some("Rao".to_owned()),
            ..Variables::default()
        };
        assert_eq!(variables.get("name"), Some(Variable::Text("Asha Rao".into())));
        assert_eq!(Variables::default().get("name"), None);
    }
}
