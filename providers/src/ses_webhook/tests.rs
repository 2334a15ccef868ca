use super::*;
use domain::messaging::FailureClass;
use proptest::prelude::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn mail() -> Value {
    json!({
        "timestamp": "2023-08-05T00:40:02.012Z", "source": "Renewals <no-reply@renewals.example>",
        "messageId": "0100-abc", "destination": ["Asha <Asha@Example.com>"],
        "headers": [{"name": "X-Renewals-Correlation", "value": "m-12-3"}],
        "tags": {"ses:configuration-set": ["events"], "correlation": ["m-12-2"]},
    })
}

fn of(kind: &str, part: &str, value: Value) -> Vec<ProviderEvent> {
    parse(&json!({"eventType": kind, part: value, "mail": mail()}).to_string(), now())
}

fn status(event: &ProviderEvent) -> &StatusEvent {
    let EventKind::Status(status) = &event.kind else { panic!("{event:?}") };
    status
}

fn feedback(event: &ProviderEvent) -> &FeedbackEvent {
    let EventKind::Feedback(feedback) = &event.kind else { panic!("{event:?}") };
    feedback
}

#[test]
fn what_is_on_its_way_and_what_arrived() {
    let sent = of("Send", "send", json!({}));
    assert_eq!((status(&sent[0]).status, sent.len()), (MessageStatus::Sent, 1));
    assert_eq!(status(&sent[0]).recipient.as_deref(), Some("asha@example.com"));
    assert_eq!(status(&sent[0]).correlation.unwrap().to_string(), "m-12-2");
    assert_eq!(sent[0].occurred_at.to_rfc3339(), "2023-08-05T00:40:02.012+00:00");
    let delivery = json!({"timestamp": "2023-08-05T00:41:02.669Z", "recipients": ["a@b.example", "C@d.example"],
                          "smtpResponse": "250 ok"});
    let delivered = of("Delivery", "delivery", delivery);
    let recipients: Vec<_> = delivered.iter().map(|event| status(event).recipient.clone().unwrap()).collect();
    assert_eq!(recipients, ["a@b.example", "c@d.example"]);
    assert_ne!(delivered[0].id, delivered[1].id);
    assert_eq!(delivered[0].occurred_at.to_rfc3339(), "2023-08-05T00:41:02.669+00:00");
}

#[test]
fn without_tags_the_header_tells_which_message_it_was() {
    let mut mail = mail();
    mail.as_object_mut().unwrap().remove("tags");
    // as identities notify without a configuration set
    let event = json!({"notificationType": "Delivery", "delivery": {"recipients": ["a@b.example"]}, "mail": mail});
    let events = parse(&event.to_string(), now());
    assert_eq!(status(&events[0]).correlation.unwrap().to_string(), "m-12-3");
}

#[test]
fn bounces_by_type_and_subtype() {
    for (kind, sub, code, expected, class) in [
        ("Permanent", "General", "5.1.1", BounceKind::Hard, FailureClass::Recipient),
        ("Permanent", "NoEmail", "", BounceKind::Hard, FailureClass::Recipient),
        ("Permanent", "Suppressed", "", BounceKind::Hard, FailureClass::Recipient),
        ("Permanent", "OnAccountSuppressionList", "", BounceKind::Hard, FailureClass::Recipient),
        ("Permanent", "General", "5.7.1", BounceKind::Block, FailureClass::Request),
        ("Permanent", "General", "5.2.2", BounceKind::Full, FailureClass::Recipient),
        ("Transient", "MailboxFull", "4.2.2", BounceKind::Full, FailureClass::Recipient),
        ("Transient", "General", "", BounceKind::Soft, FailureClass::Recipient),
        ("Transient", "MessageTooLarge", "", BounceKind::Soft, FailureClass::Recipient),
        ("Transient", "ContentRejected", "", BounceKind::Block, FailureClass::Request),
        ("Transient", "AttachmentRejected", "", BounceKind::Block, FailureClass::Request),
        ("Undetermined", "Undetermined", "", BounceKind::Soft, FailureClass::Recipient),
        ("NewKind", "NewSubtype", "", BounceKind::Soft, FailureClass::Recipient),
    ] {
        let bounce = json!({
            "bounceType": kind, "bounceSubType": sub, "timestamp": "2023-08-05T00:41:02.669Z",
            "bouncedRecipients": [
                {"emailAddress": "a@b.example", "status": code, "diagnosticCode": "smtp; 550 5.1.1 <a@b.example> who"},
                {"emailAddress": "c@d.example"},
            ],
        });
        let events = of("Bounce", "bounce", bounce);
        assert_eq!(events.len(), 2);
        let told = status(&events[0]);
        assert_eq!((told.status, told.bounce), (MessageStatus::Failed, Some(expected)), "{kind} {sub} {code}");
        let failure = told.failure.clone().unwrap();
        assert_eq!((failure.class, failure.detail.as_str()), (class, "smtp; 550 5.1.1 … who"));
    }
}

#[test]
fn what_recipients_and_their_servers_do() {
    let complained =
        json!({"complainedRecipients": [{"emailAddress": "A@b.example"}], "complaintFeedbackType": "abuse"});
    let events = of("Complaint", "complaint", complained.clone());
    assert_eq!(
        (feedback(&events[0]).feedback, feedback(&events[0]).detail.as_deref()),
        (Feedback::Complained, Some("abuse"))
    );
    let mut again = complained.clone();
    again["complaintSubType"] = "OnAccountSuppressionList".into();
    let events = of("Complaint", "complaint", again);
    assert_eq!(status(&events[0]).bounce, Some(BounceKind::Complaint));
    let mut mistaken = complained;
    mistaken["complaintFeedbackType"] = "not-spam".into();
    assert_eq!(of("Complaint", "complaint", mistaken)[0].kind, EventKind::Other);
    let delay =
        json!({"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": "a@b.example", "status": "4.2.2"}]});
    let events = of("DeliveryDelay", "deliveryDelay", delay);
    assert_eq!(
        (feedback(&events[0]).feedback, feedback(&events[0]).detail.as_deref()),
        (Feedback::Deferred, Some("MailboxFull"))
    );
    let opened = |agent: &str| feedback(&of("Open", "open", json!({"userAgent": agent}))[0]).clone();
    assert!(!opened("Mozilla/5.0 (X11)").automatic && opened("Mozilla/5.0").automatic);
    let clicked = of("Click", "click", json!({"link": "https://renewals.example/1", "linkTags": null}));
    assert_eq!(feedback(&clicked[0]).url.as_deref(), Some("https://renewals.example/1"));
    let left = |all: bool| json!({"newTopicPreferences": {"unsubscribeAll": all, "topicSubscriptionStatus": []}});
    assert_eq!(feedback(&of("Subscription", "subscription", left(true))[0]).feedback, Feedback::Unsubscribed);
    assert_eq!(of("Subscription", "subscription", left(false))[0].kind, EventKind::Other);
    let refused = of("Reject", "reject", json!({"reason": "Bad content"}));
    assert_eq!(status(&refused[0]).failure.as_ref().unwrap().code.as_deref(), Some("Reject"));
    let unreadable = of("Rendering Failure", "failure", json!({"errorMessage": "no attribute", "templateName": "t"}));
    assert_eq!(status(&unreadable[0]).status, MessageStatus::Failed);
}

#[test]
fn the_same_event_has_the_same_id_and_another_has_another() {
    let one = |time: &str| of("Open", "open", json!({"timestamp": time})).remove(0);
    assert_eq!(one("2023-08-05T00:41:02.669Z"), one("2023-08-05T00:41:02.669Z"));
    assert_ne!(one("2023-08-05T00:41:02.669Z").id, one("2023-08-05T00:41:02.670Z").id);
}

#[test]
fn what_is_not_understood_is_kept() {
    for message in
        ["Successfully validated SNS topic for Amazon SES event publishing.", "[]", "{}", r#"{"eventType":"New"}"#]
    {
        let events = parse(message, now());
        assert_eq!((events.len(), &events[0].kind, events[0].occurred_at), (1, &EventKind::Other, now()), "{message}");
    }
    assert_eq!(of("New", "new", json!({}))[0].kind, EventKind::Other);
    assert_eq!(of("Bounce", "bounce", json!({}))[0].kind, EventKind::Other, "nobody bounced");
}

proptest! {
    #[test]
    fn nothing_that_comes_ends_the_process(
        kind in prop::sample::select(vec!["Send", "Delivery", "Bounce", "Complaint", "DeliveryDelay", "Open", "Click", "Reject"]),
        text in ".{0,40}",
    ) {
        let part = json!({"timestamp": text, "recipients": [text], "bouncedRecipients": [{"emailAddress": text}],
                          "complainedRecipients": [{"emailAddress": text}], "delayedRecipients": [{"emailAddress": text}]});
        let event = json!({"eventType": kind, "bounce": part, "delivery": part, "complaint": part, "deliveryDelay": part,
                           "mail": {"messageId": text, "destination": [text], "timestamp": text, "tags": text}});
        let events = parse(&event.to_string(), now());
        prop_assert!(!events.is_empty());
        prop_assert!(events.iter().all(|event| event.id.len() <= ProviderEvent::ID_LIMIT));
    }
}
