//! Numbers: what the provider thinks of each, which sets how fast and to how many people it sends.
//!
//! A number that cannot be asked about keeps what is known of it.

use super::job;
use crate::{
    JobContext, JobError,
    kinds::sync_whatsapp_templates::SyncWhatsappTemplates,
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, Utc};
use domain::messaging::Quality;
use providers::{
    messaging::{ProviderEvent, Standing},
    whatsapp_webhook::concerns_numbers,
};
use schema::{
    AsyncPgConnection, DbError,
    sending_accounts::{self, Judgement},
};

/// Has numbers asked about when events say that one stands differently.
pub async fn events_arrived(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    events: &[ProviderEvent],
) -> Result<Vec<Enqueued>, DbError> {
    match events.iter().any(concerns_numbers) {
        true => ledger::enqueue(connection, now, &[job(&SyncWhatsappTemplates {})?]).await,
        false => Ok(Vec::new()),
    }
}

/// Asks about every number; how many answered.
pub(crate) async fn ask(context: &JobContext) -> Result<usize, JobError> {
    let services = &context.services;
    let mut known = 0;
    for line in services.lines.all() {
        let account = line.account();
        let standing = match account.standing().await {
            Ok(Some(standing)) => standing,
            Ok(None) => continue,
            Err(failure) => {
                tracing::warn!(account = account.account(), %failure, "what is thought of the number is not known");
                continue;
            }
        };
        if matches!(standing.quality, Some(Quality::Red | Quality::Yellow)) {
            tracing::warn!(account = account.account(), quality = ?standing.quality, "people take its messages badly");
        }
        let mut connection = services.db.get().await?;
        let named = (account.account(), line.channel(), account.name());
        sending_accounts::judge(&mut connection, named, &judgement(standing), context.now()).await?;
        known += 1;
    }
    Ok(known)
}

fn judgement(standing: Standing) -> Judgement {
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    Judgement {
        quality: standing.quality.map(|quality| quality.as_str().to_owned()),
        daily_recipients: standing.daily_recipients.map(|limit| limit.map(count)),
    }
}
