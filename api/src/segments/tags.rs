//! Tags on customers: short words that filters ask for.

use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, StrictBody},
    state::SharedState,
    tags::Tag,
};
use domain::ids::CustomerId;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    book::customers,
    segments::tags,
};
use serde_json::json;

/// The most tags at once.
const LIMIT: usize = 50;
/// The longest tag, in characters.
const TAG_LIMIT: usize = 50;
/// The most customers of one request.
const CUSTOMERS: usize = 10_000;

/// Tags.
pub struct CustomerTagsApi;

/// A customer's tags.
#[derive(Object)]
struct CustomerTags {
    /// In small letters, by name.
    tags: Vec<String>,
}

/// Tags for many customers.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct TagChange {
    /// Whom it is about.
    #[oai(validator(min_items = 1))]
    customer_ids: Vec<Id<CustomerId>>,
    /// Tags they get.
    #[oai(default)]
    add: Vec<String>,
    /// Tags they lose.
    #[oai(default)]
    remove: Vec<String>,
}

/// What a change of many came to.
#[derive(Object)]
struct TagsChanged {
    /// Tags that customers did not have before.
    added: i64,
    /// Tags that customers had before.
    removed: i64,
}

#[OpenApi(prefix_path = "/api/customers", tag = "Tag::Segments")]
impl CustomerTagsApi {
    /// Get a customer's tags
    #[oai(path = "/:id/tags", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersView>,
        id: Path<Id<CustomerId>>,
    ) -> ApiResult<Reply<CustomerTags>> {
        let mut connection = state.services.db.get().await?;
        let found = customers::find(&mut connection, caller.reach, id.0.0).await?;
        found.ok_or_else(|| ApiError::not_found("customer"))?;
        ok(CustomerTags { tags: tags::of(&mut connection, id.0.0).await? })
    }

    /// Set a customer's tags
    ///
    /// In place of all they have.
    #[oai(path = "/:id/tags", method = "put")]
    async fn set(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersEdit>,
        id: Path<Id<CustomerId>>,
        body: StrictBody<CustomerTags>,
    ) -> ApiResult<Reply<CustomerTags>> {
        let (id, now) = (id.0.0, state.services.clock.now());
        let given = checked("tags", &body.0.tags)?;
        let mut connection = state.services.db.get().await?;
        let after = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let found = customers::find(connection, caller.reach, id).await?;
                found.ok_or_else(|| ApiError::not_found("customer"))?;
                let before = tags::of(connection, id).await?;
                tags::set(connection, id, &given, caller.user_id, now).await?;
                let after = tags::of(connection, id).await?;
                let entry = caller.entry("customer.tagged", Entity::of(id));
                let entry = entry.before(json!({"tags": before})).after(json!({"tags": after}));
                audit::record(connection, &[entry]).await?;
                Ok(after)
            })
            .await?;
        ok(CustomerTags { tags: after })
    }

    /// Add and remove tags on many customers
    ///
    /// Customers out of reach are passed over.
    #[oai(path = "/tags", method = "post")]
    async fn change(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersEdit>,
        body: StrictBody<TagChange>,
    ) -> ApiResult<Reply<TagsChanged>> {
        let (reach, user, now) = (caller.reach, caller.user_id, state.services.clock.now());
        let (add, remove) = (checked("add", &body.0.add)?, checked("remove", &body.0.remove)?);
        let ids: Vec<CustomerId> = body.0.customer_ids.iter().map(|id| id.0).collect();
        if ids.len() > CUSTOMERS {
            return Err(ApiError::invalid("customerIds", format!("expected 1 to {CUSTOMERS} customers")));
        }
        if let Some(tag) = add.iter().find(|tag| remove.contains(tag)) {
            return Err(ApiError::invalid("remove", format!("{tag} is to be added too")));
        }
        let mut connection = state.services.db.get().await?;
        let (added, removed) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let (added, removed) = tags::change(connection, reach, &ids, (&add, &remove), user, now).await?;
                let entry = caller.entry("customers.tagged", Entity::named("customers", "tags"));
                let told =
                    json!({"customers": ids.len(), "add": add, "remove": remove, "added": added, "removed": removed});
                audit::record(connection, &[entry.after(told)]).await?;
                Ok((added, removed))
            })
            .await?;
        ok(TagsChanged { added, removed })
    }
}

/// Tags as they are kept.
fn checked(field: &str, tags: &[String]) -> ApiResult<Vec<String>> {
    if tags.len() > LIMIT {
        return Err(ApiError::invalid(field, format!("expected {LIMIT} tags at most")));
    }
    let one = |tag: &String| {
        let tag = tag.trim().to_lowercase();
        match tag.chars().count() {
            1..=TAG_LIMIT if !tag.chars().any(char::is_control) => Ok(tag),
            _ => Err(ApiError::invalid(field, format!("expected tags of 1 to {TAG_LIMIT} characters"))),
        }
    };
    tags.iter().map(one).collect()
}
