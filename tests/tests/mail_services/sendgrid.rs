//! SendGrid's client: every request passes the vendor's API description, and every answer has its class.

use super::{
    letters::{each_kind, plain},
    taker::{Answer, Taker},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::messaging::{FailureClass, SendFailure};
use jsonschema::Validator;
use providers::{
    email::{EmailMessage, EmailProvider},
    messaging::SendingAccount,
    sendgrid::{Sendgrid, SendgridConfig},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const DESCRIPTION: &str = include_str!("../../contracts/sendgrid.json");

fn client(base_url: &str) -> Sendgrid {
    let settings: BTreeMap<_, _> = [
        ("SENDGRID_API_KEY", "SG.secret"),
        ("SENDGRID_FROM_EMAIL", "no-reply@renewals.example"),
        ("SENDGRID_FROM_NAME", "Renewals"),
        ("SENDGRID_BASE_URL", base_url),
    ]
    .into();
    let config = SendgridConfig::from_env(&|name| settings.get(name).map(|&value| value.to_owned())).unwrap().unwrap();
    Sendgrid::new(&config).unwrap()
}

/// What the description says of a message. It leaves out what is not allowed besides: members that it does not know.
fn contract() -> Validator {
    let mut description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    normalise(&mut description);
    let mut schema =
        description["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"].take();
    schema["components"] = description["components"].take();
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}

/// OpenAPI 3.0 says `nullable`; and a member that is not described is one that was misspelled.
fn normalise(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(fields) => {
            fields.values_mut().for_each(normalise);
            fields.remove("nullable");
            let described =
                fields.get("type").is_some_and(|kind| kind == "object") && fields.contains_key("properties");
            if described {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
        }
        _ => {}
    }
}

fn accepted() -> Answer {
    Answer { status: 202, headers: vec![("x-message-id", "wB3hoaZ8Q2ylrTlZ8h5YOw".to_owned())], body: String::new() }
}

#[tokio::test]
async fn every_request_is_as_the_vendor_describes_it() {
    let (taker, contract) = (Taker::start(|_| accepted()).await, contract());
    let client = client(&taker.url);
    assert_eq!((client.name(), client.account()), ("sendgrid", "sendgrid:no-reply@renewals.example"));
    for (name, message) in each_kind() {
        let taken = client.send(&message).await.unwrap();
        assert_eq!(taken.provider_message_id, "wB3hoaZ8Q2ylrTlZ8h5YOw");
        let call = taker.calls().pop().unwrap();
        assert_eq!(
            (call.path.as_str(), &call.headers["authorization"]),
            ("/v3/mail/send", &"Bearer SG.secret".parse().unwrap())
        );
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let faults: Vec<_> =
            contract.iter_errors(&body).map(|fault| format!("{}: {fault}", fault.instance_path)).collect();
        assert!(faults.is_empty(), "{name}: {faults:?} {body}");
    }
    let whole: Value = serde_json::from_slice(&taker.calls().pop().unwrap().body).unwrap();
    assert_eq!(whole["personalizations"][0]["custom_args"], json!({"renewals_correlation": "m-12-2"}));
    assert_eq!(whole["reply_to"], json!({"email": "service@renewals.example", "name": "Service"}));
    assert_eq!(whole["headers"]["List-Unsubscribe"], "<https://renewals.example/u/1>, <mailto:stop@renewals.example>");
    assert_eq!(whole["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    assert_eq!(whole["headers"]["X-Renewals-Correlation"], "m-12-2");
    assert_eq!(whole["attachments"][0]["content_id"], "logo");
    assert_eq!(
        (&whole["attachments"][0]["disposition"], &whole["attachments"][1]["disposition"]),
        (&json!("inline"), &json!("attachment"))
    );
    let content = STANDARD.decode(whole["attachments"][1]["content"].as_str().unwrap()).unwrap();
    assert_eq!(content, b"\x89PNG\r\n\x00\xff");
}

#[test]
fn the_contract_refuses_what_the_vendor_refuses() {
    let contract = contract();
    let good = json!({"personalizations": [{"to": [{"email": "a@b.example"}]}], "from": {"email": "c@d.example"},
                      "subject": "x", "content": [{"type": "text/plain", "value": "x"}]});
    assert!(contract.is_valid(&good));
    let changes: [fn(&mut Value); 6] = [
        |body| body["personalizations"][0]["to"] = json!(null),
        |body| body["from"] = json!("c@d.example"),
        |body| body["subject"] = json!(""),
        |body| body["content"][0]["value"] = json!(""),
        |body| body["attachments"] = json!([{"filename": "x"}]),
        |body| body["reply-to"] = json!({"email": "c@d.example"}),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut body = good.clone();
        change(&mut body);
        assert!(!contract.is_valid(&body), "change {number}: {body}");
    }
}

async fn failure(answer: Answer) -> SendFailure {
    let taker = Taker::start(move |_| answer.clone()).await;
    client(&taker.url).send(&plain()).await.unwrap_err()
}

#[tokio::test]
async fn every_answer_has_its_class() {
    let body = json!({"errors": [{"message": "no", "field": null}]}).to_string();
    let wait = Some(Duration::from_secs(7));
    let (json, html) = (body.as_str(), "<html>");
    for (status, body, expected) in [
        (400, json, FailureClass::Request),
        (401, json, FailureClass::Account),
        (403, json, FailureClass::Account),
        (413, json, FailureClass::Request),
        (429, json, FailureClass::RateLimited { after: wait }),
        (500, json, FailureClass::Retry { after: wait }),
        (503, html, FailureClass::Retry { after: wait }),
        (500, html, FailureClass::Unknown),
        (502, html, FailureClass::Unknown),
        (302, html, FailureClass::Account),
    ] {
        let headers = vec![("retry-after", "7".to_owned())];
        let failed = failure(Answer { status, headers, body: body.to_owned() }).await;
        assert_eq!(failed.class, expected, "{status} {body}");
    }
    // taken, whatever is missing from the answer
    let taker = Taker::start(|_| Answer { status: 202, ..Answer::default() }).await;
    let taken = client(&taker.url).send(&plain()).await.unwrap();
    assert_eq!(taken.provider_message_id, plain().id);
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_posted() {
    let taker = Taker::start(|_| accepted()).await;
    let client = client(&taker.url);
    let nobody = client.send(&EmailMessage { to: "nobody".to_owned(), ..plain() }).await.unwrap_err();
    let empty = client.send(&EmailMessage { subject: " ".to_owned(), ..plain() }).await.unwrap_err();
    assert_eq!((nobody.class, empty.class), (FailureClass::Recipient, FailureClass::Request));
    assert!(taker.calls().is_empty());
}
