//! `/t/…`: what pictures and links tell.

use crate::ground::{client, customer, message, value};
use domain::ids::MessageId;
use jobs::{
    consent::{Choice, opt_in, opt_out},
    tracking::{Watch, track},
};
use poem::http::Method;
use schema::AsyncConnection;
use serde_json::json;
use std::time::Duration;
use tests::http::TestApi;

const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
const EVENTS: &str =
    "SELECT kind, message_id, feedback, automatic, url FROM provider_events ORDER BY feedback DESC, automatic";

fn path(link: &str) -> &str {
    &link[link.find("/t/").expect("a link of ours")..]
}

async fn kept(api: &TestApi) -> serde_json::Value {
    api.state.recorder.drained(Duration::from_secs(20)).await;
    value(&client(api.base.database.url()).await, EVENTS).await
}

#[tokio::test]
async fn a_mail_is_opened_and_its_link_followed() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    let id = MessageId(message(&plain, asha, "email", "service", "sent", Some(1)).await);
    let html = "<body><a href=\"https://pay.example/x?a=1&amp;b=2\">Pay</a></body>";
    let watch = Watch { links: &api.state.links, message: id, utm: None, opens: true, clicks: true, patterns: &[] };
    let page = track(html, &watch);
    let addresses: Vec<&str> = page.split('"').filter(|part| part.contains("/t/")).collect();
    let (click, open) = (path(addresses[0]), path(addresses[1]));
    for _ in 0..3 {
        let picture = api.get(open).header("user-agent", CHROME).send().await;
        assert_eq!((picture.status.as_u16(), picture.header("content-type").as_str()), (200, "image/gif"));
        assert!(picture.body.starts_with(b"GIF89a") && picture.header("cache-control").contains("no-store"));
    }
    let onward = api.get(click).header("user-agent", CHROME).send().await;
    assert_eq!((onward.status.as_u16(), onward.header("location").as_str()), (302, "https://pay.example/x?a=1&b=2"));
    let head = api.call(Method::HEAD, click).header("user-agent", CHROME).send().await;
    assert_eq!(head.status.as_u16(), 302, "{head:?}");
    api.get(open).header("user-agent", "Mozilla/5.0").send().await;
    let told = |feedback, automatic, url: Option<&str>| json!({"kind": "feedback", "message_id": id.0, "feedback": feedback, "automatic": automatic, "url": url});
    let url = Some("https://pay.example/x?a=1&b=2");
    assert_eq!(
        kept(&api).await,
        json!([
            told("opened", false, None),
            told("opened", true, None),
            told("clicked", false, url),
            told("clicked", true, url)
        ])
    );
    let jobs = "SELECT count(*) AS jobs FROM jobs WHERE kind = 'apply_provider_events'";
    assert!(value(&plain, jobs).await[0]["jobs"].as_i64().unwrap() >= 1);
}

#[tokio::test]
async fn no_link_leads_where_no_token_says() {
    let api = TestApi::new().await;
    let id = MessageId(7);
    let open = api.state.links.open(id).unwrap().replace("/t/o/", "/t/c/").replace(".gif", "");
    let unsubscribe = api.state.links.unsubscribe(id).unwrap().replace("/u/", "/t/c/");
    let mut changed = api.state.links.click(id, "https://a.example", "x").unwrap();
    let last = if changed.ends_with('A') { "B" } else { "A" };
    changed.replace_range(changed.len() - 1.., last);
    for path in [
        path(&open),
        path(&unsubscribe),
        path(&changed),
        "/t/c/https%3A%2F%2Fevil.example",
        "/t/c/x?url=https://evil.example",
    ] {
        let answer = api.get(path).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("location").as_str()), (404, ""), "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
    assert_eq!(api.get("/t/o/nothing.gif").send().await.status.as_u16(), 200, "the picture is always there");
    assert_eq!(kept(&api).await, json!([]));
}

#[tokio::test]
async fn stop_and_start_again() {
    use domain::messaging::{Channel, SuppressionScope, restraint::ConsentSource};
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let (asha, ben) = (customer(&plain, "C1", "+919876543210").await, customer(&plain, "C2", "+919876543211").await);
    let now = api.state.services.clock.now();
    let agreed = "INSERT INTO consents (customer_id, channel, purpose, granted, own_choice, source, given_at) \
                  SELECT id, 'sms', 'marketing', TRUE, TRUE, 'preferences', now() - interval '1 day' FROM customers WHERE customer_code = 'C1'; \
                  INSERT INTO consent_log (customer_id, channel, purpose, granted, own_choice, took_effect, source, given_at) \
                  SELECT customer_id, channel, purpose, granted, own_choice, TRUE, source, given_at FROM consents";
    plain.batch_execute(agreed).await.unwrap();
    let choice = |customer, address: &str, seconds| Choice {
        channel: Channel::Sms,
        address: address.to_owned(),
        customers: vec![customer],
        scope: SuppressionScope::All,
        source: ConsentSource::Reply,
        message: None,
        proof: None,
        at: now + chrono::TimeDelta::seconds(seconds),
    };
    let both = |seconds| [choice(asha, "+919876543210", seconds), choice(ben, "+919876543211", seconds)];
    let mut connection = api.connection().await;
    let state = "SELECT customer_id, purpose, granted FROM consents ORDER BY customer_id, purpose";
    let told = |customer: domain::ids::CustomerId, purpose, granted| json!({"customer_id": customer.0, "purpose": purpose, "granted": granted});
    connection.transaction::<_, schema::DbError, _>(async |c| opt_out(c, &both(1), now).await).await.unwrap();
    assert_eq!(
        value(&plain, state).await,
        json!([
            told(asha, "marketing", false),
            told(asha, "service", false),
            told(ben, "marketing", false),
            told(ben, "service", false)
        ])
    );
    assert_eq!(value(&plain, "SELECT id FROM suppressions").await.as_array().unwrap().len(), 2);
    connection.transaction::<_, schema::DbError, _>(async |c| opt_in(c, &both(2), now).await).await.unwrap();
    assert_eq!(
        value(&plain, state).await,
        json!([
            told(asha, "marketing", true),
            told(asha, "service", true),
            told(ben, "marketing", false),
            told(ben, "service", true)
        ])
    );
    assert_eq!(value(&plain, "SELECT id FROM suppressions").await, json!([]));
}
