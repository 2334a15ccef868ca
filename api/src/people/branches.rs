//! `/api/branches`: the offices that people and policies belong to.

use super::text::Faults;
use crate::{
    auth::{Guard, permit},
    envelope::{Created, Reply, created, ok},
    error::{ApiError, ApiResult},
    request::{COUNT_CAP, Id, Page, Pagination, StrictBody, blank_is_none},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::ids::BranchId;
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
    types::{ParseFromJSON, ToJSON},
};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    people::branches::{self, BranchRow, BranchText},
};
use serde_json::{Value, json};

/// Offices.
pub struct BranchesApi;

/// Where an office is.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
struct BranchAddress {
    /// House, street, area.
    #[oai(validator(max_length = 255))]
    line: Option<String>,
    /// City.
    #[oai(validator(max_length = 100))]
    city: Option<String>,
    /// State.
    #[oai(validator(max_length = 100))]
    state: Option<String>,
    /// Postal code.
    #[oai(validator(max_length = 20))]
    postal_code: Option<String>,
    /// Country.
    #[oai(validator(max_length = 100))]
    country: Option<String>,
}

/// An office.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Branch {
    /// Its id.
    id: Id<BranchId>,
    /// What programs and books of policies call it.
    code: String,
    /// What people call it.
    name: String,
    /// Where it is.
    address: Option<BranchAddress>,
    /// By whose clock it works.
    time_zone: String,
    /// When it was written down.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

impl From<BranchRow> for Branch {
    fn from(row: BranchRow) -> Self {
        Self {
            id: Id(BranchId(row.id)),
            code: row.code,
            name: row.name,
            // one that was kept in another form is not shown
            address: row.address.and_then(|address| BranchAddress::parse_from_json(Some(address)).ok()),
            time_zone: row.time_zone,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A part of the list.
#[derive(Object)]
struct Branches {
    /// By code.
    branches: Vec<Branch>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// What is told about an office.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct BranchBody {
    /// What programs and books of policies call it.
    #[oai(validator(min_length = 1, max_length = 50))]
    code: String,
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 255))]
    name: String,
    /// Where it is.
    address: Option<BranchAddress>,
    /// By whose clock it works, such as `Asia/Kolkata`, which is the default.
    #[oai(validator(max_length = 64))]
    time_zone: Option<String>,
}

impl BranchBody {
    fn checked(self) -> ApiResult<BranchText> {
        let mut faults = Faults::default();
        let zone = blank_is_none(self.time_zone).unwrap_or_else(|| "Asia/Kolkata".to_owned());
        if zone.parse::<chrono_tz::Tz>().is_err() {
            faults.add("timeZone", "expected a time zone such as Asia/Kolkata");
        }
        let text = BranchText {
            code: faults.line("code", &self.code),
            name: faults.line("name", &self.name),
            address: self.address.and_then(|address| address.to_json()),
            time_zone: zone,
        };
        faults.none()?;
        Ok(text)
    }
}

#[OpenApi(prefix_path = "/api/branches", tag = "Tag::Branches")]
impl BranchesApi {
    /// List offices
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::SettingsView>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Branches>> {
        let page = Page::read(page.0, limit.0)?;
        let mut connection = state.services.db.get().await?;
        let rows = branches::list(&mut connection, page.offset(), page.limit()).await?;
        let counted = branches::count(&mut connection, COUNT_CAP + 1).await?;
        ok(Branches { branches: rows.into_iter().map(Branch::from).collect(), pagination: page.of(counted) })
    }

    /// Get an office
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::SettingsView>,
        id: Path<Id<BranchId>>,
    ) -> ApiResult<Reply<Branch>> {
        let mut connection = state.services.db.get().await?;
        ok(branches::get(&mut connection, id.0.0).await?.ok_or_else(not_found)?.into())
    }

    /// Write an office down
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::SettingsManage>,
        body: StrictBody<BranchBody>,
    ) -> ApiResult<Created<Branch>> {
        let text = body.0.checked()?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let row = branches::create(connection, &text, now).await.map_err(code_taken)?;
                let entry = caller.entry("branch.created", Entity::of(BranchId(row.id))).after(audited(&row));
                audit::record(connection, &[entry]).await?;
                Ok(row)
            })
            .await?;
        created(row.into())
    }

    /// Change an office
    ///
    /// Replaces all of it; what is left out gets its default.
    #[oai(path = "/:id", method = "put")]
    async fn change(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::SettingsManage>,
        id: Path<Id<BranchId>>,
        body: StrictBody<BranchBody>,
    ) -> ApiResult<Reply<Branch>> {
        let (text, id) = (body.0.checked()?, id.0.0);
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = branches::lock(connection, id).await?.ok_or_else(not_found)?;
                let after = branches::change(connection, id, &text, now).await.map_err(code_taken)?;
                let entry = caller.entry("branch.changed", Entity::of(id));
                audit::record(connection, &[entry.before(audited(&before)).after(audited(&after))]).await?;
                Ok(after)
            })
            .await?;
        ok(row.into())
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("branch")
}

fn code_taken(error: schema::DbError) -> ApiError {
    match error.unique_violation() {
        Some(_) => ApiError::conflict("code_taken", "there is a branch of that code already"),
        None => error.into(),
    }
}

fn audited(row: &BranchRow) -> Value {
    json!({"code": row.code, "name": row.name, "address": row.address, "timeZone": row.time_zone})
}
