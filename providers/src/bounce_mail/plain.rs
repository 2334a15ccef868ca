//! Reports that follow no standard: qmail, Exim and old Gmail, and what Exchange, Yahoo, sendmail and others wrote.
//!
//! A mail counts as one only when its sender is a mail system or a header says so: people quote such texts too.

use super::{Fate, OUTCOME_LIMIT, Original, Outcome, addresses, mime::Mail, prose};
use domain::messaging::bounce::diagnose;

/// Who writes reports, by the start of the address's local part.
const DAEMONS: &[&str] = &[
    "mailer-daemon",
    "mailer_daemon",
    "mailerdaemon",
    "postmaster",
    "mail-daemon",
    "maildaemon",
    "mmdf",
    "microsoftexchange",
];
/// What subjects of reports say.
const SUBJECTS: &[&str] = &[
    "undeliver",
    "delivery status",
    "delivery fail",
    "delivery has failed",
    "delivery notification",
    "delivery problem",
    "delivery report",
    "delivery incomplete",
    "failure notice",
    "failure delivery",
    "failed delivery",
    "delivery error",
    "returned mail",
    "returned to sender",
    "return to sender",
    "mail returned",
    "message returned",
    "mail delivery",
    "mail failure",
    "mail system error",
    "nondeliverable",
    "non-deliver",
    "not delivered",
    "could not be delivered",
    "couldn't be delivered",
    "could not send",
    "unable to deliver",
    "delayed",
    "permanent error",
    "user unknown",
    "bounce",
    "rejected",
    "unzustellbar",
    "não entregue",
    "no se puede entregar",
    "message status",
];

/// What became of the message, if the mail is such a report.
pub(super) fn read(mail: &Mail<'_>, text: &str, original: &Original) -> Option<Vec<Outcome>> {
    let subject = mail.headers.subject();
    let failed: Vec<&str> = mail.headers.all("x-failed-recipients").collect();
    let words = prose::words(text);
    if !failed.is_empty() {
        let recipients = failed.iter().flat_map(|field| field.split(',')).filter_map(addresses::of_field);
        return Some(outcomes(recipients.collect(), words, false)).filter(|outcomes| !outcomes.is_empty());
    }
    if is_qmail(words) {
        return Some(outcomes(titled(words), words, prose::is_delay(&subject, words)));
    }
    let is_report = mail.parameter("report-type").as_deref() == Some("delivery-status");
    let small = subject.to_lowercase();
    let told = SUBJECTS.iter().any(|word| small.contains(word));
    if !(is_report || (is_from_daemon(mail) && told)) {
        return None;
    }
    let delayed = prose::is_delay(&subject, words);
    let mut recipients = named(mail, words);
    // the one it was written to is the one it is about, when both are named
    if let Some(to) = original.to.as_ref().filter(|to| recipients.is_empty() || recipients.contains(to)) {
        recipients = vec![to.clone()];
    }
    Some(outcomes(recipients, words, delayed))
}

fn is_qmail(words: &str) -> bool {
    let start: String = words.trim_start().chars().take(200).collect::<String>().to_lowercase();
    start.contains("this is the qmail-send program") || start.contains("this is the mail delivery agent at")
}

fn is_from_daemon(mail: &Mail<'_>) -> bool {
    let from = mail.headers.get("from").unwrap_or_default();
    let by_name = addresses::of_field(from).is_some_and(|address| DAEMONS.iter().any(|name| address.starts_with(name)));
    let small = from.to_lowercase();
    let by_display = DAEMONS.iter().any(|name| small.trim_start_matches(['"', '<']).starts_with(name));
    let null_path = mail.headers.get("return-path").is_some_and(|path| path.trim() == "<>");
    by_name || by_display || null_path || small.contains("mail delivery s")
}

/// Addresses that stand alone on a line, as a title: `<a@b.example>:`.
fn titled(words: &str) -> Vec<String> {
    let titles = words.lines().map(str::trim).filter(|line| line.starts_with('<') && line.ends_with(':'));
    distinct(titles.filter_map(|line| addresses::of_field(line.trim_end_matches(':'))))
}

/// Addresses in the words, but those of the mail's own sender and receiver, and of servers' keepers.
fn named(mail: &Mail<'_>, words: &str) -> Vec<String> {
    let own: Vec<String> = ["from", "to", "reply-to"]
        .iter()
        .filter_map(|name| mail.headers.get(name))
        .filter_map(addresses::of_field)
        .collect();
    let titled = titled(words);
    if !titled.is_empty() {
        return titled;
    }
    let found = addresses::in_text(words).into_iter().map(|(_, address)| address);
    let is_keeper = |address: &str| {
        DAEMONS.iter().any(|name| address.starts_with(name))
            || address.starts_with("abuse@")
            || address.starts_with("support@")
    };
    let mut found = distinct(found.filter(|address| !own.contains(address) && !is_keeper(address)));
    // words name whom they are about before anybody else
    found.truncate(10);
    found
}

fn distinct(addresses: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for address in addresses {
        if !kept.contains(&address) {
            kept.push(address);
        }
        if kept.len() >= OUTCOME_LIMIT {
            break;
        }
    }
    kept
}

/// With nobody named the report still says what happened: to the one recipient that a message of ours has.
fn outcomes(recipients: Vec<String>, words: &str, delayed: bool) -> Vec<Outcome> {
    let fate = if delayed { Fate::Delayed } else { Fate::Failed };
    if recipients.is_empty() {
        return vec![Outcome::new(Vec::new(), fate, diagnose(None, words), words)];
    }
    let alone = recipients.len() == 1;
    let outcome = |address: String| {
        let about = prose::about(words, &address);
        let found = diagnose(None, about);
        let (found, said) = match found.status.is_none() && found.smtp.is_none() && alone {
            true => (diagnose(None, words), words),
            false => (found, about),
        };
        Outcome::new(vec![address], fate, found, said)
    };
    recipients.into_iter().map(outcome).collect()
}
