//! Reads the audit log, newest first. Each filter has an index that goes on by time; pages go on from an entry's place,
//! so that none is skipped or told twice while others are written.

use crate::{
    DbError,
    tables::{api_keys, audit_log, campaigns, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{AuditId, CampaignId, TypedId, UserId},
    permissions::Reach,
};
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Which entries are asked for; what is `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// About this kind of thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<String>,
    /// About the one of this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<i64>,
    /// About the one of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_key: Option<String>,
    /// By this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// This was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
}

/// An entry as it is listed.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor_id: Option<i64>,
    /// With which key.
    pub api_key_id: Option<i64>,
    /// What was done.
    pub action: String,
    /// To what.
    pub entity_type: String,
    /// Of that number.
    pub entity_id: Option<i64>,
    /// Or of that name.
    pub entity_key: Option<String>,
    /// What it was like.
    pub before: Option<Value>,
    /// What it became.
    pub after: Option<Value>,
    /// The request.
    pub request_id: Option<String>,
    /// From where.
    pub ip_address: Option<IpNetwork>,
    /// With which program.
    pub user_agent: Option<String>,
}

impl AuditRow {
    /// Where it is in the list.
    pub fn place(&self) -> (DateTime<Utc>, i64) {
        (self.at, self.id)
    }
}

/// Where an entry is in the list.
pub async fn place(
    connection: &mut AsyncPgConnection,
    entry: AuditId,
) -> Result<Option<(DateTime<Utc>, i64)>, DbError> {
    let found = audit_log::table.find(entry.0).select((audit_log::at, audit_log::id));
    Ok(found.first(connection).await.optional()?)
}

/// At most `limit` entries that somebody of that reach may see, older than `after`.
pub async fn newest_first(
    connection: &mut AsyncPgConnection,
    filter: &Filter,
    reach: Reach,
    after: Option<(DateTime<Utc>, i64)>,
    limit: i64,
) -> Result<Vec<AuditRow>, DbError> {
    let mut query = audit_log::table.select(AuditRow::as_select()).into_boxed();
    if let Some(kind) = &filter.entity_type {
        query = query.filter(audit_log::entity_type.eq(kind));
    }
    if let Some(id) = filter.entity_id {
        query = query.filter(audit_log::entity_id.eq(id));
    }
    if let Some(key) = &filter.entity_key {
        query = query.filter(audit_log::entity_key.eq(key));
    }
    if let Some(actor) = filter.actor {
        query = query.filter(audit_log::actor_id.eq(actor.0));
    }
    if let Some(actors) = colleagues(connection, reach).await? {
        // whoever sees a colleague's campaign is told what the platform itself did to it, too
        let tells_all = match (filter.entity_type.as_deref(), filter.entity_id) {
            (Some(CampaignId::PREFIX), Some(campaign)) => is_of(connection, campaign, &actors).await?,
            _ => false,
        };
        let theirs = audit_log::actor_id.eq_any(actors);
        query = match tells_all {
            true => query.filter(theirs.or(audit_log::actor_id.is_null().and(audit_log::request_id.is_null()))),
            false => query.filter(theirs),
        };
    }
    if let Some(action) = &filter.action {
        query = query.filter(audit_log::action.eq(action));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit_log::at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(audit_log::at.lt(to));
    }
    if let Some((at, id)) = after {
        // the first part alone bounds the index
        query = query.filter(audit_log::at.le(at).and(audit_log::at.lt(at).or(audit_log::id.lt(id))));
    }
    Ok(query.order((audit_log::at.desc(), audit_log::id.desc())).limit(limit).load(connection).await?)
}

/// Whether one of them wrote the campaign.
async fn is_of(connection: &mut AsyncPgConnection, campaign: i64, authors: &[i64]) -> Result<bool, DbError> {
    let found = campaigns::table.find(campaign).filter(campaigns::created_by.eq_any(authors));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(connection).await?)
}

/// Whose entries are in reach; `None`: everybody's.
async fn colleagues(connection: &mut AsyncPgConnection, reach: Reach) -> Result<Option<Vec<i64>>, DbError> {
    match reach {
        Reach::All => Ok(None),
        Reach::Own(user) => Ok(Some(vec![user.0])),
        Reach::Branch(user, branch) => {
            let there = users::table.filter(users::id.eq(user.0).or(users::branch_id.is_not_distinct_from(branch.0)));
            Ok(Some(there.select(users::id).load(connection).await?))
        }
    }
}

/// What the people and keys of entries are called.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// First and last name.
    pub users: HashMap<i64, String>,
    /// The key's name.
    pub keys: HashMap<i64, String>,
}

/// Looks up what the people and keys of these entries are called.
pub async fn names(connection: &mut AsyncPgConnection, rows: &[AuditRow]) -> Result<Names, DbError> {
    let actors: BTreeSet<i64> = rows.iter().filter_map(|row| row.actor_id).collect();
    let keys: BTreeSet<i64> = rows.iter().filter_map(|row| row.api_key_id).collect();
    let mut names = Names::default();
    if !actors.is_empty() {
        let people = users::table.filter(users::id.eq_any(Vec::from_iter(actors))).select((
            users::id,
            users::first_name,
            users::last_name,
        ));
        let people: Vec<(i64, String, String)> = people.load(connection).await?;
        names.users = people.into_iter().map(|(id, first, last)| (id, format!("{first} {last}"))).collect();
    }
    if !keys.is_empty() {
        let machines =
            api_keys::table.filter(api_keys::id.eq_any(Vec::from_iter(keys))).select((api_keys::id, api_keys::name));
        names.keys = machines.load::<(i64, String)>(connection).await?.into_iter().collect();
    }
    Ok(names)
}
