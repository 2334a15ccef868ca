//! Who gets a message, and why the others do not.

use crate::book::{self, Entry};
use chrono::{NaiveDate, Utc};
use domain::{
    campaigns::{Audience, ExclusionReason, Grouping, audience::Segments, plan::Timing},
    messaging::{Channel, Purpose, restraint::Rules},
    permissions::Reach,
};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    campaigns::{self, Built, Dispatch, NewCampaign, PinnedText, Target},
    template_versions,
};
use serde_json::{Value, json};
use tests::base::Base;
use tokio_postgres::Client;

#[expect(clippy::disallowed_methods, reason = "entries are written relative to the database's clock")]
fn today() -> NaiveDate {
    Utc::now().with_timezone(&"Asia/Kolkata".parse::<chrono_tz::Tz>().unwrap()).date_naive()
}

#[expect(clippy::disallowed_methods, reason = "the database's clock is the machine's")]
pub fn now() -> chrono::DateTime<Utc> {
    Utc::now()
}

/// Writes a campaign that is being prepared.
pub async fn campaign(base: &Base, client: &Client, upload: Option<i64>, audience: &Value) -> i64 {
    let template = book::template(client, "Dear {name}").await;
    let audience = Audience::parse(audience).unwrap();
    let new = NewCampaign { upload_id: upload, ..NewCampaign::new("May", Channel::Whatsapp, template, audience) };
    campaigns::insert(&mut base.db().get().await.unwrap(), &new, now()).await.unwrap()
}

pub fn target(upload: Option<i64>, audience: &Value) -> Target {
    Target {
        upload_id: upload,
        audience: Audience::parse(audience).unwrap(),
        segments: Segments::default(),
        grouping: Grouping::Address,
        holdout: None,
        also: Vec::new(),
        channel: Channel::Whatsapp,
        today: today(),
        zone: chrono_tz::Asia::Kolkata,
        reach: Reach::All,
    }
}

/// What the template's messages are pinned to.
async fn fallback(connection: &mut AsyncPgConnection, template: i64) -> i64 {
    template_versions::of_template(connection, template, None).await.unwrap()[0].id
}

/// One text, to everybody at once.
fn pinned(template: i64, fallback: i64) -> [PinnedText; 1] {
    let purpose = Purpose::Service;
    [PinnedText { variant: None, language: None, version: fallback, template, purpose, topic: None }]
}

fn dispatch<'a>(texts: &'a [PinnedText], rules: &'a Rules) -> Dispatch<'a> {
    let timing = Timing::AtOnce;
    Dispatch { texts, shares: &[], timing, day: today(), pace: None, rehearsal: false, rules }
}

/// Writes a campaign's audience.
pub async fn build(base: &Base, client: &Client, campaign: i64, target: &Target) -> Option<Built> {
    let template = book::number(client, &format!("SELECT template_id FROM campaigns WHERE id = {campaign}")).await;
    let mut connection = base.db().get().await.unwrap();
    connection
        .transaction::<_, DbError, _>(async |connection| {
            let fallback = fallback(connection, template).await;
            let (texts, rules) = (pinned(template, fallback), Rules::default());
            campaigns::build(connection, campaign, &dispatch(&texts, &rules), target, now()).await
        })
        .await
        .unwrap()
}

async fn chosen(client: &Client, campaign: i64) -> Vec<String> {
    book::texts(
        client,
        &format!(
            "SELECT p.policy_number::TEXT FROM messages m JOIN policies p ON p.id = m.policy_id \
             WHERE m.campaign_id = {campaign} ORDER BY p.id"
        ),
    )
    .await
}

async fn excluded(client: &Client, campaign: i64) -> Vec<String> {
    book::texts(
        client,
        &format!(
            "SELECT p.policy_number || ' ' || e.reason FROM campaign_exclusions e \
             JOIN policies p ON p.id = e.policy_id WHERE e.campaign_id = {campaign} ORDER BY p.id"
        ),
    )
    .await
}

#[tokio::test]
async fn everyone_left_out_is_left_out_for_a_reason() {
    let base = Base::new().await;
    let client = book::connect(&base).await;
    let entries = [
        Entry::new(1),
        Entry { phone: None, ..Entry::new(2) },
        Entry { preferences: Some(r#"{"whatsapp": false}"#), ..Entry::new(3) },
        Entry { preferences: Some(r#"{"whatsapp": true, "sms": false}"#), ..Entry::new(4) },
        Entry { phone: Entry::new(1).phone, days: 40, ..Entry::new(5) },
        Entry { of: Some(4), days: 10, ..Entry::new(6) },
        Entry { case: ("renewed", "pending"), ..Entry::new(7) },
        Entry { case: ("contacted", "paid"), ..Entry::new(8) },
        Entry { status: "renewed", ..Entry::new(9) },
        Entry { status: "cancelled", ..Entry::new(10) },
    ];
    let upload = book::write(&client, &entries).await;
    let all = json!("all");
    let id = campaign(&base, &client, Some(upload), &all).await;
    let target = target(Some(upload), &all);

    let estimate = campaigns::estimate(&mut base.db().get().await.unwrap(), &target).await.unwrap();
    let built = build(&base, &client, id, &target).await;
    assert_eq!(built, Some(Built { messages: 2, exclusions: 8 }));
    assert_eq!(estimate, Some(2));
    assert_eq!(chosen(&client, id).await, ["P1", "P6"], "of one customer's policies the one that ends first");
    assert_eq!(
        excluded(&client, id).await,
        [
            "P2 no_phone",
            "P3 opted_out",
            "P4 duplicate_address",
            "P5 duplicate_address",
            "P7 already_renewed",
            "P8 already_renewed",
            "P9 already_renewed",
            "P10 policy_cancelled",
        ]
    );
    assert_eq!(build(&base, &client, id, &target).await, None, "a second run changes nothing");
    assert_eq!(book::number(&client, "SELECT count(*) FROM messages").await, 2);
    let page = campaigns::exclusions(&mut base.db().get().await.unwrap(), Reach::All, id, None, None, 3).await.unwrap();
    assert_eq!(page.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>(), ["already_renewed"; 3]);
    let after = page.last().map(|row| (row.reason.as_str(), row.id));
    let rest =
        campaigns::exclusions(&mut base.db().get().await.unwrap(), Reach::All, id, None, after, 9).await.unwrap();
    assert_eq!(rest.len(), 5);
    let one = Some(ExclusionReason::NoPhone);
    let one = campaigns::exclusions(&mut base.db().get().await.unwrap(), Reach::All, id, one, None, 9).await.unwrap();
    assert_eq!((one.len(), one[0].policy_number.as_deref()), (1, Some("P2")));
}

#[tokio::test]
async fn a_filter_keeps_those_who_meet_all_of_it() {
    let base = Base::new().await;
    let client = book::connect(&base).await;
    let entries = [
        Entry { days: 10, kind: "Motor", premium: 5_000, branch: Some("north"), ..Entry::new(1) },
        Entry { days: 20, kind: "Health", premium: 15_000, branch: Some("north"), ..Entry::new(2) },
        Entry { days: 30, kind: "Motor", premium: 25_000, branch: Some("south"), ..Entry::new(3) },
        Entry { days: -5, kind: "Life", premium: 35_000, status: "expired", ..Entry::new(4) },
        Entry { days: 60, kind: "Life", premium: 45_000, status: "cancelled", ..Entry::new(5) },
    ];
    let upload = book::write(&client, &entries).await;
    let north = book::number(&client, "SELECT id FROM branches WHERE code = 'north'").await;
    for (filter, kept) in [
        (json!({}), vec!["P1", "P2", "P3", "P4"]),
        (json!({"daysToExpiry": {"min": 15, "max": 30}}), vec!["P2", "P3"]),
        (json!({"daysToExpiry": {"max": 0}}), vec!["P4"]),
        (json!({"daysToExpiry": {"min": 2_000_000_000}}), vec![]),
        (json!({"policyTypes": ["motor", "LIFE"]}), vec!["P1", "P3", "P4"]),
        (json!({"premium": {"min": "15000.00", "max": 25_000}}), vec!["P2", "P3"]),
        (json!({"branches": [format!("branch-{north}")]}), vec!["P1", "P2"]),
        (json!({"statuses": ["Expired"]}), vec!["P4"]),
        (json!({"statuses": ["cancelled"]}), vec!["P5"]),
        (json!({"policyTypes": ["Motor"], "premium": {"min": 10_000}}), vec!["P3"]),
    ] {
        for upload in [Some(upload), None] {
            let id = campaign(&base, &client, upload, &filter).await;
            build(&base, &client, id, &target(upload, &filter)).await.unwrap();
            assert_eq!(chosen(&client, id).await, kept, "{filter}");
        }
    }
}

#[tokio::test]
async fn an_upload_keeps_its_policies_when_another_touches_them() {
    let base = Base::new().await;
    let client = book::connect(&base).await;
    let first = book::write(&client, &[Entry::new(1), Entry::new(2)]).await;
    let second = book::write(&client, &[Entry::new(3)]).await;
    client.execute("UPDATE policies SET upload_id = $1 WHERE policy_number = 'P2'", &[&second]).await.unwrap();
    let all = json!("all");
    for (upload, kept) in [(first, vec!["P1", "P2"]), (second, vec!["P2", "P3"])] {
        let id = campaign(&base, &client, Some(upload), &all).await;
        build(&base, &client, id, &target(Some(upload), &all)).await.unwrap();
        assert_eq!(chosen(&client, id).await, kept);
    }
}

#[tokio::test]
async fn a_campaign_that_was_stopped_meanwhile_gets_no_audience() {
    let base = Base::new().await;
    let client = book::connect(&base).await;
    let upload = book::write(&client, &[Entry::new(1)]).await;
    let id = campaign(&base, &client, Some(upload), &json!("all")).await;
    client.execute("UPDATE campaigns SET status = 'cancelled' WHERE id = $1", &[&id]).await.unwrap();
    let mut connection = base.db().get().await.unwrap();
    let built = connection
        .transaction::<Option<Built>, DbError, _>(async |connection| {
            let target = target(Some(upload), &json!("all"));
            let template = book::number(&client, "SELECT max(template_id) FROM campaigns").await;
            let fallback = fallback(connection, template).await;
            let (texts, rules) = (pinned(template, fallback), Rules::default());
            match campaigns::build(connection, id, &dispatch(&texts, &rules), &target, now()).await? {
                None => Err(DbError::Migration("rolled back".to_owned())),
                built => Ok(built),
            }
        })
        .await;
    assert!(built.is_err());
    assert_eq!(book::number(&client, "SELECT count(*) FROM messages").await, 0);
}

#[tokio::test]
async fn ranges_cover_every_message_once() {
    let base = Base::new().await;
    let client = book::connect(&base).await;
    let upload = book::write_many(&client, 25).await;
    let id = campaign(&base, &client, Some(upload), &json!("all")).await;
    build(&base, &client, id, &target(Some(upload), &json!("all"))).await.unwrap();
    let mut connection = base.db().get().await.unwrap();
    let ranges = campaigns::ranges(&mut connection, id, 10).await.unwrap();
    assert_eq!(ranges.len(), 3);
    let mut seen = 0;
    for (after, last) in ranges {
        seen += schema::messages::page(&mut connection, id, after, last, 100).await.unwrap().len();
    }
    assert_eq!(seen, 25);
    assert!(campaigns::ranges(&mut connection, id + 1, 10).await.unwrap().is_empty());
}
