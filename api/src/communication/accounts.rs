//! `/api/communication/accounts`: the accounts that send, which of them wait for a person and why, and letting one send
//! again.

use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::Name,
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::messaging::Channel;
use jobs::sending::accounts;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    sending_accounts,
};
use serde_json::json;
use std::collections::HashMap;

/// Accounts that send.
pub struct AccountsApi;

/// All of them, in the order in which they are tried.
#[derive(Object)]
struct SendingAccounts {
    /// One a configured account; the sandbox where there is none.
    accounts: Vec<SendingAccount>,
}

/// An account.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct SendingAccount {
    /// Its name.
    account: String,
    /// The channel it sends on.
    channel: Name<Channel>,
    /// The provider.
    provider: String,
    /// Messages a second, at most.
    rate_per_second: u32,
    /// Since when its messages wait for a person.
    paused_at: Option<DateTime<Utc>>,
    /// Why.
    paused_reason: Option<String>,
    /// Why it rests for a moment.
    resting_for: Option<String>,
    /// The provider's own judgement of it.
    quality: Option<String>,
}

/// An account that sends again.
#[derive(Object)]
struct ResumedAccount {
    /// Its name.
    account: String,
    /// What was done.
    message: String,
}

#[OpenApi(prefix_path = "/api/communication/accounts", tag = "Tag::Communication")]
impl AccountsApi {
    /// List the accounts that send
    #[oai(path = "/", method = "get")]
    async fn list_accounts(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::SettingsView>,
    ) -> ApiResult<Reply<SendingAccounts>> {
        let lines = state.services.lines.all();
        let names: Vec<&str> = lines.iter().map(|line| line.account().account()).collect();
        let mut connection = state.services.db.get().await?;
        let known = sending_accounts::known(&mut connection, &names).await?;
        drop(connection);
        let mut known: HashMap<String, _> = known.into_iter().map(|row| (row.account.clone(), row)).collect();
        let mut shown = Vec::with_capacity(lines.len());
        for line in lines {
            let account = line.account();
            // without Redis nobody knows, and nothing is sent
            let resting = state.services.rate_limiter.pause_of(account.account()).await.ok().flatten();
            let row = known.remove(account.account());
            let (paused_at, paused_reason, quality) =
                row.map_or((None, None, None), |row| (row.paused_at, row.paused_reason, row.quality));
            shown.push(SendingAccount {
                account: account.account().to_owned(),
                channel: Name(line.channel()),
                provider: account.name().to_owned(),
                rate_per_second: account.rate().per_second,
                paused_at,
                paused_reason,
                resting_for: resting.map(|pause| pause.reason),
                quality,
            });
        }
        ok(SendingAccounts { accounts: shown })
    }

    /// Let an account send again
    ///
    /// What waits for it goes out at once.
    #[oai(path = "/:account/resume", method = "post")]
    async fn resume_account(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::SettingsManage>,
        account: Path<String>,
    ) -> ApiResult<Reply<ResumedAccount>> {
        let known = state.services.lines.all().iter().any(|line| line.account().account() == account.0);
        if !known {
            return Err(ApiError::not_found("account"));
        }
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let resumed = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let resumed = accounts::resume_in(connection, &account.0, now).await?;
                if resumed {
                    let entry = caller.entry("account.resumed", Entity::named("sending_account", &account.0));
                    audit::record(connection, &[entry.before(json!({"paused": true})).after(json!({"paused": false}))])
                        .await?;
                }
                Ok(resumed)
            })
            .await?;
        let message = if resumed { "The account sends again" } else { "The account was not paused" };
        ok(ResumedAccount { account: account.0, message: message.to_owned() })
    }
}
