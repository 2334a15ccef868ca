//! `GET /api/cases`.

use super::search;
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, Name, Page, Pagination, named_set},
    shown::{full_name, money},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    book::CaseStatus,
    ids::{CaseId, CustomerId, PolicyId, UploadId, UserId},
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use schema::{
    DbError,
    book::cases::{self, CaseFilter, CaseRow},
};

named_set!(CaseStatus);

/// Renewal cases.
pub struct CasesApi;

/// One policy's renewal of one term.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Case {
    /// Its id.
    id: Id<CaseId>,
    /// What people call it.
    case_number: String,
    /// The policy to be renewed.
    policy_id: Id<PolicyId>,
    /// The policy's number.
    policy_number: String,
    /// The policy's holder.
    customer_id: Id<CustomerId>,
    /// The holder's name.
    customer_name: String,
    /// Last day of the term to be renewed.
    term_end: NaiveDate,
    /// Where it stands.
    status: Name<CaseStatus>,
    /// How soon it should be worked on.
    priority: String,
    /// Who works on it.
    assigned_to: Option<Id<UserId>>,
    /// With two decimals.
    renewal_amount: Option<String>,
    /// Three letters.
    currency: String,
    /// Where its payment stands.
    payment_status: String,
    /// Messages sent about it.
    communication_attempts: i32,
    /// When its holder was written to last.
    last_contact_date: Option<DateTime<Utc>>,
    /// The upload that opened it.
    upload_id: Option<Id<UploadId>>,
    /// When it was opened.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

impl TryFrom<CaseRow> for Case {
    type Error = ApiError;

    fn try_from(row: CaseRow) -> ApiResult<Self> {
        let unknown = DbError::Unknown { table: "renewal_cases", column: "status" };
        Ok(Self {
            id: Id(CaseId(row.id)),
            case_number: row.case_number,
            policy_id: Id(PolicyId(row.policy_id)),
            policy_number: row.policy_number,
            customer_id: Id(CustomerId(row.customer_id)),
            customer_name: full_name(&row.first_name, &row.last_name),
            term_end: row.term_end,
            status: Name(row.status.parse().map_err(|_| unknown)?),
            priority: row.priority,
            assigned_to: row.assigned_to.map(|id| Id(UserId(id))),
            renewal_amount: row.renewal_amount.map(money),
            currency: row.currency,
            payment_status: row.payment_status,
            communication_attempts: row.communication_attempts,
            last_contact_date: row.last_contact_date,
            upload_id: row.upload_id.map(|id| Id(UploadId(id))),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A part of the list.
#[derive(Object)]
struct Cases {
    /// Newest first.
    cases: Vec<Case>,
    /// Where in the list this is.
    pagination: Pagination,
}

#[OpenApi(prefix_path = "/api/cases", tag = "Tag::Book")]
impl CasesApi {
    /// List renewal cases
    #[oai(path = "/", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CasesView>,
        /// Opened by this upload only.
        #[oai(name = "uploadId")]
        upload: Query<Option<Id<UploadId>>>,
        /// Of this policy only.
        #[oai(name = "policyId")]
        policy: Query<Option<Id<PolicyId>>>,
        /// Standing there only.
        status: Query<Option<Name<CaseStatus>>>,
        /// A whole case number.
        #[oai(name = "search", validator(max_length = 100))]
        text: Query<Option<String>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Cases>> {
        let page = Page::read(page.0, limit.0)?;
        let filter = CaseFilter {
            upload: upload.0.map(|id| id.0),
            policy: policy.0.map(|id| id.0),
            status: status.0.map(|status| status.0),
            search: search(&text.0),
        };
        let mut connection = state.services.db.get().await?;
        let (rows, counted) = cases::list(&mut connection, caller.reach, &filter, page.part()).await?;
        let cases = rows.into_iter().map(Case::try_from).collect::<ApiResult<_>>()?;
        ok(Cases { cases, pagination: page.of(counted) })
    }
}
