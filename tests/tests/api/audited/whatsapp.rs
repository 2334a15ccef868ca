//! Templates and flows of the WhatsApp account.

use super::cases::{Case, case};
use super::stage::Stage;
use serde_json::{Value, json};
use uuid::Uuid;

const TEMPLATES: &str = "/api/whatsapp/templates";
const FLOWS: &str = "/api/whatsapp/flows";

pub fn cases() -> Vec<Case> {
    vec![
        case!("post /api/whatsapp/templates" => "whatsapp_template.created", |stage| {
            stage.post(TEMPLATES).json(&template())
        }),
        case!("put /api/whatsapp/templates/{id}" => "whatsapp_template.changed", |stage| {
            let id = written(stage, TEMPLATES, &template()).await;
            stage.put(&format!("{TEMPLATES}/{id}")).json(&template())
        }),
        case!("post /api/whatsapp/templates/{id}/submit" => "whatsapp_template.submitted", |stage| {
            let id = written(stage, TEMPLATES, &template()).await;
            stage.post(&format!("{TEMPLATES}/{id}/submit"))
        }),
        case!("delete /api/whatsapp/templates/{id}" => "whatsapp_template.deleted", |stage| {
            let id = written(stage, TEMPLATES, &template()).await;
            stage.delete(&format!("{TEMPLATES}/{id}"))
        }),
        case!("post /api/whatsapp/templates/sync" => "whatsapp_templates.synced", |stage| {
            stage.post(&format!("{TEMPLATES}/sync"))
        }),
        case!("post /api/whatsapp/flows" => "whatsapp_flow.created", |stage| stage.post(FLOWS).json(&flow())),
        case!("put /api/whatsapp/flows/{id}" => "whatsapp_flow.changed", |stage| {
            let id = written(stage, FLOWS, &flow()).await;
            stage.put(&format!("{FLOWS}/{id}")).json(&flow())
        }),
        case!("post /api/whatsapp/flows/{id}/publish" => "whatsapp_flow.published", |stage| {
            let id = written(stage, FLOWS, &flow()).await;
            stage.post(&format!("{FLOWS}/{id}/publish"))
        }),
        case!("post /api/whatsapp/flows/{id}/retire" => "whatsapp_flow.retired", |stage| {
            let id = written(stage, FLOWS, &flow()).await;
            stage.post(&format!("{FLOWS}/{id}/retire"))
        }),
    ]
}

async fn written(stage: &Stage<'_>, path: &str, body: &Value) -> String {
    stage.post(path).json(body).send().await.data(201)["id"].as_str().unwrap().to_owned()
}

fn template() -> Value {
    let name = format!("t{}", Uuid::now_v7().simple());
    json!({"name": name, "category": "utility", "components": [{"type": "BODY", "text": "Hello"}]})
}

fn flow() -> Value {
    let steps = json!({"hello": {"content": {"type": "text", "body": "Hello"}}});
    json!({"name": Uuid::now_v7().to_string(), "kind": "reply", "definition": {"start": "hello", "steps": steps}})
}
