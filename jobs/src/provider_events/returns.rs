//! What came back instead of a delivery, and what follows for the address: it is counted, and past a threshold nothing
//! more is sent there.

use chrono::{DateTime, Utc};
use domain::messaging::{
    BounceKind, Channel, SuppressionScope, SuppressionSource,
    bounce::{BounceCounts, BounceRules, verdict},
    suppression::SuppressionReason,
};
use schema::{
    AsyncPgConnection, DbError,
    bounces::{self, NewBounce},
    consent::suppressions::{NewSuppression, suppress},
};
use std::collections::{BTreeSet, HashMap};

/// Keeps what came back, and gives up the addresses that have come back too often.
pub(super) async fn keep(
    connection: &mut AsyncPgConnection,
    returned: &[NewBounce],
    rules: &BounceRules,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if returned.is_empty() || bounces::insert(connection, returned).await? == 0 {
        return Ok(());
    }
    let seen: BTreeSet<(Channel, String, BounceKind)> =
        returned.iter().map(|bounce| (bounce.channel, bounce.address.clone(), bounce.kind)).collect();
    let since = |kind| rules.window(kind).map_or(now, |window| now - window);
    let asked: Vec<_> =
        seen.iter().map(|(channel, address, kind)| (*channel, address.clone(), *kind, since(*kind))).collect();
    let counted = bounces::count(connection, &asked).await?;
    let counted: HashMap<(&str, &str, &str), u32> = counted
        .iter()
        .map(|row| {
            let count = u32::try_from(row.count).unwrap_or(u32::MAX);
            ((row.channel.as_str(), row.address.as_str(), row.kind.as_str()), count)
        })
        .collect();
    let mut given_up = Vec::new();
    for (channel, address, kind) in &seen {
        let count = counted.get(&(channel.as_str(), address.as_str(), kind.as_str())).copied().unwrap_or_default();
        let counts = BounceCounts { hard: count, block: count, full: count };
        let Some(found) = verdict(rules, *kind, &counts, now) else { continue };
        let reason: SuppressionReason =
            found.reason.parse().map_err(|_| DbError::Unknown { table: "suppressions", column: "reason" })?;
        let example = returned.iter().find(|bounce| bounce.address == *address && bounce.kind == *kind);
        given_up.push(NewSuppression {
            channel: *channel,
            address: address.clone(),
            reason,
            scope: if found.marketing_only { SuppressionScope::Marketing } else { SuppressionScope::All },
            source: SuppressionSource::Bounce,
            detail: example.and_then(|bounce| bounce.detail.clone()),
            message: example.and_then(|bounce| bounce.message_id).map(Into::into),
            created_by: None,
            expires_at: found.until,
        });
    }
    suppress(connection, &given_up, now).await?;
    Ok(())
}
