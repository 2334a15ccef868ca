//! Mails to the holders of accounts: what they say, where they go without a mail server, and what their links are.

use chrono::DateTime;
use domain::{
    permissions::SystemRole,
    sign_in::{AccountMail, AccountTokenPurpose, SecurityEventKind},
};
use jobs::{
    accounts::{
        self,
        letter::{self, Facts},
    },
    kinds::send_account_mail::SendAccountMail,
    security::secret_token,
};
use schema::{
    AsyncConnection, DbError,
    people::{
        account_tokens,
        security_events::{self, NewEvent},
    },
};
use serde_json::json;
use std::time::Duration;
use tests::{
    http::TestApi,
    mail::{self, Mail},
};

#[test]
fn every_mail_says_what_was_agreed() {
    let facts = Facts {
        site: "https://renewals.example.com".to_owned(),
        link: Some("https://renewals.example.com/reset-password#token=rna_<x>".to_owned()),
        when: DateTime::from_timestamp(1_700_000_000, 0),
        address: "203.0.113.7".parse().ok(),
        device: Some("<b>Chrome</b> on Windows".to_owned()),
    };
    let mut all = String::new();
    for purpose in AccountMail::ALL {
        let letter = letter::write(*purpose, &facts).unwrap();
        assert!(!letter.html.contains("<b>") && !letter.html.contains("<x>"), "{}", letter.html);
        all += &format!("=== {purpose}\n{}\n\n{}\n", letter.subject, letter.text);
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    let _bound = settings.bind_to_scope();
    insta::assert_snapshot!("account_mails", all);
    let page = letter::write(AccountMail::NewDevice, &facts).unwrap().html;
    insta::assert_snapshot!("account_mail_page", page);
}

#[tokio::test]
async fn a_notice_is_committed_with_what_it_tells_of_and_can_be_read_without_a_mail_server() {
    let api = TestApi::with(&[("PUBLIC_URL", "https://renewals.example.com")]).await;
    let user = api.user(SystemRole::Agent).await;
    let now = api.state.services.clock.now();
    let event = NewEvent {
        at: now,
        user: Some(user.id),
        kind: SecurityEventKind::NewDevice,
        address: "203.0.113.7".parse().ok(),
        user_agent: Some("Evil <script>"),
        details: json!({"device": "Chrome on Windows"}),
    };
    let enqueued = api
        .connection()
        .await
        .transaction::<_, DbError, _>(async |connection| {
            let event = security_events::record(connection, &event).await?;
            accounts::notice(connection, now, user.id, AccountMail::NewDevice, Some(event)).await
        })
        .await
        .unwrap();
    assert!(enqueued.due && !enqueued.existed);
    let mails = mail::deliver(&api).await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(mail.to, user.email);
    assert_eq!(mail.subject, "New sign-in to your account");
    for part in ["From: 203.0.113.7", "Device: Chrome on Windows", "https://renewals.example.com"] {
        assert!(mail.text.contains(part), "{part}: {}", mail.text);
    }
    assert!(!mail.text.contains("Evil"), "a stranger's words do not travel in our mails");
}

#[tokio::test]
async fn a_link_counts_for_its_time_and_replaces_the_one_before() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let ask = SendAccountMail { user_id: user.id, purpose: AccountMail::PasswordReset, event_id: None };
    let job = jobs::NewJob::of(&ask).unwrap();
    api.state.services.enqueue_now(&[job]).await.unwrap();
    let first = mail::deliver(&api).await.remove(0).token();
    let again = jobs::NewJob::of(&ask).unwrap();
    api.state.services.enqueue_now(&[again]).await.unwrap();
    let second = mail::deliver(&api).await.remove(0).token();
    assert!(second.starts_with("rna_") && first != second);
    let holder = async |token: &str| {
        let hash = secret_token::hash(token);
        let now = api.state.services.clock.now();
        let purpose = AccountTokenPurpose::PasswordReset;
        account_tokens::holder(&mut *api.connection().await, &hash, purpose, now).await.unwrap()
    };
    assert_eq!((holder(&first).await, holder(&second).await), (None, Some(user.id)));
    api.state.services.clock.advance(chrono::TimeDelta::minutes(31));
    assert_eq!(holder(&second).await, None);
}

#[tokio::test]
async fn who_is_not_to_be_told_any_more_gets_no_mail() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    schema::people::users::set_active(&mut *api.connection().await, user.id, false).await.unwrap();
    for purpose in [AccountMail::PasswordReset, AccountMail::Invitation] {
        let ask = SendAccountMail { user_id: user.id, purpose, event_id: None };
        api.state.services.enqueue_now(&[jobs::NewJob::of(&ask).unwrap()]).await.unwrap();
    }
    let mails: Vec<Mail> = tokio::time::timeout(Duration::from_secs(30), mail::deliver(&api)).await.unwrap();
    assert!(mails.is_empty(), "{mails:?}");
}
