//! What came back instead of a delivery, and what recipients do with what was delivered.

mod diagnosis;
mod rules;
mod words;

pub use diagnosis::{Diagnosis, EnhancedStatus, diagnose};
pub use rules::{BounceCounts, BounceRules, ComplaintRule, SuppressFor, Threshold, verdict};

use crate::text_enum::text_enum;

text_enum! {
    /// Why a message came back.
    pub enum BounceKind {
        /// The address does not exist, or never will take mail.
        Hard = "hard",
        /// Something passing: the server is away, it asks for patience. Never a reason by itself to give an address up.
        Soft = "soft",
        /// The receiving side refuses the sender or the content: reputation, policy, spam. The address may be fine.
        Block = "block",
        /// The mailbox is full.
        Full = "full",
        /// The recipient called it spam.
        Complaint = "complaint",
        /// Nothing bounced: a program answers for somebody who is away.
        AutoReply = "auto_reply",
    }
}

text_enum! {
    /// What a recipient, or their mail server, did with a message.
    pub enum Feedback {
        /// It was opened.
        Opened = "opened",
        /// A link of it was followed.
        Clicked = "clicked",
        /// It was called spam.
        Complained = "complained",
        /// Its sender is to write no more.
        Unsubscribed = "unsubscribed",
        /// It waits at the receiving server; nothing is decided.
        Deferred = "deferred",
    }
}
