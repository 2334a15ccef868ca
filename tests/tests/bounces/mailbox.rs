//! The job over a mailbox: each mail counts once, strangers' claims do not count at all.

use crate::ground::{BOUNCES, Ground};

/// A report that a mail could not be delivered.
fn report(id: &str, message: i64, to: &str, action: &str, status: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: {BOUNCES}\r\nSubject: Undelivered Mail\r\n\
         Date: Sat, 1 Mar 2025 09:00:05 +0530\r\nMessage-ID: <{id}@mx.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <m-{message}-1@renewals.test>\r\n\r\n--b--\r\n"
    )
}

fn complaint(id: &str, message: i64, to: &str) -> String {
    format!(
        "From: abuse@isp.example\r\nTo: {BOUNCES}\r\nSubject: FW\r\nDate: Sat, 1 Mar 2025 09:00:05 +0530\r\n\
         Message-ID: <{id}@isp.example>\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Rcpt-To: <{to}>\r\n\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <m-{message}-1@renewals.test>\r\n\r\nHello\r\n--b--\r\n"
    )
}

#[tokio::test]
async fn a_mail_counts_once_even_when_the_mailbox_is_counted_anew() {
    let ground = Ground::new(&[], false).await;
    let first = ground.sent("Asha@example.in").await;
    ground.dovecot.put(BOUNCES, &report("one", first, "asha@example.in", "failed", "5.1.1"));
    ground.dovecot.put(BOUNCES, "From: a@b.example\r\nSubject: Hello\r\n\r\nNot a report.\r\n");
    ground.read().await;
    assert_eq!(ground.stands(first).await, ("failed".to_owned(), Some("5.1.1".to_owned())));
    let cursor = "SELECT uid_validity || ' ' || last_uid FROM bounce_mailboxes";
    let before = ground.texts(cursor).await;
    assert!(before[0].ends_with(" 2"), "{before:?}");
    // nothing new is read
    ground.read().await;
    assert_eq!(ground.texts(cursor).await, before);
    // counted anew, all is read again, and what is new counts
    ground.dovecot.count_anew(BOUNCES, 4_000_000_000);
    let second = ground.sent("ravi@example.in").await;
    ground.dovecot.put(BOUNCES, &complaint("two", second, "ravi@example.in"));
    ground.read().await;
    assert_eq!(ground.texts(cursor).await, ["4000000000 3"]);
    let kept = "SELECT kind || ' ' || coalesce(bounce, feedback) FROM provider_events ORDER BY id";
    assert_eq!(ground.texts(kept).await, ["status hard", "feedback complained"]);
    let read = "SELECT result ->> 'mails' FROM jobs WHERE kind = 'read_bounces' ORDER BY created_at";
    assert_eq!(ground.texts(read).await, ["2", "0", "3"]);
}

#[tokio::test]
async fn who_does_not_know_whom_we_wrote_to_changes_nothing() {
    let ground = Ground::new(&[], false).await;
    let message = ground.sent("asha@example.in").await;
    for (id, mail) in [
        ("other", report("other", message, "mallory@example.in", "failed", "5.1.1")),
        ("unknown", report("unknown", message + 1_000, "asha@example.in", "failed", "5.1.1")),
        ("nobody", complaint("nobody", message, "mallory@example.in")),
    ] {
        assert!(mail.contains(id));
        ground.dovecot.put(BOUNCES, &mail);
    }
    ground.read().await;
    assert_eq!(ground.stands(message).await, ("sent".to_owned(), None));
    // they are kept, for whoever wonders
    assert_eq!(ground.texts("SELECT DISTINCT kind::TEXT FROM provider_events").await, ["other"]);
    assert_eq!(ground.texts("SELECT payload ->> 'fate' FROM provider_events WHERE message_id IS NULL").await.len(), 3);
}
