//! `GET /api/policies`.

use super::search;
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::ApiResult,
    request::{Id, Page, Pagination},
    shown::{full_name, money},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BranchId, CustomerId, PolicyId, UploadId, UserId};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use schema::book::policies::{self, PolicyFilter, PolicyRow};

/// Policies.
pub struct PoliciesApi;

/// A policy.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Policy {
    /// Its id.
    id: Id<PolicyId>,
    /// The insurer's number.
    policy_number: String,
    /// Its holder.
    customer_id: Id<CustomerId>,
    /// Its holder's name.
    customer_name: String,
    /// Its kind.
    policy_type: String,
    /// With two decimals.
    premium_amount: String,
    /// Three letters.
    currency: String,
    /// First day of the term.
    start_date: NaiveDate,
    /// Last day of the term.
    end_date: NaiveDate,
    /// Day the renewal is due.
    renewal_date: Option<NaiveDate>,
    /// Days after the term in which it can still be renewed.
    grace_period_days: i32,
    /// Where it stands.
    status: String,
    /// The office it belongs to.
    branch_id: Option<Id<BranchId>>,
    /// Who looks after it.
    agent_id: Option<Id<UserId>>,
    /// The upload that touched it last.
    upload_id: Option<Id<UploadId>>,
    /// In which row of its file.
    upload_row: Option<i32>,
    /// When it became known.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

impl From<PolicyRow> for Policy {
    fn from(row: PolicyRow) -> Self {
        Self {
            id: Id(PolicyId(row.id)),
            policy_number: row.policy_number,
            customer_id: Id(CustomerId(row.customer_id)),
            customer_name: full_name(&row.first_name, &row.last_name),
            policy_type: row.policy_type,
            premium_amount: money(row.premium_amount),
            currency: row.currency,
            start_date: row.start_date,
            end_date: row.end_date,
            renewal_date: row.renewal_date,
            grace_period_days: row.grace_period_days,
            status: row.status,
            branch_id: row.branch_id.map(|id| Id(BranchId(id))),
            agent_id: row.agent_id.map(|id| Id(UserId(id))),
            upload_id: row.upload_id.map(|id| Id(UploadId(id))),
            upload_row: row.upload_row,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A part of the list.
#[derive(Object)]
struct Policies {
    /// Newest first.
    policies: Vec<Policy>,
    /// Where in the list this is.
    pagination: Pagination,
}

#[OpenApi(prefix_path = "/api/policies", tag = "Tag::Book")]
impl PoliciesApi {
    /// List policies
    #[oai(path = "/", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::PoliciesView>,
        /// Touched last by this upload only.
        #[oai(name = "uploadId")]
        upload: Query<Option<Id<UploadId>>>,
        /// Of this holder only.
        #[oai(name = "customerId")]
        customer: Query<Option<Id<CustomerId>>>,
        /// A whole policy number.
        #[oai(name = "search", validator(max_length = 100))]
        text: Query<Option<String>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Policies>> {
        let page = Page::read(page.0, limit.0)?;
        let filter = PolicyFilter {
            upload: upload.0.map(|id| id.0),
            customer: customer.0.map(|id| id.0),
            search: search(&text.0),
        };
        let mut connection = state.services.db.get().await?;
        let (rows, counted) = policies::list(&mut connection, caller.reach, &filter, page.part()).await?;
        let policies = rows.into_iter().map(Policy::from).collect();
        ok(Policies { policies, pagination: page.of(counted) })
    }
}
