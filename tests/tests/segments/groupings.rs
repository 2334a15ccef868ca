//! Who gets one message, about which policies, and who is held out.

use crate::write::insert;
use chrono::NaiveDate;
use domain::campaigns::audience::{Body, Day, Filter, Segments};
use domain::campaigns::{Audience, Grouping, Holdout, plan::Timing};
use domain::ids::{CustomerId, SegmentId};
use domain::messaging::{Channel, Purpose, restraint::Rules};
use domain::permissions::Reach;
use schema::campaigns::{self, Dispatch, NewCampaign, PinnedText, Target};
use schema::{AsyncConnection, DbError, template_versions};
use serde_json::{Value, json};
use tests::{base::Base, diesel_schema::connect};
use tokio_postgres::Client;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()
}

fn now() -> chrono::DateTime<chrono::Utc> {
    Day { today: today(), zone: chrono_tz::Asia::Kolkata }.start_of(today())
}

fn target(audience: &Value, grouping: Grouping) -> Target {
    Target {
        upload_id: None,
        audience: Audience::parse(audience).unwrap(),
        segments: Segments::default(),
        grouping,
        holdout: None,
        also: Vec::new(),
        channel: Channel::Sms,
        today: today(),
        zone: chrono_tz::Asia::Kolkata,
        reach: Reach::All,
    }
}

struct Ground {
    base: Base,
    client: Client,
}

impl Ground {
    async fn new() -> Self {
        let base = Base::new().await;
        let client = connect(base.database.url()).await;
        Self { base, client }
    }

    /// A customer with policies that end so many days from the day, numbered from ten times the customer's number.
    async fn customer(&self, id: i64, row: Value, days: &[i64]) {
        let mut customer = json!({
            "id": id, "customer_code": format!("C{id}"), "first_name": "F", "last_name": format!("L{id}"),
            "kyc_status": "pending", "created_at": now(), "updated_at": now(),
        });
        customer.as_object_mut().unwrap().extend(row.as_object().unwrap().clone());
        insert(&self.client, "customers", &customer).await;
        for (number, days) in (id * 10..).zip(days) {
            let end = today() + chrono::TimeDelta::days(*days);
            let policy = json!({
                "id": number, "policy_number": format!("P{number}"), "customer_id": id, "policy_type": "motor",
                "premium_amount": 1000, "currency": "INR", "start_date": end - chrono::TimeDelta::days(365),
                "end_date": end, "status": "active", "grace_period_days": 30, "created_at": now(), "updated_at": now(),
            });
            insert(&self.client, "policies", &policy).await;
            let case = json!({
                "id": number, "case_number": format!("K{number}"), "policy_id": number, "term_end": end,
                "status": "new", "priority": "low", "payment_status": "pending", "communication_attempts": 0,
                "created_at": now(), "updated_at": now(),
            });
            insert(&self.client, "renewal_cases", &case).await;
        }
    }

    /// Writes a campaign's audience; its messages as `policy unit policies`, and who was left out as `policy reason`.
    async fn built(&self, target: &Target) -> (Vec<String>, Vec<String>) {
        self.client
            .batch_execute(
                "INSERT INTO templates (id, name, template_type, content) OVERRIDING SYSTEM VALUE \
                     VALUES (1, 't', 'sms', 'Hello') ON CONFLICT DO NOTHING; \
                 INSERT INTO template_versions (template_id, version, language, is_fallback, content, format, variables) \
                     VALUES (1, 1, 'en', TRUE, 'Hello', 'text', '[]') ON CONFLICT DO NOTHING",
            )
            .await
            .unwrap();
        let new = NewCampaign::new("May", Channel::Sms, 1, target.audience.clone());
        let mut connection = self.base.db().get().await.unwrap();
        let id = campaigns::insert(&mut connection, &new, now()).await.unwrap();
        let estimate = campaigns::estimate(&mut connection, target).await.unwrap();
        let fallback = template_versions::of_template(&mut connection, 1, None).await.unwrap()[0].id;
        let (purpose, rules) = (Purpose::Service, Rules::default());
        let texts =
            [PinnedText { variant: None, language: None, version: fallback, template: 1, purpose, topic: None }];
        let dispatch = Dispatch {
            texts: &texts,
            shares: &[],
            timing: Timing::AtOnce,
            day: today(),
            pace: None,
            rehearsal: false,
            rules: &rules,
        };
        let built = connection
            .transaction::<_, DbError, _>(async |connection| {
                campaigns::build(connection, id, &dispatch, target, now()).await
            })
            .await
            .unwrap()
            .unwrap();
        assert_eq!(estimate, Some(built.messages));
        let texts = async |query: String| {
            let rows = self.client.query(&query, &[]).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
        };
        let messages = texts(format!(
            "SELECT policy_id || ' ' || unit || ' ' || COALESCE(policies::TEXT, '-') FROM messages \
             WHERE campaign_id = {id} AND case_id = policy_id ORDER BY policy_id"
        ));
        let excluded = texts(format!(
            "SELECT policy_id || ' ' || reason FROM campaign_exclusions \
             WHERE campaign_id = {id} AND case_id = policy_id ORDER BY policy_id"
        ));
        let (messages, excluded) = (messages.await, excluded.await);
        assert_eq!(messages.len(), usize::try_from(built.messages).unwrap());
        assert_eq!(excluded.len(), usize::try_from(built.exclusions).unwrap());
        (messages, excluded)
    }
}

#[tokio::test]
async fn each_grouping_has_its_recipients() {
    let ground = Ground::new().await;
    let home = |line: &str| json!({"line": line, "city": "Pune", "postalCode": "411001"});
    let phone = |n: i64| format!("+9198000000{n:02}");
    ground.customer(1, json!({"phone": phone(1)}), &[30, 10]).await;
    ground.customer(2, json!({"phone": phone(1)}), &[20]).await;
    // lives with 4, whose mail goes where 5's does; 6 has the address but not the name
    let (spelled, other) = (home("12, M.G. Road"), home("12 MG ROAD"));
    ground.customer(3, json!({"phone": phone(3), "last_name": "Rao", "address": spelled}), &[25]).await;
    ground.customer(4, json!({"phone": phone(4), "last_name": "RAO", "address": other, "email": "a@b.c"}), &[15]).await;
    ground.customer(5, json!({"phone": phone(5), "email": "A@b.c"}), &[40]).await;
    ground.customer(6, json!({"phone": phone(6), "address": home("12 MG Road")}), &[5]).await;
    ground.customer(7, json!({}), &[5]).await;
    let all = json!("all");
    let by = async |grouping| ground.built(&target(&all, grouping)).await;

    let (messages, excluded) = by(Grouping::Address).await;
    assert_eq!(messages, ["11 0 -", "30 0 -", "40 0 -", "50 0 -", "60 0 -"]);
    assert_eq!(excluded, ["10 duplicate_address", "20 duplicate_address", "70 no_phone"]);
    let (messages, excluded) = by(Grouping::Customer).await;
    assert_eq!(messages, ["11 0 -", "20 0 -", "30 0 -", "40 0 -", "50 0 -", "60 0 -"]);
    assert_eq!(excluded, ["10 same_customer", "70 no_phone"]);
    let (messages, excluded) = by(Grouping::Household).await;
    assert_eq!(messages, ["11 0 -", "40 0 -", "60 0 -"]);
    assert_eq!(
        excluded,
        ["10 same_household", "20 same_household", "30 same_household", "50 same_household", "70 no_phone"]
    );
    let (messages, excluded) = by(Grouping::Policy).await;
    let units = ["10 10 -", "11 11 -", "20 20 -", "30 30 -", "40 40 -", "50 50 -", "60 60 -"];
    assert_eq!(
        (messages.as_slice(), excluded.as_slice()),
        (units.map(str::to_owned).as_slice(), &["70 no_phone".to_owned()][..])
    );
    let (messages, excluded) = by(Grouping::Together).await;
    assert_eq!(messages, ["11 0 {11,10}", "20 0 -", "30 0 -", "40 0 -", "50 0 -", "60 0 -"]);
    assert_eq!(excluded, ["70 no_phone"]);

    // were all held out, it would be from the same messages, about the same policies
    for grouping in Grouping::ALL {
        let (messages, mut expected) = by(*grouping).await;
        for message in messages {
            let (policy, about) = message.split_once(' ').unwrap();
            let about = about.split_once(' ').unwrap().1.trim_matches(['{', '}']);
            let about = if about == "-" { policy } else { about };
            expected.extend(about.split(',').map(|policy| format!("{policy} holdout")));
        }
        expected.sort_unstable();
        let holdout = Some(Holdout { salt: "all".to_owned(), basis_points: 10_000 });
        let held = ground.built(&Target { holdout, ..target(&all, *grouping) }).await;
        assert_eq!(held, (Vec::new(), expected), "{grouping}");
    }
}

#[tokio::test]
async fn a_message_is_about_so_many_policies_at_most() {
    let ground = Ground::new().await;
    let days: Vec<i64> = (1..=52).collect();
    ground.customer(1, json!({"phone": "+919800000001"}), &days).await;
    let (messages, excluded) = ground.built(&target(&json!("all"), Grouping::Together)).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].matches(',').count() + 1, usize::try_from(Grouping::TOGETHER_LIMIT).unwrap());
    assert_eq!(excluded, ["60 too_many_policies", "61 too_many_policies"]);
    let holdout = Some(Holdout { salt: "all".to_owned(), basis_points: 10_000 });
    let (_, excluded) = ground.built(&Target { holdout, ..target(&json!("all"), Grouping::Together) }).await;
    let held = excluded.iter().filter(|one| one.ends_with(" holdout")).count();
    assert_eq!((held, excluded.len()), (usize::try_from(Grouping::TOGETHER_LIMIT).unwrap(), 52));
}

#[tokio::test]
async fn holdouts_get_nothing_and_are_told_with_their_case() {
    let ground = Ground::new().await;
    for id in 1..=60 {
        ground.customer(id, json!({"phone": format!("+9198000{id:05}")}), &[id]).await;
    }
    let filter = |value: Value| Body::Dynamic(Filter::parse(&value, "filter").unwrap());
    let within = |max: i32| json!({"field": "policy.daysToExpiry", "operator": "between", "value": {"max": max}});
    let mut segments = Segments::default();
    segments.insert(SegmentId(1), filter(within(30)), 5_000);
    segments.insert(SegmentId(2), filter(within(60)), 0);
    let group = segments.holdout(SegmentId(1)).unwrap();
    let campaign = Holdout { salt: "campaign".to_owned(), basis_points: 2_000 };
    let of = |audience: Value, holdout: Option<Holdout>| Target {
        segments: segments.clone(),
        holdout,
        ..target(&audience, Grouping::Address)
    };
    let held = |ids: std::ops::RangeInclusive<i64>, held: &dyn Fn(i64) -> bool| {
        ids.filter(|id| held(*id)).map(|id| format!("{} holdout", id * 10)).collect::<Vec<_>>()
    };
    let in_group = |id: i64| id <= 30 && group.holds(CustomerId(id));

    let (messages, excluded) = ground.built(&of(json!({"segmentId": "segment-1"}), None)).await;
    assert_eq!(excluded, held(1..=30, &in_group));
    assert_eq!(messages.len() + excluded.len(), 30);
    assert!((5..25).contains(&excluded.len()), "{excluded:?}");
    // of several segments, only the people of the one that has a holdout
    let union = json!({"segments": {"union": ["segment-1", "segment-2"]}});
    assert_eq!(ground.built(&of(union.clone(), None)).await.1, held(1..=60, &in_group));
    let either = |id: i64| in_group(id) || campaign.holds(CustomerId(id));
    assert_eq!(ground.built(&of(union, Some(campaign.clone()))).await.1, held(1..=60, &either));
    // nor does a filter that names it get around it, itself or through another segment
    let named = json!({"filter": {"field": "segment", "operator": "in", "value": "segment-1"}});
    assert_eq!(ground.built(&of(named, None)).await.1, held(1..=60, &in_group));
    segments.insert(SegmentId(4), filter(json!({"field": "segment", "operator": "in", "value": "segment-1"})), 0);
    let of = |audience: Value| Target { segments: segments.clone(), ..target(&audience, Grouping::Address) };
    assert_eq!(ground.built(&of(json!({"segmentId": "segment-4"}))).await.1, held(1..=60, &in_group));
    // without the segment that is named, nobody is meant
    let (messages, excluded) = ground.built(&of(json!({"segmentId": "segment-3"}))).await;
    assert!(messages.is_empty() && excluded.is_empty());
    let not_in = json!({"filter": {"field": "segment", "operator": "not_in", "value": "segment-3"}});
    assert!(ground.built(&of(not_in)).await.0.is_empty());
}
