//! Filters made up from a seed, as JSON, with values that some of the made-up customers have.

use crate::chance::Chance;
use crate::world::{CASE, CITIES, CLAIM, KYC, LANGUAGES, OTHERS, PAYMENT, POLICY, PRIORITY, STATES, TAGS, TYPES};
use domain::campaigns::audience::{Field, Kind};
use serde_json::{Value, json};

/// A filter that is nested so deep at most, and may name these segments.
pub fn filter(chance: &mut Chance, depth: usize, segments: &[i64]) -> Value {
    if depth == 0 || chance.percent(30) {
        return condition(chance, segments);
    }
    match chance.below(5) {
        0 | 1 => json!({"and": list(chance, depth, segments)}),
        2 | 3 => json!({"or": list(chance, depth, segments)}),
        _ => json!({"not": filter(chance, depth - 1, segments)}),
    }
}

fn list(chance: &mut Chance, depth: usize, segments: &[i64]) -> Vec<Value> {
    (0..=chance.below(3)).map(|_| filter(chance, depth - 1, segments)).collect()
}

fn is(field: &str, operator: &str, value: Value) -> Value {
    match value {
        Value::Null => json!({"field": field, "operator": operator}),
        value => json!({"field": field, "operator": operator, "value": value}),
    }
}

fn condition(chance: &mut Chance, segments: &[i64]) -> Value {
    match chance.below(20) {
        0 | 1 => messages(chance),
        2 => surveys(chance),
        3 => claims(chance),
        4 => {
            let tags = (0..=chance.below(2)).map(|_| chance.one(&TAGS).to_uppercase()).collect::<Vec<_>>();
            is("tag", chance.one(&["any", "all", "none"]), json!(tags))
        }
        5 => {
            let about = json!({"channel": chance.one(&["email", "sms", "whatsapp"]), "purpose": "marketing"});
            is("consent", chance.one(&["granted", "refused", "unknown"]), about)
        }
        6 => {
            let id = format!("upload-{}", chance.between(1, OTHERS + 1));
            is("upload", chance.one(&["is", "is_not"]), json!(id))
        }
        7 | 8 if !segments.is_empty() => {
            let ids: Vec<String> = (0..=chance.below(2)).map(|_| format!("segment-{}", chance.one(segments))).collect();
            is("segment", chance.one(&["in", "not_in"]), json!(ids))
        }
        _ => {
            let field = chance.one(Field::ALL);
            about(chance, field)
        }
    }
}

fn about(chance: &mut Chance, field: Field) -> Value {
    let name = field.as_str();
    if field.kind() != Kind::Flag && (chance.percent(10) || field.kind() == Kind::Presence) {
        return is(name, chance.one(&["is_set", "is_not_set"]), Value::Null);
    }
    let (operator, value) = match field.kind() {
        Kind::Text | Kind::Presence => text(chance, field),
        Kind::Choice(_) => {
            let names: &[&str] = match field {
                Field::CustomerKyc => &KYC,
                Field::PolicyStatus => &POLICY,
                Field::CaseStatus => &CASE,
                Field::CasePriority => &PRIORITY,
                _ => &PAYMENT,
            };
            (chance.one(&["is", "is_not", "in", "not_in"]), json!([chance.one(names), chance.one(names)]))
        }
        Kind::Id(prefix) => {
            let id = format!("{prefix}-{}", chance.between(1, OTHERS));
            (chance.one(&["is", "is_not", "in", "not_in"]), json!(id))
        }
        Kind::Whole => number(chance, &[-30, -1, 0, 1, 3, 15, 30, 39, 40, 64]),
        Kind::Amount => number(chance, &[5_000, 10_000, 20_000, 25_000]),
        Kind::Date | Kind::Moment => when(chance),
        Kind::Flag => ("is", json!(chance.percent(50))),
    };
    is(name, operator, value)
}

fn text(chance: &mut Chance, field: Field) -> (&'static str, Value) {
    let words: &[&str] = match field {
        Field::CustomerName => &["asha rao", "RAVI D'Souza", "j%_n rao", "a%"],
        Field::CustomerCode => &["C1", "c2", "C3"],
        Field::CustomerCity => &CITIES,
        Field::CustomerState => &STATES,
        Field::CustomerPostalCode => &["400001", "4"],
        Field::CustomerCountry => &["in", "AE"],
        Field::CustomerTimeZone => &["Asia/Kolkata", "asia"],
        Field::CustomerLanguage => &LANGUAGES,
        Field::PolicyNumber => &["POL-1", "pol-2", "POL-1%"],
        Field::PolicyType => &TYPES,
        _ => &["INR", "aed"],
    };
    let word = chance.one(words);
    let part: String = word.chars().take(1 + chance.below(4)).collect();
    match chance.below(6) {
        0 => ("is", json!(word)),
        1 => ("is_not", json!(word)),
        2 => ("in", json!([word, chance.one(words)])),
        3 => ("not_in", json!([word, chance.one(words)])),
        4 => ("contains", json!(part)),
        _ => ("starts_with", json!(part)),
    }
}

fn number(chance: &mut Chance, of: &[i64]) -> (&'static str, Value) {
    let (one, other) = (chance.one(of), chance.one(of));
    match chance.below(6) {
        0 => ("is", json!(one)),
        1 => ("at_least", json!(one.to_string())),
        2 => ("at_most", json!(one)),
        3 => ("above", json!(one)),
        4 => ("below", json!(one)),
        _ => ("between", json!({"min": one.min(other), "max": one.max(other)})),
    }
}

fn when(chance: &mut Chance) -> (&'static str, Value) {
    let date = |chance: &mut Chance| {
        chance.one(&["2026-02-28", "2026-03-01", "2026-03-02", "2026-01-31", "2026-04-10", "1986-03-01", "2004-02-29"])
    };
    let (one, other) = (chance.between(-45, 45), chance.between(-45, 45));
    match chance.below(10) {
        0 => ("on", json!(date(chance))),
        1 => ("before", json!(date(chance))),
        2 => ("after", json!(date(chance))),
        3 => ("between", json!({"from": "2026-01-31", "to": "2026-03-01"})),
        4 => ("in_days", json!({"min": one.min(other), "max": one.max(other)})),
        5 => ("last_days", json!(one.abs())),
        6 => ("next_days", json!(one.abs())),
        7 => ("this", json!(chance.one(&["week", "month", "quarter", "year"]))),
        8 => ("last", json!(chance.one(&["week", "month", "quarter", "year"]))),
        _ => ("next", json!(chance.one(&["week", "month", "quarter", "year"]))),
    }
}

/// `any`, `none` or `count`, with what it says about time and number.
fn related(chance: &mut Chance, field: &str, mut value: Value) -> Value {
    let operator = chance.one(&["any", "none", "count"]);
    if chance.percent(50) {
        value["withinDays"] = json!(chance.one(&[0, 1, 30, 59]));
    }
    if operator == "count" {
        let min = chance.between(0, 2);
        value["min"] = json!(min);
        if chance.percent(50) {
            value["max"] = json!(min + chance.between(0, 1));
        }
    }
    is(field, operator, value)
}

fn messages(chance: &mut Chance) -> Value {
    let mut value = json!({"event": chance.one(&["sent", "opened", "clicked", "replied", "bounced", "failed"])});
    if chance.percent(40) {
        value["channels"] = json!([chance.one(&["email", "sms", "whatsapp"])]);
    }
    if chance.percent(25) {
        value["campaignId"] = json!(format!("campaign-{}", chance.between(1, OTHERS)));
    }
    if chance.percent(25) {
        value["templateId"] = json!(format!("template-{}", chance.between(1, OTHERS)));
    }
    if chance.percent(30) {
        value["aboutPolicy"] = json!(true);
    }
    related(chance, "message", value)
}

fn surveys(chance: &mut Chance) -> Value {
    let mut value = json!({});
    if chance.percent(50) {
        value["surveyId"] = json!(format!("survey-{}", chance.between(1, OTHERS)));
    }
    if chance.percent(50) {
        value["score"] = json!({"min": chance.between(0, 8)});
    }
    related(chance, "survey", value)
}

fn claims(chance: &mut Chance) -> Value {
    let mut value = json!({"ofPolicy": chance.percent(40)});
    match chance.below(3) {
        0 => value["open"] = json!(true),
        1 => value["statuses"] = json!([chance.one(&CLAIM)]),
        _ => {}
    }
    if chance.percent(30) {
        value["types"] = json!(["ACCIDENT"]);
    }
    if chance.percent(30) {
        value["amount"] = json!({"max": 1_000});
    }
    related(chance, "claim", value)
}
