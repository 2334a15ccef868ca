//! `/api/communication/accounts`: the accounts that send, which of them wait for a person and why, letting one send
//! again, and what each does about messages of unknown outcome.

use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Name, StrictBody, named_set},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::{Channel, UnconfirmedEnd, UnconfirmedPolicy};
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

named_set!(UnconfirmedEnd);

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
    /// How many different people it may write to first within a day, as the provider has it.
    daily_recipients: Option<i32>,
    /// What it does about messages of unknown outcome.
    unconfirmed: UnconfirmedRule,
}

/// What is done about messages of which nobody knows whether the provider took them. They are never sent again unless
/// the provider proves that it never had them.
#[derive(Object, Clone, Copy)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
struct UnconfirmedRule {
    /// How long the provider's word is waited for, in minutes.
    #[oai(validator(minimum(value = "15"), maximum(value = "10080")))]
    after_minutes: i32,
    /// What stands in for it then: `unconfirmed` (nothing), `sent` or `failed`.
    close_as: Name<UnconfirmedEnd>,
}

impl From<UnconfirmedPolicy> for UnconfirmedRule {
    fn from(policy: UnconfirmedPolicy) -> Self {
        Self { after_minutes: policy.minutes(), close_as: Name(policy.end) }
    }
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
            let policy = row.as_ref().map(|row| row.unconfirmed()).transpose()?.flatten().unwrap_or_default();
            let daily_recipients = row.as_ref().and_then(|row| row.daily_recipients);
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
                daily_recipients,
                unconfirmed: policy.into(),
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

    /// Say what an account does about messages of unknown outcome
    ///
    /// Until then they are looked up where the provider can be asked. A word of the provider's that comes later counts
    /// whatever stood in for it.
    #[oai(path = "/:account/unconfirmed", method = "put")]
    async fn set_unconfirmed(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::SettingsManage>,
        account: Path<String>,
        body: StrictBody<UnconfirmedRule>,
    ) -> ApiResult<Reply<UnconfirmedRule>> {
        let lines = state.services.lines.all();
        let line = lines.iter().find(|line| line.account().account() == account.0);
        let line = line.ok_or_else(|| ApiError::not_found("account"))?;
        let rule = body.0;
        let policy = UnconfirmedPolicy { after: TimeDelta::minutes(rule.after_minutes.into()), end: rule.close_as.0 };
        let shown = |policy: UnconfirmedPolicy| json!({"afterMinutes": policy.minutes(), "closeAs": policy.end});
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        connection
            .transaction::<_, ApiError, _>(async |connection| {
                let known = sending_accounts::known(connection, &[&account.0]).await?;
                let before = known.first().map(|row| row.unconfirmed()).transpose()?.flatten().unwrap_or_default();
                let named = (account.0.as_str(), line.channel(), line.account().name());
                sending_accounts::set_unconfirmed(connection, named, policy, now).await?;
                let entry = caller.entry("account.changed", Entity::named("sending_account", &account.0));
                audit::record(connection, &[entry.before(shown(before)).after(shown(policy))]).await?;
                Ok(())
            })
            .await?;
        ok(rule)
    }
}
