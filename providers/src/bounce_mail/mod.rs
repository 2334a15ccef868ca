//! What a mail in the bounce mailbox says: that a message of ours did not arrive, waits, was called spam, or was answered
//! by a program.
//!
//! Reads the standard reports (RFC 3464, RFC 5965, RFC 3834) and what servers send instead. Nothing fails: what cannot be
//! read as any of these is an ordinary mail. Anybody may write to a mailbox, so what is read is a claim: whoever acts on
//! it checks that the message is ours and went to that recipient.

mod addresses;
mod auto_reply;
mod complaint;
mod headers;
mod mime;
mod original;
mod plain;
mod prose;
mod report;

pub use headers::Headers;
pub use mime::{DEPTH_LIMIT, MAIL_LIMIT, Mail, PART_LIMIT, Part};
pub use original::Original;

use chrono::{DateTime, Utc};
use domain::messaging::bounce::{BounceKind, Diagnosis, EnhancedStatus};
use sha2::{Digest, Sha256};

/// So many recipients of one mail are read.
pub const OUTCOME_LIMIT: usize = 50;
/// So long may a diagnostic be, in characters.
pub const DIAGNOSTIC_LIMIT: usize = 300;

/// A mail from the bounce mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BounceMail {
    /// The same for the same mail, however often and wherever it is read.
    pub id: String,
    /// When its sender says it was written.
    pub sent_at: Option<DateTime<Utc>>,
    /// What it is.
    pub what: What,
    /// The message of ours that it is about.
    pub original: Original,
    /// What became of it, by recipient. Empty for an ordinary mail.
    pub outcomes: Vec<Outcome>,
}

/// What a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A report on a delivery, standard or not.
    Report,
    /// Somebody called a message of ours spam.
    Complaint,
    /// A program answers for somebody.
    AutoReply,
    /// Anything else.
    Ordinary,
}

/// How a delivery fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrived, or was passed on to a server that does not report.
    Delivered,
    /// It waits; nothing is decided.
    Delayed,
    /// It was given up.
    Failed,
}

/// What became of a message at one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Their addresses in small letters, the one the server tried first: a mail that was passed on has several.
    pub recipients: Vec<String>,
    /// How it fares.
    pub fate: Fate,
    /// Why it came back; none when it was delivered.
    pub kind: Option<BounceKind>,
    /// The enhanced status code.
    pub status: Option<EnhancedStatus>,
    /// The SMTP reply code.
    pub smtp: Option<u16>,
    /// What the server said, bounded.
    pub diagnostic: String,
}

impl Outcome {
    /// A delivery that waits is never worse than soft, whatever the words.
    fn new(recipients: Vec<String>, fate: Fate, found: Diagnosis, diagnostic: &str) -> Self {
        let kind = match fate {
            Fate::Delivered => None,
            Fate::Delayed => Some(BounceKind::Soft),
            Fate::Failed => Some(found.kind),
        };
        Self { recipients, fate, kind, status: found.status, smtp: found.smtp, diagnostic: bounded(diagnostic) }
    }
}

/// Reads a mail.
pub fn read(raw: &[u8]) -> BounceMail {
    let mail = Mail::read(raw);
    let text = mail.text();
    let mut original = Original::find(&mail, &text);
    let (what, mut outcomes) = if let Some(complaint) = complaint::read(&mail, &original) {
        (What::Complaint, vec![complaint])
    } else if let Some(outcomes) = report::read(&mail, &text).or_else(|| plain::read(&mail, &text, &original)) {
        (What::Report, outcomes)
    } else if let Some(reply) = auto_reply::read(&mail) {
        (What::AutoReply, vec![reply])
    } else {
        (What::Ordinary, Vec::new())
    };
    outcomes.truncate(OUTCOME_LIMIT);
    if what == What::Ordinary {
        original = Original::default();
    }
    let sent_at = mail.headers.get("date").and_then(date);
    BounceMail { id: id(&mail, raw), sent_at, what, original, outcomes }
}

/// By its Message-ID with its date and sender, so that another copy of it is the same; without one by all of it.
fn id(mail: &Mail<'_>, raw: &[u8]) -> String {
    let mut digest = Sha256::new();
    match mail.headers.get("message-id").filter(|id| id.len() > 2) {
        Some(message_id) => {
            for text in [message_id, mail.headers.get("date").unwrap_or(""), mail.headers.get("from").unwrap_or("")] {
                digest.update(text.as_bytes());
                digest.update([0]);
            }
        }
        None => digest.update(raw),
    }
    hex::encode(digest.finalize().get(..16).unwrap_or_default())
}

fn date(text: &str) -> Option<DateTime<Utc>> {
    // a comment with the zone's name may follow
    let text = text.split('(').next().unwrap_or_default().trim();
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.with_timezone(&Utc))
}

/// One line, no longer than kept, and without what the database cannot hold.
fn bounded(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|character: char| character.is_whitespace() || character == '\0') {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > 4 * DIAGNOSTIC_LIMIT {
            break;
        }
    }
    line.chars().take(DIAGNOSTIC_LIMIT).collect()
}
