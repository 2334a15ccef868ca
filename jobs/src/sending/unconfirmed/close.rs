//! Closing what nothing was heard of: each account by its own policy, all others by the common one.

use crate::{JobContext, JobError, campaigns::analytics};
use domain::messaging::{UnconfirmedEnd, UnconfirmedPolicy};
use schema::{
    AsyncConnection, DbError,
    messages::{self, Closing},
    sending_accounts,
};
use std::collections::BTreeSet;

/// Messages closed in one statement.
const PIECE: i64 = 1_000;

/// Closes what is old, a piece at a time; how many.
pub(super) async fn all(context: &JobContext) -> Result<usize, JobError> {
    let rows = sending_accounts::with_policy(&mut *context.services.db.get().await?).await?;
    let with_policy: Vec<String> = rows.iter().map(|row| row.account.clone()).collect();
    let mut policies = vec![(None, UnconfirmedPolicy::default())];
    for row in &rows {
        policies.extend(row.unconfirmed()?.map(|policy| (Some(row.account.as_str()), policy)));
    }
    let mut closed = 0;
    for (account, policy) in policies {
        closed += of(context, account, &with_policy, policy).await?;
    }
    if closed > 0 {
        tracing::warn!(messages = closed, "never confirmed: closed by the policies of their accounts");
    }
    Ok(closed)
}

async fn of(
    context: &JobContext,
    account: Option<&str>,
    with_policy: &[String],
    policy: UnconfirmedPolicy,
) -> Result<usize, JobError> {
    let (now, why) = (context.now(), why(policy));
    let closing = Closing { account, with_policy, since: now - policy.after, end: policy.end, why: &why };
    let mut closed = 0;
    while !context.stopping.is_cancelled() {
        let mut connection = context.services.db.get().await?;
        let (piece, enqueued) = connection
            .transaction::<_, DbError, _>(async |connection| {
                let piece = messages::close_unconfirmed(connection, &closing, now, PIECE).await?;
                let campaigns: BTreeSet<i64> = piece.iter().copied().flatten().collect();
                Ok((piece.len(), analytics::after_events(connection, now, campaigns).await?))
            })
            .await?;
        drop(connection);
        context.services.dispatcher.push(&enqueued).await;
        if piece == 0 {
            break;
        }
        closed += piece;
    }
    Ok(closed)
}

fn why(policy: UnconfirmedPolicy) -> String {
    let minutes = policy.after.num_minutes();
    let time = match minutes % 60 {
        0 => format!("{} hours", minutes / 60),
        _ => format!("{minutes} minutes"),
    };
    let then = match policy.end {
        UnconfirmedEnd::Unconfirmed => "its outcome stays unknown",
        UnconfirmedEnd::Sent => "by the account's policy it counts as sent",
        UnconfirmedEnd::Failed => "by the account's policy it counts as failed",
    };
    format!("no word from the provider within {time}: {then}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn people_read_how_long_was_waited_and_what_stands_in() {
        let said = why(UnconfirmedPolicy::default());
        assert_eq!(said, "no word from the provider within 24 hours: its outcome stays unknown");
        let said = why(UnconfirmedPolicy { after: TimeDelta::minutes(90), end: UnconfirmedEnd::Sent });
        assert_eq!(said, "no word from the provider within 90 minutes: by the account's policy it counts as sent");
    }
}
