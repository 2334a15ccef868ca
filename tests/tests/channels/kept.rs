//! What is kept no longer than it is needed: the files of mails, and suppressions that have expired.

use crate::ground::Ground;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use jobs::{process::config::RetentionConfig, queue::retention, sending::files};
use serde_json::json;

#[tokio::test]
async fn files_of_a_mail_stay_until_it_is_done_with_for_long_enough() {
    let ground = Ground::new(&[]).await;
    let services = &ground.api.state.services;
    let file = json!({"name": "policy.pdf", "contentType": "application/pdf", "content": STANDARD.encode("%PDF")});
    let body = |to: &str| {
        json!({"to": to, "subject": "Policy", "text": "Attached", "attachments": [file.clone()],
               "scheduledAt": services.clock.now() + TimeDelta::minutes(1)})
    };
    ground.post("/api/communication/email/send", body("first@example.com")).await;
    let key = ground.texts("SELECT content -> 'attachments' -> 0 ->> 'key' FROM messages").await.remove(0);
    let ahead = services.clock.now() + TimeDelta::days(1);
    assert_eq!(files::drop_old(services, ahead).await.unwrap(), 0, "it is still to be sent");
    assert!(services.storage.exists(&key).await.unwrap());
    let sent = "UPDATE messages SET status = 'delivered', updated_at = now() - interval '2 days'";
    ground.client.batch_execute(sent).await.unwrap();
    assert_eq!(files::drop_old(services, services.clock.now() - TimeDelta::days(3)).await.unwrap(), 0, "not yet");
    assert_eq!(files::drop_old(services, services.clock.now() - TimeDelta::days(1)).await.unwrap(), 1);
    assert!(!services.storage.exists(&key).await.unwrap());
    let kept = "SELECT content ->> 'subject' || ' ' || (content ->> 'droppedFiles') FROM messages";
    assert_eq!(ground.texts(kept).await, ["Policy 1"]);
    assert_eq!(files::drop_old(services, ahead).await.unwrap(), 0, "once");
}

#[tokio::test]
async fn suppressions_that_expired_long_ago_are_forgotten_and_others_are_not() {
    let ground = Ground::new(&[]).await;
    let some = "INSERT INTO suppressions (channel, address, reason, source, created_at, expires_at) VALUES \
        ('sms', '+911', 'soft_bounce', 'bounce', now(), now() - interval '40 days'), \
        ('sms', '+912', 'soft_bounce', 'bounce', now(), now() - interval '1 day'), \
        ('sms', '+913', 'opted_out', 'reply', now(), NULL)";
    ground.client.batch_execute(some).await.unwrap();
    retention::prune(&ground.api.state.services, &RetentionConfig::default()).await.unwrap();
    assert_eq!(ground.texts("SELECT address::TEXT FROM suppressions ORDER BY address").await, ["+912", "+913"]);
}
