//! Mails the holder of an account: a link that chooses a password, or a notice of what happened.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use domain::{ids::UserId, sign_in::AccountMail};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendAccountMail {
    /// To whom.
    pub user_id: UserId,
    /// What about.
    pub purpose: AccountMail,
    /// What happened, as it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<i64>,
}

impl Job for SendAccountMail {
    const KIND: &'static str = "send_account_mail";
    const QUEUE: Queue = Queue::Events;
    /// A mail server may be away for some hours.
    const POLICY: Policy = Policy {
        max_attempts: 12,
        backoff: Duration::from_secs(5),
        backoff_cap: Duration::from_secs(3600),
        timeout: Duration::from_secs(120),
    };

    fn unique_key(&self) -> Option<String> {
        let Self { user_id, purpose, event_id } = self;
        match (purpose, event_id) {
            // a link that is still to be sent is as good as another
            (AccountMail::Invitation | AccountMail::PasswordReset | AccountMail::AddressTaken, _) => {
                Some(format!("{}:{purpose}:{}", Self::KIND, user_id.0))
            }
            (_, Some(event)) => Some(format!("{}:{purpose}:{}:{event}", Self::KIND, user_id.0)),
            (_, None) => None,
        }
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::accounts::send(self, &context).await
    }
}
