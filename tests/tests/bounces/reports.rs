//! Postfix's own reports.

use crate::ground::{BOUNCES, Ground};
use domain::{ids::MessageId, messaging::Correlation};
use providers::email::{EmailMessage, EmailProvider, Smtp, SmtpConfig};
use std::time::Duration;
use tests::{
    peers::{certificate, dovecot::PASSWORD, postfix::Postfix},
    wait::until,
};

fn sender(postfix: &Postfix) -> Smtp {
    let (port, authority) = (postfix.port.to_string(), certificate().display().to_string());
    let lookup = |name: &str| {
        let value = match name {
            "SMTP_HOST" => "localhost",
            "SMTP_PORT" => &port,
            "SMTP_ENCRYPTION" => "starttls",
            "SMTP_CA_FILE" => &authority,
            "EMAIL_USER" | "EMAIL_FROM" => BOUNCES,
            "EMAIL_PASS" => PASSWORD,
            _ => return None,
        };
        Some(value.to_owned())
    };
    Smtp::new(&SmtpConfig::from_env(&lookup).unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn real_reports_come_back_over_imap_to_the_messages_they_are_about() {
    let ground = Ground::new(&["good@people.test", "full@people.test"], true).await;
    let postfix = Postfix::start(&ground.dovecot, &["renewals.test", "people.test"]);
    let smtp = sender(&postfix);
    let mut ids = Vec::new();
    for to in ["good@people.test", "nobody@people.test", "full@people.test", "asha@slow.test"] {
        let id = ground.sent(to).await;
        let correlation = Correlation { message: MessageId(id), attempt: 1 };
        let message = EmailMessage::new(
            format!("{correlation}@renewals.test"),
            BOUNCES.to_owned(),
            to.to_owned(),
            "Your policy falls due".to_owned(),
            ("Hello\n".to_owned(), "<p>Hello</p>".to_owned()),
            chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        );
        smtp.send(&message).await.unwrap_or_else(|error| panic!("{error}: {}", postfix.log()));
        ids.push(id);
    }
    // one that is unknown, one that is full, one that waits
    let seen = async || postfix.log().matches(&format!("to=<{BOUNCES}>")).count() >= 3;
    until("three reports", Duration::from_secs(15), seen).await;
    let mailbox = ground.services.bounce_mailbox.clone().unwrap();
    let mut session = mailbox.open().await.unwrap();
    assert_eq!(session.after(0, 10, 1_000).await.unwrap().len(), 3, "{}", postfix.log());
    session.close().await;
    ground.read().await;
    let expected = [("sent", None), ("failed", Some("5.1.1")), ("failed", Some("5.2.2")), ("sent", None)];
    for (id, (status, code)) in ids.iter().zip(expected) {
        assert_eq!(ground.stands(*id).await, (status.to_owned(), code.map(str::to_owned)), "{id}: {}", postfix.log());
    }
    let of = |id: i64| format!("FROM provider_events WHERE provider = 'smtp' AND message_id = {id}");
    assert_eq!(ground.texts(&format!("SELECT bounce::TEXT {}", of(ids[1]))).await, ["hard"]);
    assert_eq!(ground.texts(&format!("SELECT bounce::TEXT {}", of(ids[2]))).await, ["full"]);
    assert_eq!(ground.texts(&format!("SELECT feedback::TEXT {}", of(ids[3]))).await, ["deferred"]);
    assert_eq!(ground.texts(&format!("SELECT kind::TEXT {}", of(ids[0]))).await, [] as [String; 0]);
}
