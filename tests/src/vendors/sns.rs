//! A stand-in for Amazon SNS: `Publish` to a phone number, signed, and never a word of what became of it.
//!
//! A call carries nothing that tells one attempt from another, so chance goes by the recipient and how often it was
//! asked for, and a double send shows as two messages to one recipient.

use super::{
    Behaviour,
    stage::{Answer, Asked, Delivery, Judged, StandIn, Vendor},
    teller::Told,
};
use crate::{contract::form_urlencoded, meta::http::Request};
use anyhow::Result;
use chrono::NaiveDateTime;
use providers::aws::AwsConfig;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

const REGION: &str = "ap-south-1";
const ACCESS_KEY_ID: &str = "AKIDTEST";
const SECRET_ACCESS_KEY: &str = "sns-secret";
/// What a text message may say besides its text (the vendor's documentation).
const ATTRIBUTES: &[&str] = &[
    "AWS.SNS.SMS.SMSType",
    "AWS.SNS.SMS.SenderID",
    "AWS.SNS.SMS.MaxPrice",
    "AWS.MM.SMS.OriginationNumber",
    "AWS.MM.SMS.EntityId",
    "AWS.MM.SMS.TemplateId",
];
/// Bytes of text that a call may hold.
const TEXT_LIMIT: usize = 1_600;

/// Amazon SNS.
#[derive(Default)]
pub struct Sns {
    asked: Mutex<HashMap<String, u32>>,
}

/// A running stand-in for SNS.
pub type SnsServer = StandIn<Sns>;

impl StandIn<Sns> {
    /// Starts on a free port.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        Self::of(Sns::default(), behaviour).await
    }

    /// The settings of a process that is to send here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SNS_SMS_ENABLED", "true".to_owned()),
            ("SNS_BASE_URL", self.base_url().to_owned()),
            ("SNS_SENDER_ID", "RENEWL".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
        ]
    }
}

impl Vendor for Sns {
    fn judge(&self, behaviour: &Behaviour, request: &Request) -> Judged {
        let refused = |status: u16, code: &str, against: Vec<String>| Judged::Refused {
            code: i64::from(status),
            answer: Answer::of(status, error(code, &against.join("; "))),
            against,
        };
        if behaviour.token_expired {
            return refused(403, "ExpiredToken", Vec::new());
        }
        if !is_signed(request) {
            return refused(403, "SignatureDoesNotMatch", vec!["the signature is not that of this call".to_owned()]);
        }
        let form = form_urlencoded(&request.body);
        let against = against(request, &form);
        if !against.is_empty() {
            return refused(400, "InvalidParameter", against);
        }
        let number = value(&form, "PhoneNumber").to_owned();
        if behaviour.happens("unreachable", &number, behaviour.unreachable) {
            return refused(400, "OptedOut", Vec::new());
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(number.clone()).or_default();
        *times += 1;
        Judged::Message(Asked {
            correlation: format!("{number} {times}"),
            recipient: number,
            callback: String::new(),
            sender: String::new(),
        })
    }

    fn fault(&self, status: u16) -> Answer {
        match status {
            429 => Answer::of(400, error("Throttled", "Rate exceeded")),
            503 => Answer::of(503, error("ServiceUnavailable", "")),
            502 => Answer::of(502, "<html>Bad Gateway</html>"),
            other => Answer::of(other, error("InternalError", "")),
        }
    }

    fn id(&self, number: usize) -> String {
        format!("94f20ce6-13c5-43a0-9a9e-{number:012x}")
    }

    fn take(&self, _asked: &Asked, id: &str) -> Answer {
        Answer::of(
            200,
            format!(
                "<PublishResponse xmlns=\"https://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{id}\
                 </MessageId></PublishResult><ResponseMetadata><RequestId>f187a3c1-376f-11df-8963-01868b7c937a\
                 </RequestId></ResponseMetadata></PublishResponse>"
            ),
        )
    }

    fn story(&self, _behaviour: &Behaviour, _asked: &Asked, _id: &str) -> Vec<Told> {
        Vec::new()
    }

    fn delivery(&self, _public_url: &str, _told: &[Told], _truly: bool) -> Delivery {
        Delivery { path: String::new(), headers: Vec::new(), body: Vec::new() }
    }
}

/// What the description of `Publish` has against a call.
fn against(request: &Request, form: &[(String, String)]) -> Vec<String> {
    let mut against = Vec::new();
    let mut unless = |fine: bool, what: &str| {
        if !fine {
            against.push(what.to_owned());
        }
    };
    let of = |name: &str| value(form, name);
    unless(request.method == "POST" && request.path == "/", "not a call of the query protocol");
    unless(request.content_type.starts_with("application/x-www-form-urlencoded"), "not a form");
    unless(of("Action") == "Publish" && of("Version") == "2010-03-31", "Action: not Publish of 2010-03-31");
    let digits = of("PhoneNumber").strip_prefix('+').unwrap_or_default();
    let number = (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    unless(number, "PhoneNumber: not in E.164");
    unless((1..=TEXT_LIMIT).contains(&of("Message").len()), "Message: from 1 to 1600 bytes");
    for (name, value) in form {
        let known = match name.strip_prefix("MessageAttributes.entry.").and_then(|rest| rest.split_once('.')) {
            Some((place, _)) if place.parse::<u8>().is_err() => false,
            Some((_, "Name")) => ATTRIBUTES.contains(&value.as_str()),
            Some((_, "Value.DataType")) => value == "String",
            Some((_, "Value.StringValue")) => !value.is_empty(),
            Some(_) => false,
            None => ["Action", "Version", "PhoneNumber", "Message"].contains(&name.as_str()),
        };
        unless(known, &format!("{name}: not described"));
    }
    against
}

/// Whether the key pair signed this very call: it is signed again, and must come out the same.
fn is_signed(request: &Request) -> bool {
    let again = || {
        let host = request.header("host")?;
        let date = NaiveDateTime::parse_from_str(request.header("x-amz-date")?, "%Y%m%dT%H%M%SZ").ok()?.and_utc();
        let (_, rest) = request.authorization.split_once("SignedHeaders=")?;
        let (names, _) = rest.split_once(',')?;
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).ok()?;
        let mut call = reqwest::Request::new(method, format!("http://{host}{}", request.path).parse().ok()?);
        *call.body_mut() = Some(request.body.clone().into());
        for name in names.split(';').filter(|name| !matches!(*name, "host" | "x-amz-date")) {
            let value = request.header(name)?.parse().ok()?;
            call.headers_mut().insert(reqwest::header::HeaderName::from_bytes(name.as_bytes()).ok()?, value);
        }
        let pair = AwsConfig {
            region: REGION.to_owned(),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.into(),
            session_token: None,
        };
        pair.sign("sns", &mut call, date).ok()?;
        Some(call.headers().get("authorization")?.to_str().ok()? == request.authorization)
    };
    again().unwrap_or(false)
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

fn error(code: &str, text: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error></ErrorResponse>"
    )
}
