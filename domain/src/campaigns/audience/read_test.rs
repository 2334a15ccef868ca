//! Reads what a field is held against: which operators each kind of field takes, and which values.

use super::{
    condition::{Bound, Bounds, Test},
    field::{Field, Kind},
    read::{Found, Parts},
    when::{EARLIEST, LATEST, Period, When},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

/// The farthest day that is counted to.
const DAYS_LIMIT: i32 = 100_000;

const TEXT: &[&str] = &["is", "is_not", "in", "not_in", "contains", "starts_with", "is_set", "is_not_set"];
const CHOICE: &[&str] = &["is", "is_not", "in", "not_in", "is_set", "is_not_set"];
const NUMBER: &[&str] = &["is", "at_least", "at_most", "above", "below", "between", "is_set", "is_not_set"];
const WHEN: &[&str] = &[
    "on",
    "before",
    "after",
    "between",
    "in_days",
    "last_days",
    "next_days",
    "this",
    "last",
    "next",
    "is_set",
    "is_not_set",
];

/// Reads a condition on a field.
pub(super) fn test(field: Field, parts: &Parts<'_>) -> Found<Test> {
    match (parts.operator, field.kind()) {
        (operator @ ("is_set" | "is_not_set"), _) if field.kind() != Kind::Flag => match parts.value {
            Value::Null => Ok(Test::Set(operator == "is_set")),
            _ => parts.wrong_value(format!("{operator} takes none")),
        },
        (_, Kind::Text) => text(parts),
        (_, Kind::Choice(allowed)) => choice(parts, allowed),
        (_, Kind::Id(prefix)) => ids(parts, prefix),
        (_, Kind::Whole) => bounds(parts, true).map(Test::Number),
        (_, Kind::Amount) => bounds(parts, false).map(Test::Number),
        (_, Kind::Date | Kind::Moment) => when(parts).map(Test::When),
        ("is", Kind::Flag) => parts.read().map(Test::Flag),
        (_, Kind::Presence) => parts.wrong_operator(&["is_set", "is_not_set"]),
        (_, Kind::Flag) => parts.wrong_operator(&["is"]),
    }
}

fn text(parts: &Parts<'_>) -> Found<Test> {
    let negated = matches!(parts.operator, "is_not" | "not_in");
    match parts.operator {
        "is" | "is_not" | "in" | "not_in" => {
            Ok(Test::OneOf { values: parts.texts()?.iter().map(|text| text.to_lowercase()).collect(), negated })
        }
        "contains" => Ok(Test::Contains(parts.text(parts.value)?.to_lowercase())),
        "starts_with" => Ok(Test::StartsWith(parts.text(parts.value)?.to_lowercase())),
        _ => parts.wrong_operator(TEXT),
    }
}

fn choice(parts: &Parts<'_>, allowed: &[&str]) -> Found<Test> {
    let negated = match parts.operator {
        "is" | "in" => false,
        "is_not" | "not_in" => true,
        _ => return parts.wrong_operator(CHOICE),
    };
    let values: Vec<String> = parts.texts()?.iter().map(|text| text.to_lowercase()).collect();
    match values.iter().all(|value| allowed.contains(&value.as_str())) {
        true => Ok(Test::OneOf { values, negated }),
        false => parts.wrong_value(format!("expected one of {}", allowed.join(", "))),
    }
}

fn ids(parts: &Parts<'_>, prefix: &str) -> Found<Test> {
    let negated = match parts.operator {
        "is" | "in" => false,
        "is_not" | "not_in" => true,
        _ => return parts.wrong_operator(CHOICE),
    };
    let number = |text: &String| {
        let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse::<i64>().ok()).filter(|id| *id > 0) {
            Some(id) => Ok(id),
            None => parts.wrong_value(format!("expected an id such as {prefix}-123")),
        }
    };
    Ok(Test::Ids { ids: parts.texts()?.iter().map(number).collect::<Found<_>>()?, negated })
}

/// The ends of a stretch of numbers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ends {
    min: Option<Value>,
    max: Option<Value>,
}

fn bounds(parts: &Parts<'_>, whole: bool) -> Found<Bounds> {
    let one = |included| number(parts, parts.value, whole).map(|value| Some(Bound { value, included }));
    Ok(match parts.operator {
        "is" => Bounds { low: one(true)?, high: one(true)? },
        "at_least" => Bounds { low: one(true)?, high: None },
        "at_most" => Bounds { low: None, high: one(true)? },
        "above" => Bounds { low: one(false)?, high: None },
        "below" => Bounds { low: None, high: one(false)? },
        "between" => between(parts, parts.read()?, whole)?,
        _ => return parts.wrong_operator(NUMBER),
    })
}

/// The stretch between two ends, both included.
pub(super) fn between(parts: &Parts<'_>, ends: Ends, whole: bool) -> Found<Bounds> {
    let end = |given: Option<Value>| match given {
        Some(value) => number(parts, &value, whole).map(|value| Some(Bound { value, included: true })),
        None => Ok(None),
    };
    let (low, high) = (end(ends.min)?, end(ends.max)?);
    match (low, high) {
        (None, None) => parts.wrong_value("give min, max or both"),
        (Some(low), Some(high)) if low.value > high.value => parts.wrong_value("min is above max"),
        _ => Ok(Bounds { low, high }),
    }
}

fn number(parts: &Parts<'_>, value: &Value, whole: bool) -> Found<Decimal> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    match text.parse::<Decimal>() {
        Ok(number) if whole && !number.is_integer() => parts.wrong_value("expected a whole number"),
        Ok(number) if number.abs() > Decimal::from(1_000_000_000_000_i64) => parts.wrong_value("is too large"),
        Ok(number) => Ok(number),
        Err(_) => parts.wrong_value("expected a number"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dates {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InDays {
    min: Option<i32>,
    max: Option<i32>,
}

fn when(parts: &Parts<'_>) -> Found<When> {
    let fixed = || match parts.read::<NaiveDate>() {
        Ok(date) if (EARLIEST..=LATEST).contains(&date) => Ok(date),
        _ => parts.wrong_value("expected a date such as 2026-05-31"),
    };
    let days = || match parts.read::<i32>() {
        Ok(days) if (0..=DAYS_LIMIT).contains(&days) => Ok(days),
        _ => parts.wrong_value(format!("expected a number of days, up to {DAYS_LIMIT}")),
    };
    Ok(match parts.operator {
        "on" => When::Between(Some(fixed()?), Some(fixed()?)),
        "before" => When::Between(None, fixed()?.pred_opt()),
        "after" => When::Between(fixed()?.succ_opt(), None),
        "between" => {
            let Dates { from, to } = parts.read()?;
            let far = [from, to].into_iter().flatten().any(|date| !(EARLIEST..=LATEST).contains(&date));
            match (from, to) {
                (None, None) => return parts.wrong_value("give from, to or both"),
                _ if far => return parts.wrong_value("has a year that is not one of four digits"),
                (Some(from), Some(to)) if from > to => return parts.wrong_value("from is after to"),
                _ => When::Between(from, to),
            }
        }
        "in_days" => {
            let InDays { min, max } = parts.read()?;
            let far = [min, max].into_iter().flatten().any(|days| days.unsigned_abs() > DAYS_LIMIT.unsigned_abs());
            match (min, max) {
                (None, None) => return parts.wrong_value("give min, max or both"),
                _ if far => return parts.wrong_value(format!("is more than {DAYS_LIMIT} days away")),
                (Some(min), Some(max)) if min > max => return parts.wrong_value("min is above max"),
                _ => When::Days(min, max),
            }
        }
        "last_days" => When::Days(Some(-days()?), Some(0)),
        "next_days" => When::Days(Some(0), Some(days()?)),
        "this" => When::Within(period(parts)?, 0),
        "last" => When::Within(period(parts)?, -1),
        "next" => When::Within(period(parts)?, 1),
        _ => return parts.wrong_operator(WHEN),
    })
}

fn period(parts: &Parts<'_>) -> Found<Period> {
    match parts.value.as_str() {
        Some("week") => Ok(Period::Week),
        Some("month") => Ok(Period::Month),
        Some("quarter") => Ok(Period::Quarter),
        Some("year") => Ok(Period::Year),
        _ => parts.wrong_value("expected one of week, month, quarter, year"),
    }
}
