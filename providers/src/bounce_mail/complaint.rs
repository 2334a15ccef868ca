//! Complaints: feedback reports (RFC 5965), and Outlook's, which is a forwarded message with a header of its own.

use super::{Fate, Original, Outcome, addresses, headers::Headers, mime::Mail, original};
use domain::messaging::bounce::{BounceKind, Diagnosis};

/// Reports that are no complaint: about authentication, or that something is not spam.
const NO_COMPLAINTS: [&str; 3] = ["not-spam", "auth-failure", "dmarc"];

/// Who complained, if somebody did.
pub(super) fn read(mail: &Mail<'_>, original: &Original) -> Option<Outcome> {
    let (kind, named) = match mail.part("message/feedback-report") {
        Some(part) => {
            let mut fields = Headers::default();
            Headers::groups(&part.text()).into_iter().for_each(|group| fields.extend(group));
            let kind = fields.get("feedback-type").unwrap_or("abuse").trim().to_lowercase();
            let names = ["original-rcpt-to", "removal-recipient"];
            let named = names.iter().flat_map(|name| fields.all(name)).find_map(addresses::of_field);
            (kind, named)
        }
        None => {
            let named = original::returned(mail)?.get("x-hmxmroriginalrecipient").and_then(addresses::of_field)?;
            ("abuse".to_owned(), Some(named))
        }
    };
    if NO_COMPLAINTS.contains(&kind.as_str()) {
        return None;
    }
    let found = Diagnosis { kind: BounceKind::Complaint, status: None, smtp: None };
    let mut recipients: Vec<String> = named.into_iter().collect();
    recipients.extend(original.to.clone().filter(|to| !recipients.contains(to)));
    Some(Outcome::new(recipients, Fate::Delivered, found, &kind))
        .map(|outcome| Outcome { kind: Some(BounceKind::Complaint), ..outcome })
}
