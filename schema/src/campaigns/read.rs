//! Reading campaigns, one or a page of them.

use crate::DbError;
use crate::like::containing;
use crate::names::Name;
use crate::reach::has_campaign;
use crate::tables::campaigns;
use chrono::{DateTime, Utc};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{Begins, CampaignMode, CampaignStatus, Forecast, Plan, Report, plan::Fared};
use domain::ids::{BranchId, UserId};
use domain::messaging::Channel;
use domain::permissions::{Reach, Scope};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

/// A campaign as its row has it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = campaigns, check_for_backend(diesel::pg::Pg))]
pub struct Campaign {
    /// Its number.
    pub id: i64,
    /// What the campaigns of one request share.
    pub group_id: Uuid,
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
    /// How it goes out.
    #[diesel(column_name = campaign_type, deserialize_as = Name)]
    pub channel: Channel,
    /// Where it stands.
    #[diesel(deserialize_as = Name)]
    pub status: CampaignStatus,
    /// The upload whose policies it addresses.
    pub upload_id: Option<i64>,
    /// What it says.
    pub template_id: Option<i64>,
    /// Which version of it.
    pub template_version: Option<i32>,
    /// Whom it addresses, as `domain::campaigns::Audience` writes it.
    pub target_audience_filter: Value,
    /// What it may cost.
    pub budget: Option<Decimal>,
    /// Messages written; `None` until the audience is.
    pub target_count: Option<i32>,
    /// People of the target left out.
    pub excluded_count: i32,
    /// Accepted by the provider.
    pub sent_count: i32,
    /// Reached a device.
    pub delivered_count: i32,
    /// Opened.
    pub opened_count: i32,
    /// Followed a link.
    pub clicked_count: i32,
    /// Answered.
    pub replied_count: i32,
    /// Renewed or paid after the message.
    pub converted_count: i32,
    /// Refused or given up.
    pub failed_count: i32,
    /// Of unknown outcome.
    pub unconfirmed_count: i32,
    /// The figures as last measured, and the estimate made at creation.
    pub metrics: Option<Value>,
    /// When they were measured.
    pub metrics_at: Option<DateTime<Utc>>,
    /// `immediate`, `scheduled` or `recurring`.
    pub schedule_type: String,
    /// `once`, `recurring` or `sequence`.
    #[diesel(deserialize_as = Name)]
    pub mode: CampaignMode,
    /// How it goes out, as `domain::campaigns::Plan` writes it.
    pub plan: Value,
    /// For people who look for it.
    pub tags: Vec<Option<String>>,
    /// The recurring campaign it is one time of.
    pub parent_id: Option<i64>,
    /// Which time.
    pub occurrence_at: Option<DateTime<Utc>>,
    /// Over the sandbox only.
    pub rehearsal: bool,
    /// What it was foretold to come to.
    pub forecast: Option<Value>,
    /// A second person's word: `pending`, `approved` or `rejected`; `None`: it needs none.
    pub approval: Option<String>,
    /// Whose word.
    pub approval_by: Option<i64>,
    /// When it was given.
    pub approval_at: Option<DateTime<Utc>>,
    /// With what reason.
    pub approval_note: Option<String>,
    /// Of a sequence: people who enter later are looked for until then.
    pub enrol_until: Option<DateTime<Utc>>,
    /// The variant that won.
    pub winner_id: Option<i64>,
    /// When it was named.
    pub winner_at: Option<DateTime<Utc>>,
    /// What it was named by.
    pub winner_basis: Option<Value>,
    /// When it is to start.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// The IANA zone its days are counted in.
    pub time_zone: Option<String>,
    /// Past this it asks instead of starting.
    pub latest_start: Option<DateTime<Utc>>,
    /// The audience is written and every text was tried.
    pub audience_ready: bool,
    /// Why it does not go on.
    pub error: Option<String>,
    /// When sending began.
    pub started_at: Option<DateTime<Utc>>,
    /// When nothing was left to send.
    pub completed_at: Option<DateTime<Utc>>,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// Who wrote it last, where that is somebody else.
    pub written_by: Option<i64>,
    /// What it had come to when a person let it go on after it had paused by itself, as `Fared` writes it.
    pub judged_from: Option<Value>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// What whoever wrote it reached.
    #[diesel(deserialize_as = Name)]
    pub scope: Scope,
    /// Their office then.
    pub branch_id: Option<i64>,
}

impl Campaign {
    /// What whoever wrote it reached: whom it can address. Nobody in particular reaches nobody.
    pub fn reach(&self) -> Reach {
        let writer = self.written_by.or(self.created_by).unwrap_or_default();
        Reach::of(self.scope, UserId(writer), self.branch_id.map(BranchId))
    }

    /// Whether it is their work: another person's word on it is asked for.
    pub fn is_by(&self, user: UserId) -> bool {
        [self.created_by, self.written_by].contains(&Some(user.0))
    }

    /// What its limits do not judge: what had come before a person let it go on.
    pub fn judged_from(&self) -> Fared {
        self.judged_from.clone().and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
    }

    /// How many it was to reach, as told when it was written.
    pub fn estimate(&self) -> Option<i64> {
        self.metrics.as_ref()?.get("estimate")?.as_i64()
    }

    /// How it goes out. What cannot be read is as it was never said: plans are checked before they are kept.
    pub fn plan(&self) -> Plan {
        serde_json::from_value(self.plan.clone()).unwrap_or_default()
    }

    /// What it was foretold to come to.
    pub fn forecast(&self) -> Option<Forecast> {
        serde_json::from_value(self.forecast.clone()?).ok()
    }

    /// How it begins once a person launches it.
    pub fn begins(&self, now: DateTime<Utc>) -> Begins {
        if self.audience_ready {
            Begins::Ready
        } else if self.mode == CampaignMode::Recurring {
            Begins::AgainAndAgain
        } else if self.scheduled_at.is_some_and(|at| at > now) {
            Begins::AtItsTime
        } else if self.latest_start.is_some_and(|latest| latest < now) {
            Begins::TooLate
        } else {
            Begins::AtOnce
        }
    }

    /// The figures as last measured; `None` when they never were, or cannot be read.
    pub fn report(&self) -> Option<Report> {
        self.metrics_at?;
        serde_json::from_value(self.metrics.clone()?).ok()
    }
}

/// The campaign of that number, if it is in reach.
pub async fn find(connection: &mut AsyncPgConnection, reach: Reach, id: i64) -> Result<Option<Campaign>, DbError> {
    let query = campaigns::table.filter(campaigns::id.eq(id).and(in_reach(reach))).select(Campaign::as_select());
    Ok(query.first(connection).await.optional()?)
}

fn in_reach(reach: Reach) -> SqlLiteral<Bool> {
    diesel::dsl::sql(&has_campaign(reach))
}

/// Which campaigns, and which part of the list.
#[derive(Debug, Clone, Default)]
pub struct CampaignList {
    /// Any of these; empty: all.
    pub statuses: Vec<CampaignStatus>,
    /// Any of these; empty: all.
    pub channels: Vec<Channel>,
    /// Over this upload only.
    pub upload_id: Option<i64>,
    /// With this tag only.
    pub tag: Option<String>,
    /// Times of this recurring campaign only.
    pub parent: Option<i64>,
    /// With this in their name, whatever its case.
    pub search: Option<String>,
    /// How many to pass over.
    pub offset: i64,
    /// How many to answer.
    pub limit: i64,
}

/// A page of campaigns in reach, newest first, and how many there are in all. Campaigns are few: counting them is cheap.
pub async fn list(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    wanted: &CampaignList,
) -> Result<(Vec<Campaign>, i64), DbError> {
    let statuses: Vec<&str> = wanted.statuses.iter().map(|status| status.as_str()).collect();
    let channels: Vec<&str> = wanted.channels.iter().map(|channel| channel.as_str()).collect();
    let search = wanted.search.as_deref().map(containing);
    let matching = || {
        let mut query = campaigns::table.filter(in_reach(reach)).into_boxed();
        if let Some(upload) = wanted.upload_id {
            query = query.filter(campaigns::upload_id.eq(upload));
        }
        if let Some(tag) = &wanted.tag {
            query = query.filter(campaigns::tags.contains(vec![Some(tag.as_str())]));
        }
        if let Some(parent) = wanted.parent {
            query = query.filter(campaigns::parent_id.eq(parent));
        }
        if let Some(search) = &search {
            query = query.filter(campaigns::name.ilike(search));
        }
        if !statuses.is_empty() {
            query = query.filter(campaigns::status.eq_any(statuses.clone()));
        }
        if !channels.is_empty() {
            query = query.filter(campaigns::campaign_type.eq_any(channels.clone()));
        }
        query
    };
    let total = matching().count().get_result(connection).await?;
    let rows = matching()
        .order(campaigns::id.desc())
        .offset(wanted.offset)
        .limit(wanted.limit)
        .select(Campaign::as_select())
        .load(connection)
        .await?;
    Ok((rows, total))
}
