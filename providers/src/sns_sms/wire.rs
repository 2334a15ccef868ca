//! The form and the answers of SNS's `Publish`, in AWS's query protocol: forms out, XML back.

use super::SnsConfig;
use crate::messaging::SmsMessage;
use domain::messaging::{FailureClass, Purpose};
use std::time::Duration;

/// The form for one message.
pub(super) fn form(config: &SnsConfig, message: &SmsMessage) -> Vec<(String, String)> {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut form = vec![
        field("Action", "Publish"),
        field("Version", "2010-03-31"),
        field("PhoneNumber", message.to.as_str()),
        field("Message", &message.body),
    ];
    for (number, (name, value)) in (1..).zip(attributes(config, message)) {
        let entry = format!("MessageAttributes.entry.{number}");
        form.push((format!("{entry}.Name"), name.to_owned()));
        form.push((format!("{entry}.Value.DataType"), "String".to_owned()));
        form.push((format!("{entry}.Value.StringValue"), value.to_owned()));
    }
    form
}

fn attributes<'a>(config: &'a SnsConfig, message: &'a SmsMessage) -> Vec<(&'static str, &'a str)> {
    let route = match message.purpose {
        Purpose::Marketing => "Promotional",
        Purpose::Service => "Transactional",
    };
    let mut attributes = vec![("AWS.SNS.SMS.SMSType", route)];
    let registration = message.registration.as_ref();
    let header = registration.and_then(|registration| registration.header.as_deref());
    let of_country = message.to.country().and_then(|country| config.senders.get(&country)).map(String::as_str);
    let own = message.sender.as_deref().or(header);
    if let Some(sender) = own.or(of_country).or(config.sender_id.as_deref()) {
        let number = sender.bytes().all(|b| b.is_ascii_digit() || b == b'+');
        attributes.push((if number { "AWS.MM.SMS.OriginationNumber" } else { "AWS.SNS.SMS.SenderID" }, sender));
    }
    if let Some(registration) = registration {
        let own = Some(registration.entity_id.as_str()).filter(|id| !id.is_empty());
        if let Some(entity) = own.or(config.entity_id.as_deref()) {
            attributes.push(("AWS.MM.SMS.EntityId", entity));
        }
        attributes.push(("AWS.MM.SMS.TemplateId", &registration.template_id));
    }
    attributes
}

/// The text of the first element of a name; ids and codes hold nothing that XML escapes.
pub(super) fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// The class of an error code; one that is not known is judged by the answer's status.
pub(super) fn classify(code: &str, status: u16, after: Option<Duration>) -> FailureClass {
    match code {
        "Throttled" | "Throttling" | "ThrottlingException" | "TooManyRequests" | "RequestLimitExceeded" => {
            FailureClass::RateLimited { after }
        }
        "InternalError" | "InternalFailure" | "ServiceUnavailable" => FailureClass::Retry { after },
        "OptedOut" | "EndpointDisabled" => FailureClass::Recipient,
        "InvalidParameter"
        | "InvalidParameterValue"
        | "ParameterValueInvalid"
        | "ValidationException"
        | "ValidationError" => FailureClass::Request,
        "AuthorizationError"
        | "AccessDenied"
        | "AccessDeniedException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "OptInRequired"
        | "UserError" => FailureClass::Account,
        _ => match status {
            429 => FailureClass::RateLimited { after },
            401 | 403 => FailureClass::Account,
            500..=599 => FailureClass::Unknown,
            _ => FailureClass::Request,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{aws::AwsConfig, messaging::SmsRegistration};
    use domain::{ids::MessageId, messaging::Correlation};

    fn config() -> SnsConfig {
        SnsConfig {
            aws: AwsConfig {
                region: "ap-south-1".to_owned(),
                access_key_id: "AKID".to_owned(),
                secret_access_key: "secret".into(),
                session_token: None,
            },
            sender_id: Some("ACME".to_owned()),
            senders: [("GB".to_owned(), "AcmeUK".to_owned())].into(),
            entity_id: Some("1101".to_owned()),
            base: "https://sns.ap-south-1.amazonaws.com".parse().unwrap(),
            rate_per_second: 20,
        }
    }

    fn message(sender: Option<&str>, registration: Option<SmsRegistration>) -> SmsMessage {
        SmsMessage {
            to: "+919876543210".parse().unwrap(),
            body: "hi".to_owned(),
            sender: sender.map(str::to_owned),
            purpose: Purpose::Marketing,
            registration,
            validity: None,
            correlation: Correlation { message: MessageId(1), attempt: 1 },
        }
    }

    #[test]
    fn what_travels_with_a_message() {
        let (config, plain) = (config(), message(None, None));
        let promotional = ("AWS.SNS.SMS.SMSType", "Promotional");
        assert_eq!(attributes(&config, &plain), [promotional, ("AWS.SNS.SMS.SenderID", "ACME")]);
        let elsewhere = SmsMessage { to: "+447400123456".parse().unwrap(), ..message(None, None) };
        assert_eq!(attributes(&config, &elsewhere)[1], ("AWS.SNS.SMS.SenderID", "AcmeUK"));
        let number = message(Some("+15005550006"), None);
        assert_eq!(attributes(&config, &number)[1], ("AWS.MM.SMS.OriginationNumber", "+15005550006"));
        let registration = SmsRegistration {
            entity_id: String::new(),
            header: Some("ACMEIN".to_owned()),
            template_id: "1107".to_owned(),
        };
        let registered = message(None, Some(registration));
        assert_eq!(
            attributes(&config, &registered)[1..],
            [("AWS.SNS.SMS.SenderID", "ACMEIN"), ("AWS.MM.SMS.EntityId", "1101"), ("AWS.MM.SMS.TemplateId", "1107")]
        );
        let form = form(&config, &plain);
        assert!(form.contains(&("MessageAttributes.entry.2.Name".to_owned(), "AWS.SNS.SMS.SenderID".to_owned())));
    }

    #[test]
    fn answers_and_codes() {
        let answer = "<PublishResponse><PublishResult><MessageId>94f2</MessageId></PublishResult></PublishResponse>";
        assert_eq!(element(answer, "MessageId"), Some("94f2"));
        assert_eq!(element("<MessageId></MessageId>", "MessageId"), None);
        assert_eq!(element("<MessageId>", "MessageId"), None);
        for (code, class) in [
            ("Throttled", FailureClass::RateLimited { after: None }),
            ("InternalError", FailureClass::Retry { after: None }),
            ("OptedOut", FailureClass::Recipient),
            ("InvalidParameter", FailureClass::Request),
            ("AuthorizationError", FailureClass::Account),
            ("New", FailureClass::Unknown),
        ] {
            assert_eq!(classify(code, 500, None), class, "{code}");
        }
    }
}
