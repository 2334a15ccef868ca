//! The client against Dovecot: both ways of encryption, sizes, and what is refused.

use crate::ground::BOUNCES;
use providers::imap::{ImapConfig, ImapEncryption, ImapError, Mailbox};
use secrecy::SecretString;
use std::time::Duration;
use tests::{
    base::install_crypto,
    peers::{
        certificate,
        dovecot::{Dovecot, PASSWORD},
    },
};

fn config(dovecot: &Dovecot, encryption: ImapEncryption) -> ImapConfig {
    install_crypto();
    let port = match encryption {
        ImapEncryption::Implicit => dovecot.imaps_port,
        ImapEncryption::StartTls => dovecot.imap_port,
    };
    ImapConfig {
        host: "localhost".to_owned(),
        port,
        encryption,
        user: BOUNCES.to_owned(),
        password: SecretString::from(PASSWORD),
        folder: "INBOX".to_owned(),
        ca_file: Some(certificate()),
        timeout: Duration::from_secs(10),
    }
}

#[tokio::test]
async fn mails_are_read_in_order_up_to_a_size_and_left_as_they_are() {
    let dovecot = Dovecot::start(&[BOUNCES]);
    for number in 1..=3 {
        dovecot.put(BOUNCES, &format!("Subject: {number}\r\n\r\n{}\r\n", "x".repeat(5_000)));
    }
    for encryption in [ImapEncryption::Implicit, ImapEncryption::StartTls] {
        let mailbox = Mailbox::new(&config(&dovecot, encryption)).unwrap();
        let mut session = mailbox.open().await.unwrap();
        let mails = session.after(1, 1, 100).await.unwrap();
        assert_eq!((mails.len(), mails[0].uid, mails[0].raw.len()), (1, 2, 100));
        assert!(mails[0].raw.starts_with(b"Subject: 2\r\n"));
        assert_eq!(
            session.after(0, 10, 1_000_000).await.unwrap().iter().map(|mail| mail.uid).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        assert!(session.after(3, 10, 100).await.unwrap().is_empty());
        assert!(session.after(u32::MAX, 10, 100).await.unwrap().is_empty());
        session.close().await;
    }
    assert!(dovecot.unseen(BOUNCES, 3));
}

#[tokio::test]
async fn who_is_not_who_it_should_be_gets_no_password_and_who_is_refused_is_told_so() {
    let dovecot = Dovecot::start(&[BOUNCES]);
    let good = config(&dovecot, ImapEncryption::StartTls);
    let stranger = ImapConfig { ca_file: None, ..good.clone() };
    let error = Mailbox::new(&stranger).unwrap().open().await.unwrap_err();
    assert!(matches!(error, ImapError::Connection(_)) && error.is_worth_a_retry(), "{error:?}");
    assert!(!dovecot.log().contains("Login:"), "{}", dovecot.log());
    let wrong = ImapConfig { password: SecretString::from("guessed"), ..good.clone() };
    let error = Mailbox::new(&wrong).unwrap().open().await.unwrap_err();
    assert!(matches!(error, ImapError::SignIn(_)) && !error.is_worth_a_retry(), "{error:?}");
    let nowhere = ImapConfig { folder: "Elsewhere".to_owned(), ..good };
    let error = Mailbox::new(&nowhere).unwrap().open().await.unwrap_err();
    assert!(matches!(error, ImapError::Protocol(_)), "{error:?}");
}
