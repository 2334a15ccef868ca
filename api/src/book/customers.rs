//! `GET /api/customers`.

use super::{full_name, part, search};
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::ApiResult,
    request::{Id, Page, Pagination},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CustomerId, UploadId},
    masking,
    permissions::Permission,
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use schema::book::customers::{self, CustomerFilter, CustomerRow};

/// Policy holders.
pub struct CustomersApi;

/// A policy holder.
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
    /// In clear for those who may see it so.
    email: Option<String>,
    /// E.164, in clear for those who may see it so.
    phone: Option<String>,
    /// Whether email and phone are masked.
    masked: bool,
    /// Whether their identity was verified.
    kyc_status: String,
    /// The upload that created them.
    upload_id: Option<Id<UploadId>>,
    /// When they became known.
    created_at: DateTime<Utc>,
    /// When they were changed last.
    updated_at: DateTime<Utc>,
}

impl Customer {
    fn new(row: CustomerRow, masked: bool) -> Self {
        let shown = |text: Option<String>, mask: fn(&str) -> String| match masked {
            true => text.as_deref().map(mask),
            false => text,
        };
        Self {
            id: Id(CustomerId(row.id)),
            customer_code: row.customer_code,
            name: full_name(&row.first_name, &row.last_name),
            first_name: row.first_name,
            last_name: row.last_name,
            email: shown(row.email, masking::email),
            phone: shown(row.phone, masking::phone),
            masked,
            kyc_status: row.kyc_status,
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
        let (rows, counted) = customers::list(&mut connection, &filter, part(page)).await?;
        let masked = !caller.may(Permission::CustomersReveal);
        let customers = rows.into_iter().map(|row| Customer::new(row, masked)).collect();
        ok(Customers { customers, pagination: page.of(counted) })
    }
}
