//! Reports of many mail systems, written from the standards and from what these systems send, and what they say.
//!
//! Each is read as it stands, and with the line ends it has on the wire.

use domain::messaging::BounceKind::{self, AutoReply, Block, Complaint, Full, Hard, Soft};
use providers::bounce_mail::{
    Fate::{self, Delayed, Delivered, Failed},
    MAIL_LIMIT, OUTCOME_LIMIT,
    What::{self, Ordinary, Report},
    read,
};

/// A recipient, how it fares, why, and the enhanced status.
type Expected = (&'static str, Fate, Option<BounceKind>, &'static str);

/// A file, what it is, the message of ours that it is about, and what it says by recipient.
#[rustfmt::skip]
const CORPUS: &[(&str, What, &str, &[Expected])] = &[
    ("postfix_user_unknown", Report, "m-1-1", &[("asha@example.in", Failed, Some(Hard), "5.1.1")]),
    ("postfix_delayed", Report, "m-2-1", &[("asha@example.in", Delayed, Some(Soft), "4.4.1")]),
    ("postfix_expired", Report, "m-3-1", &[("asha@example.in", Failed, Some(Soft), "4.4.1")]),
    ("postfix_no_domain", Report, "m-4-1", &[("asha@nosuch.example", Failed, Some(Hard), "5.4.4")]),
    ("postfix_dns_away", Report, "m-5-1", &[("asha@slowdns.example", Delayed, Some(Soft), "4.4.3")]),
    ("postfix_mailbox_full", Report, "m-6-1", &[("asha@example.in", Failed, Some(Full), "5.2.2")]),
    ("postfix_blocked", Report, "m-7-1", &[("asha@example.in", Failed, Some(Block), "5.7.1")]),
    ("postfix_two_recipients", Report, "m-8-1", &[("asha@example.in", Failed, Some(Hard), "5.1.1"), ("ravi@example.in", Failed, Some(Full), "4.2.2")]),
    ("postfix_delivered", Report, "m-9-1", &[("asha@example.in", Delivered, None, "")]),
    ("postfix_relayed", Report, "m-10-1", &[("asha@example.in", Delivered, None, "")]),
    ("postfix_relay_denied", Report, "m-11-1", &[("asha@example.in", Failed, Some(Block), "5.7.1")]),
    ("postfix_greylisted", Report, "m-12-1", &[("asha@example.in", Delayed, Some(Soft), "4.2.0")]),
    ("postfix_forwarded", Report, "m-13-1", &[("asha.k@elsewhere.example", Failed, Some(Hard), "5.1.1")]),
    ("gmail_no_such_user", Report, "m-14-1", &[("asha@gmail.com", Failed, Some(Hard), "5.1.1")]),
    ("gmail_over_quota", Report, "m-15-1", &[("asha@gmail.com", Failed, Some(Full), "5.2.2")]),
    ("gmail_unauthenticated", Report, "m-16-1", &[("asha@gmail.com", Failed, Some(Block), "5.7.26")]),
    ("gmail_delay", Report, "m-17-1", &[("asha@corp.example", Delayed, Some(Soft), "4.4.1")]),
    ("gmail_rate", Report, "m-18-1", &[("asha@gmail.com", Delayed, Some(Soft), "4.2.1")]),
    ("gmail_disabled", Report, "m-19-1", &[("asha@gmail.com", Failed, Some(Hard), "5.2.1")]),
    ("gmail_old_style", Report, "m-20-1", &[("asha@example.in", Failed, Some(Hard), "5.1.1")]),
    ("o365_recipient_not_found", Report, "m-21-1", &[("asha@corp.example", Failed, Some(Hard), "5.1.10")]),
    ("o365_access_denied", Report, "m-22-1", &[("asha@corp.example", Failed, Some(Hard), "5.4.1")]),
    ("o365_banned_sender", Report, "m-23-1", &[("asha@corp.example", Failed, Some(Block), "5.7.606")]),
    ("o365_mailbox_full", Report, "m-24-1", &[("asha@corp.example", Failed, Some(Full), "5.2.2")]),
    ("o365_expired", Report, "m-25-1", &[("asha@corp.example", Failed, Some(Soft), "4.4.7")]),
    ("o365_no_domain", Report, "m-26-1", &[("asha@nosuch.example", Failed, Some(Hard), "5.4.310")]),
    ("o365_restricted", Report, "m-27-1", &[("asha@corp.example", Failed, Some(Block), "5.7.133")]),
    ("exchange_2010", Report, "m-28-1", &[("asha.kumar@corp.example", Failed, Some(Hard), "5.1.1")]),
    ("exchange_5_5", Report, "m-29-1", &[("asha@corp.example", Failed, Some(Hard), "")]),
    ("exchange_2003_prose", Report, "m-30-1", &[("asha@corp.example", Failed, Some(Soft), "")]),
    ("exchange_html_only", Report, "m-31-2", &[("asha@corp.example", Failed, Some(Hard), "5.1.1")]),
    ("qmail_no_mailbox", Report, "m-32-1", &[("asha@isp.example", Failed, Some(Hard), "5.1.1")]),
    ("qmail_remote_refused", Report, "m-33-1", &[("asha@example.in", Failed, Some(Block), "5.7.1")]),
    ("qmail_two", Report, "m-34-1", &[("asha@isp.example", Failed, Some(Full), "5.2.2"), ("ravi@isp.example", Failed, Some(Hard), "5.1.2")]),
    ("qmail_no_connection", Report, "m-35-1", &[("asha@example.in", Failed, Some(Soft), "4.4.1")]),
    ("exim_unrouteable", Report, "m-36-1", &[("asha@nosuch.example", Failed, Some(Hard), "")]),
    ("exim_rejected", Report, "m-37-1", &[("asha@example.in", Failed, Some(Hard), "5.1.1")]),
    ("exim_two", Report, "m-38-1", &[("asha@example.in", Failed, Some(Block), "5.7.1"), ("ravi@example.in", Failed, Some(Full), "")]),
    ("exim_warning", Report, "m-39-1", &[("asha@example.in", Delayed, Some(Soft), "")]),
    ("exim_modern", Report, "m-40-1", &[("asha@example.in", Failed, Some(Hard), "5.0.0")]),
    ("yahoo_no_account", Report, "m-41-1", &[("asha@yahoo.example", Failed, Some(Hard), "")]),
    ("yahoo_deferred", Report, "m-42-1", &[("asha@yahoo.example", Failed, Some(Block), "4.7.0")]),
    ("hotmail_unavailable", Report, "m-43-1", &[("asha@hotmail.com", Failed, Some(Hard), "5.5.0")]),
    ("hotmail_blocked", Report, "m-44-1", &[("asha@hotmail.com", Failed, Some(Block), "5.7.1")]),
    ("icloud_full", Report, "m-45-1", &[("asha@icloud.com", Failed, Some(Full), "5.2.2")]),
    ("sendmail_unknown", Report, "m-46-1", &[("asha@example.in", Failed, Some(Hard), "5.1.1")]),
    ("sendmail_old", Report, "m-47-1", &[("asha@example.in", Failed, Some(Hard), "")]),
    ("sendmail_warning", Report, "m-48-1", &[("asha@example.in", Delayed, Some(Soft), "4.4.1")]),
    ("domino", Report, "m-49-1", &[("asha@corp.example", Failed, Some(Hard), "5.0.0")]),
    ("courier", Report, "m-50-1", &[("asha@example.in", Failed, Some(Hard), "5.0.0")]),
    ("opensmtpd", Report, "m-51-1", &[("asha@example.in", Failed, Some(Block), "5.7.26")]),
    ("ses_bounce", Report, "m-52-1", &[("asha@example.in", Failed, Some(Hard), "5.4.4")]),
    ("too_large", Report, "m-53-1", &[("asha@example.in", Failed, Some(Block), "5.3.4")]),
    ("null_mx", Report, "m-54-1", &[("asha@nomail.example", Failed, Some(Hard), "5.1.10")]),
    ("sender_refused", Report, "m-55-1", &[("asha@example.in", Failed, Some(Block), "5.1.8")]),
    ("no_diagnostic", Report, "m-56-1", &[("asha@example.in", Failed, Some(Full), "5.0.0")]),
    ("no_action", Report, "m-57-1", &[("asha@example.in", Failed, Some(Hard), "5.1.1")]),
    ("fields_in_one_block", Report, "m-58-1", &[("asha@example.in", Failed, Some(Hard), "5.1.1"), ("ravi@example.in", Delayed, Some(Soft), "4.4.7")]),
    ("global_report", Report, "m-59-1", &[("आशा@उदा.example", Failed, Some(Hard), "5.1.1")]),
    ("verp_only", Report, "m-60-3", &[("asha@example.in", Failed, Some(Hard), "")]),
    ("arf_abuse", What::Complaint, "m-61-1", &[("asha@example.in", Delivered, Some(Complaint), "")]),
    ("arf_redacted", What::Complaint, "m-62-1", &[("asha@example.in", Delivered, Some(Complaint), "")]),
    ("arf_fraud", What::Complaint, "m-63-1", &[("asha@example.in", Delivered, Some(Complaint), "")]),
    ("arf_not_spam", Ordinary, "", &[]),
    ("outlook_jmrp", What::Complaint, "m-64-1", &[("asha@hotmail.com", Delivered, Some(Complaint), "")]),
    ("auto_rfc3834", What::AutoReply, "m-65-1", &[("asha@example.in", Delivered, Some(AutoReply), "")]),
    ("auto_outlook", What::AutoReply, "m-66-1", &[("asha@example.in", Delivered, Some(AutoReply), "")]),
    ("auto_precedence", What::AutoReply, "m-67-1", &[("asha@example.in", Delivered, Some(AutoReply), "")]),
    ("auto_xautoreply", What::AutoReply, "m-68-1", &[("asha@example.in", Delivered, Some(AutoReply), "")]),
    ("auto_german", What::AutoReply, "m-69-1", &[("asha@example.in", Delivered, Some(AutoReply), "")]),
    ("auto_hindi", What::AutoReply, "m-70-1", &[("asha@example.in", Delivered, Some(AutoReply), "")]),
    ("read_receipt", What::AutoReply, "m-71-1", &[("asha@example.in", Delivered, Some(AutoReply), "")]),
    ("ordinary_question", Ordinary, "", &[]),
    ("ordinary_daemon_news", Ordinary, "", &[]),
    ("cut_off", Report, "m-73-1", &[("asha@example.in", Failed, Some(Hard), "5.1.1")]),];

fn file(name: &str) -> String {
    let path = format!("{}/tests/dsn/{name}.eml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_report_says_what_it_says() {
    let mut wrong = Vec::new();
    for (name, what, correlation, expected) in CORPUS {
        let text = file(name);
        for raw in [text.clone(), text.replace('\n', "\r\n")] {
            let mail = read(raw.as_bytes());
            let found: Vec<_> = mail
                .outcomes
                .iter()
                .map(|outcome| {
                    let status = outcome.status.map(|status| status.to_string()).unwrap_or_default();
                    let status = if outcome.fate == Delivered { String::new() } else { status };
                    (outcome.recipients.first().cloned().unwrap_or_default(), outcome.fate, outcome.kind, status)
                })
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(to, fate, kind, status)| ((*to).to_owned(), *fate, *kind, (*status).to_owned()))
                .collect();
            let about = mail.original.correlation.map(|id| id.to_string()).unwrap_or_default();
            if (mail.what, about.as_str(), &found) != (*what, *correlation, &expected) {
                wrong.push(format!("{name}: {:?} about {about:?}: {found:?}\n  {:?}", mail.what, mail.outcomes));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_holds_every_file() {
    let folder = format!("{}/tests/dsn", env!("CARGO_MANIFEST_DIR"));
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut files: Vec<String> = files.filter_map(|name| name.strip_suffix(".eml").map(str::to_owned)).collect();
    files.sort();
    let mut known: Vec<&str> = CORPUS.iter().map(|(name, ..)| *name).collect();
    known.sort_unstable();
    assert_eq!(files, known);
}

#[test]
fn what_was_passed_on_names_whom_we_wrote_to() {
    let mail = read(file("postfix_forwarded").as_bytes());
    assert_eq!(mail.outcomes[0].recipients, ["asha.k@elsewhere.example", "asha@example.in"]);
    assert_eq!(mail.original.to.as_deref(), Some("asha@example.in"));
    assert_eq!(mail.sent_at.unwrap().to_rfc3339(), "2025-03-01T03:30:05+00:00");
}

#[test]
fn the_same_mail_has_the_same_id_wherever_it_lies() {
    let text = file("postfix_user_unknown");
    let moved = format!("X-Moved: by a filter\n{text}");
    assert_eq!(read(text.as_bytes()).id, read(moved.as_bytes()).id);
    assert_ne!(read(text.as_bytes()).id, read(file("postfix_delayed").as_bytes()).id);
    assert_ne!(read(b"a: b\n\nc").id, read(b"a: b\n\nd").id);
}

#[test]
fn a_mail_cut_off_anywhere_is_read_as_far_as_it_goes() {
    for name in ["postfix_two_recipients", "qmail_two", "exchange_html_only", "arf_abuse", "global_report"] {
        let text = file(name);
        for end in (0..text.len()).step_by(7) {
            assert!(read(&text.as_bytes()[..end]).outcomes.len() <= 2, "{name} up to {end}");
        }
    }
}

#[test]
fn what_is_read_is_bounded() {
    let many = "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n".repeat(10_000);
    let raw = format!(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n{many}"
    );
    assert!(raw.len() > MAIL_LIMIT);
    assert_eq!(read(raw.as_bytes()).outcomes.len(), OUTCOME_LIMIT);
    let long =
        format!("From: mailer-daemon@a.example\nSubject: failure notice\n\n<a@b.example>:\n{}", "é".repeat(300_000));
    assert!(read(long.as_bytes()).outcomes[0].diagnostic.chars().count() <= 300);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2_000)) {
        let mail = read(&bytes);
        proptest::prop_assert!(mail.outcomes.len() <= OUTCOME_LIMIT);
    }

    #[test]
    fn reports_with_anything_in_them_are_read(index in 0..CORPUS.len(), at in 0_usize..5_000, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
        let mut raw = file(CORPUS[index].0).into_bytes();
        let at = at.min(raw.len());
        let end = (at + bytes.len()).min(raw.len());
        raw.splice(at..end, bytes);
        let mail = read(&raw);
        for outcome in &mail.outcomes {
            proptest::prop_assert!(outcome.diagnostic.chars().count() <= 300 && !outcome.diagnostic.contains('\0'));
            proptest::prop_assert!(outcome.recipients.iter().all(|address| address.len() <= 1_000 && address.contains('@')));
        }
    }
}
