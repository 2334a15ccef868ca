//! Parts of a campaign's figures over HTTP, as a recount of its messages finds them: by variant, channel, branch, hour,
//! domain and template; and its links, which tell nobody apart.

use crate::{
    book::{self, Entry},
    ground::{Ground, SOON, number},
};
use chrono::TimeDelta;
use domain::ids::MessageId;
use jobs::tracking::{Seen, click_event};
use schema::campaigns::{Followed, count_followed, fold};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::wait::until;

const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
const PAGE: &str = "<body>Dear {name}, <a href=\"https://pay.example/{policy_number}?from=mail\">pay</a> or \
                    <a href=\"https://insurer.example/plans?of=motor\">read</a></body>";
/// What is counted, and of which messages.
const COUNTS: [(&str, &str); 9] = [
    ("total", "TRUE"),
    ("pending", "status IN ('pending', 'sending')"),
    ("suppressed", "status = 'suppressed'"),
    ("failed", "status = 'failed'"),
    ("sent", "status IN ('sent', 'delivered', 'read')"),
    ("delivered", "status IN ('delivered', 'read')"),
    ("opened", "(opened_at IS NOT NULL OR status = 'read')"),
    ("clicked", "clicked_at IS NOT NULL"),
    ("replied", "replied_at IS NOT NULL"),
];
/// Parts, what their keys are called, and the same of a message `m`.
const PARTS: [(&str, &str, &str); 6] = [
    ("byVariant", "label", "(SELECT v.label FROM campaign_variants v WHERE v.id = m.variant_id)"),
    ("byChannel", "channel", "m.channel"),
    ("byBranch", "name", "(SELECT b.name FROM branches b WHERE b.id = m.branch_id)"),
    (
        "byHour",
        "hour",
        "CASE WHEN m.status IN ('sent', 'delivered', 'read') \
            THEN extract(hour FROM m.sent_at AT TIME ZONE 'Asia/Kolkata')::INT END",
    ),
    ("byDomain", "domain", "CASE WHEN m.channel = 'email' THEN split_part(m.address, '@', 2) END"),
    ("byTemplate", "templateId", "'template-' || m.template_id"),
];

type Part = BTreeMap<String, Vec<i64>>;

fn shown(analytics: &Value, part: &str, key: &str) -> Part {
    let row = |row: &Value| {
        let key = row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned);
        (key, COUNTS.iter().map(|(name, _)| row[name].as_i64().unwrap()).collect())
    };
    analytics[part].as_array().unwrap().iter().map(row).collect()
}

async fn recounted(ground: &Ground, campaign: i64, key: &str) -> Part {
    let counts: Vec<String> = COUNTS.iter().map(|(_, which)| format!("count(*) FILTER (WHERE {which})")).collect();
    let query = format!(
        "SELECT ({key})::TEXT, {} FROM messages m WHERE campaign_id = {campaign} AND ({key}) IS NOT NULL GROUP BY 1",
        counts.join(", ")
    );
    let rows = ground.client.query(&query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), (1..row.len()).map(|at| row.get(at)).collect())).collect()
}

/// Half of its people get a mail or a text message on trial, the rest waits.
async fn mixed(ground: &Ground) -> String {
    ground
        .client
        .batch_execute("UPDATE customers SET email = lower(first_name) || '@mail' || id % 2 || '.example'")
        .await
        .unwrap();
    let mail = json!({"name": "Mail", "type": "email", "content": PAGE, "format": "html", "tracked": true, "subject": "Renew"});
    let text = json!({"name": "Text", "type": "sms", "content": "Dear {name}"});
    let mut ids = Vec::new();
    for template in [mail, text] {
        let written = ground.post("/api/templates", &template).await.data(201);
        ids.push(written["templateId"].clone());
    }
    let variants = json!([{"label": "A"}, {"label": "B", "type": "sms", "templateId": ids[1]}]);
    let test = json!({"metric": "opened", "sharePercent": 50, "hours": 48});
    ground.create(&json!({"type": ["email"], "templates": {"email": ids[0]}, "variants": variants, "test": test})).await
}

/// The tracked links of a mail, in order.
async fn links(ground: &Ground, message: i64) -> Vec<String> {
    let view = ground.api.state.links.view(MessageId(message)).unwrap();
    let page = ground.api.get(&view[view.find("/v/").unwrap()..]).send().await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    page.split('"').filter_map(|part| Some(part[part.find("/t/c/")?..].to_owned())).collect()
}

#[tokio::test]
async fn parts_are_what_a_recount_finds_and_links_tell_nobody_apart() {
    let branch = |number| if number % 3 == 0 { "North" } else { "South" };
    let entries: Vec<_> = (1..=40).map(|n| Entry { branch: Some(branch(n)), ..Entry::new(n) }).collect();
    let ground = Ground::new(&entries).await;
    let services = &ground.api.state.services;
    let workers = ground.workers();
    let id = mixed(&ground).await;
    let campaign = number(&id);
    let of = |which: &str| format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND {which}");
    ground.until_number("the audience is written", &of("TRUE"), 40).await;
    let tried = book::number(&ground.client, &of("variant_id IS NOT NULL")).await;
    assert!((5..=35).contains(&tried), "{tried}");
    ground.until_number("those that are tried are sent", &of("status NOT IN ('pending', 'sending')"), tried).await;

    // whoever follows a link at once is a program
    services.clock.advance(TimeDelta::minutes(30));
    let mails = "SELECT id::TEXT FROM messages WHERE channel = 'email' AND sent_at IS NOT NULL ORDER BY id LIMIT 3";
    let mails: Vec<i64> = book::texts(&ground.client, mails).await.iter().map(|id| id.parse().unwrap()).collect();
    let follow = async |message: i64, number: usize| {
        let link = links(&ground, message).await.remove(number);
        let onward = ground.api.get(&link).header("user-agent", CHROME).send().await;
        assert_eq!(onward.status.as_u16(), 302);
        services.clock.advance(TimeDelta::minutes(2));
        onward.header("location")
    };
    let paid = follow(mails[0], 0).await;
    assert!(paid.starts_with("https://pay.example/P") && paid.contains("from=mail"), "{paid}");
    assert!(follow(mails[0], 1).await.starts_with("https://insurer.example/plans?of=motor"));
    for message in [mails[0], mails[1], mails[2]] {
        follow(message, 0).await;
    }
    let clicks = "SELECT count(*) FROM provider_events WHERE feedback = 'clicked' AND applied_at IS NOT NULL";
    ground.until_number("clicks are applied", clicks, 5).await;
    // one that went out before links had names, and is told of late
    let at = services.clock.now() - TimeDelta::minutes(20);
    let seen = Seen { message: MessageId(mails[0]), at, automatic: false, agent: None };
    ground.api.state.recorder.record(click_event(&seen, "https://pay.example/POL-000001/now?x=1".into(), None));
    services.clock.advance(TimeDelta::minutes(2));
    ground.until_number("the late one is applied", clicks, 6).await;

    let path = format!("/api/campaigns/{id}/analytics");
    let differing = async || {
        let analytics = ground.get(&path).await;
        let mut differing = Vec::new();
        for (part, name, key) in PARTS {
            let (shown, expected) = (shown(&analytics, part, name), recounted(&ground, campaign, key).await);
            if shown != expected {
                differing.push((part, shown, expected));
            }
        }
        differing
    };
    until("the figures are folded", SOON, || async {
        book::number(&ground.client, "SELECT count(*) FROM campaign_figure_deltas").await == 0
            && differing().await.is_empty()
    })
    .await;
    assert_eq!(differing().await, []);
    let analytics = ground.get(&path).await;
    for (part, count) in [("byVariant", 2), ("byChannel", 2), ("byBranch", 2), ("byDomain", 2), ("byTemplate", 2)] {
        assert_eq!(analytics[part].as_array().unwrap().len(), count, "{part}");
    }
    let waiting = |part: &str| -> i64 {
        analytics[part].as_array().unwrap().iter().map(|row| row["pending"].as_i64().unwrap()).sum()
    };
    assert_eq!((waiting("byBranch"), waiting("byVariant"), waiting("byHour")), (40 - tried, 0, 0));
    assert!(waiting("byDomain") > 0 && waiting("byTemplate") > 0);
    let link = |url: &str, clicks: i64, first: i64| json!({"url": url, "clicks": clicks, "first": first});
    assert_eq!(
        analytics["links"],
        json!([
            link("https://pay.example/{policy_number}", 4, 3),
            link("https://insurer.example/plans", 1, 0),
            link("https://pay.example/*/now", 1, 0),
        ])
    );
    assert_eq!(analytics["metrics"]["clicked"], 3);
    workers.stop().await;
}

#[tokio::test]
async fn a_campaign_has_only_so_many_links_that_no_template_names() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let id = ground.create(&json!({"draft": true})).await;
    let campaign = number(&id);
    let followed = |from: usize, is_named: bool| -> Vec<Followed> {
        let one = |n| Followed { campaign, link: format!("https://a.example/{n}"), is_named, first: true };
        (from..from + 200).map(one).collect()
    };
    let mut connection = ground.api.connection().await;
    for (from, is_named) in [(0, false), (100, false), (1_000, true)] {
        count_followed(&mut connection, &followed(from, is_named)).await.unwrap();
        fold(&mut connection, campaign, 10_000).await.unwrap();
    }
    let rows = "SELECT count(*) FROM campaign_figures WHERE dimension = 'link'";
    assert_eq!(book::number(&ground.client, rows).await, 200 + 1 + 200);
    let twice = format!("{rows} AND total = 2");
    assert_eq!(book::number(&ground.client, &twice).await, 100, "known ones are counted on");
    let analytics = ground.get(&format!("/api/campaigns/{id}/analytics")).await;
    assert_eq!(analytics["links"][0], json!({"url": "other", "clicks": 100, "first": 100}));
    assert_eq!(analytics["links"].as_array().unwrap().len(), 50);
}
