//! Flows from the draft to the end.

use crate::ground::Ground;
use serde_json::{Value, json};

const PATH: &str = "/api/whatsapp/flows";

fn form(next: &str) -> Value {
    let footer = |action: Value| json!({"type": "Footer", "label": "Next", "on-click-action": action});
    json!({"version": "7.0", "screens": [
        {"id": "DETAILS", "title": "Details", "layout": {"type": "SingleColumnLayout", "children": [
            footer(json!({"name": "navigate", "next": {"type": "screen", "name": next}, "payload": {}})),
        ]}},
        {"id": "DONE", "title": "Done", "terminal": true, "layout": {"type": "SingleColumnLayout", "children": [
            footer(json!({"name": "complete", "payload": {}})),
        ]}},
    ]})
}

fn reply(user: &str, target: &str) -> Value {
    json!({"start": "ask", "steps": {
        "ask": {
            "content": {"type": "interactive", "kind": "buttons", "body": "Renew?", "buttons": [
                {"id": "yes", "title": "Yes"}, {"id": "call", "title": "Call me"},
            ]},
            "answers": {"yes": [{"do": "step", "step": target}], "call": [{"do": "assign", "user": user}]},
        },
        "thanks": {"content": {"type": "text", "body": "Thank you"}},
    }})
}

async fn written(ground: &Ground, kind: &str, definition: &Value) -> String {
    let body = json!({"name": format!("A {kind}"), "kind": kind, "definition": definition});
    ground.post(PATH, Some(&body)).await.data(201)["id"].as_str().unwrap().to_owned()
}

async fn shown(ground: &Ground, id: &str) -> Value {
    ground.get(&format!("{PATH}/{id}")).send().await.data(200)
}

#[tokio::test]
async fn a_form_is_published_at_the_provider_and_retired_there() {
    let ground = Ground::new().await;
    let id = written(&ground, "form", &form("NOWHERE")).await;
    let path = format!("{PATH}/{id}");
    let told = ground.post(&format!("{path}/publish"), None).await.error(400, "validation_failed");
    assert_eq!(told["details"]["fields"][0]["field"], "screens[0].layout.children[0].on-click-action.next.name");
    let body = json!({"name": "A form", "kind": "form", "definition": form("DONE")});
    ground.api.put(&path).by(&ground.user).json(&body).send().await.data(200);
    let checked = ground.post(&format!("{path}/validate"), None).await.data(200);
    assert_eq!(checked, json!({"valid": true, "faults": []}));
    // the provider finds something that we do not
    let problem = json!({"error": "INVALID_PROPERTY", "message": "label is too short", "line_start": 5});
    ground.account.holds().problems = vec![problem];
    let publish = || ground.api.post(&format!("{path}/publish")).by(&ground.user);
    assert_eq!(ground.done(publish()).await["published"], false);
    let refused = shown(&ground, &id).await;
    assert_eq!((&refused["status"], &refused["providerErrors"][0]["line"]), (&json!("draft"), &json!(5)));
    assert_eq!(ground.done(publish()).await["published"], true);
    let published = shown(&ground, &id).await;
    assert_eq!((&published["status"], &published["providerErrors"]), (&json!("published"), &Value::Null));
    {
        let holds = ground.account.holds();
        assert_eq!(holds.flows.len(), 1);
        assert_eq!((&holds.flows[0]["status"], &holds.flows[0]["description"]), (&json!("PUBLISHED"), &form("DONE")));
        assert_eq!(published["providerFlowId"], holds.flows[0]["id"]);
    }
    ground.api.put(&path).by(&ground.user).json(&body).send().await.error(409, "flow_is_fixed");
    ground.done(ground.api.post(&format!("{path}/retire")).by(&ground.user)).await;
    assert_eq!(shown(&ground, &id).await["status"], "retired");
    assert_eq!(ground.account.holds().flows[0]["status"], "DEPRECATED");
    ground.post(&format!("{path}/retire"), None).await.error(409, "flow_is_retired");
    assert_eq!(ground.account.holds().violations, [] as [String; 0]);
}

#[tokio::test]
async fn a_reply_flow_is_checked_whole_and_stays_here() {
    let ground = Ground::new().await;
    let id = written(&ground, "reply", &reply("user-999999", "nowhere")).await;
    let path = format!("{PATH}/{id}");
    let checked = ground.post(&format!("{path}/validate"), None).await.data(200);
    assert_eq!(
        checked["faults"],
        json!([
            {"field": "steps.ask.answers.yes[0].step", "message": "there is no step nowhere"},
            {"field": "steps.ask.answers.call[0].user", "message": "there is no user user-999999"},
        ])
    );
    let body = json!({"name": "A reply", "kind": "reply", "definition": reply(&ground.user.id.to_string(), "thanks")});
    ground.api.put(&path).by(&ground.user).json(&body).send().await.data(200);
    ground.done(ground.api.post(&format!("{path}/publish")).by(&ground.user)).await;
    let listed = ground.get(&format!("{PATH}?kind=reply&status=published")).send().await.data(200);
    assert_eq!((&listed["pagination"]["total"], &listed["flows"][0]["id"]), (&json!(1), &json!(id)));
    let again = json!({"name": "A reply", "kind": "form", "definition": {}});
    ground.post(PATH, Some(&again)).await.error(409, "flow_exists");
    assert_eq!(ground.account.holds().calls, [] as [String; 0]);
}
