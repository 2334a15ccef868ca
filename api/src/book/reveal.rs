//! `POST /api/customers/{id}/reveal`: one customer's contact and identity data in clear, and who saw which of it in the
//! audit log: no answer without its entry.

use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::Id,
    state::SharedState,
    tags::Tag,
};
use chrono::NaiveDate;
use domain::ids::CustomerId;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    book::customers,
};
use serde_json::{Value, json};

/// Personal data in clear.
pub struct RevealApi;

/// What is masked elsewhere.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Revealed {
    /// Whose.
    customer_id: Id<CustomerId>,
    /// Their address for mail.
    email: Option<String>,
    /// E.164.
    phone: Option<String>,
    /// The day.
    date_of_birth: Option<NaiveDate>,
    /// All of it.
    address: Option<Value>,
    /// Identity documents, as they were recorded.
    kyc_documents: Option<Value>,
}

impl Revealed {
    /// The names of what is there to be seen.
    fn fields(&self) -> Vec<&'static str> {
        let known = [
            ("email", self.email.is_some()),
            ("phone", self.phone.is_some()),
            ("dateOfBirth", self.date_of_birth.is_some()),
            ("address", self.address.is_some()),
            ("kycDocuments", self.kyc_documents.is_some()),
        ];
        known.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }
}

#[OpenApi(prefix_path = "/api/customers", tag = "Tag::Book")]
impl RevealApi {
    /// Show a customer's contact and identity data
    ///
    /// In clear, for one customer at a time; the audit log keeps who saw which fields.
    #[oai(path = "/:id/reveal", method = "post")]
    async fn reveal(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersReveal>,
        id: Path<Id<CustomerId>>,
    ) -> ApiResult<Reply<Revealed>> {
        let mut connection = state.services.db.get().await?;
        let revealed = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let found = customers::find(connection, caller.reach, id.0.0).await?;
                let row = found.ok_or_else(|| ApiError::not_found("customer"))?;
                let revealed = Revealed {
                    customer_id: id.0,
                    email: row.email,
                    phone: row.phone,
                    date_of_birth: row.date_of_birth,
                    address: row.address,
                    kyc_documents: row.kyc_documents,
                };
                let entry = caller.entry("customer.revealed", Entity::of(id.0.0));
                audit::record(connection, &[entry.after(json!({"fields": revealed.fields()}))]).await?;
                Ok(revealed)
            })
            .await?;
        ok(revealed)
    }
}
