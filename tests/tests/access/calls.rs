//! A call of every operation, with the ids of a world. An operation that has none here fails the tests: whoever adds an
//! operation says how it is called, and who may.

use crate::{ground::Ground, world::World};
use poem::http::Method;
use serde_json::{Value, json};
use tests::http::{Answer, PASSWORD, TestUser};

const FORM: &str = "multipart/form-data; boundary=XX";

/// A call to be made.
pub struct Called {
    path: String,
    body: Option<(&'static str, String)>,
}

/// Every operation of the document, as `get /api/customers/{id}`.
pub fn operations() -> Vec<String> {
    let document: Value = serde_json::from_str(&api::document()).expect("a document");
    let paths = document["paths"].as_object().expect("paths");
    let names = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().expect("methods").keys().cloned().collect::<Vec<_>>();
        methods.into_iter().map(move |method| (path.clone(), method)).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = paths.iter().flat_map(names).collect();
    all.sort();
    all.into_iter().map(|(path, method)| format!("{method} {path}")).collect()
}

/// Whether it changes nothing, so that a world can be used again.
pub fn only_looks(operation: &str) -> bool {
    operation.starts_with("get ")
}

/// How an operation is called about a world; `None` if nobody has said.
pub fn call(operation: &str, world: &World) -> Option<Called> {
    let (upload, receiving) = (format!("upload-{}", world.upload), format!("upload-{}", world.receiving));
    let (customer, policy) = (format!("customer-{}", world.customer), format!("policy-{}", world.policy));
    let (campaign, template) = (format!("campaign-{}", world.campaign), format!("template-{}", world.template));
    let (job, mark, person) = (world.job, &world.mark, format!("user-{}", world.person));
    let plain = |path: String| Called { path, body: None };
    let with = |path: String, body: Value| Called { path, body: Some(("application/json", body.to_string())) };
    Some(match operation {
        "get /health" | "get /health/ready" => plain(path_of(operation).to_owned()),

        "post /api/auth/login" => with("/api/auth/login".into(), json!({"email": world.email, "password": PASSWORD})),
        "post /api/auth/refresh" => with("/api/auth/refresh".into(), json!({"refreshToken": "none"})),
        "get /api/auth/csrf" | "get /api/auth/me" | "get /api/auth/sessions" => plain(path_of(operation).to_owned()),
        "post /api/auth/confirm" => with("/api/auth/confirm".into(), json!({"password": PASSWORD})),
        "post /api/auth/mfa/enroll" => with("/api/auth/mfa/enroll".into(), json!({"password": PASSWORD})),
        "post /api/auth/mfa/activate" => with("/api/auth/mfa/activate".into(), json!({"code": "000000"})),
        "post /api/auth/mfa/verify" => {
            with("/api/auth/mfa/verify".into(), json!({"challenge": "none", "code": "000000"}))
        }
        "post /api/auth/mfa/recovery-codes" | "post /api/auth/mfa/disable" => plain(path_of(operation).to_owned()),
        "get /api/auth/oidc/providers" | "get /api/auth/security-events" => plain(path_of(operation).to_owned()),
        "get /api/auth/oidc/{provider}/start" => plain("/api/auth/oidc/none/start".into()),
        "get /api/auth/oidc/{provider}/callback" => plain("/api/auth/oidc/none/callback?state=none&code=none".into()),
        "post /api/auth/invitation/accept" => {
            with(path_of(operation).to_owned(), json!({"token": "none", "password": PASSWORD}))
        }
        "post /api/auth/register" => {
            with(path_of(operation).to_owned(), json!({"token": "none", "password": PASSWORD}))
        }
        "post /api/auth/password/forgot" => with(path_of(operation).to_owned(), json!({"email": "nobody@example.com"})),
        "post /api/auth/password/reset" => {
            with(path_of(operation).to_owned(), json!({"token": "none", "password": PASSWORD}))
        }
        "post /api/auth/password/change" => {
            with(path_of(operation).to_owned(), json!({"current": "not this one", "new": PASSWORD}))
        }
        "patch /api/auth/me" => with("/api/auth/me".into(), json!({"firstName": "New"})),
        "put /api/auth/me/avatar" => {
            Called { path: "/api/auth/me/avatar".into(), body: Some(("image/png", "RIFF\0\0\0\0WEBPVP8 ".into())) }
        }
        "post /api/auth/logout" => plain("/api/auth/logout".into()),
        "delete /api/auth/sessions" => plain("/api/auth/sessions".into()),
        "delete /api/auth/sessions/{id}" => plain(format!("/api/auth/sessions/{}", world.session)),

        "get /api/customers" => plain(format!("/api/customers?uploadId={upload}")),
        "get /api/customers/{id}" => plain(format!("/api/customers/{customer}")),
        "post /api/customers/{id}/reveal" => plain(format!("/api/customers/{customer}/reveal")),
        "get /api/customers/{id}/consents" => plain(format!("/api/customers/{customer}/consents")),
        "put /api/customers/{id}/consents" => {
            let word = json!({"channel": "email", "purpose": "marketing", "granted": true});
            with(format!("/api/customers/{customer}/consents"), json!({"consents": [word]}))
        }
        "get /api/communication/suppressions"
        | "get /api/communication/suppressions/export"
        | "get /api/communication/rules"
        | "get /api/communication/holidays" => plain(path_of(operation).to_owned()),
        "post /api/templates/{id}/test-send" => {
            with(format!("/api/templates/{template}/test-send"), json!({"to": "+919876543210"}))
        }
        "get /api/communication/accounts" => plain(path_of(operation).to_owned()),
        "post /api/communication/accounts/{account}/resume" => {
            plain("/api/communication/accounts/sandbox/resume".into())
        }
        "put /api/communication/accounts/{account}/unconfirmed" => with(
            "/api/communication/accounts/sandbox/unconfirmed".into(),
            json!({"afterMinutes": 60, "closeAs": "sent"}),
        ),
        "get /api/communication/history" => plain(format!("/api/communication/history?customerId={customer}")),
        "get /api/communication/explain" => {
            plain(format!("/api/communication/explain?campaignId={campaign}&customerId={customer}"))
        }
        "get /api/communication/delivery-status/{message_id}" => {
            plain("/api/communication/delivery-status/wa-msg-999999".into())
        }
        "post /api/communication/whatsapp/send" => {
            let content = json!({"type": "text", "body": "Hello"});
            with(path_of(operation).to_owned(), json!({"customerId": customer, "content": content}))
        }
        "post /api/communication/sms/send" => {
            with(path_of(operation).to_owned(), json!({"customerId": customer, "message": "Hello"}))
        }
        "post /api/communication/email/send" => with(
            path_of(operation).to_owned(),
            json!({"to": format!("{mark}@example.com"), "subject": "Hello", "text": "Hello"}),
        ),
        "post /api/communication/suppressions" => {
            with(path_of(operation).to_owned(), json!({"channel": "email", "address": format!("{mark}@example.com")}))
        }
        "delete /api/communication/suppressions/{id}" => {
            plain("/api/communication/suppressions/suppression-999999".into())
        }
        "post /api/communication/suppressions/import" => Called {
            path: path_of(operation).to_owned(),
            body: Some(("text/csv", format!("channel,address\nemail,{mark}.x@example.com\n"))),
        },
        "put /api/communication/rules" => with(path_of(operation).to_owned(), json!({})),
        "put /api/communication/holidays" => {
            with(path_of(operation).to_owned(), json!({"country": "IN", "year": 2030, "holidays": []}))
        }
        "get /api/policies" => plain(format!("/api/policies?customerId={customer}")),
        "get /api/cases" => plain(format!("/api/cases?policyId={policy}")),

        "get /api/campaigns" => plain(format!("/api/campaigns?uploadId={upload}")),
        "post /api/campaigns" => with(
            "/api/campaigns".into(),
            json!({
                "name": "May", "type": ["whatsapp"], "uploadId": upload, "templates": {"whatsapp": template},
                "targetAudience": "all",
            }),
        ),
        "get /api/campaigns/{id}" => plain(format!("/api/campaigns/{campaign}")),
        "get /api/campaigns/{id}/analytics" => plain(format!("/api/campaigns/{campaign}/analytics")),
        "get /api/campaigns/{id}/recipients" => plain(format!("/api/campaigns/{campaign}/recipients")),
        "get /api/campaigns/{id}/exclusions" => plain(format!("/api/campaigns/{campaign}/exclusions")),
        "put /api/campaigns/{id}" => with(
            format!("/api/campaigns/{campaign}"),
            json!({"name": "May", "type": ["whatsapp"], "templates": {"whatsapp": template}, "targetAudience": "all"}),
        ),
        "delete /api/campaigns/{id}" => plain(format!("/api/campaigns/{campaign}")),
        "get /api/campaigns/{id}/variants" => plain(format!("/api/campaigns/{campaign}/variants")),
        "get /api/campaigns/{id}/forecast" => plain(format!("/api/campaigns/{campaign}/forecast")),
        "post /api/campaigns/{id}/clone" => with(format!("/api/campaigns/{campaign}/clone"), json!({})),
        "post /api/campaigns/{id}/rehearsal" => plain(format!("/api/campaigns/{campaign}/rehearsal")),
        "post /api/campaigns/{id}/approval" => {
            with(format!("/api/campaigns/{campaign}/approval"), json!({"approved": false}))
        }
        "post /api/campaigns/{id}/extension" => {
            with(format!("/api/campaigns/{campaign}/extension"), json!({"latestStart": "2999-01-01T00:00:00Z"}))
        }
        "post /api/campaigns/{id}/retry" => with(format!("/api/campaigns/{campaign}/retry"), json!({})),
        "post /api/campaigns/{id}/winner" => with(format!("/api/campaigns/{campaign}/winner"), json!({"variant": "A"})),
        "post /api/campaigns/{id}/test-send" => {
            with(format!("/api/campaigns/{campaign}/test-send"), json!({"to": "+919812345678"}))
        }
        "post /api/campaigns/sequences" => with(
            "/api/campaigns/sequences".into(),
            json!({
                "name": "Ladder", "uploadId": upload, "targetAudience": "all",
                "steps": [{"days": -30, "at": "10:00", "channel": "whatsapp", "templateId": template}],
            }),
        ),
        "get /api/campaigns/{id}/steps" => plain(format!("/api/campaigns/{campaign}/steps")),
        "put /api/campaigns/{id}/steps" => with(
            format!("/api/campaigns/{campaign}/steps"),
            json!({"steps": [{"days": -30, "at": "10:00", "channel": "whatsapp", "templateId": template}]}),
        ),
        "get /api/campaigns/{id}/enrolments" => plain(format!("/api/campaigns/{campaign}/enrolments")),
        "get /api/campaigns/{id}/enrolments/{policy}" => {
            plain(format!("/api/campaigns/{campaign}/enrolments/{policy}"))
        }
        "put /api/campaigns/{id}/status" => {
            with(format!("/api/campaigns/{campaign}/status"), json!({"status": "cancelled"}))
        }

        "get /api/segments" => plain("/api/segments".into()),
        "post /api/segments" => with("/api/segments".into(), json!({"name": format!("new {mark}")})),
        "post /api/segments/preview" => {
            let filter = json!({"field": "policy.status", "operator": "is", "value": "active"});
            with("/api/segments/preview".into(), json!({"targetAudience": {"filter": filter}}))
        }
        "get /api/segments/{id}/explain" => {
            plain(format!("/api/segments/segment-999999/explain?customerId={customer}"))
        }
        "put /api/segments/{id}" => with("/api/segments/segment-999999".into(), json!({"name": "New"})),
        "post /api/segments/{id}/members" | "post /api/segments/{id}/members/remove" => {
            with(path_of(operation).replace("{id}", "segment-999999"), json!({"customerIds": [customer]}))
        }
        "post /api/segments/{id}/members/import" => Called {
            path: path_of(operation).replace("{id}", "segment-999999"),
            body: Some(("text/csv", format!("customer_code\n{mark}\n"))),
        },
        of_segment if of_segment.contains(" /api/segments/{id}") => {
            plain(path_of(operation).replace("{id}", "segment-999999"))
        }
        "get /api/customers/{id}/tags" => plain(format!("/api/customers/{customer}/tags")),
        "put /api/customers/{id}/tags" => with(format!("/api/customers/{customer}/tags"), json!({"tags": ["vip"]})),
        "post /api/customers/tags" => {
            with("/api/customers/tags".into(), json!({"customerIds": [customer], "add": ["vip"]}))
        }

        "get /api/templates" => plain("/api/templates".into()),
        "post /api/templates" => with("/api/templates".into(), a_template()),
        "get /api/templates/{id}" | "delete /api/templates/{id}" => plain(format!("/api/templates/{template}")),
        "put /api/templates/{id}" => with(format!("/api/templates/{template}"), a_template()),
        "post /api/templates/{id}/preview" => {
            with(format!("/api/templates/{template}/preview"), json!({"variables": {"name": "Asha"}}))
        }

        "get /api/whatsapp/templates" | "get /api/whatsapp/flows" => plain(path_of(operation).to_owned()),
        "post /api/whatsapp/templates" => {
            with(path_of(operation).to_owned(), a_whatsapp_template(&format!("new_{mark}")))
        }
        "post /api/whatsapp/templates/sync" => plain(path_of(operation).to_owned()),
        "put /api/whatsapp/templates/{id}" => {
            let path = path_of(operation).replace("{id}", &format!("wa-template-{}", world.whatsapp_template));
            with(path, a_whatsapp_template(&format!("other_{mark}")))
        }
        of_template if of_template.contains(" /api/whatsapp/templates/{id}") => {
            plain(path_of(operation).replace("{id}", &format!("wa-template-{}", world.whatsapp_template)))
        }
        "post /api/whatsapp/flows" => with(path_of(operation).to_owned(), a_flow(&format!("new {mark}"))),
        "put /api/whatsapp/flows/{id}" => {
            let path = path_of(operation).replace("{id}", &format!("flow-{}", world.flow));
            with(path, a_flow(&format!("other {mark}")))
        }
        of_flow if of_flow.contains(" /api/whatsapp/flows/{id}") => {
            plain(path_of(operation).replace("{id}", &format!("flow-{}", world.flow)))
        }

        "get /api/jobs" => plain(format!("/api/jobs?createdBy=user-{}", world.owner.0)),
        "get /api/jobs/{id}" => plain(format!("/api/jobs/{job}")),
        "post /api/jobs/{id}/cancel" => plain(format!("/api/jobs/{job}/cancel")),
        "post /api/jobs/{id}/retry" => plain(format!("/api/jobs/{job}/retry")),
        "get /api/queues" => plain("/api/queues".into()),
        "post /api/queues/{name}/pause" => plain("/api/queues/maintenance/pause".into()),
        "post /api/queues/{name}/resume" => plain("/api/queues/maintenance/resume".into()),

        "post /api/upload/file" => Called { path: "/api/upload/file".into(), body: Some((FORM, a_book(mark))) },
        "get /api/upload/history" | "get /api/upload/template" => plain(path_of(operation).to_owned()),
        "get /api/upload/mappings" => plain("/api/upload/mappings".into()),
        "post /api/upload/mappings" => {
            with("/api/upload/mappings".into(), json!({"name": "Broker", "mapping": {"Ref": "policyNumber"}}))
        }
        "delete /api/upload/mappings" => plain(format!("/api/upload/mappings?name={}", mark.replace("mark", "map"))),
        "get /api/upload/status/{id}" => plain(format!("/api/upload/status/{upload}")),
        "get /api/upload/errors/{id}" => plain(format!("/api/upload/errors/{upload}")),
        "get /api/upload/download/{id}" => plain(format!("/api/upload/download/{upload}")),
        "post /api/upload/undo/{id}" => plain(format!("/api/upload/undo/{upload}")),
        "post /api/upload/chunked" => with("/api/upload/chunked".into(), json!({"filename": "a.csv", "size": 4})),
        "get /api/upload/chunked/{id}" | "delete /api/upload/chunked/{id}" => {
            plain(format!("/api/upload/chunked/{receiving}"))
        }
        "put /api/upload/chunked/{id}" => Called {
            path: format!("/api/upload/chunked/{receiving}"),
            body: Some(("application/octet-stream", "a,b\n".into())),
        },
        "post /api/upload/chunked/{id}/complete" => plain(format!("/api/upload/chunked/{receiving}/complete")),

        "get /api/users" => plain(format!("/api/users?branchId=branch-{}", world.branch.0)),
        "post /api/users" => with(
            "/api/users".into(),
            json!({
                "email": format!("{mark}.new@example.com"), "firstName": "New", "lastName": "Person", "role": "read_only",
                "branchId": format!("branch-{}", world.branch.0),
            }),
        ),
        "get /api/users/departments" => plain("/api/users/departments".into()),
        "patch /api/users/{id}" => with(format!("/api/users/{person}"), json!({"jobTitle": "Clerk"})),
        "put /api/users/{id}/role" => with(format!("/api/users/{person}/role"), json!({"role": "read_only"})),
        "put /api/users/{id}/avatar" => Called {
            path: format!("/api/users/{person}/avatar"),
            body: Some(("image/png", "RIFF\0\0\0\0WEBPVP8 ".into())),
        },
        of_user if of_user.contains(" /api/users/{id}") => plain(path_of(operation).replace("{id}", &person)),

        "get /api/roles" | "get /api/permissions" | "get /api/branches" => plain(path_of(operation).to_owned()),
        "post /api/roles" => with("/api/roles".into(), a_role(&format!("new_{mark}"))),
        "get /api/roles/{id}" | "delete /api/roles/{id}" => plain(format!("/api/roles/role-{}", world.role)),
        "put /api/roles/{id}" => {
            with(format!("/api/roles/role-{}", world.role), a_role(&format!("other_{}", world.role)))
        }
        "post /api/branches" => with("/api/branches".into(), json!({"code": format!("N-{mark}"), "name": "New"})),
        "get /api/branches/{id}" => plain(format!("/api/branches/branch-{}", world.branch.0)),
        "put /api/branches/{id}" => {
            let body = json!({"code": format!("B-{}", world.branch.0), "name": "Office"});
            with(format!("/api/branches/branch-{}", world.branch.0), body)
        }
        "get /api/api-keys" => plain(format!("/api/api-keys?userId=user-{}", world.owner.0)),
        "post /api/api-keys" => with("/api/api-keys".into(), json!({"name": "Partner", "permissions": ["jobs.view"]})),
        "delete /api/api-keys/{id}" => plain(format!("/api/api-keys/key-{}", world.api_key)),
        "post /api/api-keys/{id}/rotate" => with(format!("/api/api-keys/key-{}/rotate", world.api_key), json!({})),

        "get /api/audit" => plain("/api/audit".into()),
        "post /api/audit/export" => with("/api/audit/export".into(), json!({})),
        "get /api/audit/exports/{id}/file" => plain(format!("/api/audit/exports/{job}/file")),

        public if public.contains("/{token}") => plain(path_of(operation).replace("{token}", "none")),
        "post /api/communication/whatsapp/media" => {
            Called { path: "/api/communication/whatsapp/media".into(), body: Some((FORM, a_picture())) }
        }

        "get /api/webhooks/whatsapp" => {
            plain("/api/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=none&hub.challenge=1".into())
        }
        "post /api/webhooks/sendgrid" => with("/api/webhooks/sendgrid".into(), json!([])),
        "post /api/webhooks/ses" => with("/api/webhooks/ses".into(), json!({})),
        "post /api/webhooks/whatsapp" => with("/api/webhooks/whatsapp".into(), json!({})),
        "post /api/webhooks/twilio/status" => with("/api/webhooks/twilio/status".into(), json!({})),
        "post /api/webhooks/twilio/inbound" => with("/api/webhooks/twilio/inbound".into(), json!({})),
        "get /api/webhooks/textlocal/{secret}" => plain("/api/webhooks/textlocal/none".into()),
        "post /api/webhooks/textlocal/{secret}" => with("/api/webhooks/textlocal/none".into(), json!({})),
        _ => return None,
    })
}

fn path_of(operation: &str) -> &str {
    operation.split(' ').nth(1).expect("a path")
}

fn a_template() -> Value {
    json!({"name": "Reminder", "type": "whatsapp", "content": "Dear {name}", "variables": ["name"]})
}

fn a_whatsapp_template(name: &str) -> Value {
    json!({"name": name, "category": "utility", "components": [{"type": "BODY", "text": "Hello"}]})
}

fn a_flow(name: &str) -> Value {
    let steps = json!({"hello": {"content": {"type": "text", "body": "Hello"}}});
    json!({"name": name, "kind": "reply", "definition": {"start": "hello", "steps": steps}})
}

fn a_role(name: &str) -> Value {
    json!({"name": name, "displayName": "Another", "permissions": ["jobs.view"], "scope": "branch", "requiresMfa": false})
}

fn a_picture() -> String {
    "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7 x\r\n--XX--\r\n".into()
}

fn a_book(mark: &str) -> String {
    format!(
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n\
         Policy Number,Customer Name,Policy Type,Premium,Start Date,End Date\r\n\
         N-{mark},Asha Rao,motor,12500.00,01/04/2025,31/03/2026\r\n--XX--\r\n"
    )
}

impl Called {
    /// The path, with what is asked for.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Without what narrows a list.
    #[must_use]
    pub fn unfiltered(mut self) -> Self {
        self.path.truncate(self.path.find('?').unwrap_or(self.path.len()));
        self
    }

    /// Makes it, on somebody's behalf or on nobody's.
    pub async fn send(self, ground: &Ground, operation: &str, by: Option<&TestUser>) -> Answer {
        let method: Method = operation.split(' ').next().expect("a method").to_uppercase().parse().expect("a method");
        let mut call = ground.api.call(method, &self.path);
        if operation == "put /api/upload/chunked/{id}" {
            call = call.header("upload-offset", "0");
        }
        if let Some(user) = by {
            call = call.by(user);
        }
        if let Some((content_type, body)) = self.body {
            call = call.body(content_type, body);
        }
        call.send().await
    }
}
