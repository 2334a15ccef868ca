//! `/api/customers`: policy holders, their contact and identity data masked; [`reveal`](super::reveal) shows it.

use super::search;
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, Page, Pagination},
    shown::full_name,
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CustomerId, UploadId},
    masking,
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::book::customers::{self, CustomerFilter, CustomerRow};
use serde_json::Value;

/// Policy holders.
pub struct CustomersApi;

/// A policy holder. What would reach them, or pass for them, is masked: `POST /api/customers/{id}/reveal` shows it.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Customer {
    /// Their id.
    id: Id<CustomerId>,
    /// The insurer's own code for them.
    customer_code: String,
    /// First and last name.
    name: String,
    /// First name.
    first_name: String,
    /// Last name.
    last_name: String,
    /// `a***@example.com`.
    email: Option<String>,
    /// `+91******3210`.
    phone: Option<String>,
    /// The year only: `**/**/1980`.
    date_of_birth: Option<String>,
    /// City and state only.
    address: Option<Value>,
    /// Always true: personal data is masked here.
    masked: bool,
    /// Whether their identity was verified.
    kyc_status: String,
    /// Of numbers the last four only.
    kyc_documents: Option<Value>,
    /// The upload that created them.
    upload_id: Option<Id<UploadId>>,
    /// When they became known.
    created_at: DateTime<Utc>,
    /// When they were changed last.
    updated_at: DateTime<Utc>,
}

impl From<CustomerRow> for Customer {
    fn from(row: CustomerRow) -> Self {
        Self {
            id: Id(CustomerId(row.id)),
            customer_code: row.customer_code,
            name: full_name(&row.first_name, &row.last_name),
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.email.as_deref().map(masking::email),
            phone: row.phone.as_deref().map(masking::phone),
            date_of_birth: row.date_of_birth.map(masking::date_of_birth),
            address: row.address.as_ref().and_then(masking::address),
            masked: true,
            kyc_status: row.kyc_status,
            kyc_documents: row.kyc_documents.as_ref().map(masking::documents),
            upload_id: row.upload_id.map(|id| Id(UploadId(id))),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A part of the list.
#[derive(Object)]
struct Customers {
    /// Newest first.
    customers: Vec<Customer>,
    /// Where in the list this is.
    pagination: Pagination,
}

#[OpenApi(prefix_path = "/api/customers", tag = "Tag::Book")]
impl CustomersApi {
    /// List customers
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersView>,
        /// Created by this upload only.
        #[oai(name = "uploadId")]
        upload: Query<Option<Id<UploadId>>>,
        /// A whole customer code, or what the full name begins with.
        #[oai(name = "search", validator(max_length = 200))]
        text: Query<Option<String>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Customers>> {
        let page = Page::read(page.0, limit.0)?;
        let filter = CustomerFilter { upload: upload.0.map(|id| id.0), search: search(&text.0) };
        let mut connection = state.services.db.get().await?;
        let (rows, counted) = customers::list(&mut connection, caller.reach, &filter, page.part()).await?;
        let customers = rows.into_iter().map(Customer::from).collect();
        ok(Customers { customers, pagination: page.of(counted) })
    }

    /// Get a customer
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersView>,
        id: Path<Id<CustomerId>>,
    ) -> ApiResult<Reply<Customer>> {
        let mut connection = state.services.db.get().await?;
        let found = customers::find(&mut connection, caller.reach, id.0.0).await?;
        ok(found.ok_or_else(|| ApiError::not_found("customer"))?.into())
    }
}
