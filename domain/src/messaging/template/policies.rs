//! Several policies in one message: how their list reads in a page, in a text, and where everything is one line.
//!
//! Only numbers, kinds, amounts and days, without words of a language: templates have many. Nothing fails; in one line
//! the list is cut off with how many more there are, so that it never makes a message long.

use super::present::{date_text, money_text};
use crate::money::Money;
use chrono::NaiveDate;
use minijinja::{HtmlEscape, Value};
use serde::Deserialize;

/// The longest list in one line, in characters.
pub const SHORT_LIMIT: usize = 300;

/// One of several policies that a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PolicyLine {
    /// Its number.
    pub number: String,
    /// Its kind.
    pub kind: Option<String>,
    /// What its renewal costs, or its premium.
    pub premium: Option<Money>,
    /// ISO 4217 code of the amount.
    pub currency: String,
    /// The last day of its running term.
    pub expiry: Option<NaiveDate>,
}

/// Where a text ends up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In a page: values are escaped.
    Page,
    /// In a text of many lines.
    Text,
    /// In one line: a text message, a parameter, a subject.
    Short,
}

impl PolicyLine {
    fn text(&self) -> String {
        let kind = self.kind.as_deref().map(str::trim).filter(|kind| !kind.is_empty());
        let premium = self.premium.map(|premium| money_text(premium, &self.currency));
        let parts = [Some(self.number.clone()), kind.map(str::to_owned), premium, self.expiry.map(date_text)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn value(policies: &[PolicyLine], form: Form) -> Value {
    let lines = policies.iter().map(PolicyLine::text);
    match form {
        Form::Text => Value::from(lines.map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")),
        Form::Page => {
            let items: String = lines.map(|line| format!("<li>{}</li>", HtmlEscape(&line))).collect();
            Value::from_safe_string(format!("<ul>{items}</ul>"))
        }
        Form::Short => Value::from(short(lines.collect())),
    }
}

fn short(lines: Vec<String>) -> String {
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        let rest = format!("; +{}", lines.len() - place);
        let separator = if place == 0 { "" } else { "; " };
        let is_last = place + 1 == lines.len();
        let room = if is_last { 0 } else { rest.chars().count() };
        let length = text.chars().count() + separator.len() + line.chars().count() + room;
        if place > 0 && length > SHORT_LIMIT {
            text.push_str(&rest);
            break;
        }
        text.push_str(separator);
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn line(number: &str) -> PolicyLine {
        PolicyLine {
            number: number.to_owned(),
            kind: Some("Motor <4>".to_owned()),
            premium: Money::try_from(Decimal::from(12_500)).ok(),
            currency: "INR".to_owned(),
            expiry: NaiveDate::from_ymd_opt(2024, 6, 15),
        }
    }

    #[test]
    fn the_list_fits_where_it_stands() {
        let two = [line("P1"), PolicyLine { kind: None, premium: None, ..line("P2") }];
        let text = "- P1, Motor <4>, ₹12,500.00, 15 Jun 2024\n- P2, 15 Jun 2024";
        assert_eq!(value(&two, Form::Text).to_string(), text);
        let page = "<ul><li>P1, Motor &lt;4&gt;, ₹12,500.00, 15 Jun 2024</li><li>P2, 15 Jun 2024</li></ul>";
        assert_eq!(value(&two, Form::Page).to_string(), page);
        assert_eq!(value(&two, Form::Short).to_string(), "P1, Motor <4>, ₹12,500.00, 15 Jun 2024; P2, 15 Jun 2024");
    }

    #[test]
    fn in_one_line_it_ends_with_how_many_more_there_are() {
        let many: Vec<PolicyLine> = (0..20).map(|number| line(&format!("POL-{number:06}"))).collect();
        let text = value(&many, Form::Short).to_string();
        assert!(text.chars().count() <= SHORT_LIMIT, "{text}");
        assert!(text.ends_with("; +14"), "{text}");
    }
}
