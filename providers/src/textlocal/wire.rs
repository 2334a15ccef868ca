//! TextLocal's form and its answers, whose HTTP status is 200 whatever they say.

use crate::{answers::real_time, messaging::SmsMessage};
use domain::messaging::{FailureClass, Segments, SmsEncoding};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// After 192, promotional messages outside the hours of the law, an hour is worth waiting.
const CLOSED_WAIT: Duration = Duration::from_secs(60 * 60);
/// The longest validity that TextLocal takes.
const LONGEST_VALIDITY: Duration = Duration::from_secs(72 * 60 * 60);

/// The form for one message. DLT ids are not sent: TextLocal finds the registration by header and text.
pub(super) fn form(
    message: &SmsMessage,
    key: &SecretString,
    sender: &str,
    receipts: Option<&Url>,
) -> Vec<(&'static str, String)> {
    let mut form = vec![
        ("apikey", key.expose_secret().to_owned()),
        ("numbers", message.to.digits().to_owned()),
        ("sender", sender.to_owned()),
        ("message", message.body.clone()),
        ("custom", message.correlation.to_string()),
    ];
    if Segments::of(&message.body).encoding == SmsEncoding::Ucs2 {
        form.push(("unicode", "true".to_owned()));
    }
    if let Some(url) = receipts {
        form.push(("receipt_url", url.to_string()));
    }
    if let Some(validity) = message.validity {
        form.push(("validity", (real_time() + validity.min(LONGEST_VALIDITY)).timestamp().to_string()));
    }
    form
}

/// An answer, good or bad.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    status: String,
    #[serde(default)]
    messages: Vec<Taken>,
    #[serde(default)]
    errors: Vec<Fault>,
    #[serde(default)]
    warnings: Vec<Fault>,
}

#[derive(Debug, Deserialize)]
struct Taken {
    id: Value,
}

/// An error or a warning.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Fault {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    pub message: String,
}

impl Fault {
    /// TextLocal writes numbers, and sometimes digits.
    pub fn code(&self) -> Option<i64> {
        self.code.as_i64().or_else(|| self.code.as_str()?.parse().ok())
    }
}

/// What an answer says.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Taken, under this id.
    Taken(String),
    /// Not taken, for the first of its errors.
    Refused(Fault),
    /// Taken, perhaps, but without an id.
    Unclear,
}

/// What an answer's body says; `None` when it is not of the API.
pub(super) fn outcome(body: &[u8]) -> Option<Outcome> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let fault = answer.errors.into_iter().chain(answer.warnings).next();
    Some(match answer.status.as_str() {
        "success" => {
            let id = answer.messages.into_iter().next().map(|taken| match taken.id {
                Value::String(id) => id,
                other => other.to_string(),
            });
            match id.filter(|id| (1..=64).contains(&id.len()) && id != "null") {
                Some(id) => Outcome::Taken(id),
                None => Outcome::Unclear,
            }
        }
        "failure" => Outcome::Refused(fault.unwrap_or(Fault { code: Value::Null, message: String::new() })),
        _ => return None,
    })
}

/// The class of an error code; `named`: the message brought its own sender.
pub(super) fn classify(code: Option<i64>, named: bool) -> FailureClass {
    match code {
        // login; credits; the account's settings
        Some(3 | 7 | 60) => FailureClass::Account,
        // an unknown header, or none
        Some(43 | 44) if !named => FailureClass::Account,
        // no recipient left: wrong numbers, or of the do-not-disturb register
        Some(4 | 32 | 51 | 55 | 202) => FailureClass::Recipient,
        // the text is none of the registered ones
        Some(80) => FailureClass::Template,
        Some(192) => FailureClass::Retry { after: Some(CLOSED_WAIT) },
        _ => FailureClass::Request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messaging::SmsRegistration;
    use domain::{
        ids::MessageId,
        messaging::{Correlation, Purpose},
    };

    fn message(body: &str) -> SmsMessage {
        SmsMessage {
            to: "+919876543210".parse().unwrap(),
            body: body.to_owned(),
            sender: None,
            purpose: Purpose::Service,
            registration: Some(SmsRegistration {
                entity_id: "1101".to_owned(),
                header: Some("ACMEIN".to_owned()),
                template_id: "1107".to_owned(),
            }),
            validity: None,
            correlation: Correlation { message: MessageId(12), attempt: 2 },
        }
    }

    #[test]
    fn a_form_says_how_its_text_is_written_and_where_receipts_go() {
        let receipts = Url::parse("https://a.example/r").unwrap();
        let form = form(&message("नमस्ते"), &"key".into(), "ACMEIN", Some(&receipts));
        let of = |name: &str| form.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str());
        assert_eq!((of("numbers"), of("custom"), of("unicode")), (Some("919876543210"), Some("m-12-2"), Some("true")));
        assert_eq!(of("receipt_url"), Some("https://a.example/r"));
        assert!(!super::form(&message("hi"), &"k".into(), "A", None).iter().any(|(name, _)| *name == "unicode"));
    }

    #[test]
    fn answers_say_by_themselves_whether_they_are_good() {
        let taken = br#"{"balance":9,"batch_id":1,"messages":[{"id":"1151346216","recipient":919876543210}],"status":"success"}"#;
        assert!(matches!(outcome(taken), Some(Outcome::Taken(id)) if id == "1151346216"));
        let refused = br#"{"errors":[{"code":7,"message":"Insufficient credits"}],"status":"failure"}"#;
        assert!(matches!(outcome(refused), Some(Outcome::Refused(fault)) if fault.code() == Some(7)));
        let digits = br#"{"errors":[{"code":"51","message":"x"}],"status":"failure"}"#;
        assert!(matches!(outcome(digits), Some(Outcome::Refused(fault)) if fault.code() == Some(51)));
        assert!(matches!(outcome(br#"{"status":"success","messages":[]}"#), Some(Outcome::Unclear)));
        for body in [&b"<html>"[..], b"{}", br#"{"status":"maybe"}"#] {
            assert!(outcome(body).is_none());
        }
    }

    #[test]
    fn codes_have_their_class() {
        for (code, class) in [
            (3, FailureClass::Account),
            (7, FailureClass::Account),
            (43, FailureClass::Account),
            (51, FailureClass::Recipient),
            (80, FailureClass::Template),
            (6, FailureClass::Request),
            (999, FailureClass::Request),
            (192, FailureClass::Retry { after: Some(CLOSED_WAIT) }),
        ] {
            assert_eq!(classify(Some(code), false), class, "{code}");
        }
        assert_eq!(classify(Some(43), true), FailureClass::Request);
        assert_eq!(classify(None, false), FailureClass::Request);
    }
}
