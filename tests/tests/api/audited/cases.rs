//! How each changing operation is called, and what the audit log calls it.

use super::stage::{Stage, announcement, mapping, template};
use super::{administration, campaigns, factors, joining, people, whatsapp};
use serde_json::json;
use std::{future::Future, pin::Pin};
use tests::http::Call;

pub type Calling<'s> = Pin<Box<dyn Future<Output = Call> + Send + 's>>;

/// One operation.
pub struct Case {
    /// `method path`, as the document has it.
    pub operation: &'static str,
    /// What the log calls it.
    pub action: &'static str,
    /// Prepares what it takes, and makes the request.
    pub call: for<'s> fn(&'s Stage<'s>) -> Calling<'s>,
}

macro_rules! case {
    ($operation:literal => $action:literal, |$stage:ident| $call:expr) => {
        Case { operation: $operation, action: $action, call: |$stage| Box::pin(async move { $call }) }
    };
}

pub(super) use case;

/// Every case.
pub fn cases() -> Vec<Case> {
    let own = [sign_in(), uploads(), texts(), consent(), work(), segments(), campaigns::cases()];
    let others = [factors::cases(), joining::cases(), people::cases(), administration::cases(), whatsapp::cases()];
    own.into_iter().chain(others).flatten().collect()
}

fn sign_in() -> Vec<Case> {
    vec![
        case!("post /api/auth/logout" => "session.ended", |stage| stage.post("/api/auth/logout")),
        case!("delete /api/auth/sessions" => "sessions.ended", |stage| stage.delete("/api/auth/sessions")),
        case!("delete /api/auth/sessions/{id}" => "session.ended", |stage| {
            let other = stage.other_session().await;
            stage.delete(&format!("/api/auth/sessions/{other}"))
        }),
    ]
}

fn uploads() -> Vec<Case> {
    vec![
        case!("post /api/upload/file" => "upload.created", |stage| stage.file()),
        case!("post /api/upload/undo/{id}" => "upload.undone", |stage| {
            let upload = stage.read_upload().await;
            stage.post(&format!("/api/upload/undo/{upload}"))
        }),
        case!("post /api/upload/chunked" => "upload.announced", |stage| {
            stage.post("/api/upload/chunked").json(&announcement())
        }),
        case!("put /api/upload/chunked/{id}" => "upload.piece_received", |stage| {
            let id = stage.announced().await;
            stage.piece(&id)
        }),
        case!("delete /api/upload/chunked/{id}" => "upload.abandoned", |stage| {
            let id = stage.sent().await;
            stage.delete(&format!("/api/upload/chunked/{id}"))
        }),
        case!("post /api/upload/chunked/{id}/complete" => "upload.completed", |stage| {
            let id = stage.sent().await;
            stage.post(&format!("/api/upload/chunked/{id}/complete"))
        }),
        case!("post /api/upload/mappings" => "mapping.saved", |stage| {
            stage.post("/api/upload/mappings").json(&mapping())
        }),
        case!("delete /api/upload/mappings" => "mapping.forgotten", |stage| {
            stage.post("/api/upload/mappings").json(&mapping()).send().await.data(201);
            stage.delete("/api/upload/mappings?name=bank")
        }),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        case!("post /api/communication/whatsapp/media" => "media.uploaded", |stage| {
            let head = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";
            let form = format!("{head}%PDF-1.7 x\r\n--XX--\r\n");
            stage.post("/api/communication/whatsapp/media").body("multipart/form-data; boundary=XX", form)
        }),
        case!("post /api/communication/whatsapp/send" => "message.asked", |stage| {
            let content = json!({"type": "text", "body": "Hello"});
            stage.post("/api/communication/whatsapp/send").json(&json!({"to": "+919876543210", "content": content}))
        }),
        case!("post /api/communication/sms/send" => "message.asked", |stage| {
            stage.post("/api/communication/sms/send").json(&json!({"to": "+919876543210", "message": "Hello"}))
        }),
        case!("post /api/communication/email/send" => "message.asked", |stage| {
            let body = json!({"to": "somebody@example.com", "subject": "Hello", "text": "Hello"});
            stage.post("/api/communication/email/send").json(&body)
        }),
        case!("post /api/communication/accounts/{account}/resume" => "account.resumed", |stage| {
            stage.paused_account().await;
            stage.post("/api/communication/accounts/sandbox/resume")
        }),
        case!("put /api/communication/accounts/{account}/unconfirmed" => "account.changed", |stage| {
            let rule = json!({"afterMinutes": 60, "closeAs": "failed"});
            stage.put("/api/communication/accounts/sandbox/unconfirmed").json(&rule)
        }),
        case!("post /api/customers/{id}/reveal" => "customer.revealed", |stage| {
            let customer = stage.customer().await;
            stage.post(&format!("/api/customers/{customer}/reveal"))
        }),
        case!("post /api/templates" => "template.created", |stage| stage.post("/api/templates").json(&template())),
        case!("put /api/templates/{id}" => "template.changed", |stage| {
            let id = stage.template().await;
            stage.put(&format!("/api/templates/{id}")).json(&template())
        }),
        case!("post /api/templates/{id}/test-send" => "message.asked", |stage| {
            let id = stage.template().await;
            stage.post(&format!("/api/templates/{id}/test-send")).json(&json!({"to": "+919876543210"}))
        }),
        case!("delete /api/templates/{id}" => "template.retired", |stage| {
            let id = stage.template().await;
            stage.delete(&format!("/api/templates/{id}"))
        }),
    ]
}

fn segments() -> Vec<Case> {
    vec![
        case!("post /api/segments" => "segment.created", |stage| {
            stage.post("/api/segments").json(&json!({"name": "People"}))
        }),
        case!("put /api/segments/{id}" => "segment.changed", |stage| {
            let id = stage.segment().await;
            stage.put(&format!("/api/segments/{id}")).json(&json!({"name": "Others"}))
        }),
        case!("delete /api/segments/{id}" => "segment.deleted", |stage| {
            let id = stage.segment().await;
            stage.delete(&format!("/api/segments/{id}"))
        }),
        case!("post /api/segments/{id}/members" => "segment.members_added", |stage| {
            let (id, customer) = (stage.segment().await, stage.customer().await);
            stage.post(&format!("/api/segments/{id}/members")).json(&json!({"customerIds": [customer]}))
        }),
        case!("post /api/segments/{id}/members/remove" => "segment.members_removed", |stage| {
            let (id, customer) = (stage.segment().await, stage.customer().await);
            stage.post(&format!("/api/segments/{id}/members/remove")).json(&json!({"customerIds": [customer]}))
        }),
        case!("post /api/segments/{id}/members/import" => "segment.members_added", |stage| {
            let id = stage.segment().await;
            stage.post(&format!("/api/segments/{id}/members/import")).body("text/csv", "customer_code\nC1\n")
        }),
        case!("put /api/customers/{id}/tags" => "customer.tagged", |stage| {
            let customer = stage.customer().await;
            stage.put(&format!("/api/customers/{customer}/tags")).json(&json!({"tags": ["vip"]}))
        }),
        case!("post /api/customers/tags" => "customers.tagged", |stage| {
            let customer = stage.customer().await;
            stage.post("/api/customers/tags").json(&json!({"customerIds": [customer], "add": ["vip"]}))
        }),
    ]
}

fn consent() -> Vec<Case> {
    const SUPPRESSIONS: &str = "/api/communication/suppressions";
    vec![
        case!("put /api/customers/{id}/consents" => "customer.consents_recorded", |stage| {
            let word = json!({"channel": "email", "purpose": "marketing", "granted": true});
            let path = format!("/api/customers/{}/consents", stage.customer().await);
            stage.put(&path).json(&json!({"consents": [word]}))
        }),
        case!("post /api/communication/suppressions" => "suppression.created", |stage| {
            stage.post(SUPPRESSIONS).json(&json!({"channel": "email", "address": "nobody@example.com"}))
        }),
        case!("delete /api/communication/suppressions/{id}" => "suppression.lifted", |stage| {
            let body = json!({"channel": "email", "address": "somebody@example.com"});
            let made = stage.post(SUPPRESSIONS).json(&body).send().await.data(201);
            stage.delete(&format!("{SUPPRESSIONS}/{}", made["id"].as_str().unwrap()))
        }),
        case!("post /api/communication/suppressions/import" => "suppressions.imported", |stage| {
            stage.post("/api/communication/suppressions/import").body("text/csv", "channel,address\n")
        }),
        case!("put /api/communication/rules" => "messaging_rules.changed", |stage| {
            stage.put("/api/communication/rules").json(&json!({}))
        }),
        case!("put /api/communication/holidays" => "holidays.changed", |stage| {
            stage.put("/api/communication/holidays").json(&json!({"country": "IN", "year": 2030, "holidays": []}))
        }),
    ]
}

fn work() -> Vec<Case> {
    vec![
        case!("post /api/audit/export" => "audit.exported", |stage| stage.post("/api/audit/export").json(&json!({}))),
        case!("post /api/jobs/{id}/cancel" => "job.cancelled", |stage| {
            let id = stage.job().await;
            stage.post(&format!("/api/jobs/{id}/cancel"))
        }),
        case!("post /api/jobs/{id}/retry" => "job.retried", |stage| {
            let id = stage.job().await;
            stage.post(&format!("/api/jobs/{id}/cancel")).send().await.data(200);
            stage.post(&format!("/api/jobs/{id}/retry"))
        }),
        case!("post /api/queues/{name}/pause" => "queue.paused", |stage| stage.post("/api/queues/events/pause")),
        case!("post /api/queues/{name}/resume" => "queue.resumed", |stage| {
            stage.post("/api/queues/whatsapp/pause").send().await.data(200);
            stage.post("/api/queues/whatsapp/resume")
        }),
    ]
}
