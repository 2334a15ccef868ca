//! `/u/…` and `/p/…`: pages that need no sign-in.

use crate::ground::{client, customer, message, value};
use domain::ids::MessageId;
use poem::http::Method;
use serde_json::json;
use tests::http::{Answer, TestApi};

const FORM: &str = "application/x-www-form-urlencoded";

fn path(link: &str) -> &str {
    let start = ["/u/", "/p/", "/v/"].iter().find_map(|path| link.find(path));
    &link[start.expect("a link of ours")..]
}

#[track_caller]
fn html(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(!text.contains("<script") && !text.contains("http://") && !text.contains("https://"), "{text}");
    text
}

const STATE: &str = "SELECT channel, purpose, granted, own_choice, source FROM consents ORDER BY channel, purpose";
const HELD: &str = "SELECT channel, address, reason, scope, source FROM suppressions ORDER BY id";
const EVENTS: &str =
    "SELECT message_id, feedback, automatic FROM provider_events WHERE provider = 'tracking' ORDER BY id";

#[tokio::test]
async fn looking_changes_nothing_and_posting_stops() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    let id = message(&plain, asha, "email", "service", "sent", Some(1)).await;
    let link = api.state.links.unsubscribe(MessageId(id)).unwrap();
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let answer = api.call(method, path(&link)).send().await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    }
    let page = html(&api.get(path(&link)).send().await, 200);
    assert!(page.contains("Stop messages") && page.contains("method=\"post\"") && !page.contains("c1@example.com"));
    assert_eq!(value(&plain, STATE).await, json!([]));
    assert_eq!(value(&plain, HELD).await, json!([]));

    let hindi = api.get(path(&link)).header("accept-language", "hi-IN,hi;q=0.9").send().await;
    assert!(html(&hindi, 200).contains("संदेश बंद करें"));

    let done = api.post(path(&link)).body(FORM, "which=offers").send().await;
    assert!(html(&done, 200).contains("Done"));
    let marketing = json!({
        "channel": "email", "purpose": "marketing", "granted": false, "own_choice": true, "source": "unsubscribe",
    });
    assert_eq!(value(&plain, STATE).await, json!([marketing]));
    assert_eq!(
        value(&plain, HELD).await,
        json!([{"channel": "email", "address": "c1@example.com", "reason": "opted_out", "scope": "marketing", "source": "unsubscribe"}])
    );
    assert_eq!(
        value(&plain, EVENTS).await,
        json!([{"message_id": id, "feedback": "unsubscribed", "automatic": false}])
    );
    // everything, and again
    for _ in 0..2 {
        html(&api.post(path(&link)).body(FORM, "which=everything").send().await, 200);
    }
    assert_eq!(value(&plain, STATE).await.as_array().unwrap().len(), 2);
    assert_eq!(value(&plain, "SELECT scope FROM suppressions").await, json!([{"scope": "all"}]));
}

#[tokio::test]
async fn a_mail_service_stops_it_in_one_click() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    for (purpose, scope) in [("marketing", "marketing"), ("service", "all")] {
        let id = message(&plain, asha, "email", purpose, "sent", Some(1)).await;
        let link = api.state.links.unsubscribe(MessageId(id)).unwrap();
        // neither a cookie nor a browser's origin comes with it
        html(&api.post(path(&link)).body(FORM, "List-Unsubscribe=One-Click").send().await, 200);
        assert_eq!(value(&plain, "SELECT scope FROM suppressions").await, json!([{"scope": scope}]), "{purpose}");
    }
    let proof = "SELECT proof -> 'oneClick' AS one_click FROM consents LIMIT 1";
    assert_eq!(value(&plain, proof).await, json!([{"one_click": true}]));
}

#[tokio::test]
async fn a_link_that_is_none_or_is_for_something_else_does_nothing() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    let id = MessageId(message(&plain, asha, "email", "service", "sent", Some(1)).await);
    let links = &api.state.links;
    let preferences = links.preferences(id).unwrap().replace("/p/", "/u/");
    let nobodys = links.unsubscribe(MessageId(999_999)).unwrap();
    for path in [path(&preferences), path(&nobodys), "/u/nothing", "/p/nothing", "/p/%F0%9F%98%80"] {
        for method in [Method::GET, Method::POST] {
            html(&api.call(method, path).body(FORM, "which=everything").send().await, 404);
        }
    }
    assert_eq!(value(&plain, HELD).await, json!([]));
}

#[tokio::test]
async fn preferences_are_kept_by_channel_and_topic() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    plain
        .batch_execute(
            "INSERT INTO templates (name, template_type, content, variables, language, is_active, topic) VALUES \
             ('A', 'sms', 'a', '[]', 'en', TRUE, 'motor_offers'), ('B', 'sms', 'b', '[]', 'en', TRUE, '<b>news</b>'); \
             UPDATE customers SET communication_preferences = '{\"whatsapp\": false}'",
        )
        .await
        .unwrap();
    let id = MessageId(message(&plain, asha, "email", "service", "sent", Some(1)).await);
    let link = api.state.links.preferences(id).unwrap();
    let page = html(&api.get(path(&link)).send().await, 200);
    assert!(page.contains("Motor offers") && page.contains("&lt;b&gt;news&lt;/b&gt;") && !page.contains("<b>"));
    let ticked = |page: &str| page.matches(" checked").count();
    assert_eq!(ticked(&page), 4, "service by email and SMS, two topics: {page}");
    assert_eq!(value(&plain, STATE).await, json!([]));

    let form = "service=email&offers=email&service=whatsapp&topic=motor_offers&topic=unheard&offers=fax";
    let saved = html(&api.post(path(&link)).body(FORM, form).send().await, 200);
    assert!(saved.contains("Saved"));
    assert_eq!(ticked(&saved), 4, "{saved}");
    let granted = "SELECT channel, purpose FROM consents WHERE granted ORDER BY 1, 2";
    assert_eq!(
        value(&plain, granted).await,
        json!([
            {"channel": "email", "purpose": "marketing"}, {"channel": "email", "purpose": "service"},
            {"channel": "whatsapp", "purpose": "service"},
        ])
    );
    assert_eq!(value(&plain, "SELECT topic FROM topic_refusals").await, json!([{"topic": "<b>news</b>"}]));
    let held = "SELECT channel, scope FROM suppressions ORDER BY channel";
    assert_eq!(
        value(&plain, held).await,
        json!([{"channel": "sms", "scope": "all"}, {"channel": "whatsapp", "scope": "marketing"}])
    );
    // and all of it back
    let all = "service=email&service=whatsapp&service=sms&offers=sms&offers=email&offers=whatsapp&topic=motor_offers&topic=%3Cb%3Enews%3C%2Fb%3E";
    assert_eq!(ticked(&html(&api.post(path(&link)).body(FORM, all).send().await, 200)), 8);
    assert_eq!(value(&plain, HELD).await, json!([]));
    assert_eq!(value(&plain, "SELECT communication_preferences AS p FROM customers").await, json!([{"p": {}}]));
}

#[tokio::test]
async fn a_mail_is_shown_as_a_page_that_can_do_nothing() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    let id = message(&plain, asha, "email", "service", "sent", Some(1)).await;
    let content = json!({
        "kind": "email", "subject": "Hello", "text": "Dear Asha", "html": "<p>Dear <b>Asha</b></p><script>x()</script>",
    });
    plain.execute("UPDATE messages SET content = $2 WHERE id = $1", &[&id, &content]).await.unwrap();
    let link = api.state.links.view(MessageId(id)).unwrap();
    let shown = api.get(path(&link)).send().await;
    assert_eq!(shown.status.as_u16(), 200, "{shown:?}");
    assert!(String::from_utf8_lossy(&shown.body).contains("<b>Asha</b>"));
    let policy = shown.header("content-security-policy");
    assert!(policy.contains("sandbox") && policy.starts_with("default-src 'none'") && !policy.contains("script"));
    // a message that is no mail, and a token for something else
    let text = message(&plain, asha, "sms", "service", "sent", Some(1)).await;
    let other = api.state.links.unsubscribe(MessageId(id)).unwrap().replace("/u/", "/v/");
    for path in [path(&api.state.links.view(MessageId(text)).unwrap()), path(&other)] {
        html(&api.get(path).send().await, 404);
    }
}
