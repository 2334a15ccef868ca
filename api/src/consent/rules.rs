//! `/api/communication/rules`: when, how often and on whose word messages go out.

use super::rules_body::RestraintRules;
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, StrictBody},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::ids::UserId;
use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    consent::rules::{self, Written},
};
use serde_json::json;

/// The rules of restraint.
pub struct RulesApi;

/// The rules that hold, and who wrote them.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct RulesWritten {
    /// What holds.
    rules: RestraintRules,
    /// Who changed them last.
    updated_by: Option<Id<UserId>>,
    /// When; null: they are the defaults.
    updated_at: Option<DateTime<Utc>>,
}

impl RulesWritten {
    fn of(written: &Written) -> ApiResult<Self> {
        Ok(Self {
            rules: RestraintRules::of(&written.rules)?,
            updated_by: written.updated_by.map(Id),
            updated_at: written.updated_at,
        })
    }
}

#[OpenApi(prefix_path = "/api/communication/rules", tag = "Tag::Consent")]
impl RulesApi {
    /// Get the rules of restraint
    #[oai(path = "/", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::SettingsView>,
    ) -> ApiResult<Reply<RulesWritten>> {
        let written = rules::written(&mut *state.services.db.get().await?).await?;
        ok(RulesWritten::of(&written)?)
    }

    /// Change the rules of restraint
    ///
    /// Replaces all of them; what is left out gets its default. They hold for what is sent from then on, messages that
    /// wait included.
    #[oai(path = "/", method = "put")]
    async fn put(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::SettingsManage>,
        body: StrictBody<RestraintRules>,
    ) -> ApiResult<Reply<RulesWritten>> {
        let (new, now) = (body.0.checked()?, state.services.clock.now());
        let mut connection = state.services.db.get().await?;
        let written = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = rules::get(connection).await?;
                rules::put(connection, &new, Some(caller.user_id), now).await?;
                let entry = caller.entry("messaging_rules.changed", Entity::named("messaging_rules", "rules"));
                audit::record(connection, &[entry.before(json!(before)).after(json!(new))]).await?;
                Ok(rules::written(connection).await?)
            })
            .await?;
        ok(RulesWritten::of(&written)?)
    }
}
