//! Filters are found by an index where one serves: the plans, over a book large enough for the planner to care.
//!
//! `PLANS_CUSTOMERS` says how large; 1,000,000 takes some minutes.

use domain::campaigns::audience::{Day, Filter, Segments, Selection};
use domain::campaigns::{Audience, Grouping};
use domain::messaging::Channel;
use domain::permissions::Reach;
use schema::campaigns::{self, Target};
use schema::segments;
use serde_json::{Value, json};
use tests::{base::Base, diesel_schema::connect};

/// Customers of the book when nothing is said; each has two policies.
const CUSTOMERS: u32 = 20_000;

#[expect(clippy::disallowed_methods, reason = "how large a book a test looks at is no setting of the product")]
fn customers() -> u32 {
    std::env::var("PLANS_CUSTOMERS").ok().and_then(|given| given.parse().ok()).unwrap_or(CUSTOMERS)
}

fn book(customers: u32) -> String {
    let (policies, claims) = (2 * customers, customers / 2);
    format!(
        "\
        INSERT INTO customers (customer_code, first_name, last_name, phone, address, created_at) \
            SELECT 'C' || n, 'F', 'L' || n, '+9198' || lpad(n::TEXT, 8, '0'), \
                   jsonb_build_object('city', 'City ' || n % 500), now() - make_interval(days => n % 2000) \
            FROM generate_series(1, {customers}) n; \
        INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, status, \
                              renewal_date) \
            SELECT 'P' || n, 1 + n % {customers}, 'motor', 1000 + n % 40000, '2025-01-01'::DATE + n % 1000, \
                   '2026-01-01'::DATE + n % 1000, CASE WHEN n % 800 = 0 THEN 'lapsed' ELSE 'active' END, \
                   '2026-01-01'::DATE + n % 1000 \
            FROM generate_series(1, {policies}) n; \
        INSERT INTO renewal_cases (policy_id, term_end, status, payment_status) \
            SELECT id, end_date, CASE WHEN id % 300 = 0 THEN 'escalated' ELSE 'new' END, \
                   CASE WHEN id % 300 = 0 THEN 'failed' ELSE 'pending' END FROM policies; \
        INSERT INTO messages (customer_id, channel, address, status, due_at, sent_at, clicked_at) \
            SELECT 1 + n % {customers}, 'sms', 'x', 'sent', now(), now(), \
                   CASE WHEN n % 300 = 0 THEN now() - make_interval(days => n % 300) END \
            FROM generate_series(1, {policies}) n; \
        INSERT INTO claims (claim_number, policy_id, claim_type, claim_amount, description, incident_date, reported_date) \
            SELECT 'K' || n, n, 'theft', 100, 'x', '2024-01-01'::DATE + n % 800, '2024-01-01'::DATE + n % 800 \
            FROM generate_series(1, {claims}) n; \
        INSERT INTO customer_tags (customer_id, tag) SELECT n, 'tag ' || n % 200 FROM generate_series(1, {customers}) n; \
        INSERT INTO segments (id, name, kind) OVERRIDING SYSTEM VALUE VALUES (1, 'few', 'static'), (2, 'all', 'static'); \
        INSERT INTO segment_members (segment_id, customer_id) \
            SELECT 1, n FROM generate_series(1, 100) n UNION ALL SELECT 2, n FROM generate_series(1, {customers}) n; \
        ANALYZE"
    )
}

/// Conditions that few meet, with the index that finds them.
fn rare() -> Vec<(Value, &'static str)> {
    let is = |field: &str, operator: &str, value: Value| json!({"field": field, "operator": operator, "value": value});
    vec![
        (is("customer.name", "starts_with", json!("f l1999")), "idx_customers_name"),
        (is("customer.city", "in", json!(["city 7", "city 8"])), "idx_customers_city"),
        (
            is("customer.createdAt", "between", json!({"from": "2021-01-01", "to": "2021-01-31"})),
            "idx_customers_created",
        ),
        (is("policy.endDate", "in_days", json!({"min": 15, "max": 17})), "idx_policies_end_date"),
        (is("policy.daysToExpiry", "between", json!({"min": 15, "max": 17})), "idx_policies_end_date"),
        (is("policy.renewalDate", "on", json!("2026-06-01")), "idx_policies_renewal_date"),
        (is("policy.status", "is", json!("lapsed")), "idx_policies_status"),
        (is("policy.premium", "at_least", json!(40_900)), "idx_policies_premium"),
        (is("case.status", "is", json!("escalated")), "idx_renewal_cases_status"),
        (is("case.paymentStatus", "is", json!("failed")), "idx_renewal_cases_payment"),
        (is("message", "any", json!({"event": "clicked", "withinDays": 300})), "messages_clicked"),
        (is("claim", "any", json!({"withinDays": 3})), "idx_claims_reported"),
        (is("tag", "all", json!(["tag 3"])), "customer_tags_tag"),
        (is("segment", "in", json!("segment-1")), "segment_members_pkey"),
    ]
}

#[tokio::test]
async fn what_few_meet_is_found_by_an_index() {
    let base = Base::new().await;
    let client = connect(base.database.url()).await;
    client.batch_execute(&book(customers())).await.unwrap();
    let day = Day { today: "2026-03-01".parse().unwrap(), zone: chrono_tz::Asia::Kolkata };
    let mut known = Segments::default();
    known.insert(domain::ids::SegmentId(1), domain::campaigns::audience::Body::Static, 0);
    let mut connection = base.db().get().await.unwrap();
    let uses = |plan: &[String], index: &str| plan.iter().any(|line| line.contains(index));
    let mut faults = Vec::new();
    for (condition, index) in rare() {
        let chosen = Selection::filtered(Filter::parse(&condition, "filter").unwrap());
        let plan = segments::plan(&mut connection, Reach::All, &chosen, &known, day).await.unwrap();
        if !uses(&plan, index) {
            faults.push(format!("count of {condition}:\n{}", plan.join("\n")));
        }
        let target = Target {
            upload_id: None,
            audience: Audience::Selection(chosen),
            segments: known.clone(),
            grouping: Grouping::Address,
            holdout: None,
            also: Vec::new(),
            channel: Channel::Sms,
            today: day.today,
            zone: day.zone,
            reach: Reach::All,
        };
        let plan = campaigns::plan(&mut connection, &target).await.unwrap();
        let scanned: Vec<&str> = plan.iter().filter(|line| line.contains("Seq Scan")).map(|line| line.trim()).collect();
        eprintln!("target of {condition}: {index}, read whole: {scanned:?}");
        if !uses(&plan, index) {
            faults.push(format!("target of {condition}:\n{}", plan.join("\n")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
