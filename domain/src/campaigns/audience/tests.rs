//! Reading filters and selections.

use super::*;
use crate::ids::{CustomerId, PolicyId};
use serde_json::json;

fn fault_of(value: Value) -> String {
    Audience::parse(&value).unwrap_err().to_string()
}

fn is(field: &str, operator: &str, value: Value) -> Value {
    json!({"field": field, "operator": operator, "value": value})
}

#[test]
fn a_selection_survives_its_json() {
    let filter = json!({"and": [
        is("policy.endDate", "in_days", json!({"min": 15, "max": 30})),
        {"or": [is("customer.city", "in", json!(["Pune", "Mumbai"])), is("tag", "any", json!(["VIP"]))]},
        {"not": is("message", "any", json!({"event": "opened", "channels": ["email"], "withinDays": 30}))},
        is("survey", "count", json!({"min": 2, "score": {"max": 6}})),
        is("claim", "none", json!({"open": true, "ofPolicy": true})),
        {"field": "claim", "operator": "none"},
        is("consent", "granted", json!({"channel": "sms", "purpose": "marketing"})),
        is("upload", "is", json!("upload-1")),
        is("segment", "not_in", json!(["segment-1", "segment-2"])),
        {"field": "customer.phone", "operator": "is_set"},
        is("policy.premium", "at_least", json!("10000.50")),
        is("case.lastContact", "this", json!("month")),
        is("policy.inGrace", "is", json!(true)),
    ]});
    for value in [
        json!({"filter": filter}),
        json!({"segmentId": "segment-1"}),
        json!({"filter": filter, "segments": {"minus": ["segment-1", "segment-2"]}}),
        json!({"recipients": ["customer-1", "policy-2"]}),
    ] {
        let audience = Audience::parse(&value).unwrap();
        assert_eq!(serde_json::to_value(&audience).unwrap(), value);
        assert_eq!(serde_json::from_value::<Audience>(value).unwrap(), audience);
    }
    let Audience::Selection(selection) = Audience::parse(&json!({"recipients": ["customer-1", "policy-2"]})).unwrap()
    else {
        panic!()
    };
    let named = Recipients { customers: vec![CustomerId(1)], policies: vec![PolicyId(2)] };
    assert_eq!(selection.recipients, Some(named));
}

#[test]
fn what_cannot_be_meant_names_its_place() {
    let deep = (0..12).fold(is("policy.type", "is", json!("motor")), |inner, _| json!({"not": inner}));
    let wide = json!({"or": vec![is("policy.type", "is", json!("motor")); 250]});
    for (filter, part) in [
        (json!([]), "filter: expected {\"and\""),
        (json!({"and": []}), "filter.and: expected a list of one or more"),
        (json!({"and": [], "or": []}), "filter: expected {\"and\""),
        (json!({"xor": [1]}), "filter: expected {\"and\""),
        (json!({"not": {"and": [{"field": "customer.city"}]}}), "filter.not.and[0].operator: is required"),
        (is("customer.shoe", "is", json!("1")), "filter.field: expected one of customer.name"),
        (is("customer.city", "above", json!("1")), "filter.operator: expected one of is"),
        (is("customer.city", "is", json!(" ")), "filter.value: is blank"),
        (is("customer.city", "is", json!(7)), "filter.value: expected text"),
        (is("customer.city", "in", json!([])), "filter.value: expected 1 to 1000 values"),
        (is("customer.city", "is_set", json!(1)), "filter.value: is_set takes none"),
        (is("policy.status", "is", json!("on")), "filter.value: expected one of active"),
        (is("policy.branch", "is", json!("case-1")), "branch-123"),
        (is("policy.graceDays", "is", json!(1.5)), "filter.value: expected a whole number"),
        (is("policy.premium", "between", json!({})), "filter.value: give min, max or both"),
        (is("policy.premium", "between", json!({"min": 2, "max": 1})), "filter.value: min is above max"),
        (is("policy.endDate", "on", json!("31.05.2026")), "filter.value: expected a date such as"),
        (is("policy.endDate", "in_days", json!({"min": 2, "max": 1})), "filter.value: min is above max"),
        (is("policy.endDate", "next_days", json!(-1)), "filter.value: expected a number of days"),
        (is("policy.endDate", "this", json!("decade")), "filter.value: expected one of week"),
        (is("customer.phone", "is", json!("+911")), "filter.operator: expected one of is_set, is_not_set"),
        (is("policy.inGrace", "is", json!("yes")), "filter.value: invalid type"),
        (is("message", "any", json!({"min": 1})), "filter.value: min and max are for the operator count"),
        (is("message", "count", json!({})), "filter.value: give min, max or both"),
        (is("message", "any", json!({"chanel": "sms"})), "filter.value: unknown field `chanel`"),
        (is("message", "any", json!({"withinDays": -1})), "filter.value: withinDays"),
        (is("claim", "any", json!({"statuses": ["lost"]})), "filter.value: statuses: expected submitted"),
        (is("consent", "maybe", json!({})), "filter.operator: expected one of granted"),
        (is("segment", "in", json!("case-1")), "segment-123"),
        (json!({"field": "tag", "operator": "any", "value": "x", "values": 1}), "filter.values: is not a part"),
        (deep, "is nested more than 10 deep"),
        (wide, "filter.or[199]: the filter has more than 200 nodes"),
    ] {
        let error = fault_of(json!({"filter": filter}));
        assert!(error.contains(part), "{filter}: {error}");
    }
    for (value, part) in [
        (json!({"segmentId": "segment-1", "statuses": []}), "statuses: cannot stand beside"),
        (json!({"segmentId": 1}), "segmentId: expected an id"),
        (json!({"segments": {"minus": ["segment-1"]}}), "segments.minus: expected a segment, and"),
        (json!({"segments": {"union": ["segment-x"]}}), "segments.union[0]: expected an id such as segment-123"),
        (json!({"segments": ["segment-1"]}), "segments: expected {\"union\""),
        (json!({"recipients": []}), "recipients: expected a list of 1 to 10000"),
        (json!({"recipients": ["case-1"]}), "recipients[0]: expected an id such as customer-123"),
    ] {
        let error = fault_of(value.clone());
        assert!(error.contains(part), "{value}: {error}");
    }
}

#[test]
fn segments_that_refer_to_each_other_are_told() {
    let filter = |id: i64| Filter::parse(&is("segment", "in", json!(format!("segment-{id}"))), "filter").unwrap();
    let named = BTreeSet::from([SegmentId(1)]);
    let mut segments = Segments::default();
    assert_eq!(segments.missing(&named), named);
    segments.insert(SegmentId(1), Body::Dynamic(filter(2)), 0);
    assert_eq!(segments.missing(&named), BTreeSet::from([SegmentId(2)]));
    segments.insert(SegmentId(2), Body::Static, 500);
    assert!(segments.missing(&named).is_empty() && !segments.is_too_deep(&named));
    segments.insert(SegmentId(2), Body::Dynamic(filter(1)), 500);
    assert!(segments.is_too_deep(&named));
    assert_eq!(segments.holdout(SegmentId(2)).unwrap().salt, "segment-2");
    assert_eq!(segments.holdout(SegmentId(1)), None);
}

#[test]
fn a_filter_knows_what_it_is_about() {
    let filter = |value| Filter::parse(&value, "filter").unwrap();
    let cancelled = is("policy.status", "in", json!(["cancelled", "active"]));
    assert_eq!(filter(is("tag", "any", json!("vip"))).root.subject(), Subject::Customer);
    assert_eq!(filter(json!({"not": cancelled})).root.subject(), Subject::Policy);
    assert!(!filter(json!({"not": cancelled})).root.asks_for("cancelled"));
    assert!(filter(json!({"or": [cancelled]})).root.asks_for("cancelled"));
    let findings =
        findings(&filter(json!({"and": [cancelled, {"not": is("tag", "all", json!("vip"))}]})), &[true, false]);
    assert_eq!(findings[1].path, "filter.and[1].not");
    assert_eq!(findings[1].condition, is("tag", "all", json!("vip")));
    assert!(findings[1].negated && !findings[0].negated && findings[0].holds);
}
