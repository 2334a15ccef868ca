//! Programs that answer for somebody who is away (RFC 3834), and receipts: nothing bounced.

use super::{Fate, Outcome, addresses, mime::Mail};
use domain::messaging::bounce::{BounceKind, Diagnosis};

/// Headers that only such programs write.
const HEADERS: [&str; 6] =
    ["x-autoreply", "x-autorespond", "x-auto-reply", "x-autoreply-from", "x-mail-autoreply", "x-autoresponder"];
/// How their subjects begin, in small letters, in the languages of their commonest programs.
const SUBJECTS: &[&str] = &[
    "automatic reply",
    "automated reply",
    "automatic response",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "auto-response",
    "autoresponse",
    "auto:",
    "out of office",
    "out-of-office",
    "out of the office",
    "ooo:",
    "on vacation",
    "vacation",
    "on leave",
    "away from the office",
    "i am away",
    "abwesenheit",
    "automatische antwort",
    "automatisch antwoord",
    "afwezig",
    "réponse automatique",
    "absence",
    "respuesta automática",
    "fuera de la oficina",
    "risposta automatica",
    "fuori sede",
    "resposta automática",
    "automatiskt svar",
    "autosvar",
    "автоответ",
    "स्वचालित उत्तर",
    "自動返信",
    "自動応答",
    "自动回复",
];

/// Whom a program answers for, if one does.
pub(super) fn read(mail: &Mail<'_>) -> Option<Outcome> {
    let header = |name: &str| mail.headers.get(name).unwrap_or_default().trim().to_lowercase();
    let subject = mail.headers.subject().to_lowercase();
    let subject = subject.trim_start_matches("re:").trim_start_matches("aw:").trim();
    let by_subject = SUBJECTS.iter().any(|start| subject.starts_with(start));
    let submitted = header("auto-submitted");
    let precedence = header("precedence");
    let is_receipt = mail.parameter("report-type").as_deref() == Some("disposition-notification");
    let is_answer = submitted.starts_with("auto-replied")
        || HEADERS.iter().any(|name| mail.headers.has(name))
        || matches!(precedence.as_str(), "auto_reply" | "auto-reply" | "autoreply")
        || is_receipt
        || by_subject;
    if !is_answer || submitted == "no" {
        return None;
    }
    let found = Diagnosis { kind: BounceKind::AutoReply, status: None, smtp: None };
    let recipients = mail.headers.get("from").and_then(addresses::of_field).into_iter().collect();
    // it arrived; that it was answered is all there is to say
    let outcome = Outcome::new(recipients, Fate::Delivered, found, "");
    Some(Outcome { kind: Some(BounceKind::AutoReply), ..outcome })
}
