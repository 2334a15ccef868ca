//! Flows over WhatsApp: forms that open inside the chat, and what follows from an answer.
//!
//! Pure: a flow is checked as a whole, faults are named by path, and what follows from an answer is told, not done.

mod form;
mod graph;
mod reply;

pub use form::check_form;
pub use reply::{FlowAction, Follow, ReplyFlow, Step, next};

use crate::text_enum::text_enum;

text_enum! {
    /// What a flow is.
    pub enum FlowKind {
        /// A form in the vendor's own description (Flow JSON).
        Form = "form",
        /// Messages, and what follows from each answer.
        Reply = "reply",
    }
}

text_enum! {
    /// Where a flow stands.
    pub enum FlowStatus {
        /// Being written.
        Draft = "draft",
        /// In use; it does not change any more.
        Published = "published",
        /// Not used any more.
        Retired = "retired",
    }
}

/// What is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowFault {
    /// Where: `steps.renew.answers.yes[0].step`.
    pub path: String,
    /// What is wrong, or what would be right.
    pub problem: String,
}

impl FlowFault {
    fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }
}

/// Everything that is wrong with a definition, of either kind.
pub fn check(kind: FlowKind, definition: &serde_json::Value) -> Vec<FlowFault> {
    match kind {
        FlowKind::Form => check_form(definition),
        FlowKind::Reply => match ReplyFlow::read(definition) {
            Ok(flow) => flow.check(),
            Err(fault) => vec![fault],
        },
    }
}
